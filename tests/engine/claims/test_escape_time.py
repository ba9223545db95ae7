"""escape-time: kicks against the predicted line, and where the line is wrong."""

from __future__ import annotations

import math

import pytest

import engine


def test_it_holds_within_one_percent() -> None:
    verdict = engine.verify("escape-time")
    assert verdict.verdict == "holds" and verdict.is_as_expected
    escapes = verdict.evidence["escapes"]
    assert [escape["kick"] for escape in escapes] == [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12]
    growth = 1.0 + 2.0 * abs(verdict.evidence["lowest_eigenvalue"])
    for escape in escapes:
        line = math.log(0.1 / escape["kick"]) / math.log(growth)
        assert escape["measured_steps"] == pytest.approx(line, rel=0.01)


def test_it_is_violated_far_from_the_saddle() -> None:
    verdict = engine.verify("escape-time", distance=1.0, kicks=(1e-2, 1e-3))
    assert verdict.verdict == "violated"
    assert all(escape["relative_error"] > 0.01 for escape in verdict.evidence["escapes"])


@pytest.mark.parametrize("options", [{"problem": "sine"}, {"most_iterations": 0}])
def test_it_is_not_applicable_without_a_saddle(options) -> None:
    verdict = engine.verify("escape-time", **options)
    assert verdict.verdict == "not_applicable"
    assert not verdict.evidence["escapes"]


def test_a_kick_that_starts_outside_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"^kicks must be at most half of distance, 0\.05, not 0\.2\.$"):
        engine.verify("escape-time", kicks=(0.2,))
