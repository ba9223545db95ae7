"""The valley walker: from any point down to a loss near 0 without ever rising, or the reason why not.

The way is that of Nguyen, Mukkamala and Hein ("On the loss landscape of a class of deep neural networks with
no bad local valleys", 2019). Psi (n_samples, n_units) holds the values of the hidden units that are wired to
the output, and V their weights to it. Where Psi has the rank n_samples there is a D with Psi D = onehot(y), and
along the ray V + s D every sample's right logit grows by s and no other moves: the loss falls to 0. Where it has
not, the same function is first put together from as few units as it needs; the others are mute then and can be
moved to any place at constant loss. That is done layer by layer: where the rank is lost though the units of
each layer are independent by themselves, no unit becomes mute, and the walk ends with a reason.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.optimize

from engine import checks
from engine.activity import activity, finite_theta
from engine.answers import final
from engine.datasets.dataset import Dataset
from engine.mlp import MLP
from engine.rank import features, numerical_rank, wired_layers

FloatArray = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

STAGES: Final = {
    "gather": "The same function is put together from as few units as it needs; the others become mute.",
    "free": "The mute units are moved to random places, which changes no output.",
    "ray": "The output weights move so that the right logit of every sample grows and no other changes.",
    "partial_ray": "No move of the output weights serves all samples; the best by least squares is taken.",
}
"""What happens on each stage of a walk, in plain words."""

_N_DRAWS: Final = 5
"""Places tried for the mute units before giving up; almost every place does, so one is nearly always enough."""
_REFINEMENTS: Final = 2
_MOST_SAMPLES: Final = 5_000
"""The features of all samples are decomposed as one matrix, of at most 200 MB for as many units."""


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A walk so far: straight legs between corners, and the loss at points on them.

    Attributes:
        corners: (n_corners, n_params) the ends of the legs; the first is the start.
        stages: of each leg, a key of `STAGES`.
        position: (n_points,) 1.25 is a quarter of the way along the second leg.
        length: (n_points,) Euclidean length of the walk up to there.
        loss, n_errors: (n_points,) mean loss and number of errors there.
        rank_at_start, rank: of Psi at the start, and where its output weights begin to move.
        largest_residual: the largest entry of |Psi D - onehot(y)|; NaN before D is known.
        slope: derivative of the loss along the last leg at its end; NaN before the end. The loss is convex on
            a leg of output weights, so that a slope of at most 0 there says that it never rose on the leg,
            between the points either.
        reason: why the walk ended above the loss it was to reach, one sentence; "" where it did not.
    """

    corners: FloatArray
    stages: tuple[str, ...]
    position: FloatArray
    length: FloatArray
    loss: FloatArray
    n_errors: Counts
    rank_at_start: int
    rank: int
    largest_residual: float
    slope: float
    reason: str

    def at(self, position: float) -> FloatArray:
        """Return theta (n_params,) at a position from 0 to the number of legs."""
        leg = min(int(position), max(0, len(self.corners) - 2))
        return _between(self.corners[leg], self.corners[min(leg + 1, len(self.corners) - 1)], position - leg)

    @property
    def largest_rise(self) -> float:
        """The largest rise of the loss above the lowest before it, as a share of that; 0.0 for none."""
        lowest = np.minimum.accumulate(self.loss)[:-1]
        rises = self.loss[1:] - lowest
        return float(np.divide(rises, lowest, out=np.zeros(len(rises)), where=rises > 0.0).max(initial=0.0))


def walk_valley(net: MLP, data: Dataset, theta: Any, **options: Any) -> Walk:
    """Return the whole walk from theta (n_params,); arguments as `iter_valley_walk`."""
    return final(iter_valley_walk(net, data, theta, **options))


