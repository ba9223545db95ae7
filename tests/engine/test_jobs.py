"""Jobs: partial results, cancelling, errors, stopping while busy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from engine.jobs import Job, JobRunner

PATIENCE_S = 10.0


@pytest.fixture
def runner() -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    runner.stop()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        threading.Event().wait(0.001)


def finish(job: Job) -> None:
    wait_until(lambda: job.latest.finished)


class Endless:
    """A job that goes on until it is cancelled, and tells when it began and ended."""

    def __init__(self) -> None:
        self.began, self.ended = threading.Event(), threading.Event()

    def __call__(self):
        try:
            while True:
                self.began.set()
                yield 0.5, "half"
        finally:
            self.ended.set()


def test_partial_results_then_the_last(runner: JobRunner) -> None:
    go_on = threading.Event()

    def work():
        yield 0.5, "half"
        go_on.wait(PATIENCE_S)
        yield 1.0, "whole"

    job = runner.submit(work, generation=7)
    wait_until(lambda: job.latest.result == "half")
    assert (job.latest.done, job.latest.finished, job.generation) == (0.5, False, 7)
    assert runner.is_busy
    go_on.set()
    finish(job)
    assert (job.latest.done, job.latest.result, job.latest.error) == (1.0, "whole", "")
    assert not runner.is_busy


def test_numbers_grow_so_that_an_older_answer_can_be_told(runner: JobRunner) -> None:
    first, second = (runner.submit(lambda: iter_of(1), 0) for _ in range(2))
    assert second.number > first.number


def iter_of(result):
    yield 1.0, result


def test_cancel_ends_a_job_and_lets_it_clean_up(runner: JobRunner) -> None:
    work = Endless()
    job = runner.submit(work, 0)
    wait_until(work.began.is_set)
    job.cancel()
    finish(job)
    assert work.ended.is_set()
    assert (job.latest.result, job.latest.error) == ("half", "")


def test_a_job_cancelled_before_its_turn_never_begins(runner: JobRunner) -> None:
    first, second = Endless(), Endless()
    running = runner.submit(first, 0)
    waiting = runner.submit(second, 0)
    wait_until(first.began.is_set)
    waiting.cancel()
    running.cancel()
    finish(waiting)
    assert not second.began.is_set()
    assert waiting.latest.result is None


def test_a_sentence_for_the_person_who_asked(runner: JobRunner, capsys) -> None:
    def work():
        yield 0.25, "some"
        raise ValueError("Save two points first.")

    job = runner.submit(work, 0)
    finish(job)
    assert (job.latest.error, job.latest.result) == ("Save two points first.", "some")
    assert capsys.readouterr().err == ""


def test_a_fault_is_shown_and_printed_and_the_next_job_runs(runner: JobRunner, capsys) -> None:
    def work():
        raise KeyError
        yield

    job = runner.submit(work, 0)
    finish(job)
    assert job.latest.error == "KeyError"
    assert "KeyError" in capsys.readouterr().err
    after = runner.submit(lambda: iter_of("fine"), 0)
    finish(after)
    assert after.latest.result == "fine"


def test_stop_while_busy_ends_the_thread_and_what_waits() -> None:
    runner, work = JobRunner(), Endless()
    running = runner.submit(work, 0)
    waiting = runner.submit(Endless(), 0)
    wait_until(work.began.is_set)
    runner.stop()
    assert work.ended.is_set()
    assert running.latest.finished
    assert waiting.is_cancelled
    assert waiting.latest.finished
    assert not runner.is_busy
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lossoscope-job")]


def test_submit_after_stop_says_so() -> None:
    runner = JobRunner()
    runner.stop()
    job = runner.submit(lambda: iter_of(1), 0)
    assert job.latest.finished
    assert "closing" in job.latest.error
    assert not runner.is_busy
