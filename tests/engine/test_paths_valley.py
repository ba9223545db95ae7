"""The valley walker: where it arrives, that it never rises, what stays constant on the way, and why it is stuck."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine.datasets import Dataset
from engine.mlp import MLP
from engine.paths.valley import STAGES, iter_valley_walk, walk_valley
from engine.rank import features, numerical_rank

N_SAMPLES = 12


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    return Dataset(rng.standard_normal((N_SAMPLES, 3)), np.arange(N_SAMPLES) % 3, "small", 3)


def net_of(activation="tanh", hidden=(8, 7), skip=(1,)):
    return MLP((3, *hidden, 3), activation, skip=skip)


def starts(net):
    return {
        "random": net.init("glorot_uniform", 1),
        "far": 5.0 * net.init("glorot_uniform", 2),
        "zero": np.zeros(net.n_params),
        "equal": net.init("constant", value=0.3),
    }


def never_rises(net, data, walk, n_positions=400):
    """Look between the walk's own points, too."""
    positions = np.linspace(0.0, len(walk.stages), n_positions)
    losses = np.array([net.loss(walk.at(position), data) for position in positions])
    return np.all(losses[1:] <= np.minimum.accumulate(losses)[:-1] * (1.0 + 1e-12))


@pytest.mark.parametrize("activation", ["logistic", "tanh", "softplus", "erf"])
@pytest.mark.parametrize("name", ["random", "far", "zero", "equal"])
def test_it_arrives_from_anywhere_and_never_rises(data, activation, name):
    net = net_of(activation)
    walk = walk_valley(net, data, starts(net)[name], target=1e-6)
    assert walk.reason == "" and walk.loss[-1] <= 1e-6 and walk.n_errors[-1] == 0
    assert walk.largest_rise <= 1e-12 and walk.slope < 0.0
    assert never_rises(net, data, walk)


@pytest.mark.parametrize("skip", [(1,), (2,), (1, 2), ()])
def test_all_ways_of_wiring(data, skip):
    net = net_of(hidden=(6, 14), skip=skip)
    walk = walk_valley(net, data, net.init("glorot_uniform", 3), target=1e-6)
    assert walk.reason == "" and walk.n_errors[-1] == 0
    assert never_rises(net, data, walk)


def test_the_numbers_are_those_of_the_points(data):
    net = net_of()
    walk = walk_valley(net, data, net.init("constant", value=0.3), target=1e-3)
    for k in (0, 7, 25, -1):
        theta = walk.at(walk.position[k])
        assert walk.loss[k] == pytest.approx(net.loss(theta, data), rel=1e-12)
        assert walk.n_errors[k] == net.n_errors(theta, data)
    gaps = np.linalg.norm(np.diff(walk.corners, axis=0), axis=1)
    assert walk.length[-1] == pytest.approx(gaps.sum())
    assert np.array_equal(walk.at(0.0), walk.corners[0])
    assert np.array_equal(walk.at(len(walk.stages)), walk.corners[-1])


def test_equal_units_are_gathered_and_freed_at_a_constant_function(data):
    net = net_of()
    walk = walk_valley(net, data, net.init("constant", value=0.3))
    assert walk.stages[:3] == ("gather", "free", "ray")
    assert (walk.rank_at_start, walk.rank) == (2, N_SAMPLES)  # a unit's worth in each of two layers
    logits = [net.logits(walk.at(position), data.x) for position in (0.0, 0.4, 1.0, 1.3, 1.8, 2.0)]
    for one in logits[1:3]:
        assert np.abs(one - logits[0]).max() < 1e-13
    for one in logits[3:]:
        assert np.array_equal(one, logits[2])  # what is mute cannot change a bit
    assert set(walk.stages) <= set(STAGES)


def test_the_ray_raises_the_right_logits_and_no_others(data):
    net = net_of()
    walk = walk_valley(net, data, net.init("glorot_uniform", 1))
    assert set(walk.stages) == {"ray"}
    change = net.logits(walk.corners[-1], data.x) - net.logits(walk.corners[0], data.x)
    right = np.eye(3)[data.y] * change.max()
    assert np.abs(change - right).max() < 1e-9 * change.max()
    assert walk.largest_residual < 1e-12


