"""What a network with two inputs says at every point of a rectangle of the plane: its class, and how sure it is."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.activity import probabilities
from engine.chronicle import is_right
from engine.evaluator import make_evaluator
from engine.mlp import MLP
from engine.snapshot import Snapshot

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
        snapshot: the moment of the run.
        area: the rectangle, whose edges the outermost grid points lie on.
        label, certainty, lead: (n_rows, n_columns), see `Said`.
        right: (n_samples,) which samples of the data are right.
    """

    snapshot: Snapshot
    area: Area
    label: Labels
    certainty: FloatArray
    lead: FloatArray
    right: npt.NDArray[np.bool_]

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return max(2, self.snapshot.net.n_outputs)

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
    snapshot: Snapshot, area: Area, has_preview: bool = True
) -> Generator[tuple[float, Any], None, None]:
    """Yield (share done, Regions or None), a coarse picture first if asked for; a job, see `engine.jobs`."""
    config, data = snapshot.config, snapshot.data
    evaluator = make_evaluator(snapshot.net, data, config.dtype, config.arithmetic)
    right = is_right(snapshot.net, data, evaluator.logits(snapshot.theta))
    for side in (COARSE, FINE) if has_preview else (FINE,):
        points, shape = grid(area, side)
        said: list[Said] = []
        for first in range(0, len(points), _POINTS_A_BLOCK):
            yield first / len(points), None
            said.append(say(snapshot.net, snapshot.theta, points[first : first + _POINTS_A_BLOCK]))
        label = np.concatenate([part.label for part in said]).reshape(shape)
        certainty = np.concatenate([part.certainty for part in said]).reshape(shape)
        lead = np.concatenate([part.lead for part in said]).reshape(shape)
        yield 1.0, Regions(snapshot, area, label, certainty, lead, right)


def grid(area: Area, side: int) -> tuple[FloatArray, tuple[int, int]]:
    """Return the points (n, 2) of a grid, row by row from the bottom, and its (n_rows, n_columns).

    side points lie along the longer side; along the other as many as keep the cells square, at least 2.
    """
    widths = [high - low for low, high in area]
    n_columns, n_rows = (max(2, round(1 + (side - 1) * width / max(widths))) for width in widths)
    x, y = np.linspace(*area[0], n_columns), np.linspace(*area[1], n_rows)
    across, up = np.meshgrid(x, y)
    return np.column_stack((across.ravel(), up.ravel())), (n_rows, n_columns)
