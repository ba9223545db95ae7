"""The command `hunt`: searches for a better witness against a claim, and saves the best."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import checks
from engine.console import DONE, FAILED, INTERRUPTED, CommandError, as_target, command, number, reading_input

if TYPE_CHECKING:  # numpy and numba come with it
    from engine.hunt.search import Catch, Hunt

_SHARES: Final = 1000  # the progress bar counts thousandths of the time
_ENDING: Final = ".toml"


@command
def hunt(claim_id: str, seconds: str = "20", seed: str = "0", out: str | None = None) -> int:
    """Search for a smaller or starker witness against a claim and print the best.

    Args:
        claim_id: one of `engine.hunt.registry.HUNT_IDS`.
        seconds: how long to search, as text.
        seed: of the candidates, as text.
        out: file for the witness, ending in .toml, written whole or not at all.

    Returns:
        1 when nothing was found, 130 when Ctrl-C ended the search (the best is told and saved all the same).
    """
    from engine import outputs
    from engine.hunt.registry import load_hunt
    from engine.witnesses import write_witness

    with reading_input():
        given = load_hunt(claim_id)
        budget_s = checks.real_number("--seconds", _real(seconds), above=0.0)
        first = checks.whole_number("--seed", number(seed), at_least=0)
        target = None if out is None else _target(out)
        outputs.check_targets(**({} if target is None else {"save": target}))
    print(f"Wanted against {claim_id}: {given.looks_for}.", flush=True)
    best, n_tried, is_interrupted = _search(given, budget_s, first)
    if best is None:
        status = INTERRUPTED if is_interrupted else FAILED
        raise CommandError(f"Nothing was found among {n_tried:,} candidates.", status)
    print(f"Found as number {best.n_tried:,} of {n_tried:,} candidates: {best.judgement.summary}")
    if target is not None:
        named = dataclasses.replace(best.witness, name=target.stem, text=best.judgement.summary)
        try:
            write_witness(named, target)
        except OSError as error:
            raise CommandError(
                f"{target} could not be written: {error.strerror or error}.", FAILED
            ) from error
    return INTERRUPTED if is_interrupted else DONE


def _search(given: Hunt, seconds: float, seed: int) -> tuple[Catch | None, int, bool]:
    """Return the best, how many were tried, and whether Ctrl-C ended it."""
    from engine.hunt.search import hunting
    from engine.progress import Progress

    best, n_tried, is_interrupted = None, 0, False
    progress = Progress(_SHARES, "", sys.stderr)
    try:
        for n_tried, (share, best) in enumerate(hunting(given, seconds, seed), 1):  # noqa: B007
            progress.show(round(share * _SHARES), "nothing yet" if best is None else "found")
    except KeyboardInterrupt:
        is_interrupted = True
    progress.close()
    return best, n_tried, is_interrupted


def _target(text: str) -> Path:
    path = as_target("save", text)
    if path.suffix != _ENDING:
        raise ValueError(f"--save must name a file that ends in {_ENDING}, not {text!r}.")
    return path


def _real(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
