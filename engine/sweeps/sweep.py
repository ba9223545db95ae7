"""Sweep files: which runs, when each stops, and what is measured.

A sweep is a TOML file with title, text, claims (ids that it speaks of), lesson (a base, optional), and the
tables [settings] (keys of `RunConfig`, on top of the lesson's), [axes] (see `engine.sweeps.axes`), [stop]
and [measures] (see `engine.sweeps.measures`). Its cells are all combinations of the axes' values, numbered
with the last axis running fastest.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from engine import checks
from engine.claims.registry import CLAIM_IDS
from engine.config import RunConfig, setting_names
from engine.datasets import check_dataset_name, is_available, load_dataset
from engine.sweeps.axes import Axis, as_text, read_axis, with_values
from engine.sweeps.measures import Measure, read_measure
from engine.tomls import faults_named, read_toml

FOLDER: Final = Path(__file__).resolve().parent.parent.parent / "assets" / "sweeps"
MOST_CELLS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Stop:
    """When a run ends: after n_steps steps, or at the very first step at which something else is so.

    A run also ends where its next loss would not be a finite number: it has diverged.

    Attributes:
        n_steps: 0 for the start alone.
        loss_below: at a loss below this; None for never.
        errors_zero: at no errors.
        loss_rises: at the first step that raised the loss.
        is_cooled: whether the rate falls to a quarter, a 16th and a 64th in the last three eighths of n_steps, so
            that the class of the end point can be told, see `engine.endpoints`.
    """

    n_steps: int
    loss_below: float | None = None
    errors_zero: bool = False
    loss_rises: bool = False
    is_cooled: bool = False

    @property
    def is_early(self) -> bool:
        """Whether a run may end before n_steps."""
        return self.loss_below is not None or self.errors_zero or self.loss_rises


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """One question over many runs.

    Attributes:
        sweep_id: name of its file without ending.
        text: what is asked and what to look for; an empty line parts paragraphs.
        claims: ids of the claims that it speaks of.
        base: the settings that no axis changes.
        content: the file's content with the lesson's settings filled in, for `as_text`.
    """

    sweep_id: str
    title: str
    text: str
    claims: tuple[str, ...]
    base: RunConfig
    axes: tuple[Axis, ...]
    stop: Stop
    measures: tuple[Measure, ...]
    content: Mapping[str, Any] = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def n_cells(self) -> int:
        """Number of runs."""
        return math.prod(self.shape)

    def places(self, cell: int) -> tuple[int, ...]:
        """Return which value of each axis a cell has."""
        found = []
        for n in reversed(self.shape):
            cell, place = divmod(cell, n)
            found.append(place)
        return tuple(reversed(found))

    def cell(self, places: tuple[int, ...]) -> int:
        """Return the number of the cell with these values of the axes."""
        number = 0
        for n, place in zip(self.shape, places, strict=True):
            number = number * n + place
        return number

    def values(self, cell: int) -> dict[str, Any]:
        """Return the value of each axis in a cell, by name."""
        return {
            axis.name: axis.values[place] for axis, place in zip(self.axes, self.places(cell), strict=True)
        }

    def config(self, cell: int) -> RunConfig:
        """Return the settings of a cell's run; raises ValueError or TypeError where values do not go together."""
        values = self.values(cell)
        for axis in self.axes:
            values |= dict.fromkeys(axis.also, values[axis.name])
        return with_values(self.base, values)

    def check_data(self) -> None:
        """Raise ValueError, one sentence, unless the files of all data sets that its runs take are here."""
        for name in _data_names(self.base, self.axes):
            if not is_available(name):
                load_dataset(name)  # which says what is missing, and how to get it

    def as_text(self) -> str:
        """Return the whole sweep as one line of JSON that `sweep_of_text` reads; it needs no lesson and no file."""
        return json.dumps({"sweep_id": self.sweep_id, **self.content}, ensure_ascii=False)

    def question(self) -> str:
        """Return, as JSON, everything that decides the results: two sweeps with the same one have the same cells."""
        return json.dumps([self.content[key] for key in ("settings", "axes", "stop", "measures")])


