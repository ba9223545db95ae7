"""linear-net-convex: a hump in the weights, none in their product."""

from __future__ import annotations

import math

import pytest

import engine


def test_it_is_violated_in_the_weights():
    verdict = engine.verify("linear-net-convex")
    assert verdict.verdict == "violated" and verdict.is_as_expected
    small = verdict.evidence["small"]
    assert small["first"] == small["last"] == pytest.approx(math.log1p(math.exp(-4.0)))
    assert small["middle"] == pytest.approx(math.log(2.0))
    assert verdict.evidence["turned_signs"]["excess"] > 1.0


def test_it_holds_in_the_product():
    verdict = engine.verify("linear-net-convex", function_of="product")
    assert verdict.verdict == "holds"
    assert abs(verdict.evidence["turned_signs"]["excess"]) < 1e-12


def test_it_is_not_applicable_to_bent_units():
    assert engine.verify("linear-net-convex", activation="tanh", n_steps=5).verdict == "not_applicable"


def test_the_witness_is_one_of_the_two_ends():
    witness = engine.verify("linear-net-convex", n_steps=5).witness
    assert witness.net.loss(witness.theta, witness.data) == pytest.approx(math.log1p(math.exp(-4.0)))
