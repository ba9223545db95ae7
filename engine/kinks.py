"""Kinks of relu and leaky_relu: which samples sit where a unit's slope jumps."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.activations import ACTIVATIONS, LEAKY_SLOPE
from engine.activity import activity_on
from engine.datasets.dataset import Dataset
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

SLOPES: Final = {"relu": (0.0, 1.0), "leaky_relu": (LEAKY_SLOPE, 1.0)}
"""Slopes left and right of the kink."""

_SAMPLES_A_BLOCK: Final = 2048


class Kink(NamedTuple):
    """A sample and a unit (layer from 1, unit from 0) whose pre-activation is within the tolerance of 0."""

    sample: int
    layer: int
    unit: int
    pre_activation: float


class Kinks(NamedTuple):
    """Many kinks, the nearest to 0 first; all (n_kinks,), see `Kink`."""

    sample: Indices
    layer: Indices
    unit: Indices
    pre_activation: FloatArray

    def first(self, n: int) -> list[Kink]:
        """Return the n nearest to 0, or all where there are fewer."""
        columns = (column[:n].tolist() for column in self)
        return [Kink(*numbers) for numbers in zip(*columns, strict=True)]


def find_kinks(net: MLP, data: Dataset, theta: FloatArray, tolerance: float) -> Kinks:
    """Return the kinks within tolerance of 0 at theta (n_params,), the nearest first."""
    layers = [number for number, name in enumerate(net.activation, 1) if not ACTIVATIONS[name].smooth]
    none = np.empty(0, dtype=np.int64)
    parts = [Kinks(none, none, none, np.empty(0))]
    for start in range(0, data.n_samples if layers else 0, _SAMPLES_A_BLOCK):
        inside = activity_on(net, theta, data, slice(start, start + _SAMPLES_A_BLOCK))
        for layer in layers:
            z = inside.pre_activations[layer - 1]
            rows, units = np.nonzero(np.abs(z) <= tolerance)
            parts.append(Kinks(start + rows, np.full(len(rows), layer), units, z[rows, units]))
    found = Kinks._make(np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(np.abs(found.pre_activation), kind="stable")
    return Kinks._make(column[order] for column in found)
