"""Starts: how theta is drawn before the first step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from engine import checks

if TYPE_CHECKING:
    import numpy.typing as npt

    from engine.mlp import MLP, Block

    FloatArray = npt.NDArray[np.float64]
# In quotes: to look at np.random is to load it, which the window has no use for before its first painting.
Draw: TypeAlias = "Callable[[np.random.Generator, Block, float, float], FloatArray]"


def _glorot_uniform(rng: np.random.Generator, block: Block, scale: float, value: float) -> FloatArray:
    limit = math.sqrt(6.0 / (block.fan_in + block.fan_out))
    return rng.uniform(-limit, limit, (block.fan_in, block.fan_out))


def _glorot_normal(rng: np.random.Generator, block: Block, scale: float, value: float) -> FloatArray:
    return rng.normal(0.0, math.sqrt(2.0 / (block.fan_in + block.fan_out)), (block.fan_in, block.fan_out))


def _he_normal(rng: np.random.Generator, block: Block, scale: float, value: float) -> FloatArray:
    return rng.normal(0.0, math.sqrt(2.0 / block.fan_in), (block.fan_in, block.fan_out))


def _lecun_normal(rng: np.random.Generator, block: Block, scale: float, value: float) -> FloatArray:
    return rng.normal(0.0, math.sqrt(1.0 / block.fan_in), (block.fan_in, block.fan_out))


def _orthogonal(rng: np.random.Generator, block: Block, scale: float, value: float) -> FloatArray:
    """Draw orthonormal rows or columns, whichever are fewer, each of their kind equally likely."""
    long, short = max(block.fan_in, block.fan_out), min(block.fan_in, block.fan_out)
    q, r = np.linalg.qr(rng.standard_normal((long, short)))
    q = q * np.sign(np.diag(r))  # else the sign of a column is that of the library's choice
    return q if block.fan_in >= block.fan_out else q.T


def _normal(rng: np.random.Generator, block: Block, scale: float, value: float) -> FloatArray:
    return rng.normal(0.0, scale, (block.fan_in, block.fan_out))


def _constant(rng: np.random.Generator, block: Block, scale: float, value: float) -> FloatArray:
    return np.full((block.fan_in, block.fan_out), value)


INITS: Final[dict[str, Draw]] = {
    "glorot_uniform": _glorot_uniform,
    "glorot_normal": _glorot_normal,
    "he_normal": _he_normal,
    "lecun_normal": _lecun_normal,
    "orthogonal": _orthogonal,
    "normal": _normal,
    "constant": _constant,
}


def draw(net: MLP, name: str, seed: int, scale: float, value: float) -> FloatArray:
    """Return a start theta (n_params,).

    Weights: glorot_uniform U(-r, r) with r = sqrt(6 / (fan_in + fan_out)) and glorot_normal
    N(0, 2 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 16 and 12), he_normal N(0, 2 / fan_in) (He et
    al. 2015, eq. 10), lecun_normal N(0, 1 / fan_in) (LeCun et al. 1998, eq. 16), orthogonal (Saxe et al.
    2014), normal N(0, scale^2), constant value. Biases are 0, but value for "constant", since
    the argument about equal weights is about all parameters of a unit.
    """
    checks.choice("init", name, INITS)
    checks.whole_number("seed", seed, at_least=0)
    scale = checks.real_number("scale", scale, at_least=0.0)
    value = checks.real_number("value", value)
    rng = np.random.default_rng(seed)
    theta = np.full(net.n_params, value if name == "constant" else 0.0)
    for block in (*net.layer_blocks, *net.skip_blocks):
        theta[block.offset : block.bias_offset] = INITS[name](rng, block, scale, value).ravel()
    return theta
