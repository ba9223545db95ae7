"""softmax-regression-convex: no negative eigenvalue anywhere, but with another loss or a hidden layer."""

from __future__ import annotations

import engine

SMALL = {"data": "moons", "n_chords": 60}


def test_it_holds_on_digits():
    verdict = engine.verify("softmax-regression-convex")
    assert verdict.verdict == "holds" and verdict.is_as_expected
    assert all(row["n_negative"] == 0 and row["n_zero"] >= 65 for row in verdict.evidence["points"])


def test_the_quadratic_loss_breaks_it():
    verdict = engine.verify("softmax-regression-convex", loss="quadratic", **SMALL)
    assert verdict.verdict == "violated"
    assert verdict.evidence["n_above"] > 0


def test_it_is_not_applicable_with_a_hidden_layer():
    verdict = engine.verify("softmax-regression-convex", hidden=(4,), **SMALL)
    assert verdict.verdict == "not_applicable"
    assert any(row["n_negative"] for row in verdict.evidence["points"])  # and it would be wrong there
