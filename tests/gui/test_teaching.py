"""A lesson in the real window: it asks, holds the run, keeps its pace, pauses at its end, and tells."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_tools import press, snapshot_of, state_of

from engine.commands import Run
from engine.lessons import load_lesson
from engine.snapshot import Report, State
from gui import announcer, lesson_box
from gui.lesson_browser import LessonBrowser
from gui.readouts import LESSONS_END

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from engine.lessons import Lesson
    from gui.window import Window

WAIT_MS = 20_000
Key = Qt.Key
Shift = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def lesson() -> Lesson:
    """A lesson of six samples whose question is answered at its step 4; at full speed."""
    return dataclasses.replace(load_lesson("five-flips"), pace=None)


@pytest.fixture
def asking(open_window: Callable[..., Window]) -> Window:
    """A window of its own with a lesson that asks."""
    return open_window()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What a screen reader is told."""
    sentences: list[str] = []
    monkeypatch.setattr(announcer, "announce", lambda widget, text, is_urgent=False: sentences.append(text))
    yield sentences


def wait_for_steps(window: Window, n_steps: int, qtbot: QtBot) -> None:
    """Wait until the run rests at a step and the words say so."""
    qtbot.waitUntil(
        lambda: snapshot_of(window).n_steps == n_steps and state_of(window) is not State.RUNNING,
        timeout=WAIT_MS,
    )
    qtbot.waitUntil(lambda: f"step {n_steps:,}" in window.windowTitle(), timeout=WAIT_MS)


def test_a_run_waits_for_an_answer_then_runs_to_its_end_and_tells(
    asking: Window, qtbot: QtBot, said: list[str]
) -> None:
    box = asking.lesson_box
    for key in (Key.Key_Space, Key.Key_Space, Key.Key_H, Key.Key_Period):
        press(asking, key)
    first = box.answers.buttons[0]
    qtbot.waitUntil(first.hasFocus, timeout=WAIT_MS)
    assert snapshot_of(asking).n_steps == 0 and lesson_box.HELD in said[-1] and "A: At most one." in said[-1]
    press(asking, Key.Key_A)
    wait_for_steps(asking, 120, qtbot)
    qtbot.waitUntil(lambda: box.is_revealed, timeout=WAIT_MS)
    assert "Right answer" in box.text and LESSONS_END in asking.windowTitle()
    assert any(sentence.startswith("You predicted: At most one. Right answer: Five.") for sentence in said)
    press(asking, Key.Key_Space)
    qtbot.waitUntil(lambda: snapshot_of(asking).n_steps > 500, timeout=WAIT_MS)
    press(asking, Key.Key_Space)
    qtbot.waitUntil(lambda: state_of(asking) is State.PAUSED, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "paused at step" in asking.windowTitle(), timeout=WAIT_MS)


def test_an_answer_before_run_does_not_run(asking: Window, qtbot: QtBot) -> None:
    asking.lesson_box.choose("Five")
    assert not asking.lesson_box.holds and asking.focusWidget() is asking
    QApplication.processEvents()
    assert snapshot_of(asking).n_steps == 0 and state_of(asking) is State.READY
    press(asking, Key.Key_Period)
    wait_for_steps(asking, 1, qtbot)


@pytest.mark.parametrize("way", ["key", "button"])
def test_one_key_or_click_runs_without_an_answer(asking: Window, qtbot: QtBot, way: str) -> None:
    if way == "key":
        press(asking, Key.Key_Space, Shift)
    else:
        qtbot.mouseClick(asking.lesson_box.skip_button, Qt.MouseButton.LeftButton)
    wait_for_steps(asking, 120, qtbot)
    qtbot.waitUntil(lambda: asking.lesson_box.is_revealed, timeout=WAIT_MS)


def test_the_same_lesson_asks_the_next_class_again(asking: Window, qtbot: QtBot) -> None:
    asking.lesson_box.choose("Five")
    press(asking, Key.Key_Space)
    wait_for_steps(asking, 120, qtbot)
    run_id = snapshot_of(asking).run_id
    asking.load_lesson("five-flips")
    qtbot.waitUntil(lambda: snapshot_of(asking).run_id > run_id, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "ready" in asking.windowTitle(), timeout=WAIT_MS)
    assert asking.lesson_box.holds and asking.pace.steps_per_s == 10.0


