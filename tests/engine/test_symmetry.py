"""Distances and groups of hidden units against loops over every pair and every number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import symmetry
from engine.mlp import MLP

NETS = [
    MLP((5, 4, 3)),
    MLP((2, 1, 2)),
    MLP((3, 4, 5, 2), skip=(1,)),
    MLP((3, 4, 5, 2), skip=(2, 1)),
    MLP((4, 3, 1), loss="squared"),
]


def slow_units(net: MLP, theta: Any, layer: int) -> list[list[float]]:
    """Return the parameters of each unit, one number after the other."""
    weights, bias = net.layers(theta)[layer - 1]
    outgoing = net.layers(theta)[layer][0]
    units = []
    for unit in range(net.layer_sizes[layer]):
        row = [weights[i, unit] for i in range(net.layer_sizes[layer - 1])]
        row.append(bias[unit])
        row.extend(outgoing[unit, k] for k in range(net.layer_sizes[layer + 1]))
        if layer in net.skip:
            skip = net.skip_weights(theta)[net.skip.index(layer)]
            row.extend(skip[unit, k] for k in range(net.n_outputs))
        units.append([float(number) for number in row])
    return units


def slow_distance(a: list[float], b: list[float]) -> float:
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("net", NETS)
def test_unit_parameters_are_what_a_loop_collects(net: MLP) -> None:
    theta = net.init("normal", seed=1)
    for layer in range(1, net.n_hidden + 1):
        assert symmetry.unit_parameters(net, theta, layer).tolist() == slow_units(net, theta, layer)


@pytest.mark.parametrize("net", NETS)
def test_spread_is_the_largest_distance_of_a_slow_loop(net: MLP) -> None:
    theta = net.init("normal", seed=2)
    expected = 0.0
    for layer in range(1, net.n_hidden + 1):
        units = slow_units(net, theta, layer)
        expected = max([expected, *(slow_distance(a, b) for a in units for b in units)])
    assert symmetry.spread(net, theta) == expected


@pytest.mark.parametrize("n_units", range(1, 18))
def test_distances_are_those_of_a_slow_loop(n_units: int) -> None:
    units = np.random.default_rng(n_units).standard_normal((n_units, 7))
    got = symmetry.unit_distances(units)
    assert got.tolist() == [[slow_distance(a, b) for b in units.tolist()] for a in units.tolist()]


def test_one_bit_makes_two_units_different() -> None:
    units = np.full((4, 5), 0.1)
    units[2, 3] = np.nextafter(0.1, 1.0)
    distances = symmetry.unit_distances(units)
    assert symmetry.n_distinct(units) == 2
    assert symmetry.groups(units).tolist() == [0, 0, 1, 0]
    assert distances[0, 2] == distances[2, 0] == units[2, 3] - 0.1
    assert distances[0, 1] == 0.0


def test_zero_with_either_sign_is_the_same_number() -> None:
    units = np.array([[0.0, 1.0], [-0.0, 1.0]])
    assert symmetry.n_distinct(units) == 1
    assert symmetry.unit_distances(units).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_a_difference_below_the_smallest_normal_number_is_not_zero() -> None:
    units = np.array([[0.0], [5e-324]])
    assert symmetry.unit_distances(units)[0, 1] == 5e-324
    assert symmetry.n_distinct(units) == 2


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([0.0, -0.0, 1.0, 1.5]), min_size=2, max_size=2), min_size=1, max_size=9)
)
def test_groups_number_equal_rows_by_first_appearance(rows: list[list[float]]) -> None:
    seen: list[list[float]] = []
    expected = []
    for row in rows:
        if row not in seen:
            seen.append(row)
        expected.append(seen.index(row))
    units = np.array(rows)
    assert symmetry.groups(units).tolist() == expected
    assert symmetry.n_distinct(units) == len(seen)


def test_numbers_at_the_end_of_the_range_give_infinity_and_no_warning() -> None:
    net = MLP((1, 2, 2))
    theta = np.zeros(net.n_params)
    net.layers(theta)[0][0][0] = [1.7e308, -1.7e308]
    assert symmetry.spread(net, theta) == np.inf


@pytest.mark.parametrize("layer", [0, 2, -1])
def test_a_layer_that_is_not_there_is_refused(layer: int) -> None:
    net = NETS[0]
    with pytest.raises(ValueError, match="layer must be a whole number from 1 to 1"):
        symmetry.unit_parameters(net, net.init("normal"), layer)
