"""Fixed noise on hidden units: its numbers, and that everything computed of a network has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import twins

import engine
from engine.clarke import clarke_residual
from engine.config import ACTIVATION_NAMES, LOSS_NAMES, RunConfig
from engine.curvature import dense_hessian
from engine.curves import Bezier, curve_loss
from engine.datasets import Dataset
from engine.disparities import disparities, per_example
from engine.evaluator import make_evaluator
from engine.flow import gradient_flow
from engine.kinks import find_kinks
from engine.landscape import VIEWS, Scene
from engine.mlp import MLP
from engine.noise import LARGEST_SEED, Noise, factors
from engine.rank import features
from engine.snapshot import Point
from engine.trainer import Trainer

NOISE = Noise(0.6, 7)


def make_data(n_samples=70, noise=0.6, seed=7, n_features=3) -> Dataset:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((n_samples, n_features)), rng.integers(0, 4, n_samples)
    return Dataset(x, y, n_classes=4, targets=rng.standard_normal(n_samples)).with_noise(noise, seed)


def make_net(activation="tanh", loss="cross_entropy", hidden=(5, 3), skip=(1, 2), n_features=3) -> MLP:
    return MLP((n_features, *hidden, 1 if loss == "squared" else 4), activation, loss, skip)


def make_theta(net) -> np.ndarray:
    return net.init("glorot_uniform", 2) + 0.3 * np.random.default_rng(2).standard_normal(net.n_params)


# ------------------------------------------------------------------------------- the factors


@pytest.mark.parametrize("seed", [0, 1, 7, 2**40 + 3, LARGEST_SEED])
def test_factors_have_the_bits_of_the_twin(seed):
    numbers = np.array([0, 1, 2, 999, 2**33])
    for strength in (0.1, 0.6, 3.0):
        noise = Noise(strength, seed)
        expected = [[twins.noise_factor(noise, 2, unit, n) for unit in range(6)] for n in numbers.tolist()]
        assert noise.factors(2, 6, numbers).tolist() == expected


def test_the_sequence_is_split_mix_64():
    assert [twins.split_mix(1234567, n) for n in (1, 2, 3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_factors_are_what_they_are_said_to_be():
    drawn = NOISE.factors(1, 200, np.arange(500))
    half = 0.6 * np.sqrt(3.0)
    assert drawn.min() >= 1.0 - half and drawn.max() < 1.0 + half
    assert drawn.mean() == pytest.approx(1.0, abs=4 * 0.6 / np.sqrt(drawn.size))
    assert drawn.std() == pytest.approx(0.6, rel=0.01)
    assert len(np.unique(drawn)) == drawn.size
    others = (NOISE.factors(2, 200, np.arange(500)), Noise(0.6, 8).factors(1, 200, np.arange(500)))
    for other in (*others, drawn[:, ::-1], drawn[::-1]):
        assert abs(np.corrcoef(drawn.ravel(), other.ravel())[0, 1]) < 0.015


def test_parts_of_a_data_set_keep_the_numbers_of_their_examples():
    data, net = make_data(), make_net()
    whole, rows = factors(net, data, slice(None)), np.array([40, 3, 3, 69])
    for one, other in zip(whole, factors(net, data.subset(rows), slice(None)), strict=True):
        assert other.tolist() == one[rows].tolist()
    assert data.subset(rows).first(2).numbers.tolist() == [40, 3]
    assert data.first(9).numbers.tolist() == list(range(9)) and data.first(9).noise == NOISE
    assert data.with_noise(0.0).noise is None and factors(net, data.with_noise(0.0), slice(None)) == ()


# ------------------------------------------------------------------------------- what has it


@pytest.mark.parametrize("arithmetic", ["ordered", "blas"])
@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_an_evaluator_agrees_with_the_twin(activation, loss, arithmetic):
    net, data = make_net(activation, loss), make_data(37)
    theta, gradient = make_theta(net), np.empty(net.n_params)
    evaluator = make_evaluator(net, data, arithmetic=arithmetic)
    got = evaluator.evaluate(theta, gradient)
    assert got.loss == pytest.approx(twins.loss(net, theta, data), rel=1e-12)
    assert got.loss != pytest.approx(net.loss(theta, data.with_noise(0.0)), rel=1e-3)
    assert got.n_errors == twins.n_errors(net, theta, data)
    np.testing.assert_allclose(gradient, twins.gradient(net, theta, data), rtol=1e-9, atol=1e-14)
    expected = twins.per_example_loss(net, theta, data)
    np.testing.assert_allclose(evaluator.per_example_loss(theta), expected, rtol=1e-11)
    np.testing.assert_allclose(
        evaluator.logits(theta), twins.logits_on(net, theta, data), rtol=1e-11, atol=1e-13
    )
    assert evaluator.loss_and_errors(theta) == (pytest.approx(got.loss, rel=1e-13), got.n_errors)


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_the_hessian_is_the_derivative_of_the_gradient(activation, loss):
    net, data = make_net(activation, loss), make_data(33)
    theta, v = make_theta(net), np.random.default_rng(5).standard_normal(net.n_params)
    h = 1e-6
    slope = (net.gradient(theta + h * v, data) - net.gradient(theta - h * v, data)) / (2 * h)
    np.testing.assert_allclose(
        net.hessian_vector(theta, data, v), slope, atol=2e-8 * max(1.0, np.abs(slope).max())
    )
    np.testing.assert_allclose(
        dense_hessian(net, data, theta) @ v, net.hessian_vector(theta, data, v), atol=1e-12
    )


def test_logits_of_inputs_have_no_noise_and_of_a_data_set_they_do():
    net, data = make_net(), make_data()
    theta = make_theta(net)
    np.testing.assert_allclose(net.logits(theta, data.x), twins.logits(net, theta, data.x), rtol=1e-11)
    np.testing.assert_allclose(net.logits(theta, data), twins.logits_on(net, theta, data), rtol=1e-11)


def test_a_sample_has_its_factors_in_whatever_block_and_batch_it_stands():
    net, data = make_net(), make_data(700)
    theta, whole, part = make_theta(net), np.empty(63), np.empty(63)
    logits = net.logits(theta, data)
    for rows in (np.arange(300, 330), np.array([699, 0, 256]), np.arange(700)[::-1]):
        np.testing.assert_array_equal(net.logits(theta, data.subset(rows)), logits[rows])
        for arithmetic in ("ordered", "blas"):
            whole, part = np.empty(net.n_params), np.empty(net.n_params)
            make_evaluator(net, data, arithmetic=arithmetic).evaluate(theta, part, rows)
            make_evaluator(net, data.subset(rows), arithmetic=arithmetic).evaluate(theta, whole)
            np.testing.assert_allclose(part, whole, rtol=1e-12, atol=1e-16)


def test_the_same_bits_for_any_number_of_threads():
    net, data = make_net(hidden=(70,), skip=(1,), n_features=64), make_data(1100, n_features=64)
    runs = [Trainer(net, data, make_theta(net), n_threads=n) for n in (1, 2, 4)]
    for run in runs:
        run.step(4)
    assert runs[0].theta.tolist() == runs[1].theta.tolist() == runs[2].theta.tolist()


def test_features_disparities_and_examples_have_it():
    net, data = make_net(), make_data()
    theta = make_theta(net)
    found = features(net, data, theta)
    layers, bias = net.skip_weights(theta), net.layers(theta)[-1]
    logits = found @ np.concatenate([layers[0], layers[1] + bias[0]]) + bias[1]
    np.testing.assert_allclose(logits, net.logits(theta, data), rtol=1e-11, atol=1e-13)
    assert disparities(net, data, theta).cross_entropy == pytest.approx(net.loss(theta, data), rel=1e-12)
    examples = per_example(net, data, theta)
    np.testing.assert_allclose(examples.cross_entropy, net.per_example_loss(theta, data), rtol=1e-11)
    for k in (0, 5, 69):
        alone = net.gradient(theta, data.subset(np.array([k])))
        assert examples.weights_cross_entropy[k] == pytest.approx(np.linalg.norm(alone), rel=1e-11)


def test_flow_and_descent_have_it():
    net, data = make_net(), make_data()
    theta = make_theta(net)
    flow = gradient_flow(net, data, theta, [0.0, 0.2])
    fine = Trainer(net, data, theta, 1e-4)
    fine.step(2000)
    np.testing.assert_allclose(flow.theta, fine.theta, atol=1e-5)
    assert flow.loss[0] == pytest.approx(net.loss(theta, data), rel=1e-12)


def test_kinks_and_the_clarke_residual_have_it():
    data = Dataset([[1.0, 0.0], [1.0, 1.0]], [1, 0], targets=[1.0, -1.0]).with_noise(0.4, 3)
    net = MLP((2, 1, 1), "relu", "squared")
    theta = np.array([0.0, 1.0, 0.0, 0.5, 0.0])  # the unit has its kink at the first sample
    kinks = find_kinks(net, data, theta, 1e-9)
    assert [(kink.sample, kink.layer, kink.unit) for kink in kinks.first(9)] == [(0, 1, 0)]
    at_kink, other = data.noise.factors(1, 1, data.numbers)[:, 0]
    # By the first weight: the second sample alone on the left, the first one's pull against it on the right.
    left = 0.5 * (0.5 * other + 1.0) * 0.5 * other
    right = left - 0.5 * 1.0 * 0.5 * at_kink
    assert 0.0 < right < left
    found = clarke_residual(net, data, theta, trained=np.arange(5) == 0)
    assert found.residual == pytest.approx(right, rel=1e-9)
    assert found.gradient_norm == pytest.approx(left, rel=1e-12)


def test_zero_error_is_reached_where_duplicates_make_it_impossible_without():
    x = np.ones((2, 2))
    plain = Dataset(x, [0, 1], targets=[1.0, -1.0])
    net = MLP((2, 8, 1), "leaky_relu", "squared")
    theta = net.init("glorot_normal", 0)
    losses = []
    for data in (plain, plain.with_noise(0.5, 1)):
        run = Trainer(net, data, theta, 0.05)
        run.step(3000)
        losses.append(run.history["loss"][-1])
    assert losses[0] == pytest.approx(0.5, rel=1e-6) and losses[1] < 1e-10


# ------------------------------------------------------------------------------- settings and refusals


def test_a_run_has_the_noise_of_its_settings():
    config = RunConfig(data="xor", hidden=(4,), noise=0.3, noise_seed=5, batch_size=2)
    run = Trainer.from_config(config)
    assert run.data.noise == Noise(0.3, 5)
    run.warm_up()
    run.step(5)
    again = Trainer(run.net, run.data, run.net.init("glorot_uniform"), batch_size=2)
    assert (again.config.noise, again.config.noise_seed) == (0.3, 5)
    again.step(5)
    assert again.theta.tolist() == run.theta.tolist()
    assert Trainer.from_config(config.replace(noise=0.0)).data.noise is None


@pytest.mark.parametrize("name", ["permute", "duplicate"])
def test_kicks_that_would_no_longer_keep_the_loss_are_refused(name):
    net, data = make_net(), make_data()
    run = Trainer(net, data, make_theta(net))
    run.step(2)
    kept = run.theta
    with pytest.raises(ValueError, match=f"{name} must not be used with noise: .*factors of its own"):
        run.perturb(name)
    assert run.theta.tolist() == kept.tolist() and run.net is net
    run.perturb("noise", scale=1e-3)
    run.perturb("reset_unit")


def test_equal_units_part_and_the_run_says_so():
    net, data = MLP((3, 4, 4)), make_data()
    run = Trainer(net, data, net.init("constant"))
    run.step(3)
    assert run.history["symmetry_spread"][0] == 0.0 and run.history["symmetry_spread"][1] > 1e-6


# ------------------------------------------------------------------------------- slices


def loss_of_the_twin(net, data, origin, d1, d2, a, b):
    theta = origin + a * d1 + b * d2
    return twins.loss(net, theta, data), twins.n_errors(net, theta, data)


@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_a_plane_agrees_with_the_twin(activation, loss):
    net, data = make_net(activation, loss), make_data(21)
    vectors = np.random.default_rng(3).standard_normal((3, net.n_params))
    alphas, betas = np.linspace(-1.0, 1.0, 2), np.linspace(-0.7, 0.9, 3)
    for data_here in (data, data.subset(np.arange(21)[::-2])):  # the factors go with the samples' numbers
        got = engine.plane_slice(net, data_here, *vectors, alphas, betas)
        for (i, j), value in np.ndenumerate(got.loss):
            expected = loss_of_the_twin(net, data_here, *vectors, alphas[i], betas[j])
            assert value == pytest.approx(expected[0], rel=1e-11)
            assert got.n_errors[i, j] == expected[1]
    assert got.loss[0, 0] != pytest.approx(net.loss(vectors[0] - vectors[1], data.with_noise(0.0)), rel=1e-3)


@pytest.mark.parametrize(
    ("hidden", "skip"), [((), ()), ((1,), ()), ((6,), (1,)), ((3, 5, 4), (3, 1)), ((130,), ())]
)
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu"])
def test_lines_agree_with_the_net_in_whatever_blocks_and_threads(hidden, skip, activation, monkeypatch):
    from engine.landscape import sampler

    net, data = make_net(activation, hidden=hidden, skip=skip), make_data(300)
    origin, direction = np.random.default_rng(4).standard_normal((2, net.n_params))
    even, uneven = np.linspace(-2.0, 2.0, 40), np.array([0.3, -1.0, 0.35])
    whole = engine.line_slice(net, data, origin, direction, even)
    got = engine.line_slice(net, data, origin, direction, uneven)
    for alphas, found in ((even[::13], whole.loss[::13]), (uneven, got.loss)):
        expected = [net.loss(origin + a * direction, data) for a in alphas]
        np.testing.assert_allclose(found, expected, rtol=1e-11)
    monkeypatch.setattr(sampler, "_GROUP_BYTES", 1)  # a block at a time
    monkeypatch.setattr(sampler, "_CALL_S", 0.0)
    for n_threads in (1, 2):
        again = engine.line_slice(net, data, origin, direction, even, n_threads=n_threads)
        assert again.loss.tolist() == whole.loss.tolist()
        assert again.n_errors.tolist() == whole.n_errors.tolist()


def test_every_number_of_samples():
    net = make_net(loss="squared")
    origin, direction = np.random.default_rng(5).standard_normal((2, net.n_params))
    for n in range(1, 18):
        data = make_data(n)
        got = engine.line_slice(net, data, origin, direction, [0.5])
        assert got.loss[0] == pytest.approx(net.loss(origin + 0.5 * direction, data), rel=1e-12)


def test_a_curve_has_the_noise():
    net, data = make_net(), make_data(20)
    start, control, end = np.random.default_rng(6).standard_normal((3, net.n_params))
    curve = Bezier(start, control, end)
    found = curve_loss(net, data, curve, n_points=5)
    expected = [twins.loss(net, curve.at(t), data) for t in found.t]
    np.testing.assert_allclose(found.loss, expected, rtol=1e-11)


@pytest.mark.parametrize("kind", ["aligned", "copies"])
def test_views_of_permuted_copies_refuse_noise(kind):
    net, data = make_net(), make_data()
    ends = tuple(Point(name, 0, make_theta(net) + k, 1.0) for k, name in enumerate("AB"))
    scene = Scene(net, make_theta(net), net.gradient(make_theta(net), data), (), ends, data=data)
    with pytest.raises(ValueError, match=r"noise must be 0 for this: .*factors of its own"):
        VIEWS[kind].make(scene)
    assert VIEWS[kind].make(replace(scene, data=data.with_noise(0.0))).marks


# ------------------------------------------------------------------------------- bad settings


@pytest.mark.parametrize(
    ("strength", "seed", "error", "name"),
    [
        (-0.1, 0, ValueError, "noise must be .* at least 0"),
        (float("nan"), 0, ValueError, "noise"),
        ("much", 0, TypeError, "noise"),
        (0.5, -1, ValueError, "noise_seed"),
        (0.5, 2**63, ValueError, "noise_seed"),
        (0.5, 0.5, TypeError, "noise_seed"),
    ],
)
def test_bad_noise_is_named(strength, seed, error, name):
    with pytest.raises(error, match=name):
        make_data().with_noise(strength, seed)
    with pytest.raises(error, match=name):
        RunConfig(noise=strength, noise_seed=seed)
