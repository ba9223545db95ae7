"""Threads that help the one that asks them, and stay off its core.

A system that wakes a thread while all cores look busy queues it behind the thread that woke it, and may leave both
on one core for a tenth of a second while another core idles: then two threads take as long as one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

Result = TypeVar("Result")


def _core_asker() -> Callable[[], int] | None:
    """Return the C library's function that tells the core of the calling thread, where threads can be moved."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    asker = getattr(ctypes.PyDLL(None), "sched_getcpu", None)
    return asker if asker is not None and asker() >= 0 else None


_core_here: Final = _core_asker()


class Helpers:
    """A pool of n threads, which begin when they are first needed; `shutdown` ends them."""

    def __init__(self, n: int) -> None:
        self._threads: list[int] = []
        self._off: tuple[int, int] | None = None
        self._pool = ThreadPoolExecutor(
            n, "lossoscope-kernel", initializer=lambda: self._threads.append(threading.get_native_id())
        )

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Have a helper call the function."""
        return self._pool.submit(function, *arguments)

    def share(self, n_helpers: int, work: Callable[[int], Result]) -> Result:
        """Run work(0) here and work(1), work(2), ... in n_helpers helpers; return what work(0) returned.

        work(0) must be able to do everything alone: the others may come late or never.
        """
        self.keep_off()
        others = [self.submit(work, member) for member in range(1, n_helpers + 1)]
        result = work(0)
        for other in others:
            if not other.cancel():  # one that never started has nothing to do any more
                other.result()
        return result

    def keep_off(self) -> None:
        """Let no helper run on the caller's core, if there are others; costs a microsecond where nothing changed."""
        if _core_here is None or self._off == (core := _core_here(), len(self._threads)):
            return
        self._off = core, len(self._threads)
        with contextlib.suppress(OSError):  # not allowed, or a thread has ended: it goes on without
            others = os.sched_getaffinity(0) - {core}
            for thread in self._threads if others else ():
                os.sched_setaffinity(thread, others)

    def shutdown(self) -> None:
        """End the threads when what they do is done."""
        self._pool.shutdown()
