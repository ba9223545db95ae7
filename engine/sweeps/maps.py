"""From results to maps: the mean of a quantity over the seeds, with a 95 % interval, over one or two axes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.special

from engine import checks
from engine.sweeps.axes import Axis
from engine.sweeps.cell import Row, Status
from engine.sweeps.measures import Form
from engine.sweeps.sweep import Sweep

FloatArray = npt.NDArray[np.float64]

CONFIDENCE: Final = 0.95
_STATUSES: Final = {status.value: code for code, status in enumerate(Status, 1)}


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number a cell, of which a map shows the mean.

    Attributes:
        title: what it is called; of a share, the share of the runs in which it is so.
        measure: the column it comes from, "" for those that every result has.
        word: the value that counts, of a measure of words.
        is_share: whether a cell has 1 or 0.
    """

    title: str
    measure: str = ""
    word: str = ""
    is_share: bool = False


DIVERGED: Final = Quantity("share that diverged", is_share=True)
STEPS: Final = Quantity("steps taken")


def quantities(sweep: Sweep) -> tuple[Quantity, ...]:
    """Return what a map of a sweep can show, in the order of its measures."""
    found: list[Quantity] = []
    for measure in sweep.measures:
        name = measure.name
        match measure.form:
            case Form.NUMBER:
                found.append(Quantity(name, name))
            case Form.STEP:
                found.append(Quantity(f"share with {name}", name, is_share=True))
                found.append(Quantity(f"step of {name}", name))
            case Form.WORD:
                words = [word.replace("_", " ") for word in measure.words]
                found += [
                    Quantity(f"share with {name}: {words[i]}", name, word, is_share=True)
                    for i, word in enumerate(measure.words)
                ]
    return (*found, STEPS, DIVERGED)


class Table:
    """All results of a sweep as arrays with one entry a cell, NaN where there is none yet.

    Attributes:
        sweep: whose results.
        n_known: cells that have a result.
    """

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.n_known = 0
        self._status = np.zeros(sweep.n_cells, dtype=np.int8)
        self._n_steps = np.full(sweep.n_cells, np.nan)
        self._values = {measure.name: np.full(sweep.n_cells, np.nan) for measure in sweep.measures}
        self._codes = {
            measure.name: {word: float(i) for i, word in enumerate(measure.words)}
            for measure in sweep.measures
        }

    def add(self, rows: Iterable[Row]) -> None:
        """Take rows of the results."""
        for cell, status, _, n_steps, _, *values in rows:
            self.n_known += not self._status[cell]
            self._status[cell] = _STATUSES[status]
            self._n_steps[cell] = np.nan if n_steps is None else n_steps
            for (name, codes), value in zip(self._codes.items(), values, strict=True):
                number = codes[value] if isinstance(value, str) else value
                self._values[name][cell] = np.nan if number is None else number

    def counts(self) -> dict[str, int]:
        """Return how many cells have each status, of those that occur."""
        found = {status: int((self._status == code).sum()) for status, code in _STATUSES.items()}
        return {status: n for status, n in found.items() if n}

    def words(self, cell: int) -> str:
        """Return what is known of a cell: "done after 300 steps; loss 0.0123, end zero error"."""
        if not self._status[cell]:
            return "not run yet"
        status = list(Status)[self._status[cell] - 1].value
        steps = self._n_steps[cell]
        ended = (
            status if np.isnan(steps) else f"{status} after {steps:,.0f} step{'' if steps == 1.0 else 's'}"
        )
        parts = [f"{name.replace('_', ' ')} {self._word(name, cell)}" for name in self._values]
        return f"{ended}; {', '.join(parts)}"

    def _word(self, name: str, cell: int) -> str:
        value = self._values[name][cell]
        if np.isnan(value):
            return "none"
        words = list(self._codes[name])
        return words[int(value)].replace("_", " ") if words else f"{value:.4g}"

    def of(self, quantity: Quantity) -> FloatArray:
        """Return a quantity (n_cells,), NaN in cells that have none."""
        has_ended = (self._status > 0) & (self._status != _STATUSES[Status.FAILED])
        if quantity == DIVERGED:
            return np.where(has_ended, self._status == _STATUSES[Status.DIVERGED], np.nan)
        if quantity == STEPS:
            return self._n_steps
        values = self._values[quantity.measure]
        if quantity.word:
            is_word = values == self._codes[quantity.measure][quantity.word]
            return np.where(np.isnan(values), np.nan, is_word)
        return np.where(has_ended, ~np.isnan(values), np.nan) if quantity.is_share else values


