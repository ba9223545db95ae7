"""symmetry-stays: do hidden units that start equal stay equal to the last bit?"""

from __future__ import annotations

from engine.claims.claim import Answer
from engine.monitors.monitor import CheapMonitor, Reading
from engine.snapshot import Snapshot


class SymmetryStays(CheapMonitor):
    """Looks for the first step after the start, or after the last kick, that tells equal units apart."""

    claim_id = "symmetry-stays"

    def read(self, snapshot: Snapshot) -> Reading:
        """Return whether they are equal still, or the step at which rounding parted them."""
        if snapshot.net.n_hidden == 0 or max(snapshot.net.layer_sizes[1:-1]) < 2:
            return Reading(Answer.NOT_APPLICABLE, "No layer has two hidden units.")
        history = snapshot.history
        if history["symmetry_spread"][0] != 0.0:
            return Reading(Answer.NOT_APPLICABLE, "The hidden units differ from the start.")
        step = history.first_above("symmetry_spread", 0.0)
        if step is None:
            return Reading(Answer.HOLDS, f"Identical to the last bit for {snapshot.n_steps:,} steps.")
        size = history["symmetry_spread"][step]
        kicks = [jump for jump in history.jumps if jump.step < step]
        if kicks:
            return Reading(
                Answer.NOT_APPLICABLE,
                f"A kick ({kicks[-1].name}) parted them before step {step:,}; the spread was {size:.3g} then.",
                step,
            )
        return Reading(Answer.VIOLATED, f"Broken by rounding at step {step:,}, size {size:.3g}.", step)
