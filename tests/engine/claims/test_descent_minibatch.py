"""descent-minibatch: what happens to the verdict with all samples, one sample less, and a rate too large."""

from __future__ import annotations

import numpy as np

import engine
from engine.claims.exam import descent_minibatch


def test_it_is_violated_on_digits_and_stays_so_at_smaller_rates():
    verdict = engine.verify("descent-minibatch", n_steps=60, batch_sizes=(1, 64))
    assert verdict.verdict == "violated" and verdict.is_as_expected
    evidence = verdict.evidence
    assert evidence["all_samples"]["n_rises"] == 0
    small, smaller = evidence["batches"][0], evidence["smallest_batch_at_smaller_rates"]
    assert [row["rate"] for row in smaller] == [0.25, 0.125, 0.0625]
    assert min(row["n_rises"] for row in (small, *smaller)) > 10
    assert small["uphill_of_100_batches"] > evidence["batches"][1]["uphill_of_100_batches"]


def test_its_witness_shows_the_rise():
    witness = engine.verify("descent-minibatch", n_steps=20, batch_sizes=(1,), n_halvings=1).witness
    assert witness is not None and witness.batch_size == 1
    trainer = witness.trainer()
    trainer.step(witness.n_steps)
    assert np.diff(trainer.history["loss"])[-1] > 0


def test_rises_without_a_batch_that_points_uphill_say_nothing_of_smaller_rates(monkeypatch):
    monkeypatch.setattr(descent_minibatch, "_uphill", lambda *arguments: iter([False] * 100))
    verdict = engine.verify("descent-minibatch", n_steps=20, batch_sizes=(1,), n_halvings=1)
    assert verdict.verdict == "undecided" and verdict.evidence["batches"][0]["n_rises"] > 0


def test_it_is_not_applicable_to_all_samples():
    verdict = engine.verify("descent-minibatch", n_steps=5, batch_sizes=(1797,))
    assert verdict.verdict == "not_applicable"
    assert [one.met for one in verdict.assumptions] == [False, True]


def test_a_rate_at_which_all_samples_rise_too_says_nothing_of_batches():
    verdict = engine.verify("descent-minibatch", n_steps=10, batch_sizes=(1,), learning_rate=16.0)
    assert verdict.verdict == "not_applicable"
    assert [one.met for one in verdict.assumptions] == [True, False]


def test_nearly_all_samples_leave_it_open():
    verdict = engine.verify("descent-minibatch", n_steps=10, batch_sizes=(1790,), n_halvings=1)
    assert verdict.verdict == "undecided" and verdict.witness is None
