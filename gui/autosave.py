"""Autosave: the run is kept in a file now and then, and offered again after a crash."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from PySide6.QtCore import QLockFile, QObject, QTimer, Signal

from engine.commands import SaveRun
from engine.datasets.folders import config_folder
from engine.snapshot import Snapshot

FILE_NAME: Final = "autosave.run.npz"
"""The first window's; others that are open at the same time have autosave-2 and so on."""
_MOST_WINDOWS: Final = 20
_EVERY_MS: Final = 30_000
_FEWEST_STEPS: Final = 100  # a shorter run is had again sooner than it is opened


class Autosave(QObject):
    """Asks for the run to be saved while it moves; a window that closes as it should leaves nothing behind.

    Args:
        path: the file, if no other window is there; by default one in `config_folder()`.

    Attributes:
        path: this window's own file, once it has begun: one that no other window has.
    """

    command_issued = Signal(object)
    """A quiet SaveRun."""

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path or config_folder() / FILE_NAME
        self._saved: tuple[int, int] | None = None
        self._snapshot: Snapshot | None = None
        self._lock: QLockFile | None = None
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.save)

    @property
    def has_left_over(self) -> bool:
        """Whether a run was cut off, as known once this has begun."""
        return self._lock is not None and self.path.is_file()

    def start(self) -> None:
        """Take a file of one's own, one with a run that was cut off if there is one; begin to save now and then."""
        first = self.path
        with suppress(OSError):  # where nothing can be written there is nothing to offer either
            first.parent.mkdir(parents=True, exist_ok=True)
        names = [first, *(_numbered(first, number) for number in range(2, _MOST_WINDOWS + 1))]
        for path in sorted(names, key=lambda name: not name.is_file()):
            lock = QLockFile(f"{path}.lock")
            lock.setStaleLockTime(0)  # however old: it is void when the program that wrote it is gone
            if lock.tryLock(0):
                self.path, self._lock = path, lock
                self._timer.start()
                return

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
            self.command_issued.emit(SaveRun(str(self.path), is_quiet=True))

    def forget(self) -> None:
        """Remove the file: the window was closed as it should, or the offer declined."""
        self._timer.stop()
        if self._lock is not None:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
            self._lock.unlock()


def _numbered(path: Path, number: int) -> Path:
    """Return autosave-2.run.npz for autosave.run.npz and 2."""
    name, dot, ending = path.name.partition(".")
    return path.with_name(f"{name}-{number}{dot}{ending}")
