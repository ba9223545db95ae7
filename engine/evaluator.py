"""What computes loss, errors and gradient of a network on a data set: one interface, two arithmetics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.config import check_arithmetic
from engine.datasets.dataset import Dataset
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Flag = npt.NDArray[np.int64]


class Evaluation(NamedTuple):
    """What one pass over the data gives; loss is the mean over samples, the norm that of the trained part."""

    loss: float
    n_errors: int
    n_tied: int
    gradient_norm: float


class Records(NamedTuple):
    """Room for what is recorded at each of many steps, and for copies of theta on the way.

    loss, n_errors, n_tied, gradient_norm, symmetry_spread: (capacity,). thetas (n_kept, n_params): row k takes
    theta as it is after first + k * stride of these steps.
    """

    loss: FloatArray
    n_errors: npt.NDArray[np.int32]
    n_tied: npt.NDArray[np.int32]
    gradient_norm: FloatArray
    symmetry_spread: FloatArray
    thetas: FloatArray
    first: int
    stride: int

    def at(self, i: int) -> Evaluation:
        """Return what was recorded at one of these steps, counted from 0, or from the last one: -1."""
        return Evaluation(
            float(self.loss[i]), int(self.n_errors[i]), int(self.n_tied[i]), float(self.gradient_norm[i])
        )

    @classmethod
    def empty(cls, capacity: int, n_params: int = 0, first: int = 1, stride: int = 0) -> Records:
        """Return room for capacity steps; stride 0 keeps no theta."""
        n_kept = (capacity - first) // stride + 1 if stride and capacity >= first else 0
        return cls(
            np.empty(capacity),
            np.empty(capacity, dtype=np.int32),
            np.empty(capacity, dtype=np.int32),
            np.empty(capacity),
            np.empty(capacity),
            np.empty((n_kept, n_params)),
            first,
            stride,
        )

    def shortened(self, n_steps: int) -> Records:
        """Return the entries of the first n_steps steps as views."""
        n_kept = self.n_kept(n_steps)
        return Records(
            self.loss[:n_steps],
            self.n_errors[:n_steps],
            self.n_tied[:n_steps],
            self.gradient_norm[:n_steps],
            self.symmetry_spread[:n_steps],
            self.thetas[:n_kept],
            self.first,
            self.stride,
        )

    def n_kept(self, n_steps: int) -> int:
        """Return how many rows of thetas belong to the first n_steps steps."""
        return (n_steps - self.first) // self.stride + 1 if self.stride and n_steps >= self.first else 0

    def keep(self, n_steps: int, theta: FloatArray) -> None:
        """Copy theta as it is after n_steps of these steps, if that is one of those to be kept."""
        if self.stride and n_steps >= self.first and (n_steps - self.first) % self.stride == 0:
            self.thetas[self.n_kept(n_steps) - 1] = theta


class Evaluator(ABC):
    """Evaluates one network on one data set; allocates its work arrays once. Not for two threads at a time."""

    def __init__(self, net: MLP, data: Dataset) -> None:
        check_fit(net, data)
        self.net = net
        self.data = data

    @abstractmethod
    def evaluate(self, theta: FloatArray, gradient: FloatArray, rows: Rows | None = None) -> Evaluation:
        """Write the gradient of the mean loss at theta into gradient (n_params,); rows picks samples."""

    @abstractmethod
    def loss_and_errors(self, theta: FloatArray) -> tuple[float, int]:
        """Return mean loss and number of errors at theta (n_params,)."""

    @abstractmethod
    def per_example_loss(self, theta: FloatArray) -> FloatArray:
        """Return the loss of each sample, (n_samples,)."""

    @abstractmethod
    def logits(self, theta: FloatArray) -> FloatArray:
        """Return the outputs before softmax, (n_samples, n_outputs)."""

    @abstractmethod
    def advance(
        self,
        theta: FloatArray,
        gradient: FloatArray,
        learning_rate: float,
        records: Records,
        leave: Flag | None = None,
    ) -> tuple[int, bool]:
        """Take as many full-batch steps theta -= learning_rate * gradient as records has room for.

        theta and gradient (n_params,) are changed in place; gradient must belong to theta and does so again
        afterwards. Returns (steps taken, whether the next step gave a loss or gradient that is not finite);
        such a step is taken back. As soon as another thread sets leave (1,) to something else than 0, no further
        step is begun, and the one under way may be taken back, too.
        """


def make_evaluator(
    net: MLP,
    data: Dataset,
    dtype: str = "float64",
    arithmetic: str = "ordered",
    n_threads: int = 1,
    train: str = "all",
) -> Evaluator:
    """Return the evaluator for a dtype and an arithmetic.

    "ordered" sums every unit's products in the same order whatever its index, so that units with equal
    weights stay equal to the last bit; "blas" uses plain matrix products, which do not promise that.
    train names a part of theta, see `engine.parts`: the gradient by all other parameters is given as 0.
    """
    check_arithmetic(dtype, arithmetic)
    checks.whole_number("n_threads", n_threads, at_least=1)
    if arithmetic == "blas":
        from engine.kernels.blas import BlasEvaluator

        return BlasEvaluator(net, data, np.dtype(dtype), train)
    from engine.kernels.ordered import OrderedEvaluator

    return OrderedEvaluator(net, data, n_threads, train, np.dtype(dtype))


def check_fit(net: MLP, data: Any) -> None:
    """Raise TypeError or ValueError unless data is a Dataset that net can be trained on."""
    if not isinstance(data, Dataset):
        raise TypeError(f"data must be an engine.Dataset, not {type(data).__name__}.")
    if data.n_features != net.layer_sizes[0]:
        raise ValueError(
            f"data must have {net.layer_sizes[0]} features a sample for this network, not {data.n_features}."
        )
    if net.loss_name != "squared" and data.y.max() >= net.n_outputs:
        raise ValueError(
            f"y must hold classes from 0 to {net.n_outputs - 1} for this network, not {int(data.y.max())}."
        )
