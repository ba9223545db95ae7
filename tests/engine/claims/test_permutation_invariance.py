"""permutation-invariance: whole units may move, half of a unit may not."""

from __future__ import annotations

import engine


def test_it_holds_to_rounding():
    verdict = engine.verify("permutation-invariance")
    assert verdict.verdict == "holds" and verdict.is_as_expected
    assert len(verdict.evidence["largest_difference_by_layer"]) == 5
    assert verdict.evidence["largest_difference"] < 1e-13


def test_the_middle_is_what_refutes_convexity():
    evidence = engine.verify("permutation-invariance", n_orders=5).evidence
    assert evidence["highest_middle"]["middle"]["excess"] > 0.1
    contrast = evidence["convex_loss_with_many_minima"]  # equal losses, far apart, and nothing in between
    assert contrast["distance"] > 1.0
    assert abs(contrast["excess"]) < 1e-12


def test_moving_the_incoming_weights_only_breaks_it():
    verdict = engine.verify("permutation-invariance", moved="incoming", n_orders=2)
    assert verdict.verdict == "violated"
    assert verdict.evidence["largest_difference"] > 0.1
