"""The system's own lock on a file: one process at a time holds it, and a process that dies leaves it free."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import errno
    import fcntl


def take(path: Path) -> int | None:
    """Return what `release` wants, or None while somebody else holds the lock; it does not wait.

    Args:
        path: of a file for nothing but the lock; it need not be there, and goes when it is released.

    Raises:
        OSError: when no such file can be made.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _try_to_lock(descriptor):
                os.close(descriptor)
                return None
            if _is_there(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # who had it removed it between our opening and our locking


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock now; a file that a killed process left behind is no lock."""
    try:
        descriptor = take(path) if path.exists() else None
    except OSError:
        return False
    if descriptor is None:
        return path.exists()
    release(path, descriptor)
    return False


def _is_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


if sys.platform == "win32":

    def _try_to_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def release(path: Path, descriptor: int) -> None:
        """Give up a lock that was taken."""
        os.close(descriptor)  # Windows removes no file that is open
        with suppress(OSError):
            path.unlink()

else:

    def _try_to_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # a file system without locks: nobody can tell there, and work must go on
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP):
                raise
        return True

    def release(path: Path, descriptor: int) -> None:
        """Give up a lock that was taken."""
        # Removed while it is held: whoever opened it meanwhile looks whether it is there.
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)
