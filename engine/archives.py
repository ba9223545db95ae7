"""NPZ files that may come from anywhere: no pickles, no more memory than there is, one sentence for each fault."""

from __future__ import annotations

import os
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    tokenize.TokenError,
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
)
"""What zipfile, zlib and numpy raise, beside ValueError, for archives that are cut off, altered, encrypted, packed
oddly, or too big; RuntimeError includes a RecursionError."""

_ZIP_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06")  # with members, and empty
_LARGEST_SHARE: Final = 0.5  # of the machine's memory that an archive may fill
_USUAL_MEMORY: Final = 2**34  # bytes; where the system does not tell
_N_MOST_SHOWN: Final = 120  # characters of another library's message


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Yield an NPZ file that is open, as `numpy.load` gives it.

    Raises:
        ValueError: one sentence without the path, when it is no ordinary file, no NPZ, or too big for this machine.
        OSError: when it cannot be read.
        Any of DAMAGE: as the archive is.
    """
    if not is_ordinary(path):
        raise ValueError("it is no ordinary file.")
    with path.open("rb") as stream:
        if stream.read(4) not in _ZIP_STARTS:
            raise ValueError("this is no NPZ file, which numpy.savez writes.")
        stream.seek(0)
        with np.load(stream, allow_pickle=False) as file:
            _check_size(file.zip)
            yield file


def array(file: Any, key: str) -> npt.NDArray[Any]:
    """Return one array of an open NPZ file; raises ValueError with one sentence that names it."""
    try:
        found = file[key]
    except (ValueError, *DAMAGE) as error:
        if "Object arrays" in str(error):
            raise ValueError(
                f"{key} is an array of Python objects, which is not read; save numbers."
            ) from None
        raise ValueError(f"{key} cannot be read: {inner(error)}.") from None
    if not isinstance(found, np.ndarray):
        raise ValueError(f"{key} is no array that numpy.savez wrote.")
    return found


def is_ordinary(path: Path) -> bool:
    """Whether path is no device and no pipe: reading those might never end. OSError where there is nothing."""
    mode = path.stat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)  # a folder gets the system's own sentence when opened


def inner(error: BaseException) -> str:
    """Return the first line of another library's message, cut to a readable length, without its full stop."""
    line = (str(error).splitlines() or [""])[0].rstrip(".")
    shown = "".join(letter if letter.isprintable() else "?" for letter in line[:_N_MOST_SHOWN])
    return (shown + ("..." if len(line) > _N_MOST_SHOWN else "")) or type(error).__name__


def _check_size(archive: zipfile.ZipFile) -> None:
    """Refuse what would fill the memory: a few megabytes of zeros may unpack to any number of gigabytes."""
    n_bytes = sum(member.file_size for member in archive.infolist())
    n_most = _LARGEST_SHARE * memory_size()
    if n_bytes > n_most:
        raise ValueError(
            f"it holds {n_bytes / 1e9:.1f} GB once unpacked, and at most {n_most / 1e9:.1f} GB, half of this "
            "machine's memory, are read."
        )


def memory_size() -> int:
    """Return the bytes of memory of this machine, or what is usual where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return _USUAL_MEMORY
