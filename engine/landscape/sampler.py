"""What computes loss and errors on a grid of points theta0 + a d1 + b d2, a little at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from engine.activations import ACTIVATIONS, LEAKY_SLOPE
from engine.datasets.dataset import Dataset
from engine.kernels.helpers import Helpers
from engine.kernels.jit import LANES
from engine.kernels.math import LOG2_E
from engine.kernels.slice_vectors import GROUP, PAIR
from engine.kernels.slices import LOSS_CODES, RUN, Blocks, Plan, Work, add_points, set_ratios
from engine.mlp import MLP
from engine.noise import factors

FloatArray = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Vectors = tuple[FloatArray, FloatArray, FloatArray]

_FIRST_LAYER_NUMBERS: Final = 6_400  # of a block: its arrays stay in the second-level cache
_MOST_COLUMNS: Final = 64
_GROUP_BYTES: Final = 48 * 2**20  # projections of so many samples at a time are in memory
_SAMPLES_AT_A_TIME: Final = 256  # are projected in one product, some milliseconds at most
_CALL_S: Final = 0.008
_RUNS_A_THREAD: Final = 4  # in a call, at least: threads come to the end of it at about the same time


class Sampler:
    """Sums loss and errors over the samples at grid points; rows go along d1, columns along d2.

    A context: its threads end with it.

    Args:
        net, data: whose loss.
        vectors: origin, d1 and d2, each (n_params,) float64.
        alphas, betas: the grid, in any order; evenly spaced betas are faster.
        n_threads: threads that share the points; results have the same bits for any number.
    """

    def __init__(
        self,
        net: MLP,
        data: Dataset,
        vectors: Vectors,
        alphas: FloatArray,
        betas: FloatArray,
        n_threads: int = 1,
    ) -> None:
        self._net, self._data, self._vectors = net, data, vectors
        self._alphas, self._betas = alphas, betas
        self._n_columns = _columns_a_block(net, data)
        self._plan = _plan(net, vectors)
        n_rest = self._plan.rest.shape[1]
        self._works = [_work(net, self._n_columns, n_rest) for _ in range(n_threads)]
        self._pool = Helpers(n_threads - 1) if n_threads > 1 else None
        a_block = 8 * (4 * net.layer_sizes[1] + self._n_noisy_rows) * self._n_columns
        self._blocks_a_group = max(1, _GROUP_BYTES // a_block)
        self._kept: Blocks | None = None
        self._block_s = (
            1e-7 * self._n_columns
        )  # for one point, in one thread; measured as soon as there is one

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def measure(
        self, patches: tuple[tuple[Indices, Indices], ...], loss: FloatArray, errors: Indices
    ) -> Iterator[float]:
        """Write mean loss and number of errors of the points in patches; yields the share done, every few ms."""
        sums = [(np.zeros((len(r), len(c))), np.zeros((len(r), len(c)), dtype=np.int64)) for r, c in patches]
        n_blocks, n_done = -(-self._data.n_samples // self._n_columns), 0
        n_points = sum(losses.size for losses, _ in sums)
        for first in range(0, n_blocks, self._blocks_a_group):
            blocks = yield from self._blocks(first, n_blocks, n_done / (n_points * n_blocks))
            for (rows, columns), (losses, counts) in zip(patches, sums, strict=True):
                for n_new in self._add(blocks, rows, columns, losses, counts):
                    n_done += n_new
                    yield n_done / (n_points * n_blocks)
        for (rows, columns), (losses, counts) in zip(patches, sums, strict=True):
            loss[np.ix_(rows, columns)] = losses / self._data.n_samples
            errors[np.ix_(rows, columns)] = counts

    def _add(
        self, blocks: Blocks, rows: Indices, columns: Indices, loss: FloatArray, errors: Indices
    ) -> Iterator[int]:
        """Add blocks at the points rows x columns in calls of a few milliseconds; yields points times blocks."""
        betas, n_blocks = self._betas[columns], len(blocks.labels)
        n_runs = -(-len(betas) // RUN)
        set_ratios(blocks, self._plan, even_step(betas))
        row = 0
        while row < len(rows):
            n_rows = self._rows_a_call(n_blocks, n_runs, len(betas))
            part = slice(row, row + n_rows)
            alphas = self._alphas[rows[part]]
            block = 0
            while block < n_blocks:
                n = self._blocks_a_call(len(alphas) * len(betas))
                stop = min(block + n, n_blocks)
                self._call(blocks, (block, stop), alphas, betas, (loss[part], errors[part]))
                yield (stop - block) * len(alphas) * len(betas)
                block = stop
            row += n_rows

    def _rows_a_call(self, n_blocks: int, n_runs: int, n_betas: int) -> int:
        """Return how many rows a call may take: as many as there is time for, enough for all threads."""
        there_is_time_for = int(self._budget_s / (self._block_s * n_blocks * n_betas))
        least = -(-_RUNS_A_THREAD * len(self._works) // n_runs) if self._pool else 1
        return max(there_is_time_for, least)

    def _blocks_a_call(self, n_points: int) -> int:
        return max(1, int(self._budget_s / (self._block_s * n_points)))

    @property
    def _budget_s(self) -> float:
        return _CALL_S * len(self._works)

    def _call(
        self,
        blocks: Blocks,
        span: tuple[int, int],
        alphas: FloatArray,
        betas: FloatArray,
        into: tuple[FloatArray, Indices],
    ) -> None:
        """Let all threads add blocks span[0] .. span[1] - 1 at alphas x betas."""
        run, step = math.ceil(len(betas) / math.ceil(len(betas) / RUN)), even_step(betas)
        control = np.zeros(1, dtype=np.int64)

        def work(member: int) -> None:
            add_points(
                control, blocks, *span, self._plan, alphas, betas, step, run, self._works[member], *into
            )

        started = time.perf_counter()
        if self._pool is None:
            work(0)
        else:
            self._pool.share(len(self._works) - 1, work)
        n_done = (span[1] - span[0]) * len(alphas) * len(betas)
        self._block_s = (time.perf_counter() - started) * len(self._works) / n_done + 1e-9

    def _blocks(self, first: int, n_blocks: int, share: float) -> Generator[float, None, Blocks]:
        """Return a group of blocks from number `first` on; yields share meanwhile."""
        if self._kept is not None:
            return self._kept
        blocks = self._empty_blocks(first, min(n_blocks, first + self._blocks_a_group))
        for start in range(0, blocks.n_samples, self._stride):
            self._project(first * self._n_columns, start, blocks)
            yield share
        if self._blocks_a_group >= n_blocks:
            self._kept = blocks
        return blocks

    @property
    def _stride(self) -> int:
        """How many samples are projected at a time: whole blocks."""
        return max(1, _SAMPLES_AT_A_TIME // self._n_columns) * self._n_columns

    @property
    def _n_noisy_rows(self) -> int:
        """Rows of factors a block: of the hidden layers, each with its row of ones; 0 without noise."""
        return sum(width + 1 for width in self._net.layer_sizes[1:-1]) if self._data.noise else 0

    def _empty_blocks(self, first: int, stop: int) -> Blocks:
        n, data = self._n_columns, self._data
        start, end = first * n, min(stop * n, data.n_samples)
        labels, targets = np.zeros((stop - first, n), dtype=np.int64), np.zeros((stop - first, n))
        labels.reshape(-1)[: end - start] = data.y[start:end]
        targets.reshape(-1)[: end - start] = data.targets[start:end]
        label_at = 8 * (labels * n + np.arange(n))
        projections = np.zeros((3, stop - first, self._net.layer_sizes[1] * n))
        noisy = np.ones((stop - first, self._n_noisy_rows * n))
        ratios = np.zeros_like(projections[0])
        return Blocks(projections, ratios, labels, targets, label_at, noisy, end - start)

    def _project(self, origin: int, start: int, blocks: Blocks) -> None:
        """Multiply a few samples, from number origin + start on, with the first layer of all three vectors."""
        n, n_first = self._n_columns, self._net.layer_sizes[1]
        samples = slice(origin + start, origin + min(start + self._stride, blocks.n_samples))
        x = self._data.x[samples]
        n_new = -(-len(x) // n)
        padded = np.zeros((n_first, n_new * n))
        scale = LOG2_E if _has_powers(self._net) and not self._net.n_hidden else 1.0
        for into, vector in zip(blocks.projections, self._vectors, strict=True):
            weights, bias = self._net.layers(vector)[0]
            with np.errstate(over="ignore", invalid="ignore"):  # shown as a loss that is not finite
                padded[:, : len(x)] = (weights.T @ x.T + bias[:, None]) * scale
            by_block = padded.reshape(n_first, n_new, n).transpose(1, 0, 2)
            into[start // n : start // n + n_new] = by_block.reshape(n_new, -1)
        self._set_factors(samples, blocks.factors[start // n : start // n + n_new])

    def _set_factors(self, samples: slice, into: FloatArray) -> None:
        """Write the noise of some samples into their blocks (n_blocks, n_rows * n_columns), if there is any."""
        n, row = self._n_columns, 0
        by_row = into.reshape(len(into), -1, n)
        for of_layer in factors(self._net, self._data, samples):
            n_samples, width = of_layer.shape
            padded = np.ones((len(into) * n, width))
            padded[:n_samples] = of_layer
            by_row[:, row : row + width] = padded.reshape(len(into), n, width).transpose(0, 2, 1)
            row += width + 1


def even_step(betas: FloatArray) -> float:
    """Return the distance of neighbours if betas (n,) are evenly spaced to rounding, else 0."""
    if len(betas) < 2:
        return 0.0
    step = float(betas[-1] - betas[0]) / (len(betas) - 1)
    even = betas[0] + step * np.arange(len(betas))
    is_even = np.abs(even - betas).max() <= 4e-16 * np.abs(betas).max()
    return step if is_even else 0.0


def _columns_a_block(net: MLP, data: Dataset) -> int:
    """Return how many samples a block has, so that it is a whole number of what the vector loops go through."""
    n_first = net.layer_sizes[1]
    least = PAIR if n_first * PAIR % GROUP == 0 else GROUP
    fits, needed = _FIRST_LAYER_NUMBERS // n_first // least * least, -(-data.n_samples // least) * least
    return max(least, min(fits, needed, _MOST_COLUMNS))


def _has_powers(net: MLP) -> bool:
    """Return whether the logits are wanted in units of ln 2, see `engine.kernels.slices.Plan`."""
    return net.loss_name == "cross_entropy"


def _plan(net: MLP, vectors: Vectors) -> Plan:
    behind = net.layer_blocks[0].stop
    skips = {layer: block.offset - behind for layer, block in zip(net.skip, net.skip_blocks, strict=True)}
    codes = [ACTIVATIONS[name].code for name in net.activation] + [-1]
    layers, row = np.empty((len(net.layer_blocks), 5), dtype=np.int64), 0
    for number, block in enumerate(net.layer_blocks):
        offset = block.offset - behind if number else -1
        layers[number] = row, block.fan_out, codes[number], offset, skips.get(number + 1, -1)
        row += block.fan_out + 1  # a row of ones follows
    rest = np.array([vector[behind:] for vector in vectors])
    if _has_powers(net) and net.n_hidden:
        with np.errstate(over="ignore"):  # shown as a loss that is not finite
            for block in (net.layer_blocks[-1], *net.skip_blocks):
                rest[:, block.offset - behind : block.stop - behind] *= LOG2_E
    return Plan(layers, rest, LOSS_CODES[net.loss_name], LEAKY_SLOPE)


def _work(net: MLP, n_columns: int, n_rest: int) -> Work:
    n_first, n_values = (
        net.layer_sizes[1] * n_columns,
        sum(size + 1 for size in net.layer_sizes[1:]) * n_columns,
    )
    of_samples = np.zeros(2 * n_columns)
    best, total = of_samples[:n_columns], of_samples[n_columns:]
    values, base, exponentials, sums, *parameters = (
        np.zeros(size) for size in (n_values, n_first, n_first, 3 * LANES, n_rest, n_rest)
    )
    work, row = Work(values, base, exponentials, best, total, sums, *parameters), 0
    for size in net.layer_sizes[1:-1]:
        row += size
        work.values[row * n_columns : (row + 1) * n_columns] = 1.0
        row += 1
    return work
