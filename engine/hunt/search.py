"""What a hunt is, and the search that all hunts share: draw a witness, vary the best, keep what is better."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engine import checks
from engine.witnesses import Witness

NEWLY_DRAWN: Final = 0.25
"""Share of the candidates that are drawn anew, so that the search does not stay where it was lucky first."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a witness is worth.

    Attributes:
        score: of two tuples the greater is the better.
        n_steps: the step at which it shows.
        summary: what shows, in plain words.
    """

    score: tuple[float, ...]
    n_steps: int
    summary: str


@dataclass(frozen=True, slots=True, eq=False)
class Hunt:
    """A search for witnesses against one claim.

    Attributes:
        claim_id: the claim.
        looks_for: what a witness is, and which is better, in plain words.
        draw: returns a candidate out of nothing.
        vary: returns a candidate near another.
        judge: replays a candidate and returns what it is worth, or None where it shows nothing.
    """

    claim_id: str
    looks_for: str
    draw: Callable[[np.random.Generator], Witness] = field(repr=False)
    vary: Callable[[Witness, np.random.Generator], Witness] = field(repr=False)
    judge: Callable[[Witness], Judgement | None] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Catch:
    """The best so far.

    Attributes:
        witness: to be written by `engine.witnesses.write_witness`.
        judgement: what it is worth.
        n_tried: how many candidates had been tried when it was found, this one among them.
    """

    witness: Witness
    judgement: Judgement
    n_tried: int


def hunting(
    hunt: Hunt, seconds: float, seed: int = 0, most_tried: int | None = None
) -> Generator[tuple[float, Catch | None], None, None]:
    """Search and yield (share of the time gone, best so far or None) after every candidate; may be closed.

    The candidates follow from the seed alone, but how many there are depends on the machine, unless most_tried
    ends the search first.

    Args:
        hunt: what is searched for.
        seconds: how long, above 0; the candidate in work is finished.
        seed: of the candidates.
        most_tried: after how many candidates it ends at the latest; None for no such end.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    checks.real_number("seconds", seconds, above=0.0)
    rng = np.random.default_rng(checks.whole_number("seed", seed, at_least=0))
    if most_tried is not None:
        checks.whole_number("most_tried", most_tried, at_least=1)
    best: Catch | None = None
    started, n_tried, share = time.perf_counter(), 0, 0.0
    while share < 1.0:
        n_tried += 1
        best = _better(hunt, best, n_tried, rng)
        share = min(1.0, (time.perf_counter() - started) / seconds)
        if most_tried is not None:
            share = 1.0 if n_tried >= most_tried else max(share, n_tried / most_tried)
        yield share, best


def _better(hunt: Hunt, best: Catch | None, n_tried: int, rng: np.random.Generator) -> Catch | None:
    is_new = best is None or rng.random() < NEWLY_DRAWN
    candidate = hunt.draw(rng) if best is None or is_new else hunt.vary(best.witness, rng)
    judgement = hunt.judge(candidate)
    if judgement is None or (best is not None and judgement.score <= best.judgement.score):
        return best
    return Catch(dataclasses.replace(candidate, n_steps=judgement.n_steps), judgement, n_tried)
