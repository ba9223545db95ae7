"""Films from the window: the dialogue, and the process that replays the run and photographs it."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QDialog, QMainWindow

from engine.commands import SaveRun
from engine.snapshot import Snapshot
from gui.memory import WindowMemory
from gui.run_files import ENDING
from gui.theme import Theme

if TYPE_CHECKING:  # what only a film needs is imported when one is asked for
    from PySide6.QtCore import QProcess

    from engine.films import FilmPlan
    from gui.panel_looks import Looks
    from gui.panels.panel import Panel

_ROOT: Final = Path(__file__).resolve().parent.parent
_KILLED_MS: Final = 60_000  # it is nice: on a busy machine it waits long even to be ended
_END_MS: Final = 10_000  # a process that is asked to end removes what it wrote first


class Filming(QObject):
    """Makes one film at a time, of the run from step 0 to where it is now. The live run goes on meanwhile.

    Args:
        window: whose arrangement is filmed.
        panel: returns the panel that has the focus, or None.
        snapshot: returns the newest snapshot, or None.
        show: shows a dialogue.
    """

    command_issued = Signal(object)
    """A SaveRun: what is filmed is the run as it was when the film was asked for."""
    problem_found = Signal(str)
    """A sentence on what could not be done."""
    work_done = Signal(str)
    """A sentence on what was done."""

    def __init__(
        self,
        window: QMainWindow,
        panel: Callable[[], Panel | None],
        snapshot: Callable[[], Snapshot | None],
        show: Callable[[QDialog], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._panel = panel
        self._snapshot = snapshot
        self._show = show
        self._film: _Film | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a film is being made."""
        return self._film is not None

    def ask(self, panels: Sequence[Panel], theme: Theme) -> None:
        """Open the dialogue, or say why there can be no film now."""
        from gui import film_files
        from gui.film_dialog import FilmDialog

        try:
            film_files.check_library()
            n_steps = self._n_steps()
            if self.is_busy:
                raise ValueError("A film is being made; wait for it or cancel it.")
        except ValueError as error:
            self.problem_found.emit(str(error))
            return
        dialog = FilmDialog(n_steps, self._window.size(), panels, self._panel(), theme, self._window)
        dialog.plan_made.connect(lambda plan: self.start(plan, theme, panels))
        self._show(dialog)

    def start(self, plan: FilmPlan, theme: Theme, panels: Sequence[Panel] = ()) -> None:
        """Begin a film; the run is saved first, beside training, for the process to replay it.

        What is chosen in the panels given is chosen in the film, too.
        """
        from gui.panel_looks import looks_of

        film = self._film = _Film(plan, self._window, looks_of(panels))
        WindowMemory(film.looks).keep(self._window, theme)
        film.progress.canceled.connect(self.cancel)
        self.command_issued.emit(film.save)

    def note_answer(self, command: object, sentence: str, is_done: bool) -> bool:
        """Take the engine's answer; return whether it was to the saving of a run to be filmed."""
        film = self._film
        if film is None or command is not film.save:
            return False
        if film.is_cancelled:
            self._finish(film)
        elif is_done:
            film.process.finished.connect(lambda *result: self._note_end(film))
            film.process.errorOccurred.connect(lambda error: self._note_error(film, error))
            film.begin()
        else:
            self._finish(film)
            self.problem_found.emit(f"{film.plan.out.name} was not written: {sentence}")
        return True

    def cancel(self) -> None:
        """Cancel the film; nothing of it is left."""
        if self._film is not None:
            self._film.cancel()

    def stop(self) -> None:
        """Cancel the film and wait until its process has ended."""
        film = self._film
        if film is not None:
            film.process.blockSignals(True)
            film.cancel()
            film.end()
            self._finish(film)

    def _note_error(self, film: _Film, error: QProcess.ProcessError) -> None:
        from PySide6.QtCore import QProcess

        if error is QProcess.ProcessError.FailedToStart:  # then `finished` never comes
            self._note_end(film)

    def _note_end(self, film: _Film) -> None:
        film.read()
        self._finish(film)
        if film.is_cancelled and film.end_text is None:
            self.work_done.emit("The film was cancelled; nothing was written.")
        elif film.end_text is None:
            reason = film.problem or "the process that makes it came to an end"
            self.problem_found.emit(f"{film.plan.out.name} was not written: {reason.rstrip('.')}.")
        else:
            self.work_done.emit(f"The film is saved as {film.plan.out}. {film.end_text}".strip())

    def _finish(self, film: _Film) -> None:
        self._film = None
        film.clean()

    def _n_steps(self) -> int:
        snapshot = self._snapshot()
        if snapshot is None or snapshot.n_steps == 0:
            raise ValueError("There is nothing to film yet: the run stands at step 0. Train first.")
        return snapshot.n_steps


