"""Carrying out the experiment of a claim, and judging what it finds."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from typing import Any

import numpy as np

from engine import checks
from engine.answers import final
from engine.claims.claim import Claim, Finding, Verdict
from engine.claims.registry import load_claim


def verify(claim_id: str, seed: int = 0, **options: Any) -> Verdict:
    """Test a claim and return its verdict.

    Args:
        claim_id: one of `engine.CLAIMS`.
        seed: another seed takes other starts; whole number of at least 0.
        options: what the claim's experiment takes, as learning_rate; see `Claim.options`.

    Raises:
        ValueError, TypeError: one sentence, for an unknown claim, option or value.
    """
    return final(verifying(load_claim(claim_id), seed, **options))


def verifying(
    claim: Claim, seed: int = 0, **options: Any
) -> Generator[tuple[float, Verdict | None], None, None]:
    """Test a claim piece by piece: yield (share done, verdict so far or None); may be closed at any time."""
    checks.whole_number("seed", seed, at_least=0)
    for name in options:
        if name not in claim.options:
            allowed = ", ".join(("seed", *claim.options))
            raise ValueError(f"{name} is no option of the claim {claim.claim_id}; it takes {allowed}.")
    started = time.perf_counter()
    finding = None
    for done, finding in claim.measure(seed=seed, **options):
        yield done, _verdict(claim, finding, seed, options, started) if finding is not None else None
    if finding is None:
        raise RuntimeError(f"The experiment of {claim.claim_id} ended without a finding.")


def _verdict(
    claim: Claim, finding: Finding, seed: int, options: Mapping[str, Any], started: float
) -> Verdict:
    evidence = {"summary": finding.summary, "seed": seed}
    evidence |= {"options": plain(options)} if options else {}
    evidence |= {"condition": claim.condition} if claim.condition else {}
    evidence |= plain(finding.evidence)
    return Verdict(
        claim=claim.claim_id,
        statement=claim.statement,
        source=f"{claim.source.citation}; {claim.cited}",
        verdict=finding.answer,
        expected=claim.expected,
        margin=float(finding.margin),
        assumptions=finding.assumptions,
        evidence=evidence,
        seconds=time.perf_counter() - started,
        witness=finding.witness,
    )


def plain(value: Any) -> Any:
    """Return a value with numpy's numbers and arrays as Python's, tuples as lists; others raise TypeError."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"evidence must be texts, numbers, lists and tables, not {type(value).__name__}.")
