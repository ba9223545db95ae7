"""Runs from and to files, with the system's dialogues."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from engine.commands import OpenRun, SaveRun
from gui.targets import TargetQuestion

ENDING: Final = ".run.npz"
_KINDS: Final = f"Runs (*{ENDING});;All files (*)"


class RunFiles(QObject):
    """Asks for names of files, and has the engine read and write them."""

    command_issued = Signal(object)
    """An OpenRun or a SaveRun."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        # Any other ending is part of the name: "lr0.5" would not be listed among the runs.
        self._target = TargetQuestion(window, "Save the run", f"mine{ENDING}", _KINDS, ENDING, (".npz",))

    def ask_open(self) -> None:
        """Ask for a run to go on with."""
        from PySide6.QtWidgets import QFileDialog

        folder = self._target.path.parent
        path, _ = QFileDialog.getOpenFileName(self._window, "Open a run", str(folder), _KINDS)
        if path:
            self._target.path = Path(path)
            self.command_issued.emit(OpenRun(path))

    def ask_save(self) -> None:
        """Ask where to keep the run."""
        path = self._target.ask()
        if path is not None:
            self.save(path)

    def save(self, path: Path) -> None:
        """Keep the run in a file; a name without our ending gets it."""
        self.command_issued.emit(SaveRun(str(self._target.completed(path))))
