"""LessonBrowser: all lessons by their sources, found by typing what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from engine.lessons import Lesson
from engine.sources import SOURCES

_ID = Qt.ItemDataRole.UserRole
_LAST: Final = 10_000  # the rank of a lesson that does not have all words
_MOVES = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}


class LessonBrowser(QDialog):
    """A field and a list: what is typed leaves the lessons that have all its words, those that have them in their
    titles first; Enter loads the one chosen.

    Attributes:
        field: what is looked for.
        tree: the lessons under their sources; columns title and claims.
        about: what runs in the lesson chosen and what it asks.
    """

    lesson_chosen = Signal(str)
    """The id of a lesson."""

    def __init__(self, lessons: Sequence[Lesson], chosen: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Lessons")
        self._lessons = {lesson.lesson_id: lesson for lesson in lessons}
        self.field = QLineEdit(placeholderText="Type what you look for: mistakes, saddle, convex ...")
        self.field.setAccessibleName("Words that the lesson must have")
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["Lesson", "Claims that it shows"])
        self.tree.setAccessibleName("Lessons")
        self.tree.setIndentation(14)
        self.tree.installEventFilter(self)
        self.tree.currentItemChanged.connect(lambda *_: self._describe())
        self.tree.itemActivated.connect(lambda *_: self.accept())
        self.about = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignTop)
        self._groups: dict[str, tuple[QTreeWidgetItem, list[QTreeWidgetItem]]] = {}
        self._lay_out()
        self._fill()
        self._choose(chosen)

    @property
    def shown(self) -> list[str]:
        """The ids of the lessons that have what is looked for, in order."""
        return [row.data(0, _ID) for row in self._listed() if not row.isHidden()]

    @property
    def chosen(self) -> str:
        """The id of the lesson chosen, or ""."""
        row = self.tree.currentItem()
        return (row.data(0, _ID) or "") if row is not None and not row.isHidden() else ""

    def accept(self) -> None:
        """Load the lesson chosen and close; without one nothing happens."""
        if self.chosen:
            self.lesson_chosen.emit(self.chosen)
            super().accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrows move through the list while one types."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _MOVES:
            self._move(_MOVES[Qt.Key(event.key())])
            return True
        return False

    def _move(self, n_rows: int) -> None:
        """Choose another lesson of those shown, past the titles of sources."""
        shown = self.shown
        if shown:
            at = shown.index(self.chosen) + n_rows if self.chosen in shown else 0
            self._choose(shown[min(max(at, 0), len(shown) - 1)])

    def _lay_out(self) -> None:
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Close
        )
        self.open_button = buttons.button(QDialogButtonBox.StandardButton.Open)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.field)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.about)
        layout.addWidget(buttons)
        self.about.setMinimumHeight(6 * self.fontMetrics().lineSpacing())
        self.resize(860, 600)

    def _fill(self) -> None:
        for lesson in self._lessons.values():
            if lesson.group not in self._groups:
                self._groups[lesson.group] = self._group(lesson.group), []
            group, rows = self._groups[lesson.group]
            row = QTreeWidgetItem(group, [lesson.title, ", ".join(lesson.claims)])
            rows.append(row)
            row.setData(0, _ID, lesson.lesson_id)
            row.setToolTip(1, ", ".join(lesson.claims))
        self.tree.expandAll()
        self.tree.resizeColumnToContents(0)

    def _group(self, key: str) -> QTreeWidgetItem:
        made = QTreeWidgetItem(self.tree, [SOURCES[key].title if key else "Others"])
        made.setFlags(Qt.ItemFlag.ItemIsEnabled)
        made.setFirstColumnSpanned(True)
        made.setToolTip(0, SOURCES[key].citation if key else "")
        font = made.font(0)
        font.setBold(True)
        made.setFont(0, font)
        return made

    def _rows(self) -> list[QTreeWidgetItem]:
        return [row for rows in self._groups.values() for row in rows[1]]

    def _listed(self) -> list[QTreeWidgetItem]:
        """Return the rows of lessons from top to bottom, hidden ones too."""
        groups = sorted((group for group, _ in self._groups.values()), key=self.tree.indexOfTopLevelItem)
        rows = [group.child(k) for group in groups for k in range(group.childCount())]
        return [row for row in rows if row is not None]

    def _choose(self, lesson_id: str) -> None:
        rows = [row for row in self._listed() if not row.isHidden()]
        wanted = [row for row in rows if row.data(0, _ID) == lesson_id] or rows
        if wanted:
            self.tree.setCurrentItem(wanted[0])
        self._describe()

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        before = self.chosen
        ranks = {lesson_id: _rank(lesson, words) for lesson_id, lesson in self._lessons.items()}
        with QSignalBlocker(self.tree):
            self._sort(ranks)
        for group, rows in self._groups.values():
            for row in rows:
                row.setHidden(ranks[row.data(0, _ID)] is None)
            group.setHidden(all(row.isHidden() for row in rows))
        self._choose("" if words else before)  # while one types the best is chosen

    def _sort(self, ranks: Mapping[str, int | None]) -> None:
        """Put the lessons that fit best first in their groups, and their groups first."""

        def rank(row: QTreeWidgetItem) -> int:
            found = ranks[row.data(0, _ID)]
            return _LAST if found is None else found

        for _ in range(self.tree.topLevelItemCount()):
            self.tree.takeTopLevelItem(0)
        for group, rows in sorted(self._groups.values(), key=lambda one: min(map(rank, one[1]))):
            group.takeChildren()
            self.tree.addTopLevelItem(group)
            group.addChildren(sorted(rows, key=rank))
            group.setFirstColumnSpanned(True)
            group.setExpanded(True)

    def _describe(self) -> None:
        self.open_button.setEnabled(bool(self.chosen))
        lesson = self._lessons.get(self.chosen)
        text = f"No lesson has all of these words: {self.field.text()}"
        if lesson is not None:
            text = f"{' '.join(lesson.intro.split())}\n\nIt asks: {' '.join(lesson.predict.split())}"
        self.about.setText(text)


def _rank(lesson: Lesson, words: Sequence[str]) -> int | None:
    """Return how far from its title a lesson has the words, 0 for all in the title; None where one is missing."""
    parts = [part.casefold() for part in _told(lesson)]
    places = [next((place for place, part in enumerate(parts) if word in part), None) for word in words]
    return None if None in places else sum(place for place in places if place is not None)


def _told(lesson: Lesson) -> tuple[str, ...]:
    """Return all words by which a lesson is found, the most telling first; the answer is not among them."""
    source = SOURCES[lesson.group].title if lesson.group else ""
    return (
        lesson.title,
        " ".join([lesson.lesson_id, *lesson.claims]),
        " ".join([lesson.predict, *lesson.choices]),
        " ".join([lesson.intro, lesson.look]),
        f"{source} {lesson.source}",
    )
