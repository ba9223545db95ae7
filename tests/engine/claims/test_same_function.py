"""same-function: undecided while runs still move; holds and is refuted where they have stopped."""

from __future__ import annotations

import pytest

import engine

XOR = {"data": "xor", "hidden": (2,), "init_scale": 1.0, "learning_rate": 1.0, "n_steps": 20_000}


def test_it_is_undecided_on_digits():
    verdict = engine.verify("same-function", n_steps=400)
    assert verdict.verdict == "undecided" and verdict.is_as_expected
    [pair] = verdict.evidence["pairs"]
    assert pair["distance_aligned"] < pair["distance"]
    assert pair["n_answers_differ"] > 0
    assert min(verdict.evidence["gradient_norms"]) > verdict.evidence["stopped_below"]


def test_it_holds_without_a_hidden_layer():
    verdict = engine.verify("same-function", data="moons", hidden=(), learning_rate=2.0, n_steps=3000)
    assert verdict.verdict == "holds"
    [pair] = verdict.evidence["pairs"]
    assert pair["largest_difference_of_p"] < 1e-9 < 0.1 < pair["distance"]  # other weights, the same function


def test_it_is_violated_on_xor():
    verdict = engine.verify("same-function", n_runs=4, **XOR)
    assert verdict.verdict == "violated"
    assert max(pair["largest_difference_of_p"] for pair in verdict.evidence["pairs"]) == pytest.approx(
        0.5, abs=0.02
    )


def test_two_good_runs_on_xor_agree():
    assert engine.verify("same-function", **XOR).verdict == "holds"
