"""Where data is not 0, row by row: for products of the first layer with data that is half empty.

`engine.kernels.ink` lists what four rows have in common, which suits handwriting on large empty paper. Half of
the digits' pixels are 0, but seldom of four digits at once (measured: 28 % of fours, 36 % of pairs). So each row
of x and each column of a block has a list of its own, and tiles are one row high and up to eight vectors wide.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.kernels.jit import LANES, array_of_ints_at, external, inlined, kernel

_MOST_SHARE: Final = 0.65  # of numbers that are not 0; above it the dense tiles are faster
_LIST_BYTES: Final = 40 * 2**20
_LARGEST_INDEX: Final = 2**16 - 1


class Entries(NamedTuple):
    """Lists one behind another, list q is k[starts[q] : starts[q + 1]]; all empty where the data is dense.

    samples: a list of features for each sample. features: for each block of samples in turn, for each feature,
    a list of samples counted from the block's first.
    """

    sample_starts: npt.NDArray[np.int64]
    sample_k: npt.NDArray[np.uint16]
    feature_starts: npt.NDArray[np.int64]
    feature_k: npt.NDArray[np.uint16]


def find_entries(x: npt.NDArray[np.float64], block: int) -> Entries:
    """Return the lists for x (n_samples, n_features) in blocks of samples, or empty ones if they do not pay."""
    n_samples, n_features = x.shape
    n_entries = int(np.count_nonzero(x))
    fits = max(n_features, block) <= _LARGEST_INDEX and 4 * n_entries <= _LIST_BYTES
    if not fits or n_entries > _MOST_SHARE * x.size:
        starts, k = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint16)
        return Entries(starts, k, starts, k)
    entries = Entries(
        np.zeros(n_samples + 1, dtype=np.int64),
        np.zeros(n_entries + 1, dtype=np.uint16),  # one more, which the loops write and nobody reads
        np.zeros(-(-n_samples // block) * n_features + 1, dtype=np.int64),
        np.zeros(n_entries + 1, dtype=np.uint16),
    )
    _list(x, block, entries)
    return entries


@kernel
def _list(x, block, entries):
    """Fill the lists; writes every index and moves on where the number is not 0, which spares a branch."""
    n_samples, n_features = x.shape
    at, row = 0, 0
    for i in range(n_samples):
        for k in range(n_features):
            entries.sample_k[at] = k
            at += x[i, k] != 0.0
        entries.sample_starts[i + 1] = at
    at = 0
    for start in range(0, n_samples, block):
        for feature in range(n_features):
            for i in range(start, min(start + block, n_samples)):
                entries.feature_k[at] = i - start
                at += x[i, feature] != 0.0
            row += 1
            entries.feature_starts[row] = at


_DOUBLE: Final = ir.DoubleType()
_VECTOR: Final = ir.VectorType(_DOUBLE, LANES)
_INT: Final = ir.IntType(64)


def _at(builder: Any, address: Any, llvm_type: Any, offset: int = 0) -> Any:
    """Return the pointer that stands for an address and a number of bytes behind it."""
    return builder.inttoptr(builder.add(address, _INT(offset)), llvm_type.as_pointer())


def _spread(builder: Any, scalar: Any) -> Any:
    """Return a vector with the number in every lane."""
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        first, first, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    )


def _row_of(n_vectors: int) -> Any:
    """Return an intrinsic that sets a row of n_vectors vectors to start + sum over the listed k of A[k] B[k].

    Its arguments are addresses and strides in bytes: start, a, stride of k in a, b, stride of k in b, c, number
    of k, the list of k as uint16. As in `engine.kernels.products` the sums stay in registers, one fma after
    another.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        start, a, a_k, b, b_k, c, n_k, listed = args
        offsets = [8 * LANES * v for v in range(n_vectors)]
        sums = [cgutils.alloca_once(builder, _VECTOR) for _ in offsets]
        for total, offset in zip(sums, offsets, strict=True):
            builder.store(builder.load(_at(builder, start, _VECTOR, offset), align=8), total)
        fused = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), f"llvm.fma.v{LANES}f64"
        )
        with cgutils.for_range(builder, n_k, intp=_INT) as loop:
            at = builder.add(listed, builder.mul(loop.index, _INT(2)))
            k = builder.zext(builder.load(_at(builder, at, ir.IntType(16)), align=2), _INT)
            number = builder.load(_at(builder, builder.add(a, builder.mul(k, a_k)), _DOUBLE), align=8)
            factor, in_b = _spread(builder, number), builder.add(b, builder.mul(k, b_k))
            for total, offset in zip(sums, offsets, strict=True):
                lanes = builder.load(_at(builder, in_b, _VECTOR, offset), align=8)
                builder.store(builder.call(fused, [factor, lanes, builder.load(total)]), total)
        for total, offset in zip(sums, offsets, strict=True):
            builder.store(builder.load(total), _at(builder, c, _VECTOR, offset), align=8)
        return context.get_dummy_value()

    def set_listed_row(
        typing_context: Any, start: Any, a: Any, a_k: Any, b: Any, b_k: Any, c: Any, n_k: Any, listed: Any
    ) -> Any:
        return types.void(*[types.int64] * 8), generate

    return intrinsic(set_listed_row)


_row_1, _row_2, _row_3, _row_4, _row_5, _row_6, _row_7, _row_8 = (_row_of(n) for n in range(1, 9))


@inlined
def _row(width, start, a, a_k, b, b_k, c, n_k, k):
    if width == 8:
        _row_8(start, a, a_k, b, b_k, c, n_k, k)
    elif width == 7:
        _row_7(start, a, a_k, b, b_k, c, n_k, k)
    elif width == 6:
        _row_6(start, a, a_k, b, b_k, c, n_k, k)
    elif width == 5:
        _row_5(start, a, a_k, b, b_k, c, n_k, k)
    elif width == 4:
        _row_4(start, a, a_k, b, b_k, c, n_k, k)
    elif width == 3:
        _row_3(start, a, a_k, b, b_k, c, n_k, k)
    elif width == 2:
        _row_2(start, a, a_k, b, b_k, c, n_k, k)
    else:
        _row_1(start, a, a_k, b, b_k, c, n_k, k)


@external("void(int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64)")
def set_entry_product(start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, k, starts):
    """Set C to start + A B as `engine.kernels.products.set_product` does; row r sums over the k in list r only.

    k is the address of all lists, uint16, one behind another; starts that of their int64 offsets. start is an
    address and not 0.
    """
    offsets = array_of_ints_at(starts, n_rows + 1)
    v, n_passes = 0, -(-n_vectors // 8)
    while v < n_vectors:
        width = -(-(n_vectors - v) // n_passes)
        n_passes -= 1
        beside = v * 8 * LANES
        for r in range(n_rows):
            n_k, at_k = offsets[r + 1] - offsets[r], k + 2 * offsets[r]
            at, at_c = a + r * a_row, c + r * c_row + beside
            _row(width, start + r * start_row + beside, at, a_k, b + beside, b_k, at_c, n_k, at_k)
        v += width
