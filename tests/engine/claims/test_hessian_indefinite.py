"""hessian-indefinite: both ends of the spectrum, and what is left without a hidden layer."""

from __future__ import annotations

import pytest

import engine


def test_it_holds_on_digits():
    verdict = engine.verify("hessian-indefinite")
    assert verdict.verdict == "holds" and verdict.is_as_expected
    for row in verdict.evidence["places"]:
        assert row["smallest"] < 0.0 < row["largest"]
        assert row["curvature_along_smallest"] == pytest.approx(row["smallest"], rel=1e-6)
        assert row["curvature_along_largest"] == pytest.approx(row["largest"], rel=1e-6)


def test_it_is_violated_without_a_hidden_layer():
    verdict = engine.verify("hessian-indefinite", data="moons", hidden=(), n_steps=10)
    assert verdict.verdict == "violated"
    assert verdict.evidence["places"][0]["largest"] > 0.01
