"""What several claims about convexity share: midpoints of chords, and chords between random points."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.linalg

from engine.curvature import Eigenpairs, dense_hessian, extreme_eigenpairs
from engine.datasets import Dataset
from engine.evaluator import Evaluator
from engine.evaluator import make_evaluator as make_evaluator
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]

ROUNDING: Final = 1e-12
"""A midpoint counts as above its chord when it is by more than this times the larger of the losses."""
EIGENVALUE_SHARE: Final = 1e-9
"""An eigenvalue counts as negative when it is by more than this times the largest, and more than its residual."""
TOLERANCES: Final = {
    "midpoint": f"{ROUNDING:g} of the larger loss at the ends",
    "eigenvalue": f"{EIGENVALUE_SHARE:g} of the largest, and its residual",
}

SCALES: Final = (0.01, 0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True, slots=True)
class Chord:
    """Losses at both ends of a chord and at its middle, and by how much the middle is above the mean."""

    first: float
    last: float
    middle: float

    @property
    def excess(self) -> float:
        """Loss at the middle less the mean of the ends; convex functions have none above 0."""
        return self.middle - 0.5 * (self.first + self.last)

    @property
    def is_above(self) -> bool:
        """Whether the middle lies above the chord by more than rounding."""
        return self.excess > ROUNDING * max(abs(self.first), abs(self.last))


def chord(evaluator: Evaluator, first: FloatArray, last: FloatArray) -> Chord:
    """Return the losses on the chord between two thetas (n_params,)."""
    points = (first, last, 0.5 * (first + last))
    return Chord(*(evaluator.loss_and_errors(point)[0] for point in points))


def iter_random_chords(
    evaluator: Evaluator, rng: np.random.Generator, n_chords: int
) -> Generator[Chord, None, None]:
    """Yield chords between points with normal parameters, of the sizes `SCALES` in turn."""
    n_params = evaluator.net.n_params
    for k in range(n_chords):
        ends = SCALES[k % len(SCALES)] * rng.standard_normal((2, n_params))
        yield chord(evaluator, ends[0], ends[1])


def spectrum_ends(net: MLP, data: Dataset, theta: FloatArray) -> Eigenpairs:
    """Return the smallest and the largest eigenpair of the Hessian at theta (n_params,).

    Without hidden layer the least eigenvalue is 0 many times over, and Lanczos' method, whose tolerance is
    relative to the eigenvalue, does not come to an end: there the full matrix is taken.
    """
    if net.n_hidden:
        return extreme_eigenpairs(net, data, theta)
    values, vectors = scipy.linalg.eigh(dense_hessian(net, data, theta))
    ends = values[:1], values[-1:], vectors[:, :1], vectors[:, -1:]
    return Eigenpairs(*ends, residual=0.0, n_products=net.n_params)


def is_negative(value: float, pairs: Eigenpairs) -> bool:
    """Return whether an eigenvalue is below 0 by more than rounding and the solver leave open."""
    return value < -max(EIGENVALUE_SHARE * float(np.abs(pairs.largest[0])), pairs.residual)


def is_positive(value: float, pairs: Eigenpairs) -> bool:
    """Return whether an eigenvalue is above 0 by more than rounding and the solver leave open."""
    return value > max(EIGENVALUE_SHARE * float(np.abs(pairs.smallest[0])), pairs.residual)


def rolled(n_units: int) -> npt.NDArray[np.int64]:
    """Return the order in which every unit goes to the next place, and the last to the first."""
    return np.roll(np.arange(n_units), 1)


def smaller(data: Dataset, n_samples: int | None) -> Dataset:
    """Return the first n_samples of data, or all of them."""
    return data if n_samples is None or n_samples >= data.n_samples else data.first(n_samples)


def as_row(one: Chord) -> dict[str, Any]:
    """Return a chord as evidence."""
    return {"first": one.first, "last": one.last, "middle": one.middle, "excess": one.excess}
