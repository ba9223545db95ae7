"""PhasePicture: a map of a sweep as coloured cells, or as curves with bands; both over the axes' values in steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from gui import numerals
from gui.axes import linear_ticks, tick_font
from gui.colour_bars import colour_table
from gui.colour_scales import N_COLOURS, coloured
from gui.focus_frames import FramedWidget
from gui.keys import ARROWS
from gui.plot_items import shape_polygon
from gui.stretches import stretches
from gui.theme import Theme, line_px

if TYPE_CHECKING:  # it comes with numba
    from engine.sweeps.maps import PhaseMap

FloatArray = npt.NDArray[np.float64]
Place = tuple[int, int]

SHAPES: Final = ("dot", "triangle", "diamond", "square", "cross")
COLOURS: Final = ("loss", "errors", "gradient", "symmetry", "ceiling")
MOST_CURVES: Final = len(COLOURS)
_WIDE: Final = 100.0  # values above 0 that differ by more than this factor have a logarithmic scale
_BAND: Final = 50  # of 255: how much of a band's colour is seen
_N_TICKS: Final = 5
_NO_RESULT: Final = "no result yet"
_DARK: Final = 0.5  # cells up to this share of the colours, which run from dark to bright, have white numbers


@dataclass(frozen=True, slots=True)
class ValueScale:
    """Places from 0 to 1 for values from low to high, by their logarithm where is_log."""

    low: float
    high: float
    is_log: bool = False

    @classmethod
    def of(cls, values: FloatArray, is_share: bool) -> ValueScale:
        """Return the scale of a map's values, of any shape; of shares it is always 0 to 1."""
        known = values[np.isfinite(values)]
        if is_share or not len(known):
            return cls(0.0, 1.0)
        low, high = float(known.min()), float(known.max())
        if 0.0 < _WIDE * low < high:
            return cls(10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high)), True)
        low = 0.0 if 0.0 <= low < 0.5 * high else low
        pad = 0.5 * abs(high) or 0.5
        return cls(low, high) if high > low else cls(low - pad, high + pad)

    def with_room(self, values: FloatArray) -> ValueScale:
        """Return a scale that holds values, too, with a little room above; a logarithmic one stays as it is."""
        known = values[np.isfinite(values)]
        if self.is_log or not len(known):
            return self
        low, high = min(self.low, float(known.min())), max(self.high, float(known.max()))
        return ValueScale(low, high + 0.04 * (high - low))

    def places(self, values: FloatArray) -> FloatArray:
        """Return the places of values, clipped to 0 and 1; NaN stays."""
        low, high, inside = self.low, self.high, np.clip(values, self.low, self.high)
        if self.is_log:
            return np.asarray(np.log(inside / low) / math.log(high / low))
        return np.asarray((inside - low) / (high - low))

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Return (place, text) of round values."""
        if self.is_log:
            exponents = range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
            values = [10.0**exponent for exponent in exponents][:: max(1, len(exponents) // 8)]
            texts = [numerals.power_of_ten(round(math.log10(value))) for value in values]
        else:
            [(_, values)] = linear_ticks(self.low, self.high, _N_TICKS, is_whole=False)
            texts = numerals.ticks(values)
        return tuple(zip(self.places(np.array(values)).tolist(), texts, strict=True))


def value_text(value: Any) -> str:
    """Return a value of an axis as it stands beside a tick."""
    return numerals.short(value) if isinstance(value, int | float) else str(value)


def curve_places(shown: PhaseMap) -> list[int]:
    """Return which values of the second axis have a curve: at most five, evenly chosen."""
    n = len(shown.mean)
    return sorted({round(k) for k in np.linspace(0, n - 1, min(n, MOST_CURVES)).tolist()})


class PhasePicture(FramedWidget):
    """A map or its curves. The arrow keys move the cell that is chosen, Enter opens it.

    Attributes:
        shown: what is drawn, or None.
        is_map: coloured cells, or curves with bands.
        chosen: (place across, place up) of the cell that is framed, or None.
    """

    pointed = Signal(object)
    """The place under the mouse, or None."""
    place_chosen = Signal(object)
    """A place was clicked, or reached by the arrow keys."""
    opened = Signal()
    """The place that is chosen was asked for, by Enter or a double click."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.shown: PhaseMap | None = None
        self.scale = ValueScale(0.0, 1.0)
        self.is_map = True
        self.chosen: Place | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(180, 120)

    def show_map(self, shown: PhaseMap | None, is_map: bool) -> None:
        """Draw a map, or its curves, or nothing."""
        old, self.shown, self.is_map = self.shown, shown, is_map
        if shown is not None:
            self.scale = ValueScale.of(shown.mean, shown.quantity.is_share)
            if not is_map and not shown.quantity.is_share:
                self.scale = self.scale.with_room(np.stack([shown.mean, shown.low, shown.high]))
        if old is None or shown is None or old.mean.shape != shown.mean.shape:
            self.chosen = None
        self.update()

    def choose(self, place: Place | None) -> None:
        """Frame a cell."""
        self.chosen = place
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size at which cells have room for their numbers."""
        return QSize(420, 260)

    def place_at(self, at: QPointF) -> Place | None:
        """Return the place under a point of the widget, or None."""
        area, shown = self._area(), self.shown
        if shown is None or not area.contains(at):
            return None
        n_up, n_across = shown.mean.shape
        i = min(int((at.x() - area.left()) / area.width() * n_across), n_across - 1)
        if self.is_map:
            return i, min(int((area.bottom() - at.y()) / area.height() * n_up), n_up - 1)
        height = (area.bottom() - at.y()) / area.height()
        places = curve_places(shown)
        away = np.abs(self.scale.places(shown.mean[places, i]) - height)
        return (i, places[int(np.nanargmin(away))]) if np.isfinite(away).any() else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell what is under the pointer."""
        self.pointed.emit(self.place_at(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the place under the pointer."""
        place = self.place_at(event.position())
        if place is not None:
            self._take(place)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the run behind the place."""
        if self.place_at(event.position()) is not None:
            self.opened.emit()

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that nothing is under the pointer."""
        self.pointed.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the place that is chosen; leave other keys to the window."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.chosen is not None:
            self.opened.emit()
        elif Qt.Key(event.key()) in ARROWS and self.shown is not None:
            (across, up), (i, j) = ARROWS[Qt.Key(event.key())], self.chosen or (0, 0)
            n_up, n_across = self.shown.mean.shape
            is_first = self.chosen is None
            moved = (i, j) if is_first else (i + across, j + up)
            self._take((min(max(moved[0], 0), n_across - 1), min(max(moved[1], 0), n_up - 1)))
        else:
            event.ignore()

    def _take(self, place: Place) -> None:
        self.choose(place)
        self.place_chosen.emit(place)

    def paint_inside(self, painter: QPainter) -> None:
        """Draw everything."""
        if self.shown is None:
            return
        painter.setFont(tick_font())
        area = self._area()
        if self.is_map:
            self._draw_title(painter, area, self.shown)
            self._draw_cells(painter, area, self.shown)
        else:
            self._draw_curves(painter, area, self.shown)
        self._draw_across(painter, area, self.shown)
        self._draw_up(painter, area, self.shown)
        painter.setPen(QPen(QColor(self.theme.muted)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(area)
        if not self.shown.n.any():
            painter.setPen(QColor(self.theme.text))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, _NO_RESULT)

    # Where everything is

    def _area(self) -> QRectF:
        """Return the rectangle of the cells: what the texts leave."""
        metrics = QFontMetricsF(tick_font())
        line = metrics.height()
        widest = max((metrics.horizontalAdvance(text) for _, text in self._up_ticks()), default=0.0)
        left = line + 10.0 + widest
        top = line + 6.0 if self.is_map else 6.0
        width, height = self.width() - left - 14.0, self.height() - 2.0 * line - 12.0 - top
        return QRectF(left, top, max(20.0, width), max(20.0, height))

    def _up_ticks(self) -> list[tuple[float, str]]:
        """Return (height from 0 to 1, text) beside the left edge."""
        shown = self.shown
        if shown is None or (self.is_map and shown.up is None):
            return []
        if not self.is_map:  # without a result there is no scale
            return list(self.scale.ticks()) if shown.n.any() else []
        assert shown.up is not None
        n = len(shown.up.values)
        return [((j + 0.5) / n, value_text(value)) for j, value in enumerate(shown.up.values)]

    # What is drawn

    def _draw_title(self, painter: QPainter, area: QRectF, shown: PhaseMap) -> None:
        """Write what the colours mean above the cells."""
        painter.setPen(QColor(self.theme.text))
        above = QRectF(area.left(), 1.0, area.width(), area.top() - 3.0)
        painter.drawText(above, Qt.AlignmentFlag.AlignCenter, shown.quantity.title.replace("_", " "))

    def _draw_cells(self, painter: QPainter, area: QRectF, shown: PhaseMap) -> None:
        painter.fillRect(area, QColor(self.theme.grid))
        places = self.scale.places(shown.mean)
        table = colour_table(self.theme.magnitude_map, N_COLOURS)
        painter.drawImage(area, coloured(np.ascontiguousarray(places[::-1]), table))
        self._draw_numbers(painter, area, shown, places)
        if self.chosen is not None:
            for colour, width in ((self.theme.panel, 5.0), (self.theme.text, 2.0)):
                painter.setPen(QPen(QColor(colour), width))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(_cell(area, shown, *self.chosen))

    def _draw_numbers(self, painter: QPainter, area: QRectF, shown: PhaseMap, places: FloatArray) -> None:
        """Write the mean into each cell, where all cells have room for it."""
        n_up, n_across = shown.mean.shape
        if n_up * n_across > 400:
            return
        texts = [
            [numerals.signed(f"{mean:.2g}") if np.isfinite(mean) else "" for mean in row]
            for row in shown.mean
        ]
        metrics = QFontMetricsF(tick_font())
        widest = max(metrics.horizontalAdvance(text) for row in texts for text in row)
        if widest + 4.0 > area.width() / n_across or metrics.height() > area.height() / n_up:
            return
        for j, row in enumerate(texts):
            for i, text in enumerate(row):
                painter.setPen(QColor("#ffffff" if places[j, i] < _DARK else "#000000"))
                painter.drawText(_cell(area, shown, i, j), Qt.AlignmentFlag.AlignCenter, text)

    def _draw_curves(self, painter: QPainter, area: QRectF, shown: PhaseMap) -> None:
        painter.setPen(QPen(QColor(self.theme.grid)))
        for place, _ in self._up_ticks():
            y = area.bottom() - place * area.height()
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        drawn = list(enumerate(curve_places(shown)))
        for number, j in drawn:
            self._draw_band(painter, area, shown, j, QColor(getattr(self.theme, COLOURS[number])))
        for number, j in drawn:
            self._draw_line(painter, area, shown, j, number)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_band(self, painter: QPainter, area: QRectF, shown: PhaseMap, j: int, colour: QColor) -> None:
        low, high = self._points(area, shown.low[j]), self._points(area, shown.high[j])
        colour.setAlpha(_BAND)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for start, stop in stretches(np.isfinite(shown.low[j]) & np.isfinite(shown.high[j])):
            painter.drawPolygon(QPolygonF([*low[start:stop], *high[start:stop][::-1]]))

    def _draw_line(self, painter: QPainter, area: QRectF, shown: PhaseMap, j: int, number: int) -> None:
        points, colour = self._points(area, shown.mean[j]), QColor(getattr(self.theme, COLOURS[number]))
        painter.setPen(QPen(colour, line_px()))
        for start, stop in stretches(np.isfinite(shown.mean[j])):
            painter.drawPolyline(QPolygonF(points[start:stop]))
            painter.setBrush(colour)
            for point in points[start:stop]:
                painter.drawPolygon(shape_polygon(SHAPES[number]).translated(point))
        if self.chosen is not None and self.chosen[1] == j and np.isfinite(shown.mean[j, self.chosen[0]]):
            painter.setPen(QPen(QColor(self.theme.text), 2.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(points[self.chosen[0]], 10.0, 10.0)

    def _points(self, area: QRectF, values: FloatArray) -> list[QPointF]:
        n, places = len(values), np.nan_to_num(self.scale.places(values))
        x = area.left() + (np.arange(n) + 0.5) / n * area.width()
        y = area.bottom() - places * area.height()
        return [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]

    def _draw_across(self, painter: QPainter, area: QRectF, shown: PhaseMap) -> None:
        painter.setPen(QColor(self.theme.text))
        metrics, values = QFontMetricsF(tick_font()), shown.across.values
        texts, width = [value_text(value) for value in values], area.width() / len(values)
        widest = max(map(metrics.horizontalAdvance, texts)) + 8.0
        for i in range(0, len(texts), max(1, math.ceil(widest / width))):
            middle = area.left() + (i + 0.5) * width
            box = QRectF(middle - 0.5 * widest, area.bottom() + 3.0, widest, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, texts[i])
        below = QRectF(area.left(), area.bottom() + 5.0 + metrics.height(), area.width(), metrics.height())
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, axis_title(shown.across.name))

    def _draw_up(self, painter: QPainter, area: QRectF, shown: PhaseMap) -> None:
        painter.setPen(QColor(self.theme.text))
        line, ticks = QFontMetricsF(tick_font()).height(), self._up_ticks()
        step = max(1, math.ceil(len(ticks) * line / area.height()))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        for place, text in ticks[::step]:
            y = area.bottom() - place * area.height()
            painter.drawText(QRectF(line, y - 0.5 * line, area.left() - line - 5.0, line), right, text)
        painter.save()
        painter.translate(0.5 * line, area.center().y())
        painter.rotate(-90.0)
        box = QRectF(-0.5 * area.height(), -0.5 * line, area.height(), line)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._up_title(shown))
        painter.restore()

    def _up_title(self, shown: PhaseMap) -> str:
        if not self.is_map:
            return shown.quantity.title.replace("_", " ")
        return axis_title(shown.up.name) if shown.up is not None else ""


def axis_title(name: str) -> str:
    """Return the name of an axis as it stands beside it."""
    return name.replace("_", " ")


def _cell(area: QRectF, shown: PhaseMap, i: int, j: int) -> QRectF:
    n_up, n_across = shown.mean.shape
    width, height = area.width() / n_across, area.height() / n_up
    return QRectF(area.left() + i * width, area.bottom() - (j + 1) * height, width, height)
