"""descent: the verdict with a small enough rate, a large one, a kink, and mini-batches."""

from __future__ import annotations

import engine
from engine.witnesses import load_witness


def test_it_holds_on_digits_from_some_rate_on():
    verdict = engine.verify("descent", duration=24.0)
    assert verdict.verdict == "holds" and verdict.is_as_expected
    rises = [row["n_rises"] for row in verdict.evidence["rates"]]
    assert rises[0] > 0 == sum(rises[1:])  # 2 is not small enough, 1 is
    assert verdict.evidence["flow"] == {"time_reached": 24.0, "n_rises": 0, "reason": ""}
    assert verdict.margin == 2.0 - verdict.evidence["rates"][-1]["largest_rate_times_curvature"]


def test_two_over_the_sharpness_is_enough_and_not_needed():
    evidence = engine.verify("descent", duration=4.0, n_halvings=0).evidence
    assert evidence["two_over_sharpness"] < 0.5 * evidence["largest_falling_rate_at_start"]


def test_a_rise_goes_with_rate_times_curvature_above_two():
    for row in engine.verify("descent", learning_rate=4.0, duration=8.0).evidence["rates"]:
        assert (row["n_rises"] > 0) == (row["largest_rate_times_curvature"] > 2.0)


def test_at_a_kink_no_rate_is_small_enough():
    options = {"learning_rate": 0.1, "duration": 2.0, "n_halvings": 5}
    verdict = engine.verify("descent", witness="leaky-kink", **options)
    assert verdict.verdict == "violated" and not verdict.is_as_expected
    assert all(row["n_rises"] > 5 for row in verdict.evidence["rates"])
    assert all(row["share_of_slope_on_a_point"] > 0.9 for row in verdict.evidence["rates"])
    assert verdict.witness is not None and verdict.witness.net == load_witness("leaky-kink").net


def test_rates_that_are_all_too_large_leave_it_open():
    verdict = engine.verify("descent", learning_rate=16.0, duration=32.0, n_halvings=1)
    assert verdict.verdict == "undecided"
    assert all(row["n_rises"] > 0 for row in verdict.evidence["rates"])
    assert all(row["share_of_slope_on_a_point"] < 1e-6 for row in verdict.evidence["rates"])  # it is smooth


def test_it_says_nothing_of_mini_batches():
    verdict = engine.verify("descent", batch_size=64, duration=10.0, n_halvings=0)
    assert verdict.verdict == "not_applicable"
    assert [one.met for one in verdict.assumptions] == [False]
