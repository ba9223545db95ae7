"""SymmetryPanel: how far apart the hidden units are, and whether they are the same to the last bit."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QLine, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QResizeEvent, QTransform
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from engine.history import HistoryView
from engine.snapshot import Snapshot, State
from engine.symmetry import groups, n_distinct, unit_distances, unit_parameters
from gui import numerals
from gui.colour_bars import ColourBar, colour_table, packed_colour
from gui.legends import Key, Legend
from gui.pace import Pace
from gui.panel_keys import READ_PLANE, ZOOM
from gui.panels.panel import Panel
from gui.panels.time_panel import NoteLabel
from gui.plot_items import Overlay
from gui.plots import FLOOR, Plot
from gui.theme import Theme
from gui.time_plots import Series, TimePlot

MOST_UNITS: Final = 128  # a matrix of more takes too long and has cells smaller than a pixel
_MOST_GROUPS: Final = 6  # that are listed
_LEAST_PX: Final = 80  # of a plot: both and the colours have to fit a small panel
_MOST_CELL_PX: Final = 80.0  # in a larger one the sign stays as it is
_LEAST_CELL_PX: Final = 9.0  # of a cell with an equals sign
_NARROW_PX: Final = 360  # there the curve's axis has no name: the legend has one, and short words do
_KEEPS_SYMMETRY: Final = ("permute",)
Decades = tuple[int, int]
_WHILE_EQUAL: Final[Decades] = (-17, 0)


class SymmetryPanel(Panel):
    """Distances between hidden units, and their spread over the steps; see `help_text`."""

    interval_s = 0.036
    panel_id = "symmetry"
    title = "Weight symmetry"
    help_text = f"""Are the hidden units different, or the same unit many times over?

A unit's parameters are one weight from each input, its bias, one weight to each unit of the next
layer (and to each output, where the layer is wired straight to them). Hidden units of a layer that
start with equal parameters get equal gradients and stay equal for ever: a theorem, which rounding
breaks unless every unit's sums are added up in the same order ("ordered" arithmetic does that,
"blas" does not).

Matrix: the largest absolute difference between the parameters of two units, as a colour on a
logarithmic scale. Its own colour (identical; in a narrow place 0), and an equals sign where there is room for
one, mean that the two are the same number for number; on the diagonal each unit meets itself. The line below names the
arithmetic in use and lists the groups of units that are equal to the last bit. Of a layer with more
than {MOST_UNITS} units the first {MOST_UNITS} are
shown; the number of distinct units is counted over all of them.

Curve: the spread, which is the largest difference between two units of the same layer, over all
hidden layers and all parameters. It is 0 only when all units of each layer are identical to the
last bit; then it is drawn at the tick 0, since a logarithmic axis has no 0. When the start was
symmetric and the spread is above 0, the panel names the step at which the symmetry broke, how large
the spread was then, and whether a kick or rounding did it.

Formulas: the distance of the units i and j is d_ij = max_k |θ_ik − θ_jk| over their parameters k, the spread
max d_ij over all pairs of a layer and over all layers.

