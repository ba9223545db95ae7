"""Partial answers: generators that yield (share done, result so far), for jobs and for whoever waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def final(answers: Iterable[tuple[float, T | None]]) -> T:
    """Run answers to their end and return the last result; the ones before are not kept."""
    _, result = deque(answers, maxlen=1).pop()
    assert result is not None
    return result
