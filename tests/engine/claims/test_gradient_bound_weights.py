"""gradient-bound-weights: violated for three classes, holds for two and one example, not for sums."""

from __future__ import annotations

import pytest

import engine
from engine.disparities import per_example


def test_it_is_violated_with_three_classes():
    verdict = engine.verify("gradient-bound-weights")
    assert verdict.verdict == "violated" and verdict.is_as_expected
    ratios = [row["ratio"] for row in verdict.evidence["built"]]
    assert ratios[-1] > 10.0
    assert ratios[-1] / ratios[-2] == pytest.approx(10.0, rel=0.05)  # it grows with the weights, without end


def test_the_witness_shows_it():
    witness = engine.verify("gradient-bound-weights", n_steps=10).witness
    examples = per_example(witness.net, witness.data, witness.theta)
    assert examples.weights_quadratic[0] > 10.0 * examples.weights_cross_entropy[0]


def test_it_holds_for_two_classes_and_one_example():
    assert engine.verify("gradient-bound-weights", n_classes=2, n_steps=10).verdict == "holds"


def test_it_is_violated_for_sums_of_two_classes():
    verdict = engine.verify("gradient-bound-weights", n_classes=2, sums=True)
    assert verdict.verdict == "violated"
    assert verdict.evidence["sum"]["cross_entropy"] < 1e-9 < 1e-3 < verdict.evidence["sum"]["quadratic"]


def test_usual_starts_do_not_show_it():
    rows = engine.verify("gradient-bound-weights", n_classes=10, n_steps=10).evidence["usual"]["rows"]
    assert [row["n_above"] for row in rows] == [0, 0]
