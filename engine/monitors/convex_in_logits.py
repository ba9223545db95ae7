"""convex-in-logits: is the Hessian of each sample's cross-entropy by its outputs positive semi-definite?"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from engine.activity import probabilities
from engine.claims.claim import Answer
from engine.monitors.monitor import Monitor, Reading
from engine.snapshot import Snapshot

_ROUNDING = 1e-14
_MOST_SAMPLES = 2048


class ConvexInLogits(Monitor):
    """Computes the least eigenvalue of diag p - p pT over the samples."""

    claim_id = "convex-in-logits"
    is_costly = True

    def work(self, snapshot: Snapshot) -> Generator[tuple[float, Reading | None], None, None]:
        """Yield the least eigenvalue of the first samples; see Monitor."""
        if snapshot.net.loss_name == "squared":
            yield 1.0, Reading(Answer.NOT_APPLICABLE, "There is no softmax.")
            return
        yield 0.1, None
        data = snapshot.data.first(min(_MOST_SAMPLES, snapshot.data.n_samples))
        p = probabilities(snapshot.net.logits(snapshot.theta, data.x))
        hessians = np.eye(p.shape[1]) * p[:, None, :] - p[:, :, None] * p[:, None, :]
        least = float(np.linalg.eigvalsh(hessians)[:, 0].min())
        answer = Answer.HOLDS if least >= -_ROUNDING else Answer.VIOLATED
        line = f"Least eigenvalue by the outputs of {len(p):,} samples: {least:.2g}."
        yield 1.0, Reading(answer, line, snapshot.n_steps)
