"""BoxAxes: the back of a box with a grid, and numbers along three of its edges, whichever way it is turned."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from gui import numerals
from gui.axes import linear_ticks, tick_font
from gui.cameras import HALF_HEIGHT, Camera
from gui.colour_scales import ColourScale
from gui.theme import Theme

FloatArray = npt.NDArray[np.float64]
Range = tuple[float, float]
Placed = Callable[[FloatArray], FloatArray]

_TICK_PX: Final = 5.0
_GAP_PX: Final = 4.0
_N_TICKS: Final = 5
_FEWEST_HEIGHTS, _MOST_HEIGHTS = 3, 7
_HIGH: Final = 75.0  # degrees: from so far above there is no room for numbers on the upright edge


class BoxAxes:
    """What stands behind and around a surface in a box; fed once for each surface."""

    def __init__(self) -> None:
        self._ticks: tuple[list[tuple[float, str]], ...] = ([], [], [])
        self._labels = ("", "", "")

    def set_ranges(self, x: Range, y: Range, scale: ColourScale, labels: tuple[str, str, str]) -> None:
        """Set what the three axes count, and what they are called."""
        values = scale.ticks(_MOST_HEIGHTS)
        if len(values) < _FEWEST_HEIGHTS:
            values = scale.contours()
        shares = scale.share(np.array(values)) if values else np.empty(0)
        heights = [(HALF_HEIGHT * (2.0 * share - 1.0)) for share in shares.tolist()]
        self._ticks = (_linear(x), _linear(y), list(zip(heights, numerals.ticks(values), strict=True)))
        self._labels = (numerals.signed(labels[0]), numerals.signed(labels[1]), labels[2])

    def margins(self) -> tuple[float, float, float, float]:
        """Return the room in pixels that numbers and names need on the left, top, right and bottom."""
        line = QFontMetricsF(tick_font()).height()
        return 2.4 * line, 1.4 * line, 1.4 * line, 2.8 * line

    def draw_walls(self, painter: QPainter, theme: Theme, camera: Camera, placed: Placed) -> None:
        """Draw what is behind everything in the box; placed leads from the box to pixels."""
        self._draw_walls(painter, theme, camera.front, placed)

    def draw_numbers(self, painter: QPainter, theme: Theme, camera: Camera, placed: Placed) -> None:
        """Draw ticks, numbers and names, which nothing in the box may hide."""
        front_x, front_y = camera.front
        painter.setFont(tick_font())
        taken: list[QRectF] = []
        edges = (
            _Edge(0, np.array([0.0, front_y, -HALF_HEIGHT])),
            _Edge(1, np.array([front_x, 0.0, -HALF_HEIGHT])),
        )
        if camera.elevation < _HIGH:
            self._draw_edge(painter, theme, _Edge(2, _leftmost(placed)), placed, taken)
        for edge in edges:
            self._draw_edge(painter, theme, edge, placed, taken)

    def _draw_walls(
        self, painter: QPainter, theme: Theme, front: tuple[float, float], placed: Placed
    ) -> None:
        """Draw the floor and the two walls behind, with lines at the ticks."""
        back_x, back_y, floor = -front[0], -front[1], -HALF_HEIGHT
        ends = []
        for x, _ in self._ticks[0]:
            ends += [(x, -1.0, floor), (x, 1.0, floor), (x, back_y, floor), (x, back_y, HALF_HEIGHT)]
        for y, _ in self._ticks[1]:
            ends += [(-1.0, y, floor), (1.0, y, floor), (back_x, y, floor), (back_x, y, HALF_HEIGHT)]
        for z, _ in self._ticks[2]:
            ends += [(-1.0, back_y, z), (1.0, back_y, z), (back_x, -1.0, z), (back_x, 1.0, z)]
        painter.setPen(QPen(QColor(theme.grid), 1.0))
        _draw_lines(painter, placed(np.array(ends).reshape(-1, 3)))
        painter.setPen(QPen(QColor(theme.muted), 1.0))
        _draw_lines(painter, placed(_outline(front)))

    def _draw_edge(
        self, painter: QPainter, theme: Theme, edge: _Edge, placed: Placed, taken: list[QRectF]
    ) -> None:
        """Draw ticks, numbers and the name of one edge, outside of the box; texts that would touch are left out."""
        outward = edge.outward(placed)
        metrics = QFontMetricsF(painter.font())
        painter.setPen(QColor(theme.text))
        widest = 0.0
        for at, text in self._ticks[edge.axis]:
            x, y, _ = placed(edge.at(at)).tolist()
            painter.drawLine(QLineF(x, y, x + _TICK_PX * outward[0], y + _TICK_PX * outward[1]))
            width = metrics.horizontalAdvance(text)
            box = _text_box(QPointF(x, y), outward, width, metrics.height())
            if not any(box.adjusted(-3, 0, 3, 0).intersects(other) for other in taken):
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
                taken.append(box)
                widest = max(widest, abs(outward[0]) * width + abs(outward[1]) * metrics.height())
        if edge.axis == 2:
            self._draw_top_name(painter, placed(edge.at(HALF_HEIGHT)).tolist(), metrics)
        else:
            self._draw_name(painter, edge, placed, outward, widest)

    def _draw_top_name(self, painter: QPainter, top: list[float], metrics: QFontMetricsF) -> None:
        """Write the name of the upright axis above its end."""
        text = self._labels[2]
        width = metrics.horizontalAdvance(text)
        left = max(2.0, top[0] - 0.5 * width)
        box = QRectF(left, max(0.0, top[1] - 1.5 * metrics.height()), width + 2.0, metrics.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _draw_name(
        self, painter: QPainter, edge: _Edge, placed: Placed, outward: tuple[float, float], widest: float
    ) -> None:
        """Write a name along its edge, beyond the numbers."""
        (x1, y1, _), (x2, y2, _) = placed(np.stack((edge.at(-1.0), edge.at(1.0)))).tolist()
        angle = math.degrees(math.atan2(y2 - y1, x2 - x1))
        angle = angle - 180.0 if angle > 90.0 else angle + 180.0 if angle <= -90.0 else angle
        metrics = QFontMetricsF(painter.font())
        beyond = _TICK_PX + 2.0 * _GAP_PX + widest + 0.5 * metrics.height()
        room = max(math.hypot(x2 - x1, y2 - y1), 40.0)
        text = metrics.elidedText(self._labels[edge.axis], Qt.TextElideMode.ElideRight, 1.1 * room)
        painter.save()
        painter.translate(0.5 * (x1 + x2) + beyond * outward[0], 0.5 * (y1 + y2) + beyond * outward[1])
        painter.rotate(angle)
        width = metrics.horizontalAdvance(text)
        box = QRectF(-0.5 * width - 2.0, -0.5 * metrics.height(), width + 4.0, metrics.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()


class _Edge:
    """An edge of the box along an axis (0, 1 or 2), through a point (3,) of it."""

    def __init__(self, axis: int, point: FloatArray) -> None:
        self.axis = axis
        self._point = point

    def at(self, value: float) -> FloatArray:
        """Return the point (3,) of the edge with this coordinate along its axis."""
        point = self._point.copy()
        point[self.axis] = value
        return point

    def outward(self, placed: Placed) -> tuple[float, float]:
        """Return the direction on the screen, of length 1, across the edge and away from the box."""
        if self.axis == 2:
            return -1.0, 0.0
        ends = placed(np.stack((self.at(-1.0), self.at(1.0), np.zeros(3))))[:, :2]
        along = ends[1] - ends[0]
        across = np.array([-along[1], along[0]])
        across *= np.sign(across @ (0.5 * (ends[0] + ends[1]) - ends[2])) or 1.0
        size = float(np.hypot(*across)) or 1.0
        return float(across[0] / size), float(across[1] / size)


def _leftmost(placed: Placed) -> FloatArray:
    """Return a point of the upright edge that is farthest to the left on the screen."""
    corners = np.array([(x, y, 0.0) for x in (-1.0, 1.0) for y in (-1.0, 1.0)])
    found: FloatArray = corners[int(placed(corners)[:, 0].argmin())]
    return found


def _linear(span: Range) -> list[tuple[float, str]]:
    """Return round values of a range by their place from -1 to 1, as texts."""
    [(_, values), *_] = linear_ticks(*span, _N_TICKS, is_whole=False)
    middle, half = 0.5 * (span[0] + span[1]), 0.5 * (span[1] - span[0])
    places = [(value - middle) / half for value in values]
    return list(zip(places, numerals.ticks(values), strict=True))


def _outline(front: tuple[float, float]) -> FloatArray:
    """Return the ends (n, 3) of the box's edges that are behind or below everything in it."""
    back_x, back_y, floor = -front[0], -front[1], -HALF_HEIGHT
    ground = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
    ends: list[tuple[float, float, float]] = []
    for (x1, y1), (x2, y2) in zip(ground, ground[1:] + ground[:1], strict=True):
        ends += [(x1, y1, floor), (x2, y2, floor)]
    for x, y in ground:
        if (x, y) != front:
            ends += [(x, y, floor), (x, y, HALF_HEIGHT)]
    ends += [(-1.0, back_y, HALF_HEIGHT), (1.0, back_y, HALF_HEIGHT)]
    ends += [(back_x, -1.0, HALF_HEIGHT), (back_x, 1.0, HALF_HEIGHT)]
    return np.array(ends)


def _text_box(at: QPointF, outward: tuple[float, float], width: float, height: float) -> QRectF:
    """Return the room of a text whose nearest side is a gap away from a tick."""
    away = _TICK_PX + _GAP_PX + 0.5 * (abs(outward[0]) * width + abs(outward[1]) * height)
    x, y = at.x() + away * outward[0], at.y() + away * outward[1]
    return QRectF(x - 0.5 * width - 1.0, y - 0.5 * height, width + 2.0, height)


def _draw_lines(painter: QPainter, ends: FloatArray) -> None:
    painter.drawLines([QLineF(a[0], a[1], b[0], b[1]) for a, b in ends.reshape(-1, 2, 3).tolist()])
