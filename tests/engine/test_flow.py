"""Gradient flow against closed forms and tiny steps, and gradient descent that tends to it."""

from __future__ import annotations

import numpy as np
import pytest

from engine import MLP, Dataset, Trainer
from engine.flow import gradient_flow, iter_flow
from engine.limits import compare_with_flow, iter_comparison

LINEAR = MLP((2, 1), loss="squared")
WITNESS_NET = MLP((2, 2))
"""Softmax regression in which the flow must pass a mistake: see `errors-never-rise`."""


@pytest.fixture
def line():
    rng = np.random.default_rng(3)
    return Dataset(rng.standard_normal((12, 2)), np.zeros(12, dtype=int), targets=rng.standard_normal(12))


@pytest.fixture
def small():
    rng = np.random.default_rng(0)
    net = MLP((2, 4, 3), "tanh")
    data = Dataset(rng.standard_normal((30, 2)), rng.integers(0, 3, 30))
    return net, data, net.init("normal", seed=1, scale=0.7)


def linear_flow(data, theta, time):
    """theta(t) of least squares: the normal equations' solution plus what is left of the way to it."""
    inputs = np.column_stack([data.x, np.ones(data.n_samples)])
    hessian = inputs.T @ inputs / data.n_samples
    goal = np.linalg.solve(hessian, inputs.T @ data.targets / data.n_samples)
    values, vectors = np.linalg.eigh(hessian)
    return goal + vectors @ (np.exp(-values * time) * (vectors.T @ (theta - goal)))


@pytest.mark.parametrize("method", ["DOP853", "LSODA"])
def test_the_flow_of_a_quadratic_loss_is_the_closed_form(line, method):
    times = np.array([0.0, 0.1, 0.35, 2.0, 7.5])
    theta = np.array([2.0, -1.0, 0.5])
    got = gradient_flow(LINEAR, line, theta, times, method=method, rtol=1e-11, keep_thetas=True)
    want = np.array([linear_flow(line, theta, time) for time in times])
    assert np.abs(got.thetas - want).max() < 1e-8
    assert np.allclose(got.loss, [LINEAR.loss(point, line) for point in want], rtol=1e-7)
    assert np.array_equal(got.theta, got.thetas[-1])
    assert (got.n_known, got.reason, got.method) == (5, "", method) and got.n_evaluations > 10


def test_a_tighter_tolerance_is_nearer(line):
    theta, want = np.array([2.0, -1.0, 0.5]), linear_flow(line, np.array([2.0, -1.0, 0.5]), 3.0)
    loose, tight = (
        np.linalg.norm(gradient_flow(LINEAR, line, theta, [3.0], rtol=rtol, atol=rtol).theta - want)
        for rtol in (1e-4, 1e-10)
    )
    assert tight < 1e-8 < loose < 1e-2


def test_both_methods_agree_on_a_network_and_errors_are_counted(small):
    net, data, theta = small
    times = np.linspace(0.0, 20.0, 9)
    one, other = (gradient_flow(net, data, theta, times, method=name) for name in ("DOP853", "LSODA"))
    assert np.allclose(one.loss, other.loss, rtol=1e-7)
    assert (np.diff(one.loss) < 0).all()
    assert one.n_errors[0] == net.n_errors(theta, data) and one.n_errors[-1] == net.n_errors(one.theta, data)
    assert one.thetas is None


def test_partial_flows_grow_and_never_change(small):
    net, data, theta = small
    answers = list(iter_flow(net, data, theta, np.linspace(0.0, 5.0, 20), keep_thetas=True))
    shares = [share for share, _ in answers]
    assert shares == sorted(shares) and shares[-1] == 1.0
    last = answers[-1][1]
    for _, partial in answers:
        known = partial.n_known
        assert (
            np.array_equal(partial.loss[:known], last.loss[:known]) and np.isnan(partial.loss[known:]).all()
        )
        assert (partial.n_errors[known:] == -1).all()
        assert np.array_equal(partial.thetas, last.thetas[:known])
    assert answers[0][1].n_known == 1 and not last.thetas.flags.writeable


def test_a_flow_that_takes_too_long_says_where_it_stands(small):
    net, data, theta = small
    got = gradient_flow(net, data, theta, [1.0, 1e6], max_evaluations=60)
    assert got.reason.startswith("The flow stands at time ") and "gradients" in got.reason
    assert got.n_known == 1 and np.isnan(got.loss[1]) and got.n_evaluations < 100


def test_a_flow_that_is_not_finite_stops_with_a_sentence():
    data = Dataset([[1e200]], [0], targets=[1.0])
    got = gradient_flow(MLP((1, 1), loss="squared"), data, [1.0, 0.0], [0.0, 1.0])
    assert (got.n_known, bool(got.reason)) == (0, True)


