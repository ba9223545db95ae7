"""Sharpness in Keskar's sense against a grid and closed forms; Dinh's rescaling."""

from __future__ import annotations

import numpy as np
import pytest

from engine import MLP, Dataset, extreme_eigenpairs
from engine.curvature.sharpness import iter_keskar_sharpness, keskar_sharpness, rescaled, sharpness

LINEAR = MLP((1, 1), loss="squared")


def line_data(targets):
    x = np.array([[-1.0], [0.5], [2.0]])
    return Dataset(x, np.zeros(3, dtype=int), targets=targets)


def linear_loss(data, theta):
    residual = data.x[:, 0] * theta[0] + theta[1] - data.targets
    return 0.5 * (residual**2).mean()


def test_keskars_phi_of_a_convex_loss_is_at_a_corner_of_the_box():
    data, theta, epsilon = line_data([1.0, -2.0, 0.3]), np.array([3.0, -0.5]), 0.1
    corners = [theta + epsilon * np.array([i * 4.0, j * 1.5]) for i in (-1, 1) for j in (-1, 1)]
    largest = max(linear_loss(data, corner) for corner in corners)
    here = linear_loss(data, theta)
    got = keskar_sharpness(LINEAR, data, theta, epsilon=epsilon, n_starts=5)
    assert got.phi == pytest.approx(100 * (largest - here) / (1 + here), rel=1e-9)
    assert (got.loss, got.largest_loss) == (pytest.approx(here), pytest.approx(largest))
    assert min(np.abs(got.highest - corner).max() for corner in corners) < 1e-9
    assert (got.epsilon, got.n_dimensions, got.has_converged) == (0.1, 2, True)


def test_keskars_phi_is_found_at_a_minimum_where_the_gradient_says_nothing():
    theta = np.array([3.0, -0.5])
    data = line_data(line_data([0.0] * 3).x[:, 0] * theta[0] + theta[1])
    assert keskar_sharpness(LINEAR, data, theta, epsilon=0.1, n_starts=2).phi > 1.0


def test_keskars_phi_in_a_random_line_is_the_larger_of_its_two_ends():
    data, theta, epsilon = line_data([1.0, -2.0, 0.3]), np.array([3.0, -0.5]), 0.05
    got = keskar_sharpness(LINEAR, data, theta, epsilon=epsilon, n_dimensions=1, seed=7)
    along = np.random.default_rng(7).standard_normal((2, 1))[:, 0]
    along /= np.linalg.norm(along)
    reach = epsilon * (abs(along @ theta) + 1.0)
    largest = max(linear_loss(data, theta + side * reach * along) for side in (-1, 1))
    assert got.largest_loss == pytest.approx(largest, rel=1e-9)
    assert got.n_dimensions == 1


def test_keskars_phi_stays_in_the_box_and_grows_with_it():
    rng = np.random.default_rng(0)
    data, net = Dataset(rng.standard_normal((30, 3)), rng.integers(0, 3, 30)), MLP((3, 4, 3), "tanh")
    theta, found = net.init("normal", seed=1, scale=0.5), []
    for epsilon in (1e-3, 1e-2, 1e-1):
        got = keskar_sharpness(net, data, theta, epsilon=epsilon)
        assert (np.abs(got.highest - theta) <= epsilon * (np.abs(theta) + 1) * (1 + 1e-12)).all()
        assert net.loss(got.highest, data) == pytest.approx(got.largest_loss, rel=1e-12)
        found.append(got.phi)
    assert 0 < found[0] < found[1] < found[2]


def test_each_start_can_only_raise_phi_and_a_limit_is_told():
    rng = np.random.default_rng(0)
    data, net = Dataset(rng.standard_normal((30, 3)), rng.integers(0, 3, 30)), MLP((3, 4, 3), "tanh")
    theta = net.init("normal", seed=1, scale=0.5)
    answers = list(iter_keskar_sharpness(net, data, theta, epsilon=0.5, n_starts=4))
    phis = [result.phi for _, result in answers]
    assert phis == sorted(phis) and [share for share, _ in answers] == [0.25, 0.5, 0.75, 1.0]
    hurried = keskar_sharpness(net, data, theta, epsilon=0.5, n_starts=4, max_iterations=1)
    assert not hurried.has_converged and hurried.phi <= phis[-1] * (1 + 1e-9)


def test_the_search_can_be_cancelled():
    with pytest.raises(InterruptedError):
        keskar_sharpness(LINEAR, line_data([1.0, 2.0, 3.0]), np.ones(2), is_cancelled=lambda: True)


def test_sharpness_is_the_largest_eigenvalue():
    data = line_data([0.0, 0.0, 0.0])
    inputs = np.column_stack([data.x, np.ones(3)])
    assert sharpness(LINEAR, data, np.ones(2)) == pytest.approx(np.linalg.eigvalsh(inputs.T @ inputs / 3)[-1])


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "identity"])
@pytest.mark.parametrize("layer", [1, 2])
def test_dinhs_rescaling_keeps_the_function_and_moves_the_sharpness(activation, layer):
    rng = np.random.default_rng(5)
    net = MLP((3, 6, 5, 3), activation, skip=(1,))
    data = Dataset(rng.standard_normal((20, 3)), rng.integers(0, 3, 20))
    theta = net.init("normal", seed=1, scale=0.6)
    same = rescaled(net, theta, layer, 8.0)
    assert np.array_equal(net.logits(same, data.x), net.logits(theta, data.x))
    unlike = rescaled(net, theta, layer, rng.uniform(0.3, 3.0, net.layer_sizes[layer]))
    assert np.allclose(net.logits(unlike, data.x), net.logits(theta, data.x), rtol=0, atol=1e-13)
    before = extreme_eigenpairs(net, data, theta).largest[0]
    assert extreme_eigenpairs(net, data, same).largest[0] > 2 * before


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: rescaled(MLP((2, 3, 2), "tanh"), np.zeros(17), 1, 2.0), "activation of the rescaled layer"),
        (lambda: rescaled(MLP((2, 3, 2), "relu"), np.zeros(17), 2, 2.0), "layer must be a whole number"),
        (
            lambda: rescaled(MLP((2, 3, 2), "relu"), np.zeros(17), 1, 0.0),
            "factor must be a finite number above 0",
        ),
        (lambda: rescaled(MLP((2, 3, 2), "relu"), np.zeros(17), 1, [1, 2, -1]), "factor must hold"),
        (lambda: rescaled(MLP((2, 2)), np.zeros(6), 1, 2.0), "net must have a hidden layer"),
        (
            lambda: keskar_sharpness(LINEAR, line_data([0, 0, 0]), np.zeros(2), epsilon=0),
            "epsilon must be a finite number above 0",
        ),
        (
            lambda: keskar_sharpness(LINEAR, line_data([0, 0, 0]), np.zeros(2), n_dimensions=3),
            "n_dimensions must be a whole number from 1 to 2",
        ),
    ],
)
def test_bad_arguments_get_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
