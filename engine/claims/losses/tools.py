"""What several claims about the two losses share: gradients at the logits, data, and a net of one unit."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.activity import errors_of, through_softmax
from engine.claims.claim import Assumption
from engine.datasets import Dataset, load_dataset
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

ROUNDING: Final = 1e-12
"""How far a ratio may be above its bound, relatively, and still count as at it."""


def softmax_assumption(is_met: bool) -> Assumption:
    """Return the assumption that both losses are of the same probabilities."""
    return Assumption(
        "The outputs go through softmax, so that both losses see the same probabilities.", is_met
    )


def logit_gradients(p: FloatArray, y: Labels) -> tuple[FloatArray, FloatArray]:
    """Return the gradients by the logits of ½ ‖p − onehot(y)‖² and −log p_y, each (n_samples, n_classes)."""
    error = errors_of(p, y)
    return through_softmax(p, error), error


def random_logits(rng: np.random.Generator, n_samples: int, n_classes: int) -> tuple[FloatArray, Labels]:
    """Return logits of all sizes from 0.01 to 30, and labels; the first two rows are tied for the top."""
    sizes = 10.0 ** rng.uniform(-2.0, math.log10(30.0), n_samples)
    logits = sizes[:, None] * rng.standard_normal((n_samples, n_classes))
    logits[:2] = -60.0
    logits[:2, :2] = 0.0
    labels = rng.integers(0, n_classes, n_samples)
    labels[:2] = 0, 1
    return logits, labels


def with_classes(name: str, n_classes: int | None) -> Dataset:
    """Return a data set with its labels taken modulo n_classes; None leaves them."""
    data = load_dataset(name)
    if n_classes is None or n_classes >= data.n_classes:
        return data
    return Dataset(data.x, data.y % n_classes, f"{name} mod {n_classes}", n_classes, data.image_shape)


def one_unit(p: FloatArray, outgoing: FloatArray, label: int) -> tuple[MLP, Dataset, FloatArray]:
    """Return a 1-1-C ReLU net, its one example x = 1, and theta: the unit puts out 1 and softmax gives p (C,).

    outgoing (C,) are the weights from the unit to the outputs; the biases make up for them.
    """
    net = MLP((1, 1, len(p)), "relu")
    theta = np.zeros(net.n_params)
    (into, _), (out, bias) = net.layers(theta)
    into[...], out[0] = 1.0, outgoing
    bias[...] = np.log(p) - outgoing
    return net, Dataset([[1.0]], [label], "one example", len(p)), theta
