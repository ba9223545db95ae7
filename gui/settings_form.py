"""The form for the settings of a run, with a sentence beside each field that will not do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from engine.commands import Load
from engine.config import (
    ACTIVATION_NAMES,
    ARITHMETICS,
    DTYPES,
    INIT_NAMES,
    LOSS_NAMES,
    TRAIN_NAMES,
    RunConfig,
)
from engine.datasets import dataset_names
from gui.sentences import shortened
from gui.theme import set_role

LABELS: Final = {
    "data": "Data set, csv:PATH or npz:PATH",
    "n_samples": "Samples used, from the front",
    "hidden": "Widths of the hidden layers, as 64,32",
    "activation": "Activation, one or one per layer",
    "loss": "Loss",
    "skip": "Hidden layers also wired to the output",
    "init": "Start",
    "init_value": "Value of the constant start",
    "init_scale": "Scale of the normal start",
    "learning_rate": "Learning rate",
    "batch_size": "Samples a step",
    "seed": "Seed",
    "dtype": "Numbers",
    "arithmetic": "Arithmetic",
    "train": "Parameters that are trained",
    "noise": "Fixed noise on hidden units, strength",
    "noise_seed": "Seed of the noise",
    "record_disparities": "Record disparities every so many steps",
}
_CHOICES: Final[dict[str, Callable[[], Sequence[str]]]] = {
    "data": dataset_names,
    "activation": lambda: ACTIVATION_NAMES,
    "loss": lambda: LOSS_NAMES,
    "init": lambda: INIT_NAMES,
    "dtype": lambda: DTYPES,
    "arithmetic": lambda: ARITHMETICS,
    "train": lambda: TRAIN_NAMES,
}


class SettingsForm(QDialog):
    """Edits a RunConfig. Nothing is sent while a field is wrong; what the engine refuses changes nothing."""

    command_issued = Signal(object)
    """A Load for the engine."""

    def __init__(self, config: RunConfig, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings of the run")
        self._config = config
        self._pending: Load | None = None
        self._heard_enter = False
        self._fields: dict[str, QComboBox | QLineEdit] = {}
        self._notes: dict[str, QLabel] = {}
        self._grid = QGridLayout()
        self._grid.setColumnStretch(1, 1)
        for key, text in config.as_text().items():
            self._add_field(key, text)
        self._lay_out()

    def text(self, key: str) -> str:
        """Return what stands in the field of a setting."""
        field = self._fields[key]
        return field.currentText() if isinstance(field, QComboBox) else field.text()

    def set_text(self, key: str, text: str) -> None:
        """Put a text into the field of a setting, as if it were typed."""
        field = self._fields[key]
        if isinstance(field, QComboBox):
            field.setCurrentIndex(field.findText(text))  # arrows go on from there
            field.setEditText(text)
        else:
            field.setText(text)

    def problem(self, key: str) -> str:
        """Return the sentence beside the field of a setting, or ""."""
        return self._notes[key].text()

    def check(self) -> RunConfig | None:
        """Show the problems beside their fields; return the settings if there is none."""
        config, problems = read_settings({key: self.text(key) for key in self._fields}, self._config)
        for key in self._notes:
            self._show_problem(key, problems.get(key, ""))
        return None if problems else config

    def send(self) -> None:
        """Send the settings to the engine if they will do."""
        config = self.check()
        if config is not None:
            self._pending = Load(config)
            self.command_issued.emit(self._pending)

    def _send_by_enter(self) -> None:
        """Send; whether the default button hears the same Enter depends on the kind of field."""
        self._heard_enter = True
        QTimer.singleShot(0, self._forget_enter)
        self.send()

    def _forget_enter(self) -> None:
        self._heard_enter = False

    def _send_by_button(self) -> None:
        if not self._heard_enter:
            self.send()

    def note_refusal(self, command: object, sentence: str) -> bool:
        """Show beside its field why the engine refused these settings; return whether they were these."""
        if self._pending is None or command is not self._pending:
            return False
        self._pending = None
        first_word = sentence.split(" ", 1)[0]
        self._show_problem(first_word if first_word in self._notes else "data", sentence)
        return True

    def note_loaded(self, config: RunConfig) -> None:
        """Close the form when the run has the settings that were sent."""
        if self._pending is not None and config is self._pending.config:
            self._pending = None
            self.accept()

    def _show_problem(self, key: str, sentence: str) -> None:
        sentence = shortened(sentence)
        self._notes[key].setText(sentence)
        self._notes[key].setVisible(bool(sentence))
        set_role(self._fields[key], "problem" if sentence else "")
        self._fields[key].setAccessibleDescription(sentence)

    def _add_field(self, key: str, text: str) -> None:
        field = _combo(_CHOICES[key]()) if key in _CHOICES else QLineEdit()
        field.setAccessibleName(LABELS[key])
        field.setMinimumWidth(190)
        self._fields[key] = field
        self.set_text(key, text)
        label = QLabel(LABELS[key])
        label.setBuddy(field)
        note = QLabel(wordWrap=True)
        set_role(note, "problem")
        note.hide()
        self._notes[key] = note
        row = 2 * self._grid.rowCount()
        self._grid.addWidget(label, row, 0)
        self._grid.addWidget(field, row, 1)
        self._grid.addWidget(note, row + 1, 0, 1, 2)
        editor = field.lineEdit() if isinstance(field, QComboBox) else field
        assert editor is not None
        editor.editingFinished.connect(self.check)
        editor.returnPressed.connect(self._send_by_enter)

    def _lay_out(self) -> None:
        self._grid.setRowStretch(2 * self._grid.rowCount(), 1)  # room that is left over goes to the end
        page = QWidget()
        page.setLayout(self._grid)
        area = QScrollArea(widgetResizable=True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setAccessibleName("Settings of the run")
        area.setWidget(page)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        load = buttons.addButton("Load", QDialogButtonBox.ButtonRole.ActionRole)
        load.setDefault(True)
        load.setToolTip("Start a new run with these settings.")
        load.clicked.connect(self._send_by_button)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(area)
        layout.addWidget(buttons)
        self.resize(560, 600)


def read_settings(texts: dict[str, str], base: RunConfig) -> tuple[RunConfig, dict[str, str]]:
    """Return the settings of texts, and for each that will not do a sentence; those keep the value of base.

    Settings are read in the order of the form, from a base that allows any number of layers: whether an
    activation or a skip fits the layers is known only when the layers are.
    """
    config = base.replace(activation=base.activation[:1], skip=())
    problems: dict[str, str] = {}
    for key, text in texts.items():
        try:
            config = config.with_text(key, text)
        except (ValueError, TypeError) as error:
            problems[key] = str(error)
    return config, problems


def _combo(choices: Sequence[str]) -> QComboBox:
    combo = QComboBox(editable=True, insertPolicy=QComboBox.InsertPolicy.NoInsert)
    combo.addItems(list(choices))
    return combo
