"""one-parameter-per-layer: one hidden unit is learned, not one number."""

from __future__ import annotations

import numpy as np

import engine


def test_it_is_violated_on_digits() -> None:
    verdict = engine.verify("one-parameter-per-layer", n_steps=240)
    assert verdict.verdict == "violated" and verdict.is_as_expected
    first, second = verdict.evidence["distinct_gradients"][:2]
    assert first["weights"] == [1, 10]
    assert second["step"] == 1 and second["weights"][0] > 50
    assert verdict.evidence["distinct_hidden_units_at_the_end"] == [1]


def test_the_counts_are_those_of_the_gradient() -> None:
    data = engine.load_dataset("digits")
    net = engine.MLP((64, 32, 10))
    gradient = net.gradient(net.init("constant", value=0.05), data)
    into, out = (weights for weights, _ in net.layers(gradient))
    assert np.abs(into).max() < 1e-15  # the ten outputs pull equally, so their sum is rounding
    assert len(np.unique(np.round(out, 12))) == 10


def test_it_holds_with_one_input_and_one_output() -> None:
    verdict = engine.verify(
        "one-parameter-per-layer", data="sine", hidden=(4, 3), loss="squared", learning_rate=0.1, n_steps=60
    )
    assert verdict.verdict == "holds"
    assert verdict.evidence["largest_difference"] <= 1e-9
    assert all(set(row["weights"]) == {1} for row in verdict.evidence["distinct_gradients"])


def test_it_is_not_applicable_to_a_random_start() -> None:
    verdict = engine.verify("one-parameter-per-layer", init="glorot_uniform", n_steps=12)
    assert verdict.verdict == "not_applicable"
    assert verdict.evidence["distinct_hidden_units_at_the_end"] == [32]
