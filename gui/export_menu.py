"""What leaves the window: pictures into files and onto the clipboard, and the history as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from engine.snapshot import Snapshot
from gui.targets import TargetQuestion

_PICTURES = "Pictures (*.png *.svg *.pdf);;All files (*)"
_TABLES = "Tables (*.csv);;All files (*)"


class ExportMenu(QObject):
    """Carries out the entries that save and copy.

    Args:
        window: what is drawn when no panel has the focus.
        panel: returns the panel that has the focus, or None.
        snapshot: returns the newest snapshot, or None.
    """

    problem_found = Signal(str)
    """A sentence on what could not be done."""
    work_done = Signal(str)
    """A sentence on what was done."""

    def __init__(
        self, window: QWidget, panel: Callable[[], QWidget | None], snapshot: Callable[[], Snapshot | None]
    ) -> None:
        super().__init__(window)
        self._window = window
        self._panel = panel
        self._snapshot = snapshot
        self._picture = TargetQuestion(window, "Save a picture", "lossoscope.png", _PICTURES, ".png")
        self._table = TargetQuestion(window, "Save the history", "history.csv", _TABLES, ".csv")

    def ask_picture(self) -> None:
        """Ask where to save a picture of the panel that has the focus, or of the window."""
        drawn = self._drawn()
        path = self._picture.ask()
        if path is not None:
            self.save_picture(path, drawn)

    def save_picture(self, path: Path, drawn: QWidget) -> None:
        """Save a picture of a widget; its ending says as what."""
        from gui import exports

        self._try(lambda: exports.write(path, drawn), path)

    def copy_picture(self) -> None:
        """Put a picture of the panel that has the focus, or of the window, onto the clipboard."""
        QApplication.clipboard().setPixmap(self._drawn().grab())
        self.work_done.emit("The picture is on the clipboard.")

    def ask_history(self) -> None:
        """Ask where to save the history as CSV."""
        path = self._table.ask()
        if path is not None:
            self.save_history(path)

    def save_history(self, path: Path) -> None:
        """Save every entry of the history as CSV, a line a step; each number reads back as the same number."""
        from engine.outputs import as_csv, write_text

        snapshot = self._snapshot()
        if snapshot is not None:
            self._try(lambda: write_text(path, as_csv(snapshot.history)), path)

    def copy_settings(self) -> None:
        """Put the settings of the run, as text, onto the clipboard."""
        from engine.run_texts import as_text

        snapshot = self._snapshot()
        if snapshot is not None:
            QApplication.clipboard().setText(as_text(snapshot.config))
            self.work_done.emit("The settings are on the clipboard, as text.")

    def _drawn(self) -> QWidget:
        return self._panel() or self._window

    def _try(self, work: Callable[[], None], path: Path) -> None:
        try:
            work()
        except ValueError as error:
            self.problem_found.emit(f"{path.name} was not written: {error}")
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self.problem_found.emit(f"{path.name} was not written: {reason}.")
        else:
            self.work_done.emit(f"Saved as {path}.")
