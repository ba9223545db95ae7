"""Findings: what was found at single steps of a run, and whether the run still goes through them."""

from __future__ import annotations

from typing import Generic, TypeVar

from engine.history import HistoryView
from engine.snapshot import Snapshot

Found = TypeVar("Found")


class Findings(Generic[Found]):
    """Values found at steps of a run, one a step.

    A run can be reset, taken back, or started anew at another rate while nobody looks. A finding counts as one
    of this run when the history has, at its step, the very loss that the point had at which it was found:
    other parameters do not give the same bits.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, Found]] = {}

    def add(self, snapshot: Snapshot, found: Found) -> None:
        """Keep what was found at a snapshot; it replaces what was found at the same step."""
        self._known[snapshot.n_steps] = (snapshot.loss, found)
        self._known = dict(sorted(self._known.items()))

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()

    def keep_those_of(self, history: HistoryView) -> None:
        """Forget what was found at points that this history does not go through."""
        self._known = {
            step: (loss, found)
            for step, (loss, found) in self._known.items()
            if _goes_through(history, step, loss)
        }

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._known)

    @property
    def steps(self) -> list[int]:
        """The steps, ascending."""
        return list(self._known)

    @property
    def values(self) -> list[Found]:
        """What was found, in the order of `steps`."""
        return [found for _, found in self._known.values()]

    def nearest(self, step: float) -> tuple[int, Found] | None:
        """Return the step nearest to this one and what was found there, or None where nothing was."""
        if not self._known:
            return None
        at = min(self._known, key=lambda known: abs(known - step))
        return at, self._known[at][1]


def _goes_through(history: HistoryView, step: int, loss: float) -> bool:
    if step >= history.n_entries:
        return False
    if float(history["loss"][step]) == loss:
        return True
    return any(jump.step == step and jump.loss_after == loss for jump in history.jumps)
