"""exp, log, tanh and their kin: within 2 units in the last place over the whole range, and right at its ends."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
import twins

from engine.kernels import math as own

INF, NAN = math.inf, math.nan
SMALLEST = 5e-324  # the smallest number above 0, a denormal
SMALLEST_NORMAL = 2.2250738585072014e-308
LARGEST = 1.7976931348623157e308


MOST_ULPS = {"logistic": 2.5}
FLUSHED = ("logistic", "softplus")  # where the result is no normal number any more, they may give 0


def _loop(function):
    """Compile function over an array, as the kernels use it: that is where it gets vectorised."""

    @numba.njit(error_model="numpy")
    def run(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def over(x):
        x = np.ascontiguousarray(x, dtype=np.float64)
        out = np.empty_like(x)
        run(x, out)
        return out

    return over


FUNCTIONS = {name: _loop(getattr(own, name)) for name in twins.EXACT}


def _spread_over_exponents(low: int, high: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    return rng.uniform(1.0, 2.0, n) * 2.0 ** rng.integers(low, high, n)


def _near(*points: float) -> np.ndarray:
    """The points and three neighbours on each side."""
    found = list(points)
    for direction in (-INF, INF):
        at = np.array(points)
        for _ in range(3):
            at = np.nextafter(at, direction)
            found += at.tolist()
    return np.array(found)


MULTIPLES_OF_LN2 = math.log(2) * np.arange(-1076, 1025)
MIDDLES = math.log(2) * (np.arange(-60, 60) + 0.5)  # where exp goes from one power of two to the next
BOTH_SIGNS = np.concatenate([sign * _spread_over_exponents(-60, 10, 700) for sign in (1.0, -1.0)])
TINY = np.concatenate([sign * _spread_over_exponents(-1074, -60, 200) for sign in (1.0, -1.0)])

ARGUMENTS = {
    "exp": [
        BOTH_SIGNS,
        TINY,
        np.linspace(-746, 710, 3001),
        MULTIPLES_OF_LN2,
        _near(*MIDDLES),
        _near(709.78, -708.4, -745.1, 0.0),
    ],
    "log": [
        _spread_over_exponents(-1022, 1024, 3000),
        _near(1.0, math.sqrt(0.5), math.sqrt(2.0), 2.0, 0.5, SMALLEST_NORMAL),
        np.linspace(0.5, 2.0, 2001),
        SMALLEST * np.array([1.0, 2.0, 3.0, 12345.0, 2.0**50]),
        [LARGEST],
    ],
    "log1p_of_positive": [
        np.abs(BOTH_SIGNS),
        np.abs(TINY),
        _spread_over_exponents(0, 1024, 500),
        np.linspace(0.0, 3.0, 2001),
        _near(1.0, 2.0**52, 2.0**53, 2.0**-52, 2.0**-53),
        [SMALLEST, LARGEST],
    ],
    "logistic": [BOTH_SIGNS, TINY, np.linspace(-745, 745, 3001), _near(*MIDDLES), _near(-708.4, 36.7, -36.7)],
    "softplus": [BOTH_SIGNS, TINY, np.linspace(-745, 745, 3001), _near(*MIDDLES), _near(-708.4, 36.7, -36.7)],
    "tanh": [BOTH_SIGNS, TINY, np.linspace(-25, 25, 3001), _near(*MIDDLES), _near(19.06, 0.173, 0.347, 22.0)],
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_within_two_ulp_over_the_whole_range(name):
    x = np.concatenate(ARGUMENTS[name])
    got = FUNCTIONS[name](x)
    if name in FLUSHED:
        is_tiny = x < -708.3
        assert ((got[is_tiny] >= 0.0) & (got[is_tiny] < 2.0 * SMALLEST_NORMAL)).all()
        x, got = x[~is_tiny], got[~is_tiny]
    off = [twins.ulps_off(name, *pair) for pair in zip(x.tolist(), got.tolist(), strict=True)]
    worst = int(np.argmax(off))
    assert off[worst] <= MOST_ULPS.get(name, 2.0), f"{name}({x[worst]!r}) is {off[worst]} units off"


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("exp", INF, INF),
        ("exp", -INF, 0.0),
        ("exp", 0.0, 1.0),
        ("exp", -0.0, 1.0),
        ("exp", 709.79, INF),
        ("exp", LARGEST, INF),
        ("exp", -745.2, 0.0),
        ("exp", -745.0, SMALLEST),
        ("exp", -LARGEST, 0.0),
        ("log", 0.0, -INF),
        ("log", -0.0, -INF),
        ("log", 1.0, 0.0),
        ("log", INF, INF),
        ("log", -1.0, NAN),
        ("log", -SMALLEST, NAN),
        ("log", -INF, NAN),
        ("log1p_of_positive", 0.0, 0.0),
        ("log1p_of_positive", INF, INF),
        ("log1p_of_positive", SMALLEST, SMALLEST),
        ("logistic", INF, 1.0),
        ("logistic", -INF, 0.0),
        ("logistic", 0.0, 0.5),
        ("logistic", -0.0, 0.5),
        ("logistic", 800.0, 1.0),
        ("logistic", -800.0, 0.0),
        ("softplus", INF, INF),
        ("softplus", -INF, 0.0),
        ("softplus", 800.0, 800.0),
        ("softplus", LARGEST, LARGEST),
        ("tanh", INF, 1.0),
        ("tanh", -INF, -1.0),
        ("tanh", LARGEST, 1.0),
        ("tanh", -LARGEST, -1.0),
        ("tanh", 0.0, 0.0),
        ("tanh", -0.0, -0.0),
        ("tanh", SMALLEST, SMALLEST),
        ("tanh", -SMALLEST, -SMALLEST),
        ("tanh", SMALLEST_NORMAL, SMALLEST_NORMAL),
    ],
)
def test_ends_of_the_range(name, x, expected):
    got = FUNCTIONS[name]([x])[0]
    np.testing.assert_equal(got, expected)  # NaN is NaN here
    assert np.signbit(got) == np.signbit(expected) or math.isnan(expected)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_nan_stays_nan_in_every_lane(name):
    x = np.full(19, 0.5)
    for i in range(19):
        spoilt = x.copy()
        spoilt[i] = NAN
        assert np.flatnonzero(np.isnan(FUNCTIONS[name](spoilt))).tolist() == [i]


@pytest.mark.parametrize("name", ARGUMENTS)
def test_the_same_bits_in_every_lane_and_in_the_tail_of_a_loop(name):
    x = 0.7310585786300049
    for n in range(1, 20):
        assert len(set(FUNCTIONS[name](np.full(n, x)).tolist()) | set(FUNCTIONS[name]([x]).tolist())) == 1


@pytest.mark.parametrize("name", ["logistic", "tanh", "softplus", "exp", "log"])
def test_never_falls(name):
    start = 0.9 if name == "log" else -0.1
    x = start + np.arange(200_000) * 1e-6
    assert (np.diff(FUNCTIONS[name](x)) >= 0.0).all()
