"""A scale for values of both signs and many sizes: linear around 0, logarithmic away from it."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from gui import numerals
from gui.axes import Axis, Levels
from gui.guards import guarded
from gui.plots import Plot, Range

FloatArray = npt.NDArray[np.float64]

_LN10: Final = math.log(10.0)
_PIXELS_A_TICK: Final = 24.0
_DIGITS: Final = (1, 2, 5)
_MOST_DECADES: Final = 4.0
"""Of the largest value downwards; smaller ones lie in the linear part."""


def to_symlog(values: Any, unit: float) -> FloatArray:
    """Return asinh(value / (2 unit)) / ln 10: for sizes far above unit, the sign times log10 of size / unit."""
    return np.asarray(np.arcsinh(np.asarray(values, dtype=np.float64) / (2.0 * unit)) / _LN10)


def from_symlog(y: float, unit: float) -> float:
    """Return the value at a place of the scale."""
    return 2.0 * unit * math.sinh(y * _LN10)


def fitting_unit(values: FloatArray) -> float:
    """Return the power of ten that suits values (n,): below the smallest size but 0, four decades at most."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0.0)])
    if not len(sizes):
        return 1.0
    least = max(float(sizes.min()), float(sizes.max()) * 10.0**-_MOST_DECADES)
    return float(10.0 ** math.floor(math.log10(least)))


class SymlogAxis(Axis):
    """An upright axis whose coordinates are `to_symlog` of the values while it is logarithmic."""

    unit: float = 1.0

    def set_unit(self, unit: float) -> None:
        """Set the size at which the linear part ends."""
        if unit != self.unit:
            self.unit = unit
            self.picture = None
            self.update()

    @guarded([])
    def tickValues(self, low: float, high: float, size: float) -> Levels:
        """Return ticks at 0 and at powers of ten of both signs; see AxisItem."""
        if not self.is_log:
            return super().tickValues(low, high, size)
        low, high = min(low, high), max(low, high)
        room = _PIXELS_A_TICK * (high - low) / size  # a text takes so much of the scale
        decades = range(math.ceil(max(abs(low), abs(high))) + 1)
        sizes = [digit * 10.0**k for k in decades for digit in (_DIGITS if room < 0.3 else (1,))]
        ticks = [0.0]
        for place in (float(to_symlog(size, 1.0)) for size in sizes):
            if place - ticks[-1] >= room:
                ticks.append(place)
        ticks = sorted({sign * tick for tick in ticks for sign in (-1.0, 1.0)})
        minor = [digit * 10.0**k for k in decades for digit in range(1, 10)] if room < 1.0 else []
        places = to_symlog([*minor, *(-size for size in minor)], 1.0).tolist()
        return [(1.0, _within(ticks, low, high)), (0.1, _within(places, low, high))]

    @guarded([])
    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Return the text beside each tick; see AxisItem."""
        if not self.is_log:
            return super().tickStrings(values, scale, spacing)
        return [self._text(value) for value in values]

    def _text(self, place: float) -> str:
        value = from_symlog(place, self.unit)
        if abs(place) < 1e-9:
            return "0"
        [text] = numerals.ticks([float(f"{abs(value):.6g}")])
        return text if value > 0.0 else f"−{text}"


def _within(places: list[float], low: float, high: float) -> list[float]:
    return [place for place in places if low <= place <= high]


class SymlogPlot(Plot):
    """A plot whose logarithmic scale knows 0 and negative values; see `to_symlog`."""

    left_axis: ClassVar[type[Axis]] = SymlogAxis
    y_axis: SymlogAxis

    def to_view(self, values: FloatArray) -> FloatArray:
        """Return values (n,) in the view's y coordinates; see Plot."""
        return to_symlog(values, self.y_axis.unit) if self.is_log else values

    def from_view(self, y: float) -> float:
        """Return the value at a y coordinate of the view."""
        return from_symlog(y, self.y_axis.unit) if self.is_log else y

    def range_of(self, values: FloatArray) -> Range:
        """Return a view, in its y coordinates, of values (n,), with 0 in it; its ends move in quarters."""
        y = self.to_view(values[np.isfinite(values)])
        low, high = min(0.0, float(y.min(initial=0.0))), max(0.0, float(y.max(initial=0.0)))
        step = 0.25 if self.is_log else numerals.round_above(max(high - low, 1e-300)) / 8.0
        return math.floor(low / step - 0.3) * step, math.ceil(high / step + 0.3) * step
