"""One cell of a sweep: its run from start to end, and what is measured there. This is what workers carry out."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.commands import GoTo, SetLearningRate
from engine.datasets import Dataset, load_dataset
from engine.snapshot import State
from engine.sweeps.sweep import Stop, Sweep, sweep_of_text
from engine.trainer import Trainer

Row = tuple[Any, ...]
"""Cell, status, reason, n_steps, seconds, and the value of each measure in order: a line of the results."""

_COOLING: Final = (
    (5, 0.25),
    (6, 0.0625),
    (7, 0.015625),
)  # from so many eighths of the steps on, times the rate
_FIRST_PIECE: Final = 64
_LARGEST_PIECE: Final = 4096


class Status(StrEnum):
    """How a cell came out."""

    DONE = "done"
    DIVERGED = "diverged"
    FAILED = "failed"


def run_batch(text: str, cells: Sequence[int]) -> list[Row]:
    """Run cells of a sweep, given by `Sweep.as_text`, one after the other."""
    sweep = _sweep(text)
    return [run_cell(sweep, cell) for cell in cells]


def run_cell(sweep: Sweep, cell: int) -> Row:
    """Run one cell. Whatever goes wrong in it is its result, with the reason."""
    started = time.perf_counter()
    try:
        run = trained_cell(sweep, cell)
        reason = run.reason
        with np.errstate(all="ignore"):
            values = [_plain(measure.take(run, bool(reason))) for measure in sweep.measures]
    except Exception as error:
        sentence = " ".join(str(error).split()) or type(error).__name__
        return failed_row(sweep, cell, sentence, time.perf_counter() - started)
    status = Status.DIVERGED if reason else Status.DONE
    return (cell, status.value, reason, run.n_steps, time.perf_counter() - started, *values)


def failed_row(sweep: Sweep, cell: int, reason: str, seconds: float = 0.0) -> Row:
    """Return the result of a cell that could not be run to its end."""
    return (cell, Status.FAILED.value, reason, None, seconds, *(None for _ in sweep.measures))


def trained_cell(sweep: Sweep, cell: int) -> Trainer:
    """Return the Trainer of a cell where its run ends; raises what its settings raise."""
    config = sweep.config(cell)
    run = Trainer.from_config(config, data=_data(config.data))
    train(run, sweep.stop)
    return run


def train(run: Trainer, stop: Stop) -> None:
    """Train from the start until a run ends, or diverges, which its state tells."""
    rate, n_steps = run.learning_rate, stop.n_steps
    for eighths, factor in _COOLING if stop.is_cooled else ():
        if _has_ended(run, eighths * n_steps // 8, stop):
            return
        run.apply(SetLearningRate(rate * factor))
    _has_ended(run, n_steps, stop)


def _has_ended(run: Trainer, n_steps: int, stop: Stop) -> bool:
    """Train up to step n_steps and return whether the run ended before, or there."""
    piece, first = _FIRST_PIECE, 0 if not run.n_steps else run.n_steps + 1
    while True:
        end = _end(run, stop, first)
        if end is not None:
            if end < run.n_steps:
                run.apply(GoTo(end))  # to the last bit as if no step had been taken beyond
            return True
        if run.state is State.STOPPED:
            return True
        if run.n_steps >= n_steps:
            return False
        first = run.n_steps + 1
        run.step(min(piece, n_steps - run.n_steps) if stop.is_early else n_steps - run.n_steps)
        piece = min(2 * piece, _LARGEST_PIECE)


def _end(run: Trainer, stop: Stop, first: int) -> int | None:
    """Return the first entry of the history, from `first` on, at which a run ends early."""
    found: list[npt.NDArray[np.int64 | np.int32]] = []
    if stop.loss_below is not None:
        found.append(np.flatnonzero(run.history["loss"][first:] < stop.loss_below)[:1] + first)
    if stop.errors_zero:
        found.append(np.flatnonzero(run.history["n_errors"][first:] == 0)[:1] + first)
    if stop.loss_rises:
        found.append(run.history.view().loss_rises[:1])
    ends = np.concatenate(found) if found else np.empty(0)
    return int(ends.min()) if len(ends) else None


def _plain(value: float | int | str | None) -> float | int | str | None:
    """Return a value as the results keep it: what is not a number is none."""
    return None if isinstance(value, float) and math.isnan(value) else value


@lru_cache(maxsize=8)
def _sweep(text: str) -> Sweep:
    return sweep_of_text(text)


@lru_cache(maxsize=4)
def _data(name: str) -> Dataset:
    """Return a data set, kept: reading the digits takes longer than many a run. Its arrays are read-only."""
    return load_dataset(name)
