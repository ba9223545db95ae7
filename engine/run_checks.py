"""Whether a run that was read from a file can be one: a number that cannot be right is told before it is used."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import checks
from engine.commands import Perturb
from engine.perturbations import PERTURBATION_TABLE

if TYPE_CHECKING:
    from engine.history import HistoryView
    from engine.run_record import RunRecord
    from engine.snapshot import Point

_MOST_STRIDE = 2**31


def check_record(record: RunRecord) -> None:
    """Raise ValueError or TypeError with one sentence unless everything in a record is of its kind and in range.

    What a Trainer checks anyway (settings, networks, the learning rate) is left to it.
    """
    for way in (record, record.ahead, *(branch.record for branch in record.branches.kept)):
        if way is not None:
            _check_way(way)


def _check_way(record: RunRecord) -> None:
    n_steps = record.history.n_entries - 1
    _check_finite("start", record.start)
    _check_finite("theta", record.theta)
    _check_history(record.history, n_steps)
    checks.whole_number("stride", record.stride, 1, _MOST_STRIDE)
    _check_order("a step of the path", [point.step for point in record.path], n_steps)
    _check_order("a step of the events", [step for step, _ in record.events], n_steps)
    for _, event in record.events:
        if isinstance(event, Perturb):
            _check_kick(event)
    for point in (*record.path, *record.saved):
        _check_point(point)


def check_kinds(arrays: dict[str, Any], whole: Iterable[str]) -> None:
    """Raise ValueError unless all arrays hold numbers, and those whose names end with one of whole, whole ones."""
    for name, array in arrays.items():
        kinds = "iu" if name.endswith(tuple(whole)) else "fiu"
        if array.dtype.kind not in kinds:
            what = "whole numbers" if kinds == "iu" else "numbers"
            raise ValueError(f"{name} must hold {what}, not {array.dtype}")


def _check_history(history: HistoryView, n_steps: int) -> None:
    _check_finite("loss", history["loss"])
    for name in ("loss_rises", "error_rises", "disparity_steps"):
        _check_order(f"a step of {name}", getattr(history, name).tolist(), n_steps)
    _check_order("a step of the jumps", [jump.step for jump in history.jumps], n_steps)
    for jump in history.jumps:
        checks.choice("name of a jump", jump.name, PERTURBATION_TABLE)
        for loss in (jump.loss_before, jump.loss_after):
            checks.real_number("loss of a jump", loss)
        for n_errors in (jump.n_errors_before, jump.n_errors_after):
            checks.whole_number("errors of a jump", n_errors, 0)


def _check_kick(event: Perturb) -> None:
    kick = PERTURBATION_TABLE[checks.choice("kick", event.name, PERTURBATION_TABLE)]
    if not isinstance(event.options, dict):
        raise TypeError(f"options of the kick {event.name} must be a table, not {event.options!r}")
    for key, value in event.options.items():
        checks.choice(f"an option of the kick {event.name}", key, [option.name for option in kick.options])
        checks.real_number(key, value, at_least=0.0)


def _check_point(point: Point) -> None:
    if not isinstance(point.label, str):
        raise TypeError(f"the label of a point must be text, not {point.label!r}")
    checks.whole_number("step of a point", point.step, 0)
    _check_finite("theta of a point", point.theta)


def _check_finite(name: str, array: Any) -> None:
    if np.ndim(array) != 1 or not np.size(array) or not np.isfinite(array).all():
        raise ValueError(f"{name} must be a row of finite numbers")


def _check_order(what: str, steps: list[Any], n_steps: int) -> None:
    for step in steps:
        checks.whole_number(what, step, 0, n_steps)
    if any(later < earlier for earlier, later in pairwise(steps)):
        raise ValueError(f"{what} must not come before the one in front of it")
