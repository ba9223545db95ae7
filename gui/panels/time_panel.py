"""TimePanel: base of the panels that show series over the steps, with marked steps to go through."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QVBoxLayout

from engine.branches import Branch
from engine.snapshot import Snapshot
from gui.legends import Key, Legend
from gui.pace import Pace
from gui.panels.panel import Panel
from gui.theme import Theme, set_role
from gui.time_plots import TimePlot

_TEXT_INTERVAL_S = 0.1  # digits that change faster cannot be read, and drawing text is slow


_ROWS = 18  # of text; a lower panel has no room for a legend with the names of branches


class TimePanel(Panel):
    """A legend with the present values, a TimePlot, and a line of text below it.

    A subclass makes the plot and says what the legend and the line of text say and which steps are marked.
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

    def note(self, snapshot: Snapshot) -> str:
        """Return the line of text below the plot while nothing is pointed at."""
        return self.plot.clamp_note

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
        self._text_pace = Pace(_TEXT_INTERVAL_S)
        self._shown_mark: int | None = None
        self._pointed_text = ""
        layout.addLayout(self.legend.with_corner(self.all_button, self.next_button))
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.note_label)
        self._connect()

    def draw(self, snapshot: Snapshot) -> None:
        """Feed the plot; see Panel."""
        self.prepare(snapshot)
        marked = self.marked_steps(snapshot)
        self.plot.show_branches(snapshot.branches)
        self.plot.show_history(snapshot.history, marked)
        self.next_button.setEnabled(len(marked) > 0)
        self.all_button.setVisible(not self.plot.is_following)
        if self._text_pace.is_due(snapshot):
            self._write(snapshot)

    def poll(self) -> None:
        """Write numbers that were put off; see Panel."""
        if self._newest is not None and self._text_pace.is_due(self._newest):
            self._write(self._newest)

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
        text = self._pointed_text or self._mark_text(snapshot) or self.note(snapshot)
        self.note_label.setText(text)

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
    """One line of text in whatever width there is, cut with dots where it is too long; the tool tip has all."""

    def __init__(self) -> None:
        super().__init__(" ")
        self._whole = " "
        set_role(self, "caption")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def text(self) -> str:
        """Return the whole text."""
        return self._whole

    def setText(self, text: str) -> None:
        """Show a text."""
        if text != self._whole:
            self._whole = text
            self.setToolTip(text)
            self._cut()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the text anew."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        text = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width())
        super().setText(text or " ")  # an empty label would give up its height


def _fit(button: QPushButton) -> None:
    """Make a button no wider than its text; the style would leave more room than a legend has."""
    button.setMaximumWidth(button.fontMetrics().horizontalAdvance(button.text()) + 18)
