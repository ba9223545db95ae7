"""Sentences for people: one that quotes what somebody gave may be of any length, and a label may not."""

from __future__ import annotations

import re
from typing import Final

_LONGEST_WORD: Final = 160  # longer than any usual path; without spaces it is on one line
_LONGEST: Final = 600
_HEAD: Final = 100
_TAIL: Final = 40
_WORD: Final = re.compile(rf"\S{{{_LONGEST_WORD + 1},}}")


def shortened(sentence: str) -> str:
    """Return a sentence without the middle of words that are too long, and of itself if it still is.

    A sentence of millions of letters would hold up the whole window while its label is laid out.
    """
    shorter = _WORD.sub(lambda found: _without_middle(found[0]), sentence)
    return _without_middle(shorter, _LONGEST - _TAIL) if len(shorter) > _LONGEST else shorter


def _without_middle(text: str, n_first: int = _HEAD) -> str:
    return f"{text[:n_first]}…{text[-_TAIL:]}"