class _Film:
    """One film under way: its temporary files, its process, its progress."""

    def __init__(self, plan: FilmPlan, window: QMainWindow, panel_looks: Looks) -> None:
        from PySide6.QtCore import QProcess
        from PySide6.QtWidgets import QProgressDialog

        self.plan = plan
        self._panel_looks = panel_looks
        self.is_cancelled = False
        self.problem = ""
        self.end_text: str | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="lossoscope-film-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        self.looks = folder / "looks.ini"
        self.save = SaveRun(str(folder / f"run{ENDING}"))
        self._request = folder / "request.json"
        self.process = QProcess(window)
        self.process.setProcessChannelMode(QProcess.ProcessChannelMode.ForwardedErrorChannel)
        self.process.readyReadStandardOutput.connect(self.read)
        self.progress = QProgressDialog("Saving the run ...", "Cancel", 0, plan.n_frames, window)
        self.progress.setWindowTitle("Film")
        self.progress.setAutoReset(False)
        self.progress.setMinimumWidth(360)
        QTimer.singleShot(0, self.progress, self.progress.forceShow)

    def begin(self) -> None:
        """Start the process."""
        from PySide6.QtCore import QProcessEnvironment

        from engine.films import plan_as_table
        from gui import film_worker

        table = {
            "plan": plan_as_table(self.plan),
            "run": self.save.path,
            "looks": str(self.looks),
            "panels": self._panel_looks,
        }
        film_worker.write_request(self._request, table)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONPATH", str(_ROOT))
        self.process.setProcessEnvironment(environment)
        self.progress.setLabelText("Starting ...")
        self.process.start(sys.executable, ["-m", film_worker.__name__, str(self._request)])

    def read(self) -> None:
        """Take what the process has told since."""
        while self.process.canReadLine():
            try:
                words = json.loads(bytes(self.process.readLine().data()))
            except ValueError:  # a library's remark
                continue
            self._take(words)

    def cancel(self) -> None:
        """Ask the process to end: its input is closed."""
        self.is_cancelled = True
        self.process.closeWriteChannel()

    def end(self) -> None:
        """Wait for the process to end; one that does not is ended."""
        if (
            self.process.state() is not self.process.ProcessState.NotRunning
            and not self.process.waitForFinished(_END_MS)
        ):
            self.process.kill()
            self.process.waitForFinished(_KILLED_MS)

    def clean(self) -> None:
        """Remove dialogue and temporary files."""
        self.progress.blockSignals(True)  # closing it is no cancelling
        self.progress.close()
        self.progress.deleteLater()
        self.process.deleteLater()
        self._folder.cleanup()

    def _take(self, words: dict[str, str | int]) -> None:
        if "done" in words:
            n_done = int(words["done"])
            self.progress.setValue(n_done)
            self.progress.setLabelText(f"Frame {n_done:,} of {self.plan.n_frames:,}")
        elif "problem" in words:
            self.problem = str(words["problem"])
        elif "end" in words:
            self.end_text = str(words["end"])
