"""Memory over minutes of running: samples of the resident set, and the line through them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.commands import Run
from gui.speed_frames import pass_time, pause

if TYPE_CHECKING:
    from engine.history import HistoryView
    from gui.window import Window

_SAMPLE_S: Final = 1.0
_WARM_UP_S: Final = 20.0  # every panel has been drawn and every monitor asked by then


@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """Memory while a run goes on.

    Attributes:
        minutes: how long it was watched.
        first_mb, last_mb: resident set at the beginning and at the end, in 10^6 bytes.
        mb_a_minute: slope of the line through all samples (least squares).
        history_mb_a_minute: what the record of the steps taken in that time needs.
        rest_mb_a_minute: what is left of the slope without it.
        late_rest_mb_a_minute: the same from the second half of the samples alone.
    """

    minutes: float
    first_mb: float
    last_mb: float
    mb_a_minute: float
    history_mb_a_minute: float
    rest_mb_a_minute: float
    late_rest_mb_a_minute: float


def measure_memory(window: Window, minutes: float) -> MemoryFigures:
    """Train in the window for so many minutes and fit a line to the memory in use."""
    window.bridge.send(Run())
    pass_time(_WARM_UP_S)
    samples = []
    started = time.perf_counter()
    while time.perf_counter() - started < 60.0 * minutes:
        samples.append((time.perf_counter() - started, resident_mb(), history_mb(window)))
        pass_time(_SAMPLE_S)
    pause(window)
    times, memory, history = np.array(samples).T
    whole, late = slice(None), slice(len(times) // 2, None)
    grown, recorded = _slope(times, memory, whole), _slope(times, history, whole)
    return MemoryFigures(
        minutes=float(times[-1] / 60.0),
        first_mb=float(memory[0]),
        last_mb=float(memory[-1]),
        mb_a_minute=grown,
        history_mb_a_minute=recorded,
        rest_mb_a_minute=grown - recorded,
        late_rest_mb_a_minute=_slope(times, memory - history, late),
    )


def _slope(times: np.ndarray, values: np.ndarray, part: slice) -> float:
    """Return the slope by the minute of the line through a part of values (n,) at times (n,) in seconds."""
    return float(np.polyfit(times[part] / 60.0, values[part], 1)[0])


def resident_mb() -> float:
    """Return the resident set of this process, in 10^6 bytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def history_mb(window: Window) -> float:
    """Return the size of the record that the newest snapshot shows, and of its checkpoints, in 10^6 bytes."""
    snapshot = window.bridge.snapshot
    if snapshot is None:
        return 0.0
    checkpoints = sum(point.theta.nbytes for point in snapshot.path)
    return (_nbytes(snapshot.history) + checkpoints) / 1e6


def _nbytes(history: HistoryView) -> int:
    arrays = [*history._series.values(), *history._bins.values()]
    arrays += [history.loss_rises, history.error_rises, history.disparity_steps, history.disparities]
    return sum(array.nbytes for array in arrays)
