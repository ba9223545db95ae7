"""RegionPlot: a plane coloured by predicted class, with the samples on it; ShadeBar: what the shades mean."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
import scipy.ndimage
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QPaintEngine,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QTransform,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.datasets.dataset import Dataset
from engine.regions import Area, Regions, iter_regions
from engine.snapshot import Snapshot
from gui import numerals
from gui.axes import tick_font
from gui.contours import contour_segments
from gui.guards import painting
from gui.plot_items import Overlay, shape_polygon
from gui.plots import Plot
from gui.theme import Theme, class_colour, line_px, rgb

FloatArray = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

_SHAPES: Final = ("square", "triangle", "diamond", "cross", "dot")
_PALEST: Final = 0.08  # share of the class's colour where the network is as unsure as can be
_STRONGEST: Final = 0.55  # where it is sure: still far from the colour of the samples
_N_SHADES: Final = 64
_ROOM_PX: Final = 20.0  # samples so far from each other, on the whole, have symbols of the usual size
_SIZES: Final = (0.45, 1.3)
_RING_SHARE: Final = 0.1  # rings that cover more of the plot are thin and close: one must see between them
_RING_PX2: Final = 400.0
_NAME_PX: Final = 26.0  # a region whose middle is nearer to its edge has no room for a name
_BAR_PX: Final = 14
_MOST_BARS: Final = 5


def class_shape(label: int) -> str:
    """Return the name of the symbol of a class."""
    return _SHAPES[(label + label // len(_SHAPES)) % len(_SHAPES)]


def shades(theme: Theme, n_classes: int) -> npt.NDArray[np.uint32]:
    """Return the colours (n_classes, _N_SHADES) of certainties from the least that is possible to 1."""
    ground = np.array(rgb(theme.panel))
    share = np.linspace(_PALEST, _STRONGEST, _N_SHADES)[:, None]
    rows = []
    for label in range(n_classes):
        mixed = np.rint((1.0 - share) * ground + share * np.array(rgb(class_colour(theme, label)))).astype(
            np.uint32
        )
        rows.append(np.uint32(0xFF000000) | mixed[:, 0] << 16 | mixed[:, 1] << 8 | mixed[:, 2])
    return np.array(rows, dtype=np.uint32)


def shade_numbers(certainty: FloatArray, n_classes: int) -> Labels:
    """Return the place of certainties in a row of `shades`: 0 at 1 / n_classes, the last at 1."""
    least = 1.0 / n_classes
    share = np.clip((certainty - least) / (1.0 - least), 0.0, 1.0)
    return np.rint(share * (_N_SHADES - 1)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """Regions with what is drawn of them; it is found beside the training, so that the window only paints.

    Attributes:
        regions: what the network says.
        shade: (n_rows, n_columns) the place of each certainty in a row of `shades`.
        borders: see `border_segments`.
        names: see `name_places`.
    """

    regions: Regions
    shade: Labels
    borders: FloatArray
    names: dict[int, tuple[float, float, float]]

    @classmethod
    def of(cls, regions: Regions) -> Sketch:
        """Return the sketch of regions."""
        shade = shade_numbers(regions.certainty, regions.n_classes)
        return cls(regions, shade, border_segments(regions), name_places(regions))


def iter_sketches(
    snapshot: Snapshot, area: Area, has_preview: bool
) -> Generator[tuple[float, Any], None, None]:
    """Yield (share done, Sketch or None) of what a network says of an area; a job, see `engine.jobs`."""
    for done, regions in iter_regions(snapshot, area, has_preview):
        yield done, None if regions is None else Sketch.of(regions)


class RegionPlot(Plot):
    """The plane of two inputs, coloured by class, with the samples; both axes have the same scale.

    A click, or Enter at the reading point, chooses the nearest sample.
    """

    sample_chosen = Signal(int)
    """The number of the sample that was chosen."""

    def __init__(self, theme: Theme) -> None:
        self.picture, self.samples = _Picture(), _Samples()
        self._data: Dataset | None = None
        super().__init__(theme, "input 1", "input 2", has_grid=False)
        for item in (self.picture, self.samples):
            self.addItem(item, ignoreBounds=True)
        self.getViewBox().setAspectLocked(True)
        self.view_moved.connect(self.show_all)
        self.clicked.connect(self._choose_nearest)

    def show_data(self, data: Dataset) -> None:
        """Show the samples of data, which has two inputs."""
        if data is not self._data:
            self._data = data
            self.samples.show_samples(data)
            self.show_all()

    def show_sketch(self, sketch: Sketch) -> None:
        """Show what the network says, and mark the samples that are wrong."""
        self.picture.show_sketch(sketch, self.theme)
        self.samples.mark_wrong(np.flatnonzero(~sketch.regions.right))

    def mark_chosen(self, sample: int | None) -> None:
        """Put a square around a sample, given by number, or around none."""
        self.samples.mark_chosen(sample)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the sample nearest to the reading point by Enter; see Plot."""
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and self._reading_point is not None:
            self._choose_nearest(self._reading_point)
        else:
            super().keyPressEvent(event)

    def _choose_nearest(self, point: tuple[float, float]) -> None:
        if self._data is not None:
            self.sample_chosen.emit(nearest_sample(self._data, point))

    def clear_regions(self) -> None:
        """Show the samples alone."""
        self.picture.clear()
        self.samples.mark_wrong(np.empty(0, dtype=np.int64))

    def show_all(self) -> None:
        """Move the view to the samples, if it follows."""
        if self._data is not None:
            low, high = self._data.x.min(axis=0), self._data.x.max(axis=0)
            pad = 0.15 * float((high - low).max()) or 1.0
            (left, bottom), (right, top) = (low - pad).tolist(), (high + pad).tolist()
            self.move_view((left, right), (bottom, top))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep all samples in sight; see Plot."""
        super().resizeEvent(event)
        if hasattr(self, "_data"):  # the base class sets its size before there is anything
            self.show_all()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Plot."""
        super().apply_theme(theme)
        self.picture.apply_theme(theme)
        self.samples.apply_theme(theme)


def nearest_sample(data: Dataset, point: tuple[float, float]) -> int:
    """Return the number of the sample nearest to a point of the plane; the first of several."""
    return int(((data.x - np.array(point)) ** 2).sum(axis=1).argmin())


class _Picture(Overlay):
    """The colours, a line where the class changes, and the name of a class in the middle of its region."""

    def __init__(self) -> None:
        super().__init__()
        self._sketch: Sketch | None = None
        self._image, self._rect, self._borders = QImage(), QRectF(), QPainterPath()
        self._pen, self._text, self._back = QPen(), QColor(), QColor()
        self.setZValue(-50)

    def show_sketch(self, sketch: Sketch, theme: Theme) -> None:
        """Show regions."""
        (left, right), (bottom, top) = sketch.regions.area
        self._sketch = sketch
        self._rect = QRectF(left, bottom, right - left, top - bottom)
        self._image = _image(sketch, theme)
        self._borders = _path(sketch, self._rect)
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._sketch = None
        self._image, self._borders = QImage(), QPainterPath()
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours."""
        self._pen = QPen(QColor(theme.text), line_px())
        self._text, self._back = QColor(theme.text), QColor(theme.panel)
        if self._sketch is not None:
            self._image = _image(self._sketch, theme)
        self.update()

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw the colours, the lines, the names."""
        if self._sketch is None:
            return
        painter.save()
        painter.setClipRect(area)
        painter.drawImage(_outer(transform.mapRect(self._rect), self._image), self._image)
        painter.setPen(self._pen)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPath(transform.map(self._borders))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setFont(tick_font())
        for label, (x, y, depth) in self._sketch.names.items():
            if depth * transform.m11() >= _NAME_PX:
                self._name(painter, transform.map(QPointF(x, y)), f"class {label}")
        painter.restore()

    def _name(self, painter: QPainter, at: QPointF, text: str) -> None:
        metrics = QFontMetricsF(tick_font())
        width, height = metrics.horizontalAdvance(text) + 8.0, metrics.height()
        box = QRectF(at.x() - 0.5 * width, at.y() - 0.5 * height, width, height)
        painter.fillRect(box, self._back)
        painter.setPen(self._text)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


class _Samples(Overlay):
    """A symbol for each sample, by its class; a ring around those that are wrong, a square around the chosen one."""

    def __init__(self) -> None:
        super().__init__()
        self.x: FloatArray = np.zeros((0, 2))
        self.y: Labels = np.zeros(0, dtype=np.int64)
        self.wrong: Labels = np.zeros(0, dtype=np.int64)
        self.chosen: int | None = None
        self._theme: Theme | None = None
        self._layer = QImage()
        self._layer_key: tuple[Any, ...] = ()
        self.setZValue(10)

    def show_samples(self, data: Dataset) -> None:
        """Show the samples of data."""
        self.x, self.y, self.wrong = data.x, data.y, np.zeros(0, dtype=np.int64)
        self.chosen = None if self.chosen is None or self.chosen >= len(self.x) else self.chosen
        self._layer_key = ()
        self.update()

    def mark_chosen(self, sample: int | None) -> None:
        """Mark one sample, or none."""
        self.chosen = sample
        self.update()

    def mark_wrong(self, wrong: Labels) -> None:
        """Mark samples, given by number."""
        self.wrong = wrong
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours."""
        self._theme, self._layer_key = theme, ()
        self.update()

    def paint_pixels(self, painter: QPainter, transform: QTransform, area: QRectF) -> None:
        """Draw the symbols, then the rings."""
        if self._theme is None:
            return
        painter.save()
        painter.setClipRect(area)
        room = np.sqrt(area.width() * area.height() / max(1, len(self.x)))
        scale = line_px() / 2.0 * min(max(float(room) / _ROOM_PX, _SIZES[0]), _SIZES[1])
        x = self.x[:, 0] * transform.m11() + transform.dx()
        y = self.x[:, 1] * transform.m22() + transform.dy()
        if painter.paintEngine().type() == QPaintEngine.Type.Raster:
            place = area.toAlignedRect()
            key = (place.getRect(), transform, scale, painter.device().devicePixelRatioF())
            if key != self._layer_key:  # the samples stay where they are while the rings come and go
                self._layer_key, self._layer = key, self._make_layer(place, x, y, scale, key[-1])
            painter.drawImage(place.topLeft(), self._layer)
        else:
            self._draw_symbols(painter, self._theme, x, y, area, scale)
        is_few = len(self.wrong) * _RING_PX2 < _RING_SHARE * area.width() * area.height()
        self._draw_rings(painter, x, y, scale, is_few)
        if self.chosen is not None and self.chosen < len(x):
            self._draw_square(painter, self._theme, QPointF(x[self.chosen], y[self.chosen]), scale)
        painter.restore()

    def _make_layer(self, place: QRect, x: FloatArray, y: FloatArray, scale: float, ratio: float) -> QImage:
        """Return a picture of the symbols: 1,800 of them take 15 ms, copying the picture 0.2 ms."""
        assert self._theme is not None
        image = QImage(place.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.translate(-place.topLeft())
        self._draw_symbols(painter, self._theme, x, y, QRectF(place), scale)
        painter.end()
        return image

    def _draw_symbols(
        self, painter: QPainter, theme: Theme, x: FloatArray, y: FloatArray, area: QRectF, scale: float
    ) -> None:
        seen = (area.left() < x) & (x < area.right()) & (area.top() < y) & (y < area.bottom())
        painter.setPen(QPen(QColor(theme.panel), 1.0))
        for label in np.unique(self.y).tolist():
            painter.setBrush(QColor(class_colour(theme, label)))
            larger = 1.25 if class_shape(label) in ("square", "dot") else 1.0  # as large to the eye
            shape = shape_polygon(class_shape(label), larger * scale)
            rows = np.flatnonzero(seen & (self.y == label))
            _draw_shapes(painter, shape, x[rows], y[rows])

    def _draw_square(self, painter: QPainter, theme: Theme, at: QPointF, scale: float) -> None:
        half = 3.5 + 6.5 * scale
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((theme.panel, 6.0), (theme.text, 3.0)):
            painter.setPen(QPen(QColor(colour), width))
            painter.drawRect(QRectF(at.x() - half, at.y() - half, 2.0 * half, 2.0 * half))

    def _draw_rings(
        self, painter: QPainter, x: FloatArray, y: FloatArray, scale: float, is_few: bool
    ) -> None:
        assert self._theme is not None
        radius = (3.5 if is_few else 1.5) + 6.0 * scale
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in (
            ((self._theme.panel, 4.0), (self._theme.text, 2.0)) if is_few else ((self._theme.text, 1.25),)
        ):
            painter.setPen(QPen(QColor(colour), width))
            for k in self.wrong.tolist():
                painter.drawEllipse(QPointF(x[k], y[k]), radius, radius)


class ShadeBar(QWidget):
    """One upright bar a class, pale at the bottom and strong at the top, with probabilities beside them."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.n_classes = 2
        self.is_probability = True
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def show_classes(self, n_classes: int, is_probability: bool = True) -> None:
        """Say how many classes there are, and whether a shade is the probability of its class."""
        if (n_classes, is_probability) != (self.n_classes, self.is_probability):
            self.n_classes, self.is_probability = n_classes, is_probability
            self.updateGeometry()
            self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours."""
        self.theme = theme
        self.update()

    def texts(self) -> tuple[tuple[float, str], ...]:
        """Return the ticks: their place from 0 at the bottom to 1 at the top, and the text."""
        least = 1.0 / self.n_classes
        low, middle = (numerals.short(round(least + share * (1.0 - least), 2)) for share in (0.0, 0.5))
        return (0.0, low), (0.5, middle), (1.0, "p = 1" if self.is_probability else "1")

    def sizeHint(self) -> QSize:
        """Return the room that bars and texts need."""
        widest = max(QFontMetricsF(tick_font()).horizontalAdvance(text) for _, text in self.texts())
        return QSize(round(self._bars_px + 6.0 + widest + 4.0), 100)

    def minimumSizeHint(self) -> QSize:
        """Return the width that is needed; the height may shrink."""
        return QSize(self.sizeHint().width(), 60)

    @property
    def _bars_px(self) -> int:
        return _BAR_PX * min(self.n_classes, _MOST_BARS)

    @painting
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars and the texts."""
        painter = QPainter(self)
        painter.setFont(tick_font())
        line = QFontMetricsF(tick_font()).height()
        columns = np.ascontiguousarray(shades(self.theme, self._bars_px // _BAR_PX).T[::-1])
        image = QImage(
            columns.data, columns.shape[1], _N_SHADES, 4 * columns.shape[1], QImage.Format.Format_RGB32
        )
        bar = QRectF(1.0, 0.5 * line, self._bars_px, max(8.0, self.height() - line))
        painter.drawImage(bar, image)
        painter.setPen(QPen(QColor(self.theme.muted)))
        painter.drawRect(bar)
        painter.setPen(QColor(self.theme.text))
        for place, text in self.texts():
            y = bar.bottom() - place * bar.height()
            box = QRectF(bar.right() + 6.0, y - 0.5 * line, self.width(), line)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


def name_places(regions: Regions) -> dict[int, tuple[float, float, float]]:
    """Return for each class that is predicted anywhere (x, y, how far the nearest other class or edge is)."""
    (left, right), (bottom, top) = regions.area
    n_rows, n_columns = regions.label.shape
    cell = (right - left) / (n_columns - 1)
    places = {}
    for label in np.unique(regions.label).tolist():
        inside = np.pad(regions.label == label, 1)
        depth = scipy.ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
        row, column = divmod(int(depth.argmax()), n_columns)
        y = bottom + (top - bottom) * row / (n_rows - 1)
        places[label] = (left + cell * column, y, cell * float(depth[row, column]))
    return places


def border_segments(regions: Regions) -> FloatArray:
    """Return where the predicted class changes, (n_segments, 2, 2): two ends a segment, as (row, column)."""
    found = [np.empty((0, 2, 2))]
    for label in (
        np.unique(regions.label).tolist()[:-1] if regions.n_classes == 2 else np.unique(regions.label)
    ):
        # Between two other classes this touches 0 from below, and has no line.
        field = np.where(regions.label == label, np.maximum(regions.lead, 1e-300), -regions.lead)
        found.append(contour_segments(field, 0.0))
    return np.concatenate(found)


def _path(sketch: Sketch, rect: QRectF) -> QPainterPath:
    """Return the borders in the plane's coordinates; rect is the area."""
    if not len(sketch.borders):
        return QPainterPath()
    n_rows, n_columns = sketch.shade.shape
    ends = sketch.borders.reshape(-1, 2)
    x = rect.left() + ends[:, 1] * (rect.width() / (n_columns - 1))
    y = rect.top() + ends[:, 0] * (rect.height() / (n_rows - 1))
    path: QPainterPath = pg.arrayToQPath(x, y, connect="pairs", finiteCheck=False)
    return path


def _image(sketch: Sketch, theme: Theme) -> QImage:
    """Return the colours of the grid points, the top row first."""
    regions = sketch.regions
    table = shades(theme, regions.n_classes)
    pixels = np.ascontiguousarray(table[regions.label, sketch.shade][::-1])
    n_rows, n_columns = pixels.shape
    return QImage(pixels.data, n_columns, n_rows, 4 * n_columns, QImage.Format.Format_RGB32).copy()


def _outer(rect: QRectF, image: QImage) -> QRectF:
    """Return rect wider by half a grid cell on each side: the outermost grid points lie on its edges."""
    across = 0.5 * rect.width() / max(1, image.width() - 1)
    up = 0.5 * rect.height() / max(1, image.height() - 1)
    return rect.adjusted(-across, -up, across, up)


def _draw_shapes(painter: QPainter, shape: QPolygonF, x: FloatArray, y: FloatArray) -> None:
    for across, down in zip(x.tolist(), y.tolist(), strict=True):
        painter.drawPolygon(shape.translated(across, down))
