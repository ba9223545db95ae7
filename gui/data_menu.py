"""Data from outside: a file of one's own, the folder of MNIST, and its download, with progress and cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from PySide6.QtWidgets import QProgressDialog

_MB: Final = 1_000_000
_PATIENCE_MS: Final = 300  # what is quicker needs no dialogue
Work = Callable[[Callable[[int, int], object], Callable[[], bool]], str]
"""Takes (progress, is_cancelled) as `engine.datasets.command.run` does, and returns a sentence."""


class DataTask:
    """One piece of work on data files in a thread of its own; whoever started it looks at it.

    Attributes:
        done, total: bytes received and bytes in all.
        sentence: what came of it, once it is finished.
        failed: whether the sentence tells of a failure.
    """

    def __init__(self, work: Work) -> None:
        self.done, self.total = 0, 0
        self.sentence = ""
        self.failed = False
        self._work = work
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lossoscope-data", daemon=True)
        self._thread.start()

    @property
    def is_finished(self) -> bool:
        """Whether the sentence is there."""
        return not self._thread.is_alive()

    def cancel(self) -> None:
        """Ask it to end; what was received is kept."""
        self._cancelled.set()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Cancel and wait; a server that is silent is not waited for longer than this."""
        self.cancel()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self.sentence = self._work(self._note_progress, self._cancelled.is_set)
        except Exception as error:  # shown in the window
            self.failed = True
            self.sentence = str(error) or type(error).__name__

    def _note_progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total


class DataMenu(QObject):
    """Carries out the entries of the Data menu."""

    data_named = Signal(str)
    """A data set to train on, as `engine.load_dataset` takes it."""
    problem_found = Signal(str)
    """A sentence on what could not be done."""
    work_done = Signal(str)
    """A sentence on what was done."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._task: DataTask | None = None
        self._progress: QProgressDialog | None = None

    def open_file(self) -> None:
        """Ask for a CSV or NPZ file and train on it."""
        from PySide6.QtWidgets import (
            QFileDialog,
        )  # here and below: dialogues that the first painting does without

        path, _ = QFileDialog.getOpenFileName(
            self._window, "Open samples", "", "Samples (*.csv *.npz);;All files (*)"
        )
        if path:
            self.use_file(Path(path))

    def use_file(self, path: Path) -> None:
        """Train on a file, by its ending."""
        kind = path.suffix.lower().removeprefix(".")
        if kind in ("csv", "npz"):
            self.data_named.emit(f"{kind}:{path}")
        else:
            self.problem_found.emit(f"A file of samples must end in .csv or .npz, and {path.name} does not.")

    def choose_folder(self) -> None:
        """Ask for the folder of MNIST, check it and remember it."""
        from PySide6.QtWidgets import QFileDialog

        path = QFileDialog.getExistingDirectory(self._window, "Folder with the four files of MNIST")
        if path:
            self.use_folder(path)

    def use_folder(self, path: str) -> None:
        """Check a folder of MNIST and remember it, beside everything else."""
        self._start(
            lambda progress, is_cancelled: _run_command(path, False, None, None), "Checking the files ..."
        )

    def ask_download(self) -> None:
        """Ask whether MNIST may be downloaded, and do it."""
        from PySide6.QtWidgets import QMessageBox

        answer = QMessageBox.question(
            self._window,
            "Download MNIST",
            "Download the four files of MNIST (12 MB)?\nThey are checked and kept for later runs.",
        )
        if answer is QMessageBox.StandardButton.Yes:
            self.download(lambda progress, is_cancelled: _run_command(None, True, progress, is_cancelled))

    def download(self, work: Work) -> None:
        """Start a download, with a dialogue that shows how far it is and cancels it."""
        self._start(work, "Downloading MNIST ...")

    def poll(self) -> None:
        """Follow the work under way; called at the screen's pace."""
        if self._task is None or self._progress is None:
            return
        if self._task.is_finished:
            self._finish(self._task)
        elif self._task.total:
            self._progress.setMaximum(self._task.total)
            self._progress.setValue(min(self._task.done, self._task.total - 1))
            self._progress.setLabelText(f"{self._task.done / _MB:.1f} of {self._task.total / _MB:.1f} MB")

    def stop(self) -> None:
        """End the work under way."""
        if self._task is not None:
            self._task.stop()
            self._task = None

    def _start(self, work: Work, label: str) -> None:
        from PySide6.QtWidgets import QProgressDialog

        if self._task is not None:
            self.problem_found.emit("Other files are being brought or checked; wait for them or cancel.")
            return
        self._progress = QProgressDialog(label, "Cancel", 0, 0, self._window)
        self._progress.setWindowTitle("MNIST")
        self._progress.setAutoReset(False)
        QTimer.singleShot(_PATIENCE_MS, self._progress, self._progress.forceShow)
        self._task = DataTask(work)
        self._progress.canceled.connect(self._task.cancel)

    def _finish(self, task: DataTask) -> None:
        assert self._progress is not None
        self._progress.close()
        self._progress.deleteLater()
        self._task = self._progress = None
        if task.failed:
            self.problem_found.emit(task.sentence)
        else:
            self.data_named.emit("mnist")
            self.work_done.emit(task.sentence)  # last, since a command closes a message


def _run_command(
    folder: str | None,
    download: bool,
    progress: Callable[[int, int], object] | None,
    is_cancelled: Callable[[], bool] | None,
) -> str:
    from engine.datasets import command  # the network module comes with it

    return command.run("mnist", folder, download, progress, is_cancelled)
