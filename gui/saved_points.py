"""Points of a run that somebody keeps for the landscape: what the next one is called."""

from __future__ import annotations

from engine.commands import SavePoint
from engine.snapshot import Snapshot


def keep_next(snapshot: Snapshot) -> SavePoint:
    """Return the command that keeps the present point under the next free number."""
    return SavePoint(f"point {len(snapshot.saved) + 1}")
