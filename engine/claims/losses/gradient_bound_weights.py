"""gradient-bound-weights: is the bound at the logits also one for the gradients by the weights?"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import numpy as np

from engine.claims.claim import Answer, Claim, Finding
from engine.claims.losses.tools import (
    ROUNDING,
    FloatArray,
    logit_gradients,
    one_unit,
    softmax_assumption,
    with_classes,
)
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.disparities import DisparityMeter, per_example
from engine.mlp import MLP
from engine.trainer import Trainer
from engine.witnesses import Witness

_SIZES: Final = (1.0, 10.0, 100.0, 1000.0)
_BOUND: Final = 0.5
_NOISY: Final = "moons"  # two classes that no straight line parts: the cross-entropy has a finite minimum


def measure(
    seed: int = 0, n_classes: int = 3, sums: bool = False, n_steps: int = 2000
) -> Generator[tuple[float, Finding | None], None, None]:
    """Build nets of one unit, look at every example of digits, and at the sum over the examples of a run.

    sums judges the gradients of the whole loss instead of each example's.
    """
    built = [_built(np.random.default_rng(seed), n_classes, size) for size in _SIZES]
    yield 0.1, None
    usual = _usual(seed, n_classes)
    yield 0.4, None
    trainer = Trainer.from_config(RunConfig(data=_NOISY, hidden=(), learning_rate=1.0, seed=seed))
    for part in range(10):
        trainer.step(n_steps // 10)
        yield 0.4 + 0.05 * (part + 1), None
    yield 1.0, _finding(built, usual, _of_sum(trainer), sums)


def _built(rng: np.random.Generator, n_classes: int, size: float) -> dict[str, Any]:
    """Return a net of one unit whose weights are deaf to the cross-entropy's gradient, and both lengths."""
    p = np.maximum(rng.dirichlet(np.full(n_classes, 2.0)), 0.02)
    p, label = p / p.sum(), int(rng.integers(n_classes))
    net, data, theta = one_unit(p, size * _deaf_direction(p, label), label)
    examples = per_example(net, data, theta)
    lengths = float(examples.weights_quadratic[0]), float(examples.weights_cross_entropy[0])
    return {"size": size, "p": p, "label": label, "quadratic": lengths[0], "cross_entropy": lengths[1]} | {
        "ratio": lengths[0] / lengths[1],
        "where": (net, data, theta),
    }


def _deaf_direction(p: FloatArray, label: int) -> FloatArray:
    """Return the unit vector nearest to u1 at right angles to u2; with two classes there is none but (1, 1)."""
    u1, u2 = (rows[0] for rows in logit_gradients(p[None], np.array([label])))
    if len(p) == 2:
        return np.full(2, 0.5**0.5)
    across: FloatArray = u1 - (u1 @ u2) / (u2 @ u2) * u2
    return across / np.linalg.norm(across)


def _usual(seed: int, n_classes: int) -> dict[str, Any]:
    """Return the largest ratio among the examples of digits, at a usual start and after 100 steps."""
    data = with_classes("digits", n_classes)
    net = MLP((data.n_features, 32, data.n_classes), "relu")
    trainer = Trainer(net, data, net.init("he_normal", seed), learning_rate=0.2)
    rows = []
    for n_steps in (0, 100):
        if n_steps:
            trainer.step(n_steps)
        examples = per_example(net, data, trainer.theta)
        ratio = examples.weights_quadratic / examples.weights_cross_entropy
        n_above = int((ratio > _BOUND * (1.0 + ROUNDING)).sum())
        rows.append({"step": n_steps, "ratio": ratio.max(), "example": ratio.argmax(), "n_above": n_above})
    return {"data": data.name, "n_examples": data.n_samples, "rows": rows}


def _of_sum(trainer: Trainer) -> dict[str, Any]:
    """Return both lengths of the gradient of the whole loss where the cross-entropy is about lowest."""
    now = DisparityMeter(trainer.net, trainer.data).measure(trainer.theta)
    return {
        "settings": trainer.config.as_text(),
        "step": trainer.n_steps,
        "quadratic": now.gradient_norm_quadratic,
        "cross_entropy": now.gradient_norm_cross_entropy,
        "ratio": now.gradient_norm_quadratic / now.gradient_norm_cross_entropy,
    }


def _finding(
    built: list[dict[str, Any]], usual: dict[str, Any], total: dict[str, Any], sums: bool
) -> Finding:
    worst = max(built, key=lambda row: row["ratio"])
    single = float(max(worst["ratio"], *(row["ratio"] for row in usual["rows"])))
    largest = float(total["ratio"]) if sums else single
    n_above = sum(row["n_above"] for row in usual["rows"])
    stands = largest <= _BOUND * (1.0 + ROUNDING)
    return Finding(
        stands=stands,
        margin=abs(largest - _BOUND),
        summary=f"Built net with {len(worst['p'])} classes: ratio {worst['ratio']:.4g} for its one "
        f"example. Digits from "
        f"a usual start: {n_above} of {2 * usual['n_examples']:,} examples above ½. Sum over {_NOISY} after "
        f"{total['step']:,} steps: ratio {total['ratio']:.4g}.",
        evidence={
            "margin_is": "the difference between ½ and the largest ratio judged",
            "judged": "the sum over the examples" if sums else "each example by itself",
            "tolerance": f"{ROUNDING:g} of the bound, for rounding",
            "built": [{key: row[key] for key in row if key != "where"} for row in built],
            "usual": usual,
            "sum": total,
        },
        assumptions=(softmax_assumption(True),),
        witness=None if stands or sums else _witness(*worst["where"]),
    )


def _witness(net: MLP, data: Dataset, theta: FloatArray) -> Witness:
    text = "The gradient of the quadratic loss is longer than half the cross-entropy's, for the one example here."
    return Witness("gradient-bound-weights", text, net, data, theta, learning_rate=1e-3, n_steps=1)


CLAIM: Final = Claim(
    claim_id="gradient-bound-weights",
    source_key="losses",
    statement="The gradient by the weights of the quadratic loss, too, is at most half as long as that of the "
    "cross-entropy.",
    cited="the question, part 1: what does a norm of the cross-entropy's gradient by W say of the "
    "quadratic loss's?",
    expected=Answer.VIOLATED,
    measure=measure,
    condition="for a single example where there are two classes or no hidden layer, and at the logits "
    "always; not for "
    "sums over examples.",
)
