"""A run that is watched has a longest record: there it pauses, says why, and goes no further."""

from __future__ import annotations

import os

import pytest

from engine import RunConfig, Trainer, branches, history
from engine.commands import (
    BranchOff,
    GoTo,
    PauseAtRise,
    RemoveBranch,
    Reset,
    Run,
    SetLearningRate,
    Step,
    SwitchTo,
)
from engine.history import SERIES
from engine.snapshot import State

CONFIG = RunConfig(data="xor", hidden=(3,), learning_rate=0.1, seed=1)
MOST = 37


@pytest.fixture
def run() -> Trainer:
    trainer = Trainer.from_config(CONFIG)
    trainer.most_steps = MOST
    return trainer


def go_on(trainer: Trainer) -> None:
    """Advance as the engine's thread does, until it stands."""
    while trainer.state is State.RUNNING:
        trainer.advance(0.001)


@pytest.mark.parametrize("command", [Run(), Run(until=1000), Run(steps_per_s=1e6), Step(1000)])
def test_it_pauses_there_and_says_so_again_instead_of_going_on(run, command):
    run.apply(command)
    go_on(run)
    for _ in range(2):
        snapshot = run.snapshot()
        assert (snapshot.state, snapshot.n_steps, snapshot.is_full) == (State.PAUSED, MOST, True)
        assert "it holds 37 steps" in snapshot.reason and "save the run" in snapshot.reason
        run.apply(command)
        assert not run.snapshot().is_full
        go_on(run)


def test_up_to_there_nothing_is_said(run):
    run.apply(Run(until=MOST))
    go_on(run)
    assert (run.state, run.n_steps, run.reason, run.snapshot().is_full) == (State.PAUSED, MOST, "", False)


def test_a_run_without_a_window_is_not_limited(run):
    assert run.step(MOST + 5) == MOST + 5
    run.apply(Run())
    go_on(run)
    assert run.n_steps == MOST + 5 and run.snapshot().is_full and "it holds 42 steps" in run.reason


def test_the_steps_up_to_there_are_those_of_any_run(run):
    free = Trainer.from_config(CONFIG)
    free.step(MOST)
    run.apply(Run())
    go_on(run)
    assert run.theta.tolist() == free.theta.tolist()
    assert run.history["loss"].tolist() == free.history["loss"].tolist()


@pytest.mark.parametrize(("command", "n_steps"), [(Reset(), 0), (GoTo(20), 20)])
def test_begun_again_or_from_an_earlier_step_it_goes_on(run, command, n_steps):
    run.apply(Run())
    go_on(run)
    run.apply(command)
    assert (run.n_steps, run.reason, run.snapshot().is_full) == (n_steps, "", False)
    run.apply(Step(10))
    go_on(run)
    assert (run.n_steps, run.reason) == (n_steps + 10, "")


def test_a_rise_at_the_last_step_is_told_as_one(run):
    free = Trainer.from_config(CONFIG.replace(data="digits", n_samples=150, hidden=(6,)))
    free.step(200)
    free.most_steps = int(free.history.view().error_rises[0])
    free.apply(Reset())
    free.apply(PauseAtRise(errors=True))
    free.apply(Run())
    go_on(free)
    assert free.n_steps == free.most_steps and "errors rose" in free.reason and not free.snapshot().is_full
    free.apply(Run())
    go_on(free)
    assert free.snapshot().is_full and "is full" in free.reason


def test_a_small_machine_has_a_shorter_record(monkeypatch):
    assert 0 < history.most_steps() <= history.MOST_STEPS
    pages = {"SC_PHYS_PAGES": 2**20, "SC_PAGE_SIZE": 4096}  # 4 GB
    monkeypatch.setattr(os, "sysconf", pages.__getitem__, raising=False)
    assert history.most_steps() == 2**32 // 8 // 29
    pages["SC_PHYS_PAGES"] = 2**30
    assert history.most_steps() == history.MOST_STEPS
    monkeypatch.delattr(os, "sysconf")
    assert history.most_steps() == history.MOST_STEPS


def test_a_step_takes_as_many_bytes_as_is_reckoned_with(run):
    run.step(64 * 64 - 1)  # and the start: whole bins of the pyramid
    view = run.history.view()
    n_bytes = sum(view[name].nbytes + view._bins[name].nbytes for name in SERIES)
    assert n_bytes == pytest.approx(history._BYTES_A_STEP * view.n_entries, rel=0.01)


def test_a_way_that_is_recorded_can_be_gone_again_to_its_end(run):
    run.step(MOST + 8)
    run.apply(GoTo(20))
    run.apply(Run())
    go_on(run)
    assert run.n_steps == run.snapshot().furthest == MOST + 8 and run.snapshot().is_full


def test_a_change_on_the_way_leaves_no_more_room_than_there_was(run):
    run.step(MOST + 8)
    run.apply(GoTo(MOST + 3))
    run.apply(SetLearningRate(0.2))
    run.apply(Run())
    go_on(run)
    assert run.n_steps == run.snapshot().furthest == MOST + 3 and run.snapshot().is_full


def test_branches_that_grew_long_leave_the_others_less_room(run, monkeypatch):
    monkeypatch.setattr(branches, "MOST_ENTRIES", 10)
    run.step(3)
    run.apply(BranchOff((SetLearningRate(0.2),)))
    run.apply(Run())
    go_on(run)
    assert run.n_steps == MOST and "beside its branches" not in run.reason
    run.apply(SwitchTo(1))
    assert not run.snapshot().is_full
    run.apply(Run())
    go_on(run)
    n_beyond = MOST + 1 - 10  # entries of the branch that was left: its steps and the start
    assert run.n_steps == MOST - n_beyond and run.snapshot().is_full
    assert (
        f"it holds {run.n_steps} steps beside its branches" in run.reason and "remove a branch" in run.reason
    )
    run.apply(RemoveBranch(2))
    assert (run.reason, run.snapshot().is_full) == ("", False)
    run.apply(Run())
    go_on(run)
    assert run.n_steps == MOST


def test_from_the_middle_of_a_full_record_it_can_be_changed(run, monkeypatch):
    monkeypatch.setattr(branches, "MOST_ENTRIES", 30)
    run.apply(Run())
    go_on(run)
    run.apply(GoTo(20))
    run.apply(SetLearningRate(0.2))
    assert run.take_notice() == (
        "The way that the run had gone before is not kept: Branches hold at most 30 steps together, too few for the "
        "37 of this run: save it in a file instead."
    )
    assert not run.branches.kept and run.snapshot().furthest == 20 and run.learning_rate == 0.2
    run.apply(Run())
    go_on(run)
    assert run.n_steps == MOST
    with pytest.raises(ValueError, match="save it in a file instead"):
        run.apply(BranchOff())


def test_disparities_are_reckoned_with(monkeypatch):
    monkeypatch.delattr(os, "sysconf", raising=False)
    monkeypatch.setattr(history, "MOST_STEPS", 1000)
    trainer = Trainer.from_config(CONFIG.replace(record_disparities=4))
    trainer.step(64 * 64 - 1)
    view = trainer.history.view()
    n_bytes = sum(view[name].nbytes + view._bins[name].nbytes for name in SERIES)
    n_bytes += view.disparities.nbytes + view.disparity_steps.nbytes
    assert history.most_steps(4) == pytest.approx(1000 * 29 / (n_bytes / view.n_entries), rel=0.01)
    assert history.most_steps() == 1000
