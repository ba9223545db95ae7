"""One pass over samples: forward, loss, backward, block by block, in ordered arithmetic.

The first layer works sample by sample with units in the lanes of a vector, straight from the rows of x. All
later layers work unit by unit with samples in the lanes, so that a layer of 10 units wastes no lane.
"""

from __future__ import annotations

from engine.kernels.elementwise import (
    activate,
    count_errors,
    cross_entropy_losses,
    multiply_by_slope,
    quadratic_losses,
    softmax,
    squared_losses,
)
from engine.kernels.jit import LANES, address_of, address_of_shorts, kernel
from engine.kernels.layout import (
    BIAS,
    CODE,
    CROSS_ENTROPY,
    FAN_IN,
    FAN_OUT,
    FROM_LAYER,
    GRADIENT,
    PADDED,
    SKIP_GRADIENT,
    SKIP_WEIGHTS,
    SQUARED,
    VALUES,
    WEIGHTS,
    Work,
)
from engine.kernels.products import add_listed_product, add_product, transpose


@kernel
def pad_first_weights(theta, plan, first_weights):
    """Copy weights and bias of the first layer into rows of whole vectors (fan_in + 1, padded)."""
    fan_in, fan_out = plan.layers[0, FAN_IN], plan.layers[0, FAN_OUT]
    for i in range(fan_in + 1):
        for j in range(fan_out):
            first_weights[i, j] = theta[i * fan_out + j]


