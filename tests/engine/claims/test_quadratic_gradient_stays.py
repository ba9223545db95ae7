"""quadratic-gradient-stays: the total goes to 0 from every start, a single example's need not."""

from __future__ import annotations

import math
from functools import cache

import engine

SMALL = {"n_samples": 20, "n_steps": 1200, "r": 0.005}


@cache
def small():
    return engine.verify("quadratic-gradient-stays", **SMALL)


def test_it_is_violated_for_the_whole_loss():
    verdict = small()
    assert verdict.verdict == "violated" and verdict.is_as_expected
    rows = verdict.evidence["starts"]
    assert all(row["first_step_below_r"] <= row["latest_step_below_r"] for row in rows)
    assert [row["learning_rate"] for row in rows[-4:]] == [1.0, 0.5, 0.25, 0.125]


def test_the_latest_step_follows_from_the_sum_of_squares():
    row = small().evidence["starts"][0]
    assert row["latest_step_below_r"] == math.ceil(2.0 * row["loss_first"] / 0.005**2)
    assert row["gradient_least"] <= math.sqrt(2.0 * row["loss_first"] / row["n_steps"])


def test_it_is_gone_at_once_with_the_loss_high():
    rows = {row["start"]: row for row in small().evidence["starts"]}
    assert rows["saturated"]["gradient_first"] < 1e-11
    assert rows["saturated"]["loss_last"] > 0.7
    assert rows["dead"]["gradient_least"] < 1e-3 and rows["dead"]["loss_last"] > 0.3


def test_it_holds_for_two_examples_that_contradict_each_other():
    verdict = engine.verify("quadratic-gradient-stays", per_example=True, **SMALL)
    assert verdict.verdict == "holds"
    assert verdict.margin > 1.0


def test_it_is_undecided_after_a_few_steps():
    assert engine.verify("quadratic-gradient-stays", n_samples=20, n_steps=20).verdict == "undecided"


def test_it_is_not_applicable_when_steps_do_not_fall_enough():
    verdict = engine.verify("quadratic-gradient-stays", learning_rate=200.0, n_samples=20, n_steps=100)
    assert verdict.verdict == "not_applicable"
