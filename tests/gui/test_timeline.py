"""The timeline: back to any step and forward again with the same bits, in a real window."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_tools import press, snapshot_of

from engine.commands import GoTo, Load, Perturb, Run, SetLearningRate, Step
from engine.snapshot import State
from gui import theme

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from engine.commands import Command
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


@pytest.fixture
def sent(window: Window, monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    """What the window asks of the engine, in order."""
    commands: list[Command] = []
    send = window.bridge.send

    def note(command: Command) -> None:
        commands.append(command)
        send(command)

    monkeypatch.setattr(window.bridge, "send", note)
    return commands


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


def test_space_right_after_a_drag_runs_from_where_the_hand_was(
    window: Window, qtbot: QtBot, sent: list[Command]
) -> None:
    train(window, qtbot, 100)
    sent.clear()
    window.timeline.slider.setValue(50)
    window.timeline.slider.setValue(20)  # it waits for the first one
    press(window, Qt.Key.Key_Space)
    go_on = Run(until=window.run_control._lesson.n_steps)
    assert sent == [GoTo(50), GoTo(20), go_on]
    slider = window.timeline.slider  # it follows, and nothing holds the run
    qtbot.waitUntil(lambda: slider.value() > 300, timeout=WAIT_MS)
    assert snapshot_of(window).state is State.RUNNING and len(sent) == 3
    sent.clear()
    slider.setValue(30)  # a run under way, which the drag would hold: Space is to go on from there
    press(window, Qt.Key.Key_Space)
    assert sent == [GoTo(30), go_on]
    qtbot.waitUntil(lambda: snapshot_of(window).state is State.RUNNING, timeout=WAIT_MS)


def test_a_step_after_a_drag_is_taken_where_the_hand_was(window: Window, qtbot: QtBot) -> None:
    train(window, qtbot, 40)
    for step in (10, 30, 40):  # and back to where it stood when the drag began
        window.timeline.slider.setValue(step)
    press(window, Qt.Key.Key_Period)
    arrive(window, qtbot, 41)
    for step in (35, 20):
        window.timeline.slider.setValue(step)
    press(window, Qt.Key.Key_Comma)
    arrive(window, qtbot, 19)


def test_a_step_that_is_no_more_is_forgotten(window: Window, qtbot: QtBot) -> None:
    train(window, qtbot, 40)
    window.bridge.send(Load(snapshot_of(window).config.replace(seed=3)))
    window.timeline.slider.setValue(30)
    window.timeline.slider.setValue(20)
    qtbot.waitUntil(lambda: "step must be at most 0" in window.messages.text, timeout=WAIT_MS)
    train(window, qtbot, 7)


def test_after_a_reset_the_run_can_be_had_again(window: Window, qtbot: QtBot) -> None:
    start = snapshot_of(window)
    end = train(window, qtbot, 60)
    press(window, Qt.Key.Key_R)
    back = arrive(window, qtbot, 0)
    assert np.array_equal(back.theta, start.theta) and back.state is State.READY
    assert "step 0 of 60" in window.timeline.label.text()
    window.timeline.slider.setValue(60)
    again = arrive(window, qtbot, 60)
    assert np.array_equal(again.theta, end.theta) and not again.branches


def test_after_a_reset_another_rate_makes_the_run_a_branch(window: Window, qtbot: QtBot) -> None:
    end = train(window, qtbot, 60)
    window.bridge.send(SetLearningRate(2.0))
    train(window, qtbot, 5)
    press(window, Qt.Key.Key_R)
    arrive(window, qtbot, 0)
    qtbot.waitUntil(lambda: snapshot_of(window).learning_rate == 2.0, timeout=WAIT_MS)
    [kept] = snapshot_of(window).branches
    assert kept.n_steps == 65 and kept.history["loss"][60] == end.loss


def test_where_branches_part_is_marked_told_and_reached_by_keys(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(window, qtbot, 60)
    window.timeline.slider.setValue(20)
    arrive(window, qtbot, 20)
    slider, height = window.timeline.slider, window.timeline.slider.height()
    assert len(slider.marks) == 0
    window.bridge.send(SetLearningRate(0.05))
    train(window, qtbot, 30)
    [branch] = snapshot_of(window).branches
    words = f"Branch 1 ({branch.name}) parts at step 20"
    assert list(slider.marks) == [(20, words)]
    assert slider.accessibleDescription() == f"step 50 of 50; {words}"
    at = QPoint(round(slider.mark_x(20)), height - 6)
    ink = slider.grab().toImage().pixelColor(at * slider.devicePixelRatio()).name()
    assert ink == theme.LIGHT.text
    told: list[str] = []  # a real tip would have the plugin without a screen complain
    tip = SimpleNamespace(showText=lambda place, text, widget: told.append(text))
    monkeypatch.setattr("gui.marked_slider.QToolTip", tip)
    QApplication.sendEvent(slider, QHelpEvent(QEvent.Type.ToolTip, at, slider.mapToGlobal(at)))
    assert told == [words] and slider.mark_at(at.x() + 40) == ""
    slider.setFocus()
    for key, step in ((Qt.Key.Key_Left, 20), (Qt.Key.Key_Left, 20), (Qt.Key.Key_Home, 0)):
        press(window, key, Qt.KeyboardModifier.ControlModifier)
        arrive(window, qtbot, step)
    assert list(slider.marks) == [(20, words)]  # it stays in its place while one goes to and fro
    press(window, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    arrive(window, qtbot, 20)


def test_a_run_is_saved_and_opened_again(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    end = train(window, qtbot, 30)
    window.run_files.save(tmp_path / "mine")
    qtbot.waitUntil(lambda: "is saved in" in window.messages.text, timeout=WAIT_MS)
    train(window, qtbot, 5)
    window.open_run(tmp_path / "mine.run.npz")
    again = arrive(window, qtbot, 30)
    assert np.array_equal(again.theta, end.theta) and again.config == end.config


def test_a_file_that_is_no_run_is_told_and_the_run_stays(
    window: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    train(window, qtbot, 3)
    (tmp_path / "text.npz").write_text("no run")
    window.open_run(tmp_path / "text.npz")
    qtbot.waitUntil(lambda: "cannot be opened as a run" in window.messages.text, timeout=WAIT_MS)
    assert snapshot_of(window).n_steps == 3
    train(window, qtbot, 2)
