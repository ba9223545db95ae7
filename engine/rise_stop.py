"""Which of some steps is the first to raise what a run is to pause at, and the sentence that tells it."""

from __future__ import annotations

from engine.commands import PauseAtRise
from engine.evaluator import Evaluation, Records
from engine.history import History


def n_to_rise(pause_at: PauseAtRise, history: History, taken: Records) -> int:
    """Return how many of the steps taken lead to the first rise, that step included; 0 where there is none.

    Args:
        pause_at: which rises count.
        history: up to the step before them.
        taken: the entries of the steps.
    """
    rises = history.rises(taken.loss, taken.n_errors, taken.n_tied)
    wanted = (rises.errors & pause_at.errors) | (rises.loss & pause_at.loss)
    return int(wanted.argmax()) + 1 if wanted.any() else 0


def rise_sentence(step: int, before: Evaluation, taken: Records, n: int) -> str:
    """Return what rose on the last of the first n steps taken.

    Args:
        step: the number of that step in the run.
        before: what held before the first of them.
        taken: the entries of the steps.
        n: how many of them lead to the rise, as `n_to_rise` tells.
    """
    before, after = taken.at(n - 2) if n > 1 else before, taken.at(n - 1)
    losses = f"from {before.loss:.9g} to {after.loss:.9g}"
    if after.loss > before.loss:
        return f"Step {step:,}: the loss rose {losses}."
    return (
        f"Step {step:,}: the errors rose from {before.n_errors:,} to {after.n_errors:,}, "
        f"while the loss fell {losses}."
    )
