"""Colour scales: a logarithmic scale with round ends, its colours, and the bar of numbers beside a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QPaintEngine,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import numerals
from gui.axes import linear_ticks, tick_font
from gui.colour_bars import colour_table
from gui.guards import painting
from gui.plot_items import shape_polygon
from gui.theme import Theme

FloatArray = npt.NDArray[np.float64]

N_COLOURS: Final = 256
_WIDEST: Final = 1e4  # from the first to the last colour; higher values all get the last one
_ROOM: Final = 10.0  # how much higher than the value that matters most the scale goes
_FLAT: Final = 1e-6  # smaller differences, as a share of the values, are none
_LEAST_USED: Final = 0.5  # share of the scale that a picture must use for the scale to stay
_BAR_PX: Final = 18.0
_MOST_TICKS: Final = 12
_MOST_CONTOURS: Final = 14
_ENDS: Final = (1, 1.5, 2, 3, 5, 7)


@dataclass(frozen=True, slots=True)
class ColourScale:
    """Colours for values above 0 by their logarithm, from low to high; both ends are round numbers."""

    low: float
    high: float

    @classmethod
    def of(cls, values: FloatArray, within: float | None = None) -> ColourScale:
        """Return the scale for values of any shape; what is not finite or not above 0 is left out.

        Where the values differ too much for one scale the lower ones keep their colours, unless `within`, the
        value that matters most, would have the last colour then.
        """
        low, high = _extremes(values)
        if within is not None and low * _WIDEST < within <= high:
            low = within * _ROOM / _WIDEST
        high = min(high, low * _WIDEST)
        if high > 3.0 * low:
            return cls(_round_below(low), _round_above(high))
        if high - low < _FLAT * high:  # contour lines of rounding errors would say nothing
            low, high = (1.0 - _FLAT) * low, (1.0 + _FLAT) * high
        step = numerals.round_above(high - low) / 4.0
        bottom, top = np.floor(low / step) * step, np.ceil(high / step) * step
        return cls(float(bottom if bottom > 0.0 else low), float(top))

    @property
    def ends_text(self) -> str:
        """Both ends as text, with as many digits as tell them apart."""
        return " to ".join(numerals.ticks([self.low, self.high]))

    def suits(self, values: FloatArray) -> bool:
        """Whether a picture of values keeps to this scale and uses enough of it to be read."""
        low, high = _extremes(values)
        high = min(high, self.high)
        used = np.log(high / low) if high > low else 0.0
        return bool(low >= self.low and used >= _LEAST_USED * np.log(self.high / self.low))

    def share(self, values: FloatArray) -> FloatArray:
        """Return where values stand between low (0) and high (1), clipped; NaN for what is not finite."""
        with np.errstate(all="ignore"):
            logs = np.log(np.clip(values, self.low, self.high) / self.low)
        return np.where(np.isfinite(values), logs / np.log(self.high / self.low), np.nan)

    def ticks(self, n_most: int) -> list[float]:
        """Return at most about n_most round values on the scale."""
        if self.high <= 3.0 * self.low:
            [(_, values)] = linear_ticks(self.low, self.high, min(n_most, 6), is_whole=False)
            return values
        found = [_steps(self.low, self.high, factors) for factors in ((1, 2, 5), (1, 3), (1,))]
        return next((values for values in found if len(values) <= n_most), found[-1])

    def contours(self) -> list[float]:
        """Return the values of contour lines: the ticks and some between them."""
        if self.high <= 3.0 * self.low:
            [(_, values)] = linear_ticks(self.low, self.high, 9, is_whole=False)
            return values
        found = [_steps(self.low, self.high, factors) for factors in (_ENDS, (1, 2, 5))]
        return next((values for values in found if len(values) <= _MOST_CONTOURS), found[-1])


def _extremes(values: FloatArray) -> tuple[float, float]:
    usable = values[np.isfinite(values) & (values > 0.0)]
    if not usable.size:
        return 1.0, 1.0
    low, high = np.clip([usable.min(), usable.max()], 1e-300, 1e300)
    return float(low), float(high)


def _steps(low: float, high: float, factors: tuple[float, ...]) -> list[float]:
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    values = [factor * 10.0**decade for decade in decades for factor in factors]
    return [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]


def _is_power_of_ten(value: float) -> bool:
    return bool(abs(value / 10.0 ** round(np.log10(value)) - 1.0) < 1e-9)


def _round_below(value: float) -> float:
    return max(step for step in _steps(value / 20, value, _ENDS))


def _round_above(value: float) -> float:
    return min(step for step in _steps(value, value * 20, _ENDS))


def coloured(shares: FloatArray, table: npt.NDArray[np.uint32]) -> QImage:
    """Return a picture of shares (n_rows, n_columns) from 0 to 1, first row on top; NaN is transparent."""
    known = np.isfinite(shares)
    numbers = np.where(known, shares, 0.0) * (N_COLOURS - 1) + 0.5
    pixels = np.where(known, table[numbers.astype(np.int64)], np.uint32(0)).astype(np.uint32)
    n_rows, n_columns = pixels.shape
    image = QImage(pixels.data, n_columns, n_rows, 4 * n_columns, QImage.Format.Format_ARGB32)
    return image.copy()  # the numbers go, the picture stays


class ScaleBar(QWidget):
    """The colours of a scale from bottom to top, with numbers, and a symbol at the present value."""

    def __init__(self, theme: Theme, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.title = title
        self.scale: ColourScale | None = None
        self.value: float | None = None
        self.is_clipped = False
        self._image = QImage()
        self._kept: tuple[tuple[object, ...], QPixmap] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.apply_theme(theme)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours."""
        self.theme = theme
        shares = np.linspace(1.0, 0.0, 256)[:, None]
        self._image = coloured(shares, colour_table(theme.magnitude_map, N_COLOURS))
        self.updateGeometry()
        self.update()

    def set_scale(self, scale: ColourScale | None, is_clipped: bool = False) -> None:
        """Show a scale; is_clipped says that values above its end have the last colour too, and its end is named."""
        if (scale, is_clipped) != (self.scale, self.is_clipped):
            self.scale, self.is_clipped = scale, is_clipped
            ends = f" from {scale.ends_text}" if scale else ""
            self.setAccessibleName(f"Colours of the {self.title}, logarithmic{ends}")
            self.updateGeometry()
            self.update()

    def set_value(self, value: float | None) -> None:
        """Put the symbol at a value, or take it away."""
        if value != self.value:
            before, self.value = (self._value_y(), self._is_below), value
            if self._is_below != before[1]:
                self.updateGeometry()
            if (self._value_y(), self._is_below) != before:
                self.update()

    def texts(self) -> list[str]:
        """Return the numbers beside the bar, from the bottom."""
        line = QFontMetricsF(tick_font()).height()
        return self._texts(self._values(self._bar(), 1.2 * line)) if self.scale is not None else []

    def sizeHint(self) -> QSize:
        """Return the room for the bar and its numbers, at least six characters, so that it seldom changes."""
        metrics = QFontMetricsF(tick_font())
        texts = (
            ["≥ 0.05"]
            if self.scale is None
            else [
                "≥ 0.05",
                *self._texts(
                    [self.scale.low] * self._is_below + [*self.scale.ticks(_MOST_TICKS), self.scale.high]
                ),
            ]
        )
        return QSize(round(_BAR_PX + 22 + max(map(metrics.horizontalAdvance, texts))), 100)

    def minimumSizeHint(self) -> QSize:
        """Return the same width."""
        return QSize(self.sizeHint().width(), 60)

    @painting
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bar, numbers and symbol."""
        if self.scale is None:
            return
        painter = QPainter(self)
        if painter.paintEngine().type() == QPaintEngine.Type.Raster:
            painter.drawPixmap(0, 0, self._face())
        else:
            self._draw_face(painter)
        self._draw_value(painter, self._bar())

    def _face(self) -> QPixmap:
        """Return all but the symbol, drawn anew where scale, colours, type or size are others than before."""
        ratio = self.devicePixelRatioF()
        key = (
            self.scale,
            self.is_clipped,
            self._is_below,
            self.theme,
            self.title,
            self.size(),
            ratio,
            tick_font().key(),
        )
        if self._kept is None or self._kept[0] != key:
            face = QPixmap(self.size() * ratio)
            face.setDevicePixelRatio(ratio)
            face.fill(Qt.GlobalColor.transparent)
            painter = QPainter(face)
            self._draw_face(painter)
            painter.end()
            self._kept = key, face
        return self._kept[1]

    def _draw_face(self, painter: QPainter) -> None:
        line, bar = QFontMetricsF(tick_font()).height(), self._bar()
        painter.setFont(tick_font())
        painter.setPen(QColor(self.theme.text))
        painter.drawText(QRectF(0.0, 0.0, self.width(), line), Qt.AlignmentFlag.AlignLeft, self.title)
        painter.drawImage(bar, self._image)
        painter.setPen(QColor(self.theme.muted))
        painter.drawRect(bar)
        self._draw_numbers(painter, bar, line)

    def _bar(self) -> QRectF:
        """Return where the colours are."""
        line = QFontMetricsF(tick_font()).height()
        return QRectF(10.0, round(1.6 * line), _BAR_PX, round(self.height() - 2.4 * line))

    def _draw_numbers(self, painter: QPainter, bar: QRectF, line: float) -> None:
        assert self.scale is not None
        painter.setPen(QPen(QColor(self.theme.text)))
        right = bar.right() + 1.0
        values = self._values(bar, 1.2 * line)
        for value, text in zip(values, self._texts(values), strict=True):
            y = self._height(value, bar)
            painter.drawLine(QPointF(right, y), QPointF(right + 4.0, y))
            box = QRectF(right + 7.0, y - line / 2, self.width(), line)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, text)

    def _values(self, bar: QRectF, apart_px: float) -> list[float]:
        """Return the numbers beside the bar; an end is one of them where something lies beyond it."""
        assert self.scale is not None
        values = self.scale.ticks(min(_MOST_TICKS, int(bar.height() / apart_px)))
        if self.is_clipped:
            values = [*self._apart_from(self.scale.high, values, bar, apart_px), self.scale.high]
        if self._is_below:
            values = [self.scale.low, *self._apart_from(self.scale.low, values, bar, apart_px)]
        return values

    def _apart_from(self, end: float, values: list[float], bar: QRectF, apart_px: float) -> list[float]:
        y = self._height(end, bar)
        return [value for value in values if abs(self._height(value, bar) - y) >= apart_px]

    @property
    def _is_below(self) -> bool:
        """Whether the present value lies below the scale, so that its symbol at the lower end is too high."""
        return self.scale is not None and self.value is not None and self.value < self.scale.low * (1 - 1e-9)

    def _texts(self, values: list[float]) -> list[str]:
        assert self.scale is not None
        texts = self._numbers(values)
        for k, value in enumerate(values):
            if self.is_clipped and value >= self.scale.high * (1 - 1e-9):
                texts[k] = f"≥ {texts[k]}"
            elif self._is_below and value <= self.scale.low * (1 + 1e-9):
                texts[k] = f"≤ {texts[k]}"
        return texts

    def _numbers(self, values: list[float]) -> list[str]:
        """Return values as text; where all but the ends are powers of ten, as on the axis of the plot beside it."""
        assert self.scale is not None
        inner = [value for value in values if self.scale.low < value < self.scale.high]
        texts = numerals.ticks(values)
        if all(map(_is_power_of_ten, inner)):
            for k, value in enumerate(values):
                if _is_power_of_ten(value):
                    texts[k] = numerals.power_of_ten(round(np.log10(value)))
        return texts

    def _draw_value(self, painter: QPainter, bar: QRectF) -> None:
        y = self._value_y()
        if y is not None:
            painter.setPen(QPen(QColor("#000000"), 1.0))
            painter.setBrush(QColor(self.theme.path))
            painter.drawPolygon(shape_polygon("diamond").translated(QPointF(bar.left(), y)))

    def _value_y(self) -> float | None:
        """Return where the symbol is, None where there is none."""
        if self.scale is None or self.value is None or not np.isfinite(self.value):
            return None
        return self._height(self.value, self._bar())

    def _height(self, value: float, bar: QRectF) -> float:
        assert self.scale is not None
        [share] = self.scale.share(np.array([value]))
        return float(round(bar.bottom() - share * bar.height()))
