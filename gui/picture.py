"""A picture of the window without a screen, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import checks
from engine.films import SMALLEST, THEMES
from engine.lessons import load_lesson
from gui import stage

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from gui.window import Window

LARGEST: Final = (7680, 4320)
_ENDINGS: Final = (".png", ".svg", ".pdf")  # those of gui.exports, which comes with Qt


def save_picture(
    lesson_id: str,
    n_steps: int,
    size: tuple[int, int],
    out: Path,
    panel: str | None = None,
    theme: str = "light",
) -> None:
    """Train a lesson for n_steps steps and save the window as it looks then, as PNG, SVG or PDF.

    Args:
        lesson_id: a lesson.
        n_steps: steps to take; 0 draws the start. A run that diverges before is drawn where it stopped.
        size: (width, height) in pixels.
        out: the file, its ending says as what; an older one is replaced only when the picture is complete.
        panel: id of the panel to be drawn alone, as large as the window; None for the window.
        theme: "light" or "dark".

    Raises:
        ValueError: one sentence, for an unknown lesson, a size or a name that will not do.
        OSError: one sentence, for a file that cannot be written; this is found out before training.
        RuntimeError: one sentence, when the engine cannot run the lesson.
    """
    lesson = load_lesson(lesson_id)
    checks.whole_number("n_steps", n_steps, at_least=0)
    _check_size(size)
    _check_target(out)
    checks.choice("theme", theme, THEMES)
    with stage.quiet():
        window = stage.open_offscreen(lesson, size)
        try:
            stage.dress(window, theme)
            drawn = stage.choose(window, panel, size)
            stage.wait_for_run(window)
            stage.train_to(window, n_steps)
            _write(out, _draw(window, drawn, out.suffix))
        finally:
            window.close()


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if not (SMALLEST[0] <= width <= LARGEST[0] and SMALLEST[1] <= height <= LARGEST[1]):
        raise ValueError(
            f"size must lie between {SMALLEST[0]}x{SMALLEST[1]} and {LARGEST[0]}x{LARGEST[1]}, "
            f"not {width}x{height}."
        )


def _check_target(out: Path) -> None:
    if out.suffix.lower() not in _ENDINGS:
        raise ValueError(f"out must end in {', '.join(_ENDINGS)}, not {out.name!r}.")
    if out.is_dir():
        raise OSError(f"{out} is a folder; out must name a file.")
    if not out.parent.is_dir():
        raise OSError(f"{out} cannot be written: there is no folder {out.parent}.")
    try:
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise OSError(f"{out} cannot be written: {error.strerror or error}.") from None


def _draw(window: Window, drawn: QWidget, ending: str) -> bytes:
    """Return the content of a file, after all jobs are done and everything has been painted."""
    from gui import exports

    stage.settle(window)
    return exports.picture(drawn, ending)


def _write(out: Path, content: bytes) -> None:
    """Write beside the file and rename: the old file or the whole new one, never half of one."""
    try:
        temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
        try:
            temporary.write_bytes(content)
            temporary.replace(out)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(f"{out} cannot be written: {error.strerror or error}.") from None
