"""Activations and losses on blocks of samples: loops over contiguous numbers that LLVM vectorises."""

from __future__ import annotations

import math
from typing import Final

from engine.activations import LEAKY_SLOPE
from engine.kernels import functions as own
from engine.kernels.jit import array_at, external, inlined, lean, singles_at

_LOGISTIC, _TANH, _RELU, _LEAKY_RELU, _SOFTPLUS, _ERF = range(1, 7)
_TWO_OVER_SQRT_PI: Final = 2.0 / math.sqrt(math.pi)


@inlined
def _activate(code, values, slopes):
    n, zero, slope = values.size, values.dtype.type(0.0), values.dtype.type(LEAKY_SLOPE)
    if code == _LOGISTIC:
        for i in range(n):
            values[i] = own.logistic(values[i])
    elif code == _TANH:
        for i in range(n):
            values[i] = own.tanh(values[i])
    elif code == _RELU:
        for i in range(n):
            values[i] = zero if values[i] <= zero else values[i]  # NaN stays NaN
    elif code == _LEAKY_RELU:
        for i in range(n):
            values[i] = values[i] if values[i] > zero else slope * values[i]
    elif code == _SOFTPLUS:
        for i in range(n):
            slopes[i] = own.logistic(values[i])
        for i in range(n):
            values[i] = own.softplus(values[i])
    elif code == _ERF:
        for i in range(n):
            slopes[i] = values[i]
        for i in range(n):
            values[i] = math.erf(values[i])


@external("void(int64, int64, int64, int64)")
def activate(code, values_at, slopes_at, n):
    """Replace n pre-activations by f of them; softplus notes f' in slopes, erf its argument. All are addresses."""
    _activate(code, array_at(values_at, n), array_at(slopes_at, n))


@external("void(int64, int64, int64, int64)", is_late=True)
def activate_singles(code, values_at, slopes_at, n):
    """Do what `activate` does for float32."""
    _activate(code, singles_at(values_at, n), singles_at(slopes_at, n))


@inlined
def _multiply_by_slope(code, delta, values, slopes):
    n, zero, one = values.size, values.dtype.type(0.0), values.dtype.type(1.0)
    slope, factor = values.dtype.type(LEAKY_SLOPE), values.dtype.type(_TWO_OVER_SQRT_PI)
    if code == _LOGISTIC:
        for i in range(n):
            delta[i] *= values[i] * (one - values[i])
    elif code == _TANH:
        for i in range(n):
            delta[i] *= one - values[i] * values[i]
    elif code == _RELU:
        for i in range(n):
            delta[i] = delta[i] if values[i] > zero else zero
    elif code == _LEAKY_RELU:
        for i in range(n):
            delta[i] = delta[i] if values[i] > zero else slope * delta[i]
    elif code == _SOFTPLUS:
        for i in range(n):
            delta[i] *= slopes[i]
    elif code == _ERF:
        for i in range(n):
            delta[i] *= factor * own.exp_of_negative(-slopes[i] * slopes[i])


@external("void(int64, int64, int64, int64, int64)")
def multiply_by_slope(code, delta_at, values_at, slopes_at, n):
    """Multiply n numbers delta by f', from what `activate` left in values and slopes; all are addresses."""
    _multiply_by_slope(code, array_at(delta_at, n), array_at(values_at, n), array_at(slopes_at, n))


@external("void(int64, int64, int64, int64, int64)", is_late=True)
def multiply_singles_by_slope(code, delta_at, values_at, slopes_at, n):
    """Do what `multiply_by_slope` does for float32."""
    _multiply_by_slope(code, singles_at(delta_at, n), singles_at(values_at, n), singles_at(slopes_at, n))


@external("void(int64, int64, int64, int64, int64, int64)")
def slopes_and_bends(code, values_at, noted_at, slopes_at, bends_at, n):
    """Fill n slopes f' and bends f'' from what `activate` left in values and noted; all are addresses."""
    values, noted = array_at(values_at, n), array_at(noted_at, n)
    slopes, bends = array_at(slopes_at, n), array_at(bends_at, n)
    for i in range(n):
        slopes[i] = 1.0
        bends[i] = 0.0
    if code == _LOGISTIC:
        for i in range(n):
            slopes[i] = values[i] * (1.0 - values[i])
            bends[i] = slopes[i] * (1.0 - 2.0 * values[i])
    elif code == _TANH:
        for i in range(n):
            slopes[i] = 1.0 - values[i] * values[i]
            bends[i] = -2.0 * values[i] * slopes[i]
    elif code == _RELU:
        for i in range(n):
            slopes[i] = 1.0 if values[i] > 0.0 else 0.0
    elif code == _LEAKY_RELU:
        for i in range(n):
            slopes[i] = 1.0 if values[i] > 0.0 else LEAKY_SLOPE
    elif code == _SOFTPLUS:
        for i in range(n):
            slopes[i] = noted[i]
            bends[i] = noted[i] * (1.0 - noted[i])
    elif code == _ERF:
        for i in range(n):
            slopes[i] = _TWO_OVER_SQRT_PI * own.exp_of_negative(-noted[i] * noted[i])
            bends[i] = -2.0 * noted[i] * slopes[i]


