"""What every panel is: a title, a place to draw, a caption in words, and an error shown in its own place."""

from __future__ import annotations

import time
import traceback
from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QShowEvent
from PySide6.QtWidgets import QCheckBox, QLabel, QLayout, QStackedLayout, QVBoxLayout, QWidget

from engine.jobs import JobRunner
from engine.snapshot import Snapshot, State
from gui.panel_keys import KeyTable
from gui.theme import Theme

_SMALLEST: Final = QSize(220, 170)
_TELL_S: Final = (
    0.5  # between two looks at the values for screen readers, and at least so many times what one takes
)
_TELL_TIMES: Final = 200.0
_MOST_TOLD: Final = 2000  # characters; nobody listens to all numbers of a map


class Panel(QWidget):
    """Base of all panels. A subclass builds its items once in `build` and feeds them in `draw`.

    A panel knows snapshots and commands, never the engine's thread. While it is hidden nothing is drawn;
    when it is shown again it draws the newest snapshot. An exception in `draw` is shown in the panel's place
    and the rest of the window lives on.

    Class attributes:
        panel_id: short name, used in lesson files and saved arrangements.
        title: what the dock's title bar says.
        help_text: everything on the panel explained, with formulas and papers (plain text).
        sources: keys of `engine.sources.SOURCES`, the questions that the panel is there for.
        key_table: what keys and mouse do on it, beside `gui.panel_keys.EVERYWHERE`.
        interval_s: the shortest time between two drawings while the run goes on; 0 draws every report. For
            panels whose drawing is dear, or whose numbers cannot be read faster.

    Attributes:
        follow_box: whether to compute anew while the run goes on, in panels that compute; else None.
    """

    panel_id: ClassVar[str]
    title: ClassVar[str]
    help_text: ClassVar[str]
    sources: ClassVar[tuple[str, ...]] = ()
    key_table: ClassVar[KeyTable] = ()
    interval_s: ClassVar[float] = 0.0
    follow_box: QCheckBox | None = None

    command_issued = Signal(object)
    """A Command for the engine."""
    sample_chosen = Signal(int)
    """The number of a training sample that somebody chose here; the window tells the other panels."""

    def __init__(self, theme: Theme, jobs: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.jobs = jobs
        self._newest: Snapshot | None = None
        self._drawn: Snapshot | None = None
        self._drawn_at_s = 0.0
        self._tell_at_s = 0.0
        self._sampled = ("", 0)  # data and number of samples of the run drawn last
        self._error = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self._body = QWidget()
        self._stack = QStackedLayout(self)
        self._stack.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self._stack.addWidget(QWidget())  # until there is something to draw; empty axes would say nothing
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

    def minimumSizeHint(self) -> QSize:
        """Return a size that leaves room for the others: all panels must fit a small screen together."""
        return super().minimumSizeHint().boundedTo(_SMALLEST)

    def poll(self) -> None:
        """Called at the screen's pace while the panel is visible, for panels that follow a job."""

    def recompute(self) -> None:
        """Ask anew for whatever is computed beside the run; for panels with jobs."""

    def offer_choices(self, snapshot: Snapshot) -> None:
        """Offer what there is to choose from in a run, seen or not; for panels whose choices depend on it."""

    def held_step(self) -> int | None:
        """Return the step of a picture that is to stay while the run goes on; None where it follows the run."""
        return None

    def summary(self) -> str:
        """Return what the panel shows as one sentence of text: every number that is drawn can be read."""
        return ""

    @property
    def shown_error(self) -> str:
        """The sentence that stands in the panel's place because it cannot be drawn, or ""."""
        return self._error.text() if self._stack.currentWidget() is self._error else ""

    def take_sample(self, number: int) -> None:
        """Show the training sample that was chosen in another panel, if this one shows one."""
        if self._newest is not None:
            self.keeps_sample(
                self._newest
            )  # so that it is not forgotten when the run is drawn for the first time

    def keeps_sample(self, snapshot: Snapshot) -> bool:
        """Whether the samples of a new run are those of the run drawn before, so that a chosen one stays chosen."""
        drawn, self._sampled = self._sampled, (snapshot.config.data, snapshot.data.n_samples)
        return drawn == self._sampled

    @property
    def is_seen(self) -> bool:
        """Whether anybody can see the panel; Qt calls one that lies behind another's tab visible, too."""
        return self.isVisible() and not self.visibleRegion().isEmpty()

    def offer(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot; it is drawn at the next tick, or later if it is not due."""
        self._newest = snapshot

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot, and draw it at once if anybody can see it."""
        self._newest = snapshot
        if self.is_seen:
            self._draw_newest()

    def tick(self) -> None:
        """Follow jobs, and draw what was put off; called by the window at the screen's pace."""
        if self.is_seen:
            self._draw_newest()
            self._guard(self.poll)
            self._guard(self._tell_values)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours and draw again, at once or when the panel is shown."""
        self.theme = theme
        self._guard(self.apply_theme, theme)
        self._drawn = None
        if self.isVisible():
            self._draw_newest()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what came while the panel was hidden."""
        super().showEvent(event)
        self._draw_newest()

    def _tell_values(self) -> None:
        """Keep what a screen reader says of the panel up to date; beside a run only where there is a reader."""
        rests = self._newest is not None and self._newest.state is not State.RUNNING
        now_s = time.perf_counter()
        if now_s < self._tell_at_s or not (rests or QAccessible.isActive()):
            return
        values = self.summary()[:_MOST_TOLD]
        self._tell_at_s = now_s + max(_TELL_S, _TELL_TIMES * (time.perf_counter() - now_s))
        if values != self.accessibleDescription():
            self.setAccessibleDescription(values)

    def _draw_newest(self) -> None:
        if self._newest is None or self._newest is self._drawn or not self._is_due(self._newest):
            return
        self._drawn, self._drawn_at_s = self._newest, time.perf_counter()
        if self._guard(self.draw, self._newest):
            self._stack.setCurrentWidget(self._body)

    def _is_due(self, snapshot: Snapshot) -> bool:
        """Whether to draw now: a step of the same run can wait, anything else cannot."""
        drawn = self._drawn
        if drawn is None or drawn.generation != snapshot.generation or snapshot.state is not State.RUNNING:
            return True
        return time.perf_counter() - self._drawn_at_s >= self.interval_s

    def _guard(self, function: Callable[..., None], *args: object) -> bool:
        """Call a function of the subclass and return whether it came through; if not, show the error."""
        try:
            function(*args)
        except Exception as error:  # a broken panel must not take the window with it
            self._show_error(error)
            return False
        return True

    def _show_error(self, error: Exception) -> None:
        sentence = f"{self.title} cannot be drawn: {error or type(error).__name__}"
        if self._stack.currentWidget() is not self._error or sentence != self._error.text():
            traceback.print_exception(error)  # once, not at the screen's pace
        self._error.setText(sentence)
        self._stack.setCurrentWidget(self._error)
