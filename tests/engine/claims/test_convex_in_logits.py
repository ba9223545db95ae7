"""convex-in-logits: eigenvalues of the second derivative, and the same for the quadratic loss."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine.claims.convexity.convex_in_logits import _losses, _second_derivatives


def test_it_holds_and_is_flat_along_all_ones():
    verdict = engine.verify("convex-in-logits")
    assert verdict.verdict == "holds" and verdict.is_as_expected
    rows = verdict.evidence["by_classes"]
    assert all(row["n_midpoints_above"] == 0 and row["curvature_along_all_ones"] < 1e-12 for row in rows)
    assert all(0.1 < row["largest_eigenvalue"] <= 0.5 + 1e-12 for row in rows)


def test_the_quadratic_loss_is_not_convex_there():
    verdict = engine.verify("convex-in-logits", loss="quadratic", n_drawn=200)
    assert verdict.verdict == "violated"
    assert verdict.margin > 0.1


@pytest.mark.parametrize("loss", ["cross_entropy", "quadratic"])
def test_the_second_derivatives_are_those_of_differences(loss):
    rng, h = np.random.default_rng(1), 1e-4
    z, y = rng.standard_normal((3, 4)), rng.integers(0, 4, 3)
    found = _second_derivatives(z, y, loss)
    for i in range(4):
        for j in range(4):
            a, b = h * np.eye(4)[i], h * np.eye(4)[j]
            corners = [_losses(z + s * a + t * b, y, loss) * s * t for s in (1, -1) for t in (1, -1)]
            assert found[:, i, j] == pytest.approx(sum(corners) / (4 * h * h), abs=1e-6)
