"""symmetry-stays: hidden units that start equal stay equal for ever, to the last bit."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine import checks, symmetry
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.config import RunConfig
from engine.datasets import Dataset, load_dataset
from engine.mlp import MLP
from engine.trainer import Trainer

FloatArray = npt.NDArray[np.float64]

CONSTANTS: Final = (0.0, 0.1, -0.3, 0.5, 1.0)
STARTS: Final = ("equal", "mixed")
_N_PARTS: Final = 10
_MIXED: Final = "first layer constant, the others random"


@dataclass(frozen=True, slots=True)
class _Race:
    """What one start came to: the largest spread, and the step at which it was first above 0 (None: never)."""

    start: str
    spread: float
    step: int | None
    n_steps: int
    stopped: str

    @property
    def words(self) -> str:
        return f"different from step {self.step:,} on, by up to {self.spread:.2g} in {self.n_steps:,} steps"

    def as_row(self) -> dict[str, str | float | int | None]:
        return {
            "start": self.start,
            "n_steps": self.n_steps,
            "spread": self.spread,
            "units": "identical" if self.step is None else self.words,
        }


def measure(
    seed: int = 0,
    data: str = "digits",
    hidden: tuple[int, ...] = (7,),
    learning_rate: float = 1.0,
    n_steps: int = 200,
    arithmetic: str = "ordered",
    start: str = "equal",
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train from several starts with equal hidden units, and look for the first bit that differs.

    Args:
        seed: of the random numbers in the last two starts.
        start: "equal", or "mixed" to have the first layer constant and the others random.
    """
    checks.choice("start", start, STARTS)
    config = RunConfig(
        data=data, hidden=hidden, learning_rate=learning_rate, arithmetic=arithmetic, seed=seed
    )
    samples = load_dataset(data)
    net = MLP.from_config(config, samples)
    starts = _equal_starts(net, seed) if start == "equal" else {_MIXED: _mixed(net, seed)}
    trainers = {name: _trainer(config, net, samples, theta) for name, theta in starts.items()}
    contrast = _trainer(config, net, samples, _mixed(net, seed))
    for i, trainer in enumerate((*trainers.values(), contrast)):
        for part in range(_N_PARTS):
            trainer.step(max(1, n_steps // _N_PARTS))
            yield (i + (part + 1) / _N_PARTS) / (len(trainers) + 2), None
    are_equal = all(symmetry.spread(net, theta) == 0.0 for theta in starts.values())
    yield (
        1.0,
        _finding(config, [_race(*item) for item in trainers.items()], _race(_MIXED, contrast), are_equal),
    )


def _equal_starts(net: MLP, seed: int) -> dict[str, FloatArray]:
    starts = {f"all {value:g}": net.init("constant", value=value) for value in CONSTANTS}
    rng = np.random.default_rng(seed)
    starts["one constant a layer"] = _constant_layers(net, rng)
    starts["equal columns of the first weights, equal rows of the last"] = _equal_units(net, rng)
    return starts


def _constant_layers(net: MLP, rng: np.random.Generator) -> FloatArray:
    theta = np.zeros(net.n_params)
    for weights, bias in net.layers(theta):
        weights[...], bias[...] = rng.normal(), rng.normal()
    return theta


def _equal_units(net: MLP, rng: np.random.Generator) -> FloatArray:
    """Return random numbers for one unit a hidden layer and for the output's biases; its likes are copies."""
    theta = _constant_layers(net, rng)
    layers = net.layers(theta)
    layers[0][0][...] = rng.normal(size=(net.layer_sizes[0], 1))
    layers[-1][0][...] = rng.normal(size=net.n_outputs)
    layers[-1][1][...] = rng.normal(size=net.n_outputs)
    return theta


def _mixed(net: MLP, seed: int) -> FloatArray:
    theta = net.init("glorot_uniform", seed=seed)
    net.layers(theta)[0][0][...] = 0.1
    return theta


def _trainer(config: RunConfig, net: MLP, data: Dataset, theta: FloatArray) -> Trainer:
    return Trainer(net, data, theta, config.learning_rate, arithmetic=config.arithmetic)


def _race(name: str, trainer: Trainer) -> _Race:
    spread = trainer.history["symmetry_spread"]
    step = int(np.argmax(spread > 0.0)) if spread.any() else None
    return _Race(name, float(spread.max()), step, trainer.n_steps, trainer.reason)


def _finding(config: RunConfig, races: list[_Race], contrast: _Race, are_equal: bool) -> Finding:
    worst = max(races, key=lambda race: race.spread)
    stopped = next((race.stopped for race in races if race.stopped), "")
    stands = False if worst.spread > 0.0 else None if stopped else True
    return Finding(
        stands=stands,
        margin=worst.spread,
        summary=_summary(races, worst, stopped, contrast),
        evidence={
            "margin_is": "the largest difference between two hidden units over all starts and steps; only 0.0 "
            "counts as equal",
            "settings": config.as_text(),
            "starts": [race.as_row() for race in races],
            "contrast": contrast.as_row(),
            "stopped": stopped,
        },
        assumptions=(Assumption("The hidden units are equal before the first step.", are_equal),),
    )


def _summary(races: list[_Race], worst: _Race, stopped: str, contrast: _Race) -> str:
    n_steps = min(race.n_steps for race in races)
    if worst.step is not None:
        return f"From the start '{worst.start}' the units are {worst.words}."
    if stopped:
        return f"Equal for {n_steps:,} steps, and then: {stopped}"
    return (
        f"The units of {len(races)} starts are identical to the last bit after {n_steps:,} steps each; with only "
        f"the first layer constant they differ by {contrast.spread:.2g}."
    )


CLAIM: Final = Claim(
    claim_id="symmetry-stays",
    source_key="exam",
    statement="Hidden units that start with equal weights stay equal on every step, to the last bit.",
    cited='first answer, question 1: "all gradients (in the same layer) will be the same. Always."',
    expected=Answer.HOLDS,
    measure=measure,
)
