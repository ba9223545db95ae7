"""PlotPair: two plots side by side, or one above the other where the place is narrow."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

_WIDE: Final = 1.15  # width over height


class PlotPair(QWidget):
    """Two widgets that share a place; the second may be hidden."""

    def __init__(self, first: QWidget, second: QWidget) -> None:
        super().__init__()
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        self._row.addWidget(first, 1)
        self._row.addWidget(second, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out along the longer side."""
        super().resizeEvent(event)
        directions = QBoxLayout.Direction
        is_wide = self.width() > _WIDE * self.height()
        self._row.setDirection(directions.LeftToRight if is_wide else directions.TopToBottom)
