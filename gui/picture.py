"""A picture of the window without a screen, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import checks
from engine.commands import Step
from engine.lessons import Lesson, load_lesson
from engine.snapshot import State

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from gui.window import Window

SMALLEST: Final = (960, 600)
LARGEST: Final = (7680, 4320)
_ENDINGS: Final = (".png", ".svg", ".pdf")  # those of gui.exports, which comes with Qt
_CALM_TICKS: Final = 20  # a panel may ask its next question some frames after an answer


def save_picture(
    lesson_id: str, n_steps: int, size: tuple[int, int], out: Path, panel: str | None = None
) -> None:
    """Train a lesson for n_steps steps and save the window as it looks then, as PNG, SVG or PDF.

    Args:
        lesson_id: a lesson.
        n_steps: steps to take; 0 draws the start. A run that diverges before is drawn where it stopped.
        size: (width, height) in pixels.
        out: the file, its ending says as what; an older one is replaced only when the picture is complete.
        panel: id of the panel to be drawn alone, as large as the window; None for the window.

    Raises:
        ValueError: one sentence, for an unknown lesson, a size or a name that will not do.
        OSError: one sentence, for a file that cannot be written; this is found out before training.
        RuntimeError: one sentence, when the engine cannot run the lesson.
    """
    lesson = load_lesson(lesson_id)
    checks.whole_number("n_steps", n_steps, at_least=0)
    _check_size(size)
    _check_target(out)
    with _quiet():
        window = _open_offscreen(lesson, size)
        try:
            drawn = _panel(window, panel, size)
            _train(window, n_steps)
            _write(out, _draw(window, drawn, out.suffix))
        finally:
            window.close()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep one remark of Qt from the terminal: that nobody manages windows where there is no screen."""
    from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

    def write(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if "propagateSizeHints" not in text:
            print(text, file=sys.stderr)

    before = qInstallMessageHandler(write)
    try:
        yield
    finally:
        qInstallMessageHandler(before)


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if not (SMALLEST[0] <= width <= LARGEST[0] and SMALLEST[1] <= height <= LARGEST[1]):
        raise ValueError(
            f"size must lie between {SMALLEST[0]}x{SMALLEST[1]} and {LARGEST[0]}x{LARGEST[1]}, "
            f"not {width}x{height}."
        )


def _check_target(out: Path) -> None:
    if out.suffix.lower() not in _ENDINGS:
        raise ValueError(f"out must end in {', '.join(_ENDINGS)}, not {out.name!r}.")
    if out.is_dir():
        raise OSError(f"{out} is a folder; out must name a file.")
    if not out.parent.is_dir():
        raise OSError(f"{out} cannot be written: there is no folder {out.parent}.")
    try:
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise OSError(f"{out} cannot be written: {error.strerror or error}.") from None


def _open_offscreen(lesson: Lesson, size: tuple[int, int]) -> Window:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"  # no effect on an application that is there already
    from gui.app import make_application, make_window

    make_application()
    window = make_window(lesson)
    window.resize(*size)
    window.show()
    window.start()
    return window


def _train(window: Window, n_steps: int) -> None:
    _wait(lambda: window.bridge.newest is not None and window.bridge.newest.state is not State.COMPILING)
    report = window.bridge.newest
    assert report is not None
    if report.snapshot is None:
        raise RuntimeError(report.message or "The engine could not load the lesson.")
    if n_steps:
        window.bridge.send(Step(n_steps))
        _wait(lambda: _has_ended(window, n_steps))


def _has_ended(window: Window, n_steps: int) -> bool:
    report = window.bridge.newest
    if report is None or report.snapshot is None:
        raise RuntimeError(report.message if report else "The engine failed.")
    return report.state is State.STOPPED or report.snapshot.n_steps >= n_steps


def _panel(window: Window, panel_id: str | None, size: tuple[int, int]) -> QWidget:
    """Return what is to be drawn; ValueError names the panels there are."""
    if panel_id is None:
        return window
    panels = {panel.panel_id: panel for panel in window.panels}
    if panel_id not in panels:
        raise ValueError(f"panel must be one of {', '.join(panels)}, not {panel_id!r}.")
    window.docks.show_only([panel_id])
    panels[panel_id].setFixedSize(*size)
    return panels[panel_id]


def _draw(window: Window, drawn: QWidget, ending: str) -> bytes:
    """Return the content of a file, after all jobs are done and everything has been painted."""
    from gui import exports

    calm = 0

    def is_calm() -> bool:
        nonlocal calm
        calm = 0 if window.bridge.jobs.is_busy else calm + 1
        return calm > _CALM_TICKS

    _wait(is_calm)
    return exports.picture(drawn, ending)


def _wait(condition: Callable[[], bool]) -> None:
    """Let the window work until a condition holds, asked at the screen's pace."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    failure: list[Exception] = []

    def ask() -> None:
        try:
            if condition():
                loop.quit()
        except Exception as error:  # an exception in a slot would be printed and swallowed
            failure.append(error)
            loop.quit()

    timer = QTimer(interval=16)
    timer.timeout.connect(ask)
    timer.start()
    loop.exec()
    timer.stop()
    if failure:
        raise failure[0]


def _write(out: Path, content: bytes) -> None:
    """Write beside the file and rename: the old file or the whole new one, never half of one."""
    try:
        temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
        try:
            temporary.write_bytes(content)
            temporary.replace(out)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(f"{out} cannot be written: {error.strerror or error}.") from None
