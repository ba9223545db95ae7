"""Where a run has ended: at zero error, on a kink, at a differentiable minimum or saddle, or nowhere yet."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg

from engine import checks
from engine.activity import activity_on, deltas, finite_theta, output_deltas
from engine.clarke import ClarkeResidual, clarke_residual
from engine.curvature import Hessian, dense_hessian
from engine.curvature.hessian import MOST_DENSE_PARAMS
from engine.curvature.lanczos import find_ends
from engine.datasets.dataset import Dataset
from engine.evaluator import Records, make_evaluator
from engine.mlp import MLP
from engine.parts import trained

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_STEPS_TO_A_KINK: Final = 4.0  # gradient descent that rests on a kink jumps over it by about a step
_ROUNDING: Final = 1e-9  # of the largest eigenvalue
_TOLERANCE: Final = (
    1e-6  # of Lanczos' method: eigenvalues near 0 are then told to a thousandth of that, as above
)
_SAMPLES_A_BLOCK: Final = 2048
_COOLING: Final = (1.0, 1.0, 1.0, 1.0, 1.0, 0.25, 0.0625, 0.015625)
_PARTS_A_STAGE: Final = 8  # a look at the loss, and at who may have cancelled, after each


LEAST_DROP: Final = 0.01
"""Share of the loss: a point from which Newton's step promises a larger drop is still on its way."""


class EndKind(StrEnum):
    """What sort of point a run has come to."""

    ZERO = "zero error"
    KINK = "kink"
    MINIMUM = "differentiable minimum"
    SADDLE = "differentiable saddle"
    MOVING = "still moving"


@dataclass(frozen=True, slots=True)
class EndPoint:
    """A point that a run has come to, and what tells which sort of point it is.

    Attributes:
        kind: see `classify`.
        loss: the mean loss there.
        gradient_norm: norm of the gradient by the trained parameters.
        residual: how near 0 the gradients on all sides of the kinks come, see `engine.clarke`.
        sample_norm: mean over the samples of the length of a sample's own gradient.
        unbalanced: residual / sample_norm, the share of the samples' pulls that does not cancel; 0 where they
            are all 0.
        n_kinks: pairs of a sample and a unit within kink_tolerance of a kink.
        kink_tolerance: pre-activations up to this size counted as kinks.
        lowest_curvature: smallest eigenvalue of the Hessian of the trained parameters; None where it was not
            needed.
        curvature_tolerance: eigenvalues down to minus this may be rounding, or the gradient that is left.
        promised_drop: by how much Newton's step, where the curvature is above 0, would lower the loss; None where
            it was not needed, or n_params is above 2,000.
    """

    kind: EndKind
    loss: float
    gradient_norm: float
    residual: float
    sample_norm: float
    unbalanced: float
    n_kinks: int
    kink_tolerance: float
    lowest_curvature: float | None
    curvature_tolerance: float
    promised_drop: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Cooled:
    """A run whose learning rate falls in stages: theta (n_params,), the rate of its last step, and the loss."""

    theta: FloatArray
    learning_rate: float
    loss: float


