"""hessian-indefinite: has the Hessian eigenvalues on both sides of 0?"""

from __future__ import annotations

from collections.abc import Generator

from engine.claims.claim import Answer
from engine.curvature import extreme_eigenpairs
from engine.monitors.monitor import Monitor, Reading
from engine.snapshot import Snapshot

_SURE = 1e-6  # an eigenvalue counts as other than 0 above this share of the largest in size
_MOST_WORK = 2.0e8  # samples times parameters, for a product; the eigenpairs of a larger net take minutes


class HessianIndefinite(Monitor):
    """Computes the extreme eigenvalues, and compares the largest with 2 / rate in passing."""

    claim_id = "hessian-indefinite"
    is_costly = True

    def work(self, snapshot: Snapshot) -> Generator[tuple[float, Reading | None], None, None]:
        """Yield the extreme eigenvalues; see Monitor."""
        if snapshot.data.n_samples * snapshot.net.n_params > _MOST_WORK:
            yield 1.0, Reading(Answer.UNDECIDED, "The network is too large to follow its Hessian.")
            return
        yield 0.1, None
        try:
            pairs = extreme_eigenpairs(snapshot.net, snapshot.data, snapshot.theta, tolerance=1e-6)
        except ArithmeticError as error:
            yield 1.0, Reading(Answer.UNDECIDED, str(error), snapshot.n_steps)
            return
        low, high = float(pairs.smallest[0]), float(pairs.largest[0])
        size = _SURE * max(abs(low), abs(high))
        is_indefinite = low < -size and high > size
        line = (
            f"At step {snapshot.n_steps:,} the eigenvalues go from {low:.4g} to {high:.4g}; "
            f"2 / rate is {2.0 / snapshot.learning_rate:.4g}."
        )
        answer = Answer.HOLDS if is_indefinite else Answer.VIOLATED
        yield 1.0, Reading(answer, line, snapshot.n_steps)
