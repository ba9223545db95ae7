"""A window that is used in every way while its run goes on at full speed, and closed in the middle of it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget
from pytestqt.qtbot import QtBot
from window_tools import snapshot_of, state_of

from engine.commands import OpenRun, SaveRun
from engine.lessons import all_lessons
from engine.snapshot import State
from gui import stage

if TYPE_CHECKING:
    from gui.window import Window

WAIT_MS = 20_000
N_LOADS = 20


def run(window: Window, qtbot: QtBot) -> None:
    if state_of(window) is not State.RUNNING:
        window.actions_by_id["run_pause"].trigger()
    qtbot.waitUntil(lambda: state_of(window) is State.RUNNING, timeout=WAIT_MS)


def drag_timeline(window: Window, share: float) -> None:
    """Take the handle from where it is to a share of the slider's length."""
    slider = window.timeline.slider
    middle = slider.height() // 2
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() - 6, middle))
    for part in (0.9, 0.7, share):
        QTest.mouseMove(slider, QPoint(int(part * slider.width()), middle))
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(int(share * slider.width()), middle))


def rests_where_dragged(window: Window) -> bool:
    at, slider = snapshot_of(window).n_steps, window.timeline.slider
    return state_of(window) is State.PAUSED and at == slider.value() and 0.1 < at / slider.maximum() < 0.5


@pytest.mark.qt_log_ignore("This plugin does not support raise", extend=True)  # of a window without a screen
def test_everything_at_once(open_window: Callable[..., Window], qtbot: QtBot, tmp_path: Path) -> None:
    window, file = open_window(), tmp_path / "run.lossoscope"
    run(window, qtbot)
    qtbot.waitUntil(lambda: snapshot_of(window).n_steps > 1000, timeout=WAIT_MS)
    for panel in window.panels:  # each in front for a moment, then floating or back in its place
        window.docks.show([panel.panel_id])
        window.draw_now()
    for dock in window.findChildren(QDockWidget)[:4]:
        dock.setFloating(True)
        QApplication.processEvents()
        dock.setFloating(False)
    window.actions_by_id["kick"].trigger()
    qtbot.waitUntil(lambda: len(snapshot_of(window).history.jumps) == 1, timeout=WAIT_MS)
    window.bridge.send(SaveRun(str(file)))
    qtbot.waitUntil(file.is_file, timeout=WAIT_MS)
    saved_from = snapshot_of(window).run_id
    drag_timeline(window, 0.3)
    qtbot.waitUntil(lambda: rests_where_dragged(window), timeout=WAIT_MS)
    run(window, qtbot)
    window.bridge.send(OpenRun(str(file)))
    qtbot.waitUntil(lambda: snapshot_of(window).run_id != saved_from, timeout=WAIT_MS)
    assert len(snapshot_of(window).history.jumps) == 1
    window.docks.arrange()
    run(window, qtbot)
    assert window.close()


def test_loading_lessons_again_and_again_leaves_nothing(
    open_window: Callable[..., Window], qtbot: QtBot
) -> None:
    """After each lesson was there once, twenty more loads make no more widgets and no more objects of ours."""
    window = open_window()
    lessons = [
        lesson.lesson_id for lesson in all_lessons() if lesson.config.data in ("xor", "moons", "blobs")
    ]
    counts = []
    for _ in range(2):
        for number in range(N_LOADS):
            before = snapshot_of(window).run_id
            window.load_lesson(lessons[number % len(lessons)])
            qtbot.waitUntil(lambda before=before: snapshot_of(window).run_id != before, timeout=WAIT_MS)
            window.draw_now()
        stage.settle(window)
        gc.collect()
        trainers = sum(type(one).__name__ == "Trainer" for one in gc.get_objects())
        counts.append((len(QApplication.allWidgets()), trainers))
    assert counts[1] == counts[0]