def iter_cooled(
    net: MLP,
    data: Dataset,
    theta: Any,
    learning_rate: float,
    n_steps: int,
    train: str = "all",
    enough: float = 0.0,
) -> Generator[tuple[float, Cooled], None, None]:
    """Yield (share done, the run so far) of full-batch gradient descent that ends at a 64th of its rate.

    The first five eighths of the steps have the whole rate, the others a quarter, a 16th and a 64th of it. On a
    kink gradient descent jumps about as far as its rate is long, so only short steps at the end tell a kink
    from a run that is still moving; see `classify`.

    Args:
        net, data, theta: the loss, and the start (n_params,).
        learning_rate: of the first steps.
        n_steps: about how many steps, at least 1; a run that diverges stops where it stands.
        train: the part of theta that moves, see `engine.parts`.
        enough: a loss at which to stop.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    moved = finite_theta(net, theta).copy()
    rate = checks.real_number("learning_rate", learning_rate, above=0.0)
    n_a_part = -(-checks.whole_number("n_steps", n_steps, at_least=1) // (len(_COOLING) * _PARTS_A_STAGE))
    evaluator, gradient = make_evaluator(net, data, train=train), np.empty(net.n_params)
    evaluator.evaluate(moved, gradient)
    factors = np.repeat(_COOLING, _PARTS_A_STAGE).tolist()
    for part, factor in enumerate(factors, 1):
        records = Records.empty(n_a_part)
        _, has_diverged = evaluator.advance(moved, gradient, rate * factor, records)
        loss = evaluator.loss_and_errors(moved)[0]
        yield part / len(factors), Cooled(moved.copy(), rate * factor, loss)
        if has_diverged or loss <= enough:
            return


def classify(
    net: MLP,
    data: Dataset,
    theta: Any,
    learning_rate: float,
    train: str = "all",
    zero_loss: float = 1e-10,
    balance: float = 1e-3,
) -> EndPoint:
    """Tell what sort of point a run has come to at theta (n_params,).

    Zero error: the loss is at most zero_loss. Else, if what does not cancel of the samples' own gradients is at
    most the share `balance` of their mean length, the point is stationary: a differentiable minimum, or a
    saddle if the Hessian has an eigenvalue below 0, where that is so of the gradient itself; a kink where it is so
    only of a convex combination of the gradients on both sides of the kinks. Else it is still moving; and so it is
    where the gradient is small only because the loss is nearly flat in a direction in which it still has far to
    fall: where Newton's step promises a drop above a hundredth of the loss (looked at up to 2,000 parameters).

    Near a kink gradient descent jumps from one side to the other, so a pre-activation counts as one when it is
    at most 4 times the largest change of any pre-activation in a step of learning_rate; a run ends best with
    some short steps, see `iter_cooled`.
    An eigenvalue counts as below 0 when it is below -2 |gradient| / |theta| (as large as the gradient that is
    left makes it along a rescaling of a relu unit, which changes nothing) and below what rounding leaves.

    Args:
        net, data, theta: whose loss, where.
        learning_rate: of its last steps.
        train: the part of theta that was trained, see `engine.parts`.
        zero_loss: what counts as zero error, in units of the loss.
        balance: see above.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
        ArithmeticError: one sentence, above 2,000 parameters where too many eigenvalues lie next to one another.
    """
    theta, mask = finite_theta(net, theta), trained(net, train)
    checks.real_number("learning_rate", learning_rate, above=0.0)
    checks.real_number("zero_loss", zero_loss, at_least=0.0)
    checks.real_number("balance", balance, above=0.0)
    gradient = np.where(mask, net.gradient(theta, data), 0.0)
    tolerance = _STEPS_TO_A_KINK * _largest_change(net, data, theta, theta - learning_rate * gradient)
    clarke = clarke_residual(net, data, theta, tolerance, mask)
    loss, sample_norm = net.loss(theta, data), _mean_sample_norm(net, data, theta, mask)
    kind = _kind(loss, clarke, zero_loss, balance * sample_norm)
    curvature, curvature_tolerance = None, 0.0
    if kind is EndKind.MINIMUM:
        curvature = _curvature(net, data, theta, mask, gradient[mask])
        length = float(np.linalg.norm(theta[mask])) or 1.0
        curvature_tolerance = 2.0 * clarke.gradient_norm / length + _ROUNDING * abs(curvature.highest)
        kind = _differentiable_kind(curvature, curvature_tolerance, loss)
    return EndPoint(
        kind=kind,
        loss=loss,
        gradient_norm=clarke.gradient_norm,
        residual=clarke.residual,
        sample_norm=sample_norm,
        unbalanced=clarke.residual / sample_norm if sample_norm else 0.0,
        n_kinks=clarke.n_kinks,
        kink_tolerance=tolerance,
        lowest_curvature=curvature.lowest if curvature else None,
        curvature_tolerance=curvature_tolerance,
        promised_drop=curvature.promised_drop if curvature else None,
    )


def _kind(loss: float, clarke: ClarkeResidual, zero_loss: float, small: float) -> EndKind:
    """Return the kind; MINIMUM stands for every differentiable point whose gradient is small."""
    if loss <= zero_loss:
        return EndKind.ZERO
    if clarke.gradient_norm <= small:
        return EndKind.MINIMUM
    return EndKind.KINK if clarke.residual <= small else EndKind.MOVING


class _Curvature(NamedTuple):
    """Smallest and largest eigenvalue of a Hessian, and by how much Newton's step would lower the loss."""

    lowest: float
    highest: float
    promised_drop: float | None


