"""The trace of the Hessian: exact for small networks, else estimated with a standard error."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.answers import final
from engine.arguments import check_net_and_data
from engine.curvature.hessian import MOST_DENSE_PARAMS, Hessian
from engine.datasets.dataset import Dataset
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trace:
    """The sum of the Hessian's eigenvalues.

    Attributes:
        value: the trace, or its estimate.
        standard_error: of the estimate; 0 where the value is exact.
        is_exact: whether every diagonal element was computed.
        n_products: Hessian-vector products used so far.
    """

    value: float
    standard_error: float
    is_exact: bool
    n_products: int


def hessian_trace(net: MLP, data: Dataset, theta: Any, **options: Any) -> Trace:
    """Return the trace of the Hessian of the mean loss at theta (n_params,); arguments as `iter_trace`."""
    check_net_and_data(net, data)
    return final(iter_trace(net, data, theta, **options))


def iter_trace(
    net: MLP,
    data: Dataset,
    theta: Any,
    n_probes: int = 100,
    exact: bool | None = None,
    seed: int = 0,
    n_threads: int = 1,
) -> Generator[tuple[float, Trace | None], None, None]:
    """Yield (share done, trace so far) after each product; None while there is no estimate yet.

    Exact: the sum of e_i^T H e_i over all parameters. Estimated: Hutchinson's (1990) mean of z^T H z over
    n_probes vectors z of random signs, with the standard error of that mean.

    Args:
        net, data, theta: whose Hessian, where (n_params,).
        n_probes: random vectors, at least 2.
        exact: whether to take every diagonal element; None: where n_params is at most 2,000.
        seed: of the probes.
        n_threads: threads that share a product; the result does not depend on it.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    checks.whole_number("n_probes", n_probes, at_least=2)
    checks.whole_number("seed", seed, at_least=0)
    hessian, n = Hessian(net, data, theta, n_threads), net.n_params
    is_exact = n <= MOST_DENSE_PARAMS if exact is None else exact
    vectors = _unit_vectors(n) if is_exact else _signs(n, n_probes, seed)
    n_vectors, forms = n if is_exact else n_probes, []
    for vector in vectors:
        forms.append(float(vector @ hessian.product(vector)))
        if not np.isfinite(forms[-1]):
            raise ValueError(
                "theta must be a point with a finite Hessian; here some of it is NaN or infinite."
            )
        yield len(forms) / n_vectors, _trace(np.array(forms), is_exact, n_vectors)


def _trace(forms: FloatArray, is_exact: bool, n_vectors: int) -> Trace | None:
    if is_exact:
        return Trace(float(forms.sum()), 0.0, True, n_vectors) if len(forms) == n_vectors else None
    if len(forms) < 2:
        return None
    error = float(forms.std(ddof=1)) / np.sqrt(len(forms))
    return Trace(float(forms.mean()), float(error), False, len(forms))


def _unit_vectors(n: int) -> Generator[FloatArray, None, None]:
    for i in range(n):
        vector = np.zeros(n)
        vector[i] = 1.0
        yield vector


def _signs(n: int, n_probes: int, seed: int) -> Generator[FloatArray, None, None]:
    for number in range(n_probes):
        yield np.random.default_rng([seed, number]).choice((-1.0, 1.0), n)
