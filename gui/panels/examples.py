"""ExamplesPanel: which samples were right and wrong when, and what a step did to one of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from engine.chronicle import Chronicle, Standing, iter_chronicle, moments, standing
from engine.commands import GoTo, Pause
from engine.cores import usable_cores
from engine.jobs import Job
from engine.snapshot import Point, Snapshot, State
from gui import numerals
from gui.example_pictures import ExamplePicture
from gui.flip_boards import FlipBoard
from gui.legends import Key, Legend
from gui.panels.panel import Panel
from gui.panels.time_panel import NoteLabel
from gui.probability_bars import ProbabilityBars
from gui.theme import Theme, set_role

Bools = npt.NDArray[np.bool_]

_REST_S: Final = 0.5  # between two answers that follow a run
_DUTY: Final = 3.0 if usable_cores() > 2 else 20.0  # rests so many times as long as an answer took
_MOST_KEPT: Final = 8  # moments at which the run was paused, beside its checkpoints
_PICTURE_PX: Final = 84
_MOST_NUMBERS: Final = 8


@dataclass(slots=True)
class _Stop:
    """A rise at which the run was told to pause: its step, the run's generation, and whether the run stands."""

    step: int
    generation: int
    has_come: bool = False

    def still_holds(self, snapshot: Snapshot) -> bool:
        """Note whether the run stands; return False when it has gone on since, or is another one."""
        runs = snapshot.state is State.RUNNING
        if snapshot.generation != self.generation or (self.has_come and runs):
            return False
        self.has_come = not runs
        return True


