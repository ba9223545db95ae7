"""ExamplesPanel: which samples were right and wrong when, and what a step did to one of them."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from engine.chronicle import Chronicle, standing
from engine.commands import GoTo, PauseAtRise
from engine.cores import usable_cores
from engine.jobs import Job
from engine.snapshot import Point, Snapshot, State
from gui import numerals
from gui.example_pictures import ExamplePicture
from gui.flip_boards import FlipBoard
from gui.legends import Key, Legend
from gui.panels.example_words import HELP, flippers_text, inputs_text, standing_text
from gui.panels.flip_finder import FlipFinder
from gui.panels.panel import Panel
from gui.panels.time_panel import NoteLabel
from gui.probability_bars import ProbabilityBars
from gui.theme import Theme, set_role

Bools = npt.NDArray[np.bool_]

_NOTE_GAP_PX: Final = 12  # between the choices and the text beside them
_REST_S: Final = 0.5  # between two answers that follow a run
_DUTY: Final = 3.0 if usable_cores() > 2 else 20.0  # rests so many times as long as an answer took
_MOST_KEPT: Final = 8  # moments at which the run was paused, beside its checkpoints
_PICTURE_PX: Final = 84


class ExamplesPanel(Panel):
    """The flip theatre; see `help_text`."""

    panel_id = "examples"
    title = "Examples"
    interval_s = 0.2
    help_text = HELP
    sources = ("exam",)
    key_table = (
        ("Up, Down", "Choose a sample; with Shift the next one that flips within the frame"),
        ("Left, Right", "Choose a moment; with Shift the sample's next flip"),
        ("Page up, Page down", "A page of samples further"),
        ("Home, End", "The first or the last moment"),
        ("Click", "Choose sample and moment"),
        ("Wheel", "Scroll through the samples"),
    )

    def build(self, layout: QVBoxLayout) -> None:
        """Create the widgets; see Panel."""
        self.legend = Legend(self.theme)
        self.board = FlipBoard(self.theme)
        self.board.setAccessibleName("Samples by steps, right and wrong")
        self.picture = ExamplePicture(self.theme)
        self.picture.setFixedSize(_PICTURE_PX, _PICTURE_PX)
        self.heading, self.numbers = QLabel(wordWrap=True), QLabel(wordWrap=True)
        set_role(self.numbers, "caption")
        for label in (self.heading, self.numbers):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.bars = ProbabilityBars(self.theme)
        self.rise_button, self.go_button = QPushButton("Before the rise"), QPushButton("Go to")
        self.stop_box, self.loss_box = QCheckBox("Stop: errors rise"), QCheckBox("loss rises")
        self.note_label = NoteLabel()
        self._lay_out(layout)
        self._connect()
        self._run_id = -1
        self._job: Job | None = None
        self._asked: tuple[int, int] | None = None
        self._asked_at_s = self._rest_until_s = 0.0
        self._chronicle: Chronicle | None = None
        self._known: dict[Point, Bools] = {}
        self._kept: list[Point] = []
        self._finder = FlipFinder(self.jobs)
        self._has_chosen = False
        self._n_lost = 0
        self._title_text = ""
        self._error_text = ""

    def draw(self, snapshot: Snapshot) -> None:
        """Follow the run; see Panel."""
        if snapshot.run_id != self._run_id:
            self._forget(snapshot)
        self._write_buttons(snapshot)
        self._write_note()
        self.poll()

    def poll(self) -> None:
        """Show what the job has found, and ask again when the run has moved on; see Panel."""
        snapshot = self._newest
        if snapshot is None:
            return
        if self._finder.poll() and self._chronicle is not None:
            self._write(snapshot)
        if self._job is not None:
            self._follow(self._job, snapshot)
        elif self._should_ask(snapshot):
            self.recompute()

    def recompute(self) -> None:
        """Read the run up to now; see Panel."""
        snapshot = self._newest
        if snapshot is None:
            return
        self._cancel()
        self._kept = [point for point in self._kept if _still_holds(point, snapshot)]
        kept, known = tuple(self._kept), dict(self._known)
        self._asked = snapshot.generation, snapshot.n_steps
        self._asked_at_s = time.perf_counter()
        self._job = self.jobs.submit(lambda: _iter_answers(snapshot, kept, known), snapshot.generation)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Panel."""
        for part in (self.legend, self.board, self.picture, self.bars):
            part.apply_theme(theme)

    def summary(self) -> str:
        """Return what is shown, as text."""
        chronicle = self._chronicle
        if chronicle is None:
            return self._error_text
        steps = f"{chronicle.moments[0].step:,} to {chronicle.moments[-1].step:,}"
        return (
            f"{numerals.plural(len(chronicle.moments), 'moment')} from step {steps}; "
            f"{numerals.plural(self._n_lost, 'sample')} went from right to wrong at some time. "
            f"{self._about_sample()}"
        )

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop computing what nobody sees."""
        super().hideEvent(event)
        self._finder.cancel()
        if self._job is not None:
            self._cancel()
            self._asked = None

    def go_before_rise(self) -> None:
        """Go back to the step before the newest rise of the errors."""
        snapshot = self._newest
        step = _newest_rise(snapshot) if snapshot is not None else None
        if step is not None:
            self._has_chosen = False  # the next step has samples of its own to show
            self.command_issued.emit(GoTo(step - 1))

    def go_to_moment(self) -> None:
        """Go back to the step before the flip, or else to the framed moment before."""
        if self._chronicle is not None:
            self.command_issued.emit(GoTo(self._pair(self._chronicle)[0].step))

    def take_sample(self, number: int) -> None:
        """Show the sample that was chosen elsewhere; see Panel."""
        super().take_sample(number)
        if self._newest is not None and number < self._newest.data.n_samples:
            self._has_chosen = True
            self.board.choose(number, self.board.moment)
            if self._chronicle is not None:
                self._guard(self._write, self._newest)

    # The run

    def _should_ask(self, snapshot: Snapshot) -> bool:
        if self._asked == (snapshot.generation, snapshot.n_steps):
            return False
        is_moving = snapshot.state is State.RUNNING and self._asked is not None
        return not is_moving or time.perf_counter() >= self._rest_until_s

    def _follow(self, job: Job, snapshot: Snapshot) -> None:
        progress = job.latest
        found: Chronicle | None = progress.result
        is_first = self._chronicle is None
        is_enough = progress.finished or (is_first and found is not None and len(found.moments) > 1)
        if found is not None and found is not self._chronicle and is_enough:
            self._show(found, snapshot)
        if progress.finished:
            self._finish(progress.error, found)
        elif is_first:
            self._write_note(f"Evaluating the checkpoints, {round(100 * progress.done)} %.")

    def _finish(self, error: str, found: Chronicle | None) -> None:
        now = time.perf_counter()
        self._rest_until_s = now + max(_REST_S, _DUTY * (now - self._asked_at_s))
        self._job, self._error_text = None, error
        if found is not None and not error:
            self._known = dict(zip(found.moments, found.right, strict=True))
            for point in found.moments[-2:]:
                self._keep(point)
        self._write_note()

    def _keep(self, point: Point) -> None:
        """Remember a moment at which the run stands, so that the next one can be compared with it."""
        snapshot = self._newest
        is_still = snapshot is not None and snapshot.state is not State.RUNNING
        if is_still and snapshot is not None and point not in snapshot.path and point not in self._kept:
            self._kept = [*self._kept, point][-_MOST_KEPT:]

    def _forget(self, snapshot: Snapshot) -> None:
        """Drop everything: the network or the data is another one."""
        self._run_id = snapshot.run_id
        self._cancel()
        self._asked = self._chronicle = None
        self._known, self._kept = {}, []
        if not self.keeps_sample(snapshot):
            self.board.sample, self._has_chosen = 0, False
        self._finder.forget()
        self._error_text = ""
        self.board.clear()
        self._write_note()

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    # What is drawn

    def _show(self, chronicle: Chronicle, snapshot: Snapshot) -> None:
        before, self._chronicle = self._chronicle, chronicle
        self._n_lost = int((chronicle.n_lost > 0).sum())
        order, rose = chronicle.order(), _rose(chronicle, snapshot)
        if not self._has_chosen:
            self.board.choose(*_telling_flip(chronicle, order, rose))
        elif before is not None:
            self.board.moment = _same_moment(before, chronicle, self.board.moment)
        self.board.show_chronicle(chronicle, order, snapshot.data.y, rose)
        self._write(snapshot)

    def _choose(self) -> None:
        self._has_chosen = True
        self.sample_chosen.emit(self.board.sample)
        if self._newest is not None:
            self._guard(self._write, self._newest)

    def _write(self, snapshot: Snapshot) -> None:
        chronicle = self._chronicle
        if chronicle is None:
            return
        self.legend.set_keys(
            Key("box", "errors", "wrong"),
            Key("box", "grid", "right"),
            Key("triangle", "mark", "errors rose, loss fell"),
            Key("", "text", f"{self._n_lost:,} of {snapshot.data.n_samples:,} went wrong"),
        )
        self._write_sample(chronicle, snapshot)
        self._write_buttons(snapshot)
        self._write_note()

    def _pair(self, chronicle: Chronicle) -> tuple[Point, Point]:
        """Return the two points that are compared: those of the flip where its step is known, else the framed ones."""
        after = self.board.moment
        framed = chronicle.moments[max(0, after - 1)], chronicle.moments[after]
        flip = self._finder.flip(*framed, self.board.sample)
        return framed if flip is None else (flip.before, flip.after)

    def _seek_flip(self, chronicle: Chronicle, snapshot: Snapshot) -> None:
        """Look for the step of the flip that is framed, if there is one and it is not known."""
        sample, after = self.board.sample, self.board.moment
        before = max(0, after - 1)
        first, last = chronicle.moments[before], chronicle.moments[after]
        if chronicle.right[before, sample] != chronicle.right[after, sample] and last.step - first.step > 1:
            self._finder.ask(snapshot, first, last, sample)
        else:
            self._finder.cancel()

    def _write_sample(self, chronicle: Chronicle, snapshot: Snapshot) -> None:
        self._seek_flip(chronicle, snapshot)
        sample, pair, net, data = self.board.sample, self._pair(chronicle), snapshot.net, snapshot.data
        two = [standing(net, point.theta, data, sample) for point in pair]
        after = self.board.moment
        words = ["right" if chronicle.right[k, sample] else "wrong" for k in (max(0, after - 1), after)]
        self._title_text = f"Sample {sample:,}, class {data.y[sample]}: {words[0]} → {words[1]}"
        self.heading.setText(f"<b>{self._title_text}</b>")
        self.numbers.setText(standing_text(pair, two, net.n_outputs, self._search_text()))
        shape = data.image_shape
        self.picture.show_values(data.x[sample].reshape(shape) if shape else None)
        if not shape:
            self.numbers.setText(f"{inputs_text(data.x[sample])}\n{self.numbers.text()}")
        self.bars.setVisible(net.n_outputs > 1)
        if net.n_outputs > 1:
            self.bars.show_bars(two[0].outputs, two[1].outputs, int(data.y[sample]))
        self.board.setAccessibleDescription(self._about_sample())
        self.setAccessibleName(f"{self.title}. Sample {sample}: {words[0]} to {words[1]}.")

    def _search_text(self) -> str:
        return "looking for the step ..." if self._finder.is_looking else ""

    def _about_sample(self) -> str:
        """Return what is told of the sample, in one line."""
        return f"{self._title_text}; {self.numbers.text().replace(chr(10), ', ')}."

    def _write_buttons(self, snapshot: Snapshot) -> None:
        step = _newest_rise(snapshot)
        self.rise_button.setEnabled(step is not None)
        self.rise_button.setText("Before the rise" if step is None else f"Before the rise ({step - 1:,})")
        chronicle = self._chronicle
        self.go_button.setEnabled(chronicle is not None)
        if chronicle is not None:
            self.go_button.setText(f"Go to {self._pair(chronicle)[0].step:,}")
        self.stop_box.setChecked(snapshot.pause_at.errors)
        self.loss_box.setChecked(snapshot.pause_at.loss)

    def _ask_to_stop(self) -> None:
        """Ask the engine for the stops that are ticked; the boxes follow what it says."""
        self.command_issued.emit(PauseAtRise(self.stop_box.isChecked(), self.loss_box.isChecked()))

    def _write_note(self, otherwise: str = "") -> None:
        """Write what went wrong, why the run stands, or who flips where the frame is."""
        snapshot, text = self._newest, self._error_text or self._finder.problem or otherwise
        if not text and snapshot is not None and snapshot.state is State.PAUSED:
            text = snapshot.reason
        if self._chronicle is not None and not (self._error_text or otherwise):
            text = f"{text} {flippers_text(self._chronicle, self.board.moment)}".strip()
        self.note_label.setText(text)

    # How it is put together

    def _lay_out(self, layout: QVBoxLayout) -> None:
        about, side, body = QHBoxLayout(), QVBoxLayout(), QGridLayout()
        buttons, notes = QHBoxLayout(), QHBoxLayout()
        about.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        about.addWidget(self.numbers, 1)
        side.addWidget(self.heading)
        side.addLayout(about)
        side.addWidget(self.bars, 1)
        side.addStretch(0)
        body.addWidget(self.board, 0, 0)
        body.addLayout(side, 0, 1)
        body.setColumnStretch(0, 5)
        body.setColumnStretch(1, 4)
        for widget in (self.rise_button, self.go_button, self.stop_box, self.loss_box):
            # A click must not take the focus: Space belongs to run and pause.
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for button in (self.rise_button, self.go_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        for box in (self.stop_box, self.loss_box):
            notes.addWidget(box)
        notes.addSpacing(_NOTE_GAP_PX)
        notes.addWidget(self.note_label, 1)
        layout.addWidget(self.legend)
        layout.addLayout(body, 1)
        layout.addLayout(buttons)
        layout.addLayout(notes)

    def _connect(self) -> None:
        self.board.chosen_changed.connect(self._choose)
        self.rise_button.clicked.connect(self.go_before_rise)
        self.go_button.clicked.connect(self.go_to_moment)
        self.rise_button.setToolTip("Go back to the step before the newest rise of the errors, bit for bit.")
        self.go_button.setToolTip("Go back to the step before the flip, or else to the framed moment before.")
        self.stop_box.setToolTip("Pause at the very step on which the errors rose while the loss fell (E).")
        self.loss_box.setToolTip("Pause at the very step on which the loss rose (Shift+E).")
        self.loss_box.setAccessibleName("Stop: loss rises")
        for box in (self.stop_box, self.loss_box):
            box.clicked.connect(self._ask_to_stop)


def _iter_answers(
    snapshot: Snapshot, kept: tuple[Point, ...], known: dict[Point, Bools]
) -> Generator[tuple[float, Any], None, None]:
    from engine.replay import iter_theatre  # the kernels come with it

    return iter_theatre(snapshot, kept, known)


def _newest_rise(snapshot: Snapshot) -> int | None:
    """Return the newest step that raised the errors while the loss fell, or None."""
    rises = snapshot.history.error_rises
    return int(rises[-1]) if len(rises) else None


def _still_holds(point: Point, snapshot: Snapshot) -> bool:
    """Whether a point seen before still lies on the run: going back and kicks make it forget its steps."""
    history = snapshot.history
    return point.step < history.n_entries and bool(history["loss"][point.step] == point.loss)


def _same_moment(before: Chronicle, after: Chronicle, moment: int) -> int:
    """Return the number that a moment has in a newer chronicle: of the same step, or else the next one."""
    if moment == len(before.moments) - 1:
        return len(after.moments) - 1
    steps = [point.step for point in after.moments]
    return min(int(np.searchsorted(steps, before.moments[moment].step)), len(steps) - 1)


def _telling_flip(chronicle: Chronicle, order: npt.NDArray[np.int64], rose: Bools) -> tuple[int, int]:
    """Return the sample and the moment to show at first.

    After a step that raised the errors, a sample that went wrong on it; else the one lost most often, at the
    newest moment that found it gone wrong, or else changed, or else the last.
    """
    last = len(chronicle.moments) - 1
    lost = np.flatnonzero(chronicle.right[-2:][0] & ~chronicle.right[-1])
    if rose[-1] and len(lost):
        return int(lost[0]), last
    sample = int(order[0])
    flips = chronicle.flip_moments(sample)
    gone = flips[~chronicle.right[flips, sample]]
    newest = [int(found[-1]) for found in (gone, flips) if len(found)]
    return sample, (newest or [last])[0]


def _rose(chronicle: Chronicle, snapshot: Snapshot) -> Bools:
    """Return whether the errors rose as the loss fell on a step since the moment before, (n_moments,)."""
    steps = np.array([point.step for point in chronicle.moments])
    n_rises = np.searchsorted(snapshot.history.error_rises, steps, side="right")
    return np.concatenate(([False], n_rises[1:] > n_rises[:-1]))
