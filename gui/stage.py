"""A window without a screen: it is trained to a step, waits until everything is drawn, and is photographed."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from engine.commands import PauseAtRise, Step
from engine.films import SMALLEST
from engine.lessons import Lesson
from engine.snapshot import State

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PySide6.QtWidgets import QWidget

    from gui.window import Window

_CALM_TICKS: Final = 4  # a panel may ask its next question after an answer, and a layout may move once more
_TICK_MS: Final = 16

Check = Callable[[], None]
"""Raises what is to end a wait."""


def never() -> None:
    """Let a wait last as long as it takes; the `Check` of those who cannot cancel."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
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


def open_offscreen(lesson: Lesson, size: tuple[int, int]) -> Window:
    """Return a window on a lesson, (width, height) pixels or as small as it can be; its engine is started."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"  # no effect on an application that is there already
    from PySide6.QtCore import Qt

    from gui.app import make_application, make_window

    make_application()
    window = make_window(lesson)
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)  # what is only closed slows every later window
    window.resize(*(max(pair) for pair in zip(size, SMALLEST, strict=True)))
    window.show()
    window.start()
    return window


def dress(window: Window, theme_name: str) -> None:
    """Give the window the "light" or the "dark" theme."""
    from gui import theme

    window.set_theme(theme.THEMES[theme_name])


def wait_for_run(window: Window, check: Check = never) -> None:
    """Wait until the engine has its run; RuntimeError with its sentence where it cannot have one."""
    wait(
        lambda: window.bridge.newest is not None and window.bridge.newest.state is not State.COMPILING, check
    )
    report = window.bridge.newest
    assert report is not None
    if report.snapshot is None:
        raise RuntimeError(report.message or "The engine could not load the lesson.")


def train_to(window: Window, step: int, check: Check = never) -> None:
    """Train up to a step of the run, or to where it diverges; nothing where it is there already."""
    snapshot = window.bridge.snapshot
    n_steps = step - (snapshot.n_steps if snapshot is not None else 0)
    if n_steps > 0:
        window.bridge.send(PauseAtRise())  # whatever a lesson or a panel wishes: this is no place to stop
        window.bridge.send(Step(n_steps))
        wait(lambda: _has_ended(window, step), check)


def _has_ended(window: Window, step: int) -> bool:
    report = window.bridge.newest
    if report is None or report.snapshot is None:
        raise RuntimeError(report.message if report else "The engine failed.")
    return report.state is State.STOPPED or report.snapshot.n_steps >= step


def choose(window: Window, panel_id: str | None, size: tuple[int, int]) -> QWidget:
    """Return what is to be drawn, a panel alone in its size or the window; ValueError names the panels."""
    if panel_id is None:
        return window
    panels = {panel.panel_id: panel for panel in window.panels}
    if panel_id not in panels:
        raise ValueError(f"panel must be one of {', '.join(panels)}, not {panel_id!r}.")
    window.docks.show_only([panel_id])
    panels[panel_id].setFixedSize(*size)
    return panels[panel_id]


def settle(window: Window, check: Check = never) -> None:
    """Wait until all jobs are done and everything has been drawn."""
    calm = 0

    def is_calm() -> bool:
        nonlocal calm
        jobs = window.bridge.jobs
        if not jobs.is_busy:  # the window follows a job by itself, and writes its words less often
            window.draw_now()
        calm = 0 if jobs.is_busy else calm + 1
        return calm >= _CALM_TICKS

    wait(is_calm, check)


def photograph(drawn: QWidget) -> npt.NDArray[np.uint8]:
    """Return a widget as it looks now, (height, width, 3) red, green and blue."""
    import numpy as np
    from PySide6.QtGui import QImage

    image = drawn.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def wait(condition: Callable[[], bool], check: Check = never) -> None:
    """Let the window work until a condition holds, asked at the screen's pace; what check raises ends it."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    failure: list[Exception] = []

    def ask() -> None:
        try:
            check()
            if condition():
                loop.quit()
        except Exception as error:  # an exception in a slot would be printed and swallowed
            failure.append(error)
            loop.quit()

    timer = QTimer(interval=_TICK_MS)
    timer.timeout.connect(ask)
    timer.start()
    loop.exec()
    timer.stop()
    if failure:
        raise failure[0]
