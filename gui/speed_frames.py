"""Frames, pauses and training with the window open, on a run with a long history."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QEvent, QEventLoop, QObject, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QDockWidget, QWidget

from engine.commands import Pause, Run
from engine.cores import default_threads
from engine.lessons import load_lesson
from engine.snapshot import Report, State
from gui.app import make_application, make_window
from gui.meter import FrameFigures
from gui.speed_runs import RUNS

if TYPE_CHECKING:
    from engine.run_record import RunRecord
    from engine.trainer import Trainer
    from gui.window import Window

SHOWN: Final = ("loss", "errors", "symmetry", "weights", "landscape", "ledger")
"""The panels that are measured: the first arrangement, with the ledger in front of the lesson's text."""

_SETTLE_S: Final = 1.5
_PATIENCE_S: Final = 300.0  # kernels may have to be compiled first


@dataclass(frozen=True, slots=True)
class Round:
    """Training alone, then with the window, in steps a second; and the frames of the latter."""

    alone_per_s: float
    window_per_s: float
    frames: FrameFigures


@dataclass(frozen=True, slots=True)
class Click:
    """From a click on Pause until the engine stood, and until the word was on the screen, in ms."""

    engine_ms: float
    word_ms: float


@dataclass(frozen=True, slots=True)
class HiddenCost:
    """What all hidden panels together cost.

    Attributes:
        n_panels: how many there are.
        us_a_frame: time in their functions a frame.
        work_ms: the window's work on a frame with them less that without them, medians of rounds.
    """

    n_panels: int
    us_a_frame: float
    work_ms: float


@contextmanager
def window_with(record: RunRecord, name: str, size: tuple[int, int]) -> Iterator[Window]:
    """Open a window of a size with a run of RUNS, paused, six panels showing; close it in the end."""
    make_application()
    window = make_window(replace(load_lesson("exam"), config=RUNS[name], pace=None))
    window.move(0, 0)
    window.resize(*size)
    window.show()
    window.start()
    try:
        _open(window, record)
        _show_six(window)
        pass_time(_SETTLE_S)
        yield window
    finally:
        window.close()


def _open(window: Window, record: RunRecord) -> None:
    from engine.run_files import save_run

    n_steps = record.history.n_entries - 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.run.npz"
        save_run(path, record)
        wait_for(lambda: window.bridge.snapshot is not None)
        window.open_run(path)
        wait_for(lambda: _n_steps(window) == n_steps)


def _show_six(window: Window) -> None:
    docks = {dock.objectName(): dock for dock in window.findChildren(QDockWidget)}
    window.tabifyDockWidget(docks["dock_lesson"], docks["dock_ledger"])
    window.docks.show(SHOWN)
    wait_for_jobs(window)
    seen = {panel.panel_id for panel in window.panels if panel.is_seen}
    if seen != set(SHOWN):
        raise RuntimeError(f"The panels {', '.join(sorted(seen))} are seen, not {', '.join(SHOWN)}.")


# Training and frames


def measure_rounds(
    window: Window, trainer: Trainer, seconds: float, n_rounds: int, points: bool
) -> list[Round]:
    """Train alone and in the window in turn; points moves the pointer over the loss all the while."""
    rounds = []
    for _ in range(n_rounds):
        wait_for_jobs(window)
        alone = train_alone(trainer, seconds)
        seen, frames = train_in_window(window, seconds, points)
        rounds.append(Round(alone, seen, frames))
    return rounds


def trainer_of(record: RunRecord) -> Trainer:
    """Return what trains the same run without a window."""
    from engine.trainer import Trainer

    trainer = Trainer.from_record(record, default_threads())
    trainer.apply(Run())
    return trainer


def train_alone(trainer: Trainer, seconds: float) -> float:
    """Return steps a second of a Trainer that runs; the window is paused meanwhile."""
    trainer.advance(0.3)  # the length of a call adapts to the speed
    started, n_steps = time.perf_counter(), trainer.advance(seconds)
    return n_steps / (time.perf_counter() - started)


def train_in_window(window: Window, seconds: float, points: bool) -> tuple[float, FrameFigures]:
    """Return steps a second of the window's run, and its frames."""
    heard: list[tuple[float, int]] = []

    def note(report: Report) -> None:
        if report.snapshot is not None:
            heard.append((time.perf_counter(), report.snapshot.n_steps))

    pointer = Pointer(window) if points else None
    window.bridge.send(Run())
    pass_time(_SETTLE_S)
    window.bridge.report_arrived.connect(note)
    window.bridge.meter.clear()
    pass_time(seconds)
    figures = window.bridge.meter.figures()
    window.bridge.report_arrived.disconnect(note)
    if pointer is not None:
        pointer.stop()
    pause(window)
    (first_s, first), (last_s, last) = heard[0], heard[-1]
    return (last - first) / (last_s - first_s), figures


def pause(window: Window) -> None:
    """Pause; panels may still have jobs under way."""
    window.bridge.send(Pause())
    wait_for(lambda: window.bridge.newest is not None and window.bridge.newest.state is not State.RUNNING)


def wait_for_jobs(window: Window) -> None:
    """Wait until no panel has a job under way: half a minute for the landscape of MNIST."""
    wait_for(lambda: not window.bridge.jobs.is_busy)


