"""Gradient descent beside gradient flow: what of a run is left as the learning rate goes to 0."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.answers import final
from engine.arguments import check_net_and_data
from engine.datasets.dataset import Dataset
from engine.evaluator import Evaluator, Records, make_evaluator
from engine.flow import Flow, iter_flow
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_FLOW_SHARE: Final = 0.3  # of the progress; nobody knows how long it takes


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Gradient descent at several rates and gradient flow at equal times; time = rate times steps.

    Attributes:
        times: (n_times,) the first is 0.
        rates: (n_rates,) each half the one before.
        loss, n_errors: (n_rates, n_times); NaN and -1 where a rate has not got, or diverged.
        distance: (n_rates, n_times) Euclidean distance of theta from the flow's.
        first_rise: (n_rates,) time of the first step that raised the errors, of all steps; NaN for none.
        flow: the flow at the same times.
        flow_first_rise: the first of these times at which the flow had more errors than at the one before,
            so it is late by up to one gap between them; NaN for none.
    """

    times: FloatArray
    rates: FloatArray
    loss: FloatArray
    n_errors: Counts
    distance: FloatArray
    first_rise: FloatArray
    flow: Flow
    flow_first_rise: float


def compare_with_flow(
    net: MLP, data: Dataset, theta: Any, learning_rate: float, n_steps: int, **options: Any
) -> Comparison:
    """Return gradient descent at rate, rate/2, ... beside gradient flow; arguments as `iter_comparison`."""
    check_net_and_data(net, data)
    return final(iter_comparison(net, data, theta, learning_rate, n_steps, **options))


def iter_comparison(
    net: MLP,
    data: Dataset,
    theta: Any,
    learning_rate: float,
    n_steps: int,
    every: int = 1,
    n_halvings: int = 3,
    n_threads: int = 1,
    **flow_options: Any,
) -> Generator[tuple[float, Comparison | None], None, None]:
    """Yield (share done, comparison so far, None before the flow is there): the flow first, then rate by rate.

    Args:
        net, data, theta: the loss and the start (n_params,).
        learning_rate: the largest rate r; the others are r/2, r/4, ...
        n_steps: steps at that rate; a multiple of every. The others take 2, 4, ... times as many.
        every: steps of the largest rate between two of the times.
        n_halvings: how often the rate is halved.
        n_threads: threads that share an evaluation.
        flow_options: method, rtol, atol, max_evaluations of `engine.flow.iter_flow`.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    rate = checks.real_number("learning_rate", learning_rate, above=0.0)
    checks.whole_number("every", every, at_least=1)
    if checks.whole_number("n_steps", n_steps, at_least=1) % every:
        raise ValueError(f"n_steps must be a multiple of every ({every}), not {n_steps}.")
    checks.whole_number("n_halvings", n_halvings, at_least=0, at_most=30)
    times = rate * every * np.arange(n_steps // every + 1)
    for answer in iter_flow(net, data, theta, times, keep_thetas=True, n_threads=n_threads, **flow_options):
        yield _FLOW_SHARE * answer[0], None
    flow = answer[1]
    start = checks.vector("theta", theta, net.n_params)
    table = _Table(make_evaluator(net, data, n_threads=n_threads), start, flow, rate, n_halvings, every)
    for done in table.fill():
        yield _FLOW_SHARE + (1.0 - _FLOW_SHARE) * done, table.comparison()


class _Table:
    """Descends at one rate after the other and compares with the flow on the way."""

    def __init__(
        self, evaluator: Evaluator, start: FloatArray, flow: Flow, rate: float, n_halvings: int, every: int
    ) -> None:
        self._evaluator, self._start, self._flow, self._every = evaluator, start, flow, every
        self._rates = rate * 0.5 ** np.arange(n_halvings + 1)
        shape = (len(self._rates), len(flow.times))
        self._loss, self._distance = np.full(shape, np.nan), np.full(shape, np.nan)
        self._n_errors = np.full(shape, -1, dtype=np.int64)
        self._first_rise = np.full(len(self._rates), np.nan)

    def fill(self) -> Generator[float, None, None]:
        """Yield the share of the steps taken, after each stretch between two times."""
        total = (2.0 ** len(self._rates) - 1.0) * (len(self._flow.times) - 1)
        n_before = 0.0
        for row in range(len(self._rates)):
            for column in self._descend(row):
                yield (n_before + column * 2.0**row) / total
            n_before += (len(self._flow.times) - 1) * 2.0**row
            yield n_before / total

    def _descend(self, row: int) -> Generator[int, None, None]:
        theta, gradient = self._start.copy(), np.empty(len(self._start))
        with np.errstate(over="ignore", invalid="ignore"):
            now = self._evaluator.evaluate(theta, gradient)
        self._note(row, 0, theta, now.loss, now.n_errors)
        rate, n_errors = float(self._rates[row]), now.n_errors
        for column in range(1, len(self._flow.times)):
            records = Records.empty(self._every * 2**row)
            n_done, has_diverged = self._evaluator.advance(theta, gradient, rate, records)
            self._note_rise(row, column, n_errors, records.n_errors[:n_done])
            if has_diverged:
                return
            n_errors = int(records.n_errors[-1])
            self._note(row, column, theta, float(records.loss[-1]), n_errors)
            yield column

    def _note(self, row: int, column: int, theta: FloatArray, loss: float, n_errors: int) -> None:
        self._loss[row, column], self._n_errors[row, column] = loss, n_errors
        thetas = self._flow.thetas
        if thetas is not None and column < len(thetas):
            self._distance[row, column] = np.linalg.norm(theta - thetas[column])

    def _note_rise(self, row: int, column: int, before: int, counts: npt.NDArray[np.int32]) -> None:
        rises = np.flatnonzero(np.diff(counts, prepend=before) > 0)
        if len(rises) and np.isnan(self._first_rise[row]):
            n_before = (column - 1) * self._every * 2**row
            self._first_rise[row] = self._rates[row] * (n_before + rises[0] + 1)

    def comparison(self) -> Comparison:
        rises = np.flatnonzero(np.diff(self._flow.n_errors[: self._flow.n_known]) > 0)
        first = float(self._flow.times[rises[0] + 1]) if len(rises) else np.nan
        return Comparison(
            times=self._flow.times,
            rates=_frozen(self._rates),
            loss=_frozen(self._loss),
            n_errors=_frozen(self._n_errors),
            distance=_frozen(self._distance),
            first_rise=_frozen(self._first_rise),
            flow=self._flow,
            flow_first_rise=first,
        )


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    copy = array.copy()
    copy.flags.writeable = False
    return copy
