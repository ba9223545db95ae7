"""Small two-dimensional data sets that need no file: what a net does with them can be seen at a glance.

Each generator draws from the random generator it is given, and deals the classes out in turn, so that the
first n samples of any of them are as balanced as the whole.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.datasets.dataset import Dataset

BLOB_CENTRES = ((0.0, 1.0), (-0.87, -0.5), (0.87, -0.5))  # an equilateral triangle around the origin


def xor() -> Dataset:
    """Return the 4 corners of the unit square, x (4, 2); the class is 1 where just one coordinate is 1."""
    return Dataset([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], "xor")


def moons(random: np.random.Generator, n_samples: int = 200, noise: float = 0.1) -> Dataset:
    """Return two interleaved half circles of radius 1, x (n_samples, 2), with normal noise."""
    labels = np.arange(n_samples) % 2
    angle = np.pi * _along(labels, 2)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.column_stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)])
    clean = np.where(labels[:, None] == 0, upper, lower)
    return Dataset(clean + noise * random.standard_normal(clean.shape), labels, "moons")


def spirals(
    random: np.random.Generator, n_samples: int = 200, n_turns: float = 1.5, noise: float = 0.02
) -> Dataset:
    """Return two spirals wound into each other in the unit circle, x (n_samples, 2), with normal noise."""
    labels = np.arange(n_samples) % 2
    radius = 0.05 + 0.95 * _along(labels, 2)
    angle = 2.0 * np.pi * n_turns * radius + np.pi * labels
    clean = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return Dataset(clean + noise * random.standard_normal(clean.shape), labels, "spirals")


def blobs(random: np.random.Generator, n_samples: int = 200, spread: float = 0.25) -> Dataset:
    """Return three round normal clouds, x (n_samples, 2), each of that standard deviation."""
    centres = np.array(BLOB_CENTRES)
    labels = np.arange(n_samples) % len(centres)
    return Dataset(centres[labels] + spread * random.standard_normal((n_samples, 2)), labels, "blobs")


def _along(labels: npt.NDArray[np.int64], n_classes: int) -> npt.NDArray[np.float64]:
    """Return each sample's place (n_samples,) on the curve of its class, from 0 to 1, evenly spaced."""
    places = np.arange(len(labels)) // n_classes
    last_of_class = (len(labels) - 1 - labels) // n_classes
    return np.asarray(places / np.maximum(last_of_class, 1), dtype=np.float64)
