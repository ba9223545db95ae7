"""pac-gap: the intervals, their promise, and what breaks it."""

from __future__ import annotations

import math

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


def test_narrower_intervals_do_not_keep_the_promise():
    verdict = engine.verify("pac-gap", width=0.5, n_steps=50)
    assert verdict.verdict == "violated"
    assert verdict.evidence["coverage"]["exact"] < 0.9


def test_it_is_not_applicable_to_training_samples():
    verdict = engine.verify("pac-gap", judged_on="training")
    assert verdict.verdict == "not_applicable"
    assert verdict.evidence["n_wrong"] == 0
    assert not verdict.evidence["interval_holds_true_error"]["exact"]  # and it would be wrong there


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
