"""What `python main.py bench [NAME ...]` does."""

from __future__ import annotations

import json as json_format
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine import checks
from engine.console import DONE, FAILED, CommandError, as_target, command, reading_input, write

if TYPE_CHECKING:
    from engine.bench.contest import Outcome
    from engine.bench.works import Work


@command
def bench(names: Sequence[str], seconds: str, json: str | None, markdown: str | None) -> int:
    """Time the engine beside whichever peers are installed, and print a table for each work.

    Args:
        names: which works; none for all.
        seconds: how long the rounds of one work last, as text.
        json, markdown: files for the results, written whole or not at all.
    """
    from engine.bench import page, report
    from engine.bench.machine import describe

    with reading_input():
        works, seconds_each = _works(names), checks.real_number("--seconds", _number(seconds), above=0.0)
        targets = _targets(json=json, markdown=markdown)
        machine = describe()
    print("; ".join(f"{name}: {value}" for name, value in machine.items()), flush=True)
    results, skipped = [], []
    for work in works:
        if work.missing:
            print(f"\n{work.name} is skipped: {work.missing}.", flush=True)
            skipped.append((work, work.missing))
            continue
        outcome = _hold(work, seconds_each)
        print(f"\n{report.as_lines(work, outcome)}", flush=True)
        results.append((work, outcome))
    if "json" in targets:
        rows = [row for work, outcome in results for row in report.as_list(work, outcome)]
        write(targets["json"], json_format.dumps(rows, indent=1) + "\n")
    if "markdown" in targets:
        text = page.as_page(results, skipped, machine)
        write(targets["markdown"], page.with_remarks(text, targets["markdown"]))
    return FAILED if any(report.has_failed(outcome) for _, outcome in results) else DONE


def _works(names: Sequence[str]) -> list[Work]:
    from engine.bench.works import WORKS

    for name in names:
        checks.choice("NAME", name, WORKS)
    return [work for work in WORKS.values() if not names or work.name in names]


def _number(text: str) -> float | str:
    """Return text as a number where it is one; else as it is, for the check to name."""
    try:
        return float(text)
    except ValueError:
        return text


def _targets(**texts: str | None) -> dict[str, Path]:
    from engine import outputs

    targets = {name: as_target(name, text) for name, text in texts.items() if text is not None}
    outputs.check_targets(**targets)
    return targets


def _hold(work: Work, seconds: float) -> Outcome:
    from engine.bench.contest import hold
    from engine.bench.process import WorkerError

    with _status_line(work.name) as tell:
        try:
            return hold(work.make(), seconds, tell)
        except WorkerError as error:
            raise CommandError(f"Ours failed at {work.name}: {error}", FAILED) from error


@contextmanager
def _status_line(name: str) -> Iterator[Callable[[str], None]]:
    """Yield what shows on a terminal who is having a turn, in a line that is gone afterwards."""
    width = 0

    def tell(who: str) -> None:
        nonlocal width
        if sys.stderr.isatty():
            line = f"{name}: {who} ..." if who else ""
            print("\r" + line.ljust(width), end="" if line else "\r", file=sys.stderr, flush=True)
            width = len(line)

    try:
        yield tell
    finally:
        tell("")
