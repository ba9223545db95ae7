"""From the start of the process to the first picture of the window, with warm and with cold caches.

`python -m gui.speed_starts BEGUN FILE` is the process that is timed: it does what `python main.py` does, tells
in FILE how long that took since BEGUN and which files it read, and ends.
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
    command = [sys.executable, "-m", "gui.speed_starts", repr(time.monotonic()), str(told)]
    subprocess.run(command, cwd=_ROOT, env=environment, check=True)
    answer: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return answer["seconds"], answer["files"]


def _open_and_tell(begun_s: float, told: Path) -> None:
    """Open the window as the program does, and end after its first picture."""
    import main

    def open_window(lesson_id: str, run_file: Path | None) -> int:
        import gui.app

        make_window = gui.app.make_window

        def watched(*args: Any) -> Any:
            window = make_window(*args)
            _tell_of_first_picture(window, begun_s, told)
            return window

        gui.app.make_window = watched  # type: ignore[assignment]
        return gui.app.open_window(lesson_id, run_file)

    main._open_window = open_window
    main.main([])


def _tell_of_first_picture(window: Any, begun_s: float, told: Path) -> None:
    from PySide6.QtCore import QEvent, QObject, QTimer

    class Watcher(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() is QEvent.Type.UpdateRequest:
                window.removeEventFilter(self)
                window.start = lambda: None  # no engine and no panels: only the way to here is timed
                QTimer.singleShot(0, self.tell)  # after the painting, which comes now
            return False

        def tell(self) -> None:
            _tell(time.monotonic() - begun_s, told)
            window.close()

    window.installEventFilter(Watcher(window))


def _tell(seconds: float, told: Path) -> None:
    modules = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    cached = [getattr(module, "__cached__", None) for module in list(sys.modules.values())]
    mapped = [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()]
    files = {name for name in (*modules, *cached, *mapped) if name and name.startswith("/") and "." in name}
    told.write_text(json.dumps({"seconds": seconds, "files": sorted(files)}), encoding="utf-8")


if __name__ == "__main__":
    # What main.py sets for itself; a module run by -m has imported this package first, and nothing more.
    _open_and_tell(float(sys.argv[1]), Path(sys.argv[2]))
