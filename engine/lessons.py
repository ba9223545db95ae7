"""Lessons: small text files in assets/lessons with settings, seed and what to look for."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

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
        text: what to look for, in plain words.
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


def lesson_ids() -> tuple[str, ...]:
    """Return the ids of all lessons, in order."""
    return tuple(lesson.lesson_id for lesson in all_lessons())


def all_lessons() -> tuple[Lesson, ...]:
    """Return all lessons, in order."""
    lessons = [_read(path) for path in FOLDER.glob("*.toml")]
    return tuple(sorted(lessons, key=lambda lesson: (lesson.order, lesson.lesson_id)))


def load_lesson(lesson_id: str) -> Lesson:
    """Return a lesson; raises ValueError naming the lessons there are when there is no such one."""
    if lesson_id not in {path.stem for path in FOLDER.glob("*.toml")}:
        raise ValueError(f"{lesson_id!r} is no lesson; the lessons are {', '.join(lesson_ids())}.")
    return _read(FOLDER / f"{lesson_id}.toml")


def _read(path: Path) -> Lesson:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return Lesson(
            lesson_id=path.stem,
            order=content["order"],
            title=content["title"],
            source=content["source"],
            text=content["text"].strip(),
            n_steps=content["n_steps"],
            panels=tuple(content.get("panels", ())),
            config=_config(path.stem, content["settings"]),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"The lesson file {path.name} cannot be used: {error}") from error


def _config(lesson_id: str, settings: dict[str, Any]) -> RunConfig:
    """Read settings; data may name several data sets, and the first that is there is taken."""
    unknown = sorted(set(settings) - set(setting_names()))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no setting; the settings are {', '.join(setting_names())}.")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    if isinstance(values.get("data"), tuple):
        values["data"] = next(name for name in values["data"] if is_available(name))
    if isinstance(values.get("activation"), str):
        values["activation"] = (values["activation"],)
    return RunConfig(lesson=lesson_id, **values)
