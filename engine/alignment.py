"""Which hidden unit of one network is which of another, and the loss on the straight line between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize

from engine import checks
from engine.activity import finite_theta
from engine.datasets.dataset import Dataset
from engine.landscape import line_slice
from engine.mlp import MLP
from engine.perturbations import permuted
from engine.symmetry import unit_parameters

FloatArray = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Hidden units of a second network put in the places of those of a first that they resemble most.

    Attributes:
        orders: for each hidden layer (n_units,): unit orders[l][k] of the second network goes to place k.
        theta: (n_params,) the second network's parameters in that order; the function is the same.
        distance_before, distance: Euclidean distance between the two thetas, before and after.
        n_rounds: passes over the layers until no layer changed any more.
        has_settled: whether that was reached.
    """

    orders: tuple[Counts, ...]
    theta: FloatArray
    distance_before: float
    distance: float
    n_rounds: int
    has_settled: bool


def align(net: MLP, theta: Any, other: Any, max_rounds: int = 100) -> Alignment:
    """Return other (n_params,) with its hidden units permuted to be as near to theta (n_params,) as possible.

    Weight matching (Ainsworth, Hayase and Srinivasa, "Git Re-Basin", 2023, algorithm 1): layer by layer,
    the assignment that makes the sum of products of incoming weights, biases, outgoing and skip weights
    largest, with the layers beside it as they are; again until nothing changes. With one hidden layer that is
    the nearest permutation of all. With more it is one that no change of a single layer improves, so it is
    done from three starts, and the nearest end is taken: the order given, the layers matched one after the
    other from the input by incoming weights only (which finds every permuted copy), and the same from the
    output by outgoing weights.

    Args:
        net: both networks' shape.
        theta, other: (n_params,).
        max_rounds: most passes over the layers, from each start.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    fixed, moved = finite_theta(net, theta), finite_theta(net, other, "other")
    checks.whole_number("max_rounds", max_rounds, at_least=1)
    search = _Search(net, fixed, moved)
    if not net.n_hidden:
        return search.result(search.as_given(), 0, True)
    starts = (search.as_given(), search.from_input(), search.from_output())
    ends = [search.settle(orders, max_rounds) for orders in (starts if net.n_hidden > 1 else starts[:1])]
    return min(ends, key=lambda end: end.distance)


Orders = list[Counts]


class _Search:
    """Looks for orders of the hidden units of one network that bring it near another."""

    def __init__(self, net: MLP, fixed: FloatArray, other: FloatArray) -> None:
        self._net, self._fixed, self._other = net, fixed, other

    def as_given(self) -> Orders:
        return [np.arange(size) for size in self._net.layer_sizes[1:-1]]

    def from_input(self) -> Orders:
        """Return the orders by incoming weights, biases and skip weights, the first layer's first."""
        orders = self.as_given()
        for layer in range(1, self._net.n_hidden + 1):
            moved = self._moved(orders)
            orders[layer - 1] = _assigned(self._likeness(moved, layer) - self._outgoing(moved, layer))
        return orders

    def from_output(self) -> Orders:
        """Return the orders by outgoing weights, the last layer's first."""
        orders = self.as_given()
        for layer in range(self._net.n_hidden, 0, -1):
            orders[layer - 1] = _assigned(self._outgoing(self._moved(orders), layer))
        return orders

    def settle(self, orders: Orders, max_rounds: int) -> Alignment:
        """Improve one layer after the other until none changes any more."""
        for n_rounds in range(1, max_rounds + 1):
            changes = [self._improve(orders, layer) for layer in range(1, self._net.n_hidden + 1)]
            if not any(changes) or self._net.n_hidden == 1:
                return self.result(orders, n_rounds, True)
        return self.result(orders, max_rounds, False)

    def result(self, orders: Orders, n_rounds: int, has_settled: bool) -> Alignment:
        moved = self._moved(orders).copy()
        before, after = (float(np.linalg.norm(theta - self._fixed)) for theta in (self._other, moved))
        return Alignment(tuple(orders), moved, before, after, n_rounds, has_settled)

    def _improve(self, orders: Orders, layer: int) -> bool:
        """Give a layer's units the order that fits best; return whether that is better, not only to rounding."""
        likeness = self._likeness(self._moved(orders), layer)
        order, places = _assigned(likeness), np.arange(len(likeness))
        gain = float((likeness[places, order] - likeness[places, places]).sum())
        is_better = gain > 1e-12 * float(np.abs(likeness).max()) * len(order)
        if is_better:
            orders[layer - 1] = orders[layer - 1][order]
        return is_better

    def _moved(self, orders: Orders) -> FloatArray:
        moved = self._other
        for layer, order in enumerate(orders, 1):
            moved = permuted(self._net, moved, layer, order)
        return moved

    def _likeness(self, moved: FloatArray, layer: int) -> FloatArray:
        """Return the sum of products of all parameters of each pair of units, (n_units, n_units)."""
        return unit_parameters(self._net, self._fixed, layer) @ unit_parameters(self._net, moved, layer).T

    def _outgoing(self, moved: FloatArray, layer: int) -> FloatArray:
        """Return the same for the weights to the next layer only."""
        fixed, other = (self._net.layers(theta)[layer][0] for theta in (self._fixed, moved))
        return np.asarray(fixed @ other.T)


def _assigned(likeness: FloatArray) -> Counts:
    return np.asarray(scipy.optimize.linear_sum_assignment(likeness, maximize=True)[1], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Barrier:
    """The loss on the straight line between two thetas.

    Attributes:
        shares: (n_points,) from 0, the first theta, to 1, the second.
        loss, n_errors: (n_points,) there.
        height: the largest excess of the loss over the straight line between the losses of the ends; at
            least 0, which it has at the ends.
        at: the share where that is.
    """

    shares: FloatArray
    loss: FloatArray
    n_errors: Counts
    height: float
    at: float


def barrier(net: MLP, data: Dataset, theta: Any, other: Any, n_points: int = 51) -> Barrier:
    """Return the loss barrier between theta and other (n_params,).

    As Frankle, Dziugaite, Roy and Carbin (2020) and Ainsworth et al. (2023) define it, on n_points evenly
    spaced points. A loss that is not finite on the way makes the height infinite.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    start, end = finite_theta(net, theta), finite_theta(net, other, "other")
    checks.whole_number("n_points", n_points, at_least=3)
    shares = np.linspace(0.0, 1.0, n_points)
    line = line_slice(net, data, start, end - start, shares)
    with np.errstate(invalid="ignore"):
        excess = line.loss - ((1.0 - shares) * line.loss[0] + shares * line.loss[-1])
    excess = np.where(np.isfinite(excess), excess, np.inf)
    excess[[0, -1]] = 0.0
    top = int(excess.argmax())
    return Barrier(shares, line.loss, line.n_errors, float(excess[top]), float(shares[top]))
