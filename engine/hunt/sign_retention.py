"""Hunts for starts where the gradients of the two losses point against each other."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.hunt.gradients import LARGEST, draw, gradients, vary
from engine.hunt.search import Hunt, Judgement
from engine.witnesses import Witness

LEAST: Final = 1e-9
"""A shorter gradient is not taken: its direction could be rounding."""


def judge(witness: Witness) -> Judgement | None:
    """Return less the cosine of the two gradients where it is below 0."""
    first, second = gradients(witness)
    norms = [float(np.linalg.norm(one)) for one in (first, second)]
    if min(norms) < LEAST or first @ second >= 0.0:
        return None
    cosine = float(first @ second) / (norms[0] * norms[1])
    n_against = int((first * second < 0).sum())
    return Judgement(
        (-cosine,),
        witness.n_steps,
        f"The gradients of the quadratic loss and of the cross-entropy differ in sign in {n_against} of {len(first)} "
        f"parameters, and the cosine between them is {cosine:.4f}.",
    )


HUNT: Final = Hunt(
    claim_id="sign-retention",
    looks_for=f"a 1-1-3 net with numbers up to {LARGEST:g} and one example, whose two gradients by all parameters "
    "have a negative cosine; better is nearer to -1",
    draw=draw,
    vary=vary,
    judge=judge,
)
