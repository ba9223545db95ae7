"""Lessons of the exam about single steps: every number in their texts, against the program."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

import engine
from engine.bounds import error_ceiling
from engine.claims.exam.exam_example import A, B, binary_sum, softmax_loss
from engine.claims.exam.steps import steepest_jump
from engine.flow import gradient_flow
from engine.lessons import load_lesson
from engine.outcomes import outcome
from engine.trainer import Trainer


@cache
def trained(lesson_id, n_steps=None, **changes):
    lesson = load_lesson(lesson_id)
    trainer = Trainer.from_config(lesson.config.replace(**changes))
    trainer.step(n_steps or lesson.n_steps)
    return trainer


def loss_rises(trainer):
    return trainer.history.view().loss_rises.tolist()


def error_rises(trainer):
    return trainer.history.view().error_rises.tolist()


def changes_of(trainer):
    """Return (step, mistakes) at the start and wherever the count changes."""
    errors = trainer.history["n_errors"].tolist()
    return [(k, n) for k, n in enumerate(errors) if k == 0 or n != errors[k - 1]]


def outcome_at(lesson_id, n_steps):
    trainer = Trainer.from_config(load_lesson(lesson_id).config)
    if n_steps:
        trainer.step(n_steps)
    return outcome(trainer.data, trainer.net.logits(trainer.theta, trainer.data.x))


# ------------------------------------------------------------------------------------- kink


@pytest.mark.parametrize(("rate", "first"), [(0.1, 10), (0.05, 18), (0.025, 36)])
def test_kink_every_second_step_rises_at_any_rate(rate, first):
    trainer = trained("kink", round(4 / rate), learning_rate=rate)
    rises = loss_rises(trainer)
    assert rises[0] == first
    if rate == 0.1:
        assert rises == list(range(10, 41, 2))
    assert 0.4 < len(rises) / (trainer.n_steps - first) < 0.6


def test_kink_the_loss_stays_nearer_to_its_lowest_value_at_smaller_rates():
    runs = [trained("kink", round(4 / rate), learning_rate=rate) for rate in (0.1, 0.05, 0.025)]
    above = [run.history["loss"][-10:].max() - 0.5 for run in runs]
    assert above[0] > above[1] > above[2] > 0


def test_kink_lowest_at_0_where_the_slope_jumps():
    trainer = trained("kink")
    net, data, theta = trainer.net, trainer.data, trainer.theta * 0.0
    theta[2] = 1.0  # the output weight
    weights = np.linspace(-0.5, 0.5, 101)
    loss = [net.loss(theta + w * np.eye(4)[0], data) for w in weights]
    assert np.argmin(loss) == 50 and loss[50] == 0.5
    left, right = (net.gradient(theta + sign * 1e-9 * np.eye(4)[0], data)[0] for sign in (-1, 1))
    assert left < -0.4 and right > 0.4
    assert steepest_jump(net, data, theta - 0.1 * np.eye(4)[0], 0.23 * np.eye(4)[0]) > 0.8


def test_kink_the_flow_runs_into_it_and_stays():
    trainer = Trainer.from_config(load_lesson("kink").config)
    flow = gradient_flow(
        trainer.net, trainer.data, trainer.theta, [0.0, 4.0], max_evaluations=2000, train="hidden_weights"
    )
    assert 0.85 < float(flow.reason.split("time ")[1].split()[0]) < 0.9  # 10 steps of 0.1, 18 of 0.05


# ------------------------------------------------------------------------------------- mini-batches


@pytest.mark.parametrize(
    ("changes", "n_rises"),
    [
        ({}, 134),
        ({"learning_rate": 0.25}, 70),
        ({"batch_size": 1}, 177),
        ({"batch_size": 512}, 1),
        ({"batch_size": None}, 0),
    ],
)
def test_mini_batches_raise_the_loss_so_often(changes, n_rises):
    assert len(loss_rises(trained("mini-batches", **changes))) == n_rises


def test_mini_batches_end_where_all_images_end():
    ends = [trained("mini-batches", **changes).history["loss"][-1] for changes in ({}, {"batch_size": None})]
    assert [f"{loss:.2f}" for loss in ends] == ["0.22", "0.21"]
    assert trained("mini-batches").data.n_samples == 1797


# ------------------------------------------------------------------------------------- two-for-one


@pytest.mark.parametrize(("rate", "step"), [(0.1, 2), (0.05, 4), (0.0125, 17)])
def test_two_for_one_at_any_rate_at_the_same_time(rate, step):
    trainer = trained("two-for-one", round(10 / rate), learning_rate=rate)
    assert changes_of(trainer) == [(0, 1), (step, 2)]
    assert loss_rises(trainer) == []


def test_two_for_one_the_lowest_loss_has_two_mistakes():
    trainer = trained("two-for-one")
    loss = trainer.history["loss"]
    assert (f"{loss[0]:.3f}", f"{loss[-1]:.3f}") == ("0.789", "0.655")
    assert trainer.history["gradient_norm"][-1] < 1e-9
    d = np.linspace(-3, 3, 2001)
    mean = (2 * np.log1p(np.exp(-d)) + np.log1p(np.exp(4 * d))) / 3
    assert loss[-1] == pytest.approx(mean.min(), abs=1e-5) and (np.diff(mean, 2) > 0).all()  # convex
    assert f"{3 * loss[-1] / math.log(2):.1f}" == "2.8"
    assert error_ceiling(loss[-1], 3) == 2


def test_two_for_one_what_the_samples_cost():
    start = outcome_at("two-for-one", 0)
    weights = Trainer.from_config(load_lesson("two-for-one").config).theta
    assert weights[0] - weights[1] == 0.2
    assert [f"{loss:.2f}" for loss in start.loss] == ["0.60", "0.60", "1.17"]
    assert f"{start.p_true[2]:.2f}" == "0.31"
    after = outcome_at("two-for-one", 2)
    assert (after.gap[:2] < 0).all() and after.gap[2] > 0


# ------------------------------------------------------------------------------------- two-samples, five-flips


def test_two_samples_one_two_one_none():
    trainer = trained("two-samples")
    assert changes_of(trainer) == [(0, 1), (4, 2), (107, 1), (181, 0)]
    assert error_rises(trainer) == [4] and loss_rises(trainer) == []
    assert trained("two-samples", learning_rate=0.025).history.view().error_rises.tolist() == [8]


def test_two_samples_probabilities_and_losses():
    start, before, after = (outcome_at("two-samples", n) for n in (0, 3, 4))
    assert [f"{p:.3f}" for p in start.p_true] == ["0.525", "0.006"]
    assert f"{before.p_true[0]:.3f}" == "0.506" and f"{after.p_true[0]:.4f}" == "0.4996"
    assert (f"{before.loss[1]:.2f}", f"{after.loss[1]:.2f}") == ("4.88", "4.81")
    assert [(outcome_at("two-samples", n).gap > 0).tolist() for n in (106, 107, 181)] == [
        [False, False],
        [False, True],
        [True, True],
    ]


def test_five_flips_from_one_to_six():
    trainer = trained("five-flips")
    assert changes_of(trainer) == [(0, 1), (4, 6), (72, 5), (100, 0)]
    loss = trainer.history["loss"]
    assert (f"{loss[3]:.2f}", f"{loss[4]:.2f}") == ("3.78", "3.73") and loss_rises(trainer) == []
    assert round(outcome_at("five-flips", 3).loss[5]) == 19
    ceiling = [int(error_ceiling(value, 6)) for value in loss]
    assert ceiling[4] == 32
    assert ceiling[94] > 5 and ceiling[95:100] == [5] * 5 == trainer.history["n_errors"][95:100].tolist()


def test_five_flips_at_half_the_rate():
    trainer = trained("five-flips", 120, learning_rate=0.025)
    assert error_rises(trainer)[0] == 8 and changes_of(trainer)[1] == (8, 6)


# ------------------------------------------------------------------------------------- one-example


def test_one_example_right_wrong_right():
    trainer = trained("one-example")
    assert changes_of(trainer) == [(0, 0), (14, 1), (142, 0)]
    assert (np.diff(trainer.history["loss"]) < 0).all()
    assert changes_of(trained("one-example", 5000))[-1] == (142, 0)


def test_one_example_probabilities():
    start, wrong = (outcome_at("one-example", n).p[0] for n in (0, 14))
    assert [f"{p:.3f}" for p in start] == ["0.356", "0.322", "0.322"]
    assert [f"{p:.3f}" for p in wrong] == ["0.381", "0.382", "0.237"]


def test_one_example_the_hidden_unit_rises_and_feeds_so():
    trainer = Trainer.from_config(load_lesson("one-example").config)
    (first, bias), (weights, _) = trainer.net.layers(trainer.theta)
    assert weights.tolist() == [[12.0, 24.0, -24.0]]
    trainer.step(14)
    moved, moved_bias = trainer.net.layers(trainer.theta)[0]
    assert moved[0, 0] + moved_bias[0] > first[0, 0] + bias[0]


# ------------------------------------------------------------------------------------- exam-example


def test_exam_example_both_losses():
    a, b = np.array(A), np.array(B)
    assert [f"{binary_sum(p):.4f}" for p in (a, b)] == ["3.2497", "1.4267"]
    assert [f"{softmax_loss(p):.4f}" for p in (a, b)] == ["2.3016", "0.7133"]
    assert a.argmax() == 0 and b.argmax() == 1


def test_exam_example_gradient_descent_comes_close():
    assert outcome_at("exam-example", 0).p[0] == pytest.approx(A, abs=1e-12)
    there = outcome_at("exam-example", load_lesson("exam-example").n_steps).p[0]
    assert [f"{p:.3f}" for p in there[:2]] == ["0.488", "0.508"]
    assert {f"{p:.4f}" for p in there[2:]} == {"0.0006"}
    assert np.abs(there - B).max() < 0.003


def test_exam_example_wrong_at_once_and_right_from_500_on():
    trainer = trained("exam-example", 600)
    assert changes_of(trainer) == [(0, 0), (1, 1), (500, 0)]
    assert (np.diff(trainer.history["loss"]) < 0).all()
    weights = engine.MLP((1, 1, 10)).layers(Trainer.from_config(load_lesson("exam-example").config).theta)[1][
        0
    ]
    assert weights.tolist() == [[20.0, 20.36, *[-20.0] * 8]]
