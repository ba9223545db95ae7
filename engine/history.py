"""The record of a run: one entry a step, and every step that raised the loss or the errors.

A reader gets a `HistoryView`: arrays that are only ever appended to behind the view's end, so that a view
is frozen without a copy. Decimation for plots keeps each bin's minimum and maximum, and the steps that
raised something are listed apart, so none of them is ever lost.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

LOSS_RISE_TOLERANCE: Final = 1e-12
"""A rise counts when it is above this share of the loss: rounding makes 1e-15 wiggles on a plateau."""

SERIES: Final = {
    "loss": "float64",
    "n_errors": "int32",
    "gradient_norm": "float64",
    "symmetry_spread": "float64",
}
"""What is recorded at each step, and as what type of number. gradient_norm: Euclidean norm of the gradient by
the parameters that are trained, see `engine.parts`. symmetry_spread: over all hidden layers and all parameters of a
unit (one weight from each input, bias, one weight to each output), the largest difference between two units of the
layer; 0.0 only when all hidden units are the same to the last bit."""

MOST_STEPS: Final = 50_000_000
"""Steps that a run in a window records at most: a small network left alone for a day would fill the memory."""
_BYTES_A_STEP: Final = 29  # four series, and their share of the pyramid of extremes
_BYTES_OF_DISPARITIES: Final = 92  # eleven series and their step, wherever disparities are recorded
_SHARE_OF_MEMORY: Final = (
    8  # of the machine: one who goes back keeps the way ahead, too, and a window needs some
)

DISPARITY_SERIES: Final = (
    *("l1", "l2", "cross_entropy", "cross_entropy_bits", "entropy", "entropy_bits", "label_entropy"),
    *("kl", "kl_bits", "gradient_norm_quadratic", "gradient_norm_cross_entropy"),
)
"""What is recorded on request at every so many steps: the fields of `engine.disparities.Disparities`."""


def most_steps(record_disparities: int = 0) -> int:
    """Return how many steps a run in a window records: `MOST_STEPS` (1.45 GB), less on a machine with little memory.

    Where the size of the memory is not known, as on Windows, it is what that many steps take.

    Args:
        record_disparities: at every so many steps; the record of such a run is as large, and so has fewer steps.
            0 for never.
    """
    room = MOST_STEPS * _BYTES_A_STEP
    with contextlib.suppress(AttributeError, OSError, ValueError):
        room = min(room, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _SHARE_OF_MEMORY)
    every = record_disparities
    return max(
        1, room * every // (_BYTES_A_STEP * every + _BYTES_OF_DISPARITIES) if every else room // _BYTES_A_STEP
    )


_BIN: Final = 64  # steps per entry of the min/max pyramid
_FEWEST_TO_BIN: Final = 4 * _BIN  # narrower bins of a plot are read from the series itself


@dataclass(frozen=True, slots=True)
class Jump:
    """A perturbation: theta moved without a step, between entry `step` and entry `step` + 1."""

    step: int
    name: str
    loss_before: float
    loss_after: float
    n_errors_before: int
    n_errors_after: int


@dataclass(frozen=True, slots=True, eq=False)
class Rises:
    """Which of some steps raised something, (n_steps,) each.

    Attributes:
        loss: the loss rose.
        errors: the errors rose while the loss fell.
    """

    loss: npt.NDArray[np.bool_]
    errors: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class HistoryView:
    """The history up to one step. Entry k of a series belongs to the parameters after k steps.

    Attributes:
        n_entries: number of entries, n_steps + 1.
        loss_rises: (n,) steps k at which the loss rose from entry k - 1 to entry k.
        error_rises: (n,) steps k at which the errors rose from entry k - 1 to k while the loss fell.
        jumps: the perturbations, oldest first.
        disparity_steps: (n,) steps at which disparities were recorded; each series of them has that length.
    """

    n_entries: int
    loss_rises: npt.NDArray[np.int32]
    error_rises: npt.NDArray[np.int32]
    jumps: tuple[Jump, ...]
    disparity_steps: npt.NDArray[np.int32]
    _series: dict[str, npt.NDArray[Any]]
    _bins: dict[str, npt.NDArray[Any]]
    _disparities: npt.NDArray[np.float64]

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return a series (n_entries,), or of `DISPARITY_SERIES` (len(disparity_steps),); read-only."""
        if name in DISPARITY_SERIES:
            return self._disparities[:, DISPARITY_SERIES.index(name)]
        return self._series[name]

    @classmethod
    def of(
        cls,
        series: Mapping[str, npt.NDArray[Any]],
        loss_rises: npt.NDArray[Any],
        error_rises: npt.NDArray[Any],
        jumps: Iterable[Jump],
        disparity_steps: npt.NDArray[Any],
        disparities: npt.NDArray[Any],
    ) -> HistoryView:
        """Return a view of given series, as `History.of` takes it; ValueError where one is missing or too short."""
        lengths = {len(series[name]) for name in SERIES if name in series}
        if set(SERIES) - set(series) or len(lengths) != 1 or 0 in lengths:
            raise ValueError(f"series must hold {', '.join(SERIES)}, all of one length.")
        kept = {name: np.asarray(series[name], dtype=kind) for name, kind in SERIES.items()}
        return cls(
            n_entries=lengths.pop(),
            loss_rises=loss_rises,
            error_rises=error_rises,
            jumps=tuple(jumps),
            disparity_steps=disparity_steps,
            _series=kept,
            _bins={name: _binned(values) for name, values in kept.items()},
            _disparities=disparities.reshape(len(disparity_steps), len(DISPARITY_SERIES)),
        )

    @property
    def disparities(self) -> npt.NDArray[np.float64]:
        """All of `DISPARITY_SERIES` as columns, (len(disparity_steps), n), read-only."""
        return self._disparities

    def decimated(
        self, name: str, first: int, last: int, n_points: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return (steps, values) of entries first .. last (included) as at most n_points points (at least 2).

        Where there are more entries than that, bins of equal width, at most n_points // 2 of them, each give
        their smallest and their largest value, in that order; no extreme is lost. Steps are those of the
        bins' starts. Bins start at multiples of their width, so that a growing history keeps its picture
        until the width changes; only the first and the last bin may be cut short.
        """
        first, last = max(0, int(first)), min(self.n_entries - 1, int(last))
        n = last - first + 1
        if n <= 0:
            return np.empty(0), np.empty(0)
        if n <= n_points:
            return np.arange(first, last + 1, dtype=np.float64), self._series[name][first : last + 1] * 1.0
        edges = _edges(first, last, n_points // 2)
        values = np.empty(2 * (len(edges) - 1))
        values[0::2], values[1::2] = self._extremes(name, edges)
        return np.repeat(edges[:-1].astype(np.float64), 2), values

    def first_above(self, name: str, threshold: float, first: int = 0) -> int | None:
        """Return the first entry from `first` on whose value is above threshold, or None."""
        series, bins = self._series[name], self._bins[name]
        in_bins = max(first, 0) // _BIN
        hits = np.flatnonzero(bins[in_bins:, 1] > threshold)
        # A bin's hit may lie before `first`, in the one bin that `first` cuts: then the next bins count.
        for start in (*((in_bins + hits[:2]) * _BIN), len(bins) * _BIN):
            low = max(int(start), first)
            found = np.flatnonzero(series[low : start + _BIN] > threshold)
            if len(found):
                return low + int(found[0])
        return None

    def _extremes(self, name: str, edges: npt.NDArray[np.int64]) -> tuple[Any, Any]:
        """Return the minimum and maximum of each [edges[i], edges[i + 1])."""
        series, bins = self._series[name], self._bins[name]
        if len(edges) < 4 or edges[2] - edges[1] < _FEWEST_TO_BIN:
            part, starts = series[edges[0] : edges[-1]], edges[:-1] - edges[0]
            return np.minimum.reduceat(part, starts), np.maximum.reduceat(part, starts)
        middle, starts = bins[edges[1] // _BIN : edges[-2] // _BIN], (edges[1:-2] - edges[1]) // _BIN
        head, tail = series[edges[0] : edges[1]], series[edges[-2] : edges[-1]]
        low = np.minimum.reduceat(middle[:, 0], starts)
        high = np.maximum.reduceat(middle[:, 1], starts)
        return (
            np.concatenate(([head.min()], low, [tail.min()])),
            np.concatenate(([head.max()], high, [tail.max()])),
        )


def _binned(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the smallest and the largest of each `_BIN` values, (n, 2); what is over at the end is left out."""
    chunk = values[: len(values) // _BIN * _BIN].reshape(-1, _BIN)
    return np.stack((chunk.min(axis=1), chunk.max(axis=1)), axis=1)


def _edges(first: int, last: int, n_bins: int) -> npt.NDArray[np.int64]:
    """Return the bounds of at most n_bins bins over first .. last, inner ones at multiples of one width."""
    if n_bins < 2:
        return np.array([first, last + 1])
    # One bin less than there may be: an aligned grid can cut one more bin than n / width.
    width = -(-(last - first) // (n_bins - 1))
    if width >= _FEWEST_TO_BIN:
        width = -(-width // _BIN) * _BIN
    inner = np.arange(first // width + 1, last // width + 1, dtype=np.int64) * width
    return np.concatenate(([first], inner, [last + 1]))


def _up_to(steps: npt.NDArray[Any], last: int) -> npt.NDArray[Any]:
    """Return those of the sorted steps that are at most last."""
    return steps[: int(np.searchsorted(steps, last, side="right"))]


_LARGE: Final = 2**20
_ROOM: Final = 2**24


class _Growing:
    """A one- or two-column array that grows; slices handed out stay valid and never change.

    What nobody has written to takes no memory, so a large one gets room for millions of entries at once: it need
    not be copied again, and no reader keeps an old copy alive.
    """

    def __init__(self, dtype: Any, columns: int | None = None) -> None:
        self._array = np.empty(1024 if columns is None else (64, columns), dtype=dtype)
        self.n = 0

    def extend(self, values: npt.NDArray[Any]) -> None:
        stop = self.n + len(values)
        if stop > len(self._array):
            room = _ROOM * len(self._array) // self._array.size
            is_large = _LARGE < stop <= room
            size = room if is_large else max(stop, len(self._array) + len(self._array) // 2)
            grown = np.empty((size, *self._array.shape[1:]), dtype=self._array.dtype)
            grown[: self.n] = self._array[: self.n]
            self._array = grown
        self._array[self.n : stop] = values
        self.n = stop

    def view(self) -> npt.NDArray[Any]:
        part = self._array[: self.n]
        part.flags.writeable = False
        return part


class History:
    """The growing record that a Trainer keeps; `view()` freezes it.

    `history["loss"]` and the other names of `SERIES` give read-only arrays of length n_steps + 1. Those of
    `DISPARITY_SERIES` have one entry for each of disparity_steps: none where they were not asked for.
    """

    def __init__(self) -> None:
        self._series = {name: _Growing(dtype) for name, dtype in SERIES.items()}
        self._bins = {name: _Growing(dtype, columns=2) for name, dtype in SERIES.items()}
        self._loss_rises = _Growing(np.int32)
        self._error_rises = _Growing(np.int32)
        self._disparities = _Growing(np.float64, columns=len(DISPARITY_SERIES))
        self._disparity_steps = _Growing(np.int32)
        self._jumps: list[Jump] = []
        self._before: tuple[float, int, int] | None = None

    @property
    def n_entries(self) -> int:
        """Number of entries so far."""
        return self._series["loss"].n

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return a series (n_entries,), or of `DISPARITY_SERIES` (len(disparity_steps),); read-only."""
        if name in DISPARITY_SERIES:
            return self._disparities.view()[:, DISPARITY_SERIES.index(name)]
        if name not in self._series:
            names = ", ".join((*self._series, *DISPARITY_SERIES))
            raise KeyError(f"{name!r} is no series; the series are {names}.")
        return self._series[name].view()

    @property
    def disparity_steps(self) -> npt.NDArray[np.int32]:
        """The steps at which disparities were recorded, read-only."""
        return self._disparity_steps.view()

    def add_disparities(self, values: tuple[float, ...]) -> None:
        """Record the disparities, in the order of `DISPARITY_SERIES`, of the newest entry."""
        self._disparities.extend(np.array([values]))
        self._disparity_steps.extend(np.array([self.n_entries - 1]))

    def extend(self, entries: dict[str, npt.NDArray[Any]], n_tied: npt.NDArray[Any]) -> None:
        """Append entries (each array (n,)); n_tied (n,) tells how many samples had a tied largest logit."""
        self._note_rises(entries["loss"], entries["n_errors"], n_tied)
        for name, growing in self._series.items():
            growing.extend(entries[name])
            self._fill_bins(name)
        self.rebase(float(entries["loss"][-1]), int(entries["n_errors"][-1]), int(n_tied[-1]))

    def rebase(self, loss: float, n_errors: int, n_tied: int) -> None:
        """Set what the next step is compared with: the values just before it, after any perturbation."""
        self._before = (loss, n_errors, n_tied)

    def add_jump(self, jump: Jump) -> None:
        """Record a perturbation."""
        self._jumps.append(jump)

    def shortened(self, n_entries: int) -> History:
        """Return a copy of the first n_entries entries; see `of`."""
        return History.of(self.view(), n_entries)

    @classmethod
    def of(cls, view: HistoryView, n_entries: int | None = None) -> History:
        """Return a history that goes on from a view, or from its first n_entries entries.

        Perturbations behind the last of them are left out. The next step is compared with the last entry;
        where samples were tied there, call `rebase`.
        """
        made = cls()
        last = view.n_entries - 1 if n_entries is None else n_entries - 1
        for name, growing in made._series.items():
            growing.extend(view[name][: last + 1])
            made._fill_bins(name)
        made._loss_rises.extend(_up_to(view.loss_rises, last))
        made._error_rises.extend(_up_to(view.error_rises, last))
        made._disparity_steps.extend(_up_to(view.disparity_steps, last))
        made._disparities.extend(view.disparities[: made._disparity_steps.n])
        made._jumps = [jump for jump in view.jumps if n_entries is None or jump.step < last]
        made.rebase(float(made["loss"][-1]), int(made["n_errors"][-1]), 0)
        return made

    def view(self) -> HistoryView:
        """Return the history so far, frozen."""
        return HistoryView(
            n_entries=self.n_entries,
            loss_rises=self._loss_rises.view(),
            error_rises=self._error_rises.view(),
            jumps=tuple(self._jumps),
            disparity_steps=self.disparity_steps,
            _series={name: growing.view() for name, growing in self._series.items()},
            _bins={name: growing.view() for name, growing in self._bins.items()},
            _disparities=self._disparities.view(),
        )

    def rises(self, loss: npt.NDArray[Any], errors: npt.NDArray[Any], tied: npt.NDArray[Any]) -> Rises:
        """Return what would rise on the next steps if they had these entries, each (n_steps,)."""
        # NaN as the entry before the first one makes both comparisons false.
        before = self._before or (np.nan, 0, 0)
        loss_before = np.concatenate(([before[0]], loss[:-1]))
        errors_before = np.concatenate(([before[1]], errors[:-1]))
        tied_before = np.concatenate(([before[2]], tied[:-1]))
        loss_rose = loss - loss_before > LOSS_RISE_TOLERANCE * np.abs(loss_before)
        # Leaving a tie changes the count by the convention of argmax, not by a mistake: it is no rise.
        errors_rose = (errors > errors_before) & (loss < loss_before) & (tied_before == 0)
        return Rises(loss_rose, errors_rose)

    def _note_rises(self, loss: npt.NDArray[Any], errors: npt.NDArray[Any], tied: npt.NDArray[Any]) -> None:
        rises, first = self.rises(loss, errors, tied), self.n_entries
        self._loss_rises.extend(first + np.flatnonzero(rises.loss))
        self._error_rises.extend(first + np.flatnonzero(rises.errors))

    def _fill_bins(self, name: str) -> None:
        series, bins = self._series[name], self._bins[name]
        done, full = bins.n * _BIN, series.n // _BIN * _BIN
        if full > done:
            bins.extend(_binned(series.view()[done:full]))
