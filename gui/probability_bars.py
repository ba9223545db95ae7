"""ProbabilityBars: what a network gives each class for one sample, before and after."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import numerals
from gui.axes import tick_font
from gui.guards import painting
from gui.theme import Theme

FloatArray = npt.NDArray[np.float64]

_MOST_ROWS: Final = 10
_MOST_ROW_PX: Final = 34.0
_LEAST_ROW_PX: Final = 16.0  # in lower rows nobody reads the numbers; the least probable classes are left out
_LEAST_ROWS: Final = 3
_SCALES: Final = (0.1, 0.25, 0.5)  # the longest bar stands for the first that is large enough, or for 1


class ProbabilityBars(QWidget):
    """Two bars a class, before above after, with their numbers; the sample's class is ticked.

    Attributes:
        before, after: (n_classes,) probabilities.
        label: the class of the sample.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.before: FloatArray = np.empty(0)
        self.after: FloatArray = np.empty(0)
        self.label = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(140, 60)

    def show_bars(self, before: FloatArray, after: FloatArray, label: int) -> None:
        """Show probabilities (n_classes,) each; see the attributes."""
        self.before, self.after, self.label = before, after, label
        self.setAccessibleName("Probabilities, before and after. " + "; ".join(self.texts()))
        self.setToolTip("\n".join(self.texts()))
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours."""
        self.theme = theme
        self.update()

    def rows(self, n_most: int = _MOST_ROWS) -> list[int]:
        """Return the classes that have bars: all, or of many those with the largest probabilities."""
        largest = np.maximum(self.before, self.after)
        if len(largest) > n_most:
            largest[self.label] = 2.0  # the sample's own class always is among them
        return sorted(np.argsort(-largest, kind="stable")[:n_most].tolist())

    def rows_in_sight(self) -> list[int]:
        """Return the classes for whose bars there is room."""
        n_room = int(self.height() / _LEAST_ROW_PX) - 1  # the scale has a row
        return self.rows(min(_MOST_ROWS, max(_LEAST_ROWS, n_room)))

    @property
    def scale(self) -> float:
        """The probability that the longest bar can have: 1, or less where no bar would be long."""
        largest = max(self.before.max(initial=0.0), self.after.max(initial=0.0))
        return next((scale for scale in _SCALES if largest <= scale), 1.0)

    def texts(self) -> list[str]:
        """Return each class with its two numbers, exactly."""
        pairs = [(k, *map(numerals.exact, (self.before[k], self.after[k]))) for k in self.rows()]
        return [f"class {k}: {before} to {after}" for k, before, after in pairs]

    def sizeHint(self) -> QSize:
        """Return a size at which ten classes can be read."""
        return QSize(230, 220)

    @painting
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars and their numbers."""
        rows = self.rows_in_sight()
        if not rows:
            return
        painter = QPainter(self)
        n_rows = len(rows) + 1  # the first one is the scale
        pitch = min(_MOST_ROW_PX, self.height() / n_rows)
        font = QFont(tick_font())
        font.setPixelSize(max(9, min(font.pixelSize(), int(pitch - 1.0))))
        painter.setFont(font)
        self._paint_scale(painter, QRectF(0.0, 0.0, self.width(), pitch), QFontMetricsF(font))
        for place, k in enumerate(rows, 1):
            self._paint_row(painter, QRectF(0.0, place * pitch, self.width(), pitch), k, QFontMetricsF(font))

    def _room(self, row: QRectF, metrics: QFontMetricsF) -> QRectF:
        """Return where the bars of a row are: between the class and its numbers."""
        left = metrics.horizontalAdvance(f"{len(self.after) - 1} ✓") + 6.0
        right = metrics.horizontalAdvance("0.0000 → 0.0000") + 6.0
        return QRectF(left, row.top() + 1.0, max(10.0, row.width() - left - right), row.height() - 2.0)

    def _paint_scale(self, painter: QPainter, row: QRectF, metrics: QFontMetricsF) -> None:
        """Write above the bars where they begin, and what the whole width stands for."""
        room = self._room(row, metrics)
        painter.setPen(QColor(self.theme.text))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "0")
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{self.scale:g}")

    def _paint_row(self, painter: QPainter, row: QRectF, k: int, metrics: QFontMetricsF) -> None:
        name = f"{k} ✓" if k == self.label else str(k)
        painter.setPen(QColor(self.theme.text))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(row, middle | Qt.AlignmentFlag.AlignLeft, name)
        text = f"{self.before[k]:.4f} → {self.after[k]:.4f}"
        painter.drawText(row, middle | Qt.AlignmentFlag.AlignRight, text)
        self._paint_bars(painter, self._room(row, metrics), k)

    def _paint_bars(self, painter: QPainter, room: QRectF, k: int) -> None:
        """Draw the bar before hollow, the bar after filled; a hair line where they begin."""
        colour = QColor(self.theme.gradient if k == self.label else self.theme.muted)
        half = 0.5 * room.height()
        long = room.width() / self.scale
        before = QRectF(room.left(), room.top(), long * float(self.before[k]), half - 1.0)
        after = QRectF(room.left(), room.top() + half, long * float(self.after[k]), half - 1.0)
        painter.setPen(QPen(colour, 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(before)
        painter.fillRect(after, colour)
        painter.setPen(QPen(QColor(self.theme.muted), 1.0))
        painter.drawLine(room.topLeft(), room.bottomLeft())
