"""Docks: a panel that fills the window and goes back, floats with a line around it, and is remembered as it was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QWidget
from window_tools import press

from gui.app import make_window
from gui.memory import WindowMemory
from gui.theme import LIGHT

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from engine.lessons import Lesson
    from gui.window import Window

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support raise", extend=True)  # without a screen
WAIT_MS = 20_000


def dock_of(window: Window, panel_id: str) -> QDockWidget:
    found = window.findChild(QDockWidget, f"dock_{panel_id}")
    assert isinstance(found, QDockWidget)
    return found


def places(window: Window) -> dict[str, tuple[int, int, int, int]]:
    """Return where the docks are that are not hidden; those behind others have a place, too."""
    docks = window.findChildren(QDockWidget)
    return {dock.objectName(): dock.geometry().getRect() for dock in docks if not dock.isHidden()}


def click(widget: QWidget) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_a_panel_fills_the_window_by_a_click_and_all_go_back_by_another(window: Window, qtbot: QtBot) -> None:
    before, size = places(window), window.size()
    bar = dock_of(window, "errors").titleBarWidget()
    click(bar.fill_button)
    assert places(window).keys() == {"dock_errors"}
    qtbot.waitUntil(lambda: dock_of(window, "errors").width() == window.width(), timeout=WAIT_MS)
    assert "Put all panels back" in bar.fill_button.accessibleName()
    click(bar.fill_button)
    qtbot.waitUntil(lambda: places(window) == before, timeout=WAIT_MS)
    assert window.size() == size and "fill the window" in bar.fill_button.accessibleName()


def test_the_key_fills_the_window_with_the_panel_that_has_the_focus(window: Window, qtbot: QtBot) -> None:
    before = places(window)
    press(window, Qt.Key.Key_F8)
    assert places(window) == before and "Click into a panel first" in window.messages.text
    next(panel for panel in window.panels if panel.panel_id == "loss").plot.setFocus()
    press(window, Qt.Key.Key_F8)
    assert places(window).keys() == {"dock_loss"}
    window.setFocus()
    press(window, Qt.Key.Key_F8)
    qtbot.waitUntil(lambda: places(window) == before, timeout=WAIT_MS)


def test_closing_the_panel_that_fills_the_window_leaves_no_empty_window(window: Window) -> None:
    before = places(window)
    bar = dock_of(window, "loss").titleBarWidget()
    click(bar.fill_button)
    click(bar.close_button)
    assert places(window).keys() == before.keys()
    click(bar.close_button)
    assert before.keys() - places(window).keys() == {"dock_loss"}


def test_a_panel_that_the_menu_shows_comes_to_the_front(window: Window, qtbot: QtBot) -> None:
    dock = dock_of(window, "ledger")
    assert dock.visibleRegion().isEmpty()
    for _ in range(2):
        dock.toggleViewAction().trigger()
    qtbot.waitUntil(lambda: not dock.visibleRegion().isEmpty(), timeout=WAIT_MS)


def test_what_asks_for_another_panel_ends_the_filling(window: Window) -> None:
    before = places(window)
    for again in (window.docks.arrange, lambda: window.docks.show(["lesson"])):
        window.docks.toggle_fill("loss")
        again()
        assert places(window).keys() == before.keys() and not window.docks.is_filled


def test_the_reason_of_a_stop_outlives_the_filling(window: Window) -> None:
    window.docks.toggle_fill("loss")
    window.messages.show_stop("The loss is not finite.")
    window.docks.toggle_fill("loss")
    assert window.messages.isVisible()
    window.messages.show_stop("")


def test_a_floating_panel_fills_the_window_and_floats_again(window: Window) -> None:
    dock = dock_of(window, "loss")
    dock.setFloating(True)
    window.docks.toggle_fill("loss")
    assert not dock.isFloating()
    window.docks.take_back()
    assert dock.isFloating()


def test_a_panel_that_floats_has_a_line_around_it(window: Window) -> None:
    dock = dock_of(window, "loss")

    def corner() -> str:
        return dock.grab().toImage().pixelColor(QPoint(0, 0)).name()

    assert corner() == LIGHT.window
    dock.setFloating(True)
    QApplication.processEvents()
    assert corner() == LIGHT.outline


def test_a_presentation_over_a_filled_window_gives_all_back(window: Window) -> None:
    before = places(window).keys()
    window.docks.toggle_fill("loss")
    for _ in range(2):
        window.actions_by_id["presentation"].trigger()
    assert places(window).keys() == before


def test_a_window_that_is_closed_while_filled_remembers_the_arrangement(
    lesson: Lesson, qtbot: QtBot, tmp_path: Path
) -> None:
    memory = WindowMemory(tmp_path / "window.ini")
    first = make_window(lesson, memory)
    first.show()
    qtbot.waitUntil(lambda: first.bridge.snapshot is not None, timeout=WAIT_MS)
    before = places(first).keys()
    first.docks.toggle_fill("loss")
    first.close()
    first.deleteLater()
    second = make_window(lesson, memory)
    assert places(second).keys() == before
    second.deleteLater()
