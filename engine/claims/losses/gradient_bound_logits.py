"""gradient-bound-logits: at the logits the quadratic loss's gradient is at most half the cross-entropy's."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import numpy as np

from engine.activity import probabilities
from engine.claims.claim import Answer, Claim, Finding
from engine.claims.losses.tools import (
    ROUNDING,
    FloatArray,
    logit_gradients,
    random_logits,
    softmax_assumption,
)
from engine.config import RunConfig
from engine.disparities import per_example
from engine.trainer import Trainer

_CLASSES: Final = (2, 3, 4, 5, 7, 10)
_N_DRAWN: Final = 20_000
_BOUND: Final = 0.5


def measure(
    seed: int = 0,
    data: str = "digits",
    loss: str = "cross_entropy",
    factor: float = 0.5,
    n_steps: int = 300,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Compare both gradients for drawn logits and for every example of a run.

    factor stands before the square of the quadratic loss, ½ in the statement.
    """
    config = RunConfig(data=data, loss=loss, learning_rate=1.0, seed=seed)
    if loss == "squared":
        yield 1.0, _without_probabilities()
        return
    rng, drawn = np.random.default_rng(seed), []
    for n_classes in _CLASSES:
        drawn.append(_of_draws(rng, n_classes, 2.0 * factor))
        yield len(drawn) / (2 * len(_CLASSES)), None
    trainer, seen = Trainer.from_config(config), []
    for part in range(6):
        seen.append(_of_run(trainer, 2.0 * factor))
        trainer.step(n_steps // 6)
        yield 0.5 + (part + 1) / 13, None
    yield 1.0, _finding(drawn, [*seen, _of_run(trainer, 2.0 * factor)], config, factor)


def _of_draws(rng: np.random.Generator, n_classes: int, times: float) -> dict[str, Any]:
    """Return the largest ratio among drawn logits, where it is, and how tight the bound from below is."""
    logits, y = random_logits(rng, _N_DRAWN, n_classes)
    p = probabilities(logits)
    quadratic, entropy = logit_gradients(p, y)
    u1, u2 = times * np.linalg.norm(quadratic, axis=1), np.linalg.norm(entropy, axis=1)
    top, rows = int((u1 / u2).argmax()), np.arange(len(y))
    below = p[rows, y] * entropy[rows, y] ** 2 * (n_classes / (n_classes - 1)) ** 1.5 * times
    return {
        "n_classes": n_classes,
        "ratio": u1[top] / u2[top],
        "p": p[top],
        "label": y[top],
        "least_over_lower_bound": float((u1 / below)[u2 > 1e-6].min()),
    }


def _of_run(trainer: Trainer, times: float) -> dict[str, Any]:
    """Return the largest ratio among the examples at this step of a run."""
    examples = per_example(trainer.net, trainer.data, trainer.theta)
    ratio: FloatArray = times * examples.u_quadratic / examples.u_cross_entropy
    top = int(ratio.argmax())
    row = {"step": trainer.n_steps, "example": top, "ratio": ratio[top], "p_true": examples.p_true[top]}
    return {**row, "n_above": int((ratio > _BOUND * (1.0 + ROUNDING)).sum())}


def _finding(
    drawn: list[dict[str, Any]], seen: list[dict[str, Any]], config: RunConfig, factor: float
) -> Finding:
    most, here = max(row["ratio"] for row in drawn), max(seen, key=lambda row: row["ratio"])
    largest = float(max(most, here["ratio"]))
    return Finding(
        stands=largest <= _BOUND * (1.0 + ROUNDING),
        margin=abs(_BOUND - largest),
        summary=f"The largest ratio of the two gradients is {most:.12g} among {len(drawn) * _N_DRAWN:,} drawn "
        f"outputs, and {here['ratio']:.6f} among the examples of a run (example {here['example']} at step "
        f"{here['step']}, p of its class {here['p_true']:.3f}).",
        evidence={
            "margin_is": "the difference between ½ and the largest ratio; 0 where the bound is reached",
            "bound": _BOUND,
            "tolerance": f"{ROUNDING:g} of the bound, for rounding",
            "factor": factor,
            "drawn": drawn,
            "run": seen,
            "settings": config.as_text(),
            "lower_bound": "p (1 − p)² (C / (C − 1))^1.5, p of the right class, C classes",
            "why": "the gradients differ by the factor J = diag p − p pᵀ, whose rows sum to at most "
            "2 p (1 − p) ≤ ½ in absolute value",
        },
        assumptions=(softmax_assumption(True),),
    )


def _without_probabilities() -> Finding:
    return Finding(
        stands=None,
        margin=0.0,
        summary="A network with the squared loss has no probabilities, so there is no cross-entropy to compare.",
        evidence={"margin_is": "nothing was measured"},
        assumptions=(softmax_assumption(False),),
    )


CLAIM: Final = Claim(
    claim_id="gradient-bound-logits",
    source_key="losses",
    statement="For each example the gradient by the logits of the quadratic loss ½ ‖p − y‖² is at most "
    "half as long "
    "as that of the cross-entropy −log p_y.",
    cited="the question asks what the norm of one loss's gradient says of the other's",
    expected=Answer.HOLDS,
    measure=measure,
)
