"""The lesson: what runs, a question with answers to choose, and what is the case once the run has shown it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from string import ascii_uppercase
from typing import Final

from PySide6.QtCore import QEvent, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QPaintEvent, QResizeEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
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
from gui.guards import painting

HELD: Final = "Choose an answer first, then it runs; Shift+Space runs without one."
_LINK: Final = "lesson"
"""What a link to a lesson begins with."""
_COMMAND: Final = "python main.py"
_FIELD_PX: Final = 4  # what the style leaves free in the field of a list
_MENTION: Final = re.compile(r"\b(lessons?) ([a-z0-9-]+)(?:( and )([a-z0-9-]+))?")


class LessonBox(QWidget):
    """Shows a lesson: what runs, what to predict, and what is the case, once the run has come to it.

    The answer stays hidden until a run that was predicted, or let go without, has come to what the question is
    about, or until somebody asks for it.

    Attributes:
        choice: the list of lessons, by their sources; browse_button opens the page that searches them.
        answers: the letters of the answers to choose from; hidden for a lesson without.
        skip_button: lets the run go without an answer.
        reveal_button: shows the answer without a run.
        page: the text.
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
        self._changes = ""
        self._titles = {lesson.lesson_id: lesson.title for lesson in lessons}
        self.page = Page()
        self.page.anchorClicked.connect(self._choose_link)
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

    def show_lesson(self, lesson: Lesson, changes: str = "") -> None:
        """Show a lesson; changes are the settings that the run has by now instead of the lesson's, or ""."""
        self.choice.setCurrentIndex(self.choice.findData(lesson.lesson_id))
        if (lesson, changes) == (self._lesson, self._changes):
            return
        is_other = self._lesson is None or lesson.lesson_id != self._lesson.lesson_id
        self._lesson, self._changes = lesson, changes
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
        return self.page.toPlainText()

    @property
    def look(self) -> str:
        """What to look for while the run goes on, one paragraph."""
        return with_titles(self._lesson.look, self._titles) if self._lesson is not None else ""

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
        self.page.go_to("prediction")
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
        was_begun = self._is_begun
        self._is_begun |= snapshot.config == lesson.config and snapshot.n_steps > 0
        if self._is_begun and not was_begun and self._predicted is None:
            self.page.go_to("look")  # the question is past; a prediction stands just above it already
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
        self.page.go_to("answer")
        answer = with_titles(self._lesson.answer, self._titles)
        announcer.announce(self, f"{_judged(self._lesson, self._predicted)} {answer}")
        self.revealed.emit()

    def changeEvent(self, event: QEvent) -> None:
        """Give the links the colour of another theme: a text keeps those that it was made with."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange and self._lesson is not None:
            self._write()

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
        layout.addWidget(self.page, 1)
        layout.addWidget(self._note)
        layout.addLayout(bottom)

    def _make_list(self, lessons: Sequence[Lesson]) -> QComboBox:
        made = TitleBox()
        made.setAccessibleName("Lesson")
        made.setToolTip("Choose a lesson.")
        made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        made.setMaxVisibleItems(24)
        _fill(made, lessons)
        made.activated.connect(lambda row: self.lesson_chosen.emit(made.itemData(row)))
        return made

    def _show_choices(self) -> None:
        """Scroll to the question, or in a small place so far that the last answer can be read."""
        self.page.go_to("question")
        letter, text = lettered(self._lesson)[-1] if self._lesson is not None else ("", "")
        found = self.page.document().find(f"{letter} {text}")
        if not found.isNull():
            found.clearSelection()
            self.page.setTextCursor(found)

    def _question(self) -> str:
        assert self._lesson is not None
        words = with_titles(" ".join(self._lesson.predict.split()), self._titles)
        return " ".join([words, *(f"{letter}: {text}." for letter, text in lettered(self._lesson))])

    def _choose_link(self, link: QUrl) -> None:
        if link.scheme() == _LINK:
            self.lesson_chosen.emit(link.path())
        elif self.is_asking:
            self.choose(self.answers.texts[int(link.fragment())])

    def _waiting(self) -> str:
        """Return when the answer will be shown, as a sentence."""
        assert self._lesson is not None
        lesson, n_left = self._lesson, self._lesson.n_runs - len(self._runs)
        moment = lesson.reveal
        when = f"at step {moment:,}" if isinstance(moment, int) else f"at the event: {moment}"
        if lesson.n_runs == 1:
            return f"The answer comes {when}."
        if n_left == 1:
            return f"The answer comes {when} of one more run, with other settings."
        return f"The answer comes {when} of {numerals.plural(n_left, 'more run')}, each with settings of its own."

    def _write(self) -> None:
        assert self._lesson is not None
        self.answers.setVisible(self.is_asking)
        self.skip_button.setVisible(self.holds)
        self.reveal_button.setHidden(self.is_revealed)
        scroll = self.page.verticalScrollBar()
        place, stays = scroll.value(), self.page.is_at_anchor
        self.page.setHtml(self._page())
        scroll.setValue(place)
        if stays:
            self.page.stay()
        self.page.setAccessibleName(f"Lesson: {self._lesson.title}. {self.text}")

    def _page(self) -> str:
        lesson = self._lesson
        assert lesson is not None
        parts = (
            [_bold(f"This run, unlike the lesson's first one, has {self._changes}.")] if self._changes else []
        )
        parts += [self._paragraphs(lesson.intro), "<a name='question'></a>"]
        parts += [self._paragraphs(lesson.predict, "Predict, before you press Run: "), self._choices()]
        if self.is_revealed:
            parts += ["<a name='answer'></a>", _verdict(lesson, self._predicted)]
            parts += [self._paragraphs(lesson.answer, "Answer: ")]
        parts += ["<a name='look'></a>", self._paragraphs(lesson.look, "Look for: ")]
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
        return f"<a name='prediction'></a>{chosen}{self._paragraphs(self._waiting())}"

    def _paragraphs(self, text: str, opening: str = "") -> str:
        """Return text as paragraphs with links to the lessons that it mentions; a command has a line of its own."""
        made = ""
        for part in _parts(text):
            words = _linked(html.escape(part), self._titles)
            words = f"<tt>{words}</tt>" if part.startswith(_COMMAND) else words
            made += f"<p style='margin: 4px 0'><b>{html.escape(opening)}</b>{words}</p>"
            opening = ""
        return made


class Page(QTextBrowser):
    """The text; what was last scrolled to stays at the top when type or room change, until somebody scrolls."""

    def __init__(self) -> None:
        super().__init__(openLinks=False)
        self.setTabChangesFocus(True)
        self._anchor, self._place = "", 0

    def go_to(self, anchor: str) -> None:
        """Scroll so that an anchor is at the top, or near the end of the text so that no line is cut there."""
        self._leave_room(0)
        self.scrollToAnchor(anchor)
        bar = self.verticalScrollBar()
        top_line = self.cursorRect(self.cursorForPosition(QPoint(0, 0)))
        if bar.value() == bar.maximum() and top_line.top() < 0 <= top_line.bottom():
            self._leave_room(top_line.bottom() + 1)
            bar.setValue(bar.maximum())
        self._anchor, self._place = anchor, bar.value()

    def stay(self) -> None:
        """Go to the anchor again, after the text has changed."""
        self.go_to(self._anchor)

    def _leave_room(self, height: int) -> None:
        """Leave so many pixels below the end of the text."""
        frame = self.document().rootFrame()
        form = frame.frameFormat()
        margin = self.document().documentMargin() + height
        if form.bottomMargin() != margin:
            form.setBottomMargin(margin)
            frame.setFrameFormat(form)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay at the anchor."""
        stays = self.is_at_anchor
        super().resizeEvent(event)
        if stays:
            self.stay()

    def changeEvent(self, event: QEvent) -> None:
        """Stay at the anchor when the type changes."""
        stays = self.is_at_anchor
        super().changeEvent(event)
        if stays and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.stay()

    @property
    def is_at_anchor(self) -> bool:
        """Whether nobody has scrolled since the page went to an anchor."""
        return self._anchor != "" and self.verticalScrollBar().value() == self._place


