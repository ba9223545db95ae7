"""reaches-minimum: an equal start never gets there; what changes that."""

from __future__ import annotations

import math

import numpy as np
import pytest

import engine
from engine.claims.exam.reaches_minimum import breaking_share, one_unit_bound


def test_it_is_violated() -> None:
    verdict = engine.verify("reaches-minimum", n_steps=400, hidden=(8,), n_xor=6)
    assert verdict.verdict == "violated" and verdict.is_as_expected
    evidence = verdict.evidence
    assert evidence["loss"] > 2 * evidence["loss_from_random_start"]
    assert evidence["lowest_eigenvalue"] < 0.0
    assert evidence["share_that_breaks_symmetry"] == pytest.approx(1.0, abs=1e-3)
    assert evidence["xor"]["loss"] >= evidence["xor"]["bound"] > 100 * min(evidence["xor"]["random_losses"])
    assert verdict.witness.trainer().history["symmetry_spread"][0] == 0.0


def test_it_holds_without_a_hidden_layer() -> None:
    verdict = engine.verify("reaches-minimum", hidden=(), n_steps=1000)
    assert verdict.verdict == "holds"
    assert verdict.margin <= 0.01


def test_it_is_undecided_after_a_few_steps_or_from_a_good_start() -> None:
    assert engine.verify("reaches-minimum", hidden=(), n_steps=20).verdict == "undecided"
    verdict = engine.verify("reaches-minimum", hidden=(8,), init="glorot_uniform", n_steps=100, n_xor=1)
    assert verdict.verdict == "undecided"


def test_it_is_not_applicable_at_a_large_rate() -> None:
    verdict = engine.verify("reaches-minimum", hidden=(8,), learning_rate=16.0, n_steps=100, n_xor=1)
    assert verdict.verdict == "not_applicable"


def test_the_bound_is_that_of_isotonic_regression_by_hand() -> None:
    bound = one_unit_bound(engine.load_dataset("xor"))
    assert bound == pytest.approx(0.75 * math.log(3) - 0.5 * math.log(2), abs=1e-12)


def test_one_unit_comes_near_the_bound_and_not_below() -> None:
    data = engine.load_dataset("xor")
    net = engine.MLP((2, 1, 2))
    losses = []
    for seed in range(6):
        run = engine.Trainer(net, data, net.init("normal", seed=seed, scale=2.0), 5.0)
        run.step(5000)
        losses.append(run.history["loss"].min())
    assert one_unit_bound(data) < min(losses) < 1.01 * one_unit_bound(data)


def test_the_bound_of_points_that_a_line_parts_is_0() -> None:
    line = engine.Dataset([[0, 0], [1, 0], [2, 1], [3, 1]], [0, 0, 1, 1])
    assert one_unit_bound(line) == 0.0


def test_the_share_that_breaks_the_symmetry() -> None:
    net = engine.MLP((3, 4, 2))
    equal = net.init("constant", value=0.7)
    assert breaking_share(net, equal) == 0.0
    odd = np.zeros(net.n_params)
    net.layers(odd)[0][0][:, 0], net.layers(odd)[0][0][:, 1] = 1.0, -1.0
    assert breaking_share(net, odd) == 1.0
    assert breaking_share(net, equal + odd) == pytest.approx(
        odd @ odd / (equal @ equal + odd @ odd + 2 * equal @ odd)
    )
