"""MarkedSlider: a slider with diamonds at the places that have a name; the keys reach them, too."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSlider, QStyle, QStyleOptionSlider, QToolTip, QWidget

from gui import theme
from gui.guards import guarded, painting
from gui.theme import Theme

Mark = tuple[int, str]
"""(value, what is there)."""

_HALF_PX: Final = 4.5  # of a diamond
_NEAR_PX: Final = 7.0  # from the pointer to the middle of a diamond that it means


class MarkedSlider(QSlider):
    """A horizontal slider. Ctrl with Left and Right goes to the mark before and after.

    Attributes:
        marks: the values with a diamond, in their order; the tool tip over each says what is there.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.marks: tuple[Mark, ...] = ()
        self._theme = theme.LIGHT

    def show_marks(self, marks: tuple[Mark, ...]) -> None:
        """Show these marks; the same ones again cost nothing."""
        if marks != self.marks:
            self.marks = marks
            self.update()

    def set_theme(self, used_theme: Theme) -> None:
        """Draw the marks in the colours of a theme."""
        self._theme = used_theme
        self.update()

    def mark_x(self, value: int) -> float:
        """Return where a value is, in pixels from the left edge of the widget: the middle of the handle there."""
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        parts, kind = QStyle.SubControl, QStyle.ComplexControl.CC_Slider
        groove = self.style().subControlRect(kind, option, parts.SC_SliderGroove, self)
        handle = self.style().subControlRect(kind, option, parts.SC_SliderHandle, self).width()
        span = groove.width() - handle
        along = QStyle.sliderPositionFromValue(self.minimum(), self.maximum(), value, span)
        return groove.left() + 0.5 * handle + along

    def mark_at(self, x: float) -> str:
        """Return what is at a place, in pixels from the left edge; "" where no mark is near."""
        away = {text: abs(self.mark_x(value) - x) for value, text in self.marks}
        nearest = min(away, key=lambda text: away[text], default="")
        return nearest if nearest and away[nearest] <= _NEAR_PX else ""

    @painting
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the slider, and a diamond at the lower edge for each mark: the handle does not hide it."""
        super().paintEvent(event)
        if not self.marks:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.panel), 1.0))
        painter.setBrush(QColor(self._theme.text))
        for value, _ in self.marks:
            middle = QPointF(self.mark_x(value), self.height() - _HALF_PX - 0.5)
            corners = [
                QPointF(0, -_HALF_PX),
                QPointF(_HALF_PX, 0),
                QPointF(0, _HALF_PX),
                QPointF(-_HALF_PX, 0),
            ]
            painter.drawPolygon(QPolygonF([middle + corner for corner in corners]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from mark to mark by Ctrl and an arrow; other keys are the slider's."""
        key, is_jump = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if not is_jump or key not in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            super().keyPressEvent(event)
            return
        values = [value for value, _ in self.marks]
        if key == Qt.Key.Key_Left:
            self.setValue(max((value for value in values if value < self.value()), default=self.value()))
        else:
            self.setValue(min((value for value in values if value > self.value()), default=self.value()))

    @guarded(False)
    def event(self, event: QEvent) -> bool:
        """Say what is at the mark under the pointer."""
        if isinstance(event, QHelpEvent) and (text := self.mark_at(event.pos().x())):
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)
