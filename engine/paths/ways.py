"""The ways through parameter space that a person can choose, each with the loss and the errors met on it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.activity import finite_theta
from engine.alignment import align
from engine.curvature.hessian import MOST_DENSE_PARAMS
from engine.curves import Training, iter_curve_loss, iter_train_curve
from engine.datasets.dataset import Dataset
from engine.evaluator import make_evaluator
from engine.landscape.point_views import shifted
from engine.landscape.slices import iter_line_slice
from engine.mlp import MLP
from engine.paths.neuron_split import SplitLine, iter_split_line
from engine.paths.permutation_walk import PermutationWalk, iter_permutation_walk
from engine.paths.valley import STAGES, Walk, iter_valley_walk
from engine.paths.way_names import PERMUTED
from engine.snapshot import Point

FloatArray = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_N_LINE: Final = 101
_N_STAGES: Final = 20
_SMALLEST_RATE: Final = 2.0**-10  # of the run's, before a walk is given up
_CURVE_SHARE: Final = 0.8  # of the work on a curve is its training
_WALK_SHARE: Final = 0.95  # of the work on a walk comes before the straight line beside it


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Loss and errors along a way; all (n_points,), read-only.

    Attributes:
        at: where the points are, from 0 to the way's `end`, never falling.
        loss, n_errors: mean loss and number of errors there.
    """

    at: FloatArray
    loss: FloatArray
    n_errors: Counts

    @property
    def barrier(self) -> float:
        """The highest loss on the way above that of its higher end: 0 where the ends are highest.

        Infinite where a loss on the way is not finite. Ends of one height are the usual case; where they
        differ this is what has to be climbed from the higher one.
        """
        loss = np.where(np.isfinite(self.loss), self.loss, np.inf)
        over = float(loss.max())
        return over - float(max(loss[0], loss[-1])) if np.isfinite(over) else np.inf


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a way: where it begins, its name, and what happens on it in a sentence."""

    start: float
    name: str
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A way, as far as it is known.

    Attributes:
        along: what is met on it so far.
        end: where the way ends, in the units of `along.at`; where it begins is `start`.
        straight: the straight line between its ends, stretched to the same length; None where it is not known
            yet, or the way is that line.
        stages: its parts, in order.
        x_label: what `along.at` counts.
        words: what the way is and what was found, in sentences.
        gradient_norm, lowest_curvature: (n_points,) the length of the gradient and the smallest eigenvalue of
            the Hessian at the same points; None for ways on which nobody asks for them.
        is_whole: whether everything is known.
    """

    along: Profile
    end: float
    straight: Profile | None
    stages: tuple[Stage, ...]
    x_label: str
    words: str
    start: float = 0.0
    gradient_norm: FloatArray | None = None
    lowest_curvature: FloatArray | None = None
    is_whole: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class WayScene:
    """What a way is made from.

    Attributes:
        net, data: whose loss.
        theta: (n_params,) the present point, where walks start.
        learning_rate: of the run, for the descents on a walk.
        layer, units: the hidden layer, from 1, and the units of it, from 0, that a walk is about.
        ends: the two points that a line or curve joins.
    """

    net: MLP
    data: Dataset
    theta: FloatArray
    learning_rate: float
    layer: int = 1
    units: tuple[int, int] = (0, 1)
    ends: tuple[Point, ...] = ()


Answers = Generator[tuple[float, Way | None], None, None]


def iter_way(name: str, scene: WayScene) -> Answers:
    """Yield (share done, the way so far); None stands for it as long as there is no point of it.

    Args:
        name: a key of `WAY_NAMES`.
        scene: what it is made from.

    Raises:
        ValueError: one sentence that says why there is no such way here.
    """
    finite_theta(scene.net, scene.theta)
    yield from _MAKERS[name](scene)


def permuted_copy(net: MLP, point: Point) -> Point:
    """Return the copy of a point whose units are moved on by one place in every hidden layer.

    Raises:
        ValueError: one sentence, where that is the same point.
    """
    theta = shifted(net, point.theta, 1)
    if (theta == point.theta).all():
        raise ValueError("A permuted copy needs a hidden layer with at least two units that differ.")
    return Point(PERMUTED, point.step, theta, point.loss)


def _line(scene: WayScene) -> Answers:
    first, second = _two_ends(scene)
    words = f"The straight line from {first.label} to {second.label}."
    for share, found in _iter_line(scene, first.theta, second.theta):
        yield share, Way(found, 1.0, None, (), "t", words, is_whole=share == 1.0)


