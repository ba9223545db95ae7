"""The neuron-split line: a unit and its copy share the unit's output weights, g and 1 - g, at any g."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg

from engine import checks
from engine.activity import finite_theta
from engine.answers import final
from engine.curvature import dense_hessian
from engine.datasets.dataset import Dataset
from engine.mlp import MLP
from engine.noise import refuse_noise
from engine.perturbations import perturb

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SplitLine:
    """What lies on the line; all (n_points,), NaN where not known yet.

    Attributes:
        net: the network with one unit more; the copy is its last unit of the layer.
        shares: g, the unit's share of its old output weights; the copy has 1 - g.
        loss: mean loss there; gradient_norm: of all parameters of the larger network.
        lowest_curvature: smallest eigenvalue of the Hessian; NaN where it was not asked for.
        thetas: (n_points, net.n_params) the points.
    """

    net: MLP
    shares: FloatArray
    loss: FloatArray
    gradient_norm: FloatArray
    lowest_curvature: FloatArray
    thetas: FloatArray


def split(net: MLP, theta: Any, layer: int, unit: int, share: float) -> tuple[MLP, FloatArray]:
    """Return the network with a copy of a hidden unit, and its theta: share g to the unit, 1 - g to the copy.

    Args:
        net, theta: the smaller network and its parameters (n_params,).
        layer, unit: which unit, the layer from 1, the unit from 0.
        share: g, any number.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    g = checks.real_number("share", share)
    start = finite_theta(net, theta)
    wider, moved = perturb(net, start, "duplicate", {"layer": layer, "unit": unit})
    before = _outgoing(net, start, layer)
    for small, large in zip(before, _outgoing(wider, moved, layer), strict=True):
        large[unit], large[-1] = g * small[unit], (1.0 - g) * small[unit]
    return wider, moved


def split_line(net: MLP, data: Dataset, theta: Any, **options: Any) -> SplitLine:
    """Return the whole line; arguments as `iter_split_line`."""
    return final(iter_split_line(net, data, theta, **options))


def iter_split_line(
    net: MLP,
    data: Dataset,
    theta: Any,
    layer: int = 1,
    unit: int = 0,
    shares: Any = None,
    with_curvature: bool = False,
) -> Generator[tuple[float, SplitLine], None, None]:
    """Yield (share done, the line so far) after each point.

    On the line the network computes the same function, so the loss is constant; where theta is a stationary
    point of the smaller network, every point of the line is one of the larger network (Fukumizu and Amari
    2000; Brea, Simsek, Illing and Gerstner 2019).

    Args:
        net, data, theta: the smaller network (n_params,) and the loss.
        layer, unit: the unit that gets a copy, see `split`.
        shares: (n_points,) values of g; None for 31 from -1 to 2.
        with_curvature: whether to compute the Hessian's smallest eigenvalue (up to 2,000 parameters).

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    refuse_noise(data, "a copy of a unit")
    start = finite_theta(net, theta)
    given = np.linspace(-1.0, 2.0, 31) if shares is None else np.array(shares, dtype=np.float64)
    if given.ndim != 1 or not len(given):
        raise ValueError(f"shares must be a list of at least one number, not of shape {given.shape}.")
    wider, _ = split(net, start, layer, unit, 0.5)
    found = np.full((3, len(given)), np.nan)
    thetas = np.full((len(given), wider.n_params), np.nan)
    for k, g in enumerate(given.tolist()):
        thetas[k] = split(net, start, layer, unit, g)[1]
        found[0, k] = wider.loss(thetas[k], data)
        found[1, k] = np.linalg.norm(wider.gradient(thetas[k], data))
        if with_curvature:
            found[2, k] = scipy.linalg.eigvalsh(dense_hessian(wider, data, thetas[k]))[0]
        yield (
            (k + 1) / len(given),
            SplitLine(wider, given.copy(), found[0].copy(), found[1].copy(), found[2].copy(), thetas.copy()),
        )


def _outgoing(net: MLP, theta: FloatArray, layer: int) -> list[FloatArray]:
    """Return views on all weights out of a hidden layer: to the next one, and its skip weights."""
    found = [net.layers(theta)[layer][0]]
    if layer in net.skip:
        found.append(net.skip_weights(theta)[net.skip.index(layer)])
    return found
