"""What goes on inside a network, sample by sample, in plain numpy: values forward, deltas backward.

The kernels sum over samples as they go; whoever needs the numbers of single samples and units takes them
from here. Everything is float64 and summed in whatever order BLAS likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.activations import ACTIVATIONS
from engine.arguments import check_net
from engine.datasets.dataset import Dataset
from engine.mlp import MLP
from engine.noise import factors

FloatArray = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """The numbers inside a network for n_samples samples.

    Attributes:
        pre_activations: of each hidden layer, (n_samples, width).
        values: of the input and each hidden layer, (n_samples, width), as the next layer sees them: times
            the factors where there is noise.
        slopes: derivative of each hidden layer's values by its pre-activations, (n_samples, width).
        outputs: before softmax, (n_samples, n_outputs).
        factors: of the noise on each hidden layer, (n_samples, width); () where there is none.
    """

    pre_activations: tuple[FloatArray, ...]
    values: tuple[FloatArray, ...]
    slopes: tuple[FloatArray, ...]
    outputs: FloatArray
    factors: tuple[FloatArray, ...] = ()


def activity_on(net: MLP, theta: FloatArray, data: Dataset, rows: slice) -> Activity:
    """Return the Activity of net at theta (n_params,) for some rows of data, with its noise if it has any."""
    return activity(net, theta, data.x[rows], factors(net, data, rows))


def activity(net: MLP, theta: FloatArray, x: FloatArray, noisy: tuple[FloatArray, ...] = ()) -> Activity:
    """Return the Activity of net at theta (n_params,) for samples x (n_samples, n_features).

    noisy holds a factor for each unit of each hidden layer, see `Activity`; () for no noise.
    """
    layers = net.layers(theta)
    pre_activations: list[FloatArray] = []
    values, slopes = [x], []
    for (weights, bias), name in zip(layers[:-1], net.activation, strict=True):
        pre_activations.append(values[-1] @ weights + bias)
        values.append(ACTIVATIONS[name].value(pre_activations[-1]))
        slopes.append(ACTIVATIONS[name].slope(pre_activations[-1], values[-1]))
        if noisy:
            factor = noisy[len(slopes) - 1]
            values[-1], slopes[-1] = values[-1] * factor, slopes[-1] * factor
    outputs = values[-1] @ layers[-1][0] + layers[-1][1]
    for layer, weights in zip(net.skip, net.skip_weights(theta), strict=True):
        outputs += values[layer] @ weights
    return Activity(tuple(pre_activations), tuple(values), tuple(slopes), outputs, noisy)


def deltas(
    net: MLP, theta: FloatArray, slopes: Sequence[FloatArray], output_delta: FloatArray
) -> list[FloatArray]:
    """Return the derivative of each sample's loss by the pre-activations of each layer, the output's last.

    Args:
        net, theta: the network and its parameters (n_params,).
        slopes: of each hidden layer, (n_samples, width), as in `Activity`.
        output_delta: derivative of each sample's loss by the outputs, (n_samples, n_outputs).
    """
    layers, skips = net.layers(theta), dict(zip(net.skip, net.skip_weights(theta), strict=True))
    found = [output_delta]
    for layer in range(net.n_hidden, 0, -1):
        below = found[-1] @ layers[layer][0].T
        if layer in skips:
            below += output_delta @ skips[layer].T
        found.append(below * slopes[layer - 1])
    return found[::-1]


def output_deltas(loss: str, outputs: FloatArray, y: Labels, targets: FloatArray) -> FloatArray:
    """Return the derivative of each sample's loss by the outputs, (n_samples, n_outputs).

    Args:
        loss: "cross_entropy", "quadratic" or "squared".
        outputs: (n_samples, n_outputs).
        y: (n_samples,) classes, for the first two losses.
        targets: (n_samples,) numbers, for the last.
    """
    if loss == "squared":
        return outputs - targets[:, None]
    p = probabilities(outputs)
    error = errors_of(p, y)
    return error if loss == "cross_entropy" else through_softmax(p, error)


def probabilities(logits: FloatArray) -> FloatArray:
    """Return softmax(logits) along the rows, (n_samples, n_classes)."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def errors_of(p: FloatArray, y: Labels) -> FloatArray:
    """Return p - onehot(y), (n_samples, n_classes), without cancellation: 1 - p_y is the sum of the others."""
    error, rows = p.copy(), np.arange(len(y))
    error[rows, y] = 0.0
    error[rows, y] = -error.sum(axis=1)
    return error


def through_softmax(p: FloatArray, error: FloatArray) -> FloatArray:
    """Return (diag p - p p^T) error for each row, (n_samples, n_classes).

    The row's most probable class m is done as sum_j p_j (error_m - error_j), since 1 - p_m cancels in the
    usual form where softmax is saturated.
    """
    rows, top = np.arange(len(p)), p.argmax(axis=1)
    brackets = error - (p * error).sum(axis=1, keepdims=True)
    brackets[rows, top] = (p * (error[rows, top][:, None] - error)).sum(axis=1)
    return np.asarray(p * brackets)


def finite_theta(net: MLP, value: Any, name: str = "theta") -> FloatArray:
    """Return value as an array (n_params,) of finite numbers; raises TypeError or ValueError naming it."""
    check_net(net)
    theta = checks.vector(name, value, net.n_params)
    if not np.isfinite(theta).all():
        raise ValueError(f"{name} must hold finite numbers only, but some are NaN or infinite.")
    return theta
