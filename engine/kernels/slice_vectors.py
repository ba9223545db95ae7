"""Two loops of a slice written in LLVM's vectors: the next logistic values, and the softmax of samples side by side.

Both keep what belongs to a vector of samples in registers from the first operation to the last, which numba's
loops over whole rows do not.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.kernels.jit import LANES
from engine.kernels.math import ROUND

GROUP: Final = 4 * LANES
"""Numbers that `next_logistics` goes through at a time."""

PAIR: Final = 2 * LANES
"""Samples that `sum_powers` goes through at a time."""

_BYTES: Final = 8
_INT = ir.IntType(64)
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_INTS = ir.VectorType(_INT, LANES)

_LOWEST: Final = -1021.0  # 2^x stays a normal number from here on
# 2^r = 1 + r (c1 + c2 r + ...) on [-1/2, 1/2], off by at most 2.3e-16 of its size: a minimax fit, found by
# iteratively weighted least squares on Chebyshev's points. 2^0 is 1 exactly.
_POWERS: Final = (
    0.6931471805599492,
    0.240226506959091,
    0.05550410866448181,
    0.009618129107983122,
    0.0013333558225801306,
    0.00015403529994259212,
    1.5252659427146789e-05,
    1.3215653588715184e-06,
    1.0208323093912863e-07,
    7.038180680506321e-09,
)


def _constant(value: float) -> Any:
    return ir.Constant(_VECTOR, [value] * LANES)


def _pointer(builder: Any, address: Any, number: int) -> Any:
    """Return a pointer to vector `number` from address on."""
    at = builder.add(address, ir.Constant(_INT, number * LANES * _BYTES))
    return builder.inttoptr(at, _VECTOR.as_pointer())


def _load(builder: Any, address: Any, number: int) -> Any:
    return builder.load(_pointer(builder, address, number), align=_BYTES)


def _store(builder: Any, value: Any, address: Any, number: int) -> None:
    builder.store(value, _pointer(builder, address, number), align=_BYTES)


def _fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
    function_type = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    function = cgutils.get_or_insert_function(builder.module, function_type, f"llvm.fma.v{LANES}f64")
    return builder.call(function, [a, b, c])


def _larger(builder: Any, a: Any, b: Any) -> Any:
    """Return the larger of each lane, and b where either is NaN: one instruction."""
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def _logistics(is_tanh: bool) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        e_start, ratio_start, h_start, n = args
        with cgutils.for_range_slice(
            builder, ir.Constant(_INT, 0), builder.mul(n, _INT(_BYTES)), _INT(GROUP * _BYTES), intp=_INT
        ) as (offset, _):
            _four_vectors(builder, *(builder.add(at, offset) for at in (e_start, ratio_start, h_start)))
        return context.get_dummy_value()

    def _four_vectors(builder: Any, e_at: Any, ratio_at: Any, h_at: Any) -> None:
        one, sums = _constant(1.0), []
        for number in range(4):
            new = builder.fmul(_load(builder, e_at, number), _load(builder, ratio_at, number))
            _store(builder, new, e_at, number)
            sums.append(builder.fadd(new, one))
        pairs = [builder.fmul(sums[0], sums[1]), builder.fmul(sums[2], sums[3])]
        inverse = builder.fdiv(one, builder.fmul(*pairs))
        for half in range(2):
            rest = builder.fmul(inverse, pairs[1 - half])
            for number in (2 * half, 2 * half + 1):
                value = builder.fmul(rest, sums[number ^ 1])
                if is_tanh:
                    value = _fused(builder, value, _constant(2.0), _constant(-1.0))
                _store(builder, value, h_at, number)

    def next_values(typing_context: Any, e: Any, ratio: Any, h: Any, n: Any) -> Any:
        return types.void(*[types.int64] * 4), generate

    return intrinsic(next_values)


next_logistics = _logistics(is_tanh=False)
"""Go on to the next point: e *= ratio, h = 1 / (1 + e), for n numbers, a multiple of GROUP.

