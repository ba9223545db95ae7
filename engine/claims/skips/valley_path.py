"""valley-path: from any point a path leads to a loss near 0 on which the loss never rises."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.claims.claim import Answer, Claim, Finding
from engine.claims.skips import theorem
from engine.claims.skips.training import steps
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.mlp import MLP
from engine.paths.valley import Walk, iter_valley_walk
from engine.trainer import Trainer

STARTS: Final = ("random", "far", "wrong", "symmetric")
"""Where walks start: a random start, 100 times as far out, trained on wrong labels, all weights 0.1."""

RISE: Final = 1e-12
"""A rise of the loss counts above this share of it."""

_N_WRONG_STEPS: Final = 300


@dataclass(frozen=True, slots=True, eq=False)
class _Walked:
    """A walk, from which start, in which network."""

    start: str
    net: MLP
    walk: Walk

    @property
    def is_down(self) -> bool:
        """Whether it arrived without a rise, between the points either."""
        return not self.walk.reason and self.walk.largest_rise <= RISE and self.walk.slope <= 0.0

    def as_dict(self) -> dict[str, object]:
        walk = self.walk
        return {
            "start": self.start,
            "skip": self.net.skip,
            "loss": [walk.loss[0], walk.loss[-1]],
            "n_errors": [walk.n_errors[0], walk.n_errors[-1]],
            "largest_rise": walk.largest_rise,
            "slope_at_the_end": walk.slope,
            "rank": [walk.rank_at_start, walk.rank],
            "stages": walk.stages,
            "length": walk.length[-1],
            "reason": walk.reason,
        }


def measure(
    seed: int = 0,
    data: str = "digits",
    n_samples: int = 100,
    hidden: tuple[int, ...] = (40, 40, 40),
    skip: tuple[int, ...] = (1, 2),
    activation: str = "logistic",
    starts: Sequence[str] = STARTS,
    target: float = 1e-9,
    contradiction: bool = False,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Walk down from each start, and once in the same network without skips."""
    config = RunConfig(
        data=data, n_samples=n_samples, hidden=hidden, skip=skip, activation=(activation,), seed=seed
    )
    net, samples = theorem.network_and_data(config, contradiction)
    found, share = [], 1.0 / (len(starts) + 1)
    for number, name in enumerate(starts):
        for done, answer in _walking(net, samples, name, seed, target):  # noqa: B007 -- the last is wanted
            yield (number + done) * share, None
        assert answer is not None
        found.append(_Walked(name, net, answer))
    plain = MLP(net.layer_sizes, net.activation)
    for done, answer in _walking(plain, samples, "random", seed, target):  # noqa: B007
        yield 1.0 - share * (1.0 - done), None
    assert answer is not None
    yield 1.0, _finding(config, samples, found, _Walked("random", plain, answer), target)


def start(net: MLP, data: Dataset, name: str, seed: int) -> npt.NDArray[np.float64]:
    """Return one of `STARTS`, (n_params,); "wrong" as it is before it is trained on wrong labels."""
    checks.choice("starts", name, STARTS)
    if name == "symmetric":
        return net.init("constant", value=0.1)
    return net.init("glorot_uniform", seed) * (100.0 if name == "far" else 1.0)


def _walking(
    net: MLP, data: Dataset, name: str, seed: int, target: float
) -> Generator[tuple[float, Walk | None], None, None]:
    theta = start(net, data, name, seed)
    if name == "wrong":
        trainer = Trainer(net, theorem.mislabelled(data), theta, 0.2)
        for share in steps(trainer, _N_WRONG_STEPS):
            yield 0.5 * share, None
        theta = trainer.theta
    for done, walk in iter_valley_walk(net, data, theta, target, seed=seed):
        yield 0.5 + 0.5 * done, walk


def _finding(
    config: RunConfig, data: Dataset, found: Sequence[_Walked], plain: _Walked, target: float
) -> Finding:
    n_down = sum(one.is_down for one in found)
    worst = max(one.walk.largest_rise for one in found)
    highest = max(found, key=lambda one: one.walk.loss[0]).walk
    stuck = next((one for one in found if not one.is_down), None)
    words = "" if stuck is None else f" From {stuck.start}: {stuck.walk.reason or 'the loss rose.'}"
    return Finding(
        stands=True if n_down == len(found) else None,
        margin=abs(RISE - worst),
        summary=f"{n_down} of {len(found)} walks reached a loss of at most {target:g} and no mistake, from losses up "
        f"to {highest.loss[0]:.3g}; the largest rise on the way is {worst:.1e} of the loss.{words} Without skips the "
        f"same way ends at the loss {plain.walk.loss[-1]:.2g} with {plain.walk.n_errors[-1]} mistakes.",
        evidence={
            "margin_is": "what counts as a rise (1e-12 of the loss) less the largest rise on a walk",
            "settings": config.as_text(),
            "target": target,
            "between_the_points": "the loss is convex along output weights, and its slope at the end is negative",
            "walks": [one.as_dict() for one in found],
            "without_skips": plain.as_dict(),
        },
        assumptions=theorem.assumptions(found[0].net, data),
    )


CLAIM: Final = Claim(
    claim_id="valley-path",
    source_key="skips",
    statement="With enough skip connections a path leads from any point to a loss as near 0 as you like, and on it "
    "the loss never rises: there is no bad local valley.",
    cited="Theorem 3.4",
    expected=Answer.HOLDS,
    measure=measure,
)
