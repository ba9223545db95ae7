"""The claims that can be hunted; the hunt of each is in a file of its name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # it comes with numpy
    from engine.hunt.search import Hunt

HUNT_IDS: Final = (
    "errors-never-rise",
    "errors-never-rise-one-example",
    "gradient-bound-weights",
    "sign-retention",
    "convex-in-weights",
)


def load_hunt(claim_id: str) -> Hunt:
    """Return the hunt for witnesses against a claim; raises ValueError naming the claims that have one."""
    if claim_id not in HUNT_IDS:
        raise ValueError(f"{claim_id!r} cannot be hunted; these claims can: {', '.join(HUNT_IDS)}.")
    hunt: Hunt = import_module(f"engine.hunt.{claim_id.replace('-', '_')}").HUNT
    return hunt
