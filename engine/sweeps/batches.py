"""Which cells go to a worker together: as many as keep it busy for about a given time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

Batch = tuple[int, ...]

_MOST_CELLS = 50_000  # of a batch: a few megabytes of results
_GROWTH = 4  # times the last size at most: the first cells may be the quick ones


class Batches:
    """Hands out the cells of a sweep that have no result yet, each once, in batches sized by time.

    Threads may share one. What has been handed out and is lost with its worker comes back by `put_back`.

    Args:
        n_cells: of the sweep.
        done: cells that have a result.
        n_workers: among which the cells are shared; the last batches get smaller so that all end together.
        target_s: how long a batch should take.
    """

    def __init__(self, n_cells: int, done: Iterator[int], n_workers: int, target_s: float) -> None:
        self._is_done = bytearray(n_cells)
        for cell in done:
            self._is_done[cell] = 1
        self.n_left = n_cells - sum(self._is_done)
        self._next = 0
        self._n_workers = n_workers
        self._target_s = target_s
        self._size, self._cell_s = 1, 0.0
        self._lost: deque[int] = deque()
        self._lock = threading.Lock()

    def take(self) -> Batch:
        """Return the next batch, () when all cells are handed out; a lost cell comes alone."""
        with self._lock:
            if self._lost:
                return (self._lost.popleft(),)
            n = max(1, min(self._size, self.n_left // (2 * self._n_workers)))
            cells: list[int] = []
            while len(cells) < n:
                cell = self._is_done.find(0, self._next)
                if cell < 0:
                    break
                cells.append(cell)
                self._next = cell + 1
            return tuple(cells)

    def note(self, n_cells: int, seconds: float) -> None:
        """Learn from a batch that came back how many cells the next should have."""
        with self._lock:
            self.n_left -= n_cells
            cell_s = seconds / n_cells
            self._cell_s = cell_s if not self._cell_s else 0.7 * self._cell_s + 0.3 * cell_s
            fitting = int(self._target_s / max(self._cell_s, 1e-9))
            self._size = max(1, min(fitting, _GROWTH * max(self._size, n_cells), _MOST_CELLS))

    def put_back(self, cells: Batch) -> None:
        """Take cells back that were lost with their worker."""
        with self._lock:
            self._lost.extend(cells)
