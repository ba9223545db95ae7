"""Curves between two minima: a straight line, or a quadratic Bezier curve trained to stay low."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.activity import finite_theta
from engine.answers import final
from engine.arguments import check_net_and_data
from engine.datasets.dataset import Dataset
from engine.evaluator import Evaluator, make_evaluator
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Bezier:
    """(1 - t)^2 start + 2 t (1 - t) control + t^2 end for t from 0 to 1; all (n_params,)."""

    start: FloatArray
    control: FloatArray
    end: FloatArray

    def at(self, t: float) -> FloatArray:
        """Return the point (n_params,) at t."""
        return (1.0 - t) ** 2 * self.start + 2.0 * t * (1.0 - t) * self.control + t**2 * self.end


@dataclass(frozen=True, slots=True, eq=False)
class CurveLoss:
    """Loss and errors along a curve; all (n_points,).

    Attributes:
        t: where.
        loss, n_errors: mean loss and number of errors there.
        length: length of the curve up to there, as of straight pieces between the points.
    """

    t: FloatArray
    loss: FloatArray
    n_errors: Counts
    length: FloatArray

    @property
    def highest(self) -> float:
        """The largest loss on the curve, infinite where any is not finite."""
        return float(np.where(np.isfinite(self.loss), self.loss, np.inf).max())


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """How far the training of a curve has come.

    Attributes:
        curve: with the newest control point.
        mean_loss: (n_steps + 1,) mean of the loss over the grid of t, before any step and after each.
        reason: why it stopped early, one sentence; "" where it did not.
    """

    curve: Bezier
    mean_loss: FloatArray
    reason: str


def straight(start: FloatArray, end: FloatArray) -> Bezier:
    """Return the straight line between two points (n_params,) as a curve."""
    return Bezier(start, 0.5 * (start + end), end)


def curve_loss(net: MLP, data: Dataset, curve: Bezier, n_points: int = 51, n_threads: int = 1) -> CurveLoss:
    """Return loss and errors at n_points evenly spaced t along a curve, its ends among them."""
    check_net_and_data(net, data)
    if not isinstance(curve, Bezier):
        raise TypeError(
            f"curve must be what engine.train_curve returns as curve, not {type(curve).__name__}."
        )
    return final(iter_curve_loss(net, data, curve, n_points, n_threads))


def iter_curve_loss(
    net: MLP, data: Dataset, curve: Bezier, n_points: int = 51, n_threads: int = 1
) -> Generator[tuple[float, CurveLoss], None, None]:
    """Yield (share done, loss and errors so far) after each point; NaN and -1 stand where none is known yet.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    checks.whole_number("n_points", n_points, at_least=2)
    for name in ("start", "control", "end"):
        finite_theta(net, getattr(curve, name), f"curve.{name}")
    evaluator, grid = make_evaluator(net, data, n_threads=n_threads), np.linspace(0.0, 1.0, n_points)
    loss, n_errors = np.full(n_points, np.nan), np.full(n_points, -1, dtype=np.int64)
    length, before = np.zeros(n_points), curve.start
    for k, t in enumerate(grid):
        point = curve.at(t)
        loss[k], n_errors[k] = evaluator.loss_and_errors(point)
        length[k:] += np.linalg.norm(point - before)
        before = point
        yield (k + 1) / n_points, CurveLoss(grid, loss.copy(), n_errors.copy(), length.copy())


def train_curve(net: MLP, data: Dataset, start: Any, end: Any, **options: Any) -> Training:
    """Return a trained curve between two points (n_params,); arguments as `iter_train_curve`."""
    check_net_and_data(net, data)
    return final(iter_train_curve(net, data, start, end, **options))


def iter_train_curve(
    net: MLP,
    data: Dataset,
    start: Any,
    end: Any,
    control: Any = None,
    learning_rate: float = 0.5,
    n_steps: int = 200,
    n_points: int = 11,
    n_threads: int = 1,
) -> Generator[tuple[float, Training], None, None]:
    """Yield (share done, training so far) before any step and after each.

    Minimises the mean of the loss over t, as Garipov, Izmailov, Podoprikhin, Vetrov and Wilson (2018), with
    t on the middles of n_points equal parts of [0, 1] instead of drawn at random, by gradient descent on the
    control point. Its gradient, the mean of 2 t (1 - t) grad L, is divided by the mean of (2 t (1 - t))^2:
    where the loss has the same Hessian all along, a learning rate then does to the control point what it does
    to theta in plain gradient descent.

    Args:
        net, data: whose loss.
        start, end: (n_params,) they stay where they are.
        control: (n_params,) where the control point starts; None for the middle of the two.
        learning_rate: step length.
        n_steps: steps.
        n_points: values of t.
        n_threads: threads that share an evaluation.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    rate = checks.real_number("learning_rate", learning_rate, above=0.0)
    checks.whole_number("n_steps", n_steps, at_least=0)
    checks.whole_number("n_points", n_points, at_least=1)
    curve = straight(finite_theta(net, start, "start"), finite_theta(net, end, "end"))
    if control is not None:
        curve = Bezier(curve.start, finite_theta(net, control, "control"), curve.end)
    evaluator, grid = make_evaluator(net, data, n_threads=n_threads), (np.arange(n_points) + 0.5) / n_points
    loss, gradient = mean_loss_and_gradient(evaluator, curve, grid)
    losses = np.full(n_steps + 1, loss)
    yield (0.0 if n_steps else 1.0), Training(curve, _known(losses, 0), "")
    rate /= float(((2.0 * grid * (1.0 - grid)) ** 2).mean())
    for step in range(1, n_steps + 1):
        moved = Bezier(curve.start, curve.control - rate * gradient, curve.end)
        with np.errstate(over="ignore", invalid="ignore"):
            loss, gradient = mean_loss_and_gradient(evaluator, moved, grid)
        if not (np.isfinite(loss) and np.isfinite(gradient).all()):
            reason = f"Step {step:,} would give a loss that is not a finite number; try half the rate."
            yield 1.0, Training(curve, _known(losses, step - 1), reason)
            return
        curve = moved
        losses[step] = loss
        yield step / n_steps, Training(curve, _known(losses, step), "")


def _known(losses: FloatArray, step: int) -> FloatArray:
    """Return the losses up to step as a read-only view; they do not change any more."""
    view = losses[: step + 1]
    view.flags.writeable = False
    return view


def mean_loss_and_gradient(evaluator: Evaluator, curve: Bezier, grid: FloatArray) -> tuple[float, FloatArray]:
    """Return the mean loss over t in grid (n_points,) and its gradient by the control point (n_params,)."""
    total, gradient = 0.0, np.zeros(len(curve.control))
    here = np.empty(len(curve.control))
    for t in grid:
        total += evaluator.evaluate(curve.at(t), here).loss
        gradient += 2.0 * t * (1.0 - t) * here
    return total / len(grid), gradient / len(grid)
