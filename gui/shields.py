"""Shield: a widget around another one that keeps changes of text from having the whole window laid out anew."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QWidget


class Shield(QWidget):
    """Holds one widget that fills it, without a layout.

    A label whose text changes asks its parent for another layout, that one asks its own, and so on up to the
    window: 2 ms for a number in a toolbar. Here it ends, unless the content really needs another size.
    """

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        content.setParent(self)
        self.setSizePolicy(content.sizePolicy())
        self._hints = self.sizeHint(), self.minimumSizeHint()

    def sizeHint(self) -> QSize:
        """Return the content's size hint."""
        return self._content.sizeHint().expandedTo(self._content.minimumSize())

    def minimumSizeHint(self) -> QSize:
        """Return the smallest size that the content can have."""
        return self._content.minimumSizeHint().expandedTo(self._content.minimumSize())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the content fill the place."""
        super().resizeEvent(event)
        self._content.setGeometry(self.rect())

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for a layout: what changed while nothing was to be seen was not heard of."""
        super().showEvent(event)
        self._compare_hints()

    def event(self, event: QEvent) -> bool:
        """Ask for another layout only where the content's needs have changed."""
        if event.type() is QEvent.Type.LayoutRequest:
            self._compare_hints()
        return super().event(event)

    def _compare_hints(self) -> None:
        hints = self.sizeHint(), self.minimumSizeHint()
        if hints != self._hints:
            self._hints = hints
            self.updateGeometry()
