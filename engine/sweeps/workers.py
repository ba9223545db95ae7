"""Who runs the batches of a sweep: processes on this machine, or a Dask cluster, both by way of joblib."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from engine.sweeps.batches import Batch, Batches
from engine.sweeps.cell import Row, run_batch
from engine.sweeps.program import check_program, program
from engine.sweeps.worker import ENVIRONMENT, prepare

if TYPE_CHECKING:
    from joblib.externals.loky import ProcessPoolExecutor

_IN_FLIGHT: Final = 2  # batches a worker: the next is there when one is done
_LOOK_S: Final = 0.1  # between two looks at whether somebody has cancelled
_CONNECT_S: Final = 15.0
_LONGEST: Final = 200  # characters of what a worker says
LOCAL_BATCH_S: Final = 0.5
_SCHEDULER_BATCHES_A_S: Final = 50  # a scheduler and two workers on one machine managed 175


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back of a batch.

    Attributes:
        cells: of the batch.
        rows: their results; None where the worker died.
        is_guilty: whether the worker died with this batch in its hands, and not with the one before.
    """

    cells: Batch
    rows: list[Row] | None
    is_guilty: bool = False


class Crew:
    """Worker processes on this machine.

    Each has an executor of its own (loky, which comes with joblib): one that dies takes nobody with it. In an
    executor of many, loky ends all when one dies.

    Args:
        n_workers: how many.
        is_polite: whether they let everything else on the machine go first.
    """

    def __init__(self, n_workers: int, is_polite: bool = False) -> None:
        self.n_workers = n_workers
        self.batch_s = LOCAL_BATCH_S
        self._is_polite = is_polite

    def outcomes(
        self, batches: Batches, text: str, is_cancelled: Callable[[], bool]
    ) -> Generator[Outcome, None, None]:
        """Yield what comes back of each batch, as it comes; text is the sweep's."""
        slots = [_Slot(self._executor) for _ in range(min(self.n_workers, batches.n_left))]
        try:
            while not is_cancelled():
                for slot in slots:
                    slot.fill(batches, text)
                waiting = [future for slot in slots for future, _ in slot.waiting]
                if not waiting:
                    return
                wait(waiting, _LOOK_S, FIRST_COMPLETED)
                for slot in slots:
                    yield from slot.collect()
        finally:
            for slot in slots:
                slot.end()

    def _executor(self) -> ProcessPoolExecutor:
        from joblib.externals.loky import ProcessPoolExecutor

        return ProcessPoolExecutor(
            max_workers=1, initializer=prepare, initargs=(self._is_polite, os.getpid()), env=ENVIRONMENT
        )


class _Slot:
    """One worker, the one that takes its place when it dies, and the batches they have."""

    def __init__(self, make: Callable[[], ProcessPoolExecutor]) -> None:
        self._make = make
        self._executor = make()
        self.waiting: list[tuple[Future[list[Row]], Batch]] = []

    def fill(self, batches: Batches, text: str) -> None:
        while len(self.waiting) < _IN_FLIGHT and (cells := batches.take()):
            try:
                future = self._executor.submit(run_batch, text, cells)
            except BrokenProcessPool:  # it has died just now: what it had says so at the next look
                batches.put_back(cells)
                self._replace_if_idle()
                return
            self.waiting.append((future, cells))

    def collect(self) -> Iterator[Outcome]:
        while self.waiting and self.waiting[0][0].done():
            future, cells = self.waiting.pop(0)
            if isinstance(future.exception(), BrokenProcessPool):
                lost = [cells, *(later for _, later in self.waiting)]
                self.waiting.clear()
                self._replace_if_idle()
                yield from (Outcome(one, None, is_guilty=one is cells) for one in lost)
            else:
                yield Outcome(cells, future.result())

    def _replace_if_idle(self) -> None:
        if not self.waiting:
            self.end()
            self._executor = self._make()

    def end(self) -> None:
        self._executor.shutdown(wait=True, kill_workers=True)


class Cluster:
    """The workers of a Dask cluster.

    Dask itself gives the batches of a worker that died to another.

    Raises:
        ValueError: one sentence, where Dask is not installed, nobody answers, there is no worker, or one has
            another version of this program or of the packages that compute. A worker that comes later and has
            one ends the sweep.
    """

    def __init__(self, address: str) -> None:
        self._client = _client(address)
        try:
            self.n_workers = sum(self._client.ncores().values())
            if not self.n_workers:
                raise ValueError(
                    f"--scheduler must be that of a cluster with workers, and {address} has none."
                )
            _check_workers(self._client)
        except BaseException:
            self._client.close()
            raise
        self.batch_s = max(LOCAL_BATCH_S, self.n_workers / _SCHEDULER_BATCHES_A_S)

    def outcomes(
        self, batches: Batches, text: str, is_cancelled: Callable[[], bool]
    ) -> Generator[Outcome, None, None]:
        """Yield what comes back of each batch, as it comes; text is the sweep's."""
        from joblib import Parallel, delayed, parallel_config

        def calls() -> Iterator[Any]:
            while not is_cancelled() and (cells := batches.take()):
                yield delayed(_run)(text, cells, program())

        try:
            with parallel_config("dask", client=self._client):
                found = Parallel(n_jobs=-1, batch_size=1, return_as="generator_unordered")(calls())
            for outcome in found:
                yield outcome
                if is_cancelled():
                    found.close()
                    return
        finally:
            self._client.close()


def _run(text: str, cells: Batch, here: str) -> Outcome:
    check_program(here)
    return Outcome(cells, run_batch(text, cells))


def _check_workers(client: Any) -> None:
    """Raise ValueError with one sentence unless every worker runs the same program as this process."""
    answers = client.run(program, on_error="return")
    for worker, answer in sorted(answers.items()):
        if answer == program():
            continue
        has = f"has {answer}" if isinstance(answer, str) else f"cannot load it ({_words(answer)})"
        raise ValueError(
            f"--scheduler must be that of a cluster whose workers have this very program, {program()}, "
            f"and the worker {worker} {has}."
        )


def _words(answer: object) -> str:
    return " ".join(f"{type(answer).__name__}: {answer}".split())[:_LONGEST]


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(
            "--scheduler needs Dask: python -m pip install distributed, in every worker's Python too."
        ) from error
    try:
        return Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"--scheduler must be the address of a Dask scheduler that answers, as tcp://127.0.0.1:8786, not "
            f"{address!r}."
        ) from error
