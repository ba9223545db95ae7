"""The program with a small run, for tests that drive it from another process: it tells in a file where all is.

`python spied_program.py TOLD ENDED` opens the window; TOLD is written anew while it is open, ENDED when it is closed.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDockWidget,
    QLabel,
    QLineEdit,
    QRubberBand,
    QWidget,
)
from window_tools import snapshot_of, state_of

import engine.lessons
from engine.config import RunConfig
from gui import app

if TYPE_CHECKING:
    from engine.lessons import Lesson
    from gui.memory import WindowMemory
    from gui.window import Window

_EVERY_MS: Final = 20
_PACE: Final = 500  # steps a second: at full speed a busy machine would have time for nothing else
_PATIENCE_MS: Final = 5_000
_NUMBERS: Final = count()


def main(told: Path, ended: Path) -> int:
    """Open the window; return its exit status when it is closed."""
    _make_the_lesson_small()
    make = app.make_window

    def make_spied(lesson: Lesson, memory: WindowMemory | None = None) -> Window:
        window = make(lesson, memory)
        # Between two clicks of a double click xdotool may have to wait for a processor.
        QApplication.setDoubleClickInterval(_PATIENCE_MS)
        timer = QTimer(window, interval=_EVERY_MS)
        timer.timeout.connect(lambda: _write(told, _what_is(window)))
        timer.start()
        return window

    app.make_window = make_spied
    status = app.open_window("exam")
    _write(ended, {"threads": _threads(), "children": _children()})
    return status


def _make_the_lesson_small() -> None:
    small = RunConfig(lesson="exam", data="digits", n_samples=300, hidden=(16,), learning_rate=0.5)
    bare: dict[str, Any] = {"choices": (), "right": "", "n_steps": 10**9, "reveal": 10**9, "pace": _PACE}
    lesson = dataclasses.replace(engine.lessons.load_lesson("exam"), config=small, **bare)
    engine.lessons.load_lesson = lambda lesson_id: lesson


def _what_is(window: Window) -> dict[str, Any]:
    if window.bridge.snapshot is None:
        return {}
    snapshot = snapshot_of(window)
    docks = {dock.objectName().removeprefix("dock_"): dock for dock in window.findChildren(QDockWidget)}
    return {
        "number": next(_NUMBERS),
        "state": state_of(window).value,
        "step": snapshot.n_steps,
        "furthest": snapshot.furthest,
        "run_id": snapshot.run_id,
        "n_kicks": len(snapshot.history.jumps),
        "n_branches": len(snapshot.branches),
        "size": window.size().toTuple(),
        "is_presented": window.actions_by_id["presentation"].isChecked(),
        "floating": [name for name, dock in docks.items() if dock.isFloating()],
        "seen": [name for name, dock in docks.items() if not dock.visibleRegion().isEmpty()],
        "behind": {name: _behind(window, dock) for name, dock in docks.items()},
        "titles": {name: _place(dock.titleBarWidget())[:2] for name, dock in docks.items()},
        "docks": {name: _place(dock) for name, dock in docks.items()},
        "slider": _place(window.timeline.slider),
        "is_over_a_place": any(band.isVisible() for band in window.findChildren(QRubberBand)),
        "dialogs": {
            one.windowTitle(): _words(one) for one in QApplication.topLevelWidgets() if _is_open_dialog(one)
        },
        "focus": str(QApplication.focusWidget()),
        "message": window.messages.text,
        "children": _children(),
    }


def _behind(window: Window, dock: QDockWidget) -> list[str]:
    return [other.objectName().removeprefix("dock_") for other in window.tabifiedDockWidgets(dock)]


def _place(widget: QWidget | None) -> tuple[int, int, int, int]:
    """Return left, top, width and height on the screen."""
    assert widget is not None
    corner = widget.mapToGlobal(QPoint(0, 0))
    return corner.x(), corner.y(), widget.width(), widget.height()


def _is_open_dialog(widget: QWidget) -> bool:
    return isinstance(widget, QDialog) and widget.isVisible()


def _words(dialog: QWidget) -> list[str]:
    """Return what stands in the fields and labels of a dialogue."""
    words = [
        one.text() for kind in (QLineEdit, QLabel) for one in dialog.findChildren(kind) if one.isVisible()
    ]
    return [word for word in words if word]


def _threads() -> list[str]:
    """Return the threads of the program; those that share a step's work belong to the process."""
    names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    return [name for name in names if "kernel" not in name]


def _children() -> list[int]:
    """Return the processes that this one has started and that have not ended."""
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def _write(path: Path, content: dict[str, Any]) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(content))
    beside.replace(path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
