"""descent: with a small enough rate the loss falls on every step."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any, Final

import numpy as np

from engine.certificate import curvature_along, largest_falling_rate
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.exam.steps import shares, start_of, steepest_jump, stepping
from engine.config import RunConfig
from engine.curvature.sharpness import sharpness
from engine.flow import Flow, iter_flow
from engine.history import LOSS_RISE_TOLERANCE
from engine.trainer import Trainer
from engine.witnesses import Witness, load_witness

KINK: Final = "leaky-kink"
JUMP: Final = 0.5
"""At a kink more than this share of the change of slope sits on a 2^-30 of the step; without, about 1e-9."""

_FLOW: Final[dict[str, Any]] = {"rtol": 1e-6, "atol": 1e-9, "max_evaluations": 3000}
_FLOW_TIMES: Final = 100
_RUNS_SHARE: Final = 0.7


def measure(
    seed: int = 0,
    data: str = "digits",
    activation: str = "logistic",
    learning_rate: float = 2.0,
    duration: float = 200.0,
    n_halvings: int = 3,
    batch_size: int | None = None,
    witness: str = "",
) -> Generator[tuple[float, Finding | None], None, None]:
    """Run at rate, rate/2, ... for the same duration (rate times steps), and along the gradient flow.

    With the name of a witness, its start is run in place of the exam's network; batch_size is for showing
    that the claim does not speak of mini-batches.
    """
    config = RunConfig(
        data=data, activation=(activation,), learning_rate=learning_rate, seed=seed, batch_size=batch_size
    )
    start = load_witness(witness) if witness else start_of(config)
    settings = (start.config() if witness else config).as_text()
    rows = []
    for number in range(n_halvings + 1):
        trainer = start.trainer(learning_rate * 0.5**number)
        done = [_RUNS_SHARE * (2.0**k - 1) / (2.0 ** (n_halvings + 1) - 1) for k in (number, number + 1)]
        yield from shares(stepping(trainer, math.ceil(duration / trainer.learning_rate)), *done)
        rows.append(_row(start, trainer))
    times = np.linspace(0.0, duration, _FLOW_TIMES + 1)
    for answer in iter_flow(start.net, start.data, start.theta, times, train=start.train, **_FLOW):
        yield _RUNS_SHARE + 0.2 * answer[0], None
    flow = answer[1]
    yield 1.0, _finding(start, settings, rows, {"flow": _flow_row(flow), **_here(start), **_kink(witness)})


def _row(start: Witness, trainer: Trainer) -> dict[str, Any]:
    """Return what came of one rate."""
    history, rate = trainer.history, trainer.learning_rate
    rises = history.view().loss_rises
    products = rate * curvature_along(history["loss"], history["gradient_norm"], rate)
    first = int(rises[0]) if len(rises) else None
    return {
        "rate": rate,
        "n_steps": trainer.n_steps,
        "n_rises": len(rises),
        "first_rise": first,
        "largest_rate_times_curvature": float(np.nanmax(products)),
        "has_diverged": bool(trainer.reason),
        "share_of_slope_on_a_point": None if first is None else _jump(start, rate, first),
        "final_loss": float(history["loss"][-1]),
    }


def _jump(start: Witness, rate: float, step: int) -> float:
    """Return `steepest_jump` along the step that leads to entry `step`."""
    trainer = start.trainer(rate)
    if step > 1:
        trainer.step(step - 1)
    before = trainer.theta
    trainer.step(1)
    return steepest_jump(start.net, start.data, before, trainer.theta - before)


def _flow_row(flow: Flow) -> dict[str, Any]:
    loss = flow.loss[: flow.n_known]
    rises = np.diff(loss) > LOSS_RISE_TOLERANCE * loss[:-1]
    return {"time_reached": flow.times[flow.n_known - 1], "n_rises": int(rises.sum()), "reason": flow.reason}


def _here(start: Witness) -> dict[str, Any]:
    """Return what curvature says at the start, and what is the case; sharpness is of all parameters."""
    rate = largest_falling_rate(start.net, start.data, start.theta, train=start.train)
    if start.train != "all":
        return {"largest_falling_rate_at_start": rate}
    largest = sharpness(start.net, start.data, start.theta)
    return {
        "sharpness_at_start": largest,
        "two_over_sharpness": 2.0 / largest if largest > 0 else None,
        "largest_falling_rate_at_start": rate,
    }


def _kink(witness: str) -> dict[str, Any]:
    """Return the contrast: a network with a kink, at its rate and the halves."""
    if witness:
        return {}
    start = load_witness(KINK)
    rows = []
    for number in range(4):
        trainer = start.trainer(start.learning_rate * 0.5**number)
        trainer.step(round(2.0 / trainer.learning_rate))
        rows.append(_row(start, trainer))
    return {"at_a_kink": {"witness": KINK, "rates": rows}}


def _stands(rows: list[dict[str, Any]]) -> bool | None:
    """Judge: the smallest rate without a rise, and none between; or rises at all rates, and kinks in them."""
    falls = [row["n_rises"] == 0 and not row["has_diverged"] for row in rows]
    if falls[-1]:
        return True if falls == sorted(falls) else None
    shares_left = [row["share_of_slope_on_a_point"] for row in rows]
    if not any(falls) and all(share is not None and share > JUMP for share in shares_left):
        return False
    return None


def _finding(
    start: Witness, settings: dict[str, str], rows: list[dict[str, Any]], more: dict[str, Any]
) -> Finding:
    stands, smallest = _stands(rows), rows[-1]
    product = smallest["largest_rate_times_curvature"]
    return Finding(
        stands=stands,
        margin=abs(2.0 - product),
        summary=_summary(rows, stands, more),
        evidence={
            "margin_is": "how far rate times curvature along the step stays from 2, at the smallest rate",
            "tolerance": f"a rise counts above {LOSS_RISE_TOLERANCE:g} times the loss",
            "settings": settings,
            "rates": rows,
            **more,
        },
        assumptions=(
            Assumption("Every step uses all samples.", start.batch_size in (None, start.data.n_samples)),
        ),
        witness=None if stands is not False else start,
    )


def _summary(rows: list[dict[str, Any]], stands: bool | None, more: dict[str, Any]) -> str:
    counts = ", ".join(f"{row['n_rises']:,} at {row['rate']:g}" for row in rows)
    line = f"Steps that raise the loss: {counts}, {more['flow']['n_rises']} along the flow."
    if stands:
        product = rows[-1]["largest_rate_times_curvature"]
        return f"{line} At the smallest, rate times curvature along a step stays at most {product:.3f} < 2."
    if stands is None:
        return f"{line} No rate here is small enough, or they do not agree; smaller ones may be."
    share = min(row["share_of_slope_on_a_point"] for row in rows)
    return f"{line} The slope jumps on the step ({share:.0%} of its change on a 2^-30 of it): no rate is small enough."


CLAIM: Final = Claim(
    claim_id="descent",
    source_key="exam",
    statement="The exam's network (logistic units, all samples in every step): if the learning rate is small "
    "enough, the loss falls on every step.",
    cited="second question; both answers say yes, one of them if the loss is reasonably smooth",
    expected=Answer.HOLDS,
    measure=measure,
)
