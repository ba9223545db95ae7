"""error-ceiling: are there ever more mistakes than floor(N loss / ln 2)?"""

from __future__ import annotations

import numpy as np

from engine.bounds import error_ceiling
from engine.claims.claim import Answer
from engine.monitors.monitor import CheapMonitor, Reading
from engine.snapshot import Snapshot


class ErrorCeiling(CheapMonitor):
    """Keeps the least room between ceiling and mistakes over all steps; reads each step once."""

    claim_id = "error-ceiling"

    def __init__(self) -> None:
        self._run: tuple[int, int] = (-1, -1)
        self._forget()

    def read(self, snapshot: Snapshot) -> Reading:
        """Return the least room so far."""
        if snapshot.net.loss_name != "cross_entropy":
            return Reading(Answer.NOT_APPLICABLE, "The ceiling is for the cross-entropy only.")
        run = snapshot.run_id, snapshot.generation
        if run != self._run or snapshot.history.n_entries < self._n_read:
            self._run = run
            self._forget()
        self._read_on(snapshot)
        answer = Answer.HOLDS if self._room >= 0 else Answer.VIOLATED
        return Reading(answer, f"Least room {self._room:,} mistakes, at step {self._step:,}.", self._step)

    def _forget(self) -> None:
        self._n_read, self._room, self._step = 0, np.iinfo(np.int64).max, 0

    def _read_on(self, snapshot: Snapshot) -> None:
        loss = snapshot.history["loss"][self._n_read :]
        if not len(loss):
            return
        ceiling = error_ceiling(loss, snapshot.data.n_samples).astype(np.int64)
        room = ceiling - snapshot.history["n_errors"][self._n_read :]
        tightest = int(room.argmin())
        if room[tightest] < self._room:
            self._room, self._step = int(room[tightest]), self._n_read + tightest
        self._n_read += len(loss)
