"""Progress of a piece of work as a share of a larger one."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")


def passing(
    answers: Iterable[tuple[float, T | None]], start: float, end: float
) -> Generator[tuple[float, None], None, T]:
    """Yield (share done, None) from start to end for a piece of work, and return its last answer."""
    last: T | None = None
    for done, answer in answers:
        last = answer
        yield start + (end - start) * done, None
    assert last is not None
    return last
