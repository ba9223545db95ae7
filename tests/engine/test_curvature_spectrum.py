"""Spectral density and trace of the Hessian: against known spectra and the full matrix."""

from __future__ import annotations

import numpy as np
import pytest

from engine import MLP, Dataset
from engine.curvature import dense_hessian
from engine.curvature.spectrum import iter_lanczos, iter_spectral_density, spectral_density
from engine.curvature.trace import hessian_trace, iter_trace

NET = MLP((3, 5, 3), "tanh")


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(1)
    data = Dataset(rng.standard_normal((25, 3)), rng.integers(0, 3, 25))
    theta = NET.init("normal", seed=2, scale=0.7)
    return data, theta, np.linalg.eigvalsh(dense_hessian(NET, data, theta))


def lanczos(product, start, n_steps):
    *_, (diagonal, beside) = iter_lanczos(product, start, n_steps)
    return np.array(diagonal), np.array(beside)


def test_lanczos_turns_a_matrix_into_a_tridiagonal_one_with_the_same_eigenvalues():
    values = np.array([-3.0, -0.5, 0.0, 1e-6, 2.0, 1e4])
    diagonal, beside = lanczos(lambda v: values * v, np.ones(6), 6)
    matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    assert np.allclose(np.linalg.eigvalsh(matrix), values, rtol=1e-12, atol=1e-9)


def test_lanczos_ends_where_the_start_has_no_part_in_more_eigenvectors():
    values = np.array([1.0, 1.0, 1.0, 4.0, 4.0])
    diagonal, beside = lanczos(lambda v: values * v, np.ones(5), 5)
    assert (len(diagonal), len(beside)) == (2, 1)


def test_full_reorthogonalisation_gives_no_ghosts():
    """Plain Lanczos finds an eigenvalue far outside again and again once it has converged."""
    values = np.append(np.linspace(0.0, 1.0, 60), 1e6)
    diagonal, beside = lanczos(lambda v: values * v, np.ones(61), 61)
    matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    assert (np.linalg.eigvalsh(matrix) > 1e3).sum() == 1


def test_the_density_integrates_to_one_and_its_nodes_to_the_trace(problem):
    data, theta, values = problem
    got = spectral_density(NET, data, theta, n_probes=30, n_lanczos=NET.n_params, broadening=0.02)
    step = got.eigenvalues[1] - got.eigenvalues[0]
    assert got.density.sum() * step == pytest.approx(1.0, abs=1e-5)
    assert got.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert got.nodes[0] == pytest.approx(values[0], rel=1e-9)
    assert got.nodes[-1] == pytest.approx(values[-1], rel=1e-9)
    assert got.moment(1) == pytest.approx(values.mean(), abs=4 * values.std() / np.sqrt(30 * len(values) / 2))
    assert got.broadening == pytest.approx(0.02 * (values[-1] - values[0]), rel=1e-9)
    # Adding the same to all logits' weights changes nothing: 0 has 6 eigenvectors, and a probe meets it once.
    assert (got.n_probes, got.n_products) == (30, 30 * (NET.n_params - 5))


def test_the_density_is_within_its_error_of_the_true_one(problem):
    data, theta, values = problem
    got = spectral_density(NET, data, theta, n_probes=60, n_lanczos=NET.n_params, broadening=0.05)
    true = np.zeros(len(got.eigenvalues))
    for value in values:
        bell = np.exp(-0.5 * ((got.eigenvalues - value) / got.broadening) ** 2)
        true += bell / (got.broadening * np.sqrt(2 * np.pi)) / len(values)
    assert (np.abs(got.density - true) <= 5 * got.standard_error + 1e-6 * true.max()).all()
    assert got.density.max() > 0.5 * true.max()
    assert got.share_below(-1e-10) == pytest.approx((values < -1e-10).mean(), abs=0.1)


def test_few_lanczos_steps_give_the_first_moments_of_each_probe_exactly(problem):
    """Gauss quadrature with m nodes is exact for polynomials of degree 2 m - 1."""
    data, theta, _ = problem
    few = spectral_density(NET, data, theta, n_probes=3, n_lanczos=4)
    all_of_them = spectral_density(NET, data, theta, n_probes=3, n_lanczos=NET.n_params)
    for power in range(8):
        assert few.moment(power) == pytest.approx(all_of_them.moment(power), rel=1e-10)


def test_partial_densities_come_after_each_probe_and_are_those_of_fewer_probes(problem):
    data, theta, _ = problem
    answers = list(iter_spectral_density(NET, data, theta, n_probes=3, n_lanczos=5, seed=4))
    shares = [share for share, _ in answers]
    assert answers[0][1] is None and shares == sorted(shares) and shares[-1] == 1.0 and len(shares) == 18
    two = next(result for _, result in answers if result is not None and result.n_probes == 2)
    again = spectral_density(NET, data, theta, n_probes=2, n_lanczos=5, seed=4)
    assert np.array_equal(two.density, again.density)
    assert not np.array_equal(
        two.density, spectral_density(NET, data, theta, n_probes=2, n_lanczos=5, seed=5).density
    )


def test_one_probe_has_no_error_estimate(problem):
    data, theta, _ = problem
    assert np.isnan(spectral_density(NET, data, theta, n_probes=1, n_lanczos=3).standard_error).all()


def test_the_trace_is_exact_for_a_small_network(problem):
    data, theta, values = problem
    got = hessian_trace(NET, data, theta)
    assert (got.is_exact, got.standard_error, got.n_products) == (True, 0.0, NET.n_params)
    assert got.value == pytest.approx(values.sum(), rel=1e-12)


def test_hutchinsons_estimate_is_within_its_error(problem):
    data, theta, values = problem
    matrix = dense_hessian(NET, data, theta)
    got = hessian_trace(NET, data, theta, n_probes=400, exact=False)
    variance = 2 * ((matrix**2).sum() - (np.diag(matrix) ** 2).sum())  # of z^T H z for random signs
    assert got.standard_error == pytest.approx(np.sqrt(variance / 400), rel=0.2)
    assert abs(got.value - values.sum()) < 4 * got.standard_error
    assert (got.is_exact, got.n_products) == (False, 400)


def test_an_exact_trace_tells_nothing_before_it_is_complete(problem):
    data, theta, _ = problem
    answers = list(iter_trace(NET, data, theta))
    assert [result for _, result in answers[:-1]] == [None] * (NET.n_params - 1)
    assert answers[-1][0] == 1.0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"n_probes": 0}, "n_probes must be a whole number of at least 1"),
        ({"n_lanczos": 0}, "n_lanczos must be a whole number of at least 1"),
        ({"broadening": 0.0}, "broadening must be a finite number above 0"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
    ],
)
def test_bad_arguments_get_one_sentence(problem, options, sentence):
    data, theta, _ = problem
    with pytest.raises(ValueError, match=sentence):
        spectral_density(NET, data, theta, **options)


def test_a_point_without_a_finite_hessian_is_refused(problem):
    data, *_ = problem
    for measure in (spectral_density, hessian_trace):
        with pytest.raises(ValueError, match="finite Hessian"):
            measure(NET, data, np.full(NET.n_params, np.nan))
