"""Ordered arithmetic: the evaluator on our own kernels, with the same bits for any number of threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from engine.datasets.dataset import Dataset
from engine.evaluator import Evaluation, Evaluator, Flag, FloatArray, Records, Rows
from engine.kernels.helpers import Helpers
from engine.kernels.ink import find_ink, no_ink
from engine.kernels.jit import compile_late
from engine.kernels.layout import (
    WORTH_SHARING,
    Samples,
    Work,
    chunk_bounds,
    lanes_in,
    make_plan,
    make_works,
    padded,
    work_sizes,
)
from engine.kernels.passes import block_losses, chunk_pass, forward, pad_first_weights
from engine.kernels.steps import many_steps, norm, sum_gradients, totals
from engine.mlp import MLP

_COPIED_BYTES: Final = 16 * 2**20  # of a batch's samples at a time
Result = TypeVar("Result")
Typed = npt.NDArray[np.float64 | np.float32]


class OrderedEvaluator(Evaluator):
    """Evaluates in float64 or float32 with every unit's sums in the same order.

    theta, the gradient and the update are float64 whatever the dtype of the products.

    Its tables and work arrays are there for others that run kernels on the same blocks (`engine.curvature`).

    The samples are split into chunks by their number alone; threads only decide who does which chunk, and
    partial sums are added in the order of chunks.
    """

    def __init__(
        self,
        net: MLP,
        data: Dataset,
        n_threads: int = 1,
        train: str = "all",
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        super().__init__(net, data)
        if dtype != np.float64:
            compile_late()
        self._dtype = np.dtype(dtype)
        self.plan = make_plan(net, data.n_samples, train, dtype)
        self.samples = Samples.of(data, find_ink(data.x, self.plan.block), dtype)
        sizes = work_sizes(net, self.plan, data.noise is not None, dtype)
        n_numbers = sum(sizes.values()) - sizes["gradient"]
        self.bounds = chunk_bounds(net, data.n_samples, self.plan.block, n_numbers)
        n = len(self.bounds) - 1
        self.works = make_works(net, self.plan, n, data.noise is not None, dtype)
        wide = padded(net.layer_sizes[1], lanes_in(dtype))
        self.first_weights = np.zeros((net.layer_sizes[0] + 1, wide), dtype)
        self._before = np.empty((2, net.n_params))
        self._n_threads = n_threads
        self._helpers = _helpers(n_threads - 1) if _is_worth_sharing(net, data, n, n_threads) else None

    def evaluate(self, theta: FloatArray, gradient: FloatArray, rows: Rows | None = None) -> Evaluation:
        """See `Evaluator.evaluate`."""
        typed = self._typed(theta)
        if rows is not None:
            return self._evaluate_rows(typed, gradient, rows)
        self._pass(typed, with_gradient=True)
        sum_gradients(self.works.gradient, self.plan, self.data.n_samples, gradient)
        loss, n_errors, n_tied = totals(self.works, self.data.n_samples)
        return Evaluation(loss, n_errors, n_tied, norm(gradient))

    def loss_and_errors(self, theta: FloatArray) -> tuple[float, int]:
        """See `Evaluator.loss_and_errors`."""
        self._pass(self._typed(theta), with_gradient=False)
        loss, n_errors, _ = totals(self.works, self.data.n_samples)
        return loss, n_errors

    def per_example_loss(self, theta: FloatArray) -> FloatArray:
        """See `Evaluator.per_example_loss`."""
        data, work = self.data, Work(*(array[0] for array in self.works))
        losses = np.empty(data.n_samples)
        for start, n in self._forward_blocks(theta):
            block_losses(self.samples, start, n, self.plan, work)
            losses[start : start + n] = work.losses[:n]
        return losses

    def logits(self, theta: FloatArray) -> FloatArray:
        """See `Evaluator.logits`."""
        outputs = np.empty((self.data.n_samples, self.net.n_outputs))
        by_unit = self.works.outputs[0].reshape(-1, self.plan.block)[: self.net.n_outputs]
        for start, n in self._forward_blocks(theta):
            outputs[start : start + n] = by_unit[:, :n].T
        return outputs

    def advance(
        self,
        theta: FloatArray,
        gradient: FloatArray,
        learning_rate: float,
        records: Records,
        leave: Flag | None = None,
    ) -> tuple[int, bool]:
        """See `Evaluator.advance`; the step under way is left after the chunks that are being worked on."""
        leave = np.zeros(1, dtype=np.int64) if leave is None else leave
        control = np.zeros((3, 8), dtype=np.int64)
        control[0, 0] = len(self.bounds)  # nothing to take yet
        typed = self._typed(theta)

        def work(member: int) -> tuple[int, bool]:
            n_done, diverged = many_steps(
                member,
                control,
                leave,
                self.samples,
                self.bounds,
                theta,
                typed,
                gradient,
                self._before,
                learning_rate,
                self.first_weights,
                self.plan,
                self.works,
                records,
            )
            return int(n_done), bool(diverged)

        return self.share(work)

    def share(self, work: Callable[[int], Result]) -> Result:
        """Run work(0) here and work(1), work(2), ... in the other threads, if any; return what work(0) returned.

        work(0) must be able to do everything alone: the others may come late or never.
        """
        return work(0) if self._helpers is None else self._helpers.share(self._n_threads - 1, work)

    def _typed(self, theta: FloatArray) -> Typed:
        """Return theta in our dtype; a copy if it is read-only: numba would compile every kernel again for that."""
        typed = theta.astype(self._dtype, copy=False)
        return typed if typed.flags.writeable else typed.copy()

    def _pass(self, theta: Typed, with_gradient: bool) -> None:
        pad_first_weights(theta, self.plan, self.first_weights)

        for chunk in range(len(self.bounds) - 1):
            chunk_pass(
                self.samples,
                self.bounds,
                chunk,
                theta,
                self.first_weights,
                self.plan,
                self.works,
                with_gradient,
            )

    def _evaluate_rows(self, theta: Typed, gradient: FloatArray, rows: Rows) -> Evaluation:
        works, sums, part = self._one_work(), np.zeros(3), np.empty_like(gradient)
        pad_first_weights(theta, self.plan, self.first_weights)
        gradient[:] = 0.0
        at_a_time = max(self.plan.block, _COPIED_BYTES // (8 * self.data.n_features))
        for start in range(0, len(rows), at_a_time):
            some = self.data.subset(rows[start : start + at_a_time])
            samples, bounds = Samples.of(some, no_ink(), self._dtype), np.array([0, some.n_samples])
            chunk_pass(samples, bounds, 0, theta, self.first_weights, self.plan, works, True)
            sum_gradients(works.gradient, self.plan, len(rows), part)
            gradient += part
            sums += works.totals[0]
        return Evaluation(float(sums[0] / len(rows)), int(sums[1]), int(sums[2]), norm(gradient))

    def _one_work(self) -> Work:
        return Work(*(array[:1] for array in self.works))

    def _forward_blocks(self, theta: FloatArray) -> Iterator[tuple[int, int]]:
        typed = self._typed(theta)
        pad_first_weights(typed, self.plan, self.first_weights)
        work = Work(*(array[0] for array in self.works))
        for start in range(0, self.data.n_samples, self.plan.block):
            n = min(self.plan.block, self.data.n_samples - start)
            forward(self.samples, start, n, typed, self.first_weights, self.plan, work)
            yield start, n


_pools: dict[int, Helpers] = {}
_pools_lock = threading.Lock()


def _helpers(n: int) -> Helpers:
    """Return the pool of n helpers; all evaluators share it, and it lives as long as the process."""
    with _pools_lock:
        if n not in _pools:
            _pools[n] = Helpers(n)
        return _pools[n]


def _is_worth_sharing(net: MLP, data: Dataset, n: int, n_threads: int) -> bool:
    return min(n, n_threads) > 1 and net.n_params * data.n_samples >= WORTH_SHARING
