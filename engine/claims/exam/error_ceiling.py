"""error-ceiling: mistakes <= floor(N loss / ln 2), at every step."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import numpy as np

from engine.bounds import error_ceiling
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.config import RunConfig
from engine.trainer import Trainer

_N_STEPS: Final = 600
_N_PARTS: Final = 20


def measure(
    seed: int = 0, data: str = "digits", loss: str = "cross_entropy", learning_rate: float = 1.0
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train the exam's network and compare mistakes and ceiling at every step."""
    config = RunConfig(data=data, loss=loss, learning_rate=learning_rate, seed=seed)
    trainer = Trainer.from_config(config)
    for part in range(_N_PARTS):
        trainer.step(_N_STEPS // _N_PARTS)
        yield (part + 1) / (_N_PARTS + 1), None
    yield 1.0, _finding(trainer)


def _finding(trainer: Trainer) -> Finding:
    n_errors = trainer.history["n_errors"]
    ceiling = error_ceiling(trainer.history["loss"], trainer.data.n_samples).astype(np.int64)
    room = ceiling - n_errors
    tightest = int(np.argmin(room))
    n_over = int((room < 0).sum())
    return Finding(
        stands=n_over == 0,
        margin=float(abs(room[tightest])),
        summary=f"On {n_over:,} of {len(room):,} steps the mistakes exceed the ceiling; the least room is "
        f"{room[tightest]:,} mistakes, at step {tightest:,} ({n_errors[tightest]:,} under {ceiling[tightest]:,}).",
        evidence={
            "margin_is": "the least room between mistakes and ceiling, in mistakes",
            "settings": trainer.config.as_text(),
            "n_steps": trainer.n_steps,
            "step": tightest,
            "n_errors": n_errors[tightest],
            "ceiling": ceiling[tightest],
            "n_steps_over": n_over,
        },
        assumptions=(
            Assumption(
                "The loss is the cross-entropy in nats, the mean over the samples.",
                trainer.net.loss_name == "cross_entropy",
            ),
        ),
    )


CLAIM: Final = Claim(
    claim_id="error-ceiling",
    source_key="exam",
    statement="At every step there are at most N L / ln 2 mistakes, where L is the mean cross-entropy of N samples.",
    cited="follows from the proof of Lemma 2.1 of Nguyen, Mukkamala and Hein: a mistake costs at least ln 2",
    expected=Answer.HOLDS,
    measure=measure,
)
