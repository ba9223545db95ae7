"""Flat channels to infinity: two units approach each other while their output weights run apart."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.activations import ACTIVATIONS
from engine.activity import activity_on, finite_theta
from engine.answers import final
from engine.curvature.sharpness import sharpness
from engine.datasets.dataset import Dataset
from engine.flow import iter_flow
from engine.mlp import MLP
from engine.paths.pairs import check_layer, check_pair, incoming

FloatArray = npt.NDArray[np.float64]

ODD: Final = ("identity", "tanh", "erf")
"""Activations with f(-z) = -f(z): a unit with all its weights negated is the same unit."""


@dataclass(frozen=True, slots=True)
class Channel:
    """How far two hidden units are along a channel, see `measure_channel`.

    Attributes:
        layer, first, second: which units; the layer from 1, units from 0.
        sign: -1.0 where the second unit is looked at with all its weights negated, which does not change it.
        distance: between the input weights (and biases) of the two.
        norm: length of half the difference of their output weights.
        cosine: of the angle between their output weights; -1 for opposite ones.
        total: length of the sum of their output weights.
        share: share of the squared length of the gradient that drives the output weights apart or together.
        driven_apart: whether a step of gradient descent makes norm larger.
        gated_size: distance times norm, the size of the gated linear part.
        gated_error: the largest difference, over the samples, between what the pair puts out and what its limit
            does, over the largest output of the pair.
    """

    layer: int
    first: int
    second: int
    sign: float
    distance: float
    norm: float
    cosine: float
    total: float
    share: float
    driven_apart: bool
    gated_size: float
    gated_error: float


@dataclass(frozen=True, slots=True, eq=False)
class ChannelTrack:
    """A pair of units along gradient flow.

    Attributes:
        times: (n_times,) in learning rate times steps.
        loss: (n_times,); NaN where not reached.
        channels: one entry for each time reached.
        sharpness: (n_times,) largest eigenvalue of the Hessian; NaN where not reached.
        theta: (n_params,) at the last time reached.
        reason: why the flow stopped before the last time; "" where it did not.
    """

    times: FloatArray
    loss: FloatArray
    channels: tuple[Channel, ...]
    sharpness: FloatArray
    theta: FloatArray
    reason: str


def measure_channel(
    net: MLP, data: Dataset, theta: Any, layer: int = 1, first: int = 0, second: int = 1
) -> Channel:
    """Return how far two units of a hidden layer are along a channel at theta (n_params,).

    In a channel ("Flat channels to infinity in neural loss landscapes", 2025) a_1 f(z_1) + a_2 f(z_2) turns into

        (a_1 + a_2) f(z) + (a_1 - a_2) / 2 (z_1 - z_2) f'(z),    z = (z_1 + z_2) / 2,

    whose second part is a gated linear unit: linear in the input, times a gate f'. The error is of second order
    in z_1 - z_2. With `ODD` activations the second unit is taken with the sign that brings it nearer.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    point = finite_theta(net, theta)
    check_pair(net, layer, first, second)
    gradient = net.gradient(point, data)
    ins = [point[incoming(net, layer, unit)] for unit in (first, second)]
    sign = _sign(net.activation[layer - 1], *ins)
    outs = net.layers(point)[layer][0]
    pulls = net.layers(gradient)[layer][0]
    apart, pull = outs[first] - sign * outs[second], pulls[first] - sign * pulls[second]
    norm = float(np.linalg.norm(apart))
    along = float(pull @ apart) / (norm * np.sqrt(2.0)) if norm else 0.0
    squared = float(gradient @ gradient)
    lengths = np.linalg.norm(outs[first]) * np.linalg.norm(outs[second])
    distance = float(np.linalg.norm(ins[0] - sign * ins[1]))
    return Channel(
        layer=layer,
        first=first,
        second=second,
        sign=sign,
        distance=distance,
        norm=0.5 * norm,
        cosine=float(sign * outs[first] @ outs[second] / lengths) if lengths else 0.0,
        total=float(np.linalg.norm(outs[first] + sign * outs[second])),
        share=along**2 / squared if squared else 0.0,
        driven_apart=along < 0.0,
        gated_size=0.5 * norm * distance,
        gated_error=_gated_error(net, data, point, layer, (first, second), sign),
    )


