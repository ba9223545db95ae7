"""one-parameter-per-layer: from equal weights, are all gradients of a layer one and the same number?"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine import symmetry
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.config import RunConfig
from engine.mlp import MLP
from engine.trainer import Trainer

FloatArray = npt.NDArray[np.float64]

TOLERANCE: Final = 1e-9
"""Gradients that differ by up to this share of the largest one in the network count as the same."""
_N_PARTS: Final = 12


@dataclass(frozen=True, slots=True)
class _Moment:
    """The gradient of each layer at one step, weights and biases apart: how many values, how far apart."""

    step: int
    weights: tuple[int, ...]
    biases: tuple[int, ...]
    difference: float

    @property
    def most(self) -> int:
        return max(*self.weights, *self.biases)


def measure(
    seed: int = 0,
    data: str = "digits",
    hidden: tuple[int, ...] = (32,),
    loss: str = "cross_entropy",
    init: str = "constant",
    learning_rate: float = 1.0,
    n_steps: int = 600,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train from one constant and count the different values in the gradient of each layer.

    Args:
        seed: chooses the constant between 0.05 and 0.5; seed 0 is 0.05.
        init: "constant", or a random start, where nothing is claimed.
    """
    value = 0.05 if seed == 0 else float(np.random.default_rng(seed).uniform(0.05, 0.5))
    config = RunConfig(
        data=data,
        hidden=hidden,
        loss=loss,
        init=init,
        init_value=value,
        learning_rate=learning_rate,
        seed=seed,
        activation=("logistic",),
    )
    trainer = Trainer.from_config(config)
    is_constant = all(
        len(np.unique(part)) == 1 for layer in trainer.net.layers(trainer.theta) for part in layer
    )
    moments = [_moment(trainer)]
    for part in range(_N_PARTS):
        trainer.step(1 if part == 0 else max(1, n_steps // _N_PARTS))
        moments.append(_moment(trainer))
        yield (part + 1) / (_N_PARTS + 1), None
    yield 1.0, _finding(trainer, moments, is_constant)


def _moment(trainer: Trainer) -> _Moment:
    snapshot = trainer.snapshot()
    layers = snapshot.net.layers(np.array(snapshot.gradient))
    scale = float(np.abs(snapshot.gradient).max()) or 1.0
    parts = [part / scale for layer in layers for part in layer]
    return _Moment(
        step=trainer.n_steps,
        weights=tuple(_n_values(weights / scale) for weights, _ in layers),
        biases=tuple(_n_values(bias / scale) for _, bias in layers),
        difference=max(float(np.ptp(part)) for part in parts),
    )


def _n_values(numbers: FloatArray) -> int:
    """Return how many values there are, taking neighbours closer than TOLERANCE as one."""
    return int((np.diff(np.sort(numbers, axis=None)) > TOLERANCE).sum()) + 1


def _finding(trainer: Trainer, moments: list[_Moment], is_constant: bool) -> Finding:
    starkest = max(moments, key=lambda moment: moment.difference)
    richest = max(moments, key=lambda moment: moment.most)
    units = [_n_units(trainer.net, trainer.theta, layer) for layer in range(1, trainer.net.n_hidden + 1)]
    return Finding(
        stands=starkest.difference <= TOLERANCE,
        margin=abs(starkest.difference - TOLERANCE),
        summary=_summary(moments[0], richest, units),
        evidence=_evidence(trainer, moments, starkest, units),
        assumptions=(
            Assumption("Each layer starts with one constant for its weights and biases.", is_constant),
        ),
    )


def _n_units(net: MLP, theta: FloatArray, layer: int) -> int:
    return symmetry.n_distinct(symmetry.unit_parameters(net, theta, layer))


def _summary(first: _Moment, richest: _Moment, units: list[int]) -> str:
    return (
        f"Different values in the gradient of each layer's weights: {_listed(first.weights)} before the first step, "
        f"{_listed(richest.weights)} at step {richest.step:,}; different hidden units in each layer at the end: "
        f"{_listed(tuple(units))}."
    )


def _listed(numbers: tuple[int, ...]) -> str:
    return " and ".join(f"{number:,}" for number in numbers) or "none"


def _evidence(
    trainer: Trainer, moments: list[_Moment], starkest: _Moment, units: list[int]
) -> dict[str, Any]:
    return {
        "margin_is": "the largest difference between two gradients of one layer (weights and biases apart), as a "
        f"share of the network's largest gradient, against the tolerance {TOLERANCE:g}",
        "settings": trainer.config.as_text(),
        "largest_difference": starkest.difference,
        "step": starkest.step,
        "distinct_gradients": [
            {"step": one.step, "weights": list(one.weights), "biases": list(one.biases)} for one in moments
        ],
        "distinct_weights_at_the_end": [
            len(np.unique(weights)) for weights, _ in trainer.net.layers(trainer.theta)
        ],
        "distinct_hidden_units_at_the_end": units,
    }


CLAIM: Final = Claim(
    claim_id="one-parameter-per-layer",
    source_key="exam",
    statement="If all weights start equal, all gradients of a layer stay equal: one parameter a layer is learned.",
    cited='first answer, question 1: "the network effectively only learns one parameter per layer"',
    expected=Answer.VIOLATED,
    measure=measure,
    condition="with a single input and a single output; in general one hidden unit a layer is learned, with a "
    "weight of its own from each input and to each output.",
)
