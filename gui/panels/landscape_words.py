"""What the landscape says in words: its help, its caption, and the numbers under the pointer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.landscape.plane import Coordinates
from engine.landscape.slices import PlaneSlice
from engine.landscape.survey import Survey
from engine.snapshot import Point
from gui import numerals
from gui.colour_scales import ColourScale

HELP: Final = """\
The loss as a landscape: a flat cut through the space of all parameters, where each point is a whole network.

Left, the plane θ₀ + a d₁ + b d₂: the colour at (a, b) is the loss there, on a logarithmic scale with fixed ends (the
bar beside it); contour lines join points of equal loss. While the run goes on the scale is kept from one picture to the
next, as long as the new one keeps to it and uses half of it; where it rests each picture has its own. Hatched: the loss
there is not a finite number.
Right, the cut along the dotted line of the plane (b = 0): loss against a; or the loss along a curve drawn in it.

The line with a square (start) and a diamond (now) is the path walked so far, projected on the plane: (a, b) is the
point of the plane nearest to it. Where the path runs far from the plane it is drawn dashed, and the colours under it
are not the losses it met; the text says how far away it is. It also says which share of the squared length of the
gradient g lies in the plane, ‖P g‖² / ‖g‖² (a random plane in n dimensions holds about 2/n of it, almost
nothing), and which share of the path's spread: of the squared distances of its points from their mean.

Directions:
• Along the path: the two main directions (principal components) of the checkpoints of the run.
• From the start to now: across the straight line between them, up the direction in which the path strays most from it.
• Gradient and path, gradient and random: across the way straight against the gradient, −g / ‖g‖.
• Random: normal numbers. Random, filter-normalised: normal numbers, in which the incoming weights of every unit have
the length of that unit's weights in θ₀, d_unit = g_unit ‖θ_unit‖ / ‖g_unit‖, the biases of a layer taken together
(Li, Xu, Taylor, Studer and Goldstein 2018, "Visualizing the loss landscape of neural nets"; there for filters).
• Hessian eigenvectors: across that of the largest eigenvalue λ at the present point, up that of the smallest; below 0
the loss curves downwards there. They are found first, to one part in a million.
• Between two points: across the line between two saved points (or the start, or the present point), up towards the
present point. "Save point" keeps the present weights.
• Through three points: the plane that holds all three.
• Two points, units matched: the hidden units of the second are put in the order that brings it nearest to the first
(Ainsworth, Hayase and Srinivasa 2023, "Git Re-Basin"). Across the line to the matched point, up towards the second
as it is: two copies that compute the same.
• Permuted copies: the units of every hidden layer moved on by one place, and by two. All three compute
the same; what lies between them need not.
• Curve between two points: a quadratic Bezier curve whose control point is trained to make the mean loss along it
small, at the run's learning rate (Garipov, Izmailov, Podoprikhin, Vetrov and Wilson 2018); the plane holds all of it,
and the right side shows the loss along it.

Where hidden units have fixed noise, every point has that same noise; permuted copies would not compute the same then,
and are refused.

Except for filter-normalised ones, directions have length 1 and stand at right angles, so that coordinates are
distances in the space of parameters.

51 × 51 points, each over all samples in float64, coarse ones first, then finer ones; between them the picture is
interpolated. Point at the picture for the exact loss and errors at the nearest computed point. "Follow" computes it
anew while the run goes on, with rests; "Recompute" (U) does so at once, at the present point, and "Save point" (M)
keeps that point. A low panel has no room for these three. Another lesson begins with the usual directions and width."""

_IN_PLANE: Final = 0.02  # of the picture's width: a path nearer to the plane than this lies in it

_BRIEF: Final = {
    "main direction": "main",
    "main direction of path": "main",
    "second direction": "second",
    "random direction": "random",
    "against the gradient": "−gradient",
    "along the path": "path",
    "t, along the curve": "t",
}


def brief_label(label: str) -> str:
    """Return what a label of an axis is cut to in a low or narrow panel; nothing where it has no brief."""
    return _BRIEF.get(label, "")


def caption(
    survey: Survey, n_steps: int, walked: Mapping[Point, Coordinates], scale: ColourScale | None
) -> str:
    """Return what is on the axes, what the plane holds, how far the path is, and what the colours are.

    n_steps is the step at which the picture was computed; walked holds the path, seen from the plane.
    """
    away = max((distance for _, _, distance in walked.values()), default=0.0)
    parts = (
        survey.view.words,
        _plane_text(survey),
        _path_text(survey, away),
        _points_text(survey, n_steps),
        _scale_text(survey, scale),
    )
    return numerals.signed(" ".join(part for part in parts if part))


def is_far(survey: Survey, distance: float) -> bool:
    """Whether a point at this distance from the plane lies so far from it that its colours are not the point's."""
    return bool(distance > _IN_PLANE * _width(survey))


