"""Exact Hessian-vector products: Pearlmutter's R operator (Neural Computation 6, 1994) block by block.

R f is the derivative of f along v in parameter space. What does not depend on v - values, slopes, deltas of
every layer - is a `State`, filled once for all blocks of samples where memory allows and otherwise block by
block with each product.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

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
from engine.kernels.elementwise import slopes_and_bends
from engine.kernels.jit import LANES, address_of, atomic_add, atomic_get, inner, kernel, yield_core
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
    FloatArray,
    Plan,
    n_values,
    padded,
)
from engine.kernels.passes import block_losses, forward, work_of
from engine.kernels.products import transpose
from engine.kernels.steps import SPINS, control_cells
from engine.mlp import MLP

_STATE_BYTES: Final = 48 * 2**20  # beyond this the state is filled anew, block by block


class State(NamedTuple):
    """What a block of samples contributes whatever v is; one more axis in front counts blocks.

    values, slopes: a and f'(z) of all hidden layers; bends: f''(z) times the derivative of the loss by a.
    deltas: derivative of the loss by z, all layers, by unit; rows: the same by sample, padded. p: probabilities.
    """

    values: FloatArray
    slopes: FloatArray
    bends: FloatArray
    deltas: FloatArray
    rows: FloatArray
    p: FloatArray


class Room(NamedTuple):
    """Work arrays of one product, with one more axis in front that counts chunks.

    tilted, tilts: R of z and of a, all hidden layers. first: R of the first z, by sample. outputs, delta,
    delta_next: R of the outputs and of deltas, by unit. rows: R of a delta, by sample. gradient: padded.
    one (1,): a 1.
    """

    tilted: FloatArray
    tilts: FloatArray
    first: FloatArray
    outputs: FloatArray
    output_delta: FloatArray
    delta: FloatArray
    delta_next: FloatArray
    rows: FloatArray
    gradient: FloatArray
    one: FloatArray


def state_sizes(net: MLP, plan: Plan) -> dict[str, int]:
    """Return the length of each array of a State for one block."""
    hidden, block = n_values(plan), plan.block
    return {
        "values": hidden,
        "slopes": hidden,
        "bends": hidden,
        "deltas": hidden + padded(net.n_outputs) * block,
        "rows": sum(padded(size) for size in net.layer_sizes[1:]) * block,
        "p": padded(net.n_outputs) * block,
    }


def make_state(net: MLP, plan: Plan, n_blocks: int, n_chunks: int) -> tuple[State, bool]:
    """Return room for a State, and whether it holds all blocks (else one for each chunk)."""
    sizes = state_sizes(net, plan)
    is_whole = 8 * n_blocks * sum(sizes.values()) <= _STATE_BYTES
    n = n_blocks if is_whole else n_chunks
    arrays: Any = {name: np.zeros((n, size)) for name, size in sizes.items()}
    return State(**arrays), is_whole


def make_room(net: MLP, plan: Plan, n_gradient: int, n_chunks: int) -> Room:
    """Return the work arrays for a product."""
    block, widest = plan.block, padded(max(net.layer_sizes[1:]))
    sizes = {
        "tilted": n_values(plan),
        "tilts": n_values(plan),
        "first": block * padded(net.layer_sizes[1]),
        "outputs": padded(net.n_outputs) * block,
        "output_delta": padded(net.n_outputs) * block,
        "delta": widest * block,
        "delta_next": widest * block,
        "rows": widest * block,
        "gradient": n_gradient,
        "one": 1,
    }
    arrays: Any = {name: np.zeros((n_chunks, size)) for name, size in sizes.items()}
    rooms = Room(**arrays)
    rooms.one[:] = 1.0
    return rooms


@inner
def _state_of(states, k):
    return State(
        states.values[k], states.slopes[k], states.bends[k], states.deltas[k], states.rows[k], states.p[k]
    )


@inner
def _room_of(rooms, k):
    return Room(
        rooms.tilted[k],
        rooms.tilts[k],
        rooms.first[k],
        rooms.outputs[k],
        rooms.output_delta[k],
        rooms.delta[k],
        rooms.delta_next[k],
        rooms.rows[k],
        rooms.gradient[k],
        rooms.one[k],
    )


@inner
def _copy(source, target, n):
    for i in range(n):
        target[i] = source[i]


@inner
def _fill_state(samples, start, n, theta, first_weights, plan, work, state):
    """Forward and backward for one block, keeping everything that products need."""
    layers, stride, last = plan.layers, plan.block, len(plan.layers) - 1
    n_wide = -(-n // LANES) * LANES
    forward(samples, start, n, theta, first_weights, plan, work)
    block_losses(samples, start, n, plan, work)
    _keep_probabilities(samples, start, n, plan, work, state)
    _copy(work.values, state.values, layers[last, VALUES])
    n_outputs, at = layers[last, FAN_OUT], layers[last, VALUES]
    for i in range(n_outputs * stride):
        state.deltas[at + i] = work.output_delta[i]
    in_rows = 0
    for layer in range(last):
        in_rows += layers[layer, PADDED] * stride
    for layer in range(last, -1, -1):
        at, wide = layers[layer, VALUES], layers[layer, PADDED]
        rows = address_of(state.rows, in_rows)
        transpose(address_of(state.deltas, at), stride * 8, rows, wide * 8, wide, n_wide)
        if layer:
            _delta_below(theta, plan, layer, n_wide, work, state)
            in_rows -= layers[layer - 1, PADDED] * stride


@inner
def _delta_below(theta, plan, layer, n_wide, work, state):
    """Fill slopes, bends and deltas of the hidden layer below `layer`."""
    layers, stride, last = plan.layers, plan.block, len(plan.layers) - 1
    fan_in, fan_out, weights = layers[layer, FAN_IN], layers[layer, FAN_OUT], layers[layer, WEIGHTS]
    into, below = work.delta, layers[layer - 1, VALUES]
    set_backward(
        theta, weights, state.deltas, layers[layer, VALUES], into, 0, fan_in, fan_out, n_wide, stride
    )
    n_outputs, top = layers[last, FAN_OUT], layers[last, VALUES]
    for s in range(len(plan.skips)):
        if plan.skips[s, FROM_LAYER] == layer:
            at = plan.skips[s, SKIP_WEIGHTS]
            add_backward(theta, at, state.deltas, top, into, 0, fan_in, n_outputs, n_wide, stride)
    is_noisy = work.factors.size > 0
    slopes_and_bends(
        layers[layer - 1, CODE],
        address_of(work.plain if is_noisy else work.values, below),
        address_of(work.slopes, below if work.slopes.size else 0),
        address_of(state.slopes, below),
        address_of(state.bends, below),
        fan_in * stride,
    )
    if is_noisy:
        for i in range(below, below + fan_in * stride):
            state.slopes[i] *= work.factors[i]
            state.bends[i] *= work.factors[i]
    for i in range(fan_in * stride):
        state.bends[below + i] *= into[i]
        state.deltas[below + i] = state.slopes[below + i] * into[i]


@inner
def _keep_probabilities(samples, start, n, plan, work, state):
    """Keep p: cross-entropy left p - onehot in the delta, quadratic left it in the outputs."""
    if plan.loss == SQUARED:
        return
    stride, size = plan.block, plan.layers[-1, FAN_OUT] * plan.block
    _copy(work.output_delta if plan.loss == CROSS_ENTROPY else work.outputs, state.p, size)
    for i in range(n):
        state.p[samples.y[start + i] * stride + i] += 1.0


@inner
def _tilt_forward(samples, start, n, theta, v, first_v, plan, state, room):
    """R of the forward pass: room.tilted = R z, room.tilts = R a, room.outputs = R of the outputs."""
    layers, stride, last = plan.layers, plan.block, len(plan.layers) - 1
    n_wide = -(-n // LANES) * LANES
    first_forward(samples, start, n, n_wide, first_v, plan, room.first)
    wide, into = layers[0, PADDED], room.outputs if last == 0 else room.tilted
    transpose(address_of(room.first, 0), wide * 8, address_of(into, 0), stride * 8, n_wide, wide)
    for layer in range(1, last + 1):
        below, at, fan = layers[layer - 1, VALUES], layers[layer, VALUES], layers[layer - 1, FAN_OUT]
        for i in range(below, below + fan * stride):
            room.tilts[i] = state.slopes[i] * room.tilted[i]
        into = room.tilted
        if layer == last:
            into, at = room.outputs, 0
        _tilt_affine(theta, v, layers, layer, state, room, into, at, n_wide, stride)
    n_outputs = layers[last, FAN_OUT]
    for s in range(len(plan.skips)):
        source, weights = layers[plan.skips[s, FROM_LAYER] - 1], plan.skips[s, SKIP_WEIGHTS]
        at, fan_in = source[VALUES], source[FAN_OUT]
        add_forward(v, weights, state.values, at, room.outputs, 0, fan_in, n_outputs, n_wide, stride)
        add_forward(theta, weights, room.tilts, at, room.outputs, 0, fan_in, n_outputs, n_wide, stride)


@inner
def _tilt_affine(theta, v, layers, layer, state, room, into, at, n_wide, stride):
    fan_in, fan_out = layers[layer, FAN_IN], layers[layer, FAN_OUT]
    below, weights = layers[layer - 1, VALUES], layers[layer, WEIGHTS]
    set_forward(v, weights, state.values, below, into, at, fan_in + 1, fan_out, n_wide, stride)
    add_forward(theta, weights, room.tilts, below, into, at, fan_in, fan_out, n_wide, stride)


@inner
def _tilt_loss(samples, start, n, plan, state, room):
    """R of the derivative of the loss by the outputs, into room.output_delta; 0 beyond the n samples."""
    stride, n_outputs = plan.block, plan.layers[-1, FAN_OUT]
    z, out, p = room.outputs, room.output_delta, state.p
    if plan.loss == SQUARED:
        _copy(z, out, n)
    elif plan.loss == CROSS_ENTROPY:
        for i in range(n):
            mean = 0.0
            for k in range(n_outputs):
                mean += p[k * stride + i] * z[k * stride + i]
            for k in range(n_outputs):
                out[k * stride + i] = p[k * stride + i] * (z[k * stride + i] - mean)
    else:
        for i in range(n):
            _tilt_quadratic(samples.y[start + i], i, p, z, out, stride, n_outputs)
    for k in range(n_outputs):
        for i in range(n, stride):
            out[k * stride + i] = 0.0


@inner
def _tilt_quadratic(label, i, p, z, out, stride, n_outputs):
    """R of p (e - s), e = p - onehot, s = sum p e: (R p)(e - s) + p (R p - R s)."""
    mean, s = 0.0, -p[label * stride + i]
    for k in range(n_outputs):
        mean += p[k * stride + i] * z[k * stride + i]
        s += p[k * stride + i] * p[k * stride + i]
    tilt_s = 0.0
    for k in range(n_outputs):
        at = k * stride + i
        e = p[at] - (1.0 if k == label else 0.0)
        out[at] = p[at] * (z[at] - mean)
        tilt_s += out[at] * (e + p[at])
    for k in range(n_outputs):
        at = k * stride + i
        e = p[at] - (1.0 if k == label else 0.0)
        out[at] = out[at] * (e - s) + p[at] * (out[at] - tilt_s)


@inner
def _tilt_backward(samples, start, n, theta, v, plan, state, room):
    """R of the backward pass: add R of the gradient of this block to room.gradient."""
    layers, stride, last = plan.layers, plan.block, len(plan.layers) - 1
    n_wide = -(-n // LANES) * LANES
    delta, into, spare = room.output_delta, room.delta, room.delta_next
    in_rows = 0
    for layer in range(last):
        in_rows += layers[layer, PADDED] * stride
    for layer in range(last, 0, -1):
        wide, fan_in, at = layers[layer, PADDED], layers[layer, FAN_IN], layers[layer, GRADIENT]
        transpose(address_of(delta, 0), stride * 8, address_of(room.rows, 0), wide * 8, wide, n_wide)
        if layer == last:
            _add_tilted_skips(plan, state, room, in_rows, n)
        below = layers[layer - 1, VALUES]
        add_outer(state.values, below, room.rows, 0, room.gradient, at, fan_in + 1, wide, n, stride)
        add_outer(room.tilts, below, state.rows, in_rows, room.gradient, at, fan_in, wide, n, stride)
        _tilt_below(theta, v, plan, layer, delta, into, state, room, n_wide)
        delta, into, spare = into, spare, into
        in_rows -= layers[layer - 1, PADDED] * stride
    wide = layers[0, PADDED]
    transpose(address_of(delta, 0), stride * 8, address_of(room.rows, 0), wide * 8, wide, n_wide)
    add_first_gradient(samples, start, n, room.rows, room.one, room.gradient, plan)


@inner
def _add_tilted_skips(plan, state, room, in_rows, n):
    wide, stride = plan.layers[-1, PADDED], plan.block
    for s in range(len(plan.skips)):
        source, at = plan.layers[plan.skips[s, FROM_LAYER] - 1], plan.skips[s, SKIP_GRADIENT]
        below, fan_in = source[VALUES], source[FAN_OUT]
        add_outer(state.values, below, room.rows, 0, room.gradient, at, fan_in, wide, n, stride)
        add_outer(room.tilts, below, state.rows, in_rows, room.gradient, at, fan_in, wide, n, stride)


@inner
def _tilt_below(theta, v, plan, layer, delta, into, state, room, n_wide):
    """into = R of the delta below `layer`: f' (V delta + W R delta) + bend R z."""
    layers, stride, last = plan.layers, plan.block, len(plan.layers) - 1
    fan_in, fan_out, weights = layers[layer, FAN_IN], layers[layer, FAN_OUT], layers[layer, WEIGHTS]
    below, here = layers[layer - 1, VALUES], layers[layer, VALUES]
    set_backward(v, weights, state.deltas, here, into, 0, fan_in, fan_out, n_wide, stride)
    add_backward(theta, weights, delta, 0, into, 0, fan_in, fan_out, n_wide, stride)
    n_outputs, top = layers[last, FAN_OUT], layers[last, VALUES]
    for s in range(len(plan.skips)):
        if plan.skips[s, FROM_LAYER] == layer:
            at = plan.skips[s, SKIP_WEIGHTS]
            add_backward(v, at, state.deltas, top, into, 0, fan_in, n_outputs, n_wide, stride)
            add_backward(theta, at, room.output_delta, 0, into, 0, fan_in, n_outputs, n_wide, stride)
    for i in range(fan_in * stride):
        into[i] = state.slopes[below + i] * into[i] + state.bends[below + i] * room.tilted[below + i]


