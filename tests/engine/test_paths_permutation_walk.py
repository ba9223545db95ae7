"""The permutation walk: it starts and ends at permuted copies, and the two units are held at their distance."""

from __future__ import annotations

import numpy as np
import pytest

from engine import MLP, Dataset
from engine.paths.pairs import incoming
from engine.paths.permutation_walk import iter_permutation_walk, permutation_walk
from engine.perturbations import permuted


def problem(skip=()):
    net, random = MLP((2, 3, 2), "tanh", skip=skip), np.random.default_rng(0)
    data = Dataset(random.standard_normal((40, 2)), random.integers(0, 2, 40))
    return net, data, net.init("normal", seed=1, scale=1.0)


@pytest.mark.parametrize("skip", [(), (1,)])
def test_it_leads_to_the_copy_with_the_two_units_exchanged(skip):
    net, data, theta = problem(skip)
    walk = permutation_walk(net, data, theta, first=0, second=2, n_stages=5, n_steps=20)
    assert walk.is_whole and (walk.thetas[0] == theta).all()
    assert (walk.thetas[-1] == permuted(net, theta, 1, np.array([2, 1, 0]))).all()
    for point in walk.thetas[[0, 2, 5, -3, -1]]:
        assert net.loss(point, data) == walk.loss[(walk.thetas == point).all(axis=1).argmax()]
    assert walk.loss[-1] == pytest.approx(walk.loss[0], rel=1e-14)


def test_the_distance_falls_in_equal_stages_to_0_and_grows_back():
    net, data, theta = problem()
    walk = permutation_walk(net, data, theta, n_stages=5, n_steps=20)
    first = walk.distances[0]
    assert walk.merged == 5
    assert walk.distances[:6] == pytest.approx(first * np.linspace(1.0, 0.0, 6), abs=1e-12)
    assert (walk.distances[5:26] == 0.0).all()
    assert walk.distances[25:] == pytest.approx(first * np.linspace(0.0, 1.0, 6), abs=1e-12)


def test_where_the_units_coincide_the_loss_is_constant_and_the_gradient_0():
    net, data, theta = problem()
    data = Dataset(data.x, data.y, targets=net.logits(theta, data.x)[:, 0])
    net = MLP((2, 3, 1), "tanh", "squared")
    theta = net.init("normal", seed=1, scale=1.0)
    walk = permutation_walk(net, data, theta)
    valley = slice(walk.merged, walk.merged + 21)
    assert np.ptp(walk.loss[valley]) < 1e-14
    assert max(np.linalg.norm(net.gradient(point, data)) for point in walk.thetas[valley]) < 1e-6


def test_steps_go_down_while_the_distance_is_held():
    net, data, theta = problem()
    few, many = (permutation_walk(net, data, theta, n_stages=5, n_steps=n, n_last_steps=0) for n in (0, 200))
    assert (many.loss[1:6] < few.loss[1:6]).all()


def test_the_straight_line_is_the_one_between_the_ends():
    net, data, theta = problem()
    walk = permutation_walk(net, data, theta, n_stages=2, n_steps=1, n_last_steps=0, n_straight=5)
    end = permuted(net, theta, 1, np.array([1, 0, 2]))
    wanted = [net.loss(theta + share * (end - theta), data) for share in walk.straight_shares]
    assert walk.straight_loss == pytest.approx(wanted, rel=1e-12)
    assert walk.straight_height == max(walk.straight_loss) - walk.straight_loss[0]


def test_it_can_be_left_at_any_time():
    net, data, theta = problem()
    answers = iter_permutation_walk(net, data, theta, n_steps=250)
    shares = [next(answers)[0] for _ in range(3)]
    assert shares == sorted(shares) and shares[-1] < 1.0
    answers.close()


def test_the_places_of_a_units_inputs():
    net, _, theta = problem()
    weights, bias = net.layers(theta)[0]
    assert theta[incoming(net, 1, 2)].tolist() == [*weights[:, 2], bias[2]]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"layer": 2}, "layer must be a whole number from 1 to 1"),
        ({"first": 3}, "first must be a whole number from 0 to 2"),
        ({"second": 0}, "second must be another unit than first, not 0 too"),
        ({"n_stages": 0}, "n_stages must be a whole number of at least 1"),
        ({"learning_rate": 0.0}, "learning_rate must be a finite number above 0"),
    ],
)
def test_bad_arguments_are_named(options, sentence):
    net, data, theta = problem()
    with pytest.raises(ValueError, match=sentence):
        permutation_walk(net, data, theta, **options)


def test_a_descent_that_diverges_says_so():
    net = MLP((1, 2, 1), "identity", "squared")
    data = Dataset([[1.0], [2.0]], [0, 1])
    with (
        pytest.raises(ValueError, match="the descent diverged"),
        np.errstate(over="ignore", invalid="ignore"),
    ):
        permutation_walk(net, data, net.init("normal", seed=0, scale=1.0), learning_rate=100.0)


def test_a_network_without_hidden_layer_is_refused():
    net = MLP((2, 2))
    with pytest.raises(ValueError, match="net must have a hidden layer"):
        permutation_walk(net, problem()[1], net.init("normal"))