Four divisions are made one: with p the product of the four 1 + e, each inverse is 1 / p times the three others.
e, ratio and h are addresses.
"""

next_tanhs = _logistics(is_tanh=True)
"""The same with h = 2 / (1 + e) - 1, which is tanh z for e = exp(-2 z)."""


def _power_of_two(builder: Any, x: Any) -> Any:
    """Return 2^x for x <= 0; 2^-1021 from there on. x is NaN where a logit is."""
    x = builder.select(builder.fcmp_ordered("<", x, _constant(_LOWEST)), _constant(_LOWEST), x)
    rounded = builder.fadd(x, _constant(ROUND))
    r = builder.fsub(x, builder.fsub(rounded, _constant(ROUND)))
    square = builder.fmul(r, r)
    even, odd = (_constant(_POWERS[-2 + k]) for k in (0, 1))
    for k in range(len(_POWERS) - 4, -1, -2):  # two short chains of operations instead of a long one
        even = _fused(builder, even, square, _constant(_POWERS[k]))
        odd = _fused(builder, odd, square, _constant(_POWERS[k + 1]))
    power = _fused(builder, _fused(builder, odd, r, even), r, _constant(1.0))
    exponent = builder.shl(builder.bitcast(rounded, _INTS), ir.Constant(_INTS, [52] * LANES))
    return builder.bitcast(builder.add(builder.bitcast(power, _INTS), exponent), _VECTOR)


@intrinsic
def score_powers(
    typing_context: Any, z: Any, row: Any, n_rows: Any, n: Any, at: Any, best: Any, sums: Any
) -> Any:
    """Go once through the logits z (n_rows, n) of n samples, a multiple of PAIR; all arguments are addresses but
    row, the stride in bytes, n_rows and n.

    at: (n,) where the logit of each sample's label is, in bytes from z on.
    best: (2 n,) gets the largest logit of each sample, and behind them the sums over the rows of 2^(z - best).
        A sum is NaN where a logit is NaN or best is infinite.
    sums: (3 LANES,) gets sums of best minus the label's logit, products of the sums of powers, and numbers of
        samples whose best is not the label's; each is of some of the samples, and all must be put together.

    Returns 0 where no largest number stands in two rows, -1 where one may.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        z_start, stride, count, size, at_start, best_start, sums_start = args
        length = builder.mul(size, _INT(_BYTES))
        tops, totals, gaps, products = ([_variable(builder) for _ in range(2)] for _ in range(4))
        wrong, equal = (cgutils.alloca_once_value(builder, ir.Constant(_INTS, [0] * LANES)) for _ in range(2))
        for v in range(2):
            builder.store(_constant(0.0), gaps[v])
            builder.store(_constant(1.0), products[v])
        with cgutils.for_range_slice(builder, _INT(0), length, _INT(PAIR * _BYTES), intp=_INT) as (offset, _):
            z_at, best_at = builder.add(z_start, offset), builder.add(best_start, offset)
            for v in range(2):
                builder.store(_load(builder, z_at, v), tops[v])
                builder.store(_constant(0.0), totals[v])
            with cgutils.for_range_slice(builder, _INT(1), count, _INT(1), intp=_INT) as (index, _):
                row_at = builder.add(z_at, builder.mul(index, stride))
                for v in range(2):
                    number, top = _load(builder, row_at, v), builder.load(tops[v])
                    is_equal = builder.fcmp_ordered("==", number, top)
                    is_equal = builder.sext(is_equal, _INTS)  # LLVM keeps single bits badly
                    builder.store(builder.or_(builder.load(equal), is_equal), equal)
                    builder.store(_larger(builder, number, top), tops[v])
            with cgutils.for_range(builder, count, intp=_INT) as loop:
                row_at = builder.add(z_at, builder.mul(loop.index, stride))
                for v in range(2):
                    below = builder.fsub(_load(builder, row_at, v), builder.load(tops[v]))
                    total = builder.fadd(builder.load(totals[v]), _power_of_two(builder, below))
                    builder.store(total, totals[v])
            for v in range(2):
                top, total = builder.load(tops[v]), builder.load(totals[v])
                _store(builder, top, best_at, v)
                _store(builder, total, builder.add(best_at, length), v)
                builder.store(builder.fmul(builder.load(products[v]), total), products[v])
                gap = builder.fsub(top, _gathered(builder, z_start, builder.add(at_start, offset), v))
                builder.store(builder.fadd(builder.load(gaps[v]), gap), gaps[v])
                is_wrong = builder.sext(builder.fcmp_ordered(">", gap, _constant(0.0)), _INTS)
                builder.store(builder.sub(builder.load(wrong), is_wrong), wrong)
        _store(builder, builder.fadd(*map(builder.load, gaps)), sums_start, 0)
        _store(builder, builder.fmul(*map(builder.load, products)), sums_start, 1)
        _store(builder, builder.sitofp(builder.load(wrong), _VECTOR), sums_start, 2)
        is_equal = builder.icmp_signed("!=", builder.load(equal), ir.Constant(_INTS, [0] * LANES))
        bits = builder.bitcast(is_equal, ir.IntType(LANES))
        return builder.sext(builder.icmp_unsigned("!=", bits, bits.type(0)), _INT)

    return types.int64(*[types.int64] * 7), generate


def _variable(builder: Any) -> Any:
    return cgutils.alloca_once(builder, _VECTOR)


def _gathered(builder: Any, z: Any, at: Any, number: int) -> Any:
    """Return z at the distances that stand at `at`, vector `number`; single loads, which are faster than a gather."""
    found = ir.Constant(_VECTOR, ir.Undefined)
    for lane in range(LANES):
        place = builder.add(at, _INT((number * LANES + lane) * _BYTES))
        distance = builder.load(builder.inttoptr(place, _INT.as_pointer()), align=_BYTES)
        pointer = builder.inttoptr(builder.add(z, distance), ir.DoubleType().as_pointer())
        found = builder.insert_element(found, builder.load(pointer, align=_BYTES), ir.IntType(32)(lane))
    return found