def _matched(scene: WayScene) -> Answers:
    first, second = _two_ends(scene)
    found = align(scene.net, first.theta, second.theta)
    n_moved = sum(int((order != np.arange(len(order))).sum()) for order in found.orders)
    words = (
        f"The straight line from {first.label} to {second.label}, whose hidden units were first put in the "
        f"order nearest to {first.label} ({n_moved:,} of them moved): distance {found.distance:.4g} instead of "
        f"{found.distance_before:.4g}. Beside it the line without that."
    )
    way: Way | None = None
    for share, along in _iter_line(scene, first.theta, found.theta):
        way = Way(along, 1.0, None, (), "t", words)
        yield 0.5 * share, way
    for share, straight in _iter_line(scene, first.theta, second.theta):
        assert way is not None
        yield 0.5 + 0.5 * share, replace(way, straight=straight, is_whole=share == 1.0)


def _curve(scene: WayScene) -> Answers:
    first, second = _two_ends(scene)
    training: Training | None = None
    found = iter_train_curve(
        scene.net, scene.data, first.theta, second.theta, learning_rate=scene.learning_rate
    )
    for answer in found:
        share, training = answer
        yield _CURVE_SHARE * share, None
    assert training is not None
    words = (
        f"A quadratic Bezier curve from {first.label} to {second.label}, its control point trained for "
        f"{len(training.mean_loss) - 1:,} steps: the mean loss along it went from {training.mean_loss[0]:.4g} to "
        f"{training.mean_loss[-1]:.4g}. {training.reason}"
    ).strip()
    way: Way | None = None
    for share, met in iter_curve_loss(scene.net, scene.data, training.curve, _N_LINE):
        known = met.n_errors >= 0
        along = _profile(met.t[known], met.loss[known], met.n_errors[known])
        way = Way(along, 1.0, None, (), "t along the curve", words)
        yield _CURVE_SHARE + 0.15 * share, way
    assert way is not None
    yield from _beside(scene, way, first.theta, second.theta)


def _valley(scene: WayScene) -> Answers:
    walk: Walk | None = None
    for share, walk in iter_valley_walk(scene.net, scene.data, scene.theta):
        yield _WALK_SHARE * share, _valley_way(walk)
    assert walk is not None
    yield from _beside(scene, _valley_way(walk), walk.corners[0], walk.corners[-1])


def _valley_way(walk: Walk) -> Way:
    along = _profile(walk.position, walk.loss, walk.n_errors)
    stages: list[Stage] = []
    for leg, stage in enumerate(walk.stages):
        if not stages or stages[-1].words != STAGES[stage]:
            stages.append(Stage(float(leg), _VALLEY_NAMES[stage], STAGES[stage]))
    words = (
        f"From the present point down to a loss near 0, a way of {walk.length[-1]:.4g} in "
        f"length. Largest rise on the way: {_rise_text(walk.largest_rise)}. {walk.reason}"
    ).strip()
    end = float(max(1, len(walk.stages)))
    return Way(along, end, None, tuple(stages), "legs of the walk", words)


def _rise_text(rise: float) -> str:
    return f"{rise:.2g} of the loss" if rise else "none"


_VALLEY_NAMES: Final = {
    "gather": "gather",
    "free": "free the mute",
    "ray": "down the ray",
    "partial_ray": "as far down as it goes",
}


def _exchange(scene: WayScene) -> Answers:
    """Walk with the run's rate, or half of it and so on where the descent diverges."""
    rate = scene.learning_rate
    while True:
        try:
            yield from _exchange_at(scene, rate)
            return
        except ValueError:
            # What is wrong with the units or the data is wrong at every rate, and found out at once.
            rate *= 0.5
            if rate < _SMALLEST_RATE * scene.learning_rate:
                raise


def _exchange_at(scene: WayScene, rate: float) -> Answers:
    first, second = scene.units
    evaluator = make_evaluator(scene.net, scene.data)
    n_errors: list[int] = []
    found = iter_permutation_walk(
        scene.net, scene.data, scene.theta, scene.layer, first, second, rate, _N_STAGES
    )
    for share, walk in found:
        n_errors += [evaluator.loss_and_errors(theta)[1] for theta in walk.thetas[len(n_errors) :]]
        way = _exchange_way(scene, walk, np.array(n_errors), rate)
        if not walk.is_whole:
            yield _WALK_SHARE * share, way
            continue
        yield from _beside(scene, way, walk.thetas[0], walk.thetas[-1])


