"""Python's search for unused cycles, kept in the window's thread.

It runs in whichever thread happens to allocate, and what it finds is destroyed there. A widget that is
destroyed in the engine's thread stops timers of another thread, or takes the process with it. So while there are
other threads, the search is off, and the window's timer does it instead, at the usual thresholds.
"""

from __future__ import annotations

import gc


class GarbageKeeper:
    """Does what the interpreter would do by itself, but only when `collect` is called."""

    def __init__(self) -> None:
        self._was_enabled = False
        self._is_frozen = False

    def start(self) -> None:
        """Take over from the interpreter."""
        self._was_enabled = gc.isenabled()
        gc.disable()

    def stop(self) -> None:
        """Give back to the interpreter."""
        if self._is_frozen:
            gc.unfreeze()
            self._is_frozen = False
        if self._was_enabled:
            gc.enable()

    def freeze(self) -> None:
        """Leave out what is there already, once: a search through all of numba's objects takes 0.1 s."""
        if not self._is_frozen:
            self._is_frozen = True
            gc.freeze()

    def collect(self) -> None:
        """Search the youngest generations whose threshold is passed."""
        counts, thresholds = gc.get_count(), gc.get_threshold()
        due = [generation for generation in range(3) if counts[generation] > thresholds[generation] > 0]
        if due and due[0] == 0:
            gc.collect(max(due))
