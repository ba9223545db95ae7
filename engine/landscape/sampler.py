"""What computes loss and errors on a grid of points theta0 + a d1 + b d2, a little at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.activations import ACTIVATIONS, LEAKY_SLOPE
from engine.datasets.dataset import Dataset
from engine.kernels.slices import GROUP, LOSS_CODES, Block, Plan, Work, add_points
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_FIRST_LAYER_NUMBERS: Final = 12_800  # of a block: four arrays of this size stay in the second cache
_MOST_COLUMNS: Final = 256
_KEPT_BYTES: Final = 48 * 2**20  # projections up to this size are kept from level to level
_CALL_S: Final = 0.006
_COLUMNS_A_CALL: Final = 64


class Sampler:
    """Sums loss and errors over the samples at grid points; rows go along d1, columns along d2.

    Args:
        net, data: whose loss.
        vectors: origin, d1 and d2, each (n_params,) float64.
        alphas, betas: the grid, in any order; evenly spaced betas are faster.
    """

    def __init__(
        self,
        net: MLP,
        data: Dataset,
        vectors: tuple[FloatArray, FloatArray, FloatArray],
        alphas: FloatArray,
        betas: FloatArray,
    ) -> None:
        self._net, self._data, self._vectors = net, data, vectors
        self._alphas, self._betas = alphas, betas
        self._n_columns = _columns_a_block(net, data)
        self._plan = _plan(net, vectors)
        self._work = _work(net, self._n_columns, self._plan.rest.shape[1])
        self._kept: dict[int, Block] = {}
        n_blocks = -(-data.n_samples // self._n_columns)
        self._keeps = 3 * 8 * net.layer_sizes[1] * self._n_columns * n_blocks <= _KEPT_BYTES
        self._s_a_point = 1e-7 * self._n_columns

    def measure(
        self, patches: tuple[tuple[Indices, Indices], ...], loss: FloatArray, errors: Indices
    ) -> Iterator[int]:
        """Write mean loss and number of errors of the points in patches; yields the samples done, every few ms."""
        sums = [(np.zeros((len(r), len(c))), np.zeros((len(r), len(c)), dtype=np.int64)) for r, c in patches]
        for start in range(0, self._data.n_samples, self._n_columns):
            block = self._block(start)
            for (rows, columns), (losses, counts) in zip(patches, sums, strict=True):
                for _ in self._add(block, rows, columns, losses, counts):
                    yield start
            yield start + block.n_samples
        for (rows, columns), (losses, counts) in zip(patches, sums, strict=True):
            loss[np.ix_(rows, columns)] = losses / self._data.n_samples
            errors[np.ix_(rows, columns)] = counts

    def _add(
        self, block: Block, rows: Indices, columns: Indices, loss: FloatArray, errors: Indices
    ) -> Iterator[None]:
        """Add one block at the points rows x columns, in calls of a few milliseconds."""
        for first in range(0, len(columns), _COLUMNS_A_CALL):
            some = slice(first, first + _COLUMNS_A_CALL)
            betas = self._betas[columns[some]]
            step, row = even_step(betas), 0
            while row < len(rows):
                n_rows = max(1, int(_CALL_S / (self._s_a_point * len(betas))))
                part = slice(row, row + n_rows)
                losses, counts = loss[part, some].copy(), errors[part, some].copy()
                started, alphas = time.perf_counter(), self._alphas[rows[part]]
                add_points(block, self._plan, alphas, betas, step, self._work, losses, counts)
                loss[part, some], errors[part, some] = losses, counts
                self._s_a_point = (time.perf_counter() - started) / losses.size + 1e-9
                row += n_rows
                yield

    def _block(self, start: int) -> Block:
        if start in self._kept:
            return self._kept[start]
        block = self._projected(start)
        if self._keeps:
            self._kept[start] = block
        return block

    def _projected(self, start: int) -> Block:
        """Return the samples from start on with their three products with the first layer."""
        data, n = self._data, self._n_columns
        part = slice(start, start + n)
        x, n_samples = data.x[part], len(data.x[part])
        projections = np.zeros((3, self._net.layer_sizes[1], n))
        for into, vector in zip(projections, self._vectors, strict=True):
            weights, bias = self._net.layers(vector)[0]
            with np.errstate(over="ignore", invalid="ignore"):  # shown as a loss that is not finite
                into[:, :n_samples] = weights.T @ x.T
                into[:, :n_samples] += bias[:, None]
        labels, targets = np.zeros(n), np.zeros(n)
        labels[:n_samples], targets[:n_samples] = data.y[part], data.targets[part]
        return Block(projections.reshape(3, -1), labels, targets, n_samples)


def even_step(betas: FloatArray) -> float:
    """Return the distance of neighbours if betas (n,) are evenly spaced to rounding, else 0."""
    if len(betas) < 2:
        return 0.0
    step = float(betas[-1] - betas[0]) / (len(betas) - 1)
    even = betas[0] + step * np.arange(len(betas))
    is_even = np.abs(even - betas).max() <= 4e-16 * np.abs(betas).max()
    return step if is_even else 0.0


def _columns_a_block(net: MLP, data: Dataset) -> int:
    fits = _FIRST_LAYER_NUMBERS // net.layer_sizes[1] // GROUP * GROUP
    needed = -(-data.n_samples // GROUP) * GROUP
    return max(GROUP, min(fits, needed, _MOST_COLUMNS))


def _plan(net: MLP, vectors: tuple[FloatArray, FloatArray, FloatArray]) -> Plan:
    behind = net.layer_blocks[0].stop
    skips = {layer: block.offset - behind for layer, block in zip(net.skip, net.skip_blocks, strict=True)}
    codes = [ACTIVATIONS[name].code for name in net.activation] + [-1]
    layers, row = np.empty((len(net.layer_blocks), 5), dtype=np.int64), 0
    for number, block in enumerate(net.layer_blocks):
        offset = block.offset - behind if number else -1
        layers[number] = row, block.fan_out, codes[number], offset, skips.get(number + 1, -1)
        row += block.fan_out
    rest = np.ascontiguousarray([vector[behind:] for vector in vectors])
    return Plan(layers, rest, LOSS_CODES[net.loss_name], LEAKY_SLOPE)


def _work(net: MLP, n_columns: int, n_rest: int) -> Work:
    n_first = net.layer_sizes[1] * n_columns
    sizes = (
        sum(net.layer_sizes[1:]) * n_columns,
        n_first,
        n_first,
        n_first,
        n_columns,
        n_columns,
        n_rest,
        n_rest,
    )
    return Work(*(np.zeros(size) for size in sizes))
