"""Loss and errors on a grid theta0 + a d1 + b d2, one block of samples at a time.

The first layer's pre-activations along a plane are P0 + a P1 + b P2, so its three products with the samples
are made once, not once a grid point. For logistic and tanh on evenly spaced b even the exponential is
shared: exp(-(z + step P2)) = exp(-z) exp(-step P2) is one multiplication from point to point. Everything is
stored with units as rows and samples as columns, so that each vector holds one unit of several samples.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.kernels.jit import LANES, fma, inlined, inner, kernel
from engine.kernels.math import (
    LN2_HIGH,
    LN2_LOW,
    LOG2_E,
    ROUND,
    exp,
    logistic,
    power_of_two,
    softplus,
    tanh,
)
from engine.kernels.products import add_product

FloatArray = npt.NDArray[np.float64]

GROUP: Final = 4 * LANES
"""Blocks hold a multiple of this many samples; the last one is filled up with zeros."""

_RUN: Final = 32  # points that follow from one exponential before the next is computed afresh
_LARGEST: Final = 170.0  # of an exponent: the product of four e^170 is still finite
_BYTES: Final = 8

_IDENTITY, _LOGISTIC, _TANH, _RELU, _LEAKY, _SOFTPLUS, _ERF = range(7)  # as in engine.activations
_CROSS_ENTROPY, _QUADRATIC, _SQUARED = range(3)
LOSS_CODES: Final = {"cross_entropy": _CROSS_ENTROPY, "quadratic": _QUADRATIC, "squared": _SQUARED}


class Block(NamedTuple):
    """Samples: projections (3, n_first * n_columns) of the first layer, labels and targets (n_columns,)."""

    projections: FloatArray
    labels: FloatArray
    targets: FloatArray
    n_samples: int


class Plan(NamedTuple):
    """The network behind its first layer.

    Attributes:
        layers: (n_layers, 5) whole numbers a layer: first row of its values in the work array, its width,
            code of its activation (-1 for the output), offset of its weights in rest (-1 for the first
            layer), offset of its weights to the output in rest (-1 where it has none).
        rest: (3, n_rest) the parameters behind the first layer of theta0, d1 and d2.
        loss: code of the loss.
        leaky_slope: slope of leaky_relu left of 0.
    """

    layers: npt.NDArray[np.int64]
    rest: FloatArray
    loss: int
    leaky_slope: float


class Work(NamedTuple):
    """Work arrays, all flat: slices of numbers cost least to compile.

    Attributes:
        values: (n_rows * n_columns,) the values of all layers, the first layer's in front.
        base, exponentials, ratios: (n_first * n_columns,) z of the row, exp(-z) of the point, its step.
        best, total: (n_columns,) largest logit and sum of exponentials of each sample.
        row, parameters: (n_rest,) parameters behind the first layer, of the row and of the point.
    """

    values: FloatArray
    base: FloatArray
    exponentials: FloatArray
    ratios: FloatArray
    best: FloatArray
    total: FloatArray
    row: FloatArray
    parameters: FloatArray


@intrinsic
def _next_logistics(typing_context: Any, e: Any, ratio: Any, h: Any, scale: Any, shift: Any) -> Any:
    """Go on to the next point for four vectors: e *= ratio, h = scale / (1 + e) + shift.

    Four divisions are made one: with p the product of the four 1 + e, each inverse is 1 / p times the three
    others. e, ratio, h are addresses.
    """
    vector = ir.VectorType(ir.DoubleType(), LANES)

    def pointer(builder: Any, address: Any, number: int) -> Any:
        at = builder.add(address, ir.Constant(ir.IntType(64), number * LANES * _BYTES))
        return builder.inttoptr(at, vector.as_pointer())

    def broadcast(builder: Any, scalar: Any) -> Any:
        first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.IntType(32)(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), mask)

    def fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
        function_type = ir.FunctionType(vector, [vector] * 3)
        function = cgutils.get_or_insert_function(builder.module, function_type, f"llvm.fma.v{LANES}f64")
        return builder.call(function, [a, b, c])

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        e_at, ratio_at, h_at, scale_value, shift_value = args
        one = ir.Constant(vector, [1.0] * LANES)
        factor, offset = broadcast(builder, scale_value), broadcast(builder, shift_value)
        sums = []
        for number in range(4):
            at = pointer(builder, e_at, number)
            old = builder.load(at, align=_BYTES)
            new = builder.fmul(old, builder.load(pointer(builder, ratio_at, number), align=_BYTES))
            builder.store(new, at, align=_BYTES)
            sums.append(builder.fadd(new, one))
        pairs = [builder.fmul(sums[0], sums[1]), builder.fmul(sums[2], sums[3])]
        inverse = builder.fdiv(one, builder.fmul(pairs[0], pairs[1]))
        for number in range(4):
            half = builder.fmul(inverse, pairs[1 - number // 2])
            value = fused(builder, builder.fmul(half, sums[number ^ 1]), factor, offset)
            builder.store(value, pointer(builder, h_at, number), align=_BYTES)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, types.float64, types.float64), generate


@inner
def _combine(out, a, b, t):
    """Set out = a + t b."""
    for i in range(out.size):
        out[i] = fma(t, b[i], a[i])


@inner
def _largest_of(a, b, t):
    """Return the largest abs(a + t b), NaN if any is NaN."""
    largest = 0.0
    for i in range(a.size):
        size = abs(fma(t, b[i], a[i]))
        largest = size if not size <= largest else largest
    return largest


@inner
def _exponentials(out, a, b, t, rate):
    """Set out = exp(-rate (a + t b))."""
    for i in range(out.size):
        out[i] = exp(-rate * fma(t, b[i], a[i]))


@inner
def _exponentials_of_step(out, b, t):
    """Set out = exp(-t b)."""
    for i in range(out.size):
        out[i] = exp(-t * b[i])


@inner
def activate(code, z, leaky_slope):
    """Put the activation with this code in place of each number of z (n,)."""
    n = z.size
    if code == _LOGISTIC:
        for i in range(n):
            z[i] = logistic(z[i])
    elif code == _TANH:
        for i in range(n):
            z[i] = tanh(z[i])
    elif code == _RELU:
        for i in range(n):
            z[i] = 0.0 if z[i] < 0.0 else z[i]
    elif code == _LEAKY:
        for i in range(n):
            z[i] = leaky_slope * z[i] if z[i] < 0.0 else z[i]
    elif code == _SOFTPLUS:
        for i in range(n):
            z[i] = softplus(z[i])
    elif code == _ERF:
        for i in range(n):
            z[i] = math.erf(z[i])


@inlined
def _add_layer(weights, values, n_in, out, n_out, n_columns):
    """Add to out (n_out rows) the weights (n_in, n_out) times the values (n_in rows)."""
    row, vectors = n_columns * _BYTES, n_columns // LANES
    add_product(
        weights.ctypes.data,
        _BYTES,
        n_out * _BYTES,
        values.ctypes.data,
        row,
        out.ctypes.data,
        row,
        n_out,
        vectors,
        n_in,
    )


@inner
def _forward(plan, work):
    """Go from the first layer's values to the outputs, with the weights in work.parameters."""
    layers, values, parameters, n = plan.layers, work.values, work.parameters, work.best.size
    out, n_out = values, 0
    for number in range(1, len(layers)):
        n_in, n_out, offset = layers[number - 1, 1], layers[number, 1], layers[number, 3]
        start = layers[number, 0] * n
        out = values[start : start + n_out * n]
        for unit in range(n_out):
            bias = parameters[offset + n_in * n_out + unit]
            for i in range(unit * n, unit * n + n):
                out[i] = bias
        _add_layer(parameters[offset:], values[layers[number - 1, 0] * n :], n_in, out, n_out, n)
        if layers[number, 2] >= 0:
            activate(layers[number, 2], out, plan.leaky_slope)
    for number in range(len(layers) - 1):
        offset = layers[number, 4]
        if offset >= 0:
            _add_layer(parameters[offset:], values[layers[number, 0] * n :], layers[number, 1], out, n_out, n)


