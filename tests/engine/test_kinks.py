"""Clarke residual: against every pattern listed, bounded least squares, and points known to be stationary."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import scipy.optimize

from engine import MLP, Dataset
from engine.clarke import MOST_DEEP_KINKS, MOST_KINKS, clarke_residual
from engine.kinks import find_kinks
from engine.polytope import nearest_to_origin
from tests.engine import twins


def nearest_by_nnls(vertices):
    """Least norm in the hull of the rows: min |V^T u|^2 + (sum u - 1)^2 over u >= 0, scaled to sum 1."""
    matrix = np.vstack([vertices.T, np.ones(len(vertices))])
    shares = scipy.optimize.nnls(matrix, np.append(np.zeros(vertices.shape[1]), 1.0))[0]
    return float(np.linalg.norm(shares @ vertices) / shares.sum())


def every_vertex(base, groups):
    return np.array([base + sum(choice) for choice in product(*groups)])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_the_nearest_point_of_a_sum_is_that_of_all_its_vertices(n, seed):
    rng = np.random.default_rng(seed)
    base, sizes = 2.0 * rng.standard_normal(n), (2, 3, 2, 4)
    groups = [rng.standard_normal((size, n)) for size in sizes]
    got = nearest_to_origin(base, groups)
    want = nearest_by_nnls(every_vertex(base, groups))
    assert got.distance == pytest.approx(want, rel=1e-9, abs=1e-11)
    assert got.at_least <= got.distance <= got.at_least + 1e-10
    assert np.linalg.norm(got.point) == pytest.approx(got.distance, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize(("n", "n_pairs"), [(10, 30), (60, 40), (30, 120)])
def test_many_pairs_are_a_bounded_least_squares_problem(n, n_pairs):
    rng = np.random.default_rng(n)
    base, ends = 20 * rng.standard_normal(n), rng.standard_normal((n_pairs, n))
    got = nearest_to_origin(base, [np.array([np.zeros(n), end]) for end in ends])
    want = scipy.optimize.lsq_linear(ends.T, -base, bounds=(0.0, 1.0), method="bvls", tol=1e-14)
    assert got.distance == pytest.approx(np.sqrt(2 * want.cost), rel=1e-9, abs=1e-9)
    assert got.distance - got.at_least <= 1e-9 * np.linalg.norm(base)


def test_a_hull_around_0_is_at_distance_0():
    square = [np.array([[-1.0, 0.0], [2.0, 0.0]]), np.array([[0.0, -3.0], [0.0, 0.1]])]
    got = nearest_to_origin(np.zeros(2), square)
    assert got.distance < 1e-14 and got.at_least <= got.distance


def test_a_cut_search_says_how_far_it_may_be_off():
    rng = np.random.default_rng(0)
    base, groups = 20 * rng.standard_normal(30), [rng.standard_normal((2, 30)) for _ in range(40)]
    cut, full = nearest_to_origin(base, groups, max_rounds=3), nearest_to_origin(base, groups)
    assert cut.n_rounds == 3 and cut.at_least < full.distance < cut.distance


def residual_of_all_patterns(net, data, theta, tolerance):
    """The slow way: the gradient of the mean loss for every choice of sides of all kinks, and their hull."""
    kinks = []
    for i, sample in enumerate(data.x.tolist()):
        for layer, row in enumerate(twins.forward(net, theta, sample)[0]):
            if net.activation[layer] in ("relu", "leaky_relu"):
                kinks += [(i, layer, j) for j, z in enumerate(row) if abs(z) <= tolerance]
    vertices = [
        gradient_with_sides(net, data, theta, dict(zip(kinks, sides, strict=True)))
        for sides in product((False, True), repeat=len(kinks))
    ]
    return len(kinks), nearest_by_nnls(np.array(vertices))


def gradient_with_sides(net, data, theta, sides):
    layers, _ = twins.unpack(net, theta)
    total = np.zeros(net.n_params)
    for i, sample in enumerate(data.x.tolist()):
        pre_activations, values, outputs = twins.forward(net, theta, sample)
        delta = np.array(twins.delta_of_outputs(net.loss_name, outputs, int(data.y[i]), data.targets[i]))
        parts = []
        for number in range(len(layers) - 1, -1, -1):
            parts.append(np.concatenate([np.outer(values[number], delta).ravel(), delta]))
            if number:
                slopes = []
                for j, z in enumerate(pre_activations[number - 1]):
                    is_right = sides.get((i, number - 1, j), z > 0)
                    slopes.append(twins.SLOPES[net.activation[number - 1]](1.0 if is_right else -1.0))
                delta = np.array(layers[number][0]) @ delta * np.array(slopes)
        total += np.concatenate(parts[::-1])
    return total / data.n_samples


ONE, TWO = (2, 3, 1), (2, 2, 3, 1)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
@pytest.mark.parametrize(
    ("sizes", "seed", "tolerance"),
    [(ONE, 0, 0.4), (ONE, 1, 0.3), (TWO, 0, 0.4), (TWO, 2, 0.4), (TWO, 4, 0.4), (TWO, 5, 0.3)],
)
def test_the_residual_is_that_of_every_pattern(sizes, seed, tolerance, name):
    rng, net = np.random.default_rng(seed), MLP(sizes, name, loss="squared")
    data = Dataset(rng.standard_normal((4, 2)), np.zeros(4, dtype=int), targets=rng.standard_normal(4))
    theta = 0.8 * rng.standard_normal(net.n_params)
    n_kinks, want = residual_of_all_patterns(net, data, theta, tolerance)
    got = clarke_residual(net, data, theta, tolerance)
    assert (got.n_kinks, got.n_left_out) == (n_kinks, 0) and n_kinks >= 4
    assert got.residual == pytest.approx(want, rel=1e-8)
    assert got.at_least <= got.residual <= got.at_least * (1 + 1e-9)
    assert got.residual < got.gradient_norm


def test_softmax_and_several_units_of_one_sample_at_a_kink():
    net = MLP((1, 2, 3), "relu")
    data, theta = (
        Dataset([[0.0], [1.0]], [0, 2]),
        np.array([1.0, -1, 0, 0, 0.5, 1, 0, -1, 0.3, 2, 0.1, 0.2, 0.3]),
    )
    n_kinks, want = residual_of_all_patterns(net, data, theta, 0.0)
    got = clarke_residual(net, data, theta, tolerance=0.0)
    assert (n_kinks, got.n_kinks, got.n_samples) == (2, 2, 1)
    assert got.residual == pytest.approx(want, rel=1e-9)
    assert got.residual < got.gradient_norm


def test_the_kink_that_gradient_descent_jumps_about_is_stationary():
    """Slope .1, one weight, x = 1, -1, targets -1, -1: the loss has its minimum at the kink w = 0."""
    net = MLP((1, 1, 1), "leaky_relu", loss="squared")
    data = Dataset([[1.0], [-1.0]], [0, 0], targets=[-1.0, -1.0])
    theta, only_the_weight = np.array([0.0, 0.0, 1.0, 0.0]), np.array([True, False, False, False])
    for w in (-1e-3, 1e-3):  # on either side the loss goes up, by a slope that does not vanish
        moved = theta + np.array([w, 0, 0, 0])
        assert net.gradient(moved, data)[0] * np.sign(w) == pytest.approx(0.45, abs=0.01)
    got = clarke_residual(net, data, theta, tolerance=0.0, trained=only_the_weight)
    assert (got.n_kinks, got.n_samples) == (2, 2) and got.residual < 1e-15
    away = clarke_residual(net, data, theta + 1e-3 * only_the_weight, 1e-4, only_the_weight)
    assert away.n_kinks == 0 and away.residual == away.gradient_norm == pytest.approx(0.45, abs=0.01)
    biases_too = clarke_residual(net, data, theta, tolerance=0.0)
    assert biases_too.residual == pytest.approx(residual_of_all_patterns(net, data, theta, 0.0)[1], rel=1e-9)


def test_an_absolute_value_has_its_minimum_at_the_kink():
    """f = relu(w) + relu(-w') with both at 0 and target -1: the gradient jumps over 0."""
    net = MLP((1, 2, 1), "relu", loss="squared", skip=())
    data = Dataset([[1.0]], [0], targets=[-1.0])
    theta = np.array(
        [0.0, 0.0, 0.0, 0.0, 1.0, -1.0, -1.0]
    )  # f = -1 + relu(0) - relu(0): loss and deltas are 0
    assert clarke_residual(net, data, theta).residual == 0.0
    theta[-1] = 0.0  # now the error is 1: only the dead sides of both units leave the output bias's share
    got = clarke_residual(net, data, theta)
    assert got.residual == pytest.approx(1.0, rel=1e-12) and got.n_kinks == 2


def test_a_smooth_network_has_no_kinks_and_its_gradients_norm():
    net, data = MLP((1, 3, 2), "tanh"), Dataset([[1.0], [0.5]], [0, 1])
    theta = net.init("normal", seed=0)
    got = clarke_residual(net, data, theta, tolerance=10.0)
    norm = np.linalg.norm(net.gradient(theta, data))
    assert (got.n_kinks, got.n_samples, got.reason) == (0, 0, "")
    assert got.residual == got.at_least == got.gradient_norm == pytest.approx(norm)


def test_skip_weights_are_part_of_the_gradient():
    net = MLP((2, 2, 2, 2), ("relu", "tanh"), skip=(1,))
    data, theta = Dataset([[0.3, -0.4]], [1]), net.init("normal", seed=1, scale=0.5)
    got = clarke_residual(net, data, theta, tolerance=0.0)
    assert got.n_kinks == 0 and got.residual == pytest.approx(np.linalg.norm(net.gradient(theta, data)))
    zero = np.zeros_like(theta)
    zero[-4:] = [0.5, -0.5, 1.0, 0.2]
    one_sided = clarke_residual(net, data, zero, tolerance=0.0)
    assert one_sided.n_kinks == 2 and one_sided.residual == pytest.approx(
        nearest_over_slopes(net, data, zero)
    )


def nearest_over_slopes(net, data, theta):
    """Both units of the first layer at 0 reach the output by skips: the gradient is affine in both slopes."""
    output = np.array(twins.delta_of_outputs("cross_entropy", [0.0, 0.0], 1, 0.0))
    below = net.skip_weights(theta)[0] @ output
    fixed = np.concatenate([output])  # bias of the output; hidden values are all 0
    ends = [np.concatenate([[0.0] * 2, d * np.append(data.x[0], 1.0)]) for d in below]
    vertices = []
    for sides in product((0.0, 1.0), repeat=2):
        parts = [side * end[2:] for side, end in zip(sides, ends, strict=True)]
        vertices.append(np.concatenate([fixed, *parts]))
    return nearest_by_nnls(np.array(vertices))


def test_kinks_beyond_the_limit_are_left_out_and_told():
    net = MLP((1, 300, 2), "relu")
    data, theta = Dataset([[1.0]], [0]), np.zeros(MLP((1, 300, 2)).n_params)
    got = clarke_residual(net, data, theta)
    assert (got.n_kinks, got.n_left_out) == (300, 300 - MOST_KINKS)
    assert got.reason == "44 of 300 kinks were left out; a smaller tolerance has fewer."


def test_a_sample_with_kinks_in_two_layers_has_its_own_limit():
    net = MLP((1, 6, 6, 2), "relu")
    got = clarke_residual(net, Dataset([[1.0]], [0]), np.zeros(net.n_params))
    assert (got.n_kinks, got.n_left_out) == (12, 12 - MOST_DEEP_KINKS)


def test_kinks_are_found_nearest_first():
    net = MLP((1, 3, 2), "relu")
    theta = np.zeros(net.n_params)
    theta[:3] = [0.3, -0.1, 0.7]
    found = find_kinks(net, Dataset([[1.0], [-1.0]], [0, 1]), theta, 0.5)
    assert found.sample.tolist() == [0, 1, 0, 1] and found.unit.tolist() == [1, 1, 0, 0]
    assert found.first(2) == [(0, 1, 1, -0.1), (1, 1, 1, 0.1)]


def test_bad_arguments_get_one_sentence():
    with pytest.raises(ValueError, match="tolerance must be a finite number of at least 0"):
        clarke_residual(MLP((1, 2), "relu"), Dataset([[1.0]], [0]), np.zeros(4), tolerance=-1)
    with pytest.raises(ValueError, match="trained must be 4 booleans"):
        clarke_residual(MLP((1, 2), "relu"), Dataset([[1.0]], [0]), np.zeros(4), trained=[1, 0, 1, 0])


def test_pre_activations_that_are_rounding_alone_may_have_any_sign():
    """Whoever sums in another order sees such a unit on the other side; the hull must not depend on that."""
    rng, net = np.random.default_rng(0), MLP((40, 8, 1), "relu", loss="squared")
    data = Dataset(rng.standard_normal((2, 40)), [0, 0], targets=[1.0, -2.0])
    theta = rng.standard_normal(net.n_params)
    weights, bias = net.layers(theta)[0]
    bias[...] = -(data.x[0] * weights.T).sum(axis=1)
    n_kinks, want = residual_of_all_patterns(net, data, theta, 1e-12)
    got = clarke_residual(net, data, theta, tolerance=1e-12)
    assert got.n_kinks == n_kinks == 8 and got.n_samples == 1
    assert got.residual == pytest.approx(want, rel=1e-8)
