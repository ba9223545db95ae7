"""Marks on the landscape: points that have a name, and a curve between two of them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from gui.plot_items import Overlay

FloatArray = npt.NDArray[np.float64]
Mark = tuple[str, float, float]

_ENDS_OF_PATH: Final = ("start", "now")  # have symbols of their own
_RADIUS_PX: Final = 5.0
_GAP_PX: Final = 4.0
_HALO_PX: Final = 3.0


class Marks(Overlay):
    """Circles with labels, and a curve, white with a black outline: seen on every colour of a map."""

    is_kept = True

    def __init__(self) -> None:
        super().__init__()
        self.marks: tuple[Mark, ...] = ()
        self.curve: FloatArray = np.empty((0, 2))
        self._font = QFont()
        self._font.setBold(True)
        self.setZValue(25)  # above the path, whose labels these are

    def show_marks(self, marks: tuple[Mark, ...], curve: FloatArray) -> None:
        """Show points (label, x, y) and a curve through the points curve (n, 2); either may be empty."""
        self.marks, self.curve = marks, curve
        self.update()

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw the curve, the circles, the labels."""
        painter.save()
        painter.setClipRect(area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if len(self.curve):
            line = QPolygonF([transform.map(QPointF(x, y)) for x, y in self.curve.tolist()])
            for colour, width in (("#000000", 5.0), ("#ffffff", 2.5)):
                painter.setPen(QPen(QColor(colour), width))
                painter.drawPolyline(line)
        for label, x, y in self.marks:
            self._draw_mark(painter, transform.map(QPointF(x, y)), label, area)
        painter.restore()

    def _draw_mark(self, painter: QPainter, at: QPointF, label: str, area: QRectF) -> None:
        if label not in _ENDS_OF_PATH:
            painter.setPen(QPen(QColor("#000000"), 1.5))
            painter.setBrush(QColor("#ffffff"))
            painter.drawEllipse(at, _RADIUS_PX, _RADIUS_PX)
        metrics = QFontMetricsF(self._font)
        width = metrics.horizontalAdvance(label)
        left = at.x() + _RADIUS_PX + _GAP_PX
        if left + width > area.right():
            left = max(area.left(), at.x() - _RADIUS_PX - _GAP_PX - width)
        path = QPainterPath()
        path.addText(QPointF(left, at.y() - _GAP_PX), self._font, label)
        halo = QPen(QColor("#000000"), _HALO_PX)
        halo.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.strokePath(path, halo)
        painter.fillPath(path, QColor("#ffffff"))
