"""Kinds of end points: each on a loss small enough to be known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine import MLP, Dataset, Trainer
from engine.answers import final
from engine.endpoints import EndKind, _curvature, _mean_sample_norm, classify, iter_cooled

LEAKY = MLP((1, 1, 1), "leaky_relu", "squared")
KINKED = Dataset([[1.0], [-1.0]], [0, 0], targets=[-1.0, -1.0])  # lowest at the kink w = 0


def at(weight, out=1.0, net=LEAKY):
    theta = np.zeros(net.n_params)
    (weights, _), (outs, _) = net.layers(theta)
    weights[...], outs[...] = weight, out
    return theta


def kind(net, data, theta, train="hidden_weights", **options):
    return classify(net, data, theta, 0.01, train, **options).kind


def test_a_kink_has_a_gradient_on_each_side_and_none_between():
    found = classify(LEAKY, KINKED, at(1e-4), 0.01, "hidden_weights")
    assert found.kind is EndKind.KINK
    assert found.gradient_norm > 0.4 and found.residual < 1e-3 and found.n_kinks == 2


def test_away_from_the_kink_it_is_still_moving():
    assert kind(LEAKY, KINKED, at(0.5)) is EndKind.MOVING


def test_zero_error():
    data = Dataset([[1.0], [2.0]], [0, 1], targets=[1.0, 2.0])
    assert kind(LEAKY, data, at(1.0)) is EndKind.ZERO
    assert kind(LEAKY, data, at(1.0 + 1e-3)) is EndKind.MOVING
    assert kind(LEAKY, data, at(1.0 + 1e-3), zero_loss=1e-3) is EndKind.ZERO


def test_a_differentiable_minimum_with_an_error():
    data = Dataset([[1.0], [1.0]], [0, 1], targets=[0.0, 2.0])  # the same input twice
    found = classify(LEAKY, data, at(1.0), 0.01, "hidden_weights")
    assert found.kind is EndKind.MINIMUM and found.loss == 0.5
    assert found.lowest_curvature == pytest.approx(1.0) and found.n_kinks == 0


def test_a_small_gradient_with_far_to_go_is_still_moving():
    net = MLP((2, 1, 1), "leaky_relu", "squared")
    data = Dataset([[1.0, 1.0], [1.0, 1.001]], [0, 1])  # hardly told apart, yet no contradiction
    found = classify(net, data, at(0.25, 1.0, net), 0.01, "hidden_weights")
    assert found.unbalanced < 1e-3 and found.n_kinks == 0
    assert found.kind is EndKind.MOVING and found.promised_drop == pytest.approx(found.loss, rel=1e-3)


def test_a_saddle_of_a_linear_network():
    net, data = MLP((1, 1, 1), "identity", "squared"), Dataset([[1.0], [-1.0]], [1, 0], targets=[1.0, -1.0])
    found = classify(net, data, at(0.0, 0.0, net), 0.01, "weights")
    assert found.kind is EndKind.SADDLE and found.lowest_curvature == pytest.approx(-1.0)


def test_a_rescaling_of_a_unit_is_no_way_down():
    """A little gradient makes the Hessian slightly indefinite along the rescaling, which changes nothing."""
    data = Dataset([[1.0], [1.0]], [0, 1], targets=[0.0, 2.0])
    found = classify(LEAKY, data, at(1.0, 1.0 + 1e-5), 0.01, "weights")
    assert found.kind is EndKind.MINIMUM and found.lowest_curvature < 1e-3


@pytest.mark.parametrize("train", ["all", "weights", "output", "hidden_weights"])
@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_the_mean_length_of_a_samples_gradient(train, noise):
    net, random = MLP((3, 4, 5, 2), ("relu", "tanh"), skip=(1,)), np.random.default_rng(0)
    data = Dataset(random.standard_normal((7, 3)), random.integers(0, 2, 7)).with_noise(noise)
    theta, mask = net.init("normal", seed=1, scale=0.7), net.trained(train)
    lengths = [np.linalg.norm(net.gradient(theta, data.subset(np.array([k])))[mask]) for k in range(7)]
    assert _mean_sample_norm(net, data, theta, mask) == pytest.approx(np.mean(lengths), rel=1e-12)


def test_the_curvature_of_a_large_network_is_that_of_the_matrix(monkeypatch):
    net, random = MLP((3, 6, 2), "tanh"), np.random.default_rng(0)
    data = Dataset(random.standard_normal((20, 3)), random.integers(0, 2, 20))
    theta, mask = net.init("normal", seed=1, scale=0.7), net.trained("weights")
    gradient = net.gradient(theta, data)[mask]
    dense = _curvature(net, data, theta, mask, gradient)
    monkeypatch.setattr("engine.endpoints.MOST_DENSE_PARAMS", 1)
    assert _curvature(net, data, theta, mask, gradient)[:2] == pytest.approx(dense[:2], rel=1e-6)


def test_short_steps_at_the_end_bring_a_run_to_its_kink():
    runs = [run for _, run in iter_cooled(LEAKY, KINKED, at(0.5), 0.1, 6_400, "hidden_weights")]
    assert [run.learning_rate for run in runs[::8]] == [0.1] * 5 + [0.1 / 4, 0.1 / 16, 0.1 / 64]
    last = runs[-1]
    assert last.loss == LEAKY.loss(last.theta, KINKED) < runs[39].loss
    assert classify(LEAKY, KINKED, last.theta, last.learning_rate, "hidden_weights").kind is EndKind.KINK


def test_a_cooled_run_starts_as_a_trainer_does_and_stops_when_it_is_enough():
    trainer = Trainer(LEAKY, KINKED, at(0.5), 0.1, train="hidden_weights")
    trainer.step(1)
    share, first = next(iter_cooled(LEAKY, KINKED, at(0.5), 0.1, 1, "hidden_weights"))
    assert (first.theta == trainer.theta).all() and share == 1 / 64
    data = Dataset([[1.0], [2.0]], [0, 1], targets=[1.0, 2.0])
    run = final(iter_cooled(LEAKY, data, at(0.5), 0.1, 64_000, "hidden_weights", enough=1e-20))
    assert run.learning_rate == 0.1 and run.loss <= 1e-20


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be a finite number above 0"),
        ({"zero_loss": -1.0}, "zero_loss must be a finite number of at least 0"),
        ({"balance": 0.0}, "balance must be a finite number above 0"),
        ({"train": "some"}, "train must be one of"),
    ],
)
def test_bad_arguments_are_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        classify(LEAKY, KINKED, at(0.5), **{"learning_rate": 0.1, **options})
