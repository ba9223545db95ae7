"""What a view of the landscape is made from, and what it is: a plane, the part of it that is shown, and words."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.landscape.directions import orthonormal, random_direction
from engine.landscape.plane import Plane
from engine.mlp import MLP
from engine.snapshot import Point

if TYPE_CHECKING:
    from engine.curves import Bezier
    from engine.datasets.dataset import Dataset

FloatArray = npt.NDArray[np.float64]
Range = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a view is made from; all vectors (n_params,).

    Attributes:
        theta, gradient: the present point, and the gradient there.
        path: checkpoints of the run, oldest first.
        ends: the points somebody chose, for the views that go through such points.
        zoom: 2 shows twice the width.
        seed: of random directions.
        data: whose loss; only the views that must compute before there is a plane need it.
        learning_rate: of the run, which a curve is trained with too.
    """

    net: MLP
    theta: FloatArray
    gradient: FloatArray
    path: tuple[Point, ...] = ()
    ends: tuple[Point, ...] = ()
    zoom: float = 1.0
    seed: int = 0
    data: Dataset | None = None
    learning_rate: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A plane, the rectangle of it that is shown, and words.

    Attributes:
        alphas, betas: (lowest, highest) coordinate along plane.d1 and plane.d2.
        x_label, y_label: what the axes are called.
        words: a sentence that says what the axes are.
        marks: points (n_params,) of the plane that have a name.
        curve: a curve in the plane along which the loss is shown instead of along d1, or None.
    """

    plane: Plane
    alphas: Range
    betas: Range
    x_label: str
    y_label: str
    words: str
    marks: tuple[tuple[str, FloatArray], ...] = ()
    curve: Bezier | None = None


Making = Generator[float, None, View]
"""Yields the share 0..1 done and returns the view; it may be closed at any yield."""


@dataclass(frozen=True, slots=True)
class ViewKind:
    """A kind of view.

    Attributes:
        name: what the choices of a panel hold.
        title: what a menu calls it.
        iter_make: makes it from a scene; may raise ValueError with one sentence that says what to do.
        n_ends: how many points somebody has to choose for it.
        is_slow: whether making it takes a while, with progress.
    """

    name: str
    title: str
    iter_make: Callable[[Scene], Making]
    n_ends: int = 0
    is_slow: bool = False

    def make(self, scene: Scene) -> View:
        """Return the view of a scene; raises ValueError where there is none."""
        making = self.iter_make(scene)
        while True:
            try:
                next(making)
            except StopIteration as end:
                view: View = end.value
                return view


def at_once(make: Callable[[Scene], View]) -> Callable[[Scene], Making]:
    """Return what makes a view with no need to wait for it."""

    def iter_make(scene: Scene) -> Making:
        yield from ()
        return make(scene)

    return iter_make


def range_of(values: FloatArray, half: float) -> Range:
    """Return the range of width 2 half whose middle is that of values (n,)."""
    middle = (float(values.min()) + float(values.max())) / 2
    return middle - half, middle + half


def towards(scene: Scene, origin: FloatArray, d1: FloatArray) -> tuple[FloatArray, str]:
    """Return a unit vector across d1 that leads to the present point, or a random one if that is on the line."""
    try:
        return orthonormal(d1, scene.theta - origin)[1], "towards the present point"
    except ValueError:
        rng = np.random.default_rng(scene.seed)
        return orthonormal(d1, random_direction(scene.theta, rng))[1], "a random direction, at right angles"
