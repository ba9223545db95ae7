"""UnitLines: units with two inputs, each as the line on which its input is 0, over the samples."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF, QTransform
from PySide6.QtWidgets import QWidget

from engine.datasets.dataset import Dataset
from gui import numerals
from gui.axes import tick_font
from gui.plot_items import Overlay, shape_polygon
from gui.plots import Plot
from gui.region_plots import class_shape
from gui.theme import Theme

FloatArray = npt.NDArray[np.float64]

MOST_SAMPLES: Final = 400
NO_CLASS: Final = 4
"""The class whose symbol and colour samples without classes have: a dot."""
_FEW_SAMPLES: Final = 50
_ARROW_PX: Final = 46.0
_LABEL_PX: Final = 16.0  # from the tip of an arrow to the middle of its number
_LEAST_SCALE: Final = 0.4  # of all arrows, where one of them would reach past the edge
_MANY_UNITS: Final = 8  # with more of them thin lines leave the samples to be seen


class UnitLines(Plot):
    """The samples of a data set with two inputs, and for each unit the line w . x + b = 0 with an arrow along w.

    Attributes:
        largest_norm: the largest norm of a unit's weights; its arrow is the longest.
    """

    read_out = Signal(str)
    """The unit whose line is nearest to the pointer, in words, or ""."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "input 1", "input 2", has_grid=False, parent=parent)
        self.largest_norm = 0.0
        self.samples = _Samples()
        self.units = _Units()
        for item in (self.samples, self.units):
            self.addItem(item, ignoreBounds=True)
        self._data: Dataset | None = None
        self._has_classes = True
        self.getViewBox().setAspectLocked(True)
        self.apply_theme(theme)
        self.pointed.connect(self._tell)
        self.view_moved.connect(self._show_all)

    def show_units(
        self,
        data: Dataset,
        weights: FloatArray,
        bias: FloatArray,
        same_as: npt.NDArray[np.int64],
        has_classes: bool = True,
        are_outputs: bool = False,
    ) -> None:
        """Show units with weights (n, 2), bias (n,) and the first unit each is equal to (n,), over data.

        Without classes all samples are dots of one colour. Outputs have the numbers of their classes, from 0.
        """
        if (data, has_classes) != (self._data, self._has_classes):
            self._data, self._has_classes = data, has_classes
            self.samples.show_samples(data, has_classes)
            self._show_all()
        self.largest_norm = float(np.linalg.norm(weights, axis=1).max())
        self.units.show_units(weights, bias, same_as, data.x, are_outputs)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Plot."""
        super().apply_theme(theme)
        if hasattr(self, "units"):  # the base class dresses itself before there are items
            self.samples.apply_theme(theme)
            self.units.apply_theme(theme)

    def _show_all(self) -> None:
        if self._data is not None:
            low, high = self._data.x.min(axis=0), self._data.x.max(axis=0)
            pad = 0.15 * float((high - low).max()) or 1.0
            (left, bottom), (right, top) = (low - pad).tolist(), (high + pad).tolist()
            self.move_view((left, right), (bottom, top))

    def _tell(self, point: tuple[float, float] | None) -> None:
        norms = np.linalg.norm(self.units.weights, axis=1)
        if point is None or not norms.any():
            self.read_out.emit("")
            return
        inputs = self.units.weights @ np.array(point) + self.units.bias
        with np.errstate(divide="ignore", invalid="ignore"):
            away = np.where(norms > 0.0, np.abs(inputs) / norms, np.inf)
        unit = int(np.argmin(away))
        w1, w2 = (numerals.exact(w) for w in self.units.weights[unit])
        bias = numerals.exact(self.units.bias[unit])
        name = f"output of class {unit}" if self.units.are_outputs else f"unit {unit + 1}"
        self.read_out.emit(f"Nearest line: {name}, w = ({w1}, {w2}), b = {bias}")


class _Samples(Overlay):
    """At most MOST_SAMPLES samples, a symbol and a colour for each class."""

    def __init__(self) -> None:
        super().__init__()
        self.x: FloatArray = np.zeros((0, 2))
        self.y: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._colours: tuple[QColor, ...] = (QColor(),)

    def show_samples(self, data: Dataset, has_classes: bool) -> None:
        """Show the first samples of data."""
        self.x, self.y = data.x[:MOST_SAMPLES], data.y[:MOST_SAMPLES]
        if not has_classes:
            self.y = np.full(len(self.x), NO_CLASS)
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours."""
        self._colours = tuple(QColor(colour) for colour in theme.sequence)
        for colour in self._colours:
            colour.setAlpha(150)  # the lines of the units matter more
        self.update()

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw a symbol a sample."""
        painter.setPen(Qt.PenStyle.NoPen)
        size = 0.75 if len(self.x) > _FEW_SAMPLES else 1.5
        scaled = QTransform.fromScale(size, size)
        shapes = {
            label: scaled.map(shape_polygon(class_shape(label))) for label in np.unique(self.y).tolist()
        }
        for (x, y), label in zip(self.x.tolist(), self.y.tolist(), strict=True):
            painter.setBrush(self._colours[label % len(self._colours)])
            at = transform.map(QPointF(x, y))
            painter.drawPolygon(shapes[label].translated(at))


class _Arrow(NamedTuple):
    """An arrow in pixels: the foot on its unit's line, the direction of its weights (of length 1), its length."""

    foot: QPointF
    along: QPointF
    length: float

    def room(self, inside: QRectF) -> float:
        """Return how far it is from the foot, within an area, to its edge in the direction of the arrow."""
        return _way_out(self.foot, self.along, inside)


