"""sign-retention: do the gradients of the two losses have the same signs, coordinate by coordinate?"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import numpy as np

from engine.activity import probabilities, through_softmax
from engine.claims.claim import Answer, Claim, Finding
from engine.claims.losses.tools import (
    FloatArray,
    logit_gradients,
    one_unit,
    random_logits,
    softmax_assumption,
    with_classes,
)
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.disparities import with_loss
from engine.mlp import MLP
from engine.trainer import Trainer

_COUNTS: Final = 1e-9  # of the largest: smaller coordinates are 0 as far as rounding can tell
_N_PARTS: Final = 4
_N_EXAMPLES: Final = 25


def measure(
    seed: int = 0, data: str = "digits", n_classes: int | None = None, sums: bool = False, n_steps: int = 40
) -> Generator[tuple[float, Finding | None], None, None]:
    """Count coordinates with opposite signs, at the logits and by the weights, along a run.

    n_classes takes the labels modulo it; sums judges the gradient of the whole loss, not of single examples.
    """
    samples = with_classes(data, n_classes)
    rng = np.random.default_rng(seed)
    net = MLP((samples.n_features, 32, samples.n_classes))
    config = RunConfig(data=data, learning_rate=1.0, seed=seed)
    trainer = Trainer(net, samples, net.init("glorot_uniform", seed), learning_rate=1.0)
    chosen = rng.choice(samples.n_samples, min(_N_EXAMPLES, samples.n_samples), replace=False)
    at_logits = _at_logits(rng, samples.n_classes)
    rows, totals = [], []
    for part in range(_N_PARTS):
        for k in chosen:
            rows.append(_compared(net, samples.subset(np.array([k])), trainer.theta))
            rows[-1] |= {"step": trainer.n_steps, "example": k}
            yield len(rows) / (_N_PARTS * len(chosen) + 5), None
        totals.append({"step": trainer.n_steps} | _compared(net, samples, trainer.theta))
        if part + 1 < _N_PARTS:
            trainer.step(max(1, n_steps // (_N_PARTS - 1)))
    built = _built(rng, samples.n_classes)
    yield 1.0, _finding(at_logits, rows, totals, built, sums, config, samples)


def _at_logits(rng: np.random.Generator, n_classes: int) -> dict[str, Any]:
    """Return in how many drawn outputs any of the logits' gradients differ in sign, and the least cosine.

    The level-1 norm of the error, 2 (1 - p_y), has the cross-entropy's gradient times 2 p_y, and the level-2
    norm the quadratic loss's divided by the norm: so what is found here is true of the two norms as well.
    """
    logits, y = random_logits(rng, 20_000, n_classes)
    p = probabilities(logits)
    u1, u2 = logit_gradients(p, y)
    is_far = np.linalg.norm(u1, axis=1) > 1e-9 * np.linalg.norm(u2, axis=1)
    is_told = (
        p[np.arange(len(y)), y] > 1e-6
    )  # below that the sums in softmax's derivative leave rounding only
    level1 = _cosines(through_softmax(p, np.sign(u2))[is_told], u2[is_told])
    u1, u2 = u1[is_far], u2[is_far]
    return {
        "n_drawn": len(u1),
        "n_with_opposite_signs": int(_is_opposite(u1, u2).any(axis=1).sum()),
        "least_cosine": _cosines(u1, u2).min(),
        "least_cosine_of_level_1_norm_and_cross_entropy": level1.min(),
    }


def _cosines(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the cosine between each row of two arrays (n, m), (n,)."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.asarray((first * second).sum(axis=1) / lengths)


def _compared(net: MLP, data: Dataset, theta: FloatArray) -> dict[str, Any]:
    """Return how many coordinates of the two losses' gradients by theta differ in sign, and their cosine."""
    first, second = (with_loss(net, loss).gradient(theta, data) for loss in ("quadratic", "cross_entropy"))
    cosine = float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))
    n_opposite = int(_is_opposite(first, second).sum())
    return {"n_opposite": n_opposite, "n_coordinates": net.n_params, "cosine": cosine}


def _is_opposite(first: FloatArray, second: FloatArray) -> Any:
    """Return where two gradients (..., n) have opposite signs and neither is 0 to rounding."""
    large = [np.abs(one) > _COUNTS * np.abs(one).max(axis=-1, keepdims=True) for one in (first, second)]
    return large[0] & large[1] & (np.sign(first) != np.sign(second))


def _built(rng: np.random.Generator, n_classes: int) -> dict[str, Any] | None:
    """Return a net of one unit whose two gradients point almost opposite ways; None for two classes."""
    if n_classes == 2:
        return None
    p = np.maximum(rng.dirichlet(np.full(n_classes, 2.0)), 0.02)
    p, label = p / p.sum(), int(rng.integers(n_classes))
    u1, u2 = (rows[0] for rows in logit_gradients(p[None], np.array([label])))
    apart = u1 / np.linalg.norm(u1) - u2 / np.linalg.norm(u2)
    net, data, theta = one_unit(p, 100.0 * apart / np.linalg.norm(apart), label)
    return {"p": p, "label": label} | _compared(net, data, theta)


def _finding(
    at_logits: dict[str, Any],
    rows: list[dict[str, Any]],
    totals: list[dict[str, Any]],
    built: dict[str, Any] | None,
    sums: bool,
    config: RunConfig,
    data: Dataset,
) -> Finding:
    judged = totals if sums else rows
    most = max(judged, key=lambda row: row["n_opposite"])
    n_with = sum(row["n_opposite"] > 0 for row in rows)
    stands = most["n_opposite"] == 0 and (sums or at_logits["n_with_opposite_signs"] == 0)
    tail = f"; a net built for it has the cosine {built['cosine']:.4f}" if built else ""
    return Finding(
        stands=stands,
        margin=float(most["n_opposite"]),
        summary=f"{data.n_classes} classes: {n_with} of {len(rows)} gradients of single examples have "
        f"coordinates of "
        f"opposite sign, up to {max(row['n_opposite'] for row in rows):,} of {most['n_coordinates']:,}; "
        f"the whole "
        f"gradient up to {max(row['n_opposite'] for row in totals):,}{tail}.",
        evidence={
            "margin_is": "how many coordinates differ in sign in the worst gradient judged",
            "judged": "the whole loss" if sums else "single examples, and drawn outputs at the logits",
            "tolerance": f"coordinates below {_COUNTS:g} of the largest are taken for 0",
            "data": data.name,
            "at_logits": at_logits,
            "worst": most,
            "whole": totals,
            "built": built,
            "settings": config.as_text(),
            "at_the_outputs": "by an output F itself |F − y| and (F − y)² always have derivatives of one sign; what "
            "mixes the signs is softmax, which ties the outputs together",
        },
        assumptions=(softmax_assumption(True),),
    )


CLAIM: Final = Claim(
    claim_id="sign-retention",
    source_key="losses",
    statement="The gradients of the two losses have the same sign in every coordinate.",
    cited="the answer, to part 1: nothing can be assumed, except the retention of sign",
    expected=Answer.VIOLATED,
    measure=measure,
    condition="for a single example and two classes, where the two gradients differ by the factor 2 p (1 "
    "− p) only.",
)
