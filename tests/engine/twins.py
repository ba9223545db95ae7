"""Slow, obvious twins of the kernels: loops over Python's own floats, one formula a line, no numpy.

Everything that is fast elsewhere is checked against these. They read the parameters from theta by counting
along it as INTERFACE.md describes it, and share no code with the engine. Where an argument is complex, so
is the answer: that gives derivatives without any rule for them (see `gradient_by_complex_step`).
"""

from __future__ import annotations

import cmath
import itertools
import math
from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

import scipy.special

LEAKY_SLOPE = 0.1


def _exp(z):
    return cmath.exp(z) if isinstance(z, complex) else math.exp(z)


def _log(z):
    return cmath.log(z) if isinstance(z, complex) else math.log(z)


# ------------------------------------------------------------------------------- activations


def logistic(z):
    return 1 / (1 + _exp(-z)) if z.real > 0 else _exp(z) / (1 + _exp(z))


def tanh(z):
    return cmath.tanh(z) if isinstance(z, complex) else math.tanh(z)


def relu(z):
    return z if z.real > 0 else 0 * z


def leaky_relu(z):
    return z if z.real > 0 else LEAKY_SLOPE * z


def softplus(z):
    return z + _log(1 + _exp(-z)) if z.real > 0 else _log(1 + _exp(z))


def erf(z):
    return complex(scipy.special.erf(z)) if isinstance(z, complex) else math.erf(z)


VALUES = {
    "identity": lambda z: z,
    "logistic": logistic,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "softplus": softplus,
    "erf": erf,
}

SLOPES = {
    "identity": lambda z: 1.0,
    "logistic": lambda z: logistic(z) * logistic(-z),
    "tanh": lambda z: 4 * logistic(2 * z) * logistic(-2 * z),
    "relu": lambda z: 1.0 if z.real > 0 else 0.0,
    "leaky_relu": lambda z: 1.0 if z.real > 0 else LEAKY_SLOPE,
    "softplus": logistic,
    "erf": lambda z: 2 / math.sqrt(math.pi) * _exp(-z * z),
}


# ------------------------------------------------------------------------------- the network


def unpack(net, theta):
    """Return ([(weights as rows, bias) of each layer], {hidden layer: skip weights as rows})."""
    numbers = iter([complex(v) if isinstance(v, complex) else float(v) for v in theta])
    sizes, layers = net.layer_sizes, []
    for fan_in, fan_out in itertools.pairwise(sizes):
        weights = [_take(numbers, fan_out) for _ in range(fan_in)]
        layers.append((weights, _take(numbers, fan_out)))
    skips = {layer: [_take(numbers, sizes[-1]) for _ in range(sizes[layer])] for layer in net.skip}
    assert next(numbers, None) is None, "theta is longer than its parts"
    return layers, skips


def _take(numbers: Iterator[float], n: int) -> list[float]:
    return [next(numbers) for _ in range(n)]


def affine(values, weights, bias, first=0):
    """Return bias[j] + sum over i of values[i] weights[i][j]; the sum for j starts at i = first * j, and wraps.

    With first = 0 every sum goes in the same order; with first = 1 each has its own.
    """
    n = len(values)
    orders = [[(i + first * j) % n for i in range(n)] for j in range(len(bias))]
    return [b + sum(values[i] * weights[i][j] for i in orders[j]) for j, b in enumerate(bias)]


def noise_factor(noise, layer, unit, number):
    """Return the factor of a unit (from 0) of a hidden layer (from 1) on an example, by SplitMix64."""
    if noise is None:
        return 1.0
    state = split_mix(split_mix(split_mix(noise.seed, 1), layer), unit + 1)
    u = (split_mix(state, number + 1) >> 11) / 2**53
    return 1.0 + noise.strength * math.sqrt(3.0) * (2.0 * u - 1.0)


