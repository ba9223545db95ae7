"""Ordered matrix products: every element of C = start + A B sums over k from first to last, one fma each.

Whatever the row, the column or the size, each element goes through the same operations in the same order,
so that equal rows or columns of the factors give equal rows or columns of the product to the last bit.
That is what plain BLAS does not promise, and all that equal hidden units need to stay equal.

Tiles of C stay in vector registers during the sum over k; a tile is written with LLVM's vector types, since
numba has no name for a register. A is read number by number with any strides, B and C row by row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.kernels.jit import LANES, VECTOR_BYTES, array_of_ints_at, external, inlined

_INT = ir.IntType(64)


class _Numbers:
    """What LLVM needs to know of float64 or float32: the type of one, how many a vector has, its own name."""

    def __init__(self, number: Any) -> None:
        is_single = number == types.float32
        self.one = ir.FloatType() if is_single else ir.DoubleType()
        self.n_bytes = 4 if is_single else 8
        self.lanes = VECTOR_BYTES // self.n_bytes
        self.vector = ir.VectorType(self.one, self.lanes)
        self.name = f"v{self.lanes}f{8 * self.n_bytes}"


def _pointer(builder: Any, address: Any, llvm_type: Any) -> Any:
    return builder.inttoptr(address, llvm_type.as_pointer())


def _broadcast(builder: Any, scalar: Any, numbers: _Numbers) -> Any:
    undefined = ir.Constant(numbers.vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), numbers.lanes), [0] * numbers.lanes)
    return builder.shuffle_vector(first, undefined, mask)


def _fused(builder: Any, a: Any, b: Any, c: Any, numbers: _Numbers) -> Any:
    function_type = ir.FunctionType(numbers.vector, [numbers.vector] * 3)
    function = cgutils.get_or_insert_function(builder.module, function_type, f"llvm.fma.{numbers.name}")
    return builder.call(function, [a, b, c])


@contextlib.contextmanager
def _count(builder: Any, n: Any) -> Iterator[Any]:
    """Loop with an index from 0 to n - 1, which LLVM does not unroll: what is inside fills the machine as it is.

    Unrolled, sums over ten numbers spend their time between the loops for eight of them and for the rest.
    """
    index = cgutils.alloca_once(builder, _INT)
    builder.store(_INT(0), index)
    with builder.if_then(builder.icmp_signed(">", n, _INT(0))):
        body, end = builder.append_basic_block("sum"), builder.append_basic_block("summed")
        builder.branch(body)
        builder.position_at_end(body)
        at = builder.load(index)
        yield at
        after = builder.add(at, _INT(1))
        builder.store(after, index)
        again = builder.cbranch(builder.icmp_signed("<", after, n), body, end)
        again.set_metadata("llvm.loop", _not_unrolled(builder.module))
        builder.position_at_end(end)


def _not_unrolled(module: Any) -> Any:
    """Return the mark of a loop of its own that is to stay as it is."""
    mark = ir.MetaDataString(module, "llvm.loop.unroll.disable")
    number = ir.Constant(_INT, len(module.metadata))  # else two marks alike would be one
    node = module.add_metadata([number, module.add_metadata([mark])])
    node.operands = (node, node.operands[1])  # LLVM knows a loop by a node that begins with itself
    return node


def _tile(n_rows: int, n_vectors: int, is_listed: bool = False) -> Any:
    """Return an intrinsic that sets a tile of C, n_rows by n_vectors vectors, to start + sum over k of A[r, k] B[k, v].

    Its arguments are 0 in the type of the numbers, and addresses and strides in bytes: start (0 for zeros),
    stride of its rows, a, stride of its rows, stride of k in a, b, stride of k in b, c, stride of its rows,
    number of k, and for a listed tile the address of the k, as uint16.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k = args[:11]
        numbers = _Numbers(signature.args[0])
        vector, n_bytes = numbers.vector, numbers.n_bytes
        tile = [(r, v) for r in range(n_rows) for v in range(n_vectors)]

        def address_in(origin: Any, row_stride: Any, r: int, v: int) -> Any:
            offset = builder.add(builder.mul(row_stride, _INT(r)), _INT(v * VECTOR_BYTES))
            return _pointer(builder, builder.add(origin, offset), vector)

        sums = {at: cgutils.alloca_once(builder, vector) for at in tile}
        for at in tile:
            builder.store(ir.Constant(vector, [0.0] * numbers.lanes), sums[at])
        with builder.if_then(builder.icmp_signed("!=", start, _INT(0))):
            for at in tile:
                builder.store(builder.load(address_in(start, start_row, *at), align=n_bytes), sums[at])
        a_rows = [builder.add(a, builder.mul(a_row, _INT(r))) for r in range(n_rows)]
        with _count(builder, n_k) as index:
            k = _listed(builder, args[11], index) if is_listed else index
            in_b = builder.add(b, builder.mul(k, b_k))
            in_a = builder.mul(k, a_k)
            lanes = [
                builder.load(
                    _pointer(builder, builder.add(in_b, _INT(v * VECTOR_BYTES)), vector), align=n_bytes
                )
                for v in range(n_vectors)
            ]
            for r in range(n_rows):
                scalar = builder.load(
                    _pointer(builder, builder.add(a_rows[r], in_a), numbers.one), align=n_bytes
                )
                spread = _broadcast(builder, scalar, numbers)
                for v in range(n_vectors):
                    total = builder.load(sums[r, v])
                    builder.store(_fused(builder, spread, lanes[v], total, numbers), sums[r, v])
        for at in tile:
            builder.store(builder.load(sums[at]), address_in(c, c_row, *at), align=n_bytes)
        return context.get_dummy_value()

    def tile_product(
        typing_context: Any,
        zero: Any,
        start: Any,
        start_row: Any,
        a: Any,
        a_row: Any,
        a_k: Any,
        b: Any,
        b_k: Any,
        c: Any,
        c_row: Any,
        n_k: Any,
    ) -> Any:
        return types.void(zero, *[types.int64] * 10), generate

    def listed_tile_product(
        typing_context: Any,
        zero: Any,
        start: Any,
        start_row: Any,
        a: Any,
        a_row: Any,
        a_k: Any,
        b: Any,
        b_k: Any,
        c: Any,
        c_row: Any,
        n_k: Any,
        k: Any,
    ) -> Any:
        return types.void(zero, *[types.int64] * 11), generate

    return intrinsic(listed_tile_product if is_listed else tile_product)


