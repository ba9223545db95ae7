"""The lesson's box: lessons by their sources, a question first, the answer when it was asked for."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine.lessons import all_lessons, load_lesson
from engine.sources import SOURCES
from gui.lesson_box import LessonBox


@pytest.fixture
def box(qtbot: QtBot) -> LessonBox:
    made = LessonBox(all_lessons())
    qtbot.addWidget(made)
    made.resize(620, 260)
    made.show()
    made.show_lesson(load_lesson("mistakes-can-rise"))
    return made


def test_lessons_stand_under_their_sources_which_cannot_be_chosen(box: LessonBox) -> None:
    rows = range(box.choice.count())
    headings = [row for row in rows if box.choice.itemData(row) is None]
    assert [box.choice.itemText(row) for row in headings] == [
        source.title.upper()
        for source in SOURCES.values()
        if any(x.group == source.key for x in all_lessons())
    ]
    assert not any(box.choice.model().flags(box.choice.model().index(row, 0)) for row in headings)
    assert [box.choice.itemData(row) for row in rows if row not in headings] == [
        lesson.lesson_id for lesson in all_lessons()
    ]


def test_the_answer_waits_for_a_prediction(box: LessonBox) -> None:
    lesson = load_lesson("mistakes-can-rise")
    assert "Predict" in box.text and "Look for" in box.text
    assert "Answer:" not in box.text and not box.is_revealed
    wrong = next(text for text in lesson.choices if text != lesson.right)
    box.prediction.activated.emit(box.prediction.findText(wrong))
    assert f"You predicted: {wrong} It is otherwise: {lesson.right}" in box.text
    assert "Answer:" in box.text and not box.prediction.isVisible()


def test_a_right_prediction_is_told_so(box: LessonBox) -> None:
    right = load_lesson("mistakes-can-rise").right
    box.reveal(right)
    assert f"You predicted: {right} That is right." in box.text


def test_the_answer_can_be_had_without_a_prediction_by_keyboard(box: LessonBox) -> None:
    QTest.keyClick(box.reveal_button, Qt.Key.Key_Space)
    assert "Answer:" in box.text and "You predicted" not in box.text


def test_another_lesson_asks_anew_but_other_settings_do_not(box: LessonBox) -> None:
    lesson = load_lesson("mistakes-can-rise")
    box.reveal()
    box.show_lesson(lesson, is_changed=True)
    assert box.is_revealed and "Settings of this run differ" in box.text
    box.show_lesson(load_lesson("exam"))
    assert not box.is_revealed and "Answer:" not in box.text and box.prediction.isVisible()


def test_a_lesson_without_choices_has_only_the_button(box: LessonBox) -> None:
    box.show_lesson(dataclasses.replace(load_lesson("exam"), lesson_id="other", choices=(), right=""))
    assert not box.prediction.isVisible() and box.reveal_button.isVisible()


def test_the_text_can_be_heard(box: LessonBox) -> None:
    browser = box._browser
    assert "Predict" in browser.accessibleName() and "Answer:" not in browser.accessibleName()
    box.reveal()
    assert "Answer:" in browser.accessibleName()
