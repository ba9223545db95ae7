"""The ledger: verdicts as a page of text that a teacher can read."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from engine.claims.claim import Verdict

_WIDTH: Final = 100
_INDENT: Final = "    "


def entry(verdict: Verdict) -> str:
    """Return one verdict: its answer and id, the statement, the evidence, what is assumed and not met."""
    surprise = "" if verdict.is_as_expected else f"; expected was {verdict.expected.words}"
    lines = [f"{verdict.verdict.words.upper():<16}{verdict.claim}{surprise}"]
    lines += _wrapped(f'"{verdict.statement}"')
    lines += _wrapped(verdict.summary)
    lines += [line for one in verdict.assumptions if not one.met for line in _wrapped(f"Not met: {one.text}")]
    if condition := verdict.evidence.get("condition"):
        lines += _wrapped(f"It does hold: {condition}")
    lines.append(f"{_INDENT}margin {verdict.margin:.4g}, {verdict.seconds:.1f} s")
    return "\n".join(lines)


def total(verdicts: Sequence[Verdict]) -> str:
    """Return the last line: how many claims were tested, and which came out otherwise than expected."""
    odd = [verdict.claim for verdict in verdicts if not verdict.is_as_expected]
    seconds = sum(verdict.seconds for verdict in verdicts)
    counted = f"{len(verdicts)} claim{'' if len(verdicts) == 1 else 's'} in {seconds:.0f} s"
    return f"{counted}; otherwise than expected: {', '.join(odd) or 'none'}."


def standing(claim_id: str, verdicts: Sequence[Verdict]) -> str:
    """Return in how many of several seeds the expected verdict was reached, and where it was not."""
    odd = [verdict for verdict in verdicts if not verdict.is_as_expected]
    line = (
        f"{claim_id}: {len(verdicts) - len(odd)} of {len(verdicts)} seeds gave {verdicts[0].expected.words}"
    )
    others = ", ".join(f"seed {verdict.evidence['seed']} {verdict.verdict.words}" for verdict in odd)
    return f"{line}; {others}" if others else line


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
