"""The lessons of "No bad local minima": what their texts promise, measured."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import engine
from engine.claims.minima.zero_at_differentiable_minima import khatri_rao
from engine.commands import SetLearningRate
from engine.endpoints import EndKind, classify
from engine.lessons import load_lesson
from engine.trainer import Trainer


def start(lesson_id, **changes):
    return Trainer.from_config(load_lesson(lesson_id).config.replace(**changes))


@cache
def trained(lesson_id, n_steps=None, **changes):
    """Return a finished run; whoever moves it makes one of his own."""
    trainer = start(lesson_id, **changes)
    trainer.step(n_steps or load_lesson(lesson_id).n_steps)
    return trainer


def text_of(lesson_id):
    return " ".join(load_lesson(lesson_id).text.split())


def late_rises(trainer, n_last):
    return int((trainer.history.view().loss_rises > trainer.n_steps - n_last).sum())


# ------------------------------------------------------------------------------------ room-for-zero


def test_room_for_zero_the_loss_is_zero_but_for_rounding():
    trainer = trained("room-for-zero")
    assert trainer.history["loss"][-1] < 1e-20 < 1e-4 < trainer.history["loss"][5_000]
    first = int(np.argmax(trainer.history["loss"] < 1e-20))
    assert 45_000 < first < 55_000  # "for about 50,000 steps"
    assert trainer.history["n_errors"][-1] == 0


def test_room_for_zero_has_three_weights_for_each_sample_and_no_rule_to_learn():
    trainer = start("room-for-zero")
    assert trainer.data.x.shape == (16, 4) and set(trainer.data.targets) == {0.0, 1.0}
    assert trainer.net.layers(trainer.theta)[0][0].size == 48 == 3 * trainer.data.n_samples
    matrix, _ = khatri_rao(trainer.net, trainer.data, trained("room-for-zero").theta)
    assert engine.numerical_rank(matrix).rank == 16 and matrix.shape == (48, 16)
    biases = [bias for _, bias in trained("room-for-zero").net.layers(trained("room-for-zero").theta)]
    assert all((bias == 0.0).all() for bias in biases)


# ------------------------------------------------------------------------------- resting-on-a-kink


def test_resting_on_a_kink_it_rests_above_zero_with_a_gradient():
    trainer = trained("resting-on-a-kink")
    assert f"{trainer.history['loss'][-1]:.4f}" == "0.0125" and "0.0125" in text_of("resting-on-a-kink")
    assert trainer.history["gradient_norm"][-1] == pytest.approx(0.04, abs=0.005)
    assert 4_000 < late_rises(trainer, 10_000) < 6_000  # "on every second step"
    assert trainer.net.layers(trainer.theta)[0][0].size == trainer.data.n_samples == 16


def test_resting_on_a_kink_a_quarter_of_the_rate_rises_as_often():
    trainer = start("resting-on-a-kink")
    trainer.step(load_lesson("resting-on-a-kink").n_steps)
    for _ in range(4):
        trainer.apply(SetLearningRate(trainer.learning_rate / 4.0))
        trainer.step(10_000)
        assert 4_000 < late_rises(trainer, 10_000) < 6_000
    end = classify(trainer.net, trainer.data, trainer.theta, trainer.learning_rate, "weights")
    assert end.kind is EndKind.KINK and end.residual < 1e-3 * end.gradient_norm


def test_resting_on_a_kink_with_12_units_it_reaches_zero_with_6_and_8_it_gets_far_lower():
    losses = {
        width: trained("resting-on-a-kink", hidden=(width,), init="he_normal").history["loss"][-1]
        for width in (6, 8, 12)
    }
    assert max(losses.values()) < 1e-6 and losses[12] < 1e-20


# ------------------------------------------------------------------------------------ flat-channel


def numbers_of(trainer):
    (weights, _), (out, _) = trainer.net.layers(trainer.theta)
    return [f"{abs(value):.2f}" for value in (*weights.ravel(), *out.ravel())]


def test_flat_channel_the_numbers_of_the_text():
    early, late = trained("flat-channel", 20_000), trained("flat-channel")
    assert numbers_of(early) == ["1.18", "0.29", "2.97", "4.29"]
    assert numbers_of(late) == ["0.87", "0.30", "4.60", "6.64"]
    (_, _), (out, _) = late.net.layers(late.theta)
    assert out[0, 0] > 0.0 > out[1, 0]
    assert [f"{run.history['loss'][-1]:.4f}" for run in (early, late)] == ["0.0059", "0.0015"]
    assert not len(late.history.view().loss_rises)
    horizon = 1e6  # of the claim, in rate times steps
    assert horizon / (late.n_steps * late.learning_rate) == 250.0


def test_flat_channel_the_spread_is_that_of_the_output_weights():
    trainer = trained("flat-channel")
    (_, _), (out, _) = trainer.net.layers(trainer.theta)
    assert trainer.history["symmetry_spread"][-1] == np.abs(out[0, 0] - out[1, 0])


def test_flat_channel_is_steep_across_and_a_large_rate_stays_off_its_floor():
    trainer, fast = trained("flat-channel"), trained("flat-channel", 60_000, learning_rate=0.05)
    assert f"{engine.sharpness(trainer.net, trainer.data, trainer.theta):.0f}" == "61"
    assert 2 / 61 < 0.05
    assert f"{fast.history['loss'][-1]:.3f}" == "0.004"
    assert late_rises(fast, 10_000) == pytest.approx(5_000, abs=500)


# ------------------------------------------------------------------------------- unit-and-its-copy


def test_unit_and_its_copy_stays_until_they_are_told_apart():
    trainer = start("unit-and-its-copy")
    trainer.step(20_000)
    before = trainer.snapshot()
    assert (before.n_errors, trainer.data.n_samples) == (10, 200)
    trainer.perturb("duplicate")
    assert trainer.snapshot().loss == pytest.approx(before.loss, rel=1e-14)
    assert trainer.snapshot().gradient_norm < 1e-3
    trainer.step(20_000)
    there = trainer.snapshot()
    assert there.loss == pytest.approx(before.loss, rel=0.01) and there.n_errors == 10
    assert trainer.history["symmetry_spread"][-1] == 0.0
    lowest = engine.extreme_eigenpairs(trainer.net, trainer.data, trainer.theta).smallest[0]
    assert f"{lowest:.2f}" == "-0.37"
    trainer.perturb("break_symmetry", scale=1e-3)
    trainer.step(100)
    assert trainer.history["n_errors"][-1] == 0


# ------------------------------------------------------------------------------- small-batches-flat


@cache
def ended(batch_size, n_steps):
    return trained("small-batches-flat", n_steps, batch_size=batch_size)


def after_kick(trainer, seed):
    kick = 0.2 * np.random.default_rng(seed).standard_normal(trainer.net.n_params)
    return trainer.net.loss(trainer.theta + kick, trainer.data)


def test_small_batches_flat_the_numbers_of_the_text():
    runs = [ended(None, 930), ended(2, 1_850)]
    assert load_lesson("small-batches-flat").n_steps == 930
    assert [f"{run.history['loss'][-1]:.4f}" for run in runs] == ["0.0201", "0.0197"]
    assert [f"{after_kick(run, seed=0):.3f}" for run in runs] == ["0.287", "0.069"]
    tops = [engine.sharpness(run.net, run.data, run.theta, tolerance=1e-4) for run in runs]
    assert [f"{top:.2f}" for top in tops] == ["0.75", "0.24"]


@pytest.mark.parametrize("seed", range(1, 6))
def test_small_batches_flat_any_kick_is_worse_for_the_full_batch(seed):
    assert after_kick(ended(None, 930), seed) > 1.3 * after_kick(ended(2, 1_850), seed)


def test_small_batches_flat_a_small_kick_feels_the_trace():
    run, s = ended(None, 930), 0.02
    kicks = s * np.random.default_rng(0).standard_normal((40, run.net.n_params))
    around = [run.net.loss(run.theta + sign * kick, run.data) for kick in kicks for sign in (1.0, -1.0)]
    trace = engine.hessian_trace(run.net, run.data, run.theta, n_probes=50, exact=False).value
    assert np.mean(around) - run.history["loss"][-1] == pytest.approx(0.5 * s**2 * trace, rel=0.15)


# --------------------------------------------------------------------------------------- three-units


def test_three_units_the_weights_are_found_again():
    trainer = trained("three-units")
    teacher = start("three-units", init="witness")
    assert teacher.net.loss(teacher.theta, teacher.data) < 1e-30 and teacher.data.n_samples == 40
    assert trainer.history["loss"][-1] < 1e-11
    (given, given_bias), (given_out, _) = teacher.net.layers(teacher.theta)
    assert given.T.tolist() == [[2.0, 0.5], [-1.0, 1.5], [0.5, -2.0]] and given_bias.tolist() == [
        0.5,
        -0.5,
        0.0,
    ]
    (found, bias), (out, _) = trainer.net.layers(trainer.theta)
    assert np.abs(found.T - [[1.0, -1.5], [-0.5, 2.0], [-2.0, -0.5]]).max() < 5e-4
    order = [1, 2, 0]  # the second unit of the first network stands first, with all signs changed
    assert found == pytest.approx(-given[:, order], abs=5e-4)
    assert bias == pytest.approx(-given_bias[order], abs=5e-4)
    assert out == pytest.approx(-given_out[order], abs=5e-3)


@pytest.mark.parametrize(
    "lesson_id",
    [
        *("room-for-zero", "resting-on-a-kink", "flat-channel"),
        *("unit-and-its-copy", "small-batches-flat", "three-units"),
    ],
)
def test_claims_named_in_a_lesson_are_its_own(lesson_id):
    lesson = load_lesson(lesson_id)
    assert lesson.group == "minima" and lesson.right in lesson.choices
    named = {claim for claim in engine.CLAIMS if f"verify {claim}" in text_of(lesson_id)}
    assert named <= set(lesson.claims)
