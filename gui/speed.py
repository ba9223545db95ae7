"""How fast the window draws, and what it costs training: a benchmark with a real window, on any screen.

`python -m gui.speed [LESSON] [--seconds S] [--size WxH] [--rounds N]` trains a lesson without and with the
window in turn and prints the medians. On a machine without a screen run it under `xvfb-run -a`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.lessons import Lesson
    from gui.meter import FrameFigures
    from gui.window import Window


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the rounds.

    Attributes:
        headless_steps_per_s, window_steps_per_s: training alone, and with the window open and drawing.
        kept: share of the speed that training keeps with the window open, median of the rounds' ratios.
        frames_per_s: painted frames a second.
        work_median_ms, work_95_ms: processor time of the window's thread for a frame.
    """

    lesson: str
    size: str
    n_threads: int
    headless_steps_per_s: float
    window_steps_per_s: float
    kept: float
    frames_per_s: float
    work_median_ms: float
    work_95_ms: float


def measure(lesson: Lesson, size: tuple[int, int], seconds: float, rounds: int) -> Figures:
    """Return the figures of a lesson at full speed in a window of size (width, height)."""
    from engine.cores import default_threads
    from engine.trainer import Trainer
    from gui.app import make_application, make_window

    make_application()
    window = make_window(lesson)
    window.resize(*size)
    window.show()
    window.start()
    _wait_for(lambda: window.bridge.snapshot is not None)
    trainer = Trainer.from_config(lesson.config, default_threads())
    pairs, frames = [], []
    try:
        for _ in range(rounds):
            alone = _train_alone(trainer, seconds)
            seen, drawn = _train_in_window(window, seconds)
            pairs.append((alone, seen))
            frames.append(drawn)
    finally:
        window.close()
    return Figures(
        lesson=lesson.lesson_id,
        size=f"{size[0]}x{size[1]}",
        n_threads=default_threads(),
        headless_steps_per_s=statistics.median(alone for alone, _ in pairs),
        window_steps_per_s=statistics.median(seen for _, seen in pairs),
        kept=statistics.median(seen / alone for alone, seen in pairs),
        frames_per_s=statistics.median(drawn.per_s for drawn in frames),
        work_median_ms=statistics.median(drawn.work_median_ms for drawn in frames),
        work_95_ms=statistics.median(drawn.work_95_ms for drawn in frames),
    )


def _train_alone(trainer: object, seconds: float) -> float:
    """Return steps a second of a Trainer; the window is paused meanwhile."""
    from engine.commands import Reset, Run
    from engine.trainer import Trainer

    assert isinstance(trainer, Trainer)
    trainer.apply(Reset())
    trainer.apply(Run())
    trainer.advance(0.3)  # the length of a call adapts to the speed
    started, n_steps = time.perf_counter(), trainer.advance(seconds)
    return n_steps / (time.perf_counter() - started)


def _train_in_window(window: Window, seconds: float) -> tuple[float, FrameFigures]:
    """Return steps a second of the window's run, and its frames."""
    from engine.commands import Pause, Reset, Run
    from engine.snapshot import State

    window.bridge.send(Reset())
    window.bridge.send(Run())
    _wait_for(lambda: _n_steps(window) > 0)
    _pass_time(0.3)
    window.bridge.meter.clear()
    started, first = time.perf_counter(), _n_steps(window)
    _pass_time(seconds)
    speed = (_n_steps(window) - first) / (time.perf_counter() - started)
    figures = window.bridge.meter.figures()
    window.bridge.send(Pause())
    _wait_for(lambda: window.bridge.newest is not None and window.bridge.newest.state is not State.RUNNING)
    _wait_for(lambda: not window.bridge.jobs.is_busy)
    return speed, figures


def _n_steps(window: Window) -> int:
    snapshot = window.bridge.snapshot
    return snapshot.n_steps if snapshot is not None else 0


def _pass_time(seconds: float) -> None:
    until = time.perf_counter() + seconds
    _wait_for(lambda: time.perf_counter() >= until)


def _wait_for(condition: Callable[[], bool]) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    timer = QTimer(interval=10)
    timer.timeout.connect(lambda: loop.quit() if condition() else None)
    timer.start()
    loop.exec()
    timer.stop()


def main(arguments: list[str]) -> int:
    """Run the benchmark and print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m gui.speed", description=__doc__.partition("\n")[0])
    parser.add_argument("lesson", nargs="?", default="exam")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", default="1280x720")
    options = parser.parse_args(arguments)
    from engine.lessons import load_lesson

    width, height = (int(part) for part in options.size.split("x"))
    figures = measure(load_lesson(options.lesson), (width, height), options.seconds, options.rounds)
    print(json.dumps(asdict(figures), indent=2))
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("QT_NO_GUI_THREADPOOL", "1")
    sys.exit(main(sys.argv[1:]))
