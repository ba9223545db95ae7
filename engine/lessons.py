"""Lessons: small text files in assets/lessons with settings, seed and what to look for.

A lesson is a TOML file whose name without ending is its id. Beside the keys of `_KEYS` it has a table
[settings] with keys of `RunConfig`, where `data` may also be a list: the first that is here is taken. A key
that is not known is an error, so that a slip of the pen is not passed over; a new kind of key needs one line
in `_KEYS` and one field in `Lesson`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from engine import checks
from engine.config import RunConfig, setting_names
from engine.datasets import is_available

FOLDER: Final = Path(__file__).resolve().parent.parent / "assets" / "lessons"

DEFAULT: Final = "exam"


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson.

    Attributes:
        lesson_id: file name without ending.
        order: lessons are listed by it, smallest first.
        title: a few words.
        source: the text that the question comes from.
        text: what to look for, in plain words; an empty line parts paragraphs.
        n_steps: how many steps a headless run takes.
        panels: ids of the panels that matter for it, most important first.
        config: the settings.
    """

    lesson_id: str
    order: int
    title: str
    source: str
    text: str
    n_steps: int
    panels: tuple[str, ...]
    config: RunConfig = field(repr=False)


def lesson_ids(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the ids of all lessons, in order."""
    return tuple(lesson.lesson_id for lesson in all_lessons(folder))


def all_lessons(folder: Path = FOLDER) -> tuple[Lesson, ...]:
    """Return all lessons, in order."""
    lessons = [_read(path) for path in folder.glob("*.toml")]
    return tuple(sorted(lessons, key=lambda lesson: (lesson.order, lesson.lesson_id)))


def load_lesson(lesson_id: str, folder: Path = FOLDER) -> Lesson:
    """Return a lesson; raises ValueError naming the lessons there are when there is no such one."""
    if lesson_id not in {path.stem for path in folder.glob("*.toml")}:
        raise ValueError(f"{lesson_id!r} is no lesson; the lessons are {', '.join(lesson_ids(folder))}.")
    return _read(folder / f"{lesson_id}.toml")


def _read(path: Path) -> Lesson:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        settings = _table(content.pop("settings", None))
        _check_keys(content)
        values: dict[str, Any] = {key: read(key, content[key]) for key, read in _KEYS.items()}
        return Lesson(lesson_id=path.stem, config=_config(path.stem, settings), **values)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise ValueError(f"The lesson file {path.name} cannot be used: {error}") from error


def _check_keys(content: dict[str, Any]) -> None:
    for key in content:
        checks.choice("a key", key, (*_KEYS, "settings"))
    missing = [key for key in _KEYS if key not in content]
    if missing:
        raise ValueError(f"{missing[0]} is missing; a lesson has {', '.join(_KEYS)} and [settings].")


def _config(lesson_id: str, settings: dict[str, Any]) -> RunConfig:
    """Read settings; data may name several data sets, and the first that is there is taken."""
    for key in settings:
        checks.choice("a setting", key, setting_names())
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()
    }
    if isinstance(values.get("data"), tuple):
        values["data"] = _first_available(values["data"])
    for key in ("hidden", "activation", "skip"):
        if key in values and not isinstance(values[key], tuple):
            values[key] = (values[key],)
    return RunConfig(lesson=lesson_id, **values)


def _first_available(names: tuple[str, ...]) -> str:
    for name in names:
        if is_available(name):
            return name
    raise ValueError(f"none of the data sets {', '.join(names)} is here.")


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("settings must be a table, [settings].")
    return value


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{key} must be text, not {value!r}.")
    return value.strip()


def _order(key: str, value: Any) -> int:
    return checks.whole_number(key, value, at_least=0)


def _count(key: str, value: Any) -> int:
    return checks.whole_number(key, value, at_least=1)


def _texts(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{key} must be a list of texts, not {value!r}.")
    return tuple(_text(key, entry) for entry in value)


_KEYS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "order": _order,
    "title": _text,
    "source": _text,
    "text": _text,
    "n_steps": _count,
    "panels": _texts,
}
