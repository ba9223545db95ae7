"""Icons: the bundled SVG files, drawn in the colours of a theme.

They are drawn and not typed, because the glyphs for pause and stop are missing from common fonts.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

FOLDER: Final = Path(__file__).resolve().parent.parent / "assets" / "icons"
_SIZES: Final = (18, 36, 54)  # one, two and three device pixels to a point
_COLOUR_IN_FILE: Final = 'color="#111111"'


def icon_names() -> tuple[str, ...]:
    """Return the names of all bundled icons."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.svg")))


@cache
def icon(name: str, colour: str, disabled: str = "") -> QIcon:
    """Return an icon in a colour (#rrggbb), and in another for what cannot be used now."""
    made = QIcon()
    for size in _SIZES:
        made.addPixmap(pixmap(name, colour, size))
        made.addPixmap(pixmap(name, disabled or colour, size), QIcon.Mode.Disabled)
    return made


@cache
def pixmap(name: str, colour: str, size: int, ratio: float = 1.0) -> QPixmap:
    """Return an icon as a square picture of size device-independent pixels."""
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    _renderer(name, colour).render(painter, QRectF(picture.rect()))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


@cache
def _renderer(name: str, colour: str) -> QSvgRenderer:
    """Return what draws an icon in a colour, in any size."""
    text = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    return QSvgRenderer(QByteArray(text.replace(_COLOUR_IN_FILE, f'color="{colour}"').encode()))
