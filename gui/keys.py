"""Space and Enter: Space runs and pauses wherever the focus is, Enter presses the button that has it.

Without this a spin box swallows Space, and a button that was clicked once would be clicked again by it.
Text fields keep both keys: nothing is changed for a widget in which one types words.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QWidget

ARROWS: Final = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}
"""(across, up) of the arrow keys."""
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class KeyGuard(QObject):
    """An event filter for buttons, spin boxes and number fields."""

    def guard(self, root: QWidget) -> None:
        """Watch all buttons and spin boxes below a widget."""
        for kind in (QAbstractButton, QAbstractSpinBox):
            for widget in root.findChildren(kind):
                widget.removeEventFilter(self)
                widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let Space through to the shortcuts of the window; click a button by Enter."""
        if not isinstance(event, QKeyEvent):
            return False
        if event.type() == QEvent.Type.ShortcutOverride and is_space(event):
            event.ignore()
            return True
        if (
            event.type() == QEvent.Type.KeyPress
            and event.key() in _ENTER
            and isinstance(watched, QAbstractButton)
        ):
            watched.click()
            return True
        return False


def is_space(event: QKeyEvent) -> bool:
    """Whether a key event is Space without Ctrl, Alt or Shift."""
    return event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier
