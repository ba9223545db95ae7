"""SurfaceView: numbers on a grid as a surface in a box with axes, turned by mouse and keyboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPaintEngine,
    QPainter,
    QPen,
    QPixmap,
    QPolygonF,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.box_axes import BoxAxes
from gui.cameras import HALF_HEIGHT, Camera, lit
from gui.colour_bars import colour_table
from gui.colour_scales import N_COLOURS, ColourScale
from gui.contours import contour_segments
from gui.focus_frames import FramedWidget
from gui.keys import ARROWS
from gui.plot_items import shape_polygon
from gui.stretches import stretches
from gui.theme import Theme, line_px

FloatArray = npt.NDArray[np.float64]
Range = tuple[float, float]

_FINE: Final = 2.0  # pixels of the picture a pixel of the screen, so that edges are smooth
_TURN: Final = 5.0  # degrees a key
_DEGREES_A_PIXEL: Final = 0.4
_ZOOM: Final = 1.15
_BIAS: Final = 0.02  # in box lengths: a line on the surface is not hidden by the cell that it lies on
_SHADE: Final = 0.35  # the light on undersides
_LIFT: Final = 0.004
_NEAR_PX: Final = 30.0
_PATH_PIECES: Final = 250
_DARK_UP_TO: Final = 0.62  # share of the colour map on which white lines are seen, and black ones above


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """A surface: where it lies, its values (n_x, n_y), and the scale that gives heights and colours."""

    x: Range
    y: Range
    values: FloatArray
    scale: ColourScale

    @property
    def heights(self) -> FloatArray:
        """Heights (n_x, n_y) in the box; NaN for what is not finite."""
        return HALF_HEIGHT * (2.0 * self.scale.share(self.values) - 1.0)


class SurfaceView(FramedWidget):
    """Draws a Relief by a depth buffer, with contour lines, the path walked, and a box of axes with numbers.

    Drag or arrow keys turn it, wheel or + and - zoom, a double click or Home bring the first view back. Shift and
    an arrow key move a reading point from grid point to grid point, as does the mouse without a button.
    """

    pointed = Signal(object)
    """(row, column) of the grid point under the mouse or the reading point, or None."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.camera = Camera()
        self.relief: Relief | None = None
        self.axes = BoxAxes()
        self.path: FloatArray = np.empty((0, 2))
        self.is_dashed = False
        self._heights: FloatArray = np.empty((0, 0))
        self._contours: tuple[FloatArray, FloatArray] = (np.empty((0, 2, 3)),) * 2
        self._reading: tuple[int, int] | None = None
        self._shown_reading: tuple[int, int] | None = None
        self._drag: QPointF | None = None
        self._drawn: tuple[object, ...] = ()
        self._image, self._still = QImage(), QPixmap()
        self._buffer: FloatArray = np.empty((0, 0))
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)

    # What is shown

    def show_relief(self, relief: Relief, labels: tuple[str, str, str]) -> None:
        """Show a surface, with what its three axes are called."""
        self.relief = relief
        self._heights = relief.heights
        self._contours = _contours(relief)
        self.axes.set_ranges(relief.x, relief.y, relief.scale, labels)
        self._drawn = ()
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self.relief, self.path = None, np.empty((0, 2))
        self._image, self._drawn = QImage(), ()
        self.update()

    def show_path(self, x: FloatArray, y: FloatArray, is_dashed: bool) -> None:
        """Lay the path through (x, y), each (n,), on the surface; dashed where its losses are others."""
        self.path, self.is_dashed = np.stack((x, y), axis=1), is_dashed
        self.update()

    def set_camera(self, camera: Camera) -> None:
        """See the surface from elsewhere."""
        if camera != self.camera:
            self.camera = camera
            self._write_name()
            self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours."""
        self._drawn = ()
        super().apply_theme(theme)
        self._write_name()

    def sizeHint(self) -> QSize:
        """Return a size at which the axes can be read."""
        return QSize(480, 340)

    # How it is turned and read

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to turn."""
        self._drag = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn while a button is held, else tell what is under the pointer."""
        if self._drag is None or not event.buttons():
            self._tell(self._nearest(event.position()))
            return
        moved = event.position() - self._drag
        self._drag = event.position()
        self.set_camera(self.camera.turned(-_DEGREES_A_PIXEL * moved.x(), _DEGREES_A_PIXEL * moved.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End turning, and draw it finely."""
        self._drag = None
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Bring the first view back."""
        self.set_camera(Camera())

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that nothing is under the pointer."""
        super().leaveEvent(event)
        self._tell(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        self.set_camera(self.camera.turned(zoom=_ZOOM ** (event.angleDelta().y() / 120.0)))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Turn, zoom, or with Shift move the reading point; other keys are the window's."""
        key = Qt.Key(event.key())
        if key in ARROWS and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._move_reading(*ARROWS[key])
        elif key in ARROWS:
            across, up = ARROWS[key]
            self.set_camera(self.camera.turned(-_TURN * across, _TURN * up))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.set_camera(self.camera.turned(zoom=_ZOOM))
        elif key == Qt.Key.Key_Minus:
            self.set_camera(self.camera.turned(zoom=1.0 / _ZOOM))
        elif key == Qt.Key.Key_Home:
            self.set_camera(Camera())
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the reading point away."""
        super().focusOutEvent(event)
        self._tell(None)

    def _move_reading(self, across: int, up: int) -> None:
        if self.relief is None:
            return
        n, m = self.relief.values.shape
        row, column = self._reading or ((n - 1) // 2 - across, (m - 1) // 2 - up)
        self._reading = (min(max(row + across, 0), n - 1), min(max(column + up, 0), m - 1))
        self._tell(self._reading)

    def _tell(self, reading: tuple[int, int] | None) -> None:
        if reading != self._shown_reading:
            self._shown_reading = reading
            self._reading = reading or self._reading
            self.pointed.emit(reading)
            self.update()

    def _nearest(self, at: QPointF) -> tuple[int, int] | None:
        """Return the grid point nearest to a place on the screen, of those that are not hidden."""
        if self.relief is None or self._image.isNull():
            return None
        placed = self._placed(self._grid())
        distance = np.hypot(placed[..., 0] - at.x(), placed[..., 1] - at.y())
        distance = np.where(self._is_seen(placed), distance, np.inf)
        row, column = np.unravel_index(int(np.nanargmin(distance)), distance.shape)
        return (int(row), int(column)) if distance[row, column] <= _NEAR_PX else None

    # How it is drawn

    def paint_inside(self, painter: QPainter) -> None:
        """Draw the box's back, the surface, the lines on it, and the numbers."""
        if self.relief is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._render()
            if painter.paintEngine().type() == QPaintEngine.Type.Raster:
                painter.drawPixmap(0, 0, self._still_life())
            else:
                self._draw_still(painter)
            self._draw_path(painter)
            self._draw_reading(painter)

    def _still_life(self) -> QPixmap:
        """Return a picture of all that does not move with the run; it is made anew when the surface is."""
        if self._still.isNull():
            ratio = self.devicePixelRatioF()
            self._still = QPixmap(self.size() * ratio)
            self._still.setDevicePixelRatio(ratio)
            self._still.fill(QColor(self.theme.panel))
            painter = QPainter(self._still)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_still(painter)
            painter.end()
        return self._still

    def _draw_still(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self.axes.draw_walls(painter, self.theme, self.camera, self._placed)
        painter.drawImage(QRectF(self.rect()), self._image)
        self.axes.draw_numbers(painter, self.theme, self.camera, self._placed)
        self._draw_contours(painter)

    def _placed(self, points: FloatArray) -> FloatArray:
        """Return points (..., 3) of the box as (..., 3): x and y in pixels of the widget, and the depth."""
        left, top, right, bottom = self.axes.margins()
        room = (self.width() - left - right, self.height() - top - bottom)
        across, up = self.camera.scale(*room)
        seen = self.camera.seen(points)
        x = left + 0.5 * room[0] + across * seen[..., 0]
        y = top + 0.5 * room[1] - up * seen[..., 1]
        return np.stack((x, y, seen[..., 2]), axis=-1)

    def _grid(self) -> FloatArray:
        n, m = self._heights.shape
        x, y = np.meshgrid(np.linspace(-1.0, 1.0, n), np.linspace(-1.0, 1.0, m), indexing="ij")
        return np.stack((x, y, self._heights), axis=-1)

    def _render(self) -> None:
        """Draw the surface into the image, where that is not what it shows already."""
        from engine.kernels.zbuffer import (
            draw_surface,  # it comes with numba; compiled before there is a relief
        )

        assert self.relief is not None
        # While it is turned by the mouse, pictures in time matter more than smooth edges.
        fine = max(1.0 if self._drag is not None else _FINE, self.devicePixelRatioF())
        wanted = (self.relief, self.camera, self.size(), fine)
        if wanted == self._drawn:
            return
        self._drawn, self._still = wanted, QPixmap()
        height, width = round(self.height() * fine), round(self.width() * fine)
        pixels, self._buffer = np.zeros((height, width), dtype=np.uint32), np.full((height, width), np.inf)
        placed = self._placed(self._grid())
        draw_surface(
            fine * placed[..., 0],
            fine * placed[..., 1],
            placed[..., 2].copy(),
            self._colours(),
            pixels,
            self._buffer,
        )
        form = QImage.Format.Format_ARGB32_Premultiplied
        self._image = QImage(pixels.data, width, height, 4 * width, form).copy()

    def _colours(self) -> npt.NDArray[np.uint32]:
        """Return the colours (2, n_x - 1, n_y - 1) of the cells: of their middle heights, by the light on them.

        The second are those of the undersides, which lie in the shade.
        """
        heights = self._heights
        middle = 0.25 * (heights[1:, 1:] + heights[1:, :-1] + heights[:-1, 1:] + heights[:-1, :-1])
        share = np.clip(np.nan_to_num(0.5 * (middle / HALF_HEIGHT + 1.0)), 0.0, 1.0)
        table = colour_table(self.theme.magnitude_map, N_COLOURS)
        colours = table[(share * (N_COLOURS - 1) + 0.5).astype(np.int64)]
        light = np.nan_to_num(lit(heights, self.camera))
        return np.stack((_dimmed(colours, light), _dimmed(colours, np.full_like(light, _SHADE))))

    def _is_seen(self, placed: FloatArray) -> npt.NDArray[np.bool_]:
        """Return which points (..., 3), as `_placed` gives them, no part of the surface hides."""
        height, width = self._buffer.shape
        with np.errstate(invalid="ignore"):
            fine = width / max(1, self.width())
            columns = np.clip(np.nan_to_num(placed[..., 0] * fine).astype(np.int64), 0, width - 1)
            rows = np.clip(np.nan_to_num(placed[..., 1] * fine).astype(np.int64), 0, height - 1)
            return np.asarray(placed[..., 2] <= self._buffer[rows, columns] + _BIAS)

    def _draw_contours(self, painter: QPainter) -> None:
        for segments, colour in zip(
            self._contours, (QColor(255, 255, 255, 130), QColor(0, 0, 0, 150)), strict=True
        ):
            if len(segments):
                placed = self._placed(segments)
                ends = placed[self._is_seen(placed).all(axis=1)].reshape(-1, 3)
                painter.setPen(QPen(colour, 1.0))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                if len(ends):
                    painter.drawPath(
                        pg.arrayToQPath(ends[:, 0], ends[:, 1], connect="pairs", finiteCheck=False)
                    )

    def _draw_path(self, painter: QPainter) -> None:
        """Draw what is seen of the path as a line, what the surface hides as dots, and its two ends."""
        corners = self._on_surface(self.path)
        if not len(corners):
            return
        pieces = self._placed(self._on_surface(_fine_steps(self.path)))
        seen = self._is_seen(pieces)
        width = 1.75 * line_px()
        self._draw_hidden(painter, pieces[~seen])
        runs = [
            QPolygonF([QPointF(x, y) for x, y, _ in pieces[first:stop].tolist()])
            for first, stop in stretches(seen)
            if stop - first > 1
        ]
        for colour, thickness in (("#000000", width + 2.0), (self.theme.path, width)):
            pen = QPen(QColor(colour), thickness)
            if self.is_dashed and colour != "#000000":
                pen.setDashPattern([4.0, 3.0])
                pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            for run in runs:
                painter.drawPolyline(run)
        self._draw_ends(painter, self._placed(corners[[0, -1]]))

    def _draw_hidden(self, painter: QPainter, points: FloatArray) -> None:
        painter.setPen(QPen(QColor(self.theme.path), 2.0))
        last = np.full(2, -np.inf)
        for x, y, _ in points.tolist():
            if np.hypot(x - last[0], y - last[1]) > 5.0:
                painter.drawPoint(QPointF(x, y))
                last = np.array([x, y])

    def _draw_ends(self, painter: QPainter, ends: FloatArray) -> None:
        """Draw a square at the start and a diamond at the present point, hidden or not."""
        painter.setPen(QPen(QColor("#000000"), 1.5))
        painter.setBrush(QColor(self.theme.path))
        for (x, y, _), shape in zip(ends.tolist(), ("square", "diamond"), strict=True):
            symbol = QTransform.fromScale(1.5, 1.5).map(shape_polygon(shape))
            painter.drawPolygon(symbol.translated(x, y))

    def _draw_reading(self, painter: QPainter) -> None:
        if self._shown_reading is None:
            return
        row, column = self._shown_reading
        x, y, _ = self._placed(self._grid()[row, column]).tolist()
        if np.isfinite(x + y):
            painter.setPen(QPen(QColor("#000000"), 1.0))
            painter.setBrush(QColor("#ffffff"))
            painter.drawPolygon(shape_polygon("cross", 1.5).translated(x, y))

    def _on_surface(self, points: FloatArray) -> FloatArray:
        """Return points (n, 2) of the plane as points (k, 3) on the surface; those beside it are left out."""
        assert self.relief is not None
        n, m = self._heights.shape
        (left, right), (bottom, top) = self.relief.x, self.relief.y
        across = (points[:, 0] - left) / (right - left) * (n - 1)
        up = (points[:, 1] - bottom) / (top - bottom) * (m - 1)
        inside = (across >= 0.0) & (across <= n - 1) & (up >= 0.0) & (up <= m - 1)
        across, up = across[inside], up[inside]
        heights = _between(self._heights, across, up) + _LIFT
        found = np.stack((2.0 * across / (n - 1) - 1.0, 2.0 * up / (m - 1) - 1.0, heights), axis=1)
        return found[np.isfinite(heights)]

    def _write_name(self) -> None:
        self.setAccessibleName(
            f"Surface of the loss, seen from {self.camera.azimuth:.0f} degrees round and "
            f"{self.camera.elevation:.0f} degrees above"
        )


def _dimmed(colours: npt.NDArray[np.uint32], light: FloatArray) -> npt.NDArray[np.uint32]:
    """Return colours 0xffRRGGBB by a light from 0 to 1 on each."""
    found = np.full(colours.shape, 0xFF000000, dtype=np.uint32)
    for shift in (0, 8, 16):
        channel = ((colours >> np.uint32(shift)) & np.uint32(255)) * light
        found |= channel.astype(np.uint32) << np.uint32(shift)
    return found


def _contours(relief: Relief) -> tuple[FloatArray, FloatArray]:
    """Return the contour lines (n_segments, 2, 3) in the box, on dark colours and on bright ones."""
    n, m = relief.values.shape
    with np.errstate(all="ignore"):
        logs = np.log(np.where(np.isfinite(relief.values), np.maximum(relief.values, 1e-300), np.nan))
    lines: tuple[list[FloatArray], list[FloatArray]] = ([], [])
    for level in relief.scale.contours():
        [share] = relief.scale.share(np.array([level]))
        if 0.0 < share < 1.0:
            at = contour_segments(logs, float(np.log(level)))
            height = np.full((*at.shape[:2], 1), HALF_HEIGHT * (2.0 * share - 1.0) + _LIFT)
            x, y = 2.0 * at[..., :1] / (n - 1) - 1.0, 2.0 * at[..., 1:] / (m - 1) - 1.0
            lines[int(share >= _DARK_UP_TO)].append(np.concatenate((x, y, height), axis=-1))
    dark, bright = (np.concatenate([np.empty((0, 2, 3)), *some]) for some in lines)
    return dark, bright


def _between(values: FloatArray, across: FloatArray, up: FloatArray) -> FloatArray:
    """Return values (n, m) between grid points, bilinearly; across and up (k,) in grid steps."""
    n, m = values.shape
    i, j = np.minimum(across.astype(np.int64), n - 2), np.minimum(up.astype(np.int64), m - 2)
    s, t = across - i, up - j
    low = (1.0 - s) * values[i, j] + s * values[i + 1, j]
    high = (1.0 - s) * values[i, j + 1] + s * values[i + 1, j + 1]
    return np.asarray((1.0 - t) * low + t * high)


def _fine_steps(path: FloatArray) -> FloatArray:
    """Return points (_PATH_PIECES, 2) evenly spaced along a path (n, 2), its corners nearly among them."""
    lengths = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))))
    if not lengths[-1] > 0.0:
        return path
    at = np.unique(np.concatenate((np.linspace(0.0, lengths[-1], _PATH_PIECES), lengths)))
    return np.stack([np.interp(at, lengths, path[:, k]) for k in range(2)], axis=1)
