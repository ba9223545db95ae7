"""What the claims about single steps share: a start that runs at any rate, and who flips on a step."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.commands import Pause, Step
from engine.config import RunConfig
from engine.datasets.dataset import Dataset
from engine.mlp import MLP
from engine.outcomes import Outcome, flips
from engine.snapshot import State
from engine.trainer import Trainer
from engine.witnesses import Witness

FloatArray = npt.NDArray[np.float64]

_BUDGET_S: Final = 0.1


def start_of(config: RunConfig) -> Witness:
    """Return the start of a run as a Witness, to be run at other rates."""
    trainer = Trainer.from_config(config)
    return Witness(
        name="start",
        text="The start of these settings.",
        net=trainer.net,
        data=trainer.data,
        theta=trainer.theta,
        learning_rate=config.learning_rate,
        n_steps=1,
        batch_size=config.batch_size,
        seed=config.seed,
        train=config.train,
    )


def stepping(trainer: Trainer, n_steps: int) -> Iterator[float]:
    """Take n_steps steps and yield the share taken, several times a second; stop where the run diverges."""
    first = trainer.n_steps
    trainer.apply(Step(n_steps))
    try:
        while trainer.state is State.RUNNING:
            trainer.advance(_BUDGET_S)
            yield (trainer.n_steps - first) / n_steps
    finally:
        trainer.apply(Pause())


def shares(
    generator: Iterator[float], first: float, last: float
) -> Generator[tuple[float, None], None, None]:
    """Yield (share of the whole, None) of a part that reaches from first to last."""
    for share in generator:
        yield first + share * (last - first), None


def flip_table(data: Dataset, before: Outcome, after: Outcome, most: int = 5) -> list[dict[str, Any]]:
    """Return the lost samples as rows of evidence, the clearest losses first, at most `most` of them."""
    lost = flips(before, after).lost
    rows = lost[np.argsort(after.gap[lost])][:most]
    winners = after.p[rows].argmax(axis=1)
    return [
        {
            "example": int(row),
            "label": int(data.y[row]),
            "guess_after": int(winner),
            "p_label_before": float(before.p_true[row]),
            "p_label_after": float(after.p_true[row]),
            "p_guess_before": float(before.p[row, winner]),
            "p_guess_after": float(after.p[row, winner]),
            "own_loss_fell": bool(after.loss[row] < before.loss[row]),
        }
        for row, winner in zip(rows, winners, strict=True)
    ]


def steepest_jump(
    net: MLP, data: Dataset, theta: FloatArray, step: FloatArray, n_halvings: int = 30
) -> float:
    """Return which share of the change of slope along a step is left on 2^-n_halvings of it.

    The slope of the loss along theta + t step is compared at the ends of an interval, which is halved again and
    again towards the greater change. At a kink that lies on the step the share stays near 1; for a smooth
    loss it goes to 0 like the length.
    """
    low, high = 0.0, 1.0

    def slope(t: float) -> float:
        return float(net.gradient(theta + t * step, data) @ step)

    at_low, at_high = slope(low), slope(high)
    whole = abs(at_high - at_low)
    for _ in range(n_halvings):
        middle = 0.5 * (low + high)
        at_middle = slope(middle)
        if abs(at_middle - at_low) > abs(at_high - at_middle):
            high, at_high = middle, at_middle
        else:
            low, at_low = middle, at_middle
    return abs(at_high - at_low) / whole if whole else 0.0
