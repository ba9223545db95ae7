"""Exact Hessian-vector products: Pearlmutter's R operator (Neural Computation 6, 1994) block by block.

R f is the derivative of f along v in parameter space. What does not depend on v - values, slopes, deltas of
every layer - is a `State`, filled once for all blocks of samples where memory allows and otherwise block by
block with each product.

All arrays stand sample by sample, a row of units (padded to whole vectors) for each: no product needs a
transposition, and a block of them stays in the first two caches. Weights are copied out of theta once, and out
of v once a product, in rows of whole vectors and once more transposed.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numba import types
from numba.experimental import structref

from engine.kernels import math as own
from engine.kernels.elementwise import activate, slopes_and_bends
from engine.kernels.entries import Entries, set_entry_product
from engine.kernels.jit import (
    LANES,
    address_of,
    address_of_shorts,
    array_at,
    atomic_add,
    atomic_get,
    atomic_set,
    external,
    inner,
    kernel,
    yield_core,
)
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
    IntArray,
    Plan,
    Samples,
    n_values,
    padded,
)
from engine.kernels.noise import fill_factors
from engine.kernels.products import add_product, set_product
from engine.kernels.steps import SPINS, control_cells, sum_gradients
from engine.mlp import MLP

FILL: Final = 0
PRODUCT: Final = 1
OVER: Final = 3  # row of `work`'s control that sends the helpers away

_STATE_BYTES: Final = 48 * 2**20  # beyond this the state is filled anew, block by block
_ROWS_BYTES: Final = 24 * 2**10  # of one array of a block: it and some weights fit the first two caches
_MOST_ROWS_BYTES: Final = 192 * 2**10
_SMALLEST_BLOCK: Final = 32
_LINE: Final = 8  # numbers in a line of the cache
_PATIENCE: Final = 100 * SPINS  # looks at a cell before a helper gives up, some tenths of a millisecond

# Columns of Places.layers.
COLUMNS, ACROSS = range(2)


class Places(NamedTuple):
    """Where things lie beyond what Plan says.

    layers (n_layers, 2): padded units of the hidden layers before, offset of the transposed weights (fan_out,
    padded fan_in); none for the first. skips (n_skips,): offset of the transposed skip weights. block:
    samples in a block.
    """

    layers: IntArray
    skips: IntArray
    block: int


class Weights(NamedTuple):
    """Parameters, or a v, in whole vectors: wide as the padded gradient lies, across the transposed weights."""

    wide: FloatArray
    across: FloatArray


class State(NamedTuple):
    """What a block of samples contributes whatever v is; one more axis in front counts blocks.

    values, slopes: a and f'(z) of all hidden layers; bends: f''(z) times the derivative of the loss by a.
    deltas: derivative of the loss by z, all layers. p: probabilities.
    """

    values: FloatArray
    slopes: FloatArray
    bends: FloatArray
    deltas: FloatArray
    p: FloatArray


class Room(NamedTuple):
    """Work arrays of one product, with one more axis in front that counts chunks.

    tilted, tilts: R of z and of a, all hidden layers. outputs: R of the outputs. output_delta, delta,
    delta_next: R of deltas. gradient: padded. factors: of the noise, by unit. one (1,): a 1.
    """

    tilted: FloatArray
    tilts: FloatArray
    outputs: FloatArray
    output_delta: FloatArray
    delta: FloatArray
    delta_next: FloatArray
    gradient: FloatArray
    factors: FloatArray
    one: FloatArray


class Task(NamedTuple):
    """Everything that the kernels need: the same arrays for every product at one theta."""

    samples: Samples
    entries: Entries
    bounds: IntArray
    plan: Plan
    places: Places
    weights: Weights
    tilt: Weights
    states: State
    rooms: Room
    is_whole: bool


@structref.register
class _HeldType(types.StructRef):  # type: ignore[misc]  # numba has no types
    pass


class Held(structref.StructRefProxy):  # type: ignore[misc]
    """A Task that a kernel takes as one object: unpacking 40 arrays takes 10 us a call. `hold` makes it."""


structref.define_proxy(Held, _HeldType, ["task"])


@kernel
def hold(task):
    """Return a Task as one object. Making it here and not in Python spares a second of compiling each time."""
    return Held(task)


def block_size(net: MLP, n_samples: int, n_chunks: int) -> int:
    """Return how many samples a block has: all blocks about alike, and as many in each chunk."""
    a_row = 8 * padded(net.layer_sizes[1])
    # Each block reads and writes the whole gradient of the first layer: where that is large, so are the blocks.
    n_bytes = min(max(_ROWS_BYTES, net.layer_sizes[0] * a_row // 2), _MOST_ROWS_BYTES)
    rows = max(_SMALLEST_BLOCK, n_bytes // a_row)
    in_chunk = -(-n_samples // n_chunks)
    return -(-in_chunk // -(-in_chunk // rows))


def block_bounds(n_samples: int, block: int, n_chunks: int) -> IntArray:
    """Return the first sample of each chunk and the end, (n + 1,) with n <= n_chunks; multiples of block."""
    n_blocks = -(-n_samples // block)
    n = min(n_chunks, n_blocks)
    bounds = (np.arange(n + 1, dtype=np.int64) * n_blocks) // n * block
    bounds[-1] = n_samples
    return bounds


def make_places(net: MLP, plan: Plan, block: int) -> tuple[Places, int]:
    """Return the tables of a network, and the length of `Weights.across`."""
    rows, columns, across = [], 0, 0
    for layer in plan.layers:
        rows.append((columns, across))
        columns += int(layer[PADDED])
        across += int(layer[FAN_OUT]) * padded(int(layer[FAN_IN])) if len(rows) > 1 else 0
    skips = []
    for layer_number in net.skip:
        skips.append(across)
        across += net.n_outputs * padded(net.layer_sizes[layer_number])
    return Places(np.array(rows, dtype=np.int64), np.array(skips, dtype=np.int64), block), across


def zeros(n_rows: int, size: int) -> FloatArray:
    """Return zeros (n_rows, size) whose every row begins with a line of the cache, if size is a whole number of them.

    numpy begins its arrays 16 bytes behind such a line: every second load of a vector would cross one.
    """
    raw = np.zeros(n_rows * size + _LINE)
    before = -raw.ctypes.data // 8 % _LINE
    return raw[before : before + n_rows * size].reshape(n_rows, size)


def make_weights(n_gradient: int, n_across: int) -> Weights:
    """Return room for parameters."""
    return Weights(zeros(1, n_gradient)[0], zeros(1, n_across)[0])


def make_state(places: Places, n_outputs: int, n_blocks: int, n_chunks: int) -> tuple[State, bool]:
    """Return room for a State, and whether it holds all blocks (else one for each chunk)."""
    hidden, outputs = int(places.layers[-1, COLUMNS]) * places.block, padded(n_outputs) * places.block
    sizes = {"values": hidden, "slopes": hidden, "bends": hidden, "deltas": hidden + outputs, "p": outputs}
    is_whole = 8 * n_blocks * sum(sizes.values()) <= _STATE_BYTES
    n = n_blocks if is_whole else n_chunks
    arrays: Any = {name: zeros(n, -(-size // _LINE) * _LINE) for name, size in sizes.items()}
    return State(**arrays), is_whole


def make_room(net: MLP, plan: Plan, places: Places, n_gradient: int, n_chunks: int, is_noisy: bool) -> Room:
    """Return the work arrays for a product."""
    hidden, block = int(places.layers[-1, COLUMNS]), places.block
    outputs, widest = padded(net.n_outputs), padded(max(net.layer_sizes[1:]))
    sizes = {
        "tilted": hidden * block,
        "tilts": hidden * block,
        "outputs": outputs * block,
        "output_delta": outputs * block,
        "delta": widest * block,
        "delta_next": widest * block,
        "gradient": n_gradient,
        "factors": n_values(plan) + widest * block if is_noisy else 0,
        "one": 1,
    }
    arrays: Any = {name: zeros(n_chunks, -(-size // _LINE) * _LINE) for name, size in sizes.items()}
    rooms = Room(**arrays)
    rooms.one[:] = 1.0
    return rooms


@kernel
def spread_weights(theta, plan, places, weights):
    """Copy parameters (n_params,) into rows of whole vectors, and into transposed ones; padding stays 0."""
    layers = plan.layers
    for layer in range(len(layers)):
        fan_in, fan_out, at = layers[layer, FAN_IN], layers[layer, FAN_OUT], layers[layer, WEIGHTS]
        into, wide = layers[layer, GRADIENT], layers[layer, PADDED]
        for i in range(fan_in + 1):
            for j in range(fan_out):
                weights.wide[into + i * wide + j] = theta[at + i * fan_out + j]
        if layer > 0:
            into, wide = places.layers[layer, ACROSS], layers[layer - 1, PADDED]
            for j in range(fan_out):
                for i in range(fan_in):
                    weights.across[into + j * wide + i] = theta[at + i * fan_out + j]
    n_outputs = layers[-1, FAN_OUT]
    for s in range(len(plan.skips)):
        source, at = layers[plan.skips[s, FROM_LAYER] - 1], plan.skips[s, SKIP_WEIGHTS]
        for i in range(source[FAN_OUT]):
            for j in range(n_outputs):
                weight = theta[at + i * n_outputs + j]
                weights.wide[plan.skips[s, SKIP_GRADIENT] + i * layers[-1, PADDED] + j] = weight
                weights.across[places.skips[s] + j * source[PADDED] + i] = weight


@inner
def _state_of(states, k):
    return State(states.values[k], states.slopes[k], states.bends[k], states.deltas[k], states.p[k])


@inner
def _room_of(rooms, k):
    return Room(
        rooms.tilted[k],
        rooms.tilts[k],
        rooms.outputs[k],
        rooms.output_delta[k],
        rooms.delta[k],
        rooms.delta_next[k],
        rooms.gradient[k],
        rooms.factors[k],
        rooms.one[k],
    )


@inner
def _first_rows(task, start, n, weights, into):
    """Fill z of the first layer from x: bias + x W, into an address."""
    fan_in, wide = task.plan.layers[0, FAN_IN], task.plan.layers[0, PADDED]
    a, b = address_of(task.samples.x, start * fan_in), address_of(weights.wide, 0)
    bias, n_vectors, entries = address_of(weights.wide, fan_in * wide), wide // LANES, task.entries
    if entries.sample_starts.size:
        k, lists = address_of_shorts(entries.sample_k), address_of(entries.sample_starts, start)
        set_entry_product(bias, 0, a, fan_in * 8, 8, b, wide * 8, into, wide * 8, n, n_vectors, k, lists)
    else:
        set_product(bias, 0, a, fan_in * 8, 8, b, wide * 8, into, wide * 8, n, n_vectors, fan_in)


@inner
def _set_rows(task, layer, n, weights, source, into):
    """Fill rows of a layer: bias + source W, from and into addresses of rows."""
    layers = task.plan.layers
    below, wide, fan_in = layers[layer - 1, PADDED], layers[layer, PADDED], layers[layer, FAN_IN]
    at = layers[layer, GRADIENT]
    b, bias = address_of(weights.wide, at), address_of(weights.wide, at + fan_in * wide)
    set_product(bias, 0, source, below * 8, 8, b, wide * 8, into, wide * 8, n, wide // LANES, fan_in)


@inner
def _add_rows(n, source, source_wide, weights_at, n_k, into, wide):
    """Add source W to rows: n rows, sums over n_k; all are addresses and numbers."""
    add_product(source, source_wide * 8, 8, weights_at, wide * 8, into, wide * 8, n, wide // LANES, n_k)


@inner
def _add_outer(n, source, source_wide, rows, wide, fan_in, into):
    """Add the sum over n samples of source (fan_in) times rows (wide) to a matrix; addresses and numbers."""
    add_product(source, 8, source_wide * 8, rows, wide * 8, into, wide * 8, fan_in, wide // LANES, n)


@inner
def _fill_state(task, start, n, state, room):
    """Forward and backward for one block, keeping everything that products need."""
    plan, last, block = task.plan, len(task.plan.layers) - 1, task.places.block
    layers, columns = plan.layers, task.places.layers[:, COLUMNS]
    outputs = address_of(room.outputs, 0)
    for layer in range(last + 1):
        into = address_of(state.values, columns[layer] * block) if layer < last else outputs
        if layer == 0:
            _first_rows(task, start, n, task.weights, into)
        else:
            source = address_of(state.values, columns[layer - 1] * block)
            _set_rows(task, layer, n, task.weights, source, into)
        if layer < last:
            _activate(task, start, n, layer, state, room)
    wide = layers[last, PADDED]
    for s in range(len(plan.skips)):
        source, at = (
            plan.skips[s, FROM_LAYER] - 1,
            address_of(task.weights.wide, plan.skips[s, SKIP_GRADIENT]),
        )
        values = address_of(state.values, columns[source] * block)
        _add_rows(n, values, layers[source, PADDED], at, layers[source, FAN_OUT], outputs, wide)
    _output_deltas(task, start, n, columns[last] * block, state, room)
    for layer in range(last, 0, -1):
        _delta_below(task, layer, n, state, room)


@inner
def _activate(task, start, n, layer, state, room):
    """Replace z by a, fill slopes and f'', all times the noise if there is any."""
    row, at = task.plan.layers[layer], task.places.layers[layer, COLUMNS] * task.places.block
    wide, stride = row[PADDED], task.places.block
    values, slopes, bends = (
        address_of(state.values, at),
        address_of(state.slopes, at),
        address_of(state.bends, at),
    )
    noted = address_of(room.delta, 0)
    activate(row[CODE], values, noted, n * wide)
    slopes_and_bends(row[CODE], values, noted, slopes, bends, n * wide)
    if room.factors.size:
        fill_factors(task.samples, start, n, layer + 1, row, stride, room.factors)
        for i in range(n):
            for j in range(row[FAN_OUT]):
                factor = room.factors[row[VALUES] + j * stride + i]
                state.values[at + i * wide + j] *= factor
                state.slopes[at + i * wide + j] *= factor
                state.bends[at + i * wide + j] *= factor


@inner
def _output_deltas(task, start, n, at, state, room):
    """Fill p and the derivative of the loss by the outputs; 0 in the padding."""
    wide, n_outputs = task.plan.layers[-1, PADDED], task.plan.layers[-1, FAN_OUT]
    if task.plan.loss == SQUARED:
        for i in range(n):
            state.deltas[at + i * wide] = room.outputs[i * wide] - task.samples.targets[start + i]
        return
    _softmax_rows(address_of(room.outputs, 0), address_of(state.p, 0), n, n_outputs, wide)
    for i in range(n):
        row, label = i * wide, task.samples.y[start + i]
        for k in range(wide):
            state.deltas[at + row + k] = state.p[row + k]
        state.deltas[at + row + label] -= 1.0
        if task.plan.loss != CROSS_ENTROPY:
            s = 0.0
            for k in range(n_outputs):
                s += state.p[row + k] * state.deltas[at + row + k]
            for k in range(wide):
                state.deltas[at + row + k] = state.p[row + k] * (state.deltas[at + row + k] - s)


@external("void(int64, int64, int64, int64, int64)")
def _softmax_rows(outputs_at, p_at, n, n_outputs, wide):
    """Fill p with softmax of n rows, 0 in the padding; outputs is lowered by each row's largest."""
    z, p = array_at(outputs_at, n * wide), array_at(p_at, n * wide)
    for i in range(n):
        largest = z[i * wide]
        for k in range(1, n_outputs):
            largest = max(largest, z[i * wide + k])
        for k in range(wide):
            z[i * wide + k] = z[i * wide + k] - largest if k < n_outputs else 0.0
    for i in range(n * wide):
        p[i] = own.exp_of_negative(z[i])
    for i in range(n):
        total = 0.0
        for k in range(n_outputs):
            total += p[i * wide + k]
        for k in range(wide):
            p[i * wide + k] = p[i * wide + k] / total if k < n_outputs else 0.0


