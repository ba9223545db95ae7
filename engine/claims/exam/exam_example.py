"""exam-example: two vectors of probabilities; the loss falls, the guess becomes wrong."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.evaluator import make_evaluator
from engine.outcomes import outcome
from engine.witnesses import Witness, load_witness

FloatArray = npt.NDArray[np.float64]

WITNESS: Final = "exam-example"
A: Final = (0.1001, *(0.1,) * 8, 0.0999)
B: Final = (0.49, 0.51, *(0.0,) * 8)

_ROUNDING: Final = 1e-12


def measure(
    seed: int = 0,
    a: Sequence[float] = A,
    b: Sequence[float] = B,
    learning_rate: float = 1e-4,
    n_steps: int = 400,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Compute both losses of both vectors, class 0 being right; then let gradient descent go there from a.

    The claim is arithmetic, so seed changes nothing.
    """
    before, after = (np.asarray(p, dtype=np.float64) for p in (a, b))
    start = load_witness(WITNESS)
    yield 0.2, None
    travel = _travel(start, learning_rate, n_steps)
    yield 0.9, None
    yield 1.0, _finding(start, before, after, travel)


def binary_sum(p: FloatArray) -> float:
    """Return -log p_0 - sum over the others of log(1 - p_k), the sum of ten binary cross-entropies."""
    with np.errstate(divide="ignore"):
        return float(-(np.log(p[0]) + np.log1p(-p[1:]).sum()))


def softmax_loss(p: FloatArray) -> float:
    """Return -log p_0, the cross-entropy that the exam speaks of."""
    return -math.log(p[0]) if p[0] > 0 else math.inf


def _travel(start: Witness, learning_rate: float, n_steps: int) -> dict[str, Any]:
    """Return how near to B gradient descent comes from the witness's start, whose softmax is A."""
    trainer, evaluator = start.trainer(learning_rate), make_evaluator(start.net, start.data)
    p = [outcome(start.data, evaluator.logits(start.theta)).p[0]]
    for _ in range(n_steps):
        trainer.step(1)
        p.append(outcome(start.data, evaluator.logits(trainer.theta)).p[0])
    path = np.array(p)
    distance = np.abs(path - np.array(B)).max(axis=1)
    nearest = int(np.argmin(distance))
    return {
        "witness": WITNESS,
        "rate": learning_rate,
        "p_at_start": path[0],
        "nearest_step": nearest,
        "p_there": path[nearest],
        "largest_difference_from_b": float(distance[nearest]),
        "p_label_always_rose": bool((np.diff(path[:, 0]) > 0).all()),
    }


def _is_distribution(p: FloatArray) -> bool:
    return bool(p.ndim == 1 and len(p) > 1 and (p >= 0).all() and abs(p.sum() - 1.0) < _ROUNDING)


def _finding(start: Witness, a: FloatArray, b: FloatArray, travel: dict[str, Any]) -> Finding:
    is_given = _is_distribution(a) and _is_distribution(b) and a.shape == b.shape
    losses = {
        "binary_cross_entropies_summed": [binary_sum(a), binary_sum(b)] if is_given else None,
        "softmax_cross_entropy": [softmax_loss(a), softmax_loss(b)] if is_given else None,
    }
    falls = [pair is not None and pair[1] < pair[0] for pair in losses.values()]
    breaks = is_given and int(a.argmax()) == 0 != int(b.argmax())
    gaps = [float(p[0] - p[1:].max()) for p in (a, b)] if is_given else [0.0]
    return Finding(
        stands=all(falls) and breaks,
        margin=min(map(abs, gaps)),
        summary=_summary(losses, travel, breaks)
        if is_given
        else "These are not two vectors of probabilities.",
        evidence={
            "margin_is": "the smallest gap between the probability of the label and the largest other",
            "a": a,
            "b": b,
            "guesses": [int(p.argmax()) for p in (a, b)] if is_given else None,
            **losses,
            "gradient_descent": travel,
        },
        assumptions=(
            Assumption("a and b are probabilities of the same classes: at least 0, with sum 1.", is_given),
        ),
        witness=start,
    )


def _summary(losses: dict[str, Any], travel: dict[str, Any], breaks: bool) -> str:
    sums, plain = losses["binary_cross_entropies_summed"], losses["softmax_cross_entropy"]
    guess = "the guess turns wrong" if breaks else "the guess does not turn wrong"
    there = ", ".join(f"{p:.3f}" for p in travel["p_there"][:3])
    return (
        f"Sum of binary cross-entropies {sums[0]:.4f} to {sums[1]:.4f}, softmax's cross-entropy {plain[0]:.4f} to "
        f"{plain[1]:.4f}; {guess}. From a, gradient descent comes to ({there}, ...) in {travel['nearest_step']} steps "
        f"of one example."
    )


CLAIM: Final = Claim(
    claim_id="exam-example",
    source_key="exam",
    statement="From a = (0.1001, 0.1, ..., 0.1, 0.0999) to b = (0.49, 0.51, 0, ..., 0), class 0 being right, the "
    "loss falls and the probability of the right class rises, but the guess becomes wrong.",
    cited="the example in the first answer, with ce(a) = 3.2497 and ce(b) = 1.4267",
    expected=Answer.HOLDS,
    measure=measure,
)
