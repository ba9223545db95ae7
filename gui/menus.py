"""The menu bar, and the menu of the kick button: from the tables of actions, lessons and kicks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from engine.lessons import Lesson
from engine.sources import SOURCES
from gui.actions import ACTIONS, MENUS

_MOST_KEYS: Final = 9  # Ctrl+1 to Ctrl+9


class Menus:
    """The menus of a window.

    Attributes:
        by_title: the menus of the menu bar, in order.
        kicks: the menu of the kick button.
    """

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self.by_title = {title: window.menuBar().addMenu(f"&{title}") for title in MENUS}
        self.kicks = QMenu(window, toolTipsVisible=True)
        for menu in self.by_title.values():
            menu.setToolTipsVisible(True)

    def fill(
        self,
        table: dict[str, QAction],
        kicks: Sequence[QAction],
        views: Sequence[QAction],
        lessons: Sequence[QMenu],
    ) -> None:
        """Put what has no fixed entry first into its menu, then the entries of the table."""
        for title, found in (("Kick", kicks), ("View", views)):
            self.by_title[title].addActions(found)
            self.by_title[title].addSeparator()
        for menu in lessons:
            self.by_title["Lesson"].addMenu(menu)
        self.by_title["Lesson"].addSeparator()
        for spec in ACTIONS:
            if spec.starts_group:
                self.by_title[spec.menu].addSeparator()
            self.by_title[spec.menu].addAction(table[spec.action_id])
        self.kicks.addActions(kicks)
        self.kicks.addSeparator()
        self.kicks.addAction(table["kick_options"])

    def lesson_menus(self, lessons: Sequence[Lesson], load: Callable[[str], None]) -> list[QMenu]:
        """Return a menu for each source with an action for each of its lessons; the first nine have a key."""
        menus: dict[str, QMenu] = {}
        for number, lesson in enumerate(lessons, start=1):
            title = SOURCES[lesson.group].title if lesson.group else "Others"
            menu = menus.setdefault(title, QMenu(title, self._window))
            action = menu.addAction(lesson.title)
            action.triggered.connect(partial(_call, load, lesson.lesson_id))
            if number <= _MOST_KEYS:
                action.setShortcut(QKeySequence(f"Ctrl+{number}"))
        return list(menus.values())


def _call(load: Callable[[str], None], lesson_id: str, is_checked: bool = False) -> None:
    load(lesson_id)
