"""TOML files of lessons, witnesses and sweeps: read, or one sentence on what is wrong with them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        ValueError: words for a sentence, when it is no TOML.
        OSError: when it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError("it is not plain UTF-8 text") from error
    except RecursionError as error:
        raise ValueError("its lists or tables are nested too deeply") from error
    except (
        ValueError
    ) as error:  # also for whole numbers of thousands of digits, which tomllib leaves to Python
        raise ValueError(" ".join(str(error).split(";")[0].split())) from error


@contextmanager
def faults_named(what: str) -> Iterator[None]:
    """Turn what is wrong inside a file into one sentence that names it, as "The lesson file a.toml"."""
    try:
        yield
    except KeyError as error:
        raise ValueError(f"{what} cannot be used: {error.args[0]} is missing.") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} cannot be used: {str(error).rstrip('.')}.") from error
