"""exp, logistic and tanh of float32 in vectors twice as wide as float64's; log and softplus by way of float64.

exp, log and softplus are within 1 unit in the last place, logistic and tanh within 2.5, where the result is above
2e-38; below it may come out as 0. Range reduction after Cody and
Waite (1980); the tail of exp is a polynomial fitted at Chebyshev's points, as in `engine.kernels.math`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from engine.kernels import math as doubles
from engine.kernels.jit import fma, inlined

# Constants have their type: a float64 among float32 makes the whole sum, and the vector, a float64's.
_ZERO, _ONE, _TWO = (np.float32(value) for value in (0.0, 1.0, 2.0))
_LOG2_E: Final = np.float32(1.4426950408889634)
_LN2_HIGH: Final = np.float32(0.693359375)  # 9 significant bits, so that n * high is exact
_LN2_LOW: Final = np.float32(-2.12194440054690583e-4)
_ROUND: Final = np.float32(12582912.0)  # 1.5 * 2^23: adding it rounds to a whole number, kept in the low bits
_ROUND_BITS: Final = 0x4B400000
_EXPONENT_BIAS: Final = 127
_SMALLEST_EXPONENT: Final = np.float32(-87.0)
_LARGEST_TANH: Final = np.float32(20.0)  # 2 |x| from which on tanh x is 1
_C2, _C3, _C4, _C5, _C6, _C7 = (
    np.float32(value)
    for value in (
        *(0.5, 0.1666666716337204, 0.041666463017463684),
        *(0.00833331048488617, 0.0013933687005192041, 0.00019891031843144447),
    )
)


@intrinsic
def _power_of_two(typing_context: Any, rounded: Any) -> Any:
    """Return 2^n for a float32 n that was rounded by adding _ROUND, -126 <= n <= 127."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = ir.IntType(32)
        bits = builder.bitcast(args[0], whole)
        moved = builder.add(bits, ir.Constant(whole, _EXPONENT_BIAS - _ROUND_BITS))
        return builder.bitcast(builder.shl(moved, ir.Constant(whole, 23)), ir.FloatType())

    return types.float32(types.float32), generate


@inlined
def _exp_tail(r):
    """Return exp(r) - 1 - r for abs(r) <= ln(2) / 2."""
    r2 = r * r
    low = fma(r, _C3, _C2)
    high = fma(r, _C5, _C4)
    top = fma(r, _C7, _C6)
    return r2 * fma(r2, fma(r2, top, high), low)


@inlined
def exp_of_negative(x):
    """Return e^x for x <= 0; results below e^-87 come out as 0."""
    is_small = x < _SMALLEST_EXPONENT
    y = _SMALLEST_EXPONENT if is_small else x
    rounded = fma(y, _LOG2_E, _ROUND)
    n = rounded - _ROUND
    r = fma(-n, _LN2_LOW, fma(-n, _LN2_HIGH, y))
    result = (_ONE + (r + _exp_tail(r))) * _power_of_two(rounded)
    return _ZERO if is_small else result


@inlined
def logistic(x):
    """Return 1 / (1 + e^-x), from e^-|x| so that small values keep their digits."""
    size = x if x > _ZERO else -x
    e = exp_of_negative(-size)
    return (_ONE if x > _ZERO else e) / (_ONE + e)


@inlined
def tanh(x):
    """Return tanh x: m / (m + 2) with m = exp(2 |x|) - 1, and the sign of x."""
    y = _TWO * (-x if x < _ZERO else x)
    y = _LARGEST_TANH if y > _LARGEST_TANH else y
    rounded = fma(y, _LOG2_E, _ROUND)
    n = rounded - _ROUND
    r = fma(-n, _LN2_LOW, fma(-n, _LN2_HIGH, y))
    power = _power_of_two(rounded)
    m = fma(power, _exp_tail(r), fma(power, r, power - _ONE))
    q = m / (m + _TWO)
    return -q if x < _ZERO else q


@inlined
def log(x):
    """Return the natural logarithm of x."""
    return np.float32(doubles.log(np.float64(x)))


@inlined
def softplus(x):
    """Return log(1 + e^x)."""
    return np.float32(doubles.softplus(np.float64(x)))
