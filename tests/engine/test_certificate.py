"""Certificates of steps, against quadratics whose curvature is known and against finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

import engine
from engine.certificate import (
    certify,
    curvature_along,
    curvature_rounding,
    iter_falling_rate,
    largest_falling_rate,
)

XOR = engine.load_dataset("xor")
NET = engine.MLP((2, 3, 2), "tanh")
THETA = NET.init("glorot_uniform", seed=3)


def line():
    """One weight on x = 1 and 3, squared loss: the curvature is the mean of x^2, 5, everywhere."""
    data = engine.Dataset([[1.0], [3.0]], [0, 1], targets=[2.0, -1.0])
    return engine.MLP((1, 1), loss="squared"), data, np.array([0.7, 0.0])


def test_on_a_quadratic_everything_is_known():
    found = certify(*line(), learning_rate=0.1, train="weights")
    curvatures = found.curvature_here, found.curvature_along, found.curvature_largest
    assert curvatures == pytest.approx((5.0, 5.0, 5.0), rel=1e-12)
    assert found.predicted_drop == pytest.approx(found.drop, rel=1e-12)
    assert (found.limit, found.is_certified, found.rises) == (20.0, True, False)


@pytest.mark.parametrize(("rate", "rises"), [(0.399, False), (0.401, True)])
def test_two_over_the_curvature_parts_falling_from_rising(rate, rises):
    found = certify(*line(), learning_rate=rate, train="weights")
    assert (found.rises, found.is_certified) == (rises, not rises)
    assert (found.drop < 0) == rises == (rate * found.curvature_along > 2)


def test_the_falling_rate_of_a_quadratic_is_two_over_its_curvature():
    shares, rates = zip(*iter_falling_rate(*line(), train="weights"), strict=True)
    assert rates[-1] == pytest.approx(0.4, rel=2e-6) and rates[-1] <= 0.4
    assert shares[-1] == 1.0 and list(shares) == sorted(shares)


def test_no_rate_falls_without_a_gradient_and_none_rises_on_a_slope_without_end():
    net, data, theta = line()
    assert largest_falling_rate(net, data, np.array([-0.1, 0.0]), train="weights") == 0.0
    assert not math.isfinite(
        largest_falling_rate(engine.MLP((1, 2)), engine.Dataset([[1.0]], [0]), np.zeros(4))
    )
    assert theta[0] == 0.7


@pytest.mark.parametrize("rate", [0.01, 0.5, 8.0])
def test_curvature_along_is_the_weighted_mean_of_the_hessian(rate):
    found = certify(NET, XOR, THETA, rate, n_points=5)
    gradient = NET.gradient(THETA, XOR)
    unit = gradient / np.linalg.norm(gradient)
    middles = (np.arange(400) + 0.5) / 400
    slow = [unit @ NET.hessian_vector(THETA - t * rate * gradient, XOR, unit) for t in middles]
    assert found.curvature_along == pytest.approx(np.mean(2 * (1 - middles) * slow), rel=1e-4, abs=1e-7)
    assert found.curvature_here == pytest.approx(unit @ NET.hessian_vector(THETA, XOR, unit))
    assert found.curvature_largest >= found.curvature_here


def test_the_curvature_here_agrees_with_finite_differences():
    found, h = certify(NET, XOR, THETA, 0.1), 1e-4
    gradient = NET.gradient(THETA, XOR)
    unit = gradient / np.linalg.norm(gradient)
    ahead, behind = (NET.loss(THETA + sign * h * unit, XOR) for sign in (1, -1))
    assert found.curvature_here == pytest.approx((ahead - 2 * found.loss + behind) / h**2, rel=1e-4)


def test_a_history_gives_the_curvature_of_every_step():
    trainer = engine.Trainer(NET, XOR, THETA, 0.5)
    thetas = [trainer.theta]
    for _ in range(5):
        trainer.step(1)
        thetas.append(trainer.theta)
    curvatures = curvature_along(trainer.history["loss"], trainer.history["gradient_norm"], 0.5)
    assert curvatures.shape == (5,)
    expected = [certify(NET, XOR, theta, 0.5).curvature_along for theta in thetas[:-1]]
    assert curvatures == pytest.approx(expected, rel=1e-6)
    rounding = curvature_rounding(trainer.history["loss"], trainer.history["gradient_norm"], 0.5)
    assert (rounding > 0).all() and (rounding < 1e-9).all()


def test_frozen_parameters_stay_out_of_it():
    found = certify(NET, XOR, THETA, 0.5, train="output")
    mask, gradient = NET.trained("output"), NET.gradient(THETA, XOR)
    assert found.gradient_norm == pytest.approx(np.linalg.norm(gradient[mask]))
    assert found.next_loss == NET.loss(THETA - 0.5 * gradient * mask, XOR)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="learning_rate must be a finite number above 0"):
        certify(NET, XOR, THETA, 0.0)
    with pytest.raises(ValueError, match="n_points must be a whole number of at least 2"):
        certify(NET, XOR, THETA, 0.1, n_points=1)
    with pytest.raises(ValueError, match="learning_rate must be smaller"):
        certify(*line(), learning_rate=1e200)
    with pytest.raises(ValueError, match="learning_rate must be one number or 2"):
        curvature_along([1.0, 0.9, 0.8], [1.0, 1.0, 1.0], [0.1])
