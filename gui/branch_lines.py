"""Lines of branches over a plot: thin, each with dashes and a number of its own, drawn once and then only shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPaintEngine, QPainter, QPen, QTransform

from engine.branches import MOST, Branch
from gui.axes import tick_font
from gui.plot_items import Overlay, column_spans, pieces_within, strokes
from gui.theme import Theme, branch_colour, line_px

FloatArray = npt.NDArray[np.float64]

DASHES: Final = (
    (9, 4),
    (2, 4),
    (18, 5),
    (10, 4, 2, 4),
    (10, 3, 2, 3, 2, 3),
    (18, 4, 6, 4),
)
"""On, off, on, off ... in pixels, for the branches 1 to MOST."""
assert len(DASHES) == MOST
_THIN: Final = 0.7  # of the thickness of the run that goes on


@dataclass(frozen=True, slots=True, eq=False)
class BranchLine:
    """One branch: its number and its points (n,), x never falling, in the view's coordinates."""

    number: int
    x: FloatArray
    y: FloatArray


class BranchLines(Overlay):
    """The lines of all branches. On a screen they are one picture, made anew only when the view or they change.

    Attributes:
        lines: what is shown.
        n_drawn: how often the picture was made; for tests and measurements.
    """

    clips_itself = True

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[BranchLine, ...] = ()
        self.n_drawn = 0
        self._theme: Theme | None = None
        self._image = QImage()
        self._place: tuple[Any, ...] = ()
        self.setZValue(-10)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours, and the thickness by the size of type in use."""
        self._theme, self._place = theme, ()
        self.update()

    def set_lines(self, lines: tuple[BranchLine, ...]) -> None:
        """Show these lines."""
        self.lines, self._place = lines, ()
        self.setVisible(bool(lines))
        self.update()

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Show the picture, or draw true lines into a file of lines (SVG, PDF)."""
        if self._theme is None:
            return
        if painter.paintEngine().type() != QPaintEngine.Type.Raster:
            self._draw_lines(painter, transform, area)
            return
        ratio = painter.device().devicePixelRatioF()
        place = (transform.m11(), transform.m22(), transform.dx(), transform.dy(), area.getRect(), ratio)
        if place != self._place:
            self._place, self._image = place, self._draw_image(transform, area, ratio)
        painter.drawImage(QPointF(round(area.left()), round(area.top())), self._image)

    def _draw_image(self, transform: QTransform, area: QRectF, ratio: float) -> QImage:
        self.n_drawn += 1
        left, top = round(area.left()), round(area.top())
        pixels = np.zeros((round(area.height() * ratio), round(area.width() * ratio)), dtype=np.uint32)
        for line in self.lines:
            x, y = _in_pixels(line, transform)
            self._ink(pixels, line.number, (x - left) * ratio, (y - top) * ratio, ratio)
        n_rows, n_columns = pixels.shape
        form = QImage.Format.Format_ARGB32_Premultiplied
        image = QImage(pixels.data, n_columns, n_rows, 4 * n_columns, form).copy()
        image.setDevicePixelRatio(ratio)
        painter = QPainter(image)
        painter.translate(-left, -top)
        self._draw_numbers(painter, transform, area)
        painter.end()
        return image

    def _ink(
        self, pixels: npt.NDArray[np.uint32], number: int, x: FloatArray, y: FloatArray, ratio: float
    ) -> None:
        n_rows, n_columns = pixels.shape
        low, high = column_spans(x, y, n_columns)
        inked = strokes(low, high, n_rows, max(1.0, round(_THIN * line_px() * ratio)))
        on = dash_mask(number, max(n_rows, n_columns), ratio)
        steep = high - low > 8.0 * ratio
        inked &= on[:n_columns] | steep
        inked[:, steep] &= on[:n_rows, None]
        pixels[inked] = self._colour(number).rgba()

    def _colour(self, number: int) -> QColor:
        assert self._theme is not None
        return QColor(branch_colour(self._theme, number))

    def _draw_lines(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        painter.save()
        for line in self.lines:
            painter.setPen(dashed_pen(self._colour(line.number), line.number))
            for piece in pieces_within(*_in_pixels(line, transform), area):
                painter.drawPolyline([QPointF(a, b) for a, b in piece.tolist()])
        self._draw_numbers(painter, transform, area)
        painter.restore()

    def _draw_numbers(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Write at the end of each line, or where it leaves the view, which branch it is."""
        assert self._theme is not None
        font = QFont(tick_font())
        font.setBold(True)
        painter.setFont(font)
        metrics, taken = QFontMetricsF(font), list[QRectF]()
        for line in self.lines:
            box = _number_box(line, transform, area, metrics, taken)
            if box is not None:
                taken.append(box)
                painter.fillRect(box, QColor(self._theme.panel))
                painter.setPen(QPen(QColor(self._theme.text)))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(line.number))


def dash_mask(number: int, n_pixels: int, ratio: float) -> npt.NDArray[np.bool_]:
    """Return which of n_pixels along a line are inked by the dashes of a branch."""
    lengths = np.round(np.array(DASHES[number - 1]) * ratio).astype(np.int64)
    period = np.repeat(np.arange(len(lengths)) % 2 == 0, lengths)
    return np.resize(period, n_pixels)


def dashed_pen(colour: QColor, number: int) -> QPen:
    """Return a pen with the dashes of a branch."""
    width = max(1.0, _THIN * line_px())
    pen = QPen(colour, width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setDashPattern([length / width for length in DASHES[number - 1]])
    return pen


def branch_words(branches: Iterable[Branch], live: str, n_steps: int) -> str:
    """Return in a sentence which branches are drawn, with a space before it, or ""."""
    parts = [
        f"{branch.number}, {branch.name}, {branch.n_steps:,} steps, the same up to step "
        f"{min(branch.parted_at, n_steps):,}"
        for branch in sorted(branches, key=lambda branch: branch.number)
    ]
    return f" Branches beside {live or 'this run'}: {'; '.join(parts)}." if parts else ""


def _in_pixels(line: BranchLine, transform: QTransform) -> tuple[FloatArray, FloatArray]:
    return line.x * transform.m11() + transform.dx(), line.y * transform.m22() + transform.dy()


def _number_box(
    line: BranchLine, transform: QTransform, area: QRectF, metrics: QFontMetricsF, taken: list[QRectF]
) -> QRectF | None:
    """Return where the number of a line is written; None where the line is out of sight."""
    x, y = _in_pixels(line, transform)
    seen = np.flatnonzero((area.left() <= x) & (x <= area.right()) & (area.top() <= y) & (y <= area.bottom()))
    if not len(seen):
        return None
    width, height = metrics.horizontalAdvance("0") + 4.0, metrics.height() - 2.0
    # Above the line, where neither it nor a mark that stands at its end hides it.
    box = QRectF(x[seen[-1]] + 1.0, y[seen[-1]] - 1.4 * height, width, height)
    box.moveRight(min(box.right(), area.right()))
    box.moveTop(min(max(box.top(), area.top()), area.bottom() - height))
    while any(box.intersects(other) for other in taken):
        box.translate(-width - 1.0, 0.0)
    return box
