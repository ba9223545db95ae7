"""merged-point-is-saddle: the Hessian decides, and what decides it otherwise."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine.claims.exam.merged import merged_point
from engine.witnesses import load_witness


def verdict(**options):
    return engine.verify("merged-point-is-saddle", **options)


def test_one_is_a_saddle_and_one_a_minimum() -> None:
    found = verdict()
    assert found.verdict == "violated" and found.is_as_expected
    saddle, minimum = found.evidence["points"]
    assert (saddle["kind"], minimum["kind"]) == ("saddle", "local minimum")
    assert max(saddle["gradient_norm"], minimum["gradient_norm"]) < 1e-12
    assert (
        saddle["loss_change_along_lowest_eigenvector"] < 0.0 < minimum["lowest_loss_change_of_random_kicks"]
    )
    assert found.margin == minimum["lowest_across"] > 1e-3


def test_the_saddle_alone_holds_and_biases_make_the_minimum_one_too() -> None:
    assert verdict(problems=("parity",)).verdict == "holds"
    assert verdict(biases=True).verdict == "holds"


def test_a_negative_share_makes_it_a_saddle() -> None:
    assert verdict(problems=("sine",), share=0.3).verdict == "violated"
    assert verdict(problems=("sine",), share=-0.2).verdict == "holds"


def test_it_is_undecided_where_the_hessian_cannot_tell() -> None:
    found = verdict(problems=("sine",), share=1.0)  # a unit without output weight: flat in its input weight
    assert found.verdict == "undecided"
    assert found.evidence["points"][0]["lowest_across"] < 1e-15


def test_it_is_not_applicable_where_the_gradient_is_not_0() -> None:
    found = verdict(most_iterations=0)
    assert found.verdict == "not_applicable"
    assert min(point["gradient_norm"] for point in found.evidence["points"]) > 1e-3


def test_three_units_are_no_different() -> None:
    kinds = [point["kind"] for point in verdict(n_units=3).evidence["points"]]
    assert kinds == ["saddle", "local minimum"]


def test_the_flat_lines_change_no_output() -> None:
    for name, activation, loss, train in (
        ("parity", "logistic", "cross_entropy", "all"),
        ("sine", "tanh", "squared", "weights"),
    ):
        point = merged_point(name, activation, loss, train, n_units=3)
        before = point.net.per_example_loss(point.theta, point.data)
        for tangent in point.tangents.T:
            after = point.net.per_example_loss(point.theta + 0.7 * tangent, point.data)
            assert np.allclose(after, before, rtol=0, atol=1e-12)


def test_the_minimum_is_that_of_finite_differences() -> None:
    """On a circle around the point, across the flat line, the loss is higher by half the curvature."""
    point = merged_point("sine", "tanh", "squared", "weights")
    lowest = point.vectors[:, 1]
    rise = [point.net.loss(point.theta + s * 1e-2 * lowest, point.data) for s in (-1, 0, 1)]
    curvature = (rise[0] - 2 * rise[1] + rise[2]) / 1e-4
    assert curvature == pytest.approx(point.lowest_across, rel=0.01)


def test_the_witness_is_the_merged_point_pushed_apart() -> None:
    witness = load_witness("merged-minimum")
    point = merged_point("sine", "tanh", "squared", "weights")
    apart = np.abs(witness.theta) - np.abs(point.theta)
    assert np.allclose(apart, [-0.1, 0.1, 0, 0, 0, 0, 0], rtol=0, atol=1e-9)
    assert verdict(problems=("sine",)).witness.name == witness.name


def test_one_unit_is_not_merged() -> None:
    with pytest.raises(ValueError, match="n_units must be a whole number of at least 2"):
        verdict(n_units=1)