The question behind it: what becomes of hidden units whose weights all start at the same value? Equal
units are also the points at which a smaller network lies inside a larger one: Fukumizu and Amari, "Local
minima and plateaus in hierarchical structures of multilayer perceptrons", 2000."""
    sources = ("exam", "minima")
    key_table = (
        *READ_PLANE,
        *ZOOM,
        ("Up, Down in the list of layers", "Choose the hidden layer of the matrix"),
    )

    def build(self, layout: QVBoxLayout) -> None:
        """Create the widgets; see Panel."""
        self.layer = 1
        self._pace = Pace()
        self._is_next = False  # the matrix, at the next tick
        self._decades: Decades | None = None
        self._run_id = -1
        self._distances = np.zeros((0, 0))
        self._n_distinct = 0
        self._groups_text = ""
        self._verdict = ""
        self.legend = Legend(self.theme)
        self.layer_box = QComboBox()
        self.layer_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.layer_box.setAccessibleName("Hidden layer of the matrix")
        self.layer_box.activated.connect(self._choose_layer)
        self._build_plots()
        self.note_label = NoteLabel()
        layout.addLayout(self.legend.with_corner(self.layer_box))
        layout.addWidget(self.body, 1)
        layout.addWidget(self.nothing, 1)
        layout.addWidget(self.note_label)

    def draw(self, snapshot: Snapshot) -> None:
        """Draw the spread at every snapshot; the matrix a few times a second, beside a run by `poll`; see Panel."""
        missing = what_is_missing(snapshot)
        self.body.setHidden(missing is not None)
        self.nothing.setVisible(missing is not None)
        if missing is not None:
            self._show_nothing(*missing)
            return
        self._fit_layers(snapshot)
        # A frame of a run has no time for both; but there must be one.
        self._is_next = snapshot.state is State.RUNNING and snapshot.run_id == self._run_id
        if not self._is_next and self._pace.is_due(snapshot):
            self._draw_matrix(snapshot)
        self.spread_plot.show_history(snapshot.history)
        self._mark_zero(snapshot)
        self._verdict = verdict(snapshot.history, names_kick=False)
        self._write(snapshot)

    def poll(self) -> None:
        """Draw a matrix that was put off; see Panel."""
        snapshot = self._newest
        if self._is_next:
            self._is_next = False
        elif snapshot is not None and what_is_missing(snapshot) is None and self._pace.is_due(snapshot):
            self._draw_matrix(snapshot)
            self._write(snapshot)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Panel."""
        for plot in (self.spread_plot, self.matrix_plot):
            plot.apply_theme(theme)
        self.legend.apply_theme(theme)
        self.bar.apply_theme(theme, theme.magnitude_map)
        self.signs.set_colour(theme.panel)
        self._pace.forget()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the plots what there is in a narrow place."""
        super().resizeEvent(event)
        self.spread_plot.set_labels("steps", "" if self._is_narrow else "spread")
        self._show_decades()
        self._share_room()

    def summary(self) -> str:
        """Return the numbers shown, as text."""
        snapshot = self._newest
        if snapshot is None:
            return ""
        missing = what_is_missing(snapshot)
        if missing is not None:
            return missing[1]
        units = unit_parameters(snapshot.net, snapshot.theta, self.layer)
        distances = unit_distances(units[:MOST_UNITS])
        away = distances[np.triu_indices(len(distances), 1)]
        text = f"Hidden layer {self.layer}: {numerals.plural(len(units), 'unit')}, "
        text += f"{n_distinct(units):,} distinct ({groups_text(groups(units))[:-1]})"
        if len(away):
            text += f", distances from {numerals.exact(away.min())} to {numerals.exact(away.max())}"
        spread = float(snapshot.history["symmetry_spread"][-1])
        return f"{text}. Spread {numerals.exact(spread)}: {verdict(snapshot.history)}."

    def _build_plots(self) -> None:
        series = (Series("symmetry_spread", "spread", "symmetry"),)
        self.spread_plot = TimePlot(self.theme, "spread", series)
        self.spread_plot.setAccessibleName("Spread over the steps")
        self.spread_plot.at_least = 1.0
        self.zero_mark = self.spread_plot.add_marks("symmetry", "diamond")
        self.spread_plot.set_log(True)
        self.matrix_plot = _MatrixPlot(self.theme, "unit", "", whole=(True, True), has_grid=False)
        self.matrix_plot.x_axis.density = 2.0  # as close as upwards
        self.matrix_plot.plotItem.layout.setContentsMargins(2, 10, 6, 2)  # its last number is not at the end
        for plot in (self.matrix_plot, self.spread_plot):
            plot.setMinimumWidth(_LEAST_PX)
        self.matrix_plot.setAccessibleName("Distances between hidden units")
        for axis in (self.matrix_plot.x_axis, self.matrix_plot.y_axis):
            # Queued: a size that changes while it is changing leaves the picture behind.
            axis.geometryChanged.connect(self.matrix_plot.keep_square, Qt.ConnectionType.QueuedConnection)
        self.matrix_plot.getViewBox().setAspectLocked(True)
        self.matrix_plot.getViewBox().invertY(True)
        self.image = pg.ImageItem(axisOrder="row-major")
        self.matrix_plot.addItem(self.image, ignoreBounds=True)
        self.signs = EqualSigns()
        self.matrix_plot.addItem(self.signs, ignoreBounds=True)
        self.bar = ColourBar(self.theme)
        self._show_decades()
        self.nothing = QLabel()
        self.nothing.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # so that F1 explains the panel here too
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setWordWrap(True)
        self.body = QWidget()
        self._row = QHBoxLayout(self.body)
        self._row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.matrix_plot, self.bar, self.spread_plot):
            self._row.addWidget(widget)
        self._share_room()
        self.matrix_plot.pointed.connect(self._tell_pair)
        self.matrix_plot.view_moved.connect(self._show_whole_matrix)
        self.spread_plot.read_out.connect(self._tell)

    def _share_room(self) -> None:
        """Divide the width between the plots; the numbers of the curve need so much of it in a narrow place."""
        for place, share in ((0, 9), (2, 12 if self._is_narrow else 10)):
            self._row.setStretch(place, share)

    def _show_nothing(self, brief: str, sentence: str) -> None:
        """Say why there is nothing to compare, and leave nothing of the run before."""
        self.nothing.setText(sentence)
        self.legend.set_keys(Key("", "symmetry", brief))
        self.setAccessibleName(f"{self.title}. {sentence}")
        self.layer_box.hide()
        self.note_label.setText("")

    def _fit_layers(self, snapshot: Snapshot) -> None:
        n_hidden = snapshot.net.n_hidden
        if self.layer_box.count() != n_hidden:
            self.layer_box.clear()
            self.layer_box.addItems([f"hidden {number}" for number in range(1, n_hidden + 1)])
        self.layer = min(self.layer, n_hidden)
        self.layer_box.setCurrentIndex(self.layer - 1)
        self.layer_box.setVisible(n_hidden > 1)

    def _choose_layer(self, index: int) -> None:
        self.layer = index + 1
        self._decades = None
        self._pace.forget()
        if self._newest is not None:
            self._guard(self.draw, self._newest)

    def _draw_matrix(self, snapshot: Snapshot) -> None:
        if snapshot.run_id != self._run_id:
            self._run_id, self._decades = snapshot.run_id, None
        units = unit_parameters(snapshot.net, snapshot.theta, self.layer)
        shown = units[:MOST_UNITS]
        n_before, self._distances = len(self._distances), unit_distances(shown)
        self._n_distinct = n_distinct(units)
        self._groups_text = groups_text(groups(units))
        self.signs.show_equal(self._distances == 0.0)
        # Beside a run the colours must not flicker; a run that rests has the same ones whatever was drawn on the way.
        before = self._decades if snapshot.state is State.RUNNING else None
        self._decades = fitting_decades(self._distances, before)
        map_colours = colour_table(self.theme.magnitude_map, 255)
        table = np.concatenate(([packed_colour(self.theme.symmetry)], map_colours))
        pixels = table[colour_numbers(self._distances, self._decades)]
        rgba = pixels.view(np.uint8).reshape(*pixels.shape, 4)[..., [2, 1, 0, 3]]
        # With a single unit the strides of a picked array are all alike, and pyqtgraph takes it for another kind.
        self.image.setImage(rgba.copy(order="C"), levels=None)
        self.image.setRect(0.5, 0.5, len(shown), len(shown))
        self._show_decades()
        if len(shown) != n_before:
            self._show_whole_matrix()

    @property
    def _is_narrow(self) -> bool:
        return self.width() < _NARROW_PX

    def _show_decades(self) -> None:
        """Write beside the colours what they mean."""
        word = "0" if self._is_narrow else "identical"
        self.bar.show_texts(decade_texts(self._decades or _WHILE_EQUAL), ("symmetry", word))

    def _mark_zero(self, snapshot: Snapshot) -> None:
        """Put a diamond on the present step while all units are identical."""
        step, spread = snapshot.history.n_entries - 1, snapshot.history["symmetry_spread"][-1:]
        here = np.array([float(step)]) if spread[0] == 0.0 else np.empty(0)
        self.zero_mark.set_points(here, self.spread_plot.to_view(spread[: len(here)]))

    def _show_whole_matrix(self) -> None:
        n = len(self._distances)
        for axis in (self.matrix_plot.x_axis, self.matrix_plot.y_axis):
            axis.limits = (1.0, float(n))
        self.matrix_plot.move_view((0.5, n + 0.5), (0.5, n + 0.5))

    def _write(self, snapshot: Snapshot) -> None:
        n_units = snapshot.net.layer_sizes[self.layer]
        spread = float(snapshot.history["symmetry_spread"][-1])
        distinct = f", {self._n_distinct:,} distinct" if n_units > 1 else ""
        self.legend.set_keys(
            Key("", "text", numerals.plural(n_units, "unit") + distinct),
            Key("line", "symmetry", f"spread {numerals.short(spread)}"),
            Key("diamond" if spread == 0.0 else "", "symmetry", self._verdict),
        )
        self.setAccessibleName(f"{self.title}. {self.legend.accessibleName()}")
        self._tell("")

    def _tell(self, text: str) -> None:
        """Show what is pointed at, or else what is left out."""
        brief = ""
        if not text and self._newest is not None and what_is_missing(self._newest) is None:
            n_units = self._newest.net.layer_sizes[self.layer]
            config = self._newest.config
            text = brief = f"{config.arithmetic} {config.dtype}: {self._groups_text}"
            if n_units > MOST_UNITS:
                text += f" The matrix shows units 1 to {MOST_UNITS} of {n_units:,}."
            text = f"{text} {self.spread_plot.clamp_note}".strip()
        self.note_label.show_note(text, brief, may_grow=False)

    def _tell_pair(self, point: tuple[float, float] | None) -> None:
        n = len(self._distances)
        if point is None or min(point) < 0.5 or max(point) >= n + 0.5:
            self._tell("")
            return
        i, j = (round(place) for place in point)
        distance = float(self._distances[i - 1, j - 1])
        words = "identical to the last bit" if distance == 0.0 else f"{numerals.exact(distance)} apart"
        self._tell(f"Unit {i} is itself." if i == j else f"Units {i} and {j} are {words}.")


