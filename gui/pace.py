"""Pace: lets the expensive part of a panel be drawn a few times a second, and never loses the last picture.

For a panel that is expensive as a whole there is `Panel.interval_s`.
"""

from __future__ import annotations

import time
from typing import Final

from engine.snapshot import Snapshot, State

INTERVAL_S: Final = 0.125


class Pace:
    """Says when a snapshot is due to be drawn: a step of the same run after an interval, all else at once.

    A panel asks in `draw` with the new snapshot and in `poll` with the newest; what was put off is due then.
    """

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._drawn: Snapshot | None = None
        self._drawn_at = -float("inf")

    def forget(self) -> None:
        """Make the next snapshot due at once, even one that was drawn: colours or choices have changed."""
        self._drawn = None

    def is_due(self, snapshot: Snapshot | None) -> bool:
        """Return whether to draw snapshot now; if so it counts as drawn."""
        if snapshot is None or snapshot is self._drawn:
            return False
        now = time.monotonic()
        drawn = self._drawn
        is_step = drawn is not None and drawn.generation == snapshot.generation
        if is_step and snapshot.state is State.RUNNING and now - self._drawn_at < self._interval_s:
            return False
        self._drawn, self._drawn_at = snapshot, now
        return True
