"""Pairs of units of a hidden layer: which ones are meant, and where their input weights stand in theta."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.mlp import MLP


def check_layer(net: MLP, layer: int) -> None:
    """Raise ValueError or TypeError unless net has a hidden layer of that number, from 1."""
    if not net.n_hidden:
        raise ValueError("net must have a hidden layer, and this one has none.")
    checks.whole_number("layer", layer, 1, net.n_hidden)


def check_pair(net: MLP, layer: int, first: int, second: int) -> None:
    """Raise ValueError or TypeError unless first and second (from 0) are two units of a hidden layer."""
    check_layer(net, layer)
    for name, unit in (("first", first), ("second", second)):
        checks.whole_number(name, unit, 0, net.layer_sizes[layer] - 1)
    if first == second:
        raise ValueError(f"second must be another unit than first, not {second} too.")


def incoming(net: MLP, layer: int, unit: int) -> npt.NDArray[np.int64]:
    """Return where a unit's input weights and bias stand in theta, (fan_in + 1,)."""
    places = np.arange(net.n_params, dtype=np.float64)
    weights, bias = net.layers(places)[layer - 1]
    return np.append(weights[:, unit], bias[unit]).astype(np.int64)
