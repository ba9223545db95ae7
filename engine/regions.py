"""What a network with two inputs says at every point of a rectangle of the plane: its class, and how sure it is."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.activity import probabilities
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Area = tuple[tuple[float, float], tuple[float, float]]
"""((left, right), (bottom, top)) of a rectangle in the plane of the inputs."""

COARSE: Final = 41
FINE: Final = 181
"""Grid points along the longer side of a first and of a final picture."""
_POINTS_A_BLOCK: Final = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a network says of n points.

    Attributes:
        label: (n,) predicted class; with one output 1 where it is above 1/2, as errors are counted.
        certainty: (n,) the probability of that class. With one output, which has no probability, 1/2 where
            it is 1/2, and 1 from 0 downward and from 1 upward.
        lead: (n,) how far the largest output is above the second; with one output, from 1/2.
    """

    label: Labels
    certainty: FloatArray
    lead: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """What a network says on a grid; row 0 is the bottom.

    Attributes:
        area: the rectangle, whose edges the outermost grid points lie on.
        label, certainty, lead: (n_rows, n_columns), see `Said`.
        n_classes: how many classes there are.
    """

    area: Area
    label: Labels
    certainty: FloatArray
    lead: FloatArray
    n_classes: int

    def shares(self) -> FloatArray:
        """Return which share of the grid points each class has, (n_classes,)."""
        counts = np.bincount(self.label.ravel(), minlength=self.n_classes)
        return np.asarray(counts / self.label.size)


def say(net: MLP, theta: FloatArray, points: FloatArray) -> Said:
    """Return what net at theta (n_params,) says of points (n, 2)."""
    outputs = net.logits(theta, points)
    if net.n_outputs == 1:
        away = np.abs(outputs[:, 0] - 0.5)
        return Said((outputs[:, 0] > 0.5).astype(np.int64), np.minimum(0.5 + away, 1.0), away)
    label = outputs.argmax(axis=1)
    largest = np.partition(outputs, -2, axis=1)
    certainty = probabilities(outputs)[np.arange(len(label)), label]
    return Said(label, certainty, largest[:, -1] - largest[:, -2])


def iter_regions(
    net: MLP, theta: FloatArray, area: Area, has_preview: bool = True
) -> Generator[tuple[float, Any], None, None]:
    """Yield (share done, Regions or None), a coarse picture first if asked for; a job, see `engine.jobs`."""
    sides = (COARSE, FINE) if has_preview else (FINE,)
    for number, side in enumerate(sides):
        yield from _iter_grid(net, theta, area, side, number / len(sides))


def _iter_grid(
    net: MLP, theta: FloatArray, area: Area, side: int, done: float
) -> Generator[tuple[float, Any], None, None]:
    points, shape = grid(area, side)
    said: list[Said] = []
    for first in range(0, len(points), _POINTS_A_BLOCK):
        yield done, None
        said.append(say(net, theta, points[first : first + _POINTS_A_BLOCK]))
    label, certainty, lead = (
        np.concatenate([getattr(part, name) for part in said]).reshape(shape)
        for name in ("label", "certainty", "lead")
    )
    yield 1.0 if side == FINE else done, Regions(area, label, certainty, lead, max(2, net.n_outputs))


def grid(area: Area, side: int) -> tuple[FloatArray, tuple[int, int]]:
    """Return the points (n, 2) of a grid, row by row from the bottom, and its (n_rows, n_columns).

    side points lie along the longer side; along the other as many as keep the cells square, at least 2.
    """
    widths = [high - low for low, high in area]
    n_columns, n_rows = (max(2, round(1 + (side - 1) * width / max(widths))) for width in widths)
    x, y = np.linspace(*area[0], n_columns), np.linspace(*area[1], n_rows)
    across, up = np.meshgrid(x, y)
    return np.column_stack((across.ravel(), up.ravel())), (n_rows, n_columns)
