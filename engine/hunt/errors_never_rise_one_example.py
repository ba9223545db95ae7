"""Hunts for tame starts from which a single example is right, then wrong, at a falling loss."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from engine.datasets.dataset import Dataset
from engine.hunt.search import Hunt, Judgement
from engine.hunt.variation import varied
from engine.mlp import MLP
from engine.witnesses import Witness

CLEAR: Final = 1e-4
"""By how much the label's logit must be ahead at the start, and behind later."""

_N_STEPS: Final = 60
_LARGEST: Final = 30.0


def draw(rng: np.random.Generator) -> Witness:
    """Return a 1-1-3 net on x = 1 whose outputs at the start are nearly tied, the label's just ahead."""
    net = MLP((1, 1, 3))
    theta = np.zeros(net.n_params)
    (_, first_bias), (weights, bias) = net.layers(theta)
    first_bias[...] = rng.uniform(-2.0, 2.0)
    weights[...] = rng.uniform(-_LARGEST, _LARGEST, weights.shape)
    hidden = 1.0 / (1.0 + np.exp(-first_bias[0]))
    bias[...] = np.clip(-weights[0] * hidden + 0.2 * rng.standard_normal(3), -_LARGEST, _LARGEST)
    bias[0] = (weights[0, 1:] * hidden + bias[1:]).max() - weights[0, 0] * hidden + 0.02
    data = Dataset([[1.0]], [0], "hunted", 3)
    return Witness("hunted", "", net, data, np.clip(theta, -_LARGEST, _LARGEST), 0.002, 1)


def vary(witness: Witness, rng: np.random.Generator) -> Witness:
    """Return a witness near another, at times with all numbers smaller."""
    return varied(witness, rng, _LARGEST, rate=True)


def judge(witness: Witness) -> Judgement | None:
    """Return how tame the start is: less its largest number.

    At the rate, /2, /4 and /8 the example must be right at the start and wrong later, and its loss fall on every step.
    """
    if _gap(witness, witness.theta) < CLEAR:
        return None
    for number in range(4):
        trainer = witness.trainer(witness.learning_rate * 0.5**number)
        trainer.step(_N_STEPS * 2**number)
        wrong = np.flatnonzero(trainer.history["n_errors"])
        if not len(wrong) or (np.diff(trainer.history["loss"]) >= 0).any():
            return None
        if number == 0:
            middle = int(wrong[len(wrong) // 2])
            p_true = np.exp(-trainer.history["loss"][[0, middle]])
    again = witness.trainer()
    again.step(middle)
    behind = -_gap(witness, again.theta)
    if behind < CLEAR:
        return None
    largest = float(np.abs(witness.theta).max())
    return Judgement(
        (-largest, behind),
        middle,
        f"The largest number of the start is {largest:.4g}. The example is right at the start and wrong, "
        f"{behind:.2g} behind, at step {middle}, while its probability rises from {p_true[0]:.4f} to {p_true[1]:.4f}.",
    )


def _gap(witness: Witness, theta: npt.NDArray[np.float64]) -> float:
    logits = witness.net.logits(theta, witness.data.x)[0]
    return float(logits[0] - logits[1:].max())


HUNT: Final = Hunt(
    claim_id="errors-never-rise-one-example",
    looks_for="a 1-1-3 logistic net and one example x = 1 that is right at the start and wrong later while its "
    "loss only falls, at smaller rates too; better is a start whose largest number is smaller",
    draw=draw,
    vary=vary,
    judge=judge,
)
