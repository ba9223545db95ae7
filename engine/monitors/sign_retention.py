"""sign-retention: do the gradients of the two losses have the same signs?"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from engine.claims.claim import Answer
from engine.disparities import with_loss
from engine.monitors.monitor import Monitor, Reading
from engine.snapshot import Snapshot


class SignRetention(Monitor):
    """Counts the parameters by which the two gradients differ in sign, and measures the angle between them."""

    claim_id = "sign-retention"
    is_costly = True

    def work(self, snapshot: Snapshot) -> Generator[tuple[float, Reading | None], None, None]:
        """Yield the count and the cosine; see Monitor."""
        if snapshot.net.loss_name == "squared":
            yield 1.0, Reading(Answer.NOT_APPLICABLE, "There is no softmax.")
            return
        gradients = []
        for number, loss in enumerate(("quadratic", "cross_entropy")):
            gradients.append(with_loss(snapshot.net, loss).gradient(snapshot.theta, snapshot.data))
            yield 0.5 * (number + 1) - 0.1, None
        first, second = gradients
        lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
        cosine = float(first @ second) / lengths if lengths > 0.0 else 0.0
        n_other = int((first * second < 0.0).sum())
        answer = Answer.VIOLATED if n_other else Answer.HOLDS
        line = f"{n_other:,} of {len(first):,} parameters have other signs; the cosine is {cosine:.4g}."
        yield 1.0, Reading(answer, line, snapshot.n_steps)
