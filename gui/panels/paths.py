"""PathsPanel: ways from one network to another, with the loss and the errors met on them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QVBoxLayout, QWidget

from engine.jobs import Job
from engine.paths.way_names import PERMUTED, WAY_NAMES
from engine.snapshot import Point, Snapshot
from gui.legends import Key, Legend
from gui.panel_keys import READ_PLANE, RECOMPUTE, ZOOM
from gui.panels.panel import Panel
from gui.panels.path_choices import Choices, PathControls
from gui.panels.path_words import HELP, barrier_text, caption, extremes_text, place_text, point_text
from gui.panels.time_panel import NoteLabel
from gui.plots import Plot, close_log_range, count_range, linear_range
from gui.readouts import is_curve, loss_unit
from gui.theme import Theme, set_role

if TYPE_CHECKING:  # the ways come with numba and scipy: half a second, when the panel is first seen
    from engine.paths.ways import Profile, Way

FloatArray = npt.NDArray[np.float64]

_FLOOR: Final = 1e-14
_MARGIN: Final = 0.02
_ROUNDING: Final = 1e-9
_SHORT_PX: Final = 430
_LOW_LINES: Final = 20  # lines of text: a lower panel has room for one plot
_NAMES_PX: Final = 24.0
_AXIS_PX: Final = 72
_UPPER_PX: Final = (2, 10, 20, 8)  # room for half of a number at the lower end of the axis, too
_SLIDER_PX: Final = (_AXIS_PX + 12, 0, 28, 0)  # so that its handle stands below the point it means
_NONE: Final = np.empty(0)
_INVITATION: Final = "Press Compute: the walk begins at the present weights and is computed beside training."


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked for, and at which point of the run."""

    choices: Choices
    generation: int
    n_steps: int


