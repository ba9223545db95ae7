"""How far softmax's probabilities are from the labels, in every measure, and both losses' gradients."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.special

from engine.activity import (
    Activity,
    activity_on,
    deltas,
    errors_of,
    finite_theta,
    probabilities,
    through_softmax,
)
from engine.arguments import check_net_and_data
from engine.datasets.dataset import Dataset
from engine.evaluator import make_evaluator
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

_SAMPLES_A_BLOCK: Final = 2048
_NATS_A_BIT: Final = math.log(2.0)


@dataclass(frozen=True, slots=True)
class Disparities:
    """Means over the samples at one theta; e is p - onehot(y), logarithms are natural unless "bits" is said.

    Attributes:
        l1, l2: sum of |e_k| (0 to 2), and the Euclidean norm of e (0 to sqrt 2); no squares.
        cross_entropy, cross_entropy_bits: -log p_y.
        entropy, entropy_bits: of p, -sum p_k log p_k.
        label_entropy: entropy of the labels among samples with the very same input; 0 where inputs differ.
        kl, kl_bits: Kullback-Leibler divergence of p from those label shares, so that cross_entropy =
            label_entropy + kl. Where inputs differ the shares are onehot(y), and kl is the cross-entropy.
        gradient_norm_quadratic, gradient_norm_cross_entropy: Euclidean norms of the gradients, by theta, of
            the two mean losses, whichever is trained.
    """

    l1: float
    l2: float
    cross_entropy: float
    cross_entropy_bits: float
    entropy: float
    entropy_bits: float
    label_entropy: float
    kl: float
    kl_bits: float
    gradient_norm_quadratic: float
    gradient_norm_cross_entropy: float


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """The same, sample by sample; all (n_samples,). u is a loss's gradient at the logits.

    Attributes:
        p_true: probability of the label.
        margin: logit of the label less the largest other; above 0 means right.
        cross_entropy, quadratic: -log p_y in nats, and 1/2 ||p - onehot(y)||^2.
        u_quadratic, u_cross_entropy: norms of u of either loss.
        weights_quadratic, weights_cross_entropy: norms of the gradient of the sample's own loss by theta.
    """

    p_true: FloatArray
    margin: FloatArray
    cross_entropy: FloatArray
    quadratic: FloatArray
    u_quadratic: FloatArray
    u_cross_entropy: FloatArray
    weights_quadratic: FloatArray
    weights_cross_entropy: FloatArray


class DisparityMeter:
    """Measures `Disparities` of a softmax network on a data set at one theta after another.

    Raises ValueError for a network with the squared loss, which has no probabilities. Not for two threads
    at a time. Both gradient norms are by the part of theta that train names, see `engine.parts`.

    Attributes:
        net, data: what it was made for.
    """

    def __init__(self, net: MLP, data: Dataset, n_threads: int = 1, train: str = "all") -> None:
        check_net_and_data(net, data)
        self._evaluators = [
            make_evaluator(with_loss(net, loss), data, n_threads=n_threads, train=train)
            for loss in ("quadratic", "cross_entropy")
        ]
        self.net, self.data = net, data
        self._label_entropy = label_entropy(data)

    def measure(self, theta: Any) -> Disparities:
        """Return the disparities at theta (n_params,)."""
        theta = finite_theta(self.net, theta)
        logits, y = self._evaluators[1].logits(theta), self.data.y
        p, gradient = probabilities(logits), np.empty(len(theta))
        error = errors_of(p, y)
        norms = [evaluator.evaluate(theta, gradient).gradient_norm for evaluator in self._evaluators]
        cross_entropy, entropy = float(_cross_entropy(logits, y).mean()), _mean_entropy(p)
        kl = cross_entropy - self._label_entropy
        return Disparities(
            l1=float(np.abs(error).sum(axis=1).mean()),
            l2=float(np.linalg.norm(error, axis=1).mean()),
            cross_entropy=cross_entropy,
            cross_entropy_bits=cross_entropy / _NATS_A_BIT,
            entropy=entropy,
            entropy_bits=entropy / _NATS_A_BIT,
            label_entropy=self._label_entropy,
            kl=kl,
            kl_bits=kl / _NATS_A_BIT,
            gradient_norm_quadratic=norms[0],
            gradient_norm_cross_entropy=norms[1],
        )


def disparities(net: MLP, data: Dataset, theta: Any) -> Disparities:
    """Return the disparities at theta (n_params,); for many thetas keep a `DisparityMeter`."""
    return DisparityMeter(net, data).measure(theta)


def per_example(net: MLP, data: Dataset, theta: Any) -> Examples:
    """Return losses, margins and gradient norms of each sample at theta (n_params,), exactly.

    The gradient of one sample by a weight matrix is the outer product of the layer's input a and delta d, so
    its norm, the bias with it, is ||d|| sqrt(||a||^2 + 1) (Goodfellow, "Efficient per-example gradient
    computations", 2015).

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    check_net_and_data(net, data)
    theta = finite_theta(net, theta)
    with_loss(net, "cross_entropy").evaluator(data)  # raises where the two do not fit
    parts = list(_example_blocks(net, data, theta))
    return Examples(
        *(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Examples))
    )