@inner
def _delta_below(task, layer, n, state, room):
    """Complete bends and fill deltas of the hidden layer below `layer`."""
    plan, places, last = task.plan, task.places, len(task.plan.layers) - 1
    wide, into = plan.layers[layer - 1, PADDED], address_of(room.delta, 0)
    deltas = address_of(state.deltas, places.layers[layer, COLUMNS] * places.block)
    _set_below(task, layer, n, task.weights, deltas, into)
    top = address_of(state.deltas, places.layers[last, COLUMNS] * places.block)
    _add_skips_below(task, layer, n, task.weights, top, into)
    at = places.layers[layer - 1, COLUMNS] * places.block
    for i in range(n * wide):
        state.bends[at + i] *= room.delta[i]
        state.deltas[at + i] = state.slopes[at + i] * room.delta[i]


@inner
def _set_below(task, layer, n, weights, deltas, into):
    """into = deltas W^T of a layer, from and into addresses of rows."""
    row, wide = task.plan.layers[layer], task.plan.layers[layer - 1, PADDED]
    b, n_k = address_of(weights.across, task.places.layers[layer, ACROSS]), row[FAN_OUT]
    set_product(0, 0, deltas, row[PADDED] * 8, 8, b, wide * 8, into, wide * 8, n, wide // LANES, n_k)


@inner
def _add_below(task, layer, n, weights, deltas, into):
    """into += deltas W^T of a layer."""
    row, wide = task.plan.layers[layer], task.plan.layers[layer - 1, PADDED]
    at = address_of(weights.across, task.places.layers[layer, ACROSS])
    _add_rows(n, deltas, row[PADDED], at, row[FAN_OUT], into, wide)


@inner
def _add_skips_below(task, layer, n, weights, output_deltas, into):
    """into += deltas of the outputs times the transposed weights of skips from hidden layer `layer`, if any."""
    plan = task.plan
    for s in range(len(plan.skips)):
        if plan.skips[s, FROM_LAYER] == layer:
            at, wide = address_of(weights.across, task.places.skips[s]), plan.layers[layer - 1, PADDED]
            _add_rows(n, output_deltas, plan.layers[-1, PADDED], at, plan.layers[-1, FAN_OUT], into, wide)


@external("void(int64, int64, int64, int64)")
def _multiply(a_at, b_at, out_at, n):
    """out = a b for n numbers; all are addresses."""
    a, b, out = array_at(a_at, n), array_at(b_at, n), array_at(out_at, n)
    for i in range(n):
        out[i] = a[i] * b[i]


@external("void(int64, int64, int64, int64, int64)")
def _bend(slopes_at, bends_at, tilted_at, delta_at, n):
    """delta = slopes delta + bends tilted for n numbers; all are addresses."""
    slopes, bends = array_at(slopes_at, n), array_at(bends_at, n)
    tilted, delta = array_at(tilted_at, n), array_at(delta_at, n)
    for i in range(n):
        delta[i] = slopes[i] * delta[i] + bends[i] * tilted[i]


@inner
def _tilt_forward(task, start, n, state, room):
    """R of the forward pass: room.tilted = R z, room.tilts = R a, room.outputs = R of the outputs."""
    plan, block, last = task.plan, task.places.block, len(task.plan.layers) - 1
    layers, columns, outputs = plan.layers, task.places.layers[:, COLUMNS], address_of(room.outputs, 0)
    into = address_of(room.tilted, 0) if last else outputs
    _first_rows(task, start, n, task.tilt, into)
    for layer in range(1, last + 1):
        at, below = columns[layer - 1] * block, layers[layer - 1, PADDED]
        tilts = address_of(room.tilts, at)
        _multiply(address_of(state.slopes, at), into, tilts, n * below)
        into = address_of(room.tilted, columns[layer] * block) if layer < last else outputs
        _set_rows(task, layer, n, task.tilt, address_of(state.values, at), into)
        weights = address_of(task.weights.wide, layers[layer, GRADIENT])
        _add_rows(n, tilts, below, weights, layers[layer, FAN_IN], into, layers[layer, PADDED])
    wide = layers[last, PADDED]
    for s in range(len(plan.skips)):
        source, weights = plan.skips[s, FROM_LAYER] - 1, plan.skips[s, SKIP_GRADIENT]
        at, below, fan_in = columns[source] * block, layers[source, PADDED], layers[source, FAN_OUT]
        tilt = address_of(task.tilt.wide, weights)
        _add_rows(n, address_of(state.values, at), below, tilt, fan_in, outputs, wide)
        weight = address_of(task.weights.wide, weights)
        _add_rows(n, address_of(room.tilts, at), below, weight, fan_in, outputs, wide)


@inner
def _tilt_loss(task, start, n, state, room):
    """R of the derivative of the loss by the outputs, into room.output_delta; 0 in the padding."""
    wide, n_outputs = task.plan.layers[-1, PADDED], task.plan.layers[-1, FAN_OUT]
    z, out, p = address_of(room.outputs, 0), address_of(room.output_delta, 0), address_of(state.p, 0)
    if task.plan.loss == CROSS_ENTROPY:
        _tilt_cross_entropy(p, z, out, n, n_outputs, wide)
    elif task.plan.loss == SQUARED:
        for i in range(n * wide):
            room.output_delta[i] = room.outputs[i]
    else:
        for i in range(n):
            label = task.samples.y[start + i]
            _tilt_quadratic(label, i * wide, state.p, room.outputs, room.output_delta, n_outputs, wide)


@external("void(int64, int64, int64, int64, int64, int64)")
def _tilt_cross_entropy(p_at, z_at, out_at, n, n_outputs, wide):
    """out = p (z - sum p z) for n rows."""
    p, z, out = array_at(p_at, n * wide), array_at(z_at, n * wide), array_at(out_at, n * wide)
    for i in range(n):
        mean = 0.0
        for k in range(n_outputs):
            mean += p[i * wide + k] * z[i * wide + k]
        for k in range(wide):
            out[i * wide + k] = p[i * wide + k] * (z[i * wide + k] - mean)


@inner
def _tilt_quadratic(label, row, p, z, out, n_outputs, wide):
    """R of p (e - s), e = p - onehot, s = sum p e: (R p)(e - s) + p (R p - R s)."""
    mean, s = 0.0, -p[row + label]
    for k in range(n_outputs):
        mean += p[row + k] * z[row + k]
        s += p[row + k] * p[row + k]
    tilt_s = 0.0
    for k in range(n_outputs):
        at = row + k
        e = p[at] - (1.0 if k == label else 0.0)
        out[at] = p[at] * (z[at] - mean)
        tilt_s += out[at] * (e + p[at])
    for k in range(n_outputs):
        at = row + k
        e = p[at] - (1.0 if k == label else 0.0)
        out[at] = out[at] * (e - s) + p[at] * (out[at] - tilt_s)
    for k in range(n_outputs, wide):
        out[row + k] = 0.0


@inner
def _tilt_backward(task, start, n, index, state, room):
    """R of the backward pass: add R of the gradient of this block to room.gradient."""
    plan, places, last = task.plan, task.places, len(task.plan.layers) - 1
    layers, columns, block = plan.layers, places.layers[:, COLUMNS], places.block
    delta, into, spare = (
        address_of(room.output_delta, 0),
        address_of(room.delta, 0),
        address_of(room.delta_next, 0),
    )
    for s in range(len(plan.skips)):
        source, gradient = (
            plan.skips[s, FROM_LAYER] - 1,
            address_of(room.gradient, plan.skips[s, SKIP_GRADIENT]),
        )
        _add_both_outers(task, n, source, last, layers[source, FAN_OUT], delta, gradient, state, room)
    for layer in range(last, 0, -1):
        wide, fan_in = layers[layer, PADDED], layers[layer, FAN_IN]
        gradient = address_of(room.gradient, layers[layer, GRADIENT])
        _add_both_outers(task, n, layer - 1, layer, fan_in, delta, gradient, state, room)
        _add_bias(n, delta, wide, gradient + 8 * fan_in * wide, room)
        _set_below(task, layer, n, task.tilt, address_of(state.deltas, columns[layer] * block), into)
        _add_below(task, layer, n, task.weights, delta, into)
        if len(plan.skips):
            top = address_of(state.deltas, columns[last] * block)
            _add_skips_below(task, layer, n, task.tilt, top, into)
            _add_skips_below(task, layer, n, task.weights, address_of(room.output_delta, 0), into)
        at = columns[layer - 1] * block
        slopes, bends = address_of(state.slopes, at), address_of(state.bends, at)
        _bend(slopes, bends, address_of(room.tilted, at), into, n * layers[layer - 1, PADDED])
        delta, into, spare = into, spare, into
    _add_first_gradient(task, start, n, index, delta, room)


@inner
def _add_both_outers(task, n, source, layer, fan_in, delta, gradient, state, room):
    """gradient += values R delta + tilts delta, of hidden layer table row `source` and layer `layer`."""
    layers, columns, block = task.plan.layers, task.places.layers[:, COLUMNS], task.places.block
    at, below, wide = columns[source] * block, layers[source, PADDED], layers[layer, PADDED]
    _add_outer(n, address_of(state.values, at), below, delta, wide, fan_in, gradient)
    deltas = address_of(state.deltas, columns[layer] * block)
    _add_outer(n, address_of(room.tilts, at), below, deltas, wide, fan_in, gradient)


@inner
def _add_bias(n, rows, wide, into, room):
    add_product(address_of(room.one, 0), 0, 0, rows, wide * 8, into, wide * 8, 1, wide // LANES, n)


@inner
def _add_first_gradient(task, start, n, index, rows, room):
    """Add the first layer's part of the gradient: sum over the samples of x rows, and of rows."""
    fan_in, wide, entries = task.plan.layers[0, FAN_IN], task.plan.layers[0, PADDED], task.entries
    a, c, n_vectors = address_of(task.samples.x, start * fan_in), address_of(room.gradient, 0), wide // LANES
    if entries.feature_starts.size:
        k, lists = address_of_shorts(entries.feature_k), address_of(entries.feature_starts, index * fan_in)
        set_entry_product(
            c, wide * 8, a, 8, fan_in * 8, rows, wide * 8, c, wide * 8, fan_in, n_vectors, k, lists
        )
    else:
        add_product(a, 8, fan_in * 8, rows, wide * 8, c, wide * 8, fan_in, n_vectors, n)
    _add_bias(n, rows, wide, c + 8 * fan_in * wide, room)


@inner
def _do_chunk(task, chunk, what):
    """Fill the states of one chunk, or sum the product over its samples into its room."""
    room = _room_of(task.rooms, chunk)
    for i in range(room.gradient.size):
        room.gradient[i] = 0.0
    for start in range(task.bounds[chunk], task.bounds[chunk + 1], task.places.block):
        n = min(task.places.block, task.bounds[chunk + 1] - start)
        index = start // task.places.block
        state = _state_of(task.states, index if task.is_whole else chunk)
        if what == FILL or not task.is_whole:
            _fill_state(task, start, n, state, room)
        if what == PRODUCT:
            _tilt_forward(task, start, n, state, room)
            _tilt_loss(task, start, n, state, room)
            _tilt_backward(task, start, n, index, state, room)


@inner
def _take_chunks(task, next_chunk, n_done, what):
    while True:
        chunk = atomic_add(next_chunk, 1)
        if chunk >= len(task.bounds) - 1:
            return
        _do_chunk(task, chunk, atomic_get(what))
        atomic_add(n_done, 1)


@kernel
def work(member, control, held, what, v, result):
    """Fill all states, or write H v (n_params,) into result.

    Several threads may call this with the same control and held Task: member 0 does what cannot be shared and is
    able to do all of it alone; the others take chunks off it, also of what is asked next, and return when nothing
    was asked for a while. control (4, 8) is what they meet at: next chunk, chunks done, FILL or PRODUCT, and
    whether they are to go.
    """
    task = held.task
    next_chunk, n_done, asked = control_cells(control)
    over = address_of(control, OVER * control.shape[1])
    n_chunks, waited = len(task.bounds) - 1, 0
    if member > 0:
        while waited < _PATIENCE and atomic_get(over) == 0:
            waited += 1
            if atomic_get(next_chunk) < n_chunks:
                _take_chunks(task, next_chunk, n_done, asked)
                waited = 0
            elif waited % SPINS == 0:
                yield_core()
        return
    spread_weights(v, task.plan, task.places, task.weights if what == FILL else task.tilt)
    atomic_set(asked, what)
    atomic_set(n_done, 0)
    atomic_set(next_chunk, 0)
    _take_chunks(task, next_chunk, n_done, asked)
    while atomic_get(n_done) < n_chunks:
        waited += 1
        if waited > SPINS:
            yield_core()
    if what == PRODUCT:
        _gather(task, result)


@inner
def _gather(task, result):
    """Add up the rooms in the order of chunks; write their mean over the samples."""
    total, size = address_of(task.rooms.gradient, 0), task.rooms.gradient.shape[1]
    for chunk in range(1, len(task.bounds) - 1):
        _add(total, address_of(task.rooms.gradient, chunk * size), size)
    sum_gradients(task.rooms.gradient[:1], task.plan, len(task.samples.y), result)


@external("void(int64, int64, int64)")
def _add(into_at, part_at, n):
    """into += part for n numbers; both are addresses."""
    into, part = array_at(into_at, n), array_at(part_at, n)
    for i in range(n):
        into[i] += part[i]
