"""LossPanel: the loss over the steps, and every step that raised it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from engine.history import LOSS_RISE_TOLERANCE, HistoryView
from engine.snapshot import Snapshot
from gui import numerals
from gui.branch_lines import branch_words
from gui.legends import Key
from gui.panel_keys import AXIS, READ, ZOOM
from gui.panels.time_panel import TimePanel
from gui.step_certificates import certificate_of, why_none
from gui.theme import set_role
from gui.time_plots import Series, TimePlot

_UNITS: Final = {
    "cross_entropy": "mean loss (nats)",
    "quadratic": "loss (quadratic)",
    "squared": "loss (squared)",
}


class LossPanel(TimePanel):
    """Loss on a log axis; see `help_text`."""

    panel_id = "loss"
    title = "Loss"
    help_text = f"""The mean loss over all training samples after each step, on a logarithmic axis.

• cross-entropy: mean of −log p_y, in nats; p = softmax of the outputs, y = the right class
• quadratic: mean of ½ ‖p − onehot(y)‖²
• squared: mean of ½ (f − t)², one linear output f

The line is never smoothed. Where there are more steps than pixels it covers the smallest and the
largest value of each group of steps. With few steps in sight each has a dot: between two dots there
is nothing.

Short lines at the bottom edge mark every step that raised the loss, and triangles stand on the curve
there. A rise counts when it is above {LOSS_RISE_TOLERANCE:g} of the loss: rounding alone makes
wiggles of 1e-15 on a plateau. In a crowd of marks the first has a triangle, and where they are many
only the short lines remain. "Next ▲" zooms in on one after the other.

Dotted vertical lines with a name are kicks: the weights were moved without a step. A kick is no
step, so it has no mark.

Thin dashed lines are branches: other ways that the run has gone, kept when it was made to go another
way or by B. The number at the end of each is that of the legend, which says what differs; ◆ marks
where they part from the run.

The pointer shows exact values: every digit that the number has. A loss of exactly 0 is drawn at the tick 0.

The line below is the certificate of the last step, and the pointer tells that of any other. Were the
loss a plane, a step would lower it by rate × ‖g‖², g the gradient before the step. Along the step
Taylor's theorem gives

drop = rate × ‖g‖² × (1 − ½ rate × c)

