"""TimePlot: series of a run's history over its steps, with marks, jumps and exact values on pointing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from engine.branches import Branch
from engine.history import HistoryView
from gui import numerals
from gui.branch_lines import BranchLine, BranchLines
from gui.plot_items import Marks, rug_height
from gui.plots import FLOOR, Plot, Range, count_range, linear_range, log_range
from gui.theme import Theme, line_px

FloatArray = npt.NDArray[np.float64]

N_POINTS: Final = 1000  # as many as a screen has columns; more are slower and look the same
_PIXELS_A_SYMBOL: Final = 10  # with less room than that for all they are left out; the short lines remain
_LINE_PX: Final = 2.0  # of type in its ordinary size
_PIXELS_A_DOT: Final = 12  # at that size; with more room for a step each gets a dot: it is a jump, not a line
_MARGIN: Final = 0.02
_AFTER: Final = {"loss": "loss_after", "n_errors": "n_errors_after"}  # what a jump knows of a series
_MARGIN_PX: Final = 8.0  # so that a symbol at the last step is seen whole


@dataclass(frozen=True, slots=True)
class Series:
    """One curve over the steps.

    Attributes:
        source: name of a series of the history.
        noun: what a value is called.
        colour: the name of a field of `Theme`.
        is_dashed: the second cue beside the colour.
        change: what is drawn, made from the source's values (n,); it must not fall where they rise, so that
            smallest and largest values stay such.
        write: the exact text of a value.
    """

    source: str
    noun: str
    colour: str
    is_dashed: bool = False
    change: Callable[[Any], Any] = np.asarray
    write: Callable[[float], str] = numerals.exact


class TimePlot(Plot):
    """Draws a HistoryView: at most 1,000 points a curve, whatever its length, and no extreme is lost.

    Attributes:
        marks: symbols at the marked steps, on the first series; the first of a crowd stands for all of it.
        branch_lines, partings: the first series of the branches, and where they part from the run that is
            drawn; None until there are any.
        series: what is drawn; may be replaced as long as their number and colours stay.
        is_patient: whether what is pointed at waits for `follow_pointer`, beside a run: a frame in which another
            panel is drawn has no time for it.
        at_least, at_most: bounds on the largest value that the view makes room for.
    """

    read_out = Signal(str)
    """The exact values under the pointer, or "" when there is no pointer."""

    def __init__(
        self,
        theme: Theme,
        y_label: str,
        series: tuple[Series, ...],
        is_whole: bool = False,
        floor: float = FLOOR,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, "steps", y_label, (True, is_whole), True, floor, parent=parent)
        self.series = series
        self.curves = [self.add_curve(one.colour, one.is_dashed) for one in series]
        self.dots = self.add_marks(series[0].colour, "dot")
        self.marks = self.add_marks("mark", "standing")
        self.jumps = self.add_jumps()
        self.n_shown = len(series)
        self.branch_lines: BranchLines | None = None
        self.partings: Marks | None = None
        self._branches: tuple[Branch, ...] = ()
        self._fed: tuple[Any, ...] = ()
        self._branch_values: FloatArray = np.empty(0)
        self._history: HistoryView | None = None
        self._marked: npt.NDArray[np.int32] = np.empty(0, dtype=np.int32)
        self._pointed: int | None = None
        self._is_told = True
        self.is_patient = False
        self._smallest = np.inf
        self.at_least: float = 0.0
        self.at_most: float = np.inf
        self.view_moved.connect(self._refresh)
        self.getViewBox().sigResized.connect(self._refresh)  # what has room now may hide the curve then
        self.scale_changed.connect(self._refresh)
        self.pointed.connect(self._point_to)

    def show_branches(self, branches: tuple[Branch, ...]) -> None:
        """Draw these beside the history that is shown next; the very same ones again cost nothing."""
        if branches and self.branch_lines is None:
            self.branch_lines = BranchLines()
            self.branch_lines.apply_theme(self.theme)
            self.addItem(self.branch_lines, ignoreBounds=True)
            self.partings = self.add_marks("muted", "diamond")
        self._branches = branches

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Plot."""
        super().apply_theme(theme)
        if getattr(self, "branch_lines", None) is not None:
            self.branch_lines.apply_theme(theme)  # type: ignore[union-attr]

    def show_history(
        self, history: HistoryView, marked: npt.NDArray[np.int32] | None = None, n_shown: int | None = None
    ) -> None:
        """Draw a history; marked (n,) are the steps with a symbol; the first n_shown series are drawn."""
        self._history = history
        if marked is not None:
            self._marked = marked
        if n_shown is not None:
            self.n_shown = n_shown
        last = max(history.n_entries - 1, 10, *(branch.n_steps for branch in self._branches))
        right = numerals.round_above(last)
        y_range = self.view[1]
        margin = max(_MARGIN, _MARGIN_PX / max(_MARGIN_PX, self.getViewBox().width())) * right
        self.move_view((-_MARGIN * right, right + margin), y_range)
        values = np.concatenate((self._feed_curves(history), self._feed_branches(history)))
        self.move_view(self.view[0], self._fit(float(values.min()), float(values.max())))
        self._feed_symbols(history)
        self._feed_jumps(history)
        self._tell()

    @property
    def clamp_note(self) -> str:
        """A sentence on values that are too small for the log axis, or ""."""
        if not self.is_log or self._smallest >= 2.0 * self.floor:
            return ""
        if self._smallest > 0.0:
            least = numerals.short(2.0 * self.floor)
            return f"Values below {least} are drawn at {least}."
        return "Exact zeros are drawn at the tick 0."

    def visible_steps(self) -> tuple[int, int]:
        """Return the first and the last step in sight, one more on either side where there is one."""
        assert self._history is not None
        (left, right), _ = self.view
        return max(0, int(left)), min(self._history.n_entries - 1, int(right) + 1)

    def go_to_step(self, step: int, n_around: int = 12) -> None:
        """Show a step and its neighbours, with the values there filling the height."""
        assert self._history is not None
        first, last = max(0, step - n_around), min(self._history.n_entries - 1, step + n_around)
        one = self.series[0]
        values = np.asarray(one.change(self._history[one.source][first : last + 1]), dtype=np.float64)
        y = self.to_view(values)
        low, high = float(y.min()), float(y.max())
        pad = max(0.12 * (high - low), 1e-9 * max(1.0, abs(high)))
        self.zoom_to((first - 0.5, step + n_around + 0.5), (low - pad, high + pad))
        self._refresh()

    def first_reading_point(self) -> tuple[float, float]:
        """Return the last step in sight; see Plot."""
        _, (bottom, top) = self.view
        last = self.visible_steps()[1] if self._history is not None else 0
        return float(last), 0.5 * (bottom + top)

    def reading_steps(self) -> tuple[float, float]:
        """Return one step; see Plot."""
        return 1.0, super().reading_steps()[1]

    def _fit(self, low: float, high: float) -> Range:
        """Return the y range, in the view's coordinates, for values from low to high."""
        high = min(max(high, self.at_least), self.at_most)
        if self.is_log:
            low, high = (max(low, 2.0 * self.floor) if low > 0.0 else self.floor), max(high, 2.0 * self.floor)
            return self._above_rug(*log_range(min(low, high), high))
        return count_range(high) if self.y_axis.is_whole else linear_range(low, high)

    def _above_rug(self, bottom: float, top: float) -> Range:
        """Return a y range with room below for the short lines, if there are any: they must not cover the curve."""
        height = max(1.0, self.getViewBox().height())
        share = min(0.5, rug_height(height) / height) if len(self._marked) else 0.0
        return (bottom - share * top) / (1.0 - share), top

    def _feed_curves(self, history: HistoryView) -> FloatArray:
        """Feed the curves; return all values drawn."""
        first, last = self.visible_steps()
        drawn = []
        for number, (one, curve) in enumerate(zip(self.series, self.curves, strict=True)):
            curve.setVisible(number < self.n_shown)
            if number < self.n_shown:
                steps, values = history.decimated(one.source, first, last, N_POINTS)
                values = as_walked(steps, values) if one.is_dashed else values
                steps, values = with_last_jump(history, one.source, last, steps, values)
                changed = np.asarray(one.change(values), dtype=np.float64)
                curve.set_points(steps, self.to_view(changed))
                drawn.append((steps, changed))
        has_jumped = just_jumped(history, self.series[0].source, last) is not None
        self._feed_dots(first, last, *drawn[0], has_jumped)
        everything = np.concatenate([changed for _, changed in drawn])
        if not len(everything):
            return np.ones(1)
        self._smallest = float(everything.min())
        return everything

    def _feed_branches(self, history: HistoryView) -> FloatArray:
        """Feed the lines of the branches where they, the scale or a chosen view changed; return their extremes."""
        if self.branch_lines is None or self.partings is None:
            return self._branch_values
        window = None if self.is_following else self.view[0]
        parted = tuple(min(branch.parted_at, history.n_entries - 1) for branch in self._branches)
        fed = (self._branches, parted, window, self.is_log, self.series[0])
        if fed != self._fed:
            self._fed = fed
            points = [self._branch_points(branch, window) for branch in self._branches]
            values = np.concatenate([np.empty(0), *(values for _, values in points)])
            self._branch_values = np.array([values.min(), values.max()]) if len(values) else np.empty(0)
            self.branch_lines.set_lines(
                tuple(
                    BranchLine(branch.number, steps, self.to_view(values))
                    for branch, (steps, values) in zip(self._branches, points, strict=True)
                    if len(steps)
                )
            )
            self._feed_partings(history, parted)
        return self._branch_values

    def _branch_points(self, branch: Branch, window: Range | None) -> tuple[FloatArray, FloatArray]:
        """Return steps and values of a branch's first series, where the view is not whole those in sight."""
        first, last = (0, branch.n_steps) if window is None else (int(window[0]), int(window[1]) + 1)
        one = self.series[0]
        steps, values = branch.history.decimated(one.source, first, last, N_POINTS)
        return steps, np.asarray(one.change(values), dtype=np.float64)

    def _feed_partings(self, history: HistoryView, parted: tuple[int, ...]) -> None:
        """Mark where branches part from the run that is drawn, and from one another."""
        assert self.partings is not None
        one = self.series[0]
        places = {(step, history[one.source][step]) for step in parted}
        for branch in self._branches:
            places |= {(step, branch.history[one.source][step]) for step in branch.partings}
        steps, values = np.array(sorted(places), dtype=np.float64).reshape(-1, 2).T
        self.partings.set_points(steps, self.to_view(np.asarray(one.change(values), dtype=np.float64)))

    def _feed_dots(
        self, first: int, last: int, steps: FloatArray, values: FloatArray, has_jumped: bool
    ) -> None:
        (left, right), _ = self.view
        has_room = (right - left) * _PIXELS_A_DOT * line_px() / _LINE_PX <= self.getViewBox().width()
        if (has_room and last >= first) or last == 0:  # a line through one point would not be seen
            self.dots.set_points(np.asarray(steps, dtype=np.float64), self.to_view(values))
        elif has_jumped:  # an upright stroke alone, beside that of the kick, would hardly be seen
            self.dots.set_points(steps[-1:], self.to_view(values[-1:]))
        else:
            self.dots.set_points(np.empty(0), np.empty(0))

    def _feed_symbols(self, history: HistoryView) -> None:
        """One symbol a few pixels, one short line a pixel: any number of marks costs the same."""
        if not len(self._marked):
            self.marks.set_points(np.empty(0), np.empty(0))
            return
        left, right = self.view[0]
        width = max(2, self.getViewBox().width())
        rug = first_in_columns(self._marked, left, right, int(width))
        room = width * _LINE_PX / line_px()  # symbols grow with the type
        shown = rug if len(rug) * _PIXELS_A_SYMBOL <= room else rug[:0]
        one = self.series[0]
        x = shown.astype(float)
        y = self.to_view(np.asarray(one.change(history[one.source][shown]), dtype=np.float64))
        kept = self._first_of_crowds(x, y)
        self.marks.set_points(x[kept], y[kept], rug.astype(float))

    def _first_of_crowds(self, x: FloatArray, y: FloatArray) -> list[int]:
        """Return which of the points (n,) have room for a symbol behind the last one that has it."""
        (left, right), (bottom, top) = self.view
        area, gap = self.getViewBox().size(), _PIXELS_A_SYMBOL * line_px() / _LINE_PX
        across = (x * (area.width() / (right - left))).tolist()
        up = (y * (area.height() / (top - bottom))).tolist()
        kept: list[int] = []
        for k in range(len(across)):
            if not kept or max(abs(across[k] - across[kept[-1]]), abs(up[k] - up[kept[-1]])) >= gap:
                kept.append(k)
        return kept

    def _feed_jumps(self, history: HistoryView) -> None:
        if not (history.jumps or self.jumps.x):
            return
        places = tuple(jump.step + 0.5 for jump in history.jumps)
        self.jumps.set_jumps(places, tuple(jump.name.replace("_", " ") for jump in history.jumps))

    def _refresh(self) -> None:
        if self._history is not None:
            self.show_history(self._history)

    def _point_to(self, point: tuple[float, float] | None) -> None:
        self._pointed = None
        if point is not None and self._history is not None:
            self._pointed = int(np.clip(round(point[0]), 0, self._last_step()))
        self._is_told = False
        if not self.is_patient:
            self._tell()

    def follow_pointer(self) -> None:
        """Say what is pointed at, if that waited."""
        if not self._is_told:
            self._tell()

    def _tell(self) -> None:
        """Say the exact values at the step under the pointer."""
        self._is_told = True
        if self._pointed is None or self._history is None:
            self.point_at(None)
            self.read_out.emit("")
            return
        step = min(self._pointed, self._last_step())
        self.point_at(step)
        own = self.values_at(step) if step < self._history.n_entries else ""
        texts = [text for text in (own, self.branch_values_at(step)) if text]
        self.read_out.emit(f"Step {step:,}: {'; '.join(texts)}")

    def _last_step(self) -> int:
        """Return the last step of the run or of a branch."""
        assert self._history is not None
        return max(self._history.n_entries - 1, *(branch.n_steps for branch in self._branches), 0)

    def branch_values_at(self, step: int) -> str:
        """Return the exact values of the branches at a step as text, of those that have come so far."""
        one = self.series[0]
        found = sorted((b for b in self._branches if step <= b.n_steps), key=lambda branch: branch.number)
        values = [float(one.change(branch.history[one.source][step])) for branch in found]
        pairs = zip(found, values, strict=True)
        return ", ".join(f"{branch.number} ({branch.name}) {one.write(value)}" for branch, value in pairs)

    def values_at(self, step: int) -> str:
        """Return the exact values of all series at a step as text."""
        assert self._history is not None
        values = [(one, one.change(self._history[one.source][step])) for one in self.series[: self.n_shown]]
        return ", ".join(f"{one.noun} {one.write(float(value))}" for one, value in values)


