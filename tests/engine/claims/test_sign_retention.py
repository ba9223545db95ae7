"""sign-retention: signs differ with three classes, and with two in sums."""

from __future__ import annotations

import engine


def test_it_is_violated_on_digits():
    verdict = engine.verify("sign-retention")
    assert verdict.verdict == "violated" and verdict.is_as_expected
    assert verdict.evidence["built"]["cosine"] < -0.5
    assert verdict.evidence["at_logits"]["n_with_opposite_signs"] > 1000
    assert (
        verdict.evidence["at_logits"]["least_cosine"] > 0.0
    )  # at the logits they are never opposed as wholes


def test_the_level_1_norm_has_the_direction_of_the_cross_entropy():
    """So the answer's own words, about level 1 and level 2 norms, come to the same."""
    at_logits = engine.verify("sign-retention").evidence["at_logits"]
    assert at_logits["least_cosine_of_level_1_norm_and_cross_entropy"] > 1.0 - 1e-9


def test_it_holds_for_two_classes_and_one_example():
    verdict = engine.verify("sign-retention", n_classes=2)
    assert verdict.verdict == "holds"
    assert verdict.evidence["at_logits"]["n_with_opposite_signs"] == 0
    assert verdict.evidence["built"] is None


def test_it_is_violated_for_sums_of_two_classes():
    verdict = engine.verify("sign-retention", n_classes=2, sums=True)
    assert verdict.verdict == "violated"
    assert verdict.evidence["worst"]["n_opposite"] > 10
