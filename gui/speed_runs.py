"""Long runs to time the window with: a million steps of history, without waiting for a million steps."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from engine.config import RunConfig

if TYPE_CHECKING:
    from engine.history import HistoryView
    from engine.path import Path
    from engine.run_record import RunRecord

FloatArray = npt.NDArray[np.float64]

RUNS: Final = {
    "digits": RunConfig(data="digits", hidden=(32,), learning_rate=0.5),
    "mnist": RunConfig(data="mnist", hidden=(100,), learning_rate=0.5),
}
"""64-32-10 on digits and 784-100-10 on MNIST."""

_REAL_STEPS: Final = {"digits": 2000, "mnist": 5}
_STEPS_A_RISE: Final = 500
_CHUNK: Final = 4096  # as many as an engine call takes at most


def long_record(name: str, n_steps: int) -> RunRecord:
    """Return a run of RUNS as it is after n_steps steps.

    A few steps are really taken, so that theta has moved. The history between start and there is filled by the
    engine's own `History.extend`, call by call as training does it: losses that fall as a power of the step
    with a ripple, one step in 500 raising the loss and another one the errors; and the path has as many
    checkpoints as n_steps steps leave.
    """
    from engine.trainer import Trainer

    trainer = Trainer.from_config(RUNS[name])
    trainer.step(_REAL_STEPS[name])
    record = trainer.record()
    path = _path(record, n_steps)
    return dataclasses.replace(
        record, history=_history(record.history, n_steps), path=path.points, stride=path.stride
    )


def _history(real: HistoryView, n_steps: int) -> HistoryView:
    from engine.history import SERIES, History

    history = History()
    whole = {name: _stretched(np.asarray(real[name], dtype=np.float64), n_steps) for name in SERIES}
    rng = np.random.default_rng(0)
    rises = rng.integers(1, n_steps, n_steps // _STEPS_A_RISE)
    whole["loss"][rises] *= 1.01
    whole["n_errors"][rng.integers(1, n_steps, n_steps // _STEPS_A_RISE)] += 1.0
    for first in range(0, n_steps + 1, _CHUNK):
        entries: dict[str, Any] = {
            name: values[first : first + _CHUNK].astype(SERIES[name]) for name, values in whole.items()
        }
        history.extend(entries, np.zeros(len(entries["loss"]), dtype=np.int32))
    return history.view()


def _stretched(values: FloatArray, n_steps: int) -> FloatArray:
    """Return (n_steps + 1,) values that go from the first to the last of values, evenly on two log scales."""
    steps = np.arange(n_steps + 1.0)
    share = np.log1p(steps) / np.log1p(n_steps)
    first, last = np.log(np.maximum(values[[0, -1]], 1e-9))
    return np.asarray(np.exp(first + (last - first) * share))


def _path(record: RunRecord, n_steps: int) -> Path:
    from engine.path import Path

    path, step = Path(), 0
    move = record.theta - record.start
    while step <= n_steps:
        path.add(step, record.start + move * (step / n_steps), 1.0)
        step += path.steps_to_next(step)
    return path
