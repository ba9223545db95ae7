"""Lessons: small text files in assets/lessons with settings, seed and what to look for.

A lesson is a TOML file whose name without ending is its id, in the folder of its source (see
`engine.sources`). Beside the keys of `_KEYS` it has a table [settings] with keys of `RunConfig`, where `data`
may also be a list: the first that is here is taken. A key that is not known is an error, so that a slip of the
pen is not passed over; a new kind of key needs one line in `_KEYS` and one field in `Lesson`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from engine import checks
from engine.claims.registry import CLAIM_IDS
from engine.config import RunConfig, setting_names
from engine.datasets import is_available
from engine.sources import SOURCES

FOLDER: Final = Path(__file__).resolve().parent.parent / "assets" / "lessons"

DEFAULT: Final = "exam"


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson.

    Attributes:
        lesson_id: file name without ending.
        group: key of the source that it belongs to, "" for none.
        order: lessons of a group are listed by it, smallest first.
        title: a few words.
        source: the text that the question comes from.
        claims: ids of the claims that it shows.
        intro: what runs here, in plain words; an empty line parts paragraphs, here and below.
        predict: what to guess before pressing Run.
        choices: answers to choose from, () for none; right is the right one.
        look: what to look for on the screen.
        answer: what is the case, and why.
        n_steps: how many steps a headless run takes.
        panels: ids of the panels that matter for it, most important first.
        config: the settings.
    """

    lesson_id: str
    group: str
    order: int
    title: str
    source: str
    claims: tuple[str, ...]
    intro: str
    predict: str
    choices: tuple[str, ...]
    right: str
    look: str
    answer: str
    n_steps: int
    panels: tuple[str, ...]
    config: RunConfig = field(repr=False)

    @property
    def text(self) -> str:
        """The whole lesson, from what runs to why; an empty line parts paragraphs."""
        parts = [
            self.intro,
            f"Predict, before you press Run: {self.predict}",
            f"Look for: {self.look}",
            f"Answer: {self.answer}",
        ]
        return "\n\n".join(parts)


def lesson_ids(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the ids of all lessons, in order."""
    return tuple(lesson.lesson_id for lesson in all_lessons(folder))


def all_lessons(folder: Path = FOLDER) -> tuple[Lesson, ...]:
    """Return all lessons, in order."""
    lessons = [_read(path) for path in _paths(folder).values()]
    return tuple(sorted(lessons, key=_place))


def load_lesson(lesson_id: str, folder: Path = FOLDER) -> Lesson:
    """Return a lesson; raises ValueError naming the lessons there are when there is no such one."""
    paths = _paths(folder)
    if lesson_id not in paths:
        raise ValueError(f"{lesson_id!r} is no lesson; the lessons are {', '.join(lesson_ids(folder))}.")
    return _read(paths[lesson_id])


def _paths(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in folder.rglob("*.toml")}


def _place(lesson: Lesson) -> tuple[int, int, str]:
    keys = [*SOURCES]
    group = keys.index(lesson.group) if lesson.group else len(keys)
    return group, lesson.order, lesson.lesson_id


def _read(path: Path) -> Lesson:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        settings = _table(content.pop("settings", None))
        _check_keys(content)
        values: dict[str, Any] = {
            key: read(key, content[key]) for key, read in _KEYS.items() if key in content
        }
        values["intro"] = values.pop("text")
        values = {"claims": (), "choices": (), "right": ""} | values
        _check_choices(values["choices"], values["right"])
        group = path.parent.name if path.parent.name in SOURCES else ""
        return Lesson(lesson_id=path.stem, group=group, config=_config(path.stem, settings), **values)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise ValueError(f"The lesson file {path.name} cannot be used: {error}") from error


def _check_keys(content: dict[str, Any]) -> None:
    for key in content:
        checks.choice("a key", key, (*_KEYS, "settings"))
    needed = [key for key in _KEYS if key not in _OPTIONAL]
    missing = [key for key in needed if key not in content]
    if missing:
        raise ValueError(f"{missing[0]} is missing; a lesson has {', '.join(needed)} and [settings].")


def _check_choices(choices: tuple[str, ...], right: str) -> None:
    if choices:
        checks.choice("right", right, choices)
    elif right:
        raise ValueError(f"right must be one of choices, but there are none: {right!r}.")


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


def _claims(key: str, value: Any) -> tuple[str, ...]:
    names = _texts(key, value)
    for name in names:
        checks.choice(key, name, CLAIM_IDS)
    return names


_OPTIONAL: Final = ("claims", "choices", "right")
_KEYS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "order": _order,
    "title": _text,
    "source": _text,
    "claims": _claims,
    "text": _text,
    "predict": _text,
    "choices": _texts,
    "right": _text,
    "look": _text,
    "answer": _text,
    "n_steps": _count,
    "panels": _texts,
}
