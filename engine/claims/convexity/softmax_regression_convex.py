"""softmax-regression-convex: without a hidden layer the loss is convex in the weights."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import numpy as np
import scipy.linalg

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.convexity.tools import (
    EIGENVALUE_SHARE,
    SCALES,
    TOLERANCES,
    Chord,
    as_row,
    iter_random_chords,
    make_evaluator,
    smaller,
)
from engine.config import RunConfig
from engine.curvature import dense_hessian
from engine.datasets import load_dataset
from engine.mlp import MLP


def measure(
    seed: int = 0,
    data: str = "digits",
    hidden: tuple[int, ...] = (),
    loss: str = "cross_entropy",
    n_samples: int | None = 500,
    n_chords: int = 200,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Compute the full Hessian at points of several sizes, and the middles of random chords."""
    config = RunConfig(data=data, hidden=hidden, loss=loss, n_samples=n_samples, seed=seed)
    samples, rng = smaller(load_dataset(data), n_samples), np.random.default_rng(seed)
    net, rows, chords = MLP.from_config(config, samples), [], []
    for scale in SCALES:
        rows.append(_row(net, samples, scale, rng))
        yield 0.7 * len(rows) / len(SCALES), None
    for one in iter_random_chords(make_evaluator(net, samples), rng, n_chords):
        chords.append(one)
        yield 0.7 + 0.29 * len(chords) / n_chords, None
    yield 1.0, _finding(rows, chords, net, config)


def _row(net: MLP, data: Any, scale: float, rng: np.random.Generator) -> dict[str, Any]:
    """Return the ends of the spectrum at a random point, from the full Hessian."""
    theta = scale * rng.standard_normal(net.n_params)
    values = scipy.linalg.eigvalsh(dense_hessian(net, data, theta))
    floor = -EIGENVALUE_SHARE * float(np.abs(values).max())
    return {
        "size_of_parameters": scale,
        "smallest": float(values[0]),
        "largest": float(values[-1]),
        "n_negative": int((values < floor).sum()),
        "n_zero": int((np.abs(values) <= -floor).sum()),
    }


def _finding(rows: list[dict[str, Any]], chords: list[Chord], net: MLP, config: RunConfig) -> Finding:
    worst, top = min(rows, key=lambda row: row["smallest"]), max(chords, key=lambda one: one.excess)
    n_negative, n_above = sum(row["n_negative"] for row in rows), sum(one.is_above for one in chords)
    return Finding(
        stands=n_negative == 0 and n_above == 0,
        margin=abs(worst["smallest"]),
        summary=f"At {len(rows)} points the least of {net.n_params} eigenvalues is "
        f"{worst['smallest']:.2g} beside a largest of "
        f"{worst['largest']:.3g}; {n_above} of {len(chords)} chords have their middle above the mean of "
        f"the ends.",
        evidence={
            "margin_is": "distance of the least eigenvalue from 0, where it is along shifts of all outputs if the "
            "claim holds",
            "tolerance": TOLERANCES,
            "points": rows,
            "highest_middle": as_row(top),
            "n_chords": len(chords),
            "n_above": n_above,
            "settings": config.as_text(),
            "why": "the outputs are linear in the weights, and cross-entropy is convex in the outputs",
        },
        assumptions=(Assumption("There is no hidden layer.", net.n_hidden == 0),),
    )


CLAIM: Final = Claim(
    claim_id="softmax-regression-convex",
    source_key="convexity",
    statement="Without a hidden layer, as in logistic regression, the cross-entropy is convex in the weights.",
    cited="the third answer: it looks like logistic regression, which is a convex problem",
    expected=Answer.HOLDS,
    measure=measure,
)
