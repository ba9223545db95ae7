"""MLP, as INTERFACE.md promises it: how theta is laid out, views, what notebooks call, and one clear sentence."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
import twins

import engine
from engine.datasets import Dataset
from engine.mlp import MLP

NET = MLP((3, 4, 2, 5), ("tanh", "logistic"), skip=(2, 1))
THETA = np.arange(float(NET.n_params))
DATA = Dataset(np.random.default_rng(0).standard_normal((9, 3)), [0, 1, 2, 3, 4, 0, 1, 2, 3])


# ------------------------------------------------------------------------------- layout


def test_attributes():
    net = engine.MLP(layer_sizes=(64, 32, 10), activation="logistic", loss="cross_entropy")
    assert net.layer_sizes == (64, 32, 10) and net.n_params == 64 * 32 + 32 + 32 * 10 + 10
    assert (net.n_hidden, net.n_outputs, net.activation, net.skip) == (1, 10, ("logistic",), ())
    assert NET.n_params == 3 * 4 + 4 + 4 * 2 + 2 + 2 * 5 + 5 + 2 * 5 + 4 * 5
    assert MLP((3, 2)).n_params == 8 and MLP((3, 2)).activation == ()


def test_theta_is_layer_by_layer_weights_by_row_then_bias_then_skips():
    expected = [(range(0, 12), range(12, 16)), (range(16, 24), range(24, 26)), (range(26, 36), range(36, 41))]
    for (weights, bias), (weight_numbers, bias_numbers) in zip(NET.layers(THETA), expected, strict=True):
        assert weights.ravel().tolist() == list(weight_numbers) and bias.tolist() == list(bias_numbers)
    assert [weights.shape for weights, _ in NET.layers(THETA)] == [(3, 4), (4, 2), (2, 5)]
    of_second, of_first = NET.skip_weights(THETA)
    assert of_second.shape == (2, 5) and of_second.ravel().tolist() == list(range(41, 51))
    assert of_first.shape == (4, 5) and of_first.ravel().tolist() == list(range(51, 71))


def test_layers_and_skips_are_views():
    theta = THETA.copy()
    for parts in (*NET.layers(theta), NET.skip_weights(theta)):
        for part in parts:
            part[...] = -1.0
    assert (theta == -1.0).all()


def test_views_of_every_other_number_are_views_too():
    both = np.zeros(2 * NET.n_params)
    NET.layers(both[::2])[1][0][2, 1] = 7.0
    assert both[2 * (16 + 2 * 2 + 1)] == 7.0


def test_a_net_without_skips_has_none():
    assert MLP((3, 4, 2)).skip_weights(np.zeros(26)) == []


def test_nets_are_values():
    assert MLP((3, 4, 2, 5), ["tanh", "logistic"], skip=[2, 1]) == NET
    assert hash(MLP((3, 4, 2, 5), ("tanh", "logistic"), skip=(2, 1))) == hash(NET)
    assert pickle.loads(pickle.dumps(NET)) == NET == copy.deepcopy(NET)
    assert MLP((3, 4, 2, 5), ("tanh", "logistic"), skip=(1, 2)) != NET
    assert MLP(np.array([3, 4, 2])) == MLP((3, 4, 2))
    with pytest.raises(AttributeError):
        NET.skip = ()


# ------------------------------------------------------------------------------- what notebooks call


@pytest.mark.parametrize("loss", ["cross_entropy", "quadratic", "squared"])
def test_answers_are_those_of_the_twin(loss):
    net = MLP((3, 4, 2, 1 if loss == "squared" else 5), ("tanh", "logistic"), loss, (2, 1))
    theta = net.init("glorot_uniform", seed=1)
    assert net.loss(theta, DATA) == pytest.approx(twins.loss(net, theta, DATA), rel=1e-12)
    assert net.n_errors(theta, DATA) == twins.n_errors(net, theta, DATA)
    np.testing.assert_allclose(
        net.gradient(theta, DATA), twins.gradient(net, theta, DATA), rtol=1e-9, atol=1e-14
    )
    np.testing.assert_allclose(
        net.per_example_loss(theta, DATA), twins.per_example_loss(net, theta, DATA), rtol=1e-12
    )
    np.testing.assert_allclose(
        net.logits(theta, DATA.x), twins.logits(net, theta, DATA.x), rtol=1e-11, atol=1e-14
    )


def test_kinds_and_shapes_of_the_answers():
    theta = NET.init("glorot_uniform")
    assert type(NET.loss(theta, DATA)) is float and type(NET.n_errors(theta, DATA)) is int
    for answer, shape in (
        (NET.gradient(theta, DATA), (NET.n_params,)),
        (NET.per_example_loss(theta, DATA), (9,)),
        (NET.logits(theta, DATA.x), (9, 5)),
    ):
        assert answer.shape == shape and answer.dtype == np.float64 and answer.flags.writeable


def test_any_kind_of_array_will_do():
    theta = NET.init("glorot_uniform")
    twice = np.repeat(theta, 2)[::2]
    frozen = theta.copy()
    frozen.flags.writeable = False
    expected = NET.loss(theta, DATA), NET.gradient(theta, DATA).tolist()
    for other in (theta.tolist(), twice, frozen):
        assert (NET.loss(other, DATA), NET.gradient(other, DATA).tolist()) == expected
    x = np.round(DATA.x * 10)
    logits = NET.logits(theta, x).tolist()
    for other in (
        x.tolist(),
        np.asfortranarray(x),
        x.astype(int),
        x.astype(np.float32),
        np.repeat(x, 2, 1)[:, ::2],
    ):
        assert NET.logits(theta, other).tolist() == logits


def test_asking_changes_nothing():
    theta, x = NET.init("glorot_uniform"), DATA.x.copy()
    kept = theta.copy()
    NET.logits(theta, x)
    NET.gradient(theta, DATA)
    NET.per_example_loss(theta, DATA)
    np.testing.assert_array_equal(theta, kept)
    np.testing.assert_array_equal(x, DATA.x)
    assert x.flags.writeable


def test_a_loss_that_is_not_finite_is_told_as_it_is():
    net = MLP((3, 4, 4, 5), "identity")
    assert math.isnan(net.loss(np.full(net.n_params, 1e200), DATA))


# ------------------------------------------------------------------------------- bad arguments


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"layer_sizes": (3,)}, ValueError, "layer_sizes must name at least an input and an output size"),
        ({"layer_sizes": ()}, ValueError, "layer_sizes"),
        ({"layer_sizes": (3, 0, 2)}, ValueError, "layer_sizes .* at least 1, not 0"),
        ({"layer_sizes": (3, -4, 2)}, ValueError, "layer_sizes .* not -4"),
        ({"layer_sizes": (3, 2.5, 2)}, TypeError, "layer_sizes .* not 2.5"),
        ({"layer_sizes": (3, True, 2)}, TypeError, "layer_sizes"),
        ({"layer_sizes": 5}, TypeError, "layer_sizes must be .* not 5"),
        ({"layer_sizes": None}, TypeError, "layer_sizes must be .* not None"),
        ({"layer_sizes": "345"}, TypeError, "layer_sizes"),
        ({"layer_sizes": (3, 4, 1)}, ValueError, "layer_sizes must end in at least 2"),
        ({"loss": "squared"}, ValueError, "layer_sizes must end in 1 for the squared loss, not 2"),
        ({"loss": "hinge"}, ValueError, "loss must be one of cross_entropy, quadratic, squared, not 'hinge'"),
        ({"loss": None}, TypeError, "loss must be one of"),
        ({"activation": "sigmoid"}, ValueError, "activation must be one of identity, .* not 'sigmoid'"),
        ({"activation": None}, TypeError, "activation must be .* not None"),
        ({"activation": 3}, TypeError, "activation must be .* not 3"),
        (
            {"activation": ("tanh", "tanh")},
            ValueError,
            r"activation .* one per hidden layer \(1\), not 2 names",
        ),
        ({"activation": ()}, ValueError, "activation"),
        ({"activation": (None,)}, TypeError, "activation"),
        ({"skip": 1}, TypeError, "skip must be .* not 1"),
        ({"skip": None}, TypeError, "skip must be .* not None"),
        ({"skip": (0,)}, ValueError, "skip must be a whole number from 1 to 1, not 0"),
        ({"skip": (2,)}, ValueError, "skip must be a whole number from 1 to 1, not 2"),
        ({"skip": (1, 1)}, ValueError, "skip must name each hidden layer at most once"),
        ({"skip": "1"}, TypeError, "skip"),
        ({"skip": (1,), "layer_sizes": (3, 2)}, ValueError, "skip"),
    ],
)
def test_a_bad_network_is_one_sentence_that_names_the_argument(arguments, error, sentence):
    with pytest.raises(error, match=sentence) as caught:
        MLP(**{"layer_sizes": (3, 4, 2), **arguments})
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("theta", "error"),
    [
        (THETA[:-1], ValueError),
        (THETA[None], ValueError),
        (np.zeros(0), ValueError),
        (3.0, ValueError),
        ("abc", TypeError),
        (None, (TypeError, ValueError)),
        (["a"] * NET.n_params, TypeError),
    ],
)
def test_a_bad_theta_is_named(theta, error):
    for ask in (NET.loss, NET.gradient, NET.n_errors, NET.per_example_loss):
        with pytest.raises(error, match=r"theta must .*71"):
            ask(theta, DATA)
    with pytest.raises(error, match=r"theta must .*71"):
        NET.logits(theta, DATA.x)
    for ask in (NET.layers, NET.skip_weights):
        with pytest.raises((TypeError, ValueError), match=r"theta must .*71"):
            ask(theta)


def test_views_are_of_arrays_only():
    for ask in (NET.layers, NET.skip_weights):
        with pytest.raises(TypeError, match=r"theta must be a numpy array of shape .71,., not list"):
            ask(THETA.tolist())


@pytest.mark.parametrize(
    ("x", "error"),
    [
        (np.ones(3), ValueError),
        (np.ones((2, 4)), ValueError),
        (np.ones((2, 3, 1)), ValueError),
        (np.ones((0, 3)), ValueError),
        ([[1.0, 2.0, math.nan]], ValueError),
        ([[1.0, 2.0], [3.0]], TypeError),
        ("abc", TypeError),
        (None, TypeError),
        (7, TypeError),
        (np.ones((2, 3)) * 1j, TypeError),
    ],
)
def test_a_bad_x_is_named(x, error):
    with pytest.raises(error, match=r"^x must "):
        NET.logits(NET.init("glorot_uniform"), x)


@pytest.mark.parametrize("ask", [NET.loss, NET.gradient, NET.n_errors, NET.per_example_loss])
def test_bad_data_is_named(ask):
    theta = NET.init("glorot_uniform")
    with pytest.raises(TypeError, match=r"data must be an engine\.Dataset, not ndarray"):
        ask(theta, DATA.x)
    with pytest.raises(ValueError, match="data must have 3 features a sample for this network, not 2"):
        ask(theta, Dataset(np.ones((2, 2)), [0, 1]))
    with pytest.raises(ValueError, match="y must hold classes from 0 to 4 for this network, not 5"):
        ask(theta, Dataset(np.ones((2, 3)), [0, 5]))
