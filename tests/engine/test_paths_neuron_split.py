"""The neuron-split line: the same function all along, and stationary where the smaller network is."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

from engine import MLP, Dataset
from engine.paths.neuron_split import split, split_line


def problem(skip=()):
    net, random = MLP((2, 3, 2, 2), "tanh", skip=skip), np.random.default_rng(0)
    data = Dataset(random.standard_normal((40, 2)), random.integers(0, 2, 40))
    return net, data, net.init("normal", seed=1, scale=0.8)


@pytest.mark.parametrize("skip", [(), (1,)])
@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("share", [-2.0, 0.0, 0.3, 1.0, 4.0])
def test_the_function_stays_the_same(skip, layer, share):
    net, data, theta = problem(skip)
    wider, moved = split(net, theta, layer, 1, share)
    assert wider.layer_sizes[layer] == net.layer_sizes[layer] + 1
    assert wider.logits(moved, data.x) == pytest.approx(net.logits(theta, data.x), rel=1e-12, abs=1e-12)


def test_unit_and_copy_share_the_output_weights():
    net, _, theta = problem()
    wider, moved = split(net, theta, 1, 1, 0.25)
    before, after = net.layers(theta)[1][0], wider.layers(moved)[1][0]
    assert (after[1] == 0.25 * before[1]).all() and (after[3] == 0.75 * before[1]).all()
    assert (after[[0, 2]] == before[[0, 2]]).all()


def test_at_a_stationary_point_the_gradient_is_0_all_along_and_there_is_a_way_down():
    net, random = MLP((1, 1, 1), "tanh", "squared"), np.random.default_rng(0)
    x = random.uniform(-2.0, 2.0, (30, 1))
    data = Dataset(x, np.zeros(30, dtype=int), targets=np.sin(2.0 * x[:, 0]) + 0.3 * x[:, 0] + 0.2)
    start = net.init("normal", seed=0, scale=1.0)
    theta = scipy.optimize.minimize(
        lambda t: (net.loss(t, data), net.gradient(t, data)), start, jac=True, options={"gtol": 1e-9}
    ).x
    line = split_line(net, data, theta, shares=[-0.5, 0.5, 1.5], with_curvature=True)
    assert line.loss == pytest.approx(np.full(3, net.loss(theta, data)), rel=1e-14)
    assert (line.gradient_norm < 1e-7).all()
    assert line.lowest_curvature.min() < -1e-5


def test_elsewhere_the_gradient_is_not_0_and_parts_come_one_by_one():
    net, data, theta = problem()
    line = split_line(net, data, theta, unit=2)
    assert line.shares[0] == -1.0 and line.shares[-1] == 2.0 and len(line.shares) == 31
    assert (line.gradient_norm > 1e-3).all() and np.isnan(line.lowest_curvature).all()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"layer": 3}, "layer must be a whole number from 1 to 2"),
        ({"unit": 3}, "unit must be a whole number from 0 to 2"),
        ({"shares": []}, "shares must be a list of at least one number"),
        ({"shares": [np.nan]}, "share must be a finite number"),
    ],
)
def test_bad_arguments_are_named(options, sentence):
    net, data, theta = problem()
    with pytest.raises(ValueError, match=sentence):
        split_line(net, data, theta, **options)


def test_noise_is_refused():
    net, data, theta = problem()
    with pytest.raises(ValueError, match="noise must be 0"):
        split_line(net, data.with_noise(0.1), theta)