def nearest_channel(net: MLP, data: Dataset, theta: Any, layer: int = 1) -> Channel:
    """Return the pair of units of a layer that looks most like a channel: the largest norm over distance.

    Only pairs with opposite output weights (cosine below 0) count where there are any. The layer must have at
    least 2 units.
    """
    check_layer(net, layer)
    width = net.layer_sizes[layer]
    if width < 2:
        raise ValueError(f"layer must have at least 2 units, not {width}.")
    pairs = [(i, j) for i in range(width) for j in range(i + 1, width)]
    found = [measure_channel(net, data, theta, layer, i, j) for i, j in pairs]
    opposite = [one for one in found if one.cosine < 0.0] or found
    return max(opposite, key=lambda one: one.norm / one.distance if one.distance else np.inf)


def follow_channel(net: MLP, data: Dataset, theta: Any, times: Any, **options: Any) -> ChannelTrack:
    """Return a pair of units along gradient flow; arguments as `iter_channel`."""
    return final(iter_channel(net, data, theta, times, **options))


def iter_channel(
    net: MLP,
    data: Dataset,
    theta: Any,
    times: Any,
    layer: int = 1,
    first: int = 0,
    second: int = 1,
    max_evaluations: int = 100_000,
) -> Generator[tuple[float, ChannelTrack], None, None]:
    """Yield (share done, the track so far) along gradient flow from theta (n_params,).

    The flow is integrated by LSODA, since the curvature across the channel grows while the slope along it
    fades. times (n_times,) ascend; times by powers of 10 are what there is to see.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    channels: list[Channel] = []
    sharp = np.full(len(times), np.nan)
    flows = iter_flow(
        net, data, theta, times, method="LSODA", keep_thetas=True, max_evaluations=max_evaluations
    )
    for share, flow in flows:
        assert flow.thetas is not None
        for k in range(len(channels), flow.n_known):
            channels.append(measure_channel(net, data, flow.thetas[k], layer, first, second))
            sharp[k] = sharpness(net, data, flow.thetas[k])
        track = ChannelTrack(flow.times, flow.loss, tuple(channels), sharp.copy(), flow.theta, flow.reason)
        yield share, track


def _sign(activation: str, one: FloatArray, other: FloatArray) -> float:
    return -1.0 if activation in ODD and float(one @ other) < 0.0 else 1.0


def _gated_error(
    net: MLP, data: Dataset, theta: FloatArray, layer: int, pair: tuple[int, int], sign: float
) -> float:
    """Return how far the pair's output is from that of its limit, over the largest output of the pair."""
    inside, outs = activity_on(net, theta, data, slice(None)), net.layers(theta)[layer][0]
    z_1, z_2 = (
        inside.pre_activations[layer - 1][:, pair[0]],
        sign * inside.pre_activations[layer - 1][:, pair[1]],
    )
    a_1, a_2 = outs[pair[0]], sign * outs[pair[1]]
    kind, middle = ACTIVATIONS[net.activation[layer - 1]], 0.5 * (z_1 + z_2)
    value = kind.value(middle)
    put_out = np.outer(kind.value(z_1), a_1) + np.outer(kind.value(z_2), a_2)
    gate = 0.5 * (z_1 - z_2) * kind.slope(middle, value)
    limit = np.outer(value, a_1 + a_2) + np.outer(gate, a_1 - a_2)
    largest = float(np.abs(put_out).max())
    return float(np.abs(put_out - limit).max()) / largest if largest else 0.0
