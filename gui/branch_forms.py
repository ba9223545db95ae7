"""The forms for branches: one to branch off with changes, one that lists the branches and what can be done."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine.branches import MOST
from engine.commands import (
    BranchOff,
    Change,
    Command,
    Pause,
    Perturb,
    RemoveBranch,
    RenameBranch,
    SetArithmetic,
    SetBatches,
    SetLearningRate,
    SwitchTo,
)
from engine.config import ARITHMETICS, RunConfig
from engine.perturbations import PERTURBATION_TABLE
from engine.snapshot import Snapshot, State
from gui import numerals, theme
from gui.kicks import DEFAULT_STRENGTH, read_option
from gui.theme import Theme, set_role
from gui.timeline import names_of, swatch

_LABELS: Final = {
    "learning_rate": "Learning rate",
    "batch_size": "Samples a step",
    "seed": "Seed of the mini-batches",
    "arithmetic": "Arithmetic",
    "kick": "Kick",
    "scale": "Strength of the kick",
    "kick_seed": "Seed of the kick",
    "name": "Name of the new branch",
}
_NO_KICK: Final = "none"


class BranchForm(QDialog):
    """Asks what the new branch does otherwise; what is left as it is goes on as it is."""

    command_issued = Signal(object)
    """A BranchOff for the engine."""

    def __init__(self, snapshot: Snapshot, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._snapshot = snapshot
        self._pending: BranchOff | None = None
        self._branches = snapshot.branches
        self._words = QLabel(wordWrap=True)
        self._problem = QLabel(wordWrap=True)
        set_role(self._problem, "problem")
        self._form = QFormLayout()
        self.fields: dict[str, QLineEdit | QComboBox] = {}
        for key, text in self._start_texts().items():
            self._add_field(key, text)
        self._lay_out()
        self.note_snapshot(snapshot)
        self._show_kick_fields()
        self._problem.hide()

    @property
    def problem(self) -> str:
        """The sentence on what will not do, or ""."""
        return self._problem.text()

    def text(self, key: str) -> str:
        """Return what stands in a field."""
        field = self.fields[key]
        return field.currentText() if isinstance(field, QComboBox) else field.text()

    def set_text(self, key: str, text: str) -> None:
        """Put a text into a field, as if it were typed or chosen."""
        field = self.fields[key]
        if isinstance(field, QComboBox):
            field.setCurrentText(text)
        else:
            field.setText(text)

    def note_snapshot(self, snapshot: Snapshot) -> None:
        """Say from which step; close once the branch is there."""
        if self._pending is not None and snapshot.branches is not self._branches:
            self._pending = None
            self.accept()
            return
        if snapshot.run_id != self._snapshot.run_id:  # another run: what stands here is about the old one
            self.reject()
            return
        self._follow(snapshot)
        self.setWindowTitle(f"Branch from step {snapshot.n_steps:,}")
        words = (
            f"The run as it was, {snapshot.furthest:,} steps, is kept as branch {snapshot.branch_number}. "
        )
        words += "The new branch goes on from here with what you change below. "
        self._words.setText(f"{words}A run has at most {MOST} branches.")

    def _follow(self, snapshot: Snapshot) -> None:
        """Let the fields that nobody touched say what the run has now."""
        before, self._snapshot = self._start_texts(), snapshot
        for key, text in self._start_texts().items():
            if text != before[key] and self.text(key) == before[key]:
                self.set_text(key, text)

    def send(self) -> None:
        """Ask for the branch if all fields will do."""
        try:
            self._pending = BranchOff(self._changes(), self.text("name"))
        except (ValueError, TypeError) as error:
            self._show_problem(str(error))
            return
        self._branches = self._snapshot.branches
        self.command_issued.emit(self._pending)

    def note_refusal(self, command: object, sentence: str) -> bool:
        """Show why the engine refused the branch; return whether it was asked for here."""
        if self._pending is None or command is not self._pending:
            return False
        self._pending = None
        self._show_problem(sentence)
        return True

    def _changes(self) -> tuple[Change, ...]:
        """Return what the fields say otherwise than the run; ValueError with a sentence where they will not do."""
        before = self._start_texts()
        changed = {key for key in self.fields if self.text(key).strip() != before[key]}
        keys = ("learning_rate", "batch_size", "seed", "arithmetic")
        config = RunConfig().with_texts({key: self.text(key) for key in keys})
        changes: list[Change] = []
        if "learning_rate" in changed:
            changes.append(SetLearningRate(config.learning_rate))
        if "batch_size" in changed or ("seed" in changed and config.batch_size is not None):
            changes.append(SetBatches(config.batch_size, config.seed))
        if "arithmetic" in changed:
            changes.append(SetArithmetic(config.arithmetic))
        return (*changes, *self._kicks())

    def _kicks(self) -> tuple[Perturb, ...]:
        kick = next((k for k in PERTURBATION_TABLE.values() if k.title == self.text("kick")), None)
        if kick is None:
            return ()
        texts = {"scale": self.text("scale"), "seed": self.text("kick_seed")}
        options = {o.name: read_option(o, texts[o.name]) for o in kick.options if o.name in texts}
        return (Perturb(kick.name, options),)

    def _start_texts(self) -> dict[str, str]:
        snapshot = self._snapshot
        config = snapshot.config.replace(learning_rate=snapshot.learning_rate, seed=snapshot.batch_seed)
        texts = {key: config.as_text()[key] for key in ("learning_rate", "batch_size", "seed", "arithmetic")}
        return texts | {"kick": _NO_KICK, "scale": f"{DEFAULT_STRENGTH:g}", "kick_seed": "1", "name": ""}

    def _show_problem(self, sentence: str) -> None:
        self._problem.setText(sentence)
        self._problem.setVisible(bool(sentence))

    def _show_kick_fields(self) -> None:
        kick = next((k for k in PERTURBATION_TABLE.values() if k.title == self.text("kick")), None)
        names = {option.name for option in kick.options} if kick is not None else set()
        self._form.setRowVisible(self.fields["scale"], "scale" in names)
        self._form.setRowVisible(self.fields["kick_seed"], "seed" in names)

    def _add_field(self, key: str, text: str) -> None:
        choices = {
            "arithmetic": ARITHMETICS,
            "kick": (_NO_KICK, *(kick.title for kick in PERTURBATION_TABLE.values())),
        }
        field: QLineEdit | QComboBox
        if key in choices:
            field = QComboBox()
            field.addItems(list(choices[key]))
            field.setCurrentText(text)
            field.currentIndexChanged.connect(self._show_kick_fields)
        else:
            field = QLineEdit(text)
        field.setAccessibleName(_LABELS[key])
        self.fields[key] = field
        self._form.addRow(_LABELS[key], field)

    def _lay_out(self) -> None:
        name = self.fields["name"]
        assert isinstance(name, QLineEdit)
        name.setPlaceholderText("what differs")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        branch = buttons.addButton("Branch", QDialogButtonBox.ButtonRole.ActionRole)
        branch.setDefault(True)
        branch.clicked.connect(self.send)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self._words)
        layout.addLayout(self._form)
        layout.addWidget(self._problem)
        layout.addWidget(buttons)
        self.setMinimumWidth(440)


class BranchList(QDialog):
    """All branches; each can be gone on with, named and removed."""

    command_issued = Signal(object)
    """A SwitchTo, RenameBranch or RemoveBranch."""
    branch_wanted = Signal()
    """Somebody wants to branch from here."""

    def __init__(self, snapshot: Snapshot, used_theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Branches")
        self._theme = used_theme
        self._pending: Command | None = None
        self.list = QListWidget()
        self.list.setAccessibleName("Branches of the run")
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the chosen branch")
        self.name.returnPressed.connect(self.rename)
        self._problem = QLabel(wordWrap=True)
        set_role(self._problem, "problem")
        self.buttons = {
            "switch": _button("&Go on with it", "Make it the run that goes on, as it was left.", self.switch),
            "rename": _button("Re&name", "Give the chosen branch the name in the field.", self.rename),
            "remove": _button("&Remove", "Forget the chosen branch.", self.remove),
            "branch": _button(
                "&Branch from here ...", "Keep this run and go on otherwise.", self.branch_wanted.emit
            ),
        }
        self.list.currentRowChanged.connect(self._show_chosen)
        self.list.itemActivated.connect(lambda item: self.switch())
        self._lay_out()
        self._shown: tuple[object, ...] = ()
        self.note_snapshot(snapshot)

    @property
    def chosen(self) -> int:
        """The number of the chosen branch."""
        item = self.list.currentItem()
        return int(item.data(Qt.ItemDataRole.UserRole)) if item is not None else 0

    @property
    def problem(self) -> str:
        """The sentence on what could not be done, or ""."""
        return self._problem.text()

    def choose(self, number: int) -> None:
        """Choose a branch in the list."""
        for row in range(self.list.count()):
            if self.list.item(row).data(Qt.ItemDataRole.UserRole) == number:
                self.list.setCurrentRow(row)

    def switch(self) -> None:
        """Ask to go on with the chosen branch."""
        self._send(SwitchTo(self.chosen))

    def rename(self) -> None:
        """Ask for the chosen branch to be called what stands in the field."""
        try:
            self._send(RenameBranch(self.chosen, self.name.text()))
        except (ValueError, TypeError) as error:
            self._show_problem(str(error))

    def remove(self) -> None:
        """Ask for the chosen branch to be forgotten."""
        self._send(RemoveBranch(self.chosen))

    def note_refusal(self, command: object, sentence: str) -> bool:
        """Show why the engine refused something; return whether it was asked for here."""
        if self._pending is None or command is not self._pending:
            return False
        self._show_problem(sentence)
        return True

    def note_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the run."""
        shown = (snapshot.branches, snapshot.branch_number, snapshot.branch_name)
        if shown == self._shown:
            return
        self._shown, self._live = shown, snapshot.branch_number
        chosen = self.chosen or snapshot.branch_number
        self.list.clear()
        for number, name in names_of(snapshot):
            is_live = number == snapshot.branch_number
            text = f"{number}  {name}: {_place(snapshot, number)}"
            item = QListWidgetItem(swatch(self._theme, number, is_live), text, self.list)
            item.setData(Qt.ItemDataRole.UserRole, number)
            item.setData(Qt.ItemDataRole.StatusTipRole, name)
        self.choose(chosen)
        if self.list.currentRow() < 0:
            self.choose(snapshot.branch_number)
        self._show_problem("")

    def _show_chosen(self) -> None:
        item = self.list.currentItem()
        is_other = item is not None and self.chosen != self._live
        self.buttons["switch"].setEnabled(is_other)
        self.buttons["remove"].setEnabled(is_other)
        if item is not None:
            self.name.setText(str(item.data(Qt.ItemDataRole.StatusTipRole)))

    def _send(self, command: Command) -> None:
        self._pending = command
        self._show_problem("")
        self.command_issued.emit(command)

    def _show_problem(self, sentence: str) -> None:
        self._problem.setText(sentence)
        self._problem.setVisible(bool(sentence))

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        label = QLabel("Na&me")
        label.setBuddy(self.name)
        for widget in (label, self.name, self.buttons["rename"]):
            row.addWidget(widget)
        others = QHBoxLayout()
        for key in ("switch", "remove", "branch"):
            others.addWidget(self.buttons[key])
        close = _button("Close", "Close this list.", self.reject)
        others.addWidget(close)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel(f"A run has at most {MOST} branches, the one that goes on included."))
        layout.addWidget(self.list)
        layout.addLayout(row)
        layout.addWidget(self._problem)
        layout.addLayout(others)
        self.resize(640, 320)


