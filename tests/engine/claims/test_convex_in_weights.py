"""convex-in-weights: the middle between two equal networks, and what is left without a hidden layer."""

from __future__ import annotations

import pytest

import engine

SMALL = {"n_samples": 300, "n_chords": 50}


def test_it_is_violated_on_digits():
    verdict = engine.verify("convex-in-weights")
    assert verdict.verdict == "violated" and verdict.is_as_expected
    [copy] = verdict.evidence["permuted_copies"]
    assert copy["first"] == pytest.approx(copy["last"], rel=1e-12)
    assert copy["middle"] > 1.5 * copy["first"]
    assert verdict.evidence["least_eigenvalue"] < -0.05


def test_random_chords_hardly_see_it():
    evidence = engine.verify("convex-in-weights").evidence
    assert evidence["n_random_above"] < 0.1 * evidence["n_random_chords"]


def test_the_witness_is_the_middle():
    verdict = engine.verify("convex-in-weights", n_steps=100, **SMALL)
    witness = verdict.witness
    middle = verdict.evidence["permuted_copies"][0]["middle"]
    assert witness.net.loss(witness.theta, witness.data) == pytest.approx(middle)


def test_it_holds_without_a_hidden_layer():
    verdict = engine.verify("convex-in-weights", hidden=(), n_steps=50, **SMALL)
    assert verdict.verdict == "holds"
    assert verdict.witness is None
