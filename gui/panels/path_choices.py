"""The controls of the paths: which way, through which points or units, and the button that computes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QHBoxLayout, QLabel, QPushButton, QWidget

from engine.paths.way_names import PERMUTED, WAY_NAMES
from engine.snapshot import Point

_USUAL_ENDS: Final = ("start", "now")


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person has chosen: name of a way, labels of its ends, layer (from 1) and units (from 0)."""

    way: str
    ends: tuple[str, ...]
    layer: int
    units: tuple[int, ...]


class PathControls(QWidget):
    """The row of controls above the paths; what a way does not need is not shown."""

    chosen = Signal()
    """Something else was chosen."""
    pressed = Signal()
    """Compute, or stop what is being computed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.way_box = _combo("Way through parameter space", "Which way is walked.")
        for name, kind in WAY_NAMES.items():
            self.way_box.addItem(kind.title, name)
        self.end_boxes = (
            _combo("First end", "Where the way begins."),
            _combo("Second end", "Where the way ends."),
        )
        self.layer_box = _combo("Hidden layer", "The hidden layer of the units, counted from 1.")
        self.unit_boxes = (
            _combo("Unit", "The unit, counted from 1."),
            _combo("Other unit", "The other unit, counted from 1."),
        )
        self._words = {word: QLabel(word) for word in ("from", "to", "unit", "and")}
        self.button = QPushButton("Compute")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._widths: tuple[int, ...] = ()
        self._lay_out()
        self._connect()
        self.offer_points(())
        self._show_needed()
        self.set_busy(False)

    @property
    def choices(self) -> Choices:
        """What is chosen at present, as far as the way needs it."""
        name = self.way_box.currentData()
        kind = WAY_NAMES[name]
        ends = tuple(box.currentText() for box in self.end_boxes[: kind.n_ends])
        units = tuple(box.currentIndex() for box in self.unit_boxes[: kind.n_units])
        layer = max(1, self.layer_box.currentIndex() + 1) if kind.n_units else 1
        return Choices(name, ends, layer, units)

    def choose(self, way: str) -> None:
        """Choose a way by its name."""
        self.way_box.setCurrentIndex(self.way_box.findData(way))

    def offer_points(self, saved: tuple[Point, ...]) -> None:
        """Offer the start, the present point, its permuted copy and the saved points; a choice that exists stays."""
        labels = [*_USUAL_ENDS, PERMUTED, *(point.label for point in saved)]
        for usual, box in enumerate(self.end_boxes):
            _refill(box, labels, usual)

    def offer_units(self, widths: tuple[int, ...]) -> None:
        """Offer the hidden layers and units of a network with these widths of its hidden layers."""
        if widths != self._widths:
            self._widths = widths
            _refill(self.layer_box, [f"layer {k}" for k in range(1, len(widths) + 1)], 0)
            self._refill_units()
            self._show_needed()

    def set_busy(self, is_busy: bool) -> None:
        """Make the button one that computes, or one that stops."""
        text = "Stop" if is_busy else "Compute"
        tip = (
            "Stop computing; what is known stays." if is_busy else "Walk this way from the present point (U)."
        )
        if self.button.text() != text or not self.button.toolTip():
            self.button.setText(text)
            self.button.setToolTip(tip)

    def minimumSizeHint(self) -> QSize:
        """Return the width of the wider half: the other one goes below it where there is no more room."""
        least = max(half.minimumSizeHint().width() for half in self._halves)
        return QSize(least, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the two halves side by side where they fit."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        needed = sum(half.sizeHint().width() for half in self._halves) + self._row.spacing()
        directions = QBoxLayout.Direction
        is_wide = self.width() >= needed
        self._row.setDirection(directions.LeftToRight if is_wide else directions.TopToBottom)

    def _refill_units(self) -> None:
        width = self._widths[max(0, self.layer_box.currentIndex())] if self._widths else 0
        for usual, box in enumerate(self.unit_boxes):
            _refill(box, [str(k) for k in range(1, width + 1)], usual)

    def _show_needed(self) -> None:
        kind = WAY_NAMES[self.way_box.currentData()]
        for k, (word, box) in enumerate(zip(("from", "to"), self.end_boxes, strict=True)):
            self._words[word].setVisible(k < kind.n_ends)
            box.setVisible(k < kind.n_ends)
        for k, (word, box) in enumerate(zip(("unit", "and"), self.unit_boxes, strict=True)):
            self._words[word].setVisible(k < kind.n_units)
            box.setVisible(k < kind.n_units)
        self.layer_box.setVisible(kind.n_units > 0 and len(self._widths) > 1)
        self._arrange()

    def _lay_out(self) -> None:
        pairs = zip(self._words.values(), (*self.end_boxes, *self.unit_boxes), strict=True)
        details = [widget for pair in pairs for widget in pair]
        details.insert(4, self.layer_box)
        self._halves = (_line(self.way_box), _line(*details, self.button))
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        for half in self._halves:
            self._row.addWidget(half, 0, Qt.AlignmentFlag.AlignLeft)
        self._row.addStretch(1)

    def _connect(self) -> None:
        self.way_box.currentIndexChanged.connect(self._show_needed)
        self.layer_box.currentIndexChanged.connect(self._refill_units)
        for box in (self.way_box, self.layer_box, *self.end_boxes, *self.unit_boxes):
            box.currentIndexChanged.connect(self.chosen)
        self.button.clicked.connect(self.pressed)


def _refill(box: QComboBox, texts: Iterable[str], usual: int) -> None:
    """Fill a box; what was chosen stays if it is still there, else the text of that number is."""
    wanted = list(texts)
    if [box.itemText(k) for k in range(box.count())] == wanted:
        return
    chosen = box.currentText()
    blocked = box.blockSignals(True)
    box.clear()
    box.addItems(wanted)
    box.setCurrentIndex(wanted.index(chosen) if chosen in wanted else min(usual, len(wanted) - 1))
    box.blockSignals(blocked)


def _combo(name: str, tip: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(tip)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    box.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take Space away from run and pause
    return box


def _line(*widgets: QWidget) -> QWidget:
    line = QWidget()
    layout = QHBoxLayout(line)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return line