def sweep_ids(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the ids of the sweeps that come with the program."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def load_sweep(name: str, folder: Path = FOLDER) -> Sweep:
    """Return a sweep by the path of its file or the id of one that comes with the program.

    Raises:
        ValueError: one sentence, where there is no such file or it cannot be used.
        OSError: when it cannot be read.
    """
    path = folder / f"{name}.toml" if name in sweep_ids(folder) else Path(name)
    if not path.is_file():
        raise ValueError(
            f"{name!r} is no sweep: it must be the path of a file, or one of {', '.join(sweep_ids(folder))}."
        )
    with faults_named(f"The sweep file {path.name}"):
        return read_sweep(path.stem, read_toml(path))


def sweep_of_text(text: str) -> Sweep:
    """Return the sweep that `Sweep.as_text` wrote."""
    content = json.loads(text)
    return read_sweep(content.pop("sweep_id"), content)


def read_sweep(sweep_id: str, content: Mapping[str, Any]) -> Sweep:
    """Return the sweep of a file's content; raises ValueError or TypeError with one sentence."""
    _check_keys(content)
    base = _base(content.get("lesson"), content.get("settings"))
    axes = tuple(read_axis(name, given) for name, given in _table("axes", content["axes"]).items())
    _check_axes(base, axes)
    for name in _data_names(base, axes):
        check_dataset_name("data", name)
    measures = _table("measures", content["measures"]).items()
    return Sweep(
        sweep_id=sweep_id,
        title=_line("title", content["title"]),
        text=_line("text", content.get("text", content["title"])),
        claims=_claims(content.get("claims", [])),
        base=base,
        axes=axes,
        stop=_stop(_table("stop", content["stop"])),
        measures=tuple(read_measure(name, given) for name, given in measures),
        content={key: content[key] for key in content if key != "lesson"} | {"settings": base.as_text()},
    )


def _check_keys(content: Mapping[str, Any]) -> None:
    for key in content:
        checks.choice("a key", key, _KEYS)
    missing = [key for key in _NEEDED if key not in content]
    if missing:
        raise ValueError(f"{missing[0]} is missing; a sweep has {', '.join(_NEEDED)}.")
    if "lesson" not in content and "settings" not in content:
        raise ValueError("lesson or [settings] must say which runs these are, and neither is there.")


def _base(lesson: Any, settings: Any) -> RunConfig:
    base = RunConfig()
    if lesson is not None:
        from engine.lessons import lesson_ids, load_lesson

        base = load_lesson(checks.choice("lesson", lesson, lesson_ids())).config.replace(lesson="")
    given = dict(_table("settings", settings)) if settings is not None else {}
    for key in given:
        checks.choice("a setting", key, setting_names())
    if isinstance(given.get("data"), list):
        given["data"] = _first_available(given["data"])
    return base.with_texts({key: as_text(value) for key, value in given.items()})


def _data_names(base: RunConfig, axes: tuple[Axis, ...]) -> tuple[str, ...]:
    """Return the names of the data sets that the runs take."""
    named = [axis.values for axis in axes if "data" in (axis.name, *axis.also)]
    return tuple(map(str, named[0])) if named else (base.data,)


def _first_available(names: list[str]) -> str:
    found = [name for name in names if isinstance(name, str) and is_available(name)]
    if not found:
        raise ValueError(f"none of the data sets {', '.join(map(str, names))} is here.")
    return found[0]


def _check_axes(base: RunConfig, axes: tuple[Axis, ...]) -> None:
    """Try every value of every axis once on the base; what does not go together is told by the cell."""
    if not axes:
        raise ValueError("axes must name at least one axis.")
    taken: set[str] = set()
    for axis in axes:
        for name in (axis.name, *axis.also):
            if name in taken:
                raise ValueError(f"{name} must be set by one axis only.")
            taken.add(name)
        tried = (axis.values[0], axis.values[-1]) if isinstance(axis.values, range) else axis.values
        for value in tried:
            with_values(base, dict.fromkeys((axis.name, *axis.also), value))
    if math.prod(len(axis.values) for axis in axes) > MOST_CELLS:
        raise ValueError(f"axes must make at most {MOST_CELLS:,} runs.")


def _stop(table: Mapping[str, Any]) -> Stop:
    for key in table:
        checks.choice("a key of stop", key, _STOPS)
    if "n_steps" not in table:
        raise ValueError("n_steps of stop is missing: the number of steps after which a run ends.")
    return Stop(**{_STOPS[key][0]: _STOPS[key][1](f"{key} of stop", value) for key, value in table.items()})


def _claims(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"claims must be a list of ids, not {value!r}.")
    return tuple(checks.choice("a claim", one, CLAIM_IDS) for one in value)


def _table(key: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or (not value and key != "settings"):
        raise TypeError(f"{key} must be a table with at least one entry, [{key}], not {value!r}.")
    return value


def _line(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{key} must be text, not {value!r}.")
    return value.strip()


def _count(what: str, value: Any) -> int:
    return checks.whole_number(what, value, 0)


def _above_zero(what: str, value: Any) -> float:
    return checks.real_number(what, value, above=0.0)


def _yes_or_no(what: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{what} must be true or false, not {value!r}.")
    return value


_NEEDED: Final = ("title", "axes", "stop", "measures")
_KEYS: Final = (*_NEEDED, "text", "claims", "lesson", "settings")
_STOPS: Final[dict[str, tuple[str, Callable[[str, Any], Any]]]] = {
    "n_steps": ("n_steps", _count),
    "loss_below": ("loss_below", _above_zero),
    "errors_zero": ("errors_zero", _yes_or_no),
    "loss_rises": ("loss_rises", _yes_or_no),
    "cooled": ("is_cooled", _yes_or_no),
}
