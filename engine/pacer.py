"""Pacer: how many steps are due, for a run that is to go no faster than so many steps a second."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

_TICK_S: Final = 0.015  # what falls due within a frame of the screen is taken together
_MOST_LATE_S: Final = 0.1  # a machine that cannot keep the pace does not owe the steps that it missed


class Pacer:
    """Counts from its making: the first step is due at once, the others at even distances.

    Args:
        steps_per_s: steps a second; None for full speed.
        clock: seconds that only grow; an argument for the tests.
    """

    def __init__(
        self, steps_per_s: float | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.steps_per_s = steps_per_s
        self._clock = clock
        self._started_s = clock()
        self._n_taken = 0

    def n_due(self) -> int | None:
        """Return how many steps are due now; None where there is no pace to keep."""
        if self.steps_per_s is None:
            return None
        n_due = math.floor((self._clock() - self._started_s) * self.steps_per_s) + 1 - self._n_taken
        most = max(1, math.floor(_MOST_LATE_S * self.steps_per_s))
        if n_due > most:
            self._n_taken += n_due - most
        return max(0, min(n_due, most))

    def note(self, n_steps: int) -> None:
        """Count steps as taken."""
        self._n_taken += n_steps

    def wait_s(self) -> float:
        """Return after how many seconds the next step is due; at least a frame, 0 without a pace."""
        if self.steps_per_s is None:
            return 0.0
        due_s = self._started_s + self._n_taken / self.steps_per_s
        return max(_TICK_S, due_s - self._clock())

    def slowed(self, steps_per_s: float) -> float:
        """Return the speed that is seen where the steps themselves would give this one."""
        return steps_per_s if self.steps_per_s is None else min(steps_per_s, self.steps_per_s)
