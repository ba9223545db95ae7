"""The line for messages: what was refused, and why a run has stopped."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from gui import icons
from gui.theme import Theme

SHOWN_MS: Final = 12_000
_HEIGHT: Final = 48  # two lines; a label that wraps asks for more than it needs


class MessageBar(QWidget):
    """Shows one sentence. A note closes by itself or by Esc; the reason of a stop stays with the stop."""

    remedy_chosen = Signal()
    """The button beside the reason of a stop was pressed."""
    visibility_wanted = Signal(bool)
    """Whether there is anything to show."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messages")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._note = ""
        self._stop = ""
        self._remedy = ""
        self._sign = QLabel()
        self._text = QLabel(wordWrap=True, textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._button = QPushButton()
        self._button.clicked.connect(self._choose_remedy)
        self._close = QPushButton("Close (Esc)")
        self._close.clicked.connect(self.close_note)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 10, 4)
        layout.setSpacing(10)
        for widget in (self._sign, self._text, self._button, self._close):
            layout.addWidget(widget, 1 if widget is self._text else 0)
        self.setFixedHeight(_HEIGHT)
        self._timer = QTimer(self, singleShot=True, interval=SHOWN_MS)
        self._timer.timeout.connect(self.close_note)
        self.set_theme(theme)
        self._update()

    @property
    def text(self) -> str:
        """The sentence that is shown, or ""."""
        return self._note or self._stop

    @property
    def remedy(self) -> str:
        """What the button beside the reason of a stop says, or ""."""
        return self._remedy

    def show_note(self, sentence: str) -> None:
        """Show a sentence for some seconds."""
        self._note = sentence
        self._timer.start()
        self._update()

    def show_stop(self, sentence: str, remedy: str = "") -> None:
        """Show why the run has stopped until it goes on, with a button for the remedy; "" ends it."""
        if (sentence, remedy) != (self._stop, self._remedy):
            self._stop, self._remedy = sentence, remedy
            self._update()

    def close_note(self) -> None:
        """Close the note; the reason of a stop comes back if there is one."""
        self._timer.stop()
        if self._note:
            self._note = ""
            self._update()

    def set_theme(self, theme: Theme) -> None:
        """Draw the sign in the colours of a theme."""
        self._sign.setPixmap(icons.pixmap("warning", theme.warning, 26, self.devicePixelRatioF()))
        self._button.setIcon(icons.icon("run", theme.text))
        self._button.setIconSize(QSize(16, 16))

    def _choose_remedy(self) -> None:
        self.remedy_chosen.emit()

    def _update(self) -> None:
        self._text.setText(self.text)
        self.setAccessibleName(f"Message: {self.text}" if self.text else "No message")
        self._button.setText(self._remedy)
        self._button.setVisible(bool(self._remedy) and not self._note)
        self._close.setVisible(bool(self._note))
        self.visibility_wanted.emit(bool(self.text))