class Pointer(QObject):
    """Moves the pointer to and fro over the plot of the loss, a little at each frame."""

    def __init__(self, window: Window) -> None:
        super().__init__()
        panel: Any = next(panel for panel in window.panels if panel.panel_id == "loss")
        self._view: QWidget = panel.plot.viewport()
        self._n_moves = 0
        self._timer = QTimer(self, interval=16, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._move)
        self._timer.start()

    def stop(self) -> None:
        """Take the pointer away."""
        self._timer.stop()
        QApplication.sendEvent(self._view, QEvent(QEvent.Type.Leave))

    def _move(self) -> None:
        self._n_moves += 1
        width = self._view.width()
        x = 0.2 * width + abs(self._n_moves * 3 % int(1.2 * width) - 0.6 * width)
        move_mouse(self._view, QPointF(x, 0.4 * self._view.height()))


def move_mouse(widget: QWidget, at: QPointF) -> None:
    """Tell a widget that the mouse has moved."""
    none, left = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    event = QMouseEvent(QEvent.Type.MouseMove, at, widget.mapToGlobal(at), none, none, left)
    QApplication.sendEvent(widget, event)


# A click on Pause


class _Clicker(QObject):
    """Clicks on Pause from another thread, as a person does: at any moment, whatever the window is at."""

    due = Signal()

    def __init__(self, window: Window) -> None:
        super().__init__()
        self._window = window
        self._mailbox = window.bridge._engine.mailbox
        self._word = window.readouts._word
        self._put = self._mailbox.put
        self._clicked_s = self._stood_s = self._shown_s = 0.0
        self.due.connect(self._click, Qt.ConnectionType.QueuedConnection)

    def measure(self, delay_s: float) -> Click:
        """Click once in delay_s seconds, while the run is under way."""
        self._clicked_s = self._stood_s = self._shown_s = 0.0
        self._mailbox.put = self._note_report  # type: ignore[method-assign]
        self._word.installEventFilter(self)
        timer = threading.Timer(delay_s, self._order)
        timer.start()
        try:
            wait_for(lambda: self._shown_s > 0.0)
        finally:
            timer.join()
            self._word.removeEventFilter(self)
            self._mailbox.put = self._put  # type: ignore[method-assign]
        since = self._clicked_s
        return Click((self._stood_s - since) * 1e3, (self._shown_s - since) * 1e3)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note when the word has been painted; what is painted with it is behind it in the queue."""
        if event.type() is QEvent.Type.Paint and self._stood_s and self._word.text() == State.PAUSED.value:
            QTimer.singleShot(0, self._note_shown)
        return False

    def _order(self) -> None:
        self._clicked_s = time.perf_counter()
        self.due.emit()

    def _click(self) -> None:
        from PySide6.QtTest import QTest

        QTest.mouseClick(self._window.controls.run_button, Qt.MouseButton.LeftButton)

    def _note_report(self, report: Report) -> None:
        if self._clicked_s and not self._stood_s and report.state is State.PAUSED:
            self._stood_s = time.perf_counter()
        self._put(report)

    def _note_shown(self) -> None:
        self._shown_s = self._shown_s or time.perf_counter()


def measure_clicks(window: Window, n_clicks: int) -> list[Click]:
    """Run and click on Pause, again and again, each time at another moment of a frame and of a step."""
    clicker, clicks = _Clicker(window), []
    for number in range(n_clicks):
        window.bridge.send(Run())
        wait_for(lambda: window.bridge.newest is not None and window.bridge.newest.state is State.RUNNING)
        pass_time(0.3)
        clicks.append(clicker.measure(0.05 + 0.0173 * number))
        pause(window)
    return clicks


# Hidden panels


def measure_hidden(window: Window, seconds: float, n_rounds: int) -> HiddenCost:
    """Train with the hidden panels and without them in turn."""
    everything = list(window.panels)
    hidden = [panel for panel in everything if not panel.is_seen]
    differences, times_us = [], []
    for _ in range(n_rounds):
        wait_for_jobs(window)
        window.panels[:] = [panel for panel in everything if panel not in hidden]
        _, without = train_in_window(window, seconds, False)
        window.panels[:] = everything
        wait_for_jobs(window)
        _, together = train_in_window(window, seconds, False)
        differences.append(together.work_median_ms - without.work_median_ms)
        times_us.append(_time_of(hidden, window) * 1e6)
    return HiddenCost(len(hidden), statistics.median(times_us), statistics.median(differences))


def _time_of(panels: list[Any], window: Window) -> float:
    """Return the time that a frame spends in panels."""
    snapshot, n_times = window.bridge.snapshot, 200
    started = time.perf_counter()
    for _ in range(n_times):
        for panel in panels:
            panel.offer(snapshot)
            panel.tick()
    return (time.perf_counter() - started) / n_times


# Waiting


def pass_time(seconds: float) -> None:
    """Let the window live for so long."""
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1e3), loop.quit)
    loop.exec()


def wait_for(condition: Callable[[], bool]) -> None:
    """Let the window live until a condition holds."""
    until = time.perf_counter() + _PATIENCE_S
    while not condition():
        if time.perf_counter() > until:
            raise RuntimeError("The window did not come to where it should within five minutes.")
        pass_time(0.005)


def _n_steps(window: Window) -> int:
    snapshot = window.bridge.snapshot
    return snapshot.n_steps if snapshot is not None else 0
