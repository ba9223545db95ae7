"""Hunts for lines through 0 along which the loss is higher in the middle than the mean of its ends."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.datasets.dataset import Dataset
from engine.hunt.search import Hunt, Judgement
from engine.hunt.variation import varied
from engine.mlp import MLP
from engine.witnesses import Witness

LARGEST: Final = 2.0
"""No number of a start is larger."""

_ACTIVATIONS: Final = ("identity", "tanh", "logistic", "relu")


def draw(rng: np.random.Generator) -> Witness:
    """Return a net with one or two hidden units, all of whose biases are 0, and one sample x = 1."""
    net = MLP((1, int(rng.integers(1, 3)), 2), str(rng.choice(_ACTIVATIONS)))
    theta = rng.uniform(-LARGEST, LARGEST, net.n_params) * net.trained("weights")
    return Witness("hunted", "", net, Dataset([[1.0]], [0], "hunted", 2), theta, 0.1, 1, train="weights")


def vary(witness: Witness, rng: np.random.Generator) -> Witness:
    """Return a witness near another."""
    return varied(witness, rng, LARGEST)


def judge(witness: Witness) -> Judgement | None:
    """Return by how much the loss at 0 exceeds the mean of those at theta and -theta, per trained number."""
    ends = [witness.net.loss(sign * witness.theta, witness.data) for sign in (1.0, -1.0)]
    middle = witness.net.loss(0.0 * witness.theta, witness.data)
    excess = middle - 0.5 * sum(ends)
    if excess <= 1e-12 * middle:
        return None
    n_numbers = int(witness.net.trained(witness.train).sum())
    return Judgement(
        (excess / n_numbers,),
        witness.n_steps,
        f"With {n_numbers} weights the loss is {ends[0]:.4f} at the start, {ends[1]:.4f} at its mirror image and "
        f"{middle:.4f} in the middle, at 0: {excess:.4f} above the mean of the ends.",
    )


HUNT: Final = Hunt(
    claim_id="convex-in-weights",
    looks_for=f"a net with one hidden layer and weights up to {LARGEST:g}, whose loss at 0 is above the mean of the "
    "losses at the start and at its mirror image through 0; better is a larger excess per weight",
    draw=draw,
    vary=vary,
    judge=judge,
)
