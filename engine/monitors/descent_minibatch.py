"""descent-minibatch: does the full loss fall on every mini-batch step?"""

from __future__ import annotations

from engine.claims.claim import Answer
from engine.monitors.monitor import CheapMonitor, Reading, of_rises
from engine.snapshot import Snapshot


class DescentMinibatch(CheapMonitor):
    """Counts the mini-batch steps that raised the loss of the full data set."""

    claim_id = "descent-minibatch"

    def read(self, snapshot: Snapshot) -> Reading:
        """Return the count; full-batch runs have a claim of their own."""
        if snapshot.batch_sizes == {None}:
            return Reading(Answer.NOT_APPLICABLE, "Every step uses the full batch.")
        rises = snapshot.history.loss_rises
        if None in snapshot.batch_sizes:
            rises = rises[snapshot.takes_mini_batches(1, snapshot.n_steps)[rises - 1]]
        return of_rises(rises, snapshot.history, "The full loss rose")
