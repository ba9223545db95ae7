"""Loss and errors on a grid theta0 + a d1 + b d2, a few samples at a time.

The first layer's pre-activations along a plane are P0 + a P1 + b P2, so its three products with the samples
are made once, not once a grid point. For logistic and tanh on evenly spaced b even the exponential is
shared: exp(-(z + step P2)) = exp(-z) exp(-step P2) is one multiplication from point to point. Everything is
stored with units as rows and samples as columns, so that each vector holds one unit of several samples, and a
block of samples stays in the first-level cache while a run of points goes by.

Fixed noise does not move along the plane: its factors multiply the hidden units' values behind the activation,
and nothing that is shared before it changes.

The grid is given out to threads in runs: some neighbouring points of a row. What a run adds up does not depend
on who does it or when.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.kernels.jit import LANES, address_of, atomic_add, bits_of, float_of, fma, inlined, inner, kernel
from engine.kernels.math import (
    LN2_HIGH,
    LN2_LOW,
    LOG2_E,
    ROUND,
    exp,
    exp_of_negative,
    logistic,
    power_of_two,
    softplus,
    tanh,
)
from engine.kernels.products import add_product, set_product
from engine.kernels.slice_vectors import next_logistics, next_tanhs, score_powers

FloatArray = npt.NDArray[np.float64]

RUN: Final = 32  # most points that follow from one exponential
_LARGEST: Final = 170.0  # of an exponent: the product of four e^170 is still finite
_BYTES: Final = 8
_LN2: Final = math.log(2.0)

_IDENTITY, _LOGISTIC, _TANH, _RELU, _LEAKY, _SOFTPLUS, _ERF = range(7)  # as in engine.activations
_CROSS_ENTROPY, _QUADRATIC, _SQUARED = range(3)
LOSS_CODES: Final = {"cross_entropy": _CROSS_ENTROPY, "quadratic": _QUADRATIC, "squared": _SQUARED}


class Blocks(NamedTuple):
    """Samples in blocks of n_columns, the last filled up with zeros.

    Attributes:
        projections: (3, n_blocks, n_first * n_columns) of the first layer, on theta0, d1 and d2.
        ratios: (n_blocks, n_first * n_columns), see `set_ratios`.
        labels, targets: (n_blocks, n_columns).
        label_at: (n_blocks, n_columns) where the logit of the label is, in bytes behind that of class 0 of the
            block's first sample.
        factors: (n_blocks, n_rows * n_columns) what hidden units' values are multiplied by, see `engine.noise`, in
            the places that the hidden layers have in `Work.values`; (n_blocks, 0) where there is no noise.
        n_samples: how many they are.
    """

    projections: FloatArray
    ratios: FloatArray
    labels: npt.NDArray[np.int64]
    targets: FloatArray
    label_at: npt.NDArray[np.int64]
    factors: FloatArray
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

    Under cross-entropy all that leads to the logits is multiplied by log2 e beforehand, so that the softmax
    is made of powers of 2.
    """

    layers: npt.NDArray[np.int64]
    rest: FloatArray
    loss: int
    leaky_slope: float


class Work(NamedTuple):
    """Work arrays of one thread, all flat: slices of numbers cost least to compile.

    Attributes:
        values: (n_rows * n_columns,) the values of all layers, the first layer's in front, behind each a row
            of ones.
        base, exponentials: (n_first * n_columns,) z of the row at b = 0, exp(-z) of the point.
        best, total: (n_columns,) largest logit and sum of exponentials of each sample, total right behind best.
        sums: (3 LANES,) see `score_powers`.
        row, parameters: (n_rest,) parameters behind the first layer, of the row and of the point.
    """

    values: FloatArray
    base: FloatArray
    exponentials: FloatArray
    best: FloatArray
    total: FloatArray
    sums: FloatArray
    row: FloatArray
    parameters: FloatArray


@inner
def _combine(out, a, b, t):
    """Set out = a + t b."""
    for i in range(out.size):
        out[i] = fma(t, b[i], a[i])


@inner
def _start_row(base, p0, p1, p2, a, b0, b1):
    """Set base = p0 + a p1; return the largest abs(base + b p2) for b = b0 and b1, infinite or NaN if any is."""
    largest = 0
    for i in range(base.size):
        z = fma(a, p1[i], p0[i])
        base[i] = z
        # Bits of numbers that are not negative are in the numbers' order, NaN above all; LLVM vectorises this.
        largest = max(largest, bits_of(abs(fma(b0, p2[i], z))), bits_of(abs(fma(b1, p2[i], z))))
    return float_of(largest)


@inner
def _exponentials(out, a, b, t, rate):
    """Set out = exp(-rate (a + t b)), which are all within e^-_LARGEST and e^_LARGEST."""
    for i in range(out.size):
        out[i] = exp_of_negative(-rate * fma(t, b[i], a[i]))  # right as far up as e^709 too


