"""Where an axis has its ticks and what stands beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QFontInfo, QFontMetricsF
from PySide6.QtWidgets import QApplication

from gui import numerals
from gui.guards import guarded

_PIXELS_A_TICK: Final = {"bottom": 85.0, "left": 42.0}
_TYPE_PX: Final = 14.0  # the type with which numbers above each other have that room; larger type needs more
_TEXT_GAP_PX: Final = 10.0
_FEWEST: Final = 3  # with a single number an axis has no scale
_MANY: Final = 6  # of so many numbers every second one can go
_FINER: Final = 6  # times as many ticks as usual, where it has too few
_PAST_END_PX: Final = 10.0  # a label may reach so far past the end of its axis
_MOST_PAST_END_PX: Final = 20.0  # and the text of a tick so far, where the plot does
_LEAST_GAP_PX: Final = 4.0  # between texts that were moved towards each other
_LEAST_UPRIGHT_PX: Final = 20.0  # between texts above each other
_DIGITS: Final = (((1, 2, 5), 0.6), ((1, 3), 0.95))
"""Which digits have a tick where a decade is so wide: the most decades for each tick that there is room for."""
_DECADES_A_TICK: Final = 1.4
Levels = list[tuple[float, list[float]]]


class Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis with large round numbers, linear or logarithmic.

    On a logarithmic axis the view's coordinate is log10 of the value. `zero_line` is the coordinate at which
    values of exactly 0 are drawn there, with the tick "0", or None. Linear ticks lie within `limits`; there
    are `density` times as many of them as usual, where their texts leave room for that.
    """

    brief_label: str = ""
    """What the label is cut to where there is no room for all of it; nothing: to its first letters."""

    def __init__(self, orientation: str, is_whole: bool = False, zero_line: float | None = None) -> None:
        super().__init__(orientation, maxTickLength=-5)
        self.is_log = False
        self.is_whole = is_whole
        self.zero_line = zero_line
        self.limits = (-math.inf, math.inf)
        self.density = 1.0
        self.enableAutoSIPrefix(False)
        self.setStyle(tickFont=tick_font(), maxTextLevel=0, tickAlpha=255, tickTextOffset=6)
        if orientation == "bottom":  # a text may reach past the end of the axis by so many pixels
            self.setStyle(hideOverlappingLabels=round(_MOST_PAST_END_PX))
        # Drawn anew only when its range moves; otherwise a picture is copied.
        self.setCacheMode(self.CacheMode.DeviceCoordinateCache)

    def set_log(self, is_log: bool) -> None:
        """Read the view's coordinates as log10 of the values, or as the values."""
        self.is_log = is_log
        self.picture = None
        self.update()

    @guarded([])
    def tickValues(self, low: float, high: float, size: float) -> Levels:
        """Return the ticks with text, then those without; see AxisItem."""
        low, high = min(low, high), max(low, high)  # an axis that points down comes the other way round
        enlarged = tick_font().pixelSize() / _TYPE_PX if self.orientation == "left" else 1.0
        n_ticks = max(2.0, self.density * size / (enlarged * _PIXELS_A_TICK[self.orientation]))
        if self.is_log:
            return log_ticks(low, high, n_ticks, self.zero_line)
        pixels = size / (high - low) if high > low else 0.0
        low, high = max(low, self.limits[0]), min(high, self.limits[1])
        if not high > low:  # one number, as on the axis of a single unit
            return [(1.0, [low])]
        levels = linear_ticks(low, high, n_ticks, self.is_whole)
        while (
            self.orientation == "bottom"
            and n_ticks > 1.0
            and (self._is_crowded(levels, pixels) or self._is_last_crowded(levels, high, pixels))
        ):
            n_ticks = max(1.0, 0.7 * n_ticks)
            [(spacing, values)], before = linear_ticks(low, high, n_ticks, self.is_whole), levels[0][1]
            levels = [(spacing, values or before[-1:])]  # one number is more than none
        return self._with_a_few(levels, low, high, pixels)

    def _with_a_few(self, levels: Levels, low: float, high: float, pixels: float) -> Levels:
        """Return levels, or closer ticks where there are fewer than three and the texts do not touch."""
        n_ticks = 2.0
        while len(levels[0][1]) < _FEWEST and n_ticks <= _FINER:
            closer = linear_ticks(low, high, n_ticks, self.is_whole)
            if self._is_crowded(closer, pixels):
                break
            levels = closer if len(closer[0][1]) > len(levels[0][1]) else levels
            n_ticks += 1.0
        return levels if len(levels[0][1]) > 1 else self._ends(levels, low, high, pixels)

    def _ends(self, levels: Levels, low: float, high: float, pixels: float) -> Levels:
        """Return the outermost of ticks too close for their texts, where the two have room; else levels."""
        [(_, values)] = linear_ticks(low, high, float(_FEWEST), self.is_whole)
        ends = [(values[-1] - values[0], [values[0], values[-1]])] if len(values) > 1 else levels
        is_level = self.orientation == "bottom"  # the text of the last one can give way
        slack = self._room_past_end() + _TEXT_GAP_PX - _LEAST_GAP_PX if is_level else 0.0
        return levels if self._is_crowded(ends, pixels, slack) else ends

    def _is_crowded(self, levels: Levels, pixels: float, slack: float = 0.0) -> bool:
        """Whether the texts of ticks would touch; pixels is the length of a unit, slack how far they can give way."""
        [(spacing, values)] = levels
        metrics = QFontMetricsF(tick_font())
        needed = metrics.height()
        if self.orientation == "bottom":
            halves = [0.5 * metrics.horizontalAdvance(text) for text in numerals.ticks(values)]
            needed = max((left + right for left, right in pairwise(halves)), default=0.0) + _TEXT_GAP_PX
        return needed > spacing * pixels + slack

    def _is_last_crowded(self, levels: Levels, high: float, pixels: float) -> bool:
        """Whether the last of many texts, moved inwards at the end of the axis, would touch the one before it."""
        [(spacing, values)] = levels
        if len(values) <= _MANY:  # fewer would be worse than a tick without its text
            return False
        metrics = QFontMetricsF(tick_font())
        before, last = (0.5 * metrics.horizontalAdvance(text) for text in numerals.ticks(values)[-2:])
        moved = max(0.0, last - (high - values[-1]) * pixels - self._room_past_end())
        return before + last + moved + _TEXT_GAP_PX > spacing * pixels

    def major_ticks(self) -> list[float]:
        """Return where the ticks with text are, in the view's coordinates."""
        is_upright = self.orientation == "left"
        # AxisItem draws a line that is a pixel longer at each end, and counts its ticks by that.
        size = (self.size().height() if is_upright else self.size().width()) + 2.0
        return self.tickValues(self.range[0], self.range[1], size)[0][1]

    @guarded([])
    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Return the text beside each tick; see AxisItem."""
        if not self.is_log:
            return numerals.ticks(values)
        above = [value for value in values if not self._is_zero(value)]
        texts = [numerals.power_of_ten(round(value)) for value in above]
        if spacing < 1.0:
            texts = numerals.ticks([10.0**value for value in above])
        return ["0"] * (len(values) - len(above)) + texts

    def generateDrawSpecs(self, p: Any) -> Any:
        """Return what is drawn; texts at the ends of a level axis are moved inwards, not left out; see AxisItem."""
        specs = super().generateDrawSpecs(p)
        if specs is None or self.orientation != "bottom":
            return specs
        return (*specs[:2], self._texts_in_sight())

    def _texts_in_sight(self) -> list[tuple[QRectF, Any, str]]:
        """Return place, flags and text of each tick; a text may reach as far as the plot does."""
        low, high = self.range
        width, values = self.size().width(), self.major_ticks()
        texts = self.tickStrings(values, 1.0, self._tick_spacing())
        metrics = QFontMetricsF(tick_font())
        top, behind = self.style["tickTextOffset"][1], -_MOST_PAST_END_PX
        end = width + self._room_past_end()
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextDontClip
        placed: list[tuple[QRectF, Any, str]] = []
        for value, text in zip(values, texts, strict=True):
            at, length = (value - low) / (high - low) * width, metrics.horizontalAdvance(text)
            left = min(max(at - 0.5 * length, behind), end - length)
            if left >= behind and abs(left + 0.5 * length - at) <= 0.5 * length and 0.0 <= at <= width:
                placed.append((QRectF(left, top, length, 0.8 * metrics.height()), flags, text))
                behind = left + length + _LEAST_GAP_PX
        return placed

    def _tick_spacing(self) -> float:
        size = (self.size().height() if self.orientation == "left" else self.size().width()) + 2.0
        return self.tickValues(self.range[0], self.range[1], size)[0][0]

    def _room_past_end(self) -> float:
        """Return how far behind the end of the axis a text can still be seen, in pixels."""
        view = self.getViewWidget()
        if view is None:
            return _MOST_PAST_END_PX
        rest = view.sceneRect().right() - self.sceneBoundingRect().right() + _MOST_PAST_END_PX
        return float(min(max(rest, 0.0), _MOST_PAST_END_PX))

    def resizeEvent(self, event: Any = None) -> None:
        """Put the label in the middle, or as near to it as its ends can be seen; see AxisItem."""
        if self.label is not None:  # or the plot is being closed
            self._shorten_label()
        super().resizeEvent(event)
        if self.label is None:
            return
        length, at = self.label.boundingRect().width(), self.label.pos()
        if self.orientation == "bottom":
            at.setX(min(at.x(), self.size().width() + _PAST_END_PX - length))
        else:
            at.setY(max(at.y(), length - _PAST_END_PX))
        self.label.setPos(at)

    def setLabel(self, *args: Any, **kwargs: Any) -> None:
        """Give the axis another label, shortened and placed as the room allows; see AxisItem."""
        super().setLabel(*args, **kwargs)
        if self.size().width() > 0.0:  # it is laid out
            self.resizeEvent()

    def _shorten_label(self) -> None:
        """Leave out of the label what there is no room for: its unit first, then all but its brief, then its end."""
        size = self.size()
        room = (size.width() if self.orientation == "bottom" else size.height()) + 2.0 * _PAST_END_PX
        whole = str(self.labelText)
        bare = whole.partition(" (")[0]
        briefs = [self.brief_label] if self.brief_label else []
        for text in (
            whole,
            bare,
            *briefs,
            *(f"{bare[:end].rstrip()}…" for end in range(len(bare) - 1, 0, -1)),
        ):
            self.label.setHtml(self.labelString().replace(whole, text))
            if self.label.boundingRect().width() <= room:
                break

    def _is_zero(self, value: float) -> bool:
        return self.zero_line is not None and abs(value - self.zero_line) < 1e-9


def linear_ticks(low: float, high: float, n_ticks: float, is_whole: bool) -> Levels:
    """Return ticks at multiples of 1, 2 or 5 times a power of ten, about n_ticks of them."""
    finest = 4.0 * math.ulp(max(abs(low), abs(high)))  # closer ticks would fall on the same number
    spacing = _spacing(max((high - low) / n_ticks, finest))
    if is_whole:
        spacing = max(1.0, round(spacing))
    return [(spacing, _multiples(low, high, spacing))]


def log_ticks(low: float, high: float, n_ticks: float, zero_line: float | None) -> Levels:
    """Return ticks at powers of ten where there are two or more, else at round values in between.

    low, high and the ticks are log10 of the values; values below zero_line do not exist.
    """
    extra = []
    if zero_line is not None and low <= zero_line:
        extra, low = [zero_line], zero_line + 0.3
    width = high - low
    if width <= 0.5:
        [(_, values)] = linear_ticks(10.0**low, 10.0**high, n_ticks, is_whole=False)
        if len(values) < _FEWEST - 1:
            [(_, values)] = linear_ticks(10.0**low, 10.0**high, 2.0 * n_ticks, is_whole=False)
        return [(0.0, extra + [math.log10(value) for value in values if value > 0])]
    for digits, n_most in _DIGITS:
        if width <= n_most * n_ticks and not extra:
            return [(0.3, _round_values(low, high, digits)), (0.1, _minor(low, high))]
    step = max(1.0, _spacing(0.75 * width / (_DECADES_A_TICK * n_ticks)))
    closer = [5.0, 2.0, 1.0] if len(extra + _multiples(low, high, step)) < _FEWEST else []
    pixels_a_decade = n_ticks * _PIXELS_A_TICK["left"] / width
    counts = {
        one: len(_multiples(low, high, one)) for one in closer if one * pixels_a_decade >= _LEAST_UPRIGHT_PX
    }
    for n_least in (_FEWEST - 1, _FEWEST):
        step = next((one for one, count in counts.items() if count >= n_least), step)
    return [(step, extra + _multiples(low, high, step)), (0.1, _minor(low, high) if step == 1.0 else [])]


def _spacing(rough: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(max(rough, 1e-300)))
    return power * next(step for step in (1.0, 2.0, 5.0, 10.0) if step * power >= rough * (1 - 1e-9))


def _multiples(low: float, high: float, spacing: float) -> list[float]:
    slack = 1e-9 * spacing
    first, last = math.ceil((low - slack) / spacing), math.floor((high + slack) / spacing)
    return [k * spacing for k in range(first, last + 1)]


def _exponents(low: float, high: float) -> range:
    return range(math.floor(low), math.floor(high) + 1)


def _minor(low: float, high: float) -> list[float]:
    return _round_values(low, high, range(2, 10))


def _round_values(low: float, high: float, digits: Iterable[int]) -> list[float]:
    """Return log10 of the digits times powers of ten from low to high (log10 too)."""
    ticks = [e + math.log10(digit) for e in _exponents(low, high) for digit in digits]
    return [tick for tick in ticks if low <= tick <= high]


def tick_font() -> QFont:
    """Return the type of axes: the application's, never smaller than can be read from the back row."""
    font = QApplication.font()
    font.setPixelSize(max(round(_TYPE_PX), QFontInfo(font).pixelSize()))
    return font
