"""One task with its data and start, as it is handed to every contestant."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

STEPS, SLICE, PRODUCTS, EIGENPAIRS = "steps", "slice", "products", "eigenpairs"


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is to be computed; the loss is the mean cross-entropy in nats.

    Attributes:
        kind: STEPS, SLICE, PRODUCTS or EIGENPAIRS.
        x, y: (n_samples, n_features) float64, (n_samples,) int64.
        theta: (n_params,) layer by layer the weights (fan_in, fan_out) row by row and the bias (fan_out,).
        n_repeats: steps or products in one round.
        vectors: (n, n_params); of PRODUCTS the vectors, of SLICE the two directions.
        ticks: (n,) of SLICE the coordinates along both directions.
        points: (n_points, 2) of SLICE the places in the grid that are compared, and that those who go point
            by point are timed on.
        dtype: "float64" or "float32", of the products.
    """

    kind: str
    layer_sizes: tuple[int, ...]
    activation: str
    x: FloatArray
    y: npt.NDArray[np.int64]
    theta: FloatArray
    learning_rate: float = 0.5
    n_repeats: int = 1
    vectors: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    ticks: FloatArray = field(default_factory=lambda: np.empty(0))
    points: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    dtype: str = "float64"

    @property
    def n_weights(self) -> int:
        """Number of weights, biases left out."""
        return sum(fan_in * fan_out for fan_in, fan_out in pairwise(self.layer_sizes))

    @property
    def step_operations(self) -> float:
        """Additions and multiplications of a step's matrix products, zeros among the data not left out."""
        first = self.layer_sizes[0] * self.layer_sizes[1]
        return float(2 * len(self.y) * (3 * self.n_weights - first))

    def layers(self, theta: Any) -> list[tuple[Any, Any]]:
        """Return (weights (fan_in, fan_out), bias (fan_out,)) of each layer, as views on theta (n_params,)."""
        found, at = [], 0
        for fan_in, fan_out in pairwise(self.layer_sizes):
            bias_at = at + fan_in * fan_out
            found.append((theta[at:bias_at].reshape(fan_in, fan_out), theta[bias_at : bias_at + fan_out]))
            at = bias_at + fan_out
        return found

    def flat(self, layers: Any) -> FloatArray:
        """Return theta (n_params,) of layers as `layers` gives them, whatever library their arrays are of."""
        return np.concatenate(
            [np.asarray(part, dtype=np.float64).ravel() for pair in layers for part in pair]
        )

    def point(self, number: int) -> FloatArray:
        """Return theta (n_params,) at points[number]."""
        row, column = self.points[number]
        theta: FloatArray = self.theta + self.ticks[row] * self.vectors[0]
        theta += self.ticks[column] * self.vectors[1]
        return theta

    def save(self, path: Path) -> None:
        """Write everything to an NPZ file."""
        np.savez(path, **{entry.name: getattr(self, entry.name) for entry in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Problem:
        """Read what `save` wrote."""
        with np.load(path) as content:
            values: dict[str, Any] = {name: content[name] for name in content.files}
        for name in ("kind", "activation", "learning_rate", "n_repeats", "dtype"):
            values[name] = values[name].item()
        values["layer_sizes"] = tuple(int(size) for size in values["layer_sizes"])
        return cls(**values)
