"""A run as a short text that can be sent by mail: every setting, one a line."""

from __future__ import annotations

from typing import Final

from engine.config import RunConfig

_FIRST_LINE: Final = "Lossoscope run"
_LONGEST: Final = 100_000
"""Characters of a text: a network of a thousand layers takes 18,000. A clipboard may hold any number of them."""


def as_text(config: RunConfig) -> str:
    """Return the settings of a run that are not the usual ones as text; `from_text` reads it back."""
    usual = RunConfig().as_text()
    lines = [f"{key} = {text}" for key, text in config.as_text().items() if text != usual[key]]
    return "\n".join([_FIRST_LINE, *lines]) + "\n"


def from_text(text: str) -> RunConfig:
    """Return the settings that a text of `as_text` holds; ValueError or TypeError, one sentence, for another."""
    if len(text) > _LONGEST:
        raise ValueError(
            f"The text is no run: it has {len(text):,} characters, and a run has at most {_LONGEST:,}."
        )
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    # By its words: mail programs and web pages make spaces that are other characters.
    if not lines or lines[0].split() != _FIRST_LINE.split():
        raise ValueError(f"The text is no run: its first line must be {_FIRST_LINE!r}.")
    settings: dict[str, str] = {}
    for line in lines[1:]:
        key, equals, value = line.partition("=")
        if not equals:
            raise ValueError(f"The text is no run: {line!r} must be KEY = VALUE.")
        settings[key.strip()] = value.strip()
    return RunConfig().with_texts(settings)
