"""The permutation walk: two hidden units are brought together, exchanged where they coincide, and led apart."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.optimize

from engine import checks
from engine.activity import finite_theta
from engine.answers import final
from engine.curvature.hessian import MOST_DENSE_PARAMS, dense_hessian
from engine.datasets.dataset import Dataset
from engine.evaluator import Evaluator, make_evaluator
from engine.landscape import line_slice
from engine.mlp import MLP
from engine.noise import refuse_noise
from engine.paths.pairs import check_pair, incoming
from engine.perturbations import permuted

FloatArray = npt.NDArray[np.float64]

_N_SWAP: Final = 21  # points of the stretch on which the output weights are exchanged
_STEPS_A_YIELD: Final = 250
_FEWEST_ITERATIONS: Final = (
    10  # L-BFGS begins anew after each yield, and forgets what it learned of the curvature
)
# Parameters times samples times steps: some tenths of a second until a walk can be cancelled.
_WORK_A_YIELD: Final = 5e9
_N_NEWTON: Final = 40
_ROUNDING: Final = 1e-9  # of the largest singular value


@dataclass(frozen=True, slots=True, eq=False)
class PermutationWalk:
    """A walk from theta to its copy with two units exchanged; complete when `is_whole`.

    Attributes:
        thetas: (n_points, n_params) the points, the two ends among them.
        loss: (n_points,) mean loss there.
        distances: (n_points,) between the input weights and biases of the two units.
        merged: number of the point at which the units first coincide, None before that.
        straight_shares, straight_loss: (n_straight,) the straight line between the ends for comparison.
        is_whole: whether the walk has arrived.
    """

    thetas: FloatArray
    loss: FloatArray
    distances: FloatArray
    merged: int | None
    straight_shares: FloatArray
    straight_loss: FloatArray
    is_whole: bool

    @property
    def height(self) -> float:
        """The largest loss on the walk so far above that of its start."""
        return float(self.loss.max() - self.loss[0])

    @property
    def straight_height(self) -> float:
        """The same for the straight line."""
        return float(self.straight_loss.max() - self.straight_loss[0])


def permutation_walk(net: MLP, data: Dataset, theta: Any, **options: Any) -> PermutationWalk:
    """Return the whole walk; arguments as `iter_permutation_walk`."""
    return final(iter_permutation_walk(net, data, theta, **options))


def iter_permutation_walk(
    net: MLP,
    data: Dataset,
    theta: Any,
    layer: int = 1,
    first: int = 0,
    second: int = 1,
    learning_rate: float = 0.05,
    n_stages: int = 20,
    n_steps: int = 250,
    n_last_steps: int = 2_000,
    n_straight: int = 41,
) -> Generator[tuple[float, PermutationWalk], None, None]:
    """Yield (share done, the walk so far) several times a stage.

    After Brea, Simsek, Illing and Gerstner ("Weight-space symmetry in deep networks gives rise to permutation
    saddles", 2019): the distance between the input weights (and biases) of the two units is brought to 0 in
    equal stages, and at each of them everything else goes down by gradient descent with that distance held. The
    difference may turn. The last stage, where they coincide, ends with L-BFGS and a few of Newton's steps
    (those up to 2,000 parameters), so that it comes to a point where the gradient is 0. There the output
    weights are exchanged along a straight line, which changes nothing in the function; from there the walk goes
    back as it came, the units exchanged.

    Args:
        net, data, theta: the loss, and where the walk starts (n_params,).
        layer, first, second: which two units, the layer from 1, units from 0.
        learning_rate: of the descents.
        n_stages: stages from the distance at the start to 0.
        n_steps: steps of gradient descent at each stage.
        n_last_steps: most iterations of L-BFGS at the end of the last one.
        n_straight: points of the straight line.

    Raises:
        TypeError, ValueError: one sentence naming the argument; also where a descent diverges.
    """
    refuse_noise(data, "an exchange of units")
    start = finite_theta(net, theta)
    check_pair(net, layer, first, second)
    rate = checks.real_number("learning_rate", learning_rate, above=0.0)
    checks.whole_number("n_stages", n_stages, at_least=1)
    checks.whole_number("n_steps", n_steps, at_least=0)
    checks.whole_number("n_last_steps", n_last_steps, at_least=0)
    checks.whole_number("n_straight", n_straight, at_least=3)
    walker = _Walker(net, data, start, layer, (first, second), n_straight)
    for done in walker.walk(rate, n_stages, n_steps, n_last_steps):
        yield done, walker.result()


class _Walker:
    """Keeps the points walked so far."""

    def __init__(
        self,
        net: MLP,
        data: Dataset,
        start: FloatArray,
        layer: int,
        pair: tuple[int, int],
        n_straight: int,
    ) -> None:
        self._net, self._data, self._layer, self._pair = net, data, layer, pair
        self._evaluator: Evaluator = make_evaluator(net, data)
        self._first, self._second = (incoming(net, layer, unit) for unit in pair)
        self._order = np.arange(net.layer_sizes[layer])
        self._order[list(pair)] = pair[::-1]
        n_fitting = int(_WORK_A_YIELD / (net.n_params * data.n_samples))
        self._n_a_yield = min(max(n_fitting, 1), _STEPS_A_YIELD)
        self._thetas: list[FloatArray] = []
        self._losses: list[float] = []
        self._merged: int | None = None
        self._is_whole = False
        self._note(start)
        end = permuted(net, start, layer, self._order)
        self._shares = np.linspace(0.0, 1.0, n_straight)
        self._straight = line_slice(net, data, start, end - start, self._shares).loss

    def walk(self, rate: float, n_stages: int, n_steps: int, n_last: int) -> Generator[float, None, None]:
        """Walk to the other end, yielding the share of the steps taken."""
        theta, total = self._thetas[0].copy(), max(1, n_stages * n_steps + n_last)
        length = float(np.linalg.norm(self._difference(theta)))
        for stage in range(n_stages):
            wanted = length * (1.0 - (stage + 1) / n_stages)
            for n in self._descend(theta, wanted, rate, n_steps):
                yield (stage * n_steps + n) / total
            if stage < n_stages - 1:
                self._note(theta)
        for n in self._settle(theta, n_last):
            yield (n_stages * n_steps + n) / total
        self._note(theta)
        self._merged = len(self._thetas) - 1
        self._exchange(theta)
        yield 1.0

    def _descend(
        self, theta: FloatArray, length: float, rate: float, n_steps: int
    ) -> Generator[int, None, None]:
        """Take steps on theta in place, the two units being held at a distance."""
        gradient = np.empty(len(theta))
        self._hold(theta, length)
        for n in range(1, n_steps + 1):
            loss = self._evaluator.evaluate(theta, gradient).loss
            if not (np.isfinite(loss) and np.isfinite(gradient).all()):
                raise ValueError(f"learning_rate must be smaller than {rate:g}: the descent diverged.")
            theta -= rate * gradient
            self._hold(theta, length)
            if n % self._n_a_yield == 0:
                yield n

    def _settle(self, theta: FloatArray, n_iterations: int) -> Generator[int, None, None]:
        """Bring theta, in place, to a stationary point among those where the two units coincide."""
        gradient = np.empty(len(theta))

        def tied(point: FloatArray) -> tuple[float, FloatArray]:
            self._hold(point := point.copy(), 0.0)
            loss = self._evaluator.evaluate(point, gradient).loss
            slope = gradient.copy()
            slope[self._first] = slope[self._second] = 0.5 * (slope[self._first] + slope[self._second])
            return loss, slope

        n_a_yield = max(self._n_a_yield, _FEWEST_ITERATIONS)
        for n in range(0, n_iterations, n_a_yield):
            options = {"maxiter": min(n_a_yield, n_iterations - n), "ftol": 0.0, "gtol": 1e-13}
            found = scipy.optimize.minimize(tied, theta, jac=True, method="L-BFGS-B", options=options)
            theta[...] = found.x
            self._hold(theta, 0.0)
            yield n
            if found.status != 1:  # 1: it wants more iterations
                break
        if n_iterations and self._net.n_params <= MOST_DENSE_PARAMS:
            self._polish(theta)

    def _polish(self, theta: FloatArray) -> None:
        """Take Newton's steps on theta, in place, the units tied, as long as they shorten the gradient."""
        tie = np.eye(len(theta))
        tie[self._second, self._first] = 1.0
        tie = np.delete(tie, self._second, axis=1)
        for _ in range(_N_NEWTON):
            gradient = self._net.gradient(theta, self._data)
            hessian = tie.T @ dense_hessian(self._net, self._data, theta) @ tie
            moved = theta - tie @ scipy.linalg.lstsq(hessian, tie.T @ gradient, cond=_ROUNDING)[0]
            if np.linalg.norm(self._net.gradient(moved, self._data)) >= np.linalg.norm(gradient):
                return
            theta[...] = moved

    def _hold(self, theta: FloatArray, length: float) -> None:
        """Move the two units' input weights to this distance, their middle and direction kept."""
        middle = 0.5 * (theta[self._first] + theta[self._second])
        difference = self._difference(theta)
        with np.errstate(over="ignore"):  # a descent that diverges is found out by its loss
            now = float(np.linalg.norm(difference))
        half = 0.5 * length / now * difference if now and length else np.zeros(len(middle))
        theta[self._first], theta[self._second] = middle - half, middle + half

    def _exchange(self, theta: FloatArray) -> None:
        """Exchange the output weights where the units coincide, then go back the way, the units exchanged."""
        arrived = len(self._thetas)
        there = permuted(self._net, theta, self._layer, self._order)
        for share in np.linspace(0.0, 1.0, _N_SWAP)[1:]:
            self._note((1.0 - share) * theta + share * there)
        for point in self._thetas[arrived - 2 :: -1]:
            self._note(permuted(self._net, point, self._layer, self._order))
        self._is_whole = True

    def _difference(self, theta: FloatArray) -> FloatArray:
        return np.asarray(theta[self._second] - theta[self._first])

    def _note(self, theta: FloatArray) -> None:
        self._thetas.append(theta.copy())
        self._losses.append(self._evaluator.loss_and_errors(theta)[0])

    def result(self) -> PermutationWalk:
        thetas = np.array(self._thetas)
        differences = thetas[:, self._second] - thetas[:, self._first]
        return PermutationWalk(
            thetas,
            np.array(self._losses),
            np.linalg.norm(differences, axis=1),
            self._merged,
            self._shares,
            self._straight,
            self._is_whole,
        )
