"""exp, log, log1p, logistic, tanh and softplus without branches, so that LLVM vectorises loops over them.

Numba's own in a loop are scalar calls, 6 to 20 times slower. exp, tanh, log and log1p are within 2 units in
the last place over the whole range, with infinities, NaN and denormals as they should be; softplus within 2
and logistic within 2.5 where they are above 2.2e-308, and 0 below. Range reduction after Cody and Waite
(1980), constants of fdlibm; every operation is exact, an fma or correctly rounded, so results have the same
bits on every machine.
"""

from __future__ import annotations

from typing import Final

from engine.kernels.jit import bits_of, float_of, fma, inlined

LOG2_E: Final = 1.4426950408889634
LN2_HIGH: Final = 6.93147180369123816490e-01  # 32 significant bits, so that n * high is exact
LN2_LOW: Final = 1.90821492927058770002e-10
ROUND: Final = 6755399441055744.0  # 1.5 * 2^52: adding it rounds to a whole number, kept in the low bits
_ROUND_BITS: Final = 0x4338000000000000
_TWO_52: Final = 4503599627370496.0
_TWO_52_BITS: Final = 0x4330000000000000
_EXPONENT_BIAS: Final = 1023
_SIGN: Final = -0x8000000000000000
_MANTISSA: Final = 0x000FFFFFFFFFFFFF
_ONE_BITS: Final = 0x3FF0000000000000
_SQRT_HALF_BITS: Final = 0x3FE6A09E667F3BCD


@inlined
def power_of_two(rounded: float) -> float:
    """Return 2^n for a number n that was rounded by adding ROUND, -1022 <= n <= 1023; 0 for n = -1023."""
    return float_of((bits_of(rounded) - _ROUND_BITS + _EXPONENT_BIAS) << 52)


@inlined
def _exp_tail(r: float) -> float:
    """Return exp(r) - 1 - r for abs(r) <= ln(2) / 2, off by at most 2e-17.

    r^2 times the polynomial of degree 9 through (exp(r) - 1 - r) / r^2 at Chebyshev's points, in Estrin's
    scheme: its chain of dependent operations is shorter than Horner's.
    """
    r2 = r * r
    r4 = r2 * r2
    low = fma(
        r2, fma(r, 0.008333333333330062, 0.04166666666662413), fma(r, 0.16666666666666669, 0.5000000000000001)
    )
    high = fma(
        r2,
        fma(r, 2.7557268459997064e-06, 2.4801521295954376e-05),
        fma(r, 0.00019841269863053618, 0.0013888888917213717),
    )
    top = fma(r, 2.510038549551032e-08, 2.7620088445409746e-07)
    return r2 * fma(r4, fma(r4, top, high), low)


@inlined
def exp(x: float) -> float:
    """Return e^x."""
    x = 710.0 if x > 710.0 else x
    x = -746.0 if x < -746.0 else x
    n = fma(x, LOG2_E, ROUND) - ROUND
    r = fma(-n, LN2_LOW, fma(-n, LN2_HIGH, x))
    half = fma(n, 0.5, ROUND)  # 2^n in two factors: n goes from -1077 to 1025, beyond one exponent field
    rest = (n - (half - ROUND)) + ROUND
    return (1.0 + (r + _exp_tail(r))) * power_of_two(half) * power_of_two(rest)


@inlined
def exp_of_negative(x: float) -> float:
    """Return e^x for x <= 0, in fewer operations than `exp`; results below 2.2e-308 come out as 0."""
    x = -709.0 if x < -709.0 else x
    rounded = fma(x, LOG2_E, ROUND)
    n = rounded - ROUND
    r = fma(-n, LN2_LOW, fma(-n, LN2_HIGH, x))
    return (1.0 + (r + _exp_tail(r))) * power_of_two(rounded)


@inlined
def logistic(x: float) -> float:
    """Return 1 / (1 + e^-x), from e^-|x| so that small values keep their digits."""
    size = x if x > 0.0 else -x
    e = exp_of_negative(-size)
    return (1.0 if x > 0.0 else e) / (1.0 + e)


@inlined
def tanh(x: float) -> float:
    """Return tanh x: m / (m + 2) with m = exp(2 |x|) - 1, and the sign of x; 1 from |x| = 19.1 on."""
    bits = bits_of(x)
    y = 2.0 * float_of(bits & ~_SIGN)
    y = 44.0 if y > 44.0 else y
    rounded = fma(y, LOG2_E, ROUND)
    n = rounded - ROUND
    r = fma(-n, LN2_LOW, fma(-n, LN2_HIGH, y))
    power = power_of_two(rounded)
    m = fma(power, _exp_tail(r), fma(power, r, power - 1.0))
    w = m + 2.0
    inverse = 1.0 / w
    q = m * inverse
    lost = m - (w - 2.0)  # what rounding took from w: without it the quotient would be off by 2.5 units
    q = fma(fma(-q, w, m) - q * lost, inverse, q)
    return float_of(bits_of(q) | (bits & _SIGN))


@inlined
def log(x: float) -> float:
    """Return the natural logarithm of x: with x = 2^k (1 + f), s = f / (2 + f), log(1 + f) = 2 atanh(s)."""
    is_tiny = x < 2.2250738585072014e-308
    scaled = x * 18014398509481984.0 if is_tiny else x  # 2^54 lifts denormals
    bits = bits_of(scaled) + (_ONE_BITS - _SQRT_HALF_BITS)  # so that 1 + f lies in [sqrt(1/2), sqrt(2))
    k = float_of(((bits >> 52) & 0x7FF) | _TWO_52_BITS) - (_TWO_52 + 1023.0)
    k = k - 54.0 if is_tiny else k
    f = float_of((bits & _MANTISSA) + _SQRT_HALF_BITS) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = fma(z, 1.479819860511658591e-01, 1.531383769920937332e-01)
    w = fma(z, w, 1.818357216161805012e-01)
    w = fma(z, w, 2.222219843214978396e-01)
    w = fma(z, w, 2.857142874366239149e-01)
    w = fma(z, w, 3.999999999940941908e-01)
    w = fma(z, w, 6.666666666666735130e-01)
    half_square = 0.5 * f * f
    small = fma(s, half_square + z * w, k * LN2_LOW)
    result = k * LN2_HIGH - ((half_square - small) - f)
    result = x if x == float_of(0x7FF0000000000000) else result
    result = -float_of(0x7FF0000000000000) if x == 0.0 else result
    return result if x >= 0.0 else float_of(0x7FF8000000000000)


@inlined
def log1p_of_positive(x: float) -> float:
    """Return log(1 + x) for x >= 0: log of the rounded sum, and what the rounding lost to first order."""
    w = 1.0 + x
    lost = x - (w - 1.0) if w < _TWO_52 else 0.0
    return log(w) + lost / w


@inlined
def softplus(x: float) -> float:
    """Return log(1 + e^x) as max(x, 0) + log1p(e^-|x|)."""
    positive = x if x > 0.0 else 0.0
    size = x if x > 0.0 else -x
    return positive + log1p_of_positive(exp_of_negative(-size))