def split_mix(seed, n):
    """Return number n, from 1, of the SplitMix64 sequence that begins with seed."""
    z = (seed + n * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def forward(net, theta, sample, first=0, noise=None, number=0):
    """Return (pre-activations of each hidden layer, values of input and hidden layers, outputs).

    With noise the values of hidden layers are those that the next layer sees; number is the example's.
    """
    layers, skips = unpack(net, theta)
    values, pre_activations = [list(sample)], []
    for (weights, bias), name in zip(layers[:-1], net.activation, strict=True):
        pre_activations.append(affine(values[-1], weights, bias, first))
        plain = [VALUES[name](z) for z in pre_activations[-1]]
        factors = [noise_factor(noise, len(values), unit, number) for unit in range(len(plain))]
        values.append([value * factor for value, factor in zip(plain, factors, strict=True)])
    outputs = affine(values[-1], *layers[-1], first)
    for layer, weights in skips.items():
        outputs = affine(values[layer], weights, outputs, first)
    return pre_activations, values, outputs


def softmax(outputs):
    largest = max(z.real for z in outputs)
    exponentials = [_exp(z - largest) for z in outputs]
    return [e / sum(exponentials) for e in exponentials]


def sample_loss(loss, outputs, label, target):
    if loss == "squared":
        return 0.5 * (outputs[0] - target) ** 2
    if loss == "cross_entropy":
        largest = max(z.real for z in outputs)
        return _log(sum(_exp(z - largest) for z in outputs)) - (outputs[label] - largest)
    p = softmax(outputs)
    return 0.5 * sum((p[k] - (k == label)) ** 2 for k in range(len(p)))


def delta_of_outputs(loss, outputs, label, target):
    """Return the derivative of one sample's loss by each output."""
    if loss == "squared":
        return [outputs[0] - target]
    p = softmax(outputs)
    error = [p[k] - (k == label) for k in range(len(p))]
    if loss == "cross_entropy":
        return error
    inner = sum(p[k] * error[k] for k in range(len(p)))
    return [p[k] * (error[k] - inner) for k in range(len(p))]


def first_largest(outputs: Sequence[float]) -> int:
    best = 0
    for k in range(1, len(outputs)):
        if outputs[k] > outputs[best]:
            best = k
    return best


# ------------------------------------------------------------------------------- over a data set


def _samples(data):
    return zip(data.x.tolist(), data.y.tolist(), data.targets.tolist(), strict=True)


def logits(net, theta, x):
    return [forward(net, theta, sample)[2] for sample in x.tolist()]


def logits_on(net, theta, data):
    """Return the outputs on a data set, with its noise."""
    numbered = zip(data.x.tolist(), data.numbers.tolist(), strict=True)
    return [forward(net, theta, sample, 0, data.noise, number)[2] for sample, number in numbered]


def per_example_loss(net, theta, data):
    outputs, labels = logits_on(net, theta, data), zip(data.y.tolist(), data.targets.tolist(), strict=True)
    return [sample_loss(net.loss_name, z, y, t) for z, (y, t) in zip(outputs, labels, strict=True)]


def loss(net, theta, data):
    losses = per_example_loss(net, theta, data)
    return sum(losses) / len(losses)


def n_errors(net, theta, data):
    wrong = 0
    for outputs, y in zip(logits_on(net, theta, data), data.y.tolist(), strict=True):
        if net.loss_name == "squared":
            wrong += (outputs[0] > 0.5) != (y > 0)
        else:
            wrong += first_largest(outputs) != y
    return wrong


def n_tied(net, theta, data):
    if net.loss_name == "squared":
        return 0
    return sum(outputs.count(max(outputs)) > 1 for outputs in logits_on(net, theta, data))


def gradient(net, theta, data, first=0):
    """Return the gradient of the mean loss as a list, by backpropagation one sample and one weight at a time."""
    total = [0.0] * net.n_params
    for (x, y, t), number in zip(_samples(data), data.numbers.tolist(), strict=True):
        for k, derivative in enumerate(_sample_gradient(net, theta, x, y, t, first, data.noise, number)):
            total[k] += derivative
    return [value / data.n_samples for value in total]


def _sample_gradient(net, theta, x, y, t, first, noise, number):
    layers, skips = unpack(net, theta)
    pre_activations, values, outputs = forward(net, theta, x, first, noise, number)
    output_delta = delta = delta_of_outputs(net.loss_name, outputs, y, t)
    parts = []
    for layer in range(len(layers) - 1, -1, -1):
        outer = [value * d for value in values[layer] for d in delta]
        parts.append(outer + list(delta))
        if layer:
            weights = layers[layer][0]
            delta = affine(delta, _turned(weights), [0.0] * len(weights), first)
            if layer in skips:
                delta = affine(output_delta, _turned(skips[layer]), delta, first)
            slope = SLOPES[net.activation[layer - 1]]
            units = zip(delta, pre_activations[layer - 1], strict=True)
            delta = [
                d * slope(z) * noise_factor(noise, layer, unit, number) for unit, (d, z) in enumerate(units)
            ]
    result = [value for part in reversed(parts) for value in part]
    for layer in skips:
        result += [value * d for value in values[layer] for d in output_delta]
    return result


def _turned(weights):
    return [list(column) for column in zip(*weights, strict=True)]


def gradient_by_complex_step(net, theta, data):
    """Return the gradient from the loss alone: Im loss(theta + i h e_k) / h, exact to rounding for tiny h."""
    h, result = 1e-40, []
    for k in range(net.n_params):
        moved = [complex(value) for value in theta]
        moved[k] += 1j * h
        result.append(loss(net, moved, data).imag / h)
    return result


def hessian_vector(net, theta, data, v):
    """Return the Hessian of the mean loss times v: Im gradient(theta + i h v) / h, exact to rounding for tiny h."""
    h = 1e-40
    moved = [complex(value, h * float(step)) for value, step in zip(theta, v, strict=True)]
    return [slope.imag / h for slope in gradient(net, moved, data)]


def descend(net, theta, data, rate, n_steps, first=0):
    """Return theta after n_steps steps of gradient descent, as a list."""
    theta = [float(value) for value in theta]
    for _ in range(n_steps):
        slope = gradient(net, theta, data, first)
        theta = [value - rate * g for value, g in zip(theta, slope, strict=True)]
    return theta


# ------------------------------------------------------------------------------- exact arithmetic


def fused(a: float, b: float, c: float) -> float:
    """Return a * b + c, rounded once."""
    return float(Fraction(a) * Fraction(b) + Fraction(c))


def ordered_product(a, b, c):
    """Return C + A B for lists of rows, each element summed over k from the first to the last, one fma each."""
    result = []
    for a_row, c_row in zip(a, c, strict=True):
        sums = list(c_row)
        for value, b_row in zip(a_row, b, strict=True):
            sums = [fused(value, other, total) for other, total in zip(b_row, sums, strict=True)]
        result.append(sums)
    return result


def _decimal_logistic(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp())


def _decimal_tanh(x: Decimal) -> Decimal:
    if abs(x) < Decimal("1e-12"):
        return x - x**3 / 3
    e = (2 * x).exp()
    return (e - 1) / (e + 1)


def _decimal_log1p(x: Decimal) -> Decimal:
    return x - x * x / 2 + x**3 / 3 if x < Decimal("1e-16") else (1 + x).ln()


def _decimal_softplus(x: Decimal) -> Decimal:
    return x + _decimal_log1p((-x).exp()) if x > 0 else _decimal_log1p(x.exp())


EXACT = {
    "exp": Decimal.exp,
    "log": Decimal.ln,
    "log1p_of_positive": _decimal_log1p,
    "logistic": _decimal_logistic,
    "softplus": _decimal_softplus,
    "tanh": _decimal_tanh,
}


def ulps_off(name: str, x: float, got: float) -> float:
    """Return by how many units in the last place got differs from the function at x, computed with 50 digits."""
    with localcontext() as context:
        context.prec, context.Emin, context.Emax = 50, -999_999, 999_999
        exact = EXACT[name](Decimal(x))
        if abs(float(exact)) == math.inf or abs(got) == math.inf:
            return 0.0 if float(exact) == got else math.inf
        return float(abs(Decimal(got) - exact) / Decimal(math.ulp(float(exact))))
