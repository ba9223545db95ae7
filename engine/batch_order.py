"""The order in which mini-batches take the samples: drawn anew for each epoch, and the same from the same seed."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine import checks

_NONE_LEFT: Final = np.empty(0, dtype=np.int64)


class Mark(NamedTuple):
    """A place in an order: the samples that are left of the epoch, and the state of the generator."""

    left: npt.NDArray[np.int64]
    state: Any


class BatchOrder:
    """Gives mini-batches one after the other.

    Args:
        n_samples: in the data set.
        batch_size: samples a batch; what an epoch has left over is not taken. None for the full batch: then no
            order is needed, and `next_rows` must not be called.
        seed: of the order.
    """

    def __init__(self, n_samples: int, batch_size: int | None, seed: int) -> None:
        self._n_samples = n_samples
        self._batch_size = batch_size
        self._rng = np.random.default_rng(seed)
        self._left = _NONE_LEFT

    def next_rows(self) -> npt.NDArray[np.int64]:
        """Return the samples of the next batch, (batch_size,)."""
        assert self._batch_size is not None
        self._begin_epoch_if_due(self._batch_size)
        rows, self._left = np.split(self._left, [self._batch_size])
        return rows

    def skip(self, n_batches: int) -> None:
        """Go on as if so many batches had been taken."""
        size = self._batch_size
        while size is not None and n_batches > 0:
            self._begin_epoch_if_due(size)
            n = min(n_batches, len(self._left) // size)
            self._left = self._left[n * size :]
            n_batches -= n

    def _begin_epoch_if_due(self, batch_size: int) -> None:
        if len(self._left) < batch_size:
            self._left = self._rng.permutation(self._n_samples)

    def mark(self) -> Mark:
        """Return where the order is, for `go_back`."""
        return Mark(self._left, self._rng.bit_generator.state)

    def go_back(self, mark: Mark) -> None:
        """Give once more the batches that came after mark."""
        self._left, self._rng.bit_generator.state = mark


def check_batch_size(batch_size: int | None, n_samples: int) -> int | None:
    """Return batch_size if batches of a data set can have it; None is all samples."""
    if batch_size is None:
        return None
    return checks.whole_number("batch_size", batch_size, 1, n_samples)
