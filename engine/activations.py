"""The activations of hidden layers in plain numpy: value, slope and curvature.

`kernels/` has its own vectorised forms of the first two for ordered arithmetic; these serve BLAS
arithmetic and everything that is not hot. Slope and curvature take the pre-activation z and the value
a = f(z), because most of them are cheaper from a.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LEAKY_SLOPE: Final = 0.1
"""Slope of leaky_relu left of 0."""


@dataclass(frozen=True, slots=True)
class Activation:
    """One activation: its code in the kernels, and f, f', f'' elementwise.

    Attributes:
        smooth: whether f has a derivative everywhere; at a kink the slope is that of the left side.
    """

    name: str
    code: int
    smooth: bool
    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]
    curvature: Callable[[Array, Array], Array]


def _zero(z: Array, a: Array) -> Array:
    return np.zeros(z.shape, dtype=z.dtype)


def _leaky_step(z: Array, a: Array) -> Array:
    return np.asarray(np.where(z > 0, z.dtype.type(1.0), z.dtype.type(LEAKY_SLOPE)))


def _erf(z: Array) -> Array:
    import scipy.special  # a sixth of a second to import, and few networks have this one

    return np.asarray(scipy.special.erf(z))


def _logistic(z: Array) -> Array:
    with np.errstate(over="ignore"):  # exp(-z) = inf gives exactly 0, which is right
        return np.asarray(1.0 / (1.0 + np.exp(-z)))


_TABLE: Final = (
    Activation("identity", 0, True, lambda z: z.copy(), lambda z, a: np.ones_like(z), _zero),
    Activation(
        "logistic", 1, True, _logistic, lambda z, a: a * (1 - a), lambda z, a: a * (1 - a) * (1 - 2 * a)
    ),
    Activation("tanh", 2, True, np.tanh, lambda z, a: 1 - a * a, lambda z, a: -2 * a * (1 - a * a)),
    Activation("relu", 3, False, lambda z: np.maximum(z, 0), lambda z, a: (z > 0).astype(z.dtype), _zero),
    Activation(
        "leaky_relu",
        4,
        False,
        lambda z: np.where(z > 0, z, z.dtype.type(LEAKY_SLOPE) * z),
        _leaky_step,
        _zero,
    ),
    Activation(
        "softplus",
        5,
        True,
        lambda z: np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))),
        lambda z, a: _logistic(z),
        lambda z, a: _logistic(z) * (1 - _logistic(z)),
    ),
    Activation(
        "erf",
        6,
        True,
        _erf,
        lambda z, a: (2 / math.sqrt(math.pi)) * np.exp(-z * z),
        lambda z, a: (-4 / math.sqrt(math.pi)) * z * np.exp(-z * z),
    ),
)

ACTIVATIONS: Final[dict[str, Activation]] = {activation.name: activation for activation in _TABLE}
