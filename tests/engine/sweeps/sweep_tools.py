"""What the tests of sweeps share: small sweeps, and a batch that kills its worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.sweeps.cell import Row, run_batch
from engine.sweeps.results import Results, plain_row
from engine.sweeps.sweep import Sweep, read_sweep

MARKER = "SWEEP_TEST_MARKER"
FATAL_CELL = "SWEEP_TEST_FATAL_CELL"


def content(**changes: Any) -> dict[str, Any]:
    """Return a sweep of 2 widths x 2 rates x 10 starts on XOR; the larger rate and None take keys away."""
    made = {
        "title": "XOR",
        "settings": {"data": "xor", "hidden": [2], "init": "normal", "init_scale": 1.0},
        "axes": {"width": [2, 3], "learning_rate": [0.5, 1.0], "seed": {"seeds": 10}},
        "stop": {"n_steps": 300, "loss_below": 0.3},
        "measures": {
            "loss": "loss",
            "rise": "first_loss_rise",
            "verdict": {"kind": "verdict", "claim": "descent"},
        },
    }
    made |= changes
    return {key: value for key, value in made.items() if value is not None}


def small_sweep(**changes: Any) -> Sweep:
    return read_sweep("small", content(**changes))


def plain(results: Results) -> list[tuple[Any, ...]]:
    return [plain_row(row) for row in results.rows()]


def run_batch_and_die(text: str, cells: Sequence[int]) -> list[Row]:
    """Run a batch; kill the process before the fatal cell, every time or, if the marker names a file, once."""
    fatal, marker = int(os.environ[FATAL_CELL]), os.environ[MARKER]
    if fatal in cells and not (marker and Path(marker).exists()):
        if marker:
            Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return run_batch(text, cells)
