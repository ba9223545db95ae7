"""The exact step of a flip, found by taking the steps between two checkpoints once more."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from engine import RunConfig, Trainer
from engine.chronicle import is_right, moments
from engine.replay import Flip, iter_flip, iter_step_before
from engine.snapshot import Point, Snapshot

SETTINGS: dict[str, Any] = {
    "data": "digits",
    "n_samples": 60,
    "hidden": (6,),
    "learning_rate": 0.3,
    "seed": 1,
}


def right(snapshot: Snapshot, theta: np.ndarray) -> np.ndarray:
    return is_right(snapshot.net, snapshot.data, snapshot.net.logits(theta, snapshot.data))


def all_steps(**settings: Any) -> tuple[Snapshot, list[np.ndarray]]:
    """Return a run of 560 steps, whose checkpoints are 2 steps apart, and every theta on the way."""
    trainer = Trainer.from_config(RunConfig(**(SETTINGS | settings)))
    thetas = [trainer.theta]
    for k in range(560):
        if k == 300:
            trainer.perturb("noise", scale=1e-3, seed=0)
        thetas += [trainer.theta] if trainer.step(1) else []
    return trainer.snapshot(), thetas


def found(snapshot: Snapshot, before: Point, after: Point, sample: int) -> Flip:
    *_, (done, flip) = iter_flip(snapshot, before, after, sample)
    assert done == 1.0 and flip is not None
    return flip


def step_before(snapshot: Snapshot) -> Point | None:
    steps = iter_step_before(snapshot)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("settings", [{}, {"arithmetic": "blas"}, {"train": "weights"}, {"noise": 0.3}])
def test_it_is_the_newest_flip_to_the_bit(settings):
    snapshot, thetas = all_steps(**settings)
    every = np.array([right(snapshot, theta) for theta in thetas])
    points = moments(snapshot)
    n_found = 0
    for before, after in itertools.pairwise(points):
        for sample in np.flatnonzero(every[before.step] != every[after.step])[::2]:
            column = every[before.step : after.step + 1, sample]
            last = before.step + int(np.flatnonzero(column[1:] != column[:-1])[-1]) + 1
            flip = found(snapshot, before, after, int(sample))
            assert (flip.before.step, flip.after.step, flip.is_step) == (last - 1, last, True)
            assert flip.after.theta.tolist() == thetas[last].tolist()
            if last != 301:  # before that one came the kick
                assert flip.before.theta.tolist() == thetas[last - 1].tolist()
            n_found += 1
    assert n_found > 5


def test_a_rate_that_was_changed_on_the_way_is_the_one_used():
    from engine.commands import SetLearningRate

    trainer = Trainer.from_config(RunConfig(**SETTINGS))
    trainer.step(600)
    trainer.apply(SetLearningRate(2.0))
    trainer.step(3)
    trainer.apply(SetLearningRate(1.0))
    before = [trainer.step(1), trainer.theta][1]
    trainer.step(1)
    snapshot = trainer.snapshot()
    assert snapshot.path[-1].step == 604 and snapshot.n_steps == 605
    got = step_before(snapshot)
    assert got is not None and got.step == 604 and got.theta.tolist() == before.tolist()


def test_a_flip_by_a_kick_is_told_from_one_by_a_step():
    trainer = Trainer.from_config(RunConfig(**SETTINGS))
    trainer.step(40)
    before = trainer.theta
    trainer.perturb("noise", scale=1.0, seed=0)
    after = trainer.theta
    trainer.step(1)
    snapshot = trainer.snapshot()
    at_40 = [point for point in snapshot.path if point.step == 40]
    assert len(at_40) == 2
    changed = right(snapshot, before) != right(snapshot, after)
    stays = right(snapshot, after) == right(snapshot, snapshot.theta)
    sample = int(np.flatnonzero(changed & stays)[0])
    flip = found(snapshot, snapshot.path[30], snapshot.path[-1], sample)
    assert not flip.is_step and (flip.before, flip.after) == tuple(at_40)


def test_what_cannot_be_repeated_is_said():
    trainer = Trainer.from_config(RunConfig(**SETTINGS, batch_size=20))
    trainer.step(30)
    snapshot = trainer.snapshot()
    differ = right(snapshot, snapshot.path[0].theta) != right(snapshot, snapshot.path[-1].theta)
    with pytest.raises(ValueError, match="Only full-batch steps are repeated"):
        found(snapshot, snapshot.path[0], snapshot.path[-1], int(np.flatnonzero(differ)[0]))
    assert step_before(snapshot) is None
    first = trainer.snapshot().path[0]
    assert step_before(Trainer.from_config(RunConfig(**SETTINGS)).snapshot()) is None
    other = Point("", 2, snapshot.theta, 0.0)  # no step leads there
    plain = Trainer.from_config(RunConfig(**SETTINGS))
    with pytest.raises(ValueError, match=r"Something else than .* between steps 0 and 2"):
        found(plain.snapshot(), first, other, int(np.flatnonzero(differ)[0]))
