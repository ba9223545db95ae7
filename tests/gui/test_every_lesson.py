"""Every lesson in a real window: it loads, trains, tells its answer, and every panel draws it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from engine.lessons import all_lessons
from gui import stage

if TYPE_CHECKING:
    from gui.window import Window

N_STEPS = 12


@pytest.mark.parametrize("lesson_id", [lesson.lesson_id for lesson in all_lessons()])
def test_a_lesson_is_drawn_by_all_panels(
    lesson_id: str, window: Window, capfd: pytest.CaptureFixture[str]
) -> None:
    window.load_lesson(lesson_id)
    stage.wait(lambda: _is_at_the_start_of(window, lesson_id))
    stage.train_to(window, N_STEPS)
    window.lesson_box.reveal()
    for panel in window.panels:
        window.docks.show([panel.panel_id])
        window.draw_now()
        panel.grab()
    assert "Traceback" not in capfd.readouterr().err  # what fails in the background is told there
    assert window.panels[0].summary()
    assert window.lesson_box.text.strip()


def _is_at_the_start_of(window: Window, lesson_id: str) -> bool:
    snapshot = window.bridge.snapshot
    return snapshot is not None and snapshot.config.lesson == lesson_id and snapshot.n_steps == 0


def test_no_lesson_asks_for_a_panel_that_is_not_there(window: Window) -> None:
    known: Callable[[str], bool] = {panel.panel_id for panel in window.panels}.__contains__
    for lesson in all_lessons():
        assert all(map(known, lesson.panels)), lesson.lesson_id