def _differentiable_kind(curvature: _Curvature, tolerance: float, loss: float) -> EndKind:
    if curvature.lowest < -tolerance:
        return EndKind.SADDLE
    has_far_to_go = curvature.promised_drop is not None and curvature.promised_drop > LEAST_DROP * loss
    return EndKind.MOVING if has_far_to_go else EndKind.MINIMUM


def _largest_change(net: MLP, data: Dataset, theta: FloatArray, moved: FloatArray) -> float:
    """Return the largest change of any pre-activation between two thetas."""
    largest = 0.0
    for rows in _blocks(data):
        before, after = (activity_on(net, point, data, rows).pre_activations for point in (theta, moved))
        for old, new in zip(before, after, strict=True):
            largest = max(largest, float(np.abs(new - old).max()))
    return largest


def _mean_sample_norm(net: MLP, data: Dataset, theta: FloatArray, mask: Mask) -> float:
    """Return the mean over the samples of the norm of a sample's gradient by the parameters in mask."""
    return sum(
        float(np.sqrt(_squares(net, data, theta, mask, rows)).sum()) for rows in _blocks(data)
    ) / float(data.n_samples)


def _squares(net: MLP, data: Dataset, theta: FloatArray, mask: Mask, rows: slice) -> FloatArray:
    """Return the squared norm of each sample's gradient, (n_rows,): it is an outer product in each layer."""
    inside = activity_on(net, theta, data, rows)
    last = output_deltas(net.loss_name, inside.outputs, data.y[rows], data.targets[rows])
    squares = np.zeros(len(last))
    found = deltas(net, theta, list(inside.slopes), last)
    for block, values, delta in zip(net.layer_blocks, inside.values, found, strict=True):
        of_delta = (delta**2).sum(axis=1)
        squares += of_delta * (values**2).sum(axis=1) * mask[block.offset]
        squares += of_delta * mask[block.bias_offset]
    for block, layer in zip(net.skip_blocks, net.skip, strict=True):
        squares += (last**2).sum(axis=1) * (inside.values[layer] ** 2).sum(axis=1) * mask[block.offset]
    return squares


def _curvature(net: MLP, data: Dataset, theta: FloatArray, mask: Mask, gradient: FloatArray) -> _Curvature:
    """Return what the Hessian of the parameters in mask says, gradient being that by these parameters."""
    if net.n_params <= MOST_DENSE_PARAMS:
        values, vectors = scipy.linalg.eigh(dense_hessian(net, data, theta)[np.ix_(mask, mask)])
        is_up = values > _ROUNDING * abs(values[-1])
        drop = 0.5 * float(((vectors.T @ gradient)[is_up] ** 2 / values[is_up]).sum())
        return _Curvature(float(values[0]), float(values[-1]), drop)
    hessian = Hessian(net, data, theta)

    def product(v: FloatArray) -> FloatArray:
        whole = np.zeros(net.n_params)
        whole[mask] = v
        return hessian.product(whole)[mask]

    start = np.random.default_rng(0).standard_normal(int(mask.sum()))
    values = find_ends(product, start, 1, _TOLERANCE).values
    return _Curvature(float(values[0]), float(values[-1]), None)


def _blocks(data: Dataset) -> list[slice]:
    return [slice(start, start + _SAMPLES_A_BLOCK) for start in range(0, data.n_samples, _SAMPLES_A_BLOCK)]
