"""What a contestant is: something that can be put back to the start, run, and asked what came out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.bench.problem import EIGENPAIRS, PRODUCTS, STEPS, Problem

FloatArray = npt.NDArray[np.float64]
Result = dict[str, npt.NDArray[Any]]

EIGENVALUE_TOLERANCE = 1e-6


class Contestant(ABC):
    """One way to do a Problem. Making it costs nobody anything: compiling and copying belong there.

    Attributes:
        units: how much of the work one run does: steps, products, or the share of a slice.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.units = float(problem.n_repeats)

    def prepare(self) -> None:  # noqa: B027  # most have nothing to do
        """Go back to the start; not timed."""

    @abstractmethod
    def run(self) -> None:
        """Do the work; timed, so it must not return before the numbers are there."""

    @abstractmethod
    def result(self) -> Result:
        """Return what the last run computed, under the names that `engine.bench.comparison` knows."""


class PointByPoint(Contestant):
    """A slice by a contestant to whom every point costs the same: it does only some, and the rest is scaled."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.units = len(problem.points) / len(problem.ticks) ** 2
        self.thetas = np.stack([problem.point(i) for i in range(len(problem.points))])
        self.loss, self.n_errors = np.empty(len(self.thetas)), np.empty(len(self.thetas), dtype=np.int64)

    def result(self) -> Result:
        """See `Contestant.result`."""
        return {"loss": np.asarray(self.loss), "n_errors": np.asarray(self.n_errors)}


class Curvature(Contestant):
    """Hessian-vector products, or scipy's ARPACK on them; subclasses give `product`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._result: Result = {}

    @abstractmethod
    def product(self, v: FloatArray) -> FloatArray:
        """Return the Hessian of the mean loss at theta times v (n_params,)."""

    def run(self) -> None:
        """See `Contestant.run`."""
        if self.problem.kind == PRODUCTS:
            self._result = {"products": np.array([self.product(v) for v in self.problem.vectors])}
        else:
            self._result = {"eigenvalues": self._eigenvalues()}

    def result(self) -> Result:
        """See `Contestant.result`."""
        return self._result

    def _eigenvalues(self) -> FloatArray:
        import scipy.sparse.linalg as arpack

        n = len(self.problem.theta)
        operator = arpack.LinearOperator((n, n), matvec=lambda v: self.product(v.reshape(-1)), dtype=float)
        start = np.random.default_rng(0).standard_normal(n)
        values, _ = arpack.eigsh(operator, k=2, which="BE", v0=start, tol=EIGENVALUE_TOLERANCE)
        return np.sort(values)


def is_curvature(problem: Problem) -> bool:
    """Whether a `Curvature` does the problem."""
    return problem.kind in (PRODUCTS, EIGENPAIRS)


def is_steps(problem: Problem) -> bool:
    """Whether the problem is to take steps."""
    return problem.kind == STEPS