def point_text(at: str, loss: float, n_errors: int, n_judged: int) -> str:
    """Return the exact numbers at a computed point; errors where any of the samples are judged."""
    errors = f", errors {n_errors:,} of {n_judged:,}" if n_judged else ""
    return f"Nearest computed point {numerals.signed(at)}: loss {numerals.exact(loss)}{errors}."


def nearest_known(plane: PlaneSlice, a: float, b: float) -> tuple[int, int]:
    """Return row and column of the computed point nearest to (a, b), as it looks on the screen."""
    rows, columns = np.nonzero(plane.known)
    across = (plane.alphas[rows] - a) / (np.ptp(plane.alphas) or 1.0)
    up = (plane.betas[columns] - b) / (np.ptp(plane.betas) or 1.0)
    nearest = int((across**2 + up**2).argmin())
    return int(rows[nearest]), int(columns[nearest])


def extremes_text(survey: Survey, has_classes: bool) -> str:
    """Return the smallest and largest numbers on the plane and along the line; errors where there are classes."""
    plane, line = survey.plane, survey.line
    texts = (
        _extremes("On the plane", plane.loss, plane.n_errors if has_classes else None),
        _extremes("Along the line", line.loss, line.n_errors if has_classes else None),
    )
    return " ".join(text for text in texts if text)


def _plane_text(survey: Survey) -> str:
    held = _percent(survey.gradient_share)
    return f"The plane holds {held} of the gradient's squared length{_path_share(survey)}."


def _points_text(survey: Survey, n_steps: int) -> str:
    plane = survey.plane
    n_known = int(plane.known.sum())
    progress = "" if n_known == plane.known.size else f" ({n_known:,} of them so far)"
    return f"{len(plane.alphas)} × {len(plane.betas)} points{progress}, computed at step {n_steps:,}."


def _path_share(survey: Survey) -> str:
    """Return how much of the path lies in the plane, nothing where there is no path."""
    share = survey.path_share
    return f" and {_percent(share)} of the path's spread" if np.isfinite(share) else ""


def _path_text(survey: Survey, away: float) -> str:
    if away <= 1e-9 * _width(survey):
        return ""
    text = f"The path runs up to {away:.3g} away from it"
    return f"{text} (dashed: projected)." if is_far(survey, away) else f"{text}."


def _scale_text(survey: Survey, scale: ColourScale | None) -> str:
    if scale is None:
        return ""
    text = f"Colours: log of the loss, fixed from {scale.ends_text}."
    return text if np.isfinite(survey.plane.filled_loss()).all() else f"{text} Hatched: not finite."


def _width(survey: Survey) -> float:
    low, high = survey.view.alphas
    return high - low


def _percent(share: float) -> str:
    if not np.isfinite(share):
        return "no part (it is 0)"
    return f"{100 * share:.3g} %" if share >= 1e-4 else f"{100 * share:.1e} %"


def _extremes(where: str, loss: npt.NDArray[Any], n_errors: npt.NDArray[Any] | None) -> str:
    usable = np.isfinite(loss)
    if not usable.any():
        return ""
    low, high = numerals.exact(loss[usable].min()), numerals.exact(loss[usable].max())
    text = f"{where} the loss goes from {low} to {high}"
    if n_errors is None:
        return f"{text}."
    return f"{text} and the errors from {n_errors[n_errors >= 0].min():,} to {n_errors.max():,}."
