"""PhasePanel: maps of sweeps, which fill while they run beside training."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
)

from engine.commands import Load
from engine.jobs import Job, JobRunner
from engine.lessons import readable_lessons
from engine.snapshot import Snapshot
from engine.sweeps.sweep import Sweep, load_sweep, sweep_ids
from gui import numerals
from gui.captions import Caption
from gui.colour_bars import ColourBar
from gui.legends import Key, Legend
from gui.lesson_box import TitleBox
from gui.panels.panel import Panel
from gui.panels.phase_choices import PhaseChoices
from gui.panels.phase_offer import SweepOffer
from gui.phase_pictures import COLOURS, SHAPES, PhasePicture, Place, axis_title, curve_places, value_text
from gui.theme import Theme

if TYPE_CHECKING:  # they come with numba and scipy: half a second, when a sweep is first opened
    from engine.sweeps.cell import Row
    from engine.sweeps.maps import PhaseMap, Table

_REDRAW_S: Final = 0.3
_MOST_RUNS: Final = 200  # of a place, in the list to choose from


class PhasePanel(Panel):
    """Phase diagrams; see `help_text`."""

    panel_id = "phase"
    title = "Phase diagram"
    interval_s = 0.5
    help_text = """One question over hundreds or thousands of runs: each coloured cell, or each point of a
curve, is the mean over runs that differ in their random start alone.

Choose a sweep of the list, or open a sweep file or a file of results. Run starts what is left of it,
beside training: on all cores but one, and at low priority. Stop keeps what is done, and Run goes on
with it, today or tomorrow. The map fills while it runs.

Choose what is shown, over which axes, as a map or as curves. A band around a curve is the interval
that covers the true mean with a confidence of 95 %: m ± t s / √n by Student's t for numbers
(mean m, standard deviation s, n runs), exact (Clopper and Pearson 1934) for shares. "share with ...: ..."
is the share of the runs that ended so. Cells without a result are grey.

Choose a cell: the runs behind it are listed below. Open this run loads the very run, with its settings and
its start. CSV writes the map that is shown.

