"""Python's search for unused cycles, kept in the window's thread.

It runs in whichever thread happens to allocate, and what it finds is destroyed there. A widget that is
destroyed in the engine's thread stops timers of another thread, or takes the process with it. So while there are
other threads, the search is off, and the window's timer does it instead, at the usual thresholds.
"""

from __future__ import annotations

import gc
import sys
from typing import Final

_MANY: Final = 30_000  # objects, which take 5 ms to search; a window with all its panels makes fewer


class GarbageKeeper:
    """Does what the interpreter would do by itself, but only when `collect` is called."""

    def __init__(self) -> None:
        self._was_enabled = False
        self._is_frozen = False
        self._n_modules = 0

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
            self._leave_out()

    def collect(self) -> None:
        """Search the youngest generations whose threshold is passed."""
        counts, thresholds = gc.get_count(), gc.get_threshold()
        due = [generation for generation in range(3) if counts[generation] > thresholds[generation] > 0]
        if due and due[0] == 0:
            if max(due) == 2 and self._is_frozen:
                self._collect_all()
            else:
                gc.collect(max(due))

    def _collect_all(self) -> None:
        """Search everything that was not left out; what comes from loading is left out first, for it stays."""
        # Jobs import more, as scipy and their kernels; kernels make many objects even without a module.
        if len(sys.modules) != self._n_modules or len(gc.get_objects(generation=2)) > _MANY:
            gc.collect(1)
            self._leave_out()
        else:
            gc.collect()

    def _leave_out(self) -> None:
        self._is_frozen = True
        self._n_modules = len(sys.modules)
        gc.freeze()
