"""merged-point-is-saddle: is the point where all hidden units are equal a saddle? The Hessian decides."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.exam.merged import (
    CURVATURE_TOLERANCE,
    GRADIENT_TOLERANCE,
    MergedPoint,
    examined,
    merged_point,
)
from engine.witnesses import load_witness

FloatArray = npt.NDArray[np.float64]

PROBLEMS: Final = {
    "parity": ("logistic", "cross_entropy", "all"),
    "sine": ("tanh", "squared", "weights"),
}
"""Data set: activation, loss and what is trained. The second is a network without biases."""
WITNESS: Final = "merged-minimum"
"""The second one's merged point, its units pushed apart."""
_KICKS: Final = (1e-2, 1e-3)
_N_KICKS: Final = 100


def measure(
    seed: int = 0,
    problems: tuple[str, ...] = tuple(PROBLEMS),
    n_units: int = 2,
    share: float | None = None,
    biases: bool = False,
    most_iterations: int = 500,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Find merged points exactly and decompose their Hessians.

    Args:
        seed: of the starts.
        problems: which of `PROBLEMS`.
        n_units: how many equal units.
        share: of the output weight, that the first unit takes; None for equal shares.
        biases: whether the network for the sine may move its biases too.
        most_iterations: of Newton's method; 0 stays at the start, which is not stationary.
    """
    checks.whole_number("n_units", n_units, at_least=2)
    points: dict[str, MergedPoint] = {}
    for i, name in enumerate(problems):
        activation, loss, train = PROBLEMS[checks.choice("problems", name, PROBLEMS)]
        yield i / len(problems), None
        found = merged_point(name, activation, loss, train, n_units, share, seed, most_iterations)
        points[name] = examined(found.net, found.data, found.theta, "all") if biases else found
    yield 0.9, None
    rows = [_row(name, point, seed) for name, point in points.items()]
    yield 1.0, _finding(points, rows)


def _row(name: str, point: MergedPoint, seed: int) -> dict[str, Any]:
    return {
        "data": name,
        "network": "-".join(map(str, point.net.layer_sizes)) + " " + point.net.activation[0],
        "trained": point.train,
        "theta": point.theta,
        "loss": point.net.loss(point.theta, point.data),
        "gradient_norm": point.gradient_norm,
        "eigenvalues": point.eigenvalues,
        "lowest_eigenvalue": point.lowest,
        "lowest_across": point.lowest_across,
        "n_directions_without_change": point.tangents.shape[1],
        "lowest_eigenvector": point.vectors[:, 0],
        "loss_change_along_lowest_eigenvector": _change(point, _KICKS[0] * point.vectors[:, 0]),
        "lowest_loss_change_of_random_kicks": _kicked(point, seed),
        "kind": _kind(point),
    }


def _kicked(point: MergedPoint, seed: int) -> float:
    """Return the lowest change of the loss over random kicks of the free part; below 0 at no minimum."""
    rng, free = np.random.default_rng(seed), point.net.trained(point.train)
    kicks = rng.standard_normal((_N_KICKS, point.net.n_params)) * free
    kicks /= np.linalg.norm(kicks, axis=1, keepdims=True)
    return min(_change(point, scale * kick) for scale in _KICKS for kick in kicks)


def _change(point: MergedPoint, kick: FloatArray) -> float:
    """Return by how much the loss changes when theta is moved by kick (n_params,)."""
    before, after = (point.net.loss(theta, point.data) for theta in (point.theta, point.theta + kick))
    return after - before


def _kind(point: MergedPoint) -> str:
    if not point.is_stationary:
        return "not stationary"
    return "saddle" if point.is_saddle else "local minimum" if point.is_minimum else "undecided"


def _finding(points: dict[str, MergedPoint], rows: list[dict[str, Any]]) -> Finding:
    kinds = {row["kind"] for row in rows}
    decided = False if "local minimum" in kinds else True if kinds == {"saddle"} else None
    return Finding(
        stands=decided,
        margin=min((abs(_decisive(point)) for point in points.values()), default=0.0),
        summary=" ".join(map(_sentence, rows)),
        evidence={
            "margin_is": "the smallest size of the eigenvalues that decide: the lowest one of a saddle, and of a "
            "minimum the lowest among the directions that change the function",
            "tolerances": f"gradient {GRADIENT_TOLERANCE:g}; eigenvalues {CURVATURE_TOLERANCE:g} of the largest",
            "points": rows,
        },
        witness=load_witness(WITNESS) if points.get("sine") and points["sine"].is_minimum else None,
        assumptions=(
            Assumption(
                "The gradient at every merged point is 0 but for rounding.",
                all(point.is_stationary for point in points.values()),
            ),
        ),
    )


def _decisive(point: MergedPoint) -> float:
    return point.lowest if point.is_saddle else point.lowest_across


def _sentence(row: dict[str, Any]) -> str:
    which = "lowest_across" if row["kind"] == "local minimum" else "lowest_eigenvalue"
    words = (
        "lowest eigenvalue across the flat lines" if row["kind"] == "local minimum" else "lowest eigenvalue"
    )
    return f"{row['data']} {row['network']}: {row['kind']}, {words} {row[which]:.3g}."


CLAIM: Final = Claim(
    claim_id="merged-point-is-saddle",
    source_key="exam",
    statement="A stationary point where all hidden units are equal is a saddle, not a local minimum.",
    cited='first answer, question 1: "neither a global nor a local minimum of the network"; second answer: '
    "a saddle point would stop training",
    expected=Answer.VIOLATED,
    measure=measure,
    condition="where the Hessian has a negative eigenvalue, as for the parity of digits, and for the sine as soon as "
    "the biases may move or one unit has a negative share of the output weight.",
)
