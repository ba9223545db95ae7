"""How a worker process of this machine begins. Nothing heavy is imported here: it comes before everything else."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Final

ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Set before numpy is imported: every core has a worker of its own, and none has threads to spare."""


def prepare(is_polite: bool) -> None:
    """Leave Ctrl-C to the process that asked; a polite worker lets everything else on the machine go first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if is_polite and hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(15)
