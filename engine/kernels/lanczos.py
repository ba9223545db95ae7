"""One step of Lanczos' method on vectors (n,): the three-term recurrence, and how much orthogonality is left."""

from __future__ import annotations

import math
from typing import Final

from engine.kernels.jit import kernel

_EPSILON: Final = 2.0**-52


@kernel
def three_terms(vectors, j, rest, diagonal, beside, overlaps, size):
    """Subtract from rest = A q_j what q_j and the vector before have in it; return (length, largest overlap).

    Args:
        vectors: (room + 1, n) orthonormal rows, j + 1 of them there.
        rest: (n,) becomes orthogonal to both.
        diagonal, beside: (room + 1,) of the tridiagonal matrix; diagonal[j] and beside[j], the length of what is
            left, are written.
        overlaps: (3, room + 2) estimated products of q_{j-1}, q_j and the next vector with all before, in rows
            (j + 2) % 3, j % 3 and (j + 1) % 3; the last is written, by Simon's recurrence (1984).
        size: norm of A, or an estimate from below.
    """
    beside_before, n = beside[j - 1] if j > 0 else 0.0, rest.size
    older, last = vectors[j - 1 if j > 0 else 0], vectors[j]
    alpha = 0.0
    for i in range(n):
        rest[i] -= beside_before * older[i]
        alpha += last[i] * rest[i]
    total = 0.0
    for i in range(n):
        rest[i] -= alpha * last[i]
        total += rest[i] * rest[i]
    length = math.sqrt(total)
    diagonal[j], beside[j] = alpha, length
    return length, _next_overlaps(j, diagonal, beside, overlaps, size)


@kernel
def _next_overlaps(j, diagonal, beside, overlaps, size):
    length, largest = beside[j], 0.0
    older, old, new = overlaps[(j + 2) % 3], overlaps[j % 3], overlaps[(j + 1) % 3]
    old[j], new[j], new[j + 1] = 1.0, _EPSILON, 1.0
    for k in range(j):
        found = beside[k] * old[k + 1] + (diagonal[k] - diagonal[j]) * old[k] - beside[j - 1] * older[k]
        if k > 0:
            found += beside[k - 1] * old[k - 1]
        noise = _EPSILON * (beside[k] + length + 2.0 * size)
        found = (found + (noise if found > 0.0 else -noise)) / length
        new[k] = found
        largest = max(largest, abs(found))
    return largest