def _exchange_way(scene: WayScene, walk: PermutationWalk, n_errors: Counts, rate: float) -> Way:
    points, (first, second) = np.arange(len(walk.loss), dtype=np.float64), scene.units
    if walk.merged is None:
        at = points / _N_STAGES
    else:
        n_back = walk.merged  # as many points on the way back; what is between them is the exchange
        knots = (0.0, walk.merged, len(points) - 1.0 - n_back, len(points) - 1.0)
        at = np.interp(points, knots, (0.0, 1.0, 2.0, 3.0))
    words = (
        f"Units {first + 1} and {second + 1} of hidden layer {scene.layer} change places: their input weights are "
        f"brought together while all else goes down (rate {rate:.4g}), their output weights are exchanged where the "
        "two coincide, and the way back leads to the same network with the two exchanged."
    )
    return Way(_profile(at, walk.loss, n_errors), 3.0, None, _EXCHANGE_STAGES, "parts of the walk", words)


_EXCHANGE_STAGES: Final = (
    Stage(
        0.0, "together", "The distance between the two units' input weights shrinks to 0; all else goes down."
    ),
    Stage(1.0, "exchange", "The two units are equal: their output weights change places at constant loss."),
    Stage(2.0, "apart", "The same way back, with the two units exchanged."),
)


def _split(scene: WayScene) -> Answers:
    unit, net = scene.units[0], scene.net
    with_curvature = net.n_params + max(net.layer_sizes) <= MOST_DENSE_PARAMS // 2
    n_errors: list[int] = []
    evaluator = None
    found = iter_split_line(net, scene.data, scene.theta, scene.layer, unit, with_curvature=with_curvature)
    for share, line in found:
        evaluator = evaluator or make_evaluator(line.net, scene.data)
        known = int(np.isfinite(line.gradient_norm).sum())
        n_errors += [evaluator.loss_and_errors(theta)[1] for theta in line.thetas[len(n_errors) : known]]
        yield share, _split_way(scene, line, np.array(n_errors), with_curvature, share == 1.0)


def _split_way(
    scene: WayScene, line: SplitLine, n_errors: Counts, with_curvature: bool, is_whole: bool
) -> Way:
    n = len(n_errors)
    words = (
        f"Unit {scene.units[0] + 1} of hidden layer {scene.layer} gets a copy, and the two share its output weights, "
        "g and 1 − g: the same function all along, so the loss cannot change; the curvature can."
    )
    if not with_curvature:
        words += f" The smallest eigenvalue is left out above {MOST_DENSE_PARAMS // 2:,} parameters."
    return Way(
        _profile(line.shares[:n], line.loss[:n], n_errors),
        float(line.shares[-1]),
        None,
        (),
        "g, the unit's share of its output weights",
        words,
        start=float(line.shares[0]),
        gradient_norm=line.gradient_norm[:n],
        lowest_curvature=line.lowest_curvature[:n] if with_curvature else None,
        is_whole=is_whole,
    )


def _beside(scene: WayScene, way: Way, start: FloatArray, end: FloatArray) -> Answers:
    """Yield a way with the straight line between its ends beside it."""
    for share, straight in _iter_line(scene, start, end):
        stretched = replace(straight, at=way.start + (way.end - way.start) * straight.at)
        yield (
            _WALK_SHARE + (1.0 - _WALK_SHARE) * share,
            replace(way, straight=stretched, is_whole=share == 1.0),
        )


def _iter_line(
    scene: WayScene, start: FloatArray, end: FloatArray
) -> Generator[tuple[float, Profile], None, None]:
    """Yield (share done, loss and errors so far) on the straight line, coarse first; at least one point each time."""
    shares = np.linspace(0.0, 1.0, _N_LINE)
    for share, line in iter_line_slice(scene.net, scene.data, start, end - start, shares):
        if line.known.any():
            known = line.known
            yield (
                1.0 if known.all() else min(share, 0.99),
                _profile(line.alphas[known], line.loss[known], line.n_errors[known]),
            )


def _two_ends(scene: WayScene) -> tuple[Point, Point]:
    if len(scene.ends) != 2:
        raise ValueError("A way between points needs two of them.")
    first, second = scene.ends
    if (first.theta == second.theta).all():
        raise ValueError(
            f"{first.label} and {second.label} are the same point: take a step or choose other points."
        )
    return first, second


def _profile(at: FloatArray, loss: FloatArray, n_errors: Counts) -> Profile:
    arrays = (np.array(at), np.array(loss), np.array(n_errors, dtype=np.int64))
    for array in arrays:
        array.flags.writeable = False
    return Profile(*arrays)


_MAKERS: Final[dict[str, Callable[[WayScene], Answers]]] = {
    "line": _line,
    "matched": _matched,
    "curve": _curve,
    "valley": _valley,
    "exchange": _exchange,
    "split": _split,
}