@kernel
def forward(samples, start, n, theta, first_weights, plan, work):
    """Fill work.values and work.outputs for samples start .. start + n - 1; n is at most plan.block."""
    layers, stride = plan.layers, plan.block
    n_wide = -(-n // LANES) * LANES
    _first_layer(samples, start, n, n_wide, first_weights, plan, work)
    for layer in range(1, len(layers)):
        into = work.values if layer < len(layers) - 1 else work.outputs
        at = layers[layer, VALUES] if layer < len(layers) - 1 else 0
        _affine(theta, layers[layer], work.values, layers[layer - 1, VALUES], into, at, n_wide, stride)
        if layer == len(layers) - 1:
            _add_skips(theta, plan, work, n_wide)
        else:
            stop = at + layers[layer, FAN_OUT] * stride
            _activate(layers[layer, CODE], work, at, stop - at)


@kernel
def _first_layer(samples, start, n, n_wide, first_weights, plan, work):
    fan_in, fan_out, wide = plan.layers[0, FAN_IN], plan.layers[0, FAN_OUT], plan.layers[0, PADDED]
    stride = plan.block
    first = work.first
    for i in range(n):
        for j in range(wide):
            first[i * wide + j] = first_weights[fan_in, j]
    x, ink = samples.x, samples.ink
    source, b, c = address_of(x, start * fan_in), address_of(first_weights, 0), address_of(first, 0)
    if ink.sample_starts.size:
        starts = address_of(ink.sample_starts, start // 4)
        k = address_of_shorts(ink.sample_k)
        add_listed_product(source, fan_in * 8, 8, b, wide * 8, c, wide * 8, n, wide // LANES, k, starts)
    else:
        add_product(source, fan_in * 8, 8, b, wide * 8, c, wide * 8, n, wide // LANES, fan_in)
    is_output = len(plan.layers) == 1
    into = work.outputs if is_output else work.values
    for i in range(n * wide, n_wide * wide):
        first[i] = 0.0
    transpose(address_of(first, 0), wide * 8, address_of(into, 0), stride * 8, n_wide, wide)
    if not is_output:
        _activate(plan.layers[0, CODE], work, 0, fan_out * stride)


@kernel
def _activate(code, work, at, n):
    slopes = address_of(work.slopes, at if work.slopes.size else 0)
    activate(code, address_of(work.values, at), slopes, n)


@kernel
def _affine(theta, layer, source, source_at, into, at, n_wide, stride):
    fan_in, fan_out = layer[FAN_IN], layer[FAN_OUT]
    for j in range(fan_out):
        bias = theta[layer[BIAS] + j]
        for i in range(n_wide):
            into[at + j * stride + i] = bias
    add_product(
        address_of(theta, layer[WEIGHTS]),
        8,
        fan_out * 8,
        address_of(source, source_at),
        stride * 8,
        address_of(into, at),
        stride * 8,
        fan_out,
        n_wide // LANES,
        fan_in,
    )


@kernel
def _add_skips(theta, plan, work, n_wide):
    n_outputs, stride = plan.layers[-1, FAN_OUT], plan.block
    for s in range(len(plan.skips)):
        source = plan.layers[plan.skips[s, FROM_LAYER] - 1]
        add_product(
            address_of(theta, plan.skips[s, SKIP_WEIGHTS]),
            8,
            n_outputs * 8,
            address_of(work.values, source[VALUES]),
            stride * 8,
            address_of(work.outputs, 0),
            stride * 8,
            n_outputs,
            n_wide // LANES,
            source[FAN_OUT],
        )


@kernel
def block_losses(samples, start, n, plan, work):
    """Fill work.losses and work.output_delta from work.outputs; return (errors, ties)."""
    y, targets = samples.y, samples.targets
    n_wide = -(-n // LANES) * LANES
    outputs, delta = address_of(work.outputs, 0), address_of(work.output_delta, 0)
    if plan.loss == SQUARED:
        return squared_losses(work.outputs, work.output_delta, work.losses, targets, y, start, n, n_wide)
    n_outputs = plan.layers[-1, FAN_OUT]
    errors, ties = count_errors(
        work.outputs, work.losses, work.delta, work.delta_next, y, start, n, n_wide, n_outputs, plan.block
    )
    softmax(outputs, delta, address_of(work.losses, 0), n_wide, n_outputs, plan.block)
    if plan.loss == CROSS_ENTROPY:
        cross_entropy_losses(work.outputs, work.output_delta, work.losses, y, start, n, n_wide, plan.block)
    else:
        quadratic_losses(
            work.outputs, work.output_delta, work.losses, y, start, n, n_wide, n_outputs, plan.block
        )
    for k in range(n_outputs):
        for i in range(n, n_wide):
            work.output_delta[k * plan.block + i] = 0.0
    return errors, ties


@kernel
def _backward(samples, start, n, theta, plan, work):
    layers, stride = plan.layers, plan.block
    n_wide = -(-n // LANES) * LANES
    delta, into, spare = work.output_delta, work.delta, work.delta_next
    for layer in range(len(layers) - 1, -1, -1):
        wide = layers[layer, PADDED]
        transpose(address_of(delta, 0), stride * 8, address_of(work.rows, 0), wide * 8, wide, n_wide)
        if layer == len(layers) - 1:
            _add_skip_gradients(plan, work, n)
        _add_gradient(samples, start, n, layers, layer, stride, work)
        if layer:
            _pull_back(theta, layers, layer, delta, into, n_wide, stride)
            _add_skip_deltas(theta, plan, layer, into, work.output_delta, n_wide)
            below = layers[layer - 1]
            at = below[VALUES]
            slopes = address_of(work.slopes, at if work.slopes.size else 0)
            multiply_by_slope(
                below[CODE],
                address_of(into, 0),
                address_of(work.values, at),
                slopes,
                below[FAN_OUT] * stride,
            )
            delta, into, spare = into, spare, into


@kernel
def _add_gradient(samples, start, n, layers, layer, stride, work):
    fan_in, wide, at = layers[layer, FAN_IN], layers[layer, PADDED], layers[layer, GRADIENT]
    gradient, rows = work.gradient, work.rows
    b, c = address_of(rows, 0), address_of(gradient, at)
    if layer == 0 and samples.ink.feature_starts.size:
        source = address_of(samples.x, start * fan_in)
        starts = address_of(samples.ink.feature_starts, start // stride * (-(-fan_in // 4)))
        k = address_of_shorts(samples.ink.feature_k)
        add_listed_product(source, 8, fan_in * 8, b, wide * 8, c, wide * 8, fan_in, wide // LANES, k, starts)
    elif layer == 0:
        source = address_of(samples.x, start * fan_in)
        add_product(source, 8, fan_in * 8, b, wide * 8, c, wide * 8, fan_in, wide // LANES, n)
    else:
        source = address_of(work.values, layers[layer - 1, VALUES])
        add_product(source, stride * 8, 8, b, wide * 8, c, wide * 8, fan_in, wide // LANES, n)
    bias = at + fan_in * wide
    for i in range(n):
        for j in range(wide):
            gradient[bias + j] += rows[i * wide + j]


@kernel
def _add_skip_gradients(plan, work, n):
    wide, stride = plan.layers[-1, PADDED], plan.block
    for s in range(len(plan.skips)):
        source = plan.layers[plan.skips[s, FROM_LAYER] - 1]
        add_product(
            address_of(work.values, source[VALUES]),
            stride * 8,
            8,
            address_of(work.rows, 0),
            wide * 8,
            address_of(work.gradient, plan.skips[s, SKIP_GRADIENT]),
            wide * 8,
            source[FAN_OUT],
            wide // LANES,
            n,
        )


@kernel
def _pull_back(theta, layers, layer, delta, into, n_wide, stride):
    """into[i] = sum_j W[i, j] delta[j]."""
    fan_in, fan_out = layers[layer, FAN_IN], layers[layer, FAN_OUT]
    for i in range(fan_in * stride):
        into[i] = 0.0
    add_product(
        address_of(theta, layers[layer, WEIGHTS]),
        fan_out * 8,
        8,
        address_of(delta, 0),
        stride * 8,
        address_of(into, 0),
        stride * 8,
        fan_in,
        n_wide // LANES,
        fan_out,
    )


@kernel
def _add_skip_deltas(theta, plan, layer, into, output_delta, n_wide):
    n_outputs, stride = plan.layers[-1, FAN_OUT], plan.block
    for s in range(len(plan.skips)):
        if plan.skips[s, FROM_LAYER] == layer:
            add_product(
                address_of(theta, plan.skips[s, SKIP_WEIGHTS]),
                n_outputs * 8,
                8,
                address_of(output_delta, 0),
                stride * 8,
                address_of(into, 0),
                stride * 8,
                plan.layers[layer - 1, FAN_OUT],
                n_wide // LANES,
                n_outputs,
            )


@kernel
def _clear(array):
    for i in range(array.size):  # array[:] = 0 takes numba seconds to compile
        array[i] = 0.0


@kernel
def work_of(works, chunk):
    """Return the work arrays of one chunk."""
    return Work(
        works.values[chunk],
        works.slopes[chunk],
        works.first[chunk],
        works.outputs[chunk],
        works.output_delta[chunk],
        works.delta[chunk],
        works.delta_next[chunk],
        works.rows[chunk],
        works.losses[chunk],
        works.gradient[chunk],
        works.totals[chunk],
    )


@kernel
def chunk_pass(samples, bounds, chunk, theta, first_weights, plan, works, with_gradient):
    """Sum losses, errors, ties and (if asked) the gradient over the samples of one chunk into its work."""
    work = work_of(works, chunk)
    start, stop = bounds[chunk], bounds[chunk + 1]
    _clear(work.totals)
    if with_gradient:
        _clear(work.gradient)
    for at in range(start, stop, plan.block):
        n = min(plan.block, stop - at)
        forward(samples, at, n, theta, first_weights, plan, work)
        errors, ties = block_losses(samples, at, n, plan, work)
        total = 0.0
        for i in range(n):
            total += work.losses[i]
        work.totals[0] += total
        work.totals[1] += errors
        work.totals[2] += ties
        if with_gradient:
            _backward(samples, at, n, theta, plan, work)
