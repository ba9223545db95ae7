"""gradient-bound-logits: it holds, is reached, and breaks without the factor ½."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine.claims.losses.tools import logit_gradients


def test_it_holds_and_is_reached():
    verdict = engine.verify("gradient-bound-logits", n_steps=60)
    assert verdict.verdict == "holds" and verdict.is_as_expected
    largest = max(row["ratio"] for row in verdict.evidence["drawn"])
    assert largest == pytest.approx(0.5, rel=1e-12)
    assert all(0.1 < row["ratio"] < 0.5 for row in verdict.evidence["run"])


def test_the_bound_from_below_holds_and_is_reached():
    rows = engine.verify("gradient-bound-logits", n_steps=6).evidence["drawn"]
    assert all(1.0 - 1e-9 < row["least_over_lower_bound"] < 1.001 for row in rows)


def test_without_the_factor_one_half_it_is_violated():
    verdict = engine.verify("gradient-bound-logits", factor=1.0, n_steps=6)
    assert verdict.verdict == "violated"
    assert verdict.margin == pytest.approx(0.5)


def test_it_is_not_applicable_without_softmax():
    assert engine.verify("gradient-bound-logits", loss="squared").verdict == "not_applicable"


def test_the_logit_gradients_are_the_derivatives():
    """Central differences of both losses by each output."""
    z, y, step = np.array([[0.3, -1.2, 0.8]]), np.array([1]), 1e-5

    def losses(logits):
        p = np.exp(logits) / np.exp(logits).sum()
        return 0.5 * ((p - np.eye(3)[y]) ** 2).sum(), -np.log(p[0, y[0]])

    p = np.exp(z) / np.exp(z).sum()
    for k in range(3):
        ahead, behind = losses(z + step * np.eye(3)[k]), losses(z - step * np.eye(3)[k])
        for own, first, last in zip(logit_gradients(p, y), ahead, behind, strict=True):
            assert own[0, k] == pytest.approx((first - last) / (2 * step), abs=1e-9)
