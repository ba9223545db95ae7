"""What the hunts on the gradients of the two losses share: a small net, one example, both gradients."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.activity import activity
from engine.datasets.dataset import Dataset
from engine.hunt.variation import varied
from engine.mlp import MLP
from engine.witnesses import Witness

FloatArray = npt.NDArray[np.float64]

LARGEST: Final = 10.0
"""No number of a start is larger: without a bound the hunts would run off to infinity."""

_ACTIVATIONS: Final = ("relu", "logistic", "tanh", "identity")


def draw(rng: np.random.Generator) -> Witness:
    """Return a 1-1-3 net at a random start, with the example x = 1 of class 0.

    The output's bias makes up for its weights, so that softmax is not saturated: there both gradients vanish.
    """
    net = MLP((1, 1, 3), str(rng.choice(_ACTIVATIONS)))
    theta = rng.uniform(-1.0, 1.0, net.n_params)
    weights, bias = net.layers(theta)[1]
    weights *= 10.0 ** rng.uniform(-1.0, math.log10(LARGEST))
    hidden = activity(net, theta, np.ones((1, 1))).values[1][0, 0]
    bias[...] = np.clip(rng.standard_normal(3) - weights[0] * hidden, -LARGEST, LARGEST)
    return Witness("hunted", "", net, Dataset([[1.0]], [0], "hunted", 3), theta, 0.01, 1)


def vary(witness: Witness, rng: np.random.Generator) -> Witness:
    """Return a witness near another."""
    return varied(witness, rng, LARGEST)


def gradients(witness: Witness) -> tuple[FloatArray, FloatArray]:
    """Return the gradients (n_params,) of the quadratic loss and of the cross-entropy at the start."""
    net = witness.net
    first, second = (
        MLP(net.layer_sizes, net.activation, loss).gradient(witness.theta, witness.data)
        for loss in ("quadratic", "cross_entropy")
    )
    return first, second
