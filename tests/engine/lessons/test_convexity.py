"""Lessons on convexity: every number in their texts, against the program."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

import engine
from engine.lessons import load_lesson
from engine.trainer import Trainer


@cache
def trained(lesson_id, n_steps=None, **changes):
    lesson = load_lesson(lesson_id)
    trainer = Trainer.from_config(lesson.config.replace(**changes))
    if n_steps != 0:
        trainer.step(n_steps or lesson.n_steps)
    return trainer


def says(lesson_id, *numbers):
    answer = " ".join(load_lesson(lesson_id).text.split())
    return all(number in answer for number in numbers)


# ------------------------------------------------------------------------------------- bowl


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_bowl_ends_at_the_same_value_from_any_start(seed):
    history = trained("bowl", seed=seed).history
    assert round(float(history["loss"][-1]), 4) == 0.2639
    assert history["n_errors"][-1] == 25
    assert (np.diff(history["gradient_norm"]) <= 1e-15).all()
    assert says("bowl", "0.2639", "25 of 200")


def test_bowl_other_weights_and_the_same_function():
    first, second = trained("bowl"), trained("bowl", seed=1)
    assert np.abs(first.theta - second.theta).max() > 0.1
    logits = [run.net.logits(run.theta, run.data.x) for run in (first, second)]
    differences = [one[:, 1] - one[:, 0] for one in logits]
    assert differences[0] == pytest.approx(differences[1], abs=1e-4)


def test_bowl_is_one_in_any_direction():
    trainer, rng = trained("bowl"), np.random.default_rng(0)
    for _ in range(5):
        direction = rng.standard_normal(trainer.net.n_params)
        line = engine.line_slice(
            trainer.net, trainer.data, trainer.theta, direction, np.linspace(-3, 3, 61)
        ).loss
        assert (np.diff(line, 2) > -1e-12).all()


def test_bowl_by_the_quadratic_loss_becomes_steeper():
    history = trained("bowl", loss="quadratic", seed=3).history
    assert round(float(history["loss"][100]), 2) == 0.54 and round(float(history["loss"][1000]), 3) == 0.095
    assert (np.diff(history["gradient_norm"]) > 0).sum() > 100


# ------------------------------------------------------------------------------------- halfway


def test_halfway_the_kick_changes_nothing_but_the_middle_is_high():
    run = trained("halfway")
    kicked = Trainer(run.net, run.data, run.theta, run.learning_rate)
    kicked.perturb("permute")  # with the options that the menu has at first
    line = engine.barrier(run.net, run.data, run.theta, kicked.theta, n_points=3)
    assert kicked.history["loss"][-1] == pytest.approx(run.history["loss"][-1], rel=1e-13)
    assert [round(float(loss), 3) for loss in line.loss] == [0.099, 0.354, 0.099]
    assert line.n_errors.tolist() == [31, 149, 31]
    assert says("halfway", "0.099", "0.354", "31 images", "149")


def test_halfway_the_orders_and_the_random_chords():
    assert f"{math.factorial(16):,}" in load_lesson("halfway").text
    evidence = engine.verify("convex-in-weights").evidence
    assert evidence["n_random_chords"] - evidence["n_random_above"] == 195
    assert says("halfway", "among 200 chords between random weights 195 pass")


# ------------------------------------------------------------------------------------- steeper


def test_steeper_rests_and_then_falls():
    history = trained("steeper").history
    loss, norm = history["loss"], history["gradient_norm"]
    assert round(float(loss[50]), 3) == 2.302 and round(float(loss[200]), 2) == 0.87
    assert int((-np.diff(loss)).argmax()) + 1 == 128
    assert norm[127] > 100 * norm[6] and (np.diff(norm[6:128]) > 0).all()
    assert says("steeper", "2.302", "step 128", "0.87")


def test_steeper_the_hessian_has_both_signs_at_the_start():
    run = trained("steeper", 0)
    pairs = engine.extreme_eigenpairs(run.net, run.data, run.theta)
    assert pairs.smallest[0] < -0.01 and pairs.largest[0] > 0.1


def test_steeper_without_hidden_layer_it_falls_at_once():
    history = trained("steeper", 50, hidden=()).history
    assert history["loss"][10] < 1.2
    assert (np.diff(history["gradient_norm"]) < 0).all()


# ------------------------------------------------------------------------------------- linear-hump


def test_linear_hump_rests_and_then_falls():
    history = trained("linear-hump").history
    found = [round(float(history["loss"][step]), 3) for step in (0, 50, 100, 200)]
    assert found == [0.693, 0.688, 0.129, 0.009]
    assert says("linear-hump", *map(str, found))
    assert history["gradient_norm"][100] > 10 * history["gradient_norm"][0]


def test_linear_hump_two_equal_minima_and_the_middle():
    small = engine.verify("linear-net-convex", n_steps=5).evidence["small"]
    assert [round(small[key], 3) for key in ("first", "last", "middle")] == [0.018, 0.018, 0.693]


# ------------------------------------------------------------------------------------- two-starts


def test_two_starts_three_of_six_seeds_are_right():
    ends = {seed: trained("two-starts", seed=seed).history for seed in range(6)}
    right = [seed for seed, history in ends.items() if history["n_errors"][-1] == 0]
    assert right == [0, 1, 4]
    assert all(round(float(ends[seed]["loss"][-1]), 4) == 0.0005 for seed in right)
    wrong = [ends[seed] for seed in (2, 3, 5)]
    assert all(round(float(history["loss"][-1]), 3) == 0.347 for history in wrong)
    assert 0.5 * math.log(2) == pytest.approx(0.347, abs=1e-3)


def test_two_starts_two_corners_are_halves():
    run = trained("two-starts", seed=2)
    p = np.sort(np.exp(-run.net.per_example_loss(run.theta, run.data)))
    assert p[:2] == pytest.approx(0.5, abs=0.01) and (p[2:] > 0.99).all()


def test_two_starts_right_runs_agree():
    runs = [trained("two-starts", seed=seed) for seed in (0, 1, 4)]
    p = [np.exp(-run.net.per_example_loss(run.theta, run.data)) for run in runs]
    assert max(np.abs(one - p[0]).max() for one in p) < 0.01


def test_two_starts_on_digits_it_is_open():
    verdict = engine.verify("same-function")
    [pair] = verdict.evidence["pairs"]
    assert verdict.evidence["n_steps"] == 1000 and pair["n_answers_differ"] > 0
    assert min(verdict.evidence["gradient_norms"]) > 1e-3
