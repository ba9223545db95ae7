"""GradientsPanel: the gradients of cross-entropy and quadratic loss, along the run and example by example."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QWidget

from engine.history import HistoryView
from engine.snapshot import Snapshot
from gui import numerals
from gui.findings import Findings
from gui.inquiries import IsCancelled
from gui.legends import Key
from gui.panel_keys import AXIS, RECOMPUTE, ZOOM
from gui.panels.asking_panel import AskingPanel
from gui.plot_items import Curve, Marks
from gui.plot_pairs import PlotPair
from gui.plots import Plot, log_range
from gui.scatter import ScatterPlot
from gui.theme import Theme
from gui.time_plots import N_POINTS

if TYPE_CHECKING:  # numba and scipy come with it; it is imported when something is computed
    from engine.disparities import Examples

FloatArray = npt.NDArray[np.float64]
Line = tuple[FloatArray, FloatArray]

_LOSSES: Final = ("cross_entropy", "quadratic")
_COLOURS: Final = {"cross_entropy": "gradient", "quadratic": "symmetry"}
_WORDS: Final = {"cross_entropy": "cross-entropy", "quadratic": "quadratic"}
_MARGIN: Final = 0.02
_FLOOR: Final = 1e-20
_N_BOUND: Final = 201
_BY_GRADIENT, _BY_P, _BY_WEIGHTS, _OVER_STEPS = "gradient", "p", "weights", "steps"
_MOST_NAMED: Final = 6  # examples beyond the line in the text
_ROUNDING: Final = 1.0 + 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """What was found at one step.

    Attributes:
        norms: of the gradient by theta of either mean loss, by the loss's name.
        examples: None until they are known, and in all findings but the newest.
    """

    norms: dict[str, float]
    examples: Examples | None = None


class GradientsPanel(AskingPanel):
    """Two gradient norms over the steps, and a scatter of all examples; see `help_text`."""

    panel_id = "gradients"
    title = "Gradients"
    answer_name = "both losses' gradients"
    most_work = 2e9
    help_text = """Two losses look at the same probabilities p = softmax(outputs): the cross-entropy −log p_y and
the quadratic loss ½ ‖p − onehot(y)‖², y the right class.

Left: the lengths of the gradients of both mean losses by the weights, on a logarithmic axis: cross-entropy
solid, quadratic dashed. The one that is trained is known at every step; the other at the steps at which the run
records it (setting record_disparities), else at those at which it was computed here, beside training,
each with a symbol. A gradient of exactly 0 is drawn at the tick 0.

Right: every example. u is the gradient at the outputs (logits): p − onehot(y) for the cross-entropy, and J (p −
onehot(y)) for the quadratic loss, J = diag p − p pᵀ. Across ‖u‖ of the cross-entropy, upwards ‖u‖ of
the quadratic loss. Dots are right, crosses wrong.

Solid line: one half. ‖u quadratic‖ ≤ ½ ‖u cross-entropy‖ for every example, since each row of J sums to at most
2 p (1 − p) ≤ ½ in absolute value. No example lies above it (claim gradient-bound-logits). It does not
hold for the gradients by the weights (claim gradient-bound-weights).

Dashed line: the bound from below, ‖u quadratic‖ ≥ p (1 − p)² (C / (C − 1))^1.5 with C classes and p the
probability of the right class. It is reached where all wrong classes share alike. The choice "by p"
shows it as it is; across the other gradient, where several p are possible, it is the smallest of their
bounds. It goes to 0 at both ends: a net that is sure and wrong has a large cross-entropy gradient
and almost no quadratic one (claim no-lower-bound).

By weights: the lengths of the two gradients of each example's own loss by all parameters θ, and the line of one
half. Examples above it contradict the bound for the weights; the text below names them, the largest ratio first.

In a small place one of the plots is shown: "by step" is the left one.