class EqualSigns(Overlay):
    """An equals sign in every cell of a matrix whose units are the same, where cells are large enough."""

    is_kept = True  # a thousand signs take as many microseconds, and seldom change

    def __init__(self) -> None:
        super().__init__()
        self._equal = np.zeros((0, 0), dtype=np.bool_)
        self._colour = QColor()
        self.n_drawn = 0

    def set_colour(self, colour: str) -> None:
        """Set the colour of the signs."""
        self._colour = QColor(colour)
        self.update()

    def show_equal(self, equal: npt.NDArray[np.bool_]) -> None:
        """Show which units (n, n) are equal; cell (i, j) has its middle at (j + 1, i + 1)."""
        if not np.array_equal(equal, self._equal):
            self._equal = equal
            self.update()

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw the signs."""
        cell = min(abs(transform.m11()), abs(transform.m22()))
        self.n_drawn = 0
        if cell < _LEAST_CELL_PX:
            return
        cell = min(cell, _MOST_CELL_PX)
        painter.setPen(QPen(self._colour, max(1, round(0.08 * cell))))
        across, apart = round(0.24 * cell), max(1, round(0.1 * cell))
        lines = []
        for row, column in np.argwhere(self._equal).tolist():
            at = transform.map(QPointF(column + 1.0, row + 1.0)).toPoint()  # whole pixels: all signs alike
            if area.contains(QPointF(at)):
                lines += [
                    QLine(at.x() - across, at.y() + side, at.x() + across, at.y() + side)
                    for side in (-apart, apart)
                ]
        painter.drawLines(lines)
        self.n_drawn = len(lines) // 2


class _MatrixPlot(Plot):
    """A plot whose reading point moves from unit to unit; the y axis points down."""

    def keep_square(self) -> None:
        """Be no wider than a square as high as the place, and leave the rest to the curve."""
        left, top, right, bottom = self.plotItem.layout.getContentsMargins()
        side = self.height() - top - bottom - self.x_axis.height()
        self.setMaximumWidth(max(_LEAST_PX, round(left + right + self.y_axis.width() + side)))

    def first_reading_point(self) -> tuple[float, float]:
        return 1.0, 1.0

    def reading_steps(self) -> tuple[float, float]:
        return 1.0, -1.0


def what_is_missing(snapshot: Snapshot) -> tuple[str, str] | None:
    """Return briefly and as a sentence why no hidden units can be compared, or None where they can."""
    if not snapshot.net.n_hidden:
        return (
            "no hidden units",
            "This network has no hidden layer, so there are no hidden units to compare.",
        )
    if max(snapshot.net.layer_sizes[1:-1]) == 1:
        return "one hidden unit", "There is only one hidden unit, and none to compare it with."
    return None


def groups_text(numbers: npt.NDArray[np.int64]) -> str:
    """Return which units are equal to the last bit, given the number of each unit's group (n_units,)."""
    sizes = np.bincount(numbers)
    shared = [np.flatnonzero(numbers == group) + 1 for group in np.flatnonzero(sizes > 1)]
    if not shared:
        return "no two units are equal." if len(numbers) > 1 else "one unit."
    listed = "; ".join(_ranges(units.tolist()) for units in shared[:_MOST_GROUPS])
    more = f"; and {len(shared) - _MOST_GROUPS} more groups" if len(shared) > _MOST_GROUPS else ""
    n_alone = int((sizes == 1).sum())
    alone = f", {n_alone} alone" if n_alone else ""
    return f"equal to the last bit are units {listed}{more}{alone}."


