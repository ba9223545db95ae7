"""WeightsPanel: the weights of the first layer, one picture a hidden unit."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from engine.snapshot import Snapshot
from engine.symmetry import groups
from gui import numerals
from gui.colour_bars import ColourBar
from gui.legends import Key, Legend
from gui.pace import INTERVAL_S
from gui.panel_keys import ZOOM
from gui.panels.panel import Panel
from gui.panels.time_panel import NoteLabel
from gui.readouts import is_curve
from gui.region_plots import class_shape
from gui.theme import Theme
from gui.tiles import TileBoard
from gui.unit_lines import NO_CLASS, UnitLines

FloatArray = npt.NDArray[np.float64]

_LONG: Final = 1000  # units and more: the legend has a line for each number
_MOST_CLASSES: Final = 5  # with a symbol in the legend
_MOST_WRITTEN: Final = 3  # weights of a single input, in the legend
_MOST_BARS: Final = 24  # with more inputs a bar would be too thin, and a row of colours is drawn


class WeightsPanel(Panel):
    """First-layer weights; see `help_text`."""

    panel_id = "weights"
    title = "First-layer weights"
    interval_s = INTERVAL_S
    help_text = """What each hidden unit looks for: its weights from the inputs, without the bias.
(A network without hidden layer shows its outputs instead, under the numbers of their classes.)

Pictures (handwriting and the like): one tile a unit, one cell an input pixel, in its place. White
is 0, red positive, blue negative; the scale is the same for all tiles, centred at 0, and its end is
the number at the bar. It moves in steps, so that the colours do not flicker. Inputs that are 0 in
all samples keep the weights of the start.

Two inputs: the samples, a symbol and a colour for each class, and for each unit the line where its
input w · x + b is 0; the arrow stands on the line, points to the positive side, and is as long as
the weights are large compared with the largest. A line out of sight is not drawn.

Other inputs: one bar an input, up for positive and down for negative; with more than 24 inputs a
row of colours. Of a single input the weights of up to three units stand above, as w = ...

A frame or line in the colour of symmetry and a label such as "7 = 1" or "1–7" mean: the input weights
of these units are the same, number for number. Where not all tiles fit the first ones are shown, and the panel
says how many there are.