@inlined
def _exp_below_zero(x: float) -> float:
    """Return e^x for x <= 0, and some number below 1e-307 instead of e^x from -708 on.

    Half the work of `math.exp`: no overflow, no denormals, and the polynomial in four independent parts.
    """
    x = -708.0 if x < -708.0 else x
    rounded = fma(x, LOG2_E, ROUND)
    n = rounded - ROUND
    r = fma(-n, LN2_LOW, fma(-n, LN2_HIGH, x))
    square = r * r
    fourth = square * square
    q0 = fma(square, fma(r, 1.0 / 120.0, 1.0 / 24.0), fma(r, 1.0 / 6.0, 0.5))
    q1 = fma(square, fma(r, 1.0 / 362880.0, 1.0 / 40320.0), fma(r, 1.0 / 5040.0, 1.0 / 720.0))
    q2 = fma(square, fma(r, 1.0 / 6227020800.0, 1.0 / 479001600.0), fma(r, 1.0 / 39916800.0, 1.0 / 3628800.0))
    tail = square * fma(fourth, fma(fourth, q2, q1), q0)
    return (1.0 + (r + tail)) * power_of_two(rounded)


@inlined
def _is_better(new, old):
    return (old == old) & (not new <= old)


@inner
def _find_best(z, best, label):
    """Set best to the largest of the rows of z, label to its row: the first on ties, and NaN above all, as argmax."""
    n = best.size
    n_rows = z.size // n
    for i in range(n):
        best[i], label[i] = z[i], 0.0
    c = 1
    while c + 3 <= n_rows:  # three at a time spare two thirds of the loads and stores
        a0, a1, a2 = z[c * n : c * n + n], z[c * n + n : c * n + 2 * n], z[c * n + 2 * n : c * n + 3 * n]
        for i in range(n):
            top, at = best[i], label[i]
            is_better = _is_better(a0[i], top)
            top, at = a0[i] if is_better else top, c + 0.0 if is_better else at
            is_better = _is_better(a1[i], top)
            top, at = a1[i] if is_better else top, c + 1.0 if is_better else at
            is_better = _is_better(a2[i], top)
            best[i], label[i] = a2[i] if is_better else top, c + 2.0 if is_better else at
        c += 3
    while c < n_rows:
        row = z[c * n : c * n + n]
        for i in range(n):
            is_better = _is_better(row[i], best[i])
            best[i], label[i] = row[i] if is_better else best[i], c + 0.0 if is_better else label[i]
        c += 1


