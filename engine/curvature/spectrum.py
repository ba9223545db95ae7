"""The whole spectrum of the Hessian as a density, from products with random vectors."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.linalg

from engine import checks
from engine.answers import final
from engine.arguments import check_net_and_data
from engine.curvature.hessian import Hessian
from engine.datasets.dataset import Dataset
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]
Product = Callable[[FloatArray], FloatArray]

_TAIL: Final = 5.0  # broadenings that the grid reaches beyond the outermost nodes
_BREAKDOWN: Final = 1e-12  # relative length of a residual that is rounding alone


@dataclass(frozen=True, slots=True, eq=False)
class SpectralDensity:
    """How the eigenvalues are distributed, from n_probes random vectors.

    Attributes:
        eigenvalues: (n_points,) the grid, ascending.
        density: (n_points,) share of the eigenvalues per unit of eigenvalue; its integral is 1.
        standard_error: (n_points,) of density, from the spread between probes; NaN with one probe.
        nodes, weights: (n_nodes,) all Ritz values, ascending, and the share of eigenvalues each stands for.
        broadening: standard deviation of the normal density put on each node, in units of eigenvalues.
        n_probes, n_products: random vectors and Hessian-vector products used so far.
    """

    eigenvalues: FloatArray
    density: FloatArray
    standard_error: FloatArray
    nodes: FloatArray
    weights: FloatArray
    broadening: float
    n_probes: int
    n_products: int

    def share_below(self, eigenvalue: float) -> float:
        """Return the estimated share 0..1 of eigenvalues below a bound, without broadening."""
        return float(self.weights[self.nodes < eigenvalue].sum())

    def moment(self, power: int) -> float:
        """Return the estimated mean of eigenvalue ** power; moment(1) * n_params estimates the trace."""
        return float(self.weights @ self.nodes**power)


def spectral_density(net: MLP, data: Dataset, theta: Any, **options: Any) -> SpectralDensity:
    """Return the spectral density of the Hessian of the mean loss at theta; as `iter_spectral_density`."""
    check_net_and_data(net, data)
    return final(iter_spectral_density(net, data, theta, **options))


def iter_spectral_density(
    net: MLP,
    data: Dataset,
    theta: Any,
    n_probes: int = 10,
    n_lanczos: int = 80,
    broadening: float = 0.01,
    n_points: int = 1_001,
    seed: int = 0,
    n_threads: int = 1,
) -> Generator[tuple[float, SpectralDensity | None], None, None]:
    """Yield (share done, density so far, None before the first probe is through) after each product.

    Stochastic Lanczos quadrature (Golub and Welsch 1969; Lin, Saad and Yang 2016; Ghorbani, Krishnan and
    Xiao 2019) with full reorthogonalisation: n_lanczos steps from each of n_probes random unit vectors give
    Ritz values and weights, and each Ritz value is drawn as a normal density.

    Args:
        net, data, theta: whose Hessian, where (n_params,).
        n_probes: random vectors; probe i is the same whatever their number.
        n_lanczos: products a probe, at most n_params; their basis takes 8 n_lanczos n_params bytes.
        broadening: standard deviation of a node's density, as a share of the width of the spectrum.
        n_points: points of the grid.
        seed: of the probes.
        n_threads: threads that share a product; the result does not depend on it.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    checks.whole_number("n_probes", n_probes, at_least=1)
    n_lanczos = min(checks.whole_number("n_lanczos", n_lanczos, at_least=1), net.n_params)
    checks.real_number("broadening", broadening, above=0.0)
    checks.whole_number("n_points", n_points, at_least=2)
    checks.whole_number("seed", seed, at_least=0)
    hessian, probes, n_products = Hessian(net, data, theta, n_threads), [], 0
    result: SpectralDensity | None = None
    for number in range(n_probes):
        start = np.random.default_rng([seed, number]).standard_normal(net.n_params)
        for tridiagonal in iter_lanczos(hessian.product, start, n_lanczos):
            n_products += 1
            yield (number + len(tridiagonal[0]) / (n_lanczos + 1)) / n_probes, result
        probes.append(_quadrature(*tridiagonal))
        result = _density(probes, broadening, n_points, n_products)
        yield (number + 1) / n_probes, result


def iter_lanczos(
    product: Product, start: FloatArray, n_steps: int
) -> Generator[tuple[list[float], list[float]], None, None]:
    """Yield (diagonal, off-diagonal) of Lanczos' tridiagonal matrix after each product; both lists grow.

    Every new vector is made orthogonal to all before it, twice ("twice is enough": Parlett 1998, section
    6.9). Ends early where the vectors so far span an invariant subspace.

    Args:
        product: the symmetric matrix times a vector (n,).
        start: (n,), not 0.
        n_steps: at most n.
    """
    basis = np.empty((n_steps, len(start)))
    basis[0] = start / np.linalg.norm(start)
    diagonal: list[float] = []
    beside: list[float] = []
    size = 0.0
    for step in range(n_steps):
        rest = product(basis[step])
        if not np.isfinite(rest).all():
            raise ValueError(
                "theta must be a point with a finite Hessian; here some of it is NaN or infinite."
            )
        size = max(size, float(np.linalg.norm(rest)))
        diagonal.append(float(basis[step] @ rest))
        for _ in range(2):
            rest = rest - (basis[: step + 1] @ rest) @ basis[: step + 1]
        length = float(np.linalg.norm(rest))
        yield diagonal, beside
        if step + 1 == n_steps or length <= _BREAKDOWN * size:
            return
        beside.append(length)
        basis[step + 1] = rest / length


def _quadrature(diagonal: list[float], beside: list[float]) -> tuple[FloatArray, FloatArray]:
    """Return Gauss' nodes and weights of a tridiagonal matrix (Golub and Welsch 1969)."""
    nodes, vectors = scipy.linalg.eigh_tridiagonal(diagonal, beside[: len(diagonal) - 1])
    return nodes, vectors[0] ** 2


def _density(
    probes: list[tuple[FloatArray, FloatArray]], broadening: float, n_points: int, n_products: int
) -> SpectralDensity:
    nodes = np.concatenate([nodes for nodes, _ in probes])
    weights = np.concatenate([weights for _, weights in probes]) / len(probes)
    low, high = float(nodes.min()), float(nodes.max())
    width = broadening * ((high - low) or abs(high) or 1.0)
    grid = np.linspace(low - _TAIL * width, high + _TAIL * width, n_points)
    curves = np.array([_broadened(grid, *probe, width) for probe in probes])
    spread = curves.std(axis=0, ddof=1) if len(probes) > 1 else np.full(n_points, np.nan)
    order, error = np.argsort(nodes), spread / np.sqrt(len(probes))
    arrays = (grid, curves.mean(axis=0), error, nodes[order], weights[order])
    for array in arrays:
        array.flags.writeable = False
    return SpectralDensity(*arrays, width, len(probes), n_products)


def _broadened(grid: FloatArray, nodes: FloatArray, weights: FloatArray, width: float) -> FloatArray:
    bells = np.exp(-0.5 * ((grid[:, None] - nodes) / width) ** 2) / (width * np.sqrt(2 * np.pi))
    return np.asarray(bells @ weights)
