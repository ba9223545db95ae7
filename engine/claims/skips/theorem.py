"""What the paper's theorem takes for granted of a network and its data, and the data that breaks it."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.activations import ACTIVATIONS
from engine.claims.claim import Assumption
from engine.config import RunConfig
from engine.datasets import Dataset, load_dataset
from engine.mlp import MLP
from engine.rank import wired_layers

_POLYNOMIAL: Final = ("identity",)


def n_wired_units(net: MLP) -> int:
    """Return how many hidden units are wired to the output, by skips or as the last hidden layer's."""
    return sum(net.layer_sizes[layer] for layer in wired_layers(net))


def assumptions(net: MLP, data: Dataset) -> tuple[Assumption, ...]:
    """Return the conditions of Theorem 3.4, and which of them net and data meet."""
    n_units, n_samples = n_wired_units(net), data.n_samples
    names = ", ".join(sorted(set(net.activation)))
    return (
        Assumption(
            f"At least as many hidden units are wired to the output as there are samples ({n_units}, {n_samples}).",
            n_units >= n_samples,
        ),
        Assumption(
            f"The activations are analytic and no polynomials ({names}).",
            all(ACTIVATIONS[name].smooth and name not in _POLYNOMIAL for name in net.activation),
        ),
        Assumption("No two samples have the same inputs.", len(np.unique(data.x, axis=0)) == n_samples),
    )


def network_and_data(config: RunConfig, contradiction: bool = False) -> tuple[MLP, Dataset]:
    """Return the network and the data of config; contradiction has the last sample contradict the first."""
    data = load_dataset(config.data)
    if config.n_samples is not None:
        data = data.first(config.n_samples)
    if contradiction:
        data = contradicted(data)
    return MLP.from_config(config, data), data


def contradicted(data: Dataset) -> Dataset:
    """Return data with the last sample replaced by a copy of the first that has another label."""
    x, y = data.x.copy(), data.y.copy()
    x[-1], y[-1] = x[0], (y[0] + 1) % data.n_classes
    return Dataset(x, y, data.name, data.n_classes, data.image_shape)


def mislabelled(data: Dataset) -> Dataset:
    """Return data with every label replaced by the next one."""
    return Dataset(data.x, (data.y + 1) % data.n_classes, data.name, data.n_classes, data.image_shape)