class BranchForms(QObject):
    """Opens the forms, at most one of each, and keeps them up to date."""

    command_issued = Signal(object)
    """A command for the engine."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self._snapshot: Snapshot | None = None
        self._theme = theme.LIGHT
        self.form: BranchForm | None = None
        self.list: BranchList | None = None

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the run."""
        self._snapshot = snapshot
        for form in (self.form, self.list):
            if form is not None:
                form.note_snapshot(snapshot)

    def set_theme(self, used_theme: Theme) -> None:
        """Take the colours for forms that are opened from now on."""
        self._theme = used_theme

    def note_refusal(self, command: object, sentence: str) -> bool:
        """Show why the engine refused something; return whether it was asked for in one of the forms."""
        return any(
            form.note_refusal(command, sentence) for form in (self.form, self.list) if form is not None
        )

    def open_form(self) -> None:
        """Ask what a branch from here is to do otherwise; a run under way pauses."""
        if self._snapshot is None or self.form is not None:
            return
        if self._snapshot.state is State.RUNNING:
            self.command_issued.emit(Pause())
        self.form = BranchForm(self._snapshot, self._parent)
        self.form.command_issued.connect(self.command_issued)
        self.form.finished.connect(self._forget_form)
        _open(self.form)

    def open_list(self) -> None:
        """Show all branches."""
        if self._snapshot is None or self.list is not None:
            return
        self.list = BranchList(self._snapshot, self._theme, self._parent)
        self.list.command_issued.connect(self.command_issued)
        self.list.branch_wanted.connect(self.open_form)
        self.list.finished.connect(self._forget_list)
        _open(self.list)

    def _forget_form(self) -> None:
        self.form = None

    def _forget_list(self) -> None:
        self.list = None


def _open(dialog: QDialog) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()


def _place(snapshot: Snapshot, number: int) -> str:
    """Return where a branch stands."""
    if number == snapshot.branch_number:
        return "goes on"
    branch = next(branch for branch in snapshot.branches if branch.number == number)
    loss, n_errors = branch.history["loss"][-1], branch.history["n_errors"][-1]
    return (
        f"parts at {min(branch.parted_at, snapshot.n_steps):,}, ends at {branch.n_steps:,}, "
        f"loss {numerals.short(loss)}, {n_errors:,} errors"
    )


def _button(text: str, tip: str, function: object) -> QPushButton:
    button = QPushButton(text, autoDefault=False)
    button.setToolTip(tip)
    button.clicked.connect(lambda: function())  # type: ignore[operator]
    return button
