"""How many cores this process may use."""

from __future__ import annotations

import os
from typing import Final

_MOST_THREADS: Final = 8


def usable_cores() -> int:
    """Return how many cores the system lets this process run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_threads() -> int:
    """Return how many threads share one step unless somebody says otherwise: one core is left to the screen.

    Without that, on two cores, a window that draws 60 frames a second takes a third of a shared step's speed.
    """
    return max(1, min(_MOST_THREADS, usable_cores() - 1))
