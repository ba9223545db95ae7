"""PhaseChoices: which axes, which quantity, as a map or as curves, and which value of each further axis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from engine.sweeps.sweep import Sweep
from gui.phase_pictures import axis_title, value_text

if TYPE_CHECKING:  # it comes with numba
    from engine.sweeps.maps import Quantity

_LOOKS = ("map", "curves")


class PhaseChoices(QWidget):
    """A row of choices; they are those of a sweep, and change with it."""

    changed = Signal()
    """Something else was chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sweep: Sweep | None = None
        self._quantities: tuple[Quantity, ...] = ()
        self.across, self.up = _combo("Axis across"), _combo("Second axis: up in a map, one curve each")
        self.quantity, self.look = _combo("What is shown"), _combo("As a map or as curves")
        self.look.addItems(_LOOKS)
        rows, top, self._row = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2)
        for row in (top, self._row):
            rows.addLayout(row)
        top.addWidget(self.quantity, 1)
        top.addWidget(QLabel("as"))
        top.addWidget(self.look)
        for text, combo in (("over", self.across), ("and", self.up)):
            self._row.addWidget(QLabel(text))
            self._row.addWidget(combo, 1)
        self._fixed: dict[str, tuple[QLabel, QComboBox]] = {}
        for combo in (self.across, self.up, self.quantity, self.look):
            combo.currentIndexChanged.connect(self._on_change)
        self.setEnabled(False)

    def show_sweep(self, sweep: Sweep) -> None:
        """Offer what a sweep has; what was chosen stays where the sweep is the same."""
        from engine.sweeps.maps import quantities

        if self._sweep is not None and self._sweep.as_text() == sweep.as_text():
            return
        self._sweep, self._quantities = sweep, quantities(sweep)
        axes = [axis.name for axis in sweep.axes]
        plain = [axis.name for axis in sweep.axes if not axis.is_seeds] or axes
        _fill(self.across, [(axis_title(name), name) for name in axes], plain[-1])
        seconds = [(axis_title(name), name) for name in axes] + [("nothing else", "")]
        _fill(self.up, seconds, plain[-2] if len(plain) > 1 else "")
        _fill(self.quantity, [(one.title.replace("_", " "), one.title) for one in self._quantities])
        has_map = len(plain) > 1 and len(sweep.axes[axes.index(plain[-2])].values) > 2
        _fill(self.look, [(look, look) for look in _LOOKS], _LOOKS[0] if has_map else _LOOKS[1])
        self.setEnabled(True)
        self._show_fixed()

    @property
    def axes(self) -> tuple[str, str | None]:
        """The names of the axis across and of the second one, None for none."""
        across, up = self.across.currentData(), self.up.currentData()
        return across, up if up and up != across else None

    @property
    def chosen_quantity(self) -> Quantity:
        """What is shown."""
        return self._quantities[self.quantity.currentIndex()]

    @property
    def is_map(self) -> bool:
        """Whether it is shown as a map."""
        return bool(self.look.currentData() == _LOOKS[0])

    @property
    def at(self) -> dict[str, int]:
        """The place of the value that is looked at, for each further axis."""
        return {name: combo.currentIndex() for name, (_, combo) in self._fixed.items()}

    def _on_change(self) -> None:
        self._show_fixed()
        self.changed.emit()

    def _show_fixed(self) -> None:
        """Have a choice for each axis that is neither shown nor one of seeds."""
        assert self._sweep is not None
        shown = self.axes
        wanted = {
            axis.name: axis for axis in self._sweep.axes if not axis.is_seeds and axis.name not in shown
        }
        for name in [name for name in self._fixed if name not in wanted]:
            for widget in self._fixed.pop(name):
                widget.deleteLater()
        for name, axis in wanted.items():
            if name not in self._fixed:
                label, combo = QLabel(f"at {axis_title(name)}"), _combo(f"Value of {axis_title(name)}")
                _fill(combo, [(value_text(value), value) for value in axis.values])
                combo.currentIndexChanged.connect(lambda _: self.changed.emit())
                self._fixed[name] = label, combo
                self._row.addWidget(label)
                self._row.addWidget(combo, 1)


def _combo(name: str) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(name)
    combo.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(6)
    return combo


def _fill(combo: QComboBox, entries: Iterable[tuple[str, object]], chosen: object = None) -> None:
    """Offer (text, data) in a combo box, without telling anybody."""
    with QSignalBlocker(combo):
        combo.clear()
        for text, data in entries:
            combo.addItem(text, data)
            combo.setItemData(combo.count() - 1, text, Qt.ItemDataRole.ToolTipRole)
        place = combo.findData(chosen) if chosen is not None else 0
        combo.setCurrentIndex(max(0, place))
