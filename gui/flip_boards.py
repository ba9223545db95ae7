"""FlipBoard: samples by moments of a run, right and wrong; one sample and one moment are chosen."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy

from engine.chronicle import Chronicle
from gui.axes import tick_font
from gui.focus_frames import FramedWidget
from gui.plot_items import shape_polygon
from gui.stretches import stretches
from gui.theme import Theme

Labels = npt.NDArray[np.int64]

_ERRORS_PX: Final = 34.0
_ROW_GAP_PX: Final = 2.0
_CROSS_PX: Final = 9.0  # a wrong cell as large as that has a cross in it


class FlipBoard(FramedWidget):
    """A row a sample, a column a moment: pale where the sample is right, dark where it is wrong.

    Above the rows stands how many of all samples are wrong at each moment, with a triangle where the errors
    rose since the moment before; below them the steps.

    Attributes:
        sample: the sample chosen.
        moment: the number of the moment chosen, the "after"; the one before it is the "before".
    """

    chosen_changed = Signal()
    """Another sample or moment was chosen by hand."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.sample = 0
        self.moment = 0
        self._chronicle: Chronicle | None = None
        self._order: Labels = np.empty(0, dtype=np.int64)
        self._y: Labels = np.empty(0, dtype=np.int64)
        self._rose: npt.NDArray[np.bool_] = np.empty(0, dtype=np.bool_)
        self._n_errors: Labels = np.empty(0, dtype=np.int64)
        self._first = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 120)

    def show_chronicle(
        self, chronicle: Chronicle, order: Labels, y: Labels, rose: npt.NDArray[np.bool_]
    ) -> None:
        """Show a chronicle.

        Args:
            chronicle: who was right when.
            order: (n_samples,) the samples from the top down.
            y: (n_samples,) their classes.
            rose: (n_moments,) whether the errors rose as the loss fell on a step since the moment before.
        """
        self._chronicle, self._order, self._y, self._rose = chronicle, order, y, rose
        self._n_errors = chronicle.n_errors
        self.moment = min(self.moment, len(chronicle.moments) - 1)
        self._bring_into_sight()
        self.update()

    def choose(self, sample: int, moment: int) -> None:
        """Choose a sample and a moment by number."""
        self.sample, self.moment = sample, moment
        self._bring_into_sight()
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._chronicle, self._first = None, 0
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size at which steps and samples can be read."""
        return QSize(420, 300)

    def visible_samples(self) -> list[int]:
        """Return the samples whose rows are in sight, from the top down."""
        return [int(number) for number in self._order[self._first : self._first + self._n_rows()]]

    def cell_at(self, at: QPointF) -> tuple[int, int] | None:
        """Return (sample, moment) under a point, or None."""
        board, samples = self._board_rect(), self.visible_samples()
        if self._chronicle is None or not board.contains(at):
            return None
        row = int((at.y() - board.top()) / self._row_px())
        column = int((at.x() - board.left()) * len(self._chronicle.moments) / board.width())
        return (samples[row], column) if row < len(samples) else None

    # Keys, mouse

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the choice: arrows, with Shift to the next flip; pages, first and last moment."""
        if self._chronicle is None or not self._move(Qt.Key(event.key()), event.modifiers()):
            event.ignore()

    def _move(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        assert self._chronicle is not None
        row, last = self._row_of_sample(), len(self._chronicle.moments) - 1
        page, sample, moment = self._n_rows() - 1, self.sample, self.moment
        down = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page}
        to_flip = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        if to_flip and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            sample = self._next_flipper(down[key])
        elif key in down:
            sample = int(self._order[min(max(row + down[key], 0), len(self._order) - 1)])
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            way = 1 if key == Qt.Key.Key_Right else -1
            moment = self._next_flip(way) if to_flip else min(max(moment + way, 0), last)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            moment = 0 if key == Qt.Key.Key_Home else last
        else:
            return False
        self._choose_by_hand(sample, moment)
        return True

    def _next_flip(self, way: int) -> int:
        """Return the next moment, that way, at which the sample has changed; the present one if there is none."""
        assert self._chronicle is not None
        found = self._chronicle.flip_moments(self.sample)
        beyond = found[found > self.moment] if way > 0 else found[found < self.moment][::-1]
        return int(beyond[0]) if len(beyond) else self.moment

    def _next_flipper(self, way: int) -> int:
        """Return the next sample, that way, that changed within the frame; the present one if there is none."""
        assert self._chronicle is not None
        two = self._chronicle.right[max(0, self.moment - 1) : self.moment + 1]
        rows, row = np.flatnonzero((two[0] != two[-1])[self._order]), self._row_of_sample()
        beyond = rows[rows > row] if way > 0 else rows[rows < row][::-1]
        return int(self._order[beyond[0]]) if len(beyond) else self.sample

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the cell under the pointer."""
        cell = self.cell_at(event.position())
        if cell is not None:
            self._choose_by_hand(*cell)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the rows."""
        notches = event.angleDelta().y() / 120.0
        self._first = self._clipped(self._first - round(3.0 * notches))
        self.update()
        event.accept()

    def _choose_by_hand(self, sample: int, moment: int) -> None:
        if (sample, moment) != (self.sample, self.moment):
            self.choose(sample, moment)
            self.chosen_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the chosen sample in sight."""
        super().resizeEvent(event)
        self._bring_into_sight()

    # Places

    def _row_px(self) -> float:
        return QFontMetricsF(tick_font()).height() + _ROW_GAP_PX

    def _names_px(self) -> float:
        widest = f"{max(len(self._order) - 1, 0):,} ({int(self._y.max()) if len(self._y) else 0})"
        metrics = QFontMetricsF(tick_font())
        return max(metrics.horizontalAdvance(widest), metrics.horizontalAdvance("sample")) + 14.0

    def _board_rect(self) -> QRectF:
        top, left = _ERRORS_PX + 4.0, self._names_px()
        bottom = self.height() - 2.0 * self._row_px()
        return QRectF(left, top, max(20.0, self.width() - left - 6.0), max(self._row_px(), bottom - top))

    def _n_rows(self) -> int:
        return max(1, int(self._board_rect().height() / self._row_px()))

    def _row_of_sample(self) -> int:
        found = np.flatnonzero(self._order == self.sample)
        return int(found[0]) if len(found) else 0

    def _clipped(self, first: int) -> int:
        return min(max(first, 0), max(0, len(self._order) - self._n_rows()))

    def _bring_into_sight(self) -> None:
        row, n_rows = self._row_of_sample(), self._n_rows()
        self._first = self._clipped(min(max(self._first, row - n_rows + 1), row))

    # Painting

    def paint_inside(self, painter: QPainter) -> None:
        """Draw errors, rows, steps, and the choice."""
        if self._chronicle is None:
            return
        painter.setFont(tick_font())
        board, samples = self._board_rect(), self.visible_samples()
        board.setHeight(len(samples) * self._row_px())
        self._paint_errors(painter, self._chronicle, board)
        self._paint_cells(painter, self._chronicle, board, samples)
        self._paint_names(painter, board, samples)
        self._paint_choice(painter, self._chronicle, board, samples)
        self._paint_steps(painter, self._chronicle, board)

    def _paint_errors(self, painter: QPainter, chronicle: Chronicle, board: QRectF) -> None:
        """Draw a bar a moment: all errors, on a scale from 0 to the most of them; a triangle for a rise."""
        counts, width = self._n_errors, board.width() / len(chronicle.moments)
        most, room = max(1, int(counts.max())), _ERRORS_PX - 14.0
        colour = QColor(self.theme.errors)
        for k, count in enumerate(counts.tolist()):
            height = room * count / most
            left = board.left() + k * width
            painter.fillRect(
                QRectF(left, board.top() - 4.0 - height, width - (1.0 if width > 6.0 else 0.0), height),
                colour,
            )
            if self._rose[k]:
                painter.setPen(QPen(QColor(self.theme.panel), 1.0))
                painter.setBrush(QColor(self.theme.mark))
                mark = shape_polygon("triangle", 0.8)
                painter.drawPolygon(mark.translated(left + 0.5 * width, 7.0))
        painter.setPen(QColor(self.theme.text))
        box = QRectF(4.0, board.top() - 6.0 - room, board.left() - 8.0, room + 2.0)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "errors")

    def _paint_cells(
        self, painter: QPainter, chronicle: Chronicle, board: QRectF, samples: list[int]
    ) -> None:
        right = chronicle.right[:, samples].T
        n_columns = right.shape[1]
        width, height = board.width() / n_columns, self._row_px()
        painter.fillRect(board, QColor(self.theme.grid))
        colour = QColor(self.theme.errors)
        for row, cells in enumerate(right):
            y = board.top() + row * height
            for first, stop in stretches(~cells):
                left = board.left() + first * width
                painter.fillRect(QRectF(left, y, (stop - first) * width, height), colour)
        painter.setPen(QPen(QColor(self.theme.panel), 1.0))
        for row in range(len(right) + 1):
            y = board.top() + row * height
            painter.drawLine(QPointF(board.left(), y), QPointF(board.right(), y))
        if board.width() / n_columns >= _CROSS_PX:
            self._paint_crosses(painter, board, right)

    def _paint_crosses(self, painter: QPainter, board: QRectF, right: npt.NDArray[np.bool_]) -> None:
        width, height = board.width() / right.shape[1], self._row_px()
        painter.setPen(QPen(QColor(self.theme.panel), 1.5))
        half = 0.25 * min(width, height)
        for row, column in np.argwhere(~right).tolist():
            at = QPointF(board.left() + (column + 0.5) * width, board.top() + (row + 0.5) * height)
            painter.drawLine(at + QPointF(-half, -half), at + QPointF(half, half))
            painter.drawLine(at + QPointF(-half, half), at + QPointF(half, -half))

    def _paint_names(self, painter: QPainter, board: QRectF, samples: list[int]) -> None:
        for row, sample in enumerate(samples):
            box = QRectF(0.0, board.top() + row * self._row_px(), board.left() - 6.0, self._row_px())
            text = f"{sample:,} ({int(self._y[sample])})"
            if sample == self.sample:
                painter.fillRect(box, QColor(self.theme.accent))
            painter.setPen(QColor(self.theme.on_accent if sample == self.sample else self.theme.text))
            painter.drawText(
                box.adjusted(0, 0, -4, 0), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text
            )

    def _paint_choice(
        self, painter: QPainter, chronicle: Chronicle, board: QRectF, samples: list[int]
    ) -> None:
        """Frame the two cells that are compared, and lead a line from each of the two moments to its step."""
        width = board.width() / len(chronicle.moments)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        first = max(0, self.moment - 1)
        left, right = board.left() + first * width, board.left() + (self.moment + 1) * width
        if self.sample in samples:
            top = board.top() + samples.index(self.sample) * self._row_px()
            frame = QRectF(left, top, right - left, self._row_px())
            for colour, thickness in ((self.theme.panel, 5.0), (self.theme.text, 2.5)):
                painter.setPen(QPen(QColor(colour), thickness))
                painter.drawRect(frame)
        painter.setPen(QPen(QColor(self.theme.text), 1.0, Qt.PenStyle.DotLine))
        for x in (left, right):
            painter.drawLine(QPointF(x, board.top()), QPointF(x, board.bottom()))

    def _paint_steps(self, painter: QPainter, chronicle: Chronicle, board: QRectF) -> None:
        """Write the steps of the first, the last and the two chosen moments, without touching one another."""
        metrics = QFontMetricsF(tick_font())
        width, n = board.width() / len(chronicle.moments), len(chronicle.moments)
        first = max(0, self.moment - 1)
        middle = board.left() + 0.5 * (first + self.moment + 1) * width
        steps = [chronicle.moments[k].step for k in (first, self.moment)]
        chosen = f"{steps[0]:,} → {steps[1]:,}" if first != self.moment else f"{steps[0]:,}"
        half = 0.5 * metrics.horizontalAdvance(chosen) + 4.0
        middle = min(max(middle, board.left() + half), board.right() - half)
        places = [(middle - half, chosen)]
        for k, is_last in ((0, False), (n - 1, True)):
            text = f"{chronicle.moments[k].step:,}"
            room = metrics.horizontalAdvance(text)
            x = board.right() - room if is_last else board.left()
            if x + room < middle - half or x > middle + half:
                places.append((x - 4.0, text))
        painter.setPen(QColor(self.theme.text))
        line, y = metrics.height(), board.bottom() + 2.0
        for x, text in places:
            painter.drawText(QRectF(x + 4.0, y, self.width(), line), Qt.AlignmentFlag.AlignLeft, text)
        box = QRectF(board.left(), y + line, board.width(), line)
        long = "steps (each column a checkpoint)"
        fits = metrics.horizontalAdvance(long) <= board.width()
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, long if fits else "steps")
        name = QRectF(0.0, y, board.left() - 10.0, line)
        painter.drawText(name, Qt.AlignmentFlag.AlignRight, "sample")