class ExamplesPanel(Panel):
    """The flip theatre; see `help_text`."""

    panel_id = "examples"
    title = "Examples"
    interval_s = 0.2
    help_text = """Who flips: the training samples, a row each, at moments of the run, a column each. A
pale cell is right, a dark one wrong (where there is room, with a cross in it). Right means: the largest
output is that of the sample's class, the first one where two are equal; with one output (squared
loss), that it is on the sample's side of ½. These are the errors that the panel Errors counts.

The moments are checkpoints of the run, evaluated beside the training: evenly spaced ones, those on
both sides of the newest rises of the errors, steps at which the run was paused, and the present. What
happens between two columns is not seen. Bars above the rows: the errors of all samples. A triangle: on
a step since the column before, the errors rose as the loss fell.

Order of the rows, from the top: samples that went from right to wrong most often, then other flips,
then those that were always wrong, then those always right. Beside each its number, from 0, and its
class.

The frame marks one sample and two neighbouring moments, before and after. On the right: the sample;
the probability of each class, softmax of the outputs, before (hollow bar) and after (filled bar),
the sample's own class green and ticked; its own loss, -log p of its class (or ½ ‖p - onehot‖², or
½ (f - t)²); its margin, the logit of its class less the largest other, which is above 0 when it is
right. A sample can go wrong while its own loss falls: where a third class takes from both.

"Before the rise" goes back to the step before the newest rise of the errors, bit for bit; one step
then shows the rise again, and who flipped, step against step. "Go to" goes to the step before that is
framed. Steps behind are forgotten, and can be taken again.

"Stop at a rise" pauses a running net after the errors rose. The training runs beside the window, so it
has gone on for some steps by then; the text says how many, and "Before the rise" leads back exactly.

Source: exam question on guarantees of full-batch training, "the number of mistakes never rises".

Arrows choose sample and moment; with Shift, left and right go to the sample's next flip; Page up and
Page down move by a page, Home and End to the first and last moment. A click chooses; the wheel scrolls."""

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
        self.stop_box = QCheckBox("Stop at a rise")
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
        self._n_rises_seen: int | None = None
        self._stop: _Stop | None = None
        self._has_chosen = False
        self._n_lost = 0
        self._title_text = ""
        self._error_text = ""

    def offer(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot, and stop the run at a rise if that is wanted; see Panel."""
        super().offer(snapshot)
        self._watch(snapshot)

    def draw(self, snapshot: Snapshot) -> None:
        """Follow the run; see Panel."""
        self._watch(snapshot)
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
        chosen, known = moments(snapshot, self._kept), dict(self._known)
        self._asked = snapshot.generation, snapshot.n_steps
        self._asked_at_s = time.perf_counter()
        self._job = self.jobs.submit(lambda: iter_chronicle(snapshot, chosen, known), snapshot.generation)

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
        if self._job is not None:
            self._cancel()
            self._asked = None

    def go_before_rise(self) -> None:
        """Go back to the step before the rise at which the run was stopped, or the newest one."""
        snapshot = self._newest
        step = self._rise(snapshot) if snapshot is not None else None
        if step is not None:
            self._has_chosen = False  # the next step has samples of its own to show
            self.command_issued.emit(GoTo(step - 1))

    def go_to_moment(self) -> None:
        """Go back to the framed step before."""
        if self._chronicle is not None:
            self.command_issued.emit(GoTo(self._chronicle.moments[max(0, self.board.moment - 1)].step))

    # The run

    def _watch(self, snapshot: Snapshot) -> None:
        """Pause at a new rise, if that is wanted; costs nothing otherwise, for this is called while hidden."""
        rises, runs = snapshot.history.error_rises, snapshot.state is State.RUNNING
        seen, self._n_rises_seen = self._n_rises_seen, len(rises)
        if self._stop is not None and not self._stop.still_holds(snapshot):
            self._stop = None
        if self.stop_box.isChecked() and runs and seen is not None and len(rises) > seen:
            self._stop = _Stop(int(rises[seen]), snapshot.generation)
            self.command_issued.emit(Pause())

    def _rise(self, snapshot: Snapshot) -> int | None:
        """Return the step that raised the errors to which the button leads, or None."""
        rises = snapshot.history.error_rises
        if self._stop is not None:
            return self._stop.step
        return int(rises[-1]) if len(rises) else None

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
            self._keep(found.moments[-1])
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
        self._known, self._kept, self._has_chosen = {}, [], False
        self._error_text = ""
        self.board.clear()
        self.board.sample = 0
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

    def _write_sample(self, chronicle: Chronicle, snapshot: Snapshot) -> None:
        sample, after = self.board.sample, self.board.moment
        before = max(0, after - 1)
        net, data = snapshot.net, snapshot.data
        two = [standing(net, chronicle.moments[k].theta, data, sample) for k in (before, after)]
        words = ["right" if chronicle.right[k, sample] else "wrong" for k in (before, after)]
        self._title_text = f"Sample {sample:,}, class {data.y[sample]}: {words[0]} → {words[1]}"
        self.heading.setText(f"<b>{self._title_text}</b>")
        self.numbers.setText(_standing_text(chronicle, (before, after), two, net.n_outputs))
        shape = data.image_shape
        self.picture.show_values(data.x[sample].reshape(shape) if shape else None)
        if not shape:
            self.numbers.setText(f"{_inputs_text(data.x[sample])}\n{self.numbers.text()}")
        self.bars.setVisible(net.n_outputs > 1)
        if net.n_outputs > 1:
            self.bars.show_bars(two[0].outputs, two[1].outputs, int(data.y[sample]))
        self.board.setAccessibleDescription(self._about_sample())
        self.setAccessibleName(f"{self.title}. Sample {sample}: {words[0]} to {words[1]}.")

    def _about_sample(self) -> str:
        """Return what is told of the sample, in one line."""
        return f"{self._title_text}; {self.numbers.text().replace(chr(10), ', ')}."

    def _write_buttons(self, snapshot: Snapshot) -> None:
        step = self._rise(snapshot)
        self.rise_button.setEnabled(step is not None)
        self.rise_button.setText("Before the rise" if step is None else f"Before the rise ({step - 1:,})")
        chronicle = self._chronicle
        self.go_button.setEnabled(chronicle is not None)
        if chronicle is not None:
            self.go_button.setText(f"Go to {chronicle.moments[max(0, self.board.moment - 1)].step:,}")

    def _write_note(self, otherwise: str = "") -> None:
        """Write what went wrong, or where a rise stopped the run, or else something else."""
        snapshot, text = self._newest, self._error_text
        if not text and snapshot is not None and self._stop is not None and self._stop.has_come:
            step = self._stop.step
            text = f"The errors rose on step {step:,}; the run stopped at step {snapshot.n_steps:,}, "
            text += f"{numerals.plural(snapshot.n_steps - step, 'step')} later."
        self.note_label.setText(text or otherwise)

    # How it is put together

    def _lay_out(self, layout: QVBoxLayout) -> None:
        about, side, body, buttons = QHBoxLayout(), QVBoxLayout(), QGridLayout(), QHBoxLayout()
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
        for widget in (self.rise_button, self.go_button, self.stop_box):
            # A click must not take the focus: Space belongs to run and pause.
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            buttons.addWidget(widget)
        buttons.addStretch(1)
        layout.addWidget(self.legend)
        layout.addLayout(body, 1)
        layout.addLayout(buttons)
        layout.addWidget(self.note_label)

    def _connect(self) -> None:
        self.board.chosen_changed.connect(self._choose)
        self.rise_button.clicked.connect(self.go_before_rise)
        self.go_button.clicked.connect(self.go_to_moment)
        self.rise_button.setToolTip("Go back to the step before the newest rise of the errors, bit for bit.")
        self.go_button.setToolTip("Go back to the framed step before, bit for bit.")
        self.stop_box.setToolTip("Pause the run after the errors rose while the loss fell.")


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


def _standing_text(chronicle: Chronicle, pair: tuple[int, int], two: list[Standing], n_outputs: int) -> str:
    steps = [f"{chronicle.moments[k].step:,}" for k in pair]
    lines = [f"step {steps[0]} → {steps[1]}"]
    for name, values in (("loss", [one.loss for one in two]), ("margin", [one.margin for one in two])):
        lines.append(f"{name} {numerals.short(values[0])} → {numerals.short(values[1])}")
    if n_outputs == 1:
        lines.append(f"output {numerals.short(two[0].outputs[0])} → {numerals.short(two[1].outputs[0])}")
    change = two[1].loss - two[0].loss
    if pair[0] != pair[1]:
        lines.append(f"its own loss {'fell' if change < 0 else 'rose' if change > 0 else 'stayed'}")
    return "\n".join(lines)


def _inputs_text(x: npt.NDArray[np.float64]) -> str:
    shown = ", ".join(numerals.short(value) for value in x[:_MOST_NUMBERS])
    return f"x = ({shown})" if len(x) <= _MOST_NUMBERS else f"x = ({shown}, ...), {len(x):,} inputs"
