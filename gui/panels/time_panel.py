"""TimePanel: base of the panels that show series over the steps, with marked steps to go through."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QVBoxLayout

from engine.branches import Branch
from engine.snapshot import Snapshot, State
from gui.captions import broken_lines, cut_lines
from gui.legends import Key, Legend
from gui.pace import Pace
from gui.panels.panel import Panel
from gui.theme import Theme, set_role
from gui.time_plots import TimePlot

_TEXT_INTERVAL_S = 0.1  # digits that change faster cannot be read, and drawing text is slow


_ROWS = 18  # of text; a lower panel has no room for a legend with the names of branches
_NOTE_ROWS = 12  # of text; a lower panel has no room for a second line below its plot


class TimePanel(Panel):
    """A legend with the present values, a TimePlot, and a line of text or two below it.

    A subclass makes the plot and says what the legend and the text below say and which steps are marked.
    """

    # The eye sees no more; with the panels in turn, the window still has a picture a frame.
    interval_s = 0.036

    @abstractmethod
    def make_plot(self) -> TimePlot:
        """Return the plot, once."""

    @abstractmethod
    def marked_steps(self, snapshot: Snapshot) -> npt.NDArray[np.int32]:
        """Return the steps (n,) that are marked, sorted."""

    @abstractmethod
    def keys(self, snapshot: Snapshot) -> tuple[Key, ...]:
        """Return the entries of the legend."""

    @abstractmethod
    def describe_mark(self, snapshot: Snapshot, step: int) -> str:
        """Return what happened at a marked step, in a sentence with exact numbers."""

    def prepare(self, snapshot: Snapshot) -> None:
        """Set the plot up for a snapshot before it is drawn."""

    def what_is_missing(self, snapshot: Snapshot) -> tuple[str, str] | None:
        """Return why there is nothing to draw, brief and as a sentence, or None."""
        return None

    def note(self, snapshot: Snapshot) -> str:
        """Return the text below the plot while nothing is pointed at."""
        return self.plot.clamp_note

    def brief_note(self, snapshot: Snapshot) -> str:
        """Return what of the note matters most, for where there is no room for all of it; "" for its beginning."""
        return ""

    def build(self, layout: QVBoxLayout) -> None:
        """Create the widgets; see Panel."""
        self.plot = self.make_plot()
        self.legend = Legend(self.theme)
        self.next_button = self._button(
            "Next ▲", "Next mark", "Go to the next marked step and zoom in on it."
        )
        self.all_button = self._button(
            "All", "Whole run", "Show all steps again (a double click does it too)."
        )
        self.note_label = NoteLabel()
        self.nothing = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self.nothing.hide()
        self._text_pace = Pace(_TEXT_INTERVAL_S)
        self._shown_mark: int | None = None
        self._pointed_text = ""
        layout.addLayout(self.legend.with_corner(self.all_button, self.next_button))
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.nothing, 1)
        layout.addWidget(self.note_label)
        self._connect()

    def draw(self, snapshot: Snapshot) -> None:
        """Feed the plot; see Panel."""
        missing = self.what_is_missing(snapshot)
        self.plot.setHidden(missing is not None)
        self.nothing.setVisible(missing is not None)
        if missing is not None:
            self._show_nothing(*missing)
            return
        self.prepare(snapshot)
        self.plot.is_patient = snapshot.state is State.RUNNING
        marked = self.marked_steps(snapshot)
        self.plot.show_branches(snapshot.branches)
        self.plot.show_history(snapshot.history, marked)
        self.next_button.setEnabled(len(marked) > 0)
        self.all_button.setVisible(not self.plot.is_following)
        if self._text_pace.is_due(snapshot):
            self._write(snapshot)

    def poll(self) -> None:
        """Write numbers that were put off, and what is pointed at; see Panel."""
        snapshot = self._newest
        if snapshot is None or not self.nothing.isHidden():
            return
        self.plot.follow_pointer()
        if self._text_pace.is_due(snapshot):
            self._write(snapshot)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Panel."""
        self.plot.apply_theme(theme)
        self.legend.apply_theme(theme)
        for button in (self.next_button, self.all_button):
            _fit(button)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the legend to the room."""
        super().resizeEvent(event)
        self._fit_legend()
        is_low = self.height() < _NOTE_ROWS * self.fontMetrics().lineSpacing()
        self.note_label.allow_lines(1 if is_low else 2)

    def go_to_next_mark(self) -> None:
        """Zoom in on the marked step after the one shown, or on the first; nothing where none is marked."""
        snapshot = self._newest
        if snapshot is None or not len(marked := self.marked_steps(snapshot)):
            return
        after = self._shown_mark if self._shown_mark is not None and not self.plot.is_following else -1
        number = int(np.searchsorted(marked, after, side="right")) % len(marked)
        self._shown_mark = int(marked[number])
        self.plot.go_to_step(self._shown_mark)
        self._on_view_moved()

    def _show_nothing(self, brief: str, sentence: str) -> None:
        self.legend.set_keys(Key("", "text", brief))
        self.nothing.setText(sentence)
        self.note_label.setText("")
        self.next_button.setEnabled(False)
        self.all_button.hide()
        self.setAccessibleName(f"{self.title}. {sentence}")

    def _connect(self) -> None:
        self.next_button.clicked.connect(self.go_to_next_mark)
        self.all_button.clicked.connect(self.plot.reset_view)
        self.plot.read_out.connect(self._on_read_out)
        self.plot.view_moved.connect(self._on_view_moved)
        self.plot.scale_changed.connect(self._on_view_moved)

    def _button(self, text: str, name: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(name)
        button.setToolTip(tip)
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        _fit(button)
        # A click must not take the focus: Space belongs to run and pause.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _write(self, snapshot: Snapshot) -> None:
        self._fit_legend()
        self.legend.set_keys(*_with_branches(self.keys(snapshot), snapshot))
        self._write_note()
        self.setAccessibleName(f"{self.title}. {self.legend.accessibleName()}")

    def _fit_legend(self) -> None:
        """Let the legend name the branches where there is room for it, else number them."""
        n_branches = len(self._newest.branches) if self._newest is not None else 0
        self.legend.set_brief(n_branches > 1 and self.height() < _ROWS * self.fontMetrics().height())

    def _on_read_out(self, text: str) -> None:
        if text != self._pointed_text:
            self._pointed_text = text
            self._write_note()

    def _on_view_moved(self) -> None:
        self.all_button.setVisible(not self.plot.is_following)
        self._write_note()

    def _write_note(self) -> None:
        snapshot = self._newest
        if snapshot is None:
            return
        if self._pointed_text:  # it passes, and must not move what is pointed at
            self.note_label.show_note(self._pointed_text, may_grow=False)
        elif mark := self._mark_text(snapshot):
            self.note_label.show_note(mark)
        else:
            self.note_label.show_note(self.note(snapshot), self.brief_note(snapshot))

    def _mark_text(self, snapshot: Snapshot) -> str:
        """Return the description of the mark that the view was taken to."""
        marked = self.marked_steps(snapshot)
        if self.plot.is_following or self._shown_mark is None:
            return ""
        number = int(np.searchsorted(marked, self._shown_mark))
        if number >= len(marked) or marked[number] != self._shown_mark:
            return ""
        return f"Mark {number + 1:,} of {len(marked):,}: {self.describe_mark(snapshot, self._shown_mark)}"


def _with_branches(keys: tuple[Key, ...], snapshot: Snapshot) -> tuple[Key, ...]:
    """Return the entries of a legend with the name of the run and the branches; the same where there are none."""
    if not snapshot.branches:
        return keys
    name = f" ({snapshot.branch_name})" if snapshot.branch_name else ""
    branches = sorted(snapshot.branches, key=lambda branch: branch.number)
    return (
        replace(keys[0], text=keys[0].text + name, brief=keys[0].text),
        *keys[1:],
        *(_branch_key(branch) for branch in branches),
        Key("diamond", "muted", "parting", brief="-"),
    )


def _branch_key(branch: Branch) -> Key:
    look = f"branch {branch.number}"
    return Key(look, look, f"{branch.number} {branch.name}", brief=str(branch.number))


class NoteLabel(QLabel):
    """One line of text in whatever width there is, or two, cut with dots where it is too long; the tool tip has all.

    A second line once taken is kept until the width or the type changes: the plot above must not jump.
    """

    def __init__(self) -> None:
        super().__init__(" ")
        self._whole, self._brief = " ", ""
        self._n_lines, self._n_most = 1, 1
        set_role(self, "caption")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def text(self) -> str:
        """Return the whole text."""
        return self._whole

    def setText(self, text: str) -> None:
        """Show a text in as many lines as there are."""
        self.show_note(text, may_grow=False)

    def show_note(self, text: str, brief: str = "", may_grow: bool = True) -> None:
        """Show a text, or its beginning `brief` where there is no room for all; may_grow: a second line is taken."""
        if (text, brief) != (self._whole, self._brief):
            self._whole, self._brief = text, brief
            self.setToolTip(text)
            self._cut(may_grow)

    def allow_lines(self, n_most: int) -> None:
        """Let a text take one line, or two."""
        if n_most != self._n_most:
            self._n_most = n_most
            self._n_lines = min(self._n_lines, n_most)
            self._cut(may_grow=True)

    def event(self, event: QEvent) -> bool:
        """Break the lines anew in another type."""
        handled = super().event(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._n_lines = 1
            self._cut(may_grow=True)
        return handled

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the lines anew in another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._n_lines = 1
            self._cut(may_grow=True)

    def _cut(self, may_grow: bool) -> None:
        lines = broken_lines(self._whole, self.font(), self.width())
        n_room = self._n_most if may_grow else self._n_lines
        if len(lines) > n_room and self._brief:
            brief = broken_lines(self._brief, self.font(), self.width())
            lines = brief if len(brief) <= n_room else lines
        if may_grow:
            self._n_lines = max(self._n_lines, min(self._n_most, len(lines)))
        shown = cut_lines(lines, self._n_lines, self.fontMetrics(), self.width())
        # An empty label would give up its height, and a short text the lines that another has taken.
        super().setText("\n".join([*shown, *[" "] * (self._n_lines - len(shown))]))


def _fit(button: QPushButton) -> None:
    """Make a button no wider than its text; the style would leave more room than a legend has."""
    button.setMaximumWidth(button.fontMetrics().horizontalAdvance(button.text()) + 18)
