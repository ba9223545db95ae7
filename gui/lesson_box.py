"""The lesson: a list to choose from, its question with answers to choose, and what is the case."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import groupby

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QTextBrowser, QVBoxLayout, QWidget

from engine.lessons import Lesson
from engine.sources import SOURCES


class LessonBox(QWidget):
    """Shows a lesson: what runs, what to predict, and, once a prediction is made, what is the case.

    The answer stays hidden until somebody chooses one of the lesson's choices or asks for it.

    Attributes:
        choice: the list of lessons, by their sources.
        prediction: the answers to choose from; hidden for a lesson without.
        reveal_button: shows the answer without a prediction.
    """

    lesson_chosen = Signal(str)
    """The id of a lesson."""

    def __init__(self, lessons: Sequence[Lesson], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lesson")
        self._lesson: Lesson | None = None
        self._is_changed = False
        self._predicted: str | None = None
        self._browser = QTextBrowser(openLinks=False)
        self._browser.setTabChangesFocus(True)
        self.choice = QComboBox()
        self.choice.setAccessibleName("Lesson")
        self.choice.setToolTip("Choose a lesson. (Ctrl+L)")
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.setMaxVisibleItems(24)
        _fill(self.choice, lessons)
        self.choice.activated.connect(lambda row: self.lesson_chosen.emit(self.choice.itemData(row)))
        self.prediction = QComboBox()
        self.prediction.setAccessibleName("Your prediction")
        self.prediction.setToolTip("Choose before you press Run; then the answer is shown.")
        self.prediction.setPlaceholderText("Predict: choose an answer")
        self.prediction.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.prediction.activated.connect(lambda row: self.reveal(self.prediction.itemText(row)))
        self.reveal_button = QPushButton("Show the answer")
        self.reveal_button.setToolTip("Read what is the case.")
        self.reveal_button.clicked.connect(lambda: self.reveal())
        self._answers = QWidget()
        answers = QHBoxLayout(self._answers)
        answers.setContentsMargins(0, 0, 0, 0)
        answers.addWidget(self.prediction, 1)
        answers.addWidget(self.reveal_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 2)
        layout.setSpacing(2)
        layout.addWidget(self.choice)
        layout.addWidget(self._browser)
        layout.addWidget(self._answers)

    def show_lesson(self, lesson: Lesson, is_changed: bool = False) -> None:
        """Show a lesson; is_changed says that the run has other settings by now."""
        self.choice.setCurrentIndex(self.choice.findData(lesson.lesson_id))
        if (lesson, is_changed) == (self._lesson, self._is_changed):
            return
        if self._lesson is None or lesson.lesson_id != self._lesson.lesson_id:
            self._predicted = None
            self._offer_answers(lesson)
        self._lesson, self._is_changed = lesson, is_changed
        self._write()

    def reveal(self, predicted: str = "") -> None:
        """Show the answer, beside what was predicted; "" where nothing was."""
        self._predicted = predicted
        self._answers.hide()
        self._write()

    @property
    def is_revealed(self) -> bool:
        """Whether the answer is shown."""
        return self._predicted is not None

    @property
    def text(self) -> str:
        """What is shown, without mark-up."""
        return self._browser.toPlainText()

    def _offer_answers(self, lesson: Lesson) -> None:
        self.prediction.clear()
        self.prediction.addItems(lesson.choices)
        self.prediction.setCurrentIndex(-1)
        self.prediction.setVisible(bool(lesson.choices))
        self._answers.show()

    def _write(self) -> None:
        assert self._lesson is not None
        scroll = self._browser.verticalScrollBar()
        place = scroll.value()
        self._browser.setHtml(_page(self._lesson, self._is_changed, self._predicted))
        scroll.setValue(place)
        if self._predicted is not None:
            self._browser.scrollToAnchor("answer")
        self._browser.setAccessibleName(f"Lesson: {self._lesson.title}. {self.text}")


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


def _page(lesson: Lesson, is_changed: bool, predicted: str | None) -> str:
    parts = [_bold("Settings of this run differ from the lesson's.")] if is_changed else []
    parts += [_paragraphs(lesson.intro)]
    parts += [_paragraphs(lesson.predict, "Predict, before you press Run: ")]
    parts += [_paragraphs(lesson.look, "Look for: ")]
    if predicted is not None:
        parts += ["<a name='answer'></a>", _bold(_judged(lesson, predicted)) if predicted else ""]
        parts += [_paragraphs(lesson.answer, "Answer: ")]
    source = f"<p style='margin: 4px 0'><i>{html.escape(lesson.source)}</i></p>"
    return "".join([*parts, source])


def _judged(lesson: Lesson, predicted: str) -> str:
    if predicted == lesson.right:
        return f"You predicted: {predicted} That is right."
    return f"You predicted: {predicted} It is otherwise: {lesson.right}"


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
