"""reaches-minimum: does training minimise the loss from any start?"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine import symmetry
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.config import RunConfig
from engine.curvature import extreme_eigenpairs
from engine.datasets import Dataset
from engine.mlp import MLP
from engine.trainer import Trainer
from engine.witnesses import Witness

FloatArray = npt.NDArray[np.float64]

AGREEMENT: Final = 0.01
"""Losses of a convex problem from two starts that differ by up to this share of the lower count as equal."""
_XOR = RunConfig(data="xor", hidden=(2,), init="normal", init_scale=1.0, learning_rate=1.0)
XOR_STEPS: Final = 20_000
_XOR_SOLVED: Final = 0.05
_N_PARTS: Final = 20


@dataclass(frozen=True, slots=True)
class _Bend:
    """The end of a run: gradient norm, ends of the Hessian's spectrum, what the lowest eigenvector does."""

    gradient_norm: float
    lowest: float
    largest: float
    breaking_share: float


@dataclass(frozen=True, slots=True, eq=False)
class _Xor:
    """Runs on the four corners of a square: from the start in question, and from random ones."""

    start: Trainer
    bound: float
    random: FloatArray

    @property
    def loss(self) -> float:
        return float(self.start.history["loss"][-1])

    @property
    def spread(self) -> float:
        return float(self.start.history["symmetry_spread"].max())

    @property
    def is_stuck(self) -> bool:
        """Whether that start can never come down to what a random one reached."""
        return self.spread == 0.0 and bool(self.random.min() < self.bound <= self.loss * (1.0 + 1e-12))


