"""Every number of samples from 1 to 40, every width from 1 to 40 and every depth from 0 to 150, against the twin.

Each case sits somewhere else on the other axes, so that all activations and losses, skips, inputs that are mostly
zeros, and both ends of every axis meet.
"""

from __future__ import annotations

import numpy as np
import pytest
import twins

from engine.config import ACTIVATION_NAMES, LOSS_NAMES
from engine.curvature import Hessian
from engine.datasets import Dataset
from engine.evaluator import make_evaluator
from engine.mlp import MLP
from engine.trainer import Trainer

TOLERANCE = 1e-10  # of the largest number of the same weight matrix


def make_case(hidden, n_samples, k):
    """Case number k: activations, loss, skips and data follow from k."""
    rng, depth, loss = np.random.default_rng(k), len(hidden), LOSS_NAMES[k % 3]
    n_features, n_classes = 1 + k % 5, 2 + k % 4
    names = [ACTIVATION_NAMES[(k + layer * (k % 2)) % 7] for layer in range(depth)]
    skip = tuple(sorted({1 + (k * 7) % depth, depth})) if depth and k % 4 == 1 else ()
    net = MLP((n_features, *hidden, 1 if loss == "squared" else n_classes), names or "tanh", loss, skip)
    x = rng.standard_normal((n_samples, n_features)) * (
        rng.random((n_samples, n_features)) < (0.4, 1.0)[k % 2]
    )
    targets, y = rng.standard_normal(n_samples), rng.integers(0, n_classes, n_samples)
    theta = net.init("glorot_normal", k) + 0.1 * rng.standard_normal(net.n_params)
    return net, Dataset(x, y, n_classes=n_classes, targets=targets), theta, rng.standard_normal(net.n_params)


def assert_same(net, got, expected):
    """Compare two vectors (n_params,), each weight matrix and bias by its own largest number."""
    expected = np.array(expected)
    for parts, others in (
        (net.layers(got), net.layers(expected)),
        ([net.skip_weights(got)], [net.skip_weights(expected)]),
    ):
        for part, other in zip(parts, others, strict=True):
            for one, two in zip(part, other, strict=True):
                np.testing.assert_allclose(one, two, rtol=0.0, atol=TOLERANCE * np.abs(two).max(initial=0.0))


def assert_agrees(hidden, n_samples, k):
    net, data, theta, v = make_case(hidden, n_samples, k)
    evaluator, gradient = make_evaluator(net, data), np.full(net.n_params, np.nan)
    got = evaluator.evaluate(theta, gradient)
    assert got.loss == pytest.approx(twins.loss(net, theta, data), rel=TOLERANCE, abs=0.0)
    assert got.n_errors == twins.n_errors(net, theta, data)
    assert_same(net, gradient, twins.gradient(net, theta, data))
    product = Hessian(net, data, theta).product(v)
    assert_same(net, product, twins.hessian_vector(net, theta, data, v))


@pytest.mark.parametrize("n_samples", range(1, 41))
def test_every_number_of_samples(n_samples):
    k = n_samples
    assert_agrees(((), (3,), (5, 4), (2, 3, 2))[k % 4], n_samples, k)


@pytest.mark.parametrize("width", range(1, 41))
def test_every_width(width):
    k = 40 + width
    hidden = ((width,), (width, 3), (2, width), (3, width, 2))[k % 4]
    assert_agrees(hidden, 1 + (7 * width) % 13, k)


@pytest.mark.parametrize("depth", range(151))
def test_every_depth(depth):
    k = 80 + depth
    widths = [1 + (k + layer * layer) % (7 if depth < 30 else 3) for layer in range(depth)]
    assert_agrees(tuple(widths), 1 + k % (9 if depth < 30 else 3), k)


# ------------------------------------------------------------------------------- what must never happen

N_LONG = 10_000


@pytest.mark.parametrize("width", range(1, 41))
def test_equal_units_stay_equal_for_ten_thousand_steps(width):
    """All units of one layer equal, and in the other every second one: equal they stay, and the others move."""
    rng, k = np.random.default_rng(width), width
    loss, names = LOSS_NAMES[k % 3], (ACTIVATION_NAMES[1 + k % 6], ACTIVATION_NAMES[1 + (k // 2) % 6])
    data = Dataset(rng.standard_normal((5, 2)), [0, 1, 2, 0, 1], targets=rng.standard_normal(5))
    net = MLP((2, width, 4, 1 if loss == "squared" else 3), names, loss, (1,) if k % 2 else (2,))
    theta = net.init("glorot_normal", k)
    layers, skips = net.layers(theta), net.skip_weights(theta)
    layers[0][0][:], layers[1][0][:] = layers[0][0][:, :1], layers[1][0][:1]
    layers[1][0][:, 2], layers[1][1][2], layers[2][0][2] = (
        layers[1][0][:, 0],
        layers[1][1][0],
        layers[2][0][0],
    )
    wired = slice(None) if k % 2 else slice(0, 3, 2)  # the equal units of the layer that the skip comes from
    skips[0][wired] = skips[0][0]
    run = Trainer(net, data, theta, 0.02)
    assert run.step(N_LONG) == N_LONG
    ends, end_skips = net.layers(run.theta), net.skip_weights(run.theta)
    first, second, last = ends
    for part in (first[0].T, first[1], second[0]):
        assert (part == part[0]).all()
    assert (second[0][:, 2] == second[0][:, 0]).all() and second[1][2] == second[1][0]
    assert (last[0][2] == last[0][0]).all()
    assert (end_skips[0][wired] == end_skips[0][0]).all()
    assert (run.theta != theta).any() and (second[0][:, 1] != second[0][:, 0]).any()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_same_bits_for_1_2_and_4_threads_and_from_saved_bytes(dtype):
    rng = np.random.default_rng(0)
    data = Dataset(rng.standard_normal((700, 64)), rng.integers(0, 10, 700))
    net = MLP((64, 60, 10), "tanh")
    assert net.n_params * data.n_samples > 2_000_000  # or nothing would be shared
    theta, ends = net.init("glorot_uniform", 1), []
    for n_threads in (1, 2, 4):
        whole = Trainer(net, data, theta, 0.3, dtype=dtype, n_threads=n_threads)
        whole.step(12)
        half = Trainer(net, data, theta, 0.3, dtype=dtype, n_threads=n_threads)
        half.step(5)
        saved = np.frombuffer(half.theta.tobytes())
        rest = Trainer(net, data, saved, 0.3, dtype=dtype, n_threads=n_threads)
        rest.step(7)
        assert rest.theta.tobytes() == whole.theta.tobytes()
        assert rest.history["loss"].tobytes() == whole.history["loss"][5:].tobytes()
        ends.append(whole.theta.tobytes())
    assert ends[0] == ends[1] == ends[2]
