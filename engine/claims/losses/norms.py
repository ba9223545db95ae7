"""norms: the level-1 and level-2 norms of the error are tied together; cross-entropy is no norm."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Generator
from typing import Any, Final

import numpy as np

from engine import checks
from engine.activity import errors_of, probabilities
from engine.claims.claim import Answer, Claim, Finding
from engine.claims.losses.tools import ROUNDING, FloatArray, Labels, random_logits, softmax_assumption
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.disparities import DisparityMeter
from engine.trainer import Trainer

_N_PARTS: Final = 5
_CLASSES: Final = (2, 3, 10)


def _l1(p: FloatArray, q: FloatArray) -> FloatArray:
    return np.asarray(np.abs(q - p).sum(axis=1))


def _l2(p: FloatArray, q: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(q - p, axis=1))


def _cross_entropy(p: FloatArray, q: FloatArray) -> FloatArray:
    return np.asarray(-(p * np.log(q)).sum(axis=1))


def _kl(p: FloatArray, q: FloatArray) -> FloatArray:
    return np.asarray((p * (np.log(p) - np.log(q))).sum(axis=1))


_THIRD: Final[dict[str, Callable[[FloatArray, FloatArray], FloatArray]]] = {
    "cross_entropy": _cross_entropy,
    "kl": _kl,
    "l1": _l1,
    "l2": _l2,
}


def measure(
    seed: int = 0,
    data: str = "digits",
    loss: str = "cross_entropy",
    third: str = "cross_entropy",
    n_steps: int = 200,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Test the inequalities for drawn probabilities and along a run, and third for what a norm's distance has."""
    checks.choice("third", third, _THIRD)
    config = RunConfig(data=data, loss=loss, learning_rate=1.0, seed=seed)
    trainer = Trainer.from_config(config)
    if loss == "squared":
        yield 1.0, _without_probabilities()
        return
    rng = np.random.default_rng(seed)
    ties = [
        _ties(*_draws(rng, n_classes)) | {"where": f"{n_classes} classes, drawn"} for n_classes in _CLASSES
    ]
    axioms = _axioms(rng, _THIRD[third])
    yield 0.2, None
    meter, along = DisparityMeter(trainer.net, trainer.data), []
    for part in range(_N_PARTS):
        if part:
            trainer.step(max(1, n_steps // (_N_PARTS - 1)))
        p = probabilities(trainer.net.logits(trainer.theta, trainer.data.x))
        ties.append(_ties(p, trainer.data.y) | {"where": f"{trainer.data.name}, step {trainer.n_steps}"})
        along.append({"step": trainer.n_steps} | dataclasses.asdict(meter.measure(trainer.theta)))
        yield 0.2 + 0.15 * (part + 1), None
    yield 1.0, _finding(ties, axioms, along, _relabelled(trainer), third, config)


def _draws(rng: np.random.Generator, n_classes: int) -> tuple[FloatArray, Labels]:
    logits, y = random_logits(rng, 20_000, n_classes)
    return probabilities(logits), y


def _ties(p: FloatArray, y: Labels) -> dict[str, Any]:
    """Return the extremes of norm1 / norm2 of p − onehot(y) over the samples, which must be within 1 and √k."""
    error = errors_of(p, y)
    error = error[np.abs(error).max(axis=1) > 0.0]
    ratio = np.abs(error).sum(axis=1) / np.linalg.norm(error, axis=1)
    return {"least": ratio.min(), "largest": ratio.max(), "sqrt_k": math.sqrt(p.shape[1])}


def _axioms(
    rng: np.random.Generator, distance: Callable[[FloatArray, FloatArray], FloatArray]
) -> dict[str, float]:
    """Return the worst violations, at least 0, of what |q − p| has for every norm |.|, over drawn distributions.

    self: distance of p from itself. symmetry: difference of the two orders. halves: half way from p to q must
    be half as far. triangle: how much longer the direct way is than the one over a third.
    """
    p, q, over = (rng.dirichlet(np.ones(3), 2000) for _ in range(3))
    direct = distance(p, q)
    return {
        "0 from itself": float(np.abs(distance(p, p)).max()),
        "same both ways": float(np.abs(direct - distance(q, p)).max()),
        "half the way is half as far": float(np.abs(2.0 * distance(p, 0.5 * (p + q)) - direct).max()),
        "triangle inequality": float(np.maximum(direct - distance(p, over) - distance(over, q), 0.0).max()),
    }


def _relabelled(trainer: Trainer) -> dict[str, float]:
    """Return the cross-entropy at the end of the run, and with every label moved on by one."""
    data = trainer.data
    moved = Dataset(data.x, (data.y + 1) % data.n_classes, "moved", data.n_classes)
    nets = DisparityMeter(trainer.net, data), DisparityMeter(trainer.net, moved)
    own, other = (meter.measure(trainer.theta).cross_entropy for meter in nets)
    return {"own_labels": own, "other_labels": other}


def _finding(
    ties: list[dict[str, Any]],
    axioms: dict[str, float],
    along: list[dict[str, float]],
    labels: dict[str, float],
    third: str,
    config: RunConfig,
) -> Finding:
    room = min(min(row["least"] - 1.0, row["sqrt_k"] - row["largest"]) for row in ties)
    broken = {name: size for name, size in axioms.items() if size > 1e-9}
    last = along[-1]
    return Finding(
        stands=room >= -ROUNDING and bool(broken),
        margin=max(axioms.values()),
        summary=f"norm1 / norm2 of p − y is within 1 and √k everywhere (from "
        f"{min(row['least'] for row in ties):.3f} "
        f"to {max(row['largest'] for row in ties):.3f}); of a norm's properties {third} breaks "
        f"{', '.join(broken) or 'none'}. At the end of the run: norm1 {last['l1']:.3f}, norm2 {last['l2']:.3f}, "
        f"cross-entropy {last['cross_entropy']:.3f} nats = {last['cross_entropy_bits']:.3f} bits, with "
        f"other labels "
        f"{labels['other_labels']:.2f}.",
        evidence={
            "margin_is": "by how much the worst broken property of a norm is broken",
            "tolerance": f"{ROUNDING:g} for the ratios, 1e-9 for the properties",
            "ties": ties,
            "third": third,
            "properties_broken_by": axioms,
            "along_the_run": along,
            "cross_entropy_by_labels": labels,
            "settings": config.as_text(),
        },
        assumptions=(softmax_assumption(True),),
    )


def _without_probabilities() -> Finding:
    return Finding(
        stands=None,
        margin=0.0,
        summary="A network with the squared loss has no probabilities, so there is nothing to compare.",
        evidence={"margin_is": "nothing was measured"},
        assumptions=(softmax_assumption(False),),
    )


CLAIM: Final = Claim(
    claim_id="norms",
    source_key="losses",
    statement="The level-1 and level-2 norms of the error p − y are tied, norm2 ≤ norm1 ≤ √k norm2 for k "
    "outputs; "
    "cross-entropy is not a norm.",
    cited="the answer: level 1 and 2 norms are closely related, but cross-entropy is not a norm",
    expected=Answer.HOLDS,
    measure=measure,
)
