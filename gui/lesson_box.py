"""The lesson: what runs, a question with answers to choose, and what is the case once the run has shown it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import groupby
from string import ascii_uppercase
from typing import Final

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engine.config import RunConfig
from engine.lessons import Lesson
from engine.snapshot import Snapshot
from engine.sources import SOURCES
from gui import announcer, numerals
from gui.answer_row import AnswerRow

HELD: Final = "Choose an answer first, then it runs; Shift+Space runs without one."


class LessonBox(QWidget):
    """Shows a lesson: what runs, what to predict, and what is the case, once the run has come to it.

    The answer stays hidden until a run that was predicted, or let go without, has come to what the question is
    about, or until somebody asks for it.

    Attributes:
        choice: the list of lessons, by their sources; browse_button opens the page that searches them.
        answers: the letters of the answers to choose from; hidden for a lesson without.
        skip_button: lets the run go without an answer.
        reveal_button: shows the answer without a run.
    """

    lesson_chosen = Signal(str)
    """The id of a lesson."""
    answered = Signal()
    """An answer was chosen."""
    skipped = Signal()
    """Somebody wants the run without an answer."""
    revealed = Signal()
    """What is the case is shown."""

    def __init__(self, lessons: Sequence[Lesson], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lesson")
        self._lesson: Lesson | None = None
        self._is_changed = False
        self._browser = QTextBrowser(openLinks=False)
        self._browser.setTabChangesFocus(True)
        self._browser.anchorClicked.connect(self._choose_link)
        self._note = QLabel(HELD, wordWrap=True)
        self.choice = self._make_list(lessons)
        self.browse_button = QToolButton()
        self.browse_button.setText("Find")
        self.browse_button.setAccessibleName("Find a lesson")
        self.browse_button.setToolTip("Search the lessons by what they show. (Ctrl+L)")
        self.answers = AnswerRow()
        self.answers.chosen.connect(self.choose)
        self.skip_button = QPushButton("Run without")
        self.skip_button.setAccessibleName("Run without an answer")
        self.skip_button.setToolTip("Let the run go without an answer. (Shift+Space)")
        self.skip_button.clicked.connect(self.skip)
        self.reveal_button = QPushButton("Show the answer")
        self.reveal_button.setToolTip("Read what is the case, before the run has shown it.")
        self.reveal_button.clicked.connect(lambda: self.reveal())
        self._lay_out()
        self.forget()

    def show_lesson(self, lesson: Lesson, is_changed: bool = False) -> None:
        """Show a lesson; is_changed says that the run has other settings by now."""
        self.choice.setCurrentIndex(self.choice.findData(lesson.lesson_id))
        if (lesson, is_changed) == (self._lesson, self._is_changed):
            return
        is_other = self._lesson is None or lesson.lesson_id != self._lesson.lesson_id
        self._lesson, self._is_changed = lesson, is_changed
        if is_other:
            self.forget()
        else:
            self._write()

    def forget(self) -> None:
        """Ask anew: nothing was chosen, no run was seen."""
        self._predicted: str | None = None
        self._is_skipped = self.is_revealed = self._is_begun = False
        self._runs: set[tuple[RunConfig, float]] = set()
        self._note.hide()
        if self._lesson is not None:
            self.answers.offer(self._lesson.choices)
            self._write()

    @property
    def is_asking(self) -> bool:
        """Whether a question waits for an answer."""
        return bool(self.answers.texts) and self._predicted is None and not self.is_revealed

    @property
    def holds(self) -> bool:
        """Whether a run is to wait for the answer."""
        return self.is_asking and not self._is_skipped

    @property
    def text(self) -> str:
        """What is shown, without mark-up."""
        return self._browser.toPlainText()

    def ask(self) -> None:
        """Move the focus to the answers and say that one is wanted."""
        self._note.show()
        self._show_choices()
        self.answers.setFocus(Qt.FocusReason.OtherFocusReason)
        announcer.announce(self, f"{HELD} {self._question()}")

    def choose(self, answer: str) -> None:
        """Take one of the lesson's choices as what was predicted."""
        self._predicted = answer
        self._note.hide()
        self._write()
        self._browser.scrollToAnchor("prediction")
        announcer.announce(self, f"You predicted: {answer}")
        self.answered.emit()

    def skip(self) -> None:
        """Do not hold the run for an answer any more."""
        self._is_skipped = True
        self._note.hide()
        self._write()
        self.skipped.emit()

    def follow(self, snapshot: Snapshot) -> None:
        """Show what is the case once enough runs have come to what the question is about."""
        lesson = self._lesson
        if lesson is None or self.is_revealed or snapshot.config.lesson != lesson.lesson_id:
            return
        self._is_begun |= snapshot.config == lesson.config and snapshot.n_steps > 0
        if self.holds or not self._is_begun or not lesson.has_shown(snapshot):
            return
        run = snapshot.config, snapshot.learning_rate
        if run not in self._runs:
            self._runs.add(run)
            if len(self._runs) >= lesson.n_runs:
                self.reveal()
            else:
                self._write()

    def reveal(self) -> None:
        """Show what is the case, beside what was predicted."""
        assert self._lesson is not None
        self.is_revealed = True
        self._note.hide()
        self._write()
        self._browser.scrollToAnchor("answer")
        announcer.announce(self, f"{_judged(self._lesson, self._predicted)} {self._lesson.answer}")
        self.revealed.emit()

    def _lay_out(self) -> None:
        top, bottom = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.choice, 1)
        top.addWidget(self.browse_button)
        bottom.addWidget(self.answers)
        bottom.addStretch(1)
        for button in (self.skip_button, self.reveal_button):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            bottom.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 2)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(self._browser, 1)
        layout.addWidget(self._note)
        layout.addLayout(bottom)

    def _make_list(self, lessons: Sequence[Lesson]) -> QComboBox:
        made = QComboBox()
        made.setAccessibleName("Lesson")
        made.setToolTip("Choose a lesson.")
        made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        made.setMaxVisibleItems(24)
        _fill(made, lessons)
        made.activated.connect(lambda row: self.lesson_chosen.emit(made.itemData(row)))
        return made

    def _show_choices(self) -> None:
        """Scroll to the question, or in a small place so far that the last answer can be read."""
        self._browser.scrollToAnchor("question")
        letter, text = lettered(self._lesson)[-1] if self._lesson is not None else ("", "")
        found = self._browser.document().find(f"{letter} {text}")
        if not found.isNull():
            found.clearSelection()
            self._browser.setTextCursor(found)

    def _question(self) -> str:
        assert self._lesson is not None
        words = " ".join(self._lesson.predict.split())
        return " ".join([words, *(f"{letter}: {text}." for letter, text in lettered(self._lesson))])

    def _choose_link(self, link: QUrl) -> None:
        if self.is_asking:
            self.choose(self.answers.texts[int(link.fragment())])

    def _waiting(self) -> str:
        """Return when the answer will be shown, as a sentence."""
        assert self._lesson is not None
        lesson, n_left = self._lesson, self._lesson.n_runs - len(self._runs)
        moment = lesson.reveal
        when = f"at step {moment:,}" if isinstance(moment, int) else f"at the event: {moment}"
        if lesson.n_runs == 1:
            return f"The answer comes {when}."
        return f"The answer comes {when} of {numerals.plural(n_left, 'more run')}, each with settings of its own."

    def _write(self) -> None:
        assert self._lesson is not None
        self.answers.setVisible(self.is_asking)
        self.skip_button.setVisible(self.holds)
        self.reveal_button.setHidden(self.is_revealed)
        scroll = self._browser.verticalScrollBar()
        place = scroll.value()
        self._browser.setHtml(self._page())
        scroll.setValue(place)
        self._browser.setAccessibleName(f"Lesson: {self._lesson.title}. {self.text}")

    def _page(self) -> str:
        lesson = self._lesson
        assert lesson is not None
        parts = [_bold("Settings of this run differ from the lesson's.")] if self._is_changed else []
        parts += [_paragraphs(lesson.intro), "<a name='question'></a>"]
        parts += [_paragraphs(lesson.predict, "Predict, before you press Run: "), self._choices()]
        if self.is_revealed:
            parts += ["<a name='answer'></a>", _verdict(lesson, self._predicted)]
            parts += [_paragraphs(lesson.answer, "Answer: ")]
        parts += [_paragraphs(lesson.look, "Look for: ")]
        source = f"<p style='margin: 4px 0'><i>{html.escape(lesson.source)}</i></p>"
        return "".join([*parts, source])

    def _choices(self) -> str:
        """Return the answers to choose from, or what was chosen and when more comes."""
        lesson = self._lesson
        assert lesson is not None
        if self.is_asking:
            rows = enumerate(lettered(lesson))
            links = [f"<b>{letter}</b> <a href='#{i}'>{html.escape(text)}</a>" for i, (letter, text) in rows]
            return f"<p style='margin: 2px 12px'>{'<br>'.join(links)}</p>"
        if self.is_revealed:
            return ""
        chosen = _bold(f"You predicted: {self._predicted}") if self._predicted else ""
        return f"<a name='prediction'></a>{chosen}{_paragraphs(self._waiting())}"


