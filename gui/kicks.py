"""Kicks from the window: a menu, a strength, a dialogue with all options; built from the engine's table."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from engine.commands import Perturb
from engine.perturbations import PERTURBATION_TABLE, Option, Perturbation
from engine.snapshot import Report
from gui import numerals
from gui.fields import read_real
from gui.theme import set_role

DEFAULT_STRENGTH: Final = 1e-3
_FIRST: Final = 1  # number of the first unit for a person; the engine's is 0
_UNIT_LABEL: Final = "number of the hidden unit, from 1"


class Kicker(QObject):
    """Makes Perturb commands. Each kick of a run has a new seed, so that two in a row differ, and can be repeated.

    The first kick of every run has seed 0: a lesson may tell what it does, and two runs can be kicked alike.

    Attributes:
        strength: the scale of kicks that have one.
        chosen: name of the kick that was given last.
        next_seed: the seed that the next kick will have.
        widths: of the hidden layers of the run.
    """

    command_issued = Signal(object)
    """A Perturb for the engine."""
    chosen_changed = Signal(str)
    """Another kick was given; its title."""
    begun_anew = Signal()
    """Another run is there."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.strength = DEFAULT_STRENGTH
        self.chosen = next(iter(PERTURBATION_TABLE))
        self.next_seed = 0
        self.widths: tuple[int, ...] = ()
        self._run_id = -1

    def follow(self, report: Report) -> None:
        """Begin anew with the seeds where another run is there."""
        snapshot = report.snapshot
        if snapshot is not None and snapshot.run_id != self._run_id:
            self._run_id, self.next_seed = snapshot.run_id, 0
            self.widths = snapshot.net.layer_sizes[1:-1]
            self.begun_anew.emit()

    def make_actions(self, parent: QObject) -> list[QAction]:
        """Return one action for each kick of the table."""
        return [self._action(kick, parent) for kick in PERTURBATION_TABLE.values()]

    def kick(self, name: str = "") -> None:
        """Give a kick by its name, or the last one again, with the present strength and the next seed."""
        kick = PERTURBATION_TABLE[name or self.chosen]
        values = {"scale": self.strength, "seed": self.next_seed}
        self.kick_with(kick.name, {o.name: values[o.name] for o in kick.options if o.name in values})

    def kick_with(self, name: str, options: dict[str, float | int]) -> Perturb:
        """Give a kick with these options; a seed that was used is not used again by itself."""
        if "seed" in options:
            self.next_seed = int(options["seed"]) + 1
        if name != self.chosen:
            self.chosen = name
            self.chosen_changed.emit(PERTURBATION_TABLE[name].title)
        command = Perturb(name, options)
        self.command_issued.emit(command)
        return command

    def _kick_by_menu(self, name: str, is_checked: bool = False) -> None:
        self.kick(name)

    def _action(self, kick: Perturbation, parent: QObject) -> QAction:
        action = QAction(kick.title, parent)
        action.setObjectName(f"kick_{kick.name}")
        action.setToolTip(kick.explanation)
        action.triggered.connect(partial(self._kick_by_menu, kick.name))
        return action