def with_loss(net: MLP, loss: str) -> MLP:
    """Return the same softmax network with the loss "cross_entropy" or "quadratic"."""
    if net.loss_name == "squared":
        raise ValueError("net must end in softmax for probabilities, not in the squared loss's one output.")
    return MLP(net.layer_sizes, net.activation or "logistic", loss, net.skip)


def label_entropy(data: Dataset) -> float:
    """Return the mean over samples of the entropy, in nats, of the labels given to the very same input.

    No network can have a smaller mean cross-entropy on this data.
    """
    numbers = _possibly_repeated(data.x)
    # 0.0 turns -0.0 into 0.0, so that equal numbers are equal bytes
    rows = [row.tobytes() for row in data.x[numbers] + 0.0]
    pairs, inputs = Counter(zip(rows, data.y[numbers].tolist(), strict=True)), Counter(rows)
    total = sum(n * math.log(inputs[row] / n) for (row, _), n in pairs.items())
    return total / data.n_samples


def _possibly_repeated(x: FloatArray) -> npt.NDArray[np.int64]:
    """Return the numbers (n,) of the rows of x that may have an equal: all that have, and hardly another.

    Rows are compared by a hash, a sum of their words times odd numbers: Python's own comparison of 60,000 images
    would hold the interpreter, and with it the window, for a tenth of a second.
    """
    factors = np.random.default_rng(0).integers(0, 2**63, x.shape[1], dtype=np.uint64) * 2 + 1
    hashes = np.concatenate(
        [
            ((x[start : start + _SAMPLES_A_BLOCK] + 0.0).view(np.uint64) * factors).sum(
                axis=1, dtype=np.uint64
            )
            for start in range(0, len(x), _SAMPLES_A_BLOCK)
        ]
    )
    _, places, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    return np.flatnonzero(counts[places] > 1)


def _example_blocks(net: MLP, data: Dataset, theta: FloatArray) -> Iterator[Examples]:
    for start in range(0, data.n_samples, _SAMPLES_A_BLOCK):
        part = slice(start, start + _SAMPLES_A_BLOCK)
        yield _measure_examples(net, theta, activity_on(net, theta, data, part), data.y[part])


def _measure_examples(net: MLP, theta: FloatArray, inside: Activity, y: Labels) -> Examples:
    p, rows = probabilities(inside.outputs), np.arange(len(y))
    error = errors_of(p, y)
    quadratic = through_softmax(p, error)
    return Examples(
        p_true=p[rows, y],
        margin=_margins(inside.outputs, y),
        cross_entropy=_cross_entropy(inside.outputs, y),
        quadratic=0.5 * (error * error).sum(axis=1),
        u_quadratic=np.linalg.norm(quadratic, axis=1),
        u_cross_entropy=np.linalg.norm(error, axis=1),
        weights_quadratic=_weight_norms(net, theta, inside, quadratic),
        weights_cross_entropy=_weight_norms(net, theta, inside, error),
    )


def _weight_norms(net: MLP, theta: FloatArray, inside: Activity, output_delta: FloatArray) -> FloatArray:
    """Return the norm of each sample's gradient by theta, (n_samples,)."""
    inputs = [(value * value).sum(axis=1) for value in inside.values]
    squares = np.zeros(len(output_delta))
    for square, delta in zip(inputs, deltas(net, theta, inside.slopes, output_delta), strict=True):
        squares += (delta * delta).sum(axis=1) * (square + 1.0)
    for layer in net.skip:
        squares += (output_delta * output_delta).sum(axis=1) * inputs[layer]
    return np.sqrt(squares)


def _cross_entropy(logits: FloatArray, y: Labels) -> FloatArray:
    """Return -log p_y, (n_samples,), exact to rounding also where p_y is 1 or 0 to rounding."""
    others = logits - logits[np.arange(len(y)), y][:, None]
    others[np.arange(len(y)), y] = -np.inf
    return np.asarray(np.logaddexp(0.0, scipy.special.logsumexp(others, axis=1)))


def _mean_entropy(p: FloatArray) -> float:
    return float(scipy.special.entr(p).sum(axis=1).mean())


def _margins(logits: FloatArray, y: Labels) -> FloatArray:
    others, rows = logits.copy(), np.arange(len(y))
    others[rows, y] = -np.inf
    return np.asarray(logits[rows, y] - others.max(axis=1))
