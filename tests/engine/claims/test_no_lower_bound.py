"""no-lower-bound: one gradient vanishes while the other stays."""

from __future__ import annotations

import pytest

import engine


def test_it_holds_on_digits():
    verdict = engine.verify("no-lower-bound")
    assert verdict.verdict == "holds" and verdict.is_as_expected
    last = verdict.evidence["lengths"][-1]
    assert last["quadratic"] < 1e-11 < 1.0 < last["cross_entropy"]
    assert verdict.evidence["decades_a_unit_of_bias"] == pytest.approx(0.4343, abs=0.002)


def test_only_the_cross_entropy_recovers():
    quadratic, entropy = engine.verify("no-lower-bound").evidence["training"]
    assert quadratic["n_errors_last"] == quadratic["n_errors_first"] > 1500
    assert quadratic["loss_last"] == pytest.approx(quadratic["loss_first"], rel=1e-9)
    assert entropy["n_errors_last"] < 400


def test_it_is_undecided_where_the_bias_stays_small():
    assert engine.verify("no-lower-bound", largest_bias=5.0, n_steps=4).verdict == "undecided"


def test_it_is_not_applicable_where_no_gradient_is_longer_than_r():
    assert engine.verify("no-lower-bound", r=10.0, n_steps=4).verdict == "not_applicable"