def lettered(lesson: Lesson) -> list[tuple[str, str]]:
    """Return (letter, text) of the answers to choose from."""
    return list(zip(ascii_uppercase, lesson.choices, strict=False))


def _fill(choice: QComboBox, lessons: Sequence[Lesson]) -> None:
    """Add the lessons under the titles of their sources, which cannot be chosen."""
    model = choice.model()
    assert isinstance(model, QStandardItemModel)
    for group, members in groupby(lessons, key=lambda lesson: lesson.group):
        if group:
            choice.addItem(SOURCES[group].title.upper())
            model.item(choice.count() - 1).setFlags(Qt.ItemFlag.NoItemFlags)
        for lesson in members:
            choice.addItem(lesson.title, lesson.lesson_id)


def _judged(lesson: Lesson, predicted: str | None) -> str:
    if predicted is None:
        return f"It is so: {lesson.right}." if lesson.right else ""
    if predicted == lesson.right:
        return f"You predicted: {predicted}. That is right."
    return f"You predicted: {predicted}. It is otherwise: {lesson.right}."


def _verdict(lesson: Lesson, predicted: str | None) -> str:
    """Return prediction and what is the case, side by side."""
    if predicted is None:
        return _bold(_judged(lesson, None)) if lesson.right else ""
    word = "That is right" if predicted == lesson.right else "It is otherwise"
    cells = (("You predicted", predicted), (word, lesson.right))
    row = "".join(
        f"<td style='padding: 3px 24px 3px 0'>{title}<br><b>{html.escape(text)}</b></td>"
        for title, text in cells
    )
    return f"<table style='margin: 4px 0'><tr>{row}</tr></table>"


def _bold(text: str) -> str:
    return f"<p style='margin: 4px 0'><b>{html.escape(text)}</b></p>"


def _paragraphs(text: str, opening: str = "") -> str:
    """Return text as paragraphs; a line that is a command stays a line."""
    made = ""
    for part in text.split("\n\n"):
        words = html.escape(" ".join(part.split()))
        made += f"<p style='margin: 4px 0'><b>{html.escape(opening)}</b>{words}</p>"
        opening = ""
    return made
