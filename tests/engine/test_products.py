"""Ordered products: the same bits as a plain loop of fused multiply-adds, for every shape of tile."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import twins

from engine.kernels.jit import LANES, address_of
from engine.kernels.products import add_product


@numba.njit(error_model="numpy")
def _add_product(a, a_at, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, n_k):
    add_product(
        address_of(a, a_at),
        8 * a_row,
        8 * a_k,
        address_of(b, 0),
        8 * b_k,
        address_of(c, 0),
        8 * c_row,
        n_rows,
        n_vectors,
        n_k,
    )


def multiply(a, b, c, turned=False):
    """Return C + A B for a (n_rows, n_k), b (n_k, n), c (n_rows, n); turned stores A column by column."""
    n_rows, n_k = a.shape
    result, stored = c.copy(), np.ascontiguousarray(a.T if turned else a)
    strides = (1, n_rows) if turned else (n_k, 1)
    _add_product(stored, 0, *strides, b, b.shape[1], result, c.shape[1], n_rows, c.shape[1] // LANES, n_k)
    return result


def numbers(*shape: int, seed: int = 3) -> np.ndarray:
    """Numbers of many sizes, so that another order of a sum is very likely another sum."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 4, shape)


@pytest.mark.parametrize("turned", [False, True], ids=["row by row", "column by column"])
@pytest.mark.parametrize("n_rows", range(1, 18))
def test_every_number_of_rows_gives_the_bits_of_the_loop(n_rows, turned):
    for n_vectors in (1, 2, 3):
        a, b = numbers(n_rows, 5), numbers(5, n_vectors * LANES, seed=4)
        c = numbers(n_rows, n_vectors * LANES, seed=5)
        assert multiply(a, b, c, turned).tolist() == twins.ordered_product(a.tolist(), b.tolist(), c.tolist())


@pytest.mark.parametrize("n_vectors", range(1, 12))
def test_every_number_of_vectors_gives_the_bits_of_the_loop(n_vectors):
    a, b, c = numbers(3, 4), numbers(4, n_vectors * LANES, seed=4), numbers(3, n_vectors * LANES, seed=5)
    assert multiply(a, b, c).tolist() == twins.ordered_product(a.tolist(), b.tolist(), c.tolist())


@pytest.mark.parametrize("n_k", [*range(1, 18), 64])
def test_every_length_of_the_sum_gives_the_bits_of_the_loop(n_k):
    a, b, c = numbers(5, n_k), numbers(n_k, LANES, seed=4), numbers(5, LANES, seed=5)
    assert multiply(a, b, c).tolist() == twins.ordered_product(a.tolist(), b.tolist(), c.tolist())


def test_a_sum_over_nothing_leaves_c_alone():
    c = numbers(3, LANES)
    np.testing.assert_array_equal(multiply(np.zeros((3, 0)), np.zeros((0, LANES)), c), c)


def test_the_twin_tells_another_order_apart():
    a, b, c = numbers(9, 40), numbers(40, 2 * LANES, seed=4), np.zeros((9, 2 * LANES))
    backwards = multiply(np.ascontiguousarray(a[:, ::-1]), np.ascontiguousarray(b[::-1]), c)
    assert (backwards != multiply(a, b, c)).mean() > 0.3


@pytest.mark.parametrize("n_rows", range(2, 18))
def test_equal_rows_give_equal_rows(n_rows):
    a = np.tile(numbers(1, 33), (n_rows, 1))
    got = multiply(a, numbers(33, 5 * LANES, seed=4), np.full((n_rows, 5 * LANES), 0.3))
    assert (got == got[0]).all()


@pytest.mark.parametrize("n_vectors", range(1, 9))
def test_equal_columns_give_equal_columns(n_vectors):
    b = np.tile(numbers(33, 1, seed=4), (1, n_vectors * LANES))
    got = multiply(numbers(17, 33), b, np.full((17, n_vectors * LANES), 0.3))
    assert (got == got[:, :1]).all()


@pytest.mark.parametrize("n_rows", [1, 2, 3, 5, 7, 8, 9, 16, 17])
def test_nothing_is_written_outside(n_rows):
    n_vectors = 4
    wide = n_vectors * LANES + 3  # three numbers at the end of each row belong to somebody else
    c = np.full((n_rows + 2, wide), 7.0)
    a, b = numbers(n_rows, 6), numbers(6, n_vectors * LANES, seed=4)
    _add_product(a, 0, 6, 1, b, n_vectors * LANES, c, wide, n_rows, n_vectors, 6)
    assert (c[:n_rows, :-3] != 7.0).all()
    assert (c[:n_rows, -3:] == 7.0).all() and (c[n_rows:] == 7.0).all()


def test_infinity_and_nan_go_where_they_belong():
    a, b, c = np.ones((5, 3)), np.ones((3, 2 * LANES)), np.zeros((5, 2 * LANES))
    a[2, 1], b[0, 3] = np.nan, np.inf
    got = multiply(a, b, c)
    assert np.isnan(got[2]).all() and not np.isnan(np.delete(got, 2, axis=0)).any()
    assert np.isinf(np.delete(got, 2, axis=0)[:, 3]).all()
