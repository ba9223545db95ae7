"""Hunts for starts where the quadratic loss has the longer gradient by the weights, against the bound."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.hunt.gradients import LARGEST, draw, gradients, vary
from engine.hunt.search import Hunt, Judgement
from engine.witnesses import Witness

LEAST: Final = 1e-9
"""A shorter gradient of the cross-entropy is not taken: the ratio could be rounding."""


def judge(witness: Witness) -> Judgement | None:
    """Return the ratio of the norms where it is above the bound 1/2."""
    quadratic, cross_entropy = (float(np.linalg.norm(one)) for one in gradients(witness))
    if cross_entropy < LEAST or quadratic <= 0.5 * cross_entropy:
        return None
    ratio = quadratic / cross_entropy
    return Judgement(
        (ratio,),
        witness.n_steps,
        f"The gradient by all parameters has norm {quadratic:.4g} for the quadratic loss and {cross_entropy:.4g} for "
        f"the cross-entropy: {ratio:.4g} times, where the bound allows 0.5.",
    )


HUNT: Final = Hunt(
    claim_id="gradient-bound-weights",
    looks_for=f"a 1-1-3 net with numbers up to {LARGEST:g} and one example, whose quadratic gradient is more than half "
    "as long as that of the cross-entropy; better is a larger ratio",
    draw=draw,
    vary=vary,
    judge=judge,
)
