"""What Qt calls must not raise: with PySide6 an exception that leaves an override may end the whole process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def guarded(otherwise: Any) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate an override: an exception goes to `sys.excepthook`, once each, and Qt gets `otherwise`.

    PySide6 6.11 on Python 3.11 reads a null pointer when it wants to report an exception from a paintEvent.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        told: set[str] = set()

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except Exception as error:  # whatever it is, the window lives on
                if (sentence := f"{type(error).__name__}: {error}") not in told:
                    told.add(sentence)
                    sys.excepthook(type(error), error, error.__traceback__)
                return otherwise  # type: ignore[no-any-return]

        return call

    return decorate


def painting(function: Callable[P, None]) -> Callable[P, None]:
    """Decorate an override that paints; see `guarded`."""
    return guarded(None)(function)