where c is the curvature along the step: the mean of u H u over the step with weights 2 (1 − t), u = g / ‖g‖,
t from 0 to 1, H the Hessian. So a step lowers the loss exactly when c < 2 / rate; ▲ marks a line where c is
above. c is read off the two losses and ‖g‖; where rounding of the losses is more than a tenth of it
the line says so. A mini-batch step has no certificate: it does not go along g."""
    sources = ("exam",)
    key_table = (*READ, *ZOOM, *AXIS, ("Enter on Next ▲", "Go to the next marked step and zoom in on it"))

    plot: LossPlot

    def make_plot(self) -> LossPlot:
        """Return the plot; see TimePanel."""
        plot = LossPlot(self.theme, "mean loss", (Series("loss", "loss", "loss"),))
        plot.set_log(True)
        plot.setAccessibleName("Loss over the steps")
        return plot

    def prepare(self, snapshot: Snapshot) -> None:
        """Name the unit; see TimePanel."""
        self.plot.snapshot = snapshot
        self.plot.set_labels("steps", _UNITS[snapshot.net.loss_name])

    def marked_steps(self, snapshot: Snapshot) -> npt.NDArray[np.int32]:
        """Return the steps that raised the loss."""
        return snapshot.history.loss_rises

    def keys(self, snapshot: Snapshot) -> tuple[Key, ...]:
        """Return the entries of the legend; see TimePanel."""
        n_rises = len(snapshot.history.loss_rises)
        rises = f"{n_rises:,} of {numerals.plural(snapshot.n_steps, 'step')} rose"
        return (
            Key("line", "loss", f"loss {numerals.measured(snapshot.loss)}"),
            Key("triangle", "mark", rises),
        )

    def note(self, snapshot: Snapshot) -> str:
        """Return the certificate of the last step; see TimePanel."""
        return f"{certificate_text(snapshot, snapshot.n_steps)} {super().note(snapshot)}".strip()

    def brief_note(self, snapshot: Snapshot) -> str:
        """Return the comparison alone; see TimePanel."""
        step = snapshot.n_steps
        certificate = certificate_of(snapshot, step) if step else None
        if certificate is None and step and snapshot.takes_mini_batches(step, step)[0]:
            return "Mini-batches promise nothing of this loss."
        return certificate.brief if certificate is not None else ""

    def describe_mark(self, snapshot: Snapshot, step: int) -> str:
        """Return the losses before and after, and the curvature between; see TimePanel."""
        before, after = loss_around(snapshot.history, step)
        text = f"step {step:,} took the loss from {numerals.exact(before)} to {numerals.exact(after)}"
        certificate = certificate_of(snapshot, step)
        return f"{text}; {certificate.comparison}." if certificate is not None else f"{text}."

    def summary(self) -> str:
        """Return the numbers shown, as text."""
        snapshot = self._newest
        if snapshot is None:
            return ""
        rises = snapshot.history.loss_rises
        text = f"Loss {numerals.exact(snapshot.loss)} after {numerals.plural(snapshot.n_steps, 'step')}; "
        text += f"it rose at {numerals.plural(len(rises), 'step')}"
        if len(rises):
            text += f", first at step {rises[0]:,}, last at step {rises[-1]:,}"
        last = certificate_text(snapshot, snapshot.n_steps)
        branches = branch_words(snapshot.branches, snapshot.branch_name, snapshot.n_steps)
        return f"{text}.{jump_text(snapshot.history)}{branches} {last}".strip()

    def _write_note(self) -> None:
        """Write the line below the plot, strong where it is a step above 2 / rate."""
        super()._write_note()
        set_role(self.note_label, "problem" if self.note_label.text().startswith("▲") else "caption")


class LossPlot(TimePlot):
    """The loss over the steps; the pointer tells the certificate of a step as well.

    Attributes:
        snapshot: whose history is drawn.
    """

    snapshot: Snapshot | None = None

    def values_at(self, step: int) -> str:
        """Return the exact loss, and the curvature along the step to it; see TimePlot."""
        text = super().values_at(step)
        certificate = certificate_of(self.snapshot, step) if self.snapshot is not None else None
        return f"{text}; {certificate.comparison} along the step to it" if certificate is not None else text


def certificate_text(snapshot: Snapshot, step: int) -> str:
    """Return the certificate of a step as a sentence, or why it has none; "" before the first step."""
    certificate = certificate_of(snapshot, step) if step else None
    if certificate is not None:
        return certificate.sentence
    return why_none(snapshot, step) if step else ""


def loss_around(history: HistoryView, step: int) -> tuple[float, float]:
    """Return the loss just before a step, after any kick that came first, and after it."""
    before = float(history["loss"][step - 1])
    for jump in history.jumps:
        if jump.step == step - 1:
            before = jump.loss_after
    return before, float(history["loss"][step])


def errors_around(history: HistoryView, step: int) -> tuple[int, int]:
    """Return the errors just before a step, after any kick that came first, and after it."""
    before = int(history["n_errors"][step - 1])
    for jump in history.jumps:
        if jump.step == step - 1:
            before = jump.n_errors_after
    return before, int(history["n_errors"][step])


def jump_text(history: HistoryView) -> str:
    """Return a sentence on the kicks, with a space before it, or ""."""
    if not history.jumps:
        return ""
    last = history.jumps[-1]
    losses = f"{numerals.exact(last.loss_before)} to {numerals.exact(last.loss_after)}"
    return (
        f" {numerals.plural(len(history.jumps), 'kick')}; the last, {last.name.replace('_', ' ')} after step "
        f"{last.step:,}, took the loss from {losses} "
        f"and the errors from {last.n_errors_before:,} to {last.n_errors_after:,}."
    )
