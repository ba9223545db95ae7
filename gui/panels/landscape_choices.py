"""The controls of the landscape: directions, width, points of a view, follow, recompute, save a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine.landscape.views import VIEWS
from engine.snapshot import Point

_ZOOMS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_ALWAYS: Final = ("start", "now")


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person has chosen to see: name of a view, labels of the points it goes through, and width."""

    view: str
    ends: tuple[str, ...]
    zoom: float


class LandscapeControls(QWidget):
    """The row of controls above the landscape."""

    asked = Signal()
    """Another picture is wanted: a choice has changed, or somebody pressed Recompute."""
    point_saved = Signal()
    """The present point is to be saved."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view_box = _combo("Directions of the landscape", "Which plane through the parameters is shown.")
        for kind in VIEWS.values():
            self.view_box.addItem(kind.title, kind.name)
        self.zoom_box = _combo(
            "Width of the landscape", "How much is shown, in multiples of the usual width."
        )
        for zoom in _ZOOMS:
            self.zoom_box.addItem(f"width × {zoom:g}", zoom)
        self.zoom_box.setCurrentIndex(_ZOOMS.index(1.0))
        self.end_boxes = tuple(_combo(f"{end} point of the view", "") for end in ("First", "Second", "Third"))
        self.first_box, self.second_box, self.third_box = self.end_boxes
        self._words = tuple(QLabel(word) for word in ("From", "to", "and"))
        pairs = zip(self._words, self.end_boxes, strict=True)
        self.ends = _row(*(widget for pair in pairs for widget in pair))
        self.follow_box = QCheckBox("Follow")
        self.follow_box.setToolTip("Compute the landscape anew while the run goes on, with rests.")
        self.follow_box.setChecked(True)
        self.recompute_button = _button("Recompute", "Compute the landscape at the present point now (U).")
        self.save_button = _button("Save point", "Keep the present weights as an end of a line.")
        self._lay_out()
        self._connect()
        self.offer_points(())

    @property
    def choices(self) -> Choices:
        """What is chosen at present."""
        labels = tuple(box.currentText() for box in self.end_boxes[: self._n_ends])
        return Choices(self.view_box.currentData(), labels, self.zoom_box.currentData())

    @property
    def _n_ends(self) -> int:
        return VIEWS[self.view_box.currentData()].n_ends

    @property
    def is_following(self) -> bool:
        """Whether the landscape is computed anew as the run goes on."""
        return self.follow_box.isChecked()

    def offer_points(self, saved: tuple[Point, ...]) -> None:
        """Offer the start, the present point and the saved points as ends; a choice that still exists is kept."""
        labels = [*_ALWAYS, *(point.label for point in saved)]
        for usual, box in enumerate(self.end_boxes):
            if [box.itemText(k) for k in range(box.count())] == labels:
                continue
            # Before any point was saved the third could only be one of the other two.
            chosen = box.currentText() if usual < box.count() else ""
            box.blockSignals(True)
            box.clear()
            box.addItems(labels)
            box.setCurrentIndex(labels.index(chosen) if chosen in labels else min(usual, len(labels) - 1))
            box.blockSignals(False)

    def reset(self) -> None:
        """Choose again what is chosen at first, without asking for a picture."""
        for box, usual in ((self.view_box, 0), (self.zoom_box, _ZOOMS.index(1.0))):
            with QSignalBlocker(box):
                box.setCurrentIndex(usual)
        self._show_ends()

    def set_brief(self, is_brief: bool) -> None:
        """Leave out what keys do as well, where there is little room: the picture matters more."""
        self._halves[1].setVisible(not is_brief)

    def minimumSizeHint(self) -> QSize:
        """Return the width of the wider half: the other one goes below it where there is no more room."""
        least = max(half.minimumSizeHint().width() for half in self._halves)
        return QSize(least, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the two halves side by side where they fit."""
        super().resizeEvent(event)
        needed = sum(half.minimumSizeHint().width() for half in self._halves) + self._first_rows.spacing()
        is_wide = self.width() >= needed
        directions = QBoxLayout.Direction
        self._first_rows.setDirection(directions.LeftToRight if is_wide else directions.TopToBottom)

    def _lay_out(self) -> None:
        self.follow_box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._halves = (
            _row(self.view_box, self.zoom_box),
            _row(self.follow_box, self.recompute_button, self.save_button),
        )
        self._first_rows = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._first_rows.setSpacing(6)
        for stretch, half in enumerate(self._halves):
            self._first_rows.addWidget(half, stretch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(self._first_rows)
        layout.addWidget(self.ends)
        self.ends.setVisible(False)

    def _connect(self) -> None:
        for box in (self.view_box, self.zoom_box, *self.end_boxes):
            box.currentIndexChanged.connect(self._on_chosen)
        self.recompute_button.clicked.connect(self.asked)
        self.save_button.clicked.connect(self.point_saved)

    def _on_chosen(self) -> None:
        self._show_ends()
        self.asked.emit()

    def _show_ends(self) -> None:
        """Show as many boxes for points as the view goes through."""
        n_ends = self._n_ends
        for k, (word, box) in enumerate(zip(self._words, self.end_boxes, strict=True)):
            word.setVisible(k < n_ends)
            box.setVisible(k < n_ends)
        self.ends.setVisible(n_ends > 0)


def _combo(name: str, tip: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(tip or name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    box.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take Space away from run and pause
    return box


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch(1)
    return row
