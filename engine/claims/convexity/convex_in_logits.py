"""convex-in-logits: cross-entropy as a function of the outputs before softmax."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import numpy as np

from engine import checks
from engine.activity import probabilities
from engine.claims.claim import Answer, Claim, Finding
from engine.claims.convexity.tools import FloatArray

_LOSSES: Final = ("cross_entropy", "quadratic")
_CLASSES: Final = (2, 3, 4, 5, 7, 10)
_TOLERANCE: Final = 1e-12
"""Eigenvalues of the matrix and excesses of midpoints below this are 0 as far as rounding can tell."""


def measure(
    seed: int = 0, loss: str = "cross_entropy", n_drawn: int = 4000
) -> Generator[tuple[float, Finding | None], None, None]:
    """Draw outputs of all sizes: eigenvalues of the second derivative, and midpoints of chords."""
    checks.choice("loss", loss, _LOSSES)
    checks.whole_number("n_drawn", n_drawn, at_least=1)
    rng, rows = np.random.default_rng(seed), []
    for n_classes in _CLASSES:
        rows.append(_of_draws(rng, n_classes, n_drawn, loss))
        yield len(rows) / (len(_CLASSES) + 1), None
    yield 1.0, _finding(rows, loss, n_drawn)


def _of_draws(rng: np.random.Generator, n_classes: int, n_drawn: int, loss: str) -> dict[str, Any]:
    sizes = 10.0 ** rng.uniform(-1.0, 1.5, (2, n_drawn, 1))
    first, last = sizes * rng.standard_normal((2, n_drawn, n_classes))
    y = rng.integers(0, n_classes, n_drawn)
    values, vectors = np.linalg.eigh(_second_derivatives(first, y, loss))
    ends = 0.5 * (_losses(first, y, loss) + _losses(last, y, loss))
    excess = (_losses(0.5 * (first + last), y, loss) - ends) / np.maximum(ends, 1.0)
    lowest = int(values[:, 0].argmin())
    flat = np.full(n_classes, n_classes**-0.5)
    return {
        "n_classes": n_classes,
        "least_eigenvalue": values[lowest, 0],
        "its_outputs": first[lowest],
        "its_label": y[lowest],
        "its_direction": vectors[lowest, :, 0],
        "largest_eigenvalue": values[:, -1].max(),
        "curvature_along_all_ones": float(np.abs(_second_derivatives(first, y, loss) @ flat).max()),
        "largest_excess": excess.max(),
        "n_midpoints_above": int((excess > _TOLERANCE).sum()),
    }


def _losses(logits: FloatArray, y: Any, loss: str) -> FloatArray:
    """Return the loss of each row of outputs, (n_samples,)."""
    rows = np.arange(len(y))
    if loss == "quadratic":
        error = probabilities(logits)
        error[rows, y] -= 1.0
        return np.asarray(0.5 * (error * error).sum(axis=1))
    top = logits.max(axis=1)
    return np.asarray(np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top - logits[rows, y])


def _second_derivatives(logits: FloatArray, y: Any, loss: str) -> FloatArray:
    """Return each row's Hessian by the outputs, (n_samples, n_classes, n_classes).

    Cross-entropy: J = diag p − p pᵀ, whatever the label. Quadratic, with e = p − onehot(y) and s = p · e:
    J J + sum_k e_k ∂²p_k, which is J J + diag(g) − g pᵀ − p gᵀ − s J with g = p ∘ (e − s).
    """
    p = probabilities(logits)
    spread = np.eye(p.shape[1]) * p[:, None, :] - p[:, :, None] * p[:, None, :]
    if loss == "cross_entropy":
        return np.asarray(spread)
    error = p.copy()
    error[np.arange(len(y)), y] -= 1.0
    g = p * (error - (p * error).sum(axis=1, keepdims=True))
    outer = g[:, :, None] * p[:, None, :]
    return np.asarray(spread @ spread + np.eye(p.shape[1]) * g[:, None, :] - outer - outer.swapaxes(1, 2))


def _finding(rows: list[dict[str, Any]], loss: str, n_drawn: int) -> Finding:
    least = min(row["least_eigenvalue"] for row in rows)
    n_above = sum(row["n_midpoints_above"] for row in rows)
    return Finding(
        stands=bool(least >= -_TOLERANCE and n_above == 0),
        margin=float(abs(least)),
        summary=f"Over {len(rows) * n_drawn:,} outputs the second derivative's least eigenvalue is "
        f"{least:.2g}, and {n_above:,} "
        f"midpoints of chords lie above the chord. Along (1, ..., 1) the curvature is "
        f"{max(row['curvature_along_all_ones'] for row in rows):.1g}: never negative, but not always positive.",
        evidence={
            "margin_is": "distance of the least eigenvalue from 0, where it is along (1, ..., 1) if the claim holds",
            "tolerance": f"{_TOLERANCE:g}, for rounding",
            "loss": loss,
            "by_classes": rows,
            "why": "vᵀ (diag p − p pᵀ) v is the variance of v under the probabilities p",
        },
    )


CLAIM: Final = Claim(
    claim_id="convex-in-logits",
    source_key="convexity",
    statement="Cross-entropy is convex as a function of the network's outputs before softmax.",
    cited="the first answer: the cross-entropy of an exponential family is always convex in the output",
    expected=Answer.HOLDS,
    measure=measure,
)
