"""norms: what a norm must have, and what cross-entropy lacks."""

from __future__ import annotations

import math

import pytest

import engine


def test_it_holds_on_digits():
    verdict = engine.verify("norms")
    assert verdict.verdict == "holds" and verdict.is_as_expected
    assert all(size > 0.1 for size in verdict.evidence["properties_broken_by"].values())
    assert all(
        1.0 <= row["least"] <= row["largest"] <= row["sqrt_k"] + 1e-12 for row in verdict.evidence["ties"]
    )


@pytest.mark.parametrize("third", ["l1", "l2"])
def test_a_norm_in_the_place_of_cross_entropy_turns_it(third):
    assert engine.verify("norms", third=third, n_steps=4).verdict == "violated"


def test_kullback_and_leibler_have_no_norm_either():
    broken = engine.verify("norms", third="kl", n_steps=4).evidence["properties_broken_by"]
    assert broken["0 from itself"] < 1e-12 < 0.1 < broken["same both ways"]


def test_cross_entropy_depends_on_the_labels():
    labels = engine.verify("norms").evidence["cross_entropy_by_labels"]
    assert labels["other_labels"] > 10.0 * labels["own_labels"]


def test_cross_entropy_splits_and_is_told_in_bits():
    for row in engine.verify("norms", n_steps=4).evidence["along_the_run"]:
        assert row["cross_entropy"] == pytest.approx(row["label_entropy"] + row["kl"])
        assert row["cross_entropy_bits"] == pytest.approx(row["cross_entropy"] / math.log(2.0))


def test_it_is_not_applicable_without_softmax():
    assert engine.verify("norms", loss="squared").verdict == "not_applicable"
