"""The point of a polytope nearest to 0, where the polytope is a sum of many small ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_ROUNDING: Final = 1e-14


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The point found, and a proof of how good it is.

    Attributes:
        point: (n,) in the polytope.
        distance: its length; the true least distance is at most this.
        at_least: a lower bound on the true least distance, from the supporting plane at point.
        n_rounds: vertices that were tried.
    """

    point: FloatArray
    distance: float
    at_least: float
    n_rounds: int


def nearest_to_origin(base: FloatArray, groups: Sequence[FloatArray], max_rounds: int = 10_000) -> Nearest:
    """Return the point of {base + sum of one convex combination from each group} nearest to 0.

    Wolfe's algorithm ("Finding the nearest point in a polytope", 1976). A vertex of the sum is one vertex of
    each group, so the vertex that lies furthest towards 0 is found group by group, and the 2^k vertices of a
    sum of k pairs are never listed.

    Args:
        base: (n,).
        groups: arrays (n_vertices, n), the vertices of each group, as rows.
        max_rounds: vertices tried before it stops where it stands; at_least says how far it may be off.
    """
    coordinates, base, groups = _compressed(base, groups)
    size = float(np.linalg.norm(base)) + sum(float(np.linalg.norm(group, axis=1).max()) for group in groups)
    corral, shares = base[None, :] + sum(group[0] for group in groups), np.ones(1)
    point, at_least, n_rounds = corral[0], 0.0, 0
    while n_rounds < max_rounds and (length := float(np.linalg.norm(point))) > _ROUNDING * size:
        n_rounds += 1
        vertex = base + sum(group[(group @ point).argmin()] for group in groups)
        at_least = max(at_least, float(vertex @ point) / length)
        if length - at_least <= _ROUNDING * size or _holds(corral, vertex):
            break
        corral, shares = _reduced(np.vstack([corral, vertex]), np.append(shares, 0.0))
        closer = shares @ corral
        if float(np.linalg.norm(closer)) >= length:  # rounding alone is left
            break
        point = closer
    distance = float(np.linalg.norm(point))
    return Nearest(coordinates @ point, distance, min(at_least, distance), n_rounds)


def _compressed(
    base: FloatArray, groups: Sequence[FloatArray]
) -> tuple[FloatArray, FloatArray, list[FloatArray]]:
    """Return (orthonormal basis as columns, base, groups) in the coordinates of the space they span."""
    rows = np.vstack([base, *groups])
    if len(rows) >= rows.shape[1]:
        return np.eye(rows.shape[1]), base, list(groups)
    basis, coordinates = np.linalg.qr(rows.T)
    parts = np.split(coordinates.T, np.cumsum([1] + [len(group) for group in groups])[:-1])
    return basis, parts[0][0], parts[1:]


def _holds(corral: FloatArray, vertex: FloatArray) -> bool:
    return bool((corral == vertex).all(axis=1).any())


def _reduced(corral: FloatArray, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the vertices and shares of the point of the corral's hull nearest to 0 (Wolfe's minor cycle)."""
    while True:
        wanted = _affine_shares(corral)
        if (wanted > _ROUNDING).all():
            return corral, wanted
        falling = wanted <= _ROUNDING
        ratios = shares[falling] / np.maximum(shares[falling] - wanted[falling], np.finfo(np.float64).tiny)
        step = min(1.0, float(ratios.min()))
        shares = (1.0 - step) * shares + step * wanted
        kept = shares > _ROUNDING
        if kept.all():  # rounding must not keep this going for ever
            kept[np.flatnonzero(falling)[ratios.argmin()]] = False
        corral, shares = corral[kept], shares[kept] / shares[kept].sum()


def _affine_shares(corral: FloatArray) -> FloatArray:
    """Return shares that sum to 1, of any sign, that make the combination of the rows shortest."""
    beside = np.linalg.lstsq((corral[1:] - corral[0]).T, -corral[0], rcond=None)[0]
    return np.append(1.0 - beside.sum(), beside)
