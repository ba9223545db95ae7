"""identify-weights: one hidden layer, two, activations without curvature, outputs with errors, too many units."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine import MLP
from engine.claims.minima.identify_weights import input_hessian, stencil

CLAIM = "identify-weights"


def test_it_holds_for_one_hidden_layer_and_not_for_two():
    verdict = engine.verify(CLAIM)
    assert verdict.verdict == "holds" and verdict.is_as_expected
    one, two = (verdict.evidence[f"{number}_hidden_layer{s}"] for number, s in (("one", ""), ("two", "s")))
    assert one["gap"] > 1e5 and two["gap"] < 3.0
    assert min(one["alignment"]) > 1.0 - 1e-8
    assert sum(np.array(two["alignment"]) > 0.99) <= 2


@pytest.mark.parametrize(
    ("options", "met"),
    [
        ({"hidden": (8, 4)}, [False, True, True]),
        ({"activation": "relu"}, [True, False, True]),
        ({"activation": "identity"}, [True, False, True]),
        ({"n_points": 6}, [True, True, False]),
        ({"n_inputs": 4}, [True, True, False]),
    ],
)
def test_it_is_not_applicable_where_an_assumption_fails(options, met):
    verdict = engine.verify(CLAIM, n_ascents=3, **{"n_points": 20, **options})
    assert verdict.verdict == "not_applicable"
    assert [one.met for one in verdict.assumptions] == met


def test_outputs_with_errors_do_not_tell():
    assert engine.verify(CLAIM, output_error=1e-3, n_ascents=3).verdict == "violated"


def test_a_search_that_misses_units_leaves_it_open():
    verdict = engine.verify(CLAIM, hidden=(30,), n_ascents=3)
    assert verdict.verdict == "undecided" and verdict.evidence["one_hidden_layer"]["gap"] > 1e4


def test_the_hessian_by_the_input_is_that_of_the_formula():
    net, x = MLP((3, 4, 1), "tanh", "squared"), np.array([0.3, -0.4, 0.8])
    theta = net.init("normal", seed=1, scale=1.0)
    (weights, bias), (out, _) = net.layers(theta)
    a = np.tanh(x @ weights + bias)
    wanted = (weights * (out[:, 0] * -2.0 * a * (1.0 - a**2))) @ weights.T
    found = input_hessian(net.logits(theta, stencil(x))[:, 0])
    assert found == pytest.approx(wanted, abs=1e-4 * np.abs(wanted).max())
    assert (found == found.T).all()
