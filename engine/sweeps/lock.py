"""A lock on a results file: one program at a time writes to it, and a program that dies leaves it free.

The lock is on a file beside the results: a lock on the results themselves would meddle with SQLite's, which the
system drops as soon as any other handle of the file is closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine import locks


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of a results file, which need not be there yet.

    Raises:
        ValueError: one sentence, while another program holds it.
        OSError: when no file can be made beside it.
    """
    target = path.resolve()  # so that a link and what it points to share a lock
    lock = target.with_name(f".{target.name}.lock")
    descriptor = locks.take(lock)
    if descriptor is None:
        raise ValueError(
            f"{path} is being written by another sweep; wait until that has ended, or name another file."
        )
    try:
        yield
    finally:
        locks.release(lock, descriptor)
