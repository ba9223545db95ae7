"""The channel detector on channels that are made by hand, and along a flow."""

from __future__ import annotations

import numpy as np
import pytest

from engine import MLP, Dataset, load_dataset
from engine.paths.flat_channel import follow_channel, measure_channel, nearest_channel

NET = MLP((1, 2, 1), "tanh", "squared")


def pair(gap, weight=0.8, gated=2.0, total=-1.0, flip=1.0, net=NET):
    """Two units that differ by gap in weight and in bias, with a gated part of that size."""
    theta = np.zeros(net.n_params)
    (weights, bias), (out, _) = net.layers(theta)
    norm = gated / gap
    weights[0, :2] = weight + 0.5 * gap, flip * (weight - 0.5 * gap)
    bias[:2] = 0.3 + 0.5 * gap, flip * (0.3 - 0.5 * gap)
    out[:2, 0] = 0.5 * total + norm, flip * (0.5 * total - norm)
    return theta


def test_the_numbers_of_a_channel():
    found = measure_channel(NET, load_dataset("wave"), pair(0.1))
    assert found.distance == pytest.approx(0.1 * np.sqrt(2.0))
    assert found.norm == pytest.approx(20.0) and found.total == pytest.approx(1.0)
    assert found.cosine == -1.0 and found.sign == 1.0
    assert found.gated_size == pytest.approx(2.0 * np.sqrt(2.0))


def test_the_pair_becomes_a_gated_linear_unit_with_an_error_of_second_order():
    data = load_dataset("wave")
    errors = [measure_channel(NET, data, pair(gap)).gated_error for gap in (0.2, 0.1, 0.05)]
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.1)


def test_a_unit_with_all_signs_changed_is_the_same_unit():
    data = load_dataset("wave")
    one, other = (measure_channel(NET, data, pair(0.1, flip=flip)) for flip in (1.0, -1.0))
    assert other.sign == -1.0
    for name in ("distance", "norm", "cosine", "total", "share", "gated_error"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-6), name
    logistic = MLP((1, 2, 1), "logistic", "squared")
    assert measure_channel(logistic, data, pair(0.1, flip=-1.0, net=logistic)).sign == 1.0


def test_the_share_is_that_of_the_direction_that_drives_the_output_weights_apart():
    data, theta = load_dataset("wave"), pair(0.3)
    direction = np.zeros(NET.n_params)
    NET.layers(direction)[1][0][:, 0] = 1.0 / np.sqrt(2.0), -1.0 / np.sqrt(2.0)
    gradient, found = NET.gradient(theta, data), measure_channel(NET, data, theta)
    along = float(direction @ gradient)
    assert found.share == pytest.approx(along**2 / float(gradient @ gradient), rel=1e-12)
    assert found.driven_apart == (along < 0.0)


def test_of_three_units_the_two_in_the_channel_are_found():
    net = MLP((1, 3, 1), "tanh", "squared")
    theta = pair(0.1, net=net)
    net.layers(theta)[0][0][0, 2], net.layers(theta)[1][0][2] = 0.79, 1.0
    found = nearest_channel(net, load_dataset("wave"), theta)
    assert (found.first, found.second) == (0, 1)


def test_along_the_flow_the_pair_runs_down_the_channel():
    theta = NET.init("normal", seed=1, scale=1.0)
    track = follow_channel(NET, load_dataset("wave"), theta, [0.0, 1e3, 1e4, 1e5])
    last = track.channels[-1]
    assert len(track.channels) == 4 and not track.reason
    assert [one.norm for one in track.channels] == sorted(one.norm for one in track.channels)
    assert last.share > 0.99 and last.driven_apart and last.distance < 0.5
    assert (np.diff(track.loss) < 0.0).all() and np.isfinite(track.sharpness).all()


def test_bad_arguments_are_named():
    data, theta = load_dataset("wave"), pair(0.1)
    with pytest.raises(ValueError, match="second must be a whole number from 0 to 1"):
        measure_channel(NET, data, theta, second=2)
    with pytest.raises(ValueError, match="layer must be a whole number from 1 to 1"):
        measure_channel(NET, data, theta, layer=2)
    single = MLP((1, 1, 1), "tanh", "squared")
    with pytest.raises(ValueError, match="at least 2 units"):
        nearest_channel(single, data, single.init("normal"))
    flat = MLP((1, 1), "tanh", "squared")
    with pytest.raises(ValueError, match="net must have a hidden layer"):
        measure_channel(flat, Dataset([[0.0]], [0]), np.zeros(2))
