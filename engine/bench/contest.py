"""One work, from the first start of a contestant to the medians: choose, compare, interleave."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

from engine.bench.comparison import difference
from engine.bench.entrants import MACHINE, OURS, Entrant, others, ours
from engine.bench.problem import Problem
from engine.bench.process import WorkerError, WorkerProcess
from engine.cores import usable_cores

Tell = Callable[[str], object]
Times = dict[str, list[float]]

_FEWEST_ROUNDS: Final = 5
_MOST_ROUNDS: Final = 400
_TRIAL_S: Final = 1.0  # for each way and number of threads that is tried


@dataclass(frozen=True, slots=True)
class Row:
    """How one entrant did beside ours.

    Attributes:
        peer: its name.
        way: what was its fastest way and number of threads.
        peer_s, ours_s: medians over rounds of the seconds for one unit of the work.
        problem: one clause where it could not be timed or computed something else, else "".
        is_missing: whether its library is simply not installed.
    """

    peer: str
    way: str = ""
    peer_s: float = float("nan")
    ours_s: float = float("nan")
    problem: str = ""
    is_missing: bool = False
    is_peer: bool = True

    @property
    def ratio(self) -> float:
        """How many times longer it took than ours."""
        return self.peer_s / self.ours_s


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one work: ours in seconds for one unit, a row for each other entrant, rounds timed."""

    ours_s: float
    rows: tuple[Row, ...]
    n_rounds: int


def hold(problem: Problem, seconds: float, tell: Tell) -> Outcome:
    """Time ours and every installed peer on a problem for about so many seconds of rounds.

    Raises:
        WorkerError: ours could not be timed.
    """
    with tempfile.TemporaryDirectory(prefix="lossoscope-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        path = folder / "problem.npz"
        problem.save(path)
        tell(OURS)
        entrant = ours(problem)
        own = stack.enter_context(WorkerProcess(entrant, entrant.ways[0], usable_cores(), path, folder))
        workers, rows = {OURS: own}, []
        for entrant in others(problem):
            row, worker = _enter(entrant, problem, path, folder, own, tell)
            rows.append(row)
            if worker is not None:
                workers[entrant.name] = stack.enter_context(worker)
        tell("all in turn")
        times, failures = _interleave(workers, seconds)
    finished = tuple(_finished(row, times, failures) for row in rows)
    return Outcome(median(times[OURS]), finished, len(times[OURS]))


def _enter(
    entrant: Entrant, problem: Problem, path: Path, folder: Path, own: WorkerProcess, tell: Tell
) -> tuple[Row, WorkerProcess | None]:
    """Return the row of an entrant so far, and its process if it is to be timed."""
    if not entrant.is_installed:
        return Row(entrant.name, problem="not installed", is_missing=True, is_peer=entrant.is_peer), None
    try:
        worker = _fastest(entrant, path, folder, tell)
    except WorkerError as error:
        return Row(entrant.name, problem=f"failed: {error}", is_peer=entrant.is_peer), None
    differs = difference(own.result, worker.result, len(problem.y), problem.dtype)
    if differs:
        worker.close()
        return Row(entrant.name, worker.name, problem=differs, is_peer=entrant.is_peer), None
    return Row(entrant.name, worker.name, is_peer=entrant.is_peer), worker


def _fastest(entrant: Entrant, path: Path, folder: Path, tell: Tell) -> WorkerProcess:
    """Return the process of the fastest way and number of threads; the others have ended.

    All ways are tried with the first number of threads, and only the fastest of them with the others.
    """
    best, best_s, ways = None, float("inf"), list(entrant.ways)
    failure = WorkerError("it was never tried")
    for n_threads in _thread_counts(entrant):
        for way in ways:
            tell(f"{entrant.name}: {way}, {n_threads} threads" if n_threads > 1 else f"{entrant.name}: {way}")
            try:
                worker = WorkerProcess(entrant, way, n_threads, path, folder)
                seconds = _trial(worker)
            except WorkerError as error:  # torch.compile needs a C++ compiler, which not everybody has
                failure = error
                continue
            if seconds < best_s:
                best, worker, best_s = worker, best, seconds
            if worker is not None:
                worker.close()
        if best is not None:
            ways = [best.way]
    if best is None:
        raise failure
    return best


def _thread_counts(entrant: Entrant) -> list[int]:
    """Return 1 and all cores; the machine's speed is measured on as many threads as ours has."""
    if entrant.name == MACHINE:
        return [usable_cores()]
    return sorted({1, usable_cores()})


def _trial(worker: WorkerProcess) -> float:
    started, times = time.perf_counter(), [worker.time_round()]
    while time.perf_counter() - started < _TRIAL_S:
        times.append(worker.time_round())
    return median(times)


def _interleave(workers: dict[str, WorkerProcess], seconds: float) -> tuple[Times, dict[str, str]]:
    """Return the times of each, and who failed on the way, from rounds in which everybody has one turn."""
    times: Times = {name: [] for name in workers}
    failures: dict[str, str] = {}
    started, n_rounds = time.perf_counter(), 0
    while n_rounds < _FEWEST_ROUNDS or (n_rounds < _MOST_ROUNDS and time.perf_counter() - started < seconds):
        for name in _order(list(times), n_rounds):
            try:
                times[name].append(workers[name].time_round())
            except WorkerError as error:
                if name == OURS:
                    raise
                failures[name] = f"failed: {error}"
                del times[name]
        n_rounds += 1
    return times, failures


def _order(names: list[str], number: int) -> list[str]:
    """Return the order of turns in a round: another begins each time."""
    first = number % len(names)
    return names[first:] + names[:first]


def _finished(row: Row, times: Times, failures: dict[str, str]) -> Row:
    """Return a row with its medians, or with why there are none."""
    if row.peer in times:
        return replace(row, peer_s=median(times[row.peer]), ours_s=median(times[OURS]))
    return replace(row, problem=failures.get(row.peer, row.problem))
