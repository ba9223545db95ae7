"""Running a sweep: batches out, results into the file, until all cells are there or somebody cancels."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator
from typing import Final

from engine.sweeps.batches import Batches
from engine.sweeps.cell import Row, failed_row
from engine.sweeps.results import Results
from engine.sweeps.workers import Cluster, Crew, Outcome

_COMMIT_S: Final = 0.5  # a transaction waits for the disk: a thousand workers must not wait for it each
_MOST_DEATHS: Final = 3  # of workers, each with the same cell alone in its hands


class Running:
    """A sweep that is being run into its results file.

    Args:
        results: the file, with what is there already.
        workers: who runs it.
        is_cancelled: asked about ten times a second.

    Attributes:
        n_left: cells that had no result at the beginning.
    """

    def __init__(
        self, results: Results, workers: Crew | Cluster, is_cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        self._results = results
        self._workers = workers
        self._is_cancelled = is_cancelled
        cells = results.cells()
        self._batches = Batches(results.sweep.n_cells, cells, workers.n_workers, workers.batch_s)
        self.n_left = self._batches.n_left
        self._deaths: Counter[int] = Counter()

    def written(self) -> Generator[list[Row], None, None]:
        """Run what is left; yield the rows whenever some are written, about twice a second.

        What has come back is written, too, when the iterator is closed or somebody cancels.
        """
        rows: list[Row] = []
        due_s = time.monotonic() + _COMMIT_S
        outcomes = self._workers.outcomes(self._batches, self._results.sweep.as_text(), self._is_cancelled)
        try:
            for outcome in outcomes if self.n_left else ():
                rows += self._rows(outcome)
                if time.monotonic() >= due_s:
                    ready, rows = rows, []
                    self._results.add(ready)
                    yield ready
                    due_s = time.monotonic() + _COMMIT_S
        finally:
            self._results.add(rows)
            outcomes.close()
        yield rows

    def _rows(self, outcome: Outcome) -> list[Row]:
        if outcome.rows is not None:
            self._batches.note(len(outcome.cells), sum(row[4] for row in outcome.rows))
            return outcome.rows
        if outcome.is_guilty and len(outcome.cells) == 1 and self._has_given_up(outcome.cells[0]):
            self._batches.note(1, 0.0)
            reason = f"{_MOST_DEATHS} worker processes died of this run: killed, or out of memory."
            return [failed_row(self._results.sweep, outcome.cells[0], reason)]
        self._batches.put_back(outcome.cells)
        return []

    def _has_given_up(self, cell: int) -> bool:
        self._deaths[cell] += 1
        return self._deaths[cell] >= _MOST_DEATHS