class KickDialog(QDialog):
    """All kicks with all their options; a bad value is refused beside its field."""

    def __init__(self, kicker: Kicker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Kick with options")
        self._kicker = kicker
        self._given: Perturb | None = None
        self.fields: dict[str, QLineEdit] = {}
        self._notes: dict[str, QLabel] = {}
        self.choice = QComboBox()
        self.choice.setAccessibleName("Kick")
        for kick in PERTURBATION_TABLE.values():
            self.choice.addItem(kick.title, kick.name)
        self._explanation = QLabel(wordWrap=True)
        self._form = QFormLayout()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        kick_button = buttons.addButton("Kick", QDialogButtonBox.ButtonRole.ActionRole)
        kick_button.setDefault(True)
        kick_button.clicked.connect(self.give)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.choice)
        layout.addWidget(self._explanation)
        layout.addLayout(self._form)
        layout.addWidget(buttons)
        self.setMinimumWidth(420)
        self.choice.currentIndexChanged.connect(self._build_fields)
        kicker.begun_anew.connect(self._show_next_seed)
        self.choose(kicker.chosen)

    def choose(self, name: str) -> None:
        """Show the options of a kick."""
        self.choice.setCurrentIndex(self.choice.findData(name))
        self._build_fields()

    def problem(self, option: str) -> str:
        """Return the sentence beside the field of an option, or ""."""
        return self._notes[option].text()

    def give(self) -> None:
        """Give the kick if all fields will do, and show the seed of the next one."""
        options: dict[str, float | int] = {}
        for option in self._kick.options:
            try:
                options[option.name] = read_option(option, self.fields[option.name].text())
                self._show_problem(option.name, "")
            except (ValueError, TypeError) as error:
                self._show_problem(option.name, str(error))
        if len(options) == len(self._kick.options):
            self._given = self._kicker.kick_with(self._kick.name, options)
            self._show_next_seed()

    def note_refusal(self, command: object, sentence: str) -> bool:
        """Show beside its field why the engine refused a kick; return whether it was given here."""
        first_word = sentence.split(" ", 1)[0]
        if self._given is None or command is not self._given or first_word not in self._notes:
            return False
        self._show_problem(first_word, self._refusal(self._given, sentence))
        return True

    def _refusal(self, given: Perturb, sentence: str) -> str:
        """Return why a kick was refused; the engine counts units from 0, a person from 1."""
        if not sentence.startswith("unit "):
            return sentence
        width, unit = self._kicker.widths[int(given.options["layer"]) - 1], int(given.options["unit"])
        return f"unit must be a whole number from 1 to {width}, not {unit + _FIRST}."

    def _show_next_seed(self) -> None:
        if "seed" in self.fields:
            self.fields["seed"].setText(str(self._kicker.next_seed))

    def _show_problem(self, option: str, sentence: str) -> None:
        self._notes[option].setText(sentence)
        self._form.setRowVisible(self._notes[option], bool(sentence))

    @property
    def _kick(self) -> Perturbation:
        return PERTURBATION_TABLE[self.choice.currentData()]

    def _build_fields(self) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)
        self.fields.clear()
        self._notes.clear()
        self._explanation.setText(self._kick.explanation)
        for option in self._kick.options:
            self._add_field(option)

    def _add_field(self, option: Option) -> None:
        starts: dict[str, float | int] = {"scale": self._kicker.strength, "seed": self._kicker.next_seed}
        field = QLineEdit(f"{starts.get(option.name, option.default) + _shift(option):g}")
        field.setAccessibleName(_label(option))
        note = QLabel(wordWrap=True)
        set_role(note, "problem")
        self.fields[option.name], self._notes[option.name] = field, note
        self._form.addRow(_label(option), field)
        self._form.addRow(note)
        self._form.setRowVisible(note, False)


def read_option(option: Option, text: str) -> float | int:
    """Return the value of an option from text; ValueError with one sentence if it will not do.

    A unit is counted from 1 in the text, as everywhere in the window, and from 0 in the value.
    """
    if not isinstance(option.default, int):
        return read_real(option.name, text, at_least=option.at_least)
    try:
        number = int(numerals.unsigned(text))
    except ValueError:
        raise ValueError(f"{option.name} must be a whole number, not {text!r}.") from None
    least = option.at_least + _shift(option)
    if number < least:
        raise ValueError(f"{option.name} must be a whole number of at least {least}, not {text}.")
    return number - _shift(option)


def _shift(option: Option) -> int:
    """Return how much larger an option is for a person than for the engine."""
    return _FIRST if option.name == "unit" else 0


def _label(option: Option) -> str:
    text = _UNIT_LABEL if option.name == "unit" else option.explanation
    return text[0].upper() + text[1:]
