"""The timeline: a slider over all steps of the run; drag it back, and forward again, with the same bits."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from engine.commands import Command, GoTo, Step
from engine.snapshot import Snapshot, State
from gui import numerals

_MOST: int = 2**31 - 1  # what a slider can count


class Timeline(QWidget):
    """Shows how far the run is and how far it has been, and asks for another step of it.

    Going back forgets the steps behind, but a run takes the same steps again: what was reached before stays on
    the slider until something is changed that leads elsewhere.
    """

    command_issued = Signal(object)
    """A GoTo, or the steps forward again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeline")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Step of the run")
        self.slider.setToolTip("Drag back to any step of the run, and forward again. (, goes one step back)")
        self.slider.setTracking(True)
        self.slider.valueChanged.connect(self._ask)
        self.label = QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 1, 8, 1)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.label)
        self._snapshot: Snapshot | None = None
        self._line: object = None
        self._furthest = 0
        self._wanted: int | None = None
        self._sent: int | None = None

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the run, and ask for the step wanted once the one before is there."""
        self._snapshot = snapshot
        line = (snapshot.run_id, snapshot.config, snapshot.learning_rate, snapshot.history.jumps)
        self._furthest = snapshot.n_steps if line != self._line else max(self._furthest, snapshot.n_steps)
        self._line = line
        if self._sent is not None and snapshot.n_steps == self._sent and snapshot.state is not State.RUNNING:
            self._sent = None
        if self._wanted is not None and self._sent is None:
            self._send(self._wanted)
        if self._wanted is None and self._sent is None:
            self._show(snapshot.n_steps)
        self.slider.setPageStep(max(1, self._furthest // 20))

    def step_back(self) -> None:
        """Ask for the step before the present one."""
        if self._snapshot is not None and self._snapshot.n_steps > 0:
            self._send(self._snapshot.n_steps - 1)

    def undo_kick(self) -> None:
        """Go back to just before the last kick."""
        if self._snapshot is not None and self._snapshot.history.jumps:
            self._send(self._snapshot.history.jumps[-1].step)

    def _show(self, step: int) -> None:
        blocked = self.slider.blockSignals(True)
        self.slider.setRange(0, min(self._furthest, _MOST))
        self.slider.setValue(step)
        self.slider.blockSignals(blocked)
        self._write(step)

    def _write(self, step: int) -> None:
        text = f"step {numerals.whole(step)} of {numerals.whole(self._furthest)}"
        if text != self.label.text():
            self.label.setText(text)
            self.slider.setAccessibleDescription(text)

    def _ask(self, step: int) -> None:
        self._write(step)
        if self._sent is None:
            self._send(step)
        else:
            self._wanted = step

    def _send(self, step: int) -> None:
        self._wanted = None
        snapshot = self._snapshot
        if snapshot is None or step == snapshot.n_steps:
            return
        self._sent = step
        # A run under way has gone on since: it must stop before it can be asked for steps.
        forward = step > snapshot.n_steps and snapshot.state is not State.RUNNING
        command: Command = Step(step - snapshot.n_steps) if forward else GoTo(min(step, snapshot.n_steps))
        if not forward:
            self._sent = min(step, snapshot.n_steps)
        self.command_issued.emit(command)