class _Units(Overlay):
    """The line, the arrow and the number of each unit; equal units are drawn once, with all their numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: FloatArray = np.zeros((0, 2))
        self.bias: FloatArray = np.zeros(0)
        self.labels: dict[int, str] = {}
        self.are_outputs = False
        self._shared: frozenset[int] = frozenset()
        self._centre = np.zeros(2)
        self._points: list[list[float]] = []
        self._taken: list[QPointF] = []
        self._line, self._thin_line, self._text, self._back = QPen(), QPen(), QColor(), QColor()
        self._shared_line = QPen()
        self.setZValue(10)

    def show_units(
        self,
        weights: FloatArray,
        bias: FloatArray,
        same_as: npt.NDArray[np.int64],
        x: FloatArray,
        are_outputs: bool = False,
    ) -> None:
        """Show units over samples x (n, 2); their arrows stand on the lines where those are nearest to the mean."""
        self.weights, self.bias, self._centre = weights, bias, x.mean(axis=0)
        self._points = x.tolist() if len(x) <= _FEW_SAMPLES else []
        self.are_outputs = are_outputs
        members = {int(first): np.flatnonzero(same_as == first) for first in np.unique(same_as)}
        self.labels = {
            first: _numbers_text(units, 0 if are_outputs else 1) for first, units in members.items()
        }
        self._shared = frozenset(first for first, units in members.items() if len(units) > 1)
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours."""
        self._line = QPen(QColor(theme.text), 2.0)
        self._thin_line = QPen(QColor(theme.muted), 1.0)
        self._shared_line = QPen(QColor(theme.symmetry), 3.0)
        self._text, self._back = QColor(theme.text), QColor(theme.panel)
        self.update()

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw each unit that has a line in sight."""
        inside = area.adjusted(16.0, 10.0, -16.0, -10.0)
        arrows = {unit: self._arrow(transform, inside, unit) for unit in self.labels}
        shown = {unit: arrow for unit, arrow in arrows.items() if arrow is not None}
        rooms = [(arrow.room(inside) - _LABEL_PX) / arrow.length for arrow in shown.values()]
        scale = max(_LEAST_SCALE, min([1.0, *rooms]))
        painter.setFont(tick_font())
        painter.setClipRect(area)
        for unit, arrow in shown.items():
            own = self._thin_line if len(self.labels) > _MANY_UNITS else self._line
            painter.setPen(self._shared_line if unit in self._shared else own)
            across = QPointF(arrow.along.y(), -arrow.along.x()) * (area.width() + area.height())
            painter.drawLine(QLineF(arrow.foot - across, arrow.foot + across))
        self._taken = [transform.map(QPointF(x, y)) for x, y in self._points]
        for unit, arrow in shown.items():
            self._paint_arrow(painter, inside, arrow, scale * arrow.length, self.labels[unit])
        painter.setClipping(False)

    def _arrow(self, transform: QTransform, inside: QRectF, unit: int) -> _Arrow | None:
        """Return where a unit's arrow stands and how long it may be, None where it has no line in sight."""
        weights, norms = self.weights[unit], np.linalg.norm(self.weights, axis=1)
        norm = float(norms[unit])
        if not norm:
            return None
        foot = self._centre - weights * (weights @ self._centre + self.bias[unit]) / norm**2
        # Both axes have the same scale and the y axis points up, so a direction keeps its shape.
        along = QPointF(weights[0] / norm, -weights[1] / norm)
        at = _nearest_within(transform.map(QPointF(*foot.tolist())), QPointF(-along.y(), along.x()), inside)
        return None if at is None else _Arrow(at, along, _ARROW_PX * max(0.15, norm / float(norms.max())))

    def _paint_arrow(
        self, painter: QPainter, inside: QRectF, arrow: _Arrow, length: float, label: str
    ) -> None:
        along, tip = arrow.along, arrow.foot + arrow.along * length
        painter.setPen(self._line)
        painter.drawLine(QLineF(arrow.foot, tip))
        painter.setBrush(self._line.color())
        side = QPointF(-along.y(), along.x())
        painter.drawPolygon(QPolygonF([tip + along * 6.0, tip + side * 4.0, tip - side * 4.0]))
        self._paint_label(painter, self._label_place(tip, along, side, inside), label)

    def _label_place(self, tip: QPointF, along: QPointF, side: QPointF, inside: QRectF) -> QPointF:
        """Return where the number of an arrow covers no sample: behind its tip, else beside it, else where it can."""
        places = [_clamped(tip + way * _LABEL_PX, inside) for way in (along, side, -side)]
        near = [_distance(place, tip) < 0.9 * _LABEL_PX for place in places]  # it would cover the arrow
        clear = [min((_distance(place, at) for at in self._taken), default=math.inf) for place in places]
        free = (
            place for place, n, c in zip(places, near, clear, strict=True) if not n and c >= 1.2 * _LABEL_PX
        )
        usable = [k for k in range(len(places)) if not near[k]] or [0]
        return next(free, places[max(usable, key=clear.__getitem__)])

    def _paint_label(self, painter: QPainter, at: QPointF, label: str) -> None:
        metrics = QFontMetricsF(tick_font())
        width, height = metrics.horizontalAdvance(label) + 6.0, metrics.height()
        box = QRectF(at.x() - 0.5 * width, at.y() - 0.5 * height, width, height)
        painter.fillRect(box, self._back)
        painter.setPen(self._text)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label)


