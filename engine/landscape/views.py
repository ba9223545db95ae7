"""The planes that a person can choose to look at, each with the words that say what is on its axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.landscape.directions import (
    filter_normalised_direction,
    length,
    orthonormal,
    principal_directions,
    random_direction,
    unit_vector,
)
from engine.landscape.plane import Plane
from engine.mlp import MLP
from engine.snapshot import Point

FloatArray = npt.NDArray[np.float64]
Range = tuple[float, float]

_MARGIN: Final = 0.75  # half the width of a picture, in widths of what must be seen in it
_GRADIENT_WIDTH: Final = 0.5  # half the width of a picture along the gradient, in lengths of theta
_NARROWEST: Final = 0.45  # of the other side: a path that hardly bends still gets a picture, not a stripe


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a view is made from; all vectors (n_params,).

    Attributes:
        theta, gradient: the present point, and the gradient there.
        path: checkpoints of the run, oldest first.
        ends: the two points of the view "between"; None elsewhere.
        zoom: 2 shows twice the width.
        seed: of random directions.
    """

    net: MLP
    theta: FloatArray
    gradient: FloatArray
    path: tuple[Point, ...] = ()
    ends: tuple[Point, Point] | None = None
    zoom: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A plane, the rectangle of it that is shown, and words.

    Attributes:
        alphas, betas: (lowest, highest) coordinate along plane.d1 and plane.d2.
        x_label, y_label: what the axes are called.
        words: a sentence that says what the axes are.
    """

    plane: Plane
    alphas: Range
    betas: Range
    x_label: str
    y_label: str
    words: str


@dataclass(frozen=True, slots=True)
class ViewKind:
    """A kind of view: its name, what a menu calls it, and how it is made; making it may raise ValueError."""

    name: str
    title: str
    make: Callable[[Scene], View]


def _random(scene: Scene) -> View:
    rng = np.random.default_rng(scene.seed)
    d1, d2 = orthonormal(random_direction(scene.theta, rng), random_direction(scene.theta, rng))
    words = "Both axes: distance from the present point along a random direction (normal numbers)."
    return _around(scene, d1, d2, ("random direction 1", "random direction 2"), words)


def _filter_normalised(scene: Scene) -> View:
    rng = np.random.default_rng(scene.seed)
    d1, d2 = (filter_normalised_direction(scene.net, scene.theta, rng) for _ in range(2))
    words = (
        "Both axes: random directions, filter-normalised (each unit's weights as long as the unit's own); "
        "at 1 the move is as long as the weights."
    )
    half = scene.zoom
    labels = ("filter-normalised 1", "filter-normalised 2")
    return View(Plane(scene.theta, d1, d2), (-half, half), (-half, half), *labels, words)


def _gradient_random(scene: Scene) -> View:
    rng = np.random.default_rng(scene.seed)
    d1, d2 = orthonormal(_downhill(scene), random_direction(scene.theta, rng))
    words = "Across: distance against the gradient (steepest way down). Up: along a random direction at right angles."
    return _around(scene, d1, d2, ("against the gradient", "random direction"), words, _GRADIENT_WIDTH)


def _gradient_path(scene: Scene) -> View:
    downhill, [widest] = _downhill(scene), _widest(scene, 1)
    d1, d2 = orthonormal(downhill, widest)
    words = (
        "Across: distance against the gradient (steepest way down). "
        "Up: the path's main direction (principal component), at right angles."
    )
    return _around_path(scene, d1, d2, ("against the gradient", "main direction of the path"), words)


def _path(scene: Scene) -> View:
    try:
        d1, d2 = _widest(scene, 2)
    except ValueError:
        return _before_path(scene)
    d1 = d1 if d1 @ (scene.theta - scene.path[0].theta) >= 0 else -d1
    words = "Both axes: distance from the present point along the path's two main directions (principal components)."
    return _around_path(scene, d1, d2, ("main direction of the path", "second direction"), words)


def _before_path(scene: Scene) -> View:
    """Return what the view along the path shows until there is one."""
    view = _gradient_random(scene) if length(scene.gradient) > 0.0 else _random(scene)
    words = f"No path to look along yet. {view.words}"
    return View(view.plane, view.alphas, view.betas, view.x_label, view.y_label, words)


def _start_now(scene: Scene) -> View:
    if not scene.path or not length(scene.theta - scene.path[0].theta):
        raise ValueError("The start and the present point are the same: take a step first.")
    d1 = unit_vector(scene.theta - scene.path[0].theta)
    d2 = _across(scene, d1)
    words = (
        "Across: distance along the straight line from the start to the present point (at 0). "
        "Up: where the path strays most from that line."
    )
    return _around_path(scene, d1, d2, ("from the start to now", "across that line"), words)


def _between(scene: Scene) -> View:
    if scene.ends is None:
        raise ValueError("Save two points first, or choose the start and the present point as ends.")
    first, second = scene.ends
    gap = length(second.theta - first.theta)
    if not gap:
        raise ValueError(f"{first.label} and {second.label} are the same point: choose two different ones.")
    d1 = unit_vector(second.theta - first.theta)
    d2, up = _towards(scene, first.theta, d1)
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
    )


def _towards(scene: Scene, origin: FloatArray, d1: FloatArray) -> tuple[FloatArray, str]:
    """Return a unit vector across d1 that leads to the present point, or a random one if that is on the line."""
    try:
        return orthonormal(d1, scene.theta - origin)[1], "towards the present point"
    except ValueError:
        rng = np.random.default_rng(scene.seed)
        return orthonormal(d1, random_direction(scene.theta, rng))[1], "a random direction, at right angles"


def _around(
    scene: Scene, d1: FloatArray, d2: FloatArray, labels: tuple[str, str], words: str, width: float = 1.0
) -> View:
    half = width * scene.zoom * (length(scene.theta) or 1.0)
    return View(Plane(scene.theta, d1, d2), (-half, half), (-half, half), *labels, words)


def _around_path(scene: Scene, d1: FloatArray, d2: FloatArray, labels: tuple[str, str], words: str) -> View:
    """Return the view in which the whole path is seen, with some room around it."""
    offsets = [point.theta - scene.theta for point in scene.path]
    x, y = (np.array([0.0, *(offset @ d for offset in offsets)]) for d in (d1, d2))
    if y.mean() < y[1]:  # the path bends upwards, whatever sign the direction came with
        d2, y = -d2, -y
    width, height = np.ptp(x), np.ptp(y)
    half_x, half_y = max(width, _NARROWEST * height), max(height, _NARROWEST * width)
    return View(
        Plane(scene.theta, d1, d2),
        _range(x, _MARGIN * half_x * scene.zoom),
        _range(y, _MARGIN * half_y * scene.zoom),
        *labels,
        words,
    )


def _range(values: FloatArray, half: float) -> Range:
    middle = (float(values.min()) + float(values.max())) / 2
    return middle - half, middle + half


def _downhill(scene: Scene) -> FloatArray:
    if not length(scene.gradient) or not np.isfinite(scene.gradient).all():
        raise ValueError("The gradient is 0 or not finite here: choose other directions.")
    return -unit_vector(scene.gradient)


def _widest(scene: Scene, n_directions: int) -> list[FloatArray]:
    found = principal_directions([*(point.theta for point in scene.path), scene.theta], n_directions)
    if len(found) < n_directions:
        raise ValueError("The path is too short to have a direction: take some steps first.")
    return found


def _across(scene: Scene, d1: FloatArray) -> FloatArray:
    """Return a unit vector across d1 along which the path is widest, or a random one if it is straight."""
    offsets = [point.theta - scene.theta for point in scene.path]
    found = principal_directions([offset - (d1 @ offset) * d1 for offset in offsets], 1)
    rng = np.random.default_rng(scene.seed)
    try:
        return (
            orthonormal(d1, found[0])[1] if found else orthonormal(d1, random_direction(scene.theta, rng))[1]
        )
    except ValueError:
        return orthonormal(d1, random_direction(scene.theta, rng))[1]


_TABLE: Final = (
    ViewKind("path", "Along the path", _path),
    ViewKind("start_now", "From the start to now", _start_now),
    ViewKind("gradient_path", "Gradient and path", _gradient_path),
    ViewKind("gradient_random", "Gradient and random", _gradient_random),
    ViewKind("filter_normalised", "Random, filter-normalised", _filter_normalised),
    ViewKind("random", "Random", _random),
    ViewKind("between", "Between two points", _between),
)

VIEWS: Final[dict[str, ViewKind]] = {kind.name: kind for kind in _TABLE}