def test_gradient_descent_tends_to_the_flow_at_first_order(small):
    net, data, theta = small
    got = compare_with_flow(net, data, theta, 0.2, 20, every=5, n_halvings=3)
    assert np.allclose(got.rates, [0.2, 0.1, 0.05, 0.025]) and np.allclose(got.times, [0, 1, 2, 3, 4])
    assert (got.distance[:, 0] == 0).all()
    assert np.allclose(
        got.distance[:-1, -1] / got.distance[1:, -1], 2.0, atol=0.15
    )  # half the rate, half as far
    assert (
        np.abs(got.loss - got.flow.loss).max(axis=1)[1:]
        < 0.6 * np.abs(got.loss - got.flow.loss).max(axis=1)[:-1]
    ).all()
    assert (got.n_errors[:, 0] == net.n_errors(theta, data)).all()


def test_a_row_of_the_comparison_is_plain_gradient_descent(small):
    net, data, theta = small
    got = compare_with_flow(net, data, theta, 0.5, 6, every=3, n_halvings=1)
    for row, (rate, n_steps) in enumerate([(0.5, 3), (0.25, 6)]):
        point = theta
        for column in (1, 2):
            for _ in range(n_steps):
                point = point - rate * net.gradient(point, data)
            assert got.loss[row, column] == pytest.approx(net.loss(point, data), rel=1e-11)
            assert got.n_errors[row, column] == net.n_errors(point, data)


def test_a_rise_of_the_errors_persists_in_the_limit_and_its_times_come_together():
    data = Dataset([[0.6, 0], [0.8, 0], [1.0, 0], [1.2, 0], [1.4, 0], [4.0, -4.0]], [1, 1, 1, 1, 1, 0])
    theta = np.array([-0.05, 0.05, 2.5, -2.5, 0.0, 0.0])
    got = compare_with_flow(WITNESS_NET, data, theta, 0.02, 200, n_halvings=3)
    for rate, first in zip(got.rates, got.first_rise, strict=True):
        run = Trainer(WITNESS_NET, data, theta, float(rate))
        run.step(round(4.0 / rate))
        assert first == pytest.approx(rate * (np.flatnonzero(np.diff(run.history["n_errors"]) > 0)[0] + 1))
    assert np.isfinite(got.first_rise).all() and np.isfinite(got.flow_first_rise)
    assert np.abs(np.diff(got.first_rise))[-1] <= 0.02
    assert abs(got.first_rise[-1] - got.flow_first_rise) <= 0.03


def test_a_run_without_a_rise_has_no_time_of_one(small):
    data = Dataset([[1.0], [-1.0]], [0, 1])
    got = compare_with_flow(MLP((1, 2)), data, [0.1, -0.1, 0.0, 0.0], 0.1, 10)
    assert np.isnan(got.first_rise).all() and np.isnan(got.flow_first_rise)


def test_a_rate_that_diverges_leaves_the_others():
    data = Dataset([[1.0]], [0], targets=[1.0])
    got = compare_with_flow(
        MLP((1, 1), loss="squared"), data, [2.0, 0.0], 1e200, 4, n_halvings=0, max_evaluations=50
    )
    assert np.isnan(got.loss[0, 2:]).all() and got.loss[0, 0] == 0.5
    assert got.flow.reason


def test_partial_comparisons_come_rate_by_rate(small):
    net, data, theta = small
    answers = list(iter_comparison(net, data, theta, 0.2, 4, n_halvings=1))
    shares = [share for share, _ in answers]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1.0)
    assert answers[0][1] is None
    first = next(result for _, result in answers if result is not None)
    assert np.isfinite(first.loss[0, :2]).all() and np.isnan(first.loss[1]).all()


@pytest.mark.parametrize(
    ("times", "options", "sentence"),
    [
        ([], {}, "times must be a list of at least one number"),
        ([1.0, 1.0], {}, "each larger than the one before"),
        ([-1.0], {}, "times must be finite numbers from 0 on"),
        ([1.0], {"method": "Euler"}, "method must be one of DOP853, LSODA"),
        ([1.0], {"rtol": 0.0}, "rtol must be a finite number of at least"),
    ],
)
def test_bad_arguments_get_one_sentence(line, times, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        gradient_flow(LINEAR, line, np.zeros(3), times, **options)


def test_too_large_a_network_for_the_implicit_method_is_refused():
    net = MLP((60, 40, 2))
    data = Dataset(np.zeros((1, 60)), [0])
    with pytest.raises(ValueError, match="at most 2000 parameters for LSODA"):
        gradient_flow(net, data, np.zeros(net.n_params), [1.0], method="LSODA")


def test_steps_that_do_not_fit_are_refused(line):
    with pytest.raises(ValueError, match=r"n_steps must be a multiple of every \(3\), not 10"):
        compare_with_flow(LINEAR, line, np.zeros(3), 0.1, 10, every=3)
