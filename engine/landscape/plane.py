"""A plane in parameter space: where points lie on it, how far from it, and how much of a vector is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.landscape.directions import length, orthonormal

FloatArray = npt.NDArray[np.float64]
Coordinates = tuple[float, float, float]
"""(a, b, distance) of a point seen from a plane."""


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """The points origin + a d1 + b d2; all arrays (n_params,). d1 and d2 need not be orthogonal.

    Raises:
        ValueError: where a direction is 0 or the two are parallel, to rounding.
    """

    origin: FloatArray
    d1: FloatArray
    d2: FloatArray
    _basis: tuple[FloatArray, FloatArray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_basis", orthonormal(self.d1, self.d2))

    def at(self, a: float, b: float) -> FloatArray:
        """Return the point (n_params,) with these coordinates."""
        return self.origin + a * self.d1 + b * self.d2

    def project(self, point: FloatArray) -> Coordinates:
        """Return (a, b, distance): the point of the plane nearest to point (n_params,), and how far it is."""
        offset = point - self.origin
        e1, e2 = self._basis
        b = float(e2 @ offset) / float(e2 @ self.d2)
        a = float(e1 @ (offset - b * self.d2)) / float(e1 @ self.d1)
        return a, b, length(offset - a * self.d1 - b * self.d2)

    def share_of(self, vector: FloatArray) -> float:
        """Return the share 0..1 of the squared length of vector (n_params,) that lies in the plane; NaN for 0."""
        size = length(vector)
        if size == 0.0:
            return float("nan")
        e1, e2 = self._basis
        return min(1.0, float(e1 @ vector / size) ** 2 + float(e2 @ vector / size) ** 2)


def share_of_path(plane: Plane, points: Sequence[FloatArray]) -> float:
    """Return which share 0..1 of a path lies in a plane's directions; NaN for points that are all the same.

    That is of the summed squared distances of points (each (n_params,)) from their mean, as in principal
    component analysis; how far the path as a whole is from the plane does not count.
    """
    offsets = np.stack(points)
    offsets -= offsets.mean(axis=0)
    sizes = np.array([length(offset) for offset in offsets])
    if not sizes.max() > 0.0:
        return float("nan")
    weights = (sizes / sizes.max()) ** 2
    shares = [plane.share_of(offset) if size else 0.0 for offset, size in zip(offsets, sizes, strict=True)]
    return float(weights @ shares / weights.sum())


def plane_through(first: FloatArray, second: FloatArray, third: FloatArray) -> Plane:
    """Return the plane through three points (n_params,): origin in the first, d1 of length 1 towards the second.

    Raises:
        ValueError: where the points lie on one line, to rounding.
    """
    try:
        d1, d2 = orthonormal(second - first, third - first)
    except ValueError:
        raise ValueError("the three points of a plane must not lie on one line.") from None
    return Plane(first, d1, d2)
