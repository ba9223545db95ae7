"""The factors of `engine.noise` for one block of samples, to the same bits."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.kernels.jit import lean
from engine.kernels.layout import FAN_OUT, VALUES

# All of one type: numba makes a float of an int64 and a uint64.
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_ONE, _11, _27, _30, _31 = (np.uint64(n) for n in (1, 11, 27, 30, 31))


@lean
def _mixed(z):
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)


@lean
def fill_factors(samples, start, n, layer, row, stride, factors):
    """Write the factors of hidden layer number `layer` (from 1, its table row given), by unit, for n samples."""
    of_layer = _mixed(_mixed(np.uint64(samples.noise_seed) + _GOLDEN) + np.uint64(layer) * _GOLDEN)
    for unit in range(row[FAN_OUT]):
        stream, at = _mixed(of_layer + (np.uint64(unit) + _ONE) * _GOLDEN), row[VALUES] + unit * stride
        for i in range(n):
            drawn = _mixed(stream + (np.uint64(samples.numbers[start + i]) + _ONE) * _GOLDEN)
            u = np.float64(drawn >> _11) * 1.1102230246251565e-16  # 2^-53
            factors[at + i] = 1.0 + samples.noise_scale * (2.0 * u - 1.0)
