"""Who was right when: every sample at many moments of a run, read from its checkpoints."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.datasets.dataset import Dataset
from engine.evaluator import make_evaluator
from engine.mlp import MLP
from engine.outcomes import outcome
from engine.snapshot import Point, Snapshot

FloatArray = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST_MOMENTS: Final = 96
_FEWEST_MOMENTS: Final = 16
_MOST_PRODUCTS: Final = 4e10  # multiply-adds for all moments: a few seconds beside the training
_RISES: Final = 6  # so many of the newest rises have the checkpoints on both sides among the moments


@dataclass(frozen=True, slots=True, eq=False)
class Chronicle:
    """Which samples were right at which moments.

    Attributes:
        moments: (n_moments) points of the run, oldest first.
        right: (n_moments, n_samples) whether the sample's class was the predicted one; ties go to the first
            class, as errors are counted.
    """

    moments: tuple[Point, ...]
    right: Bools

    @property
    def n_errors(self) -> npt.NDArray[np.int64]:
        """How many samples were wrong at each moment, (n_moments,)."""
        return np.asarray((~self.right).sum(axis=1))

    @property
    def n_lost(self) -> npt.NDArray[np.int64]:
        """How many times each sample went from right to wrong between neighbouring moments, (n_samples,)."""
        return np.asarray((self.right[:-1] & ~self.right[1:]).sum(axis=0))

    @property
    def n_flips(self) -> npt.NDArray[np.int64]:
        """How many times each sample changed between neighbouring moments, (n_samples,)."""
        return np.asarray((self.right[:-1] != self.right[1:]).sum(axis=0))

    def order(self) -> npt.NDArray[np.int64]:
        """Return the samples, (n_samples,): those lost most often, other flips, always wrong, always right."""
        numbers = np.arange(self.right.shape[1])
        return np.lexsort((numbers, self.right[-1], -self.n_flips, -self.n_lost))

    def flip_moments(self, sample: int) -> npt.NDArray[np.int64]:
        """Return the moments (n,) by number, from 1, that found a sample changed since the one before."""
        column = self.right[:, sample]
        return np.flatnonzero(column[1:] != column[:-1]) + 1


@dataclass(frozen=True, slots=True)
class Standing:
    """One sample at one theta.

    Attributes:
        outputs: (n_outputs,) probabilities of the classes, or the one output of a squared loss.
        loss: its own loss, in the measure that is trained.
        margin: logit of its class less the largest other; with one output, how far it is on the right side
            of 1/2. Above 0 is right.
    """

    outputs: FloatArray
    loss: float
    margin: float


def is_right(net: MLP, data: Dataset, outputs: FloatArray) -> Bools:
    """Return which samples are right, (n_samples,), given their outputs (n_samples, n_outputs)."""
    if net.n_outputs == 1:
        return np.asarray((outputs[:, 0] > 0.5) == (data.y > 0))
    return np.asarray(outputs.argmax(axis=1) == data.y)


def standing(net: MLP, theta: FloatArray, data: Dataset, sample: int) -> Standing:
    """Return one sample of data at theta (n_params,)."""
    one = data.subset(np.array([sample]))
    evaluator = net.evaluator(one)
    outputs, loss = evaluator.logits(theta), float(evaluator.per_example_loss(theta)[0])
    if net.n_outputs == 1:
        away = float(outputs[0, 0]) - 0.5
        return Standing(outputs[0], loss, away if one.y[0] > 0 else -away)
    found = outcome(one, outputs)
    return Standing(found.p[0], loss, float(found.gap[0]))


def moments(snapshot: Snapshot, extra: Iterable[Point] = ()) -> tuple[Point, ...]:
    """Return the moments of a run to look at, oldest first: at most MOST_MOMENTS and a few.

    Checkpoints at even distances, those around the newest rises of the errors, the extra ones, the present.
    """
    path, steps = snapshot.path, np.array([point.step for point in snapshot.path])
    most, distance = n_moments(snapshot.net, snapshot.data), 1
    while (steps % distance == 0).sum() > most:
        distance *= 2
    chosen = set(np.flatnonzero(steps % distance == 0).tolist())
    for step in snapshot.history.error_rises[-_RISES:].tolist():
        chosen.update((int(np.searchsorted(steps, step)) - 1, int(np.searchsorted(steps, step))))
    found = [path[k] for k in sorted(chosen) if 0 <= k < len(path)]
    now = present(snapshot)
    found += [point for point in (*extra, now) if point not in found]
    return tuple(sorted(found, key=lambda point: (point.step, point is now)))


def present(snapshot: Snapshot) -> Point:
    """Return the present as a point: the newest checkpoint where that is the very same."""
    newest = snapshot.path[-1] if snapshot.path else None
    if newest and newest.step == snapshot.n_steps and np.array_equal(newest.theta, snapshot.theta):
        return newest
    return Point("", snapshot.n_steps, snapshot.theta, snapshot.loss)


def n_moments(net: MLP, data: Dataset) -> int:
    """Return how many moments are looked at: fewer of a large network on many samples."""
    affordable = int(_MOST_PRODUCTS / (data.n_samples * net.n_params))
    return max(_FEWEST_MOMENTS, min(MOST_MOMENTS, affordable))


def iter_chronicle(
    snapshot: Snapshot, chosen: tuple[Point, ...], known: Mapping[Point, Bools]
) -> Generator[tuple[float, Any], None, None]:
    """Yield (share done, Chronicle of the moments so far); known has those that were read before. A job."""
    net, data, config = snapshot.net, snapshot.data, snapshot.config
    evaluator = make_evaluator(net, data, config.dtype, config.arithmetic)
    right = np.empty((len(chosen), data.n_samples), dtype=np.bool_)
    for k, point in enumerate(chosen):
        is_new = point not in known
        right[k] = is_right(net, data, evaluator.logits(point.theta)) if is_new else known[point]
        if is_new and k + 1 < len(chosen):
            yield (k + 1) / len(chosen), Chronicle(chosen[: k + 1], right[: k + 1])
    right.flags.writeable = False
    yield 1.0, Chronicle(chosen, right)
