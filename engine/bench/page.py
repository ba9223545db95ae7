"""The page docs/benchmarks.md: method, machine, tables. What people wrote below its last heading stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from engine.bench.contest import Outcome, Row
from engine.bench.entrants import BLAS, MACHINE
from engine.bench.report import duration, judged, row_of
from engine.bench.works import Goal, Work

Results = Sequence[tuple[Work, Outcome]]

_PEERS: Final = ("numpy", "PyTorch", "PyTorch point by point", "JAX", "scikit-learn")
_REMARKS: Final = "## Remarks"

_METHOD: Final = """\
# Benchmarks

Written by `python main.py bench --markdown docs/benchmarks.md`, with the libraries of `pip install -e ".[peers]"` and
MNIST at hand. `python main.py bench step-small` times one work alone; `--seconds` is how long its rounds last.

## Method

- Ours is what a user calls: `Trainer.step` with its history, `plane_slice`, `extreme_eigenpairs`, `Hessian.product`,
  in ordered arithmetic, and on as many threads as there are cores wherever the work can be shared.
- Everybody gets the same data, the same start and the same number of steps. **What comes out is compared before it is
  timed**: the loss of every step to 1e-9 of its size, error counts exactly, theta and products to 1e-9, eigenvalues
  to 1e-6 of the largest number among them (in float32 all to 1e-4, and one sample in ten thousand may change sides).
  A contestant that differs is reported as failed and is not timed.
- Each contestant is a process of its own that is stopped while the others have their turn (where the system cannot stop
  one, it waits at a pipe): some libraries' threads go on looking for work for a tenth of a second after it is done, on
  the cores of whoever comes next. Every round gives each of them one turn, and each round begins with the next of
  them. A time is the median over rounds; a ratio is the peer's median over ours. Compiling, copying the data to where
  a library wants it, and a first turn are not timed.
- Peers get the faster of one thread and all cores, and the fastest of the ways to use them:
  - numpy: written by hand, in place, weights and bias of the first layer in one product, units by samples (so that
    the softmax runs along memory), the samples whole or in blocks of 1,024; Hessian-vector products by Pearlmutter's
    operator, with what does not depend on the vector computed once;
  - PyTorch: `addmm`, `cross_entropy`, `autograd.grad` and one fused update, or the whole step through `torch.compile`
    where there is a C++ compiler; slices point by point and by `vmap`; Hessian-vector products by a second backward
    pass over a graph that is kept;
  - JAX: float64 enabled, everything under `jit`, steps in one `lax.scan`, 150 layers also in a second one; slices by
    `lax.map` with and without `vmap`; Hessian-vector products by `jvp` of `grad`, whole or linearised at theta once;
  - scikit-learn: `MLPClassifier(solver="sgd", momentum=0, alpha=0)` with the full batch, going on from our theta by
    `warm_start`. It counts no errors, so it does a little less, and checks its data at every call. It has no softmax
    for two classes, no float32 that is the same, no slices and no second derivatives, and is left out there.
- Eigenpairs: scipy's ARPACK, as `eigsh` is by default, on the products of each peer; ours has its own Lanczos
  method, which keeps every product. Start and tolerance are the same: a residual of 1e-6 of the eigenvalue. Ours
  pays for what it prepares at theta and for checking the residuals, a peer does not.
- Slices: a library goes from point to point, and every point costs it the same. So on the large slice it is timed on
  40 points spread over the grid, and the time is scaled to all 2,601; ours does the whole grid. Losses and errors
  are compared at those points.
- The share is the speed of a step's matrix products, with the zeros in the data counted too, beside the speed of
  numpy's product of two 2,000 x 2,000 matrices, of the step's dtype, in the same rounds on as many threads. Leaving
  out zeros can take it past 100 %.
- Ordered beside BLAS: how many times longer our own step takes in BLAS arithmetic (the faster of one thread and all).
  Equal units that stay equal may cost 1.3 times, which is a ratio of 0.77.
"""


def as_page(results: Results, skipped: Sequence[tuple[Work, str]], machine: dict[str, str]) -> str:
    """Return the page without its remarks."""
    parts = [
        _METHOD,
        "## Machine\n",
        _table(("what", "here"), machine.items()),
        "## Times\n",
        "In brackets, how many times ours.\n",
        _table(("work", "for one", "ours", *_PEERS), (_times(work, outcome) for work, outcome in results)),
        *(f"`{work.name}` was skipped: {reason}.\n" for work, reason in skipped),
        "## Goals\n",
        _table(("work", "wanted", "reached", ""), _goals(results)),
        "## Arithmetic and the machine's speed\n",
        _table(("work", "ordered beside BLAS", "share of matrix-product speed"), _arithmetic(results)),
        *_failures(results),
    ]
    return "\n".join(parts)


def with_remarks(page: str, path: Path) -> str:
    """Return the page followed by the remarks that the file at path has, if it exists."""
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    _, heading, remarks = before.partition(_REMARKS + "\n")
    return f"{page}\n{_REMARKS}\n" + (remarks if heading else "\nNone.\n")


def _times(work: Work, outcome: Outcome) -> list[str]:
    cells = [_cell(next((row for row in outcome.rows if row.peer == peer), None)) for peer in _PEERS]
    return [f"`{work.name}`: {work.title}", work.unit, duration(outcome.ours_s), *cells]


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    if row.problem:
        return "not installed" if row.is_missing else "failed"
    return f"{duration(row.peer_s)} ({row.ratio:.3g})"


def _goals(results: Results) -> list[list[str]]:
    return [_goal(work, goal, outcome) for work, outcome in results for goal in work.goals]


def _goal(work: Work, goal: Goal, outcome: Outcome) -> list[str]:
    row = judged(goal, outcome)
    wanted = f"{goal.ratio:.3g} times {goal.peer or 'the fastest library'}"
    if row is None:
        return [f"`{work.name}`", wanted, "not measured", ""]
    verdict = "" if row.ratio >= goal.ratio else "**missed**"
    return [f"`{work.name}`", wanted, f"{row.ratio:.3g} ({row.peer})", verdict]


def _arithmetic(results: Results) -> list[list[str]]:
    lines = []
    for work, outcome in results:
        blas, machine = row_of(outcome, BLAS), row_of(outcome, MACHINE)
        if blas or machine:
            cells = [f"{blas.ratio:.3g}" if blas else "", f"{machine.ratio:.0%}" if machine else ""]
            lines.append([f"`{work.name}`", *cells])
    return lines


def _failures(results: Results) -> list[str]:
    return [
        f"`{work.name}`, {row.peer}: {row.problem}.\n"
        for work, outcome in results
        for row in outcome.rows
        if row.problem and not row.is_missing
    ]


def _table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows) + "\n"
