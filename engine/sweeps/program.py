"""Which program this is: workers elsewhere must be the same one, or their results would not have the same bits."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).resolve().parent.parent
_PACKAGES: Final = ("numpy", "numba", "scipy")  # what they compute is in the results
_N_DIGITS: Final = 12  # of the hash, for people


@lru_cache(maxsize=1)
def program() -> str:
    """Return what decides the bits of a result beside the sweep: the engine's sources by hash, and packages."""
    digest = hashlib.sha256()
    for path in sorted(_FOLDER.rglob("*.py")):
        digest.update(path.relative_to(_FOLDER).as_posix().encode() + path.read_bytes())
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"engine {digest.hexdigest()[:_N_DIGITS]}, {packages}"


def check_program(here: str) -> None:
    """Raise RuntimeError with one sentence unless this process is the program that asks, `program()` there."""
    if program() != here:
        raise RuntimeError(
            f"a worker has another version of this program ({program()}) than is run here ({here})"
        )
