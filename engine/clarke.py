"""Clarke residual: how near 0 the subdifferential comes where the gradient of a relu network jumps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, product
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.activity import Activity, activity_on, deltas, finite_theta, output_deltas
from engine.arguments import check_net_and_data
from engine.datasets.dataset import Dataset
from engine.evaluator import make_evaluator
from engine.kinks import SLOPES, Kink, find_kinks
from engine.mlp import MLP
from engine.polytope import Nearest, nearest_to_origin

FloatArray = npt.NDArray[np.float64]

MOST_KINKS: Final = 256
"""Kinks (pairs of a sample and a unit) taken into account, those nearest to 0 first."""
MOST_DEEP_KINKS: Final = 8
"""Kinks taken of one sample that has them in several layers: every one of its 2^8 patterns is formed."""
MOST_NUMBERS: Final = 2**24
"""Gradient vectors times n_params: 128 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class ClarkeResidual:
    """How near 0 the gradients around a point come.

    Attributes:
        residual: least norm of a convex combination of the gradients over the patterns of all kinks used.
        at_least: a lower bound on that least norm; the two agree to rounding unless the search was cut.
        gradient_norm: norm of the gradient as the engine takes it, with the left slope at 0; of the trained
            parameters, like the residual.
        tolerance: pre-activations up to this size count as kinks.
        n_kinks: pairs of a sample and a unit within the tolerance.
        n_samples: samples that have any.
        n_left_out: kinks beyond the limits, which kept the side they are on; if above 0, the residual over
            all of them may be smaller.
        reason: one sentence where kinks were left out, else "".
    """

    residual: float
    at_least: float
    gradient_norm: float
    tolerance: float
    n_kinks: int
    n_samples: int
    n_left_out: int
    reason: str