def _listed(builder: Any, list_address: Any, index: Any) -> Any:
    """Return entry index of a list of uint16 as int64."""
    short = ir.IntType(16)
    address = builder.add(list_address, builder.mul(index, _INT(2)))
    return builder.zext(builder.load(_pointer(builder, address, short), align=2), _INT)


_tile_4x3, _tile_3x3, _tile_2x3, _tile_1x3 = (_tile(rows, 3) for rows in (4, 3, 2, 1))
_tile_6x2, _tile_4x2, _tile_2x2, _tile_1x2 = (_tile(rows, 2) for rows in (6, 4, 2, 1))
_tile_9x1, _tile_8x1, _tile_4x1, _tile_2x1, _tile_1x1 = (_tile(rows, 1) for rows in (9, 8, 4, 2, 1))
_listed_4x3, _listed_3x3, _listed_2x3, _listed_1x3 = (_tile(rows, 3, True) for rows in (4, 3, 2, 1))
_listed_4x2, _listed_3x2, _listed_2x2, _listed_1x2 = (_tile(rows, 2, True) for rows in (4, 3, 2, 1))
_listed_4x1, _listed_3x1, _listed_2x1, _listed_1x1 = (_tile(rows, 1, True) for rows in (4, 3, 2, 1))


@inlined
def _row_of(start, start_row, r):
    """Return the address of row r of start; that of zeros stays 0."""
    return start + r * start_row if start != 0 else start


@inlined
def _columns_3(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_k):
    r = 0
    while r + 4 <= n_rows:
        _tile_4x3(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )
        r += 4
    if n_rows - r == 3:
        _tile_3x3(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )
    elif n_rows - r == 2:
        _tile_2x3(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )
    elif n_rows - r == 1:
        _tile_1x3(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )


