"""How a worker process of this machine begins. Nothing heavy is imported here: it comes before everything else."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import Final

ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Set before numpy is imported: every core has a worker of its own, and none has threads to spare."""

_WATCH_S: Final = 1.0


def prepare(is_polite: bool, parent: int) -> None:
    """Leave Ctrl-C to the process that asked, parent, and end when that ends, however it does.

    A polite worker lets everything else on the machine go first.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), name="sweep-watch", daemon=True).start()
    if is_polite and hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(15)


def _end_with(parent: int) -> None:
    """End this process when its parent is another: that is how an orphan is told (not on Windows)."""
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os.kill(os.getpid(), signal.SIGTERM)