def clarke_residual(
    net: MLP, data: Dataset, theta: Any, tolerance: float = 1e-9, trained: Any = None
) -> ClarkeResidual:
    """Return the Clarke residual of the mean loss at theta (n_params,).

    Each kink may have the slope of either side; every choice is a pattern with a gradient, and 0 in the
    convex hull of these gradients is what takes the place of "the gradient is 0" (Clarke 1975). For one hidden
    layer and tolerance 0 the hull holds Clarke's subdifferential, and is it where every pattern occurs
    nearby. Smooth networks have no kinks and get their gradient's norm.

    At most 256 kinks are taken, of a sample with kinks in several layers at most 8, and fewer where n_params
    is above 65,000: then the nearest to 0 are, and `reason` says so.

    Args:
        net, data, theta: whose loss, where (n_params,).
        tolerance: see `ClarkeResidual`.
        trained: (n_params,) booleans, which parameters count; None for all.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    check_net_and_data(net, data)
    theta, chosen = finite_theta(net, theta), _chosen(net, trained)
    checks.real_number("tolerance", tolerance, at_least=0.0)
    gradient = np.empty(net.n_params)
    make_evaluator(net, data).evaluate(theta, gradient)
    norm = float(np.linalg.norm(gradient[chosen]))
    kinks = find_kinks(net, data, theta, tolerance)
    used = _within_limits(net, kinks.first(MOST_KINKS))
    found = _nearest(net, data, theta, used, chosen) if used else Nearest(gradient, norm, norm, 0)
    n_kinks = len(kinks.sample)
    n_left_out = n_kinks - len(used)
    reason = f"{n_left_out:,} of {n_kinks:,} kinks were left out; a smaller tolerance has fewer."
    return ClarkeResidual(
        residual=found.distance,
        at_least=found.at_least,
        gradient_norm=norm,
        tolerance=tolerance,
        n_kinks=n_kinks,
        n_samples=len(np.unique(kinks.sample)),
        n_left_out=n_left_out,
        reason=reason if n_left_out else "",
    )


def _nearest(
    net: MLP, data: Dataset, theta: FloatArray, kinks: list[Kink], chosen: npt.NDArray[np.bool_]
) -> Nearest:
    """Return the point nearest to 0 in the hull of the gradients.

    Samples with kinks are left out of the engine's gradient: where a pre-activation is rounding alone, a sum
    in another order may see it on the other side.
    """
    others = np.setdiff1d(np.arange(data.n_samples), [kink.sample for kink in kinks])
    base, gradient = np.zeros(net.n_params), np.empty(net.n_params)
    if len(others):
        make_evaluator(net, data).evaluate(theta, gradient, others)
        base += gradient * (len(others) / data.n_samples)
    groups: list[FloatArray] = []
    for part in _by_sample(kinks):
        share, changes = _of_sample(net, data, theta, part)
        base += share
        groups += [group[:, chosen] for group in changes]
    return nearest_to_origin(base[chosen], groups)


def _chosen(net: MLP, trained: Any) -> npt.NDArray[np.bool_]:
    mask = np.ones(net.n_params, dtype=np.bool_) if trained is None else np.asarray(trained)
    if mask.shape != (net.n_params,) or mask.dtype != np.bool_ or not mask.any():
        raise ValueError(f"trained must be {net.n_params} booleans, at least one of them True.")
    return mask


def _by_sample(kinks: list[Kink]) -> list[list[Kink]]:
    ordered = sorted(kinks, key=lambda kink: kink.sample)  # stable: of one sample the nearest to 0 first
    return [list(part) for _, part in groupby(ordered, key=lambda kink: kink.sample)]


def _is_deep(kinks: list[Kink]) -> bool:
    return len({kink.layer for kink in kinks}) > 1


def _within_limits(net: MLP, kinks: list[Kink]) -> list[Kink]:
    """Return the kinks that can be handled, of at most MOST_KINKS."""
    used: list[Kink] = []
    n_left = MOST_NUMBERS // net.n_params
    for part in _by_sample(kinks):
        if _is_deep(part):
            part = part[:MOST_DEEP_KINKS]
        n_vectors = 2 ** len(part) if _is_deep(part) else 2 * len(part)
        if n_vectors <= n_left:
            used += part
            n_left -= n_vectors
    return used


def _of_sample(
    net: MLP, data: Dataset, theta: FloatArray, kinks: list[Kink]
) -> tuple[FloatArray, list[FloatArray]]:
    """Return a sample's share of the gradient with all its kinks on the left, and what these may add to it.

    With kinks in one layer only, the gradient is affine in each slope: a group of two vertices (2, n_params)
    for each kink. With several layers, slopes multiply: one group (2^n_kinks, n_params) with every pattern.
    """
    row = slice(kinks[0].sample, kinks[0].sample + 1)
    inside = activity_on(net, theta, data, row)
    delta = output_deltas(net.loss_name, inside.outputs, data.y[row], data.targets[row])

    def share(sides: tuple[bool, ...]) -> FloatArray:
        slopes = [slope.copy() for slope in inside.slopes]
        for kink, is_right in zip(kinks, sides, strict=True):
            slope = SLOPES[net.activation[kink.layer - 1]][is_right]
            factor = inside.factors[kink.layer - 1][0, kink.unit] if inside.factors else 1.0
            slopes[kink.layer - 1][0, kink.unit] = slope * factor
        return _gradient(net, theta, inside, slopes, delta) / data.n_samples

    left = share((False,) * len(kinks))
    if _is_deep(kinks):
        patterns = product((False, True), repeat=len(kinks))
        return left, [np.array([share(sides) - left for sides in patterns])]
    single = [tuple(other is kink for other in kinks) for kink in kinks]
    return left, [np.array([np.zeros(net.n_params), share(sides) - left]) for sides in single]


def _gradient(
    net: MLP, theta: FloatArray, inside: Activity, slopes: list[FloatArray], output_delta: FloatArray
) -> FloatArray:
    """Return the gradient (n_params,) of one sample's loss with these slopes."""
    gradient = np.empty(net.n_params)
    found = deltas(net, theta, slopes, output_delta)
    for (weights, bias), value, delta in zip(net.layers(gradient), inside.values, found, strict=True):
        weights[...] = np.outer(value[0], delta[0])
        bias[...] = delta[0]
    for layer, weights in zip(net.skip, net.skip_weights(gradient), strict=True):
        weights[...] = np.outer(inside.values[layer][0], output_delta[0])
    return gradient
