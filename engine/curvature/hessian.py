"""The Hessian of the mean loss as an operator: products with vectors, exact, without ever forming it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.datasets.dataset import Dataset
from engine.kernels.curvature import fill_states, make_room, make_state, products
from engine.kernels.ordered import OrderedEvaluator
from engine.kernels.passes import pad_first_weights
from engine.kernels.steps import sum_gradients
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]

MOST_DENSE_PARAMS: Final = 2_000
"""Largest n_params for which the full Hessian is formed: 32 MB."""


class Hessian:
    """The Hessian of net's mean loss on data at theta (n_params,); `product` multiplies it by a vector.

    Exact by Pearlmutter's R operator; at a kink of a piecewise linear activation it is that of the linear
    piece on the left. Not for two threads at a time.
    """

    def __init__(self, net: MLP, data: Dataset, theta: Any, n_threads: int = 1) -> None:
        self.net = net
        self._theta = checks.vector("theta", theta, net.n_params).copy()
        self._evaluator = evaluator = OrderedEvaluator(net, data, n_threads)
        plan, bounds = evaluator.plan, evaluator.bounds
        n_blocks = -(-data.n_samples // plan.block)
        self._state, self._is_whole = make_state(net, plan, n_blocks, len(bounds) - 1)
        self._room = make_room(net, plan, evaluator.works.gradient.shape[1], len(bounds) - 1)
        self._first_v = np.zeros_like(evaluator.first_weights)
        pad_first_weights(self._theta, plan, evaluator.first_weights)
        if self._is_whole:
            args = (
                evaluator.samples,
                self._theta,
                evaluator.first_weights,
                plan,
                evaluator.works,
                self._state,
            )
            fill_states(*args)

    def product(self, v: Any) -> FloatArray:
        """Return H v, (n_params,), for v (n_params,)."""
        evaluator = self._evaluator
        v = checks.vector("v", v, self.net.n_params)
        v = v if v.flags.writeable else v.copy()  # numba would compile everything again for a read-only array
        pad_first_weights(v, evaluator.plan, self._first_v)
        control = np.zeros((3, 8), dtype=np.int64)
        evaluator.share(lambda member: self._work(member, control, v))
        result = np.empty(self.net.n_params)
        sum_gradients(self._room.gradient, evaluator.plan, evaluator.data.n_samples, result)
        return result

    def _work(self, member: int, control: npt.NDArray[np.int64], v: FloatArray) -> None:
        evaluator = self._evaluator
        products(
            member,
            control,
            evaluator.samples,
            evaluator.bounds,
            self._theta,
            evaluator.first_weights,
            v,
            self._first_v,
            evaluator.plan,
            evaluator.works,
            self._state,
            self._room,
            self._is_whole,
        )


def dense_hessian(net: MLP, data: Dataset, theta: Any) -> FloatArray:
    """Return the full Hessian (n_params, n_params), symmetric to the last bit; for n_params <= 2,000."""
    if net.n_params > MOST_DENSE_PARAMS:
        raise ValueError(
            f"net must have at most {MOST_DENSE_PARAMS} parameters for its full Hessian, not {net.n_params}."
        )
    hessian = Hessian(net, data, theta)
    columns = [hessian.product(row) for row in np.eye(net.n_params)]
    matrix = np.array(columns)
    return 0.5 * (matrix + matrix.T)
