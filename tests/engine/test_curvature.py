"""Hessian-vector products, the dense Hessian and extreme eigenpairs against slow twins and finite differences."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import twins

import engine
from engine.config import ACTIVATION_NAMES, LOSS_NAMES
from engine.curvature import Hessian, dense_hessian, extreme_eigenpairs
from engine.curvature import eigenpairs as eigenpairs_module
from engine.curvature import hessian as hessian_module
from engine.curvature.lanczos import find_ends
from engine.datasets import Dataset
from engine.kernels import curvature as kernels
from engine.mlp import MLP

TOLERANCE = 1e-10  # of the largest number of the product


def make_data(n_samples, n_features=3, n_classes=4, ink=1.0, seed=1) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_samples, n_features)) * (rng.random((n_samples, n_features)) < ink)
    y = rng.integers(0, n_classes, n_samples)
    return Dataset(x, y, n_classes=n_classes, targets=rng.standard_normal(n_samples))


def make_net(hidden=(5,), activation="tanh", loss="cross_entropy", skip=(), n_features=3, n_classes=4) -> MLP:
    return MLP((n_features, *hidden, 1 if loss == "squared" else n_classes), activation, loss, skip)


def make_theta(net, seed=2) -> np.ndarray:
    return net.init("glorot_uniform", seed) + 0.3 * np.random.default_rng(seed).standard_normal(net.n_params)


def make_v(net, seed=3) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(net.n_params)


def forward_slowly(net, theta, x):
    """Values of input and hidden layers, slopes and bends of the hidden ones, outputs, sample by sample."""
    values, slopes, bends = [x], [], []
    for (weights, bias), name in zip(net.layers(theta)[:-1], net.activation, strict=True):
        z = values[-1] @ weights + bias
        values.append(np.vectorize(twins.VALUES[name], otypes=[float])(z))
        slopes.append(np.vectorize(twins.SLOPES[name], otypes=[float])(z))
        bends.append(bend(name, z, values[-1], slopes[-1]))
    weights, bias = net.layers(theta)[-1]
    outputs = values[-1] @ weights + bias
    for layer, matrix in zip(net.skip, net.skip_weights(theta), strict=True):
        outputs = outputs + values[layer] @ matrix
    return values, slopes, bends, outputs


def bend(name, z, value, slope):
    if name == "logistic":
        return slope * (1 - 2 * value)
    if name == "tanh":
        return -2 * value * slope
    if name == "softplus":
        return slope * (1 - slope)
    return -2 * z * slope if name == "erf" else np.zeros_like(z)


def output_hessian(loss, outputs, label):
    """Gradient and Hessian of one sample's loss by its outputs."""
    if loss == "squared":
        return None, np.ones((1, 1))
    p = np.exp(outputs - outputs.max())
    p /= p.sum()
    jacobian, e = np.diag(p) - np.outer(p, p), p - np.eye(len(p))[label]
    if loss == "cross_entropy":
        return e, jacobian
    s = p @ e
    tilt_s = jacobian @ (e + p)
    return jacobian @ e, (e - s)[:, None] * jacobian + p[:, None] * (jacobian - tilt_s[None, :])


def product_slowly(net, theta, data, v):
    """H v from Jacobians: J^T L J v, and what the curvature of the network adds, one sample at a time."""
    values, slopes, bends, outputs = forward_slowly(net, theta, data.x)
    layers, tilts = net.layers(theta), net.layers(v)
    skips = dict(zip(net.skip, zip(net.skip_weights(theta), net.skip_weights(v), strict=True), strict=True))
    result = np.zeros(net.n_params)
    into, into_skips = net.layers(result), dict(zip(net.skip, net.skip_weights(result), strict=True))
    for i in range(data.n_samples):
        a = [each[i] for each in values]
        r_a, r_z = [np.zeros_like(a[0])], []
        for number, ((weights, _), (tilt, tilt_bias)) in enumerate(zip(layers, tilts, strict=True)):
            r_z.append(a[number] @ tilt + tilt_bias + r_a[number] @ weights)
            if number < len(layers) - 1:
                r_a.append(slopes[number][i] * r_z[number])
        for layer, (weights, tilt) in skips.items():
            r_z[-1] = r_z[-1] + a[layer] @ tilt + r_a[layer] @ weights
        gradient, hessian = output_hessian(net.loss_name, outputs[i], data.y[i])
        delta = top = gradient if gradient is not None else outputs[i] - data.targets[i]
        r_delta = r_top = hessian @ r_z[-1]
        for layer, part in into_skips.items():
            part += np.outer(a[layer], r_top) + np.outer(r_a[layer], top)
        for number in range(len(layers) - 1, -1, -1):
            into[number][0][...] += np.outer(a[number], r_delta) + np.outer(r_a[number], delta)
            into[number][1][...] += r_delta
            if number:
                below = layers[number][0] @ delta
                r_below = layers[number][0] @ r_delta + tilts[number][0] @ delta
                if number in skips:
                    below = below + skips[number][0] @ top
                    r_below = r_below + skips[number][0] @ r_top + skips[number][1] @ top
                slope, curve = slopes[number - 1][i], bends[number - 1][i]
                r_delta = slope * r_below + curve * r_z[number - 1] * below
                delta = slope * below
    return result / data.n_samples


