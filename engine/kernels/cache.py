"""Where machine code is kept from one run to the next, and whose turn it is to compile what is not there.

Numba's cache does not notice a change in another file of inlined code, and fails on a read-only folder: so the
cache is a folder of the user's, named by a hash of all kernel sources. Nor does it take a lock: of two processes
that compile the same at the same time, one would spend its half a minute for nothing, and both could write to a
file of one name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numba
from llvmlite import binding
from numba.core import ccallback, dispatcher
from numba.core.caching import FunctionCache
from numba.core.compiler_lock import global_compiler_lock

from engine import locks

_DAYS_UNUSED: Final = 30
_LOOK_S: Final = 0.02  # between two looks for what another process compiles
_LONGEST_WAIT_S: Final = 120.0  # for another process: all kernels take half a minute on an idle machine


def _cache_folder() -> Path | None:
    """Return the folder for machine code, made if need be; None where nothing can be written."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    folder = (Path(named) if named else _user_cache()) / f"kernels-{_source_hash()}"
    try:
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            return None
        os.utime(folder)
        if is_new:
            _remove_unused(folder.parent)
    except OSError:
        return None
    return folder


def _user_cache() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "lossoscope"


def _source_hash() -> str:
    digest = hashlib.sha256(f"{numba.__version__} {binding.get_host_cpu_name()}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _remove_unused(parent: Path) -> None:
    """Remove folders of machine code that nobody used for a month; a failure is no harm."""
    oldest = time.time() - _DAYS_UNUSED * 86_400
    for folder in parent.glob("kernels-*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder)


CACHE_FOLDER: Final = _cache_folder()


def is_compiled() -> bool:
    """Whether there is machine code from an earlier time, and no process is at work on more of it."""
    if CACHE_FOLDER is None or not any(CACHE_FOLDER.glob("*/*.nbi")):
        return False
    return not locks.is_held(_lock_in(CACHE_FOLDER))


def _lock_in(folder: Path) -> Path:
    return folder / ".compiling.lock"


class Turn:
    """A process's turn to compile for a folder: no other compiles meanwhile, and none waits for ever.

    A context around whatever may compile: the turn is taken within it by `find_or_take`, if it is needed at all,
    and is over at its end. One context may lie in another: a kernel compiles those that it calls.

    Args:
        lock: the file that is locked; None where nothing is kept, and nobody waits.
    """

    def __init__(self, lock: Path | None) -> None:
        self._lock = lock
        self._depth = 0
        self._descriptor: int | None = None
        self._patience_s = _LONGEST_WAIT_S

    def __enter__(self) -> None:
        global_compiler_lock.acquire()  # numba's own, between threads: numba takes it for all of this in any case
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth and self._lock is not None and self._descriptor is not None:
            locks.release(self._lock, self._descriptor)
            self._descriptor = None
        global_compiler_lock.release()

    def find_or_take(self, find: Callable[[], Any]) -> Any:
        """Return what find finds, or None when it is for this process to compile it.

        It is looked for as long as another process has its turn. Whoever once waited in vain, for a process that
        hangs or cannot be told from one, waits no more: compiling twice is better.
        """
        found, waits_until_s = find(), time.monotonic() + self._patience_s
        while found is None and self._descriptor is None and self._lock is not None:
            try:
                self._descriptor = locks.take(self._lock)
            except OSError:  # the folder is read-only by now
                return None
            if self._descriptor is None:
                if time.monotonic() >= waits_until_s:
                    self._patience_s = 0.0
                    return None
                time.sleep(_LOOK_S)
            found = find()  # who had the turn before may have written it
        return found


class SharedCache(FunctionCache):  # type: ignore[misc]  # numba has no types
    """Numba's cache of one function, in which what one process compiles is loaded by all."""

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the machine code for a signature, or None when it is for this process to compile it."""
        load = super().load_overload
        return TURN.find_or_take(lambda: load(signature, context))


TURN: Final = Turn(None if CACHE_FOLDER is None else _lock_in(CACHE_FOLDER))


def in_turn(kernel: Any) -> Any:
    """Return a numba dispatcher that compiles only when it is this process's turn."""
    compile_now = kernel.compile

    def compile_in_turn(signature: Any) -> Any:
        with TURN:
            return compile_now(signature)

    kernel.compile = compile_in_turn
    return kernel


@contextlib.contextmanager
def own_cache() -> Iterator[None]:
    """Give numba our folder and our cache while a function is decorated: that is when it looks for them."""
    before = numba.config.CACHE_DIR
    try:
        if CACHE_FOLDER is not None:
            numba.config.CACHE_DIR = str(CACHE_FOLDER)
            ccallback.FunctionCache = dispatcher.FunctionCache = SharedCache  # type: ignore[attr-defined]
        yield
    finally:
        numba.config.CACHE_DIR = before
        ccallback.FunctionCache = dispatcher.FunctionCache = FunctionCache  # type: ignore[attr-defined]
