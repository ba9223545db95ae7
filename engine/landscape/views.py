"""The planes that a person can choose to look at, each with the words that say what is on its axes."""

from __future__ import annotations

from dataclasses import replace
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
from engine.landscape.eigen_views import iter_hessian
from engine.landscape.plane import Plane
from engine.landscape.point_views import aligned, between, copies, iter_bezier, three_points
from engine.landscape.scene import Scene, View, ViewKind, at_once, range_of

FloatArray = npt.NDArray[np.float64]

_MARGIN: Final = 0.75  # half the width of a picture, in widths of what must be seen in it
_GRADIENT_WIDTH: Final = 0.5  # half the width of a picture along the gradient, in lengths of theta
_NARROWEST: Final = 0.45  # of the other side: a path that hardly bends still gets a picture, not a stripe


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
    return _around_path(scene, d1, d2, ("against the gradient", "main direction of path"), words)


def _path(scene: Scene) -> View:
    found = principal_directions([*(point.theta for point in scene.path), scene.theta], 2)
    if not found:
        return _before_path(scene)
    if len(found) == 1:
        return _straight_path(scene)
    d1, d2 = found
    d1 = d1 if d1 @ (scene.theta - scene.path[0].theta) >= 0 else -d1
    words = "Both axes: distance from the present point along the path's two main directions."
    return _around_path(scene, d1, d2, ("main direction", "second direction"), words)


def _straight_path(scene: Scene) -> View:
    """Return the view of a path whose points all lie on one line: across it nothing was walked."""
    view = _start_now(scene)
    words = "Across: distance along the path, a straight line so far. Up: along a random one at right angles."
    return replace(view, x_label="along the path", y_label="random direction", words=words)


def _before_path(scene: Scene) -> View:
    """Return what the view along the path shows until there is one."""
    view = _gradient_random(scene) if length(scene.gradient) > 0.0 else _random(scene)
    words = f"No path to look along yet. {view.words}"
    return replace(view, words=words)


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
        range_of(x, _MARGIN * half_x * scene.zoom),
        range_of(y, _MARGIN * half_y * scene.zoom),
        *labels,
        words,
    )


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
    ViewKind("path", "Along the path", at_once(_path)),
    ViewKind("start_now", "From the start to now", at_once(_start_now)),
    ViewKind("gradient_path", "Gradient and path", at_once(_gradient_path)),
    ViewKind("gradient_random", "Gradient and random", at_once(_gradient_random)),
    ViewKind("hessian", "Hessian eigenvectors", iter_hessian, is_slow=True),
    ViewKind("filter_normalised", "Random, filter-normalised", at_once(_filter_normalised)),
    ViewKind("random", "Random", at_once(_random)),
    ViewKind("between", "Between two points", at_once(between), n_ends=2),
    ViewKind("three_points", "Through three points", at_once(three_points), n_ends=3),
    ViewKind("aligned", "Two points, units matched", at_once(aligned), n_ends=2),
    ViewKind("copies", "Permuted copies", at_once(copies), n_ends=1),
    ViewKind("bezier", "Curve between two points", iter_bezier, n_ends=2, is_slow=True),
)

VIEWS: Final[dict[str, ViewKind]] = {kind.name: kind for kind in _TABLE}