def assert_agrees(net, data, theta=None, n_threads=1):
    theta, v = make_theta(net) if theta is None else theta, make_v(net)
    expected = product_slowly(net, theta, data, v)
    got = Hessian(net, data, theta, n_threads).product(v)
    np.testing.assert_allclose(got, expected, rtol=0.0, atol=TOLERANCE * np.abs(expected).max())


# --------------------------------------------------------------------------------------- products


@pytest.mark.parametrize("ink", [1.0, 0.4])
def test_every_number_of_samples(ink):
    for n_samples in range(1, 41):
        assert_agrees(make_net((5, 3)), make_data(n_samples, ink=ink))


@pytest.mark.parametrize("ink", [1.0, 0.4])
def test_every_width(ink):
    for width in (*range(1, 41), 67):
        assert_agrees(make_net((width, 3)), make_data(5, ink=ink))
        assert_agrees(make_net((3, width)), make_data(5, ink=ink))


def test_every_number_of_features_and_classes():
    for n in range(1, 41):
        net = make_net((3,), n_features=n, n_classes=n + 1)
        assert_agrees(net, make_data(7, n, n + 1, ink=0.5))


@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_every_activation_with_every_loss(activation, loss):
    assert_agrees(make_net((4, 3), activation, loss, skip=(1, 2)), make_data(9))


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 7, 40, 150])
@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_every_depth(depth, loss):
    net = make_net((3,) * depth, loss=loss)
    assert_agrees(net, make_data(3), net.init("glorot_uniform", 1))


@pytest.mark.parametrize("skip", [(), (1,), (2,), (3,), (1, 3), (1, 2, 3)])
@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_every_kind_of_skip(skip, loss):
    assert_agrees(make_net((3, 5, 2), loss=loss, skip=skip), make_data(11))


@pytest.mark.parametrize("ink", [0.0, 0.05, 0.5, 0.9])
@pytest.mark.parametrize("n_samples", [63, 64, 65, 300])
def test_several_chunks_and_blocks(n_samples, ink):
    assert_agrees(make_net((9,), n_features=20), make_data(n_samples, 20, ink=ink))


def test_states_that_are_filled_block_by_block(monkeypatch):
    monkeypatch.setattr(kernels, "_STATE_BYTES", 0)
    assert_agrees(make_net((9, 4), skip=(1,)), make_data(300))


@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("activation", ["logistic", "tanh", "softplus", "erf"])
def test_it_is_the_derivative_of_the_gradient(activation, loss):
    net, data, step = make_net((4, 3), activation, loss, skip=(1,)), make_data(12), 1e-5
    theta, v = make_theta(net), make_v(net)
    expected = (net.gradient(theta + step * v, data) - net.gradient(theta - step * v, data)) / (2 * step)
    got = net.hessian_vector(theta, data, v)
    np.testing.assert_allclose(got, expected, rtol=0.0, atol=1e-7 * np.abs(expected).max())


def test_the_same_bits_for_any_number_of_threads():
    data, net = make_data(2_000, 40, ink=0.5), make_net((30,), n_features=40)
    theta, v = make_theta(net), make_v(net)
    assert net.n_params * data.n_samples >= hessian_module.WORTH_SHARING
    alone = Hessian(net, data, theta).products([v, 2.0 * v, -v])
    for n_threads in (2, 4):
        shared = Hessian(net, data, theta, n_threads)
        for _ in range(20):
            assert (shared.products([v, 2.0 * v, -v]) == alone).all()
    assert any(thread.name.startswith("lossoscope-kernel") for thread in threading.enumerate())


