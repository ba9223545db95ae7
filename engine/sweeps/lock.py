"""A lock on a results file: one program at a time writes to it, and a program that dies leaves it free.

The lock is the system's own, on a file beside the results: a lock on the results themselves would meddle with
SQLite's, which the system drops as soon as any other handle of the file is closed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import errno
    import fcntl


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of a results file, which need not be there yet.

    Raises:
        ValueError: one sentence, while another program holds it.
        OSError: when no file can be made beside it.
    """
    target = path.resolve()  # so that a link and what it points to share a lock
    lock = target.with_name(f".{target.name}.lock")
    descriptor = _taken(lock)
    if descriptor is None:
        raise ValueError(
            f"{path} is being written by another sweep; wait until that has ended, or name another file."
        )
    try:
        yield
    finally:
        _release(lock, descriptor)


def _taken(lock: Path) -> int | None:
    """Return the open file that is locked, or None while somebody else has it."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _try_to_lock(descriptor):
                os.close(descriptor)
                return None
            if _is_there(lock, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # who had it removed it between our opening and our locking


def _is_there(lock: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(lock.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


if sys.platform == "win32":

    def _try_to_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _release(lock: Path, descriptor: int) -> None:
        os.close(descriptor)  # Windows removes no file that is open
        with suppress(OSError):
            lock.unlink()

else:

    def _try_to_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # a file system without locks: nobody can tell there, and sweeps must go on
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP):
                raise
        return True

    def _release(lock: Path, descriptor: int) -> None:
        with suppress(
            OSError
        ):  # removed while it is held: whoever opened it meanwhile looks whether it is there
            lock.unlink()
        os.close(descriptor)
