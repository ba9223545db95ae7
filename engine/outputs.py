"""Result files: checked before the work starts, and written whole or not at all."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from engine.history import SERIES, History, HistoryView

JSON_SERIES: Final = ("loss", "n_errors", "gradient_norm")
CSV_HEADER: Final = ("step", *SERIES)


def check_targets(**targets: Path) -> None:
    """Raise ValueError, naming the option, unless each file can be written and no two are the same."""
    seen: dict[Path, str] = {}
    for option, path in targets.items():
        check_target(option, path)
        other = seen.setdefault(path.resolve(), option)
        if other != option:
            raise ValueError(f"--{option} must name another file than --{other}, not {path} too.")


def check_target(option: str, path: Path) -> None:
    """Raise ValueError unless a file can be written at path; an existing file is left as it is."""
    try:
        problem = _problem(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go in a circle
        problem = getattr(error, "strerror", None) or str(error)
    if problem:
        raise ValueError(f"--{option} must name a file that can be written, not {path}: {problem}.")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it becomes `path` if all goes well, and is removed if not."""
    target = path.resolve()  # a link stays a link, and what it points to is replaced
    temporary = _beside(target)
    try:
        yield temporary
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all; OSError when that fails."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def as_json(content: dict[str, Any] | list[Any]) -> str:
    """Return content as JSON text; a number that is not finite, which JSON does not know, becomes null."""
    return json.dumps(_finite(content), allow_nan=False, ensure_ascii=False, separators=(", ", ": ")) + "\n"


def as_csv(history: History | HistoryView) -> str:
    """Return a history as CSV text, one line an entry; each float reads back as the same float."""
    columns = [history[name].tolist() for name in SERIES]
    lines = [",".join(CSV_HEADER)]
    lines += [",".join(map(repr, row)) for row in zip(range(history.n_entries), *columns, strict=True)]
    return "\n".join(lines) + "\n"


def _problem(path: Path) -> str:
    """Return why no file can be written at path, or ""; raises OSError for what only trying can tell."""
    target = path.resolve()
    if target.is_dir():
        return "it is a folder"
    if target.exists() and not target.is_file():
        return "it is no ordinary file"  # renaming onto /dev/null would remove the device
    if not target.parent.is_dir():
        return f"there is no folder {target.parent}"
    if target.exists() and not os.access(target, os.W_OK):
        return "it may not be overwritten"
    temporary = _beside(target)
    temporary.touch()
    temporary.unlink()
    return ""


def _beside(target: Path) -> Path:
    """Return a name in the same folder, where renaming is one indivisible act, with the same ending."""
    return target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(entry) for entry in value]
    return value
