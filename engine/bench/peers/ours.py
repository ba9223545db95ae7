"""Ours, as the program and its notebooks call it; and the machine's matrix products to measure it by."""

from __future__ import annotations

from typing import Any

import numpy as np

import engine
from engine.bench.contestant import EIGENVALUE_TOLERANCE, Contestant, Result
from engine.bench.problem import EIGENPAIRS, SLICE, STEPS, Problem
from engine.commands import Reset
from engine.curvature import Hessian
from engine.datasets import Dataset
from engine.mlp import MLP

_SIDE = 2000  # of the matrices whose product tells the machine's speed


def make(problem: Problem, way: str, n_threads: int) -> Contestant:
    """Return ours; way is "ordered" or "blas" for the arithmetic, "product" for the machine's own speed."""
    if way == "product":
        return _MatrixProduct(problem)
    net = MLP(problem.layer_sizes, problem.activation)
    data = Dataset(problem.x, problem.y, n_classes=net.n_outputs)
    if problem.kind == STEPS:
        return _Steps(problem, net, data, way, n_threads)
    if problem.kind == SLICE:
        return _Slice(problem, net, data, n_threads)
    if problem.kind == EIGENPAIRS:
        return _Eigenpairs(problem, net, data, n_threads)
    return _Products(problem, net, data, n_threads)


class _Steps(Contestant):
    def __init__(self, problem: Problem, net: MLP, data: Dataset, way: str, n_threads: int) -> None:
        super().__init__(problem)
        self._trainer = engine.Trainer(
            net,
            data,
            problem.theta,
            problem.learning_rate,
            dtype=problem.dtype,
            arithmetic=way,
            n_threads=n_threads,
        )

    def prepare(self) -> None:
        self._trainer.apply(Reset())

    def run(self) -> None:
        self._trainer.step(self.problem.n_repeats)

    def result(self) -> Result:
        history, n = self._trainer.history, self.problem.n_repeats
        return {
            "loss": history["loss"][:n],
            "n_errors": history["n_errors"][:n],
            "theta": self._trainer.theta,
        }


class _Slice(Contestant):
    def __init__(self, problem: Problem, net: MLP, data: Dataset, n_threads: int) -> None:
        super().__init__(problem)
        self.units = 1.0
        self._net, self._data, self._n_threads = net, data, n_threads
        self._slice: Any = None

    def run(self) -> None:
        problem, ticks = self.problem, self.problem.ticks
        d1, d2 = problem.vectors
        self._slice = engine.plane_slice(
            self._net, self._data, problem.theta, d1, d2, ticks, ticks, n_threads=self._n_threads
        )

    def result(self) -> Result:
        rows, columns = self.problem.points.T
        return {"loss": self._slice.loss[rows, columns], "n_errors": self._slice.n_errors[rows, columns]}


class _Products(Contestant):
    def __init__(self, problem: Problem, net: MLP, data: Dataset, n_threads: int) -> None:
        super().__init__(problem)
        self._hessian = Hessian(net, data, problem.theta, n_threads)
        self._products = np.empty_like(problem.vectors)

    def run(self) -> None:
        for i, v in enumerate(self.problem.vectors):
            self._products[i] = self._hessian.product(v)

    def result(self) -> Result:
        return {"products": self._products}


class _Eigenpairs(Contestant):
    def __init__(self, problem: Problem, net: MLP, data: Dataset, n_threads: int) -> None:
        super().__init__(problem)
        self._arguments = net, data, problem.theta
        self._n_threads = n_threads
        self._pairs: Any = None

    def run(self) -> None:
        self._pairs = engine.extreme_eigenpairs(
            *self._arguments, k=1, tolerance=EIGENVALUE_TOLERANCE, n_threads=self._n_threads
        )

    def result(self) -> Result:
        return {"eigenvalues": np.concatenate([self._pairs.smallest, self._pairs.largest])}


class _MatrixProduct(Contestant):
    """numpy's product of two square matrices, counted as so many steps as have the same number of operations."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.units = 2.0 * _SIDE**3 / problem.step_operations
        rng = np.random.default_rng(0)
        self._a, self._b = rng.standard_normal((2, _SIDE, _SIDE)).astype(problem.dtype)
        self._product = np.empty_like(self._a)

    def run(self) -> None:
        np.matmul(self._a, self._b, out=self._product)

    def result(self) -> Result:
        return {}
