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
_HASTY_MS: Final = 3
_HASTY_LOOKS: Final = 30  # a tenth of a second; a step that takes longer is shown at the next tick


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
        self._haste = QTimer(self, interval=_HASTY_MS, timerType=Qt.TimerType.PreciseTimer)
        self._haste.timeout.connect(self._look)
        self._n_hasty = 0

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
        """Hand a command to the engine; what came of it is in a later report, which is awaited in haste."""
        self._engine.send(command)
        self._n_hasty = _HASTY_LOOKS
        self._haste.start()

    def stop(self, timeout_s: float = 60.0) -> bool:
        """Stop the timer, cancel the jobs, end the engine's thread; return whether it has ended."""
        self._timer.stop()
        self._haste.stop()
        ended = self._engine.stop(timeout_s)
        self.jobs.stop()
        self._garbage.stop()
        return ended

    def _tick(self) -> None:
        self.meter.begin_frame()
        self._look()
        self.ticked.emit()
        self._garbage.collect()

    def _look(self) -> None:
        """Take the newest report, if there is one. A new state shows at once, and ends the haste."""
        report = self._engine.mailbox.take()
        self._n_hasty -= 1
        if report is not None:
            before, self.newest = self.newest, report
            self.report_arrived.emit(report)
            if report.snapshot is not None:
                self._garbage.freeze()
            if before is not None and before.state is not report.state:
                self._n_hasty = 0
        if self._n_hasty <= 0:
            self._haste.stop()