A unit puts out φ(w · x + b), φ its activation function: a picture of w shows which x it answers to. Where all
units start equal, every w stays the same picture (the first question of the exam)."""
    sources = ("exam",)
    key_table = (
        ("Arrows, pointer", "Read the exact weight of an input; of two inputs, the lines and samples"),
        ("Page up, Page down", "The unit before or after"),
        *ZOOM,
    )

    def build(self, layout: QVBoxLayout) -> None:
        """Create the widgets; see Panel."""
        self._limit = 0.0
        self._run_id = -1
        self._has_classes = True
        self._weights: FloatArray = np.zeros((0, 0))
        self._same_as: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.legend = Legend(self.theme)
        self.board = TileBoard(self.theme)
        self.board.setAccessibleName("Weights of each unit")
        self.lines = UnitLines(self.theme)
        self.lines.setAccessibleName("Samples, and the line of each unit")
        self.bar = ColourBar(self.theme)
        self._show_limit(0.25)
        self.note_label = NoteLabel()
        self.tiles = QWidget()
        row = QHBoxLayout(self.tiles)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.board, 1)
        row.addWidget(self.bar)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.tiles)
        self.pages.addWidget(self.lines)
        for widget, stretch in ((self.legend, 0), (self.pages, 1), (self.note_label, 0)):
            layout.addWidget(widget, stretch)
        self.board.shown_changed.connect(self._write)
        self.board.pointed.connect(self._tell_weight)
        self.lines.read_out.connect(self._tell)

    def draw(self, snapshot: Snapshot) -> None:
        """Feed the tiles or the lines; see Panel."""
        if snapshot.run_id != self._run_id:
            self._run_id, self._limit = snapshot.run_id, 0.0
        self._weights, bias = _first_layer(snapshot)
        self._same_as = first_equal(self._weights)
        self._limit = steady_limit(float(np.abs(self._weights).max()), self._limit)
        if snapshot.data.n_features == 2:
            self.pages.setCurrentWidget(self.lines)
            self._has_classes = not is_curve(snapshot)
            self.lines.show_units(
                snapshot.data, self._weights, bias, self._same_as, self._has_classes, _are_classes(snapshot)
            )
        else:
            self.pages.setCurrentWidget(self.tiles)
            self._show_tiles(snapshot)
        self._write()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Panel."""
        for widget in (self.legend, self.board, self.lines):
            widget.apply_theme(theme)
        self.bar.apply_theme(theme, theme.signed_map)

    def summary(self) -> str:
        """Return the numbers shown, as text."""
        if self._newest is None:
            return ""
        weights, _ = _first_layer(self._newest)
        noun = "hidden unit" if self._newest.net.n_hidden else "output"
        n_distinct = int(groups(weights).max()) + 1
        return (
            f"Input weights of {numerals.plural(len(weights), noun)}, {n_distinct:,} distinct, "
            f"from {numerals.exact(weights.min())} to {numerals.exact(weights.max())}; "
            f"colours from −{numerals.short(self._limit)} to {numerals.short(self._limit)}."
        )

    def _show_tiles(self, snapshot: Snapshot) -> None:
        n_units, n_features = self._weights.shape
        shape = snapshot.data.image_shape or (1, n_features)
        tiles = self._weights.reshape(n_units, *shape)
        as_bars = snapshot.data.image_shape is None and n_features <= _MOST_BARS
        number = 0 if _are_classes(snapshot) else 1
        labels = tuple(_label(k + number, int(first) + number) for k, first in enumerate(self._same_as))
        self.board.show_tiles(tiles, self._limit, labels, self._same_as, as_bars)
        self._show_limit(self._limit)

    def _show_limit(self, limit: float) -> None:
        [text] = numerals.ticks([limit])
        self.bar.show_texts(((0.0, f"−{text}"), (0.5, "0"), (1.0, f"+{text}")))

    def _write(self) -> None:
        """Write the legend: how many units, how many distinct, how many shown."""
        if self._newest is None or not len(self._weights):
            return
        n_units, n_distinct = len(self._weights), len(np.unique(self._same_as))
        noun = "unit" if self._newest.net.n_hidden else "output"
        count, distinct = numerals.plural(n_units, noun), f"{n_distinct:,} distinct"
        keys = [Key("", "text", f"{count}, {distinct}")]
        if n_units == 1:  # there is none that it could be equal to
            keys = [Key("", "text", count)]
        if n_units >= _LONG:
            keys = [Key("", "text", count), Key("", "text", distinct)]
        if n_distinct < n_units:
            keys.append(Key("box", "symmetry", "identical units"))
        if self.pages.currentWidget() is self.lines:
            keys.append(Key("", "text", f"largest |w| {numerals.short(self.lines.largest_norm)}"))
            keys += self._sample_keys()
        else:
            if self._weights.shape[1] == 1 and n_units <= _MOST_WRITTEN:  # a bar that is full tells no change
                written = ", ".join(map(numerals.short, self._weights[:, 0].tolist()))
                keys.append(Key("", "text", f"w = {written}"))
            n_shown = self.board.layout_now.n_shown
            if n_shown < n_units:
                keys.append(Key("", "text", f"showing {n_shown:,} of {n_units:,}"))
        self.legend.set_keys(*keys)
        self.setAccessibleName(f"{self.title}. {self.legend.accessibleName()}")

    def _sample_keys(self) -> list[Key]:
        """Return what the symbols of the samples mean, of the first classes where there are many."""
        labels = np.unique(self.lines.samples.y)[:_MOST_CLASSES].tolist() if self._has_classes else [NO_CLASS]
        return [
            Key(class_shape(label), f"class {label}", f"class {label}" if self._has_classes else "sample")
            for label in labels
        ]

    def _tell(self, text: str) -> None:
        self.note_label.setText(text)

    def _tell_weight(self, place: tuple[int, int, int] | None) -> None:
        if place is None or self._newest is None or place[0] >= len(self._weights):
            self._tell("")
            return
        number, row, column = place
        value = numerals.exact(self.board.values[place])
        are_classes = _are_classes(self._newest)
        noun = "Output of class" if are_classes else "Unit" if self._newest.net.n_hidden else "Output"
        where = f"row {row + 1}, column {column + 1}"
        if self._newest.data.image_shape is None:
            where = f"input {column + 1}"
        first, start = int(self._same_as[number]), 0 if are_classes else 1
        equal = "" if first == number else f" ({noun.lower()} {first + start} has the same input weights)"
        self._tell(f"{noun} {number + start}, {where}: weight {value}{equal}.")


def first_equal(weights: FloatArray) -> npt.NDArray[np.int64]:
    """Return for each row of weights (n, m) the number of the first row that is equal to it."""
    found = groups(weights)
    firsts = np.unique(found, return_index=True)[1]
    return firsts[found]


def steady_limit(largest: float, before: float) -> float:
    """Return the end of the colour scale: a round number from largest up; the one before while it fits."""
    if 0.0 < largest <= before <= 2.5 * largest:
        return before
    return numerals.round_above(largest) if largest > 0.0 else 1.0


def _first_layer(snapshot: Snapshot) -> tuple[FloatArray, FloatArray]:
    """Return the weights (n_units, n_features) and the bias (n_units,) of the first layer."""
    weights, bias = snapshot.net.layers(snapshot.theta)[0]
    return np.ascontiguousarray(weights.T), bias


def _are_classes(snapshot: Snapshot) -> bool:
    """Return whether the first layer is the output, one output a class: those are counted from 0, as the classes."""
    return not snapshot.net.n_hidden and snapshot.net.n_outputs > 1


def _label(number: int, first: int) -> str:
    return f"{number}" if number == first else f"{number} = {first}"
