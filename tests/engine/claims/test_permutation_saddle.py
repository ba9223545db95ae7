"""permutation-saddle: walks between permuted minima, a start that is none, a search cut short, a true minimum."""

from __future__ import annotations

import engine
from engine.claims.minima import permutation_saddle

CLAIM = "permutation-saddle"


def test_it_holds():
    verdict = engine.verify(CLAIM, seed=2)
    assert verdict.verdict == "holds" and verdict.is_as_expected and verdict.margin > 1e-5
    assert verdict.evidence["n_walks_that_found_no_stationary_point"] == 0
    for walk in verdict.evidence["walks"]:
        assert 0.0 < walk["height"] < 0.5 * walk["straight_height"]
        assert walk["unevenness"] < 1e-12 and walk["gradient_norm"] < 1e-9
        assert walk["lowest_curvature"][1] < 0.0
        first, last = walk["loss_at_both_ends"]
        assert abs(first - last) < 1e-12 * first


def test_without_the_biases_the_middle_of_a_split_line_is_no_saddle():
    verdict = engine.verify(CLAIM, seed=2, data="sine", train="weights", n_steps=20)
    assert verdict.verdict == "violated"
    line = verdict.evidence["split_line"]
    inside = [low for g, low in zip(line["shares"], line["lowest_curvature"], strict=True) if 0.0 < g < 1.0]
    assert inside == [0.0, 0.0, 0.0] and line["lowest_curvature"][0] < -1e-4


def test_a_start_that_is_no_minimum_is_not_what_is_meant():
    verdict = engine.verify(CLAIM, seed=2, is_trained=False, n_steps=20)
    assert verdict.verdict == "not_applicable"


def test_without_any_stationary_stretch_it_is_open(monkeypatch):
    monkeypatch.setattr(permutation_saddle, "_SMALL_GRADIENT", 0.0)
    verdict = engine.verify(CLAIM, seed=2, n_steps=20)
    assert verdict.verdict in ("undecided", "not_applicable")
    assert "On no stretch" in verdict.summary and "4 found no stationary point" in verdict.summary


def test_a_search_that_is_cut_short_leaves_it_open():
    verdict = engine.verify(CLAIM, seed=2, n_steps=20, n_last_steps=0)
    assert verdict.verdict == "undecided"
    assert verdict.evidence["n_walks_that_found_no_stationary_point"] == 3
