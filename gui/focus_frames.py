"""FramedWidget: what paints itself in the colours of a theme, with a frame while it has the focus."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gui.guards import painting
from gui.theme import Theme

_WIDTH_PX: Final = 2.0


class FramedWidget(QWidget):
    """A widget that is painted by hand and can be reached by Tab: `paint_inside` draws what is its own.

    Attributes:
        theme: the colours in use.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours."""
        self.theme = theme
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the focus is."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that the focus is elsewhere."""
        super().focusOutEvent(event)
        self.update()

    def paint_inside(self, painter: QPainter) -> None:
        """Draw what there is, on the ground of the panel."""
        raise NotImplementedError

    @painting
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ground, what there is, and the frame over it if the focus is here."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.theme.panel))
        painter.save()
        self.paint_inside(painter)
        painter.restore()
        if self.hasFocus():
            painter.setPen(QPen(QColor(self.theme.accent), _WIDTH_PX))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
