"""The process whose start is timed: it does what `python main.py` does, and ends after the window's first picture.

It imports nothing that the program does not, see `gui.speed_starts`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Final

_MAIN: Final = Path(__file__).resolve().parent.parent / "main.py"


def open_and_tell(begun_s: float, told: Path) -> None:
    """Open the window, tell in a file how long that took since begun_s and which files were read, and end."""
    program: dict[str, Any] = {"__name__": "main", "__file__": str(_MAIN)}
    # Python keeps no compiled form of the file that it is started with.
    exec(compile(_MAIN.read_text(encoding="utf-8"), _MAIN, "exec"), program)

    def open_window(lesson_id: str | None, run_file: Path | None) -> int:
        import gui.app

        make_window = gui.app.make_window

        def watched(*args: Any) -> Any:
            window = make_window(*args)
            _tell_of_first_picture(window, begun_s, told)
            return window

        gui.app.make_window = watched  # type: ignore[assignment]
        return gui.app.open_window(lesson_id, run_file)

    program["_open_window"] = open_window
    program["main"]([])


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
            seconds = time.monotonic() - begun_s
            _tell(seconds, told)
            window.close()

    window.installEventFilter(Watcher(window))


def _tell(seconds: float, told: Path) -> None:
    import json

    modules = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    cached = [getattr(module, "__cached__", None) for module in list(sys.modules.values())]
    mapped = [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()]
    files = {name for name in (*modules, *cached, *mapped) if name and name.startswith("/") and "." in name}
    told.write_text(json.dumps({"seconds": seconds, "files": sorted(files)}), encoding="utf-8")
