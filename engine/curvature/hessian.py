"""The Hessian of the mean loss as an operator: products with vectors, exact, without ever forming it."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import Future
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.datasets.dataset import Dataset
from engine.kernels.curvature import (
    FILL,
    OVER,
    PRODUCT,
    Task,
    block_bounds,
    block_size,
    hold,
    make_places,
    make_room,
    make_state,
    make_weights,
    work,
)
from engine.kernels.entries import find_entries
from engine.kernels.helpers import Helpers
from engine.kernels.ink import no_ink
from engine.kernels.layout import WORTH_SHARING, FloatArray, Samples, make_plan, padded
from engine.mlp import MLP

MOST_DENSE_PARAMS: Final = 2_000
"""Largest n_params for which the full Hessian is formed: 32 MB."""

_MOST_CHUNKS: Final = 8
_SAMPLES_A_CHUNK: Final = 64
_CHUNK_BYTES: Final = 16 * 2**20


class Hessian:
    """The Hessian of net's mean loss on data at theta (n_params,); `product` multiplies it by a vector.

    Exact by Pearlmutter's R operator; at a kink of a piecewise linear activation it is that of the linear
    piece on the left. Not for two threads at a time.

    With n_threads above 1 others help: they stay for some tenths of a millisecond after a product, so that the
    next finds them awake. The result has the same bits for any number of threads.
    """

    def __init__(self, net: MLP, data: Dataset, theta: Any, n_threads: int = 1) -> None:
        self.net = net
        theta = checks.vector("theta", theta, net.n_params)
        task = _make_task(net, data)
        self._held: Any = hold(task)
        is_worth_sharing = net.n_params * data.n_samples >= WORTH_SHARING
        n_helpers = min(n_threads, len(task.bounds) - 1) - 1 if is_worth_sharing else 0
        self._pool = _pool(n_helpers) if n_helpers else None
        self._helpers: list[Future[None] | None] = [None] * n_helpers
        self._control = np.zeros((4, 8), dtype=np.int64)
        self._control[0, 0] = len(task.bounds)  # nothing to take yet
        weakref.finalize(self, _dismiss, self._control)
        self._run(FILL, theta, np.empty(0))

    def product(self, v: Any) -> FloatArray:
        """Return H v, (n_params,), for v (n_params,)."""
        result = np.empty(self.net.n_params)
        self._run(PRODUCT, checks.vector("v", v, self.net.n_params), result)
        return result

    def products(self, vectors: Any) -> FloatArray:
        """Return H v, (n_vectors, n_params), for each row v of vectors (n_vectors, n_params)."""
        rows = [checks.vector("each row of vectors", v, self.net.n_params) for v in vectors]
        results = np.empty((len(rows), self.net.n_params))
        for v, result in zip(rows, results, strict=True):
            self._run(PRODUCT, v, result)
        return results

    def _run(self, what: int, v: FloatArray, result: FloatArray) -> None:
        v = v if v.flags.writeable else v.copy()  # numba would compile everything again for a read-only array
        if self._pool is not None:
            self._pool.keep_off()
        for number, helper in enumerate(self._helpers):
            if self._pool is not None and (helper is None or helper.done()):
                arguments = (number + 1, self._control, self._held, what, v, result)
                self._helpers[number] = self._pool.submit(work, *arguments)
        work(0, self._control, self._held, what, v, result)


def _make_task(net: MLP, data: Dataset) -> Task:
    plan, n_samples = make_plan(net, data.n_samples), data.n_samples
    most = max(2, _CHUNK_BYTES // (8 * net.n_params))
    n_chunks = max(1, min(_MOST_CHUNKS, most, n_samples // _SAMPLES_A_CHUNK))
    block = block_size(net, n_samples, n_chunks)
    bounds = block_bounds(n_samples, block, n_chunks)
    places, n_across = make_places(net, plan, block)
    n_gradient = sum((layer.fan_in + 1) * padded(layer.fan_out) for layer in net.layer_blocks)
    n_gradient += sum(net.layer_sizes[layer] * padded(net.n_outputs) for layer in net.skip)
    n_chunks = len(bounds) - 1
    states, is_whole = make_state(places, net.n_outputs, -(-n_samples // block), n_chunks)
    return Task(
        Samples.of(data, no_ink()),
        find_entries(data.x, block),
        bounds,
        plan,
        places,
        make_weights(n_gradient, n_across),
        make_weights(n_gradient, n_across),
        states,
        make_room(net, plan, places, n_gradient, n_chunks, data.noise is not None),
        is_whole,
    )


def _dismiss(control: npt.NDArray[np.int64]) -> None:
    """Send the helpers away that wait for another product."""
    control[OVER, 0] = 1


_pools: dict[int, Helpers] = {}
_pools_lock = threading.Lock()


def _pool(n_helpers: int) -> Helpers:
    """Return the pool of so many threads; all Hessians share it, and it lives as long as the process."""
    with _pools_lock:
        if n_helpers not in _pools:
            _pools[n_helpers] = Helpers(n_helpers)
        return _pools[n_helpers]


def dense_hessian(net: MLP, data: Dataset, theta: Any) -> FloatArray:
    """Return the full Hessian (n_params, n_params), symmetric to the last bit; for n_params <= 2,000."""
    if net.n_params > MOST_DENSE_PARAMS:
        raise ValueError(
            f"net must have at most {MOST_DENSE_PARAMS} parameters for its full Hessian, not {net.n_params}."
        )
    matrix = Hessian(net, data, theta).products(np.eye(net.n_params))
    return 0.5 * (matrix + matrix.T)
