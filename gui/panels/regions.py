"""RegionsPanel: the plane of two inputs, coloured by what the network says of each point."""

from __future__ import annotations

import time
from typing import Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from engine.cores import usable_cores
from engine.jobs import Job
from engine.regions import Area, Regions, say
from engine.snapshot import Snapshot, State
from gui import numerals
from gui.legends import Key, Legend
from gui.panel_keys import READ_PLANE, ZOOM
from gui.panels.panel import Panel
from gui.panels.time_panel import NoteLabel
from gui.region_plots import RegionPlot, ShadeBar, Sketch, class_shape, iter_sketches, nearest_sample
from gui.theme import Theme

_REST_S: Final = 0.2  # between two pictures that follow a run: the eye can keep up with that
_DUTY: Final = 3.0 if usable_cores() > 2 else 20.0  # rests so many times as long as a picture took
_MOST_KEYS: Final = 5


class RegionsPanel(Panel):
    """Decision regions; see `help_text`."""

    panel_id = "regions"
    title = "Decision regions"
    interval_s = 0.1
    help_text = """What the network says of every point of the plane, for data with two inputs (moons,
spirals, blobs, xor, parity and others).

Colour: the predicted class, which is the one with the largest output. A line runs where it changes:
there two outputs are equal. Each region that is wide enough has the name of its class in it.

Shade: the probability p of that class, softmax of the outputs z,
p_c = exp(z_c) / Σ_k exp(z_k): pale where the network is as unsure as it can be (1/C for C classes),
strong where p is near 1. Of a network with one output f (squared loss) there is no probability: the
class is 1 where f is above ½, and the shade is strongest from 0 downward and from 1 upward.

Symbols: the training samples, a shape and a colour for each class. A ring marks those that are
wrong; there are as many as the count of errors of that step says. Fixed noise on the hidden units,
where a lesson has it, belongs to samples: rings know it, the plane is drawn without it.

The picture follows the run at a calm pace; the line of text below says to which step it belongs.
Whoever zooms or moves gets a new picture of what is seen then.

A click, or Enter at the reading point, chooses the nearest sample: a square stands around it, the text tells its
numbers, and the panels Examples, Network and Gradients show it too.

The pointer, and the arrow keys, tell class and probability at a point and the sample that is nearest."""
    sources = ("exam", "skips")
    key_table = (*READ_PLANE, ("Click, Enter", "Choose the nearest sample"), *ZOOM)

    def build(self, layout: QVBoxLayout) -> None:
        """Create the widgets; see Panel."""
        self.legend = Legend(self.theme)
        self.plot = RegionPlot(self.theme)
        self.plot.setAccessibleName("The plane of the two inputs, coloured by predicted class")
        self.bar = ShadeBar(self.theme)
        self.nothing = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self.nothing.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # so that F1 explains the panel here too
        self.note_label = NoteLabel()
        self.pages = QStackedWidget()
        plane = QWidget()
        row = QHBoxLayout(plane)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.plot, 1)
        row.addWidget(self.bar)
        self.pages.addWidget(plane)
        self.pages.addWidget(self.nothing)
        for widget, stretch in ((self.legend, 0), (self.pages, 1), (self.note_label, 0)):
            layout.addWidget(widget, stretch)
        self.plot.pointed.connect(self._point)
        self.plot.sample_chosen.connect(self._choose)
        self._sample: int | None = None
        self._job: Job | None = None
        self._asked: tuple[int, int, int, Area] | None = None
        self._asked_at_s = self._rest_until_s = 0.0
        self._regions: Regions | None = None
        self._run_id = -1
        self._pointed: tuple[float, float] | None = None
        self._error_text = ""

    def draw(self, snapshot: Snapshot) -> None:
        """Show the samples of a new run, or say why there is no picture; see Panel."""
        if snapshot.run_id != self._run_id:
            self._run_id = snapshot.run_id
            if not self.keeps_sample(snapshot):
                self._sample = None
                self.plot.mark_chosen(None)
            self._forget()
        if snapshot.data.n_features != 2:
            self._show_nothing(snapshot)
            return
        self.pages.setCurrentIndex(0)
        self.legend.show()
        self.plot.show_data(snapshot.data)
        self.bar.show_classes(max(2, snapshot.net.n_outputs), snapshot.net.n_outputs > 1)
        if self._regions is None:
            self._write()
        self.poll()

    def poll(self) -> None:
        """Show what the job has found, and ask again where the run or the view has moved on; see Panel."""
        snapshot = self._newest
        if snapshot is None or snapshot.data.n_features != 2:
            return
        if self._job is not None:
            self._follow(self._job)
        elif self._is_due(snapshot) and self._should_ask(snapshot):
            self.recompute()

    def recompute(self) -> None:
        """Ask for a picture of the present network; see Panel."""
        snapshot = self._newest
        if snapshot is None or snapshot.data.n_features != 2:
            return
        self._cancel()
        area = self.plot.view
        has_preview = self._regions is None
        self._asked = _question(snapshot, area)
        self._asked_at_s = time.perf_counter()
        self._job = self.jobs.submit(lambda: iter_sketches(snapshot, area, has_preview), snapshot.generation)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Panel."""
        for part in (self.legend, self.plot, self.bar):
            part.apply_theme(theme)

    def summary(self) -> str:
        """Return what is shown, as text."""
        snapshot = self._newest
        if snapshot is None:
            return ""
        if snapshot.data.n_features != 2:
            return _nothing_text(snapshot)
        return self._error_text or (self._caption(self._regions) if self._regions else "")

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop computing what nobody sees."""
        super().hideEvent(event)
        if self._job is not None:
            self._cancel()
            self._asked = None  # so that it is asked again when somebody looks

    def take_sample(self, number: int) -> None:
        """Mark the sample that was chosen elsewhere; see Panel."""
        super().take_sample(number)
        if self._newest is not None and number < self._newest.data.n_samples:
            self._sample = number
            self.plot.mark_chosen(number)
            self._write_note()

    def _choose(self, number: int) -> None:
        self.take_sample(number)
        self.sample_chosen.emit(number)

    def _should_ask(self, snapshot: Snapshot) -> bool:
        """Whether the run or the view has moved on, and it is time to follow."""
        asked, question = self._asked, _question(snapshot, self.plot.view)
        if asked is None or asked[:2] != question[:2]:
            return True
        has_rested = time.perf_counter() >= self._rest_until_s
        return asked != question and (has_rested or snapshot.state is not State.RUNNING)

    def _follow(self, job: Job) -> None:
        progress = job.latest
        found: Sketch | None = progress.result
        if found is not None and found.regions is not self._regions:
            self._show(found)
        if progress.finished:
            now = time.perf_counter()
            self._rest_until_s = now + max(_REST_S, _DUTY * (now - self._asked_at_s))
            self._job = None
            self._error_text = progress.error
            self._write()

    def _show(self, sketch: Sketch) -> None:
        self._regions = sketch.regions
        self.plot.show_sketch(sketch)
        self._write()

    def _show_nothing(self, snapshot: Snapshot) -> None:
        self.nothing.setText(_nothing_text(snapshot))
        self.setAccessibleName(f"{self.title}. {self.nothing.text()}")
        self.pages.setCurrentIndex(1)
        self.legend.hide()
        self.note_label.setText("")

    def _forget(self) -> None:
        self._cancel()
        self._asked = self._regions = None
        self._error_text = ""
        self.plot.clear_regions()

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    # Words

    def _write(self) -> None:
        snapshot, regions = self._newest, self._regions
        if snapshot is None:
            return
        n_classes = max(2, snapshot.net.n_outputs)
        keys = [Key(class_shape(k), f"class {k}", f"class {k}") for k in range(min(n_classes, _MOST_KEYS))]
        if regions is not None:
            n_wrong = int((~regions.right).sum())
            keys.append(Key("ring", "text", f"wrong: {n_wrong:,} of {snapshot.data.n_samples:,}"))
        self.legend.set_keys(*keys)
        self.setAccessibleName(f"{self.title}. {self.legend.accessibleName()}")
        self._write_note()

    def _write_note(self) -> None:
        regions = self._regions
        if self._error_text or regions is None:
            self.note_label.setText(self._error_text)
        elif self._pointed is not None:
            self.note_label.setText(_point_text(regions, self._pointed))
        elif self._sample is not None:
            self.note_label.setText(f"Chosen {_sample_text(regions, self._sample)}. {self._caption(regions)}")
        else:
            self.note_label.setText(self._caption(regions))

    def _caption(self, regions: Regions) -> str:
        """Return the step of the picture, the share of each class and how many samples are wrong."""
        snapshot, shares = regions.snapshot, regions.shares()
        parts = [f"class {k} {shares[k]:.1%}".replace("%", " %") for k in np.flatnonzero(shares).tolist()]
        n_wrong = int((~regions.right).sum())
        return (
            f"After step {snapshot.n_steps:,}: of the plane shown {', '.join(parts)}; "
            f"{n_wrong:,} of {numerals.plural(snapshot.data.n_samples, 'sample')} wrong."
        )

    def _point(self, point: tuple[float, float] | None) -> None:
        self._pointed = point
        if self._newest is not None and self._newest.data.n_features == 2:
            self._write_note()


