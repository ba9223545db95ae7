"""zero-at-differentiable-minima: with room, without, without noise, with the word differentiable left out."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine import MLP
from engine.claims.minima.zero_at_differentiable_minima import OF, khatri_rao, random_signs

CLAIM = "zero-at-differentiable-minima"


def ends(verdict):
    return [(end["width"], end["kind"]) for end in verdict.evidence["ends"]]


def test_it_holds_with_kinks_at_one_weight_a_sample_and_zero_at_three():
    verdict = engine.verify(CLAIM, widths=(4, 12), n_starts=2)
    assert verdict.verdict == "holds" and verdict.is_as_expected and verdict.margin > 0.0
    assert ends(verdict)[2:] == [(12, "zero error")] * 2
    assert (4, "kink") in ends(verdict)
    for end in verdict.evidence["ends"]:
        assert end["rank"] == 16
        assert end["error_norm"] <= (1.0 + 1e-9) * end["largest_error_norm_with_that_certificate"]
    for end in verdict.evidence["ends"]:
        if end["kind"] == "kink":
            assert end["clarke_residual"] < 1e-2 * end["gradient_norm"] and end["loss"] > 1e-3


def test_of_all_end_points_it_would_be_violated():
    verdict = engine.verify(CLAIM, widths=(4,), n_starts=2, of=OF[1])
    assert verdict.verdict == "violated"
    assert verdict.margin == max(end["loss"] for end in verdict.evidence["ends"] if end["kind"] == "kink")


def test_with_fewer_weights_than_samples_it_is_not_applicable():
    verdict = engine.verify(CLAIM, widths=(1,), n_starts=1, n_steps=2_000)
    assert verdict.verdict == "not_applicable"
    assert [one.met for one in verdict.assumptions] == [False, True, True]


def test_without_noise_samples_that_contradict_each_other_make_minima_with_errors():
    verdict = engine.verify(CLAIM, widths=(4,), n_starts=2, n_steps=20_000, noise=0.0, duplicated=True)
    assert verdict.verdict == "not_applicable"
    assert [one.met for one in verdict.assumptions] == [True, False, True]
    assert verdict.evidence["n_ends"]["differentiable minimum"] > 0
    assert all(end["rank"] <= 8 and end["loss"] > 0.1 for end in verdict.evidence["ends"])


def test_ends_at_kinks_alone_decide_nothing():
    verdict = engine.verify(CLAIM, widths=(4,), n_starts=1)
    assert ends(verdict) == [(4, "kink")] and verdict.verdict == "undecided"


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_smooth_units_and_units_that_can_die_are_not_spoken_of(activation):
    verdict = engine.verify(CLAIM, widths=(4,), n_starts=1, n_steps=100, activation=activation)
    assert verdict.verdict == "not_applicable"
    assert [one.met for one in verdict.assumptions] == [True, True, False]


def test_runs_that_are_still_moving_leave_it_open():
    verdict = engine.verify(CLAIM, widths=(4,), n_starts=2, n_steps=100)
    assert verdict.verdict == "undecided"
    assert {kind for _, kind in ends(verdict)} == {"still moving"}


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_noise_gives_the_slopes_times_inputs_full_rank_where_inputs_occur_twice(noise):
    data, net = (
        random_signs(16, 4, 0, duplicated=True).with_noise(noise),
        MLP((4, 8, 1), "leaky_relu", "squared"),
    )
    matrix, _ = khatri_rao(net, data, net.init("he_normal", seed=0))
    assert engine.numerical_rank(matrix).rank == (16 if noise else 8)


def test_the_matrix_gives_the_gradient():
    data, net = random_signs(16, 4, 1).with_noise(0.5), MLP((4, 5, 1), "leaky_relu", "squared")
    theta = net.init("he_normal", seed=0)
    matrix, errors = khatri_rao(net, data, theta)
    out = net.layers(theta)[1][0][:, 0]
    wanted = (matrix @ errors).reshape(4, 5) * out / data.n_samples
    assert net.layers(net.gradient(theta, data))[0][0] == pytest.approx(np.asarray(wanted), rel=1e-12)
