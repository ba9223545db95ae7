"""The ends of the Hessian's spectrum: smallest and largest eigenvalues with their vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.linalg

from engine import checks
from engine.arguments import check_net_and_data
from engine.curvature.hessian import MOST_DENSE_PARAMS, Hessian, dense_hessian
from engine.curvature.lanczos import find_ends
from engine.datasets.dataset import Dataset
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]

_DENSE_UP_TO: Final = 300  # below this the full matrix is formed sooner than Lanczos' method converges


@dataclass(frozen=True, slots=True, eq=False)
class Eigenpairs:
    """k eigenpairs at each end.

    Attributes:
        smallest, largest: (k,) eigenvalues, the smallest ascending, the largest descending.
        smallest_vectors, largest_vectors: (n_params, k) unit vectors, in the same order.
        residual: the largest length of H v - lambda v among them.
        n_products: how many Hessian-vector products it took.
    """

    smallest: FloatArray
    largest: FloatArray
    smallest_vectors: FloatArray
    largest_vectors: FloatArray
    residual: float
    n_products: int


def extreme_eigenpairs(
    net: MLP,
    data: Dataset,
    theta: Any,
    k: int = 1,
    seed: int = 0,
    tolerance: float = 1e-8,
    n_threads: int = 1,
    is_cancelled: Callable[[], bool] | None = None,
) -> Eigenpairs:
    """Return the k smallest and k largest eigenpairs of the Hessian of the mean loss at theta (n_params,).

    By Lanczos' method (`engine.curvature.lanczos`) on exact products, both ends from one run, started from a
    fixed random vector; small networks have their full Hessian decomposed instead, and so have those of up to
    2,000 parameters with which Lanczos' method has not ended after as many products. A pair is found when the
    length of H v - lambda v is at most tolerance times |lambda|, or, near 0, tolerance times a thousandth of the
    norm of H.

    Raises:
        ValueError, TypeError: a bad argument.
        ArithmeticError: one sentence, for a larger network whose eigenvalues lie too near to one another.
        InterruptedError: is_cancelled said so.
    """
    check_net_and_data(net, data)
    k = checks.whole_number("k", k, at_least=1, at_most=max(1, net.n_params // 2))
    checks.whole_number("seed", seed, at_least=0)
    checks.real_number("tolerance", tolerance, above=0.0)
    if net.n_params <= _DENSE_UP_TO:
        return _dense_pairs(net, data, theta, k)
    hessian, n_products = Hessian(net, data, theta, n_threads), 0

    def product(v: FloatArray) -> FloatArray:
        nonlocal n_products
        if is_cancelled is not None and is_cancelled():
            raise InterruptedError("The search for eigenvalues was cancelled.")
        n_products += 1
        return hessian.product(v)

    start = np.random.default_rng(seed).standard_normal(net.n_params)
    if net.n_params <= MOST_DENSE_PARAMS:
        try:
            found = find_ends(product, start, k, tolerance, most_products=net.n_params)
        except ArithmeticError:
            return _dense_pairs(net, data, theta, k, n_products)
    else:
        found = find_ends(product, start, k, tolerance)
    residuals = [
        np.linalg.norm(product(v) - value * v) for value, v in zip(found.values, found.vectors.T, strict=True)
    ]
    return _pairs(found.values, found.vectors, k, float(max(residuals)), n_products)


def _dense_pairs(net: MLP, data: Dataset, theta: Any, k: int, n_tried: int = 0) -> Eigenpairs:
    matrix = dense_hessian(net, data, theta)
    values, vectors = scipy.linalg.eigh(matrix)
    ends = np.r_[0:k, net.n_params - k : net.n_params]
    residuals = np.linalg.norm(matrix @ vectors[:, ends] - values[ends] * vectors[:, ends], axis=0)
    return _pairs(values, vectors, k, float(residuals.max()), n_tried + net.n_params)


def _pairs(values: FloatArray, vectors: FloatArray, k: int, residual: float, n_products: int) -> Eigenpairs:
    return Eigenpairs(
        smallest=values[:k],
        largest=values[::-1][:k],
        smallest_vectors=vectors[:, :k],
        largest_vectors=vectors[:, ::-1][:, :k],
        residual=residual,
        n_products=n_products,
    )
