"""FrameMeter: how many frames a second the window draws, and how much work each takes."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_KEPT: Final = 4096  # frames, about a minute


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """What was measured over the last frames.

    Attributes:
        n_frames: how many frames the figures rest on.
        per_s: frames a second over all of them.
        per_s_median: frames in a second, the median of the whole seconds; as per_s where there is none.
        work_median_ms, work_95_ms: time that the window's thread worked on a frame; the median, and the
            value that 95 % of the frames stay under.
        longest_gap_ms: the longest time from the end of one frame's painting to that of the next.
        share: of one core that the window's thread took, frame or not.
    """

    n_frames: int
    per_s: float
    per_s_median: float
    work_median_ms: float
    work_95_ms: float
    longest_gap_ms: float
    share: float


class FrameMeter:
    """Counts frames. A frame is a tick of the window's timer after which something was painted.

    Its work is the processor time of the window's thread from one tick to the next: handing over, layout,
    painting and whatever else the tool kit does, but no waiting.
    """

    def __init__(self) -> None:
        self._works_s: deque[float] = deque(maxlen=_KEPT)
        self._times_s: deque[float] = deque(maxlen=_KEPT)
        self._used_s = 0.0
        self.clear()

    def note_paint(self) -> None:
        """Something was painted just now."""
        self._painted_s = time.perf_counter()

    def begin_frame(self) -> None:
        """The timer went off: the frame before ends here, if anything was painted."""
        used_s = time.thread_time()
        if self._painted_s:
            self._works_s.append(used_s - self._used_s)
            self._times_s.append(self._painted_s)
        self._painted_s, self._used_s = 0.0, used_s

    def clear(self) -> None:
        """Forget all frames, to measure anew."""
        self._works_s.clear()
        self._times_s.clear()
        self._painted_s = 0.0
        self._began_s, self._used_before_s = time.perf_counter(), time.thread_time()
        self._used_s = self._used_before_s

    def figures(self) -> FrameFigures:
        """Return the figures of the last frames; zeros while there are fewer than two."""
        n = len(self._times_s)
        if n < 2:
            return FrameFigures(n, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        times_s = np.array(self._times_s)
        median, most = np.percentile(np.array(self._works_s) * 1e3, (50, 95))
        per_s = (n - 1) / max(float(times_s[-1] - times_s[0]), 1e-9)
        share = (time.thread_time() - self._used_before_s) / max(time.perf_counter() - self._began_s, 1e-9)
        return FrameFigures(
            n_frames=n,
            per_s=per_s,
            per_s_median=_per_second(times_s) or per_s,
            work_median_ms=float(median),
            work_95_ms=float(most),
            longest_gap_ms=float(np.diff(times_s).max()) * 1e3,
            share=share,
        )


def _per_second(times_s: npt.NDArray[np.float64]) -> float:
    """Return the median of the counts of times (n,) in each whole second from the first of them on; 0 for none."""
    since_s = times_s - times_s[0]
    counts = np.bincount(since_s.astype(np.int64))[:-1]  # the last second is not whole
    return float(np.median(counts)) if len(counts) else 0.0
