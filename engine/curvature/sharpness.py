"""How sharp a minimum is, by two measures, and a rescaling that changes both and not the function."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.optimize

from engine import checks
from engine.activity import finite_theta
from engine.answers import final
from engine.arguments import check_net_and_data
from engine.curvature.eigenpairs import extreme_eigenpairs
from engine.datasets.dataset import Dataset
from engine.evaluator import Evaluator, make_evaluator
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]

HOMOGENEOUS: Final = ("identity", "relu", "leaky_relu")
"""Activations with f(a z) = a f(z) for every a > 0."""


@dataclass(frozen=True, slots=True, eq=False)
class KeskarSharpness:
    """Keskar's phi with everything it depends on.

    Attributes:
        phi: (largest_loss - loss) / (1 + loss), in per cent. What was found: at most the true one.
        loss, largest_loss: mean loss at the point, and the largest found in the box.
        epsilon: the box reaches epsilon (|theta_i| + 1) to both sides.
        n_dimensions: n_params, or the dimension of the random subspace.
        highest: (n_params,) where the largest loss was found.
        n_evaluations: losses and gradients computed.
        has_converged: whether every ascent so far ended by itself and not at max_iterations.
    """

    phi: float
    loss: float
    largest_loss: float
    epsilon: float
    n_dimensions: int
    highest: FloatArray
    n_evaluations: int
    has_converged: bool


def sharpness(net: MLP, data: Dataset, theta: Any, **options: Any) -> float:
    """Return the largest eigenvalue of the Hessian of the mean loss at theta; options: `extreme_eigenpairs`."""
    check_net_and_data(net, data)
    return float(extreme_eigenpairs(net, data, theta, k=1, **options).largest[0])


def keskar_sharpness(net: MLP, data: Dataset, theta: Any, **options: Any) -> KeskarSharpness:
    """Return Keskar's phi at theta (n_params,); arguments as `iter_keskar_sharpness`."""
    check_net_and_data(net, data)
    return final(iter_keskar_sharpness(net, data, theta, **options))


def iter_keskar_sharpness(
    net: MLP,
    data: Dataset,
    theta: Any,
    epsilon: float = 1e-3,
    n_dimensions: int | None = None,
    n_starts: int = 3,
    max_iterations: int = 50,
    seed: int = 0,
    n_threads: int = 1,
    is_cancelled: Callable[[], bool] | None = None,
) -> Generator[tuple[float, KeskarSharpness], None, None]:
    """Yield (share done, the largest so far) after each ascent.

    Metric 2.1 of Keskar, Mudigere, Nocedal, Smelyanskiy and Tang (2017): the largest loss at theta + A y with
    |y_i| <= epsilon (|(A^+ theta)_i| + 1), by L-BFGS-B with exact gradients. A is the identity, or the
    orthonormal basis of a random subspace (the paper leaves the lengths of its random columns open). They
    stop after 10 iterations; the answer depends on that and on epsilon, so both are arguments.

    Args:
        net, data, theta: whose loss, around which point (n_params,).
        epsilon: size of the box.
        n_dimensions: dimension of the random subspace; None for all of the parameters.
        n_starts: ascents: the first from the corner that the gradient points to, the others from random
            points of the box, since at a minimum the gradient at theta itself says nothing.
        max_iterations: of each ascent.
        seed: of the subspace and the starts.
        n_threads: threads that share an evaluation.
        is_cancelled: asked before each evaluation.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
        InterruptedError: is_cancelled said so.
    """
    checks.real_number("epsilon", epsilon, above=0.0)
    checks.whole_number("n_starts", n_starts, at_least=1)
    checks.whole_number("max_iterations", max_iterations, at_least=1)
    checks.whole_number("seed", seed, at_least=0)
    if n_dimensions is not None:
        checks.whole_number("n_dimensions", n_dimensions, at_least=1, at_most=net.n_params)
    centre, rng = finite_theta(net, theta), np.random.default_rng(seed)
    box = _Box(make_evaluator(net, data, n_threads=n_threads), centre, n_dimensions, rng, is_cancelled)
    bound = epsilon * (np.abs(box.projected) + 1.0)
    has_converged = True
    for number in range(n_starts):
        start = rng.uniform(-bound, bound) if number else bound * np.sign(box.gradient)
        has_converged &= box.climb(start, bound, max_iterations)
        yield (number + 1) / n_starts, box.result(epsilon, has_converged)


