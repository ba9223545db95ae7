"""Where the data sets that are files lie: named by the user, remembered between runs, or downloaded.

The search goes: the folder in the environment variable (if it is set, no other); the folder that the user
named with `set_folder`; the folder that downloads go to.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine import checks
from engine.datasets import cifar, idx

APPLICATION: Final = "lossoscope"
MEMORY_NAME: Final = "folders.json"


class MissingDatasetError(ValueError):
    """The files of a data set are nowhere to be found; the sentence says how to get them."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A data set of files, which a folder holds.

    Attributes:
        name: what the folder is remembered under.
        variable: the environment variable that may name the folder.
        holds_any: whether a folder holds any of the files; looks at names only.
        check: reads all the files of a folder and raises ValueError with one sentence for the first fault.
        how_to_get: the end of the sentence for a missing data set.
    """

    name: str
    variable: str
    holds_any: Callable[[Path], bool]
    check: Callable[[Path], None]
    how_to_get: str


COLLECTIONS: Final[Mapping[str, Collection]] = {
    "mnist": Collection(
        "mnist",
        "LOSSOSCOPE_MNIST",
        idx.holds_any,
        idx.check_folder,
        "name the folder with the four files by `python main.py data mnist --folder PATH`, or download them "
        "(12 MB) by `python main.py data mnist --download`",
    ),
    "cifar10": Collection(
        "cifar10",
        "LOSSOSCOPE_CIFAR10",
        cifar.holds_any,
        cifar.check_folder,
        "get the binary version from https://www.cs.toronto.edu/~kriz/cifar.html, unpack it, and name the "
        "folder with data_batch_1.bin by `python main.py data cifar10 --folder PATH`",
    ),
}


def config_folder(platform: str = sys.platform) -> Path:
    """Return the folder for settings; LOSSOSCOPE_CONFIG_DIR overrides the system's custom."""
    return _user_folder("LOSSOSCOPE_CONFIG_DIR", "XDG_CONFIG_HOME", ".config", platform)


def data_folder(name: str, platform: str = sys.platform) -> Path:
    """Return the folder that a data set is downloaded to; LOSSOSCOPE_DATA_DIR overrides its parent."""
    return _user_folder("LOSSOSCOPE_DATA_DIR", "XDG_DATA_HOME", ".local/share", platform) / name


def find_folder(name: str) -> Path:
    """Return the folder that holds the files of "mnist" or "cifar10"; looks at names only.

    Raises:
        MissingDatasetError: a ValueError with one sentence that says how to get the files.
    """
    collection = _collection(name)
    for folder in _candidates(collection):
        if collection.holds_any(folder):
            return folder
    named = os.environ.get(collection.variable)
    where = (
        f"{collection.variable} names {named}, which holds no file of it"
        if named
        else "none of its files is here"
    )
    raise MissingDatasetError(f"{name} is missing, {where}: {collection.how_to_get}.")


def known_folder(name: str) -> Path | None:
    """Return what `find_folder` finds, or None: also where an environment variable names what can be no path."""
    try:
        return find_folder(name)
    except ValueError:
        return None


def set_folder(name: str, folder: Path | str) -> Path:
    """Check all files of "mnist" or "cifar10" in a folder, remember it for later runs, and return it in full.

    A memory file that cannot be read is set aside as folders.json.broken, not overwritten.

    Raises:
        ValueError: one sentence, if a file is missing or not as it must be, or the memory cannot be written.
        TypeError: if folder is neither a path nor text.
    """
    collection = _collection(name)
    if not isinstance(folder, str | os.PathLike):
        raise TypeError(f"folder must be the path of a folder, not {folder!r}.")
    full = as_path("folder", str(folder)).absolute()
    if not full.is_dir():
        raise ValueError(f"folder must be the path of a folder, and {full} is none.")
    collection.check(full)
    _remember(name, full)
    return full


def remembered_folder(name: str) -> Path | None:
    """Return the folder that `set_folder` stored, whether or not it still exists, or None."""
    folder = _folders(_read_memory()[0]).get(_collection(name).name)
    return Path(folder) if isinstance(folder, str) and folder and "\0" not in folder else None


def memory_problem() -> str | None:
    """Return one sentence on why the remembered folders cannot be read, or None."""
    return _read_memory()[1]


def as_path(name: str, text: str) -> Path:
    """Return text as a path, with ~ for the home folder; ValueError with one sentence if it can be none."""
    if not text.strip() or "\0" in text:
        raise ValueError(f"{name} must be a path, not {text!r}.")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{name} begins with ~, and there is no such home folder: {text}.") from None


def _collection(name: str) -> Collection:
    return COLLECTIONS[checks.choice("name", name, COLLECTIONS)]


def _candidates(collection: Collection) -> list[Path]:
    named = os.environ.get(collection.variable)
    if named:
        return [as_path(collection.variable, named)]
    remembered = remembered_folder(collection.name)
    return [*([remembered] if remembered else []), data_folder(collection.name)]


def _user_folder(ours: str, standard: str, below_home: str, platform: str) -> Path:
    """Return our folder of one kind; the standard on variables: https://specifications.freedesktop.org/basedir-spec."""
    if named := os.environ.get(ours):
        return as_path(ours, named)
    if platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / APPLICATION
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / APPLICATION
    base = Path(os.environ.get(standard, ""))
    return (base if base.is_absolute() else Path.home() / below_home) / APPLICATION


def _read_memory() -> tuple[dict[str, Any], str | None]:
    """Return what the memory file holds, or nothing and the sentence that says why."""
    path = config_folder() / MEMORY_NAME
    try:
        memory = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}, None
    except OSError as error:
        return {}, f"The remembered data folders in {path} cannot be read: {error.strerror or error}."
    except (ValueError, RecursionError):
        return {}, f"The remembered data folders in {path} are ignored, because the file is no JSON."
    if not isinstance(memory, dict) or not isinstance(memory.get("folders", {}), dict):
        return {}, f"The remembered data folders in {path} are ignored, because the file has another layout."
    return memory, None


def _folders(memory: dict[str, Any]) -> dict[str, Any]:
    return dict(memory.get("folders", {}))


def _remember(name: str, folder: Path) -> None:
    memory, problem = _read_memory()
    path = config_folder() / MEMORY_NAME
    memory["folders"] = _folders(memory) | {name: str(folder)}
    try:
        if problem:
            path.replace(path.with_name(MEMORY_NAME + ".broken"))
        _write_atomically(path, json.dumps(memory, indent=2) + "\n")
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written, so {name}'s folder is not remembered: {error.strerror}."
        ) from None


def _write_atomically(path: Path, text: str) -> None:
    """Write beside the file, then rename: a crash leaves the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
