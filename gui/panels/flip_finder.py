"""FlipFinder: the exact step of a flip between two moments, looked for beside training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.jobs import Job, JobRunner
from engine.snapshot import Point, Snapshot

if TYPE_CHECKING:  # the kernels come with it
    from engine.replay import Flip

_Question = tuple[Point, Point, int]
_MOST_KEPT: Final = 64


class FlipFinder:
    """Asks for one flip at a time and remembers the answers.

    Attributes:
        problem: why the newest one cannot be found, one sentence, or "".
    """

    def __init__(self, jobs: JobRunner) -> None:
        self._jobs = jobs
        self._job: Job | None = None
        self._question: _Question | None = None
        self._found: dict[_Question, Flip] = {}
        self.problem = ""

    @property
    def is_looking(self) -> bool:
        """Whether a flip is being looked for."""
        return self._job is not None

    def flip(self, before: Point, after: Point, sample: int) -> Flip | None:
        """Return the newest flip of a sample between two moments, if it is known."""
        return self._found.get((before, after, sample))

    def ask(self, snapshot: Snapshot, before: Point, after: Point, sample: int) -> None:
        """Look for a flip; what is looked for already, and what could not be found, is not asked again."""
        question = before, after, sample
        if question == self._question or question in self._found:
            return
        self.cancel()
        self._question = question

        def work() -> object:
            from engine.replay import iter_flip

            return iter_flip(snapshot, *question)

        self._job = self._jobs.submit(work, snapshot.generation)  # type: ignore[arg-type]

    def poll(self) -> bool:
        """Take the answer if it has come; return whether there is news."""
        if self._job is None or not self._job.latest.finished:
            return False
        progress, self._job = self._job.latest, None
        self.problem = progress.error
        if self._question is not None and progress.result is not None and not progress.error:
            self._found[self._question] = progress.result
            while len(self._found) > _MOST_KEPT:
                del self._found[next(iter(self._found))]
        return True

    def cancel(self) -> None:
        """Look no further."""
        if self._job is not None:
            self._job.cancel()
        self._job = self._question = None
        self.problem = ""

    def forget(self) -> None:
        """Drop everything: the run is another one."""
        self.cancel()
        self._found = {}
