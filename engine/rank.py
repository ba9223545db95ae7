"""Numerical rank, with the numbers that it rests on, and the features whose rank matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg

from engine import checks
from engine.activity import activity_on, finite_theta
from engine.arguments import check_net_and_data
from engine.datasets.dataset import Dataset
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]

_SAMPLES_A_BLOCK = 2048


@dataclass(frozen=True, slots=True, eq=False)
class NumericalRank:
    """The rank of a matrix (n, m) as far as its numbers can tell.

    Attributes:
        rank: number of singular values above the threshold.
        is_full: whether rank is min(n, m).
        smallest, largest: the smallest of the min(n, m) singular values, and the largest.
        threshold: what counts as 0.
        gap: smallest singular value above the threshold over the largest at or below it; inf where none is.
        singular_values: (min(n, m),) descending.
    """

    rank: int
    is_full: bool
    smallest: float
    largest: float
    threshold: float
    gap: float
    singular_values: FloatArray


def numerical_rank(matrix: Any, threshold: float | None = None) -> NumericalRank:
    """Return the numerical rank of a matrix (n, m), in float64.

    Args:
        matrix: finite numbers.
        threshold: singular values up to this count as 0; None for max(n, m) times 2.2e-16 times the largest,
            as far as rounding can move them (Golub and Van Loan, section 5.4; numpy's and MATLAB's choice).

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    numbers = _matrix(matrix)
    values = scipy.linalg.svdvals(numbers)
    largest, smallest = float(values[0]), float(values[-1])
    if threshold is None:
        threshold = max(numbers.shape) * float(np.finfo(np.float64).eps) * largest
    else:
        threshold = checks.real_number("threshold", threshold, at_least=0.0)
    rank = int((values > threshold).sum())
    values.flags.writeable = False
    return NumericalRank(rank, rank == len(values), smallest, largest, threshold, _gap(values, rank), values)


def _gap(values: FloatArray, rank: int) -> float:
    """Return how far the singular values fall behind the last that counts."""
    if rank == 0 or rank == len(values) or values[rank] == 0.0:
        return np.inf if rank else 0.0
    return float(values[rank - 1] / values[rank])


def wired_layers(net: MLP) -> tuple[int, ...]:
    """Return the numbers of the hidden layers that are wired to the output, by skips or as the last one."""
    return tuple(sorted({*net.skip, net.n_hidden} - {0}))


def features(net: MLP, data: Dataset, theta: Any, layers: Sequence[int] | None = None) -> FloatArray:
    """Return the values of the hidden units that are wired to the output, (n_samples, n_units).

    The matrix Psi of Nguyen, Mukkamala and Hein ("On the loss landscape of a class of deep neural networks
    with no bad local valleys", 2019): the logits are Psi V plus the bias.

    Args:
        net, data, theta: (n_params,).
        layers: numbers of the hidden layers, each once; None for all that are wired to the output,
            `net.skip` for those with skip connections only.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    check_net_and_data(net, data)
    theta, chosen = finite_theta(net, theta), _chosen(net, layers)
    net.evaluator(data)  # raises where data does not fit
    if not chosen:
        raise ValueError("layers must name at least one hidden layer.")
    for layer in chosen:
        checks.whole_number("layers", layer, 1, net.n_hidden)
    parts = []
    for start in range(0, data.n_samples, _SAMPLES_A_BLOCK):
        values = activity_on(net, theta, data, slice(start, start + _SAMPLES_A_BLOCK)).values
        parts.append(np.concatenate([values[layer] for layer in chosen], axis=1))
    return np.concatenate(parts)


def _chosen(net: MLP, layers: Any) -> tuple[Any, ...]:
    if layers is None:
        return wired_layers(net)
    if not isinstance(layers, Sequence) or isinstance(layers, str):
        raise TypeError(f"layers must be a list of numbers of hidden layers, not {layers!r}.")
    return tuple(layers)


def _matrix(value: Any) -> FloatArray:
    try:
        matrix = checks.real_array(value).copy()
    except (TypeError, ValueError):
        raise TypeError(f"matrix must be an array of numbers (n, m), not {type(value).__name__}.") from None
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"matrix must have shape (n, m) with at least one of each, not {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("matrix must hold finite numbers only, but some are NaN or infinite.")
    return matrix
