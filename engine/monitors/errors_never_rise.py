"""errors-never-rise: do the mistakes ever rise on a step on which the loss falls?"""

from __future__ import annotations

from engine.monitors.monitor import CheapMonitor, Reading, of_rises
from engine.snapshot import Snapshot


class ErrorsNeverRise(CheapMonitor):
    """Counts the steps on which the mistakes rose while the loss fell."""

    claim_id = "errors-never-rise"

    def read(self, snapshot: Snapshot) -> Reading:
        """Return the count."""
        return of_rises(snapshot.history.error_rises, snapshot.history, "The mistakes rose as the loss fell")
