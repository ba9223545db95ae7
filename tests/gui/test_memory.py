"""What is remembered between runs: looks come back, and a file that is not what it should be is no harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QDockWidget, QMainWindow

from gui.memory import WindowMemory
from gui.theme import DARK, LIGHT

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from engine.lessons import Lesson
    from gui.window import Window


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "window.ini"


@pytest.fixture
def remembering(lesson: Lesson, qtbot: QtBot, path: Path) -> Iterator[object]:
    """Opens windows that remember, one after another."""
    from gui.app import make_application, make_window

    make_application()
    windows: list[Window] = []

    def open_one() -> Window:
        window = make_window(lesson, WindowMemory(path))
        windows.append(window)
        window.show()
        qtbot.waitUntil(lambda: len(window.panels) > 0)
        return window

    yield open_one
    for window in windows:
        window.close()
        window.set_theme(LIGHT)
        window.deleteLater()


def test_theme_size_and_arrangement_come_back_and_arrange_gives_the_first_places(remembering: object) -> None:
    window = remembering()  # type: ignore[operator]
    window.set_theme(DARK)
    window.resize(1130, 690)
    loss = window.findChild(QDockWidget, "dock_loss")
    loss.hide()
    window.close()
    again = remembering()  # type: ignore[operator]
    assert {panel.theme for panel in again.panels} == {DARK}
    assert again.actions_by_id["dark"].isChecked()
    assert (
        again.height() == 690
    )  # the screen of the tests is narrower than the window, and Qt keeps it inside
    assert again.findChild(QDockWidget, "dock_loss").isHidden()
    again.actions_by_id["arrange"].trigger()
    assert not again.findChild(QDockWidget, "dock_loss").isHidden()


def test_without_a_memory_nothing_is_written(remembering: object, path: Path, lesson: Lesson) -> None:
    from gui.app import make_window

    window = make_window(lesson)
    window.close()
    window.deleteLater()
    assert not path.exists()


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff\xfe", b"[General]\ntheme=pink\ngeometry=7\ndocks=none\n"]
)
def test_a_file_that_is_none_of_ours_is_passed_over(path: Path, content: bytes, qtbot: QtBot) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    memory, window = WindowMemory(path), QMainWindow()
    qtbot.addWidget(window)
    memory.place(window)
    assert memory.theme is LIGHT
    assert not memory.arrange(window)


@pytest.mark.usefixtures("qapp")
def test_the_arrangement_of_other_panels_is_not_used(path: Path, qtbot: QtBot) -> None:
    first, second = QMainWindow(), QMainWindow()
    for window, name in ((first, "dock_old"), (second, "dock_new")):
        qtbot.addWidget(window)
        QDockWidget("a panel", window).setObjectName(name)
    WindowMemory(path).keep(first, LIGHT)
    assert WindowMemory(path).arrange(first)
    assert not WindowMemory(path).arrange(second)


@pytest.mark.usefixtures("qapp")
def test_a_folder_that_cannot_be_made_is_passed_over(tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "file").write_text("")
    window = QMainWindow()
    qtbot.addWidget(window)
    WindowMemory(tmp_path / "file" / "window.ini").keep(window, DARK)
    assert WindowMemory(tmp_path / "file" / "window.ini").theme is LIGHT
