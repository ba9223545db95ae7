"""pac-gap: the intervals, their promise, and what breaks it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

import engine
from engine.claims.losses.pac_gap import exact_interval, hoeffding_interval, occam_bound


def test_it_holds_on_digits():
    verdict = engine.verify("pac-gap")
    assert verdict.verdict == "holds" and verdict.is_as_expected
    assert 0.95 <= verdict.evidence["coverage"]["exact"] < verdict.evidence["coverage"]["hoeffding"]
    assert verdict.evidence["mean_error_of_draws"] == pytest.approx(verdict.evidence["true_error"], rel=0.05)
    assert verdict.evidence["occam_is_vacuous"]
    for name, n_held in verdict.evidence["n_draws_that_held_it"].items():
        chance, n_draws = verdict.evidence["coverage"][name], verdict.evidence["n_draws"]
        assert abs(n_held / n_draws - chance) < 4 * math.sqrt(chance * (1 - chance) / n_draws) + 1e-9
        assert f"{n_held:,}" in verdict.summary


def test_narrower_intervals_do_not_keep_the_promise():
    verdict = engine.verify("pac-gap", width=0.5, n_steps=50)
    assert verdict.verdict == "violated"
    assert verdict.evidence["coverage"]["exact"] < 0.9
    assert verdict.evidence["n_draws_that_held_it"]["exact"] < 0.9 * verdict.evidence["n_draws"]


def test_it_is_not_applicable_to_training_samples():
    verdict = engine.verify("pac-gap", judged_on="training")
    assert verdict.verdict == "not_applicable"
    assert verdict.evidence["n_wrong"] == 0
    assert not verdict.evidence["interval_holds_true_error"]["exact"]  # and it would be wrong there


def test_draws_that_miss_more_often_than_promised_refute_it(monkeypatch):
    class Unlucky:
        """Draws the worst samples only, whatever the chances."""

        def __init__(self, rng):
            self.rng = rng

        def __getattr__(self, name):
            return getattr(self.rng, name)

        def choice(self, flags, shape):
            return np.ones(shape, dtype=bool)

    make = np.random.default_rng
    monkeypatch.setattr(
        np.random, "default_rng", lambda seed=None: Unlucky(make(seed)) if seed == 7 else make(seed)
    )
    verdict = engine.verify("pac-gap", seed=7, n_steps=50)
    assert verdict.verdict == "violated" and verdict.evidence["coverage"]["exact"] >= 0.95


@pytest.mark.parametrize(("k", "n"), [(0, 20), (3, 20), (20, 20), (7, 200)])
def test_the_exact_interval_is_that_of_the_binomial_tails(k, n):
    low, high = exact_interval(k, n, 0.05)
    theirs = scipy.stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_hoeffding_and_occam_by_hand():
    assert hoeffding_interval(50, 200, 0.05) == pytest.approx((0.25 - 0.09603, 0.25 + 0.09603), abs=1e-5)
    assert hoeffding_interval(0, 200, 0.05)[0] == 0.0
    assert occam_bound(0, 1000, 10, 0.05) == pytest.approx(
        math.sqrt((10 * math.log(2) + math.log(20)) / 2000)
    )
