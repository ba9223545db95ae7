"""Colour maps as tables, and the bar beside a picture that says what its colours mean."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.axes import tick_font
from gui.guards import painting
from gui.theme import Theme

_BAR_PX: Final = 16
_WORD_GAP_PX: Final = 6.0


@cache
def colour_table(name: str, n_colours: int) -> npt.NDArray[np.uint32]:
    """Return a colour map of pyqtgraph as (n_colours,) numbers 0xffRRGGBB, as QImage's RGB32 has them."""
    table = pg.colormap.get(name).getLookupTable(0.0, 1.0, n_colours, alpha=False).astype(np.uint32)
    red, green, blue = table.T
    packed: npt.NDArray[np.uint32] = np.uint32(0xFF000000) | red << 16 | green << 8 | blue
    packed.flags.writeable = False
    return packed


def packed_colour(colour: str) -> np.uint32:
    """Return #rrggbb as a number 0xffRRGGBB."""
    return np.uint32(QColor(colour).rgba())


class ColourBar(QWidget):
    """An upright bar of a colour map with texts beside it, and below it a box for a colour of its own.

    Attributes:
        texts: (place from 0 at the bottom to 1 at the top, text) of each tick.
        extra: (a field of `Theme`, text) of the box, or None.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.map_name = theme.magnitude_map
        self.texts: tuple[tuple[float, str], ...] = ()
        self.extra: tuple[str, str] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def show_texts(self, texts: tuple[tuple[float, str], ...], extra: tuple[str, str] | None = None) -> None:
        """Set what stands beside the bar."""
        if (texts, extra) != (self.texts, self.extra):
            self.texts, self.extra = texts, extra
            words = [text for _, text in texts] + ([extra[1]] if extra else [])
            self.setAccessibleName(f"Colours, from the bottom: {', '.join(words)}.")
            self.updateGeometry()
            self.update()

    def apply_theme(self, theme: Theme, map_name: str) -> None:
        """Set the colours."""
        self.theme, self.map_name = theme, map_name
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room that the texts need."""
        metrics = QFontMetricsF(tick_font())
        words = [text for _, text in self.texts] + ([self.extra[1]] if self.extra else [])
        widest = max((metrics.horizontalAdvance(word) for word in words), default=0.0)
        return QSize(round(_BAR_PX + _WORD_GAP_PX + widest + 4), 100)

    def minimumSizeHint(self) -> QSize:
        """Return the width that is needed; the height may shrink."""
        return QSize(self.sizeHint().width(), 60)

    @painting
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bar, its texts and the box."""
        painter = QPainter(self)
        painter.setFont(tick_font())
        line = QFontMetricsF(tick_font()).height()
        bottom = self.height() - 0.5 * line
        if self.extra is not None:
            box = QRectF(1.0, self.height() - line + 1.0, _BAR_PX, line - 3.0)
            self._box(painter, box, QColor(getattr(self.theme, self.extra[0])))
            self._word(painter, self.extra[1], box.center().y(), line)
            bottom -= line + 4.0
        bar = QRectF(1.0, 0.5 * line, _BAR_PX, max(8.0, bottom - 0.5 * line))
        self._bar(painter, bar)
        for place, text in self._uncrowded(bar.height() / line):
            self._word(painter, text, bar.bottom() - place * bar.height(), line)

    def _uncrowded(self, n_lines: float) -> tuple[tuple[float, str], ...]:
        """Return every k-th text, with the least k at which they do not touch."""
        k = max(1, int(np.ceil(len(self.texts) / max(1.0, n_lines))))
        return self.texts[::k]

    def _bar(self, painter: QPainter, bar: QRectF) -> None:
        column = np.ascontiguousarray(colour_table(self.map_name, 255)[::-1, None])
        painter.drawImage(bar, QImage(column.data, 1, 255, 4, QImage.Format.Format_RGB32))
        painter.setPen(QPen(QColor(self.theme.muted)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(bar)

    def _box(self, painter: QPainter, box: QRectF, colour: QColor) -> None:
        painter.setPen(QPen(QColor(self.theme.muted)))
        painter.setBrush(colour)
        painter.drawRect(box)

    def _word(self, painter: QPainter, text: str, y: float, line: float) -> None:
        painter.setPen(QColor(self.theme.text))
        left = _BAR_PX + _WORD_GAP_PX
        box = QRectF(left, y - 0.5 * line, self.width() - left, line)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
