"""FrameMeter: how many frames a second the window draws, and how much work each takes."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

_KEPT: Final = 600  # frames, about ten seconds


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """What was measured over the last frames.

    Attributes:
        n_frames: how many frames the figures rest on.
        per_s: frames a second.
        work_median_ms, work_95_ms: time that the window's thread worked on a frame; the median, and the
            value that 95 % of the frames stay under.
    """

    n_frames: int
    per_s: float
    work_median_ms: float
    work_95_ms: float


class FrameMeter:
    """Counts frames. A frame is a report that was handed over and painted, in however many pieces.

    Its work is the processor time of the window's thread from one report to the next: handing over, layout,
    painting and whatever else the tool kit does, but no waiting.
    """

    def __init__(self) -> None:
        self._works_s: deque[float] = deque(maxlen=_KEPT)
        self._times_s: deque[float] = deque(maxlen=_KEPT)
        self._is_painted = False
        self._used_s = time.thread_time()

    def note_paint(self) -> None:
        """Something was painted."""
        self._is_painted = True

    def begin_frame(self) -> None:
        """A new report is about to be handed over: the frame before it ends here, if it was painted."""
        now_s, used_s = time.perf_counter(), time.thread_time()
        if self._is_painted:
            self._works_s.append(used_s - self._used_s)
            self._times_s.append(now_s)
        self._is_painted, self._used_s = False, used_s

    def clear(self) -> None:
        """Forget all frames, to measure anew."""
        self._works_s.clear()
        self._times_s.clear()
        self._is_painted = False
        self._used_s = time.thread_time()

    def figures(self) -> FrameFigures:
        """Return the figures of the last frames; zeros while there are fewer than two."""
        n = len(self._times_s)
        if n < 2:
            return FrameFigures(n, 0.0, 0.0, 0.0)
        elapsed_s = self._times_s[-1] - self._times_s[0]
        median, most = np.percentile(np.array(self._works_s) * 1e3, (50, 95))
        return FrameFigures(n, (n - 1) / max(elapsed_s, 1e-9), float(median), float(most))
