"""The parent's side of a worker: start it in the right environment, ask it for rounds, end it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import numpy as np

from engine.bench.contestant import Result
from engine.bench.entrants import Entrant

TUNING: Final = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""What peers run without even where it is set: settings of BLAS that people do not know of."""

_PATIENCE_S: Final = 180.0  # for starting, compiling and the first round
_PAUSE_S: Final = (
    0.02  # before a round: threads that were stopped while they looked for work find their cores
)
_ROOT: Final = Path(__file__).resolve().parents[2]


class WorkerError(Exception):
    """A contestant that could not do its work, in one sentence."""


class WorkerProcess:
    """One contestant in its process, ready for rounds.

    Args:
        entrant, way, n_threads: which contestant.
        problem_path: the file that `Problem.save` wrote.
        folder: where the result is put.

    Attributes:
        way: what it was made with.
        name: way and number of threads, in words.
        result: what its first run computed.

    Raises:
        WorkerError: it ended, or was not ready within three minutes.
    """

    def __init__(self, entrant: Entrant, way: str, n_threads: int, problem_path: Path, folder: Path) -> None:
        self.way = way
        self.name = f"{way}, {n_threads} thread{'s' if n_threads > 1 else ''}"
        result_path = folder / "result.npz"
        command = [sys.executable, "-m", "engine.bench.worker", entrant.module, way, str(n_threads)]
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [*command, str(problem_path), str(result_path)],
            env=environment(entrant, n_threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
        )
        try:
            self._units = self._answer("units")
            self.result = _read(result_path)
            self._signal("SIGSTOP")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def time_round(self) -> float:
        """Have it run one round and return the seconds for one unit of the work.

        Between its rounds it stands still where a system can do that: some libraries have threads that go on
        looking for work for a tenth of a second, on the cores of whoever comes next.
        """
        assert self._process.stdin is not None
        self._signal("SIGCONT")
        time.sleep(_PAUSE_S)
        with contextlib.suppress(
            OSError
        ):  # it has ended; its last words come with the answer that is missing
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
        seconds = self._answer("seconds") / self._units
        self._signal("SIGSTOP")
        return seconds

    def _signal(self, name: str) -> None:
        if hasattr(signal, name):
            self._process.send_signal(getattr(signal, name))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdout, self._errors):
            stream.close()
        with contextlib.suppress(OSError):  # of what was not yet read by a process that has ended
            self._process.stdin.close()

    def _answer(self, key: str) -> float:
        assert self._process.stdout is not None
        alarm = threading.Timer(_PATIENCE_S, self._process.kill)
        alarm.start()
        try:
            line = self._process.stdout.readline()
        finally:
            alarm.cancel()
            alarm.join()
        if not line:
            raise WorkerError(self._last_words())
        return float(json.loads(line)[key])

    def _last_words(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return " ".join(lines[-1].split()) if lines else f"no answer within {_PATIENCE_S:.0f} s"


def environment(entrant: Entrant, n_threads: int) -> dict[str, str]:
    """Return the environment of a contestant's process.

    Ours has what the program itself has; another has no settings of BLAS but the number of threads, which
    is told to every library that reads it from there.
    """
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    own = {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1"}
    if entrant.is_ours:
        return own
    own = {name: value for name, value in own.items() if name not in TUNING}
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        own[name] = str(n_threads)
    own |= {"JAX_PLATFORMS": "cpu", "NPROC": str(n_threads)}  # NPROC: the size of XLA's pool of threads
    if n_threads == 1:
        own["XLA_FLAGS"] = f"{own.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    return own


def _read(path: Path) -> Result:
    with np.load(path) as content:
        found = {name: content[name] for name in content.files}
    path.unlink()
    return found
