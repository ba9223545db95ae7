"""EngineThread, which owns a Trainer: commands go in by a queue, reports come out by a mailbox."""

from __future__ import annotations

import queue
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.commands import Command, Load, OpenRun, Pause, PauseAtRise, SaveRun
from engine.config import RunConfig
from engine.snapshot import Refusal, Report, Snapshot, State

if TYPE_CHECKING:
    from engine.run_record import RunRecord
    from engine.trainer import Trainer

_BUDGET_S: Final = 0.011  # and at most one engine call more: a report for every frame of 16 ms
_REFUSALS_KEPT: Final = 8


class Mailbox:
    """One slot: a newer report replaces an unread one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._report: Report | None = None

    def put(self, report: Report) -> None:
        """Replace whatever is in the slot."""
        with self._lock:
            self._report = report

    def take(self) -> Report | None:
        """Return the newest report and empty the slot; None when there is nothing new."""
        with self._lock:
            report, self._report = self._report, None
        return report


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of a command that another thread carried out."""

    to: Command
    sentence: str
    is_done: bool


class EngineThread:
    """Runs one Trainer in the background until `stop`.

    The kernels are imported and compiled in the thread, so that whoever starts it (a window) is not held
    up; the state is COMPILING meanwhile.
    """

    def __init__(self, config: RunConfig, n_threads: int = 1) -> None:
        self.mailbox = Mailbox()
        self._commands: queue.SimpleQueue[Command | _Answer | None] = queue.SimpleQueue()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lossoscope-writer")
        self._trainer: Trainer | None = None
        self._n_threads = n_threads
        self._run_id = 0
        self._generation = 0
        self._pause_at = PauseAtRise()
        self._refusals: list[Refusal] = []
        self._n_refused = 0
        self._failure = ""
        self._commands.put(Load(config))
        self._thread = threading.Thread(target=self._work, name="lossoscope-engine", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def send(self, command: Command) -> None:
        """Hand over a command; it is carried out after the engine call in progress, which a Pause cuts short."""
        self._commands.put(command)
        if isinstance(command, Pause):
            self._hurry()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Ask the thread to end, wait for it, and return whether it has."""
        self._commands.put(None)
        self._hurry()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        self._publish_compiling("Loading the engine.")
        while True:
            try:
                if not self._drain():
                    return
                if self._trainer is not None:
                    self._trainer.advance(_BUDGET_S)
                    self._tell_notice(self._trainer)
                self._publish()
            except Exception as error:  # whatever it is, the window must hear of it and live on
                self._fail(error)

    def _hurry(self) -> None:
        """Have the engine look at the commands soon, even in the middle of a long step."""
        trainer = self._trainer
        if trainer is not None:
            trainer.hurry()

    def _drain(self) -> bool:
        """Carry out what waits, blocking while there is nothing to train; return False at the end."""
        if self._trainer is not None:
            # First: whoever is in a hurry has put in a command before, which is then among those that wait.
            self._trainer.hurry(False)
        while True:
            running = self._trainer is not None and self._trainer.state is State.RUNNING
            wait_s = self._trainer.wait_s if running and self._trainer is not None else None
            try:
                command = self._commands.get(block=wait_s != 0.0, timeout=wait_s)
            except queue.Empty:
                return True
            if command is None:
                self._writer.shutdown()
                return False
            if isinstance(command, _Answer):
                self._answer(command.to, command.sentence, command.is_done)
            else:
                self._carry_out(command)
            if self._commands.empty():
                return True

    def _carry_out(self, command: Command) -> None:
        try:
            if isinstance(command, Load):
                self._load(command.config)
            elif isinstance(command, OpenRun):
                self._open(command.path)
            elif self._trainer is None:
                raise ValueError("There is no run yet; load a lesson first.")
            elif isinstance(command, SaveRun):
                self._writer.submit(self._write, command, self._trainer.record())
            else:
                self._trainer.apply(command)
                self._pause_at = self._trainer.pause_at
        except (ValueError, TypeError, OSError) as error:
            self._answer(command, str(error))
        except MemoryError:
            if not isinstance(command, Load | OpenRun):  # for those the run that was there is as it was
                raise
            self._answer(command, "There is not enough memory for these settings and this data.")

    def _load(self, config: RunConfig) -> None:
        self._tell_loading()
        from engine.trainer import Trainer  # numba and scipy come with it, and take seconds

        self._use(Trainer.from_config(config, self._n_threads))

    def _open(self, path: str) -> None:
        self._tell_loading()
        from engine.run_files import open_run

        self._use(open_run(Path(path), self._n_threads))

    def _write(self, command: SaveRun, record: RunRecord) -> None:
        """Write a run file beside training; what came of it goes the way of the commands."""
        from engine.run_files import save_run

        try:
            save_run(Path(command.path), record)
            sentence, is_done = f"The run is saved in {command.path}.", True
        except OSError as error:
            sentence, is_done = f"{command.path} could not be written: {error.strerror or error}.", False
        if not command.is_quiet:
            self._commands.put(_Answer(command, sentence, is_done))

    def _tell_loading(self) -> None:
        from engine.kernels.cache import is_compiled  # numba comes with it, and takes half a second

        self._publish_compiling(
            "Loading the data."
            if is_compiled()
            else "Compiling the kernels, once after an installation: about half a minute."
        )

    def _use(self, trainer: Trainer) -> None:
        from engine.history import most_steps

        trainer.warm_up()
        trainer.apply(self._pause_at)
        trainer.most_steps = most_steps(trainer.config.record_disparities)
        self._note_numbers()
        trainer.run_id, trainer.generation = self._run_id + 1, self._generation + 1
        self._trainer = trainer
        self._failure = ""

    def _note_numbers(self) -> None:
        """Remember how far the numbers of runs and generations have come: no later run may have them again."""
        if self._trainer is not None:
            self._run_id, self._generation = self._trainer.run_id, self._trainer.generation

    def _tell_notice(self, trainer: Trainer) -> None:
        """Tell what the Trainer did beside what was asked for."""
        notice = trainer.take_notice()
        if notice:
            self._answer(Pause(), notice, is_done=True)

    def _answer(self, command: Command, sentence: str, is_done: bool = False) -> None:
        self._n_refused += 1
        self._refusals.append(Refusal(self._n_refused, command, sentence, is_done))
        del self._refusals[:-_REFUSALS_KEPT]

    def _fail(self, error: Exception) -> None:
        traceback.print_exception(error)
        self._note_numbers()
        self._trainer = None
        sentence = (str(error) or type(error).__name__).rstrip(".")
        self._failure = f"The engine failed: {sentence}. Load a lesson to start again."
        self._publish()

    def _publish_compiling(self, message: str) -> None:
        self.mailbox.put(Report(State.COMPILING, message, self._snapshot(), tuple(self._refusals)))

    def _publish(self) -> None:
        snapshot = self._snapshot()
        if snapshot is None:
            message = self._failure or (self._refusals[-1].sentence if self._refusals else "")
            self.mailbox.put(Report(State.STOPPED, message, None, tuple(self._refusals)))
        else:
            self.mailbox.put(Report(snapshot.state, snapshot.reason, snapshot, tuple(self._refusals)))

    def _snapshot(self) -> Snapshot | None:
        return self._trainer.snapshot() if self._trainer is not None else None
