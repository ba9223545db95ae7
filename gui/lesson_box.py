"""The lesson: a list to choose from, and the text of what to look for."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QTextBrowser, QVBoxLayout, QWidget

from engine.lessons import Lesson


class LessonBox(QWidget):
    """Shows title, text and source of a lesson, and whether its settings were changed.

    Attributes:
        choice: the list of lessons.
    """

    lesson_chosen = Signal(str)
    """The id of a lesson."""

    def __init__(self, lessons: Sequence[Lesson], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lesson")
        self._lesson: Lesson | None = None
        self._is_changed = False
        self._browser = QTextBrowser(openLinks=False)
        self._browser.setTabChangesFocus(True)
        self.choice = QComboBox()
        self.choice.setAccessibleName("Lesson")
        self.choice.setToolTip("Choose a lesson. (Ctrl+L)")
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for lesson in lessons:
            self.choice.addItem(lesson.title, lesson.lesson_id)
        self.choice.activated.connect(lambda row: self.lesson_chosen.emit(self.choice.itemData(row)))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 2)
        layout.setSpacing(2)
        layout.addWidget(self.choice)
        layout.addWidget(self._browser)

    def show_lesson(self, lesson: Lesson, is_changed: bool = False) -> None:
        """Show a lesson; is_changed says that the run has other settings by now."""
        self.choice.setCurrentIndex(self.choice.findData(lesson.lesson_id))
        if (lesson, is_changed) == (self._lesson, self._is_changed):
            return
        self._lesson, self._is_changed = lesson, is_changed
        self._browser.setHtml(_page(lesson, is_changed))
        self._browser.setAccessibleName(f"Lesson: {lesson.title}. {lesson.text}")

    @property
    def text(self) -> str:
        """What is shown, without mark-up."""
        return self._browser.toPlainText()


def _page(lesson: Lesson, is_changed: bool) -> str:
    paragraphs = lesson.text.split("\n\n")
    text = "".join(
        f"<p style='margin: 4px 0'>{html.escape(' '.join(part.split()))}</p>" for part in paragraphs
    )
    changed = (
        "<p style='margin: 4px 0'><b>Settings of this run differ from the lesson's.</b></p>"
        if is_changed
        else ""
    )
    source = f"<p style='margin: 4px 0'><i>{html.escape(lesson.source)}</i></p>" if lesson.source else ""
    return f"{changed}{text}{source}"
