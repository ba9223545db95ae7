"""descent: does the loss fall on every step of a full-batch run?"""

from __future__ import annotations

from engine.claims.claim import Answer
from engine.monitors.monitor import CheapMonitor, Reading, of_rises
from engine.snapshot import Snapshot


class Descent(CheapMonitor):
    """Counts the steps that raised the loss."""

    claim_id = "descent"

    def read(self, snapshot: Snapshot) -> Reading:
        """Return the count; mini-batches have a claim of their own."""
        if snapshot.batch_sizes != {None}:
            return Reading(Answer.NOT_APPLICABLE, "The steps use mini-batches.")
        return of_rises(snapshot.history.loss_rises, snapshot.history, "The loss rose")
