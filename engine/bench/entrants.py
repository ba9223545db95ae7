"""Who takes part in what: the table of contestants, and the ways and numbers of threads each is tried with."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from engine.bench.problem import EIGENPAIRS, PRODUCTS, SLICE, STEPS, Problem

OURS: Final = "ours"
BLAS: Final = "BLAS arithmetic"
MACHINE: Final = "matrix products alone"

_MANY_LAYERS: Final = 20  # from here on a loop over layers may be worth its overhead


@dataclass(frozen=True, slots=True)
class Entrant:
    """One row of a table.

    Attributes:
        name: what it is called there.
        module: the module in `engine.bench.peers` that makes its contestants.
        ways: what `make` is called with; the fastest way is the one that counts.
        package: what must be installed.
        is_peer: whether it is a library that people would use instead of ours.
    """

    name: str
    module: str
    ways: tuple[str, ...]
    package: str = "numpy"
    is_peer: bool = True
    is_ours: bool = False

    @property
    def is_installed(self) -> bool:
        """Whether its library is there."""
        return find_spec(self.package) is not None


def ours(problem: Problem) -> Entrant:
    """Return our own contestant, in ordered arithmetic."""
    return Entrant(OURS, "ours", ("ordered",), is_peer=False, is_ours=True)


def others(problem: Problem) -> list[Entrant]:
    """Return everyone that ours is timed beside, installed or not."""
    return [entrant for entrant in _TABLE[problem.kind](problem) if entrant.ways]


def _steps(problem: Problem) -> list[Entrant]:
    is_deep = len(problem.layer_sizes) > _MANY_LAYERS
    is_double = problem.dtype == "float64"
    has_equal = problem.layer_sizes[-1] > 2 and is_double
    return [
        Entrant("numpy", "numpy_peer", ("whole", "blocks")),
        Entrant("PyTorch", "torch_peer", ("eager", "compiled"), "torch"),
        Entrant("JAX", "jax_peer", ("layers", "scanned layers") if is_deep else ("layers",), "jax"),
        Entrant("scikit-learn", "sklearn_peer", ("fit",) if has_equal else (), "sklearn"),
        Entrant(BLAS, "ours", ("blas",) if is_double else (), is_peer=False),
        Entrant(MACHINE, "ours", ("product",), is_peer=False),
    ]


def _slice(problem: Problem) -> list[Entrant]:
    return [
        Entrant("numpy", "numpy_peer", ("whole", "blocks")),
        Entrant("PyTorch", "torch_peer", ("vmap",), "torch"),
        Entrant("PyTorch point by point", "torch_peer", ("eager",), "torch"),
        Entrant("JAX", "jax_peer", ("map", "vmap"), "jax"),
    ]


def _curvature(problem: Problem) -> list[Entrant]:
    return [
        Entrant("numpy", "numpy_peer", ("whole",)),
        Entrant("PyTorch", "torch_peer", ("backward",), "torch"),
        Entrant("JAX", "jax_peer", ("whole", "linearised"), "jax"),
    ]


_TABLE: Final = {STEPS: _steps, SLICE: _slice, PRODUCTS: _curvature, EIGENPAIRS: _curvature}