def _ranges(numbers: list[int]) -> str:
    """Return sorted numbers as 1–4, 7, 9–12."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}–{last}" for first, last in found)


def verdict(history: HistoryView, names_kick: bool = True) -> str:
    """Return in words what became of the symmetry: identical, broken and by what, or never there."""
    spread = history["symmetry_spread"]
    if spread[-1] == 0.0:
        return "identical to the last bit"
    if spread[0] != 0.0:
        return "the start was not symmetric"
    step = history.first_above("symmetry_spread", 0.0)
    assert step is not None  # the last entry is above 0
    size = numerals.short(float(spread[step]))
    for jump in history.jumps:
        if jump.step == step - 1 and jump.name not in _KEEPS_SYMMETRY:
            name = f" ({jump.name.replace('_', ' ')})" if names_kick else ""
            return f"broken by a kick{name} after step {step - 1:,}, size {size}"
    return f"broken by rounding at step {step:,}, size {size}"


def fitting_decades(distances: npt.NDArray[np.float64], before: Decades | None) -> Decades:
    """Return (lowest, highest) powers of ten for the colours of distances (n, n) above 0.

    The ones before stay as long as they hold all distances and are at most two decades too wide, so that the
    colours do not flicker.
    """
    above = distances[distances > 0.0]
    if not len(above):
        return before or _WHILE_EQUAL
    low = math.floor(math.log10(max(float(above.min()), FLOOR)))
    high = math.ceil(math.log10(max(float(above.max()), FLOOR)))
    high = max(high, low + 1)
    if before and before[0] <= low and high <= before[1] and (low - before[0]) + (before[1] - high) <= 2:
        return before
    return low, high


def colour_numbers(distances: npt.NDArray[np.float64], decades: Decades) -> npt.NDArray[np.uint8]:
    """Return for distances (n, n) the place in the table of colours: 0 for exactly 0, else 1 to 255."""
    low, high = decades
    places = np.log10(np.where(distances > 0.0, distances, 1.0))
    shares = np.clip((places - low) / (high - low), 0.0, 1.0)
    return np.where(distances > 0.0, 1 + np.rint(shares * 254), 0).astype(np.uint8)


def decade_texts(decades: Decades) -> tuple[tuple[float, str], ...]:
    """Return the ticks of the bar: its place and the power of ten."""
    low, high = decades
    return tuple(
        ((power - low) / (high - low), numerals.power_of_ten(power)) for power in range(low, high + 1)
    )
