"""The bridge between the engine and the window: the only object that knows both the thread and the screen."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from engine.commands import Command
from engine.config import RunConfig
from engine.cores import default_threads
from engine.jobs import JobRunner
from engine.snapshot import Report, Snapshot
from engine.thread import EngineThread
from gui.garbage import GarbageKeeper
from gui.meter import FrameMeter

INTERVAL_MS: Final = 16  # the pace of a screen with 60 pictures a second


class Bridge(QObject):
    """Owns the engine's thread, the jobs beside it, and one timer that takes the newest report.

    Reports that nobody took in time are replaced by newer ones, so the window can never lag behind.

    Attributes:
        jobs: runs slow questions beside training.
        meter: frames a second and work a frame; the window tells it of its painting.
        newest: the newest report, or None before the first.
    """

    report_arrived = Signal(object)
    """A new Report."""
    ticked = Signal()
    """The screen's pace, after a report that came; for panels that follow jobs."""

    def __init__(
        self, config: RunConfig, n_threads: int | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.jobs = JobRunner()
        self.meter = FrameMeter()
        self.newest: Report | None = None
        self._garbage = GarbageKeeper()
        self._engine = EngineThread(config, n_threads or default_threads())
        self._timer = QTimer(self, interval=INTERVAL_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest snapshot, or None while there is no run."""
        return self.newest.snapshot if self.newest is not None else None

    def start(self) -> None:
        """Start the engine, which loads and compiles first, and the timer."""
        self._garbage.start()
        self._engine.start()
        self._timer.start()

    def send(self, command: Command) -> None:
        """Hand a command to the engine; what came of it is in a later report."""
        self._engine.send(command)

    def stop(self, timeout_s: float = 60.0) -> bool:
        """Stop the timer, cancel the jobs, end the engine's thread; return whether it has ended."""
        self._timer.stop()
        ended = self._engine.stop(timeout_s)
        self.jobs.stop()
        self._garbage.stop()
        return ended

    def _tick(self) -> None:
        report = self._engine.mailbox.take()
        if report is not None:
            self.meter.begin_frame()
            self.newest = report
            self.report_arrived.emit(report)
            if report.snapshot is not None:
                self._garbage.freeze()
        self.ticked.emit()
        self._garbage.collect()
