"""The pace of a run: steps fall due one after the other, a run stops where it was told to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import RunConfig, Trainer
from engine.commands import Pause, Run, Step
from engine.pacer import Pacer
from engine.snapshot import State


class Clock:
    def __init__(self):
        self.now_s = 5.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def trainer():
    return Trainer.from_config(RunConfig(data="xor", hidden=(2,)))


def test_steps_fall_due_at_even_distances(clock):
    pacer = Pacer(4.0, clock)
    taken = []
    for tick in range(9):
        clock.now_s = 5.0 + tick / 8
        taken.append(pacer.n_due())
        pacer.note(taken[-1])
    assert taken == [1, 0, 1, 0, 1, 0, 1, 0, 1]


@given(pace=st.floats(0.5, 1e5), ticks=st.lists(st.floats(0.001, 0.05), max_size=40))
def test_a_pace_is_never_exceeded_and_kept_while_it_can_be(pace, ticks):
    clock = Clock()
    pacer, n_taken = Pacer(pace, clock), 0
    for tick in [0.0, *ticks]:
        clock.now_s += tick
        n_due = pacer.n_due()
        pacer.note(n_due)
        n_taken += n_due
    elapsed_s = clock.now_s - 5.0
    assert n_taken <= elapsed_s * pace + 1.001
    assert n_taken >= elapsed_s * pace - 1.0


def test_steps_that_were_missed_are_not_owed(clock):
    pacer = Pacer(100.0, clock)
    clock.now_s += 60.0
    assert pacer.n_due() == 10
    pacer.note(10)
    assert pacer.n_due() == 0


def test_it_says_how_long_to_wait(clock):
    pacer = Pacer(2.0, clock)
    pacer.note(pacer.n_due())
    assert pacer.wait_s() == pytest.approx(0.5)
    clock.now_s += 0.499
    assert 0.01 <= pacer.wait_s() <= 0.02  # a frame at least: what falls due within it is taken together
    assert Pacer(None, clock).wait_s() == 0.0 and Pacer(None, clock).n_due() is None
    assert (pacer.slowed(1000.0), Pacer().slowed(1000.0)) == (2.0, 1000.0)


def test_a_run_pauses_at_the_step_it_was_told(trainer):
    trainer.apply(Run(until=300))
    trainer.advance(20.0)
    assert (trainer.n_steps, trainer.state) == (300, State.PAUSED)
    trainer.apply(Run(until=300))
    assert trainer.state is State.PAUSED and trainer.advance(1.0) == 0
    trainer.apply(Run())
    assert trainer.advance(0.01) > 0 and trainer.state is State.RUNNING


def test_a_paced_run_takes_what_is_due_and_the_same_bits(trainer, clock):
    trainer.apply(Run(until=12, steps_per_s=10.0))
    trainer._pacer = Pacer(10.0, clock)
    assert [trainer.advance(0.1), trainer.advance(0.1)] == [1, 0]
    for _ in range(20):
        clock.now_s += 0.1
        trainer.advance(0.1)
    assert (trainer.n_steps, trainer.state) == (12, State.PAUSED)
    twin = Trainer.from_config(trainer.config)
    twin.step(12)
    assert (twin.theta == trainer.theta).all() and twin.snapshot().loss == trainer.snapshot().loss


def test_steps_that_are_asked_for_by_number_keep_no_pace(trainer):
    trainer.apply(Run(steps_per_s=0.001))
    trainer.apply(Pause())
    trainer.apply(Step(50))
    assert trainer.advance(20.0) == 50 and trainer.wait_s == 0.0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"until": 0}, "until must be a whole number of at least 1, not 0"),
        ({"steps_per_s": 0.0}, "steps_per_s must be a finite number above 0"),
        ({"steps_per_s": float("nan")}, "steps_per_s must be a finite number above 0"),
    ],
)
def test_a_run_that_cannot_be_is_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Run(**options)
