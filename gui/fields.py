"""Fields for numbers: checked on Enter, with a sentence beside the field when the text will not do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from engine import checks
from gui import numerals
from gui.keys import is_space

_NOTE_WIDTH: Final = 340
_NOTE_MS: Final = 10_000


class NumberField(QLineEdit):
    """A field for one number. Enter uses it; bad text is refused in words and the old value stays.

    Args:
        name: what the number is, for people who hear the screen.
        read: returns the number of a text, or raises ValueError or TypeError with one sentence.
    """

    value_entered = Signal(float)
    """A new, valid number, after Enter or after the focus went elsewhere."""

    def __init__(self, name: str, read: Callable[[str], float], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._read = read
        self._value: float | None = None
        self._note = FieldNote(self)
        self.setMaxLength(40)
        self.returnPressed.connect(self._use_text)
        self.textEdited.connect(self._note.hide)

    @property
    def value(self) -> float | None:
        """The number in use; what is being typed is not used yet."""
        return self._value

    @property
    def problem(self) -> str:
        """The sentence that is shown beside the field, or ""."""
        return self._note.text() if self._note.isVisibleTo(self.window()) else ""

    def show_value(self, value: float) -> None:
        """Show the number in use, unless somebody is typing."""
        if value == self._value:
            return
        self._value = value
        self._note.hide()
        self.setAccessibleName(f"{self._name}, {value:g}")
        if not self.isModified():
            self.setText(f"{value:.6g}")

    def take_back(self) -> None:
        """Show the number in use instead of what was typed."""
        self.setText("" if self._value is None else f"{self._value:.6g}")
        self.setModified(False)

    def event(self, event: QEvent) -> bool:
        """Leave Space to the window: no number has one. Keep Esc from it while there is something to take back."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if is_space(event):
                event.ignore()
                return False
            if event.key() == Qt.Key.Key_Escape and self._has_something_to_take_back:
                event.accept()
                return True
        return super().event(event)

    @property
    def _has_something_to_take_back(self) -> bool:
        return self.isModified() or self._note.isVisible()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc gives back the old value."""
        if event.key() == Qt.Key.Key_Escape and self._has_something_to_take_back:
            self._note.hide()
            self.take_back()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Use what was typed, as Enter does; the number on the screen is then the number in use."""
        super().focusOutEvent(event)
        if self.isModified() and event.reason() != Qt.FocusReason.PopupFocusReason:
            self._use_text()

    def _use_text(self) -> None:
        text = self.text()
        try:
            value = self._read(text)
        except (ValueError, TypeError) as error:
            self.take_back()
            self.selectAll()
            self._note.show_text(str(error))
            return
        self._note.hide()
        self.setModified(False)
        if value != self._value:
            self._value = value
            self.value_entered.emit(value)


class FieldNote(QLabel):
    """A sentence below its field, over whatever is there, until one types again or some seconds have passed."""

    def __init__(self, field: QWidget) -> None:
        super().__init__(field, wordWrap=True)
        self.setObjectName("field_note")
        self._field = field
        self._timer = QTimer(self, singleShot=True, interval=_NOTE_MS)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def show_text(self, text: str) -> None:
        """Show a sentence below the field, inside the window."""
        window = self._field.window()
        self.setParent(window)
        self.setText(text)
        self.setAccessibleName(text)
        self.setFixedWidth(min(_NOTE_WIDTH, window.width() - 8))
        self.adjustSize()
        place = self._field.mapTo(window, QPoint(0, self._field.height() + 4))
        place.setX(max(4, min(place.x(), window.width() - self.width() - 4)))
        self.move(place)
        self.show()
        self.raise_()
        self._timer.start()


def read_real(name: str, text: str, above: float = -math.inf, at_least: float = -math.inf) -> float:
    """Return the number of a text; ValueError with one sentence if it is none or out of bounds."""
    try:
        number = float(numerals.unsigned(text))
    except ValueError:
        raise ValueError(f"{name} must be a number, not {text!r}.") from None
    return checks.real_number(name, number, above, at_least)