Of the example chosen the text tells the numbers, also the lengths of its gradients by the weights; the panels
Examples, Network and Decision regions show it too. A network with
the squared loss has no probabilities, and so no second loss."""
    sources = ("losses",)
    key_table = (
        ("Left, Right", "By step: read the values. Examples: choose the next one across"),
        ("Up, Down", "Choose the example with the next number; with Shift ten further"),
        ("Click", "Choose the nearest example"),
        *ZOOM,
        *AXIS,
        *RECOMPUTE,
    )

    def make_plots(self) -> QWidget:
        """Create both plots; see AskingPanel."""
        self.plot = Plot(self.theme, "steps", "gradient", (True, False), True, _FLOOR)
        self.plot.set_log(True)
        self.curves: dict[str, Curve] = {}
        self.marks: dict[str, Marks] = {}
        for loss, shape in zip(_LOSSES, ("diamond", "square"), strict=True):
            self.curves[loss] = self.plot.add_curve(_COLOURS[loss], is_dashed=loss == "quadratic")
            self.marks[loss] = self.plot.add_marks(_COLOURS[loss], shape)
        self.other = self.plot.add_curve("gradient")
        self.plot.setAccessibleName("Length of both losses' gradients over the steps")
        self.scatter = ScatterPlot(self.theme, (("dot", "loss"), ("cross", "errors")))
        self.scatter.setAccessibleName("Both gradients of every example at the outputs")
        self.half = self.scatter.add_curve("text")
        self.bound = self.scatter.add_curve("text", is_dashed=True)
        self.found: Findings[Gradients] = Findings()
        self._examples: tuple[Snapshot, Examples] | None = None
        self._lines: dict[str, Line] = {}
        self._sample: int | None = None
        self._connect()
        return PlotPair(self.plot, self.scatter)

    def corner(self) -> tuple[QWidget, ...]:
        """Return the choice of what is drawn across; see AskingPanel."""
        self.across_box = QComboBox()
        self.across_box.addItem("by ‖u‖", _BY_GRADIENT)
        self.across_box.addItem("by p", _BY_P)
        self.across_box.addItem("by weights", _BY_WEIGHTS)
        self.across_box.addItem("by step", _OVER_STEPS)
        self.across_box.setAccessibleName("What the plot of examples has across")
        self.across_box.setToolTip(
            "Examples by their gradients at the outputs (across ‖u‖ of the cross-entropy, or p of the right class) or "
            "by the weights; or the run alone."
        )
        self.across_box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.across_box.currentIndexChanged.connect(self._choose_view)
        return (self.across_box,)

    def why_not(self, snapshot: Snapshot) -> str:
        """Return why there are no two losses; see AskingPanel."""
        if snapshot.net.loss_name == "squared":
            return "The squared loss has no probabilities: there is no second loss."
        return ""

    def work(self, snapshot: Snapshot, is_cancelled: IsCancelled) -> Generator[tuple[float, Any], None, None]:
        """Yield Gradients, first the norms alone; see AskingPanel."""
        from engine.disparities import DisparityMeter, per_example

        yield 0.0, None
        meter = DisparityMeter(snapshot.net, snapshot.data, train=snapshot.config.train)
        measured = meter.measure(snapshot.theta)
        norms = {loss: float(getattr(measured, f"gradient_norm_{loss}")) for loss in _LOSSES}
        yield 0.5, Gradients(norms)
        yield 1.0, Gradients(norms, per_example(snapshot.net, snapshot.data, snapshot.theta))

    def take_answer(self, snapshot: Snapshot, answer: Gradients) -> None:
        """Keep an answer and draw it; see AskingPanel."""
        self.found.add(snapshot, Gradients(answer.norms))
        is_new = self._examples is None or self._examples[1] is not answer.examples
        if answer.examples is not None and is_new:
            self._examples = (snapshot, answer.examples)
            self._draw_examples()
        if self._newest is not None:
            self.draw_run(self._newest)

    def draw_run(self, snapshot: Snapshot) -> None:
        """Draw both norms along the run; see AskingPanel."""
        self.found.keep_those_of(snapshot.history)
        self._show_plots(not self.why_not(snapshot))
        right = numerals.round_above(max(snapshot.n_steps, 10))
        self.plot.move_view((-_MARGIN * right, right * (1.0 + _MARGIN)), self.plot.view[1])
        self._lines = self._find_lines(snapshot)
        for loss in _LOSSES:
            self._feed(loss, self._lines.get(loss, (np.empty(0), np.empty(0))))
        steps, values = self._lines.get("squared", (np.empty(0), np.empty(0)))
        self.other.set_points(steps, self.plot.to_view(values))
        everything = np.concatenate([values for _, values in self._lines.values()])
        self.plot.move_view(self.plot.view[0], self._fit(everything))

    def _show_plots(self, has_two: bool) -> None:
        """Show both plots, or the one that is chosen where there is no room for two."""
        has_examples = has_two and self.across_box.currentData() != _OVER_STEPS
        self.scatter.setVisible(has_examples)
        self.plot.setVisible(not (has_examples and self.is_small))
        self.across_box.setVisible(has_two)

    def forget(self) -> None:
        """Drop everything; see AskingPanel."""
        self.found.clear()
        self._examples = None
        if self._newest is None or not self.keeps_sample(self._newest):
            self._sample = None
        self._mark_sample(None)
        self._draw_examples()

    def keys(self) -> tuple[Key, ...]:
        """Return the entries of the legend; see AskingPanel."""
        snapshot = self._newest
        if snapshot is None:
            return ()
        if self.why_not(snapshot):
            return (Key("line", "gradient", f"squared {numerals.short(snapshot.gradient_norm)}"),)
        norms = (self._norm_key("line", "cross_entropy"), self._norm_key("dash", "quadratic"))
        has_least = self.across_box.currentData() != _BY_WEIGHTS
        points = _example_keys(self._examples[1], has_least) if self._examples is not None else ()
        return (
            *(norms if self.plot.isVisibleTo(self) else ()),
            *(points if self.scatter.isVisibleTo(self) else ()),
        )

    def caption_text(self) -> str:
        """Return the numbers of the example chosen, or those of all; see AskingPanel."""
        snapshot = self._newest
        if snapshot is None:
            return ""
        if self.why_not(snapshot):
            return self.why_not(snapshot)
        if self._examples is None:
            return "Computing both losses' gradients."
        asked, examples = self._examples
        if self.scatter.chosen is not None:
            return example_text(asked, examples, self.scatter.chosen)
        return f"{ratios_text(asked, examples)} Click one for its numbers."

    def take_sample(self, number: int) -> None:
        """Mark the example that was chosen elsewhere; see Panel."""
        super().take_sample(number)
        self._sample = number
        self._mark_sample(number)
        self.write()

    def _mark_sample(self, number: int | None) -> None:
        """Mark an example as far as its numbers are known, without telling other panels."""
        n_known = len(self._examples[1].p_true) if self._examples is not None else 0
        with QSignalBlocker(self.scatter):
            self.scatter.choose(number if number is not None and number < n_known else None)

    def _choose(self, number: int | None) -> None:
        self._sample = number
        self.write()
        if number is not None:
            self.sample_chosen.emit(number)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Panel."""
        super().apply_theme(theme)
        for plot in (self.plot, self.scatter):
            plot.apply_theme(theme)

    # The run

    def _find_lines(self, snapshot: Snapshot) -> dict[str, Line]:
        """Return (steps, values) of each loss's gradient norm, as far as it is known."""
        history = snapshot.history
        first, last = max(0, int(self.plot.view[0][0])), int(self.plot.view[0][1]) + 1
        trained = snapshot.net.loss_name
        lines = {trained: history.decimated("gradient_norm", first, last, N_POINTS)}
        for loss in _LOSSES:
            if loss != trained and trained in _LOSSES:
                lines[loss] = self._sparse_line(history, loss, first, last)
        return lines

    def _sparse_line(self, history: HistoryView, loss: str, first: int, last: int) -> Line:
        """Return the norm that is not trained: as recorded, and else as found here."""
        if len(history.disparity_steps):
            return recorded_line(history, f"gradient_norm_{loss}", first, last)
        return np.array(self.found.steps, float), np.array([one.norms[loss] for one in self.found.values])

    def _feed(self, loss: str, line: Line) -> None:
        steps, values = line
        self.curves[loss].set_points(steps, self.plot.to_view(values))
        (left, right), _ = self.plot.view
        room = self.plot.getViewBox().width() / 12.0
        seen = (steps >= left) & (steps <= right)
        has_room = right - left <= room or np.unique(steps[seen]).size <= room
        shown = seen if has_room else np.zeros(len(steps), dtype=np.bool_)
        self.marks[loss].set_points(steps[shown], self.plot.to_view(values[shown]))

    def _fit(self, values: FloatArray) -> tuple[float, float]:
        usable = values[np.isfinite(values)]
        if not len(usable):
            return self.plot.view[1]
        low, high = float(usable.min()), float(usable.max())
        if not self.plot.is_log:
            return -0.03 * max(high, _FLOOR), numerals.round_above(max(high, _FLOOR) * 1.04)
        low = low if low >= 2.0 * _FLOOR else _FLOOR
        return log_range(low, max(high, 2.0 * _FLOOR))

    def _norm_key(self, look: str, loss: str) -> Key:
        steps, values = self._lines.get(loss, (np.empty(0), np.empty(0)))
        value = numerals.short(float(values[-1])) if len(steps) else "–"
        if self._newest is not None and self._newest.net.loss_name == loss:
            value = numerals.short(self._newest.gradient_norm)
        return Key(look, _COLOURS[loss], f"{_WORDS[loss]} {value}")

    def _point_at_steps(self, point: tuple[float, float] | None) -> None:
        texts = []
        at = None
        if point is not None and self._newest is not None:
            last = self._newest.n_steps
            at = int(np.clip(round(point[0]), 0, last))
            texts = [text for loss in self._lines if (text := self._value_text(self._newest, loss, at))]
        self.plot.point_at(at)
        self.point_out(f"Length of gradient: {'; '.join(texts)}" if texts else "")

    def _value_text(self, snapshot: Snapshot, loss: str, step: int) -> str:
        """Return the exact norm at the step, or at the nearest one at which it is known."""
        history = snapshot.history
        if loss == snapshot.net.loss_name:
            value = float(history["gradient_norm"][step])
        elif len(history.disparity_steps):
            k = int(np.abs(history.disparity_steps - step).argmin())
            step, value = int(history.disparity_steps[k]), float(history[f"gradient_norm_{loss}"][k])
        else:
            known = self.found.nearest(step)
            if known is None:
                return ""
            step, value = known[0], known[1].norms[loss]
        return f"{_WORDS.get(loss, loss)} {numerals.exact(value)} at step {step:,}"

    # The examples

    @property
    def _is_by_p(self) -> bool:
        return bool(self.across_box.currentData() == _BY_P)

    def _draw_examples(self) -> None:
        if self._examples is None:
            self.scatter.show_points(np.empty(0), np.empty(0), np.empty(0, dtype=np.int64))
            for curve in (self.half, self.bound):
                curve.set_points(np.empty(0), np.empty(0))
            return
        snapshot, examples = self._examples
        self.scatter.setAccessibleName(f"Both gradients of every example {self.across_box.currentText()}")
        if self.across_box.currentData() == _BY_WEIGHTS:
            self._draw_by_weights(examples)
        else:
            self._draw_by_outputs(examples, snapshot.net.n_outputs)
        self._mark_sample(self._sample)

    def _draw_by_weights(self, examples: Examples) -> None:
        """Draw the gradients by the weights, all in sight, and the line of one half."""
        x, y = examples.weights_cross_entropy, examples.weights_quadratic
        self.scatter.set_labels("cross-entropy (‖∂/∂θ‖)", "quadratic (‖∂/∂θ‖)")
        self.scatter.show_points(x, y, (examples.margin <= 0.0).astype(np.int64))
        right, top = (numerals.round_above(max(float(values.max()), _FLOOR)) for values in (x, y))
        self.half.set_points(np.array([0.0, right]), np.array([0.0, 0.5 * right]))
        self.bound.set_points(np.empty(0), np.empty(0))
        self.scatter.move_view((-0.02 * right, 1.02 * right), (-0.02 * top, 1.04 * top))

    def _draw_by_outputs(self, examples: Examples, n_outputs: int) -> None:
        """Draw the gradients at the outputs, with both bounds."""
        by_p = self._is_by_p
        x = examples.p_true if by_p else examples.u_cross_entropy
        self.scatter.set_labels("p of the right class" if by_p else "cross-entropy (‖u‖)", "quadratic (‖u‖)")
        self.scatter.show_points(x, examples.u_quadratic, (examples.margin <= 0.0).astype(np.int64))
        right = 1.0 if by_p else float(np.sqrt(2.0))
        across = np.linspace(0.0, right, _N_BOUND)
        top = upper_bound(across) if by_p else 0.5 * across
        low = lower_bound(across, n_outputs)
        self.half.set_points(across, top)
        self.bound.set_points(across, low if by_p else least_bound(across, n_outputs))
        self.scatter.move_view((-0.02 * right, 1.02 * right), (-0.02, 0.74))

    def _connect(self) -> None:
        self.plot.pointed.connect(self._point_at_steps)
        for signal in (self.plot.view_moved, self.plot.scale_changed):
            signal.connect(self._draw_again)
        self.scatter.view_moved.connect(self._draw_examples)
        self.scatter.chosen_changed.connect(self._choose)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many plots as there is room for; see AskingPanel."""
        super().resizeEvent(event)
        self._choose_view()

    def _choose_view(self) -> None:
        if self._newest is not None:
            self._show_plots(not self.why_not(self._newest))
            self._draw_examples()
            self.write()

    def _draw_again(self) -> None:
        if self._newest is not None:
            self.draw_run(self._newest)


def recorded_line(history: HistoryView, name: str, first: int, last: int) -> Line:
    """Return (steps, values) of a recorded series between two steps as at most N_POINTS points.

    Where there are more, neighbours in groups of equal size give their smallest and their largest value.
    """
    begin, stop = np.searchsorted(history.disparity_steps, [first, last + 1])
    begin = max(0, int(begin) - 1)
    steps = history.disparity_steps[begin : stop + 1].astype(np.float64)
    values = history[name][begin : stop + 1]
    if len(steps) <= N_POINTS:
        return steps, values.astype(np.float64)
    starts = np.arange(0, len(steps), -(-len(steps) // (N_POINTS // 2)))
    extremes = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    return np.repeat(steps[starts], 2), np.stack(extremes, axis=1).reshape(-1)


def lower_bound(p: Any, n_classes: int) -> FloatArray:
    """Return p (1 - p)^2 (C / (C - 1))^1.5: the least length of the quadratic gradient at the logits."""
    p = np.asarray(p, dtype=np.float64)
    return np.asarray(p * (1.0 - p) ** 2 * (n_classes / (n_classes - 1)) ** 1.5)


def upper_bound(p: Any) -> FloatArray:
    """Return the most that one half of the other gradient can be: ‖p - onehot(y)‖ <= sqrt(2) (1 - p)."""
    return np.asarray(np.sqrt(0.5) * (1.0 - np.asarray(p, dtype=np.float64)))


def least_bound(length: Any, n_classes: int) -> FloatArray:
    """Return the smallest `lower_bound` among all p that go with a length of the cross-entropy's gradient.

    That length lies between (1 - p) sqrt(C / (C - 1)), where the wrong classes share alike, and (1 - p)
    sqrt(2), where one of them has all. The bound rises and then falls in p, so that the smallest is at an end.
    """
    length = np.asarray(length, dtype=np.float64)
    ends = (1.0 - length / np.sqrt(2.0), 1.0 - length * np.sqrt((n_classes - 1) / n_classes))
    values = [lower_bound(np.clip(end, 0.0, 1.0), n_classes) for end in ends]
    return np.asarray(np.minimum(*values))


def example_text(snapshot: Snapshot, examples: Examples, number: int) -> str:
    """Return all numbers of one example."""
    one = {name: float(getattr(examples, name)[number]) for name in examples.__slots__}
    label, c = int(snapshot.data.y[number]), snapshot.net.n_outputs
    verdict = "right" if one["margin"] > 0.0 else "wrong" if one["margin"] < 0.0 else "tied"
    return numerals.signed(
        f"Example {number:,} at step {snapshot.n_steps:,}, class {label}, {verdict}, p = {one['p_true']:.6g}. "
        f"‖u‖ quadratic {one['u_quadratic']:.6g}, between {float(lower_bound(one['p_true'], c)):.6g} and ½ × "
        f"{one['u_cross_entropy']:.6g}. By the weights: quadratic {one['weights_quadratic']:.6g}, cross-entropy "
        f"{one['weights_cross_entropy']:.6g}. Loss {one['quadratic']:.6g}, {one['cross_entropy']:.6g} nats."
    )


def ratios_text(snapshot: Snapshot, examples: Examples) -> str:
    """Return the largest ratio of the two lengths, at the outputs and by the weights, and who is above one half."""
    at_outputs = _ratio_text(examples.u_quadratic, examples.u_cross_entropy)
    by_weights = _ratio_text(examples.weights_quadratic, examples.weights_cross_entropy)
    return (
        f"Step {snapshot.n_steps:,}, {numerals.plural(len(examples.p_true), 'example')}, largest ratio at the "
        f"outputs {at_outputs}; by the weights {by_weights}."
    )


def _ratio_text(quadratic: FloatArray, cross_entropy: FloatArray) -> str:
    nothing = np.zeros(len(quadratic))
    ratio = np.divide(quadratic, cross_entropy, out=nothing, where=cross_entropy > 0.0)
    worst, above = int(ratio.argmax()), np.flatnonzero(ratio > 0.5 * _ROUNDING)
    text = f"{numerals.signed(f'{ratio[worst]:.6g}')} (example {worst:,}), {len(above) or 'none'} above ½"
    if not len(above):
        return text
    named = above[np.argsort(-ratio[above], kind="stable")][:_MOST_NAMED]
    more = ", ..." if len(above) > len(named) else ""
    return f"{text}: {', '.join(f'{number:,}' for number in named.tolist())}{more}"


def _example_keys(examples: Examples, has_least: bool) -> tuple[Key, ...]:
    n_wrong = int((examples.margin <= 0.0).sum())
    return (
        Key("dot", "loss", f"{len(examples.margin) - n_wrong:,} right"),
        Key("cross", "errors", f"{n_wrong:,} wrong"),
        Key("line", "text", "½"),
        *((Key("dash", "text", "least"),) if has_least else ()),
    )
