"""The timeline: a slider over all steps of the run, with the same bits both ways, and the run's branches."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from engine.commands import GoTo, SwitchTo
from engine.snapshot import Snapshot, State
from gui import numerals, theme
from gui.marked_slider import Mark, MarkedSlider
from gui.theme import Theme

_MOST: Final = 2**31 - 1  # what a slider can count
_SWATCH: Final = QSize(28, 12)


class Timeline(QWidget):
    """Shows how far the run is and how far it has been, asks for another step of it or for another branch.

    What lies behind a step that one went back to stays on the slider until something is changed that leads
    elsewhere; then it becomes a branch, and the list of branches appears.
    """

    command_issued = Signal(object)
    """A GoTo or a SwitchTo."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeline")
        self.slider = MarkedSlider()
        self.slider.setAccessibleName("Step of the run")
        self.slider.setToolTip(
            "Drag back to any step of the run, and forward again. (, goes one step back; Ctrl and an arrow go to "
            "where branches part)"
        )
        self.slider.setTracking(True)
        self.slider.valueChanged.connect(self._ask)
        self.label = QLabel()
        self.branches = BranchChoice()
        self.branches.number_chosen.connect(lambda number: self.command_issued.emit(SwitchTo(number)))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 1, 8, 1)
        layout.addWidget(self.slider, 3)
        layout.addWidget(self.label)
        layout.addWidget(self.branches, 1)
        self._snapshot: Snapshot | None = None
        self._wanted: int | None = None
        self._sent: int | None = None
        self._arrives_at = 0  # the generation in which the run stands at the step that was sent for

    def offer(self, action: QAction, text: str) -> None:
        """Add a button for an action."""
        action.setIconText(text)
        button = QToolButton()
        button.setAccessibleName(action.text())
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        layout = self.layout()
        assert layout is not None
        layout.addWidget(button)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the run, and ask for the step wanted once the one before is there."""
        self._snapshot = snapshot
        if snapshot.generation >= self._arrives_at:
            self._sent = None
        if self._wanted is not None and self._sent is None:
            self._send(self._wanted)
        if self._wanted is None and self._sent is None:
            self._show(snapshot.n_steps)
        self.slider.setPageStep(max(1, snapshot.furthest // 20))
        self.slider.show_marks(partings_of(snapshot))
        self.branches.show_snapshot(snapshot)
        self._describe()

    @property
    def bound_for(self) -> int | None:
        """The step that the run is on its way to since somebody asked for it; None where it is under no order."""
        return self._wanted if self._wanted is not None else self._sent

    def hurry(self) -> None:
        """Ask at once for a step that still waits for its turn: what is asked for next is meant to happen there."""
        if self._wanted is not None:
            self._send(self._wanted)

    def note_refusal(self, command: object, sentence: str) -> bool:
        """Wait no longer for a step that the engine refused; the sentence is for others to show."""
        if isinstance(command, GoTo):
            self._sent = self._wanted = None
        return False

    def set_theme(self, used_theme: Theme) -> None:
        """Draw marks and swatches of the branches in the colours of a theme."""
        self.slider.set_theme(used_theme)
        self.branches.set_theme(used_theme)

    def step_back(self) -> None:
        """Ask for the step before the present one."""
        if self._snapshot is None:
            return
        here = self.bound_for if self.bound_for is not None else self._snapshot.n_steps
        if here > 0:
            self._send(here - 1)

    def undo_kick(self) -> None:
        """Go back to just before the last kick."""
        if self._snapshot is not None and self._snapshot.history.jumps:
            self._send(self._snapshot.history.jumps[-1].step, is_undone=True)

    def _show(self, step: int) -> None:
        assert self._snapshot is not None
        blocked = self.slider.blockSignals(True)
        self.slider.setRange(0, min(self._snapshot.furthest, _MOST))
        self.slider.setValue(step)
        self.slider.blockSignals(blocked)
        self._write(step)

    def _write(self, step: int) -> None:
        furthest = self._snapshot.furthest if self._snapshot is not None else step
        text = f"step {numerals.whole(step)} of {numerals.whole(furthest)}"
        if text != self.label.text():
            self.label.setText(text)

    def _describe(self) -> None:
        """Say what the slider shows, its marks included, to whoever cannot see it."""
        texts = (self.label.text(), *(text for _, text in self.slider.marks))
        if (description := "; ".join(texts)) != self.slider.accessibleDescription():
            self.slider.setAccessibleDescription(description)

    def _ask(self, step: int) -> None:
        self._write(step)
        self._describe()
        if self._sent is None:
            self._send(step)
        else:
            self._wanted = step

    def _send(self, step: int, is_undone: bool = False) -> None:
        self._wanted = None
        snapshot = self._snapshot
        if snapshot is None or (self._is_at(step, snapshot) and not is_undone):
            return
        before = snapshot.generation if self._sent is None else self._arrives_at
        self._arrives_at = before + 1
        self._sent = min(step, snapshot.furthest)
        self.command_issued.emit(GoTo(self._sent))

    def _is_at(self, step: int, snapshot: Snapshot) -> bool:
        """Whether the run stands at a step, or will without being asked again."""
        if self._sent is not None:
            return step == self._sent
        return step == snapshot.n_steps and snapshot.state is not State.RUNNING


class BranchChoice(QComboBox):
    """All branches by number and name, the run that goes on chosen; hidden while there is only one."""

    number_chosen = Signal(int)
    """The number of a branch to switch to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.LIGHT
        self._snapshot: Snapshot | None = None
        self._shown: tuple[object, ...] = ()
        self.setAccessibleName("Branch")
        self.setToolTip("The branches of the run: choose one to go on with it, as it was left.")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take the keys from the window
        self.setIconSize(_SWATCH)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(5)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.hide()
        self.activated.connect(self._choose)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the branches of a snapshot; the same ones again cost nothing."""
        self._snapshot = snapshot
        shown = (snapshot.branches, snapshot.branch_number, snapshot.branch_name, self._theme)
        if shown != self._shown:
            self._shown = shown
            self._fill(snapshot)

    def set_theme(self, used_theme: Theme) -> None:
        """Draw the swatches anew."""
        self._theme = used_theme
        if self._snapshot is not None:
            self.show_snapshot(self._snapshot)

    def _fill(self, snapshot: Snapshot) -> None:
        self.clear()
        for number, name in names_of(snapshot):
            is_live = number == snapshot.branch_number
            self.addItem(swatch(self._theme, number, is_live), f"{number} {name}", number)
            if is_live:
                self.setCurrentIndex(self.count() - 1)
        self.setVisible(bool(snapshot.branches))
        self.setAccessibleDescription(f"{self.count()} branches; {self.currentText()} goes on")

    def _choose(self, index: int) -> None:
        """Ask for a branch; what is shown follows the run, not the click."""
        number = self.itemData(index)
        assert self._snapshot is not None
        live = self._snapshot.branch_number
        self.setCurrentIndex(self.findData(live))
        if number != live:
            self.number_chosen.emit(number)


def partings_of(snapshot: Snapshot) -> tuple[Mark, ...]:
    """Return (step, words) for each step at which branches part from the run that goes on, in order."""
    parted: dict[int, list[str]] = {}
    for branch in sorted(snapshot.branches, key=lambda branch: branch.number):
        step = min(branch.parted_at, snapshot.furthest)
        parted.setdefault(step, []).append(f"{branch.number} ({branch.name})")
    return tuple(
        (
            step,
            f"{'Branch' if len(names) == 1 else 'Branches'} {', '.join(names)} "
            f"{'parts' if len(names) == 1 else 'part'} at step {numerals.whole(step)}",
        )
        for step, names in sorted(parted.items())
    )


def names_of(snapshot: Snapshot) -> list[tuple[int, str]]:
    """Return (number, name) of all branches of a snapshot, the run that goes on included, by number."""
    live = (snapshot.branch_number, snapshot.branch_name or "this run")
    return sorted([live, *((branch.number, branch.name) for branch in snapshot.branches)])


def swatch(used_theme: Theme, number: int, is_live: bool) -> QIcon:
    """Return a picture of the line of a branch, as in the plots; the run that goes on is a thick one."""
    from gui.branch_lines import dashed_pen  # pyqtgraph comes with it, and the window is up before that

    pixmap = QPixmap(_SWATCH)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    middle = _SWATCH.height() // 2
    if is_live:
        painter.fillRect(0, middle - 1, _SWATCH.width(), 3, QColor(used_theme.text))
    else:
        painter.setPen(dashed_pen(QColor(theme.branch_colour(used_theme, number)), number))
        painter.drawLine(0, middle, _SWATCH.width(), middle)
    painter.end()
    return QIcon(pixmap)
