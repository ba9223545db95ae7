"""Whole steps in one call: gather the chunks, update theta, record, again; no Python in between."""

from __future__ import annotations

import math

from engine.kernels.jit import (
    address_of,
    atomic_add,
    atomic_get,
    atomic_set,
    bytes_of,
    lean,
    lean_kernel,
    yield_core,
)
from engine.kernels.layout import (
    FAN_IN,
    FAN_OUT,
    FROM_LAYER,
    GRADIENT,
    PADDED,
    SKIP_GRADIENT,
    SKIP_WEIGHTS,
    WEIGHTS,
)
from engine.kernels.passes import chunk_pass, pad_first_weights

SPINS = 2000  # looks at a cell before a waiting thread offers its core to others: some microseconds


@lean_kernel
def sum_gradients(parts, plan, n_samples, gradient):
    """Write the mean gradient into gradient (n_params,): rows of parts added in order, padding left out.

    What is frozen gets 0, so that a step leaves its bits alone.
    """
    layers = plan.layers
    for layer in range(len(layers)):
        fan_in, fan_out, wide = layers[layer, FAN_IN], layers[layer, FAN_OUT], layers[layer, PADDED]
        _sum_block(
            parts, layers[layer, GRADIENT], layers[layer, WEIGHTS], fan_in + 1, fan_out, wide, gradient
        )
    wide, n_outputs = layers[-1, PADDED], layers[-1, FAN_OUT]
    for s in range(len(plan.skips)):
        fan_in = layers[plan.skips[s, FROM_LAYER] - 1, FAN_OUT]
        _sum_block(
            parts,
            plan.skips[s, SKIP_GRADIENT],
            plan.skips[s, SKIP_WEIGHTS],
            fan_in,
            n_outputs,
            wide,
            gradient,
        )
    for i in range(gradient.size):
        gradient[i] /= n_samples
    for r in range(len(plan.frozen)):
        for i in range(plan.frozen[r, 0], plan.frozen[r, 1]):
            gradient[i] = 0.0


@lean
def _sum_block(parts, source, target, n_rows, n_columns, wide, gradient):
    for i in range(n_rows):
        into = gradient[target + i * n_columns : target + (i + 1) * n_columns]
        first = source + i * wide
        for w in range(len(parts)):
            row = parts[w, first : first + n_columns]
            if w == 0:
                for j in range(n_columns):
                    into[j] = row[j]
            else:
                for j in range(n_columns):
                    into[j] += row[j]


@lean_kernel
def norm(vector):
    """Return the Euclidean length."""
    total = 0.0
    for i in range(vector.size):
        total += vector[i] * vector[i]
    return math.sqrt(total)


@lean
def symmetry_spread(theta, plan):
    """Return the largest difference between two units of a hidden layer; see `engine.history.SERIES`."""
    layers, largest = plan.layers, 0.0
    for layer in range(len(layers) - 1):
        fan_in, fan_out = layers[layer, FAN_IN], layers[layer, FAN_OUT]
        for i in range(fan_in + 1):  # one row of weights after another, then the bias
            row = layers[layer, WEIGHTS] + i * fan_out
            largest = max(largest, _range(theta, row, 1, fan_out))
        n_next = layers[layer + 1, FAN_OUT]
        for j in range(n_next):
            largest = max(largest, _range(theta, layers[layer + 1, WEIGHTS] + j, n_next, fan_out))
        for s in range(len(plan.skips)):
            if plan.skips[s, FROM_LAYER] == layer + 1:
                for j in range(layers[-1, FAN_OUT]):
                    at = plan.skips[s, SKIP_WEIGHTS] + j
                    largest = max(largest, _range(theta, at, layers[-1, FAN_OUT], fan_out))
    return largest


@lean
def _range(theta, start, stride, n):
    low = high = theta[start]
    for i in range(1, n):
        value = theta[start + i * stride]
        low = value if value < low else low
        high = value if value > high else high
    return high - low


@lean_kernel
def totals(works, n_samples):
    """Return (mean loss, errors, ties) of the chunks, added in their order."""
    loss, errors, ties = 0.0, 0.0, 0.0
    for w in range(len(works.totals)):
        loss += works.totals[w, 0]
        errors += works.totals[w, 1]
        ties += works.totals[w, 2]
    return loss / n_samples, int(errors), int(ties)


