"""lemma-2-1: is there no mistake once the mean loss is below ln 2 / N?"""

from __future__ import annotations

import math

from engine.claims.claim import Answer
from engine.monitors.monitor import CheapMonitor, Reading
from engine.snapshot import Snapshot


class Lemma21(CheapMonitor):
    """Compares the loss with ln 2 / N, and looks at the mistakes where it is below."""

    claim_id = "lemma-2-1"

    def read(self, snapshot: Snapshot) -> Reading:
        """Return what the lemma says at this step."""
        if snapshot.net.loss_name != "cross_entropy":
            return Reading(Answer.NOT_APPLICABLE, "The lemma is for the cross-entropy only.")
        threshold = math.log(2.0) / snapshot.data.n_samples
        if snapshot.loss >= threshold:
            return Reading(
                Answer.NOT_APPLICABLE,
                f"The loss {snapshot.loss:.4g} is not below ln 2 / N = {threshold:.4g}.",
            )
        answer = Answer.HOLDS if snapshot.n_errors == 0 else Answer.VIOLATED
        return Reading(
            answer, f"Loss {snapshot.loss:.4g} below {threshold:.4g}, and {snapshot.n_errors:,} mistakes."
        )
