"""The dialogue for a film: file, length, frames a second, what is filmed, how large, and which steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine.films import LARGEST, SMALLEST, SMALLEST_PANEL, FilmPlan
from engine.outputs import check_target
from gui.fields import read_real
from gui.panels.panel import Panel
from gui.theme import Theme, set_role

_KINDS: Final = "Films (*.mp4 *.gif);;All files (*)"
_SPACINGS: Final = (("evenly spaced", "linear"), ("more frames for the first steps", "log"))
_PROBLEM: Final = "problem"


class FilmDialog(QDialog):
    """Makes a FilmPlan. Nothing is begun while a field is wrong; a sentence stands below that field.

    Args:
        n_steps: where the run is now: the film ends there.
        window_size: the size of the window, which a film of it has at first.
        panels: what can be filmed alone.
        chosen: the panel to be filmed at first; None for the window.
        theme: the colours of the film.
    """

    plan_made = Signal(object)
    """A FilmPlan; the dialogue closes."""

    def __init__(
        self,
        n_steps: int,
        window_size: QSize,
        panels: Sequence[Panel],
        chosen: Panel | None,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Save a film of the run")
        self._n_steps = n_steps
        self._window_size = window_size
        self._sizes = {panel.panel_id: panel.size() for panel in panels}
        self._theme = theme
        self.fields: dict[str, QLineEdit | QComboBox] = {}
        self._notes: dict[str, QLabel] = {}
        self._summary = QLabel(wordWrap=True)
        self._form = QFormLayout()
        self._add_fields(panels, chosen)
        self._lay_out()
        self.setMinimumWidth(460)
        self._take_size()

    def text(self, name: str) -> str:
        """Return what stands in a field, or what is chosen in it."""
        field = self.fields[name]
        return str(field.currentData() or "") if isinstance(field, QComboBox) else field.text()

    def set_text(self, name: str, text: str) -> None:
        """Put a text into a field, or choose an entry, as if a person had."""
        field = self.fields[name]
        if isinstance(field, QComboBox):
            field.setCurrentIndex(field.findData(text))
        else:
            field.setText(text)

    def problem(self, name: str) -> str:
        """Return the sentence below a field, or ""."""
        return self._notes[name].text()

    def check(self) -> FilmPlan | None:
        """Show what is wrong below its field, and return the plan if nothing is."""
        sentence, plan = "", None
        try:
            plan = self._plan()
            self._summary.setText(_summary(plan))
        except (ValueError, TypeError) as error:
            sentence = str(error)
            self._summary.setText("")
        culprit = sentence.split(" ", 1)[0].lstrip("-")
        for name, note in self._notes.items():
            mine = sentence if name == culprit or (name == "out" and culprit not in self._notes) else ""
            note.setText(mine)
            self._form.setRowVisible(note, bool(mine))
            set_role(self.fields[name], _PROBLEM if mine else "")
            self.fields[name].setAccessibleDescription(mine)
        return plan

    def film(self) -> None:
        """Give the plan and close, if all fields will do."""
        plan = self.check()
        if plan is not None:
            self.accept()
            self.plan_made.emit(plan)

    def _plan(self) -> FilmPlan:
        path = Path(self.text("out")).expanduser().absolute()
        plan = FilmPlan(
            path,
            self._n_steps,
            read_real("seconds", self.text("seconds"), above=0.0),
            _whole("fps", self.text("fps")),
            _size(self.text("size")),
            self.text("panel") or None,
            self._theme.name,
            self.text("spacing"),
        )
        check_target("out", path)
        return plan

    def _add_fields(self, panels: Sequence[Panel], chosen: Panel | None) -> None:
        what, spacing = QComboBox(), QComboBox()
        what.addItem("the window", "")
        for panel in panels:
            what.addItem(panel.title, panel.panel_id)
        for title, name in _SPACINGS:
            spacing.addItem(title, name)
        what.setCurrentIndex(what.findData(chosen.panel_id if chosen else ""))
        what.currentIndexChanged.connect(self._take_size)
        self._add("out", "File, .mp4 or .gif", QLineEdit(str(_free_name())))
        self._add("panel", "What is filmed", what)
        self._add("seconds", "Length in seconds", QLineEdit("10"))
        self._add("fps", "Frames a second", QLineEdit("25"))
        self._add("spacing", "Steps", spacing)
        self._add("size", "Width x height", QLineEdit())

    def _add(self, name: str, label: str, field: QLineEdit | QComboBox) -> None:
        field.setAccessibleName(label)
        note = QLabel(wordWrap=True)
        set_role(note, _PROBLEM)
        self.fields[name], self._notes[name] = field, note
        if name == "out":
            self._form.addRow(label, self._with_button(field))
        else:
            self._form.addRow(label, field)
        self._form.addRow(note)
        self._form.setRowVisible(note, False)
        if isinstance(field, QComboBox):
            field.currentIndexChanged.connect(self.check)
        else:
            field.textChanged.connect(self.check)

    def _with_button(self, field: QWidget) -> QHBoxLayout:
        button = QPushButton("Choose ...")
        button.setAutoDefault(False)
        button.clicked.connect(self._choose_file)
        row = QHBoxLayout()
        row.addWidget(field, 1)
        row.addWidget(button)
        return row

    def _lay_out(self) -> None:
        set_role(self._summary, "caption")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        film = buttons.addButton("Film", QDialogButtonBox.ButtonRole.ActionRole)
        film.setDefault(True)
        film.setToolTip("The run is replayed beside training, which goes on.")
        film.clicked.connect(self.film)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(self._summary)
        layout.addWidget(buttons)

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save a film", self.text("out"), _KINDS)
        if path:
            self.set_text("out", path)

    def _take_size(self) -> None:
        """Fill in the size that the window or the panel has on the screen."""
        panel_id = self.text("panel")
        size = self._sizes.get(panel_id, self._window_size)
        least = SMALLEST_PANEL if panel_id else SMALLEST
        width, height = (
            min(max(length, low), high) // 2 * 2
            for length, low, high in zip((size.width(), size.height()), least, LARGEST, strict=True)
        )
        self.set_text("size", f"{width}x{height}")


def _summary(plan: FilmPlan) -> str:
    n_kept = len(set(plan.steps()))
    replaced = "The file that is there is replaced. " if plan.out.exists() else ""
    return replaced + (
        f"{plan.n_frames:,} frames, from step 0 to step {plan.n_steps:,}; they show {n_kept:,} different steps. "
        "The run is replayed for it, and what you have here goes on."
    )


def _free_name() -> Path:
    """Return a name in the user's folder that no file has."""
    names = (Path.home() / f"lossoscope{ending}.mp4" for ending in ("", *(f"-{n}" for n in range(2, 1000))))
    return next((name for name in names if not name.exists()), Path.home() / "lossoscope.mp4")


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name} must be a whole number, not {text!r}.") from None


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().replace("×", "x").partition("x")
    try:
        return int(width), int(height)
    except ValueError:
        raise ValueError(f"size must be WxH in pixels, as 1280x720, not {text!r}.") from None
