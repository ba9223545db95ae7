"""HeatMap: a plot with a picture of numbers on a grid, contour lines, and a path walked across it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPainterPath, QPen, QTransform

from gui.colour_bars import colour_table
from gui.colour_scales import N_COLOURS, ColourScale, coloured
from gui.contours import contour_segments
from gui.plot_items import Overlay, polygon_of, shape_polygon
from gui.plots import Plot, Range
from gui.theme import Theme

FloatArray = npt.NDArray[np.float64]

DENSE: Final = 1.8
"""How dense the ticks of a narrow plot with short numbers may be; see `Axis`."""
_STRETCH: Final = 5  # pixels of the picture between two grid points; between them it is interpolated
_DARK_UP_TO: Final = 0.62  # share of the colour map on which white lines are seen, and black ones above
_START_PX: Final = 12.0


class Picture(Overlay):
    """A picture of values on a grid, with contour lines; hatched where a value is not finite."""

    is_kept = True

    def __init__(self) -> None:
        super().__init__()
        self._image = QImage()
        self._rect = QRectF()
        self._contours = (QPainterPath(), QPainterPath())
        self._hatch = QBrush()
        self.setZValue(-50)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colour of what is not finite."""
        self._hatch = QBrush(QColor(theme.muted), Qt.BrushStyle.BDiagPattern)
        self.update()

    def show_values(
        self, x: Range, y: Range, values: FloatArray, scale: ColourScale, table: npt.NDArray[np.uint32]
    ) -> None:
        """Show values (n_x, n_y) > 0 whose first and last rows and columns lie at the ends of x and y."""
        logs = np.log(np.where(np.isfinite(values), np.maximum(values, 1e-300), np.nan))
        fine = np.exp(stretched(stretched(logs).T))  # first row at the bottom
        self._image = coloured(scale.share(fine[::-1]), table)
        self._rect = QRectF(x[0], y[0], x[1] - x[0], y[1] - y[0])
        self._contours = self._paths(logs, scale)
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._image, self._rect = QImage(), QRectF()
        self._contours = (QPainterPath(), QPainterPath())
        self.update()

    def _paths(self, logs: FloatArray, scale: ColourScale) -> tuple[QPainterPath, QPainterPath]:
        """Return the contour lines on dark and on bright colours, in the view's coordinates."""
        paths = []
        levels = np.array(scale.contours())
        is_dark = scale.share(levels) < _DARK_UP_TO
        for some in (levels[is_dark], levels[~is_dark]):
            lines = [contour_segments(logs, float(np.log(level))) for level in some]
            ends = np.concatenate([np.empty((0, 2, 2)), *lines]).reshape(-1, 2)
            x = self._rect.left() + ends[:, 0] * (self._rect.width() / (logs.shape[0] - 1))
            y = self._rect.top() + ends[:, 1] * (self._rect.height() / (logs.shape[1] - 1))
            paths.append(
                pg.arrayToQPath(x, y, connect="pairs", finiteCheck=False) if len(x) else QPainterPath()
            )
        return paths[0], paths[1]

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw the picture, then the lines."""
        if self._image.isNull():
            return
        painter.save()
        painter.setClipRect(area)
        target = transform.mapRect(self._rect)
        painter.fillRect(target, self._hatch)
        painter.drawImage(target, self._image)
        for path, colour in zip(
            self._contours, (QColor(255, 255, 255, 150), QColor(0, 0, 0, 150)), strict=True
        ):
            painter.setPen(QPen(colour, 1.0))
            # Not by the painter's transform: it would forget where an image for SVG begins.
            painter.drawPath(transform.map(path))
        painter.restore()


class Trace(Overlay):
    """A path with a square at its start and a diamond at its end, outlined so that any colour shows it."""

    def __init__(self) -> None:
        super().__init__()
        self.x: FloatArray = np.empty(0)
        self.y: FloatArray = np.empty(0)
        self.cut: float | None = None
        self._is_dashed = False
        self._colour = QColor()
        self.setZValue(20)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colour."""
        self._colour = QColor(theme.path)
        self.update()

    def show_path(self, x: FloatArray, y: FloatArray, is_dashed: bool) -> None:
        """Show the path through (x, y), each (n,); dashed where the colours below are not those of the path."""
        self.x, self.y, self._is_dashed = x, y, is_dashed
        self.update()

    def show_cut(self, y: float | None) -> None:
        """Show a dotted line across at y, or none."""
        self.cut = y
        self.update()

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw the dotted line, the path, the symbols."""
        painter.save()
        painter.setClipRect(area)
        if self.cut is not None:
            y = round(transform.map(QPointF(0.0, self.cut)).y())
            painter.setPen(QPen(QColor(255, 255, 255, 220), 1.0, Qt.PenStyle.CustomDashLine))
            painter.drawLines(_dots(area, y))
        if len(self.x):
            self._draw_path(painter, transform)
        painter.restore()

    def _draw_path(self, painter: QPainter, transform: QTransform) -> None:
        line = polygon_of(
            self.x * transform.m11() + transform.dx(), self.y * transform.m22() + transform.dy()
        )
        painter.setPen(QPen(QColor("#000000"), 5.0))
        painter.drawPolyline(line)
        pen = QPen(self._colour, 3.0)
        if self._is_dashed:
            pen.setDashPattern([4.0, 3.0])
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawPolyline(line)
        painter.setPen(QPen(QColor("#000000"), 1.5))
        painter.setBrush(self._colour)
        half = _START_PX / 2
        painter.drawRect(QRectF(line.first().x() - half, line.first().y() - half, _START_PX, _START_PX))
        enlarged = QTransform.fromScale(1.5, 1.5).map(shape_polygon("diamond"))
        painter.drawPolygon(enlarged.translated(line.last()))


def _dots(area: QRectF, y: float) -> list[QLineF]:
    left, right = round(area.left()), round(area.right())
    return [QLineF(x, y, x + 3, y) for x in range(left, right, 8)]


class HeatMap(Plot):
    """A plot of values on a plane: their picture, contour lines, and the path walked."""

    def __init__(self, theme: Theme) -> None:
        self.picture, self.trace = Picture(), Trace()
        self._table = colour_table(theme.magnitude_map, N_COLOURS)
        self._shown: tuple[Range, Range, FloatArray, ColourScale] | None = None
        super().__init__(theme, "", "")
        self.x_axis.density = DENSE
        for item in (self.picture, self.trace):
            self.addItem(item, ignoreBounds=True)

    def show_values(self, x: Range, y: Range, values: FloatArray, scale: ColourScale) -> None:
        """Show values (n_x, n_y) whose first and last rows and columns lie at the ends of x and y."""
        self._shown = (x, y, values, scale)
        self.picture.show_values(x, y, values, scale, self._table)
        self.move_view(x, y)

    def clear_values(self) -> None:
        """Show no picture and no path."""
        self._shown = None
        self.picture.clear()
        self.trace.show_path(np.empty(0), np.empty(0), False)
        self.trace.show_cut(None)

    def apply_theme(self, theme: Theme) -> None:
        """Set all colours; see Plot."""
        super().apply_theme(theme)
        self.picture.apply_theme(theme)
        self.trace.apply_theme(theme)


def stretched(values: FloatArray) -> FloatArray:
    """Return values (n, m) with _STRETCH - 1 interpolated rows between each two, as ((n - 1) * _STRETCH + 1, m)."""
    n = len(values)
    at = np.arange((n - 1) * _STRETCH + 1) / _STRETCH
    left = np.minimum(at.astype(np.int64), max(n - 2, 0))
    share = (at - left)[:, None]
    right = np.minimum(left + 1, n - 1)
    between = (1.0 - share) * values[left] + share * values[right]
    return np.where(share == 0.0, values[left], np.where(share == 1.0, values[right], between))
