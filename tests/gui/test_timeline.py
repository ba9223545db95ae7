"""The timeline: back to any step and forward again with the same bits, in a real window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from window_tools import snapshot_of

from engine.commands import Perturb, Run, Step

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from engine.snapshot import Snapshot
    from gui.window import Window

WAIT_MS = 20_000


def arrive(window: Window, qtbot: QtBot, step: int) -> Snapshot:
    """Wait until the run stands at a step, and the slider with it."""
    slider = window.timeline.slider
    qtbot.waitUntil(lambda: snapshot_of(window).n_steps == step and slider.value() == step, timeout=WAIT_MS)
    return snapshot_of(window)


def train(window: Window, qtbot: QtBot, n_steps: int) -> Snapshot:
    target = snapshot_of(window).n_steps + n_steps
    window.bridge.send(Step(n_steps))
    return arrive(window, qtbot, target)


def test_dragging_back_and_forward_gives_the_same_bits(window: Window, qtbot: QtBot) -> None:
    middle = train(window, qtbot, 40)
    end = train(window, qtbot, 60)
    window.timeline.slider.setValue(40)
    back = arrive(window, qtbot, 40)
    assert np.array_equal(back.theta, middle.theta) and back.history.n_entries == 41
    assert "step 40 of 100" in window.timeline.label.text()
    window.timeline.slider.setValue(100)
    again = arrive(window, qtbot, 100)
    assert np.array_equal(again.theta, end.theta)
    assert np.array_equal(again.history["loss"], end.history["loss"])


def test_a_fast_drag_ends_where_the_hand_ends(window: Window, qtbot: QtBot) -> None:
    train(window, qtbot, 100)
    for step in (90, 50, 20, 35, 34):
        window.timeline.slider.setValue(step)
    arrive(window, qtbot, 34)
    assert window.timeline.slider.maximum() == 100


def test_the_key_goes_one_step_back(window: Window, qtbot: QtBot) -> None:
    train(window, qtbot, 5)
    QTest.keyClick(window, Qt.Key.Key_Comma)
    arrive(window, qtbot, 4)


def test_a_kick_is_undone(window: Window, qtbot: QtBot) -> None:
    before = train(window, qtbot, 10)
    window.bridge.send(Perturb("noise", {"scale": 0.5}))
    qtbot.waitUntil(lambda: bool(snapshot_of(window).history.jumps), timeout=WAIT_MS)
    train(window, qtbot, 7)
    QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    undone = arrive(window, qtbot, 10)
    assert np.array_equal(undone.theta, before.theta) and not undone.history.jumps


def test_dragging_stops_a_run_under_way(window: Window, qtbot: QtBot) -> None:
    window.bridge.send(Run())
    qtbot.waitUntil(lambda: snapshot_of(window).n_steps > 50, timeout=WAIT_MS)
    window.timeline.slider.setValue(20)
    arrive(window, qtbot, 20)
    assert snapshot_of(window).state.value == "paused"


def test_a_run_is_saved_and_opened_again(window: Window, qtbot: QtBot, tmp_path) -> None:
    end = train(window, qtbot, 30)
    window.run_files.save(tmp_path / "mine")
    qtbot.waitUntil(lambda: "is saved in" in window.messages.text, timeout=WAIT_MS)
    train(window, qtbot, 5)
    window.open_run(tmp_path / "mine.run.npz")
    again = arrive(window, qtbot, 30)
    assert np.array_equal(again.theta, end.theta) and again.config == end.config


def test_a_file_that_is_no_run_is_told_and_the_run_stays(window: Window, qtbot: QtBot, tmp_path) -> None:
    train(window, qtbot, 3)
    (tmp_path / "text.npz").write_text("no run")
    window.open_run(tmp_path / "text.npz")
    qtbot.waitUntil(lambda: "cannot be opened as a run" in window.messages.text, timeout=WAIT_MS)
    assert snapshot_of(window).n_steps == 3
    train(window, qtbot, 2)
