"""exam-example: the arithmetic of the example, and vectors for which it comes out otherwise."""

from __future__ import annotations

import math

import pytest

import engine


def test_it_holds_with_the_numbers_of_the_source():
    verdict = engine.verify("exam-example")
    assert verdict.verdict == "holds" and verdict.is_as_expected
    sums = verdict.evidence["binary_cross_entropies_summed"]
    assert sums == pytest.approx([3.24971912864, 1.42669977575], abs=1e-10)
    softmax = verdict.evidence["softmax_cross_entropy"]
    assert softmax == pytest.approx([-math.log(0.1001), -math.log(0.49)])
    assert verdict.evidence["guesses"] == [0, 1]


def test_gradient_descent_nearly_goes_there():
    travel = engine.verify("exam-example").evidence["gradient_descent"]
    assert travel["p_at_start"] == pytest.approx([0.1001, *[0.1] * 8, 0.0999], abs=1e-12)
    assert travel["largest_difference_from_b"] < 0.003
    assert travel["p_there"][1] > 0.5 > travel["p_there"][0] and travel["p_label_always_rose"]


@pytest.mark.parametrize("b", [(0.6, 0.4), (0.05, 0.95)])
def test_another_b_violates_it(b):
    verdict = engine.verify("exam-example", b=(*b, *[0.0] * 8), n_steps=2)
    assert verdict.verdict == "violated"


@pytest.mark.parametrize("a", [(0.2, 0.9), (0.5, 0.6, -0.1), (1.0,)])
def test_what_is_no_distribution_is_not_judged(a):
    assert engine.verify("exam-example", a=a, n_steps=2).verdict == "not_applicable"
