"""softmax-regression-convex: without a hidden layer, is the Hessian positive semi-definite?"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from engine.claims.claim import Answer
from engine.curvature.hessian import dense_hessian
from engine.monitors.monitor import Monitor, Reading
from engine.snapshot import Snapshot

_ROUNDING = 1e-12  # of the largest eigenvalue
_MOST_PARAMS = 1000  # the whole matrix is decomposed, for its least eigenvalue is 0


class SoftmaxRegressionConvex(Monitor):
    """Computes the least eigenvalue where there is no hidden layer."""

    claim_id = "softmax-regression-convex"
    is_costly = True

    def work(self, snapshot: Snapshot) -> Generator[tuple[float, Reading | None], None, None]:
        """Yield the least eigenvalue; see Monitor."""
        net = snapshot.net
        if net.n_hidden or net.loss_name != "cross_entropy":
            yield 1.0, Reading(Answer.NOT_APPLICABLE, "There is a hidden layer, or the loss is another.")
            return
        if net.n_params > _MOST_PARAMS:
            yield 1.0, Reading(Answer.UNDECIDED, "The network is too large to follow its Hessian.")
            return
        yield 0.1, None
        values = np.linalg.eigvalsh(dense_hessian(net, snapshot.data, snapshot.theta))
        low, high = float(values[0]), float(values[-1])
        answer = Answer.HOLDS if low >= -_ROUNDING * high else Answer.VIOLATED
        yield (
            1.0,
            Reading(
                answer,
                f"At step {snapshot.n_steps:,} the eigenvalues go from {low:.2g} to {high:.4g}.",
                snapshot.n_steps,
            ),
        )
