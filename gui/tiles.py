"""TileBoard: many small pictures of signed numbers side by side, on one common scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.axes import tick_font
from gui.colour_bars import colour_table
from gui.guards import painting
from gui.theme import Theme

FloatArray = npt.NDArray[np.float64]

GAP_PX: Final = 4
_LEAST_PX: Final = (
    16  # a smaller tile cannot be told from the next one; nor one with less than a pixel a weight
)
_MOVES: Final = {
    Qt.Key.Key_Left: (0, 0, -1),
    Qt.Key.Key_Right: (0, 0, 1),
    Qt.Key.Key_Up: (0, -1, 0),
    Qt.Key.Key_Down: (0, 1, 0),
    Qt.Key.Key_PageUp: (-1, 0, 0),
    Qt.Key.Key_PageDown: (1, 0, 0),
}
_LABELLED_PX: Final = 56  # a smaller tile has more use of the room than of a label
_WIDEST_BAR_PX: Final = 36.0  # one that fills its tile looks like a picture


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the tiles are: n_shown of them, n_columns a row, their size, and whether they have labels."""

    n_shown: int
    n_columns: int
    width: int
    height: int
    has_labels: bool


class TileBoard(QWidget):
    """Shows numbers (n, rows, columns) as n pictures with a diverging map centred at 0, or as bars.

    Attributes:
        values: what is shown, (n, rows, columns).
        limit: the absolute value that has the strongest colour.
        labels, same_as: a text for each tile; the first tile it is equal to, itself where it is the first.
        layout_now: where the tiles are.
        reading: (tile, row, column) that the keys have come to, or None.
    """

    shown_changed = Signal()
    """Another number of tiles fits."""
    pointed = Signal(object)
    """(tile, row, column) under the mouse or reached by keys, or None."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.values: FloatArray = np.zeros((0, 1, 1))
        self.limit = 1.0
        self.labels: tuple[str, ...] = ()
        self.same_as: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.as_bars = False
        self.layout_now = Layout(0, 1, 1, 1, False)
        self.reading: tuple[int, int, int] | None = None
        self._pixels: npt.NDArray[np.uint32] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 60)

    def show_tiles(
        self,
        values: FloatArray,
        limit: float,
        labels: tuple[str, ...],
        same_as: npt.NDArray[np.int64],
        as_bars: bool = False,
    ) -> None:
        """Show values (n, rows, columns); see the attributes."""
        self.values, self.limit, self.labels, self.same_as = values, limit, labels, same_as
        self.as_bars = as_bars
        self._pixels = None
        self._arrange()
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours."""
        self.theme = theme
        self._pixels = None
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size at which most networks fit."""
        return QSize(480, 260)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Find room for the tiles anew."""
        super().resizeEvent(event)
        self._arrange()

    def tile_rect(self, number: int) -> QRect:
        """Return where a tile is."""
        at = self.layout_now
        row, column = divmod(number, at.n_columns)
        n_across = min(at.n_columns, max(1, at.n_shown))
        n_down = math.ceil(max(1, at.n_shown) / at.n_columns)
        across, down = at.width + GAP_PX, at.height + GAP_PX
        down += _label_px(tick_font()) if at.has_labels else 0
        left = max(2, (self.width() - n_across * across + GAP_PX) // 2)
        top = max(2, (self.height() - n_down * down + GAP_PX) // 2)
        return QRect(left + column * across, top + row * down, at.width, at.height)

    @painting
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the tiles, a frame around those that have an equal, and the labels."""
        painter = QPainter(self)
        painter.setFont(tick_font())
        n_equal = np.bincount(self.same_as, minlength=len(self.same_as) + 1)
        for number in range(self.layout_now.n_shown):
            rect = self.tile_rect(number)
            if self.as_bars:
                self._paint_bars(painter, rect, self.values[number].ravel())
            else:
                self._paint_picture(painter, rect, number)
            self._paint_frame(painter, rect, n_equal[self.same_as[number]] > 1)
            if self.layout_now.has_labels:
                self._paint_label(painter, rect, self.labels[number])
        if self.hasFocus() and self.reading is not None and self.reading[0] < self.layout_now.n_shown:
            self._paint_reading(painter, self.reading)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the reading point by arrows within a tile, by pages to another one; other keys are the window's."""
        move = _MOVES.get(Qt.Key(event.key()))
        if move is None or not self.layout_now.n_shown:
            event.ignore()
            return
        most = (self.layout_now.n_shown, *self.values.shape[1:])
        start = self.reading or (0, 0, 0)
        tile, row, column = (
            min(max(at + step, 0), n - 1) for at, step, n in zip(start, move, most, strict=True)
        )
        self._read((tile, row, column))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the reading point if the board was reached by Tab: it says where the focus is, too."""
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self._read(self.reading or (0, self.values.shape[1] // 2, self.values.shape[2] // 2))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the reading point."""
        super().focusOutEvent(event)
        self._read(None)

    def _read(self, place: tuple[int, int, int] | None) -> None:
        self.reading = place if place is not None and len(self.values) else None
        self.pointed.emit(self.reading)
        self.update()

    def _paint_reading(self, painter: QPainter, place: tuple[int, int, int]) -> None:
        """Frame the number that is read, dark and light so that it is seen on any colour."""
        _, n_rows, n_columns = self.values.shape
        number, row, column = place
        rect = self.tile_rect(number)
        width, height = rect.width() / n_columns, rect.height() / n_rows
        cell = QRectF(rect.left() + column * width, rect.top() + row * height, width, height)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, away in ((self.theme.panel, 2.5), (self.theme.text, 1.0)):
            painter.setPen(QPen(QColor(colour), 1.5))
            painter.drawRect(cell.adjusted(-away, -away, away, away))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell which number is under the pointer."""
        self.pointed.emit(self._number_at(event.position()))

    def leaveEvent(self, event: object) -> None:
        """Tell that there is no pointer."""
        self.pointed.emit(None)

    def _number_at(self, at: QPointF) -> tuple[int, int, int] | None:
        _, n_rows, n_columns = self.values.shape
        for number in range(self.layout_now.n_shown):
            rect = self.tile_rect(number)
            if rect.contains(at.toPoint()):
                row = int((at.y() - rect.top()) * n_rows / rect.height())
                column = int((at.x() - rect.left()) * n_columns / rect.width())
                return number, min(row, n_rows - 1), min(column, n_columns - 1)
        return None

    def _arrange(self) -> None:
        shape = (1, 1) if self.as_bars or self.values.shape[1] == 1 else self.values.shape[1:]
        metrics = QFontMetricsF(tick_font())
        widest = math.ceil(max((metrics.horizontalAdvance(label) for label in self.labels), default=0.0))
        room, label = (self.width() - 4, self.height() - 4), (widest, _label_px(tick_font()))
        found = fitting_layout(len(self.values), shape, room, label)
        if found != self.layout_now:
            self.layout_now = found
            self.shown_changed.emit()

    def _paint_picture(self, painter: QPainter, rect: QRect, number: int) -> None:
        _, n_rows, n_columns = self.values.shape
        if self._pixels is None:
            table = colour_table(self.theme.signed_map, 255)
            self._pixels = table[signed_numbers(self.values, self.limit)].reshape(-1, n_columns)
        height = self._pixels.shape[0]
        image = QImage(self._pixels.data, n_columns, height, 4 * n_columns, QImage.Format.Format_RGB32)
        # A part of an image is not known in SVG.
        painter.drawImage(rect, image.copy(0, number * n_rows, n_columns, n_rows))

    def _paint_bars(self, painter: QPainter, rect: QRect, values: FloatArray) -> None:
        table = colour_table(self.theme.signed_map, 255)
        painter.fillRect(rect, QColor(self.theme.panel))
        middle, half = rect.center().y(), 0.5 * rect.height()
        pitch = rect.width() / len(values)
        width = min(_WIDEST_BAR_PX, max(1.0, pitch - 2.0))
        for k, (value, number) in enumerate(zip(values, signed_numbers(values, self.limit), strict=True)):
            # Not the ends of the map: they are nearly black.
            strong = 40 if number < 127 else 214
            length = half * min(1.0, abs(value) / self.limit)
            top = middle - length if value > 0 else middle
            bar = QRectF(rect.left() + (k + 0.5) * pitch - 0.5 * width, top, width, length)
            painter.fillRect(bar, QColor(int(table[strong])))
        painter.setPen(QPen(QColor(self.theme.muted)))
        painter.drawLine(rect.left(), middle, rect.right(), middle)

    def _paint_frame(self, painter: QPainter, rect: QRect, has_equal: bool) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if has_equal:
            painter.setPen(QPen(QColor(self.theme.symmetry), 2.0))
            painter.drawRect(rect.adjusted(-1, -1, 1, 1))
        else:
            painter.setPen(QPen(QColor(self.theme.muted), 1.0))
            painter.drawRect(rect.adjusted(-1, -1, 0, 0))

    def _paint_label(self, painter: QPainter, rect: QRect, label: str) -> None:
        painter.setPen(QColor(self.theme.text))
        box = QRect(rect.left() - 3, rect.bottom() + 1, rect.width() + 6, _label_px(tick_font()))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label)


def signed_numbers(values: FloatArray, limit: float) -> npt.NDArray[np.uint8]:
    """Return the place of values in a table of 255 colours: 0 for -limit, 127 for 0, 254 for limit."""
    return np.rint(np.clip(values * (127.0 / limit), -127.0, 127.0) + 127.0).astype(np.uint8)


def fitting_layout(n: int, shape: tuple[int, ...], room: tuple[int, int], label: tuple[int, int]) -> Layout:
    """Return the layout with the largest tiles of a shape (rows, columns).

    room and label, the widest of them, are (width, height) in pixels. Where n tiles of the least size do not
    fit, as many as do are shown.
    """
    width, height = room
    if n == 0:
        return Layout(0, 1, 1, 1, False)
    slope = shape[0] / shape[1]
    least = max(_LEAST_PX, shape[1])
    for strip in (label[1], 0):
        columns, side = _best_columns(n, slope, width, height, strip)
        snapped = _snapped(side, shape[1])
        if side >= least and (not strip or snapped >= max(_LABELLED_PX, label[0])):
            side = snapped
            return Layout(n, columns, side, max(1, round(side * slope)), strip > 0)
    columns = max(1, (width + GAP_PX) // (least + GAP_PX))
    tall = max(1, round(least * slope))
    rows = max(1, (height + GAP_PX) // (tall + GAP_PX))
    return Layout(min(n, rows * columns), columns, least, tall, False)


def _best_columns(n: int, slope: float, width: int, height: int, strip: int) -> tuple[int, int]:
    """Return (number of columns, width of a tile) that make n tiles largest."""

    def side(columns: int) -> int:
        rows = math.ceil(n / columns)
        across = (width + GAP_PX) / columns - GAP_PX
        down = ((height + GAP_PX) / rows - GAP_PX - strip) / slope
        return int(min(across, down)) - 1

    best = max(range(1, n + 1), key=side)
    return best, side(best)


def _snapped(side: int, n_columns: int) -> int:
    """Return side, or a whole number of pixels a weight where that is not much smaller: cells are even then."""
    whole = side // n_columns * n_columns
    return whole if whole >= 0.8 * side else side


def _label_px(font: QFont) -> int:
    return math.ceil(QFontMetricsF(font).height())
