"""gradient-bound-weights: the same bound for the gradients by the weights."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from engine.claims.claim import Answer
from engine.disparities import per_example
from engine.monitors.monitor import Monitor, Reading
from engine.snapshot import Snapshot

_BOUND = 0.5 * (1.0 + 1e-12)


class GradientBoundWeights(Monitor):
    """Looks at every example's two gradients by all parameters."""

    claim_id = "gradient-bound-weights"
    is_costly = True

    def work(self, snapshot: Snapshot) -> Generator[tuple[float, Reading | None], None, None]:
        """Yield the largest ratio; see Monitor."""
        if snapshot.net.loss_name == "squared":
            yield 1.0, Reading(Answer.NOT_APPLICABLE, "There is no softmax.")
            return
        examples = per_example(snapshot.net, snapshot.data, snapshot.theta)
        theirs = examples.weights_cross_entropy
        ratio = np.divide(examples.weights_quadratic, theirs, out=np.zeros(len(theirs)), where=theirs > 0.0)
        worst, n_over = int(ratio.argmax()), int((ratio > _BOUND).sum())
        answer = Answer.VIOLATED if n_over else Answer.HOLDS
        line = (
            f"{n_over:,} of {len(ratio):,} examples above one half; the largest ratio is {ratio[worst]:.4g}."
        )
        yield 1.0, Reading(answer, line, snapshot.n_steps)
