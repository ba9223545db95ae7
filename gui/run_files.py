"""Runs from and to files, with the system's dialogues."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from engine.commands import OpenRun, SaveRun

ENDING: Final = ".run.npz"
_KINDS: Final = f"Runs (*{ENDING});;All files (*)"


class RunFiles(QObject):
    """Asks for names of files, and has the engine read and write them."""

    command_issued = Signal(object)
    """An OpenRun or a SaveRun."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window

    def ask_open(self) -> None:
        """Ask for a run to go on with."""
        from PySide6.QtWidgets import QFileDialog

        path, _ = QFileDialog.getOpenFileName(self._window, "Open a run", "", _KINDS)
        if path:
            self.command_issued.emit(OpenRun(path))

    def ask_save(self) -> None:
        """Ask where to keep the run."""
        from PySide6.QtWidgets import QFileDialog

        path, _ = QFileDialog.getSaveFileName(self._window, "Save the run", f"mine{ENDING}", _KINDS)
        if path:
            self.save(Path(path))

    def save(self, path: Path) -> None:
        """Keep the run in a file; one without an ending gets ours."""
        self.command_issued.emit(SaveRun(str(path if path.suffix else path.with_name(path.name + ENDING))))
