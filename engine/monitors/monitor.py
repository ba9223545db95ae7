"""What a monitor is, and what it reads off a run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar

from engine.claims.claim import Answer
from engine.history import HistoryView
from engine.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Reading:
    """What a claim comes to on a run so far.

    Attributes:
        answer: None while nothing can be said.
        line: one line of plain words, with the numbers.
        step: the step that shows it best, to look at; None where all steps are alike.
    """

    answer: Answer | None
    line: str
    step: int | None = None


WAITING = Reading(None, "No step yet.")


class Monitor:
    """Follows runs for one claim.

    A cheap one reads every snapshot in passing; it may keep what it has read, for a run only grows until its
    generation changes. A costly one (`is_costly`) is asked beside training, at its own pace.

    Class attributes:
        claim_id: the claim that is judged.
        is_costly: whether to ask `work` in the background instead of `read`.
    """

    claim_id: ClassVar[str]
    is_costly: ClassVar[bool] = False

    def read(self, snapshot: Snapshot) -> Reading:
        """Return what the claim comes to at a snapshot; for cheap monitors."""
        return finished(self.work(snapshot))

    @abstractmethod
    def work(self, snapshot: Snapshot) -> Generator[tuple[float, Reading | None], None, None]:
        """Yield (share done, reading or None), the reading last; may be closed at any time."""


class CheapMonitor(Monitor):
    """A monitor whose reading costs next to nothing."""

    @abstractmethod
    def read(self, snapshot: Snapshot) -> Reading:
        """Return what the claim comes to at a snapshot."""

    def work(self, snapshot: Snapshot) -> Generator[tuple[float, Reading | None], None, None]:
        """Yield the reading at once."""
        yield 1.0, self.read(snapshot)


def finished(answers: Generator[tuple[float, Reading | None], None, None]) -> Reading:
    """Return the last reading."""
    from engine.answers import final

    return final(answers)


def of_rises(steps: object, history: HistoryView, what: str) -> Reading:
    """Return the reading of a claim that something never rises; steps (n,) are those on which it did."""
    rises = list(steps[:1]) + list(steps[-1:])  # type: ignore[index]
    n_rises, n_steps = len(steps), history.n_entries - 1  # type: ignore[arg-type]
    if not n_steps:
        return WAITING
    if not n_rises:
        return Reading(Answer.HOLDS, f"{what} on none of {n_steps:,} steps.")
    where = f"first on step {rises[0]:,}, last on step {rises[-1]:,}"
    return Reading(Answer.VIOLATED, f"{what} on {n_rises:,} of {n_steps:,} steps, {where}.", int(rises[0]))
