"""NetworkDiagram: a network as layers of units with a line for each weight, and the numbers of one sample in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy

from engine.mlp import MLP
from gui import numerals
from gui.axes import tick_font
from gui.colour_bars import colour_table
from gui.example_pictures import paint_picture
from gui.focus_frames import FramedWidget
from gui.keys import ARROWS
from gui.theme import Theme, line_px, rgb
from gui.tiles import signed_numbers

FloatArray = npt.NDArray[np.float64]
Unit = tuple[int, int]
"""(layer, number of the unit), both from 0; layer 0 is the input."""

MOST_UNITS: Final = 16
MOST_LAYERS: Final = 6
_NODE_PX: Final = (62.0, 24.0)
_LINE_PX: Final = 17.0  # height of a line of the usual type
_LEAST_NODE_PX: Final = 13.0
_GAP_PX: Final = 4.0
_PICTURE_SLOTS: Final = (
    0.8,
    1.25,
)  # room of a picture, and of units with pictures beside them, in that of others
_OUTPUT_PX: Final = 70.0  # from the middle of an output to the edge: its class stands there
_WIDEST_PX: Final = 6.0
_FAINTEST: Final = 0.03  # share of the widest line below which a line would not be seen, and is not drawn
_SMOOTH: Final = 0.25  # weaker ones are a pixel wide and not smoothed: other dashes are dear
_MOST_BUSES: Final = 2  # lines below the units, of layers that are also wired to the output
_BUS_PX: Final = 10.0  # from the units down to the first of them, and between their uprights
_BUS_GAP_PX: Final = 4.0
_BOW_PX: Final = 26.0  # weights that lead past other layers bend upwards, by about three quarters of this
_FADED: Final = 28  # alpha of the lines of other units while one is chosen


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What a diagram shows.

    Attributes:
        net: the network.
        weights: of each layer, (fan_in, fan_out).
        values: of the input, the hidden layers and the output, (width,) each; the output's are probabilities
            or the one output.
        limits: of each layer, the absolute weight that has the widest line.
        value_limits: of each column, the absolute value that has the strongest colour.
        picture: (rows, columns) of the sample where it is a picture, else None.
        skips: (hidden layer, weights (width, n_outputs)) of each that is also wired straight to the output.
        label: the class of the sample, or None where there are none.
    """

    net: MLP
    weights: tuple[FloatArray, ...]
    values: tuple[FloatArray, ...]
    limits: tuple[float, ...]
    value_limits: tuple[float, ...]
    picture: FloatArray | None
    skips: tuple[tuple[int, FloatArray], ...]
    label: int | None

    def columns(self) -> tuple[int | None, ...]:
        """Return the layers that are drawn, from the left; None stands for those left out."""
        n_layers = len(self.values)
        if n_layers <= MOST_LAYERS:
            return tuple(range(n_layers))
        half = MOST_LAYERS // 2
        return (*range(half), None, *range(n_layers - half, n_layers))

    def buses(self) -> tuple[tuple[tuple[int, ...], str], ...]:
        """Return (hidden layers, what is told of them) of each line to the output: one a layer, or one for many."""
        found = []
        groups = [[skip] for skip in self.skips] if len(self.skips) <= _MOST_BUSES else [list(self.skips)]
        for group in groups:
            n, largest = (
                sum(part.size for _, part in group),
                max(float(np.abs(part).max()) for _, part in group),
            )
            name = f"hidden {group[0][0]}" if len(group) == 1 else f"{len(group)} hidden layers"
            text = f"{name} → output: {n:,} weights up to ±{numerals.short(largest)}"
            found.append((tuple(layer for layer, _ in group), text))
        return tuple(found)

    def n_drawn(self, layer: int) -> int:
        """Return how many units of a layer are drawn: the first ones."""
        return min(MOST_UNITS, len(self.values[layer]))