def test_equal_units_get_equal_products_wherever_they_stand():
    net, data = make_net((11, 7), n_features=6), make_data(200, 6, ink=0.5)
    theta, v = make_theta(net), make_v(net)
    for vector in (theta, v):
        (first, bias), (second, _) = net.layers(vector)[:2]
        first[:], bias[:], second[:] = first[:, :1], bias[:1], second[:1]
    (first, bias), (second, _) = net.layers(Hessian(net, data, theta).product(v))[:2]
    assert (first == first[:, :1]).all()
    assert (bias == bias[0]).all()
    assert (second == second[:1]).all()


def test_noise_is_part_of_the_function():
    net, data = make_net((6, 4), skip=(1,)), make_data(150).with_noise(0.5, 3)
    theta, v, step = make_theta(net), make_v(net), 1e-5
    expected = (net.gradient(theta + step * v, data) - net.gradient(theta - step * v, data)) / (2 * step)
    got = Hessian(net, data, theta).product(v)
    np.testing.assert_allclose(got, expected, rtol=0.0, atol=1e-7 * np.abs(expected).max())


def test_products_are_those_of_one_vector_each():
    net, data = make_net(), make_data(20)
    hessian, vectors = Hessian(net, data, make_theta(net)), np.stack([make_v(net, seed) for seed in range(3)])
    vectors.flags.writeable = False
    got = hessian.products(vectors)
    assert [row.tolist() for row in got] == [hessian.product(v).tolist() for v in vectors]


def test_nan_is_never_swallowed():
    net, data = make_net(), make_data(20)
    v = make_v(net)
    v[0] = np.nan
    assert np.isnan(Hessian(net, data, make_theta(net)).product(v)).any()


@pytest.mark.parametrize("v", [np.zeros(3), np.zeros((2, 2)), "text"])
def test_a_bad_vector_is_named(v):
    net = make_net()
    with pytest.raises((TypeError, ValueError), match=r"^v must"):
        Hessian(net, make_data(5), make_theta(net)).product(v)


# ------------------------------------------------------------------------------------ the whole of it


def test_the_dense_hessian_is_symmetric_and_its_columns_are_products():
    net, data = make_net((4,)), make_data(30)
    theta = make_theta(net)
    matrix = dense_hessian(net, data, theta)
    assert (matrix == matrix.T).all()
    v = make_v(net)
    np.testing.assert_allclose(matrix @ v, Hessian(net, data, theta).product(v), atol=1e-13)


def test_a_large_network_has_no_dense_hessian():
    net = make_net((400,))
    with pytest.raises(ValueError, match="at most 2000 parameters"):
        dense_hessian(net, make_data(3), make_theta(net))


# ---------------------------------------------------------------------------------------- eigenpairs


@pytest.mark.parametrize("tolerance", [1e-4, 1e-6, 1e-8, 1e-11])
@pytest.mark.parametrize("k", [1, 3])
def test_eigenpairs_are_those_of_the_dense_hessian(k, tolerance):
    net, data = make_net((30,), n_features=10, n_classes=10), make_data(300, 10, 10, ink=0.6)
    theta = make_theta(net)
    assert net.n_params > eigenpairs_module._DENSE_UP_TO
    matrix = dense_hessian(net, data, theta)
    expected = np.linalg.eigvalsh(matrix)
    got = extreme_eigenpairs(net, data, theta, k=k, tolerance=tolerance)
    np.testing.assert_allclose(got.smallest, expected[:k], rtol=tolerance, atol=0.0)
    np.testing.assert_allclose(got.largest, expected[::-1][:k], rtol=tolerance, atol=0.0)
    assert_are_pairs(matrix, got.smallest, got.smallest_vectors, tolerance)
    assert_are_pairs(matrix, got.largest, got.largest_vectors, tolerance)
    assert got.residual <= tolerance * np.abs(expected).max()


def assert_are_pairs(matrix, values, vectors, tolerance):
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=0), 1.0, rtol=1e-12)
    residuals = np.linalg.norm(matrix @ vectors - values * vectors, axis=0)
    assert (residuals <= tolerance * np.abs(values)).all()


def test_eigenpairs_of_a_small_network_are_those_of_its_dense_hessian():
    net, data = make_net((3,)), make_data(20)
    theta = make_theta(net)
    values = np.linalg.eigvalsh(dense_hessian(net, data, theta))
    got = engine.extreme_eigenpairs(net, data, theta, k=2)
    np.testing.assert_allclose(got.smallest, values[:2], atol=1e-13)
    np.testing.assert_allclose(got.largest, values[::-1][:2], atol=1e-13)


