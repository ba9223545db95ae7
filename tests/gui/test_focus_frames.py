"""What is painted by hand shows in one way, in either theme, that it has the focus; empty or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui.flip_boards import FlipBoard
from gui.focus_frames import FramedWidget
from gui.network_diagrams import NetworkDiagram
from gui.phase_pictures import PhasePicture
from gui.surfaces import SurfaceView
from gui.theme import DARK, LIGHT, Theme

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

WAIT_MS = 20_000


def edge(widget: QWidget) -> set[str]:
    """The colours along the widget's edge, but for its corners."""
    image = widget.grab().toImage()
    right, bottom = image.width() - 1, image.height() - 1
    places = [(x, y) for x in range(4, right - 3) for y in (0, bottom)]
    places += [(x, y) for x in (0, right) for y in range(4, bottom - 3)]
    return {image.pixelColor(x, y).name() for x, y in places}


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("kind", [FlipBoard, NetworkDiagram, PhasePicture, SurfaceView])
def test_tab_puts_a_frame_around_it_and_away_again(
    qtbot: QtBot, kind: Callable[[Theme], FramedWidget], theme: Theme
) -> None:
    box, made = QWidget(), kind(LIGHT)
    qtbot.addWidget(box)
    layout = QVBoxLayout(box)
    button = QPushButton("before")
    layout.addWidget(button)
    layout.addWidget(made)
    box.show()
    box.activateWindow()
    button.setFocus()
    made.apply_theme(theme)
    assert edge(made) == {theme.panel}
    QTest.keyClick(button, Qt.Key.Key_Tab)
    qtbot.waitUntil(made.hasFocus, timeout=WAIT_MS)
    assert edge(made) == {theme.accent}
    QTest.keyClick(made, Qt.Key.Key_Tab)
    qtbot.waitUntil(button.hasFocus, timeout=WAIT_MS)
    assert edge(made) == {theme.panel}
