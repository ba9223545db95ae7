"""What a benchmark came to: lines for a terminal, in plain ASCII, and a list for JSON."""

from __future__ import annotations

from typing import Final

from engine.bench.contest import Outcome, Row
from engine.bench.entrants import BLAS, MACHINE
from engine.bench.works import Goal, Work

_WIDTH: Final = 24


def as_lines(work: Work, outcome: Outcome) -> str:
    """Return the table of one work, ours first."""
    rounds = f"median of {outcome.n_rounds} rounds"
    lines = [f"{work.name}: {work.title}", f"  {'ours':<{_WIDTH}}{duration(outcome.ours_s):>9}  {rounds}"]
    lines += [f"  {row.peer:<{_WIDTH}}{_row(row)}" for row in outcome.rows]
    lines += [f"  {goal_line(goal, outcome)}" for goal in work.goals]
    return "\n".join(lines)


def as_list(work: Work, outcome: Outcome) -> list[dict[str, object]]:
    """Return an object for each contestant that was timed."""
    return [
        {
            "work": work.name,
            "ours_s": row.ours_s,
            "peer": row.peer,
            "peer_s": row.peer_s,
            "ratio": row.ratio,
        }
        for row in outcome.rows
        if not row.problem
    ]


def has_failed(outcome: Outcome) -> bool:
    """Whether a contestant that is installed could not be timed or computed something else."""
    return any(row.problem and not row.is_missing for row in outcome.rows)


def best_peer(outcome: Outcome) -> Row | None:
    """Return the fastest library."""
    timed = [row for row in outcome.rows if row.is_peer and not row.problem]
    return min(timed, key=lambda row: row.peer_s, default=None)


def row_of(outcome: Outcome, peer: str) -> Row | None:
    """Return the row of a contestant that was timed."""
    return next((row for row in outcome.rows if row.peer == peer and not row.problem), None)


def judged(goal: Goal, outcome: Outcome) -> Row | None:
    """Return the row that a goal is about, None if nobody was timed."""
    return row_of(outcome, goal.peer) if goal.peer else best_peer(outcome)


def goal_line(goal: Goal, outcome: Outcome) -> str:
    """Return in one line what was wanted and what came of it."""
    wanted = f"wanted: {goal.ratio:.3g} times {goal.peer or 'the fastest library'}"
    row = judged(goal, outcome)
    if row is None:
        return f"{wanted}; not measured"
    against = "" if goal.peer else f", beside {row.peer}"
    return f"{wanted}; {'reached' if row.ratio >= goal.ratio else 'missed'} with {row.ratio:.3g}{against}"


def duration(seconds: float) -> str:
    """Return a short time with three digits: "14.2 us", "1.05 ms", "93.1 s"."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= size:
            return f"{seconds / size:#.3g}".rstrip(".") + f" {unit}"
    return f"{seconds * 1e9:#.3g}".rstrip(".") + " ns"


def _row(row: Row) -> str:
    if row.problem:
        return row.problem
    if row.peer == MACHINE:
        return (
            f"{duration(row.peer_s):>9}  for as many operations: ours reaches {row.ratio:.0%} of that speed"
        )
    text = f"{duration(row.peer_s):>9}  {row.ratio:.3g} times ours ({row.way})"
    return text if row.peer != BLAS else text.replace(f"({row.way}", f"(our own other arithmetic, {row.way}")
