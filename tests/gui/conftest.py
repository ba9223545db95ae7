"""Windows for the tests, and a look after each test for threads that were left alive."""

from __future__ import annotations

import dataclasses
import gc
import threading
import traceback
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from panel_tools import HandJobs
    from pytestqt.qtbot import QtBot

    from engine.config import RunConfig
    from engine.jobs import JobRunner
    from engine.lessons import Lesson
    from engine.snapshot import Snapshot
    from engine.trainer import Trainer
    from gui.panels.panel import Panel
    from gui.window import Window

if find_spec("PySide6") is None:
    collect_ignore_glob = ["*"]

OPEN_MS = 120_000  # the first window of a machine compiles the kernels
WAIT_MS = 20_000

OpenWindow = Callable[..., "Window"]
_shared: list[Window] = []


@pytest.fixture(autouse=True)
def _no_thread_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("LOSSOSCOPE_MNIST", raising=False)
    yield
    assert _shared or not _window_threads()


@pytest.fixture(autouse=True)
def job_errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """What failed in the background, where nobody would see it; a test that means it to fail empties the list."""
    from types import SimpleNamespace

    found: list[BaseException] = []

    def note(error: BaseException) -> None:
        found.append(error)
        traceback.print_exception(error)

    for module in ("engine.jobs", "engine.thread"):
        monkeypatch.setattr(f"{module}.traceback", SimpleNamespace(print_exception=note))
    yield found
    assert found == []


@pytest.fixture(autouse=True)
def _no_widget_is_left() -> Iterator[None]:
    """Delete what was to be deleted later: there is no event loop that would, and what is left slows all else."""
    yield
    _delete_what_waits()


@pytest.fixture
def window_threads() -> Callable[[], list[str]]:
    """Names the threads that belong to a window and are alive."""
    return _window_threads


def _window_threads() -> list[str]:
    """Return the threads of windows; those that share a step's work belong to the process, and wait for the next."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("lossoscope") and "kernel" not in name]


@pytest.fixture
def small_config() -> RunConfig:
    """A run that takes no time: the four points of XOR."""
    from engine.config import RunConfig

    return RunConfig(lesson="exam", data="xor", hidden=(3,), learning_rate=0.5)


@pytest.fixture
def lesson(small_config: RunConfig) -> Lesson:
    """The exam's lesson with the settings of the small run, without its question, its end and its pace."""
    from engine.lessons import load_lesson

    bare: dict[str, Any] = {"choices": (), "right": "", "n_steps": 10**9, "reveal": 10**9, "pace": None}
    return dataclasses.replace(load_lesson("exam"), config=small_config, **bare)


@pytest.fixture
def open_window(qtbot: QtBot, lesson: Lesson) -> Iterator[OpenWindow]:
    """Opens windows that are ready to run, and closes them."""
    windows: list[Window] = []

    def open_one(**changes: object) -> Window:
        windows.append(_open(dataclasses.replace(lesson, config=lesson.config.replace(**changes)), qtbot))
        return windows[-1]

    yield open_one
    for window in windows:
        _close(window)
    windows.clear()
    _delete_what_waits()
    gc.collect()  # pyqtgraph's menus have no parent and hang in cycles


@pytest.fixture
def window(_shared_windows: list[Window], lesson: Lesson, qtbot: QtBot) -> Window:
    """A window with the small run, ready: the module's own, as good as new. Tests that close it open another."""
    if not _shared_windows:
        _shared_windows.append(_open(lesson, qtbot))
    window = _shared_windows[0]
    _renew(window, lesson, qtbot)
    return window


@pytest.fixture(scope="module")
def _shared_windows() -> Iterator[list[Window]]:
    yield _shared
    for window in _shared:
        _close(window)
    _shared.clear()
    _delete_what_waits()
    gc.collect()
    assert not _window_threads()


@pytest.fixture
def jobs() -> Iterator[JobRunner]:
    """Jobs in a thread of their own; modules that carry them on by hand have `HandJobs` in its place."""
    from engine.jobs import JobRunner

    runner = JobRunner()
    yield runner
    runner.stop()


@pytest.fixture
def show(qtbot: QtBot, jobs: JobRunner) -> Callable[..., Panel]:
    """Shows a panel of a class, with a snapshot if there is one."""
    from gui.theme import LIGHT

    def make(cls: type[Panel], snapshot: Snapshot | None = None) -> Panel:
        panel = cls(LIGHT, jobs)
        qtbot.addWidget(panel)
        panel.resize(640, 360)
        panel.show()
        qtbot.waitExposed(panel)
        if snapshot is not None:
            panel.show_snapshot(snapshot)
        return panel

    return make


@pytest.fixture
def compute(panel: Any, jobs: HandJobs) -> Callable[[Trainer], None]:
    """Shows the module's panel a run and carries its job to the end."""

    def show_and_finish(trainer: Trainer) -> None:
        panel.show_snapshot(trainer.snapshot())
        panel.tick()
        jobs.finish()
        panel.tick()

    return show_and_finish


def _open(lesson: Lesson, qtbot: QtBot) -> Window:
    from gui.app import make_application, make_window

    make_application()
    window = make_window(lesson)
    window.show()
    qtbot.waitUntil(lambda: window.bridge.snapshot is not None, timeout=OPEN_MS)
    _activate(window, qtbot)
    return window


def _renew(window: Window, lesson: Lesson, qtbot: QtBot) -> None:
    """Put everything back that a test may have changed."""
    from PySide6.QtWidgets import QDialog

    from engine.commands import Load, PauseAtRise
    from engine.snapshot import State
    from gui.kicks import Kicker
    from gui.theme import LIGHT
    from gui.window import FIRST_SIZE

    for dialog in window.findChildren(QDialog):
        dialog.close()
    new = Kicker()
    window.kicker.strength, window.kicker.chosen, window.kicker.next_seed = new.strength, new.chosen, 0
    window.controls.strength.show_value(new.strength)
    window.controls.rate.take_back()
    window.pace.show_pace(None)
    window.lesson_box.forget()
    window.set_theme(LIGHT)
    window.resize(*FIRST_SIZE)
    window.docks.arrange()
    config = lesson.config.replace()
    window.bridge.send(PauseAtRise())
    window.bridge.send(Load(config))
    qtbot.waitUntil(lambda: _config(window) is config and _state(window) is State.READY, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.controls.rate.value == config.learning_rate, timeout=WAIT_MS)
    window.messages.close_note()
    window.show()
    _activate(window, qtbot)
    window.setFocus()


def _config(window: Window) -> object:
    return window.bridge.snapshot.config if window.bridge.snapshot is not None else None


def _state(window: Window) -> object:
    return window.bridge.newest.state if window.bridge.newest is not None else None


def _activate(window: Window, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)


def _close(window: Window) -> None:
    window.close()
    window.deleteLater()


def _delete_what_waits() -> None:
    from PySide6.QtCore import QCoreApplication, QEvent

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