@kernel
def set_ratios(blocks, plan, step):
    """Set blocks.ratios: what the exponentials of the first layer are multiplied by for a step along d2."""
    rate = 2.0 if plan.layers[0, 2] == _TANH else 1.0
    for block in range(len(blocks.ratios)):
        ratios, p2 = blocks.ratios[block], blocks.projections[2, block]
        for i in range(ratios.size):
            ratios[i] = exp(-rate * step * p2[i])


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
def _add_layer(parameters, offset, values, start, n_in, out, out_start, n_out, n_columns):
    """Add to n_out rows of out, from out_start on, the weights (n_in, n_out) times n_in rows of values."""
    a, b, c = address_of(parameters, offset), address_of(values, start), address_of(out, out_start)
    row = n_columns * _BYTES
    add_product(a, _BYTES, n_out * _BYTES, b, row, c, row, n_out, n_columns // LANES, n_in)


@inlined
def _set_layer(parameters, offset, values, start, n_in, out_start, n_out, n_columns):
    """Set n_out rows of values; the bias is one more row of weights, and a row of ones stands for it in values."""
    a, b, c = address_of(parameters, offset), address_of(values, start), address_of(values, out_start)
    row = n_columns * _BYTES
    set_product(0, 0, a, _BYTES, n_out * _BYTES, b, row, c, row, n_out, n_columns // LANES, n_in + 1)


@inner
def _multiply(values, start, n, factors, block):
    """Multiply n values, from start on, by the factors of a block that stand in the same places."""
    for i in range(start, start + n):
        values[i] *= factors[block, i]


@inner
def _forward(plan, work, factors, block):
    """Go from the first layer's values to the outputs of a block, with the weights in work.parameters."""
    layers, values, parameters, n = plan.layers, work.values, work.parameters, work.best.size
    start, n_out, has_noise = 0, 0, factors.size > 0
    if has_noise:
        _multiply(values, 0, layers[0, 1] * n, factors, block)
    for number in range(1, len(layers)):
        n_in, n_out, offset = layers[number - 1, 1], layers[number, 1], layers[number, 3]
        start = layers[number, 0] * n
        _set_layer(parameters, offset, values, layers[number - 1, 0] * n, n_in, start, n_out, n)
        if layers[number, 2] >= 0:
            activate(layers[number, 2], values[start : start + n_out * n], plan.leaky_slope)
            if has_noise:
                _multiply(values, start, n_out * n, factors, block)
    for number in range(len(layers) - 1):
        offset, n_in = layers[number, 4], layers[number, 1]
        if offset >= 0:
            _add_layer(parameters, offset, values, layers[number, 0] * n, n_in, values, start, n_out, n)


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
    n, largest = n_samples, float(n_classes)
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
        row, c = z[start : start + n], start // n
        for i in range(n):
            difference = row[i] * total[i] - (1.0 if labels[i] == c else 0.0)
            row[i] = difference * difference
        for i in range(n_samples):
            result += row[i]
    return 0.5 * result


@inner
def _score_softmax(z, labels, n_samples, best, total, loss):
    """Return (sum of losses, number of errors) of logits z (n_classes * n_columns,) in nats; z is used up.

    Right whatever the numbers are, infinities and NaN too.
    """
    n_columns, n_errors, linear = best.size, 0, 0.0
    _find_best(z, best, total)
    for i in range(n_samples):
        n_errors += total[i] != labels[i]
        linear += best[i] - z[labels[i] * n_columns + i]
    _exponentials_of_logits(z, best, total)
    if loss == _CROSS_ENTROPY:
        return linear + _sum_of_logs(total, n_samples, z.size // n_columns), n_errors
    return _sum_of_squares(z, total, labels, n_samples), n_errors


@inner
def _count_ties(z, labels, n_samples, best):
    """Return for how many samples the label has the largest number, but a row before it has it too."""
    n_columns, n_ties = best.size, 0
    for i in range(n_samples):
        if z[labels[i] * n_columns + i] == best[i]:
            row = 0
            while z[row * n_columns + i] != best[i]:
                row += 1
            n_ties += row < labels[i]
    return n_ties


@inner
def _score_powers(z, labels, n_samples, best, total, has_ties):
    """Return what `_score_softmax` does from what `score_powers` found in logits in units of ln 2."""
    n_columns, n_errors, loss = best.size, 0, 0.0
    for i in range(n_samples):
        gap = best[i] - z[labels[i] * n_columns + i]
        n_errors += gap > 0.0
        loss += gap
    if has_ties:
        n_errors += _count_ties(z, labels, n_samples, best)
    loss = _LN2 * loss + _sum_of_logs(total, n_samples, z.size // n_columns)
    if math.isfinite(loss):
        return loss, n_errors
    for i in range(z.size):
        z[i] *= _LN2
    return _score_softmax(z, labels, n_samples, best, total, _CROSS_ENTROPY)


@inner
def _score_squared(z, labels, targets, n_samples):
    """Return (sum of 1/2 (f - t)^2, number of f on the wrong side of 1/2) of one output z (n_columns,)."""
    loss, n_errors = 0.0, 0
    for i in range(n_samples):
        error = z[i] - targets[i]
        loss += 0.5 * error * error
        n_errors += (z[i] > 0.5) != (labels[i] > 0)
    return loss, n_errors


@inner
def _score(plan, work, blocks, block, n_samples):
    """Return (sum of losses, number of errors) of a block whose outputs stand in work.values."""
    n_columns, last = work.best.size, len(plan.layers) - 1
    start, n_outputs, has_ties = plan.layers[last, 0] * n_columns, plan.layers[last, 1], 0
    if plan.loss == _CROSS_ENTROPY:
        z, at, best = address_of(work.values, start), blocks.label_at, address_of(work.best, 0)
        at_block = address_of(at, block * n_columns)
        sums = address_of(work.sums, 0)
        has_ties = score_powers(z, n_columns * _BYTES, n_outputs, n_columns, at_block, best, sums)
        if n_samples == n_columns and not has_ties:  # the usual case, without a view of any array: those cost
            gap, product, n_wrong = 0.0, 1.0, 0.0
            for lane in range(LANES):
                gap += work.sums[lane]
                product *= work.sums[LANES + lane]
                n_wrong += work.sums[2 * LANES + lane]
            loss = _LN2 * gap + math.log(product)
            if math.isfinite(loss):
                return loss, int(n_wrong)
    return _score_carefully(plan, work, blocks, block, n_samples, has_ties)


@inner
def _score_carefully(plan, work, blocks, block, n_samples, has_ties):
    n_columns, last = work.best.size, len(plan.layers) - 1
    start, labels = plan.layers[last, 0] * n_columns, blocks.labels[block]
    z = work.values[start : start + plan.layers[last, 1] * n_columns]
    if plan.loss == _SQUARED:
        return _score_squared(z, labels, blocks.targets[block], n_samples)
    if plan.loss == _CROSS_ENTROPY:
        return _score_powers(z, labels, n_samples, work.best, work.total, has_ties)
    return _score_softmax(z, labels, n_samples, work.best, work.total, plan.loss)


@inner
def _set_first(plan, work, p2, b):
    """Set the first layer's values at the point b."""
    first = work.values[: work.base.size]
    _combine(first, work.base, p2, b)
    activate(plan.layers[0, 2], first, plan.leaky_slope)


@inner
def _add_run(blocks, first_block, last_block, plan, a, betas, step, work, loss, n_errors):
    """Add the losses and errors of some blocks at the points (a, betas[j]) to loss[j] and n_errors[j]."""
    code, n_columns = plan.layers[0, 2], work.best.size
    rate, can_share = 2.0 if code == _TANH else 1.0, step != 0.0 and (code == _TANH) | (code == _LOGISTIC)
    e, h, row2 = address_of(work.exponentials, 0), address_of(work.values, 0), plan.rest[2]
    factors = blocks.factors
    _combine(work.row, plan.rest[0], plan.rest[1], a)
    for block in range(first_block, last_block):
        p2, n_samples = blocks.projections[2, block], min(n_columns, blocks.n_samples - block * n_columns)
        p0, p1 = blocks.projections[0, block], blocks.projections[1, block]
        ratio = address_of(blocks.ratios, block * p2.size)
        before = betas[0] - step
        largest = rate * _start_row(work.base, p0, p1, p2, a, before, betas[betas.size - 1])
        is_shared = can_share and largest < _LARGEST  # false for NaN
        if is_shared:
            _exponentials(work.exponentials, work.base, p2, before, rate)
        for j in range(betas.size):
            if not is_shared:
                _set_first(plan, work, p2, betas[j])
            elif code == _TANH:
                next_tanhs(e, ratio, h, p2.size)
            else:
                next_logistics(e, ratio, h, p2.size)
            _combine(work.parameters, work.row, row2, betas[j])
            _forward(plan, work, factors, block)
            got_loss, got_errors = _score(plan, work, blocks, block, n_samples)
            loss[j] += got_loss
            n_errors[j] += got_errors


@kernel
def add_points(
    control, blocks, first_block, last_block, plan, alphas, betas, step, run, work, loss, n_errors
):
    """Add the losses and errors of some blocks to loss and n_errors (len(alphas), len(betas)).

    Several threads may call this with the same arrays, but each with its own work: each takes one run of points
    after the other, as long as there are any.

    Args:
        control: (1,) int64, how many runs have been taken; 0 at first.
        first_block, last_block: blocks first_block .. last_block - 1.
        alphas, betas: the grid; a run is `run` neighbours, at most RUN, of one row.
        step: the distance of two betas where they are evenly spaced to rounding, else 0.
    """
    next_run, n_runs = address_of(control, 0), -(-betas.size // run)
    while True:
        number = atomic_add(next_run, 1)
        if number >= alphas.size * n_runs:
            return
        i, start = number // n_runs, number % n_runs * run
        stop = min(start + run, betas.size)
        _add_run(
            blocks,
            first_block,
            last_block,
            plan,
            alphas[i],
            betas[start:stop],
            step,
            work,
            loss[i, start:stop],
            n_errors[i, start:stop],
        )
