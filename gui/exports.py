"""Pictures of the window and of single panels, as PNG, SVG or PDF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QPoint, QSize, QSizeF
from PySide6.QtGui import QPageLayout, QPageSize, QPaintDevice, QPdfWriter
from PySide6.QtWidgets import QWidget

_DOTS_PER_INCH: Final = 96
_POINTS_PER_INCH: Final = 72.0


def picture(widget: QWidget, ending: str) -> bytes:
    """Return a widget as it looks now, as the content of a file with an ending of `FORMATS`.

    Raises:
        ValueError: one sentence, for another ending.
        RuntimeError: when nothing could be drawn.
    """
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    draw_as(ending)(widget, buffer)
    return bytes(content.data())


def draw_as(ending: str) -> Callable[[QWidget, QBuffer], None]:
    """Return what draws files with an ending; ValueError names those there are."""
    if ending.lower() not in FORMATS:
        raise ValueError(f"a picture must end in {', '.join(FORMATS)}, not {ending!r}.")
    return FORMATS[ending.lower()]


def write(path: Path, widget: QWidget) -> None:
    """Write a picture of a widget to a file, whole or not at all; ValueError or OSError when that fails."""
    from engine.outputs import replacing

    content = picture(widget, path.suffix)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _draw_png(widget: QWidget, buffer: QBuffer) -> None:
    if not widget.grab().save(buffer, "PNG"):
        raise RuntimeError("The picture could not be drawn.")


def _draw_svg(widget: QWidget, buffer: QBuffer) -> None:
    from gui.svg_pictures import svg

    buffer.write(svg(widget).encode())


def _draw_pdf(widget: QWidget, buffer: QBuffer) -> None:
    writer = QPdfWriter(buffer)
    writer.setResolution(_DOTS_PER_INCH)
    writer.setPageSize(QPageSize(_page_points(widget.size()), QPageSize.Unit.Point))
    writer.setPageMargins(QMarginsF(0.0, 0.0, 0.0, 0.0), QPageLayout.Unit.Point)
    writer.setTitle(widget.windowTitle() or widget.accessibleName())
    _render(widget, writer)


def _page_points(size: QSize) -> QSizeF:
    return QSizeF(size) * (_POINTS_PER_INCH / _DOTS_PER_INCH)


def _render(widget: QWidget, device: QPaintDevice) -> None:
    widget.render(device, QPoint(0, 0))


FORMATS: Final[dict[str, Callable[[QWidget, QBuffer], None]]] = {
    ".png": _draw_png,
    ".svg": _draw_svg,
    ".pdf": _draw_pdf,
}
