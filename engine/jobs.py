"""Slow answers beside training: partial results, progress, cancelling, and nobody waits for a stale one."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import threading
import traceback
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

_NICE: Final = 10
"""With it a job that meets the engine on a core gets a tenth of it. On two cores training with six panels kept
0.79 to 0.88 of its speed without, and 0.95 with; at 19, or as an idle thread, a job starves beside a busy program."""

JobFunction = Callable[[], Generator[tuple[float, Any], None, None]]
"""A generator function that yields (share done 0..1, result so far); it may be stopped at any yield."""


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """How a job stands.

    Attributes:
        done: share of the work done, 0..1.
        result: the newest partial result (frozen), None before the first.
        error: one sentence when the job failed, else "".
        finished: whether nothing more will come.
    """

    done: float
    result: Any
    error: str
    finished: bool


@dataclass(slots=True, eq=False)
class Job:
    """One piece of work that is under way; `latest` is read by whoever asked, at its own pace.

    Attributes:
        number: grows with every job of a runner, so that an answer to an older question can be told.
        generation: the generation of the run in which the question was asked.
    """

    number: int
    generation: int
    latest: Progress = field(default_factory=lambda: Progress(0.0, None, "", False))
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Ask the job to stop at its next partial result."""
        self._cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked it to stop."""
        return self._cancelled.is_set()


class JobRunner:
    """Runs jobs one after another in one thread of its own, beside the engine's."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="lossoscope-job", initializer=_step_back)
        self._numbers = itertools.count(1)
        self._open: list[Job] = []
        self._beside: list[JobRunner] = []
        self._is_stopped = False

    def beside(self) -> JobRunner:
        """Return a new runner with a thread of its own, for what takes minutes; it is stopped with this one."""
        self._beside.append(JobRunner())
        return self._beside[-1]

    def submit(self, function: JobFunction, generation: int) -> Job:
        """Start function in the background and return its Job; `Job.latest` follows it."""
        job = Job(next(self._numbers), generation)
        if self._is_stopped:
            job.latest = Progress(0.0, None, "The program is closing.", True)
            return job
        self._open = [other for other in self._open if not other.latest.finished]
        self._open.append(job)
        self._pool.submit(_follow, job, function)
        return job

    @property
    def is_busy(self) -> bool:
        """Whether any job is under way or waits."""
        return any(not job.latest.finished for job in self._open)

    def stop(self) -> None:
        """Cancel everything and wait for the thread to end; what is submitted later fails at once."""
        self._is_stopped = True
        for job in self._open:
            job.cancel()
        for other in self._beside:
            other.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for job in self._open:  # those that waited have not been told
            job.latest = Progress(job.latest.done, job.latest.result, job.latest.error, True)


def _step_back() -> None:
    """Let the engine and the window go first where cores are few; only Linux has priorities for threads."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def _follow(job: Job, function: JobFunction) -> None:
    try:
        if not job.is_cancelled:
            _run(job, function)
        job.latest = Progress(job.latest.done, job.latest.result, "", True)
    except Exception as error:  # shown in the panel that asked
        if not isinstance(error, ValueError):  # those are sentences for the person who asked
            traceback.print_exception(error)
        sentence = str(error) or type(error).__name__
        job.latest = Progress(job.latest.done, job.latest.result, sentence, True)


def _run(job: Job, function: JobFunction) -> None:
    with contextlib.closing(function()) as answers:  # so that a cancelled job cleans up behind itself
        for done, result in answers:
            job.latest = Progress(done, result, "", False)
            if job.is_cancelled:
                return
