"""From the start of the process to the first picture of the window, with warm and with cold caches.

What is timed is a process of its own, `gui.speed_opening`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class StartFigures:
    """Seconds from the start of the process to the window's first picture; medians, and the longest.

    Attributes:
        warm_s, warm_most_s: with everything in the system's file cache, as at a second start.
        cold_s, cold_most_s: after all files that a start reads were dropped from the file cache; None where the
            system cannot do that.
    """

    n_starts: int
    warm_s: float
    warm_most_s: float
    cold_s: float | None
    cold_most_s: float | None


def measure_starts(n_starts: int) -> StartFigures:
    """Start the program again and again; the first start, which compiles Python's files, is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        _, files = _start(folder)
        warm = [_start(folder)[0] for _ in range(n_starts)]
        cold = []
        for _ in range(n_starts if hasattr(os, "posix_fadvise") else 0):
            drop(files)
            cold.append(_start(folder)[0])
    return StartFigures(
        n_starts=n_starts,
        warm_s=statistics.median(warm),
        warm_most_s=max(warm),
        cold_s=statistics.median(cold) if cold else None,
        cold_most_s=max(cold) if cold else None,
    )


def drop(files: Iterable[str]) -> None:
    """Take files out of the system's file cache; what another process has mapped stays there."""
    os.sync()
    for name in files:
        try:
            number = os.open(name, os.O_RDONLY)
        except OSError:
            continue
        os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(number)


def _start(folder: str) -> tuple[float, list[str]]:
    """Start the program once with its settings in a folder; return the seconds and the files read."""
    told = Path(folder) / "told.json"
    environment = {**os.environ, "LOSSOSCOPE_CONFIG_DIR": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([sys.executable, "-c", _opening(told)], cwd=_ROOT, env=environment, check=True)
    answer: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return answer["seconds"], answer["files"]


def _opening(told: Path) -> str:
    """Return the program to be timed from now on; `python -m` would import more than `python main.py` does."""
    call = f"open_and_tell({time.monotonic()!r}, pathlib.Path({str(told)!r}))"
    return f"import pathlib; from gui.speed_opening import open_and_tell; {call}"
