"""PaceBox: how many steps a second a run may take in the window, so that a class can watch."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

PACES: Final = tuple(digit * 10.0**power for power in range(5) for digit in (1, 2, 5))
"""1, 2, 5, 10 ... 50,000 steps a second."""
_FULL: Final = "full speed"


class PaceBox(QWidget):
    """A list of paces; the first entry is full speed.

    Attributes:
        choice: the list.
    """

    pace_changed = Signal()
    """Somebody chose another pace; a lesson's own does not count."""

    def __init__(self) -> None:
        super().__init__()
        self.choice = QComboBox()
        self.choice.setFocusPolicy(
            Qt.FocusPolicy.TabFocus
        )  # a click must not take Space away from run and pause
        self.choice.setToolTip("Steps a second of a run. (< slower, > faster, F full speed)")
        self.choice.addItem(_FULL, None)
        for pace in PACES:
            self.choice.addItem(_words(pace), pace)
        self.choice.activated.connect(lambda: self._take(self.steps_per_s))
        label = QLabel("Pace")
        label.setBuddy(self.choice)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 1, 8, 1)
        row.addWidget(label)
        row.addWidget(self.choice)
        self._show(None)

    @property
    def steps_per_s(self) -> float | None:
        """The pace chosen; None for full speed."""
        pace: float | None = self.choice.currentData()
        return pace

    def show_pace(self, pace: float | None) -> None:
        """Take over the pace of a lesson."""
        self._show(pace)

    def slower(self, speed: float | None = None) -> None:
        """Choose the next slower pace; from full speed the one below the speed of the run."""
        now = self.steps_per_s or speed or float("inf")
        self._take(max((pace for pace in PACES if pace < now), default=PACES[0]))

    def faster(self) -> None:
        """Choose the next faster pace; beyond the last one there is full speed."""
        now = self.steps_per_s
        if now is not None:
            self._take(min((pace for pace in PACES if pace > now), default=None))

    def lift(self) -> None:
        """Choose full speed."""
        self._take(None)

    def _take(self, pace: float | None) -> None:
        self._show(pace)
        self.pace_changed.emit()

    def _show(self, pace: float | None) -> None:
        row = self.choice.findData(pace) if pace is not None else 0
        if row < 0:  # a lesson may name any pace; it has a place of its own as long as it is used
            self.choice.addItem(_words(pace or 0.0), pace)
            row = self.choice.count() - 1
        self.choice.setCurrentIndex(row)
        self.choice.setAccessibleName(f"Pace: {_spoken(pace)}")


def _words(pace: float) -> str:
    return f"{pace:,g} / s"


def _spoken(pace: float | None) -> str:
    return _FULL if pace is None else f"{pace:,g} steps a second"
