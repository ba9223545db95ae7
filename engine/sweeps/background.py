"""A sweep beside the window: its rows come by a queue while it runs, and it makes room for everything else."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from engine.cores import usable_cores
from engine.datasets.folders import data_folder
from engine.sweeps.cell import Row
from engine.sweeps.lock import held
from engine.sweeps.results import Results, open_or_make, open_results
from engine.sweeps.running import Running
from engine.sweeps.sweep import Sweep
from engine.sweeps.workers import Crew

_ROWS_A_PART = 2000


def usual_path(sweep: Sweep) -> Path:
    """Return where the window keeps the results of a sweep: one file for each question."""
    import hashlib

    number = hashlib.sha256(sweep.question().encode()).hexdigest()[:8]
    return data_folder("sweeps") / f"{sweep.sweep_id}-{number}.sqlite"


def polite_workers() -> int:
    """Return how many processes run a sweep beside the window: one core stays free."""
    return max(1, usable_cores() - 1)


def iter_rows(
    path: Path,
    sweep: Sweep | None,
    rows: SimpleQueue[list[Row]],
    is_cancelled: Callable[[], bool],
    n_workers: int = 0,
) -> Generator[tuple[float, Sweep], None, None]:
    """Yield (share done, the sweep) while the rows of a results file, and then those that are run, go into a queue.

    Args:
        path: of the results; made where there are none and sweep is given.
        sweep: whose results they must be; None for whatever is there.
        n_workers: processes that run what is left; 0 for reading alone.

    Raises:
        ValueError, OSError: one sentence, where the file cannot be used.
    """
    if sweep is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if n_workers:
            if sweep is not None and not path.exists():
                sweep.check_data()
            stack.enter_context(held(path))
        results = stack.enter_context(open_results(path) if sweep is None else open_or_make(path, sweep))
        n_done = 0
        for part in _parts(results):
            rows.put(part)
            n_done += len(part)
            yield n_done / results.sweep.n_cells, results.sweep
        yield n_done / results.sweep.n_cells, results.sweep
        if not n_workers:
            return
        for part in Running(results, Crew(n_workers, is_polite=True), is_cancelled).written():
            rows.put(part)
            n_done += len(part)
            yield n_done / results.sweep.n_cells, results.sweep


def _parts(results: Results) -> Generator[list[Row], None, None]:
    part: list[Row] = []
    for row in results.rows():
        part.append(row)
        if len(part) == _ROWS_A_PART:
            yield part
            part = []
    if part:
        yield part