def _clamped(at: QPointF, area: QRectF) -> QPointF:
    """Return the point of an area that is nearest to a point."""
    x = min(max(at.x(), area.left()), area.right())
    return QPointF(x, min(max(at.y(), area.top()), area.bottom()))


def _distance(first: QPointF, second: QPointF) -> float:
    return math.hypot(first.x() - second.x(), first.y() - second.y())


def _way_out(start: QPointF, along: QPointF, area: QRectF) -> float:
    """Return how far along a direction of length 1 it is from a point to where it leaves an area."""
    edges = (
        (start.x(), along.x(), area.left(), area.right()),
        (start.y(), along.y(), area.top(), area.bottom()),
    )
    return min(((high if move > 0.0 else low) - at) / move for at, move, low, high in edges if move)


def _nearest_within(at: QPointF, along: QPointF, area: QRectF) -> QPointF | None:
    """Return the point of a line (through at, with a direction of length 1) within an area that is nearest to at."""
    first, last = -_way_out(at, -along, area), _way_out(at, along, area)
    for start, move, low, high in (
        (at.x(), along.x(), area.left(), area.right()),
        (at.y(), along.y(), area.top(), area.bottom()),
    ):
        if not move and not low <= start <= high:
            return None
    return at + along * min(max(0.0, first), last) if first <= last else None


def _numbers_text(numbers: npt.NDArray[np.int64], first_number: int = 1) -> str:
    """Return the numbers of units (from 0), counted from first_number: 1, or 1-8, or 1, 4, 6 and so on."""
    numbers = numbers + first_number
    first, last = int(numbers[0]), int(numbers[-1])
    if len(numbers) == 1:
        return str(first)
    if last - first + 1 == len(numbers):
        return f"{first}–{last}"
    shown = ", ".join(str(int(number)) for number in numbers[:4])
    return shown if len(numbers) <= 4 else f"{shown}, ..."
