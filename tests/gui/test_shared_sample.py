"""One chosen sample in all panels that show one, and the run that stops where something rose, in the real window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from window_tools import snapshot_of

from engine import history
from engine.commands import GoTo, Reset
from gui.window import Window

WAIT_MS = 30_000


def panels_of(window: Window) -> dict[str, Any]:
    return {panel.panel_id: panel for panel in window.panels}


def chosen(window: Window) -> dict[str, Any]:
    """Return the sample that each panel has."""
    panels = panels_of(window)
    return {
        "examples": panels["examples"].board.sample,
        "network": panels["network"].sample_box.value(),
        "regions": panels["regions"]._sample,
        "gradients": panels["gradients"]._sample,
    }


@pytest.mark.parametrize("chooser", ["examples", "network", "regions", "gradients"])
def test_what_is_chosen_in_one_panel_is_chosen_in_all(window: Window, qtbot: QtBot, chooser: str) -> None:
    panels = panels_of(window)
    for panel in window.panels:
        panel.take_sample(0)
    window.docks.show([chooser])
    qtbot.waitUntil(lambda: panels[chooser].is_seen and panels[chooser]._drawn is not None, timeout=WAIT_MS)
    if chooser == "examples":
        qtbot.waitUntil(lambda: panels["examples"]._chronicle is not None, timeout=WAIT_MS)
        panels["examples"].board._choose_by_hand(2, 0)
    elif chooser == "network":
        panels["network"].sample_box.setValue(2)
    elif chooser == "regions":
        plot, x = panels["regions"].plot, snapshot_of(window).data.x[2]
        at = plot.mapFromScene(plot.getViewBox().mapViewToScene(QPoint(*x.astype(int).tolist())))
        QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=at)
    else:
        qtbot.waitUntil(lambda: panels["gradients"]._examples is not None, timeout=WAIT_MS)
        panels["gradients"].scatter.choose(2)
    assert chosen(window) == dict.fromkeys(("examples", "network", "regions", "gradients"), 2)
    for panel_id, panel in panels.items():
        window.docks.show([panel_id])
        assert panel.shown_error == ""


def test_the_key_has_the_run_stop_at_the_rise_and_the_word_says_why(
    open_window: Callable[..., Window], qtbot: QtBot
) -> None:
    window = open_window(data="digits", n_samples=150, hidden=(6,), learning_rate=0.1, seed=1)
    QTest.keyClick(window, Qt.Key.Key_E)
    qtbot.waitUntil(lambda: snapshot_of(window).pause_at.errors, timeout=WAIT_MS)
    qtbot.waitUntil(window.actions_by_id["stop_at_errors"].isChecked, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: snapshot_of(window).reason != "", timeout=WAIT_MS)
    snapshot = snapshot_of(window)
    assert snapshot.history.error_rises.tolist() == [snapshot.n_steps]
    qtbot.waitUntil(lambda: window.readouts._word.text() == "errors rose", timeout=WAIT_MS)
    assert f"errors rose at step {snapshot.n_steps}" in window.windowTitle()
    QTest.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: snapshot_of(window).pause_at.loss, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_E)
    qtbot.waitUntil(lambda: not snapshot_of(window).pause_at.errors, timeout=WAIT_MS)
    window.bridge.send(Reset())
    window.bridge.send(GoTo(0))
    qtbot.waitUntil(lambda: window.readouts._word.text() == "ready", timeout=WAIT_MS)
    assert snapshot_of(window).pause_at.loss


def test_a_run_whose_record_is_full_says_so_until_it_is_reset(
    open_window: Callable[..., Window], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_STEPS", 37)
    window = open_window(data="xor", hidden=(3,))
    QTest.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.readouts._word.text() == "record full", timeout=WAIT_MS)
    assert "it holds 37 steps" in window.messages.sentence.text() and window.messages.remedy == ""
    assert "record full at step 37" in window.windowTitle()
    QTest.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.readouts._word.text() == "ready", timeout=WAIT_MS)
    assert window.messages.sentence.text() == ""
