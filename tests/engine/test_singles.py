"""float32 in ordered arithmetic: right to its own digits, and with everything that order promises."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import twins

from engine.config import ACTIVATION_NAMES, LOSS_NAMES, RunConfig
from engine.datasets import Dataset
from engine.evaluator import make_evaluator
from engine.kernels import singles
from engine.kernels.jit import LANES, address_of, compile_late
from engine.kernels.products import set_product_of_singles, transpose_singles
from engine.mlp import MLP
from engine.snapshot import State
from engine.trainer import Trainer

compile_late()


def make_data(n_samples, n_features=3, n_classes=4, seed=1, ink=1.0) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_samples, n_features)) * (rng.random((n_samples, n_features)) < ink)
    y = rng.integers(0, n_classes, n_samples)
    return Dataset(x, y, n_classes=n_classes, targets=rng.standard_normal(n_samples))


def make_net(hidden=(5,), activation="logistic", loss="cross_entropy", skip=(), n_features=3) -> MLP:
    return MLP((n_features, *hidden, 1 if loss == "squared" else 4), activation, loss, skip)


def make_theta(net, seed=2) -> np.ndarray:
    return net.init("glorot_uniform", seed) + 0.3 * np.random.default_rng(seed).standard_normal(net.n_params)


def assert_agrees(net, data, theta, digits=3e-6):
    """Check against the twin, to the rounding of float32 and of the sums before it."""
    evaluator, gradient = make_evaluator(net, data, "float32"), np.full(net.n_params, np.nan)
    got = evaluator.evaluate(theta, gradient)
    assert got.loss == pytest.approx(twins.loss(net, theta, data), rel=digits)
    expected = np.array(twins.gradient(net, theta, data))
    np.testing.assert_allclose(gradient, expected, rtol=0.0, atol=digits * np.abs(expected).max())
    assert got.gradient_norm == pytest.approx(np.linalg.norm(gradient), rel=1e-13)
    assert evaluator.loss_and_errors(theta) == (got.loss, got.n_errors)
    logits = np.array(twins.logits_on(net, theta, data))
    np.testing.assert_allclose(evaluator.logits(theta), logits, atol=digits * (1.0 + np.abs(logits).max()))
    losses = np.array(twins.per_example_loss(net, theta, data))
    np.testing.assert_allclose(evaluator.per_example_loss(theta), losses, rtol=10 * digits, atol=digits)


# ------------------------------------------------------------------------------- elementary functions

POINTS = np.concatenate(
    [np.linspace(-100.0, 100.0, 40_001), np.linspace(-1.0, 1.0, 40_001), np.geomspace(1e-38, 1.0, 5_000)]
).astype(np.float32)
WITHIN_ULPS = {"exp_of_negative": 2.0, "logistic": 2.5, "tanh": 2.5, "log": 1.0, "softplus": 1.0}


def exactly(name, x):
    x = x.astype(np.float64)
    with np.errstate(divide="ignore", over="ignore"):
        return {
            "exp_of_negative": np.exp,
            "logistic": lambda x: 1.0 / (1.0 + np.exp(-x)),
            "tanh": np.tanh,
            "log": np.log,
            "softplus": lambda x: np.logaddexp(0.0, x),
        }[name](x)


def apply(name, x):
    function = getattr(singles, name)

    @numba.njit(error_model="numpy")
    def every(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    out = np.empty_like(x)
    every(x, out)
    return out


@pytest.mark.parametrize("name", WITHIN_ULPS)
def test_functions_are_right_to_the_last_places(name):
    x = -np.abs(POINTS) if name == "exp_of_negative" else np.abs(POINTS) if name == "log" else POINTS
    x = x[x > 0.0] if name == "log" else x
    got, exact = apply(name, x).astype(np.float64), exactly(name, x)
    normal = np.abs(exact) > 2e-38
    off = np.abs(got - exact)[normal] / np.spacing(np.abs(exact[normal]).astype(np.float32))
    assert off.max() <= WITHIN_ULPS[name]
    assert np.abs(got[~normal]).max(initial=0.0) <= 2e-38


def test_functions_at_the_ends():
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38], dtype=np.float32)
    assert np.isnan(apply("logistic", x)[0]) and apply("logistic", x)[1:].tolist() == [1, 0, 0.5, 0.5, 1, 0]
    assert np.isnan(apply("tanh", x)[0]) and apply("tanh", x)[1:].tolist() == [1, -1, 0, 0, 1, -1]
    low = np.array([np.nan, -np.inf, -0.0, -3e38], dtype=np.float32)
    assert np.isnan(apply("exp_of_negative", low)[0]) and apply("exp_of_negative", low)[1:].tolist() == [
        0,
        1,
        0,
    ]


# ------------------------------------------------------------------------------- products


@numba.njit(error_model="numpy")
def _product(a, b, c, n_rows, n_vectors, n_k):
    set_product_of_singles(
        address_of(c, 0),
        4 * c.shape[1],
        address_of(a, 0),
        4 * a.shape[1],
        4,
        address_of(b, 0),
        4 * b.shape[1],
        address_of(c, 0),
        4 * c.shape[1],
        n_rows,
        n_vectors,
        n_k,
    )


@numba.njit(error_model="numpy")
def _transpose(a, b):
    transpose_singles(address_of(a, 0), 4 * a.shape[1], address_of(b, 0), 4 * b.shape[1], *a.shape)


@pytest.mark.parametrize("n_rows", range(1, 18))
def test_every_tile_is_exact_on_whole_numbers(n_rows):
    rng = np.random.default_rng(0)
    for n_vectors in range(1, 8):
        shape = (n_rows, 2 * LANES * n_vectors)
        a, b, c = (
            rng.integers(-9, 10, size).astype(np.float32) for size in ((n_rows, 11), (11, shape[1]), shape)
        )
        expected = c + a @ b
        _product(a, b, c, n_rows, n_vectors, 11)
        assert c.tolist() == expected.tolist()


def test_sums_are_fused_and_go_in_order():
    a = np.array([[1.0, 1e8, -1e8, 1.0, 1.0 + 2.0**-12]], dtype=np.float32)
    b = np.ones((5, 2 * LANES), dtype=np.float32)
    b[4] = 1.0 + 2.0**-12
    c = np.zeros((1, 2 * LANES), dtype=np.float32)
    _product(a, b, c, 1, 1, 5)
    in_order = np.float32(np.float32(1.0) + np.float32(1e8)) - np.float32(1e8) + np.float32(1.0)
    assert (c == np.float32(float(in_order) + (1.0 + 2.0**-12) ** 2)).all()


def test_transposition():
    a = np.arange(6 * 4 * LANES * LANES * 2, dtype=np.float32).reshape(4 * LANES, 6 * LANES * 2)
    b = np.empty((12 * LANES, 4 * LANES), dtype=np.float32)
    _transpose(a, b)
    np.testing.assert_array_equal(b, a.T)


# ------------------------------------------------------------------------------- against the twin


@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_every_activation_with_every_loss(activation, loss):
    net = make_net((4, 6), activation, loss, (1,))
    assert_agrees(net, make_data(21), make_theta(net))


@pytest.mark.parametrize("n", range(1, 41))
def test_every_number_of_samples_and_units(n):
    net = make_net((n,), "tanh")
    assert_agrees(net, make_data(41 - n, ink=0.5 if n % 2 else 1.0), make_theta(net))


def test_no_hidden_layer_many_features_and_noise():
    flat = make_net((), n_features=70)
    assert_agrees(flat, make_data(300, 70, ink=0.2), make_theta(flat), 1e-5)
    net = make_net((6, 5), "softplus", skip=(2,))
    assert_agrees(net, make_data(40).with_noise(0.5, 3), make_theta(net))


# ------------------------------------------------------------------------------- what order promises


@pytest.mark.parametrize("n_samples", [520, 1537])
def test_the_same_bits_for_any_number_of_threads(n_samples):
    net, data = make_net((70,), skip=(1,), n_features=64), make_data(n_samples, 64, ink=0.5)
    assert net.n_params * n_samples > 2_000_000  # or nothing would be shared
    runs = [Trainer(net, data, make_theta(net), dtype="float32", n_threads=n) for n in (1, 2, 4)]
    for run in runs:
        run.step(3)
    assert runs[0].theta.tolist() == runs[1].theta.tolist() == runs[2].theta.tolist()
    assert runs[0].history["loss"].tolist() == runs[2].history["loss"].tolist()


@pytest.mark.parametrize("width", [2, 3, 7, 15, 16, 17, 31, 33, 40])
def test_equal_units_stay_equal_to_the_last_bit(width):
    net, data = make_net((width, 3), "tanh"), make_data(23)
    theta = net.init("glorot_uniform", 1)
    (first, _), (second, _) = net.layers(theta)[:2]
    first[:], second[:] = first[:, :1], second[:1]
    run = Trainer(net, data, theta, 0.3, dtype="float32")
    run.step(500)
    (weights, bias), (out, _) = net.layers(run.theta)[:2]
    assert (weights == weights[:, :1]).all() and (bias == bias[0]).all() and (out == out[0]).all()
    assert (weights != first).all()


def test_steps_in_one_call_have_the_bits_of_single_steps_and_theta_is_float64():
    net, data = make_net((7,), "relu"), make_data(300)
    whole, single = (Trainer(net, data, make_theta(net), 0.5, dtype="float32") for _ in range(2))
    whole.step(60)
    for _ in range(60):
        single.step()
    assert whole.theta.tolist() == single.theta.tolist() and whole.theta.dtype == np.float64
    assert (whole.theta != whole.theta.astype(np.float32)).any()
    double = Trainer(net, data, make_theta(net), 0.5)
    double.step(60)
    assert 0.0 < np.abs(double.theta - whole.theta).max() < 1e-4


def test_a_step_that_is_not_finite_is_taken_back():
    net, data = make_net((4,), "identity", "squared"), make_data(12)
    run = Trainer(net, data, make_theta(net), 3.0, dtype="float32")
    assert run.step(500) < 500 and run.state is State.STOPPED
    assert np.isfinite(run.theta).all() and np.isfinite(run.history["loss"]).all()


def test_the_settings_say_float32():
    run = Trainer.from_config(RunConfig(data="xor", hidden=(3,), dtype="float32"))
    run.step(2)
    assert (run.snapshot().config.dtype, run.snapshot().config.arithmetic) == ("float32", "ordered")
    assert run.snapshot().theta.dtype == np.float64