@dataclass(frozen=True, slots=True, eq=False)
class PhaseMap:
    """A quantity over the values of one or two axes.

    Attributes:
        across, up: the axes; up is None for one axis.
        mean, low, high: (n_up, n_across), mean over the runs that have a value and its 95 % interval: Student's for
            numbers (NaN for a single run), Clopper and Pearson's exact one for shares.
        n: (n_up, n_across) how many runs have a value; the mean is NaN where none has.
    """

    quantity: Quantity
    across: Axis
    up: Axis | None
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    n: npt.NDArray[np.int64]


def phase_map(
    table: Table, quantity: Quantity, across: str, up: str | None = None, at: Mapping[str, int] | None = None
) -> PhaseMap:
    """Return the map of a quantity; the mean is over the axes of seeds.

    Args:
        across, up: names of the axes; an axis of seeds may be one of them.
        at: for each other axis the place of the value that is looked at; 0 by default.

    Raises:
        ValueError, TypeError: one sentence, where there is no such axis.
    """
    sweep, at = table.sweep, at or {}
    names = [axis.name for axis in sweep.axes]
    order = [names.index(checks.choice("across", across, names))]
    if up is not None:
        order.insert(0, names.index(checks.choice("up", up, [name for name in names if name != across])))
    values, kept = table.of(quantity).reshape(sweep.shape), []
    index: list[Any] = []
    for i, axis in enumerate(sweep.axes):
        is_kept = i in order or axis.is_seeds
        index.append(slice(None) if is_kept else at.get(axis.name, 0))
        kept += [i] if is_kept else []
    shape = (1, *(sweep.shape[i] for i in order)) if up is None else tuple(sweep.shape[i] for i in order)
    picked = np.moveaxis(values[tuple(index)], [kept.index(i) for i in order], range(len(order)))
    runs = picked.reshape(*shape, -1)
    mean, low, high, n = _share(runs) if quantity.is_share else _mean(runs)
    return PhaseMap(quantity, sweep.axes[order[-1]], sweep.axes[order[0]] if up else None, mean, low, high, n)


def cells_of(
    sweep: Sweep, across: str, up: str | None, at: Mapping[str, int], place: tuple[int, int]
) -> list[int]:
    """Return the cells behind the point (place across, place up) of a map, one for each seed."""
    chosen = dict(at) | {across: place[0]} | ({up: place[1]} if up else {})
    options = [
        range(len(axis.values))
        if axis.is_seeds and axis.name not in (across, up)
        else (chosen.get(axis.name, 0),)
        for axis in sweep.axes
    ]
    found: list[tuple[int, ...]] = [()]
    for places in options:
        found = [(*before, place) for before in found for place in places]
    return [sweep.cell(places) for places in found]


def as_csv(shown: PhaseMap) -> str:
    """Return a map as CSV text: a line a point, with the values of the axes, mean, low, high and n."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ups = [""] if shown.up is None else [shown.up.name]
    writer.writerow([shown.across.name, *filter(None, ups), shown.quantity.title, "low", "high", "n"])
    for j, row in enumerate(shown.mean):
        for i, mean in enumerate(row):
            place = [shown.across.values[i], *([] if shown.up is None else [shown.up.values[j]])]
            numbers = [_written(number) for number in (mean, shown.low[j, i], shown.high[j, i])]
            writer.writerow([*place, *numbers, int(shown.n[j, i])])
    return text.getvalue()


Estimate = tuple[FloatArray, FloatArray, FloatArray, npt.NDArray[np.int64]]


def _mean(runs: FloatArray) -> Estimate:
    """Return mean, low, high and n over the last axis; Student's t."""
    known = np.isfinite(runs)
    n = known.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, runs, 0.0).sum(axis=-1) / n
        squares = np.where(known, (runs - mean[..., None]) ** 2, 0.0).sum(axis=-1)
        spread = np.sqrt(squares / (n - 1) / n)
        reach = (
            np.where(n > 1, scipy.special.stdtrit(np.maximum(n - 1, 1), 0.5 + 0.5 * CONFIDENCE), np.nan)
            * spread
        )
    return mean, mean - reach, mean + reach, n


def _share(runs: FloatArray) -> Estimate:
    """Return share, low, high and n over the last axis; Clopper and Pearson (1934)."""
    known = np.isfinite(runs)
    n = known.sum(axis=-1)
    k = np.where(known, runs, 0.0).sum(axis=-1)
    tail = 0.5 - 0.5 * CONFIDENCE
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.where(k > 0, scipy.special.betaincinv(np.maximum(k, 1), n - k + 1, tail), 0.0)
        high = np.where(k < n, scipy.special.betaincinv(k + 1, np.maximum(n - k, 1), 1.0 - tail), 1.0)
        share = k / n
    nothing = np.where(n > 0, 1.0, np.nan)
    return share, low * nothing, high * nothing, n


def _written(number: float) -> str:
    return repr(float(number)) if np.isfinite(number) else ""
