"""Minima of small networks, to the last digits, and whether they are strict but for what leaves the function alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.optimize

from engine.curvature.hessian import dense_hessian
from engine.datasets import Dataset
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]

FLAT: Final = 1e-9
"""An eigenvalue within this share of the largest counts as 0."""

STILL: Final = 1e-8
"""A gradient up to this norm counts as 0."""

_NEWTON_STEPS: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """Where a descent ended.

    Attributes:
        theta: (n_params,).
        gradient_norm: norm of the gradient there.
        smallest, largest: eigenvalues of the Hessian.
        n_flat: how many count as 0.
        n_symmetric: dimension of the moves that leave the function alone.
        next_smallest: the smallest eigenvalue that does not count as 0.
    """

    theta: FloatArray
    loss: float
    n_errors: int
    gradient_norm: float
    smallest: float
    largest: float
    n_flat: int
    n_symmetric: int
    next_smallest: float

    @property
    def is_strict(self) -> bool:
        """Whether the loss rises in every direction that changes the function, to second order."""
        is_flat_only_there = self.n_flat == self.n_symmetric and self.smallest >= -FLAT * self.largest
        return self.gradient_norm <= STILL and is_flat_only_there


def minimise(net: MLP, data: Dataset, theta: FloatArray) -> Minimum:
    """Descend from theta (n_params,) by L-BFGS, then by Newton's method in the directions that are not flat."""
    evaluator = net.evaluator(data)

    def loss_and_gradient(point: FloatArray) -> tuple[float, FloatArray]:
        gradient = np.empty(net.n_params)
        loss = evaluator.evaluate(np.ascontiguousarray(point), gradient).loss
        return loss, gradient

    options = {"maxiter": 2000, "maxfun": 20_000, "gtol": 1e-10, "ftol": 1e-15}
    theta = scipy.optimize.minimize(
        loss_and_gradient, theta, jac=True, method="L-BFGS-B", options=options
    ).x.copy()
    for _ in range(_NEWTON_STEPS):
        loss, gradient = loss_and_gradient(theta)
        if np.linalg.norm(gradient) < 1e-13:
            break
        step = _newton_step(dense_hessian(net, data, theta), gradient)
        while loss_and_gradient(theta + step)[0] > loss and np.abs(step).max() > 1e-12:
            step = 0.5 * step
        theta = theta + step
    return _minimum(net, data, theta)


def _newton_step(hessian: FloatArray, gradient: FloatArray) -> FloatArray:
    values, vectors = scipy.linalg.eigh(hessian)
    steep = np.abs(values) > 1e-7 * values[-1]
    return np.asarray(-(vectors[:, steep] @ ((vectors[:, steep].T @ gradient) / np.abs(values[steep]))))


def _minimum(net: MLP, data: Dataset, theta: FloatArray) -> Minimum:
    values = scipy.linalg.eigvalsh(dense_hessian(net, data, theta))
    is_flat = np.abs(values) <= FLAT * values[-1]
    return Minimum(
        theta=theta,
        loss=net.loss(theta, data),
        n_errors=net.n_errors(theta, data),
        gradient_norm=float(np.linalg.norm(net.gradient(theta, data))),
        smallest=float(values[0]),
        largest=float(values[-1]),
        n_flat=int(is_flat.sum()),
        n_symmetric=_n_symmetric(net, theta),
        next_smallest=float(values[~is_flat].min()),
    )


def _n_symmetric(net: MLP, theta: FloatArray) -> int:
    """Return the dimension of the moves that leave a linear network with one hidden layer the same function.

    With logits (x W + b) V + c these are W A, b A against -A V for any square A; b against c; and the same number
    added to all outputs by a column of c or by a row of V.
    """
    weights, bias = net.layers(theta)[0]
    out = net.layers(theta)[1][0]
    n_units, moves = len(bias), []
    for k in range(n_units):
        for m in range(n_units):
            moves.append(_move(net, (0, 0, m, weights[:, k]), (0, 1, m, bias[k]), (1, 0, k, -out[m])))
        moves.append(_move(net, (0, 1, k, 1.0), (1, 1, slice(None), -out[k])))
        moves.append(_move(net, (1, 0, k, 1.0)))
    moves.append(_move(net, (1, 1, slice(None), 1.0)))
    return int(np.linalg.matrix_rank(np.array(moves)))


def _move(net: MLP, *entries: tuple[int, int, int | slice, FloatArray | float]) -> FloatArray:
    """Return a direction (n_params,): each entry is (layer, 0 weights or 1 bias, which, numbers)."""
    direction = np.zeros(net.n_params)
    for layer, part, which, numbers in entries:
        target = net.layers(direction)[layer][part]
        if part == 0 and layer == 0:
            target[:, which] = numbers
        else:
            target[which] = numbers
    return direction
