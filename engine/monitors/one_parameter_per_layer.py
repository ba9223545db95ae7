"""one-parameter-per-layer: do equal units leave one number to learn in each layer?"""

from __future__ import annotations

import numpy as np

from engine.claims.claim import Answer
from engine.monitors.monitor import CheapMonitor, Reading
from engine.snapshot import Snapshot


class OneParameterPerLayer(CheapMonitor):
    """Counts the different values of the gradient by each layer's weights while all units are equal."""

    claim_id = "one-parameter-per-layer"

    def read(self, snapshot: Snapshot) -> Reading:
        """Return the counts; they say something of equal units only."""
        if snapshot.net.n_hidden == 0 or max(snapshot.net.layer_sizes[1:-1]) < 2:
            return Reading(Answer.NOT_APPLICABLE, "No layer has two hidden units.")
        if snapshot.history["symmetry_spread"][-1] != 0.0:
            return Reading(Answer.NOT_APPLICABLE, "The hidden units differ.")
        counts = [len(np.unique(weights)) for weights, _ in snapshot.net.layers(snapshot.gradient)]
        answer = Answer.HOLDS if max(counts) == 1 else Answer.VIOLATED
        words = ", ".join(f"{count:,}" for count in counts)
        return Reading(
            answer, f"Different values of the gradient, layer by layer: {words}.", snapshot.n_steps
        )
