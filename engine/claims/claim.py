"""What a claim is, what a measurement of it finds, and what the verdict holds."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from engine.sources import SOURCES, Source
from engine.witnesses import Witness


class Answer(StrEnum):
    """What the program says of a claim."""

    HOLDS = "holds"
    VIOLATED = "violated"
    NOT_APPLICABLE = "not_applicable"
    UNDECIDED = "undecided"

    @property
    def words(self) -> str:
        """The answer as it is shown to people."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Assumption:
    """A condition under which a claim is meant, in plain words, and whether the program found it met."""

    text: str
    met: bool


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What one measurement of a claim came to.

    Attributes:
        stands: whether the statement is true of what was measured; None where the measurement cannot tell.
        margin: how far the measured quantity is from the value at which `stands` would turn, at least 0,
            in the units that the evidence names under "margin_is".
        summary: the evidence in one line of plain words, with its numbers.
        evidence: what is needed to look at the very moment: steps, examples, numbers, settings, seed; texts,
            numbers, bools, None, and lists and tables of them. Numpy's kinds are turned into Python's.
        assumptions: what the statement takes for granted, checked on what was measured.
        witness: a start (and step) that shows it, to be opened in the window; None where there is none.
    """

    stands: bool | None
    margin: float
    summary: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = ()
    witness: Witness | None = None

    @property
    def answer(self) -> Answer:
        """The verdict: an assumption that fails comes before everything else."""
        if not all(assumption.met for assumption in self.assumptions):
            return Answer.NOT_APPLICABLE
        if self.stands is None:
            return Answer.UNDECIDED
        return Answer.HOLDS if self.stands else Answer.VIOLATED


Measure = Callable[..., Generator[tuple[float, Finding | None], None, None]]
"""Takes seed= and a claim's own options by name; yields (share done, finding so far or None), the finding last."""


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """One claim of a source.

    Attributes:
        claim_id: its name, as "errors-never-rise".
        source_key: which of `engine.sources.SOURCES` it comes from.
        statement: what is claimed, in plain words.
        cited: where exactly the source says so.
        expected: the answer that careful experiments gave.
        condition: under which condition a violated statement does hold; "" where there is none to tell.
        measure: does the experiment. Its options beside seed are for trying the claim elsewhere, and for the
            tests that break it on purpose.
    """

    claim_id: str
    source_key: str
    statement: str
    cited: str
    expected: Answer
    measure: Measure = field(repr=False)
    condition: str = ""

    @property
    def source(self) -> Source:
        """The text that it comes from."""
        return SOURCES[self.source_key]

    @property
    def options(self) -> tuple[str, ...]:
        """Names of what `measure` takes beside seed."""
        return tuple(name for name in inspect.signature(self.measure).parameters if name != _SEED)


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """The ledger's entry for a claim; `as_dict` gives what `verify --json` writes.

    Attributes:
        claim: the id.
        verdict: the answer reached; expected: the one that careful experiments gave.
        seconds: how long it took.
        witness: see `Finding`.
    """

    claim: str
    statement: str
    source: str
    verdict: Answer
    expected: Answer
    margin: float
    assumptions: tuple[Assumption, ...]
    evidence: Mapping[str, Any]
    seconds: float
    witness: Witness | None = None

    @property
    def summary(self) -> str:
        """The evidence in one line."""
        return str(self.evidence["summary"])

    @property
    def is_as_expected(self) -> bool:
        """Whether the verdict is the one that careful experiments gave."""
        return self.verdict is self.expected

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as plain texts, numbers, lists and tables."""
        return {
            "claim": self.claim,
            "statement": self.statement,
            "source": self.source,
            "verdict": self.verdict.value,
            "expected": self.expected.value,
            "margin": self.margin,
            "assumptions": [{"text": one.text, "met": one.met} for one in self.assumptions],
            "evidence": dict(self.evidence),
            "seconds": self.seconds,
        }


_SEED: Final = "seed"
