"""One pass over samples: forward, loss, backward, block by block, in ordered arithmetic.

The first layer works sample by sample with units in the lanes of a vector, straight from the rows of x. All
later layers work unit by unit with samples in the lanes, so that a layer of 10 units wastes no lane.
"""

from __future__ import annotations

from engine.kernels.blocks import (
    add_backward,
    add_first_gradient,
    add_forward,
    add_outer,
    clear,
    first_forward,
    set_backward,
    set_forward,
)
from engine.kernels.elementwise import (
    activate,
    activate_singles,
    count_errors,
    cross_entropy_losses,
    multiply_by_slope,
    multiply_singles_by_slope,
    quadratic_losses,
    softmax,
    softmax_of_singles,
    squared_losses,
)
from engine.kernels.jit import address_of, bytes_of, lanes_of, lean, lean_kernel
from engine.kernels.layout import (
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
from engine.kernels.noise import fill_factors
from engine.kernels.products import transpose, transpose_singles


@lean
def _wide(n, work):
    """Return n rounded up to whole vectors."""
    return -(-n // lanes_of(work.first)) * lanes_of(work.first)


@lean
def _transpose(source, source_stride, target, target_stride, n_rows, n_columns):
    size, a, b = bytes_of(source), address_of(source, 0), address_of(target, 0)
    if size == 8:  # known when compiled
        transpose(a, source_stride * size, b, target_stride * size, n_rows, n_columns)
    else:
        transpose_singles(a, source_stride * size, b, target_stride * size, n_rows, n_columns)


@lean_kernel
def pad_first_weights(theta, plan, first_weights):
    """Copy weights and bias of the first layer into rows of whole vectors (fan_in + 1, padded)."""
    fan_in, fan_out = plan.layers[0, FAN_IN], plan.layers[0, FAN_OUT]
    for i in range(fan_in + 1):
        for j in range(fan_out):
            first_weights[i, j] = theta[i * fan_out + j]


@lean_kernel
def forward(samples, start, n, theta, first_weights, plan, work):
    """Fill work.values and work.outputs for samples start .. start + n - 1; n is at most plan.block."""
    layers, stride, last = plan.layers, plan.block, len(plan.layers) - 1
    n_wide = _wide(n, work)
    first_forward(samples, start, n, n_wide, first_weights, plan, work.first)
    into = work.outputs if last == 0 else work.values
    wide = layers[0, PADDED]
    _transpose(work.first, wide, into, stride, n_wide, wide)
    for layer in range(last):
        if layer > 0:
            _affine(theta, layers, layer, work.values, work.values, layers[layer, VALUES], n_wide, stride)
        elif layers[0, FAN_OUT] < wide:
            _fill_ones(work.values, layers[0, FAN_OUT] * stride, stride)  # the transposition wrote there
        _activate(layers[layer], work, stride)
        if samples.noise_scale > 0.0:
            fill_factors(samples, start, n, layer + 1, layers[layer], stride, work.factors)
            _multiply_by_factors(layers[layer], work, stride)
    if last > 0:
        _affine(theta, layers, last, work.values, work.outputs, 0, n_wide, stride)
        _add_skips(theta, plan, work, n_wide)


@lean
def _fill_ones(values, start, n):
    for i in range(start, start + n):
        values[i] = 1.0  # a constant takes the type of the array


@lean
def _activate(layer, work, stride):
    slopes = address_of(work.slopes, layer[VALUES] if work.slopes.size else 0)
    values, n = address_of(work.values, layer[VALUES]), layer[FAN_OUT] * stride
    if bytes_of(work.values) == 8:
        activate(layer[CODE], values, slopes, n)
    else:
        activate_singles(layer[CODE], values, slopes, n)


@lean
def _multiply_by_factors(layer, work, stride):
    for i in range(layer[VALUES], layer[VALUES] + layer[FAN_OUT] * stride):
        work.plain[i] = work.values[i]
        work.values[i] *= work.factors[i]


@lean
def _affine(theta, layers, layer, source, into, at, n_wide, stride):
    """Fill the pre-activations of a layer, by unit, from the values of the layer below and its row of ones."""
    n_rows, fan_out = layers[layer, FAN_IN] + 1, layers[layer, FAN_OUT]
    below, weights = layers[layer - 1, VALUES], layers[layer, WEIGHTS]
    set_forward(theta, weights, source, below, into, at, n_rows, fan_out, n_wide, stride)


@lean
def _add_skips(theta, plan, work, n_wide):
    n_outputs = plan.layers[-1, FAN_OUT]
    for s in range(len(plan.skips)):
        source, weights = plan.layers[plan.skips[s, FROM_LAYER] - 1], plan.skips[s, SKIP_WEIGHTS]
        at, fan_in = source[VALUES], source[FAN_OUT]
        add_forward(theta, weights, work.values, at, work.outputs, 0, fan_in, n_outputs, n_wide, plan.block)


@lean_kernel
def block_losses(samples, start, n, plan, work):
    """Fill work.losses and work.output_delta from work.outputs; return (errors, ties)."""
    y, targets = samples.y, samples.targets
    n_wide = _wide(n, work)
    if plan.loss == SQUARED:
        return squared_losses(work.outputs, work.output_delta, work.losses, targets, y, start, n, n_wide)
    n_outputs = plan.layers[-1, FAN_OUT]
    errors, ties = count_errors(
        work.outputs, work.losses, work.delta, work.delta_next, y, start, n, n_wide, n_outputs, plan.block
    )
    _softmax(work, n_wide, n_outputs, plan.block)
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


@lean
def _softmax(work, n_wide, n_outputs, stride):
    outputs, delta = address_of(work.outputs, 0), address_of(work.output_delta, 0)
    losses, spare = address_of(work.losses, 0), address_of(work.delta, 0)
    if bytes_of(work.outputs) == 8:
        softmax(outputs, delta, losses, spare, n_wide, n_outputs, stride)
    else:
        softmax_of_singles(outputs, delta, losses, spare, n_wide, n_outputs, stride)


@lean
def _backward(samples, start, n, theta, plan, work):
    layers, stride, last = plan.layers, plan.block, len(plan.layers) - 1
    n_wide = _wide(n, work)
    delta, into, spare = work.output_delta, work.delta, work.delta_next
    for layer in range(last, 0, -1):
        wide, fan_in = layers[layer, PADDED], layers[layer, FAN_IN]
        _transpose(delta, stride, work.rows, wide, wide, n_wide)
        if layer == last:
            _add_skip_gradients(plan, work, n)
        below, gradient = layers[layer - 1, VALUES], layers[layer, GRADIENT]
        add_outer(work.values, below, work.rows, 0, work.gradient, gradient, fan_in + 1, wide, n, stride)
        weights, fan_out = layers[layer, WEIGHTS], layers[layer, FAN_OUT]
        set_backward(theta, weights, delta, 0, into, 0, fan_in, fan_out, n_wide, stride)
        _add_skip_deltas(theta, plan, layer, into, work.output_delta, n_wide)
        _multiply_by_slope(layers[layer - 1], into, work, stride)
        delta, into, spare = into, spare, into
    wide = layers[0, PADDED]
    _transpose(delta, stride, work.rows, wide, wide, n_wide)
    add_first_gradient(samples, start, n, work.rows, work.one, work.gradient, plan)


@lean
def _multiply_by_slope(layer, delta, work, stride):
    is_noisy = work.factors.size > 0
    values = address_of(work.plain if is_noisy else work.values, layer[VALUES])
    slopes = address_of(work.slopes, layer[VALUES] if work.slopes.size else 0)
    if is_noisy:
        for i in range(layer[FAN_OUT] * stride):
            delta[i] *= work.factors[layer[VALUES] + i]
    n = layer[FAN_OUT] * stride
    if bytes_of(delta) == 8:
        multiply_by_slope(layer[CODE], address_of(delta, 0), values, slopes, n)
    else:
        multiply_singles_by_slope(layer[CODE], address_of(delta, 0), values, slopes, n)


@lean
def _add_skip_gradients(plan, work, n):
    wide = plan.layers[-1, PADDED]
    for s in range(len(plan.skips)):
        source, into = plan.layers[plan.skips[s, FROM_LAYER] - 1], plan.skips[s, SKIP_GRADIENT]
        at, fan_in = source[VALUES], source[FAN_OUT]
        add_outer(work.values, at, work.rows, 0, work.gradient, into, fan_in, wide, n, plan.block)


@lean
def _add_skip_deltas(theta, plan, layer, into, output_delta, n_wide):
    n_outputs, fan_in = plan.layers[-1, FAN_OUT], plan.layers[layer - 1, FAN_OUT]
    for s in range(len(plan.skips)):
        if plan.skips[s, FROM_LAYER] == layer:
            weights = plan.skips[s, SKIP_WEIGHTS]
            add_backward(theta, weights, output_delta, 0, into, 0, fan_in, n_outputs, n_wide, plan.block)


@lean
def _work_of(works, chunk):
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
        works.one[chunk],
        works.plain[chunk],
        works.factors[chunk],
    )


@lean_kernel
def chunk_pass(samples, bounds, chunk, theta, first_weights, plan, works, with_gradient):
    """Sum losses, errors, ties and (if asked) the gradient over the samples of one chunk into its work."""
    work = _work_of(works, chunk)
    start, stop = bounds[chunk], bounds[chunk + 1]
    clear(work.totals, 0, 3)
    if with_gradient:
        clear(work.gradient, 0, work.gradient.size)
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
