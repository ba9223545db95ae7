"""Disparities between probabilities and labels: against loops, known values, and one-sample gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import MLP, Dataset
from engine.disparities import DisparityMeter, disparities, label_entropy, per_example, with_loss
from tests.engine import twins

NET = MLP((3, 4, 5, 3), ("relu", "tanh"), loss="quadratic", skip=(1,))


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(2)
    data = Dataset(rng.standard_normal((17, 3)), rng.integers(0, 3, 17))
    return data, NET.init("normal", seed=5, scale=0.9)


def test_each_measure_is_its_formula(problem):
    data, theta = problem
    p = [twins.softmax(outputs) for outputs in twins.logits(NET, theta, data.x)]
    rows = list(zip(p, data.y.tolist(), strict=True))
    errors = [[q - (k == y) for k, q in enumerate(row)] for row, y in rows]
    cross_entropy = np.mean([-math.log(row[y]) for row, y in rows])
    entropy = np.mean([-sum(q * math.log(q) for q in row) for row, _ in rows])
    got = disparities(NET, data, theta)
    assert got.l1 == pytest.approx(np.mean([sum(map(abs, error)) for error in errors]), rel=1e-12)
    assert got.l2 == pytest.approx(np.mean([math.hypot(*error) for error in errors]), rel=1e-12)
    assert got.cross_entropy == got.kl == pytest.approx(cross_entropy, rel=1e-12)
    assert got.cross_entropy_bits == got.kl_bits == pytest.approx(cross_entropy / math.log(2), rel=1e-12)
    assert got.entropy == pytest.approx(entropy, rel=1e-12)
    assert got.entropy_bits == pytest.approx(entropy / math.log(2), rel=1e-12)
    assert got.label_entropy == 0.0
    assert got.l2 <= got.l1 <= math.sqrt(3) * got.l2


def test_both_losses_gradient_norms_are_there_whichever_is_trained(problem):
    data, theta = problem
    got = disparities(NET, data, theta)
    for loss, norm in (
        ("quadratic", got.gradient_norm_quadratic),
        ("cross_entropy", got.gradient_norm_cross_entropy),
    ):
        assert norm == pytest.approx(
            np.linalg.norm(twins.gradient(with_loss(NET, loss), theta, data)), rel=1e-11
        )
    assert disparities(with_loss(NET, "cross_entropy"), data, theta) == got


def test_a_meter_measures_one_theta_after_another(problem):
    data, theta = problem
    meter = DisparityMeter(NET, data)
    assert meter.measure(2.0 * theta) == disparities(NET, data, 2.0 * theta)
    assert meter.measure(theta) == disparities(NET, data, theta)


def test_a_uniform_start_has_the_entropy_of_a_fair_die():
    data = Dataset([[1.0], [2.0]], [0, 3])
    got = disparities(MLP((1, 4)), data, np.zeros(8))
    assert got.entropy_bits == pytest.approx(2.0) and got.cross_entropy_bits == pytest.approx(2.0)
    assert (got.l1, got.l2) == (pytest.approx(1.5), pytest.approx(math.sqrt(0.75)))


def test_the_same_input_with_other_labels_has_an_entropy_that_no_network_can_beat():
    data = Dataset([[0.0], [-0.0], [1.0], [0.0], [1.0]], [0, 1, 1, 1, 1])
    shares = (-math.log(1 / 3) - 2 * math.log(2 / 3)) / 5  # the input 0 has the labels 0, 1, 1
    assert label_entropy(data) == pytest.approx(shares, rel=1e-14)
    bias = math.log(2.0)
    got = disparities(MLP((1, 2)), data, [0.0, 40.0, 0.0, bias])
    assert got.cross_entropy == pytest.approx(shares, rel=1e-12) and got.kl == pytest.approx(0.0, abs=1e-12)


def test_rows_that_repeat_are_found_among_many_that_do_not():
    rng = np.random.default_rng(5)
    x = rng.integers(0, 3, (5_000, 12)).astype(float)
    x[4_000:] = -x[:1_000]  # 0.0 becomes -0.0, which is the same number
    y = rng.integers(0, 3, 5_000)
    found = {}
    for row, label in zip(x.tolist(), y.tolist(), strict=True):
        found.setdefault(tuple(row), []).append(label)
    each = [labels.count(label) / len(labels) for labels in found.values() for label in labels]
    assert 1 < sum(len(labels) > 1 for labels in found.values()) < len(found)
    assert label_entropy(Dataset(x, y)) == pytest.approx(-np.log(each).sum() / 5_000, rel=1e-12)


def test_changing_the_labels_changes_every_measure_but_the_entropy_of_p(problem):
    data, theta = problem
    other = disparities(NET, Dataset(data.x, (data.y + 1) % 3), theta)
    got = disparities(NET, data, theta)
    assert other.entropy == got.entropy
    assert all(
        abs(getattr(other, name) - getattr(got, name)) > 1e-3 for name in ("l1", "l2", "cross_entropy")
    )


def test_examples_agree_with_one_sample_at_a_time(problem):
    data, theta = problem
    got = per_example(NET, data, theta)
    for i in range(data.n_samples):
        sample = data.subset(np.array([i]))
        (outputs,), y = twins.logits(NET, theta, sample.x), int(data.y[i])
        p = twins.softmax(outputs)
        assert got.p_true[i] == pytest.approx(p[y], rel=1e-12)
        assert got.margin[i] == pytest.approx(
            outputs[y] - max(z for k, z in enumerate(outputs) if k != y), rel=1e-12
        )
        for loss in ("quadratic", "cross_entropy"):
            net = with_loss(NET, loss)
            u = twins.delta_of_outputs(loss, outputs, y, 0.0)
            assert getattr(got, loss)[i] == pytest.approx(twins.sample_loss(loss, outputs, y, 0.0), rel=1e-12)
            assert getattr(got, f"u_{loss}")[i] == pytest.approx(math.hypot(*u), rel=1e-11)
            gradient = twins.gradient(net, theta, sample)
            assert getattr(got, f"weights_{loss}")[i] == pytest.approx(math.hypot(*gradient), rel=1e-11)


def test_blocks_of_samples_make_no_difference():
    rng = np.random.default_rng(0)
    data = Dataset(rng.standard_normal((2100, 3)), rng.integers(0, 3, 2100))
    theta = NET.init("normal", seed=1, scale=0.5)
    whole, last = per_example(NET, data, theta), per_example(NET, data.subset(np.arange(2040, 2100)), theta)
    assert np.allclose(whole.weights_quadratic[2040:], last.weights_quadratic, rtol=1e-12)
    n_wrong, n_tied = (
        int((whole.margin < 0).sum()),
        int((whole.margin == 0).sum()),
    )  # dead units tie all classes
    assert len(whole.margin) == 2100 and n_wrong <= NET.n_errors(theta, data) <= n_wrong + n_tied


def test_the_gradient_at_the_logits_of_the_quadratic_loss_is_at_most_half_the_other(problem):
    data, _ = problem
    for scale in (0.1, 3.0, 30.0):
        got = per_example(NET, data, NET.init("normal", seed=7, scale=scale))
        assert (got.u_quadratic <= 0.5 * got.u_cross_entropy * (1 + 1e-14)).all()


def test_the_bound_does_not_hold_for_weight_gradients_with_three_classes():
    """The witness of claim gradient-bound-weights: relu 1-1-3, p = (.3, .6, .1)."""
    net, data, p = MLP((1, 1, 3), "relu"), Dataset([[1.0]], [0], n_classes=3), np.array([0.3, 0.6, 0.1])
    ratios = []
    for k in (1.0, 100.0):
        outgoing = k * np.array([0.3112864, 0.49805825, -0.80934465])
        theta = np.concatenate([[1.0, 0.0], outgoing, np.log(p) - outgoing])
        got = per_example(net, data, theta)
        ratios.append(got.weights_quadratic[0] / got.weights_cross_entropy[0])
        assert got.p_true[0] == pytest.approx(0.3)
    assert ratios[0] < ratios[1] and ratios[1] > 0.5


def test_saturated_samples_keep_their_digits():
    data, net = Dataset([[1.0], [1.0]], [0, 1]), MLP((1, 2))
    got = per_example(net, data, [0.0, 0.0, 0.0, -60.0])
    assert got.cross_entropy == pytest.approx([math.exp(-60), 60.0], rel=1e-12)
    assert got.u_cross_entropy == pytest.approx([math.sqrt(2) * math.exp(-60), math.sqrt(2)], rel=1e-12)
    assert got.u_quadratic == pytest.approx(
        [2 * math.sqrt(2) * math.exp(-120), 2 * math.sqrt(2) * math.exp(-60)], rel=1e-12
    )
    assert got.margin.tolist() == [60.0, -60.0]


def test_a_network_without_probabilities_is_refused():
    net, data = MLP((1, 1), loss="squared"), Dataset([[1.0]], [0])
    for measure in (disparities, per_example):
        with pytest.raises(ValueError, match="net must end in softmax"):
            measure(net, data, np.zeros(2))
