"""Messages: a note on what was refused, and the line that says why a run has stopped."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from gui import icons
from gui.sentences import shortened
from gui.theme import Theme

SHOWN_MS: Final = 12_000
_HEIGHT: Final = 48  # two lines; a label that wraps asks for more than it needs


class _Line(QWidget):
    """A sign, a sentence and a button."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.sign = QLabel()
        self.sentence = QLabel(
            wordWrap=True, textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse
        )
        self.sentence.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.button = QPushButton()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 10, 4)
        layout.setSpacing(10)
        for widget in (self.sign, self.sentence, self.button):
            layout.addWidget(widget, 1 if widget is self.sentence else 0)
        self.setFixedHeight(_HEIGHT)

    def show_sentence(self, sentence: str) -> None:
        """Show a sentence; "" for none."""
        self.sentence.setText(sentence)
        self.setAccessibleName(f"Message: {sentence}" if sentence else "No message")

    def set_theme(self, theme: Theme) -> None:
        """Draw the sign in the colours of a theme."""
        self.sign.setPixmap(icons.pixmap("warning", theme.warning, 26, self.devicePixelRatioF()))


class Note(_Line):
    """A sentence along the lower edge of its parent, over whatever is there, so that nothing moves.

    Where there is a bar that is needed all the time it stands above that.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("note")
        self.button.setText("Close (Esc)")
        self._parent = parent
        self._bar: QWidget | None = None
        self.timer = QTimer(self, singleShot=True, interval=SHOWN_MS)
        parent.installEventFilter(self)
        self.hide()

    def keep_above(self, bar: QWidget) -> None:
        """Stand above a bar at the lower edge of the parent from now on."""
        self._bar = bar
        bar.installEventFilter(self)

    def show_sentence(self, sentence: str) -> None:
        """Show a sentence for some seconds; "" for none."""
        super().show_sentence(sentence)
        self.setVisible(bool(sentence))
        if sentence:
            self._place()
            self.raise_()
            self.timer.start()
        else:
            self.timer.stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay at its place when the parent changes its size, or the bar its own."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move) and self.isVisible():
            self._place()
        return False

    def _place(self) -> None:
        has_bar = self._bar is not None and self._bar.isVisible()
        bottom = self._bar.y() if has_bar else self._parent.height()  # type: ignore[union-attr]
        self.setGeometry(0, bottom - _HEIGHT, self._parent.width(), _HEIGHT)


class MessageBar(_Line):
    """Shows why a run has stopped, as long as it is, with a button for the remedy; and notes of other things.

    A note closes by itself or by Esc.

    Args:
        window: where notes are shown.
    """

    remedy_chosen = Signal()
    """The button beside the reason of a stop was pressed."""
    visibility_wanted = Signal(bool)
    """Whether there is a reason of a stop to show."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__()
        self.setObjectName("messages")
        self.note = Note(window)
        self.note.button.clicked.connect(self.close_note)
        self.note.timer.timeout.connect(self.close_note)
        self.button.clicked.connect(self._choose_remedy)
        self.button.hide()
        self.set_theme(theme)

    @property
    def text(self) -> str:
        """The note that is shown, or else the reason of a stop, or ""."""
        return self.note.sentence.text() or self.sentence.text()

    @property
    def remedy(self) -> str:
        """What the button beside the reason of a stop says, or ""."""
        return self.button.text()

    def show_note(self, sentence: str, is_warning: bool = True) -> None:
        """Show a sentence for some seconds; with a sign if it is a warning."""
        self.note.sign.setVisible(is_warning)
        self.note.show_sentence(shortened(sentence))

    def close_note(self) -> None:
        """Close the note."""
        self.note.show_sentence("")

    def show_stop(self, sentence: str, remedy: str = "") -> None:
        """Show why the run has stopped until it goes on, with a button for the remedy; "" ends it."""
        if (sentence, remedy) == (self.sentence.text(), self.remedy):
            return
        self.show_sentence(sentence)
        self.button.setText(remedy)
        self.button.setVisible(bool(remedy))
        self.visibility_wanted.emit(bool(sentence))

    def set_theme(self, theme: Theme) -> None:
        """Draw the signs in the colours of a theme."""
        super().set_theme(theme)
        self.note.set_theme(theme)
        self.button.setIcon(icons.icon("run", theme.text))
        self.button.setIconSize(QSize(16, 16))

    def _choose_remedy(self) -> None:
        self.remedy_chosen.emit()
