"""Windows for the tests, and a look after each test for threads that were left alive."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from engine.config import RunConfig
    from engine.lessons import Lesson
    from gui.window import Window

if find_spec("PySide6") is None:
    collect_ignore_glob = ["*"]

OPEN_MS = 120_000  # the first window of a machine compiles the kernels
WAIT_MS = 20_000

OpenWindow = Callable[..., "Window"]


@pytest.fixture(autouse=True)
def _no_thread_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("LOSSOSCOPE_MNIST", raising=False)
    yield
    assert not _window_threads()


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
    """The exam's lesson with the settings of the small run."""
    from engine.lessons import load_lesson

    return dataclasses.replace(load_lesson("exam"), config=small_config)


@pytest.fixture
def open_window(qtbot: QtBot, lesson: Lesson) -> Iterator[OpenWindow]:
    """Opens windows that are ready to run, and closes them."""
    from gui.app import make_application, make_window

    windows: list[Window] = []

    def open_one(**changes: object) -> Window:
        make_application()
        window = make_window(dataclasses.replace(lesson, config=lesson.config.replace(**changes)))
        windows.append(window)
        window.show()
        qtbot.waitUntil(lambda: window.bridge.snapshot is not None, timeout=OPEN_MS)
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
        return window

    yield open_one
    for window in windows:
        window.close()
        window.deleteLater()


@pytest.fixture
def window(open_window: OpenWindow) -> Window:
    """A window with the small run, ready."""
    return open_window()
