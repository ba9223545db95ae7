"""How far a long piece of work is: a bar where somebody watches a terminal, a few lines where a file does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

_REDRAW_S: Final = 0.1
_N_LINES: Final = 4  # where the output is no terminal: one line a quarter
_WIDEST_BAR: Final = 32


class Progress:
    """Shows how much of a known amount of work is done, and how long the rest will take.

    Args:
        n_total: the amount of work.
        unit: what it is counted in, as "steps"; "" shows the share only.
        stream: where it is shown; a bar is drawn only on a terminal.
        clock: seconds that only grow; an argument for the tests.
    """

    def __init__(
        self, n_total: int, unit: str, stream: TextIO, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._n_total = n_total
        self._unit = unit
        self._stream = stream
        self._clock = clock
        self._is_terminal = stream.isatty()
        self._started_s = self._redrawn_s = clock()
        self._lines_written = 0
        self._drawn_width = 0

    def show(self, n_done: int, note: str = "") -> None:
        """Show n_done of n_total with a note behind it; cheap enough to be called all the time."""
        if self._is_terminal:
            if self._clock() - self._redrawn_s >= _REDRAW_S:
                self._draw(self._bar(n_done, note))
        elif n_done * _N_LINES // max(1, self._n_total) > self._lines_written:
            self._lines_written = n_done * _N_LINES // self._n_total
            self._stream.write(self._words(n_done, note) + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Take the bar away; lines stay."""
        if self._drawn_width:
            self._stream.write("\r" + " " * self._drawn_width + "\r")
            self._stream.flush()
            self._drawn_width = 0

    def _words(self, n_done: int, note: str) -> str:
        share = n_done / self._n_total
        parts = [
            f"{share:4.0%}",
            f"{n_done:,} of {self._n_total:,} {self._unit}" if self._unit else "",
            note,
            self._time_left(n_done),
        ]
        return "  ".join(part for part in parts if part)

    def _bar(self, n_done: int, note: str) -> str:
        words, width = self._words(n_done, note), _width(self._stream) - 1
        room = min(_WIDEST_BAR, width - len(words) - 4)
        if room < 4:
            return words[:width]
        filled = room * n_done // self._n_total
        return f"[{'#' * filled}{'.' * (room - filled)}]  {words}"

    def _draw(self, text: str) -> None:
        self._redrawn_s = self._clock()
        self._stream.write("\r" + text.ljust(self._drawn_width))
        self._stream.flush()
        self._drawn_width = len(text)

    def _time_left(self, n_done: int) -> str:
        if not 0 < n_done < self._n_total:
            return ""
        left_s = (self._clock() - self._started_s) / n_done * (self._n_total - n_done)
        return f"{duration(left_s)} left"


@contextmanager
def notice(text: str, stream: TextIO) -> Iterator[None]:
    """Show a line on a terminal as long as something lasts whose progress is unknown; nothing elsewhere."""
    if not stream.isatty():
        yield
        return
    stream.write(text)
    stream.flush()
    try:
        yield
    finally:
        stream.write("\r" + " " * len(text) + "\r")
        stream.flush()


def duration(seconds: float) -> str:
    """Return a time as a person would say it: "0.3 s", "42 s", "3 min 5 s", "2 h 10 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