@inner
def _sum_of_logs(x, n_samples, n_classes):
    """Return the sum of log x over numbers from 1 to n_classes; x (n,) is used up.

    A logarithm of a product is as exact as a sum of logarithms, and there is one instead of hundreds.
    """
    n = n_samples
    largest = float(n_classes)
    while n > 1 and largest < 1e150:
        half = (n + 1) // 2
        for i in range(n - half):
            x[i] *= x[half + i]
        n = half
        largest *= largest
    total = 0.0
    for i in range(n):
        total += math.log(x[i])
    return total


@inlined
def _exponentials_of_logits(z, best, total):
    """Put exp(z - best) in place of the rows of z, and their sum in total."""
    n = best.size
    for i in range(n):
        total[i] = 0.0
    for start in range(0, z.size, n):
        row = z[start : start + n]
        for i in range(n):
            row[i] = _exp_below_zero(row[i] - best[i])
            total[i] += row[i]


@inlined
def _sum_of_squares(z, total, labels, n_samples):
    """Return 1/2 the sum over samples of ||p - onehot||^2, with p = z / total; total is used up."""
    n, result = total.size, 0.0
    for i in range(n):
        total[i] = 1.0 / total[i]
    for start in range(0, z.size, n):
        row, c = z[start : start + n], float(start // n)
        for i in range(n):
            difference = row[i] * total[i] - (1.0 if labels[i] == c else 0.0)
            row[i] = difference * difference
        for i in range(n_samples):
            result += row[i]
    return 0.5 * result


@inner
def _score_softmax(z, block, best, total, loss):
    """Return (sum of losses, number of errors) of logits z (n_classes * n_columns,); z is used up."""
    n, n_columns, labels = block.n_samples, best.size, block.labels
    _find_best(z, best, total)
    n_errors, linear = 0, 0.0
    for i in range(n):
        n_errors += total[i] != labels[i]
        linear += best[i] - z[int(labels[i]) * n_columns + i]
    _exponentials_of_logits(z, best, total)
    if loss == _CROSS_ENTROPY:
        return linear + _sum_of_logs(total, n, z.size // n_columns), n_errors
    return _sum_of_squares(z, total, labels, n), n_errors


@inner
def _score_squared(z, block):
    """Return (sum of 1/2 (f - t)^2, number of f on the wrong side of 1/2) of one output z (n_columns,)."""
    loss, n_errors = 0.0, 0
    for i in range(block.n_samples):
        error = z[i] - block.targets[i]
        loss += 0.5 * error * error
        n_errors += (z[i] > 0.5) != (block.labels[i] > 0.0)
    return loss, n_errors


@inner
def _score(plan, work, block):
    n_columns, last = work.best.size, len(plan.layers) - 1
    start = plan.layers[last, 0] * n_columns
    z = work.values[start : start + plan.layers[last, 1] * n_columns]
    if plan.loss == _SQUARED:
        return _score_squared(z, block)
    return _score_softmax(z, block, work.best, work.total, plan.loss)


@inner
def _next_logistics_of(work, n, scale, shift):
    e, ratio, h = work.exponentials.ctypes.data, work.ratios.ctypes.data, work.values.ctypes.data
    for i in range(0, n * _BYTES, GROUP * _BYTES):
        _next_logistics(e + i, ratio + i, h + i, scale, shift)


@inner
def _start_run(work, p2, before, last, rate):
    """Put exp(-rate z) at b = before in place and return True, if no point up to b = last can overflow."""
    size = rate * max(_largest_of(work.base, p2, before), _largest_of(work.base, p2, last))
    is_shared = size < _LARGEST  # false for NaN
    if is_shared:
        _exponentials(work.exponentials, work.base, p2, before, rate)
    return is_shared


@kernel
def add_points(block, plan, alphas, betas, step, work, loss, n_errors):
    """Add a block's losses and errors to loss and n_errors (len(alphas), len(betas)).

    step: the distance of two betas where they are evenly spaced to rounding, else 0.
    """
    code, n = plan.layers[0, 2], work.base.size
    p0, p1, p2 = block.projections[0], block.projections[1], block.projections[2]
    is_tanh = code == _TANH
    rate, scale, shift = (2.0, 2.0, -1.0) if is_tanh else (1.0, 1.0, 0.0)
    is_even, is_shared = step != 0.0 and (is_tanh or code == _LOGISTIC), False
    first = work.values[:n]
    if is_even:
        _exponentials_of_step(work.ratios, p2, rate * step)
    for i in range(alphas.size):
        _combine(work.base, p0, p1, alphas[i])
        _combine(work.row, plan.rest[0], plan.rest[1], alphas[i])
        for j in range(betas.size):
            if is_even and j % _RUN == 0:
                last = betas[min(j + _RUN, betas.size) - 1]
                is_shared = _start_run(work, p2, betas[j] - step, last, rate)
            if is_shared:
                _next_logistics_of(work, n, scale, shift)
            else:
                _combine(first, work.base, p2, betas[j])
                activate(code, first, plan.leaky_slope)
            _combine(work.parameters, work.row, plan.rest[2], betas[j])
            _forward(plan, work)
            got_loss, got_errors = _score(plan, work, block)
            loss[i, j] += got_loss
            n_errors[i, j] += got_errors
