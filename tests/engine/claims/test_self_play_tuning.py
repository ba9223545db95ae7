"""self-play-tuning: out of scope, by an assumption that is not met."""

from __future__ import annotations

import engine


def test_it_is_not_applicable():
    verdict = engine.verify("self-play-tuning")
    assert verdict.verdict == "not_applicable" and verdict.is_as_expected
    assert [one.met for one in verdict.assumptions] == [False]
