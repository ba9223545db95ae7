"""The table of works: what is timed, on which data, and what we want to reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from engine.bench.entrants import BLAS
from engine.bench.problem import EIGENPAIRS, PRODUCTS, SLICE, STEPS, Problem
from engine.datasets import Dataset, is_available, load_dataset
from engine.mlp import MLP

_SIDE: Final = 51
_N_MNIST: Final = 60_000
_N_LARGE_SLICE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Goal:
    """At least ratio times as fast as peer; peer is "" for the fastest of them all."""

    ratio: float
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """One work.

    Attributes:
        name: what the command line takes.
        title: one line.
        unit: what one time in the table is for.
        make: returns the problem.
        data: the data set that must be here, or "".
        goals: what we want to reach.
    """

    name: str
    title: str
    unit: str
    make: Callable[[], Problem]
    goals: tuple[Goal, ...]
    data: str = ""

    @property
    def missing(self) -> str:
        """One clause why it cannot be done here, or ""."""
        if self.data and not is_available(self.data):
            return f"the data set {self.data} is not here (python main.py data {self.data})"
        return ""


def _steps(
    data: Dataset, hidden: tuple[int, ...], n_steps: int, rate: float = 0.5, activation: str = "logistic"
) -> Problem:
    net = MLP((data.n_features, *hidden, data.n_classes), activation)
    theta = net.init("glorot_uniform", seed=0)
    return Problem(STEPS, net.layer_sizes, activation, data.x, data.y, theta, rate, n_steps)


def _tiny() -> Problem:
    return _steps(load_dataset("moons"), (8,), 3000)


def _small() -> Problem:
    return _steps(load_dataset("digits"), (32,), 150)


def _mnist(dtype: str) -> Problem:
    return replace(_steps(load_dataset("mnist"), (100,), 2), dtype=dtype)


def _dense(n_samples: int = _N_MNIST) -> Problem:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n_samples, 784)), rng.integers(0, 10, n_samples)
    return _steps(Dataset(x, y, "random", n_classes=10), (100,), 2)


def _deep() -> Problem:
    return _steps(load_dataset("digits").first(200), (10,) * 150, 30, 0.05, "tanh")


def _slice(start: Problem, n_points: int) -> Problem:
    """Return the slice along two random directions as long as the start; n_points are spread over the grid."""
    rng, ticks = np.random.default_rng(1), np.linspace(-1.0, 1.0, _SIDE)
    directions = rng.standard_normal((2, len(start.theta)))
    directions *= np.linalg.norm(start.theta) / np.linalg.norm(directions, axis=1, keepdims=True)
    places = np.linspace(0, _SIDE**2 - 1, n_points).round().astype(np.int64)
    points = np.stack(np.divmod(places, _SIDE), axis=1)
    return replace(start, kind=SLICE, n_repeats=1, vectors=directions, ticks=ticks, points=points)


def _large_slice() -> Problem:
    if is_available("mnist"):
        start = _steps(load_dataset("mnist").first(_N_LARGE_SLICE), (100,), 1)
    else:
        start = _dense(_N_LARGE_SLICE)
    return _slice(start, 40)


def _small_slice() -> Problem:
    return _slice(_small(), _SIDE**2)


def _curvature(kind: str, n_products: int) -> Problem:
    start = _small()
    vectors = np.random.default_rng(2).standard_normal((n_products, len(start.theta)))
    return replace(start, kind=kind, n_repeats=n_products, vectors=vectors)


_BLAS_GOAL: Final = Goal(1 / 1.3, BLAS)

WORKS: Final = {
    work.name: work
    for work in (
        Work(
            "step-tiny",
            "a step of 2-8-2 on 200 points",
            "step",
            _tiny,
            (Goal(3), Goal(15, "PyTorch"), _BLAS_GOAL),
        ),
        Work("step-small", "a step of 64-32-10 on digits", "step", _small, (Goal(2), _BLAS_GOAL)),
        Work(
            "step-mnist",
            "a step of 784-100-10 on 60,000 images of MNIST",
            "step",
            partial(_mnist, "float64"),
            (Goal(2.5), _BLAS_GOAL),
            "mnist",
        ),
        Work(
            "step-mnist-float32",
            "the same in float32",
            "step",
            partial(_mnist, "float32"),
            (Goal(2),),
            "mnist",
        ),
        Work(
            "step-dense",
            "a step of 784-100-10 on 60,000 samples of random numbers",
            "step",
            _dense,
            (Goal(1.3), _BLAS_GOAL),
        ),
        Work(
            "step-deep",
            "a step of 150 layers of 10 (tanh) on 200 digits",
            "step",
            _deep,
            (Goal(3), Goal(10, "PyTorch"), _BLAS_GOAL),
        ),
        Work(
            "slice-large",
            "a plane slice, 51 x 51, of 784-100-10 on 10,000 samples",
            "slice",
            _large_slice,
            (Goal(20), Goal(30, "PyTorch point by point")),
        ),
        Work(
            "slice-small", "a plane slice, 51 x 51, of 64-32-10 on digits", "slice", _small_slice, (Goal(10),)
        ),
        Work(
            "eigenpairs",
            "top and bottom eigenpair of the Hessian of 64-32-10 on digits, to 1e-6",
            "both",
            partial(_curvature, EIGENPAIRS, 1),
            (Goal(5),),
        ),
        Work(
            "hessian-vector",
            "a Hessian-vector product of 64-32-10 on digits",
            "product",
            partial(_curvature, PRODUCTS, 20),
            (Goal(3),),
        ),
    )
}
