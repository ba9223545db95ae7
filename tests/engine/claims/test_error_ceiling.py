"""error-ceiling: what happens to the verdict when its assumption is broken."""

from __future__ import annotations

import engine


def test_it_holds_on_digits() -> None:
    verdict = engine.verify("error-ceiling")
    assert verdict.verdict == "holds" and verdict.is_as_expected
    assert verdict.evidence["n_steps_over"] == 0 < verdict.margin


def test_it_is_not_applicable_to_another_loss() -> None:
    verdict = engine.verify("error-ceiling", loss="quadratic")
    assert verdict.verdict == "not_applicable"
    assert [one.met for one in verdict.assumptions] == [False]
    assert verdict.evidence["n_steps_over"] > 0  # and it would be wrong there