@kernel
def fill_states(samples, theta, first_weights, plan, works, states):
    """Fill the state of every block."""
    work = work_of(works, 0)
    for start in range(0, len(samples.y), plan.block):
        n = min(plan.block, len(samples.y) - start)
        _fill_state(
            samples, start, n, theta, first_weights, plan, work, _state_of(states, start // plan.block)
        )


@inner
def _chunk_product(
    samples, bounds, chunk, theta, first_weights, v, first_v, plan, works, states, rooms, is_whole
):
    """Sum the product over the samples of one chunk into its room."""
    room = _room_of(rooms, chunk)
    clear(room.gradient, 0, room.gradient.size)
    for start in range(bounds[chunk], bounds[chunk + 1], plan.block):
        n = min(plan.block, bounds[chunk + 1] - start)
        state = _state_of(states, start // plan.block if is_whole else chunk)
        if not is_whole:
            _fill_state(samples, start, n, theta, first_weights, plan, work_of(works, chunk), state)
        _tilt_forward(samples, start, n, theta, v, first_v, plan, state, room)
        _tilt_loss(samples, start, n, plan, state, room)
        _tilt_backward(samples, start, n, theta, v, plan, state, room)


@kernel
def products(
    member, control, samples, bounds, theta, first_weights, v, first_v, plan, works, states, rooms, is_whole
):
    """Sum the product over all chunks; several threads may call this with the same arrays, see `many_steps`."""
    next_chunk, n_done, _ = control_cells(control)
    n_chunks = len(bounds) - 1
    while True:
        chunk = atomic_add(next_chunk, 1)
        if chunk >= n_chunks:
            break
        _chunk_product(
            samples, bounds, chunk, theta, first_weights, v, first_v, plan, works, states, rooms, is_whole
        )
        atomic_add(n_done, 1)
    waited = 0
    while member == 0 and atomic_get(n_done) < n_chunks:
        waited += 1
        if waited > SPINS:
            yield_core()
