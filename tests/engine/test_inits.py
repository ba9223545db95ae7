"""Starts: the law of each, its seed, and where biases stand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.config import INIT_NAMES
from engine.inits import INITS
from engine.mlp import MLP

NET = MLP((120, 80, 50, 10), "tanh", skip=(2, 1))
FANS = [(120, 80), (80, 50), (50, 10), (50, 10), (80, 10)]  # of the layers, then of the skips in their order


def matrices(name, **options):
    theta = NET.init(name, **options)
    return [weights for weights, _ in NET.layers(theta)] + NET.skip_weights(theta)


def assert_normal(weights: np.ndarray, sigma: float) -> None:
    """Check mean, variance and tails within five standard errors."""
    values = weights.ravel() / sigma
    assert abs(values.mean()) < 5 / math.sqrt(values.size)
    assert abs((values**2).mean() - 1) < 5 * math.sqrt(2 / values.size)
    assert abs((abs(values) > 1).mean() - 0.3173) < 5 * math.sqrt(0.3173 * 0.6827 / values.size)


def test_every_name_is_there():
    assert (*INITS, "witness") == INIT_NAMES  # a witness has a start of its own


def test_glorot_uniform():
    for weights, (fan_in, fan_out) in zip(matrices("glorot_uniform", seed=3), FANS, strict=True):
        limit = math.sqrt(6 / (fan_in + fan_out))
        values = weights.ravel() / limit
        assert 0.97 < abs(values).max() <= 1.0
        assert abs(values.mean()) < 5 / math.sqrt(3 * values.size)
        assert abs((abs(values) < 0.5).mean() - 0.5) < 5 * 0.5 / math.sqrt(values.size)


def test_glorot_normal():
    for weights, (fan_in, fan_out) in zip(matrices("glorot_normal", seed=3), FANS, strict=True):
        assert_normal(weights, math.sqrt(2 / (fan_in + fan_out)))


def test_he_normal():
    for weights, (fan_in, _) in zip(matrices("he_normal", seed=3), FANS, strict=True):
        assert_normal(weights, math.sqrt(2 / fan_in))


def test_normal_has_the_scale_that_was_asked_for():
    for scale in (0.01, 2.0):
        for weights in matrices("normal", seed=3, scale=scale):
            assert_normal(weights, scale)
    assert not NET.init("normal", scale=0.0).any()


def test_the_law_that_is_checked_tells_the_others_apart():
    weights = matrices("he_normal", seed=3)[0]
    with pytest.raises(AssertionError):
        assert_normal(weights, math.sqrt(2 / 200))


def test_constant_is_every_parameter():
    assert (NET.init("constant", value=0.25) == 0.25).all()
    assert (NET.init("constant", value=-3) == -3.0).all()


@pytest.mark.parametrize("name", [name for name in INITS if name != "constant"])
def test_biases_start_at_zero_and_weights_do_not(name):
    theta = NET.init(name, seed=1)
    assert all(not bias.any() and weights.all() for weights, bias in NET.layers(theta))
    assert all(weights.all() for weights in NET.skip_weights(theta))


@pytest.mark.parametrize("name", [name for name in INITS if name != "constant"])
def test_the_seed_decides_every_bit(name):
    assert NET.init(name, seed=4).tolist() == NET.init(name, seed=4).tolist()
    assert (NET.init(name, seed=4) != NET.init(name, seed=5)).mean() > 0.9
    assert NET.init(name).tolist() == NET.init(name, seed=0).tolist()


def test_layers_are_drawn_independently():
    first, second = matrices("normal", seed=0)[-2:]
    assert not np.isin(first, second).any()


@pytest.mark.parametrize("name", INITS)
def test_a_start_is_a_fresh_writeable_vector(name):
    theta = NET.init(name)
    assert theta.shape == (NET.n_params,) and theta.dtype == np.float64 and theta.flags.writeable
    theta[:] = 9.0
    assert NET.init(name)[0] != 9.0


@pytest.mark.parametrize(
    ("options", "error", "name"),
    [
        ({"name": "xavier"}, ValueError, "init must be one of glorot_uniform, .* not 'xavier'"),
        ({"name": None}, TypeError, "init"),
        ({"name": "normal", "seed": -1}, ValueError, "seed must be .* at least 0, not -1"),
        ({"name": "normal", "seed": 0.5}, TypeError, "seed"),
        ({"name": "normal", "seed": True}, TypeError, "seed"),
        ({"name": "normal", "scale": -0.1}, ValueError, "scale must be .* at least 0, not -0.1"),
        ({"name": "normal", "scale": math.nan}, ValueError, "scale"),
        ({"name": "constant", "value": math.inf}, ValueError, "value"),
        ({"name": "constant", "value": "1"}, TypeError, "value"),
    ],
)
def test_bad_arguments_are_named(options, error, name):
    with pytest.raises(error, match=name):
        NET.init(**options)
