"""What every panel is: a title, a place to draw, a caption in words, and an error shown in its own place."""

from __future__ import annotations

import traceback
from abc import abstractmethod
from typing import Any, ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from engine.jobs import JobRunner
from engine.snapshot import Snapshot
from gui.theme import Theme


class Panel(QWidget):
    """Base of all panels. A subclass builds its items once in `build` and feeds them in `draw`.

    A panel knows snapshots and commands, never the engine's thread. While it is hidden nothing is drawn;
    when it is shown again it draws the newest snapshot. An exception in `draw` is shown in the panel's place
    and the rest of the window lives on.

    Class attributes:
        panel_id: short name, used in lesson files and saved arrangements.
        title: what the dock's title bar says.
        help_text: everything on the panel explained, with formulas and sources (plain text).
    """

    panel_id: ClassVar[str]
    title: ClassVar[str]
    help_text: ClassVar[str]

    command_issued = Signal(object)
    """A Command for the engine."""

    def __init__(self, theme: Theme, jobs: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.jobs = jobs
        self._newest: Snapshot | None = None
        self._drawn: Snapshot | None = None
        self._error = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self._body = QWidget()
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._body)
        self._stack.addWidget(self._error)
        body_layout = QVBoxLayout(self._body)
        body_layout.setContentsMargins(4, 4, 4, 4)
        body_layout.setSpacing(2)
        self.setAccessibleName(self.title)
        self.build(body_layout)
        self.apply_theme(theme)

    @abstractmethod
    def build(self, layout: QVBoxLayout) -> None:
        """Create the widgets and plot items, once."""

    @abstractmethod
    def draw(self, snapshot: Snapshot) -> None:
        """Feed the items from a snapshot."""

    @abstractmethod
    def apply_theme(self, theme: Theme) -> None:
        """Set the colours of everything that the panel draws."""

    def poll(self) -> None:
        """Called at the screen's pace while the panel is visible, for panels that follow a job."""

    def summary(self) -> str:
        """Return what the panel shows as one sentence of text: every number that is drawn can be read."""
        return ""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot, and draw it if anybody can see it."""
        self._newest = snapshot
        if self.isVisible():
            self._draw_newest()

    def tick(self) -> None:
        """Follow jobs; called by the window at the screen's pace."""
        if self.isVisible():
            self._guard(self.poll)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours and draw again."""
        self.theme = theme
        self._guard(self.apply_theme, theme)
        if self._newest is not None and self.isVisible():
            self._guard(self.draw, self._newest)

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what came while the panel was hidden."""
        super().showEvent(event)
        self._draw_newest()

    def _draw_newest(self) -> None:
        if self._newest is None or self._newest is self._drawn:
            return
        self._drawn = self._newest
        self._guard(self.draw, self._newest)

    def _guard(self, function: Any, *args: Any) -> None:
        try:
            function(*args)
        except Exception as error:  # a broken panel must not take the window with it
            traceback.print_exception(error)
            self._error.setText(f"{self.title} cannot be drawn: {error or type(error).__name__}")
            self._stack.setCurrentWidget(self._error)
        else:
            self._stack.setCurrentWidget(self._body)
