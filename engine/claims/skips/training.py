"""Training within an experiment: some steps at a time, so that it can be watched and cancelled."""

from __future__ import annotations

from collections.abc import Generator

from engine.trainer import Trainer


def steps(trainer: Trainer, n_steps: int, n_at_a_time: int = 10) -> Generator[float, None, None]:
    """Train for n_steps steps and yield the share done; a run that diverged ends early."""
    done = 0
    while done < n_steps:
        n = min(n_at_a_time, n_steps - done)
        if trainer.step(n) < n:
            break
        done += n
        yield done / n_steps
