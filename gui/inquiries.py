"""Inquiry: a question about one moment of a run, answered by a job beside training."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

from engine.jobs import Job, JobRunner, Progress
from engine.snapshot import Snapshot

IsCancelled = Callable[[], bool]
Work = Callable[[Snapshot, IsCancelled], Generator[tuple[float, Any], None, None]]
"""Yields (share done, answer so far); may raise InterruptedError once is_cancelled says so."""


class Inquiry:
    """A question that is under way.

    Attributes:
        snapshot: the moment that it is about.
        asked_at_s: when it was asked, by `time.perf_counter`.
    """

    def __init__(self, jobs: JobRunner, work: Work, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.asked_at_s = time.perf_counter()
        self._work = work
        self._is_cancelled = False
        self._job: Job = jobs.submit(self._answers, snapshot.generation)

    @property
    def latest(self) -> Progress:
        """How it stands."""
        return self._job.latest

    @property
    def seconds(self) -> float:
        """How long ago it was asked."""
        return time.perf_counter() - self.asked_at_s

    def cancel(self) -> None:
        """Ask it to stop, at the next product if not at the next answer."""
        self._is_cancelled = True
        self._job.cancel()

    def is_cancelled(self) -> bool:
        """Return whether somebody asked it to stop; the runner does when the program closes."""
        job: Job | None = getattr(self, "_job", None)  # the work may begin before submit returns
        return self._is_cancelled or (job is not None and job.is_cancelled)

    def _answers(self) -> Generator[tuple[float, Any], None, None]:
        try:
            yield from self._work(self.snapshot, self.is_cancelled)
        except InterruptedError:
            return