def test_the_keys_of_the_pace(asking: Window, qtbot: QtBot) -> None:
    asking.lesson_box.choose("Five")
    asking.pace.show_pace(2.0)
    press(asking, Key.Key_Greater)
    assert asking.pace.steps_per_s == 5.0
    press(asking, Key.Key_Less)
    press(asking, Key.Key_Less)
    assert asking.pace.steps_per_s == 1.0 and asking.pace.choice.accessibleName() == "Pace: 1 steps a second"
    press(asking, Key.Key_F)
    assert asking.pace.steps_per_s is None and asking.pace.choice.accessibleName() == "Pace: full speed"
    press(asking, Key.Key_Greater)
    assert asking.pace.steps_per_s is None
    press(asking, Key.Key_Less)
    assert asking.pace.steps_per_s in (1.0, 50_000.0)


def test_a_run_keeps_the_pace_and_the_pace_can_be_lifted(asking: Window, qtbot: QtBot) -> None:
    asking.lesson_box.choose("Five")
    asking.pace.show_pace(5.0)
    press(asking, Key.Key_Space)
    qtbot.waitUntil(lambda: snapshot_of(asking).n_steps >= 2, timeout=WAIT_MS)
    assert snapshot_of(asking).n_steps < 100 and snapshot_of(asking).steps_per_s <= 5.0
    press(asking, Key.Key_F)
    wait_for_steps(asking, 120, qtbot)