class TitleBox(QComboBox):
    """A list whose chosen title ends in dots where there is no room for all of it."""

    @painting
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box as the style does, but the title shortened."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        room = field.width() - _FIELD_PX
        option.currentText = option.fontMetrics.elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, room
        )
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


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
        return f"Right answer: {lesson.right}." if lesson.right else ""
    if predicted == lesson.right:
        return f"You predicted: {predicted}. That is right."
    return f"You predicted: {predicted}. Right answer: {lesson.right}."


def _verdict(lesson: Lesson, predicted: str | None) -> str:
    """Return prediction and what is the case, side by side."""
    if predicted is None:
        return _bold(_judged(lesson, None)) if lesson.right else ""
    word = "That is right" if predicted == lesson.right else "Right answer"
    cells = (("You predicted", predicted), (word, lesson.right))
    row = "".join(
        f"<td style='padding: 3px 24px 3px 0'>{title}<br><b>{html.escape(text)}</b></td>"
        for title, text in cells
    )
    return f"<table style='margin: 4px 0'><tr>{row}</tr></table>"


def _bold(text: str) -> str:
    return f"<p style='margin: 4px 0'><b>{html.escape(text)}</b></p>"


def with_titles(text: str, titles: Mapping[str, str]) -> str:
    """Return text with the titles of the lessons that it mentions by their ids."""
    return _replaced(text, titles, lambda lesson_id: f'"{titles[lesson_id]}"')


def _linked(text: str, titles: Mapping[str, str]) -> str:
    return _replaced(
        text, titles, lambda lesson_id: f'<a href="{_LINK}:{lesson_id}">{html.escape(titles[lesson_id])}</a>'
    )


def _replaced(text: str, titles: Mapping[str, str], write: Callable[[str], str]) -> str:
    """Return text with write(id) for each id of a lesson after the word lesson, or after lessons ... and."""

    def named(match: re.Match[str]) -> str:
        words = [write(part) if part in titles else part for part in match.groups("")[1:]]
        return f"{match[1]} {''.join(words)}"

    return _MENTION.sub(named, " ".join(text.split()))


def _parts(text: str) -> list[str]:
    """Return the paragraphs and the commands of a text, each on one line."""
    made: list[str] = []
    for paragraph in text.split("\n\n"):
        begins = True
        for line in paragraph.split("\n"):
            is_command = line.startswith(_COMMAND)
            if begins or is_command:
                made.append(line)
            else:
                made[-1] += f" {line}"
            begins = is_command
    return [" ".join(part.split()) for part in made if part.strip()]
