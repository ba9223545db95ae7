"""The process that makes a film while the window goes on: `python -m gui.film_worker REQUEST`.

REQUEST is a JSON file with the plan, the run file and the window's looks. On standard output it writes a line of
JSON for each frame and one for the end. It is cancelled by closing its standard input, which works on every
system, and happens by itself when the window is no more.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, Final

_NICER: Final = 10  # the live run goes first


def write_request(path: Path, table: dict[str, Any]) -> None:
    """Write a request: {"plan": a FilmPlan as a table, "run": file, "looks": file, "panels": their looks}."""
    path.write_text(json.dumps(table), encoding="utf-8")


def main(request: str) -> int:
    """Make the film of a request; return 0 when it is there."""
    if hasattr(os, "nice"):
        os.nice(_NICER)
    cancelled = threading.Event()
    threading.Thread(target=_watch_input, args=(cancelled,), name="lossoscope-cancel", daemon=True).start()
    try:
        _tell(end=_make(json.loads(Path(request).read_text(encoding="utf-8")), cancelled))
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        _tell(problem=reason)
        return 1
    return 0


def _make(table: dict[str, Any], cancelled: threading.Event) -> str:
    from engine.films import plan_of_table
    from gui.film import make_film

    return make_film(
        Path(table["run"]),
        plan_of_table(table["plan"]),
        lambda n_done, n_frames: _tell(done=n_done, of=n_frames),
        cancelled.is_set,
        Path(table["looks"]),
        table["panels"],
    )


def _watch_input(cancelled: threading.Event) -> None:
    """Set the event when standard input ends; by its number, since a reader's lock would be held at the exit."""
    while os.read(0, 1):
        pass
    cancelled.set()


def _tell(**words: object) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
