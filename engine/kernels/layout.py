"""Where everything lies: the tables and work arrays that the ordered kernels run on, allocated once."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.activations import ACTIVATIONS
from engine.datasets.dataset import Dataset
from engine.kernels.ink import Ink
from engine.kernels.jit import LANES, VECTOR_BYTES
from engine.mlp import MLP
from engine.parts import frozen_ranges

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

CROSS_ENTROPY: Final = 0
QUADRATIC: Final = 1
SQUARED: Final = 2
LOSS_CODES: Final = {"cross_entropy": CROSS_ENTROPY, "quadratic": QUADRATIC, "squared": SQUARED}

# Columns of Plan.layers and Plan.skips.
WEIGHTS, BIAS, FAN_IN, FAN_OUT, PADDED, GRADIENT, VALUES, CODE = range(8)
FROM_LAYER, SKIP_WEIGHTS, SKIP_GRADIENT = range(3)

_BLOCK_BYTES: Final = 384 * 1024  # work of one block of samples: less than a small L2 cache
_BLOCK_SIZES: Final = (256, 128, 64, 32)
_MOST_CHUNKS: Final = 16

WORTH_SHARING: Final = 2_000_000
"""Multiplications in a step below which handing parts of it to threads costs more than it saves."""

_SAMPLES_A_CHUNK: Final = 64
_FEW_FEATURES: Final = 7
_ONES_BYTES: Final = 2**21
_CHUNK_BYTES: Final = 32 * 2**20  # for the gradients of all chunks
_WORK_BYTES: Final = 24 * 2**20  # for everything else that each chunk has


class Plan(NamedTuple):
    """The network as tables of numbers.

    layers (n_layers, 8): offsets of weights and bias in theta, fan_in, fan_out, fan_out rounded up to whole
    vectors, offset in the padded gradient, offset of the layer's values in Work.values, activation code.
    skips (n_skips, 3): number of the hidden layer, offset of its weights in theta, offset in the padded
    gradient. frozen (n_ranges, 2): first and end of the runs of parameters whose gradient is taken as 0.
    """

    layers: IntArray
    skips: IntArray
    loss: int
    block: int
    frozen: IntArray


class Samples(NamedTuple):
    """The data as the kernels see it: x (n_samples, n_features), y, targets (n_samples,), where the ink is.

    numbers (n_samples,), noise_seed, noise_scale: of the noise, see `engine.noise`; scale 0 where there is none.
    """

    x: FloatArray
    y: IntArray
    targets: FloatArray
    ink: Ink
    numbers: IntArray
    noise_seed: int
    noise_scale: float
    with_ones: FloatArray

    @classmethod
    def of(cls, data: Dataset, ink: Ink, dtype: npt.DTypeLike = np.float64) -> Samples:
        """Return a data set as the kernels see it; for float32 that takes a copy of the inputs.

        A few features are also kept with a column of ones beside them, with_ones (n_samples, n_features + 1),
        else (0, 0): the bias is one more row of the gradient's product then, and its sum over the samples, a
        chain of additions that wait for each other, goes on beside the weights'.
        """
        seed, scale = (data.noise.seed, data.noise.scale) if data.noise else (0, 0.0)
        x, targets = (array.astype(dtype, copy=False) for array in (data.x, data.targets))
        with_ones = np.empty((0, 0), dtype)
        if data.n_features <= _FEW_FEATURES and x.nbytes <= _ONES_BYTES and not ink.sample_starts.size:
            with_ones = np.column_stack((x, np.ones(len(x), dtype)))
        for array in (x, targets, with_ones):
            array.flags.writeable = False  # as those of a Dataset: kernels are compiled for one kind
        return cls(x, data.y, targets, ink, data.numbers, seed, scale, with_ones)


class Work(NamedTuple):
    """Work arrays for one chunk of samples, or, with one more axis in front, for all chunks.

    The row stride of all but first and rows is Plan.block. values, slopes: all hidden layers, unit by unit,
    behind the values of each layer a row of ones.
    first: pre-activations of the first layer, sample by sample. outputs, output_delta: the output layer,
    delta, delta_next: the widest layer, unit by unit. rows: a delta, sample by sample. losses (block,).
    gradient: the padded gradient. totals (3,): sum of losses, errors, ties, always float64. one (1,): a 1.
    With noise values are what the next layer sees, and plain, factors: all hidden layers before it, and it.
    """

    values: FloatArray
    slopes: FloatArray
    first: FloatArray
    outputs: FloatArray
    output_delta: FloatArray
    delta: FloatArray
    delta_next: FloatArray
    rows: FloatArray
    losses: FloatArray
    gradient: FloatArray
    totals: FloatArray
    one: FloatArray
    plain: FloatArray
    factors: FloatArray


def padded(n: int, lanes: int = LANES) -> int:
    """Return n rounded up to whole vectors."""
    return -(-n // lanes) * lanes


def lanes_in(dtype: npt.DTypeLike) -> int:
    """Return how many numbers of a dtype fit a vector: LANES of float64, twice as many of float32."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize


