"""Small two-dimensional data sets that need no file: what a net does with them can be seen at a glance.

Each generator draws from the random generator it is given, and deals the classes out in turn, so that the
first n samples of any of them are as balanced as the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.datasets.dataset import Dataset

if TYPE_CHECKING:
    import numpy.typing as npt

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


def parity(digits: Dataset) -> Dataset:
    """Return the digits' first 2 principal components, each of variance 1, x (1797, 2); the class is 1 for odd.

    An axis points to where its largest loading is positive, so that no choice of a library shows.
    """
    centred = digits.x - digits.x.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, :-3:-1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    components = centred @ axes
    return Dataset(components / components.std(axis=0), digits.y % 2, "parity")


def sine() -> Dataset:
    """Return sin(x) at 61 points from -3 to 3: x (61, 1), targets (61,); the class is 1 above 0."""
    x = np.linspace(-3.0, 3.0, 61)
    return _curve("sine", x, np.sin(x))


def wave() -> Dataset:
    """Return sin(1.5 x) + 0.3 x at 60 points from -3 to 3: x (60, 1), targets (60,); the class is 1 above 0."""
    x = np.linspace(-3.0, 3.0, 60)
    return _curve("wave", x, np.sin(1.5 * x) + 0.3 * x)


def _curve(name: str, x: npt.NDArray[np.float64], targets: npt.NDArray[np.float64]) -> Dataset:
    return Dataset(x[:, None], (targets > 0.0).astype(np.int64), name, targets=targets)


def _along(labels: npt.NDArray[np.int64], n_classes: int) -> npt.NDArray[np.float64]:
    """Return each sample's place (n_samples,) on the curve of its class, from 0 to 1, evenly spaced."""
    places = np.arange(len(labels)) // n_classes
    last_of_class = (len(labels) - 1 - labels) // n_classes
    return np.asarray(places / np.maximum(last_of_class, 1), dtype=np.float64)