@lean
def count_errors(outputs, largest, best, times, y, first, n, n_wide, n_outputs, stride):
    """Fill largest[:n_wide] with each sample's largest logit; return (errors, ties).

    best and times are room for the class of that logit and for how many classes share it.

    outputs stand unit by unit with a row stride; y[first + i] is the class of sample i. An error is a sample
    whose first largest logit is not its class; a tie has its largest logit twice.
    """
    zero, one = outputs.dtype.type(0.0), outputs.dtype.type(1.0)
    for i in range(n_wide):
        largest[i] = outputs[i]
        best[i] = zero
        times[i] = one
    for k in range(1, n_outputs):
        row = outputs[k * stride : k * stride + n_wide]  # numba checks the sign of outputs[k * stride + i]
        label = outputs.dtype.type(k)
        for i in range(n_wide):
            z = row[i]
            times[i] = one if z > largest[i] else (times[i] + one if z == largest[i] else times[i])
            best[i] = label if z > largest[i] else best[i]
            largest[i] = z if z > largest[i] else largest[i]
    errors, ties = 0, 0
    for i in range(n):
        errors += int(best[i]) != y[first + i]
        ties += times[i] > one
    return errors, ties


@inlined
def _softmax(z, e, largest, inverse, n, n_outputs, stride):
    one = z.dtype.type(1.0)
    for k in range(n_outputs):
        z_k, e_k = z[k * stride : k * stride + n], e[k * stride : k * stride + n]
        for i in range(n):
            z_k[i] -= largest[i]
            e_k[i] = z_k[i]
        for i in range(n):  # in a loop of its own: with three arrays in it LLVM does not vectorise
            e_k[i] = own.exp_of_negative(e_k[i])
    for i in range(n):
        largest[i] = e[i]
    for k in range(1, n_outputs):
        e_k = e[k * stride : k * stride + n]
        for i in range(n):
            largest[i] += e_k[i]
    for i in range(n):
        inverse[i] = one / largest[i]  # one division a sample instead of one a class
    for k in range(n_outputs):
        e_k = e[k * stride : k * stride + n]
        for i in range(n):
            e_k[i] *= inverse[i]


@external("void(int64, int64, int64, int64, int64, int64, int64)")
def softmax(outputs_at, probabilities_at, largest_at, inverse_at, n, n_outputs, stride):
    """Lower logits by the largest, fill probabilities; largest gets sums of exponentials, inverse their inverses."""
    z, e = array_at(outputs_at, n_outputs * stride), array_at(probabilities_at, n_outputs * stride)
    _softmax(z, e, array_at(largest_at, n), array_at(inverse_at, n), n, n_outputs, stride)


@external("void(int64, int64, int64, int64, int64, int64, int64)", is_late=True)
def softmax_of_singles(outputs_at, probabilities_at, largest_at, inverse_at, n, n_outputs, stride):
    """Do what `softmax` does for float32."""
    z, e = singles_at(outputs_at, n_outputs * stride), singles_at(probabilities_at, n_outputs * stride)
    _softmax(z, e, singles_at(largest_at, n), singles_at(inverse_at, n), n, n_outputs, stride)


@lean
def cross_entropy_losses(shifted, delta, losses, y, first, n, n_wide, stride):
    """From sums of exponentials in losses and probabilities in delta: losses -log p_y, delta p - onehot."""
    one = delta.dtype.type(1.0)
    for i in range(n_wide):
        losses[i] = own.log(losses[i])
    for i in range(n):
        at = y[first + i] * stride + i
        losses[i] -= shifted[at]
        delta[at] -= one


@lean
def quadratic_losses(error, delta, losses, y, first, n, n_wide, n_outputs, stride):
    """From p in delta: error e = p - onehot, losses 1/2 sum e^2, delta p (e - sum p e)."""
    zero, half, one = delta.dtype.type(0.0), delta.dtype.type(0.5), delta.dtype.type(1.0)
    for k in range(n_outputs):
        row = k * stride
        for i in range(n_wide):
            error[row + i] = delta[row + i]
    for i in range(n):
        error[y[first + i] * stride + i] -= one
    for i in range(n_wide):
        losses[i] = zero
    for k in range(n_outputs):
        row = k * stride
        for i in range(n_wide):
            losses[i] += delta[row + i] * error[row + i]
    for k in range(n_outputs):
        row = k * stride
        for i in range(n_wide):
            delta[row + i] *= error[row + i] - losses[i]
    for i in range(n_wide):
        losses[i] = zero
    for k in range(n_outputs):
        row = k * stride
        for i in range(n_wide):
            losses[i] += half * error[row + i] * error[row + i]


@lean
def squared_losses(outputs, delta, losses, targets, y, first, n, n_wide):
    """Fill losses[:n] = 1/2 (f - t)^2, delta = f - t; return (errors, 0): f > 1/2 means a class above 0."""
    errors, half = 0, delta.dtype.type(0.5)
    for i in range(n):
        delta[i] = outputs[i] - targets[first + i]
        losses[i] = half * delta[i] * delta[i]
        errors += (outputs[i] > half) != (y[first + i] > 0)
    for i in range(n, n_wide):
        delta[i] = 0.0
    return errors, 0
