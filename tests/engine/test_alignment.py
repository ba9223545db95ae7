"""Alignment of hidden units: a permuted copy comes back, and no order is nearer where all can be tried."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from engine import MLP, Dataset
from engine.alignment import _Search, align, barrier
from engine.perturbations import permuted


def data_for(net, n_samples=20):
    rng = np.random.default_rng(9)
    x = rng.standard_normal((n_samples, net.layer_sizes[0]))
    return Dataset(x, rng.integers(0, net.n_outputs, n_samples))


@pytest.mark.parametrize("sizes", [(3, 8, 2), (3, 8, 7, 2), (3, 6, 8, 5, 4, 2)])
@pytest.mark.parametrize("skip", [(), (1,)])
def test_a_permuted_copy_comes_back_number_for_number(sizes, skip):
    net, rng = MLP(sizes, "tanh", skip=skip), np.random.default_rng(1)
    theta = net.init("normal", seed=4, scale=1.0)
    other = theta
    for layer in range(1, net.n_hidden + 1):
        other = permuted(net, other, layer, rng.permutation(sizes[layer]))
    got = align(net, theta, other)
    assert np.array_equal(got.theta, theta)
    assert (got.distance, got.has_settled) == (0.0, True) and got.distance_before > 0.1


@pytest.mark.parametrize("way", ["from_input", "from_output"])
def test_a_copy_is_found_from_the_input_alone_and_from_the_output_alone(way):
    net, rng = MLP((3, 6, 8, 5, 2), "tanh", skip=(2,)), np.random.default_rng(3)
    theta = net.init("normal", seed=4, scale=1.0)
    other = theta
    for layer in (1, 2, 3):
        other = permuted(net, other, layer, rng.permutation(net.layer_sizes[layer]))
    search = _Search(net, theta, other)
    assert np.array_equal(search.result(getattr(search, way)(), 0, True).theta, theta)


def test_with_one_hidden_layer_no_order_is_nearer():
    net = MLP((2, 5, 2), "tanh", skip=(1,))
    theta, other = net.init("normal", seed=1, scale=1.0), net.init("normal", seed=2, scale=1.0)
    nearest = min(
        float(np.linalg.norm(permuted(net, other, 1, np.array(order)) - theta))
        for order in permutations(range(5))
    )
    got = align(net, theta, other)
    assert got.distance == pytest.approx(nearest, rel=1e-14)
    assert got.distance < got.distance_before


def test_with_more_layers_no_change_of_one_layer_is_nearer():
    net = MLP((2, 4, 5, 3, 2), "tanh", skip=(2,))
    theta, other = net.init("normal", seed=1, scale=1.0), net.init("normal", seed=2, scale=1.0)
    got = align(net, theta, other)
    assert got.has_settled
    for layer in (1, 2, 3):
        for order in permutations(range(net.layer_sizes[layer])):
            moved = permuted(net, got.theta, layer, np.array(order))
            assert np.linalg.norm(moved - theta) >= got.distance - 1e-12


def test_the_orders_lead_to_the_aligned_theta_and_the_function_stays():
    net = MLP((3, 6, 5, 3), "relu", skip=(1, 2))
    theta, other, data = net.init("normal", seed=1), net.init("normal", seed=2), data_for(net)
    got, moved = align(net, theta, other), other
    for layer, order in enumerate(got.orders, 1):
        assert sorted(order) == list(range(net.layer_sizes[layer]))
        moved = permuted(net, moved, layer, order)
    assert np.array_equal(moved, got.theta)
    assert np.allclose(net.logits(got.theta, data.x), net.logits(other, data.x), rtol=0, atol=1e-14)
    assert got.distance == pytest.approx(np.linalg.norm(got.theta - theta))


def test_a_search_that_is_cut_says_so_and_a_network_without_hidden_layers_is_aligned():
    net = MLP((3, 9, 9, 9, 2), "tanh")
    cut = align(net, net.init("normal", seed=1), net.init("normal", seed=2), max_rounds=1)
    assert (cut.n_rounds, cut.has_settled) == (1, False)
    flat = MLP((3, 2))
    got = align(flat, np.zeros(8), np.ones(8))
    assert (got.orders, got.has_settled, got.n_rounds) == ((), True, 0)


def test_the_barrier_to_a_permuted_copy_vanishes_with_alignment():
    net = MLP((2, 6, 2), "tanh")
    data, theta = data_for(net), net.init("normal", seed=0, scale=2.0)
    for _ in range(300):
        theta = theta - 0.5 * net.gradient(theta, data)
    other = permuted(net, theta, 1, np.roll(np.arange(6), 1))
    before = barrier(net, data, theta, other)
    assert before.height > 0.05 and 0 < before.at < 1
    assert barrier(net, data, theta, align(net, theta, other).theta).height == pytest.approx(0.0, abs=1e-12)


def test_the_barrier_is_the_excess_over_the_line_between_the_ends():
    net = MLP((2, 3, 2), "tanh")
    data, theta, other = (
        data_for(net),
        net.init("normal", seed=1, scale=2.0),
        net.init("normal", seed=2, scale=1.0),
    )
    got = barrier(net, data, theta, other, n_points=9)
    losses = [net.loss(theta + s * (other - theta), data) for s in got.shares]
    excess = [loss - (1 - s) * losses[0] - s * losses[-1] for s, loss in zip(got.shares, losses, strict=True)]
    assert np.allclose(got.loss, losses, rtol=1e-11)
    assert got.height == pytest.approx(max([0.0, *excess[1:-1]]), rel=1e-9, abs=1e-12)
    assert got.n_errors[0] == net.n_errors(theta, data)


def test_a_convex_loss_has_no_barrier_and_one_that_overflows_an_infinite_one():
    net = MLP((2, 2))
    got = barrier(net, data_for(net), np.zeros(6), np.arange(6.0))
    assert (got.height, got.at) == (0.0, 0.0)
    squared = MLP((1, 2, 1), "identity", loss="squared")
    data = Dataset([[1.0]], [0])
    huge = np.array(
        [1e160, 0, 0, 0, 0, 1e160, 0]
    )  # the product of both weights is large between the ends only
    assert barrier(squared, data, np.array([0, 0, 0, 0, 0, 0, 0.0]), huge, 5).height == 0.0
    crossed = barrier(
        squared, data, np.array([1e160, 0, 0, 0, 0, 0, 0]), np.array([0, 0, 0, 0, 1e160, 0, 0]), 5
    )
    assert crossed.height == np.inf


def test_bad_arguments_get_one_sentence():
    net = MLP((2, 3, 2))
    with pytest.raises(ValueError, match=r"^other must have shape \(17,\)"):
        align(net, np.zeros(17), np.zeros(16))
    with pytest.raises(ValueError, match="n_points must be a whole number of at least 3"):
        barrier(net, data_for(net), np.zeros(17), np.zeros(17), n_points=2)
