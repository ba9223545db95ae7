"""What the flip theatre says in words: its help, and the numbers of a sample before and after."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from engine.chronicle import Chronicle, Standing
from engine.snapshot import Point
from gui import numerals

HELP: Final = """\
Who flips: the training samples, a row each, at moments of the run, a column each. A pale cell is right, a dark
one wrong (where there is room, with a cross in it). Right means: the largest output is that of the sample's
class, the first one where two are equal; with one output (squared loss), that it is on the sample's side of ½.
These are the errors that the panel Errors counts.

The moments are checkpoints of the run, evaluated beside the training: evenly spaced ones, those on both sides of
the newest rises of the errors, steps at which the run was paused, and the present; and the step before it, where
the run stands on a rise. Bars above the rows: the errors of all samples. A triangle: on a step since the column
before, the errors rose as the loss fell.

Order of the rows, from the top: samples that went from right to wrong most often, then other flips, then those
that were always wrong, then those always right. Beside each its number, from 0, and its class.

The frame marks one sample and two neighbouring moments, before and after. Where the sample changes between them,
the steps between are taken once more beside the training, with the same bits, until the very step is found that
did it (the last one, where it changed back and forth); what is told on the right is from before and after that
step. With mini-batches steps are not repeated, and the two moments are compared.

On the right: the sample; the probability of each class, softmax of the outputs, before (hollow bar) and after
(filled bar), the sample's own class green and ticked, and where no bar would be long, the scale above them; its
own loss, −log p of its class (or ½ ‖p − onehot‖², or ½ (f − t)²); its margin, the logit of its class less the
largest other, which is above 0 when it is right. A sample can go wrong while its own loss falls: where a third
class takes from both.

"Before the rise" goes back to the step before the newest rise of the errors, bit for bit; one step then shows the
rise again, and who flipped. "Go to" goes to the step before the flip, or to the framed moment before.

"Stop: errors rise" (E) has the run pause at the very step on which the errors rose while the loss fell, "loss rises"
(Shift+E) at a step on which the loss rose by more than 1e-12 of it. The word beside the sign says so, and the line
below has the numbers. Both stay in force for later runs.

The sample chosen here is chosen in the panels Network, Decision regions and Gradients too, and the other way round.

Source: exam question on guarantees of full-batch training, "the number of mistakes never rises"."""

_MOST_NUMBERS: Final = 8
_MOST_NAMED: Final = 5


def standing_text(pair: tuple[Point, Point], two: list[Standing], n_outputs: int, search: str = "") -> str:
    """Return step, loss, margin of one sample at two points, and what became of its loss; a line each.

    search says that the step of a flip is still looked for, or "".
    """
    before, after = pair
    lines = [f"step {before.step:,} → {after.step:,}"]
    if before.step == after.step and before is not after:
        lines = [f"a kick at step {before.step:,}"]
    lines += [search] if search else []
    for name, values in (("loss", [one.loss for one in two]), ("margin", [one.margin for one in two])):
        lines.append(f"{name} {numerals.short(values[0])} → {numerals.short(values[1])}")
    if n_outputs == 1:
        lines.append(f"output {numerals.short(two[0].outputs[0])} → {numerals.short(two[1].outputs[0])}")
    change = two[1].loss - two[0].loss
    if before is not after:
        lines.append(f"its own loss {'fell' if change < 0 else 'rose' if change > 0 else 'stayed'}")
    return "\n".join(lines)


def inputs_text(x: npt.NDArray[np.float64]) -> str:
    """Return the inputs (n_features,) of a sample, the first ones of many."""
    shown = ", ".join(numerals.short(value) for value in x[:_MOST_NUMBERS])
    return f"x = ({shown})" if len(x) <= _MOST_NUMBERS else f"x = ({shown}, ...), {len(x):,} inputs"


def flippers_text(chronicle: Chronicle, moment: int) -> str:
    """Return who flipped between a moment and the one before, or ""."""
    if moment == 0:
        return ""
    before, after = chronicle.right[moment - 1], chronicle.right[moment]
    first, last = (chronicle.moments[k].step for k in (moment - 1, moment))
    lost, won = np.flatnonzero(before & ~after), np.flatnonzero(~before & after)
    when = f"Step {last:,}" if last == first + 1 else f"Steps {first:,} to {last:,}"
    return f"{when}: {named(lost)} went wrong, {named(won)} right."


def named(samples: npt.NDArray[np.int64]) -> str:
    """Return how many samples there are, and which, if they are few."""
    if not 0 < len(samples) <= _MOST_NAMED:
        return f"{len(samples):,}" if len(samples) else "none"
    names = ", ".join(f"{number:,}" for number in samples.tolist())
    return f"sample {names}" if len(samples) == 1 else f"{len(samples)} samples ({names})"
