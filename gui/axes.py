"""Where an axis has its ticks and what stands beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import pyqtgraph as pg
from PySide6.QtGui import QFont, QFontInfo
from PySide6.QtWidgets import QApplication

from gui import numerals

_PIXELS_A_TICK: Final = {"bottom": 85.0, "left": 42.0}
Levels = list[tuple[float, list[float]]]


class Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis with large round numbers, linear or logarithmic.

    On a logarithmic axis the view's coordinate is log10 of the value. `zero_line` is the coordinate at which
    values of exactly 0 are drawn there, with the tick "0", or None. Linear ticks lie within `limits`.
    """

    def __init__(self, orientation: str, is_whole: bool = False, zero_line: float | None = None) -> None:
        super().__init__(orientation, maxTickLength=-5)
        self.is_log = False
        self.is_whole = is_whole
        self.zero_line = zero_line
        self.limits = (-math.inf, math.inf)
        self.enableAutoSIPrefix(False)
        self.setStyle(tickFont=tick_font(), maxTextLevel=0, tickAlpha=255, tickTextOffset=6)
        if orientation == "bottom":  # a text may reach past the end of the axis by so many pixels
            self.setStyle(hideOverlappingLabels=20)
        # Drawn anew only when its range moves; otherwise a picture is copied.
        self.setCacheMode(self.CacheMode.DeviceCoordinateCache)

    def set_log(self, is_log: bool) -> None:
        """Read the view's coordinates as log10 of the values, or as the values."""
        self.is_log = is_log
        self.picture = None
        self.update()

    def tickValues(self, low: float, high: float, size: float) -> Levels:
        """Return the ticks with text, then those without; see AxisItem."""
        low, high = min(low, high), max(low, high)  # an axis that points down comes the other way round
        n_ticks = max(2.0, size / _PIXELS_A_TICK[self.orientation])
        if not self.is_log:
            low, high = max(low, self.limits[0]), min(high, self.limits[1])
            return linear_ticks(low, high, n_ticks, self.is_whole)
        return log_ticks(low, high, n_ticks, self.zero_line)

    def major_ticks(self) -> list[float]:
        """Return where the ticks with text are, in the view's coordinates."""
        is_upright = self.orientation == "left"
        # AxisItem draws a line that is a pixel longer at each end, and counts its ticks by that.
        size = (self.size().height() if is_upright else self.size().width()) + 2.0
        return self.tickValues(self.range[0], self.range[1], size)[0][1]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Return the text beside each tick; see AxisItem."""
        if not self.is_log:
            return [linear_text(value, spacing) for value in values]
        return [self._log_text(value, spacing) for value in values]

    def _log_text(self, value: float, spacing: float) -> str:
        if self.zero_line is not None and abs(value - self.zero_line) < 1e-9:
            return "0"
        if spacing >= 1.0:
            return numerals.power_of_ten(round(value))
        return linear_text(10.0**value, 0.0)


def linear_ticks(low: float, high: float, n_ticks: float, is_whole: bool) -> Levels:
    """Return ticks at multiples of 1, 2 or 5 times a power of ten, about n_ticks of them."""
    spacing = _spacing((high - low) / n_ticks)
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
    decades = _multiples(low, high, max(1.0, math.ceil((high - low) / n_ticks)))
    if len(decades) >= 3 or (extra and decades):
        step = decades[1] - decades[0] if len(decades) > 1 else 1.0
        return [(step, extra + decades), (0.1, _minor(low, high) if step == 1.0 else [])]
    if high - low > 0.5:
        return [(0.5, extra + _round_values(low, high, (1, 2, 5))), (0.1, _minor(low, high))]
    [(_, values)] = linear_ticks(10.0**low, 10.0**high, n_ticks, is_whole=False)
    return [(0.0, extra + [math.log10(value) for value in values if value > 0])]


def linear_text(value: float, spacing: float) -> str:
    """Return the text of a tick; spacing decides the decimals."""
    size = abs(value)
    if size >= 1e7 or 0 < size < 1e-4:
        return f"{value:.4g}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{round(value, 6):.6g}"


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
    font.setPixelSize(max(14, QFontInfo(font).pixelSize()))
    return font
