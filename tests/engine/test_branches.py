"""Branches: no way that a run has gone is lost when it goes another, and each goes on with the same bits."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.branches import MOST
from engine.changes import describe, parting_step
from engine.commands import (
    BranchOff,
    GoTo,
    Perturb,
    RemoveBranch,
    RenameBranch,
    Reset,
    Run,
    SavePoint,
    SetArithmetic,
    SetBatches,
    SetLearningRate,
    SwitchTo,
)
from engine.config import RunConfig
from engine.history import SERIES
from engine.run_files import open_run, save_run
from engine.snapshot import State
from engine.trainer import Trainer

KICK = Perturb("noise", {"scale": 0.1, "seed": 1})
CHANGES = {
    "rate": SetLearningRate(0.05),
    "kick": KICK,
    "batches": SetBatches(32, 7),
    "arithmetic": SetArithmetic("blas"),
    "duplicate": Perturb("duplicate", {"layer": 1, "unit": 0}),
}


def start(**settings) -> Trainer:
    return Trainer.from_config(RunConfig(data="blobs", hidden=(4,), learning_rate=0.5).replace(**settings))


def run_to(n_steps: int, **settings) -> Trainer:
    trainer = start(**settings)
    trainer.step(n_steps)
    return trainer


def same(trainer: Trainer, other: Trainer) -> None:
    assert trainer.n_steps == other.n_steps and trainer.learning_rate == other.learning_rate
    assert trainer.config == other.config and trainer.events == other.events
    assert np.array_equal(trainer.theta, other.theta)
    for name in SERIES:
        assert np.array_equal(trainer.history[name], other.history[name])
    mine, theirs = trainer.snapshot(), other.snapshot()
    assert np.array_equal(mine.gradient, theirs.gradient) and mine.history.jumps == theirs.history.jumps
    assert mine.rates == theirs.rates and mine.batches == theirs.batches


@pytest.mark.parametrize("batch_size", [None, 50])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_came_after_becomes_a_branch_when_something_is_changed(change, batch_size):
    trainer, whole = run_to(60, batch_size=batch_size), run_to(60, batch_size=batch_size)
    trainer.apply(GoTo(25))
    assert trainer.branches.kept == () and trainer.snapshot().furthest == 60
    trainer.apply(change)
    [branch] = trainer.snapshot().branches
    assert (branch.number, branch.n_steps, branch.parted_at) == (1, 60, 25)
    assert np.array_equal(branch.history["loss"], whole.history["loss"])
    assert trainer.snapshot().furthest == 25 and trainer.snapshot().branch_number == 2
    trainer.step(20)
    straight = run_to(25, batch_size=batch_size)
    straight.apply(change)
    straight.step(20)
    same(trainer, straight)
    trainer.apply(SwitchTo(1))
    same(trainer, whole)
    for run in (trainer, whole):
        run.step(30)
    same(trainer, whole)
    trainer.apply(SwitchTo(2))
    same(trainer, straight)
    for run in (trainer, straight):
        run.step(30)
    same(trainer, straight)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("step", [10, 20, 21, 35, 40])
def test_any_step_is_had_again_before_and_after_a_change(change, step):
    trainer = run_to(20, batch_size=64)
    trainer.apply(change)
    trainer.step(20)
    end = trainer.theta
    twin = start(batch_size=64)
    twin.step(min(step, 20))
    if step > 20:
        twin.apply(change)
        twin.step(step - 20)
    trainer.apply(GoTo(step))
    same(trainer, twin)
    trainer.apply(GoTo(40))
    assert np.array_equal(trainer.theta, end) and len(trainer.events) == 1
    assert trainer.branches.kept == ()


def test_forward_again_goes_through_changes_and_kicks_to_the_same_end():
    trainer = run_to(20)
    trainer.apply(SetLearningRate(0.25))
    trainer.step(20)
    trainer.apply(KICK)
    trainer.step(20)
    trainer.perturb("duplicate", layer=1, unit=0)
    whole = trainer.theta
    trainer.apply(GoTo(10))
    trainer.apply(GoTo(50))
    assert trainer.learning_rate == 0.25 and len(trainer.snapshot().history.jumps) == 1
    trainer.apply(GoTo(15))
    trainer.apply(GoTo(60))
    assert np.array_equal(trainer.theta, whole) and trainer.net.layer_sizes == (2, 5, 3)
    assert trainer.snapshot().furthest == 60 and trainer.branches.kept == ()


def test_running_along_the_old_way_keeps_nothing_and_ends_beyond_it():
    trainer = run_to(40)
    trainer.apply(GoTo(10))
    trainer.step(20)
    assert trainer.snapshot().furthest == 40
    trainer.step(20)
    assert trainer.snapshot().furthest == 50 and trainer.branches.kept == ()
    same(trainer, run_to(50))


def test_running_past_an_old_change_without_it_keeps_the_old_way():
    trainer = run_to(20)
    trainer.apply(SetLearningRate(0.25))
    trainer.step(20)
    trainer.apply(GoTo(10))
    trainer.step(10)
    assert trainer.branches.kept == ()
    trainer.step(5)
    [branch] = trainer.branches.kept
    assert branch.parted_at == 20 and branch.name == "rate 0.25" and branch.n_steps == 40
    same(trainer, run_to(25))


def test_the_same_change_again_stays_on_the_old_way():
    trainer = run_to(20)
    trainer.apply(SetLearningRate(0.25))
    trainer.step(20)
    trainer.apply(GoTo(20))
    trainer.apply(SetLearningRate(0.25))
    assert trainer.branches.kept == () and trainer.snapshot().furthest == 40


def test_a_rate_that_is_no_other_is_no_change():
    trainer = run_to(20)
    trainer.apply(GoTo(10))
    trainer.apply(SetLearningRate(0.5))
    assert trainer.events == [] and trainer.snapshot().furthest == 20


def test_branches_know_where_they_part_from_one_another():
    trainer = run_to(60)
    trainer.apply(GoTo(40))
    trainer.apply(KICK)
    trainer.step(20)
    trainer.apply(GoTo(10))
    trainer.apply(SetLearningRate(0.1))
    assert [branch.partings for branch in trainer.branches.kept] == [(40,), (40,)]
    assert [branch.parted_at for branch in trainer.branches.kept] == [10, 10]
    trainer.apply(SwitchTo(1))
    assert [(b.number, b.partings, b.parted_at) for b in trainer.branches.kept] == [
        (2, (10,), 40),
        (3, (10,), 10),
    ]
    trainer.apply(RemoveBranch(3))
    assert trainer.branches.kept[0].partings == ()


def test_a_kick_that_is_undone_at_once_leaves_no_branch():
    trainer = run_to(20)
    trainer.apply(KICK)
    trainer.apply(GoTo(20))
    assert not trainer.snapshot().history.jumps
    trainer.step(5)
    assert trainer.branches.kept == ()
    same(trainer, run_to(25))


def test_branching_off_keeps_the_run_and_goes_on_with_the_changes():
    trainer = run_to(30)
    trainer.apply(BranchOff((SetLearningRate(0.05), SetBatches(16, 3), SetArithmetic("blas"))))
    [branch] = trainer.branches.kept
    assert (branch.n_steps, branch.parted_at, branch.is_by_hand) == (30, 30, True)
    assert branch.name == "first run, rate 0.5"
    assert trainer.branches.name == "rate 0.05, batch 16, seed 3, BLAS"
    assert trainer.config.batch_size == 16 and trainer.config.arithmetic == "blas"
    assert trainer.config.seed == 0  # of the start
    assert trainer.snapshot().batches == ((0, None), (30, 16))
    trainer.step(10)
    trainer.apply(SwitchTo(1))
    assert trainer.config.batch_size is None and trainer.config.arithmetic == "ordered"
    same(trainer, run_to(30))


def test_branching_off_a_step_dragged_to_keeps_what_came_after():
    trainer = run_to(60)
    trainer.apply(GoTo(20))
    trainer.apply(BranchOff((KICK,), "shaken"))
    [branch] = trainer.branches.kept
    assert branch.n_steps == 60 and branch.parted_at == 20 and trainer.branches.name == "shaken"
    assert trainer.snapshot().furthest == 20


def test_a_branch_without_changes_is_named_by_the_next_one():
    trainer = run_to(10)
    trainer.apply(BranchOff())
    assert trainer.branches.name == ""
    trainer.step(5)
    trainer.apply(KICK)
    assert trainer.branches.name == "kick: noise 0.1 at step 15"
    assert trainer.branches.kept[0].parted_at == 10


def test_names_say_what_differs_and_are_never_the_same():
    trainer = run_to(300)
    for scale in (0.1, 0.1, 0.2):
        trainer.apply(GoTo(200))
        trainer.apply(Perturb("noise", {"scale": scale, "seed": len(trainer.branches.kept)}))
        trainer.step(20)
    names = [branch.name for branch in trainer.branches.kept]
    kick = "kick: noise 0.1 at step 200"
    assert names == ["first run, rate 0.5", kick, f"{kick} (2)"]
    assert trainer.branches.name == "kick: noise 0.2 at step 200"
    assert (
        describe([SetBatches(None)], 5) == "full batch"
        and describe([SetArithmetic("ordered")], 5) == "ordered"
    )


def test_after_a_reset_the_branches_stay_and_the_run_gets_a_name_anew():
    trainer = run_to(20)
    trainer.apply(BranchOff((SetLearningRate(0.05),)))
    trainer.apply(Reset())
    assert trainer.branches.name == "" and trainer.snapshot().furthest == 0
    trainer.apply(SetLearningRate(2.0))
    assert trainer.branches.name == "rate 2" and trainer.branches.kept[0].parted_at == 0
    trainer.step(5)
    trainer.apply(SwitchTo(1))
    same(trainer, run_to(20))


def test_switching_keeps_what_is_left_whole_even_if_one_had_gone_back():
    trainer = run_to(20)
    trainer.apply(BranchOff((SetLearningRate(0.05),)))
    trainer.step(30)
    trainer.apply(GoTo(25))
    trainer.apply(SwitchTo(1))
    [branch] = trainer.branches.kept
    assert (branch.number, branch.n_steps, branch.parted_at) == (2, 50, 20)
    assert branch.name == "rate 0.05" and trainer.state is State.PAUSED


def test_switching_tells_that_theta_and_the_network_changed():
    trainer = run_to(20)
    before = trainer.snapshot()
    trainer.apply(BranchOff((CHANGES["duplicate"],)))
    wide = trainer.snapshot()
    trainer.apply(SavePoint("wide"))
    trainer.apply(SwitchTo(1))
    after = trainer.snapshot()
    assert before.run_id < wide.run_id < after.run_id and after.generation > wide.generation
    assert after.net is before.net and after.saved == ()


def test_branches_are_named_and_removed():
    trainer = run_to(10)
    trainer.apply(BranchOff((SetLearningRate(0.05),)))
    trainer.apply(RenameBranch(1, " slow "))
    trainer.apply(RenameBranch(2, "slow"))
    assert trainer.branches.kept[0].name == "slow" and trainer.branches.name == "slow (2)"
    trainer.apply(RenameBranch(2, "slow (2)"))
    assert trainer.branches.name == "slow (2)"
    trainer.apply(RemoveBranch(1))
    assert trainer.branches.kept == () and trainer.n_steps == 10


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (SwitchTo(5), r"^There is no branch 5; the branches beside the run are 1\.$"),
        (RemoveBranch(5), r"^There is no branch 5"),
        (RenameBranch(5, "x"), r"^There is no branch 5"),
        (SwitchTo(2), r"^Branch 2 is the run that goes on: switch to another branch first\.$"),
        (RemoveBranch(2), r"^Branch 2 is the run that goes on"),
        (SetBatches(10**6), "batch_size must be a whole number from 1 to 200, not 1000000"),
        (BranchOff((SetBatches(10**6),)), "batch_size must be"),
        (BranchOff((SetLearningRate(2.0), Perturb("noise", {"scale": -1.0}))), "scale must be"),
        (BranchOff((CHANGES["duplicate"], Perturb("noise", {"scale": 1e308}))), "was not applied"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(command, sentence):
    trainer = run_to(10)
    trainer.apply(BranchOff((SetLearningRate(0.05),)))
    trainer.step(10)
    twin = run_to(10)
    twin.apply(SetLearningRate(0.05))
    twin.step(10)
    branches = trainer.branches
    with pytest.raises(ValueError, match=sentence):
        trainer.apply(command)
    assert trainer.branches is branches
    same(trainer, twin)
    for run in (trainer, twin):
        run.step(10)
    same(trainer, twin)


@pytest.mark.parametrize("name", ["x" * 61, "two\nlines"])
def test_a_name_is_one_short_line(name):
    for make in (lambda: BranchOff((), name), lambda: RenameBranch(1, name)):
        with pytest.raises(ValueError, match="name must be one line of at most 60 characters"):
            make()
    with pytest.raises(ValueError, match="name must not be empty"):
        RenameBranch(1, "  ")


def test_too_many_asked_for_is_refused_and_nothing_is_lost():
    trainer = run_to(5)
    for number in range(1, MOST):
        trainer.apply(BranchOff((SetLearningRate(0.01 * number),)))
    with pytest.raises(ValueError, match=r"at most 6 branches.*remove one first"):
        trainer.apply(BranchOff((SetLearningRate(0.7),)))
    trainer.step(5)
    trainer.apply(GoTo(7))
    with pytest.raises(ValueError, match="at most 6 branches"):
        trainer.apply(SetLearningRate(0.7))
    assert trainer.learning_rate == 0.05 and trainer.snapshot().furthest == 10
    trainer.apply(RemoveBranch(3))
    trainer.apply(SetLearningRate(0.7))
    assert [branch.number for branch in trainer.branches.kept] == [1, 2, 4, 5, 6]
    assert trainer.branches.number == 3 and trainer.notice == ""


def test_those_that_nobody_asked_for_make_room_and_it_is_told():
    trainer = run_to(10)
    for rate in (0.1, 0.2, 0.3, 0.4, 0.6):
        trainer.apply(GoTo(5))
        trainer.apply(SetLearningRate(rate))
        trainer.step(5)
    trainer.apply(RenameBranch(1, "mine"))
    assert len(trainer.branches.kept) == MOST - 1 and trainer.notice == ""
    trainer.apply(GoTo(5))
    trainer.apply(SetLearningRate(0.7))
    assert [branch.number for branch in trainer.branches.kept] == [1, 3, 4, 5, 6]
    assert trainer.notice == "A run has at most 6 branches; forgotten for a new one: branch 2 (rate 0.1)."


def test_running_past_an_old_change_with_no_room_is_told():
    trainer = run_to(5)
    for number in range(1, MOST):
        trainer.apply(BranchOff((SetLearningRate(0.01 * number),)))
    trainer.step(5)
    trainer.apply(SetLearningRate(0.7))
    trainer.step(5)
    trainer.apply(GoTo(7))
    trainer.step(6)
    assert trainer.notice.startswith("The way that the run had gone before is not kept: A run has at most 6")
    assert trainer.snapshot().furthest == 13 and len(trainer.branches.kept) == MOST - 1


def test_the_histories_of_branches_stay_within_bounds(monkeypatch):
    monkeypatch.setattr("engine.branches.MOST_ENTRIES", 100)
    trainer = run_to(60)
    trainer.apply(GoTo(50))
    trainer.apply(KICK)
    trainer.step(10)
    trainer.apply(GoTo(50))
    trainer.apply(SetLearningRate(0.1))
    assert [branch.number for branch in trainer.branches.kept] == [2]
    assert "forgotten for a new one: branch 1" in trainer.notice
    trainer.step(60)
    with pytest.raises(ValueError, match=r"at most 100 steps together, too few for the 110 of this run"):
        trainer.apply(BranchOff())


def test_checkpoints_of_branches_stay_within_bounds(monkeypatch):
    monkeypatch.setattr("engine.forks._BRANCH_BYTES", 20 * 8 * 27)
    trainer, twin = run_to(200), run_to(200)
    assert trainer.theta.size == 27
    trainer.apply(BranchOff((KICK,)))
    points = trainer.branches.kept[0].record.path
    assert 10 <= len(points) <= 20 and points[0].step == 0
    trainer.apply(SwitchTo(1))
    for run in (trainer, twin):
        run.apply(GoTo(101))
        run.step(50)
    same(trainer, twin)


def test_snapshots_share_branches_and_their_histories():
    trainer = run_to(50)
    trainer.apply(BranchOff((KICK,)))
    one = trainer.snapshot()
    trainer.step(50)
    other = trainer.snapshot()
    assert one.branches is other.branches
    assert np.shares_memory(one.branches[0].history["loss"], one.history["loss"])


def test_parting_is_where_the_first_change_differs():
    rate, other = (5, SetLearningRate(0.1)), (8, SetLearningRate(0.2))
    assert parting_step([], []) is None and parting_step([rate], [rate]) is None
    assert parting_step([rate], []) == 5 and parting_step([rate, other], [rate]) == 8
    assert parting_step([other], [rate]) == 5


@pytest.mark.parametrize("opened_step", [35, 50])
def test_branches_and_the_way_ahead_are_saved_and_go_on_with_the_same_bits(tmp_path, opened_step):
    trainer = run_to(20, batch_size=64)
    for name, change in CHANGES.items():
        trainer.apply(GoTo(20))
        trainer.apply(change)
        trainer.step(30)
        trainer.apply(RenameBranch(trainer.branches.number, name))
    trainer.apply(GoTo(opened_step))
    save_run(tmp_path / "run.npz", trainer.record())
    opened = open_run(tmp_path / "run.npz")
    for run in (trainer, opened):
        run.apply(GoTo(50))
        run.step(3)
    same(trainer, opened)
    for mine, theirs in zip(trainer.branches.kept, opened.branches.kept, strict=True):
        assert mine.partings == theirs.partings == (20,)
        for field in ("number", "name", "parted_at", "is_by_hand", "is_named", "n_steps"):
            assert getattr(mine, field) == getattr(theirs, field)
    assert [branch.name for branch in opened.branches.kept] == [*list(CHANGES)[:-1]]
    for branch in opened.branches.kept:
        for run in (trainer, opened):
            run.apply(SwitchTo(branch.number))
            run.apply(GoTo(30))
            run.step(25)
        same(trainer, opened)


def test_a_saved_branch_holds_only_what_the_run_does_not(tmp_path):
    trainer = run_to(400)
    save_run(tmp_path / "one.npz", trainer.record())
    trainer.apply(BranchOff((SetLearningRate(0.4),)))
    trainer.step(1)
    save_run(tmp_path / "two.npz", trainer.record())
    with np.load(tmp_path / "two.npz") as file:
        assert len(file["branch1_series_loss"]) == 0 and len(file["branch1_path"]) == 0
    [branch] = open_run(tmp_path / "two.npz").branches.kept
    assert branch.n_steps == 400 and len(branch.record.path) == 401


@pytest.mark.parametrize(
    "damage",
    [
        {"number": 7},
        {"number": 2},
        {"name": 3},
        {"n_shared": 5},
        {"rows": [999] * 21},
        {"rows": [-1] * 21},
        {"events": [{"step": 1, "arithmetic": "none"}]},
    ],
    ids=lambda damage: "-".join(map(str, damage.items()))[:30],
)
def test_a_file_with_a_damaged_branch_is_refused_in_one_sentence(tmp_path, damage):
    trainer = run_to(20)
    trainer.apply(BranchOff((SetLearningRate(0.4),)))
    save_run(tmp_path / "run.npz", trainer.record())
    with np.load(tmp_path / "run.npz") as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"]))
    about["branches"][0] |= damage
    np.savez(tmp_path / "run.npz", **(arrays | {"about": np.array(json.dumps(about))}))
    with pytest.raises(ValueError, match=r"run\.npz cannot be opened as a run: .+\.$"):
        open_run(tmp_path / "run.npz")


def test_a_file_from_before_there_were_branches_is_opened(tmp_path):
    trainer = run_to(20)
    save_run(tmp_path / "run.npz", trainer.record())
    with np.load(tmp_path / "run.npz") as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"]))
    for key in ("branch", "branches", "ahead", "rows", "n_shared"):
        del about[key]
    np.savez(tmp_path / "run.npz", **(arrays | {"about": np.array(json.dumps(about))}))
    same(open_run(tmp_path / "run.npz"), trainer)


def test_claims_on_batches_are_judged_by_the_steps_that_were_taken():
    from engine.claims.claim import Answer
    from engine.monitors.descent import Descent
    from engine.monitors.descent_minibatch import DescentMinibatch

    trainer = run_to(20, learning_rate=4.0)
    trainer.apply(SetBatches(2, 1))
    before = trainer.snapshot()
    assert Descent().read(before).answer is not Answer.NOT_APPLICABLE
    assert DescentMinibatch().read(before).answer is Answer.NOT_APPLICABLE
    trainer.step(200)
    after = trainer.snapshot()
    assert after.batch_sizes == {None, 2} and after.takes_mini_batches(20, 21).tolist() == [False, True]
    assert Descent().read(after).answer is Answer.NOT_APPLICABLE
    n_rises = int((after.history.loss_rises > 20).sum())
    assert n_rises and f"{n_rises} of" in DescentMinibatch().read(after).line


def test_a_run_under_way_branches_without_a_pause():
    trainer = run_to(10)
    trainer.apply(Run())
    trainer.apply(BranchOff((SetLearningRate(0.05),)))
    assert trainer.state is State.RUNNING
    assert trainer.advance(0.01) > 0 and len(trainer.branches.kept) == 1
