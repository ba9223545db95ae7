"""What all commands of the terminal share: exit statuses, and one sentence for whatever ends a command."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Final, ParamSpec, TextIO

from engine.outputs import write_text

DONE: Final = 0
FAILED: Final = 1
UNUSABLE: Final = 2
INTERRUPTED: Final = 130  # what a shell reports of a program that Ctrl-C ended

P = ParamSpec("P")


class CommandError(Exception):
    """Ends a command with one sentence and an exit status."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(" ".join(sentence.split()))
        self.status = status


def command(function: Callable[P, int]) -> Callable[P, int]:
    """Turn the ends that a command can come to into one line on standard error and an exit status."""

    @wraps(function)
    def run_to_end(*args: P.args, **kwargs: P.kwargs) -> int:
        _open_streams()
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(
                errors="replace"
            )  # a title must not fail on a terminal without its letters
        try:
            status = function(*args, **kwargs)
            sys.stdout.flush()
        except CommandError as end:
            return _tell(str(end), end.status)
        except KeyboardInterrupt:
            return _tell("Interrupted.", INTERRUPTED)
        except MemoryError:
            return _tell("There is not enough memory to go on.", FAILED)
        except BrokenPipeError:  # as in `main.py list | head -1`
            _silence(sys.stdout, sys.stderr)
            return FAILED
        except OSError as error:  # as of a full disk behind standard output
            _silence(sys.stdout)
            return _tell(_what_failed(error), FAILED)
        return status

    return run_to_end


def _open_streams() -> None:
    """Give a program that was started without standard output or error somewhere to write to."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def _tell(sentence: str, status: int) -> int:
    """Say a sentence on standard error, where somebody can hear it, and return status all the same."""
    try:
        print(sentence, file=sys.stderr, flush=True)
    except OSError:
        _silence(sys.stderr)
    return status


def _silence(*streams: TextIO) -> None:
    """Point streams that cannot be written nowhere: the interpreter flushes them once more at its end."""
    for stream in streams:
        with suppress(OSError, ValueError):  # one that is no file, as in a test
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _what_failed(error: OSError) -> str:
    if error.errno is None:  # a sentence of our own
        return str(error)
    reason = " ".join(str(error.strerror or error).rstrip(".").split())
    if error.filename is None:
        return f"The output could not be written: {reason}."
    return f"{error.filename} could not be used: {reason}."


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all; a failure ends the command."""
    try:
        write_text(path, text)
    except OSError as error:
        raise CommandError(f"{path} could not be written: {error.strerror or error}.", FAILED) from error


@contextmanager
def reading_input() -> Iterator[None]:
    """Turn whatever is wrong with arguments and input files into one sentence and exit status 2."""
    try:
        yield
    except MemoryError as error:
        raise CommandError(
            "There is not enough memory for these settings and this data.", UNUSABLE
        ) from error
    except OSError as error:
        raise CommandError(_what_failed(error), UNUSABLE) from error
    except (ValueError, TypeError) as error:
        raise CommandError(str(error), UNUSABLE) from error


def as_target(option: str, text: str) -> Path:
    """Return the path given with an option."""
    from engine.datasets.folders import as_path

    return as_path(f"--{option}", text)


def number(text: str) -> int | str:
    """Return text as a whole number where it is one; else as it is, for the check to name."""
    try:
        return int(text)
    except ValueError:
        return text
