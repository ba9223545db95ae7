"""The products of one block of samples, in the shapes that passes are written in.

An array "by unit" holds a row of samples for each unit, rows `stride` numbers apart; "by sample" a row of units
(padded to whole vectors) for each sample. n_wide is the number of samples rounded up to whole vectors.
"""

from __future__ import annotations

from engine.kernels.jit import address_of, address_of_shorts, bytes_of, inlined, lanes_of, lean
from engine.kernels.layout import FAN_IN, GRADIENT, PADDED
from engine.kernels.products import (
    set_listed_product,
    set_listed_product_of_singles,
    set_product,
    set_product_of_singles,
)

_SAMPLES_AT_A_TIME = 32  # at least; rows that stay in the first-level cache while all features go by
_ROWS_BYTES = 16 * 1024


@lean
def clear(array, start, n):
    """Set n numbers from start on to 0."""
    for i in range(start, start + n):  # array[...] = 0 takes numba seconds to compile
        array[i] = 0.0


@inlined
def _product(numbers, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, n_k):
    """Call the product for the numbers of an array; their type is known when compiled: only one call is left."""
    if bytes_of(numbers) == 8:
        set_product(start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, n_k)
    else:
        set_product_of_singles(start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, n_k)


@inlined
def _listed_product(numbers, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, k, starts):
    if bytes_of(numbers) == 8:
        set_listed_product(start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, k, starts)
    else:
        set_listed_product_of_singles(
            start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, k, starts
        )


@lean
def set_forward(theta, weights, source, source_at, into, at, fan_in, fan_out, n_wide, stride):
    """into[j] = sum_i W[i, j] source[i], all by unit; W (fan_in, fan_out) from weights on in theta.

    A bias is one more row of W, behind the others as it stands in theta, and a row of ones in source.
    """
    a, b, c = address_of(theta, weights), address_of(source, source_at), address_of(into, at)
    size = bytes_of(into)
    row, n_vectors = stride * size, n_wide // lanes_of(into)
    _product(into, 0, 0, a, size, fan_out * size, b, row, c, row, fan_out, n_vectors, fan_in)


@lean
def add_forward(theta, weights, source, source_at, into, at, fan_in, fan_out, n_wide, stride):
    """into[j] += sum_i W[i, j] source[i], see `set_forward`."""
    a, b, c = address_of(theta, weights), address_of(source, source_at), address_of(into, at)
    size = bytes_of(into)
    row, n_vectors = stride * size, n_wide // lanes_of(into)
    _product(into, c, row, a, size, fan_out * size, b, row, c, row, fan_out, n_vectors, fan_in)


@lean
def set_backward(theta, weights, delta, delta_at, into, at, fan_in, fan_out, n_wide, stride):
    """into[i] = sum_j W[i, j] delta[j], both by unit; W (fan_in, fan_out) from weights on in theta."""
    a, b, c = address_of(theta, weights), address_of(delta, delta_at), address_of(into, at)
    size = bytes_of(into)
    row, n_vectors = stride * size, n_wide // lanes_of(into)
    _product(into, 0, 0, a, fan_out * size, size, b, row, c, row, fan_in, n_vectors, fan_out)


@lean
def add_backward(theta, weights, delta, delta_at, into, at, fan_in, fan_out, n_wide, stride):
    """into[i] += sum_j W[i, j] delta[j], see `set_backward`."""
    a, b, c = address_of(theta, weights), address_of(delta, delta_at), address_of(into, at)
    size = bytes_of(into)
    row, n_vectors = stride * size, n_wide // lanes_of(into)
    _product(into, c, row, a, fan_out * size, size, b, row, c, row, fan_in, n_vectors, fan_out)


@lean
def add_outer(source, source_at, rows, rows_at, gradient, at, fan_in, wide, n, stride):
    """gradient[i] += sum over the n samples of source[i] rows: source by unit, rows by sample.

    With the row of ones behind a layer's values as its last, the last row of gradient is that of the bias.
    """
    a, b, c = address_of(source, source_at), address_of(rows, rows_at), address_of(gradient, at)
    size = bytes_of(rows)
    row, n_vectors = wide * size, wide // lanes_of(rows)
    _product(rows, c, row, a, stride * size, size, b, row, c, row, fan_in, n_vectors, n)


@lean
def first_forward(samples, start, n, n_wide, first_weights, plan, first):
    """first[i] = bias + x W for samples start .. start + n - 1, by sample; 0 from n to n_wide.

    first_weights (fan_in + 1, padded) holds W and, as its last row, the bias.
    """
    fan_in, wide = plan.layers[0, FAN_IN], plan.layers[0, PADDED]
    clear(first, n * wide, (n_wide - n) * wide)
    a, b, c = (
        address_of(samples.x, start * samples.x.shape[1]),
        address_of(first_weights, 0),
        address_of(first, 0),
    )
    bias, size, n_vectors = address_of(first_weights, fan_in * wide), bytes_of(first), wide // lanes_of(first)
    ink, row, x_row = samples.ink, wide * size, fan_in * size
    if ink.sample_starts.size:
        lists, k = address_of(ink.sample_starts, start // 4), address_of_shorts(ink.sample_k)
        _listed_product(first, bias, 0, a, x_row, size, b, row, c, row, n, n_vectors, k, lists)
    else:
        _product(first, bias, 0, a, x_row, size, b, row, c, row, n, n_vectors, fan_in)


@lean
def add_first_gradient(samples, start, n, rows, one, gradient, plan):
    """Add the first layer's gradient, sum over the samples of x rows and of rows; start is a multiple of a block.

    one is an array that holds a single 1.
    """
    fan_in, wide, at = plan.layers[0, FAN_IN], plan.layers[0, PADDED], plan.layers[0, GRADIENT]
    a, b, c = address_of(samples.x, start * fan_in), address_of(rows, 0), address_of(gradient, at)
    ink, size, n_vectors = samples.ink, bytes_of(rows), wide // lanes_of(rows)
    row, x_row, n_rows = wide * size, fan_in * size, fan_in
    has_ones = samples.with_ones.size > 0
    if has_ones:
        n_rows += 1
        a, x_row = address_of(samples.with_ones, start * n_rows), n_rows * size
    if ink.feature_starts.size:
        lists = address_of(ink.feature_starts, start // plan.block * (-(-fan_in // 4)))
        k = address_of_shorts(ink.feature_k)
        _listed_product(rows, c, row, a, size, x_row, b, row, c, row, fan_in, n_vectors, k, lists)
    else:
        at_a_time = max(_SAMPLES_AT_A_TIME, _ROWS_BYTES // row)
        for k in range(0, n, at_a_time):
            at_x, at_rows, n_k = a + k * x_row, b + k * row, min(at_a_time, n - k)
            _product(rows, c, row, at_x, size, x_row, at_rows, row, c, row, n_rows, n_vectors, n_k)
    if has_ones:
        return
    bias = address_of(gradient, at + fan_in * wide)
    _product(rows, bias, row, address_of(one, 0), 0, 0, b, row, bias, row, 1, n_vectors, n)
