"""LookStrip: what to look for, on the wall while a presentation runs and the lesson's text is away."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy

from gui.captions import broken_lines

_MARGIN_PX: Final = 8


class LookStrip(QLabel):
    """A text over the whole width, in as many lines as it takes."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setContentsMargins(_MARGIN_PX, 0, _MARGIN_PX, 0)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_look(self, text: str) -> None:
        """Show what to look for, a text without its opening words; "" for nothing."""
        self._whole = f"Look for: {text}" if text else ""
        self._break()

    def event(self, event: QEvent) -> bool:
        """Break the lines anew in another type."""
        handled = super().event(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._break()
        return handled

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the lines anew in another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._break()

    def _break(self) -> None:
        lines = broken_lines(self._whole, self.font(), self.width() - 2 * _MARGIN_PX)
        self.setText("\n".join(line.rstrip() for line in lines))
        self.setFixedHeight(len(lines) * self.fontMetrics().lineSpacing() + _MARGIN_PX)