def _question(snapshot: Snapshot, area: Area) -> tuple[int, int, int, Area]:
    return snapshot.run_id, snapshot.generation, snapshot.n_steps, area


def _nothing_text(snapshot: Snapshot) -> str:
    return (
        "Decision regions are drawn in the plane of two inputs; a sample of this data has "
        f"{numerals.plural(snapshot.data.n_features, 'input')}. Data with two inputs: moons, spirals, blobs, "
        "xor, parity (menu Run, Settings of the run)."
    )


def _point_text(regions: Regions, point: tuple[float, float]) -> str:
    """Return class and probability at a point of the plane, and the nearest sample."""
    snapshot = regions.snapshot
    said = say(snapshot.net, snapshot.theta, np.array([point]))
    is_probability = snapshot.net.n_outputs > 1
    nearest = nearest_sample(snapshot.data, point)
    text = numerals.signed(f"({point[0]:.4g}, {point[1]:.4g}): class {said.label[0]}, ")
    text += f"{'probability' if is_probability else 'shade'} {numerals.exact(said.certainty[0])}"
    return f"{text}; nearest {_sample_text(regions, nearest)}"


def _sample_text(regions: Regions, number: int) -> str:
    """Return place, class and outcome of a sample."""
    data = regions.snapshot.data
    verdict = "right" if regions.right[number] else "wrong"
    at = ", ".join(numerals.exact(x) for x in data.x[number])
    return f"sample {number} of class {data.y[number]} at ({at}), {verdict}"
