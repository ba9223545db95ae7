"""descent-minibatch: the loss falls on every step with mini-batches too."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from typing import Any, Final

import numpy as np

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.exam.steps import shares, start_of, stepping
from engine.config import RunConfig
from engine.evaluator import make_evaluator
from engine.history import LOSS_RISE_TOLERANCE
from engine.trainer import Trainer
from engine.witnesses import Witness

_SIZES: Final = (1, 8, 64, 512)
_N_BATCHES: Final = 100  # drawn at the end of a run, to see which of them point uphill


def measure(
    seed: int = 0,
    data: str = "digits",
    learning_rate: float = 0.5,
    n_steps: int = 200,
    n_halvings: int = 3,
    batch_sizes: tuple[int, ...] = _SIZES,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Run with batches of several sizes and all samples; judge the loss of all samples after every step.

    The smallest batch that is not all is also run at rate/2, /4, ... And for a rate that goes to 0: at the
    end of each run the gradients of batches are compared with the whole one; where they point apart (their
    product is below 0), the step raises the loss however short it is.
    """
    config = RunConfig(data=data, learning_rate=learning_rate, seed=seed)
    start = start_of(config)
    n_samples = start.data.n_samples
    sizes = [size for size in batch_sizes if size < n_samples]
    plan = [(size, learning_rate) for size in (*sizes, n_samples)]
    plan += [(size, learning_rate * 0.5**k) for size in sizes[:1] for k in range(1, n_halvings + 1)]
    rows: list[dict[str, Any]] = []
    for number, (size, rate) in enumerate(plan):
        trainer = Trainer(start.net, start.data, start.theta, rate, size, seed)
        yield from shares(stepping(trainer, n_steps), number / len(plan), (number + 1) / len(plan))
        uphill = 0
        for is_uphill in _uphill(start, trainer, size, seed):
            uphill += is_uphill
            yield (number + 1) / len(plan), None
        rows.append(_row(trainer, size, uphill))
    yield 1.0, _finding(start, config, rows[: len(sizes)], rows[len(sizes)], rows[len(sizes) + 1 :])


def _uphill(start: Witness, trainer: Trainer, size: int, seed: int) -> Iterator[bool]:
    """Yield for each of many random batches whether its gradient points away from the whole one."""
    evaluator = make_evaluator(start.net, start.data)
    whole, part, theta = np.empty(start.net.n_params), np.empty(start.net.n_params), trainer.theta
    evaluator.evaluate(theta, whole)
    rng = np.random.default_rng(seed)
    for _ in range(_N_BATCHES if size < start.data.n_samples else 0):
        rows = rng.choice(start.data.n_samples, size, replace=False)
        evaluator.evaluate(theta, part, rows)
        yield bool(whole @ part < 0.0)


def _row(trainer: Trainer, size: int, uphill: int) -> dict[str, Any]:
    rises = trainer.history.view().loss_rises
    loss = trainer.history["loss"]
    largest = int(rises[np.argmax(loss[rises] - loss[rises - 1])]) if len(rises) else None
    return {
        "batch_size": size,
        "rate": trainer.learning_rate,
        "n_steps": trainer.n_steps,
        "n_rises": len(rises),
        "largest_rise_at_step": largest,
        "loss_before": None if largest is None else float(loss[largest - 1]),
        "loss_after": None if largest is None else float(loss[largest]),
        "uphill_of_100_batches": uphill,
    }


def _finding(
    start: Witness,
    config: RunConfig,
    parts: list[dict[str, Any]],
    whole: dict[str, Any],
    smaller: list[dict[str, Any]],
) -> Finding:
    n_rises = sum(row["n_rises"] for row in parts)
    # Rises at some rates say nothing of smaller ones; a batch that points uphill does, for it raises the loss there.
    persists = bool(parts) and all(
        row["n_rises"] and row["uphill_of_100_batches"] for row in (parts[0], *smaller)
    )
    return Finding(
        stands=False if persists else None,
        margin=float(max((row["n_rises"] for row in parts), default=0)),
        summary=_summary(parts, whole, smaller, n_rises),
        evidence={
            "margin_is": "the most steps of a run that raised the loss of all samples",
            "tolerance": f"a rise counts above {LOSS_RISE_TOLERANCE:g} times the loss",
            "settings": config.as_text(),
            "batches": parts,
            "all_samples": whole,
            "smallest_batch_at_smaller_rates": smaller,
        },
        assumptions=(
            Assumption("A step uses fewer samples than there are.", bool(parts)),
            Assumption(
                "At the same rate, steps with all samples never raise the loss.", not whole["n_rises"]
            ),
        ),
        witness=_witness(start, parts[0]) if persists else None,
    )


def _witness(start: Witness, row: dict[str, Any]) -> Witness:
    """Return the start with the batches of a row, to be run to its largest rise."""
    return dataclasses.replace(
        start,
        name="mini-batches",
        text=f"With batches of {row['batch_size']} the loss of all samples rises on a step.",
        batch_size=row["batch_size"],
        learning_rate=row["rate"],
        n_steps=row["largest_rise_at_step"],
    )


def _summary(
    parts: list[dict[str, Any]], whole: dict[str, Any], smaller: list[dict[str, Any]], n_rises: int
) -> str:
    if not n_rises:
        return f"No step raised the loss in {len(parts)} runs with mini-batches."
    counts = ", ".join(f"{row['n_rises']} at size {row['batch_size']}" for row in parts)
    line = f"Steps of {whole['n_steps']} that raise the loss of all samples: {counts}, {whole['n_rises']} with all."
    if smaller:
        last = smaller[-1]
        line += (
            f" Batches of {last['batch_size']} at the rate {last['rate']:g}: {last['n_rises']}; "
            f"{last['uphill_of_100_batches']} of {_N_BATCHES} batches at its end point uphill: a small step raises it."
        )
    return line


CLAIM: Final = Claim(
    claim_id="descent-minibatch",
    source_key="exam",
    statement="With mini-batches, too, the loss of all samples falls on every step if the rate is small enough.",
    cited="second question; one answer and a comment say that this guarantee is lost with mini-batches",
    expected=Answer.VIOLATED,
    condition="when a step uses all samples. A batch whose gradient points away from that of all samples raises "
    "the loss at every rate that is small enough.",
    measure=measure,
)