def as_walked(steps: FloatArray, values: FloatArray) -> FloatArray:
    """Return values (n,) of a decimated series with the largest of a pair first where the line comes from above.

    Smallest first, as they come, a line that falls would go up and down: its dashes would be taken for none.
    """
    if len(steps) < 4 or steps[0] != steps[1]:  # every step is there
        return values
    low, high = values[::2], values[1::2]
    falls = np.zeros(len(low), dtype=np.bool_)
    falls[1:] = low[1:] + high[1:] < low[:-1] + high[:-1]
    falls[0] = falls[1]
    return np.stack((np.where(falls, high, low), np.where(falls, low, high)), axis=1).ravel()


def with_last_jump(
    history: HistoryView, source: str, last: int, steps: FloatArray, values: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return steps and values (n,) of a series up to step last, and where a kick has just moved it to, if so.

    No entry of the history tells that before the next step does.
    """
    value = just_jumped(history, source, last)
    if value is None:
        return steps, values
    return np.append(steps, float(last)), np.append(values, value)


def just_jumped(history: HistoryView, source: str, last: int) -> float | None:
    """Return where a kick after step last, the newest one, has moved a series to; None without such a kick."""
    jump = history.jumps[-1] if history.jumps else None
    if jump is None or source not in _AFTER or not jump.step == last == history.n_entries - 1:
        return None
    return float(getattr(jump, _AFTER[source]))


def first_in_columns(
    steps: npt.NDArray[np.int32], left: float, right: float, n_columns: int
) -> npt.NDArray[np.int32]:
    """Return the first of the sorted steps in each of n_columns equal columns from left to right."""
    edges = np.ceil(np.linspace(left, right, n_columns + 1)).astype(np.int64)
    # A search with another type of number would first copy the whole array.
    places = np.searchsorted(steps, np.clip(edges, 0, 2**31 - 1).astype(np.int32))
    return steps[places[:-1][np.diff(places) > 0]]