class _Box:
    """The loss around a point in the coordinates y of theta + A y, and the largest seen of it."""

    def __init__(
        self,
        evaluator: Evaluator,
        centre: FloatArray,
        n_dimensions: int | None,
        rng: np.random.Generator,
        is_cancelled: Callable[[], bool] | None,
    ) -> None:
        self._evaluator, self._centre, self._is_cancelled = evaluator, centre, is_cancelled
        self._basis: FloatArray | None = None
        if n_dimensions is not None:
            self._basis = np.linalg.qr(rng.standard_normal((len(centre), n_dimensions)))[0]
        self.projected = centre if self._basis is None else self._basis.T @ centre
        self._n_evaluations, self._largest, self._highest = 0, -np.inf, centre
        loss, downhill = self._negative(np.zeros(len(self.projected)))
        self._loss, self.gradient = -loss, -downhill

    def climb(self, start: FloatArray, bound: FloatArray, max_iterations: int) -> bool:
        """Climb from start (n_dimensions,) within the box; return whether the ascent ended by itself."""
        options = {"maxiter": max_iterations, "maxfun": 20 * max_iterations}
        bounds = scipy.optimize.Bounds(-bound, bound)
        found = scipy.optimize.minimize(
            self._negative, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
        return bool(found.status != 1)  # 1: a limit was reached

    def result(self, epsilon: float, has_converged: bool) -> KeskarSharpness:
        phi = 100.0 * (self._largest - self._loss) / (1.0 + self._loss)
        return KeskarSharpness(
            phi,
            self._loss,
            self._largest,
            epsilon,
            len(self.projected),
            self._highest,
            self._n_evaluations,
            has_converged,
        )

    def _negative(self, y: FloatArray) -> tuple[float, FloatArray]:
        if self._is_cancelled is not None and self._is_cancelled():
            raise InterruptedError("The search for the largest loss was cancelled.")
        self._n_evaluations += 1
        theta = self._centre + (y if self._basis is None else self._basis @ y)
        gradient = np.empty(len(theta))
        loss = self._evaluator.evaluate(theta, gradient).loss
        if not (np.isfinite(loss) and np.isfinite(gradient).all()):
            raise ValueError("epsilon must be smaller: the loss in the box is not finite everywhere.")
        if loss > self._largest:
            self._largest, self._highest = loss, theta
        return -loss, -(gradient if self._basis is None else self._basis.T @ gradient)


def rescaled(net: MLP, theta: Any, layer: int, factor: Any) -> FloatArray:
    """Return theta (n_params,) with a hidden layer scaled up and what reads it scaled down; same function.

    The rescaling of Dinh, Pascanu, Bengio and Bengio ("Sharp minima can generalize for deep nets", 2017):
    weights and bias into the layer times factor, weights out of it (skip weights too) divided by it. Exact
    to the last bit for powers of 2, else to rounding.

    Args:
        net, theta: the activation of the layer must be one of `HOMOGENEOUS`.
        layer: number of the hidden layer, from 1.
        factor: a number above 0, or one for each unit (n_units,).

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    moved = finite_theta(net, theta).copy()
    if not net.n_hidden:
        raise ValueError("net must have a hidden layer to be rescaled, and this one has none.")
    number = checks.whole_number("layer", layer, 1, net.n_hidden)
    checks.choice("activation of the rescaled layer", net.activation[number - 1], HOMOGENEOUS)
    factors = _factors(factor, net.layer_sizes[number])
    layers = net.layers(moved)
    for part in layers[number - 1]:
        part *= factors
    outgoing = [layers[number][0]]
    if number in net.skip:
        outgoing.append(net.skip_weights(moved)[net.skip.index(number)])
    for matrix in outgoing:
        matrix /= factors[:, None]
    return moved


def _factors(factor: Any, n_units: int) -> FloatArray:
    if np.ndim(factor) == 0:
        return np.full(n_units, checks.real_number("factor", factor, above=0.0))
    factors = checks.vector("factor", factor, n_units)
    if not (np.isfinite(factors).all() and (factors > 0).all()):
        raise ValueError("factor must hold finite numbers above 0 only.")
    return factors
