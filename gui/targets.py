"""Names of files to be written: asked for with the system's dialogue, completed, and no file replaced unasked."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget


class TargetQuestion:
    """Asks for a file to write. The next time it begins where the last answer was.

    Args:
        window: above which the dialogue is shown.
        title: the dialogue's title.
        path: the name that is offered first.
        kinds: what the dialogue lists, as QFileDialog takes it.
        ending: what a name without an ending gets.
        known: the endings that count as one; by default any does.

    Attributes:
        path: the name that is offered next.
    """

    def __init__(
        self, window: QWidget, title: str, path: str, kinds: str, ending: str, known: tuple[str, ...] = ()
    ) -> None:
        self.path = Path(path)
        self._window = window
        self._title = title
        self._kinds = kinds
        self._ending = ending
        self._known = known

    def ask(self) -> Path | None:
        """Return the file to write, with an ending; None when there is to be none."""
        from PySide6.QtWidgets import QFileDialog  # here and below: what the first painting does without

        name, _ = QFileDialog.getSaveFileName(self._window, self._title, str(self.path), self._kinds)
        if not name:
            return None
        path = self.completed(Path(name))
        # The dialogue has asked about the name as it was typed.
        if path != Path(name) and path.exists() and not self._may_replace(path):
            return None
        self.path = path
        return path

    def completed(self, path: Path) -> Path:
        """Return a path with an ending: its own, or ours behind the name."""
        has_ending = path.suffix.lower() in self._known if self._known else bool(path.suffix)
        return path if has_ending else path.with_name(path.name + self._ending)

    def _may_replace(self, path: Path) -> bool:
        from PySide6.QtWidgets import QMessageBox

        sentence = f"{path.name} already exists.\nDo you want to replace it?"
        answer = QMessageBox.warning(
            self._window,
            self._title,
            sentence,
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        return answer is QMessageBox.StandardButton.Yes
