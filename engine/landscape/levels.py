"""The order of a grid's points, coarse first and then finer, and a picture of it before it is complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_COARSEST: Final = 8  # grid steps between the points of the first picture


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One round of a grid: every stride-th row and column through the middle; patches holds what is new in it.

    Attributes:
        rows, columns: indices of the lattice that is complete after this level.
        patches: (rows, columns) of the rectangles to be computed now.
    """

    rows: Indices
    columns: Indices
    patches: tuple[tuple[Indices, Indices], ...]

    @property
    def n_points(self) -> int:
        """Number of points to be computed in this level."""
        return sum(len(rows) * len(columns) for rows, columns in self.patches)


def levels(n_rows: int, n_columns: int) -> list[Level]:
    """Return the levels of a grid; each point is in exactly one patch, the last lattice is the whole grid."""
    found: list[Level] = []
    stride = _COARSEST
    while stride:
        rows, columns = _lattice(n_rows, stride), _lattice(n_columns, stride)
        patches = _new_patches(rows, columns, found[-1]) if found else ((rows, columns),)
        found.append(
            Level(rows, columns, tuple(patch for patch in patches if len(patch[0]) and len(patch[1])))
        )
        stride //= 2
    return [level for level in found if level.patches]


def _lattice(n: int, stride: int) -> Indices:
    """Return every stride-th index, the middle one among them."""
    return np.arange((n // 2) % stride, n, stride)


def _new_patches(rows: Indices, columns: Indices, before: Level) -> tuple[tuple[Indices, Indices], ...]:
    new_rows, new_columns = np.setdiff1d(rows, before.rows), np.setdiff1d(columns, before.columns)
    return (new_rows, columns), (before.rows, new_columns)


def filled(values: npt.NDArray[Any], known: npt.NDArray[np.bool_]) -> FloatArray:
    """Return values (n_rows, n_columns) with each unknown number interpolated between the known ones around it.

    The known points must be a lattice, as after each level; beyond its edge the nearest known number stands.
    Without a known point all is NaN.
    """
    rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    if not len(rows) or known.all():
        return np.where(known, values, np.nan).astype(np.float64)
    across = _between(values[np.ix_(rows, columns)].astype(np.float64), columns, values.shape[1])
    return _between(across.T, rows, values.shape[0]).T


def _between(lines: FloatArray, positions: Indices, n: int) -> FloatArray:
    """Return lines (n_lines, len(positions)) interpolated to 0 .. n - 1; a number that is not finite stays local."""
    at = np.clip(np.arange(n), positions[0], positions[-1])
    right = np.clip(np.searchsorted(positions, at), 0, len(positions) - 1)
    left = np.maximum(right - 1, 0)
    span = np.maximum(positions[right] - positions[left], 1)
    share = np.where(positions[right] == at, 1.0, (at - positions[left]) / span)
    with np.errstate(invalid="ignore"):
        between = (1.0 - share) * lines[:, left] + share * lines[:, right]
    return np.where(share == 1.0, lines[:, right], between)
