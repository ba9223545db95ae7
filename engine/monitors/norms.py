"""norms: are the level-1 and level-2 disparities of the outputs tied to each other?"""

from __future__ import annotations

import math
from collections.abc import Generator

from engine.claims.claim import Answer
from engine.disparities import DisparityMeter
from engine.monitors.monitor import Monitor, Reading
from engine.snapshot import Snapshot

_ROUNDING = 1.0 + 1e-12


class Norms(Monitor):
    """Compares both norms, and splits the cross-entropy into entropy and divergence."""

    claim_id = "norms"
    is_costly = True

    def __init__(self) -> None:
        self._meter: DisparityMeter | None = None

    def work(self, snapshot: Snapshot) -> Generator[tuple[float, Reading | None], None, None]:
        """Yield the three disparities; see Monitor."""
        if snapshot.net.loss_name == "squared":
            yield 1.0, Reading(Answer.NOT_APPLICABLE, "There is no softmax.")
            return
        found = self._meter_for(snapshot).measure(snapshot.theta)
        widest = math.sqrt(snapshot.net.n_outputs) * found.l2 * _ROUNDING
        is_tied = found.l2 <= found.l1 * _ROUNDING and found.l1 <= widest
        line = (
            f"Level 2 {found.l2:.4g}, level 1 {found.l1:.4g}, at most {widest:.4g}; cross-entropy "
            f"{found.cross_entropy:.4g} nats, {found.cross_entropy_bits:.4g} bits."
        )
        yield 1.0, Reading(Answer.HOLDS if is_tied else Answer.VIOLATED, line, snapshot.n_steps)

    def _meter_for(self, snapshot: Snapshot) -> DisparityMeter:
        """Return the meter of the run, kept from one look to the next: it knows of the data what never changes."""
        kept = self._meter
        if kept is None or kept.net is not snapshot.net or kept.data is not snapshot.data:
            self._meter = kept = DisparityMeter(snapshot.net, snapshot.data)
        return kept
