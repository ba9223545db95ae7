"""LandscapePanel: the loss on a plane and along a line through the present point, and the path walked so far."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engine.cores import usable_cores
from engine.datasets.dataset import Dataset
from engine.jobs import Job
from engine.landscape.plane import Coordinates
from engine.landscape.scene import Scene
from engine.landscape.survey import Survey, iter_survey
from engine.snapshot import Point, Snapshot, State
from gui.captions import Caption
from gui.colour_scales import ColourScale, ScaleBar
from gui.heat_maps import DENSE, HeatMap
from gui.legends import Key, Legend
from gui.panel_keys import READ_PLANE, RECOMPUTE, ZOOM, KeyTable
from gui.panels.landscape_choices import Choices, LandscapeControls
from gui.panels.landscape_marks import Marks
from gui.panels.landscape_words import (
    HELP,
    brief_label,
    caption,
    extremes_text,
    is_far,
    nearest_known,
    point_text,
)
from gui.panels.panel import Panel
from gui.plots import Plot, close_log_range
from gui.readouts import loss_unit, n_judged
from gui.saved_points import keep_next
from gui.theme import Theme

_REST_S: Final = 1.0  # between two answers that follow a run, at least
# An answer that follows a run rests so many times as long as it took. On two cores it runs on the window's or
# the engine's own: there it may cost one part in twenty.
_DUTY: Final = 3.0 if usable_cores() > 2 else 20.0
_FLOOR: Final = 1e-12
_CURVE_POINTS: Final = 41  # as many straight pieces look like a curve
_ROOM_BELOW: Final = 0.08  # share of the curve's view; half of the diamond is as high in a low panel
_FEW_LINES: Final = 13  # lines of text: a lower panel has no room for all of its buttons
_PATIENCE_S: Final = 0.7  # an answer that takes longer shows how far it is
_KEYS: Final = (Key("line", "path", "path"), Key("box", "path", "start"), Key("diamond", "path", "now"))


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked for, and at which point of the run."""

    choices: Choices
    generation: int
    n_steps: int
    loss: float


