"""Plots set up once for all panels: quick to draw, large type, zoom by mouse, values under the pointer."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QAction, QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from gui import numerals
from gui.axes import Axis, tick_font
from gui.keys import ARROWS
from gui.plot_items import Curve, Grid, Jumps, Marks
from gui.theme import Theme

FloatArray = npt.NDArray[np.float64]
Range = tuple[float, float]

FLOOR: Final = 1e-20
"""Where a log axis draws 0, unless a plot has its own; smaller values above 0 are drawn at twice of it."""

_NEAR_EQUAL: Final = 1.7
_FAST: Final = 10  # times as far with Shift
_READING_STEPS: Final = 50
_CLICK_PX: Final = 4  # the mouse may move so far between press and release of a click


class Plot(pg.PlotWidget):  # type: ignore[misc]
    """A plot with labelled axes, a light grid, and a view that stays where the person put it.

    Items are created once with `add_curve` and the like and fed from then on. `move_view` moves the view only
    while it follows; zooming or dragging with the mouse ends that, a double click or the menu's "Reset view"
    begins it again. On a log axis the view's coordinate is log10 of the value: feed what `to_view` returns.

    Attributes:
        is_following: whether the view follows the data.
        floor: the value at which a log axis draws 0; smaller values above 0 are drawn at twice of it.
        theme: the colours in use.
    """

    left_axis: ClassVar[type[Axis]] = Axis
    """What the y axis is made of."""

    view_moved = Signal()
    """The person moved the view, or asked for the whole view again: what is shown must be fed anew."""
    scale_changed = Signal()
    """The y axis became logarithmic, or linear again."""
    pointed = Signal(object)
    """(x, y) under the mouse or at the reading point of the keyboard, in the view's coordinates, or None."""
    clicked = Signal(object)
    """(x, y) of a click with the left button that did not drag anything, in the view's coordinates."""

    def __init__(
        self,
        theme: Theme,
        x_label: str,
        y_label: str,
        whole: tuple[bool, bool] = (False, False),
        can_be_log: bool = False,
        floor: float = FLOOR,
        has_grid: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        self.x_axis = Axis("bottom", whole[0])
        self.y_axis = self.left_axis("left", whole[1], float(np.log10(floor)))
        super().__init__(
            parent, axisItems={"bottom": self.x_axis, "left": self.y_axis}, enableMenu=False, background=None
        )
        self.theme = theme
        self.floor = floor
        self.is_following = True
        self._labels = (x_label, y_label)
        self._reading_point: tuple[float, float] | None = None
        self._pressed_at: QPointF | None = None
        self._curves: list[tuple[Curve, str]] = []
        self._marks: list[tuple[Marks, str]] = []
        self._set_up_view(has_grid)
        self._make_actions(can_be_log)
        self.setMinimumSize(110, 90)
        self.apply_theme(theme)

    @property
    def is_log(self) -> bool:
        """Whether the y axis is logarithmic."""
        return self.y_axis.is_log

    @property
    def view(self) -> tuple[Range, Range]:
        """The ((left, right), (bottom, top)) that are seen, in the view's coordinates."""
        x, y = self._box.state["viewRange"]  # viewRange() copies, and this is asked for several times a frame
        return (x[0], x[1]), (y[0], y[1])

    def add_curve(self, colour: str, is_dashed: bool = False) -> Curve:
        """Return a new empty curve, for points whose x never falls; colour names a field of `Theme`."""
        curve = Curve(is_dashed)
        curve.set_colour(getattr(self.theme, colour))
        self._curves.append((curve, colour))
        self.addItem(curve, ignoreBounds=True)
        return curve

    def add_marks(self, colour: str, shape: str) -> Marks:
        """Return new empty marks: a "triangle", "dot" or "diamond"; colour names a field of `Theme`."""
        marks = Marks(shape)
        marks.apply_theme(self.theme, colour)
        self._marks.append((marks, colour))
        self.addItem(marks, ignoreBounds=True)
        return marks

    def add_jumps(self) -> Jumps:
        """Return new empty vertical lines with labels."""
        jumps = Jumps(lambda: (curve for curve, _ in self._curves))
        jumps.apply_theme(self.theme)
        self.addItem(jumps, ignoreBounds=True)
        self._jumps.append(jumps)
        return jumps

    def to_view(self, values: FloatArray) -> FloatArray:
        """Return values (n,) in the view's y coordinates: as they are, or log10 of them, 0 at the floor."""
        if not self.is_log:
            return values
        above = np.maximum(values, 2.0 * self.floor)
        return np.log10(np.where(values > 0.0, above, self.floor))

    def from_view(self, y: float) -> float:
        """Return the value at a y coordinate of the view."""
        return float(10.0**y) if self.is_log else y

    def move_view(self, x: Range, y: Range) -> None:
        """Show x and y (view's coordinates) if the view follows; does nothing where it is there already."""
        if self.is_following and (x, y) != self.view:
            self._box.setRange(xRange=x, yRange=y, padding=0)

    def zoom_to(self, x: Range, y: Range) -> None:
        """Show x and y (view's coordinates) and follow no longer."""
        self.is_following = True
        self.move_view(x, y)
        self._stop_following()

    def reset_view(self) -> None:
        """Follow the data again."""
        self.is_following = True
        self.view_moved.emit()

    def set_log(self, is_log: bool) -> None:
        """Make the y axis logarithmic or linear, and follow the data again."""
        if is_log != self.is_log:
            self.y_axis.set_log(is_log)
            self.log_action.setChecked(is_log)
            self.is_following = True
            self.scale_changed.emit()

    def set_labels(self, x_label: str, y_label: str) -> None:
        """Set what the axes say."""
        x_label, y_label = numerals.signed(x_label), numerals.signed(y_label)
        if (x_label, y_label) != self._labels:
            self._labels = (x_label, y_label)
            self._write_labels()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours of everything in the plot."""
        self.theme = theme
        self.setBackground(theme.panel)
        for axis in (self.x_axis, self.y_axis):
            axis.setPen(theme.muted)
            axis.setTickPen(theme.muted)
            axis.setTextPen(theme.text)
            axis.setStyle(tickFont=tick_font())
        self._grid.set_colour(theme.grid)
        self._pointer.setPen(theme.muted)
        self._cross.apply_theme(theme, "text")
        for curve, colour in self._curves:
            curve.set_colour(getattr(theme, colour))
        for marks, colour in self._marks:
            marks.apply_theme(theme, colour)
        for jumps in self._jumps:
            jumps.apply_theme(theme)
        self._write_labels()

    def point_at(self, x: float | None) -> None:
        """Show a vertical line at x, or none."""
        self._pointer.setVisible(x is not None)
        if x is not None:
            self._pointer.setValue(x)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show all again."""
        self.reset_view()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell what is under the pointer."""
        if (
            event.buttons()
        ):  # to drag; else the scene would look for items that want to know of a pointer: none does
            super().mouseMoveEvent(event)
        if self._cross.isVisible():
            self._show_cross(None)
        box = self._box
        at = self.mapToScene(event.position().toPoint())
        inside = box.sceneBoundingRect().contains(at)
        self.pointed.emit(self._place(event.position()) if inside else None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell of a click, if the mouse did not move."""
        super().mouseReleaseEvent(event)
        start, self._pressed_at = self._pressed_at, None
        if start is not None and (event.position() - start).manhattanLength() <= _CLICK_PX:
            self.clicked.emit(self._place(event.position()))

    def _place(self, at: QPointF) -> tuple[float, float]:
        """Return where a point of the widget is, in the view's coordinates."""
        place = self._box.mapSceneToView(self.mapToScene(at.toPoint()))
        return place.x(), place.y()

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that nothing is under the pointer."""
        super().leaveEvent(event)
        self.pointed.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the reading point by the arrows; leave other keys to the window: the scene would swallow them."""
        across, up = ARROWS.get(Qt.Key(event.key()), (0, 0))
        if (across, up) == (0, 0):
            event.ignore()
            return
        n = _FAST if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        start = self._reading_point or self.first_reading_point()
        moved = [
            at + n * sign * step
            for at, sign, step in zip(start, (across, up), self.reading_steps(), strict=True)
        ]
        (left, right), (bottom, top) = self.view
        self._read_at((min(max(moved[0], left), right), min(max(moved[1], bottom), top)))

    def first_reading_point(self) -> tuple[float, float]:
        """Return where the reading point is put first, in the view's coordinates."""
        (left, right), (bottom, top) = self.view
        return 0.5 * (left + right), 0.5 * (bottom + top)

    def reading_steps(self) -> tuple[float, float]:
        """Return how far an arrow key moves the reading point, across and up."""
        (left, right), (bottom, top) = self.view
        return (right - left) / _READING_STEPS, (top - bottom) / _READING_STEPS

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the reading point if the plot was reached by Tab: it says where the focus is, too."""
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self._read_at(self._reading_point or self.first_reading_point())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the reading point away."""
        super().focusOutEvent(event)
        if self._cross.isVisible():
            self._read_at(None)

    def _read_at(self, point: tuple[float, float] | None) -> None:
        """Put the reading point of the keyboard somewhere, or nowhere."""
        self._reading_point = point or self._reading_point
        self._show_cross(point)
        self.pointed.emit(point)

    def _show_cross(self, point: tuple[float, float] | None) -> None:
        x, y = ([point[0]], [point[1]]) if point else ([], [])
        self._cross.set_points(np.array(x), np.array(y))

    def _set_up_view(self, has_grid: bool) -> None:
        self._box = box = self.getViewBox()
        box.disableAutoRange()
        box.setDefaultPadding(0.0)
        box.sigRangeChangedManually.connect(self._on_moved_by_hand)
        self.hideButtons()
        self.plotItem.layout.setContentsMargins(2, 10, 20, 2)  # for the texts at the ends of the axes
        self._jumps: list[Jumps] = []
        self._grid = Grid(self.x_axis, self.y_axis)
        self._grid.setVisible(has_grid)
        self._pointer = pg.InfiniteLine(angle=90, movable=False)
        self._pointer.setVisible(False)
        self._cross = Marks("cross")
        self._show_cross(None)
        for item in (self._grid, self._pointer, self._cross):
            self.addItem(item, ignoreBounds=True)

    def _make_actions(self, can_be_log: bool) -> None:
        self.reset_action = QAction("Reset view", self)
        self.reset_action.triggered.connect(self.reset_view)
        self.log_action = QAction("Logarithmic axis", self, checkable=True, visible=can_be_log)
        self.log_action.toggled.connect(self.set_log)
        self.addActions([self.reset_action, self.log_action])
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def _write_labels(self) -> None:
        size = f"{tick_font().pixelSize()}px"
        for axis, label in zip((self.x_axis, self.y_axis), self._labels, strict=True):
            axis.setLabel(label or None, **{"color": self.theme.text, "font-size": size})

    def _on_moved_by_hand(self) -> None:
        self._stop_following()
        self.view_moved.emit()

    def _stop_following(self) -> None:
        self.is_following = False


def log_range(low: float, high: float) -> Range:
    """Return a view, in log10, of values from low to high above 0; its ends move in quarters of a decade."""
    bottom = np.floor(np.log10(max(low, FLOOR)) * 4.0 - 0.4) / 4.0
    top = np.ceil(np.log10(max(high, FLOOR)) * 4.0 + 0.4) / 4.0
    return float(bottom), float(top)


def close_log_range(low: float, high: float) -> Range:
    """Return a view, in log10, that fits values from low to high (above 0) closely where they are near equal."""
    if high > _NEAR_EQUAL * low:
        return log_range(low, high)
    bottom, top = float(np.log10(low)), float(np.log10(high))
    pad = max(0.1 * (top - bottom), 1e-7)
    return bottom - pad, top + pad


def count_range(largest: float) -> Range:
    """Return a view from 0 to a round number above largest, with a little room below for the line at 0."""
    top = numerals.round_above(max(largest, 1.0) * 1.04)
    return -0.03 * top, top


def linear_range(low: float, high: float) -> Range:
    """Return a view of values from low to high; its ends are round numbers, 0 is in sight when it is near."""
    width = max(high - low, 1e-12 * max(abs(low), abs(high)), 1e-300)
    step = numerals.round_above(width) / 8.0
    bottom = np.floor((low - 0.2 * step) / step) * step
    if 0.0 <= low <= width:
        bottom = -0.03 * width
    return float(bottom), float(np.ceil((high + 0.2 * step) / step) * step)