class NetworkDiagram(FramedWidget):
    """Shows a `Drawing`. The arrow keys and a click choose a unit, whose weights are then drawn alone.

    Attributes:
        chosen: the unit chosen, or None.
    """

    chosen_changed = Signal(object)
    """The unit chosen, or None."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.chosen: Unit | None = None
        self._drawing: Drawing | None = None
        self._line, self._line_width = 0.0, 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)

    def show_drawing(self, drawing: Drawing) -> None:
        """Show a network; the unit chosen stays chosen if it is there."""
        self._drawing = drawing
        if self.chosen is not None and not self._is_drawn(self.chosen):
            self.choose(None)
        self.update()

    def choose(self, unit: Unit | None) -> None:
        """Choose a unit, or none."""
        if unit != self.chosen:
            self.chosen = unit
            self.chosen_changed.emit(unit)
            self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours and the type."""
        self._line = 0.0
        super().apply_theme(theme)

    def sizeHint(self) -> QSize:
        """Return a size at which most networks can be read."""
        return QSize(560, 320)

    # Places

    def node_rect(self, unit: Unit) -> QRectF:
        """Return where a unit's box is; a picture takes the place of all inputs."""
        drawing = self._drawing
        assert drawing is not None
        layer, number = unit
        x = self._column_x(layer)
        top, bottom = self._span()
        if layer == 0 and drawing.picture is not None:
            side = min(self._slot_of(0)[1] - 10.0, bottom - top, 150.0)
            return QRectF(x - 0.5 * side, 0.5 * (top + bottom - side), side, side)
        n = drawing.n_drawn(layer)
        pitch = (bottom - top) / n
        larger = self._line_px() / _LINE_PX  # with the type
        width = min(_NODE_PX[0] * larger, 0.62 * self._slot_of(layer)[1])
        height = min(_NODE_PX[1] * larger, pitch - _GAP_PX)
        y = top + (number + 0.5) * pitch
        return QRectF(x - 0.5 * width, y - 0.5 * height, width, max(height, _LEAST_NODE_PX))

    def tile_rect(self, unit: Unit) -> QRectF | None:
        """Return where the picture of a unit's weights is: left of a unit that sees pictures, or None."""
        drawing = self._drawing
        if drawing is None or drawing.picture is None or unit[0] != 1:
            return None
        top, bottom = self._span()
        node = self.node_rect(unit)
        side = min((bottom - top) / drawing.n_drawn(1) - 3.0, 40.0, node.left() - self._slot_of(1)[0] - 6.0)
        return QRectF(node.left() - side - 3.0, node.center().y() - 0.5 * side, side, side)

    def unit_at(self, at: QPointF) -> Unit | None:
        """Return the unit under a point, or None."""
        drawing = self._drawing
        for layer in drawing.columns() if drawing is not None else ():
            if layer is None or (layer == 0 and drawing is not None and drawing.picture is not None):
                continue
            for number in range(drawing.n_drawn(layer) if drawing is not None else 0):
                tile = self.tile_rect((layer, number))
                if self.node_rect((layer, number)).contains(at) or (tile is not None and tile.contains(at)):
                    return layer, number
        return None

    def _line_px(self) -> float:
        if self._line == 0.0:  # asked for each unit of each picture
            self._line = QFontMetricsF(tick_font()).height()
        return self._line

    def _span(self) -> tuple[float, float]:
        """Return where the units are: between the titles and what is told of connections that skip layers."""
        drawing = self._drawing
        n_rows = len(drawing.buses()) if drawing is not None else 0
        room = (self._line_px() + _BUS_GAP_PX) * n_rows + (_BUS_PX if n_rows else 0.0)
        return 2.0 * self._line_px() + 6.0, self.height() - 4.0 - room

    def _slot(self, place: int) -> tuple[float, float]:
        """Return left edge and width of the room of a column, counted from the left."""
        drawing = self._drawing
        assert drawing is not None
        shares = [1.0] * len(drawing.columns())
        if drawing.picture is not None:
            shares[:2] = _PICTURE_SLOTS
        unit = self.width() / sum(shares)
        return unit * sum(shares[:place]), unit * shares[place]

    def _slot_of(self, layer: int) -> tuple[float, float]:
        assert self._drawing is not None
        return self._slot(self._drawing.columns().index(layer))

    def _column_x(self, layer: int) -> float:
        drawing = self._drawing
        assert drawing is not None
        left, width = self._slot_of(layer)
        if layer == len(drawing.values) - 1:
            return left + width - min(0.5 * width, _OUTPUT_PX * self._line_px() / _LINE_PX)
        return left + 0.5 * width

    def _is_drawn(self, unit: Unit) -> bool:
        drawing = self._drawing
        if drawing is None or unit[0] not in drawing.columns():
            return False
        return unit[1] < drawing.n_drawn(unit[0]) and (unit[0] > 0 or drawing.picture is None)

    # Keys and mouse

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the choice by the arrows, end it by Escape; leave other keys to the window."""
        across, up = ARROWS.get(Qt.Key(event.key()), (0, 0))
        if event.key() == Qt.Key.Key_Escape and self.chosen is not None:
            self.choose(None)
        elif (across, up) != (0, 0) and self._drawing is not None:
            self.choose(self._moved(across, -up))
        else:
            event.ignore()

    def _moved(self, across: int, down: int) -> Unit:
        drawing = self._drawing
        assert drawing is not None
        layers = [k for k in drawing.columns() if k is not None and (k > 0 or drawing.picture is None)]
        if self.chosen is None:
            return layers[-1], 0
        place = min(max(layers.index(self.chosen[0]) + across, 0), len(layers) - 1)
        layer = layers[place]
        return layer, min(max(self.chosen[1] + down, 0), drawing.n_drawn(layer) - 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the unit under the pointer, or none."""
        self.choose(self.unit_at(event.position()))

    def changeEvent(self, event: QEvent) -> None:
        """Draw anew with other type."""
        super().changeEvent(event)
        self._line = 0.0
        self.update()

    # Painting

    def paint_inside(self, painter: QPainter) -> None:
        """Draw lines, then units, then texts."""
        drawing = self._drawing
        if drawing is None:
            return
        painter.setFont(tick_font())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for layer in range(1, len(drawing.values)):
            if {layer - 1, layer} <= set(drawing.columns()):
                self._paint_lines(painter, drawing, layer)
        self._paint_skip_lines(painter, drawing)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for layer_drawn in drawing.columns():
            if layer_drawn is None:
                self._paint_gap(painter, drawing)
            else:
                self._paint_layer(painter, drawing, layer_drawn)
        self._paint_skips(painter, drawing)

    def _paint_lines(self, painter: QPainter, drawing: Drawing, layer: int) -> None:
        """Draw the weights of a layer, the widest last; from a picture there is a grey line for all its pixels."""
        n_out = drawing.n_drawn(layer)
        if layer == 1 and drawing.picture is not None:
            painter.setPen(QPen(QColor(self.theme.outline), 1.0))
            start = self.node_rect((0, 0))
            for j in range(n_out):
                tile = self.tile_rect((1, j))
                assert tile is not None
                painter.drawLine(
                    QPointF(start.right(), start.center().y()), QPointF(tile.left(), tile.center().y())
                )
            return
        weights = drawing.weights[layer - 1][: drawing.n_drawn(layer - 1), :n_out]
        lefts = [self.node_rect((layer - 1, i)) for i in range(len(weights))]
        rights = [self.node_rect((layer, j)) for j in range(n_out)]
        starts = [QPointF(rect.right(), rect.center().y()) for rect in lefts]
        ends = [QPointF(rect.left(), rect.center().y()) for rect in rights]
        self._line_width = line_px() / 2.0
        shares = weights / drawing.limits[layer - 1]
        order = np.argsort(np.abs(shares), axis=None)
        rows, columns = np.unravel_index(order[np.abs(shares).ravel()[order] >= _FAINTEST], shares.shape)
        for i, j, share in zip(rows.tolist(), columns.tolist(), shares[rows, columns].tolist(), strict=True):
            is_faded = self.chosen is not None and self.chosen not in ((layer - 1, i), (layer, j))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, abs(share) > _SMOOTH)
            painter.setPen(self._pen(share, is_faded))
            painter.drawLine(starts[i], ends[j])

    def _pen(self, share: float, is_faded: bool) -> QPen:
        colour = QColor(self.theme.errors if share > 0.0 else self.theme.loss)
        # Weak ones in the background: of hundreds of lines the strong ones must be seen.
        colour.setAlpha(_FADED if is_faded else min(255, round(255 * (0.35 + abs(share)))))
        width = _WIDEST_PX * min(1.0, abs(share)) * self._line_width if abs(share) > _SMOOTH else 1.0
        pen = QPen(colour, width)
        if share < 0.0:
            dash = max(2.0, 7.0 / width)
            pen.setDashPattern([dash, max(1.5, 5.0 / width)])
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        return pen

    def _paint_layer(self, painter: QPainter, drawing: Drawing, layer: int) -> None:
        self._paint_title(painter, drawing, layer)
        if layer == 0 and drawing.picture is not None:
            paint_picture(painter, self.node_rect((0, 0)), drawing.picture, self.theme)
            return
        for number in range(drawing.n_drawn(layer)):
            tile = self.tile_rect((layer, number))
            if tile is not None:
                self._paint_tile(painter, drawing, tile, number)
            self._paint_node(painter, drawing, (layer, number))

    def _paint_tile(self, painter: QPainter, drawing: Drawing, rect: QRectF, number: int) -> None:
        assert drawing.picture is not None
        values = drawing.weights[0][:, number].reshape(drawing.picture.shape)
        pixels = colour_table(self.theme.signed_map, 255)[signed_numbers(values, drawing.limits[0])]
        n_rows, n_columns = pixels.shape
        image = QImage(
            np.ascontiguousarray(pixels).data, n_columns, n_rows, 4 * n_columns, QImage.Format.Format_RGB32
        )
        painter.drawImage(rect, image.copy())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self.theme.muted), 1.0))
        painter.drawRect(rect)

    def _paint_node(self, painter: QPainter, drawing: Drawing, unit: Unit) -> None:
        layer, number = unit
        rect, value = self.node_rect(unit), float(drawing.values[layer][number])
        is_chosen, is_label = unit == self.chosen, self._is_label(drawing, unit)
        painter.setBrush(self._fill(value / drawing.value_limits[layer]))
        painter.setPen(QPen(QColor(self.theme.text), 3.0 if is_chosen or is_label else 1.0))
        painter.drawRoundedRect(rect, 5.0, 5.0)
        if rect.height() >= _LEAST_NODE_PX:
            font = _node_font(rect)
            painter.setFont(font)
            painter.setPen(QColor(self.theme.text))
            for text in (value_text(value), numerals.signed(f"{value:.1f}")):
                if QFontMetricsF(font).horizontalAdvance(text) <= rect.width() - 2.0:
                    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
                    break
            self._paint_class(painter, drawing, unit, rect)
            painter.setFont(tick_font())

    def _paint_class(self, painter: QPainter, drawing: Drawing, unit: Unit, rect: QRectF) -> None:
        """Write the number of an output's class right of it, and say which is the sample's."""
        if unit[0] != len(drawing.values) - 1 or len(drawing.values[-1]) == 1:
            return
        text = f"{unit[1]} ✓" if self._is_label(drawing, unit) else str(unit[1])
        box = QRectF(rect.right() + 6.0, rect.top(), self.width() - rect.right() - 6.0, rect.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def _is_label(self, drawing: Drawing, unit: Unit) -> bool:
        return unit == (len(drawing.values) - 1, drawing.label)

    def _fill(self, share: float) -> QColor:
        """Return the colour of a value: the panel's at 0, towards orange above and blue below."""
        ground = rgb(self.theme.panel)
        ink = rgb(self.theme.errors if share > 0.0 else self.theme.loss)
        part = 0.5 * min(1.0, abs(share))
        mixed = [round((1.0 - part) * a + part * b) for a, b in zip(ground, ink, strict=True)]
        return QColor(*mixed)

    def _paint_title(self, painter: QPainter, drawing: Drawing, layer: int) -> None:
        """Write above a layer what it is and how much of it is drawn, and the widest line before it."""
        painter.setPen(QColor(self.theme.text))
        line, x, slot = self._line_px(), self._column_x(layer), self._slot_of(layer)[1]
        width, n = len(drawing.values[layer]), drawing.n_drawn(layer)
        shown = width if layer == 0 and drawing.picture is not None else n
        counted = f"{width:,}" if shown == width else f"{n} of {width:,}"
        for row, text in enumerate((layer_name(drawing, layer, slot), counted)):
            box = QRectF(x - 0.5 * slot, 2.0 + row * line, slot, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_gap(self, painter: QPainter, drawing: Drawing) -> None:
        columns = drawing.columns()
        left, width = self._slot(columns.index(None))
        n_left_out = len(drawing.values) - (len(columns) - 1)
        box = QRectF(left, 0.0, width, self.height())
        painter.setPen(QColor(self.theme.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, f"...\n{n_left_out:,} more\nlayers\n...")

    def _paint_skip_lines(self, painter: QPainter, drawing: Drawing) -> None:
        """Draw the weights that lead past other layers from or to the unit chosen; of all there would be too many."""
        if self.chosen is None:
            return
        last = len(drawing.values) - 1
        for layer, weights in drawing.skips:
            limit = float(np.abs(weights).max()) or 1.0
            for i in range(drawing.n_drawn(layer) if layer in drawing.columns() else 0):
                for j in range(drawing.n_drawn(last)):
                    share = float(weights[i, j]) / limit
                    if self.chosen in ((layer, i), (last, j)) and abs(share) >= _FAINTEST:
                        self._paint_past(painter, (layer, i), (last, j), share)

    def _paint_past(self, painter: QPainter, start: Unit, end: Unit, share: float) -> None:
        """Draw a weight from one unit to another as a bow."""
        first, last = self.node_rect(start), self.node_rect(end)
        a, b = QPointF(first.right(), first.center().y()), QPointF(last.left(), last.center().y())
        bend = 0.35 * (b.x() - a.x())
        path = QPainterPath(a)
        path.cubicTo(a + QPointF(bend, -_BOW_PX), b + QPointF(-bend, -_BOW_PX), b)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self._pen(share, False))
        painter.drawPath(path)

    def _paint_skips(self, painter: QPainter, drawing: Drawing) -> None:
        """Draw below the units how hidden layers are wired straight to the output: a line with an arrow each."""
        top, end = self._span()[1], self._column_x(len(drawing.values) - 1)
        pitch, buses, texts = self._line_px() + _BUS_GAP_PX, drawing.buses(), []
        painter.setPen(QPen(QColor(self.theme.text), line_px()))
        painter.setBrush(QColor(self.theme.text))
        for row, (layers, text) in enumerate(buses):
            y, up = top + _BUS_PX + (row + 0.5) * pitch, end + _BUS_PX * (0.5 * (len(buses) - 1) - row)
            starts = [self._place_of(drawing, layer) - _BUS_PX * row for layer in layers]
            for x in starts:
                painter.drawLine(QPointF(x, top + 1.0), QPointF(x, y))
            painter.drawLine(QPointF(min(starts), y), QPointF(up, y))
            painter.drawLine(QPointF(up, y), QPointF(up, top + 1.0))
            tip = QPointF(up, top)
            painter.drawPolygon([tip, tip + QPointF(-4.0, 8.0), tip + QPointF(4.0, 8.0)])
            texts.append((QPointF(0.5 * (min(starts) + up), y), text))
        for middle, text in texts:  # over all lines
            self._paint_on_line(painter, middle, text)

    def _paint_on_line(self, painter: QPainter, middle: QPointF, text: str) -> None:
        """Write a text on a line, all of it within the picture."""
        width, height = QFontMetricsF(painter.font()).horizontalAdvance(text) + 12.0, self._line_px()
        left = min(max(middle.x() - 0.5 * width, 0.0), max(0.0, self.width() - width))
        box = QRectF(left, middle.y() - 0.5 * height, width, height)
        painter.fillRect(box, QColor(self.theme.panel))
        painter.setPen(QColor(self.theme.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _place_of(self, drawing: Drawing, layer: int) -> float:
        """Return where a layer is, or the middle of those that are left out."""
        if layer in drawing.columns():
            return self._column_x(layer)
        left, width = self._slot(drawing.columns().index(None))
        return left + 0.5 * width


def layer_name(drawing: Drawing, layer: int, room_px: float = 1e9) -> str:
    """Return what a layer is called: input, hidden 1, ..., output."""
    if layer == 0:
        return "input"
    if layer == len(drawing.values) - 1:
        return "output"
    name = f"hidden {layer}"
    return name if QFontMetricsF(tick_font()).horizontalAdvance(name) < room_px else f"h{layer}"


def value_text(value: float) -> str:
    """Return a value in at most seven places, for the box of a unit."""
    size = abs(value)
    text = f"{value:.2f}" if size < 100.0 else f"{value:.3g}"
    if 0.0 < size < 0.005:
        text = f"{value:.0e}".replace("e-0", "e-")
    return numerals.signed(text)


def _node_font(rect: QRectF) -> QFont:
    font = QFont(tick_font())
    font.setPixelSize(max(9, min(font.pixelSize(), int(rect.height() - 3.0))))
    return font