In a terminal: python main.py sweep FILE, which also runs on a cluster; see docs/sweeps.md."""
    sources = ("minima", "skips", "exam")
    key_table = (
        ("Arrows, click", "Choose a cell, or a point of a curve"),
        ("Enter, double click", "Load a run behind it"),
    )

    def build(self, layout: QVBoxLayout) -> None:
        """Create the widgets; see Panel."""
        self.sweeps = TitleBox()
        self.sweeps.setAccessibleName("Sweep")
        self.sweeps.addItem("Choose a sweep", "")
        self.sweeps.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.run_button = _button("Run", "Run what is left of this sweep, beside training.", self.toggle)
        self.open_button = _button(
            "Open…", "Open a sweep file (.toml) or the results of a sweep.", self.ask_path
        )
        self.csv_button = _button("CSV…", "Write the map that is shown as a table.", self.ask_csv)
        self.offer_box = SweepOffer()
        self.choices = PhaseChoices()
        self.choices.changed.connect(self._redraw)
        self.legend = Legend(self.theme)
        self.picture = PhasePicture(self.theme)
        self.bar = ColourBar(self.theme)
        self.caption = Caption()
        self.runs = QComboBox()
        self.runs.setAccessibleName("Runs behind the place chosen")
        self.runs.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.load_button = _button("Open this run", "Load this run's settings and start.", self.load_run)
        self._lay_out(layout)
        self._connect()
        self._runner: JobRunner | None = None
        self._job: Job | None = None
        self._is_run = False
        self._rows: SimpleQueue[list[Row]] = SimpleQueue()
        self._sweep: Sweep | None = None
        self._path: Path | None = None
        self._table: Table | None = None
        self._shown: PhaseMap | None = None
        self._problem = ""
        self._pointed: Place | None = None
        self._redraw_at_s = self._started_at_s = 0.0
        self._n_before = 0
        self._listed: tuple[Sweep, ...] = ()
        self._offered_for: str | None = None
        self._enable()

    def draw(self, snapshot: Snapshot) -> None:
        """List the sweeps once; see Panel. A map does not depend on the run under way, only what is offered first."""
        if not self._listed:
            self._listed = tuple(load_sweep(sweep_id) for sweep_id in sweep_ids())
            for sweep in self._listed:
                self.sweeps.addItem(sweep.title, sweep.sweep_id)
            self._write_caption()
        if snapshot.config.lesson != self._offered_for and not self.offer_box.isHidden():
            self._offered_for = snapshot.config.lesson
            self.offer_box.offer(self._listed, _claims_of(snapshot.config.lesson))

    def poll(self) -> None:
        """Take what has been run, and draw it a few times a second; see Panel."""
        job = self._job
        if job is None:
            return
        is_finished = job.latest.finished  # asked first: what comes after is in the queue then
        sweep: Sweep | None = job.latest.result
        if sweep is not None and self._table is None:
            self._begin(sweep)
        has_new = self._take_rows()
        if is_finished:
            self._job, self._is_run = None, False
            self._problem = job.latest.error
            self._enable()
        now = time.perf_counter()
        if is_finished or (has_new and now >= self._redraw_at_s):
            self._redraw_at_s = now + _REDRAW_S
            self._redraw()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Panel."""
        self.picture.apply_theme(theme)
        self.legend.apply_theme(theme)
        self.bar.apply_theme(theme, theme.magnitude_map)

    def summary(self) -> str:
        """Return what is shown, as text: every number of the map."""
        shown = self._shown
        if shown is None:
            return self._caption_text()
        lines = [
            f"{self._place_text(shown, (i, j))}."
            for j in range(len(shown.mean))
            for i in range(len(shown.mean[j]))
            if shown.n[j, i]
        ]
        return " ".join([self._caption_text(), *lines])

    def open_sweep(self, sweep: Sweep) -> None:
        """Show what there is of a sweep among the window's own results."""
        from engine.sweeps.background import usual_path

        path = usual_path(sweep)
        self._forget()
        self._sweep, self._path = sweep, path
        if path.exists():
            self._start(is_run=False)
        else:
            self._begin(sweep)
            self._redraw()
        self._enable()

    def open_path(self, path: Path) -> None:
        """Open a sweep file, or a file of results."""
        if path.suffix == ".toml":
            try:
                self.open_sweep(load_sweep(str(path)))
            except (ValueError, OSError) as error:
                self._show_problem(str(error))
            return
        self._forget()
        self._path = path
        self._start(is_run=False)
        self._enable()

    def toggle(self) -> None:
        """Run what is left, or stop."""
        if self._is_run and self._job is not None:
            self._job.cancel()
        elif self._job is None and self._path is not None:
            self._start(is_run=True)
            self._enable()
            self._write_caption()

    def load_run(self) -> None:
        """Load the run that is chosen below the map."""
        cell = self.runs.currentData()
        if self._sweep is None or cell is None:
            return
        try:
            self.command_issued.emit(Load(self._sweep.config(cell)))
        except (ValueError, TypeError) as error:
            self._show_problem(str(error))

    def write_csv(self, path: Path) -> None:
        """Write the map that is shown, whole or not at all."""
        from engine.outputs import write_text
        from engine.sweeps.maps import as_csv

        assert self._shown is not None
        try:
            write_text(path, as_csv(self._shown))
        except OSError as error:
            self._show_problem(f"{path} could not be written: {error.strerror or error}.")

    def ask_path(self) -> None:
        """Let the person choose a file to open."""
        kinds = "Sweeps and results (*.toml *.sqlite);;All files (*)"
        name, _ = QFileDialog.getOpenFileName(self, "Open a sweep or its results", "", kinds)
        if name:
            self.open_path(Path(name))

    def ask_csv(self) -> None:
        """Let the person choose where the map goes."""
        name, _ = QFileDialog.getSaveFileName(self, "Write the map as CSV", "map.csv", "CSV (*.csv)")
        if name:
            self.write_csv(Path(name))

    # Results

    def _start(self, is_run: bool) -> None:
        """Read the results, and run what is left if is_run, in a thread of this panel's own."""
        from engine.sweeps.background import iter_rows, polite_workers

        assert self._path is not None
        if self._runner is None:
            self._runner = self.jobs.beside()
        path, sweep, rows, jobs = self._path, self._sweep, SimpleQueue[list["Row"]](), list[Job]()

        def is_cancelled() -> bool:
            return any(job.is_cancelled for job in jobs)

        n_workers = polite_workers() if is_run else 0
        self._rows, self._problem, self._is_run = rows, "", is_run
        self._started_at_s, self._n_before = time.perf_counter(), -1
        self._job = self._runner.submit(lambda: iter_rows(path, sweep, rows, is_cancelled, n_workers), 0)
        jobs.append(self._job)

    def _begin(self, sweep: Sweep) -> None:
        from engine.sweeps.maps import Table

        self._sweep, self._table = sweep, Table(sweep)
        self.sweeps.setToolTip(" ".join(sweep.text.split()))
        cooled = (
            " The rate of the sweep falls at the end of a run; here it stays." if sweep.stop.is_cooled else ""
        )
        self.load_button.setToolTip(f"Load this run's settings and start.{cooled}")
        self.choices.show_sweep(sweep)
        self._name(sweep)
        self._enable()

    def _name(self, sweep: Sweep) -> None:
        """Name the sweep in the list: one of the list's own, or the file that was opened."""
        from engine.sweeps.background import usual_path

        place = self.sweeps.findData(sweep.sweep_id) if self._path == usual_path(sweep) else -1
        if place < 0 and self._path is not None:
            self.sweeps.setItemText(0, f"{sweep.title} ({self._path.name})")
        self.sweeps.setCurrentIndex(max(0, place))

    def _take_rows(self) -> bool:
        """Take what is in the queue; return whether there was anything."""
        has_new = False
        while self._table is not None:
            try:
                self._table.add(self._rows.get_nowait())
                has_new = True
            except Empty:
                break
        return has_new

    def _forget(self) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job, self._is_run = None, False
        self._sweep = self._path = self._table = self._shown = self._pointed = None
        self._problem = ""
        self.runs.clear()
        self.picture.show_map(None, True)
        self._write_caption()

    # What is drawn

    def _redraw(self) -> None:
        from engine.sweeps.maps import phase_map

        if self._table is None:
            self._write_caption()
            return
        across, up = self.choices.axes
        self._shown = phase_map(self._table, self.choices.chosen_quantity, across, up, self.choices.at)
        self.picture.show_map(self._shown, self.choices.is_map)
        self.bar.setVisible(self.choices.is_map)
        self.bar.show_texts(self.picture.scale.ticks(), ("grid", "no result"))
        self._write_legend(self._shown)
        self._list_runs(self.picture.chosen)
        self._write_caption()
        self._enable()

    def _write_legend(self, shown: PhaseMap) -> None:
        is_curves = not self.choices.is_map and shown.up is not None
        self.legend.setVisible(is_curves)
        if is_curves and shown.up is not None:
            name = axis_title(shown.up.name)
            keys = [
                Key(SHAPES[number], COLOURS[number], f"{name} {value_text(shown.up.values[j])}")
                for number, j in enumerate(curve_places(shown))
            ]
            self.legend.set_keys(*keys)

    def _list_runs(self, place: Place | None) -> None:
        """List the runs behind a place, the one that was chosen before first."""
        from engine.sweeps.maps import cells_of

        before = self.runs.currentData()
        self.runs.clear()
        if place is None or self._table is None or self._sweep is None:
            return
        across, up = self.choices.axes
        for cell in cells_of(self._sweep, across, up, self.choices.at, place)[:_MOST_RUNS]:
            seeds = [
                f"{axis_title(axis.name)} {axis.values[at]}"
                for axis, at in zip(self._sweep.axes, self._sweep.places(cell), strict=True)
                if axis.is_seeds
            ]
            self.runs.addItem(f"{', '.join(seeds) or 'this run'}: {self._table.words(cell)}", cell)
        self.runs.setCurrentIndex(max(0, self.runs.findData(before)))

    def _choose(self, place: Place) -> None:
        self._list_runs(place)
        self._pointed = place
        self._write_caption()
        self._enable()

    def _point(self, place: Place | None) -> None:
        self._pointed = place if place is not None else self.picture.chosen
        self._write_caption()

    def _write_caption(self) -> None:
        text = self._caption_text()
        self.caption.show_text(text, is_problem=bool(self._problem))
        self.setAccessibleDescription(text)

    def _caption_text(self) -> str:
        if self._problem:
            return self._problem
        if self._table is None or self._sweep is None:
            return (
                "Reading." if self._job is not None else "Or open a file of your own: Open… F1 explains more."
            )
        parts = [self._standing()]
        if self._shown is not None and self._pointed is not None:
            parts.insert(0, f"{self._place_text(self._shown, self._pointed)}.")
        return " ".join(parts)

    def _standing(self) -> str:
        """Return how many runs there are, and while more are run how long that will take."""
        assert self._table is not None and self._sweep is not None
        n, n_all = self._table.n_known, self._sweep.n_cells
        counts = ", ".join(f"{count:,} {status}" for status, count in self._table.counts().items())
        text = f"{n:,} of {numerals.plural(n_all, 'run')}" + (f": {counts}." if counts else ".")
        if not n:
            last = self._sweep.text.split("\n\n")[
                -1
            ]  # what to look at; the whole text is the list's tool-tip
            text = f"{' '.join(last.split())} {text}"
        if self._is_run:
            return f"{text}{self._time_left(n, n_all)}"
        left = "" if n == n_all else " Run starts what is left." if n else " Press Run to fill the map."
        return f"{text}{left}"

    def _time_left(self, n: int, n_all: int) -> str:
        from engine.progress import duration

        now = time.perf_counter()
        if self._n_before < 0:  # the first rows are those that were there
            self._n_before, self._started_at_s = n, now
        n_new = n - self._n_before
        if n_new <= 0:
            return " Running."
        return f" Running, {duration((now - self._started_at_s) / n_new * (n_all - n))} left."

    def _place_text(self, shown: PhaseMap, place: Place) -> str:
        """Return the values at a place: "width 4, seed 1: loss 0.12 (0.08 to 0.16), 12 runs"."""
        i, j = place
        at = [f"{axis_title(shown.across.name)} {value_text(shown.across.values[i])}"]
        if shown.up is not None:
            at.insert(0, f"{axis_title(shown.up.name)} {value_text(shown.up.values[j])}")
        if not shown.n[j, i]:
            return f"{', '.join(at)}: no result"
        mean, low, high = (
            numerals.signed(f"{values[j, i]:.4g}") for values in (shown.mean, shown.low, shown.high)
        )
        interval = "" if low == "nan" else f" ({low} to {high})"
        title = shown.quantity.title.replace("_", " ")
        return f"{', '.join(at)}: {title} {mean}{interval}, {numerals.plural(int(shown.n[j, i]), 'run')}"

    def _show_problem(self, sentence: str) -> None:
        self._problem = sentence
        self._write_caption()

    # How it is put together

    def _enable(self) -> None:
        self._show_offer(is_offered=self._path is None)
        can_run = self._path is not None and (self._job is None or self._is_run)
        is_whole = (
            self._table is not None and self._sweep is not None and self._table.n_known == self._sweep.n_cells
        )
        self.run_button.setText("Stop" if self._is_run else "Run")
        self.run_button.setEnabled(can_run and (self._is_run or not is_whole))
        self.csv_button.setEnabled(self._shown is not None)
        self.load_button.setEnabled(self.runs.count() > 0)
        self.runs.setEnabled(self.runs.count() > 0)

    def _show_offer(self, is_offered: bool) -> None:
        """Show what there is to choose from in the place of a map that there is not yet."""
        self.offer_box.setVisible(is_offered)
        for part in (self.choices, self.picture, self.runs, self.load_button):
            part.setVisible(not is_offered)

    def _choose_sweep(self) -> None:
        sweep_id = self.sweeps.currentData()
        if sweep_id:
            self.open_sweep(load_sweep(sweep_id))

    def _connect(self) -> None:
        self.sweeps.activated.connect(self._choose_sweep)
        self.offer_box.chosen.connect(lambda sweep_id: self.open_sweep(load_sweep(sweep_id)))
        self.picture.pointed.connect(self._point)
        self.picture.place_chosen.connect(self._choose)
        self.picture.opened.connect(self.load_run)

    def _lay_out(self, layout: QVBoxLayout) -> None:
        self.picture.setAccessibleName("Map of the sweep")
        top, middle, bottom = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.sweeps, 1)
        for button in (self.run_button, self.open_button, self.csv_button):
            top.addWidget(button)
        middle.addWidget(self.offer_box, 1)
        middle.addWidget(self.picture, 1)
        middle.addWidget(self.bar)
        bottom.addWidget(self.runs, 1)
        bottom.addWidget(self.load_button)
        self.bar.hide()
        self.legend.hide()
        layout.addLayout(top)
        layout.addWidget(self.choices)
        layout.addWidget(self.legend)
        layout.addLayout(middle, 1)
        layout.addWidget(self.caption)
        layout.addLayout(bottom)


def _claims_of(lesson_id: str) -> tuple[str, ...]:
    """Return the ids of the claims that a lesson shows; none for a run without a lesson."""
    lessons, _ = readable_lessons()
    return next((lesson.claims for lesson in lessons if lesson.lesson_id == lesson_id), ())


def _button(text: str, tip: str, clicked: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(lambda: clicked())
    return button