def iter_valley_walk(
    net: MLP, data: Dataset, theta: Any, target: float = 1e-9, n_points: int = 20, seed: int = 0
) -> Generator[tuple[float, Walk], None, None]:
    """Yield (share done, walk so far) after each point.

    Args:
        net, data: whose loss, the cross-entropy.
        theta: (n_params,) where the walk starts; any point.
        target: the loss at which the ray may end; above 0.
        n_points: points on each leg.
        seed: of the places for mute units.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    start = finite_theta(net, theta).copy()
    checks.real_number("target", target, above=0.0)
    checks.whole_number("n_points", n_points, at_least=1)
    checks.whole_number("seed", seed, at_least=0)
    _check_walkable(net, data)
    walker = _Walker(net, data, start, n_points)
    yield from walker.to_full_rank(seed)
    yield from walker.down(target)


def _check_walkable(net: MLP, data: Dataset) -> None:
    """Raise ValueError, in words for whoever chose the walk, where there is none for this network or these data."""
    lacking = []
    if net.loss_name != "cross_entropy":
        lacking.append(f"the cross-entropy as its loss, and this network has the {net.loss_name} loss")
    if not net.n_hidden:
        lacking.append("a hidden layer, and this network has none")
    if lacking:
        raise ValueError(f"A walk down a valley needs {'; it needs '.join(lacking)}.")
    if data.n_samples > _MOST_SAMPLES:
        raise ValueError(
            f"A walk down a valley takes at most {_MOST_SAMPLES:,} samples, and here are {data.n_samples:,}."
        )


class _Walker:
    """The walk so far; each method walks some legs."""

    def __init__(self, net: MLP, data: Dataset, start: FloatArray, n_points: int) -> None:
        self._net, self._data, self._n_points = net, data, n_points
        self._evaluator = net.evaluator(data)
        self._corners, self._stages = [start], list[str]()
        self._position, self._length = [0.0], [0.0]
        loss, n_errors = self._evaluator.loss_and_errors(start)
        self._loss, self._n_errors = [loss], [n_errors]
        self._rank_at_start = self._rank = self._rank_at(start)
        self._residual, self._slope, self._reason = math.nan, math.nan, ""

    def to_full_rank(self, seed: int) -> Generator[tuple[float, Walk], None, None]:
        """Go, at constant loss, to where Psi has the rank n_samples, if it has not and it can be done."""
        if self._rank == self._data.n_samples or self._n_units < self._data.n_samples:
            return
        gathered, mute = _gathered(self._net, self._corners[-1], self._data.x)
        if not any(len(units) for units in mute):
            return
        yield from self._leg("gather", gathered, 0.0, 0.3)
        freed = self._freed(gathered, mute, seed)
        yield from self._leg("free", freed, 0.3, 0.6)
        self._rank = self._rank_at(freed)

    def down(self, target: float) -> Generator[tuple[float, Walk], None, None]:
        """Follow the ray until the loss is at most target, or its lowest point where no ray serves all samples."""
        here, done = self._corners[-1], 0.6 if self._stages else 0.0
        direction = self._direction(here)
        if self._rank < self._data.n_samples:
            self._reason = self._why_stuck()
            stage, ends = "partial_ray", [self._lowest(here, direction)]
        else:
            stage, ends = "ray", _ray_ends(self._evaluator.logits(here), self._data.y, target)
        for number, end in enumerate(ends):
            share = (1.0 - done) / len(ends)
            first = done + number * share
            yield from self._leg(stage, here + end * direction, first, first + share)
        gradient = np.empty(self._net.n_params)
        self._evaluator.evaluate(self._corners[-1], gradient)
        self._slope = float(gradient @ direction)
        if not self._reason and self._loss[-1] > target:
            self._reason = f"Rounding ended the ray at the loss {self._loss[-1]:.3g}."
        yield 1.0, self._walk()

    @property
    def _n_units(self) -> int:
        return sum(self._net.layer_sizes[layer] for layer in wired_layers(self._net))

    def _rank_at(self, theta: FloatArray) -> int:
        return numerical_rank(features(self._net, self._data, theta)).rank

    def _freed(self, theta: FloatArray, mute: list[Counts], seed: int) -> FloatArray:
        """Return theta with its mute units in the first place drawn that gives Psi the full rank, or the best."""
        rng = np.random.default_rng(seed)
        best, best_rank = theta, -1
        for _ in range(_N_DRAWS):
            moved = _moved(self._net, theta, mute, rng)
            if (rank := self._rank_at(moved)) > best_rank:
                best, best_rank = moved, rank
            if best_rank == self._data.n_samples:
                break
        return best

    def _direction(self, theta: FloatArray) -> FloatArray:
        """Return D as a direction (n_params,): 0 but for the weights of the units wired to the output."""
        psi, wanted = features(self._net, self._data, theta), np.eye(self._net.n_outputs)[self._data.y]
        u, sizes, vt = scipy.linalg.svd(psi, full_matrices=False)
        u, sizes, vt = u[:, : self._rank], sizes[: self._rank], vt[: self._rank]
        d = np.zeros((psi.shape[1], wanted.shape[1]))
        for _ in range(1 + _REFINEMENTS):
            d += vt.T @ ((u.T @ (wanted - psi @ d)) / sizes[:, None])
        self._residual = float(np.abs(psi @ d - wanted).max())
        return _as_direction(self._net, d)

    def _lowest(self, theta: FloatArray, direction: FloatArray) -> float:
        """Return the s at which the loss along a direction is lowest, from 0 on; it is convex in s."""

        def loss(s: float) -> float:
            return self._evaluator.loss_and_errors(theta + s * direction)[0]

        upper = 1.0
        while loss(2.0 * upper) < loss(upper) and upper < 1e6:
            upper *= 2.0
        found = scipy.optimize.minimize_scalar(loss, bounds=(0.0, 2.0 * upper), method="bounded")
        return float(found.x) if found.fun < loss(0.0) else 0.0

    def _leg(
        self, stage: str, end: FloatArray, first: float, last: float
    ) -> Generator[tuple[float, Walk], None, None]:
        """Walk straight to end (n_params,); shares of the progress go from first to last."""
        start, before = self._corners[-1], self._length[-1]
        size, n_legs = float(np.linalg.norm(end - start)), len(self._stages)
        self._corners.append(end)
        self._stages.append(stage)
        for k in range(1, self._n_points + 1):
            t = k / self._n_points
            loss, n_errors = self._evaluator.loss_and_errors(_between(start, end, t))
            self._position.append(n_legs + t)
            self._length.append(before + t * size)
            self._loss.append(loss)
            self._n_errors.append(n_errors)
            yield first + t * (last - first), self._walk()

    def _why_stuck(self) -> str:
        n_samples, n_units = self._data.n_samples, self._n_units
        if n_units < n_samples:
            return f"Only {n_units} units are wired to the output, fewer than the {n_samples} samples."
        return f"The values of the {n_units} units wired to the output have rank {self._rank}, below {n_samples}."

    def _walk(self) -> Walk:
        return Walk(
            np.stack(self._corners),
            tuple(self._stages),
            np.array(self._position),
            np.array(self._length),
            np.array(self._loss),
            np.array(self._n_errors),
            self._rank_at_start,
            self._rank,
            self._residual,
            self._slope,
            self._reason,
        )


def _between(start: FloatArray, end: FloatArray, t: float) -> FloatArray:
    """Return the point at t from 0 to 1 on the segment; a number that does not change keeps its bits."""
    point = start + t * (end - start)
    return np.where(start == end, start, point) if t < 1.0 else end.copy()


def _gathered(net: MLP, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, list[Counts]]:
    """Return theta with the same function from fewer units, and the units of each hidden layer that are mute now.

    The values of the units of a layer that depend linearly on those of others are taken from those: what goes
    out of a mute unit is 0, to the next layer and to the output.
    """
    gathered, mute = theta.copy(), []
    values = activity(net, theta, x).values
    for layer in range(1, net.n_hidden + 1):
        kept, dropped, shares = _dependent(values[layer])
        mute.append(dropped)
        for weights in _outgoing(net, gathered, layer):
            weights[kept] += shares @ weights[dropped]
            weights[dropped] = 0.0
    return gathered, mute


def _dependent(values: FloatArray) -> tuple[Counts, Counts, FloatArray]:
    """Return columns of values (n_samples, n_units) that carry the others, the others, and how: v[:, k] s = v[:, d]."""
    rank = numerical_rank(values).rank
    _, upper, order = scipy.linalg.qr(values, mode="economic", pivoting=True)
    kept, dropped = order[:rank], order[rank:]
    shares = scipy.linalg.solve_triangular(upper[:rank, :rank], upper[:rank, rank:]) if rank else None
    return kept, dropped, np.zeros((0, len(dropped))) if shares is None else shares


def _outgoing(net: MLP, theta: FloatArray, layer: int) -> list[FloatArray]:
    """Return the weights that go out of a hidden layer, (n_units, ...), as views on theta."""
    weights = [net.layers(theta)[layer][0]]
    if layer in net.skip:
        weights.append(net.skip_weights(theta)[net.skip.index(layer)])
    return weights


def _moved(net: MLP, theta: FloatArray, mute: list[Counts], rng: np.random.Generator) -> FloatArray:
    """Return theta with new weights N(0, 4 / fan_in) into the mute units, and biases N(0, 1)."""
    moved = theta.copy()
    for (weights, bias), units in zip(net.layers(moved)[:-1], mute, strict=True):
        scale = 2.0 / math.sqrt(len(weights))
        weights[:, units] = rng.normal(0.0, scale, (len(weights), len(units)))
        bias[units] = rng.normal(0.0, 1.0, len(units))
    return moved


def _as_direction(net: MLP, d: FloatArray) -> FloatArray:
    """Return D (n_units, n_outputs), its rows in the order of `features`, as a vector (n_params,)."""
    direction, row = np.zeros(net.n_params), 0
    for layer in wired_layers(net):
        weights = (
            _outgoing(net, direction, layer)[-1] if layer < net.n_hidden else net.layers(direction)[-1][0]
        )
        weights[...] = d[row : row + len(weights)]
        row += len(weights)
    return direction


def _ray_ends(logits: FloatArray, y: Counts, target: float) -> list[float]:
    """Return the s at which every sample is right, if not all are, and the s at which the loss is at most target.

    A sample's loss is at most (n_classes - 1) exp(gap - s), gap the largest wrong logit less the right one.
    """
    rows = np.arange(len(y))
    others = logits.copy()
    others[rows, y] = -np.inf
    gap = float((others.max(axis=1) - logits[rows, y]).max())
    last = max(1.0, gap + math.log((logits.shape[1] - 1) / target) + 0.1)
    return [last] if gap < 0.1 else [gap + 0.1, last]
