"""What goes on inside a network, against the slow twin, and softmax's derivatives where it is saturated."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from engine import MLP, Dataset
from engine.activity import (
    activity,
    deltas,
    errors_of,
    finite_theta,
    output_deltas,
    probabilities,
    through_softmax,
)
from tests.engine import twins

NETS = (
    MLP((3, 2), loss="cross_entropy"),
    MLP((3, 4, 2), "tanh", loss="quadratic"),
    MLP((3, 4, 2, 5, 3), ("relu", "erf", "softplus"), skip=(1, 3)),
    MLP((3, 4, 3, 1), ("leaky_relu", "logistic"), loss="squared", skip=(2,)),
)


def sample_data(net, n_samples=6, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_samples, net.layer_sizes[0]))
    labels = rng.integers(0, max(2, net.n_outputs), n_samples)
    return Dataset(x, labels, targets=rng.standard_normal(n_samples))


@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.layer_sizes} {net.loss_name}")
def test_activity_and_deltas_agree_with_the_twin(net):
    data, theta = sample_data(net), net.init("normal", seed=3, scale=0.8)
    inside = activity(net, theta, data.x)
    for row, sample in enumerate(data.x.tolist()):
        pre_activations, values, outputs = twins.forward(net, theta, sample)
        assert np.allclose(inside.outputs[row], outputs, rtol=1e-12, atol=1e-13)
        for layer in range(net.n_hidden):
            assert np.allclose(inside.pre_activations[layer][row], pre_activations[layer], atol=1e-13)
            assert np.allclose(inside.values[layer + 1][row], values[layer + 1], atol=1e-13)
    found = deltas(
        net, theta, inside.slopes, output_deltas(net.loss_name, inside.outputs, data.y, data.targets)
    )
    biases = np.concatenate([delta.mean(axis=0) for delta in found])
    gradient = np.array(twins.gradient(net, theta, data))
    assert np.allclose(biases, np.concatenate([bias for _, bias in net.layers(gradient)]), atol=1e-13)


def test_derivatives_by_saturated_logits_keep_their_digits():
    logits = np.array([[60.0, 0.0, -3.0], [0.0, 60.0, -3.0], [1.0, 2.0, 2.5], [-2.0, 50.0, 49.0]])
    y = np.array([0, 0, 2, 0])
    p = probabilities(logits)
    error = errors_of(p, y)
    quadratic = through_softmax(p, error)
    for row in range(len(y)):
        exact_error, exact_quadratic = exact_deltas(logits[row], y[row])
        assert np.allclose(error[row], exact_error, rtol=1e-13, atol=0.0)
        assert np.allclose(quadratic[row], exact_quadratic, rtol=1e-12, atol=0.0)


def exact_deltas(logits, label):
    """p - onehot and (diag p - p p^T)(p - onehot) in fractions, from exponentials rounded once."""
    exponentials = [Fraction(float(np.exp(z - logits.max()))) for z in logits]
    p = [e / sum(exponentials) for e in exponentials]
    error = [p[k] - (k == label) for k in range(len(p))]
    inner = sum(p[k] * error[k] for k in range(len(p)))
    return [float(e) for e in error], [float(p[k] * (error[k] - inner)) for k in range(len(p))]


def test_a_theta_that_is_not_finite_is_named():
    net = MLP((1, 2))
    with pytest.raises(ValueError, match=r"^start must hold finite numbers only"):
        finite_theta(net, [0.0, np.nan, 0.0, 0.0], "start")
    with pytest.raises(ValueError, match=r"^theta must have shape \(4,\)"):
        finite_theta(net, [0.0])
