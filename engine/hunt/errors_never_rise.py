"""Hunts for small sets of samples on which softmax regression, a convex model, makes more mistakes."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.datasets.dataset import Dataset
from engine.evaluator import make_evaluator
from engine.hunt.search import Hunt, Judgement
from engine.hunt.variation import varied
from engine.mlp import MLP
from engine.outcomes import flips, outcome
from engine.witnesses import Witness

MOST_SAMPLES: Final = 8
CLEAR: Final = 1e-6
"""By how much logits must be apart for a sample to count as right or wrong."""

_N_HALVINGS: Final = 3
_WAIT: Final = 3  # steps of the whole rate by which the rise may come later at the smaller ones
_LARGEST: Final = 5.0


def draw(rng: np.random.Generator) -> Witness:
    """Return a random start without bias on at most MOST_SAMPLES samples of one or two numbers."""
    n_features, n_samples = int(rng.integers(1, 3)), int(rng.integers(2, MOST_SAMPLES + 1))
    x = np.round(rng.standard_normal((n_samples, n_features)) * rng.choice((1.0, 4.0), (n_samples, 1)), 1)
    data = Dataset(x, rng.integers(0, 2, n_samples), "hunted", 2)
    net, theta = MLP((n_features, 2)), np.zeros(2 * n_features + 2)
    net.layers(theta)[0][0][...] = np.round(rng.uniform(-1.0, 1.0, (n_features, 2)), 2)
    return Witness("hunted", "", net, data, theta, float(rng.choice((0.25, 0.5, 1.0))), 1, train="weights")


def vary(witness: Witness, rng: np.random.Generator) -> Witness:
    """Return a witness near another."""
    return varied(witness, rng, _LARGEST, data=True, rate=True)


def judge(witness: Witness) -> Judgement | None:
    """Return mistakes that the witness's step adds while the loss falls, per number of the witness.

    The rise must come at rate/2, /4, /8 too, and no step may raise the loss.
    """
    net, data = witness.net, witness.data
    if data.n_samples > MOST_SAMPLES:
        return None
    trainer, evaluator = witness.trainer(), make_evaluator(net, data)
    if witness.n_steps > 1:
        trainer.step(witness.n_steps - 1)
    earlier = trainer.theta
    trainer.step(1)
    before, after = (outcome(data, evaluator.logits(theta)) for theta in (earlier, trainer.theta))
    change = flips(before, after, CLEAR)
    rise = len(change.lost) - len(change.won)
    loss, errors = trainer.history["loss"][-2:], trainer.history["n_errors"][-2:]
    if rise <= 0 or loss[1] >= loss[0] or not _persists(witness, rise):
        return None
    n_numbers = data.x.size + int(net.trained(witness.train).sum())
    least = float(np.abs(np.concatenate((before.gap[change.lost], after.gap[change.lost]))).min())
    return Judgement(
        (rise / n_numbers, least),
        witness.n_steps,
        f"{rise} more mistakes in one step ({errors[0]} to {errors[1]} of {data.n_samples}) while the loss falls "
        f"from {loss[0]:.4f} to {loss[1]:.4f}, with {n_numbers} numbers in all; so at rate/2, /4 and /8.",
    )


def _persists(witness: Witness, rise: int) -> bool:
    for number in range(1, _N_HALVINGS + 1):
        trainer = witness.trainer(witness.learning_rate * 0.5**number)
        trainer.step((witness.n_steps + _WAIT) * 2**number)
        errors = trainer.history["n_errors"]
        climbed = int((errors - np.minimum.accumulate(errors)).max())
        if climbed < rise or len(trainer.history.view().loss_rises):
            return False
    return True


HUNT: Final = Hunt(
    claim_id="errors-never-rise",
    looks_for=f"softmax regression without bias on at most {MOST_SAMPLES} samples, where one step adds mistakes and "
    "lowers the loss, at smaller rates too; better is more new mistakes per number (inputs and weights at the start)",
    draw=draw,
    vary=vary,
    judge=judge,
)
