"""Kicks: what each moves, what it leaves alone, and those that keep the loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
import twins

import engine
from engine.datasets import Dataset
from engine.mlp import MLP
from engine.perturbations import PERTURBATION_TABLE, PERTURBATIONS, permuted, perturb
from engine.symmetry import unit_parameters

NETS = {
    "one hidden layer": MLP((3, 5, 4), "tanh"),
    "one unit": MLP((3, 1, 4), "softplus"),
    "three layers and skips": MLP((3, 4, 6, 2, 4), ("logistic", "tanh", "erf"), "quadratic", (3, 1)),
    "squared": MLP((3, 4, 3, 1), "relu", "squared", (1, 2)),
}
KEEPERS = [name for name, kick in PERTURBATION_TABLE.items() if kick.keeps_loss]


def make_data() -> Dataset:
    rng = np.random.default_rng(5)
    return Dataset(rng.standard_normal((40, 3)), rng.integers(0, 4, 40), targets=rng.standard_normal(40))


def make_theta(net: MLP) -> np.ndarray:
    return net.init("glorot_normal", 7) + 0.2 * np.random.default_rng(8).standard_normal(net.n_params)


def all_options(net: MLP, name: str):
    """Every layer and unit that a kick can be told."""
    kick = {option.name for option in PERTURBATION_TABLE[name].options}
    for layer in range(1, net.n_hidden + 1 if "layer" in kick else 2):
        for unit in range(net.layer_sizes[layer] if "unit" in kick else 1):
            yield {key: value for key, value in (("layer", layer), ("unit", unit)) if key in kick}


def test_the_registry():
    assert engine.PERTURBATIONS == PERTURBATIONS == tuple(PERTURBATION_TABLE)
    assert {"noise", "break_symmetry", "permute", "duplicate", "reset_unit"} <= set(PERTURBATIONS)
    assert {"permute", "duplicate"} <= set(KEEPERS)
    for name, kick in PERTURBATION_TABLE.items():
        assert kick.name == name and kick.title and kick.explanation.endswith(".")


@pytest.mark.parametrize("net", NETS.values(), ids=list(NETS))
@pytest.mark.parametrize("name", KEEPERS)
def test_those_that_keep_the_loss_keep_every_output(name, net):
    theta, data = make_theta(net), make_data()
    before = np.array(twins.logits(net, theta, data.x))
    for options in all_options(net, name):
        wider, moved = perturb(net, theta, name, options)
        np.testing.assert_allclose(wider.logits(moved, data.x), before, rtol=1e-12, atol=1e-13)
        assert wider.loss(moved, data) == pytest.approx(net.loss(theta, data), rel=1e-13)


@pytest.mark.parametrize("name", [name for name in PERTURBATIONS if name not in KEEPERS])
def test_the_others_do_not(name):
    net, data = NETS["one hidden layer"], make_data()
    theta = make_theta(net)
    same_net, moved = perturb(net, theta, name, {})
    assert same_net is net
    assert abs(net.loss(moved, data) - net.loss(theta, data)) > 1e-9


@pytest.mark.parametrize("net", NETS.values(), ids=list(NETS))
@pytest.mark.parametrize("name", PERTURBATIONS)
def test_theta_itself_is_left_alone(name, net):
    theta = make_theta(net)
    kept = theta.copy()
    theta.flags.writeable = False
    for options in all_options(net, name):
        wider, moved = perturb(net, theta, name, options)
        assert moved.shape == (wider.n_params,) and not np.shares_memory(moved, theta)
        assert moved.flags.writeable and moved.dtype == np.float64
    np.testing.assert_array_equal(theta, kept)


@pytest.mark.parametrize("name", [name for name in PERTURBATIONS if name != "duplicate"])
def test_the_seed_decides_every_bit(name):
    net = NETS["three layers and skips"]
    theta = make_theta(net)
    first, again, other = (perturb(net, theta, name, {"seed": seed})[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_noise_is_normal_with_the_strength_that_was_asked_for():
    net = MLP((100, 60, 4))
    for scale in (1e-3, 2.0):
        kick = (perturb(net, np.zeros(net.n_params), "noise", {"scale": scale, "seed": 3})[1]) / scale
        assert abs(kick.mean()) < 5 / math.sqrt(kick.size)
        assert abs(kick.std() - 1) < 5 / math.sqrt(2 * kick.size)
        assert (kick != 0).all()
    np.testing.assert_array_equal(perturb(net, np.ones(net.n_params), "noise", {"scale": 0})[1], 1.0)


def test_break_symmetry_moves_the_input_weights_of_one_unit_by_the_strength():
    net = NETS["three layers and skips"]
    theta = make_theta(net)
    for options in all_options(net, "break_symmetry"):
        moved = perturb(net, theta, "break_symmetry", {**options, "scale": 0.25})[1]
        expected = np.zeros(net.n_params)
        net.layers(expected)[options["layer"] - 1][0][:, options["unit"]] = 1.0
        assert ((moved != theta) == (expected != 0)).all()
        assert np.linalg.norm(moved - theta) == pytest.approx(0.25, rel=1e-12)


def test_permuting_moves_whole_units():
    net, order = NETS["three layers and skips"], np.array([3, 0, 2, 1])
    theta = make_theta(net)
    moved = permuted(net, theta, 1, order)
    np.testing.assert_array_equal(unit_parameters(net, moved, 1), unit_parameters(net, theta, 1)[order])
    np.testing.assert_array_equal(permuted(net, moved, 1, np.argsort(order)), theta)
    assert sorted(moved) == sorted(theta)


def test_permute_does_permute():
    net = NETS["three layers and skips"]
    theta = make_theta(net)
    orders = {
        tuple(np.flatnonzero(perturb(net, theta, "permute", {"seed": s})[1] != theta)) for s in range(20)
    }
    assert len(orders) > 3


def test_the_duplicate_is_equal_to_the_last_bit_and_shares_the_output_weights():
    net = NETS["three layers and skips"]
    theta = make_theta(net)
    for options in all_options(net, "duplicate"):
        layer, unit = options["layer"], options["unit"]
        wider, moved = perturb(net, theta, "duplicate", options)
        assert wider.layer_sizes[layer] == net.layer_sizes[layer] + 1 and wider.skip == net.skip
        assert (wider.activation, wider.loss_name) == (net.activation, net.loss_name)
        before, after = unit_parameters(net, theta, layer), unit_parameters(wider, moved, layer)
        np.testing.assert_array_equal(after[unit], after[-1])
        others = np.arange(len(before)) != unit
        np.testing.assert_array_equal(after[:-1][others], before[others])
        n_inputs = net.layer_sizes[layer - 1]
        np.testing.assert_array_equal(after[unit][:n_inputs], before[unit][:n_inputs])
        np.testing.assert_array_equal(after[unit][n_inputs + 1 :], before[unit][n_inputs + 1 :] / 2)


def test_reset_draws_all_weights_of_one_unit_and_nothing_else():
    net = NETS["three layers and skips"]
    theta = make_theta(net)
    for options in all_options(net, "reset_unit"):
        layer, unit = options["layer"], options["unit"]
        moved = perturb(net, theta, "reset_unit", {**options, "seed": 4})[1]
        mask = np.zeros(net.n_params)
        weights, bias = net.layers(mask)[layer - 1]
        weights[:, unit], bias[unit], net.layers(mask)[layer][0][unit] = 1, 1, 1
        if layer in net.skip:
            net.skip_weights(mask)[net.skip.index(layer)][unit] = 1
        assert ((moved != theta) == (mask != 0)).all()
        assert net.layers(moved)[layer - 1][1][unit] == 0.0
        limit = math.sqrt(6 / (net.layer_sizes[layer - 1] + net.layer_sizes[layer]))
        assert abs(net.layers(moved)[layer - 1][0][:, unit]).max() <= limit


@pytest.mark.parametrize(
    ("name", "options", "error", "sentence"),
    [
        ("shake", {}, ValueError, "perturbation must be one of noise, .* not 'shake'"),
        (None, {}, TypeError, "perturbation must be one of"),
        (
            "noise",
            {"strength": 1.0},
            ValueError,
            "noise has no option 'strength'; its options are scale, seed",
        ),
        ("noise", {"scale": -1.0}, ValueError, "scale must be .* at least 0, not -1"),
        ("noise", {"scale": math.nan}, ValueError, "scale"),
        ("noise", {"scale": "much"}, TypeError, "scale"),
        ("noise", {"seed": 0.5}, TypeError, "seed"),
        ("permute", {"layer": 0}, ValueError, "layer"),
        ("permute", {"layer": 2}, ValueError, "layer must be a whole number from 1 to 1, not 2"),
        ("duplicate", {"unit": 5}, ValueError, "unit must be a whole number from 0 to 4, not 5"),
        ("reset_unit", {"unit": -1}, ValueError, "unit"),
        ("break_symmetry", {"unit": 1.0}, TypeError, "unit"),
    ],
)
def test_bad_arguments_are_named(name, options, error, sentence):
    net = NETS["one hidden layer"]
    with pytest.raises(error, match=sentence):
        perturb(net, make_theta(net), name, options)


@pytest.mark.parametrize("name", [name for name in PERTURBATIONS if name != "noise"])
def test_a_net_without_hidden_layers_has_no_units_to_kick(name):
    net = MLP((3, 4))
    with pytest.raises(ValueError, match="needs a hidden layer"):
        perturb(net, make_theta(net), name, {})


def test_noise_is_for_any_net():
    net = MLP((3, 4))
    assert (perturb(net, make_theta(net), "noise", {})[1] != make_theta(net)).all()
