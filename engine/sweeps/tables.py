"""Results as text: one line a run."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.sweeps.results import Results


def as_csv(results: Results) -> str:
    """Return all runs as CSV text: cell, the value of each axis, status, reason, n_steps, seconds, the measures.

    What is not there is empty; each float reads back as the same float.
    """
    sweep, text = results.sweep, io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    axes, measures = [axis.name for axis in sweep.axes], [measure.name for measure in sweep.measures]
    writer.writerow(["cell", *axes, "status", "reason", "n_steps", "seconds", *measures])
    for cell, *rest in results.rows():
        writer.writerow([cell, *sweep.values(cell).values(), *rest])
    return text.getvalue()
