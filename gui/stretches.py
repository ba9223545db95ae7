"""Stretches: neighbours in an array for which something is true."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def stretches(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first, one behind the last) of each run of True in flags (n,), in order."""
    padded = np.concatenate(([False], flags, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
