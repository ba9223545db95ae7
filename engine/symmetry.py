"""Equal hidden units: how far apart they are, and which are the same to the last bit.

Everything here compares numbers as numbers: 0.0 and -0.0 are equal, all else that differs in a bit differs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]


def unit_parameters(net: MLP, theta: FloatArray, layer: int) -> FloatArray:
    """Return the parameters of each unit of a hidden layer (numbered from 1) as rows (n_units, n).

    A row holds the weights from each input of the unit, its bias, the weights to each unit of the next
    layer, and the skip weights to the outputs where the layer has any.
    """
    return np.concatenate(_parts(net, theta, layer), axis=1)


def unit_distances(units: FloatArray) -> FloatArray:
    """Return the largest absolute difference between each two rows of units (n_units, n): (n_units, n_units).

    0.0 stands only where two rows are the same number for number.
    """
    from scipy.spatial.distance import pdist  # takes 0.2 s to import; a window must not wait for it

    distances = np.zeros((len(units), len(units)))
    upper = np.triu_indices(len(units), k=1)  # pdist's order
    if len(units) > 1:
        distances[upper] = pdist(units, "chebyshev")
    return distances + distances.T


def n_distinct(units: FloatArray) -> int:
    """Return how many different rows units (n_units, n) has; one differing bit makes two rows different."""
    return int(groups(units).max(initial=-1)) + 1


def groups(units: FloatArray) -> npt.NDArray[np.int64]:
    """Return for each row of units (n_units, n) the number of its group of equal rows, by appearance."""
    numbers: dict[bytes, int] = {}
    rows = units + 0.0  # turns -0.0 into 0.0, so that equal numbers are equal bytes
    return np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows], dtype=np.int64)


def spread(net: MLP, theta: FloatArray) -> float:
    """Return the largest difference between two units of a hidden layer over all parameters, see `SERIES`."""
    largest = 0.0
    with np.errstate(over="ignore"):  # numbers near the end of the range may differ by infinity
        for layer in range(1, net.n_hidden + 1):
            for part in _parts(net, theta, layer):
                largest = max(largest, float((part.max(axis=0) - part.min(axis=0)).max()))
    return largest


def _parts(net: MLP, theta: FloatArray, layer: int) -> list[FloatArray]:
    """Return the parameters of the units of a layer as views (n_units, ...): inputs, bias, outputs, skips."""
    if not 1 <= layer <= net.n_hidden:
        raise ValueError(f"layer must be a whole number from 1 to {net.n_hidden}, not {layer}.")
    layers = net.layers(theta)
    weights, bias = layers[layer - 1]
    parts = [weights.T, bias[:, None], layers[layer][0]]
    if layer in net.skip:
        parts.append(net.skip_weights(theta)[net.skip.index(layer)])
    return parts
