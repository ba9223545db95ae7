"""Legend: what the lines and symbols of a plot are, with their present values as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QWidget

from gui.axes import tick_font
from gui.branch_lines import dashed_pen
from gui.guards import painting
from gui.plot_items import shape_polygon
from gui.theme import Theme, branch_colour, class_colour, line_px

_SWATCH_PX: Final = (
    24.0  # of type in its ordinary size; it grows with the type, as lines and symbols in plots do
)
_GAP_PX: Final = 18.0
_CORNER_GAP_PX: Final = 6
_LEFT_OUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend.

    Attributes:
        look: "line", "dash", "branch 3" (the dashes of that branch), "box", "ring", a symbol of
            `gui.plot_items`, or "" for text alone.
        colour: the name of a field of `Theme`, or "class 3" or "branch 3" for the colour of that.
        text: what it is and its present value.
        brief: the same where there is little room; None for the text, "-" to leave it out there.
    """

    look: str
    colour: str
    text: str
    brief: str | None = None


class Legend(QWidget):
    """Entries side by side, in as many rows as the width needs."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.keys: tuple[Key, ...] = ()
        self._font = QFont()
        self._metrics = QFontMetricsF(self._font)
        self._n_rows = 1
        self._corner: tuple[QWidget, ...] = ()
        self._corner_px = QSize(0, 0)
        self._laid_out: list[tuple[Key, float, int]] = []
        self._is_brief = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.apply_theme(theme)

    def with_corner(self, *widgets: QWidget) -> QGridLayout:
        """Return a layout of the legend with widgets in its upper right corner; the first row ends before them."""
        self._corner = widgets
        row = QHBoxLayout()
        for widget in widgets:
            row.addWidget(widget)
            widget.installEventFilter(self)
        layout = QGridLayout()
        layout.addWidget(self, 0, 0)
        layout.addLayout(row, 0, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)
        return layout

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Break the rows anew when a widget in the corner comes, goes or changes its width."""
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.Resize):
            self._corner_px = self._measure_corner()
            self._fit(may_shrink=event.type() is not QEvent.Type.Show)
            self.updateGeometry()
            self.update()
        return False

    def set_keys(self, *keys: Key) -> None:
        """Show these entries."""
        if keys != self.keys:
            self.keys = keys
            self.setAccessibleName("; ".join(key.text for key in keys))
            self.setToolTip("\n".join(key.text for key in keys))
            self._fit(may_shrink=False)
            self.update()

    def set_brief(self, is_brief: bool) -> None:
        """Show what there is little room for; the tool tip and the accessible name still tell all."""
        if is_brief != self._is_brief:
            self._is_brief = is_brief
            self._fit(may_shrink=True)
            self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours and the type."""
        self.theme = theme
        self._font = tick_font()
        self._font.setBold(True)
        self._metrics = QFontMetricsF(self._font)
        self._fit(may_shrink=True)
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room that the rows need."""
        return QSize(120, round(self._row_top(self._n_rows) + 2))

    def minimumSizeHint(self) -> QSize:
        """Return the same: the rows are never cut."""
        return self.sizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the rows anew."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit(may_shrink=True)

    @painting
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw swatches and texts."""
        painter = QPainter(self)
        painter.setFont(self._font)
        for key, x, row in self._laid_out:
            top = self._row_top(row)
            middle = top + 0.5 * self._row_px
            self._swatch(painter, key, x, middle)
            painter.setPen(QColor(self.theme.text))
            box = QRectF(x + _room(key), top, self.width(), self._row_px)
            room = self._row_end(row) - box.left()
            text = self._metrics.elidedText(self._text(key), Qt.TextElideMode.ElideRight, room)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    @property
    def _row_px(self) -> float:
        return self._metrics.height() + 2.0

    def _row_top(self, row: int) -> float:
        """Return where a row begins: the second below what is in the corner."""
        return row * self._row_px + (max(0.0, self._corner_px.height() - self._row_px) if row else 0.0)

    def _row_end(self, row: int) -> float:
        """Return where a row must end: the first before what is in the corner."""
        return self.width() - (self._corner_px.width() if row == 0 else 0)

    def _measure_corner(self) -> QSize:
        shown = [widget for widget in self._corner if not widget.isHidden()]
        sizes = [widget.sizeHint().boundedTo(widget.maximumSize()) for widget in shown]
        width = sum(size.width() + _CORNER_GAP_PX for size in sizes)
        return QSize(width, max((size.height() for size in sizes), default=0))

    def _text(self, key: Key) -> str:
        return key.brief if self._is_brief and key.brief is not None else key.text

    def _places(self) -> list[tuple[Key, float, int]]:
        """Return each entry with its left edge and its row."""
        places: list[tuple[Key, float, int]] = []
        keys = self._fitting_first([key for key in self.keys if self._text(key) != _LEFT_OUT])
        fits = not keys or self._key_px(keys[0]) <= self._row_end(0) - 2.0
        x, row = 2.0, 0 if fits or self._corner_px.isEmpty() else 1
        for key in keys:
            width = self._key_px(key)
            if places and x + width > self._row_end(row):
                x, row = 2.0, row + 1
            places.append((key, x, row))
            x += width + _GAP_PX
        return places

    def _fitting_first(self, keys: list[Key]) -> list[Key]:
        """Return entries such that the first fits before what is in the corner, if any does."""
        room = self._row_end(0) - 2.0
        first = next((key for key in keys if self._key_px(key) <= room), None)
        return keys if first is None else [first, *(key for key in keys if key is not first)]

    def _key_px(self, key: Key) -> float:
        return _room(key) + self._metrics.horizontalAdvance(self._text(key))

    def _fit(self, may_shrink: bool) -> None:
        # A number that gains and loses a digit must not make the plot below jump to and fro.
        self._laid_out = self._places()
        needed = 1 + max((row for _, _, row in self._laid_out), default=0)
        if needed > self._n_rows or (may_shrink and needed != self._n_rows):
            self._n_rows = needed
            self.updateGeometry()

    def _swatch(self, painter: QPainter, key: Key, x: float, middle: float) -> None:
        painter.save()
        painter.translate(x, middle)
        painter.scale(_growth(), _growth())
        self._draw_swatch(painter, key, 0.0, 0.0)
        painter.restore()

    def _draw_swatch(self, painter: QPainter, key: Key, x: float, middle: float) -> None:
        """Draw what a key looks like, in pixels of type in its ordinary size."""
        colour = _colour(self.theme, key.colour)
        box = QRectF(x, middle - 1.5, _SWATCH_PX, 3.0)
        if key.look == "line":
            painter.fillRect(box, colour)
        elif key.look == "dash":
            painter.fillRect(QRectF(x, middle - 1.5, 10.0, 3.0), colour)
            painter.fillRect(QRectF(x + 14.0, middle - 1.5, 10.0, 3.0), colour)
        elif key.look.startswith("branch "):
            pen = dashed_pen(colour, int(key.look.removeprefix("branch ")))
            pen.setCosmetic(True)  # it has grown by itself
            painter.setPen(pen)
            painter.drawLine(QPointF(x, middle), QPointF(x + _SWATCH_PX, middle))
        elif key.look == "box":
            painter.fillRect(QRectF(x + 8.0, middle - 7.0, 14.0, 14.0), colour)
        elif key.look == "ring":
            painter.setPen(QPen(colour, 2.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x + 15.0, middle), 6.0, 6.0)
        elif key.look:
            painter.setPen(QPen(QColor(self.theme.panel), 1.0))
            painter.setBrush(colour)
            painter.drawPolygon(shape_polygon(key.look).translated(QPointF(x + 15.0, middle)))


def _room(key: Key) -> float:
    return _growth() * _SWATCH_PX + 6.0 if key.look else 0.0


def _growth() -> float:
    """Return how much larger than ordinary the type is."""
    return line_px() / 2.0


def _colour(theme: Theme, name: str) -> QColor:
    if name.startswith("class "):
        return QColor(class_colour(theme, int(name.removeprefix("class "))))
    if name.startswith("branch "):
        return QColor(branch_colour(theme, int(name.removeprefix("branch "))))
    return QColor(getattr(theme, name))
