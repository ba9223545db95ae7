"""The lesson's box: a question first, the answer once a run has come to it or somebody asked for it."""

from __future__ import annotations

import dataclasses

import pytest
from panel_tools import running
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QColor, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QStylePainter
from pytestqt.qtbot import QtBot

from engine.lessons import all_lessons, load_lesson
from engine.snapshot import Snapshot
from engine.sources import SOURCES
from engine.trainer import Trainer
from gui.lesson_box import LessonBox, with_titles

FLIPS = "five-flips"  # mistakes rise at step 4, the last step is 120


@pytest.fixture
def box(qtbot: QtBot) -> LessonBox:
    made = LessonBox(all_lessons())
    qtbot.addWidget(made)
    made.resize(620, 260)
    made.show()
    made.show_lesson(load_lesson(FLIPS))
    return made


def after(n_steps: int, lesson_id: str = FLIPS, **changes: object) -> Snapshot:
    trainer = Trainer.from_config(load_lesson(lesson_id).config.replace(**changes))
    if n_steps:
        trainer.step(n_steps)
    return trainer.snapshot()


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


def test_all_answers_can_be_read_and_have_a_button(box: LessonBox) -> None:
    lesson = load_lesson(FLIPS)
    assert box.holds and "Answer:" not in box.text
    shown = [button for button in box.answers.buttons if button.isVisible()]
    for button, letter, text in zip(shown, "ABC", lesson.choices, strict=True):
        assert f"{letter} {text}" in box.text
        assert (button.text(), button.accessibleName()) == (letter, f"{letter}: {text}")


@pytest.mark.parametrize("answer", ["", "At most one"])
def test_what_to_look_for_is_in_sight_while_the_run_goes_on(box: LessonBox, answer: str) -> None:
    box.resize(300, 170)
    assert not in_sight(box, "the ceiling above it.")
    if answer:
        box.choose(answer)
    else:
        box.skip()
    box.follow(running(after(1)))
    assert in_sight(box, "the ceiling above it.")


def in_sight(box: LessonBox, words: str) -> bool:
    found = box.page.document().find(words)
    return not found.isNull() and box.page.viewport().rect().contains(box.page.cursorRect(found))


def test_the_answer_waits_for_the_event_that_the_question_is_about(box: LessonBox) -> None:
    box.choose("At most one")
    assert not box.holds and not box.is_revealed and "You predicted: At most one" in box.text
    assert "The answer comes at the event: mistakes rise." in box.text
    box.follow(running(after(3)))
    assert not box.is_revealed and "Answer:" not in box.text
    box.follow(running(after(4)))
    assert box.is_revealed
    told = box.text[box.text.index("You predicted") :]
    places = [told.index(words) for words in ("At most one", "Right answer", "Five", "Answer:")]
    assert places == sorted(places)


def test_a_right_prediction_is_told_so(box: LessonBox) -> None:
    box.choose("Five")
    box.follow(after(4))
    assert "That is right" in box.text and "otherwise" not in box.text.partition("Answer:")[0]


def test_without_a_prediction_nothing_is_told_unless_it_was_let_go(box: LessonBox) -> None:
    box.follow(after(10))
    assert not box.is_revealed and box.holds
    box.skip()
    assert not box.holds and box.is_asking and not box.skip_button.isVisible()
    box.follow(after(10))
    assert box.is_revealed and "You predicted" not in box.text and "Right answer: Five." in box.text


def test_runs_with_other_settings_alone_prove_nothing(box: LessonBox) -> None:
    box.choose("Five")
    box.follow(after(10, learning_rate=0.025))
    assert not box.is_revealed
    box.follow(after(2))
    box.follow(after(10, learning_rate=0.025))
    assert box.is_revealed


def test_a_question_about_several_runs_waits_for_all_of_them(box: LessonBox) -> None:
    box.show_lesson(load_lesson("kink"))
    box.choose("At none")
    assert "at step 40 of 2 more runs, each with settings of its own" in box.text
    for _ in range(2):
        box.follow(after(40, "kink"))
    assert not box.is_revealed and "of one more run," in box.text
    box.follow(after(40, "kink", learning_rate=0.05))
    assert box.is_revealed


@pytest.mark.parametrize("key", [Qt.Key.Key_C, Qt.Key.Key_3])
def test_letters_and_numbers_choose_while_the_answers_have_the_focus(
    box: LessonBox, qtbot: QtBot, key: Qt.Key
) -> None:
    box.activateWindow()
    box.ask()
    qtbot.waitUntil(box.answers.buttons[0].hasFocus)
    assert "Choose an answer first" in box._note.text() and box._note.isVisible()
    with qtbot.waitSignal(box.answered):
        QTest.keyClick(box.answers.buttons[0], key)
    assert "You predicted: Five" in box.text and not box._note.isVisible()


def test_arrows_move_and_enter_chooses(box: LessonBox, qtbot: QtBot) -> None:
    box.activateWindow()
    box.ask()
    first, second, third = (button for button in box.answers.buttons if button.isVisible())
    qtbot.waitUntil(first.hasFocus)
    QTest.keyClick(first, Qt.Key.Key_Left)
    assert third.hasFocus()
    QTest.keyClick(third, Qt.Key.Key_Right)
    QTest.keyClick(first, Qt.Key.Key_Down)
    assert second.hasFocus() and box.is_asking
    QTest.keyClick(second, Qt.Key.Key_Return)
    assert "You predicted: Two or three" in box.text


