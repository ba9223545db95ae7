"""AnswerRow: one small button a choice, by its letter; arrows, letters and numbers choose by keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

_MOVES: Final = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
_ENTER: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_WIDTH: Final = 40


class AnswerButton(QPushButton):
    """Takes the keys of the row before the shortcuts of the window get them; Space is left to run and pause."""

    key_pressed = Signal(int)
    """A key of the row was pressed."""

    def event(self, event: QEvent) -> bool:
        """Claim arrows, letters and numbers of the row, and give back Space."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            if event.key() == Qt.Key.Key_Space:
                event.ignore()
                return True
            if self._is_ours(event):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses the button, the row's keys go to the row."""
        if event.key() in _ENTER:
            self.click()
        elif self._is_ours(event):
            self.key_pressed.emit(event.key())
        else:
            super().keyPressEvent(event)

    def _is_ours(self, event: QKeyEvent) -> bool:
        parent = self.parentWidget()
        return (
            isinstance(parent, AnswerRow)
            and event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
            and (event.key() in _MOVES or parent.number_of(event.key()) is not None)
        )


class AnswerRow(QWidget):
    """The letters of the answers to choose from."""

    chosen = Signal(str)
    """The text of an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: tuple[str, ...] = ()
        self.buttons: list[AnswerButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        self._row.addWidget(QLabel("Your answer"))

    def offer(self, texts: Sequence[str]) -> None:
        """Show a button for each answer; the first 26 at most."""
        self.texts = tuple(texts)[: len(ascii_uppercase)]
        while len(self.buttons) < len(self.texts):
            self._add_button()
        for number, button in enumerate(self.buttons):
            button.setVisible(number < len(self.texts))
            if number < len(self.texts):
                button.setToolTip(f"{self.texts[number]} ({button.text()})")
                button.setAccessibleName(f"{button.text()}: {self.texts[number]}")

    def setFocus(self, reason: Qt.FocusReason = Qt.FocusReason.OtherFocusReason) -> None:
        """Give the focus to the first answer."""
        if self.texts:
            self.buttons[0].setFocus(reason)

    def number_of(self, key: int) -> int | None:
        """Return which answer a key stands for, from 0: A or 1 is the first; None for a key of others."""
        for first in (Qt.Key.Key_A, Qt.Key.Key_1):
            if 0 <= key - first < min(len(self.texts), 26 if first == Qt.Key.Key_A else 9):
                return key - int(first)
        return None

    def _add_button(self) -> None:
        number = len(self.buttons)
        button = AnswerButton(ascii_uppercase[number])
        button.setFixedWidth(_WIDTH)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self._choose(number))
        button.key_pressed.connect(self._take_key)
        self.buttons.append(button)
        self._row.addWidget(button)

    def _choose(self, number: int) -> None:
        self.chosen.emit(self.texts[number])

    def _take_key(self, key: int) -> None:
        number = self.number_of(key)
        if number is not None:
            self._choose(number)
            return
        focused = next((i for i, button in enumerate(self.buttons) if button.hasFocus()), 0)
        self.buttons[(focused + _MOVES[Qt.Key(key)]) % len(self.texts)].setFocus(
            Qt.FocusReason.OtherFocusReason
        )
