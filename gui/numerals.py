"""Numbers as text, and round numbers for the ends of axes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

# About an eighth apart: the end of an axis moves rarely, and little of the axis stays empty.
_ROUND: Final = (
    1.0,
    1.1,
    1.25,
    1.4,
    1.6,
    1.8,
    2.0,
    2.25,
    2.5,
    2.8,
    3.2,
    3.6,
    4.0,
    4.5,
    5.0,
    5.6,
    6.4,
    7.2,
    8.0,
    9.0,
    10.0,
)
_SAME_ULPS: Final = 2.0  # numbers this near are one, but for rounding; ticks are twice as far apart
_THOUSAND: Final = 999.95  # from here on four digits are a whole number of thousands
_HYPHEN: Final = re.compile(r"(?<![\w.)/-])-(?=[\d.]|inf\b)|(?<=[\d.]e)-(?=\d)")
_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def whole(number: float) -> str:
    """Return a whole number with commas between thousands: 1,234."""
    return f"{int(number):,}"


def short(number: float) -> str:
    """Return a number with four significant digits, for reading from afar."""
    size = abs(number)
    if size >= 1e6 or 0 < size < 1e-3:
        return signed(f"{number:.3g}" if math.isfinite(number) else str(number))
    return signed(f"{number:,.0f}" if size >= _THOUSAND else f"{number:.4g}")


def measured(number: float) -> str:
    """Return a number as `short` does, with its zeros: 0.4500 is not 0.45 and tells how far it was measured."""
    return signed(f"{number:#.4g}") if 1e-3 <= abs(number) < _THOUSAND else short(number)


def ticks(numbers: Sequence[float]) -> list[str]:
    """Return numbers from a scale, each with as few digits as tell it from its neighbours."""
    gaps = [abs(b - a) for a, b in pairwise(numbers)]
    # The same number twice, but for rounding, is no gap: its digits would tell the rounding.
    gaps = [gap for gap, number in zip(gaps, numbers[1:], strict=True) if gap > _SAME_ULPS * math.ulp(number)]
    slack = 1e-3 * min(gaps, default=1e-6 * abs(sum(numbers)))
    return [_grouped(number, _digits(number, slack)) for number in numbers]


def _digits(number: float, slack: float) -> int:
    """Return the least number of significant digits that read back as number, to within slack."""
    return next((n for n in range(1, 17) if abs(float(f"{number:.{n}g}") - number) <= slack), 17)


def _grouped(number: float, n_digits: int) -> str:
    size = abs(number)
    if size >= 1e7 or 0 < size < 1e-4:
        mantissa, _, exponent = f"{number:.{n_digits - 1}e}".partition("e")
        return signed(f"{mantissa}e{int(exponent)}")
    return signed(f"{number:,.{max(0, n_digits - 1 - math.floor(math.log10(size)))}f}") if size else "0"


def signed(text: str) -> str:
    """Return a text with the sign of minus, which is seen from afar, for the hyphens before numbers and in 1e-5.

    Other hyphens stay: those of words, and those between numbers, as in 64-32-10.
    """
    return _HYPHEN.sub("−", text)


def unsigned(text: str) -> str:
    """Return a text that a person typed or pasted as a number, with hyphens for signs of minus."""
    return text.replace("−", "-")


def exact(number: float) -> str:
    """Return the shortest text that reads back, see `unsigned`, as the very same number."""
    return signed(repr(float(number)))


def power_of_ten(exponent: int) -> str:
    """Return 10 to a whole power as it is written on an axis: 0.01 or 10⁻⁵."""
    if -3 <= exponent <= 3:
        return f"{10.0**exponent:g}"
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: 1 step, 2 steps."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def round_above(number: float) -> float:
    """Return the smallest round number that is at least number (above 0)."""
    power = 10.0 ** math.floor(math.log10(number))
    share = number / power
    return power * next(step for step in _ROUND if step >= share * (1 - 1e-12))
