"""Numerical rank of matrices with known singular values, and the features of a network."""

from __future__ import annotations

import numpy as np
import pytest

from engine import MLP, Dataset
from engine.rank import features, numerical_rank, wired_layers
from tests.engine import twins


def matrix_of(values, shape, seed=0):
    """A matrix with these singular values, between random orthonormal bases."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.standard_normal((shape[0], len(values))))[0]
    right = np.linalg.qr(rng.standard_normal((shape[1], len(values))))[0]
    return left @ np.diag(values) @ right.T


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (5, 5)])
def test_known_singular_values_are_found(shape):
    values = np.array([100.0, 3.0, 1.0, 1e-3, 1e-9])
    got = numerical_rank(matrix_of(values, shape))
    assert np.allclose(got.singular_values, values, rtol=1e-4, atol=1e-13)
    assert (got.rank, got.is_full, got.gap) == (5, True, np.inf)
    assert got.smallest == got.singular_values[-1] and got.largest == pytest.approx(100.0)
    assert got.threshold == pytest.approx(max(shape) * 2.0**-52 * got.largest)


def test_what_rounding_makes_of_0_is_below_the_threshold():
    got = numerical_rank(matrix_of([5.0, 2.0, 1.0], (40, 30)))
    assert (got.rank, got.is_full) == (3, False)
    assert got.smallest <= got.threshold < 1e-12 and got.gap > 1e12


def test_the_threshold_is_an_argument():
    matrix = np.diag([1.0, 1e-3, 1e-6])
    assert [numerical_rank(matrix, threshold=t).rank for t in (0.0, 1e-6, 1e-4, 1.0)] == [3, 2, 2, 0]
    assert numerical_rank(matrix, threshold=1e-4).gap == pytest.approx(1e3)
    assert numerical_rank(matrix, threshold=1.0).gap == 0.0


def test_a_matrix_of_zeros_has_rank_0():
    got = numerical_rank(np.zeros((3, 2)))
    assert (got.rank, got.smallest, got.is_full) == (0, 0.0, False)


def test_an_integer_matrix_is_taken_as_float64():
    assert numerical_rank([[1, 2], [2, 4]]).rank == 1


def test_features_are_the_values_of_the_wired_layers():
    net = MLP((2, 3, 4, 5, 2), ("tanh", "relu", "logistic"), skip=(1,))
    rng = np.random.default_rng(0)
    data, theta = Dataset(rng.standard_normal((6, 2)), [0, 1] * 3), net.init("normal", seed=0, scale=1.0)
    got = features(net, data, theta)
    for row, sample in zip(got, data.x.tolist(), strict=True):
        values = twins.forward(net, theta, sample)[1]
        assert np.allclose(row, values[1] + values[3], atol=1e-14)
    assert wired_layers(net) == (1, 3)
    assert np.array_equal(features(net, data, theta, layers=net.skip), got[:, :3])
    weights, bias = net.layers(theta)[-1]
    logits = got @ np.vstack([net.skip_weights(theta)[0], weights]) + bias
    assert np.allclose(logits, net.logits(theta, data.x), atol=1e-13)


def test_as_many_analytic_units_as_samples_have_full_rank_and_as_many_relu_units_may_not():
    rng = np.random.default_rng(1)
    data = Dataset(rng.standard_normal((12, 2)), [0, 1] * 6)
    ranks = {}
    for name in ("tanh", "relu"):
        net = MLP((2, 6, 6, 2), name, skip=(1, 2))
        ranks[name] = numerical_rank(features(net, data, net.init("normal", seed=1, scale=1.5)))
    assert ranks["tanh"].is_full and ranks["tanh"].smallest > 1e3 * ranks["tanh"].threshold
    assert ranks["relu"].rank < 12


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        ([1.0, 2.0], r"matrix must have shape \(n, m\)"),
        (np.zeros((0, 3)), r"matrix must have shape \(n, m\)"),
        ([[np.inf]], "matrix must hold finite numbers only"),
    ],
)
def test_bad_matrices_get_one_sentence(matrix, sentence):
    with pytest.raises(ValueError, match=sentence):
        numerical_rank(matrix)


def test_layers_that_are_not_there_are_refused():
    data = Dataset([[1.0]], [0])
    with pytest.raises(ValueError, match="layers must be a whole number from 1 to 1"):
        features(MLP((1, 2, 2)), data, np.zeros(10), layers=(2,))
    with pytest.raises(ValueError, match="layers must name at least one hidden layer"):
        features(MLP((1, 2)), data, np.zeros(4))
