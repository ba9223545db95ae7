"""The ids of all claims, in the order of the ledger, and where each one's file is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # it comes with numpy; lessons need the ids only
    from engine.claims.claim import Claim

BY_SOURCE: Final[dict[str, tuple[str, ...]]] = {
    "exam": (
        "symmetry-stays",
        "one-parameter-per-layer",
        "reaches-minimum",
        "merged-point-is-saddle",
        "escape-time",
        "descent",
        "descent-minibatch",
        "errors-never-rise",
        "errors-never-rise-one-example",
        "exam-example",
        "error-ceiling",
    ),
    "losses": (
        "gradient-bound-logits",
        "gradient-bound-weights",
        "no-lower-bound",
        "quadratic-gradient-stays",
        "sign-retention",
        "norms",
        "pac-gap",
    ),
    "skips": (
        "lemma-2-1",
        "full-rank-features",
        "valley-path",
        "bad-valley",
        "zero-error-continuum",
        "depth-150",
        "loss-surface-two-hidden",
        "random-features",
    ),
    "minima": (
        "zero-at-differentiable-minima",
        "flat-channel",
        "permutation-saddle",
        "large-batch-sharpness",
        "identify-weights",
        "self-play-tuning",
    ),
    "convexity": (
        "convex-in-logits",
        "convex-in-weights",
        "hessian-indefinite",
        "permutation-invariance",
        "softmax-regression-convex",
        "linear-net-convex",
        "same-function",
    ),
}
CLAIM_IDS: Final = tuple(claim_id for ids in BY_SOURCE.values() for claim_id in ids)


def load_claim(claim_id: str) -> Claim:
    """Return a claim by its id; raises ValueError naming the ids there are."""
    for source_key, ids in BY_SOURCE.items():
        if claim_id in ids:
            name = claim_id.replace("-", "_")
            claim: Claim = import_module(f"engine.claims.{source_key}.{name}").CLAIM
            return claim
    raise ValueError(f"{claim_id!r} is no claim; the claims are {', '.join(CLAIM_IDS)}.")
