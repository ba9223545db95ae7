"""symmetry-stays: equal units, and what parts them."""

from __future__ import annotations

import pytest

import engine


def test_it_holds_to_the_last_bit() -> None:
    verdict = engine.verify("symmetry-stays")
    assert verdict.verdict == "holds" and verdict.is_as_expected
    assert len(verdict.evidence["starts"]) == 7
    assert all(row["spread"] == 0.0 and row["n_steps"] == 200 for row in verdict.evidence["starts"])
    assert verdict.evidence["contrast"]["spread"] > 0.1


def test_plain_matrix_products_violate_it() -> None:
    """Which start breaks first is up to the library; of three odd widths one has always broken."""
    verdicts = [
        engine.verify("symmetry-stays", hidden=(n,), arithmetic="blas", n_steps=20) for n in (3, 7, 13)
    ]
    broken = [verdict for verdict in verdicts if verdict.verdict == "violated"]
    if not broken:
        pytest.skip("this library's matrix products treat all columns alike")
    assert 0.0 < broken[0].margin < 1e-6
    assert "different from step" in broken[0].summary


def test_it_is_not_applicable_where_only_one_layer_is_constant() -> None:
    verdict = engine.verify("symmetry-stays", start="mixed", n_steps=20)
    assert verdict.verdict == "not_applicable"
    assert verdict.margin > 0.1


def test_it_is_undecided_where_the_run_breaks_off() -> None:
    verdict = engine.verify("symmetry-stays", learning_rate=1e308, n_steps=10)
    assert verdict.verdict == "undecided"
    assert "not a finite number" in verdict.summary


def test_two_hidden_layers_stay_equal_too() -> None:
    assert engine.verify("symmetry-stays", seed=3, hidden=(5, 3), n_steps=30).verdict == "holds"


def test_an_unknown_start_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"^start must be one of equal, mixed, not 'odd'"):
        engine.verify("symmetry-stays", start="odd")
