"""Keys and gestures that several panels share, as (keys, what they do), for their pages of help."""

from __future__ import annotations

from typing import Final

KeyTable = tuple[tuple[str, str], ...]

ZOOM: Final[KeyTable] = (
    ("Wheel", "Zoom; over an axis, that axis only"),
    ("Drag", "Move what is seen"),
    ("Double click", "Show everything again"),
)
AXIS: Final[KeyTable] = (("Right button", "Logarithmic or linear axis"),)
READ: Final[KeyTable] = (
    ("Left, Right", "Read the exact values one step before or after; with Shift ten times as far"),
    ("Pointer", "Read the exact values under it"),
)
READ_PLANE: Final[KeyTable] = (
    ("Arrows", "Move the reading point; with Shift ten times as far"),
    ("Pointer", "Read the exact values under it"),
)
RECOMPUTE: Final[KeyTable] = (("U", "Compute it anew at the present step"),)
EVERYWHERE: Final[KeyTable] = (
    ("Tab, Shift+Tab", "Go to the next or the previous button, list or plot"),
    ("Ctrl+P, Ctrl+C", "Save or copy a picture of this panel"),
    ("F1", "Show this page"),
)
