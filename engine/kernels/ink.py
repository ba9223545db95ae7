"""Where the ink is: for data that is mostly exact zeros, which products of the first layer are not zero.

Handwriting is mostly empty paper: 81 % of MNIST's pixels are 0. A product with 0 changes no bit of a sum that
is finite, so it may be left out. Tiles of the products take four rows at a time; for each four there is a list
of those k at which any of the four is not 0.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.kernels.jit import inner, kernel

TILE_ROWS: Final = 4
_MOST_SHARE: Final = 0.7  # above this share of products that must be done, the dense tiles are faster
_LIST_BYTES: Final = 32 * 2**20
_LARGEST_INDEX: Final = 2**16 - 1


class Ink(NamedTuple):
    """Lists of k for each four rows, one behind another; list q is k[starts[q] : starts[q + 1]].

    by_sample: fours of samples, k are features. by_feature: for each block of samples in turn, fours of
    features, k are samples counted from the block's first. All are empty where the data is not mostly zeros.
    """

    sample_starts: npt.NDArray[np.int64]
    sample_k: npt.NDArray[np.uint16]
    feature_starts: npt.NDArray[np.int64]
    feature_k: npt.NDArray[np.uint16]


def no_ink() -> Ink:
    """Return the lists of data that is treated as dense."""
    starts, k = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint16)
    return Ink(starts, k, starts, k)


def find_ink(x: npt.NDArray[np.float64], block: int) -> Ink:
    """Return the lists for x (n_samples, n_features) in blocks of samples, or empty ones if they do not pay."""
    n_samples, n_features = x.shape
    if n_features > _LARGEST_INDEX:
        return no_ink()
    by_sample = np.empty(-(-n_samples // TILE_ROWS) + 1, dtype=np.int64)
    n_blocks = -(-n_samples // block)
    by_feature = np.empty(n_blocks * -(-n_features // TILE_ROWS) + 1, dtype=np.int64)
    n_k = _count(x, block, by_sample, by_feature)
    if n_k[0] * TILE_ROWS > _MOST_SHARE * x.size or 2 * sum(n_k) > _LIST_BYTES:
        return no_ink()
    ink = Ink(by_sample, np.empty(n_k[0], dtype=np.uint16), by_feature, np.empty(n_k[1], dtype=np.uint16))
    _list(x, block, ink)
    return ink


@inner
def _any_in(x, row, n_rows, column, n_columns):
    for i in range(row, min(row + n_rows, x.shape[0])):
        for j in range(column, min(column + n_columns, x.shape[1])):
            if x[i, j] != 0.0:
                return True
    return False


@kernel
def _count(x, block, sample_starts, feature_starts):
    """Fill both arrays of starts; return how long the two arrays of k must be."""
    n_samples, n_features = x.shape
    at, total = 0, 0
    for first in range(0, n_samples, 4):
        sample_starts[at] = total
        at += 1
        for k in range(n_features):
            total += _any_in(x, first, 4, k, 1)
    sample_starts[at] = total
    at, n_by_feature = 0, 0
    for start in range(0, n_samples, block):
        for feature in range(0, n_features, 4):
            feature_starts[at] = n_by_feature
            at += 1
            for k in range(start, min(start + block, n_samples)):
                n_by_feature += _any_in(x, k, 1, feature, 4)
    feature_starts[at] = n_by_feature
    return total, n_by_feature


@kernel
def _list(x, block, ink):
    """Fill the arrays of k."""
    n_samples, n_features = x.shape
    at = 0
    for first in range(0, n_samples, 4):
        for k in range(n_features):
            if _any_in(x, first, 4, k, 1):
                ink.sample_k[at] = k
                at += 1
    at = 0
    for start in range(0, n_samples, block):
        for feature in range(0, n_features, 4):
            for k in range(start, min(start + block, n_samples)):
                if _any_in(x, k, 1, feature, 4):
                    ink.feature_k[at] = k - start
                    at += 1