def test_an_answer_in_the_text_can_be_clicked(box: LessonBox) -> None:
    box.page.anchorClicked.emit(QUrl("#1"))
    assert "You predicted: Two or three" in box.text
    box.page.anchorClicked.emit(QUrl("#0"))
    assert "You predicted: Two or three" in box.text


def test_the_answer_can_be_had_at_once_by_keyboard(box: LessonBox) -> None:
    QTest.keyClick(box.reveal_button, Qt.Key.Key_Space)
    assert "Answer:" in box.text and "You predicted" not in box.text and not box.reveal_button.isVisible()


def test_another_lesson_asks_anew_but_other_settings_do_not(box: LessonBox) -> None:
    lesson = load_lesson(FLIPS)
    box.choose("Five")
    box.reveal()
    box.show_lesson(lesson, "seed 1 instead of 0")
    assert box.is_revealed and "This run, unlike the lesson's first one, has seed 1 instead of 0." in box.text
    box.show_lesson(load_lesson("exam"))
    assert box.holds and "Answer:" not in box.text
    box.show_lesson(lesson)
    assert box.holds


def test_a_lesson_without_choices_holds_nothing_and_tells_at_its_end(box: LessonBox) -> None:
    lesson = load_lesson(FLIPS)
    config = lesson.config.replace(lesson="other")
    bare = dataclasses.replace(lesson, lesson_id="other", config=config, choices=(), right="", reveal=5)
    box.show_lesson(bare)
    assert not box.holds and not box.answers.isVisible() and box.reveal_button.isVisible()
    box.follow(after(4, lesson="other"))
    assert not box.is_revealed
    box.follow(after(5, lesson="other"))
    assert box.is_revealed and "Answer:" in box.text


def test_the_text_can_be_heard(box: LessonBox) -> None:
    browser = box.page
    assert "Predict" in browser.accessibleName() and "Answer:" not in browser.accessibleName()
    box.reveal()
    assert "Answer:" in browser.accessibleName()


def test_a_lesson_is_mentioned_by_its_title_and_a_link_leads_there(box: LessonBox, qtbot: QtBot) -> None:
    box.show_lesson(load_lesson("kink"))
    box.reveal()
    titles = [load_lesson(lesson_id).title for lesson_id in ("exam", "rate-too-large")]
    assert f"see the lessons {titles[0]} and {titles[1]}." in box.text
    with qtbot.waitSignal(box.lesson_chosen) as chosen:
        box.page.anchorClicked.emit(QUrl("lesson:rate-too-large"))
    assert chosen.args == ["rate-too-large"]


def test_a_word_after_lesson_that_is_no_lesson_stays() -> None:
    assert with_titles("the lesson is over; the lesson exam", {"exam": "Exam"}) == (
        'the lesson is over; the lesson "Exam"'
    )


def test_a_command_has_a_line_of_its_own(box: LessonBox) -> None:
    box.show_lesson(load_lesson("xor-luck"))
    box.reveal()
    command = "python main.py run xor-luck --set init=constant --set init_value=0.05"
    assert command in box.text.splitlines()


def test_the_answer_stays_at_the_top_when_there_is_less_room(box: LessonBox) -> None:
    box.show_lesson(load_lesson("xor-luck"))
    box.reveal()
    bar = box.page.verticalScrollBar()
    box.resize(320, 300)
    moved = bar.value()
    box.page.scrollToAnchor("answer")
    assert bar.value() == moved > 0
    bar.setValue(0)
    box.resize(400, 300)
    assert bar.value() == 0  # somebody scrolled: it stays where it was put


@pytest.mark.parametrize("height", range(230, 260, 5))
def test_near_the_end_of_the_text_no_line_is_cut_at_the_top(box: LessonBox, height: int) -> None:
    box.resize(560, height)
    box.show()
    lesson = load_lesson("five-flips")
    box.show_lesson(dataclasses.replace(lesson, intro=9 * f"{lesson.intro}\n\n", answer="Six.", look="Here."))
    box.reveal()
    bar = box.page.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0  # the end is too near for the answer to be at the top
    for change in (lambda: None, lambda: box.resize(560, height + 2), box._write):
        change()
        line = box.page.cursorRect(box.page.cursorForPosition(QPoint(0, 0)))
        assert line.top() >= 0 or line.bottom() < 0
        assert box.page.is_at_anchor


def test_a_title_without_room_ends_in_dots(box: LessonBox, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    real = QStylePainter.drawControl
    monkeypatch.setattr(
        QStylePainter, "drawControl", lambda *args: (drawn.append(args[2].currentText), real(*args))
    )
    box.choice.grab()
    box.choice.setFixedWidth(90)
    box.choice.grab()
    title = box.choice.currentText()
    assert drawn[0] == title
    assert drawn[-1].endswith("…") and title.startswith(drawn[-1][:-1])


def test_links_take_the_colour_of_another_theme(box: LessonBox, qapp: QApplication, qtbot: QtBot) -> None:
    box.show()
    before = qapp.palette()
    palette = qapp.palette()
    palette.setColor(QPalette.ColorRole.Link, QColor("#123456"))
    try:
        qapp.setPalette(palette)
        qtbot.waitUntil(lambda: "#123456" in box.page.toHtml())
    finally:
        qapp.setPalette(before)
    qtbot.waitUntil(lambda: "#123456" not in box.page.toHtml())