@inlined
def _columns_2(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_k):
    r = 0
    while r + 6 <= n_rows:
        _tile_6x2(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )
        r += 6
    if n_rows - r >= 4:
        _tile_4x2(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )
        r += 4
    if n_rows - r >= 2:
        _tile_2x2(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )
        r += 2
    if n_rows - r == 1:
        _tile_1x2(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )


@inlined
def _columns_1(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_k):
    r = 0
    while r + 8 <= n_rows and r + 9 != n_rows:
        _tile_8x1(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )
        r += 8
    if n_rows - r == 9:  # a ninth row by itself would wait for each of its additions
        _tile_9x1(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )
        r += 9
    if n_rows - r >= 4:
        _tile_4x1(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )
        r += 4
    if n_rows - r >= 2:
        _tile_2x1(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )
        r += 2
    if n_rows - r == 1:
        _tile_1x1(
            zero,
            _row_of(start, start_row, r),
            start_row,
            a + r * a_row,
            a_row,
            a_k,
            b,
            b_k,
            c + r * c_row,
            c_row,
            n_k,
        )


def _transpose_square() -> Any:
    """Return an intrinsic that transposes as many vectors as one has numbers: address, row stride; the same.

    Its first argument is 0 in the type of the numbers.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, source, source_row, target, target_row = args
        numbers = _Numbers(signature.args[0])
        vector, n_lanes, n_bytes = numbers.vector, numbers.lanes, numbers.n_bytes
        rows = [
            builder.load(
                _pointer(builder, builder.add(source, builder.mul(source_row, _INT(i))), vector),
                align=n_bytes,
            )
            for i in range(n_lanes)
        ]
        step = 1
        while step < n_lanes:  # swap the off-diagonal halves of ever larger squares
            for i in (i for i in range(n_lanes) if not i & step):
                low = [lane if not lane & step else lane - step + n_lanes for lane in range(n_lanes)]
                high = [lane + step if not lane & step else lane + n_lanes for lane in range(n_lanes)]
                a, b = rows[i], rows[i + step]
                rows[i], rows[i + step] = (_shuffled(builder, a, b, lanes) for lanes in (low, high))
            step *= 2
        for i in range(n_lanes):
            address = builder.add(target, builder.mul(target_row, _INT(i)))
            builder.store(rows[i], _pointer(builder, address, vector), align=n_bytes)
        return context.get_dummy_value()

    def transpose_square(
        typing_context: Any, zero: Any, source: Any, source_row: Any, target: Any, target_row: Any
    ) -> Any:
        return types.void(zero, *[types.int64] * 4), generate

    return intrinsic(transpose_square)


def _shuffled(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
    return builder.shuffle_vector(a, b, mask)


_square = _transpose_square()
_SINGLE = np.float32(0.0)


@external("void(int64, int64, int64, int64, int64, int64)")
def transpose(source, source_row, target, target_row, n_rows, n_columns):
    """Copy source (n_rows, n_columns) into target (n_columns, n_rows); addresses, strides in bytes, counts.

    Both counts are multiples of LANES: arrays are as long as whole vectors.
    """
    for r in range(0, n_rows, LANES):
        for c in range(0, n_columns, LANES):
            into = target + c * target_row + r * 8
            _square(0.0, source + r * source_row + c * 8, source_row, into, target_row)


@external("void(int64, int64, int64, int64, int64, int64)", is_late=True)
def transpose_singles(source, source_row, target, target_row, n_rows, n_columns):
    """Do what `transpose` does for float32; both counts are multiples of 2 LANES."""
    for r in range(0, n_rows, 2 * LANES):
        for c in range(0, n_columns, 2 * LANES):
            into = target + c * target_row + r * 4
            _square(_SINGLE, source + r * source_row + c * 4, source_row, into, target_row)


@inlined
def _product(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, n_k):
    step = VECTOR_BYTES
    v = 0
    while n_vectors - v >= 3 and n_vectors - v != 4:  # 4 is better as 2 + 2 than as 3 + 1
        s = start + v * step if start != 0 else start
        _columns_3(zero, s, start_row, a, a_row, a_k, b + v * step, b_k, c + v * step, c_row, n_rows, n_k)
        v += 3
    while n_vectors - v >= 2:
        s = start + v * step if start != 0 else start
        _columns_2(zero, s, start_row, a, a_row, a_k, b + v * step, b_k, c + v * step, c_row, n_rows, n_k)
        v += 2
    if n_vectors - v == 1:
        s = start + v * step if start != 0 else start
        _columns_1(zero, s, start_row, a, a_row, a_k, b + v * step, b_k, c + v * step, c_row, n_rows, n_k)


@external("void(int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64)")
def set_product(start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, n_k):
    """Set C to start + A B: C (n_rows, n_vectors * LANES), sum over n_k.

    start, a, b, c are addresses, the others strides in bytes and counts: start_row, a_row, b_k, c_row from one
    row to the next, a_k from one k to the next in A. start 0 stands for zeros; start_row may be 0 to begin
    every row alike. Rows of start, B and C are contiguous; whatever stands beyond their used columns, up to a
    multiple of LANES, is computed as well.
    """
    _product(0.0, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, n_k)


@external(
    "void(int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64)", is_late=True
)
def set_product_of_singles(start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, n_k):
    """Do what `set_product` does for float32, of which a vector holds 2 LANES."""
    _product(_SINGLE, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, n_k)


@inlined
def add_product(a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, n_k):
    """Add A B to C, see `set_product`."""
    set_product(c, c_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, n_k)


@inlined
def _listed_tile(zero, n_rows, n_vectors, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k):
    if n_vectors == 3:
        if n_rows == 4:
            _listed_4x3(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k)
        elif n_rows == 3:
            _listed_3x3(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k)
        elif n_rows == 2:
            _listed_2x3(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k)
        else:
            _listed_1x3(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k)
    elif n_vectors == 2:
        if n_rows == 4:
            _listed_4x2(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k)
        elif n_rows == 3:
            _listed_3x2(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k)
        elif n_rows == 2:
            _listed_2x2(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k)
        else:
            _listed_1x2(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k)
    elif n_rows == 4:
        _listed_4x1(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k)
    elif n_rows == 3:
        _listed_3x1(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k)
    elif n_rows == 2:
        _listed_2x1(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k)
    else:
        _listed_1x1(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_k, k)


@inlined
def _listed_product(zero, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, k, starts):
    offsets = array_of_ints_at(starts, n_rows // 4 + 2)
    v = 0
    while v < n_vectors:
        left = n_vectors - v
        width = 2 if left in (2, 4) else min(left, 3)  # 4 is better as 2 + 2 than as 3 + 1
        beside = v * VECTOR_BYTES
        for r in range(0, n_rows, 4):
            first, stop = offsets[r // 4], offsets[r // 4 + 1]
            in_start = _row_of(start, start_row, r) + beside if start != 0 else start
            in_b, in_c = b + beside, c + r * c_row + beside
            at, rows = a + r * a_row, min(4, n_rows - r)
            n_k, listed = stop - first, k + first * 2
            _listed_tile(
                zero, rows, width, in_start, start_row, at, a_row, a_k, in_b, b_k, in_c, c_row, n_k, listed
            )
        v += width


@external("void(int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64)")
def set_listed_product(start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, k, starts):
    """Set C to start + A B as `set_product` does, but sum for rows 4 q .. 4 q + 3 only over the k in list q.

    k is the address of all lists, uint16, one behind another; starts that of their int64 offsets.
    """
    _listed_product(0.0, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, k, starts)


@external(
    "void(int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64, int64)",
    is_late=True,
)
def set_listed_product_of_singles(
    start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, k, starts
):
    """Do what `set_listed_product` does for float32."""
    _listed_product(_SINGLE, start, start_row, a, a_row, a_k, b, b_k, c, c_row, n_rows, n_vectors, k, starts)
