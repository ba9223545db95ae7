"""Lanczos' method for both ends of a symmetric operator's spectrum, with as few products as can be.

Every product stays in the basis while there is room for it: ARPACK, which begins again from a few vectors each
time its small basis is full, takes almost twice as many. What that costs is orthogonality: it is kept as far
as the tolerance needs by partial reorthogonalisation (Simon, "The Lanczos algorithm with partial
reorthogonalization", 1984), which is due for one vector in four or five.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.linalg

from engine.kernels.lanczos import three_terms

FloatArray = npt.NDArray[np.float64]
Product = Callable[[FloatArray], FloatArray]

_BASIS_BYTES: Final = 64 * 2**20
_SMALLEST_BASIS: Final = 40
_LARGEST_BASIS: Final = 400
_MOST_PRODUCTS: Final = 20_000
_EPSILON: Final = float(np.finfo(np.float64).eps)
_BREAKDOWN: Final = 1e-13  # length of a residual, relative to the operator's, that is rounding alone
_NEAR_ZERO: Final = 1e-3
"""Below this share of the operator's norm an eigenvalue is told by its distance, no more relative to itself: a
residual relative to an eigenvalue of 0 would never be small enough."""
_FIRST_LOOK: Final = 12  # vectors a wanted pair before the first look at how close it is
_LONGEST_WAIT: Final = 8  # products from one look to the next


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """Eigenvalues (2 k,), ascending: the k smallest, then the k largest; unit vectors (n, 2 k)."""

    values: FloatArray
    vectors: FloatArray


def find_ends(
    product: Product, start: FloatArray, k: int, tolerance: float, most_products: int = _MOST_PRODUCTS
) -> Ends:
    """Return k eigenpairs at each end with |A v - lambda v| <= tolerance |lambda|, as far as rounding lets.

    Of an eigenvalue near 0, that is below a thousandth of the norm of A, it is tolerance times a thousandth of
    the norm.

    Where there is no more room the basis begins anew from the wanted Ritz vectors and those next to them
    (thick restart: Wu and Simon 2000). An eigenvalue of multiplicity above 1 may be found only once, as by any
    method that begins with one vector.

    Args:
        product: A times a vector (n,); n is at least 2 k.
        start: (n,), not 0.

    Raises:
        ValueError: a product is not finite.
        ArithmeticError: it takes more than most_products products.
    """
    n = len(start)
    room = max(_SMALLEST_BASIS, 8 * k, min(_LARGEST_BASIS, _BASIS_BYTES // (8 * n)))
    basis = _Basis(product, start, min(n, room), tolerance)
    look_at = min(2 * k * _FIRST_LOOK, basis.room)
    size_before, worst_before = 0, 1.0
    for _ in range(most_products):
        basis.extend()
        if basis.size < look_at and basis.size < basis.room:
            continue
        worst = basis.worst(k)
        if worst <= 1.0 or basis.size == n:
            return basis.ends(k)
        look_at = _next_look(basis.size, worst, size_before, worst_before)
        size_before, worst_before = basis.size, worst
        if basis.size == basis.room:
            basis.restart(k)
            look_at, size_before = basis.size + _LONGEST_WAIT, basis.size
    raise ArithmeticError(
        f"No extreme eigenvalues after {most_products:,} products: too many lie next to one another."
    )


def _next_look(size: int, worst: float, size_before: int, worst_before: float) -> int:
    """Return at which size to look again: a good part of the way to where the residual will be small enough."""
    if worst >= worst_before:
        return size + 2
    needed = math.log(worst) * (size - size_before) / math.log(worst_before / worst)
    return size + max(1, min(_LONGEST_WAIT, int(0.6 * needed)))


class _Basis:
    """Orthonormal vectors, and the operator on their span as a small matrix.

    Attributes:
        size: vectors whose product is known. room: most of them.
    """

    def __init__(self, product: Product, start: FloatArray, room: int, tolerance: float) -> None:
        self._product, self.room, self.size = product, room, 0
        self._tolerance = max(tolerance, 4.0 * _EPSILON)
        self._vectors = np.empty((room + 1, len(start)))
        self._vectors[0] = start / np.linalg.norm(start)
        self._diagonal, self._beside = np.zeros(room + 1), np.zeros(room + 1)
        self._matrix: FloatArray | None = None  # (room + 1, room + 1) after a restart: no more tridiagonal
        self._overlaps = np.zeros((3, room + 2))
        self._largest_overlap = float(np.clip(0.01 * tolerance, _EPSILON**0.8, _EPSILON**0.5))
        self._has_just_cleared = False
        self._norm = 0.0  # of the operator, from below
        self._rng = np.random.default_rng(0)

    def extend(self) -> None:
        """Take the product of the last vector, and make the next one of what is new in it."""
        j = self.size
        rest = np.array(self._product(self._vectors[j]))
        length = self._tridiagonal_step(j, rest) if self._matrix is None else self._full_step(j, rest)
        if not math.isfinite(length):
            raise ValueError(
                "theta must be a point with a finite Hessian; here some of it is NaN or infinite."
            )
        self.size += 1
        if length <= _BREAKDOWN * self._norm:
            length, rest = 0.0, self._another()
            np.copyto(self._vectors[j + 1], rest)
        else:
            np.divide(rest, length, out=self._vectors[j + 1])
        self._beside[j] = length
        if self._matrix is not None:
            self._matrix[j, j + 1] = self._matrix[j + 1, j] = length

    def _tridiagonal_step(self, j: int, rest: FloatArray) -> float:
        """Make rest orthogonal to all vectors so far, as far as need be; return its length."""
        diagonal, beside = self._diagonal, self._beside
        length: float
        length, overlap = three_terms(self._vectors, j, rest, diagonal, beside, self._overlaps, self._norm)
        self._norm = max(self._norm, math.hypot(diagonal[j], length, beside[j - 1] if j else 0.0))
        is_due = not overlap <= self._largest_overlap
        if is_due or self._has_just_cleared:  # two in turn: the next has its overlaps from the last two
            length = self._clear(j, rest)
            self._overlaps[(j + 1) % 3, : j + 1] = _EPSILON
            self._has_just_cleared = is_due and not self._has_just_cleared
        return length

    def _full_step(self, j: int, rest: FloatArray) -> float:
        """Do the same after a restart: against all of them, twice."""
        assert self._matrix is not None
        column = self._vectors[: j + 1] @ rest
        self._matrix[j, : j + 1] = self._matrix[: j + 1, j] = column
        self._norm = max(self._norm, float(np.linalg.norm(rest)))
        rest -= column @ self._vectors[: j + 1]
        return self._clear(j, rest)

    def _clear(self, j: int, rest: FloatArray) -> float:
        """Take out of rest what vectors 0 .. j have in it; return its length."""
        so_far = self._vectors[: j + 1]
        rest -= (so_far @ rest) @ so_far
        return math.sqrt(rest @ rest)

    def _another(self) -> FloatArray:
        """Return a random unit vector orthogonal to all so far: they span an invariant subspace."""
        n, so_far = self._vectors.shape[1], self._vectors[: self.size]
        found = self._rng.standard_normal(n) if self.size < n else np.zeros(n)
        for _ in range(3 if self.size < n else 0):
            found -= (so_far @ found) @ so_far
            found /= np.linalg.norm(found)
        return found

    def worst(self, k: int) -> float:
        """Return the largest residual of the wanted pairs, each relative to what is allowed for it."""
        largest = 0.0
        for end in (slice(0, k), slice(self.size - k, self.size)):
            values, vectors = self._decomposed(end)
            sizes = np.maximum(np.abs(values), _NEAR_ZERO * self._norm)
            allowed = np.maximum(self._tolerance * sizes, 64.0 * _EPSILON * self._norm)
            residuals = self._beside[self.size - 1] * np.abs(vectors[-1])
            largest = max(largest, float((residuals / np.maximum(allowed, 1e-300)).max()))
            if largest > 1.0:
                break
        return largest

    def ends(self, k: int) -> Ends:
        """Return the k Ritz pairs at each end."""
        parts = [self._decomposed(end) for end in (slice(0, k), slice(self.size - k, self.size))]
        coordinates = np.hstack([vectors for _, vectors in parts])
        vectors = self._vectors[: self.size].T @ coordinates
        vectors /= np.linalg.norm(vectors, axis=0)
        return Ends(np.concatenate([values for values, _ in parts]), vectors)

    def _decomposed(self, part: slice) -> tuple[FloatArray, FloatArray]:
        """Return some of the small matrix's eigenvalues, ascending, and its eigenvectors."""
        chosen: Any = (part.start, part.stop - 1)
        if self._matrix is None:
            diagonal, beside = self._diagonal[: self.size], self._beside[: self.size - 1]
            found = scipy.linalg.eigh_tridiagonal(diagonal, beside, select="i", select_range=chosen)
        else:
            matrix = self._matrix[: self.size, : self.size]
            found = scipy.linalg.eigh(matrix, subset_by_index=chosen)
        return found[0], found[1]

    def restart(self, k: int) -> None:
        """Keep the wanted Ritz vectors, those next to them, and the last vector."""
        values, coordinates = self._decomposed(slice(0, self.size))
        n_kept = min(self.size // 4, k + 10)
        kept = np.r_[0:n_kept, self.size - n_kept : self.size]
        border = self._beside[self.size - 1] * coordinates[-1, kept]
        last, n = self._vectors[self.size].copy(), len(kept)
        self._vectors[:n] = coordinates[:, kept].T @ self._vectors[: self.size]
        self._vectors[n] = last
        self._matrix = np.zeros((self.room + 1, self.room + 1))
        self._matrix[range(n), range(n)] = values[kept]
        self._matrix[n, :n] = self._matrix[:n, n] = border
        self.size = n