@pytest.mark.parametrize("spread", [3.0, 0.3])
def test_eigenvalues_at_zero_end_the_search(spread):
    """Without a hidden layer the smallest eigenvalue is 0, with many others close to it."""
    net, data = make_net((), n_features=60, n_classes=8), make_data(50, 60, 8, ink=0.3)
    assert eigenpairs_module._DENSE_UP_TO < net.n_params <= eigenpairs_module.MOST_DENSE_PARAMS
    theta = spread * np.random.default_rng(4).standard_normal(net.n_params)
    got = extreme_eigenpairs(net, data, theta, tolerance=1e-9)
    expected = np.linalg.eigvalsh(dense_hessian(net, data, theta))
    assert got.n_products <= 2 * net.n_params + 2
    np.testing.assert_allclose(got.smallest, expected[:1], atol=1e-12 * expected[-1])
    np.testing.assert_allclose(got.largest, expected[-1:], rtol=1e-9)
    assert got.residual <= 1e-12 * 1e3 * expected[-1]


def test_the_full_hessian_is_taken_where_the_search_does_not_end(monkeypatch):
    net, data = make_net((30,), n_features=10, n_classes=10), make_data(60, 10, 10)
    theta = make_theta(net)
    expected = extreme_eigenpairs(net, data, theta, k=2)

    def give_up(product, start, k, tolerance, most_products):
        product(start)
        raise ArithmeticError(f"No extreme eigenvalues after {most_products} products.")

    monkeypatch.setattr(eigenpairs_module, "find_ends", give_up)
    got = extreme_eigenpairs(net, data, theta, k=2)
    np.testing.assert_allclose(got.smallest, expected.smallest, rtol=1e-8)
    np.testing.assert_allclose(got.largest, expected.largest, rtol=1e-8)
    assert got.n_products == net.n_params + 1
    assert 0.0 < got.residual <= 1e-13 * abs(expected.largest[0])


def test_the_search_can_be_cancelled():
    net, data, asked = make_net((80,)), make_data(20), []

    def is_cancelled() -> bool:
        asked.append(True)
        return len(asked) > 5

    with pytest.raises(InterruptedError):
        extreme_eigenpairs(net, data, make_theta(net), is_cancelled=is_cancelled)
    assert len(asked) == 6


def test_a_hessian_that_is_not_finite_is_named():
    net = make_net((80,))
    theta = make_theta(net)
    theta[0] = np.nan
    with pytest.raises(ValueError, match=r"^theta must be a point with a finite Hessian"):
        extreme_eigenpairs(net, make_data(20), theta)


# -------------------------------------------------------------------------------------------- Lanczos


def symmetric(n, seed=5):
    matrix = np.random.default_rng(seed).standard_normal((n, n))
    return matrix + matrix.T


def assert_finds(matrix, k, tolerance=1e-9):
    start = np.random.default_rng(6).standard_normal(len(matrix))
    found, expected = find_ends(lambda v: matrix @ v, start, k, tolerance), np.linalg.eigvalsh(matrix)
    size = np.abs(expected).max()
    np.testing.assert_allclose(found.values, np.r_[expected[:k], expected[-k:]], atol=tolerance * size)
    residuals = np.linalg.norm(matrix @ found.vectors - found.vectors * found.values, axis=0)
    assert (residuals <= tolerance * np.maximum(np.abs(found.values), 1e-3 * size) + 1e-13 * size).all()


@pytest.mark.parametrize(("n", "k"), [(2, 1), (3, 1), (9, 4), (60, 1), (60, 5), (300, 1), (300, 3)])
def test_ends_of_a_symmetric_matrix(n, k):
    assert_finds(symmetric(n), k)


def test_ends_when_the_basis_begins_anew(monkeypatch):
    monkeypatch.setattr("engine.curvature.lanczos._LARGEST_BASIS", 40)
    assert_finds(symmetric(500), 2)


def test_a_search_that_does_not_end_says_so():
    matrix = np.diag(np.r_[0.0, np.geomspace(1e-14, 1.0, 400)])  # nothing but one more next to each
    with pytest.raises(ArithmeticError, match=r"^No extreme eigenvalues after 100 products: "):
        find_ends(lambda v: matrix @ v, np.ones(401), 1, 1e-9, most_products=100)


def test_ends_where_one_is_far_out():
    assert_finds(symmetric(200) + 1e6 * np.outer(np.ones(200), np.ones(200)), 1)


@pytest.mark.parametrize("values", [np.zeros(30), np.ones(30), np.r_[np.zeros(26), 1.0, 2.0, 3.0, -1.0]])
def test_ends_where_few_vectors_span_all_there_is(values):
    assert_finds(np.diag(values), 1)
