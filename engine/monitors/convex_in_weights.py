"""convex-in-weights: is the loss halfway to a permuted copy at most the loss at the ends?"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from engine.claims.claim import Answer
from engine.monitors.monitor import Monitor, Reading
from engine.perturbations import perturb
from engine.snapshot import Snapshot

_ROUNDING = 1e-12


class ConvexInWeights(Monitor):
    """Looks at the middle between the present point and a copy with its hidden units in another order."""

    claim_id = "convex-in-weights"
    is_costly = True

    def work(self, snapshot: Snapshot) -> Generator[tuple[float, Reading | None], None, None]:
        """Yield both losses; a middle that is not higher refutes nothing, see Monitor."""
        net, data = snapshot.net, snapshot.data
        if net.n_hidden == 0 or max(net.layer_sizes[1:-1]) < 2 or data.noise is not None:
            yield 1.0, Reading(Answer.NOT_APPLICABLE, "No hidden units can change places.")
            return
        _, copy = perturb(net, snapshot.theta, "permute", {})
        if np.array_equal(copy, snapshot.theta):
            yield 1.0, Reading(Answer.UNDECIDED, "The permuted copy is the very same point.")
            return
        middle = net.loss(0.5 * (snapshot.theta + copy), data)
        is_hump = middle > snapshot.loss * (1.0 + _ROUNDING)
        line = f"Loss {snapshot.loss:.4g} here and at a permuted copy, {middle:.4g} halfway."
        yield 1.0, Reading(Answer.VIOLATED if is_hump else Answer.UNDECIDED, line, snapshot.n_steps)
