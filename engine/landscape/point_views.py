"""Views through points that somebody chose: saved points, the start, the present point, and permuted copies."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from engine.landscape.directions import length, orthonormal, random_direction, unit_vector
from engine.landscape.plane import Plane, plane_through
from engine.landscape.scene import Making, Range, Scene, View, range_of, towards
from engine.mlp import MLP
from engine.perturbations import permuted
from engine.snapshot import Point

if TYPE_CHECKING:
    from engine.curves import Training
    from engine.datasets.dataset import Dataset

FloatArray = npt.NDArray[np.float64]

_MARGIN: Final = 0.75  # half the width of a picture, in widths of what must be seen in it
_NARROWEST: Final = 0.45  # of the other side
_CURVE_STEPS: Final = 150
_FEWEST_STEPS: Final = 10
_MOST_PRODUCTS: Final = 5e11  # parameters times samples over the whole training of a curve: about a minute
_CURVE_POINTS: Final = 11  # values of t whose mean loss is made small
_LOWEST_RATE: Final = 0.005  # of the run's rate: where the curve's training diverges, half the rate is tried


def between(scene: Scene) -> View:
    """Make the view along the line between two points."""
    first, second, gap = _two_ends(scene)
    d1 = unit_vector(second.theta - first.theta)
    d2, up = towards(scene, first.theta, d1)
    half = scene.zoom * gap
    plane = Plane(first.theta, d1, d2)
    words = f"Across: distance along the line from {first.label} (at 0) to {second.label} (at {gap:.3g}). Up: {up}."
    centre = plane.project(scene.theta)[1] / 2
    return View(
        plane,
        (gap / 2 - half, gap / 2 + half),
        (centre - half / 2 - abs(centre), centre + half / 2 + abs(centre)),
        f"from {first.label} to {second.label}",
        "towards now" if up.startswith("towards") else "random direction",
        words,
        _marks(first, second),
    )


def three_points(scene: Scene) -> View:
    """Make the view of the plane through three points."""
    first, second, third = _ends(scene, 3)
    for one, other in ((first, second), (second, third), (first, third)):
        _check_distinct(one, other)
    try:
        plane = plane_through(first.theta, second.theta, third.theta)
    except ValueError:
        raise ValueError(
            f"{first.label}, {second.label} and {third.label} lie on one line: choose another point."
        ) from None
    gap = length(second.theta - first.theta)
    words = (
        f"The plane through {first.label} (at 0, 0), {second.label} and {third.label}. Across: distance along the "
        f"line from {first.label} to {second.label} (at {gap:.3g}). Up: towards {third.label}, at right angles."
    )
    labels = (f"from {first.label} to {second.label}", f"towards {third.label}")
    return _around_marks(scene, plane, _marks(first, second, third), labels, words)


def aligned(scene: Scene) -> View:
    """Make the view of a point, another one, and the permuted copy of that which is nearest to the first."""
    from engine.alignment import align  # it needs this package

    _refuse_noise(scene)
    first, second, gap = _two_ends(scene)
    found = align(scene.net, first.theta, second.theta)
    label = f"{second.label}, matched"
    if not length(found.theta - first.theta):
        raise ValueError(
            f"{second.label} is a permuted copy of {first.label}: matched, they are the same point."
        )
    try:
        plane = plane_through(first.theta, found.theta, second.theta)
    except ValueError:  # nothing to permute
        plane, up = _line_and_random(scene, first.theta, found.theta), "a random direction, at right angles"
        words = f"The hidden units of {second.label} are in the order nearest to {first.label} as they are."
        marks = _marks(first, second)
    else:
        up = f"towards {second.label} as it is, which computes the same"
        words = (
            f"The hidden units of {second.label} are put in the order that brings it nearest to {first.label} "
            f"({found.distance:.3g} away instead of {gap:.3g})."
        )
        marks = (*_marks(first, second), (label, found.theta))
    axes = f"Across: distance along the line from {first.label} (at 0) to the matched point (at {found.distance:.3g})."
    labels = (
        f"from {first.label} to {label}",
        "random direction" if "random" in up else f"towards {second.label}",
    )
    return _around_marks(scene, plane, marks, labels, f"{words} {axes} Up: {up}.")


def copies(scene: Scene) -> View:
    """Make the view of a point and two of its permuted copies."""
    _refuse_noise(scene)
    (point,) = _ends(scene, 1)
    once, twice = (shifted(scene.net, point.theta, n_places) for n_places in (1, 2))
    gap = length(once - point.theta)
    if not scene.net.n_hidden or max(scene.net.layer_sizes[1:-1]) < 2:
        raise ValueError("Permuted copies need a hidden layer with at least two units.")
    if not gap:
        raise ValueError(
            f"All units of a layer are equal at {point.label}: its permuted copies are that same point."
        )
    marks = [(point.label, point.theta), ("copy 1", once)]
    try:
        plane, up = plane_through(point.theta, once, twice), "towards copy 2, moved on by two places"
        marks.append(("copy 2", twice))
    except ValueError:
        plane, up = _line_and_random(scene, point.theta, once), "a random direction, at right angles"
    words = (
        f"Permuted copies of {point.label} compute the same and have the same loss. Across: distance from "
        f"{point.label} (at 0) to copy 1 (at {gap:.3g}), in which the units of every hidden layer are moved on by one "
        f"place. Up: {up}."
    )
    labels = (f"from {point.label} to copy 1", "towards copy 2" if len(marks) > 2 else "random direction")
    return _around_marks(scene, plane, tuple(marks), labels, words)


def shifted(net: MLP, theta: FloatArray, n_places: int) -> FloatArray:
    """Return theta (n_params,) with the units of every hidden layer moved on by n_places; the function is the same."""
    for layer, size in enumerate(net.layer_sizes[1:-1], 1):
        theta = permuted(net, theta, layer, np.roll(np.arange(size), n_places))
    return theta


def iter_bezier(scene: Scene) -> Making:
    """Make the view of the plane of a quadratic Bezier curve between two points, trained to have a low loss."""
    from engine.curves import straight

    if scene.data is None:
        raise ValueError("data must be given for a view of a trained curve.")
    first, second, gap = _two_ends(scene)
    trained = yield from _train(scene, scene.data, first.theta, second.theta)
    curve, losses = trained.curve, trained.mean_loss
    middle = straight(first.theta, second.theta).control
    try:
        plane, up = (
            plane_through(first.theta, second.theta, curve.control),
            "the side to which the curve bends",
        )
    except ValueError:  # the straight line is as good as any curve
        plane, up = _line_and_random(scene, first.theta, second.theta), "a random direction, at right angles"
    words = (
        f"A quadratic Bezier curve from {first.label} (at 0, 0) to {second.label}. {len(losses) - 1} steps of training "
        f"its control point took the mean loss along it from {losses[0]:.4g} (the straight line) to {losses[-1]:.4g}. "
        f"Across: distance along the straight line (to {gap:.3g}). Up: {up}. Right: the loss along the curve, t from "
        "0 to 1."
    )
    bend = 0.5 * (curve.control + middle)  # the curve's own middle, its farthest point from the line
    view = _around_marks(
        scene,
        plane,
        (*_marks(first, second), ("", bend)),
        (f"from {first.label} to {second.label}", "the curve's side"),
        words,
    )
    marks = _marks(first, second)
    return View(plane, view.alphas, view.betas, view.x_label, view.y_label, words, marks, curve)


def _train(
    scene: Scene, data: Dataset, start: FloatArray, end: FloatArray
) -> Generator[float, None, Training]:
    """Yield the share done and return the training of the curve, at half the rate again where it does not help."""
    from engine.curves import iter_train_curve

    rate = scene.learning_rate
    affordable = int(_MOST_PRODUCTS / (_CURVE_POINTS * scene.net.n_params * data.n_samples))
    n_steps = max(_FEWEST_STEPS, min(_CURVE_STEPS, affordable))
    while True:
        training = iter_train_curve(scene.net, data, start, end, None, rate, n_steps, _CURVE_POINTS)
        _, result = next(training)
        for answer in training:
            share, result = answer
            yield share
        has_helped = not result.reason and result.mean_loss[-1] <= result.mean_loss[0]
        if has_helped or rate < _LOWEST_RATE * scene.learning_rate:
            return result
        rate /= 2.0


def _ends(scene: Scene, n: int) -> tuple[Point, ...]:
    if len(scene.ends) < n:
        raise ValueError("Save two points first, or choose the start and the present point as ends.")
    return scene.ends[:n]


def _two_ends(scene: Scene) -> tuple[Point, Point, float]:
    """Return two different points and how far they are from each other."""
    first, second = _ends(scene, 2)
    _check_distinct(first, second)
    return first, second, length(second.theta - first.theta)


def _refuse_noise(scene: Scene) -> None:
    """Raise ValueError where a permuted copy would compute something else."""
    if scene.data is not None and scene.data.noise is not None:
        raise ValueError("noise must be 0 for this: with it each hidden unit has factors of its own.")


def _check_distinct(first: Point, second: Point) -> None:
    if not length(second.theta - first.theta):
        raise ValueError(f"{first.label} and {second.label} are the same point: choose two different ones.")


def _marks(*points: Point) -> tuple[tuple[str, FloatArray], ...]:
    return tuple((point.label, point.theta) for point in points)


def _line_and_random(scene: Scene, start: FloatArray, end: FloatArray) -> Plane:
    rng = np.random.default_rng(scene.seed)
    return Plane(start, *orthonormal(end - start, random_direction(scene.theta, rng)))


def _around_marks(
    scene: Scene,
    plane: Plane,
    marks: tuple[tuple[str, FloatArray], ...],
    labels: tuple[str, str],
    words: str,
) -> View:
    """Return the view in which all marks are seen, with some room around them."""
    x, y, _ = np.array([plane.project(theta) for _, theta in marks]).T
    width, height = float(np.ptp(x)), float(np.ptp(y))
    ranges: list[Range] = [
        range_of(values, _MARGIN * scene.zoom * max(size, _NARROWEST * other))
        for values, size, other in ((x, width, height), (y, height, width))
    ]
    return View(plane, ranges[0], ranges[1], *labels, words, marks)