class PathsPanel(Panel):
    """Loss and errors along a way through parameter space, with a slider; see `help_text`."""

    panel_id = "paths"
    title = "Paths"
    interval_s = 0.1
    help_text = HELP
    sources = ("skips", "minima", "convexity")
    key_table = (("Arrows on the slider", "Move along the way"), *READ_PLANE, *ZOOM, *RECOMPUTE)

    def build(self, layout: QVBoxLayout) -> None:
        """Create the widgets; see Panel."""
        self.controls = PathControls()
        self.legend = Legend(self.theme)
        self.loss_plot = Plot(self.theme, "", "loss", can_be_log=True, floor=_FLOOR)
        self.loss_plot.set_log(True)
        self.straight_loss = self.loss_plot.add_curve("muted", is_dashed=True)
        self.loss = self.loss_plot.add_curve("loss")
        self.stages = self.loss_plot.add_jumps()
        self.lower_plot = Plot(self.theme, "", "errors", whole=(False, True))
        self.straight_errors = self.lower_plot.add_curve("muted", is_dashed=True)
        self.errors = self.lower_plot.add_curve("errors")
        self.curvature = self.lower_plot.add_curve("gradient")
        self.here = (
            self.loss_plot.add_marks("path", "diamond"),
            self.lower_plot.add_marks("path", "diamond"),
        )
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.reading, self.caption, self.note = QLabel(" "), QLabel(wordWrap=True), NoteLabel()
        self._lay_out(layout)
        self._connect()
        self._job: Job | None = None
        self._asked: Question | None = None
        self._shown_for: Question | None = None
        self._way: Way | None = None
        self._run_id = -1
        self._has_classes = True
        self._stopped_at: float | None = None
        self._pointed: int | None = None
        self._has_slid = False
        self._error_text = ""

    def offer_choices(self, snapshot: Snapshot) -> None:
        """Offer the points and units of a run; see Panel."""
        self.controls.offer_points(snapshot.saved)
        self.controls.offer_units(tuple(snapshot.net.layer_sizes[1:-1]))

    def draw(self, snapshot: Snapshot) -> None:
        """Offer what there is to choose from; compute a quick way where there is none; see Panel."""
        self.offer_choices(snapshot)
        self._has_classes = not is_curve(snapshot)
        if self._run_id != snapshot.run_id:
            self._run_id = snapshot.run_id
            self._forget()
        if self._way is None and self._job is None and snapshot.n_steps:
            self._ask_if_quick()
        self._write()

    def poll(self) -> None:
        """Show what the job has found; see Panel."""
        job = self._job
        if job is None:
            return
        progress = job.latest
        if progress.result is not None and progress.result is not self._way:
            self._show_way(progress.result)
        if progress.finished:
            self._job = None
            self._error_text = progress.error
            self.controls.set_busy(False)
        self._write()

    def recompute(self) -> None:
        """Walk the chosen way from the present point; what is under way is dropped."""
        snapshot = self._newest
        if snapshot is None:
            return
        self._cancel()
        choices = self.controls.choices
        self._clear()
        self._asked = Question(choices, snapshot.generation, snapshot.n_steps)
        self._job = self.jobs.submit(lambda: _iter_answers(snapshot, choices), snapshot.generation)
        self.controls.set_busy(True)
        self._write()

    def stop(self) -> None:
        """Stop computing; what is known stays."""
        if self._job is not None:
            self._stopped_at = self._job.latest.done
            self._cancel()
            self._write()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Panel."""
        for part in (self.legend, self.loss_plot, self.lower_plot):
            part.apply_theme(theme)

    def summary(self) -> str:
        """Return what is shown, as text."""
        if self._way is None:
            return self._error_text
        return f"{self._caption_text()} {extremes_text(self._way, self._has_classes)} {self.reading.text()}".strip()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop computing what nobody sees."""
        super().hideEvent(event)
        self.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what there is no room for."""
        super().resizeEvent(event)
        self._fit()

    # What is asked and answered

    def _on_chosen(self) -> None:
        """Show nothing old under a new heading; compute what takes no time."""
        self._cancel()
        self._clear()
        self._ask_if_quick()
        self._write()

    def _on_pressed(self) -> None:
        if self._job is None:
            self.recompute()
        else:
            self.stop()

    def _ask_if_quick(self) -> None:
        snapshot, choices = self._newest, self.controls.choices
        question = Question(choices, snapshot.generation, snapshot.n_steps) if snapshot else None
        if WAY_NAMES[choices.way].is_quick and question != self._asked:
            self.recompute()

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self.controls.set_busy(False)

    def _forget(self) -> None:
        """Drop everything: the network or the data is another one."""
        self._cancel()
        self._clear()

    def _clear(self) -> None:
        self._way = self._asked = self._shown_for = self._stopped_at = self._pointed = None
        self._error_text, self._has_slid = "", False
        for curve in (
            self.loss,
            self.straight_loss,
            self.errors,
            self.straight_errors,
            self.curvature,
            *self.here,
        ):
            curve.set_points(_NONE, _NONE)
        self.stages.set_jumps((), ())
        self.loss_plot.point_at(None)
        self.lower_plot.point_at(None)
        self.plots.setVisible(False)

    # What is drawn

    def _show_way(self, way: Way) -> None:
        self._way, self._shown_for = way, self._asked
        self.plots.setVisible(True)
        self.stages.set_jumps(
            tuple(stage.start for stage in way.stages), tuple(stage.name for stage in way.stages)
        )
        self._fit()
        self._feed(way)
        self._move_slider(way)

    def _feed(self, way: Way) -> None:
        """Feed the curves of both plots and move their views."""
        right = way.end + _MARGIN * (way.end - way.start)
        x_range = (way.start - _MARGIN * (way.end - way.start), right)
        x_label = way.x_label if self._is_alone and not self._is_short else ""
        self.loss_plot.set_labels(x_label, "loss" if self._is_short else f"loss ({self._unit})")
        profiles = [way.along] if way.straight is None else [way.along, way.straight]
        losses = [_finite(profile) for profile in profiles]
        for curve, (at, loss) in zip((self.loss, self.straight_loss), losses, strict=False):
            curve.set_points(at, self.loss_plot.to_view(loss))
        values = np.concatenate([loss for _, loss in losses])
        if len(values):
            low, high = max(float(values.min()), _FLOOR), max(float(values.max()), _FLOOR)
            if high - low <= _ROUNDING * high:  # a level line, whatever its last digits do
                low, high = 0.9 * low, 1.1 * high
            bottom, top = close_log_range(low, high) if self.loss_plot.is_log else linear_range(low, high)
            if way.stages:  # room for their names above the curves
                top += _NAMES_PX / max(2.5 * _NAMES_PX, self._curves_px) * (top - bottom)
            self.loss_plot.move_view(x_range, (bottom, top))
        self._feed_lower(way, profiles, x_range)

    def _feed_lower(self, way: Way, profiles: list[Profile], x_range: tuple[float, float]) -> None:
        """Show the errors, or the curvature where that is what changes."""
        is_curvature = way.lowest_curvature is not None
        self.lower_plot.y_axis.is_whole = not is_curvature
        name = ("smallest λ" if self._is_short else "smallest eigenvalue") if is_curvature else "errors"
        self.lower_plot.set_labels("" if self._is_short else way.x_label, name)
        if way.lowest_curvature is not None:
            values = way.lowest_curvature
            self.curvature.set_points(way.along.at, values)
            # 0 parts a saddle from a minimum: it is always in sight.
            low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
            self.lower_plot.move_view(x_range, linear_range(low, high))
            return
        for curve, profile in zip((self.errors, self.straight_errors), profiles, strict=False):
            curve.set_points(profile.at, profile.n_errors.astype(np.float64))
        most = max(int(profile.n_errors.max()) for profile in profiles)
        self.lower_plot.move_view(x_range, count_range(float(most)))

    def _move_slider(self, way: Way) -> None:
        """Put the slider at the point that matters most, unless somebody has moved it."""
        blocked = self.slider.blockSignals(True)
        self.slider.setRange(0, len(way.along.at) - 1)
        self.slider.setPageStep(max(1, len(way.along.at) // 10))
        if not self._has_slid:
            self.slider.setValue(_telling_point(way))
        self.slider.blockSignals(blocked)
        self._show_here()

    def _on_slid(self) -> None:
        self._has_slid = True
        self._pointed = None
        self._show_here()
        self._write()

    def _show_here(self) -> None:
        """Put the diamonds where the slider is."""
        way = self._way
        if way is None:
            return
        number = min(self.slider.value(), len(way.along.at) - 1)
        at = way.along.at[number : number + 1]
        lower = way.along.n_errors if way.lowest_curvature is None else way.lowest_curvature
        loss = way.along.loss[number : number + 1]
        shown = np.isfinite(loss)
        self.here[0].set_points(at[shown], self.loss_plot.to_view(loss[shown]))
        self.here[1].set_points(at, lower[number : number + 1].astype(np.float64))

    def _on_pointed(self, point: tuple[float, float] | None) -> None:
        way = self._way
        self._pointed = int(np.abs(way.along.at - point[0]).argmin()) if way and point else None
        x = way.along.at[self._pointed] if way and self._pointed is not None else None
        for plot in (self.loss_plot, self.lower_plot):
            plot.point_at(x)
        self._write()

    # What is written

    def _write(self) -> None:
        """Write legend, numbers and caption."""
        self.legend.set_keys(*self._keys())
        self._write_reading()
        text = self._caption_text()
        if text != self.caption.text():
            set_role(self.caption, "problem" if self._error_text else "caption")
            self.caption.setText(text)
            self.note.setText(text)
            self.setAccessibleDescription(text)
            self._fit()

    def _write_reading(self) -> None:
        way, text = self._way, ""
        if way is not None and self._newest is not None:
            number = (
                min(self.slider.value(), len(way.along.at) - 1) if self._pointed is None else self._pointed
            )
            text = point_text(way, number, self._newest.data.n_samples if self._has_classes else 0)
        if text != self.reading.text().strip():
            self.reading.setText(text or " ")
            self.slider.setAccessibleDescription(text)

    def _keys(self) -> tuple[Key, ...]:
        way = self._way
        progress = () if self._job is None else (Key("", "text", f"computing {self._percent} %"),)
        if way is None:
            return progress
        keys = [Key("line", "loss", f"this way: {barrier_text(way.along)}" if way.is_whole else "this way")]
        if way.straight is not None:
            text = f"straight line: {barrier_text(way.straight)}" if way.is_whole else "straight line"
            keys.append(Key("dash", "muted", text))
        if self._is_alone:  # the plot of these is left out
            pass
        elif way.lowest_curvature is not None:
            keys.append(Key("line", "gradient", "smallest eigenvalue"))
        else:
            keys.append(Key("line", "errors", "errors"))
        here = place_text(way, way.along.at[min(self.slider.value(), len(way.along.at) - 1)])
        return (*keys, Key("diamond", "path", here), *progress)

    @property
    def _percent(self) -> int:
        return 5 * int(20 * self._job.latest.done) if self._job is not None else 100

    def _caption_text(self) -> str:
        if self._error_text:
            return self._error_text
        way, asked = self._way, self._shown_for
        if way is None or asked is None:
            return _INVITATION if self._job is None else "Computing."
        has_moved = self._newest is not None and self._newest.generation != asked.generation
        return caption(way, asked.n_steps, has_moved, self._stopped_at, self._has_classes)

    def _fit(self) -> None:
        """Give the room to the plots where there is little: the caption then keeps to one line, a problem does not."""
        is_brief = self._is_short and not self._error_text
        self.caption.setVisible(not is_brief)
        self.note.setVisible(is_brief)
        if self.lower_plot.isHidden() != self._is_alone:
            self.lower_plot.setVisible(not self._is_alone)
            self.loss_plot.x_axis.setStyle(showValues=self._is_alone)  # otherwise the lower plot has them
            self.legend.set_keys(*self._keys())

    @property
    def _is_short(self) -> bool:
        return self.height() < _SHORT_PX

    @property
    def _is_alone(self) -> bool:
        """Whether the upper plot is the only one: there is no room for the lower one, or nothing to be shown in it."""
        is_empty = not self._has_classes and (self._way is None or self._way.lowest_curvature is None)
        return is_empty or self._is_low

    @property
    def _is_low(self) -> bool:
        """Whether two plots would lie on one another."""
        return self.height() < _LOW_LINES * self.fontMetrics().lineSpacing()

    @property
    def _curves_px(self) -> float:
        """How high the curves of the upper plot may be, in pixels."""
        return float(self.loss_plot.getViewBox().height()) - _NAMES_PX

    @property
    def _unit(self) -> str:
        return loss_unit(self._newest) if self._newest is not None else ""

    # How it is put together

    def _lay_out(self, layout: QVBoxLayout) -> None:
        self.slider.setAccessibleName("Point of the way")
        self.slider.setToolTip("Move along the way: the numbers below are exact.")
        self.loss_plot.setAccessibleName("Loss along the way, and along the straight line between its ends")
        self.lower_plot.setAccessibleName("Errors, or the smallest eigenvalue, along the way")
        for label in (self.reading, self.caption):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.reading.setWordWrap(True)
        set_role(self.caption, "caption")
        for axis in (self.loss_plot.y_axis, self.lower_plot.y_axis):
            axis.setWidth(_AXIS_PX)  # the two plots share their x axis: they must begin at the same place
        self.loss_plot.x_axis.setStyle(showValues=False)  # the lower plot has them
        self.loss_plot.plotItem.layout.setContentsMargins(*_UPPER_PX)
        self.plots = QWidget()
        policy = self.plots.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.plots.setSizePolicy(policy)
        plots = QVBoxLayout(self.plots)
        plots.setContentsMargins(0, 0, 0, 0)
        plots.setSpacing(0)
        plots.addWidget(self.loss_plot, 4)
        plots.addWidget(self.lower_plot, 3)
        below = QHBoxLayout()
        below.setContentsMargins(*_SLIDER_PX)
        below.addWidget(self.slider)
        plots.addLayout(below)
        plots.addWidget(self.reading)
        header = QHBoxLayout()
        header.addWidget(self.controls, 1)
        layout.addLayout(header)
        layout.addWidget(self.legend)
        layout.addWidget(self.plots, 1)
        layout.addWidget(self.caption)
        layout.addWidget(self.note)
        self.plots.setVisible(False)

    def _connect(self) -> None:
        self.controls.chosen.connect(self._on_chosen)
        self.controls.pressed.connect(self._on_pressed)
        self.slider.valueChanged.connect(self._on_slid)
        for plot in (self.loss_plot, self.lower_plot):
            plot.pointed.connect(self._on_pointed)
            plot.view_moved.connect(self._show_again)
        self.loss_plot.scale_changed.connect(self._show_again)
        self.loss_plot.getViewBox().sigResized.connect(self._show_again)  # the names need their pixels

    def _show_again(self) -> None:
        if self._way is not None:
            self._feed(self._way)
            self._show_here()


def _finite(profile: Profile) -> tuple[FloatArray, FloatArray]:
    """Return where the loss of a way is finite, and the loss there."""
    usable = np.isfinite(profile.loss)
    return profile.at[usable], profile.loss[usable]


def _telling_point(way: Way) -> int:
    """Return the number of the highest point, the first of several; where none is, of the lowest curvature."""
    if way.lowest_curvature is not None:
        return int(way.lowest_curvature.argmin())
    loss = np.where(np.isfinite(way.along.loss), way.along.loss, -np.inf)
    return int((loss >= (1.0 - _ROUNDING) * loss.max()).argmax())


def _iter_answers(snapshot: Snapshot, choices: Choices) -> Generator[tuple[float, Way | None], None, None]:
    """Yield the answers to a question, in the job's thread: what the ways import takes half a second."""
    from engine.paths.ways import WayScene, iter_way

    if len(choices.units) > len(set(choices.units)):
        raise ValueError(f"An exchange takes two different units, not unit {choices.units[0] + 1} twice.")
    units = (choices.units + (0, 1)[len(choices.units) :])[:2]
    scene = WayScene(
        snapshot.net,
        snapshot.data,
        snapshot.theta,
        snapshot.learning_rate,
        choices.layer,
        (units[0], units[1]),
        tuple(_point(snapshot, label) for label in choices.ends),
    )
    yield from iter_way(choices.way, scene)


def _point(snapshot: Snapshot, label: str) -> Point:
    """Return the point of a label; the start of a run without a path is where it stands."""
    from engine.paths.ways import permuted_copy

    now = Point("now", snapshot.n_steps, snapshot.theta, snapshot.loss)
    if label == PERMUTED:
        return permuted_copy(snapshot.net, now)
    if label == "start" and snapshot.path:
        first = snapshot.path[0]
        return Point("start", first.step, first.theta, first.loss)
    return next((point for point in snapshot.saved if point.label == label), now)
