"""ScatterPlot: many points, one of which can be chosen by mouse or keyboard."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPainter, QTransform
from PySide6.QtWidgets import QWidget

from gui.plot_items import Overlay, draw_inked
from gui.plots import Plot
from gui.theme import Theme, line_px

FloatArray = npt.NDArray[np.float64]

_STAMPS: Final = {
    "dot": ("0110", "1111", "1111", "0110"),
    "cross": ("00100", "00100", "11111", "00100", "00100"),  # as the legends draw it
}
_STEPS: Final = {
    Qt.Key.Key_Left: ("x", -1),
    Qt.Key.Key_Right: ("x", 1),
    Qt.Key.Key_Up: ("number", 1),
    Qt.Key.Key_Down: ("number", -1),
}
_FAST: Final = 10  # times as far with Shift
_FEW: Final = 40  # points of a group have symbols of twice the size: one small cross among dots is overlooked


class Cloud(Overlay):
    """Small equal symbols at any number of points: one picture, some milliseconds for 60,000 of them.

    Attributes:
        x, y: (n,) the points, in the view's coordinates.
        enlarged: how many times as large as usual the symbols are.
    """

    def __init__(self, shape: str) -> None:
        super().__init__()
        self.enlarged = 1
        self.x: FloatArray = np.empty(0)
        self.y: FloatArray = np.empty(0)
        self._stamp = np.array([[sign == "1" for sign in row] for row in _STAMPS[shape]])
        self._colour = QColor()

    def set_colour(self, colour: str) -> None:
        """Set the colour of the symbols."""
        self._colour = QColor(colour)
        self.update()

    def set_points(self, x: FloatArray, y: FloatArray, enlarged: int = 1) -> None:
        """Show symbols at (x, y), each (n,), so many times as large as usual."""
        self.x, self.y, self.enlarged = x, y, enlarged
        self.update()

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw the symbols."""
        if not len(self.x):
            return
        ratio = painter.device().devicePixelRatioF()
        left, top = round(area.left()), round(area.top())
        width, height = round(area.width() * ratio), round(area.height() * ratio)
        columns = (self.x * transform.m11() + transform.dx() - left) * ratio
        rows = (self.y * transform.m22() + transform.dy() - top) * ratio
        size = max(1, round(0.5 * line_px() * ratio * self.enlarged))
        inked = stamped(
            columns, rows, np.kron(self._stamp, np.ones((size, size), dtype=np.bool_)), (height, width)
        )
        draw_inked(painter, inked, self._colour, left, top, ratio)


def stamped(
    columns: FloatArray, rows: FloatArray, stamp: npt.NDArray[np.bool_], shape: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Return which pixels of a picture of that shape are covered by a stamp centred at each point (n,)."""
    n_rows, n_columns = stamp.shape
    inked = np.zeros((shape[0] + 2 * n_rows, shape[1] + 2 * n_columns), dtype=np.bool_)
    first_row = np.rint(rows).astype(np.int64) - n_rows // 2 + n_rows
    first_column = np.rint(columns).astype(np.int64) - n_columns // 2 + n_columns
    seen = (first_row >= 0) & (first_row < shape[0] + n_rows)
    seen &= (first_column >= 0) & (first_column < shape[1] + n_columns)
    corners = first_row[seen] * inked.shape[1] + first_column[seen]
    flat = inked.reshape(-1)
    for row, column in zip(*np.nonzero(stamp), strict=True):
        flat[corners + (row * inked.shape[1] + column)] = True
    return np.ascontiguousarray(inked[n_rows:-n_rows, n_columns:-n_columns])


class ScatterPlot(Plot):
    """A plot of points that are numbered from 0, in groups with a symbol each.

    A click chooses the nearest point. Left and Right choose the next one across, Up and Down the next number;
    with Shift ten further.

    Attributes:
        chosen: the number of the point chosen, or None.
    """

    chosen_changed = Signal(object)
    """Another point was chosen: its number, or None."""

    def __init__(
        self, theme: Theme, groups: tuple[tuple[str, str], ...], parent: QWidget | None = None
    ) -> None:
        """Groups are pairs (shape "dot" or "cross", name of a colour of the theme)."""
        self._groups = [(Cloud(shape), colour) for shape, colour in groups]
        super().__init__(theme, "", "", parent=parent)
        for cloud, _ in self._groups:
            self.addItem(cloud, ignoreBounds=True)
        self._mark = self.add_marks("text", "diamond")
        self._x, self._y = np.empty(0), np.empty(0)
        self._order = np.empty(0, dtype=np.int64)
        self.chosen: int | None = None
        self.clicked.connect(self._choose_nearest)

    def show_points(self, x: FloatArray, y: FloatArray, group: npt.NDArray[np.int64]) -> None:
        """Show points (n,); group (n,) says which of the groups each belongs to. The choice stays."""
        self._x, self._y = x, y
        self._order = np.lexsort((y, x))
        for number, (cloud, _) in enumerate(self._groups):
            own = group == number
            is_few = own.sum() <= _FEW
            cloud.set_points(x[own], y[own], 2 if is_few else 1)
            cloud.setZValue(5 if is_few else 0)  # a crowd would hide the lines, a line one point
        if self.chosen is not None and self.chosen >= len(x):
            self.choose(None)
        self._show_mark()

    def choose(self, number: int | None) -> None:
        """Choose a point, or none."""
        if number != self.chosen:
            self.chosen = number
            self._show_mark()
            self.chosen_changed.emit(number)

    def nearest(self, place: tuple[float, float]) -> int | None:
        """Return the number of the point that is seen nearest to a place (x, y); the first of several."""
        if not len(self._x):
            return None
        across, up = self._box.viewPixelSize()
        away = ((self._x - place[0]) / across) ** 2 + ((self._y - place[1]) / up) ** 2
        return int(away.argmin())

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Plot."""
        super().apply_theme(theme)
        for cloud, colour in self._groups:
            cloud.set_colour(getattr(theme, colour))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the next point by the arrows; leave other keys to the window."""
        along, sign = _STEPS.get(Qt.Key(event.key()), ("", 0))
        if not sign or not len(self._x):
            event.ignore()
            return
        n = sign * (_FAST if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        self.choose(self._moved(along, n))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Choose a point if the plot was reached by Tab: it says where the focus is, too."""
        super(Plot, self).focusInEvent(event)
        reached_by_tab = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        if reached_by_tab and self.chosen is None and len(self._x):
            self.choose(int(self._order[-1]))

    def _choose_nearest(self, place: tuple[float, float]) -> None:
        self.choose(self.nearest(place))

    def _moved(self, along: str, n: int) -> int:
        """Return the number of the point n further, across or by number."""
        last = len(self._x) - 1
        if self.chosen is None:
            return int(self._order[-1])
        if along == "number":
            return min(max(self.chosen + n, 0), last)
        place = int(np.flatnonzero(self._order == self.chosen)[0])
        return int(self._order[min(max(place + n, 0), last)])

    def _show_mark(self) -> None:
        at = [] if self.chosen is None or self.chosen >= len(self._x) else [self.chosen]
        self._mark.set_points(self._x[at], self._y[at])
