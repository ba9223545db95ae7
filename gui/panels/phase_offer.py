"""SweepOffer: what a phase diagram is for, and the questions that come with the program, before one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from engine.sweeps.sweep import Sweep

_WHAT: Final = (
    "One question over hundreds of runs: each cell of the map is the mean over runs that differ in their "
    "random start alone. Choose a question; Run then fills its map beside training."
)
_FITS: Final = "fits this lesson"


class SweepOffer(QScrollArea):
    """A few words and a button for each sweep; those that fit the lesson come first and say so."""

    chosen = Signal(str)
    """The id of a sweep."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Sweeps to choose from")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its buttons have it
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._sweeps: tuple[Sweep, ...] = ()
        self._fitting: tuple[str, ...] | None = None
        self.buttons: list[QPushButton] = []
        page = QWidget()
        self._rows = QVBoxLayout(page)
        self._rows.addWidget(QLabel(_WHAT, wordWrap=True))
        self._rows.addStretch(1)
        self.setWidget(page)

    def offer(self, sweeps: Sequence[Sweep], claims: Sequence[str]) -> None:
        """Have a button for each sweep, first for those that speak of one of the claims."""
        fitting = tuple(sweep.sweep_id for sweep in sweeps if set(sweep.claims) & set(claims))
        if (tuple(sweeps), fitting) == (self._sweeps, self._fitting):
            return
        self._sweeps, self._fitting = tuple(sweeps), fitting
        for button in self.buttons:
            button.deleteLater()
        ordered = sorted(sweeps, key=lambda sweep: sweep.sweep_id not in fitting)
        self.buttons = [self._button(sweep, sweep.sweep_id in fitting) for sweep in ordered]
        for number, button in enumerate(self.buttons):
            self._rows.insertWidget(1 + number, button, 0, Qt.AlignmentFlag.AlignLeft)

    def _button(self, sweep: Sweep, is_fitting: bool) -> QPushButton:
        button = QPushButton(f"{sweep.title} ({_FITS})" if is_fitting else sweep.title)
        button.setToolTip(f"{sweep.n_cells:,} runs. {' '.join(sweep.text.split())}")
        button.setMinimumWidth(1)  # its end is cut where there is no room, and the words above are not
        button.clicked.connect(lambda: self.chosen.emit(sweep.sweep_id))
        return button
