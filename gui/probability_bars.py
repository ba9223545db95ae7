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
_LEAST_ROW_PX: Final = 11.0


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

    def rows(self) -> list[int]:
        """Return the classes that have bars: all, or of many those with the largest probabilities."""
        largest = np.maximum(self.before, self.after)
        if len(largest) > _MOST_ROWS:
            largest[self.label] = 2.0  # the sample's own class always is among them
        return sorted(np.argsort(-largest, kind="stable")[:_MOST_ROWS].tolist())

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
        rows = self.rows()
        if not rows:
            return
        painter = QPainter(self)
        pitch = min(_MOST_ROW_PX, self.height() / len(rows))
        font = QFont(tick_font())
        font.setPixelSize(max(9, min(font.pixelSize(), int(pitch - 1.0))))
        painter.setFont(font)
        for place, k in enumerate(rows):
            self._paint_row(painter, QRectF(0.0, place * pitch, self.width(), pitch), k, QFontMetricsF(font))

    def _paint_row(self, painter: QPainter, row: QRectF, k: int, metrics: QFontMetricsF) -> None:
        name = f"{k} ✓" if k == self.label else str(k)
        left = metrics.horizontalAdvance(f"{len(self.after) - 1} ✓") + 6.0
        right = metrics.horizontalAdvance("0.0000 → 0.0000") + 6.0
        painter.setPen(QColor(self.theme.text))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(row, middle | Qt.AlignmentFlag.AlignLeft, name)
        text = f"{self.before[k]:.4f} → {self.after[k]:.4f}"
        painter.drawText(row, middle | Qt.AlignmentFlag.AlignRight, text)
        room = QRectF(left, row.top() + 1.0, max(10.0, row.width() - left - right), row.height() - 2.0)
        self._paint_bars(painter, room, k)

    def _paint_bars(self, painter: QPainter, room: QRectF, k: int) -> None:
        """Draw the bar before hollow, the bar after filled; a hair line where they begin."""
        colour = QColor(self.theme.gradient if k == self.label else self.theme.muted)
        half = 0.5 * room.height()
        before = QRectF(room.left(), room.top(), room.width() * float(self.before[k]), half - 1.0)
        after = QRectF(room.left(), room.top() + half, room.width() * float(self.after[k]), half - 1.0)
        painter.setPen(QPen(colour, 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(before)
        painter.fillRect(after, colour)
        painter.setPen(QPen(QColor(self.theme.muted), 1.0))
        painter.drawLine(room.topLeft(), room.bottomLeft())
