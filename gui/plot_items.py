"""What a plot is drawn with beside pyqtgraph's own items: each is made once and fed from then on.

All of them paint in device pixels without antialiasing, which is what keeps a frame short.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QPaintEngine,
    QPainter,
    QPen,
    QPolygonF,
    QTransform,
)
from PySide6.QtWidgets import QWidget

from gui.axes import tick_font
from gui.guards import painting
from gui.theme import Theme, line_px

FloatArray = npt.NDArray[np.float64]

_IMAGE_RATIO: Final = 3.0
_RUG_PX: Final = 7.0  # of type in its ordinary size
_LEAST_RUG_PX: Final = 5.0
_RUG_SHARE: Final = 0.06  # of the height of a low plot, whose curve may lie at its bottom edge
_STANDING_PX: Final = 100.0  # of type in its ordinary size: in a lower plot a standing triangle is smaller
_LEAST_SCALE: Final = 0.5
_DASH_PX: Final = (14.0, 9.0)  # from dash to dash, and the length of one
_CLEAR_PX: Final = 2.0  # between a label and a curve
_SLOPE_PX: Final = (
    12.0  # over so many pixels on either side a line is steep or level, whatever its stairs are
)
_LEVEL, _STEEP = 0.75, 1.25  # slopes from which on; between them a line goes on as it was
_AGAIN_PX: Final = 2.0  # so many rows of a column that its neighbour has covered, too
_NOTHING: Final = np.empty(0)
_NOWHERE: Final = 30_000.0  # a row below every screen, still a 16-bit number
_SHAPES: Final = {
    "triangle": ((0.0, -7.0), (7.0, 6.0), (-7.0, 6.0)),
    "standing": ((0.0, -14.0), (6.0, -3.0), (-6.0, -3.0)),
    "dot": ((-3.0, -4.0), (3.0, -4.0), (4.0, 0.0), (3.0, 4.0), (-3.0, 4.0), (-4.0, 0.0)),
    "diamond": ((0.0, -6.0), (6.0, 0.0), (0.0, 6.0), (-6.0, 0.0)),
    "square": ((-4.0, -4.0), (4.0, -4.0), (4.0, 4.0), (-4.0, 4.0)),
    "cross": (
        (-5.0, -1.0),
        (-1.0, -1.0),
        (-1.0, -5.0),
        (1.0, -5.0),
        (1.0, -1.0),
        (5.0, -1.0),
        (5.0, 1.0),
        (1.0, 1.0),
        (1.0, 5.0),
        (-1.0, 5.0),
        (-1.0, 1.0),
        (-5.0, 1.0),
    ),
}


def shape_polygon(shape: str, scale: float = 1.0) -> QPolygonF:
    """Return a symbol around the origin, in pixels."""
    return QPolygonF([QPointF(scale * x, scale * y) for x, y in _SHAPES[shape]])


class Overlay(pg.UIGraphicsItem):  # type: ignore[misc]
    """Base of items as large as the view that paint in device pixels.

    Class attributes:
        clips_itself: whether `paint_pixels` stays within its area where the painter cannot clip, as in SVG.
        is_kept: whether what was painted on a screen is kept as a picture until `update` says that something
            has changed; for what is dear to paint and seldom changes, while other items move over it.
    """

    clips_itself = False
    is_kept = False
    _kept: tuple[tuple[Any, ...], QImage] | None = None

    @painting
    def paint(self, painter: QPainter, option: Any, widget: Any) -> None:
        """Find where the view lies in pixels and paint there."""
        transform = painter.transform()
        area = transform.mapRect(self.boundingRect())
        painter.resetTransform()
        engine = painter.paintEngine().type()
        if engine == QPaintEngine.Type.SVG and not self.clips_itself:
            self._paint_image(painter, transform, area)
        elif self.is_kept and engine == QPaintEngine.Type.Raster and _has_whole_pixels(painter):
            self._paint_kept(painter, transform, area)
        else:
            self.paint_pixels(painter, transform, area)
        painter.setTransform(transform)

    def update(self, *where: QRectF) -> None:
        """Have it painted anew, all of it or where (item coordinates) says."""
        self._kept = None
        super().update(*where)

    def _paint_kept(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw the kept picture of the area, painted anew where it is no longer right."""
        ratio, frame = painter.device().devicePixelRatioF(), area.toAlignedRect()
        key = (
            frame.getRect(),
            area.getRect(),
            ratio,
            transform.m11(),
            transform.m22(),
            transform.dx(),
            transform.dy(),
        )
        if self._kept is None or self._kept[0] != key:
            image = QImage(frame.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
            image.setDevicePixelRatio(ratio)
            image.fill(Qt.GlobalColor.transparent)
            inner = QPainter(image)
            inner.setFont(painter.font())
            inner.translate(-frame.topLeft())
            self.paint_pixels(inner, transform, area)
            inner.end()
            self._kept = key, image
        painter.drawImage(frame.topLeft(), self._kept[1])

    def _paint_image(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Paint into an image of the area, and draw that."""
        size = (area.size() * _IMAGE_RATIO).toSize()
        image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(_IMAGE_RATIO)
        image.fill(Qt.GlobalColor.transparent)
        inner = QPainter(image)
        inner.setFont(painter.font())
        inner.translate(-area.topLeft())
        self.paint_pixels(inner, transform, area)
        inner.end()
        image.setDevicePixelRatio(1.0)  # an SVG file does not know of it
        painter.drawImage(area, image)

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Paint in device pixels; transform leads from the view's coordinates there."""
        raise NotImplementedError


def _has_whole_pixels(painter: QPainter) -> bool:
    """Whether a place in device-independent pixels is one in pixels: a picture can be put there as it is."""
    return bool(painter.device().devicePixelRatioF().is_integer())


def polygon_of(x: FloatArray, y: FloatArray) -> QPolygonF:
    """Return the points (x, y), each (n,), without a call for each of them."""
    polygon = pg.functions.create_qpolygonf(len(x))
    points = pg.functions.ndarray_from_qpolygonf(polygon)
    points[:, 0], points[:, 1] = x, y
    return polygon  # type: ignore[no-any-return]


class Curve(Overlay):
    """A line of the theme's thickness through points whose x never falls, solid or dashed.

    On the screen it is a picture with one upright stroke in each column of pixels, which holds all that the
    line does there: 0.2 ms for any data. Qt's own lines took 1.2 ms at width 1, 5.4 ms at width 2 and 225 ms
    dashed for 1,000 points that go up and down.

    Attributes:
        x, y: (n,) the points, in the view's coordinates.
    """

    clips_itself = True

    def __init__(self, is_dashed: bool = False) -> None:
        super().__init__()
        self.x: FloatArray = np.empty(0)
        self.y: FloatArray = np.empty(0)
        self._is_dashed = is_dashed
        self._colour = QColor()
        self._width_px = 2.0
        self._drawn: _Strokes | None = None

    def set_colour(self, colour: str) -> None:
        """Set the colour of the line, and its thickness by the size of type in use."""
        self._colour, self._width_px = QColor(colour), line_px()
        self._drawn = None
        self.update()

    def set_points(self, x: FloatArray, y: FloatArray) -> None:
        """Show the line through (x, y), each (n,); only its end and the columns that change are painted anew."""
        self.x, self.y = x, y
        drawn = self._drawn
        if drawn is None or not len(x):
            self.update()
            return
        for first, stop in (drawn.redraw(x, y), drawn.end()):
            if first < stop:
                self.update(drawn.place.columns(first, stop))

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw the line: strokes on a screen or in a picture, a true line in a file of lines (SVG, PDF)."""
        if not len(self.x):
            return
        if painter.paintEngine().type() == QPaintEngine.Type.Raster:
            self._draw_strokes(painter, transform, area)
        else:
            x = self.x * transform.m11() + transform.dx()
            y = self.y * transform.m22() + transform.dy()
            self._draw_line(painter, x, y, area)

    def _draw_strokes(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        place = Place.of(transform, area, painter.device().devicePixelRatioF())
        drawn = self._drawn
        if drawn is None or drawn.place != place or not (drawn.x is self.x and drawn.y is self.y):
            drawn = _Strokes(place, self._colour, self._width_px, self._is_dashed)
            drawn.redraw(self.x, self.y)
            if painter.device() is not None and isinstance(painter.device(), QWidget):
                self._drawn = drawn  # not for a picture: the screen goes on with its own
        painter.drawImage(place.left, place.top, drawn.image)

    def _draw_line(self, painter: QPainter, x: FloatArray, y: FloatArray, area: QRectF) -> None:
        painter.save()
        pen = QPen(
            self._colour, self._width_px, Qt.PenStyle.DashLine if self._is_dashed else Qt.PenStyle.SolidLine
        )
        painter.setPen(pen)
        for piece in pieces_within(x, y, area):
            painter.drawPolyline([QPointF(a, b) for a, b in piece.tolist()])
        painter.restore()


class Place(NamedTuple):
    """Where an item's view lies on a device: its upper left corner and its size, and the way there.

    left, top: in device-independent pixels; n_columns, n_rows: in pixels, ratio of them to one of those.
    scale_x, shift_x, scale_y, shift_y: lead from the view's coordinates to device-independent pixels.
    """

    left: int
    top: int
    n_columns: int
    n_rows: int
    ratio: float
    scale_x: float
    shift_x: float
    scale_y: float
    shift_y: float

    @classmethod
    def of(cls, transform: QTransform, area: QRectF, ratio: float) -> Place:
        """Return the place of a view that covers an area, in device-independent pixels."""
        return cls(
            round(area.left()),
            round(area.top()),
            round(area.width() * ratio),
            round(area.height() * ratio),
            ratio,
            transform.m11(),
            transform.dx(),
            transform.m22(),
            transform.dy(),
        )

    def columns(self, first: int, stop: int) -> QRectF:
        """Return columns of pixels over the whole height, and one more on each side, in the view's coordinates."""
        left = (self.left + (first - 1) / self.ratio - self.shift_x) / self.scale_x
        right = (self.left + (stop + 1) / self.ratio - self.shift_x) / self.scale_x
        top = (self.top - self.shift_y) / self.scale_y
        bottom = (self.top + self.n_rows / self.ratio - self.shift_y) / self.scale_y
        return QRectF(left, min(top, bottom), right - left, abs(bottom - top))


class _Strokes:
    """The picture of a curve at a place, kept from frame to frame: most of its columns stay as they are."""

    def __init__(self, place: Place, colour: QColor, width_px: float, is_dashed: bool) -> None:
        self.place = place
        self.x = self.y = _NOTHING
        self._ink = np.uint32(colour.rgba())
        self._width = max(1.0, width_px * place.ratio)
        self._is_dashed = is_dashed
        nowhere = np.full(place.n_columns, _NOWHERE)
        self._spans = nowhere, nowhere
        self._steep = np.zeros(place.n_columns, dtype=np.bool_)
        self._pixels = np.zeros((place.n_rows, place.n_columns), dtype=np.uint32)
        form = QImage.Format.Format_ARGB32_Premultiplied
        self.image = QImage(self._pixels.data, place.n_columns, place.n_rows, 4 * place.n_columns, form)
        self.image.setDevicePixelRatio(place.ratio)

    def redraw(self, x: FloatArray, y: FloatArray) -> tuple[int, int]:
        """Draw the line through (x, y); return the first changed column and the one behind the last."""
        self.x, self.y = x, y
        at = self.place
        across = (x * at.scale_x + at.shift_x - at.left) * at.ratio
        down = (y * at.scale_y + at.shift_y - at.top) * at.ratio
        low, high = column_spans(across, down, at.n_columns)
        is_changed = (low != self._spans[0]) | (high != self._spans[1])
        if self._is_dashed and is_changed.any():
            before, self._steep = self._steep, steep_columns(low, high, at.ratio)
            is_changed |= self._steep != before
        changed = np.flatnonzero(is_changed)
        if not len(changed):
            return 0, 0
        # A column's stroke takes its left neighbour's span, too.
        first, stop = int(changed[0]), min(at.n_columns, int(changed[-1]) + 2)
        self._spans = low, high
        self._draw_columns(max(0, first - 1), first, stop)
        return first, stop

    def end(self) -> tuple[int, int]:
        """Return the column of the last point and the one behind it; none where it is out of sight."""
        at = self.place
        column = int((self.x[-1] * at.scale_x + at.shift_x - at.left) * at.ratio)
        return (column, column + 1) if 0 <= column < at.n_columns else (0, 0)

    def _draw_columns(self, begin: int, first: int, stop: int) -> None:
        """Draw columns first to stop - 1 from the spans of begin to stop - 1."""
        low, high = (span[begin:stop] for span in self._spans)
        inked = strokes(low, high, self.place.n_rows, self._width)
        if self._is_dashed:
            cut_into_dashes(inked, low, high, self._steep[begin:stop], self.place.ratio, begin)
        np.multiply(inked[:, first - begin :], self._ink, out=self._pixels[:, first:stop], dtype=np.uint32)


def pieces_within(x: FloatArray, y: FloatArray, area: QRectF) -> list[FloatArray]:
    """Return the parts of the line through (x, y), each (n,), that lie in an area: arrays (m, 2) of points.

    Each segment is cut at the area's edges (Liang and Barsky, "A new concept and method for line clipping",
    1984); segments that follow each other uncut stay one line.
    """
    points = np.stack((x, y), axis=1)
    start, move = points[:-1], np.diff(points, axis=0)
    first, last = np.zeros(len(start)), np.ones(len(start))
    for axis, low, high in ((0, area.left(), area.right()), (1, area.top(), area.bottom())):
        with np.errstate(all="ignore"):
            enter, leave = (low - start[:, axis]) / move[:, axis], (high - start[:, axis]) / move[:, axis]
        level = move[:, axis] == 0.0
        inside = (low <= start[:, axis]) & (start[:, axis] <= high)
        enter, leave = np.minimum(enter, leave), np.maximum(enter, leave)
        first = np.maximum(first, np.where(level, np.where(inside, 0.0, 2.0), enter))
        last = np.minimum(last, np.where(level, 1.0, leave))
    seen = first < last
    begin, end = start + first[:, None] * move, start + last[:, None] * move
    joined = seen[1:] & seen[:-1] & (last[:-1] == 1.0) & (first[1:] == 0.0)
    pieces: list[list[FloatArray]] = []
    for k in np.flatnonzero(seen):
        if k and joined[k - 1]:
            pieces[-1].append(end[k])
        else:
            pieces.append([begin[k], end[k]])
    return [np.array(piece) for piece in pieces]


def column_spans(x: FloatArray, y: FloatArray, n_columns: int) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and highest y of the line through (x, y) in each column [k, k + 1).

    x, y (n,) in pixels, x never falling; both results (n_columns,), below every row where the line is not.
    """
    # A hair to the left: where the line jumps at an edge, the column before it must reach the jump.
    at_edges = np.interp(np.arange(n_columns + 1.0) - 1e-9, x, y)
    low = np.minimum(at_edges[:-1], at_edges[1:])
    high = np.maximum(at_edges[:-1], at_edges[1:])
    first, stop = np.searchsorted(x, (0.0, float(n_columns)))
    if stop > first:
        columns = x[first:stop].astype(np.int64)
        starts = np.flatnonzero(columns[1:] != columns[:-1]) + 1
        starts = np.concatenate(([0], starts))
        hit = columns[starts]
        low[hit] = np.minimum(low[hit], np.minimum.reduceat(y[first:stop], starts))
        high[hit] = np.maximum(high[hit], np.maximum.reduceat(y[first:stop], starts))
    before, behind = int(np.clip(x[0], 0, n_columns)), int(np.clip(x[-1] + 1.0, 0, n_columns))
    for span in (low, high):
        span[:before] = span[behind:] = _NOWHERE
    return low, high


def strokes(low: FloatArray, high: FloatArray, n_rows: int, width: float) -> npt.NDArray[np.bool_]:
    """Return which pixels (n_rows, n_columns) a line of that width covers, given its spans (n_columns,)."""
    top, bottom = np.floor(low - (0.5 * width - 0.5)), np.floor(high + (0.5 * width - 0.5))
    # Each column takes its left neighbour's span too: upright parts become two pixels wide as well.
    joined = np.maximum(low[1:], low[:-1]) < _NOWHERE
    top[1:] = np.where(joined, np.minimum(top[1:], top[:-1]), top[1:])
    bottom[1:] = np.where(joined, np.maximum(bottom[1:], bottom[:-1]), bottom[1:])
    first = np.minimum(np.maximum(top, -9.0), _NOWHERE).astype(np.int16)
    last = np.minimum(np.maximum(bottom, -9.0), _NOWHERE).astype(np.int16)
    rows = np.arange(n_rows, dtype=np.int16)[:, None]
    # One comparison instead of two: a row above the first wraps round to a large number.
    return np.less_equal((rows - first).view(np.uint16), (last - first).view(np.uint16))


def steep_columns(low: FloatArray, high: FloatArray, ratio: float) -> npt.NDArray[np.bool_]:
    """Return where (n_columns,) a line with these spans (n_columns,) falls or rises by more than it goes across.

    Both the columns before and those behind tell: a stair is as steep as the line through its steps, and what
    is level beside a wall stays level.
    """
    heights = np.where(low < _NOWHERE, high - low, 0.0)
    reach, columns = round(_SLOPE_PX * ratio), np.arange(len(low))
    first, stop = np.maximum(0, columns + 1 - reach), np.minimum(len(low), columns + reach)
    fallen = np.concatenate(([0.0], np.cumsum(heights)))
    crossed = np.concatenate(([0.0], np.cumsum(low < _NOWHERE)))
    before, behind = (
        (fallen[end] - fallen[begin]) / np.maximum(1.0, crossed[end] - crossed[begin])
        for begin, end in ((first, columns + 1), (columns, stop))
    )
    slope = np.minimum(before, behind)
    told = np.where((slope > _STEEP) | (slope < _LEVEL), columns, 0)
    steep: npt.NDArray[np.bool_] = slope[np.maximum.accumulate(told)] > _STEEP
    return steep


def cut_into_dashes(
    inked: npt.NDArray[np.bool_],
    low: FloatArray,
    high: FloatArray,
    steep: npt.NDArray[np.bool_],
    ratio: float,
    first: int = 0,
) -> None:
    """Take the gaps between dashes out of inked (n_rows, n_columns), whose columns count from first on, in place.

    Dashes are counted across the picture, so that they stay where they are while the line grows; where the
    line, whose spans are low and high (n_columns,), is steep (n_columns,) they are counted down.
    Where it goes up and down over the same rows again it is left whole: dashes of that would be specks.
    """
    period, dash = _DASH_PX[0] * ratio, _DASH_PX[1] * ratio
    n_rows, n_columns = inked.shape
    again = np.zeros(n_columns, dtype=np.bool_)
    again[1:] = np.minimum(high[1:], high[:-1]) - np.maximum(low[1:], low[:-1]) > _AGAIN_PX * ratio
    inked &= (np.arange(first, first + n_columns) % period < dash) | steep | again
    down = steep & ~again
    if down.any():
        inked[:, down] &= (np.arange(n_rows) % period < dash)[:, None]


def draw_inked(
    painter: QPainter, inked: npt.NDArray[np.bool_], colour: QColor, left: int, top: int, ratio: float
) -> None:
    """Colour the pixels (n_rows, n_columns) that are inked; the upper left one is at (left, top)."""
    image = inked_image(inked, colour)
    image.setDevicePixelRatio(ratio)
    painter.drawImage(left, top, image)


def inked_image(inked: npt.NDArray[np.bool_], colour: QColor) -> QImage:
    """Return a picture of the pixels (n_rows, n_columns) that are inked."""
    n_rows, n_columns = inked.shape
    pixels = np.multiply(inked, np.uint32(colour.rgba()), dtype=np.uint32)
    form = QImage.Format.Format_ARGB32_Premultiplied
    return QImage(pixels.data, n_columns, n_rows, 4 * n_columns, form).copy()  # the numbers go


class Grid(Overlay):
    """Hair lines at the ticks that have text: ten of them cost 0.02 ms, pyqtgraph's grid 10 ms."""

    def __init__(self, x_axis: Any, y_axis: Any) -> None:
        super().__init__()
        self._axes = (x_axis, y_axis)
        self._pen = QPen()
        self._places: tuple[Any, ...] = ()
        self._lines: list[QLineF] = []
        self.setZValue(-100)

    def set_colour(self, colour: str) -> None:
        """Set the colour of the lines."""
        self._pen = QPen(QColor(colour), 1.0)
        self.update()

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw the lines."""
        places = (*self._axes[0].range, *self._axes[1].range, area.getRect())
        if places != self._places:
            self._places, self._lines = places, self._find_lines(transform, area)
        painter.setPen(self._pen)
        painter.drawLines(self._lines)

    def _find_lines(self, transform: QTransform, area: QRectF) -> list[QLineF]:
        x_axis, y_axis = self._axes
        xs = [transform.map(QPointF(x, 0.0)).x() for x in x_axis.major_ticks()]
        ys = [transform.map(QPointF(0.0, y)).y() for y in y_axis.major_ticks()]
        lines = [QLineF(x, area.top(), x, area.bottom()) for x in xs]
        return lines + [QLineF(area.left(), y, area.right(), y) for y in ys]


class Marks(Overlay):
    """Symbols at points of a curve, and a short line at the bottom edge for each of them, if asked for.

    "standing" is a triangle on the curve, which leaves it to be seen; at the top edge it comes down on it. In a low
    plot it is smaller: it would reach up to the next curve.

    Attributes:
        x, y: (n,) where the symbols are, in the view's coordinates.
        rug: (m,) where the short lines are.
    """

    def __init__(self, shape: str) -> None:
        super().__init__()
        self.x: FloatArray = np.empty(0)
        self.y: FloatArray = np.empty(0)
        self.rug: FloatArray = _NOTHING
        self._rug_kept: tuple[tuple[float, ...], FloatArray, QImage] | None = None
        self._shape = shape
        self._polygon = shape_polygon(shape)
        self._fill, self._edge = QColor(), QPen()
        self.setZValue(20)
        self.setVisible(False)  # until there is something to show

    def apply_theme(self, theme: Theme, colour: str) -> None:
        """Set the colours; colour names a field of the theme."""
        self._fill = QColor(getattr(theme, colour))
        self._polygon = shape_polygon(self._shape, line_px() / 2.0)
        # Symbols that touch must stay apart; dots are small enough without an edge.
        self._edge = QPen(self._fill if self._shape == "dot" else QColor(theme.text), 1.0)
        self.update()

    def set_points(self, x: FloatArray, y: FloatArray, rug: FloatArray | None = None) -> None:
        """Show symbols at (x, y), each (n,), and short lines at rug (m,)."""
        rug = _NOTHING if rug is None else rug
        if all(map(np.array_equal, (x, y, rug), (self.x, self.y, self.rug))):
            return
        self.x, self.y, self.rug = x, y, rug
        self.setVisible(bool(len(x) or len(self.rug)))  # hidden items cost no painting
        self.update()

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw the short lines, then the symbols."""
        if len(self.rug):
            self._draw_rug(painter, transform, area)
        painter.setPen(self._edge)
        painter.setBrush(self._fill)
        polygon, highest = self._polygon, -math.inf
        if self._shape == "standing":
            scale = min(1.0, max(_LEAST_SCALE, area.height() / (_STANDING_PX * line_px() / 2.0)))
            polygon = QTransform.fromScale(scale, scale).map(polygon)
            highest = area.top() - polygon.boundingRect().top()
        for x, y in zip(self.x.tolist(), self.y.tolist(), strict=True):
            at = transform.map(QPointF(x, y))
            painter.drawPolygon(polygon.translated(round(at.x()), round(max(at.y(), highest))))

    def _draw_rug(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        left, width, growth = round(area.left()), round(area.width()), line_px() / 2.0
        height = rug_height(area.height())
        key = (left, width, height, transform.m11(), transform.dx(), self._fill.rgba())
        kept = self._rug_kept
        if kept is None or kept[0] != key or kept[1] is not self.rug:
            columns = np.floor(self.rug * transform.m11() + transform.dx() - left).astype(np.int64)
            inked = np.zeros((height, width), dtype=np.bool_)
            for shift in range(math.ceil(growth)):
                inked[:, (columns + shift)[(columns >= 0) & (columns < width - shift)]] = True
            kept = self._rug_kept = key, self.rug, inked_image(inked, self._fill)
        painter.drawImage(left, round(area.bottom()) - height, kept[2])


def rug_height(plot_height: float) -> int:
    """Return how high the short lines of marks are in a plot of that height, in pixels."""
    return round(min(_RUG_PX * line_px() / 2.0, max(_LEAST_RUG_PX, _RUG_SHARE * plot_height)))


class Jumps(Overlay):
    """Vertical lines with short labels, where theta moved without a step.

    A label stands at the top, or below the curves that are there.
    """

    def __init__(self, curves: Callable[[], Iterable[Curve]] = tuple) -> None:
        super().__init__()
        self._curves = curves
        self._boxes: list[QRectF] = []
        self.x: tuple[float, ...] = ()
        self.labels: tuple[str, ...] = ()
        self._pen, self._text, self._back = QPen(), QColor(), QColor()
        self.setZValue(10)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours."""
        self._pen = QPen(QColor(theme.muted), 1.0, Qt.PenStyle.DotLine)
        self._text, self._back = QColor(theme.text), QColor(theme.panel)
        self.update()

    def set_jumps(self, x: tuple[float, ...], labels: tuple[str, ...]) -> None:
        """Show a line at each x with its label."""
        if (x, labels) != (self.x, self.labels):
            self.x, self.labels = x, labels
            self.setVisible(bool(x))
            self.update()

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw the lines; labels for which there is no room are left out, the lines are not."""
        across = [transform.map(QPointF(x, 0.0)).x() for x in self.x]
        painter.setPen(self._pen)
        painter.drawLines([QLineF(x, area.top(), x, area.bottom()) for x in across])
        painter.setFont(tick_font())
        metrics = QFontMetricsF(tick_font())
        boxes: list[QRectF] = []
        for x, label in zip(across, self.labels, strict=True):
            box = self._label_box(metrics, x, label, area)
            if box is not None and (top := self._free_row(box, boxes, transform, area)) is not None:
                box.moveTop(top)
                boxes.append(box)
                painter.fillRect(box, self._back)
                painter.setPen(QPen(self._text))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label)
        if boxes != self._boxes:  # of a line that grows only its end is painted, and a label may reach beyond
            self._boxes = boxes
            self.update()

    def _label_box(self, metrics: QFontMetricsF, x: float, label: str, area: QRectF) -> QRectF | None:
        """Return the room of a label at the top, right of x, or left of it at the right edge; None out of sight."""
        width = metrics.horizontalAdvance(label) + 6.0
        left = x + 2.0 if x + 2.0 + width <= area.right() else x - 2.0 - width
        if left < area.left() or not area.left() <= x <= area.right():
            return None
        return QRectF(left, area.top() + 1.0, width, metrics.height())

    def _free_row(
        self, box: QRectF, taken: list[QRectF], transform: QTransform, area: QRectF
    ) -> float | None:
        """Return the top of the highest row in which a label covers neither a curve nor another label.

        Where curves are everywhere the first label covers one all the same; None where there is no room.
        """
        n_rows = max(1, int((area.height() - 2.0) / box.height()))
        rows = [box.translated(0.0, number * box.height()) for number in range(n_rows)]
        rows = [row for row in rows if not any(row.intersects(other) for other in taken)]
        if not rows:
            return None
        spans = [span for curve in self._curves() if (span := _span_over(box, curve, transform)) is not None]
        free = (
            row.top()
            for row in rows
            if all(low < row.top() - _CLEAR_PX or high > row.bottom() + _CLEAR_PX for high, low in spans)
        )
        return next(free, None if taken else rows[0].top())


def _span_over(box: QRectF, curve: Curve, transform: QTransform) -> tuple[float, float] | None:
    """Return the highest and the lowest place, in pixels, of a curve within the columns of a box; None for none."""
    x = curve.x * transform.m11() + transform.dx()
    first, last = np.searchsorted(x, (box.left(), box.right()))
    if not len(x) or last == 0 or first == len(x):  # it ends before, or begins after
        return None
    y = curve.y * transform.m22() + transform.dy()
    ends = np.interp((box.left(), box.right()), x, y)
    inside = np.concatenate((ends, y[first:last]))
    inside = inside[np.isfinite(inside)]
    return (float(inside.min()), float(inside.max())) if len(inside) else None
