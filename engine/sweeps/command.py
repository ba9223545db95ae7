"""The command `sweep`: one question over many runs, on all cores or on a cluster."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from engine import checks
from engine.console import (
    DONE,
    FAILED,
    INTERRUPTED,
    CommandError,
    as_target,
    command,
    number,
    reading_input,
    write,
)
from engine.cores import usable_cores

if TYPE_CHECKING:
    from engine.sweeps.results import Results
    from engine.sweeps.running import Running
    from engine.sweeps.workers import Cluster, Crew


@command
def sweep(
    file: str,
    out: str | None = None,
    workers: str | None = None,
    scheduler: str | None = None,
    csv: str | None = None,
) -> int:
    """Run what is left of a sweep, and print what came of it.

    Args:
        file: a sweep file, or the id of a sweep that comes with the program.
        out: the results, an SQLite file that is gone on with where it is there; by default ID.sqlite here.
        workers: number of processes on this machine, as text; None for one a core.
        scheduler: address of a Dask scheduler, whose workers are used instead.
        csv: file for all results as a table, written whole or not at all.

    Returns:
        1 when every cell failed, else 0; 130 after Ctrl-C, and then a second call goes on.
    """
    from engine import outputs
    from engine.sweeps import lock
    from engine.sweeps.results import open_or_make
    from engine.sweeps.sweep import load_sweep
    from engine.sweeps.tables import as_csv
    from engine.sweeps.workers import Crew

    with ExitStack() as stack:
        with reading_input():
            asked = load_sweep(file)
            path = as_target("out", out if out is not None else f"{asked.sweep_id}.sqlite")
            targets = {"out": path} | ({} if csv is None else {"csv": as_target("csv", csv)})
            outputs.check_targets(**targets)
            stack.enter_context(lock.held(path))
            crew = _workers(workers, scheduler)
            if isinstance(crew, Crew) and not path.exists():  # or a file without a result would be left
                asked.check_data()
            results = stack.enter_context(open_or_make(path, asked))
        seconds = _run(results, crew)
        print(_report(results, seconds))
        if "csv" in targets:
            write(targets["csv"], as_csv(results))
        return FAILED if results.counts().get("failed") == asked.n_cells else DONE


def _workers(workers: str | None, scheduler: str | None) -> Crew | Cluster:
    from engine.sweeps.workers import Cluster, Crew

    if scheduler is None:
        n = usable_cores() if workers is None else checks.whole_number("--workers", number(workers), 1, 1024)
        return Crew(n)
    if workers is not None:
        raise ValueError("--workers must not be given with --scheduler: the cluster has its own.")
    return Cluster(scheduler)


def _run(results: Results, crew: Crew | Cluster) -> float:
    """Run what is left, showing how far it is; returns the seconds it took."""
    from engine.sweeps.running import Running
    from engine.sweeps.workers import Crew

    started = time.perf_counter()
    try:
        running = Running(results, crew)
        if running.n_left and isinstance(crew, Crew):  # of a cluster only its workers know what they have
            with reading_input():
                results.sweep.check_data()
        _show(running)
    except KeyboardInterrupt:
        raise CommandError(_interrupted(results), INTERRUPTED) from None
    except CommandError:
        raise
    except OSError as error:
        raise CommandError(str(error), FAILED) from error
    except Exception as error:  # as of a cluster whose workers have another version of the program, or none
        sentence = f"A worker could not go on ({type(error).__name__}: {error}); what came back is kept."
        raise CommandError(sentence, FAILED) from error
    return time.perf_counter() - started


def _show(running: Running) -> None:
    from engine.progress import Progress

    progress, n_done = Progress(max(1, running.n_left), "runs", sys.stderr), 0
    progress.show(0)
    try:
        with closing(running.written()) as parts:  # closed at once, so that what came back is written
            for rows in parts:
                n_done += len(rows)
                progress.show(n_done)
    finally:
        progress.close()


def _interrupted(results: Results) -> str:
    n_there = sum(results.counts().values())
    return (
        f"Stopped by Ctrl-C with {n_there:,} of {results.sweep.n_cells:,} runs in {results.path}; "
        "the same command goes on."
    )


def _report(results: Results, seconds: float) -> str:
    from engine.progress import duration

    counts = results.counts()
    lines = [
        f"{results.sweep.title}: {sum(counts.values()):,} runs in {results.path}, this time in {duration(seconds)}",
        *(f"  {status:<10}{n:>10,}{_first(results, status)}" for status, n in counts.items()),
    ]
    return "\n".join(lines)


def _first(results: Results, status: str) -> str:
    reason = results.first_reason(status)
    return f"   the first: {reason}" if reason else ""