def test_a_chosen_pace_goes_to_the_run_under_way(asking: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    report = asking.bridge.newest
    assert report is not None
    monkeypatch.setattr(asking.bridge, "send", sent.append)
    asking.pace.choice.setCurrentIndex(3)
    asking.pace.choice.activated.emit(3)
    assert sent == []
    asking.bridge.newest = Report(State.RUNNING, "", report.snapshot)
    asking.pace.faster()
    assert sent == [Run(until=120, steps_per_s=10.0)]


def test_the_state_is_said_in_words(asking: Window, qtbot: QtBot, said: list[str]) -> None:
    asking.lesson_box.skip()
    wait_for_steps(asking, 120, qtbot)
    [end] = [sentence for sentence in said if sentence.startswith("Lesson end")]
    assert end == "Lesson end at step 120. The loss is 0.498300, 0 of 6 samples are wrong. Run goes on."


def test_an_announcement_reaches_qt(window: Window) -> None:
    was_active = QAccessible.isActive()
    QAccessible.setActive(True)
    try:
        announcer.announce(window, "Paused at step 3.")
        announcer.announce(window, "Stopped.", is_urgent=True)
    finally:
        QAccessible.setActive(was_active)


def test_a_presentation_shows_the_text_while_it_asks_and_when_it_answers(
    asking: Window, qtbot: QtBot
) -> None:
    asking.actions_by_id["presentation"].trigger()
    qtbot.waitUntil(asking.lesson_box.isVisible, timeout=WAIT_MS)
    assert not asking.look_strip.isVisible()
    asking.lesson_box.choose("Five")
    qtbot.waitUntil(lambda: not asking.lesson_box.isVisible(), timeout=WAIT_MS)
    qtbot.waitUntil(asking.look_strip.isVisible, timeout=WAIT_MS)  # instead of the text
    assert asking.look_strip.text().split() == f"Look for: {asking.lesson_box.look}".split()
    press(asking, Key.Key_Space)
    wait_for_steps(asking, 120, qtbot)
    qtbot.waitUntil(asking.lesson_box.isVisible, timeout=WAIT_MS)
    assert asking.lesson_box.is_revealed and not asking.look_strip.isVisible()
    asking.actions_by_id["presentation"].trigger()


def test_what_to_look_for_goes_with_the_presentation(asking: Window, qtbot: QtBot) -> None:
    asking.actions_by_id["presentation"].trigger()
    qtbot.waitUntil(asking.lesson_box.isVisible, timeout=WAIT_MS)
    asking.lesson_box.choose("Five")
    qtbot.waitUntil(asking.look_strip.isVisible, timeout=WAIT_MS)
    asking.actions_by_id["presentation"].trigger()
    qtbot.waitUntil(lambda: not asking.look_strip.isVisible(), timeout=WAIT_MS)


def test_without_the_text_two_panels_of_a_presentation_are_as_wide(asking: Window, qtbot: QtBot) -> None:
    asking.resize(1280, 720)
    asking.docks.present(("errors", "ledger"), has_text=False)

    def widths() -> list[int]:
        return [asking.docks._docks[panel_id].width() for panel_id in ("errors", "ledger")]

    qtbot.waitUntil(lambda: abs(widths()[0] - widths()[1]) < 40, timeout=WAIT_MS)
    assert min(widths()) > 400


def test_a_broken_lesson_is_left_out_and_named(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lesson: Lesson
) -> None:
    from engine import lessons
    from gui import window as window_module
    from gui.app import make_application, make_window

    shutil.copytree(lessons.FOLDER / "exam", tmp_path / "exam")
    (tmp_path / "exam" / "kink.toml").write_text("order = ", encoding="utf-8")
    read = lessons.readable_lessons
    monkeypatch.setattr(window_module, "readable_lessons", lambda: read(tmp_path))
    make_application()
    opened = make_window(lesson)
    opened.show()
    try:
        qtbot.waitUntil(lambda: opened.bridge.snapshot is not None, timeout=WAIT_MS)
        assert opened.messages.text.startswith("The lesson file kink.toml cannot be used: ")
        known = [opened.lesson_box.choice.itemData(row) for row in range(opened.lesson_box.choice.count())]
        assert "kink" not in known and "five-flips" in known
    finally:
        opened.close()
        opened.deleteLater()


# ------------------------------------------------------------------------------- finding a lesson


@pytest.fixture
def browser(window: Window, qtbot: QtBot) -> LessonBrowser:
    window.setFocus()
    QTest.keyClick(window, Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    [found] = [one for one in window.findChildren(LessonBrowser) if one.isVisible()]
    return found


def test_lessons_are_found_by_typing(browser: LessonBrowser) -> None:
    everything = browser.shown
    assert browser.field.hasFocus() or browser.field is browser.focusWidget()
    QTest.keyClicks(browser.field, "errors-never-rise")
    assert {"mistakes-can-rise", "five-flips"} <= set(browser.shown) < set(everything)
    assert browser.chosen in browser.shown and "It asks:" in browser.about.text()
    browser.field.setText("no such words")
    assert browser.shown == [] and browser.chosen == "" and not browser.open_button.isEnabled()
    browser.accept()
    assert browser.isVisible() and "no such words" in browser.about.text()


@pytest.mark.parametrize("word", ["kink", "mistakes", "batches"])
def test_lessons_with_a_word_in_their_titles_come_first(browser: LessonBrowser, word: str) -> None:
    everything = browser.shown
    browser.field.setText(word)
    titles = [browser._lessons[lesson_id].title.casefold() for lesson_id in browser.shown]
    assert len(titles) > 1 and word in titles[0] and browser.chosen == browser.shown[0]
    browser.field.clear()
    assert browser.shown == everything and browser.chosen


def test_the_answer_finds_nothing_and_is_not_told(browser: LessonBrowser) -> None:
    browser.field.setText("outweighs them")
    assert browser.shown == []


def test_enter_loads_the_lesson_chosen(window: Window, browser: LessonBrowser, qtbot: QtBot) -> None:
    browser.field.setText("samples")
    second = browser.shown[browser.shown.index(browser.chosen) + 1]
    QTest.keyClick(browser.field, Key.Key_Down)
    assert browser.chosen == second
    QTest.keyClick(browser.field, Key.Key_Return)
    assert not browser.isVisible()
    qtbot.waitUntil(lambda: snapshot_of(window).config.lesson == second, timeout=WAIT_MS)
