"""Going back in a run: every step is had again with the same bits, and so is what follows it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from engine.commands import GoTo, SetLearningRate
from engine.config import RunConfig
from engine.snapshot import State
from engine.trainer import Trainer

KICKED, CHANGED, END = 50, 30, 100


def start(batch_size: int | None) -> Trainer:
    return Trainer.from_config(RunConfig(data="blobs", hidden=(4,), batch_size=batch_size, learning_rate=0.5))


def walk(trainer: Trainer, n_steps: int) -> list[np.ndarray]:
    return [trainer.theta for _ in range(n_steps) if trainer.step(1)]


@cache
def reference(batch_size: int | None) -> tuple[Trainer, list[np.ndarray]]:
    """Return a run to END with a change of the rate and a kick, and theta at each step, before changes there."""
    trainer = start(batch_size)
    thetas = [trainer.theta, *walk(trainer, CHANGED)]
    trainer.apply(SetLearningRate(0.25))
    thetas += walk(trainer, KICKED - CHANGED)
    trainer.perturb("noise", scale=0.01, seed=3)
    thetas += walk(trainer, END - KICKED)
    return trainer, thetas


def again(batch_size: int | None) -> Trainer:
    trainer = start(batch_size)
    trainer.step(CHANGED)
    trainer.apply(SetLearningRate(0.25))
    trainer.step(KICKED - CHANGED)
    trainer.perturb("noise", scale=0.01, seed=3)
    trainer.step(END - KICKED)
    return trainer


@pytest.mark.parametrize("batch_size", [None, 64])
@pytest.mark.parametrize("step", [0, 1, 29, 30, 31, 49, 50, 51, 77, 99, 100])
def test_any_step_is_had_again(batch_size, step):
    whole, thetas = reference(batch_size)
    trainer = again(batch_size)
    generation = trainer.generation
    trainer.apply(GoTo(step))
    assert trainer.n_steps == step and np.array_equal(trainer.theta, thetas[step])
    assert trainer.generation == generation + 1
    assert trainer.state is (State.PAUSED if step else State.READY)
    for name in ("loss", "n_errors", "gradient_norm", "symmetry_spread"):
        assert np.array_equal(trainer.history[name], whole.history[name][: step + 1])
    assert trainer.learning_rate == (0.5 if step <= CHANGED else 0.25)
    assert len(trainer.snapshot().history.jumps) == (step > KICKED)


@pytest.mark.parametrize("batch_size", [None, 64])
def test_what_follows_has_the_same_bits(batch_size):
    whole, thetas = reference(batch_size)
    trainer = again(batch_size)
    trainer.apply(GoTo(60))
    trainer.step(END - 60)
    assert np.array_equal(trainer.theta, thetas[END])
    for kind in ("loss_rises", "error_rises"):
        assert np.array_equal(getattr(trainer.history.view(), kind), getattr(whole.history.view(), kind))


def test_a_branch_leads_elsewhere_and_can_be_gone_back_on_too():
    trainer = again(None)
    trainer.apply(GoTo(40))
    theta = trainer.theta
    trainer.apply(SetLearningRate(1.0))
    trainer.step(30)
    end = trainer.theta
    trainer.apply(GoTo(55))
    trainer.step(15)
    assert np.array_equal(trainer.theta, end) and trainer.learning_rate == 1.0
    trainer.apply(GoTo(40))
    assert np.array_equal(trainer.theta, theta) and trainer.learning_rate == 0.25


def test_going_back_before_a_duplicated_unit_gives_the_smaller_network():
    trainer = start(None)
    trainer.step(20)
    theta = trainer.theta
    trainer.perturb("duplicate", layer=1, unit=0)
    trainer.step(20)
    wide = trainer.theta
    trainer.apply(GoTo(30))
    trainer.step(10)
    assert np.array_equal(trainer.theta, wide)
    trainer.apply(GoTo(20))
    assert trainer.net.layer_sizes == (2, 4, 3) and np.array_equal(trainer.theta, theta)
    assert trainer.config.hidden == (4,)


def test_old_views_do_not_change_when_the_run_takes_another_way():
    trainer = again(None)
    view = trainer.history.view()
    before = view["loss"].copy()
    trainer.apply(GoTo(10))
    trainer.apply(SetLearningRate(2.0))
    trainer.step(50)
    assert np.array_equal(view["loss"], before)
    assert not np.array_equal(trainer.history["loss"], before[:61])


def test_checkpoints_far_apart_do_as_well():
    trainer = Trainer.from_config(RunConfig(data="xor", hidden=(2,), learning_rate=0.5))
    trainer.step(3000)
    theta = trainer.theta
    assert trainer.snapshot().path[1].step > 1
    trainer.step(1500)
    trainer.apply(GoTo(3000))
    assert np.array_equal(trainer.theta, theta)


def test_a_step_that_is_not_there_is_refused():
    trainer = again(None)
    with pytest.raises(ValueError, match=r"^step must be at most 100, the last one of this run, not 101\.$"):
        trainer.apply(GoTo(101))
    with pytest.raises(ValueError, match="step must be a whole number of at least 0"):
        GoTo(-1)
    assert trainer.n_steps == END


def test_after_a_divergence_the_next_try_has_the_same_batch():
    config = RunConfig(
        data="blobs", hidden=(4,), activation=("identity",), batch_size=50, learning_rate=1e300
    )
    trainer, calm = Trainer.from_config(config), Trainer.from_config(config.replace(learning_rate=0.1))
    assert trainer.step(5) < 5 and trainer.state is State.STOPPED
    reached = trainer.n_steps
    assert reached == 0
    trainer.apply(SetLearningRate(0.1))
    trainer.step(7)
    calm.step(7)
    assert np.array_equal(trainer.theta, calm.theta)
