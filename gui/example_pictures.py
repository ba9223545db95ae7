"""A sample as a picture: dark on bright, or bright on dark, as the theme has it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.guards import painting
from gui.theme import Theme, rgb

FloatArray = npt.NDArray[np.float64]


class ExamplePicture(QWidget):
    """Shows one sample as a square picture of grey pixels; nothing while it has none."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.values: FloatArray | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_values(self, values: FloatArray | None) -> None:
        """Show pixels (rows, columns), or nothing."""
        self.values = values
        self.setVisible(values is not None)
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours."""
        self.theme = theme
        self.update()

    @painting
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture."""
        if self.values is not None:
            paint_picture(QPainter(self), QRectF(self.rect()).adjusted(1, 1, -1, -1), self.values, self.theme)


def paint_picture(painter: QPainter, rect: QRectF, values: FloatArray, theme: Theme) -> None:
    """Draw pixels (rows, columns) into a rectangle, keeping their shape; 0 has the colour of paper."""
    n_rows, n_columns = values.shape
    side = min(rect.width() / n_columns, rect.height() / n_rows)
    width, height = side * n_columns, side * n_rows
    place = QRectF(rect.center().x() - 0.5 * width, rect.center().y() - 0.5 * height, width, height)
    low, high = min(0.0, float(values.min())), max(float(values.max()), 1e-300)
    share = (values - low) / (high - low)
    paper, ink = (np.array(rgb(colour)) for colour in (theme.panel, theme.text))
    mixed = np.rint(paper + share[..., None] * (ink - paper)).astype(np.uint32)
    pixels = np.uint32(0xFF000000) | mixed[..., 0] << 16 | mixed[..., 1] << 8 | mixed[..., 2]
    pixels = np.ascontiguousarray(pixels, dtype=np.uint32)
    image = QImage(pixels.data, n_columns, n_rows, 4 * n_columns, QImage.Format.Format_RGB32)
    painter.drawImage(place, image.copy())
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(theme.muted), 1.0))
    painter.drawRect(place)
