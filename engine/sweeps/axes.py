"""Axes of a sweep: the values that a setting takes, one after the other.

In a sweep file an axis is a list of values, or a table: {values = [...]}, {from = 1, to = 16} for whole
numbers, {from = 0.1, to = 10.0, n = 9, scale = "log"} (or "linear"), {seeds = 20, first = 0}. A table may say
also = ["noise_seed"]: those settings take the same value. An axis is named after a setting, or it is

    width   every hidden layer has so many units
    depth   so many hidden layers, each as wide as the first
    skips   "all" or "none": which hidden layers are also wired straight to the output
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine import checks
from engine.config import RunConfig, setting_names

SCALES: Final = ("linear", "log")
SKIPS: Final = ("none", "all")
_DIGITS: Final = 12  # of a value of a range: the last ones depend on the machine's mathematical library


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes:
        name: a setting, "width", "depth" or "skips".
        values: numbers and texts; of seeds a `range`, so that ten million take no memory.
        also: further settings that take the same values.
        is_seeds: whether the values are repetitions, over which a map takes the mean.
        is_log: whether the steps are equal on a logarithmic scale.
    """

    name: str
    values: Sequence[Any]
    also: tuple[str, ...] = ()
    is_seeds: bool = False
    is_log: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether all values are numbers."""
        return isinstance(self.values, range) or all(isinstance(value, int | float) for value in self.values)


def axis_names() -> tuple[str, ...]:
    """Return what an axis may be named after."""
    return (*setting_names(), *_SHAPES)


def read_axis(name: str, given: Any) -> Axis:
    """Return the axis that a sweep file gives; raises ValueError or TypeError with one sentence."""
    checks.choice("an axis", name, axis_names())
    table = {"values": given} if isinstance(given, list) else given
    if not isinstance(table, dict):
        raise TypeError(f"the axis {name} must be a list of values or a table, not {given!r}.")
    for key, read in _FORMS.items():
        if key in table:
            return read(name, table)
    raise ValueError(f"the axis {name} must have values, from and to, or seeds, not {', '.join(table)}.")


def with_values(config: RunConfig, values: Mapping[str, Any]) -> RunConfig:
    """Return config with values by the names of axes; raises ValueError or TypeError with one sentence."""
    plain = {name: as_text(value) for name, value in values.items() if name not in _SHAPES}
    config = config.with_texts(plain) if plain else config
    for name, shape in _SHAPES.items():
        if name in values:
            config = config.replace(**shape(config, values[name]))
    return config


def as_text(value: Any) -> str:
    """Return a value of a TOML file as the text that `RunConfig.with_texts` reads to the same value."""
    if isinstance(value, list | tuple):
        return ",".join(map(as_text, value)) or "none"
    return repr(value) if isinstance(value, float) else str(value)


def _listed(name: str, table: dict[str, Any]) -> Axis:
    _only(name, table, ("values", "also"))
    values = table["values"]
    if not isinstance(values, list) or not values:
        raise ValueError(f"the axis {name} must have at least one value, not {values!r}.")
    return Axis(name, _distinct(name, [_plain(value) for value in values]), _also(name, table))


def _ranged(name: str, table: dict[str, Any]) -> Axis:
    _only(name, table, ("from", "to", "n", "scale", "also"))
    scale = checks.choice(f"scale of the axis {name}", table.get("scale", "linear"), SCALES)
    is_log = scale == "log"
    first, last = (_bound(name, table, key, is_log) for key in ("from", "to"))
    is_whole = isinstance(first, int) and isinstance(last, int)
    if last <= first:
        raise ValueError(f"to of the axis {name} must be above from, {first!r}, not {last!r}.")
    default = last - first + 1 if is_whole and not is_log else None
    n = checks.whole_number(f"n of the axis {name}", table.get("n", default), 2)
    values = [_between(first, last, i / (n - 1), is_log) for i in range(n)]
    numbers: list[Any] = [round(value) for value in values] if is_whole else values
    return Axis(name, _distinct(name, numbers), _also(name, table), is_log=is_log)


def _seeds(name: str, table: dict[str, Any]) -> Axis:
    _only(name, table, ("seeds", "first", "also"))
    n = checks.whole_number(f"seeds of the axis {name}", table["seeds"], 1)
    first = checks.whole_number(f"first of the axis {name}", table.get("first", 0), 0)
    return Axis(name, range(first, first + n), _also(name, table), is_seeds=True)


def _between(first: float, last: float, share: float, is_log: bool) -> float:
    value = first * (last / first) ** share if is_log else first + (last - first) * share
    return float(f"{value:.{_DIGITS}g}")


def _bound(name: str, table: dict[str, Any], key: str, is_log: bool) -> Any:
    what = f"{key} of the axis {name}"
    checks.real_number(what, table.get(key), **({"above": 0.0} if is_log else {}))
    return table[key]


def _also(name: str, table: dict[str, Any]) -> tuple[str, ...]:
    also = table.get("also", [])
    if not isinstance(also, list):
        raise TypeError(f"also of the axis {name} must be a list of settings, not {also!r}.")
    return tuple(checks.choice(f"also of the axis {name}", one, setting_names()) for one in also)


def _distinct(name: str, values: list[Any]) -> tuple[Any, ...]:
    for i, value in enumerate(values):
        if value in values[:i]:
            raise ValueError(f"the axis {name} must have each value once, and {value!r} is there twice.")
    return tuple(values)


def _plain(value: Any) -> Any:
    return as_text(value) if isinstance(value, list) else value


def _only(name: str, table: dict[str, Any], allowed: tuple[str, ...]) -> None:
    for key in table:
        checks.choice(f"a key of the axis {name}", key, allowed)


def _width(config: RunConfig, value: Any) -> dict[str, Any]:
    return {"hidden": (checks.whole_number("width", value, 1),) * max(1, len(config.hidden))}


def _depth(config: RunConfig, value: Any) -> dict[str, Any]:
    if not config.hidden:
        raise ValueError("depth needs the width of one hidden layer in hidden, and there is none.")
    hidden = config.hidden[:1] * checks.whole_number("depth", value, 1)
    return {"hidden": hidden, "activation": config.activation[:1], "skip": ()}


def _skips(config: RunConfig, value: Any) -> dict[str, Any]:
    all_layers = tuple(range(1, len(config.hidden) + 1))
    return {"skip": all_layers if checks.choice("skips", value, SKIPS) == "all" else ()}


_FORMS: Final[dict[str, Callable[[str, dict[str, Any]], Axis]]] = {
    "values": _listed,
    "seeds": _seeds,
    "from": _ranged,
}
_SHAPES: Final[dict[str, Callable[[RunConfig, Any], dict[str, Any]]]] = {
    "width": _width,  # the width of the first layer decides that of all layers of a depth
    "depth": _depth,
    "skips": _skips,
}
