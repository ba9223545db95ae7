"""ErrorsPanel: the errors over the steps, their ceiling, and each step where they rose as the loss fell."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.bounds import error_ceiling
from engine.snapshot import Snapshot
from gui import numerals
from gui.branch_lines import branch_words
from gui.legends import Key
from gui.panel_keys import AXIS, READ, ZOOM
from gui.panels.loss import errors_around, jump_text, loss_around
from gui.panels.time_panel import TimePanel
from gui.readouts import is_curve
from gui.time_plots import Series, TimePlot

_NO_CLASSES: Final = "The targets are numbers, not classes: no sample is right or wrong."
_LONG: Final = 10**8  # a larger ceiling is written short


class ErrorsPanel(TimePanel):
    """Errors with their ceiling; see `help_text`."""

    panel_id = "errors"
    title = "Errors"
    help_text = """How many of the N training samples are wrong after each step: the largest output
is not the right class. Where two outputs share the largest value the first one counts, and the
sample is called tied; while samples are tied the count says little, so the panel says "tied". With
one output (squared loss) a sample is wrong when the output is on the other side of ½. Where the targets
are other numbers than 0 and 1 there are no classes, and nothing to count.

Dashed line: the ceiling floor(N × loss / ln 2). A wrong sample gives its class a probability of at
most ½, so it alone adds ln 2 to the sum of the losses; hence errors ≤ N × loss / ln 2 at every
step, and no errors at all below a loss of ln 2 / N (Lemma 2.1 of Nguyen, Mukkamala and Hein, "On
the loss landscape of a class of deep neural networks with no bad local valleys"). It holds for
cross-entropy only; for other losses it is not drawn. A ceiling above N says nothing and lies
outside the picture.

Short lines at the bottom edge mark every step at which the errors rose while the loss fell, and
triangles stand on the curve there; in a crowd of marks the first has a triangle, and where
they are many only the short lines remain. "Next ▲" zooms in on one after the other. A step that leaves
a tie is not marked: its count changes by the rule for ties. Full-batch gradient descent promises a
falling loss at small rates, never a falling error count.

Dotted vertical lines with a name are kicks: the weights were moved without a step.

Thin dashed lines are branches: other ways that the run has gone, kept when it was made to go another
way or by B. The number at the end of each is that of the legend, which says what differs; ◆ marks
where they part from the run.

On a logarithmic axis 0 errors are drawn at the tick 0."""
    sources = ("exam", "skips")
    key_table = (*READ, *ZOOM, *AXIS, ("Enter on Next ▲", "Go to the next marked step and zoom in on it"))

    def make_plot(self) -> TimePlot:
        """Return the plot; see TimePanel."""
        write = numerals.whole
        series = (
            Series("n_errors", "errors", "errors", write=write),
            Series("loss", "ceiling", "ceiling", is_dashed=True, write=write),
        )
        plot = TimePlot(self.theme, "errors", series, is_whole=True, floor=0.5)
        plot.setAccessibleName("Errors and their ceiling over the steps")
        return plot

    def prepare(self, snapshot: Snapshot) -> None:
        """Fit the ceiling to the number of samples, and show it where it holds; see TimePanel."""
        n_samples = snapshot.data.n_samples
        if self.plot.at_most != n_samples:
            errors, ceiling = self.plot.series
            change: Any = partial(error_ceiling, n_samples=n_samples)
            self.plot.series = (errors, Series("loss", "ceiling", "ceiling", True, change, ceiling.write))
            self.plot.at_most = n_samples
            self.plot.set_labels("steps", f"errors (of {n_samples:,})")
        self.plot.n_shown = 2 if _has_ceiling(snapshot) else 1

    def what_is_missing(self, snapshot: Snapshot) -> tuple[str, str] | None:
        """Return that nothing can be wrong where the targets are numbers to be fitted; see TimePanel."""
        return ("no classes", _NO_CLASSES) if is_curve(snapshot) else None

    def marked_steps(self, snapshot: Snapshot) -> npt.NDArray[np.int32]:
        """Return the steps where the errors rose while the loss fell."""
        return snapshot.history.error_rises

    def keys(self, snapshot: Snapshot) -> tuple[Key, ...]:
        """Return the entries of the legend; see TimePanel."""
        n_rises = len(snapshot.history.error_rises)
        ceiling = Key("dash", "ceiling", f"ceiling {_ceiling_text(snapshot)}")
        if not _has_ceiling(snapshot):
            ceiling = Key("", "ceiling", "no ceiling")
        return (
            Key("line", "errors", _count(snapshot)),
            ceiling,
            Key("triangle", "mark", f"{numerals.plural(n_rises, 'rise')} as loss fell"),
        )

    def note(self, snapshot: Snapshot) -> str:
        """Return what the count and the ceiling cannot say; see TimePanel."""
        if snapshot.n_tied:
            tied = numerals.plural(snapshot.n_tied, "sample")
            which = "all samples" if snapshot.n_tied == snapshot.data.n_samples else tied
            return f"Tied, largest outputs equal: {which}."
        if not _has_ceiling(snapshot):
            return "The ceiling is for cross-entropy only."
        if _ceiling(snapshot) >= snapshot.data.n_samples:
            return f"A ceiling of {snapshot.data.n_samples:,} or more says nothing yet."
        return super().note(snapshot)

    def describe_mark(self, snapshot: Snapshot, step: int) -> str:
        """Return errors and losses before and after; see TimePanel."""
        errors, losses = errors_around(snapshot.history, step), loss_around(snapshot.history, step)
        return (
            f"step {step:,}: errors {errors[0]:,} to {errors[1]:,}, "
            f"loss {numerals.exact(losses[0])} to {numerals.exact(losses[1])}."
        )

    def summary(self) -> str:
        """Return the numbers shown, as text."""
        snapshot = self._newest
        if snapshot is None:
            return ""
        if is_curve(snapshot):
            return _NO_CLASSES
        rises = snapshot.history.error_rises
        n_samples = snapshot.data.n_samples
        text = f"{_count(snapshot)} of {n_samples:,} after {numerals.plural(snapshot.n_steps, 'step')}; "
        text += f"{numerals.plural(snapshot.n_tied, 'sample')} tied; "
        ceiling = f"ceiling floor(N loss / ln 2) = {_ceiling(snapshot):,}"
        text += ceiling if _has_ceiling(snapshot) else "no ceiling, since it holds for cross-entropy only"
        text += f"; errors rose while the loss fell at {numerals.plural(len(rises), 'step')}"
        if len(rises):
            text += f", first at step {rises[0]:,}, last at step {rises[-1]:,}"
        branches = branch_words(snapshot.branches, snapshot.branch_name, snapshot.n_steps)
        return f"{text[0].upper()}{text[1:]}.{jump_text(snapshot.history)}{branches}"


def _has_ceiling(snapshot: Snapshot) -> bool:
    return snapshot.net.loss_name == "cross_entropy"


def _ceiling(snapshot: Snapshot) -> int:
    return int(error_ceiling(snapshot.loss, snapshot.data.n_samples))


def _ceiling_text(snapshot: Snapshot) -> str:
    ceiling = _ceiling(snapshot)
    return f"{ceiling:,}" if ceiling < _LONG else numerals.short(ceiling)


def _count(snapshot: Snapshot) -> str:
    """Return the present count, or that it says nothing since all samples are tied."""
    if snapshot.n_tied == snapshot.data.n_samples:
        return "errors: tied"
    tied = f" ({snapshot.n_tied:,} tied)" if snapshot.n_tied else ""
    return f"errors {snapshot.n_errors:,}{tied}"
