"""Autosave: the run is kept in a file now and then, and offered again after a crash."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from engine.commands import SaveRun
from engine.datasets.folders import config_folder
from engine.snapshot import Snapshot

FILE_NAME: Final = "autosave.run.npz"
_EVERY_MS: Final = 30_000
_FEWEST_STEPS: Final = 100  # a shorter run is had again sooner than it is opened


class Autosave(QObject):
    """Asks for the run to be saved while it moves; a window that closes as it should leaves nothing behind.

    Args:
        path: the file; by default one in `config_folder()`.
    """

    command_issued = Signal(object)
    """A quiet SaveRun."""

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path or config_folder() / FILE_NAME
        self._saved: tuple[int, int] | None = None
        self._snapshot: Snapshot | None = None
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.save)

    @property
    def has_left_over(self) -> bool:
        """Whether a run was cut off."""
        return self.path.is_file()

    def start(self) -> None:
        """Begin to save now and then."""
        self._timer.start()

    def note(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot."""
        self._snapshot = snapshot

    def save(self) -> None:
        """Ask for the run to be saved, if it has moved and is worth it."""
        snapshot = self._snapshot
        if snapshot is None or snapshot.n_steps < _FEWEST_STEPS:
            return
        now = snapshot.generation, snapshot.n_steps
        if now != self._saved:
            self._saved = now
            with suppress(OSError):  # where nothing can be written there is nothing to offer either
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self.command_issued.emit(SaveRun(str(self.path), is_quiet=True))

    def forget(self) -> None:
        """Remove the file: the window was closed as it should, or the offer declined."""
        self._timer.stop()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