class LandscapePanel(Panel):
    """A heat map and a curve of the loss around the present point; see `help_text`."""

    panel_id = "landscape"
    title = "Landscape"
    interval_s = 0.1
    help_text = HELP
    sources: ClassVar[tuple[str, ...]] = ("skips", "convexity")
    key_table: ClassVar[KeyTable] = (*READ_PLANE, *ZOOM, *RECOMPUTE)

    def build(self, layout: QVBoxLayout) -> None:
        """Create the widgets; see Panel."""
        self.controls = LandscapeControls()
        self.follow_box = self.controls.follow_box
        self.legend = Legend(self.theme)
        self.legend.set_keys(*_KEYS)
        self.map = HeatMap(self.theme)
        self.marks = Marks()
        self.map.addItem(self.marks, ignoreBounds=True)
        self.bar = ScaleBar(self.theme, "loss")
        self.line = Plot(self.theme, "", "loss", can_be_log=True, floor=_FLOOR)
        self.line.set_log(True)
        self.line.x_axis.density = DENSE
        self.curve = self.line.add_curve("loss")
        self.here = self.line.add_marks("path", "diamond")
        self.caption = Caption()
        self._lay_out(layout)
        self._connect()
        self._begin()

    def _begin(self) -> None:
        """Know nothing yet."""
        self._job: Job | None = None
        self._asked: Question | None = None
        self._shown_for: Question | None = None
        self._survey: Survey | None = None
        self._scale: ColourScale | None = None
        self._is_scale_own = False  # that of the picture, not one kept from those before
        self._walked: dict[Point, Coordinates] = {}
        self._run_id = -1
        self._lesson_id: str | None = None
        self._is_refresh = False
        self._error_text = self._pointed_text = ""
        self._asked_at_s = self._rest_until_s = 0.0

    def draw(self, snapshot: Snapshot) -> None:
        """Ask for a picture where there is none of this run, and move the path; see Panel."""
        self.offer_choices(snapshot)
        if self._run_id != snapshot.run_id:
            self._run_id = snapshot.run_id
            self._begin_lesson(snapshot.config.lesson)
            self._forget()
        if self._asked is None:
            self.recompute()
        self._draw_path(snapshot)
        self.bar.set_value(snapshot.loss)
        self._write_caption()

    def _begin_lesson(self, lesson_id: str) -> None:
        """Look at another lesson as its text expects, not as was chosen for the one before."""
        if self._lesson_id not in (None, lesson_id):
            self.controls.reset()
        self._lesson_id = lesson_id

    def poll(self) -> None:
        """Show what the job has found, and follow the run; see Panel."""
        job, snapshot = self._job, self._newest
        if snapshot is None:
            return
        if job is None:
            if self._should_follow(snapshot):
                self.recompute()
            elif not self._is_scale_own and self._survey is not None and self._is_settled(self._survey):
                self._show_plane(self._survey)
                self._write_caption()
            return
        if job.generation != snapshot.generation or self._is_left_behind(snapshot):
            self.recompute()
            return
        self._show_progress(job)

    def recompute(self) -> None:
        """Ask for a new picture at the present point; what is under way is dropped."""
        snapshot = self._newest
        if snapshot is None:
            return
        self._cancel()
        choices = self.controls.choices
        scene = _scene(snapshot, choices)
        self._is_refresh = (
            self._is_complete and self._shown_for is not None and self._shown_for.choices == choices
        )
        self._asked = Question(choices, snapshot.generation, snapshot.n_steps, snapshot.loss)
        self._asked_at_s = time.perf_counter()
        data = snapshot.data
        self._job = self.jobs.submit(
            lambda: self.iter_answers(data, choices.view, scene), snapshot.generation
        )

    def iter_answers(
        self, data: Dataset, view: str, scene: Scene
    ) -> Generator[tuple[float, Survey | None], None, None]:
        """Yield the answers to a question, in the job's thread."""
        return iter_survey(data, view, scene)

    def offer_choices(self, snapshot: Snapshot) -> None:
        """Offer the points of a run as ends; see Panel."""
        self.controls.offer_points(snapshot.saved)

    def held_step(self) -> int | None:
        """Return where the picture was computed that does not follow the run; see Panel."""
        is_held = self._shown_for is not None and not self.controls.is_following
        return self._shown_for.n_steps if is_held and self._shown_for is not None else None

    def save_point(self) -> None:
        """Ask the engine to keep the present weights under the next free number."""
        if self._newest is not None:
            self.command_issued.emit(keep_next(self._newest))

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Panel."""
        for part in (self.legend, self.map, self.bar, self.line):
            part.apply_theme(theme)

    def summary(self) -> str:
        """Return what is shown, as text."""
        if self._survey is None or self._newest is None:
            return self._error_text
        return f"{self._caption_text()} {extremes_text(self._survey, self._n_judged > 0)}".strip()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the room to the picture where there is little of it."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """The same where the type becomes larger; see QWidget."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        self.controls.set_brief(self.height() < _FEW_LINES * self.fontMetrics().lineSpacing())

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop computing what nobody sees."""
        super().hideEvent(event)
        if self._job is not None:
            self._cancel()
            self._asked = None  # so that it is asked again when somebody looks

    # What is asked and answered

    def _should_follow(self, snapshot: Snapshot) -> bool:
        """Whether the run has moved on and it is time to follow it."""
        asked = self._asked
        if asked is None:
            return True
        if not self.controls.is_following:
            return False
        if (asked.generation, asked.n_steps) == (snapshot.generation, snapshot.n_steps):
            return False
        has_rested = time.perf_counter() >= self._rest_until_s
        return has_rested or snapshot.state is not State.RUNNING or asked.generation != snapshot.generation

    def _is_left_behind(self, snapshot: Snapshot) -> bool:
        """Whether a slow answer is for another point than that at which the run rests: nobody waits for it."""
        asked = self._asked
        is_elsewhere = asked is not None and asked.n_steps != snapshot.n_steps
        rests = snapshot.state is not State.RUNNING
        return is_elsewhere and rests and self._is_slow and self.controls.is_following

    def _may_show(self, survey: Survey, is_finished: bool) -> bool:
        """Whether to show an answer: one that refreshes a whole picture is shown when it is whole itself.

        Where that lets one wait, and the run rests, a coarse picture of where it rests comes first.
        """
        if is_finished or survey is self._survey or not self._is_refresh:
            return survey is not self._survey
        runs = self._newest is not None and self._newest.state is State.RUNNING
        return self._is_slow and not runs and bool(survey.plane.known.any())

    @property
    def _is_slow(self) -> bool:
        return time.perf_counter() - self._asked_at_s >= _PATIENCE_S

    @property
    def _is_complete(self) -> bool:
        return self._survey is not None and bool(self._survey.plane.known.all())

    def _show_progress(self, job: Job) -> None:
        progress = job.latest
        self._tell_progress(progress.done, progress.finished)
        survey: Survey | None = progress.result
        if survey is not None and self._may_show(survey, progress.finished):
            self._show_survey(survey)
        if progress.finished:
            self._finish(progress.error)

    def _tell_progress(self, done: float, is_finished: bool) -> None:
        """Say in the legend how far an answer is that lets one wait; the old picture stays so long."""
        if is_finished or not self._is_slow:
            self.legend.set_keys(*_KEYS)
        else:
            self.legend.set_keys(*_KEYS, Key("", "text", f"computing {5 * int(20 * done)} %"))

    def _finish(self, error: str) -> None:
        now = time.perf_counter()
        # The first answer waits for kernels to be compiled, and knows no path: it is soon to be followed.
        is_first = self._asked is not None and self._asked.n_steps == 0
        duty = 0.0 if is_first else _DUTY
        self._rest_until_s = now + max(_REST_S, duty * (now - self._asked_at_s))
        self._job = None
        self._error_text = error
        if error:
            self._clear()
        self._write_caption()

    def _show_survey(self, survey: Survey) -> None:
        old, self._survey = self._survey, survey
        self._shown_for = self._asked
        self._error_text = ""
        is_new_view = old is None or old.view is not survey.view
        if survey.plane.known.any() and (is_new_view or old is None or old.plane is not survey.plane):
            self._show_plane(survey)
        if survey.line.known.any():
            self._show_line(survey)
        if is_new_view:
            self._walked = dict(survey.walked)
        if self._newest is not None:
            self._draw_path(self._newest)
        self._write_caption()

    def _forget(self) -> None:
        """Drop everything: the network or the data is another one."""
        self._cancel()
        self._asked = self._scale = None
        self._error_text = ""
        self._clear()

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _clear(self) -> None:
        self._survey = self._shown_for = None
        self._walked = {}
        self.plots.setVisible(False)
        self.legend.setVisible(False)
        self.map.clear_values()
        self.marks.show_marks((), np.empty((0, 2)))
        self.bar.set_scale(None)
        self.curve.set_points(np.empty(0), np.empty(0))
        self.here.set_points(np.empty(0), np.empty(0))

    # What is drawn

    def _show_plane(self, survey: Survey) -> None:
        self.plots.setVisible(True)
        self.legend.setVisible(True)
        view, loss = survey.view, survey.plane.filled_loss()
        self._scale = self._scale_for(survey, loss)
        self._name_axes(self.map, view.x_label, view.y_label)
        self.map.show_values(view.alphas, view.betas, loss, self._scale)
        self.map.trace.show_cut(0.0 if view.curve is None else None)
        self.marks.show_marks(survey.marks, _curve_on(survey))
        highest = np.where(np.isfinite(loss), loss, 0.0).max()
        self.bar.set_scale(self._scale, is_clipped=bool(highest > self._scale.high))

    def _scale_for(self, survey: Survey, loss: npt.NDArray[np.float64]) -> ColourScale:
        """Return the scale of a picture: its own, or while the run goes on the one before where that will do.

        On its own scale the loss of the point that the picture is around has a colour of its own. Where the run
        rests the same picture must have the same colours, whatever was shown before it.
        """
        self._is_scale_own = self._is_settled(survey)
        if self._scale is not None and not self._is_scale_own and self._scale.suits(loss):
            return self._scale
        return ColourScale.of(loss, within=self._shown_for.loss if self._shown_for is not None else None)

    def _is_settled(self, survey: Survey) -> bool:
        """Whether a picture is whole, and the run rests."""
        runs = self._newest is not None and self._newest.state is State.RUNNING
        return not runs and bool(survey.plane.known.all())

    def _name_axes(self, plot: Plot, x_label: str, y_label: str) -> None:
        plot.x_axis.brief_label, plot.y_axis.brief_label = brief_label(x_label), brief_label(y_label)
        plot.set_labels(x_label, y_label)

    def _show_line(self, survey: Survey) -> None:
        line, view = survey.line, survey.view
        usable = line.known & np.isfinite(line.loss)
        if not usable.any():
            return
        loss = line.loss[usable]
        x_label, x_range = (
            (view.x_label, view.alphas) if view.curve is None else ("t, along the curve", (0.0, 1.0))
        )
        self._name_axes(self.line, x_label, f"loss ({self._unit()})")
        self.curve.set_points(line.alphas[usable], self.line.to_view(loss))
        low, high = max(float(loss.min()), _FLOOR), max(float(loss.max()), _FLOOR)
        now = max(low, self._shown_for.loss) if self._shown_for is not None and view.curve is None else high
        self.line.move_view(x_range, _log_view(low, high, now) if self.line.is_log else (0.0, 1.05 * high))

    def _draw_path(self, snapshot: Snapshot) -> None:
        """Move the path and its end: what the picture was computed for stays, the run goes on."""
        survey = self._survey
        if survey is None:
            return
        known, plane = self._walked, survey.view.plane
        self._walked = {point: known.get(point) or plane.project(point.theta) for point in snapshot.path}
        now = plane.project(snapshot.theta)
        x, y, away = np.array([*self._walked.values(), now]).T
        self.map.trace.show_path(x, y, is_dashed=is_far(survey, away.max()))
        if survey.view.curve is not None:  # the present point need not lie on the curve
            self.here.set_points(np.empty(0), np.empty(0))
        elif survey.line.known.any():
            self.here.set_points(np.array([now[0]]), self.line.to_view(np.array([snapshot.loss])))

    def _write_caption(self) -> None:
        text = self._pointed_text or self._caption_text()
        if text != self.caption.text():
            self.caption.hold(bool(self._pointed_text))
            self.caption.show_text(text, is_problem=bool(self._error_text))
            self.setAccessibleDescription(text)

    def _caption_text(self) -> str:
        survey, shown_for = self._survey, self._shown_for
        if self._error_text:
            return self._error_text
        if survey is None or shown_for is None or not survey.plane.known.any():
            return "Computing the landscape around the present point."
        return caption(survey, shown_for.n_steps, self._walked, self._scale)

    def _point_at_map(self, point: tuple[float, float] | None) -> None:
        survey, text = self._survey, ""
        if point is not None and survey is not None and survey.plane.known.any():
            plane = survey.plane
            i, j = nearest_known(plane, *point)
            at = f"({plane.alphas[i]:.4g}, {plane.betas[j]:.4g})"
            text = point_text(at, plane.loss[i, j], plane.n_errors[i, j], self._n_judged)
        self._show_pointed(text)

    def _point_at_line(self, point: tuple[float, float] | None) -> None:
        survey, text, x = self._survey, "", None
        if point is not None and survey is not None and survey.line.known.any():
            line = survey.line
            known = np.flatnonzero(line.known)
            k = known[np.abs(line.alphas[known] - point[0]).argmin()]
            x = line.alphas[k]
            text = point_text(f"{x:.4g}", line.loss[k], line.n_errors[k], self._n_judged)
        self.line.point_at(x)
        self._show_pointed(text)

    def _show_pointed(self, text: str) -> None:
        if text != self._pointed_text:
            self._pointed_text = text
            self._write_caption()

    @property
    def _n_judged(self) -> int:
        return n_judged(self._newest) if self._newest is not None else 0

    def _unit(self) -> str:
        return loss_unit(self._newest) if self._newest is not None else ""

    # How it is put together

    def _lay_out(self, layout: QVBoxLayout) -> None:
        self.map.setAccessibleName("Loss on a plane, with the path walked")
        self.line.setAccessibleName("Loss along the dotted line of the plane, or along its curve")
        self.plots = QWidget()
        for part in (self.plots, self.legend):
            policy = part.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            part.setSizePolicy(policy)
            part.setVisible(False)
        header, plots = QHBoxLayout(), QHBoxLayout(self.plots)
        plots.setContentsMargins(0, 0, 0, 0)
        header.addWidget(self.controls, 1)
        plots.setSpacing(4)
        plots.addWidget(self.map, 5)
        plots.addWidget(self.bar)
        plots.addWidget(self.line, 4)
        layout.addLayout(header)
        layout.addWidget(self.legend)
        layout.addWidget(self.plots, 1)
        layout.addWidget(self.caption)

    def _connect(self) -> None:
        self.controls.asked.connect(self.recompute)
        self.controls.point_saved.connect(self.save_point)
        self.map.pointed.connect(self._point_at_map)
        self.line.pointed.connect(self._point_at_line)
        for plot in (self.map, self.line):
            plot.view_moved.connect(self._show_again)
        self.line.scale_changed.connect(self._show_again)

    def _show_again(self) -> None:
        if self._survey is not None and self._survey.plane.known.any():
            self.map.move_view(self._survey.view.alphas, self._survey.view.betas)
            self._show_line(self._survey)


def _log_view(low: float, high: float, now: float) -> tuple[float, float]:
    """Return the view, in log10, of a curve from low to high, with room below for the symbol at now."""
    bottom, top = close_log_range(low, high)
    return min(bottom, float(np.log10(now)) - _ROOM_BELOW * (top - bottom)), top


def _scene(snapshot: Snapshot, choices: Choices) -> Scene:
    points = _points(snapshot)
    ends = tuple(points[label] for label in choices.ends if label in points)
    return Scene(
        snapshot.net,
        snapshot.theta,
        snapshot.gradient,
        snapshot.path,
        ends,
        choices.zoom,
        learning_rate=snapshot.learning_rate,
    )


def _curve_on(survey: Survey) -> npt.NDArray[np.float64]:
    """Return points (n, 2) of the view's curve, in the plane's coordinates; none without a curve."""
    view = survey.view
    if view.curve is None:
        return np.empty((0, 2))
    return np.array([view.plane.project(view.curve.at(t))[:2] for t in np.linspace(0.0, 1.0, _CURVE_POINTS)])


def _points(snapshot: Snapshot) -> Mapping[str, Point]:
    """Return the points that can be the ends of a line, by their labels."""
    points = {"now": Point("now", snapshot.n_steps, snapshot.theta, snapshot.loss)}
    if snapshot.path:
        start = snapshot.path[0]
        points["start"] = Point("start", start.step, start.theta, start.loss)
    return points | {point.label: point for point in snapshot.saved}