def make_plan(net: MLP, n_samples: int, train: str = "all", dtype: npt.DTypeLike = np.float64) -> Plan:
    """Return the tables of a network for at most n_samples samples at a time; train as in `engine.parts`."""
    lanes = lanes_in(dtype)
    layers, values, gradient = [], 0, 0
    codes = [ACTIVATIONS[name].code for name in net.activation] + [0]
    block = _block_size(net, n_samples, lanes)
    for weights, code in zip(net.layer_blocks, codes, strict=True):
        wide = padded(weights.fan_out, lanes)
        layers.append(
            (
                weights.offset,
                weights.bias_offset,
                weights.fan_in,
                weights.fan_out,
                wide,
                gradient,
                values,
                code,
            )
        )
        gradient += (weights.fan_in + 1) * wide
        # A row of ones follows; the first layer is transposed in whole vectors of units, which need room too.
        values += max(weights.fan_out + 1, wide if weights.offset == 0 else 0) * block
    skips = []
    for layer, weights in zip(net.skip, net.skip_blocks, strict=True):
        skips.append((layer, weights.offset, gradient))
        gradient += weights.fan_in * padded(weights.fan_out, lanes)
    table: Any = np.array(layers, dtype=np.int64)
    wired = np.array(skips, dtype=np.int64).reshape(-1, 3)
    return Plan(table, wired, LOSS_CODES[net.loss_name], block, frozen_ranges(net, train))


def make_works(
    net: MLP, plan: Plan, n_chunks: int, is_noisy: bool = False, dtype: npt.DTypeLike = np.float64
) -> Work:
    """Return the work arrays for all chunks, each of shape (n_chunks, size)."""
    sizes, block = work_sizes(net, plan, is_noisy, dtype), plan.block
    types = {name: np.float64 if name == "totals" else dtype for name in sizes}
    works = Work(**{name: np.zeros((n_chunks, size), types[name]) for name, size in sizes.items()})
    works.one[:] = 1.0
    works.factors[:] = 1.0
    for layer in plan.layers[:-1]:
        ones = layer[VALUES] + layer[FAN_OUT] * block
        works.values[:, ones : ones + block] = 1.0
    return works


def work_sizes(
    net: MLP, plan: Plan, is_noisy: bool = False, dtype: npt.DTypeLike = np.float64
) -> dict[str, int]:
    """Return how many numbers each work array of one chunk has."""
    block, lanes = plan.block, lanes_in(dtype)
    widest, n_outputs = padded(max(net.layer_sizes[1:]), lanes), padded(net.n_outputs, lanes)
    needs_slopes = any(name in ("softplus", "erf") for name in net.activation)
    last = plan.layers[-1]
    n_gradient = int(last[GRADIENT] + (last[FAN_IN] + 1) * last[PADDED])
    n_gradient += sum(net.layer_sizes[layer] * n_outputs for layer in net.skip)
    return {
        "values": n_values(plan),
        "slopes": n_values(plan) if needs_slopes else 0,
        "first": block * padded(net.layer_sizes[1], lanes),
        "outputs": n_outputs * block,
        "output_delta": n_outputs * block,
        "delta": widest * block,
        "delta_next": widest * block,
        "rows": block * widest,
        "losses": block,
        "gradient": n_gradient,
        "totals": 3,
        "one": 1,
        "plain": n_values(plan) if is_noisy else 0,
        "factors": n_values(plan) if is_noisy else 0,
    }


def n_values(plan: Plan) -> int:
    """Return the length of an array that holds the values of all hidden layers."""
    return int(plan.layers[-1, VALUES])


def chunk_bounds(net: MLP, n_samples: int, block: int, n_numbers: int = 1) -> IntArray:
    """Return the first sample of each chunk and the end, (n_chunks + 1,); all but the end are multiples of block.

    The samples are split by the sizes alone, never by the number of threads. n_numbers is how many work numbers a
    chunk has beside its gradient.
    """
    most = min(max(2, _CHUNK_BYTES // (8 * net.n_params)), max(1, _WORK_BYTES // (8 * n_numbers)))
    n_blocks = -(-n_samples // block)
    n_chunks = max(1, min(_MOST_CHUNKS, most, n_samples // _SAMPLES_A_CHUNK, n_blocks))
    bounds = (np.arange(n_chunks + 1, dtype=np.int64) * n_blocks) // n_chunks * block
    bounds[-1] = n_samples
    return bounds


def _block_size(net: MLP, n_samples: int, lanes: int) -> int:
    a_sample = (
        VECTOR_BYTES // lanes * 6 * max(net.layer_sizes[1:])
    )  # what is in use at a time, however deep the net is
    largest = next((size for size in _BLOCK_SIZES if size * a_sample <= _BLOCK_BYTES), _BLOCK_SIZES[-1])
    while largest > lanes and 8 * 4 * sum(net.layer_sizes[1:]) * largest > _WORK_BYTES:
        largest //= 2  # a very deep and wide net: one block of values must fit
    # Where a step is long, even few samples are split in two, for two threads.
    n_least = 2 if net.n_params * n_samples >= WORTH_SHARING else 1
    return min(largest, padded(-(-n_samples // n_least), lanes))
