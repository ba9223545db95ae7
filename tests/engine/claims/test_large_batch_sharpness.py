"""large-batch-sharpness: two batch sizes, a rescaling that turns it round, different losses, one batch size."""

from __future__ import annotations

import engine

CLAIM = "large-batch-sharpness"
QUICK = {"n_starts": 1, "target": 0.2, "learning_rate": 0.5}


def test_it_holds_on_digits():
    verdict = engine.verify(CLAIM, n_starts=1)
    assert verdict.verdict == "holds" and verdict.is_as_expected and verdict.margin > 0.3
    [start] = verdict.evidence["starts"]
    assert start["full_batch"]["largest_eigenvalue"] > 2.0 * start["small_batch"]["largest_eigenvalue"]
    assert start["full_batch"]["trace"] > 1.5 * start["small_batch"]["trace"]
    assert verdict.evidence["keskar_calls_full_batch_sharper"] == [1, 0]  # at 1e-2 and at 1e-3
    rescaling = verdict.evidence["rescaling"]
    assert rescaling["largest_change_of_an_output"] < 1e-12
    assert rescaling["largest_eigenvalue_after"] > 2.0 * rescaling["largest_eigenvalue_before"]


def test_a_rescaling_of_the_small_batch_end_turns_it_round():
    verdict = engine.verify(CLAIM, rescaling=8.0, **QUICK)
    assert verdict.verdict == "violated"


def test_different_losses_and_equal_batches_are_not_compared():
    verdict = engine.verify(CLAIM, batch_size=1_198, most_steps=20, **QUICK)
    assert verdict.verdict == "not_applicable"
    assert [one.met for one in verdict.assumptions] == [False, False]


def test_the_gap_on_held_out_samples_goes_either_way():
    options = {"n_starts": 1, "target": 0.1, "learning_rate": 0.5}
    gaps = [
        engine.verify(CLAIM, seed=seed, **options).evidence["more_held_out_errors_with_full_batch"]
        for seed in (0, 1)
    ]
    assert gaps[0] < 0 < gaps[1] and max(map(abs, gaps)) < 10
