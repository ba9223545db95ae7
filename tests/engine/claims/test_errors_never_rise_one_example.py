"""errors-never-rise-one-example: three classes and a shared unit break it; two classes, or no unit, do not."""

from __future__ import annotations

import numpy as np
import pytest

import engine

FEW = {"n_starts": 2, "n_steps": 60}


def test_it_is_violated_by_the_witness_at_every_rate_and_in_the_flow():
    verdict = engine.verify("errors-never-rise-one-example", n_starts=30)
    assert verdict.verdict == "violated" and verdict.is_as_expected
    evidence = verdict.evidence
    assert all(
        row["p_true_always_rose"] and row["right_again"] > row["first_rise"] for row in evidence["rates"]
    )
    assert np.ptp(evidence["time_of_first_rise"]) < 0.001
    assert evidence["time_of_first_rise_in_flow"] == pytest.approx(0.014, abs=0.002)
    assert evidence["n_usual_starts_with_a_rise"] == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_starts_nearby_break_it_too(seed):
    assert engine.verify("errors-never-rise-one-example", seed, **FEW).verdict == "violated"


@pytest.mark.parametrize("options", [{"n_classes": 2}, {"has_hidden": False}])
def test_it_holds_for_two_classes_and_for_linear_logits(options):
    verdict = engine.verify("errors-never-rise-one-example", **FEW, **options)
    assert verdict.verdict == "holds" and verdict.witness is None
    assert all(row["all_gaps_always_grew"] for row in verdict.evidence["rates"])


def test_too_few_steps_leave_it_open():
    verdict = engine.verify("errors-never-rise-one-example", **(FEW | {"n_steps": 8}))
    assert verdict.verdict == "undecided"


@pytest.mark.parametrize(
    ("options", "met"), [({"n_samples": 2}, [False, True]), ({"learning_rate": 0.5}, [True, False])]
)
def test_it_is_not_applicable_to_more_examples_or_a_large_rate(options, met):
    verdict = engine.verify("errors-never-rise-one-example", **FEW, **options)
    assert verdict.verdict == "not_applicable"
    assert [one.met for one in verdict.assumptions] == met
