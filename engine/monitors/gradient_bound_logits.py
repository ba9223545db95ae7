"""gradient-bound-logits: is the quadratic loss's gradient at the logits at most half the cross-entropy's?"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from engine.claims.claim import Answer
from engine.disparities import per_example
from engine.monitors.monitor import Monitor, Reading
from engine.snapshot import Snapshot

_ROUNDING = 1.0 + 1e-12


class GradientBoundLogits(Monitor):
    """Looks at every example's two gradients."""

    claim_id = "gradient-bound-logits"
    is_costly = True

    def work(self, snapshot: Snapshot) -> Generator[tuple[float, Reading | None], None, None]:
        """Yield the largest ratio; see Monitor."""
        if snapshot.net.loss_name == "squared":
            yield 1.0, Reading(Answer.NOT_APPLICABLE, "There is no softmax.")
            return
        examples = per_example(snapshot.net, snapshot.data, snapshot.theta)
        defined = examples.u_cross_entropy > 0.0
        ratio = np.divide(
            examples.u_quadratic, examples.u_cross_entropy, out=np.zeros(len(defined)), where=defined
        )
        yield 1.0, _reading(ratio, 0.5, snapshot.n_steps)


def _reading(ratio: np.ndarray, bound: float, step: int) -> Reading:
    worst = int(ratio.argmax())
    answer = Answer.HOLDS if ratio[worst] <= bound * _ROUNDING else Answer.VIOLATED
    line = f"Largest ratio of {len(ratio):,} examples {ratio[worst]:.4g}, of example {worst:,}."
    return Reading(answer, line, step)