@lean
def _copy(source, target):
    for i in range(source.size):
        target[i] = source[i]


@lean_kernel
def many_steps(
    member,
    control,
    leave,
    samples,
    bounds,
    theta,
    typed,
    gradient,
    before,
    rate,
    first_weights,
    plan,
    works,
    records,
):
    """Take as many steps as records has room for; return (steps taken, diverged).

    Several threads may call this with the same arrays: member 0 does what cannot be shared and is able to do
    all of it alone; the others take chunks off it and return when it is done. control (3, 8) is what they
    meet at, see `control_cells`. leave (1,) is for somebody else to write to: once it is not 0, no further chunk
    is worked on, and the step under way is taken back. bounds (n_chunks + 1,) the samples of each chunk; typed
    (n_params,) room for theta in the type of the products where that is not float64, else theta itself;
    before (2, n_params) takes theta and gradient as they were, to go back to when the next are not finite or
    the step is left.
    """
    next_chunk, n_done, over = control_cells(control)
    is_left = address_of(leave, 0)
    if member > 0:
        waited = 0
        while atomic_get(over) == 0:
            waited += 1
            if atomic_get(next_chunk) < len(bounds) - 1:
                _take_chunks(next_chunk, n_done, is_left, samples, bounds, typed, first_weights, plan, works)
                waited = 0
            elif waited > SPINS:
                yield_core()
        return 0, False
    n_steps, diverged = records.loss.size, False
    for step in range(records.loss.size):
        for i in range(theta.size):
            before[0, i] = theta[i]
            before[1, i] = gradient[i]
        for i in range(theta.size):
            theta[i] -= rate * gradient[i]
        if bytes_of(typed) != bytes_of(theta):
            _copy(theta, typed)
        pad_first_weights(theta, plan, first_weights)
        atomic_set(n_done, 0)
        atomic_set(next_chunk, 0)
        _take_chunks(next_chunk, n_done, is_left, samples, bounds, typed, first_weights, plan, works)
        waited = 0
        while atomic_get(n_done) < len(bounds) - 1:
            waited += 1
            if waited > SPINS:
                yield_core()
        if atomic_get(is_left) != 0:
            _take_back(theta, gradient, before)
            n_steps = step
            break
        if not finish_step(theta, gradient, before, plan, works, len(samples.y), records, step):
            n_steps, diverged = step, True
            break
    atomic_set(over, 1)
    return n_steps, diverged


@lean
def control_cells(control):
    """Return the addresses of (next chunk to take, chunks done, whether all is over), a cache line apart."""
    return address_of(control, 0), address_of(control, 8), address_of(control, 16)


@lean
def _take_chunks(next_chunk, n_done, is_left, samples, bounds, theta, first_weights, plan, works):
    while True:
        chunk = atomic_add(next_chunk, 1)
        if chunk >= len(bounds) - 1:
            return
        if atomic_get(is_left) == 0:
            chunk_pass(samples, bounds, chunk, theta, first_weights, plan, works, True)
        atomic_add(n_done, 1)


@lean
def _take_back(theta, gradient, before):
    for i in range(theta.size):
        theta[i] = before[0, i]
        gradient[i] = before[1, i]


@lean
def finish_step(theta, gradient, before, plan, works, n_samples, records, step):
    """Gather the chunks and record entry `step`; take the step back and return False if it is not finite."""
    sum_gradients(works.gradient, plan, n_samples, gradient)
    loss, errors, ties = totals(works, n_samples)
    length = norm(gradient)
    if not (math.isfinite(loss) and math.isfinite(length)):
        _take_back(theta, gradient, before)
        return False
    records.loss[step] = loss
    records.n_errors[step] = errors
    records.n_tied[step] = ties
    records.gradient_norm[step] = length
    records.symmetry_spread[step] = symmetry_spread(theta, plan)
    since = step + 1 - records.first
    if records.stride > 0 and since >= 0 and since % records.stride == 0:
        for i in range(theta.size):
            records.thetas[since // records.stride, i] = theta[i]
    return True
