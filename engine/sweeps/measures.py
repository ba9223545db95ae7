"""What a sweep measures at the end of each run: recorded quantities, steps of events, classes and verdicts.

In a sweep file a measure is the name of a kind, or a table {kind = "...", ...} with its options.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from engine import checks
from engine.claims.registry import CLAIM_IDS
from engine.config import setting_names
from engine.history import DISPARITY_SERIES, SERIES

if TYPE_CHECKING:
    from engine.trainer import Trainer

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
TAKEN: Final = ("cell", "status", "reason", "n_steps", "seconds")
"""Columns that every result has."""


class Form(StrEnum):
    """What sort of value a measure gives."""

    NUMBER = "number"
    STEP = "step"  # of an event: none where it did not happen
    WORD = "word"  # one of a few


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of measure.

    Attributes:
        form: of its values.
        take: gives the value of a run that has ended, and the options.
        options: a check for each option, which gets None where the file does not have it.
        words: for `Form.WORD`, all there are.
        is_of_end: whether it describes the end point; then a run that diverged has none.
    """

    form: Form
    take: Callable[[Trainer, Mapping[str, Any]], float | int | str | None]
    options: Mapping[str, Callable[[str, Any], Any]] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    is_of_end: bool = True


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a sweep: its name, which is that of its column, its kind and the options of that."""

    name: str
    kind: str
    options: Mapping[str, Any]

    @property
    def form(self) -> Form:
        """What sort of value it gives."""
        return KINDS[self.kind].form

    @property
    def words(self) -> tuple[str, ...]:
        """The values there are, where they are words."""
        return KINDS[self.kind].words

    def take(self, run: Trainer, has_diverged: bool) -> float | int | str | None:
        """Return the value for a run that has ended; None where there is none."""
        kind = KINDS[self.kind]
        return None if has_diverged and kind.is_of_end else kind.take(run, self.options)


def read_measure(name: str, given: Any) -> Measure:
    """Return the measure that a sweep file gives; raises ValueError or TypeError with one sentence."""
    if not _NAME.fullmatch(name) or name in TAKEN:
        raise ValueError(
            f"a measure must have a name of small letters, digits and _ that is none of {', '.join(TAKEN)}, "
            f"not {name!r}."
        )
    table = {"kind": given} if isinstance(given, str) else given
    if not isinstance(table, dict):
        raise TypeError(f"the measure {name} must be a kind or a table, not {given!r}.")
    kind = checks.choice(f"kind of the measure {name}", table.get("kind"), KINDS)
    options = KINDS[kind].options
    for key in table:
        checks.choice(f"a key of the measure {name}", key, ("kind", *options))
    what = f"of the measure {name}"
    return Measure(name, kind, {key: read(f"{key} {what}", table.get(key)) for key, read in options.items()})


def _at_end(series: str) -> Kind:
    return Kind(Form.NUMBER, lambda run, options: run.history[series][-1].item())


def _disparity(series: str) -> Kind:
    def take(run: Trainer, options: Mapping[str, Any]) -> float | None:
        values = run.history[series]
        return float(values[-1]) if len(values) else None

    return Kind(Form.NUMBER, take)


def _error_share(run: Trainer, options: Mapping[str, Any]) -> float:
    return float(run.history["n_errors"][-1]) / run.data.n_samples


def _sharpness(run: Trainer, options: Mapping[str, Any]) -> float:
    from engine.curvature.sharpness import sharpness

    return sharpness(run.net, run.data, run.theta)


def _lowest_curvature(run: Trainer, options: Mapping[str, Any]) -> float:
    from engine.curvature import extreme_eigenpairs

    return float(extreme_eigenpairs(run.net, run.data, run.theta, k=1).smallest[0])


def _end_point(run: Trainer, options: Mapping[str, Any]) -> str:
    from engine.endpoints import classify

    return classify(
        run.net,
        run.data,
        run.theta,
        run.learning_rate,
        run.config.train,
        options["zero_loss"],
        options["balance"],
    ).kind.value


def _first_rise(series: str) -> Callable[[Trainer, Mapping[str, Any]], int | None]:
    def take(run: Trainer, options: Mapping[str, Any]) -> int | None:
        rises = getattr(run.history.view(), series)
        return int(rises[0]) if len(rises) else None

    return take


def _first_below(series: str) -> Callable[[Trainer, Mapping[str, Any]], int | None]:
    def take(run: Trainer, options: Mapping[str, Any]) -> int | None:
        below = run.history[series] < options["value"]
        return int(below.argmax()) if below.any() else None

    return take


def _first_errors_zero(run: Trainer, options: Mapping[str, Any]) -> int | None:
    is_zero = run.history["n_errors"] == 0
    return int(is_zero.argmax()) if is_zero.any() else None


def _verdict(run: Trainer, options: Mapping[str, Any]) -> str | None:
    from engine.monitors.monitor import finished
    from engine.monitors.registry import MONITORS

    [monitor] = [kind() for kind in MONITORS if kind.claim_id == options["claim"]]
    answer = finished(monitor.work(run.snapshot())).answer
    return None if answer is None else answer.value


def _experiment(run: Trainer, options: Mapping[str, Any]) -> str:
    from engine.claims.verification import verify

    given = {name: getattr(run.config, name) for name in options["settings"]}
    return verify(options["claim"], run.config.seed, **given).verdict.value


def _zero_loss(what: str, value: Any) -> float:
    return 1e-10 if value is None else checks.real_number(what, value, at_least=0.0)


def _balance(what: str, value: Any) -> float:
    return 1e-3 if value is None else checks.real_number(what, value, above=0.0)


def _threshold(what: str, value: Any) -> float:
    return checks.real_number(what, value, above=0.0)


def _claim(what: str, value: Any) -> str:
    return checks.choice(what, value, CLAIM_IDS)


def _watched_claim(what: str, value: Any) -> str:
    from engine.monitors.registry import MONITORS

    return checks.choice(what, value, [kind.claim_id for kind in MONITORS])


def _settings(what: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | None):
        raise TypeError(f"{what} must be a list of settings, not {value!r}.")
    return tuple(checks.choice(what, one, setting_names()) for one in value or ())


_END_KINDS: Final = (
    *("zero error", "kink", "differentiable minimum", "differentiable saddle"),
    "still moving",
)
_ANSWERS: Final = ("holds", "violated", "not_applicable", "undecided")
KINDS: Final[Mapping[str, Kind]] = {
    **{series: _at_end(series) for series in SERIES},
    **{series: _disparity(series) for series in DISPARITY_SERIES},
    "error_share": Kind(Form.NUMBER, _error_share),
    "sharpness": Kind(Form.NUMBER, _sharpness),
    "lowest_curvature": Kind(Form.NUMBER, _lowest_curvature),
    "end_point": Kind(Form.WORD, _end_point, {"zero_loss": _zero_loss, "balance": _balance}, _END_KINDS),
    "first_loss_rise": Kind(Form.STEP, _first_rise("loss_rises"), is_of_end=False),
    "first_error_rise": Kind(Form.STEP, _first_rise("error_rises"), is_of_end=False),
    "first_loss_below": Kind(Form.STEP, _first_below("loss"), {"value": _threshold}, is_of_end=False),
    "first_errors_zero": Kind(Form.STEP, _first_errors_zero, is_of_end=False),
    "verdict": Kind(Form.WORD, _verdict, {"claim": _watched_claim}, _ANSWERS, is_of_end=False),
    "experiment": Kind(
        Form.WORD, _experiment, {"claim": _claim, "settings": _settings}, _ANSWERS, is_of_end=False
    ),
}
"""The kinds there are. "verdict" is what a claim comes to on the run itself, for claims that have a monitor;
"experiment" is the claim's own experiment with the run's seed, and the settings named as options of the same name."""
