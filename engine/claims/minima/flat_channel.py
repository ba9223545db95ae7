"""flat-channel: pairs of units run away along a channel, and their limit is a gated linear unit."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Final

import numpy as np

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.minima.passing import passing
from engine.config import RunConfig
from engine.curvature.sharpness import sharpness
from engine.limits import Comparison, iter_comparison
from engine.paths.flat_channel import Channel, ChannelTrack, iter_channel, nearest_channel
from engine.trainer import Trainer

_N_PARTS: Final = 40
_LIMIT_STEPS: Final = 4_000
_LEAST_SHARE: Final = 0.9
_LEAST_GROWTH: Final = 0.05
_AT_REST: Final = 0.01
_OPPOSITE: Final = -0.9


def measure(
    seed: int = 0,
    data: str = "wave",
    activation: str = "tanh",
    hidden: Sequence[int] = (2,),
    learning_rate: float = 0.02,
    n_steps: int = 50_000,
    horizon: float = 1e6,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Descend, look for the pair of units that is furthest along a channel, and follow it along gradient flow.

    horizon: the time, learning rate times steps, up to which the flow is followed.
    """
    config = RunConfig(
        data=data,
        hidden=tuple(hidden),
        activation=(activation,),
        loss="squared",
        init="normal",
        init_scale=1.0,
        learning_rate=learning_rate,
        seed=seed,
    )
    trainer = Trainer.from_config(config)
    start = trainer.theta
    for part in range(_N_PARTS):
        trainer.step(n_steps // _N_PARTS)
        yield 0.3 * (part + 1) / _N_PARTS, None
    pair = nearest_channel(trainer.net, trainer.data, trainer.theta)
    limit = (trainer.net, trainer.data, start, learning_rate, _LIMIT_STEPS)
    answers = iter_comparison(*limit, every=_LIMIT_STEPS // 20, method="LSODA")
    comparison = yield from passing(answers, 0.3, 0.6)
    times = np.append(0.0, np.geomspace(1.0, horizon, max(2, round(2 * np.log10(horizon)) + 1)))
    flow = iter_channel(trainer.net, trainer.data, start, times, 1, pair.first, pair.second)
    track = yield from passing(flow, 0.6, 1.0)
    yield 1.0, _finding(trainer, pair, comparison, track)


def _finding(trainer: Trainer, pair: Channel, comparison: Comparison, track: ChannelTrack) -> Finding:
    stands, growth = judge(track)
    top = sharpness(trainer.net, trainer.data, trainer.theta)
    leaves = np.flatnonzero(track.sharpness > 2.0 / trainer.learning_rate)
    return Finding(
        stands=stands,
        margin=_margin(stands, growth, track),
        summary=_summary(pair, trainer, track, growth),
        evidence={
            "margin_is": f"the smaller of: share of the gradient in the channel less {_LEAST_SHARE:g}, and "
            f"d log norm / d log time less {_LEAST_GROWTH:g}, over the last decade of time; where it does "
            "not hold, the growth",
            "settings": trainer.config.as_text(),
            "n_steps": trainer.n_steps,
            "descent": _row(trainer.learning_rate * trainer.n_steps, trainer.history["loss"][-1], top, pair),
            "flow": [
                _row(time, loss, sharp, channel)
                for time, loss, sharp, channel in zip(
                    track.times, track.loss, track.sharpness, track.channels, strict=False
                )
            ],
            "d_log_norm_by_d_log_time": growth,
            "steps_that_raised_the_loss_in_the_last_half": _late_rises(trainer),
            "rate_times_sharpness": trainer.learning_rate * top,
            "time_from_which_the_rate_is_too_large": track.times[leaves[0]] if len(leaves) else None,
            "limit": _limit(comparison),
            "flow_stopped": track.reason,
        },
        assumptions=_assumptions(trainer, top),
    )


def judge(track: ChannelTrack) -> tuple[bool | None, float]:
    """Return whether a track runs along a channel to infinity (None: cannot tell), and d log norm / d log time."""
    last = len(track.channels) - 1
    before = max(0, last - 2)  # there are two times a decade
    old, now = track.channels[before], track.channels[last]
    span = np.log(track.times[last] / track.times[before]) if track.times[before] else np.inf
    growth = float(np.log(now.norm / old.norm) / span)
    is_channel = (
        growth >= _LEAST_GROWTH
        and now.distance < old.distance
        and now.gated_error < old.gated_error
        and track.loss[last] < track.loss[before]
        and min(old.share, now.share) >= _LEAST_SHARE
        and now.driven_apart
        and now.cosine <= _OPPOSITE
    )
    if is_channel:
        return True, growth
    return (False if abs(growth) < _AT_REST else None), growth


def _margin(stands: bool | None, growth: float, track: ChannelTrack) -> float:
    if not stands:
        return abs(growth)
    return min(track.channels[-1].share - _LEAST_SHARE, growth - _LEAST_GROWTH)


def _summary(pair: Channel, trainer: Trainer, track: ChannelTrack, growth: float) -> str:
    now, time = track.channels[-1], track.times[len(track.channels) - 1]
    return (
        f"After {trainer.n_steps:,} steps two units are {pair.distance:.2g} apart with output weights of "
        f"{pair.norm:.2g}; along gradient flow at time {time:.3g} it is {now.distance:.2g} and {now.norm:.3g}, growing "
        f"as time to the power {growth:.2f}, with {now.share:.1%} of the gradient in the channel and "
        f"{now.gated_error:.1%} off a gated linear unit."
    )


def _row(time: float, loss: float, sharp: float, channel: Channel) -> dict[str, Any]:
    return {
        "time": time,
        "loss": loss,
        "distance": channel.distance,
        "norm": channel.norm,
        "cosine": channel.cosine,
        "share": channel.share,
        "gated_size": channel.gated_size,
        "gated_error": channel.gated_error,
        "sharpness": sharp,
    }


def _limit(comparison: Comparison) -> dict[str, Any]:
    """Return how far descent at rate, /2, /4, /8 is from the flow at the same time."""
    return {
        "time": comparison.times[-1],
        "rates": comparison.rates,
        "distance_from_flow": comparison.distance[:, -1],
        "loss": comparison.loss[:, -1],
        "flow_loss": comparison.flow.loss[-1],
    }


def _late_rises(trainer: Trainer) -> int:
    return int((trainer.history.view().loss_rises > trainer.n_steps // 2).sum())


def _assumptions(trainer: Trainer, top: float) -> tuple[Assumption, ...]:
    product = trainer.learning_rate * top
    return (
        Assumption(
            f"The learning rate is small enough: rate times sharpness at the end is below 2 (it is {product:.3g}), and "
            f"no step of the last half raised the loss ({_late_rises(trainer):,} did).",
            product < 2.0 and not _late_rises(trainer),
        ),
        Assumption("The hidden layer has at least two units.", trainer.net.layer_sizes[1] > 1),
    )


CLAIM: Final = Claim(
    claim_id="flat-channel",
    source_key="minima",
    statement="Training can run for ever along a flat channel: two hidden units approach each other, their output "
    "weights grow without bound with opposite signs, the loss keeps falling more and more slowly, and the pair "
    "turns into one gated linear unit.",
    cited='"Flat channels to infinity in neural loss landscapes" (2025), which cites the paper',
    expected=Answer.HOLDS,
    measure=measure,
)
