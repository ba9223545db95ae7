"""Bezier curves: their points, the gradient by the control point, and a way around a barrier."""

from __future__ import annotations

import numpy as np
import pytest

from engine import MLP, Dataset
from engine.curves import (
    Bezier,
    curve_loss,
    iter_curve_loss,
    iter_train_curve,
    mean_loss_and_gradient,
    straight,
    train_curve,
)
from engine.perturbations import permuted


@pytest.fixture(scope="module")
def minima():
    """A trained point and its permuted copy."""
    rng = np.random.default_rng(0)
    net = MLP((2, 6, 2), "tanh")
    x = rng.standard_normal((40, 2))
    data = Dataset(x, (x[:, 0] * x[:, 1] > 0).astype(int))
    theta = net.init("normal", seed=0, scale=1.0)
    for _ in range(600):
        theta = theta - 1.0 * net.gradient(theta, data)
    return net, data, theta, permuted(net, theta, 1, np.roll(np.arange(6), 1))


def test_a_curve_starts_ends_and_leans_towards_its_control_point():
    start, control, end = np.array([0.0, 0.0]), np.array([1.0, 2.0]), np.array([2.0, 0.0])
    curve = Bezier(start, control, end)
    assert np.array_equal(curve.at(0.0), start) and np.array_equal(curve.at(1.0), end)
    assert np.array_equal(curve.at(0.5), [1.0, 1.0])
    # The tangents at the ends point along the legs to the control point, twice as long.
    assert np.allclose((curve.at(1e-7) - start) / 1e-7, 2 * (control - start), atol=1e-5)
    line = straight(start, end)
    assert all(np.allclose(line.at(t), start + t * (end - start)) for t in (0.1, 0.5, 0.9))


def test_loss_errors_and_length_along_a_curve(minima):
    net, data, start, end = minima
    curve = Bezier(start, 2.0 * start, end)
    answers = list(iter_curve_loss(net, data, curve, n_points=7))
    got = answers[-1][1]
    points = [curve.at(t) for t in got.t]
    assert np.allclose(got.t, np.arange(7) / 6)
    assert np.allclose(got.loss, [net.loss(point, data) for point in points], rtol=1e-14)
    assert got.n_errors.tolist() == [net.n_errors(point, data) for point in points]
    assert got.length[-1] == pytest.approx(sum(np.linalg.norm(np.diff(points, axis=0), axis=1)))
    assert got.highest == got.loss.max()
    half = answers[2][1]
    assert np.isnan(half.loss[3:]).all() and (half.n_errors[3:] == -1).all() and half.highest == np.inf
    assert curve_loss(net, data, straight(start, end)).length[-1] == pytest.approx(
        np.linalg.norm(end - start)
    )


def test_the_gradient_by_the_control_point_is_that_of_the_mean_loss(minima):
    net, data, start, end = minima
    rng, grid = np.random.default_rng(1), np.array([0.1, 0.4, 0.8])
    curve, evaluator = Bezier(start, rng.standard_normal(net.n_params), end), net.evaluator(data)
    loss, gradient = mean_loss_and_gradient(evaluator, curve, grid)
    assert loss == pytest.approx(np.mean([net.loss(curve.at(t), data) for t in grid]))
    for _ in range(3):
        v, h = rng.standard_normal(net.n_params), 1e-5
        ahead, behind = (
            mean_loss_and_gradient(evaluator, Bezier(start, curve.control + s * h * v, end), grid)[0]
            for s in (1, -1)
        )
        assert gradient @ v == pytest.approx((ahead - behind) / (2 * h), rel=1e-6)


def test_training_finds_a_way_around_the_barrier(minima):
    net, data, start, end = minima
    before = curve_loss(net, data, straight(start, end)).highest
    got = train_curve(net, data, start, end, learning_rate=0.5, n_steps=300)
    assert (np.diff(got.mean_loss) < 0).all() and len(got.mean_loss) == 301 and got.reason == ""
    assert curve_loss(net, data, got.curve).highest < 0.5 * before
    assert np.array_equal(got.curve.at(0.0), start) and np.array_equal(got.curve.at(1.0), end)


def test_a_rate_that_solves_a_quadratic_loss_in_one_step_does_so_for_the_control_point():
    """The scaling of the step: 1 / curvature is the best rate for theta and for the control point."""
    net = MLP((1, 1), loss="squared")
    data = Dataset([[1.0], [-1.0]], [0, 0], targets=[3.0, 1.0])  # Hessian = identity, minimum at w = 1, b = 2
    got = train_curve(net, data, [1.0, 2.0], [1.0, 2.0], control=[5.0, -3.0], learning_rate=1.0, n_steps=1)
    assert np.allclose(got.curve.control, [1.0, 2.0], atol=1e-12)


def test_partial_trainings_grow_and_never_change(minima):
    net, data, start, end = minima
    answers = list(iter_train_curve(net, data, start, end, n_steps=5))
    assert [len(result.mean_loss) for _, result in answers] == [1, 2, 3, 4, 5, 6]
    assert [share for share, _ in answers] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    last = answers[-1][1].mean_loss
    assert all(np.array_equal(result.mean_loss, last[: step + 1]) for step, (_, result) in enumerate(answers))


def test_a_rate_too_large_stops_before_the_step_and_says_so(minima):
    data = Dataset([[1.0]], [0], targets=[1.0])
    net = MLP((1, 1), loss="squared")
    got = train_curve(net, data, [1.0, 0.0], [0.0, 1.0], control=[1e3, 0.0], learning_rate=1e160, n_steps=9)
    assert got.reason == "Step 1 would give a loss that is not a finite number; try half the rate."
    assert len(got.mean_loss) == 1 and np.array_equal(got.curve.control, [1e3, 0.0])


def test_bad_arguments_get_one_sentence(minima):
    net, data, start, end = minima
    with pytest.raises(ValueError, match=r"^end must have shape"):
        train_curve(net, data, start, end[:-1])
    with pytest.raises(ValueError, match=r"^curve.control must hold finite numbers"):
        curve_loss(net, data, Bezier(start, np.full(net.n_params, np.inf), end))
    with pytest.raises(ValueError, match="learning_rate must be a finite number above 0"):
        train_curve(net, data, start, end, learning_rate=0.0)
