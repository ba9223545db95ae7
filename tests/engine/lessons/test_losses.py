"""Lessons on two losses: every number in their texts, against the program."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

import engine
from engine.claims.losses.pac_gap import exact_interval, occam_bound
from engine.claims.losses.tools import logit_gradients
from engine.disparities import disparities, per_example, with_loss
from engine.lessons import load_lesson
from engine.trainer import Trainer


@cache
def trained(lesson_id, n_steps=None, **changes):
    lesson = load_lesson(lesson_id)
    trainer = Trainer.from_config(lesson.config.replace(**changes))
    if n_steps != 0:
        trainer.step(n_steps or lesson.n_steps)
    return trainer


def n_errors(trainer, step=-1):
    return int(trainer.history["n_errors"][step])


def n_loss_rises(trainer):
    return len(trainer.history.view().loss_rises)


def says(lesson_id, *numbers):
    answer = " ".join(load_lesson(lesson_id).text.split())
    return all(number in answer for number in numbers)


# ------------------------------------------------------------------------------------- half-as-steep


def test_half_as_steep_mistakes_by_either_loss():
    assert load_lesson("half-as-steep").config.loss == "quadratic"
    assert n_errors(trained("half-as-steep")) == 762
    assert n_errors(trained("half-as-steep", loss="cross_entropy")) == 80
    assert n_errors(trained("half-as-steep", learning_rate=1.0)) == 226
    assert says("half-as-steep", "762", "80", "226")


def test_half_as_steep_the_ratio_is_at_most_one_half_and_near_0_where_it_is_sure():
    trainer = trained("half-as-steep")
    examples = per_example(trainer.net, trainer.data, trainer.theta)
    ratio = examples.u_quadratic / examples.u_cross_entropy
    assert 0.3 < ratio.max() <= 0.5
    longer = trained("half-as-steep", 400, loss="cross_entropy")
    examples = per_example(longer.net, longer.data, longer.theta)
    ratio = examples.u_quadratic / examples.u_cross_entropy
    assert ratio[examples.p_true > 0.98].max() < 0.05


# ------------------------------------------------------------------------------------- deaf-unit


def test_deaf_unit_the_probabilities_and_the_pulls():
    trainer = trained("deaf-unit", 0)
    p = np.array([[0.3, 0.6, 0.1]])
    logits = trainer.net.logits(trainer.theta, trainer.data.x)
    assert np.exp(logits) == pytest.approx(p, rel=1e-12)
    quadratic, entropy = logit_gradients(p, np.array([0]))
    assert quadratic[0] == pytest.approx([-0.258, 0.264, -0.006])
    assert entropy[0] == pytest.approx([-0.7, 0.6, 0.1])
    outgoing = trainer.net.layers(trainer.theta)[1][0][0]
    assert abs(outgoing @ entropy[0]) < 1e-6 < 1.0 < abs(outgoing @ quadratic[0])


def test_deaf_unit_the_first_step():
    falls = []
    for loss in ("quadratic", "cross_entropy"):
        trainer = trained("deaf-unit", 1, loss=loss)
        falls.append(-float(np.diff(trainer.history["loss"])[0]))
        assert falls[-1] == pytest.approx(1e-3 * trainer.history["gradient_norm"][0] ** 2, rel=0.03)
    assert [round(fall, 4) for fall in falls] == [0.0058, 0.0017]


def test_deaf_unit_the_ratio():
    trainer = trained("deaf-unit", 0)
    examples = per_example(trainer.net, trainer.data, trainer.theta)
    assert round(float(examples.weights_quadratic[0] / examples.weights_cross_entropy[0]), 2) == 1.86
    assert examples.u_quadratic[0] <= 0.5 * examples.u_cross_entropy[0]
    assert says("deaf-unit", "1.86 times", "0.0058", "0.0017")


def test_deaf_unit_the_ratio_at_the_end():
    trainer = trained("deaf-unit")
    examples = per_example(trainer.net, trainer.data, trainer.theta)
    assert round(float(examples.weights_quadratic[0] / examples.weights_cross_entropy[0]), 2) == 0.06
    assert says("deaf-unit", "After 40 steps", "0.06;")


def test_deaf_unit_is_rare_on_digits():
    rows = engine.verify("gradient-bound-weights", n_classes=10, n_steps=10).evidence["usual"]["rows"]
    assert not any(row["n_above"] for row in rows)


# ------------------------------------------------------------------------------------- opposite-ways


@pytest.mark.parametrize(("loss", "weight"), [("quadratic", 0.990), ("cross_entropy", 1.019)])
def test_opposite_ways_the_weight_goes(loss, weight):
    trainer = trained("opposite-ways", loss=loss)
    assert trained("opposite-ways", 0).theta[0] == 1.0
    assert round(float(trainer.theta[0]), 3) == weight
    assert n_loss_rises(trainer) == 0 and (np.diff(trainer.history["loss"]) < 0).all()
    assert says("opposite-ways", f"{weight:.3f}")


def test_opposite_ways_the_gradients_have_opposite_signs():
    trainer = trained("opposite-ways", 0)
    first, second = (
        with_loss(trainer.net, loss).gradient(trainer.theta, trainer.data)[0]
        for loss in ("quadratic", "cross_entropy")
    )
    assert (round(float(first), 2), round(float(second), 2)) == (0.28, -0.71)
    outgoing = trainer.net.layers(trainer.theta)[1][0][0]
    pulls = logit_gradients(np.array([[0.3, 0.6, 0.1]]), np.array([0]))
    assert [float(pull[0] @ outgoing) for pull in pulls] == pytest.approx([first, second])


def test_opposite_ways_on_digits():
    first = engine.verify("sign-retention").evidence["whole"][0]
    assert (first["step"], first["n_opposite"], first["n_coordinates"]) == (0, 301, 2410)
    assert says("opposite-ways", "301 of 2,410")


# ------------------------------------------------------------------------------------- sure-and-wrong


def test_sure_and_wrong_mistakes():
    quadratic, entropy = trained("sure-and-wrong"), trained("sure-and-wrong", loss="cross_entropy")
    assert (n_errors(quadratic, 0), n_errors(quadratic), n_errors(entropy)) == (1695, 1279, 179)
    assert says("sure-and-wrong", "1,695 to 1,279", "179")


def test_sure_and_wrong_gradients_at_the_start():
    trainer = trained("sure-and-wrong", 0)
    now = disparities(trainer.net, trainer.data, trainer.theta)
    assert round(now.gradient_norm_cross_entropy, 2) == 2.42
    assert round(now.gradient_norm_quadratic, 3) == 0.032
    logits = trainer.net.logits(trainer.theta, trainer.data.x)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.median((p / p.sum(axis=1, keepdims=True)).max(axis=1)) > 0.97  # it is sure, of a wrong digit


def test_sure_and_wrong_with_weights_ten_times_as_large():
    trainer = trained("sure-and-wrong", init_scale=30.0)
    assert (n_errors(trainer, 0), n_errors(trainer)) == (1690, 1682)
    assert says("sure-and-wrong", "1,690 to 1,682")


# ------------------------------------------------------------------------------------- gradient-runs-out


def test_gradient_runs_out_no_unit_moves():
    trainer, start = trained("gradient-runs-out"), trained("gradient-runs-out", 0)
    for now, before in zip(trainer.net.layers(trainer.theta), start.net.layers(start.theta), strict=True):
        assert (now[0] == before[0]).all()
    assert (trainer.net.layers(trainer.theta)[0][1] == -0.1).all()
    assert (trainer.net.layers(trainer.theta)[1][1] != -0.1).all()


def test_gradient_runs_out_its_numbers():
    history = trained("gradient-runs-out").history
    assert history["loss"][0] == pytest.approx(0.45) and round(float(history["loss"][-1]), 5) == 0.44999
    assert round(float(history["gradient_norm"][0]), 4) == 0.0005
    assert round(float(history["gradient_norm"][-1]), 6) == 0.000001
    assert history["n_errors"][-1] == 1614
    assert says("gradient-runs-out", "0.44999", "0.0005", "0.000001", "1,614")


def test_gradient_runs_out_by_cross_entropy_too():
    trainer = trained("gradient-runs-out", loss="cross_entropy")
    assert trainer.history["loss"][-1] > 2.3 and n_errors(trainer) == 1614


def test_gradient_runs_out_in_the_mean_only():
    trainer = trained("gradient-runs-out")
    assert per_example(trainer.net, trainer.data, trainer.theta).weights_quadratic.min() > 0.09


def test_gradient_runs_out_the_squares_have_a_limited_sum():
    history, rate = trained("gradient-runs-out").history, 1.0
    falls, squares = -np.diff(history["loss"]), history["gradient_norm"][:-1] ** 2
    assert (falls >= 0.5 * rate * squares - 1e-15).all()
    assert history["gradient_norm"].min() <= math.sqrt(2 * history["loss"][0] / (rate * len(falls)))


# ------------------------------------------------------------------------------------- nats-and-bits


def test_nats_and_bits_the_start():
    trainer = trained("nats-and-bits", 0)
    now = disparities(trainer.net, trainer.data, trainer.theta)
    assert round(now.cross_entropy, 1) == 24.7 and round(now.cross_entropy_bits, 1) == 35.6
    assert round(trained("nats-and-bits", 0, loss="quadratic").history["loss"][0], 3) == 0.858
    assert n_errors(trainer) > 0.88 * trainer.data.n_samples
    assert says("nats-and-bits", "24.7 nats", "35.6 bits", "0.858")


def test_nats_and_bits_the_norms_all_along():
    trainer = trained("nats-and-bits")
    l1, l2 = trainer.history["l1"], trainer.history["l2"]
    assert len(l1) == len(trainer.history.disparity_steps) == 61
    assert (l2 <= l1).all() and (l1 <= math.sqrt(10) * l2).all()
    assert l1.max() < 2.0 and l2.max() < math.sqrt(2.0)
    bits, nats = trainer.history["cross_entropy_bits"], trainer.history["cross_entropy"]
    assert bits == pytest.approx(nats / math.log(2.0))


def test_nats_and_bits_the_norms():
    trainer = trained("nats-and-bits", 100)
    p = np.exp(-trainer.net.per_example_loss(trainer.theta, trainer.data))
    now = disparities(trainer.net, trainer.data, trainer.theta)
    assert now.l1 == pytest.approx(2.0 * (1.0 - p).mean())
    assert now.l2 <= now.l1 <= math.sqrt(10) * now.l2
    assert now.l2 <= math.sqrt(2.0)


# ------------------------------------------------------------------------------------- none-of-two-hundred


def test_none_of_two_hundred_is_wrong_and_many_others_are():
    trainer = trained("none-of-two-hundred")
    others = engine.load_dataset("digits").subset(np.arange(200, 1797))
    assert (trainer.data.n_samples, n_errors(trainer), others.n_samples) == (200, 0, 1597)
    n_wrong = trainer.net.n_errors(trainer.theta, others)
    assert (n_wrong, round(100 * n_wrong / 1597)) == (260, 16)
    assert says("none-of-two-hundred", "260 of the other", "16 %")


def test_none_of_two_hundred_the_bounds():
    trainer = trained("none-of-two-hundred")
    n_bits = 64 * trainer.net.n_params
    assert (trainer.net.n_params, n_bits) == (2410, 154_240)
    assert 0.018 < exact_interval(0, 200, 0.05)[1] < 0.019
    assert math.ceil(10 * occam_bound(0, 200, n_bits, 0.05)) / 10 == 16.4
    assert says("none-of-two-hundred", "1.9 %", "2,410", "154,240", "16.4")
