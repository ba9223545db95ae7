"""A run that pauses at the very step on which something rose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine import RunConfig, Trainer
from engine.commands import GoTo, Pause, PauseAtRise, Reset, Run, Step
from engine.snapshot import State

SETTINGS: dict[str, Any] = {
    "data": "digits",
    "n_samples": 150,
    "hidden": (6,),
    "learning_rate": 0.1,
    "seed": 1,
}
BATCHES = SETTINGS | {"batch_size": 40}
WILD = SETTINGS | {"learning_rate": 6.0}


def make(settings: dict[str, Any], **pause_at: bool) -> Trainer:
    trainer = Trainer.from_config(RunConfig(**settings))
    trainer.apply(PauseAtRise(**pause_at))
    return trainer


def stops(trainer: Trainer, n_steps: int) -> list[int]:
    """Return the steps at which the run paused on its way to step n_steps."""
    found = []
    while trainer.n_steps < n_steps:
        trainer.step(n_steps - trainer.n_steps)
        if trainer.reason:
            found.append(trainer.n_steps)
    return found


@pytest.mark.parametrize("settings", [SETTINGS, BATCHES, WILD, SETTINGS | {"arithmetic": "blas"}])
@pytest.mark.parametrize("which", ["errors", "loss"])
def test_it_stops_at_every_rise_and_changes_no_bit(settings, which):
    free, stopped = make(settings), make(settings, **{which: True})
    free.step(120)
    view = free.history.view()
    rises = view.error_rises if which == "errors" else view.loss_rises
    assert stops(stopped, 120) == rises.tolist()
    assert stopped.theta.tolist() == free.theta.tolist()
    for name in ("loss", "n_errors", "gradient_norm", "symmetry_spread"):
        assert stopped.history[name].tolist() == free.history[name].tolist()
    free.step(30)  # batches and checkpoints, too, are where they would be
    stopped.apply(PauseAtRise())
    stopped.step(30)
    assert stopped.theta.tolist() == free.theta.tolist()
    for one, other in zip(stopped.snapshot().path, free.snapshot().path, strict=True):
        assert one.step == other.step and one.theta.tolist() == other.theta.tolist()


def test_there_are_rises_of_both_kinds_to_stop_at():
    both = make(WILD, errors=True, loss=True)
    assert stops(both, 60)
    view = both.history.view()
    assert len(view.error_rises) and len(view.loss_rises)


def test_the_reason_has_the_numbers_of_that_step():
    trainer = make(SETTINGS, errors=True)
    trainer.apply(Run())
    while trainer.state is State.RUNNING:
        trainer.advance(0.01)
    step, history = trainer.n_steps, trainer.history
    assert trainer.snapshot().state is State.PAUSED and step == history.view().error_rises[0]
    errors, loss = history["n_errors"][step - 1 : step + 1], history["loss"][step - 1 : step + 1]
    assert trainer.snapshot().reason == (
        f"Step {step}: the errors rose from {errors[0]} to {errors[1]}, while the loss fell from "
        f"{loss[0]:.9g} to {loss[1]:.9g}."
    )
    trainer.apply(Step(1))
    trainer.advance(1.0)
    assert trainer.reason == "" or trainer.n_steps in history.view().error_rises
    trainer.apply(Pause())
    assert trainer.state is State.PAUSED


def test_a_loss_that_rose_is_told():
    trainer = make(WILD, loss=True)
    trainer.step(200)
    step, loss = trainer.n_steps, trainer.history["loss"]
    assert trainer.reason == f"Step {step}: the loss rose from {loss[-2]:.9g} to {loss[-1]:.9g}."


def test_a_rise_before_a_divergence_comes_first():
    settings = {
        "data": "sine",
        "loss": "squared",
        "hidden": (4,),
        "activation": ("identity",),
        "learning_rate": 5.0,
    }
    free, trainer = make(settings), make(settings, loss=True)
    free.step(1000)
    assert free.state is State.STOPPED and free.n_steps < 1000
    rises = free.history.view().loss_rises.tolist()
    for step in rises[:3]:
        trainer.step(1000)
        assert trainer.state is State.PAUSED and trainer.n_steps == step and "the loss rose" in trainer.reason
        assert trainer.suggested_rate is None
    trainer.apply(PauseAtRise())
    trainer.step(1000)
    assert trainer.state is State.STOPPED and trainer.theta.tolist() == free.theta.tolist()


def test_going_back_does_not_stop_on_the_way():
    trainer = make(SETTINGS)
    trainer.step(120)
    kept = trainer.history["loss"].tolist()
    trainer.apply(PauseAtRise(errors=True))
    trainer.apply(GoTo(110))
    assert trainer.n_steps == 110 and trainer.history["loss"].tolist() == kept[:111]
    assert trainer.pause_at == PauseAtRise(errors=True)
    trainer.apply(Reset())
    assert stops(trainer, 120) == trainer.history.view().error_rises.tolist()


def test_the_history_says_what_would_rise():
    trainer = make(SETTINGS)
    trainer.step(3)
    loss, errors, tied = trainer.history["loss"][-1], trainer.history["n_errors"][-1], 0
    rises = trainer.history.rises(
        np.array([loss - 1, loss, loss - 0.5]), errors + np.array([1, 1, 2]), np.array([tied, 0, 0])
    )
    assert rises.errors.tolist() == [True, False, True] and rises.loss.tolist() == [False, True, False]