def measure(
    seed: int = 0,
    data: str = "digits",
    hidden: tuple[int, ...] = (32,),
    init: str = "constant",
    learning_rate: float = 1.0,
    n_steps: int = 1000,
    n_xor: int = 12,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train from one start and from another, random one; look where the first rests, and do the same on XOR.

    Args:
        seed: of the random starts; above 0 it also draws the constant, between 0.02 and 0.06.
        init: the start in question.
        n_xor: number of random starts on XOR, of 20,000 steps each.
    """
    value = 0.05 if seed == 0 else float(np.random.default_rng(seed).uniform(0.02, 0.06))
    config = RunConfig(
        data=data, hidden=hidden, init=init, init_value=value, learning_rate=learning_rate, seed=seed
    )
    trainers = [
        Trainer.from_config(config),
        Trainer.from_config(config.replace(init="glorot_uniform", seed=seed + 1000)),
    ]
    for i, trainer in enumerate(trainers):
        for part in range(_N_PARTS):
            trainer.step(max(1, n_steps // _N_PARTS))
            yield 0.35 * (i + (part + 1) / _N_PARTS), None
    bend, xor = None, None  # without a hidden layer the loss is convex, and nobody needs to look
    if hidden:
        bend = _bend(trainers[0])
        yield 0.8, None
        start = Trainer.from_config(_XOR.replace(init=init, init_value=value, seed=seed))
        start.step(XOR_STEPS)
        randoms = [Trainer.from_config(_XOR.replace(seed=n_xor * seed + i)) for i in range(n_xor)]
        for i, trainer in enumerate(randoms):
            trainer.step(XOR_STEPS)
            yield 0.8 + 0.2 * i / n_xor, None
        losses = np.array([trainer.history["loss"][-1] for trainer in randoms])
        xor = _Xor(start, one_unit_bound(start.data), losses)
    yield 1.0, _finding(trainers[0], trainers[1], bend, xor)


def _bend(trainer: Trainer) -> _Bend:
    pairs = extreme_eigenpairs(trainer.net, trainer.data, trainer.theta, tolerance=1e-4)
    return _Bend(
        gradient_norm=float(trainer.history["gradient_norm"][-1]),
        lowest=float(pairs.smallest[0]),
        largest=float(pairs.largest[0]),
        breaking_share=breaking_share(trainer.net, pairs.smallest_vectors[:, 0]),
    )


def breaking_share(net: MLP, direction: FloatArray) -> float:
    """Return the share of direction (n_params,), squared, that makes equal hidden units unequal; 0 to 1.

    It is what remains when every hidden unit gets the mean of its layer, weight by weight.
    """
    mean = direction.copy()
    layers = net.layers(mean)
    for layer in range(net.n_hidden):
        into, out = layers[layer], layers[layer + 1]
        into[0][...] = into[0].mean(axis=1, keepdims=True)
        into[1][...] = into[1].mean()
        out[0][...] = out[0].mean(axis=0)
    for weights in net.skip_weights(mean):
        weights[...] = weights.mean(axis=0)
    total = float(direction @ direction)
    return float((direction - mean) @ (direction - mean)) / total if total else 0.0


def one_unit_bound(data: Dataset) -> float:
    """Return the least mean cross-entropy that a monotone function of one projection has on 2-D points, 2 classes.

    Equal hidden units of a monotone activation are such a function, whatever their number: no start with equal
    units comes below. For each order in which a direction can put the points, isotonic regression gives the
    best probabilities.
    """
    lowest = math.inf
    for angle in _angles(data.x):
        order = np.argsort(data.x @ [math.cos(angle), math.sin(angle)])
        lowest = min(lowest, _isotonic_loss(data.y[order]))
    return lowest


def _angles(x: FloatArray) -> FloatArray:
    """Return one direction for each order of the points x (n, 2): they change across the lines through two."""
    first, second = np.triu_indices(len(x), k=1)
    gaps = x[second] - x[first]
    turns = np.arctan2(gaps[:, 1], gaps[:, 0]) + 0.5 * np.pi
    critical = np.unique(np.round(np.mod(np.concatenate([turns, turns + np.pi]), 2.0 * np.pi), 12))
    return critical + 0.5 * np.diff(critical, append=critical[0] + 2.0 * np.pi)


def _isotonic_loss(labels: npt.NDArray[np.int64]) -> float:
    from scipy.optimize import isotonic_regression  # half a second to import, and the ledger lists all claims

    p = np.clip(isotonic_regression(labels.astype(np.float64)).x, 0.0, 1.0)
    of_label = np.where(labels == 1, p, 1.0 - p)
    return float(-np.log(of_label).mean())


def _finding(first: Trainer, other: Trainer, bend: _Bend | None, xor: _Xor | None) -> Finding:
    lost, found = float(first.history["loss"][-1]), float(other.history["loss"][-1])
    n_rises = len(first.history.view().loss_rises) + len(other.history.view().loss_rises)
    gap = abs(lost - found) / min(lost, found)
    return Finding(
        stands=_stands(first, lost, found, gap, bend, xor),
        margin=float(xor.bound - xor.random.min())
        if xor is not None and xor.is_stuck
        else abs(gap - AGREEMENT),
        summary=_summary(lost, found, bend, xor),
        evidence=_evidence(first, other, bend, xor) | {"loss": lost, "loss_from_random_start": found},
        assumptions=(
            Assumption("The rate is small enough: no step raises the loss, from either start.", n_rises == 0),
        ),
        witness=_witness(xor) if xor is not None and xor.is_stuck else None,
    )


def _witness(xor: _Xor) -> Witness:
    config, net = xor.start.config, xor.start.net
    theta = net.init(config.init, config.seed, config.init_scale, config.init_value)
    text = f"Two equal units on XOR, whose loss can never go below {xor.bound:.4f}."
    return Witness("xor-equal-units", text, net, xor.start.data, theta, config.learning_rate, XOR_STEPS)


def _stands(
    first: Trainer, lost: float, found: float, gap: float, bend: _Bend | None, xor: _Xor | None
) -> bool | None:
    if bend is None or xor is None:  # convex: both go to the one least value
        return True if gap <= AGREEMENT else None
    is_equal = symmetry.spread(first.net, first.theta) == 0.0
    has_way_down = bend.lowest < 0.0 and bend.breaking_share > 0.5
    return False if xor.is_stuck and is_equal and has_way_down and lost > 2.0 * found else None


def _summary(lost: float, found: float, bend: _Bend | None, xor: _Xor | None) -> str:
    words = f"Loss {lost:.4g} against {found:.4g} from a random start"
    if bend is None or xor is None:
        return f"{words}: without a hidden layer the loss is convex, and has no other place to rest."
    wrong = int((xor.random > _XOR_SOLVED).sum())
    return (
        f"{words}: a plateau with negative curvature (gradient norm {bend.gradient_norm:.2g}, lowest eigenvalue "
        f"{bend.lowest:.3g}, of which {bend.breaking_share:.3f} breaks the symmetry). XOR: {xor.loss:.4f}, equal units "
        f"can never go below {xor.bound:.4f}; {wrong} of {len(xor.random)} random starts end above {_XOR_SOLVED:g}."
    )


def _evidence(first: Trainer, other: Trainer, bend: _Bend | None, xor: _Xor | None) -> dict[str, Any]:
    evidence: dict[str, Any] = {
        "margin_is": "with hidden units: how far below the bound for equal units a random start came on XOR, in "
        "nats; else: the difference of the two losses as a share of the lower, against the tolerance 0.01",
        "settings": first.config.as_text(),
        "settings_of_random_start": other.config.as_text(),
        "n_steps": first.n_steps,
        "spread": float(first.history["symmetry_spread"][-1]),
    }
    if bend is not None:
        evidence |= {
            "gradient_norm": bend.gradient_norm,
            "lowest_eigenvalue": bend.lowest,
            "largest_eigenvalue": bend.largest,
            "share_that_breaks_symmetry": bend.breaking_share,
        }
    if xor is not None:
        evidence["xor"] = {
            "settings_of_random_starts": _XOR.as_text(),
            "n_steps": XOR_STEPS,
            "loss": xor.loss,
            "spread": xor.spread,
            "bound": xor.bound,
            "random_losses": xor.random,
        }
    return evidence


CLAIM: Final = Claim(
    claim_id="reaches-minimum",
    source_key="exam",
    statement="Training on the full batch with a small rate brings the loss to its minimum from any start.",
    cited="question 1; both answers say no",
    expected=Answer.VIOLATED,
    measure=measure,
    condition="without a hidden layer, where the loss is convex; and on these digits a usual random start does well, "
    "which is no guarantee.",
)
