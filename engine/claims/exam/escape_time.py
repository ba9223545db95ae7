"""escape-time: how many steps a kick of a given size needs to leave a saddle."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.exam.merged import GRADIENT_TOLERANCE, MergedPoint, merged_point
from engine.claims.exam.merged_point_is_saddle import PROBLEMS
from engine.trainer import Trainer

FloatArray = npt.NDArray[np.float64]

KICKS: Final = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12)
TOLERANCE: Final = 0.01
"""Allowed difference between the measured and the predicted number of steps, as a share of the predicted."""
_STRIDE: Final = 10
_STRIDES_A_YIELD: Final = 40
_MOST_STEPS: Final = 50_000


@dataclass(frozen=True, slots=True)
class _Escape:
    """One kick: predicted and measured steps until it has grown to the distance asked for."""

    kick: float
    predicted: float
    measured: float
    until_one: float

    @property
    def error(self) -> float:
        return abs(self.measured / self.predicted - 1.0)

    def as_row(self) -> dict[str, float | None]:
        literal = self.until_one
        return {
            "kick": self.kick,
            "predicted_steps": self.predicted,
            "measured_steps": self.measured,
            "relative_error": self.error,
            "steps_until_distance_1": literal if math.isfinite(literal) else None,
        }


def measure(
    seed: int = 0,
    problem: str = "parity",
    kicks: tuple[float, ...] = KICKS,
    distance: float = 0.1,
    learning_rate: float = 2.0,
    most_iterations: int = 500,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Kick an exact saddle along its most negative eigenvector, and time each escape.

    Args:
        seed: of the search for the saddle; an odd one kicks the other way.
        problem: "parity", or "sine", whose merged point is no saddle.
        kicks: their sizes, each below distance.
        distance: how far from the saddle, along the eigenvector, counts as escaped.
        most_iterations: of Newton's method; 0 kicks a point that is not stationary.
    """
    activation, loss, train = PROBLEMS[checks.choice("problem", problem, PROBLEMS)]
    checks.real_number("distance", distance, above=0.0)
    for kick in kicks:
        if checks.real_number("kicks", kick, above=0.0) > 0.5 * distance:
            raise ValueError(f"kicks must be at most half of distance, {0.5 * distance:g}, not {kick:g}.")
    yield 0.0, None
    point = merged_point(problem, activation, loss, train, seed=seed, most_iterations=most_iterations)
    escapes = []
    if point.is_saddle:
        direction = point.vectors[:, 0] * (-1.0 if seed % 2 else 1.0)
        for i, kick in enumerate(kicks):
            for along in _run(point, direction, kick, learning_rate, distance):  # noqa: B007 -- the last one is wanted
                yield (i + 0.5) / (len(kicks) + 1), None
            escapes.append(_escape(along, kick, point.lowest, learning_rate, distance))
    yield 1.0, _finding(point, escapes, learning_rate, distance)


def _run(
    point: MergedPoint, direction: FloatArray, kick: float, learning_rate: float, distance: float
) -> Generator[FloatArray, None, None]:
    """Train from the kicked saddle; yield the distances along direction, one every _STRIDE steps."""
    trainer = Trainer(point.net, point.data, point.theta + kick * direction, learning_rate, train=point.train)
    along = [kick]
    limit = 1.5 * _predicted(kick, point.lowest, learning_rate, max(1.0, distance)) + 500
    while along[-1] < max(1.0, distance) and trainer.n_steps < min(limit, _MOST_STEPS):
        for _ in range(_STRIDES_A_YIELD):
            trainer.step(_STRIDE)
            along.append(float(direction @ (trainer.theta - point.theta)))
        yield np.array(along)


def _predicted(kick: float, lowest: float, learning_rate: float, distance: float) -> float:
    """Return the steps in which a kick grows to distance, by the factor 1 - rate * lowest a step."""
    return math.log(distance / kick) / math.log1p(-learning_rate * lowest)


def _escape(along: FloatArray, kick: float, lowest: float, learning_rate: float, distance: float) -> _Escape:
    return _Escape(
        kick=kick,
        predicted=_predicted(kick, lowest, learning_rate, distance),
        measured=_reached(along, distance),
        until_one=_reached(along, 1.0),
    )


def _reached(along: FloatArray, distance: float) -> float:
    """Return at which step the distance was reached, between two records by their logarithms; inf for never."""
    after = int(np.argmax(along >= distance))
    if along[after] < distance:
        return math.inf
    before = after - 1
    share = math.log(distance / along[before]) / math.log(along[after] / along[before])
    return _STRIDE * (before + share)


def _finding(point: MergedPoint, escapes: list[_Escape], learning_rate: float, distance: float) -> Finding:
    worst = max((escape.error for escape in escapes), default=math.nan)
    return Finding(
        stands=worst <= TOLERANCE if escapes else None,
        margin=min(abs(worst - TOLERANCE), 1.0) if escapes else 0.0,
        summary=_summary(point, escapes, worst, distance),
        evidence={
            "margin_is": "the largest difference between measured and predicted steps, as a share of the predicted, "
            f"against the tolerance {TOLERANCE:g}",
            "data": point.data.name,
            "network": "-".join(map(str, point.net.layer_sizes)) + " " + point.net.activation[0],
            "learning_rate": learning_rate,
            "distance": distance,
            "saddle": point.theta,
            "gradient_norm": point.gradient_norm,
            "lowest_eigenvalue": point.lowest,
            "direction": point.vectors[:, 0],
            "steps_a_decade": _predicted(0.1, point.lowest, learning_rate, 1.0) if escapes else None,
            "escapes": [escape.as_row() for escape in escapes],
        },
        assumptions=(
            Assumption(
                f"The start is stationary: its gradient norm is at most {GRADIENT_TOLERANCE:g}.",
                point.is_stationary,
            ),
            Assumption("The Hessian there has a negative eigenvalue.", point.lowest < -point.zero),
        ),
    )


def _summary(point: MergedPoint, escapes: list[_Escape], worst: float, distance: float) -> str:
    if not escapes:
        return (
            f"Nothing to escape from: gradient norm {point.gradient_norm:.2g}, lowest eigenvalue "
            f"{point.lowest:.3g}."
        )
    first, last = escapes[0], escapes[-1]
    return (
        f"The steps until {len(escapes)} kicks have grown to {distance:g} are within {worst:.2%} of the predicted "
        f"line: {first.measured:,.0f} for a kick of {first.kick:g}, {last.measured:,.0f} for {last.kick:g}."
    )


CLAIM: Final = Claim(
    claim_id="escape-time",
    source_key="exam",
    statement="A kick of size e along the lowest eigenvector of a saddle grows to a small distance d in "
    "log(d/e) / log(1 + rate |λ_min|) steps.",
    cited='second answer, question 1: a start at a saddle, "training would stop when you land there"; the time is that '
    "of gradient descent on the quadratic part of the loss",
    expected=Answer.HOLDS,
    measure=measure,
)