def test_it_leaves_where_dead_units_hold_gradient_descent(data):
    net = MLP((3, 40, 3), "relu")
    theta = net.init("he_normal", 0)
    net.layers(theta)[0][1][:] = -100.0
    assert np.all(net.gradient(theta, data)[~net.trained("output")] == 0.0)
    walk = walk_valley(net, data, theta, target=1e-6)
    assert walk.reason == "" and walk.rank_at_start == 0
    assert never_rises(net, data, walk)


def test_too_few_units_are_said_and_it_does_not_rise(data):
    net = net_of(hidden=(4, 5), skip=(1,))
    walk = walk_valley(net, data, net.init("glorot_uniform", 1))
    assert walk.reason == "Only 9 units are wired to the output, fewer than the 12 samples."
    assert walk.stages == ("partial_ray",)
    assert walk.loss[-1] > 1e-3 and walk.largest_rise <= 1e-12
    assert never_rises(net, data, walk)


def test_samples_that_contradict_each_other_are_no_match(data):
    x, y = data.x.copy(), data.y.copy()
    x[1] = x[0]
    torn, net = Dataset(x, y, "torn", 3), net_of()
    walk = walk_valley(net, torn, net.init("glorot_uniform", 1))
    assert walk.reason == "The values of the 15 units wired to the output have rank 11, below 12."
    assert walk.n_errors[-1] >= 1 and walk.loss[-1] >= 2 * np.log(2) / N_SAMPLES


def test_rank_is_that_of_the_features(data):
    net = net_of()
    theta = net.init("constant", value=0.3)
    walk = walk_valley(net, data, theta)
    assert walk.rank_at_start == numerical_rank(features(net, data, theta)).rank
    assert walk.rank == numerical_rank(features(net, data, walk.corners[-1])).rank


def test_it_tells_how_far_it_is_and_can_be_left(data):
    net = net_of()
    theta = net.init("constant", value=0.3)
    shares = [share for share, _ in iter_valley_walk(net, data, theta, n_points=5)]
    assert shares == sorted(shares) and shares[-1] == 1.0
    some = iter_valley_walk(net, data, theta)
    _, walk = next(some)
    some.close()
    assert walk.stages == ("gather",) and len(walk.loss) == 2 and np.isnan(walk.slope)


def test_the_start_is_left_alone(data):
    net = net_of()
    theta = net.init("glorot_uniform", 1)
    before = theta.copy()
    walk_valley(net, data, theta)
    assert np.array_equal(theta, before)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": 0.0}, "target must be a finite number above 0"),
        ({"n_points": 0}, "n_points must be a whole number of at least 1"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
    ],
)
def test_bad_options(data, options, words):
    net = net_of()
    with pytest.raises(ValueError, match=words):
        walk_valley(net, data, np.zeros(net.n_params), **options)


def test_bad_networks(data):
    no_loss = "needs the cross-entropy as its loss, and this network has the quadratic loss"
    no_layer = "needs a hidden layer, and this network has none"
    for net, words in (
        (MLP((3, 5, 3), loss="quadratic"), f"valley {no_loss}"),
        (MLP((3, 3)), f"valley {no_layer}"),
        (MLP((3, 3), loss="quadratic"), f"valley {no_loss}; it {no_layer}"),
    ):
        with pytest.raises(ValueError, match=rf"^A walk down a {words}\.$"):
            walk_valley(net, data, np.zeros(net.n_params))
    net = net_of()
    with pytest.raises(ValueError, match="theta must hold finite numbers only"):
        walk_valley(net, data, np.full(net.n_params, np.nan))
    with pytest.raises(ValueError, match="takes at most 5,000 samples, and here are 5,001"):
        many = Dataset(np.zeros((5001, 3)), np.zeros(5001, dtype=int), n_classes=3)
        walk_valley(net, many, np.zeros(net.n_params))


def test_digits_from_wrong_labels():
    data = engine.load_dataset("digits").first(40)
    net = MLP((64, 30, 30, 10), "logistic", skip=(1,))
    wrong = Dataset(data.x, (data.y + 1) % 10, n_classes=10)
    run = engine.Trainer(net, wrong, net.init("glorot_uniform", 0), 0.5)
    run.step(300)
    walk = walk_valley(net, data, run.theta)
    assert walk.n_errors[0] > 35 and walk.n_errors[-1] == 0 and walk.loss[-1] <= 1e-9
    assert walk.largest_rise <= 1e-12
