"""Steps of a run taken once more from a checkpoint, to have every theta on the way, and the step of a flip."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.chronicle import is_right, iter_chronicle, moments
from engine.datasets.dataset import Dataset
from engine.evaluator import Evaluator, Records, make_evaluator
from engine.snapshot import Point, Snapshot, State, frozen

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Flip:
    """The two neighbouring points between which one sample changed from right to wrong, or the other way.

    They are a step apart, or stand at the same step where a perturbation did it.
    """

    before: Point
    after: Point

    @property
    def is_step(self) -> bool:
        """Whether a step of the training did it."""
        return self.after.step == self.before.step + 1


def iter_flip(
    snapshot: Snapshot, before: Point, after: Point, sample: int
) -> Generator[tuple[float, Flip | None], None, None]:
    """Yield (share done, None) while the newest flip of a sample between two points is looked for, then it. A job.

    Args:
        snapshot: of the run.
        before, after: points of the run at which the sample's outcome is not the same.
        sample: its number.

    Raises:
        ValueError: with mini-batches; where the steps taken again do not lead where the run went, since
            something else changed it.
    """
    yield 0.0, None
    watch = _Watch(snapshot, sample)
    first, last = _last_change(watch, _between(snapshot, before, after))
    if first.step == last.step:
        yield 1.0, Flip(first, last)
        return
    _check_batches(snapshot)
    wanted, found, here = watch.sees(last.theta), None, first
    for point in _points(snapshot, first, last.step):
        if watch.sees(point.theta) == wanted != watch.sees(here.theta):
            found = Flip(here, point)
        here = point
        yield (point.step - first.step) / (last.step - first.step), None
    if found is None or not np.array_equal(here.theta, last.theta):
        raise ValueError(
            f"Something else than the settings in use moved the weights between steps {first.step:,} and "
            f"{last.step:,}, so those steps cannot be repeated: the step of the flip is not known."
        )
    yield 1.0, found


def iter_step_before(snapshot: Snapshot) -> Generator[float, None, Point | None]:
    """Yield the share done and return the point one step before the present; None where it cannot be had again."""
    known = [point for point in snapshot.path if point.step < snapshot.n_steps]
    if not known or snapshot.config.batch_size is not None:
        return None
    start = before = here = known[-1]
    for point in _points(snapshot, start, snapshot.n_steps):
        before, here = here, point
        yield (point.step - start.step) / (snapshot.n_steps - start.step)
    is_same = here.step == snapshot.n_steps and np.array_equal(here.theta, snapshot.theta)
    return before if is_same else None


def _check_batches(snapshot: Snapshot) -> None:
    if snapshot.config.batch_size is not None:
        raise ValueError(
            "Only full-batch steps are repeated here: with mini-batches, go back to the step before and "
            "take the steps one by one."
        )


def iter_theatre(
    snapshot: Snapshot, kept: Sequence[Point], known: Mapping[Point, npt.NDArray[np.bool_]]
) -> Generator[tuple[float, Any], None, None]:
    """Yield (share done, Chronicle of the moments so far). A job.

    Where a run stands on a step that raised the errors, the step before is among the moments.

    Args:
        snapshot: of the run.
        kept: more moments, see `engine.chronicle.moments`.
        known: moments that were read before, see `engine.chronicle.iter_chronicle`.
    """
    extra = list(kept)
    if _stands_on_rise(snapshot) and not _has_step_before(snapshot, extra):
        yield 0.0, None
        before = yield from _silently(iter_step_before(snapshot))
        extra += [before] if before is not None else []
    yield from iter_chronicle(snapshot, moments(snapshot, extra), known)


def _silently(
    steps: Generator[float, None, Point | None],
) -> Generator[tuple[float, None], None, Point | None]:
    """Yield nothing yet while something is looked for, and return it."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value if isinstance(end.value, Point) else None
        yield 0.0, None


def _stands_on_rise(snapshot: Snapshot) -> bool:
    rises = snapshot.history.error_rises
    return snapshot.state is not State.RUNNING and len(rises) > 0 and int(rises[-1]) == snapshot.n_steps


def _has_step_before(snapshot: Snapshot, kept: Sequence[Point]) -> bool:
    return any(point.step == snapshot.n_steps - 1 for point in (*snapshot.path, *kept))


class _Watch:
    """Says whether one sample is right, with the arithmetic of the run."""

    def __init__(self, snapshot: Snapshot, sample: int) -> None:
        config, self._net = snapshot.config, snapshot.net
        self._one: Dataset = snapshot.data.subset(np.array([sample]))
        self._evaluator: Evaluator = make_evaluator(self._net, self._one, config.dtype, config.arithmetic)

    def sees(self, theta: FloatArray) -> bool:
        return bool(is_right(self._net, self._one, self._evaluator.logits(theta))[0])


def _between(snapshot: Snapshot, before: Point, after: Point) -> list[Point]:
    """Return the known points from one to another, in order; at a kick there are two of one step."""
    points = [point for point in snapshot.path if before.step <= point.step <= after.step]
    first = points.index(before) + 1 if before in points else 0
    last = points.index(after) if after in points else len(points)
    return [before, *points[first:last], after]


def _last_change(watch: _Watch, points: list[Point]) -> tuple[Point, Point]:
    """Return the last two neighbours between which the sample's outcome changed."""
    seen = [watch.sees(point.theta) for point in points]
    changes = [k for k in range(1, len(points)) if seen[k] != seen[k - 1]]
    if not changes:
        raise ValueError("The sample's outcome is the same at both ends.")
    return points[changes[-1] - 1], points[changes[-1]]


def _points(snapshot: Snapshot, start: Point, last: int) -> Generator[Point, None, None]:
    """Yield the points after each full-batch step from start up to step number last; fewer where it diverges."""
    config, theta, gradient = snapshot.config, start.theta.copy(), np.empty(start.theta.shape)
    evaluator = make_evaluator(
        snapshot.net, snapshot.data, config.dtype, config.arithmetic, train=config.train
    )
    evaluator.evaluate(theta, gradient)
    for step in range(start.step + 1, last + 1):
        records = Records.empty(1)
        n_done, _ = evaluator.advance(theta, gradient, _rate_of(snapshot, step), records)
        if not n_done:
            return
        yield Point("", step, frozen(theta), float(records.loss[0]))


def _rate_of(snapshot: Snapshot, step: int) -> float:
    """Return the learning rate of a step, from 1."""
    return [rate for at, rate in snapshot.rates if at < step][-1]
