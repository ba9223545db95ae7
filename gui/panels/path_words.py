"""What the paths say in words: the help, the caption, and the numbers at a point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gui import numerals

if TYPE_CHECKING:  # the ways come with numba and scipy: half a second, when the panel is first seen
    from engine.paths.ways import Profile, Way

HELP: Final = """\
Ways from one network to another through the space of all parameters, and the loss and the errors met on them.

Above: the loss on the way, on a logarithmic axis, solid; dashed the straight line between the same two ends,
stretched to the same width. Below: the errors, in the same way; for a split unit the smallest eigenvalue of the
Hessian instead. Where the targets are numbers and not classes there are no errors, and one plot. Dotted upright lines
begin the parts of a walk. Every point is computed over all samples in float64; between points the line is only drawn.

Barrier: the highest loss on the way above that of its higher end, max L − max(L at the two ends); 0 where the
ends are highest. It stands beside that of the straight line. (For ends of one loss that is the barrier of Frankle,
Dziugaite, Roy and Carbin 2020.)

The slider moves along the way; below it are the exact numbers at that point. It begins at the highest point of the
way, of a split unit at the lowest curvature. Pointing at a plot, or the arrow keys on it, read another point.

• Straight line: θ(t) = (1 − t) θ₁ + t θ₂, 101 points.
• Straight, units matched: the same after the hidden units of θ₂ were put in the order that brings it nearest to θ₁
(Ainsworth, Hayase and Srinivasa 2023, "Git Re-Basin"); dashed without that.
• Trained curve: the quadratic Bezier curve (1 − t)² θ₁ + 2 t (1 − t) c + t² θ₂ whose control point c was moved by
200 steps of gradient descent on the mean loss along it (Garipov, Izmailov, Podoprikhin, Vetrov and Wilson 2018).
• Valley walk: from the present point to a loss near 0 without rising (Nguyen, Mukkamala and Hein 2019, "On the loss
landscape of a class of deep neural networks with no bad local valleys"). Gather: the same function from as few
units as it needs, so that the others are mute. Free the mute: those move anywhere, at constant loss. Down the ray:
where the hidden units wired to the output have as many independent value vectors as there are samples, a direction of
the output weights raises the right logit of every sample and no other. Only for the cross-entropy, with at most
5,000 samples. Where the units do not suffice the walk says so, and how far it came.
• Exchange two units: the distance between their input weights is brought to 0 in 20 stages while all else goes down;
where they coincide their output weights change places, which changes nothing; then the same way back (Brea, Simsek,
Illing and Gerstner 2019, "Weight-space symmetry in deep networks gives rise to permutation saddles"). The rate is
that of the run, halved where a descent diverges.
• Split a unit: a copy takes the share 1 − g of its output weights, for g from −1 to 2. The function and the loss are
the same all along. At a stationary point of the smaller network every g gives one of the larger network, and the
smallest eigenvalue of its Hessian says whether it is a saddle (below 0) (Fukumizu and Amari 2000).

"now, units moved on" is a copy of the present network with the units of every hidden layer moved on by one place: it
computes the same. Straight lines between few points are computed at once; for the others press Compute (U). Computing
goes on beside training; Stop, or hiding the panel, ends it, and what is known stays. A way begins at the weights of
the step named in the text, not at later ones."""


def point_text(way: Way, number: int, n_judged: int) -> str:
    """Return the exact numbers at a point of a way, in a sentence; errors where any of the samples are judged."""
    along = way.along
    parts = [f"loss {numerals.exact(along.loss[number])}"]
    if n_judged:
        parts.append(f"errors {along.n_errors[number]:,} of {n_judged:,}")
    if way.gradient_norm is not None:
        parts.append(f"gradient norm {way.gradient_norm[number]:.4g}")
    if way.lowest_curvature is not None:
        parts.append(f"smallest eigenvalue {way.lowest_curvature[number]:.4g}")
    return numerals.signed(f"{place_text(way, along.at[number])}: {', '.join(parts)}.")


def place_text(way: Way, at: float) -> str:
    """Return where a point is: its number on the axis, and the part of the way it belongs to."""
    name = next((stage.name for stage in reversed(way.stages) if stage.start <= at), "")
    symbol = "g = " if way.gradient_norm is not None else "t = " if not way.stages else "at "
    return numerals.signed(f"{symbol}{at:.4g}{f' ({name})' if name else ''}")


def barrier_text(profile: Profile) -> str:
    """Return the barrier of a way, with the digits that are worth reading from afar."""
    barrier = profile.barrier
    # A sum of so many losses wobbles by its last digits: that is no barrier.
    is_rounding = barrier <= 1e-12 * float(np.nanmax(np.abs(profile.loss)))
    return "barrier 0" if is_rounding else f"barrier {numerals.short(barrier)}"


def caption(way: Way, n_steps: int, has_moved: bool, stopped_at: float | None, has_classes: bool) -> str:
    """Return what the way is, from which step, and whether that is still true and whole."""
    parts = [
        way.words,
        f"Computed at step {n_steps:,}{', before the weights were moved' if has_moved else ''}.",
    ]
    if stopped_at is not None:
        parts.append(f"Stopped at {100 * stopped_at:.0f} %.")
    if not np.isfinite(way.along.loss).all():
        parts.append("Losses that are not finite are left out.")
    if not has_classes:
        parts.append("The targets are numbers, not classes: there are no errors to count.")
    return numerals.signed(" ".join(parts))


def extremes_text(way: Way, has_classes: bool) -> str:
    """Return what is met on the way in numbers: ends, the highest point, errors, and the line beside it."""
    along = way.along
    first, last = numerals.exact(along.loss[0]), numerals.exact(along.loss[-1])
    errors = f"; errors from {along.n_errors.min():,} to {along.n_errors.max():,}" if has_classes else ""
    text = f"The loss goes from {first} to {last}, {barrier_text(along)}{errors}."
    if way.straight is not None and way.is_whole:
        text += f" Straight line: {barrier_text(way.straight)}."
    return text
