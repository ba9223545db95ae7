"""SVG of a widget: one nested picture for each widget in it, because that is what clips in every SVG viewer.

QSvgGenerator writes no clipping (SVG Tiny) or writes it in other coordinates than the drawing's (SVG 1.1, Qt 6.11):
scrolled text would run over its frame, and curves would be gone.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from html import escape
from itertools import count
from typing import Final

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, Qt
from PySide6.QtGui import QImage, QPixmap, QRegion
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QMenuBar, QSlider, QWidget

_CLIPPED_INSIDE: Final = (QMenuBar, QSlider)
"""Widgets whose own drawing needs clipping: words on a menu bar, the filled part of a slider. They become images."""
_IMAGE_SCALE: Final = 3  # of those
_FEWEST_PX: Final = 512  # along the longer side of an image: viewers blur what they have to enlarge
_CONTENT: Final = re.compile(r"</desc>(.*)</svg>\s*\Z", re.DOTALL)
_DRAWN: Final = re.compile(r"<(?:path|image|text|rect|circle|ellipse|line|polyline|polygon|use)\b")
_NAMES: Final = re.compile(r'( id="|url\(#|href="#)')
_IMAGE: Final = re.compile(r'(<image [^>]*optimizeSpeed"[^>]*base64,)([^"]*)')


def svg(widget: QWidget) -> str:
    """Return a widget as it looks now, with all that is in it, as the text of an SVG file."""
    title = escape(widget.windowTitle() or widget.accessibleName())
    head = f'{_open(widget)} xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    content = f"<title>{title}</title>\n{_nested(widget, count(), QWidget.RenderFlag.DrawWindowBackground)}"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{content}</svg>\n'


def _nested(
    widget: QWidget, numbers: Iterator[int], flags: QWidget.RenderFlag = QWidget.RenderFlag.IgnoreMask
) -> str:
    """Return what a widget draws and, each in a picture of its own at its place, what its children do."""
    if isinstance(widget, _CLIPPED_INSIDE):
        return _as_image(widget)
    parts = [_own(widget, f"w{next(numbers)}", flags)]
    for child in widget.children():
        if isinstance(child, QWidget) and child.isVisible() and not child.isWindow():
            content = _nested(child, numbers)
            if content:
                parts.append(f'{_open(child)} x="{child.x()}" y="{child.y()}">\n{content}</svg>\n')
    return "".join(parts)


def _open(widget: QWidget) -> str:
    width, height = widget.width(), widget.height()
    return f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" overflow="hidden"'


def _own(widget: QWidget, prefix: str, flags: QWidget.RenderFlag) -> str:
    """Return what a widget itself draws, with names that no other has; "" where that is nothing."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(widget.size())
    generator.setViewBox(widget.rect())
    QWidget.render(widget, generator, QPoint(0, 0), QRegion(), flags)  # a QGraphicsView has another render
    found = _CONTENT.search(bytes(content.data()).decode())
    if found is None or not _DRAWN.search(found[1]):
        return ""
    return _IMAGE.sub(_enlarged, _NAMES.sub(rf"\g<1>{prefix}_", found[1]))


def _enlarged(found: re.Match[str]) -> str:
    """Return an image element, drawn without smoothing, whose pixels are squares of many pixels."""
    image = QImage.fromData(QByteArray.fromBase64(found[2].encode()))
    factor = _FEWEST_PX // max(1, image.width(), image.height())
    if factor < 2:
        return found[0]
    return found[1] + _png(image.scaled(image.size() * factor, mode=Qt.TransformationMode.FastTransformation))


def _as_image(widget: QWidget) -> str:
    pixmap = QPixmap(widget.size() * _IMAGE_SCALE)
    pixmap.setDevicePixelRatio(_IMAGE_SCALE)
    pixmap.fill(Qt.GlobalColor.transparent)
    QWidget.render(widget, pixmap, QPoint(0, 0), QRegion(), QWidget.RenderFlag.DrawChildren)
    place = f'width="{widget.width()}" height="{widget.height()}"'
    return f'<image {place} xlink:href="data:image/png;base64,{_png(pixmap.toImage())}"/>\n'


def _png(image: QImage) -> str:
    """Return an image as PNG in base 64."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QPixmap.fromImage(image).save(buffer, "PNG")
    return base64.b64encode(content.data()).decode()
