"""What the window remembers from one run of the program to the next: its theme, size and arrangement."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QDockWidget, QMainWindow

from engine.datasets.folders import config_folder
from gui.theme import LIGHT, THEMES, Theme

FILE_NAME: Final = "window.ini"


class WindowMemory:
    """An INI file in the user's folder of settings. What cannot be read counts as not there.

    Args:
        path: the file; by default the one in `config_folder()`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._file = QSettings(str(path or config_folder() / FILE_NAME), QSettings.Format.IniFormat)

    @property
    def theme(self) -> Theme:
        """The theme of the last run, or the light one."""
        return THEMES.get(str(self._file.value("theme", "")), LIGHT)

    def place(self, window: QMainWindow) -> None:
        """Give a window its size and place on the screen."""
        window.restoreGeometry(self._bytes("geometry"))

    def arrange(self, window: QMainWindow) -> bool:
        """Put a window's docks where they were; return whether that was possible."""
        if self._file.value("docks", "") != _dock_names(window):  # another program's docks would be lost
            return False
        return window.restoreState(self._bytes("arrangement"))

    def keep(self, window: QMainWindow, used_theme: Theme) -> None:
        """Remember how a window looks. A folder that cannot be written is passed over: nothing depends on it."""
        values = {
            "theme": used_theme.name,
            "geometry": window.saveGeometry(),
            "arrangement": window.saveState(),
            "docks": _dock_names(window),
        }
        for key, value in values.items():
            self._file.setValue(key, value)
        self._file.sync()

    def _bytes(self, key: str) -> QByteArray:
        value = self._file.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()


def _dock_names(window: QMainWindow) -> str:
    return " ".join(sorted(dock.objectName() for dock in window.findChildren(QDockWidget)))
