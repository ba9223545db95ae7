"""Lessons of the exam about starts and saddles: every number in their texts, against the program."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

import engine
from engine.claims.exam.merged import merged_point
from engine.lessons import load_lesson
from engine.trainer import Trainer


@cache
def trained(lesson_id, n_steps=None, **changes):
    lesson = load_lesson(lesson_id)
    trainer = Trainer.from_config(lesson.config.replace(**changes))
    trainer.step(n_steps or lesson.n_steps)
    return trainer


def again(trainer, rate=None, train="all"):
    """Return a Trainer where another one stands."""
    return Trainer(trainer.net, trainer.data, trainer.theta, rate or trainer.learning_rate, train=train)


def first_below(trainer, loss):
    below = trainer.history["loss"] < loss
    assert below.any()
    return int(below.argmax())


# ------------------------------------------------------------------------------------- saddle-escape


@cache
def kicked(scale, n_steps=3700):
    run = again(trained("saddle-escape"))
    run.perturb("break_symmetry", scale=scale, seed=0)
    run.step(n_steps)
    return run


def test_saddle_escape_it_rests_at_first():
    trainer = trained("saddle-escape")
    assert trainer.n_steps == 20_000
    assert trainer.history["loss"][-1] == pytest.approx(0.4550, abs=5e-5)
    assert trainer.history["gradient_norm"][-1] < 1e-6
    assert not trainer.history["symmetry_spread"].any()


def test_saddle_escape_a_weak_kick_takes_twice_as_long():
    assert first_below(kicked(1e-2), 0.454) == pytest.approx(1500, rel=0.02)
    assert first_below(kicked(1e-6), 0.454) == pytest.approx(3140, abs=10)


def test_saddle_escape_its_eigenvalue_and_the_steps_for_two_powers_of_ten():
    point = merged_point("parity", "logistic", "cross_entropy")
    assert round(point.lowest, 4) == -0.0028
    line = 2 * math.log(10) / math.log1p(-2.0 * point.lowest)
    assert line == pytest.approx(824, abs=0.5)
    assert first_below(kicked(1e-6), 0.454) - first_below(kicked(1e-2), 0.454) == pytest.approx(
        2 * line, rel=0.01
    )


def test_saddle_escape_from_a_tenth_to_one():
    escapes = engine.verify("escape-time", kicks=(1e-2, 1e-4)).evidence["escapes"]
    for escape in escapes:
        assert escape["steps_until_distance_1"] - escape["measured_steps"] == pytest.approx(470, abs=5)
    point = merged_point("parity", "logistic", "cross_entropy")
    assert math.log(10) / math.log1p(-2.0 * point.lowest) == pytest.approx(412, abs=0.5)


# ------------------------------------------------------------------------------------- merged-minimum


def test_merged_minimum_the_units_come_together():
    trainer = trained("merged-minimum")
    weights, _ = trainer.net.layers(Trainer.from_config(load_lesson("merged-minimum").config).theta)[0]
    assert weights.mean() == pytest.approx(-1.867, abs=5e-4)
    spread = trainer.history["symmetry_spread"]
    assert spread[0] == spread.max() == pytest.approx(0.2)
    assert spread[-1] == pytest.approx(0.0007, abs=5e-5)
    assert trainer.history["loss"][0] == pytest.approx(0.025264, abs=1e-6)
    assert trainer.history["loss"][-1] == pytest.approx(0.025245, abs=1e-6)
    (inputs, _), _ = trainer.net.layers(trainer.theta)
    assert abs(inputs[0, 0] - inputs[0, 1]) < 1e-4


def test_merged_minimum_its_eigenvalues():
    point = merged_point("sine", "tanh", "squared", "weights")
    assert point.is_minimum and point.tangents.shape[1] == 1
    assert point.lowest_across == pytest.approx(0.00185, abs=1e-5)
    with_biases = engine.verify("merged-point-is-saddle", problems=("sine",), biases=True)
    assert with_biases.evidence["points"][0]["lowest_eigenvalue"] == pytest.approx(-0.0015, abs=5e-5)


@pytest.mark.parametrize(("strength", "stays"), [(0.3, True), (1.0, False)])
def test_merged_minimum_a_weak_kick_comes_back_and_a_strong_one_does_not(strength, stays):
    run = again(trained("merged-minimum"), train="weights")
    run.perturb("break_symmetry", scale=strength, seed=0)
    run.step(20_000)
    if stays:
        assert run.history["loss"][-1] == pytest.approx(0.025245, abs=1e-6)
    else:
        assert run.history["loss"][-1] < 0.015
        changes = np.diff(run.history["loss"][-1001:])
        assert 450 < int((changes > 0.0).sum()) < 550  # on every second step


def test_merged_minimum_usual_starts_get_lower():
    run = trained("merged-minimum", init="glorot_uniform", learning_rate=0.1)
    assert run.history["loss"][-1] < 0.006


def test_merged_minimum_with_biases_it_leaves():
    run = again(trained("merged-minimum"), train="all")
    run.perturb("noise", scale=1e-3, seed=0)
    run.step(20_000)
    assert run.history["loss"][-1] < 0.0244


# ------------------------------------------------------------------------------------- xor-luck


def xor(seed, **changes):
    return trained("xor-luck", seed=seed, **changes)


def test_xor_luck_this_start_rests_half_way():
    trainer = xor(3)
    assert load_lesson("xor-luck").config.seed == 3
    assert trainer.history["loss"][-1] == pytest.approx(0.347, abs=5e-4)
    assert trainer.history["loss"][-1] == pytest.approx(0.5 * math.log(2), abs=1e-3)
    assert trainer.history["n_errors"][-1] == 2
    losses = trainer.net.per_example_loss(trainer.theta, trainer.data)
    assert sorted(round(math.exp(-loss), 2) for loss in losses)[:2] == [0.5, 0.5]


def test_xor_luck_eight_of_twelve_starts_get_there():
    ends = [xor(seed) for seed in range(3, 15)]
    losses = [trainer.history["loss"][-1] for trainer in ends]
    assert sum(loss < 0.001 for loss in losses) == 8
    assert sum(0.34 < loss < 0.35 for loss in losses) == 4
    assert all(trainer.history.view().loss_rises.size == 0 for trainer in ends)


def test_xor_luck_equal_units_stay_above_the_bound():
    bound = 0.75 * math.log(3) - 0.5 * math.log(2)
    assert round(bound, 4) == 0.4774
    loss = xor(3, init="constant", init_value=0.05).history["loss"][-1]
    assert bound < loss == pytest.approx(0.4785, abs=5e-5)


def test_xor_luck_eight_units_get_there_from_each_of_these_starts():
    assert all(xor(seed, hidden=(8,)).history["n_errors"][-1] == 0 for seed in range(3, 15))
