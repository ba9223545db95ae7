"""Names of the ways that a person can choose, and what each needs; apart, since the ways import the kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PERMUTED: Final = "now, units moved on"
"""The label of the present point's copy whose units are moved on by one place in every hidden layer."""


@dataclass(frozen=True, slots=True)
class WayName:
    """A kind of way.

    Attributes:
        title: what a menu calls it.
        n_units: how many hidden units somebody has to choose for it.
        n_ends: how many points.
        is_quick: whether it takes no more than a line slice, so that nobody need ask for it.
    """

    title: str
    n_units: int = 0
    n_ends: int = 0
    is_quick: bool = False


WAY_NAMES: Final = {
    "line": WayName("Straight line", n_ends=2, is_quick=True),
    "matched": WayName("Straight, units matched", n_ends=2, is_quick=True),
    "curve": WayName("Trained curve", n_ends=2),
    "valley": WayName("Valley walk, down from here"),
    "exchange": WayName("Exchange two units", n_units=2),
    "split": WayName("Split a unit", n_units=1),
}
