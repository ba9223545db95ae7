"""errors-never-rise: the rise, its limit, its small witnesses, and where the verdict changes."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine.claims.exam.errors_never_rise import climb, small_witness
from engine.outcomes import flips, outcome

SMALL = {"n_starts": 1, "n_steps": 5, "n_watched": 5}


def test_it_is_violated_on_digits_at_every_rate_and_in_the_flow():
    verdict = engine.verify("errors-never-rise", n_starts=3, n_watched=40)
    assert verdict.verdict == "violated" and verdict.is_as_expected
    evidence = verdict.evidence
    assert evidence["n_errors"][1] > evidence["n_errors"][0] and evidence["loss"][1] < evidence["loss"][0]
    assert [row["rate"] for row in evidence["climbs"]] == [0.1, 0.05, 0.025, 0.0125, 0.0]
    assert verdict.margin == min(row["rise"] for row in evidence["climbs"]) > 0
    assert 0 < evidence["n_of_them_whose_own_loss_fell"] < evidence["n_flips_to_wrong"]
    for flip in evidence["flips"]:
        assert flip["p_guess_after"] > flip["p_label_after"]
        assert flip["p_guess_before"] < flip["p_label_before"]


@pytest.mark.parametrize(
    ("options", "answer", "met"),
    [
        ({"learning_rate": 4.0}, "not_applicable", [True, False]),
        ({"batch_size": 64}, "not_applicable", [False, True]),
        ({}, "undecided", [True, True]),
        ({"n_samples": 1}, "undecided", [True, True]),
    ],
)
def test_where_the_verdict_changes(options, answer, met):
    verdict = engine.verify("errors-never-rise", **(SMALL | options))
    assert verdict.verdict == answer and verdict.witness is None
    assert [one.met for one in verdict.assumptions] == met


@pytest.mark.parametrize(
    ("name", "errors"), [("two-samples", [1, 2]), ("two-for-one", [1, 2]), ("five-flips", [1, 6])]
)
def test_the_small_witnesses_show_it_at_every_rate(name, errors):
    rows = small_witness(name)["rates"]
    assert [row["n_errors"] for row in rows] == [errors] * 4
    assert all(row["loss"][1] < row["loss"][0] for row in rows)
    assert np.ptp([row["rate"] * row["step"] for row in rows]) < 0.26  # at nearly the same time


def test_a_climb_is_the_largest_rise_between_any_two():
    rng = np.random.default_rng(0)
    for n in range(1, 18):
        counts = rng.integers(0, 9, n)
        slow = max(int(counts[b] - counts[a]) for a in range(n) for b in range(a, n))
        found = climb(counts)
        assert found.rise == slow == counts[found.last] - counts[found.first]


def test_ties_are_no_flips():
    data = engine.Dataset(np.zeros((3, 1)), [0, 0, 1])
    before = outcome(data, np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]))
    after = outcome(data, np.array([[0.2, 0.3], [0.0, 1.0], [1.0, 0.0]]))
    assert flips(before, after).lost.tolist() == [0, 2]  # the one in the middle was tied
    assert flips(after, before).won.tolist() == [0, 2]
