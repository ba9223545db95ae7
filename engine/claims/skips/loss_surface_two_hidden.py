"""loss-surface-two-hidden: what skip connections do to the picture of the loss on a plane."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.skips import theorem
from engine.claims.skips.pairs import Interval, paired
from engine.claims.skips.training import steps
from engine.config import RunConfig
from engine.landscape import filter_normalised_direction, iter_plane_slice
from engine.mlp import MLP
from engine.trainer import Trainer

FloatArray = npt.NDArray[np.float64]

_ACTIVATIONS: Final = ("tanh", "logistic", "softplus")
_HALF_WIDTH: Final = 3.0  # in lengths of each unit's own weights
_BENT: Final = 1e-12  # a second difference counts as bent down below this share of the loss


@dataclass(frozen=True, slots=True)
class _Surface:
    """The loss on a grid: share of second differences along the axes that bend down, valleys, lowest loss."""

    bent: float
    n_valleys: int
    lowest: float


Pair = tuple[_Surface, _Surface]
"""The surface with skips, and without."""


def measure(
    seed: int = 0,
    data: str = "digits",
    n_samples: int = 100,
    hidden: tuple[int, ...] = (60, 60),
    activations: Sequence[str] = _ACTIVATIONS,
    n_planes: int = 8,
    n_points: int = 13,
    n_steps: int = 100,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train with skips and without from the same weights; look at the loss around both ends, in the same directions."""
    config = RunConfig(data=data, n_samples=n_samples, hidden=hidden, init="lecun_normal", learning_rate=0.2)
    pairs: dict[str, list[Pair]] = {name: [] for name in activations}
    n_all, done = len(activations) * n_planes, 0
    for name in activations:
        for k in range(n_planes):
            one = config.replace(activation=(name,), seed=seed * n_planes + k)
            for share, pair in _pair(one, n_points, n_steps):  # noqa: B007 -- the last one is wanted
                yield (done + share) / n_all * 0.999, None
            assert pair is not None
            pairs[name].append(pair)
            done += 1
    yield 1.0, _finding(config.replace(seed=seed), pairs, n_steps, n_points)


def _pair(config: RunConfig, n_points: int, n_steps: int) -> Generator[tuple[float, Pair | None], None, None]:
    """Yield the surfaces of one start with skips and without, at the end; the skip weights stay put on the plane."""
    net, data = theorem.network_and_data(config)
    wired = MLP(net.layer_sizes, net.activation, skip=tuple(range(1, net.n_hidden)))
    start = wired.init(config.init, config.seed)
    ends: list[FloatArray] = []
    for one in (net, wired):
        trainer = Trainer(one, data, start[: one.n_params], config.learning_rate)
        for share in steps(trainer, n_steps, 50):
            yield 0.25 * (len(ends) + share), None
        ends.append(trainer.theta)
    rng, grid = np.random.default_rng(config.seed), np.linspace(-_HALF_WIDTH, _HALF_WIDTH, n_points)
    axes = [filter_normalised_direction(net, ends[0], rng) for _ in range(2)]
    found: list[_Surface] = []
    for one, theta in zip((net, wired), ends, strict=True):
        d1, d2 = (np.r_[axis, np.zeros(one.n_params - net.n_params)] for axis in axes)
        for _, plane in iter_plane_slice(one, data, theta, d1, d2, grid, grid):  # noqa: B007
            yield 0.5 + 0.25 * len(found), None
        found.append(surface(plane.loss))
    yield 1.0, (found[1], found[0])


def surface(loss: FloatArray) -> _Surface:
    """Return what a surface (n, m) looks like: how much of it bends down, and how many valleys it has."""
    along = [loss[:-2] + loss[2:] - 2.0 * loss[1:-1], loss[:, :-2] + loss[:, 2:] - 2.0 * loss[:, 1:-1]]
    size = [loss[1:-1], loss[:, 1:-1]]
    n_bent = sum(int((bend < -_BENT * at).sum()) for bend, at in zip(along, size, strict=True))
    return _Surface(n_bent / sum(bend.size for bend in along), _n_valleys(loss), float(loss.min()))


def _n_valleys(loss: FloatArray) -> int:
    """Return how many grid points are lower than all their neighbours, the edge's points included."""
    padded, is_lowest = np.pad(loss, 1, constant_values=np.inf), np.ones(loss.shape, dtype=np.bool_)
    n, m = loss.shape
    for i in range(3):
        for k in range(3):
            if (i, k) != (1, 1):
                is_lowest &= loss < padded[i : i + n, k : k + m]
    return int(is_lowest.sum())


def _finding(config: RunConfig, pairs: dict[str, list[Pair]], n_steps: int, n_points: int) -> Finding:
    bends = {name: paired([plain.bent - wired.bent for wired, plain in some]) for name, some in pairs.items()}
    n_fewer, n_more, n_lower, n_all = _counts(pairs)
    return Finding(
        stands=_stands([*bends.values()]),
        margin=min(min(abs(one.low), abs(one.high)) for one in bends.values()),
        summary="Share of the picture that bends down, without skips less with them, 95 % interval: "
        + "; ".join(f"{name} {one.low:+.3f} to {one.high:+.3f}" for name, one in bends.items())
        + f". Of {n_all} planes {n_fewer} had fewer valleys with skips and {n_more} had more; on {n_lower} the lowest "
        "loss was lower with skips. A plane shows no path that leaves it.",
        evidence={
            "margin_is": "share of the picture by which the nearest end of an interval is away from 0",
            "settings": config.as_text(),
            "n_steps": n_steps,
            "n_points": n_points,
            "half_width": _HALF_WIDTH,
            "bends_down_below": "-1e-12 of the loss",
            "bend_intervals": {name: [one.low, one.high] for name, one in bends.items()},
            "surfaces": {
                name: [[(one.bent, one.n_valleys, one.lowest) for one in pair] for pair in some]
                for name, some in pairs.items()
            },
            "a_row_is": "with skips, then without: share bent down, valleys, lowest loss",
        },
        assumptions=(
            Assumption(f"The network has two hidden layers ({len(config.hidden)}).", len(config.hidden) == 2),
        ),
    )


def _stands(bends: Sequence[Interval]) -> bool | None:
    """Return True where every interval is above 0, False where every one is below, else None."""
    signs = {one.sign for one in bends}
    return {frozenset({1}): True, frozenset({-1}): False}.get(frozenset(signs))


def _counts(pairs: dict[str, list[Pair]]) -> tuple[int, int, int, int]:
    everything = [pair for some in pairs.values() for pair in some]
    n_fewer = sum(wired.n_valleys < plain.n_valleys for wired, plain in everything)
    n_more = sum(wired.n_valleys > plain.n_valleys for wired, plain in everything)
    n_lower = sum(wired.lowest < plain.lowest for wired, plain in everything)
    return n_fewer, n_more, n_lower, len(everything)


CLAIM: Final = Claim(
    claim_id="loss-surface-two-hidden",
    source_key="skips",
    statement="On planes of the same directions, each through the end of its own training, the loss surface of a "
    "network with two hidden layers is the smoother one with skip connections: less of it bends downwards.",
    cited="Figure 3; the figure is a picture, and this is what can be measured of one",
    expected=Answer.UNDECIDED,
    measure=measure,
)
