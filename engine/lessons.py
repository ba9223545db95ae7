"""Lessons: small text files in assets/lessons with settings, seed and what to look for.

A lesson is a TOML file whose name without ending is its id, in the folder of its source (see
`engine.sources`). Beside the keys of `_KEYS` it has a table [settings] with keys of `RunConfig`, where `data`
may also be a list: the first that is here is taken. A key that is not known is an error, so that a slip of the
pen is not passed over; a new kind of key needs one line in `_KEYS` and one field in `Lesson`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from engine import checks
from engine.claims.registry import CLAIM_IDS
from engine.config import RunConfig, setting_names
from engine.datasets import is_available
from engine.snapshot import Snapshot
from engine.sources import SOURCES
from engine.tomls import read_toml

FOLDER: Final = Path(__file__).resolve().parent.parent / "assets" / "lessons"

DEFAULT: Final = "exam"

EVENTS: Final[dict[str, Callable[[Snapshot], bool]]] = {
    "loss rises": lambda snapshot: len(snapshot.history.loss_rises) > 0,
    "mistakes rise": lambda snapshot: len(snapshot.history.error_rises) > 0,
    "no mistakes": lambda snapshot: snapshot.n_errors == 0 and snapshot.n_tied == 0,
    "a kick": lambda snapshot: len(snapshot.history.jumps) > 0,
}
"""What a question may be about other than a step, and whether a run has come to it."""


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
        n_steps: the lesson's last step: a run without a window ends there, one in the window pauses.
        reveal: what the question is about, a step or one of `EVENTS`: once a run has come to it the answer
            is shown. By default the last step; a later one is a stop too. The last step will do for any
            event that the run itself may bring, for then it has not.
        n_runs: how many runs the question is about, with settings of their own each.
        pace: steps a second in the window; None for full speed.
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
    reveal: int | str
    n_runs: int
    pace: float | None
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

    def next_stop(self, n_steps: int) -> int | None:
        """Return the step at which a run that has come to n_steps is to pause; None for none any more."""
        return min((stop for stop in self._stops if stop > n_steps), default=None)

    def is_at_a_stop(self, n_steps: int) -> bool:
        """Whether a run pauses at this step, since it is one that the lesson is about."""
        return n_steps in self._stops

    @property
    def _stops(self) -> tuple[int, int]:
        late = self.reveal if isinstance(self.reveal, int) else 0
        return self.n_steps, max(self.n_steps, late)

    def has_shown(self, snapshot: Snapshot) -> bool:
        """Whether a run has come to what the question is about."""
        if isinstance(self.reveal, int):
            return snapshot.n_steps >= self.reveal
        is_over = snapshot.n_steps >= self.n_steps and self.reveal != "a kick"
        return is_over or EVENTS[self.reveal](snapshot)


def lesson_ids(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the ids of all lessons whose files can be used, in order."""
    return tuple(lesson.lesson_id for lesson in readable_lessons(folder)[0])


def all_lessons(folder: Path = FOLDER) -> tuple[Lesson, ...]:
    """Return all lessons, in order; ValueError for the first file that cannot be used."""
    lessons = [_read(path) for path in _paths(folder).values()]
    return tuple(sorted(lessons, key=_place))


def readable_lessons(folder: Path = FOLDER) -> tuple[tuple[Lesson, ...], tuple[str, ...]]:
    """Return the lessons that can be used, in order, and a sentence for each file that cannot."""
    lessons, faults = [], []
    for path in _paths(folder).values():
        try:
            lessons.append(_read(path))
        except ValueError as error:
            faults.append(" ".join(str(error).split()))
    return tuple(sorted(lessons, key=_place)), tuple(faults)


def first_lesson(folder: Path = FOLDER) -> Lesson:
    """Return the lesson to begin with; another one where its file cannot be used."""
    with suppress(ValueError):  # only one file is read where that will do: the window waits for it
        return load_lesson(DEFAULT, folder)
    lessons, faults = readable_lessons(folder)
    if not lessons:
        raise ValueError(faults[0] if faults else f"There is no lesson in {folder}.")
    return lessons[0]


def load_lesson(lesson_id: str, folder: Path = FOLDER) -> Lesson:
    """Return a lesson; raises ValueError naming the lessons there are when there is no such one."""
    paths = _paths(folder)
    if lesson_id not in paths:
        raise ValueError(f"{lesson_id!r} is no lesson; the lessons are {', '.join(lesson_ids(folder))}.")
    return _read(paths[lesson_id])


def _paths(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.rglob("*.toml"))}


def _place(lesson: Lesson) -> tuple[int, int, str]:
    keys = [*SOURCES]
    group = keys.index(lesson.group) if lesson.group else len(keys)
    return group, lesson.order, lesson.lesson_id


def _read(path: Path) -> Lesson:
    try:
        content = read_toml(path)
        settings = _table(content.pop("settings", None))
        _check_keys(content)
        values: dict[str, Any] = {
            key: read(key, content[key]) for key, read in _KEYS.items() if key in content
        }
        values["intro"] = values.pop("text")
        defaults: dict[str, Any] = {"claims": (), "choices": (), "right": "", "n_runs": 1, "pace": None}
        values = defaults | {"reveal": values["n_steps"]} | values
        _check_choices(values["choices"], values["right"])
        group = path.parent.name if path.parent.name in SOURCES else ""
        return Lesson(lesson_id=path.stem, group=group, config=_config(path.stem, settings), **values)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ValueError(f"The lesson file {path.name} cannot be read: {why}.") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"The lesson file {path.name} cannot be used: {str(error).rstrip('.')}.") from error


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
    raise ValueError(f"none of the data sets {', '.join(map(str, names))} is here.")


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


def _moment(key: str, value: Any) -> int | str:
    if isinstance(value, str):
        return checks.choice(key, value, EVENTS)
    return _count(key, value)


def _pace(key: str, value: Any) -> float:
    return checks.real_number(key, value, above=0.0)


def _texts(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{key} must be a list of texts, not {value!r}.")
    return tuple(_text(key, entry) for entry in value)


def _claims(key: str, value: Any) -> tuple[str, ...]:
    names = _texts(key, value)
    for name in names:
        checks.choice(key, name, CLAIM_IDS)
    return names


_OPTIONAL: Final = ("claims", "choices", "right", "reveal", "n_runs", "pace")
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
    "reveal": _moment,
    "n_runs": _count,
    "pace": _pace,
    "panels": _texts,
}
