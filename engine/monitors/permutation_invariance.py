"""permutation-invariance: does the loss stay when hidden units change places?"""

from __future__ import annotations

from collections.abc import Generator

from engine.claims.claim import Answer
from engine.monitors.monitor import Monitor, Reading
from engine.perturbations import perturb
from engine.snapshot import Snapshot

_ROUNDING = 1e-12  # of the loss: the outputs add the units up in another order


class PermutationInvariance(Monitor):
    """Permutes the hidden units of a copy and compares the losses."""

    claim_id = "permutation-invariance"
    is_costly = True

    def work(self, snapshot: Snapshot) -> Generator[tuple[float, Reading | None], None, None]:
        """Yield the change of the loss; see Monitor."""
        net, data = snapshot.net, snapshot.data
        if net.n_hidden == 0 or max(net.layer_sizes[1:-1]) < 2:
            yield 1.0, Reading(Answer.NOT_APPLICABLE, "No layer has two hidden units.")
            return
        _, theta = perturb(net, snapshot.theta, "permute", {})
        change = net.loss(theta, data) - net.loss(snapshot.theta, data)
        answer = Answer.HOLDS if abs(change) <= _ROUNDING * max(1.0, abs(snapshot.loss)) else Answer.VIOLATED
        line = f"A permuted copy's loss differs by {change:.2g}."
        yield 1.0, Reading(answer, line, snapshot.n_steps)
