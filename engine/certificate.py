"""Certificates: what a step of gradient descent promised, what it kept, and why it could.

Along a step theta - t rate g, t from 0 to 1, Taylor's theorem gives

    L(after) = L(before) - rate ||g||^2 + 1/2 rate^2 ||g||^2 c,

where c is the curvature along the step: the mean, with weights 2 (1 - t), of u H(t) u with u = g / ||g||. So a
step falls exactly when rate * c < 2, and c can be read off two losses and the norm of the gradient alone.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.activity import finite_theta
from engine.answers import final
from engine.curvature.hessian import Hessian
from engine.datasets.dataset import Dataset
from engine.evaluator import make_evaluator
from engine.history import LOSS_RISE_TOLERANCE
from engine.mlp import MLP
from engine.step_curvature import curvature_along, curvature_rounding

__all__ = [
    "Certificate",
    "certify",
    "curvature_along",
    "curvature_rounding",
    "iter_falling_rate",
    "largest_falling_rate",
]

FloatArray = npt.NDArray[np.float64]

_DOUBLINGS: Final = 60
_HALVINGS: Final = 60


@dataclass(frozen=True, slots=True)
class Certificate:
    """One step of full-batch gradient descent, measured.

    Attributes:
        learning_rate: of the step.
        loss, next_loss: before and after it.
        gradient_norm: Euclidean norm of the gradient before it, of the trained parameters.
        predicted_drop: rate ||g||^2 - 1/2 rate^2 g H g, the drop of the quadratic that touches the loss here.
        curvature_here: u H u at the start of the step, u = g / ||g||; 0 where the gradient is 0.
        curvature_along: c above, the mean along the step; NaN where the gradient is 0.
        curvature_largest: the largest u H u at equally spaced points of the step, both ends among them.
    """

    learning_rate: float
    loss: float
    next_loss: float
    gradient_norm: float
    predicted_drop: float
    curvature_here: float
    curvature_along: float
    curvature_largest: float

    @property
    def drop(self) -> float:
        """How far the loss fell; below 0 where it rose."""
        return self.loss - self.next_loss

    @property
    def limit(self) -> float:
        """2 / rate: as long as the curvature along the step is below, the loss falls."""
        return 2.0 / self.learning_rate

    @property
    def is_certified(self) -> bool:
        """Whether the curvature was below the limit at every point looked at: below it everywhere, it falls."""
        return self.curvature_largest < self.limit

    @property
    def rises(self) -> bool:
        """Whether the loss rose by more than rounding."""
        return self.next_loss - self.loss > LOSS_RISE_TOLERANCE * abs(self.loss)


def certify(
    net: MLP,
    data: Dataset,
    theta: Any,
    learning_rate: float,
    n_points: int = 3,
    train: str = "all",
    n_threads: int = 1,
) -> Certificate:
    """Return the certificate of the step from theta (n_params,) at this rate.

    Args:
        net, data, theta: the loss and where the step starts.
        learning_rate: its length, in parameters per gradient.
        n_points: points of the step at which u H u is computed, at least 2.
        train: the part of theta that the step moves, see `engine.parts`.
        n_threads: threads that share an evaluation.

    Raises:
        TypeError, ValueError: one sentence naming the argument, or telling that the loss is not finite.
    """
    here = finite_theta(net, theta)
    rate = checks.real_number("learning_rate", learning_rate, above=0.0)
    checks.whole_number("n_points", n_points, at_least=2)
    evaluator, gradient = make_evaluator(net, data, n_threads=n_threads, train=train), np.empty(net.n_params)
    with np.errstate(over="ignore", invalid="ignore"):
        loss, norm = evaluator.evaluate(here, gradient).loss, float(np.linalg.norm(gradient))
        after = here - rate * gradient
        next_loss = evaluator.loss_and_errors(after)[0]
    if not (math.isfinite(loss) and math.isfinite(next_loss)):
        raise ValueError(
            f"learning_rate must be smaller: the step at {rate:g} gives a loss that is not finite."
        )
    unit = gradient / norm if norm else gradient
    curvatures = [
        float(unit @ Hessian(net, data, here - t * rate * gradient, n_threads).product(unit))
        for t in np.linspace(0.0, 1.0, n_points)
    ]
    along = curvature_along(np.array([loss, next_loss]), np.array([norm, 0.0]), rate)
    return Certificate(
        learning_rate=rate,
        loss=loss,
        next_loss=next_loss,
        gradient_norm=norm,
        predicted_drop=rate * norm**2 * (1.0 - 0.5 * rate * curvatures[0]),
        curvature_here=curvatures[0],
        curvature_along=float(along[0]),
        curvature_largest=max(curvatures),
    )


def largest_falling_rate(net: MLP, data: Dataset, theta: Any, **options: Any) -> float:
    """Return the rate at which the step from theta turns from falling to rising; see `iter_falling_rate`."""
    return final(iter_falling_rate(net, data, theta, **options))


def iter_falling_rate(
    net: MLP, data: Dataset, theta: Any, tolerance: float = 1e-6, train: str = "all", n_threads: int = 1
) -> Generator[tuple[float, float], None, None]:
    """Yield (share done, largest rate known to fall so far): rates are doubled, then bisected.

    Doubling starts at a rate that falls and ends at the first of 2, 4, 8 ... times it that does not; between
    the two the loss may turn more than once, and one of the turns is found. inf where no rate of the doubling
    rises, 0 where none falls, as at a point without gradient.

    Args:
        net, data, theta: the loss and where the step starts (n_params,).
        tolerance: share of the rate to which it is found.
        train: the part of theta that the step moves, see `engine.parts`.
        n_threads: threads that share an evaluation.
    """
    here = finite_theta(net, theta)
    checks.real_number("tolerance", tolerance, above=0.0)
    evaluator, gradient = make_evaluator(net, data, n_threads=n_threads, train=train), np.empty(net.n_params)
    loss = evaluator.evaluate(here, gradient).loss

    def falls(rate: float) -> bool:
        with np.errstate(over="ignore", invalid="ignore"):
            return bool(evaluator.loss_and_errors(here - rate * gradient)[0] < loss)

    low = next((rate for rate in 0.5 ** np.arange(_HALVINGS) if falls(float(rate))), 0.0)
    high = float(low)
    for number in range(_DOUBLINGS if low else 0):
        low, high = high, 2.0 * high
        yield 0.5 * (number + 1) / _DOUBLINGS, float(low)
        if not falls(high):
            break
    else:
        yield 1.0, math.inf if low else 0.0
        return
    while high - low > tolerance * low:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if falls(middle) else (low, middle)
        yield 0.5, float(low)
    yield 1.0, float(low)
