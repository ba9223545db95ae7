"""Both arithmetics against the slow twin: loss, errors, ties, gradient, logits; and the bits of the ordered one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import twins

from engine.config import ACTIVATION_NAMES, LOSS_NAMES
from engine.datasets import Dataset
from engine.evaluator import Records, make_evaluator
from engine.mlp import MLP
from engine.symmetry import spread

ARITHMETICS = ("ordered", "blas")
TOLERANCE = 1e-10  # of the largest number of the same weight matrix


def make_data(n_samples, n_features=3, n_classes=4, seed=1, ink=1.0) -> Dataset:
    """Random samples; ink is the share of numbers that are not exactly 0."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_samples, n_features)) * (rng.random((n_samples, n_features)) < ink)
    y = rng.integers(0, n_classes, n_samples)
    return Dataset(x, y, n_classes=n_classes, targets=rng.standard_normal(n_samples))


def make_net(hidden=(5,), activation="logistic", loss="cross_entropy", skip=(), n_features=3, n_classes=4):
    return MLP((n_features, *hidden, 1 if loss == "squared" else n_classes), activation, loss, skip)


def make_theta(net, seed=2) -> np.ndarray:
    """A start with biases that are not 0."""
    theta = net.init("glorot_uniform", seed)
    return theta + 0.3 * np.random.default_rng(seed).standard_normal(net.n_params)


def parts(net, vector):
    """The weights and biases in a vector (n_params,), one array each."""
    vector = np.asarray(vector)
    return [part for layer in net.layers(vector) for part in layer] + net.skip_weights(vector)


def assert_close(net, got, expected):
    for one, other in zip(parts(net, got), parts(net, expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=0.0, atol=TOLERANCE * np.abs(other).max())


def assert_agrees(net, data, theta, arithmetic, n_threads=1):
    """Check everything that an evaluator says about one theta against the twin."""
    evaluator = make_evaluator(net, data, arithmetic=arithmetic, n_threads=n_threads)
    gradient = np.full(net.n_params, np.nan)
    got = evaluator.evaluate(theta, gradient)
    assert got.loss == pytest.approx(twins.loss(net, theta, data), rel=TOLERANCE, abs=0.0)
    assert got.n_errors == twins.n_errors(net, theta, data)
    assert got.n_tied == twins.n_tied(net, theta, data)
    assert_close(net, gradient, twins.gradient(net, theta, data))
    assert got.gradient_norm == pytest.approx(np.sqrt((gradient**2).sum()), rel=1e-13)
    assert evaluator.loss_and_errors(theta) == (pytest.approx(got.loss, rel=1e-13), got.n_errors)
    np.testing.assert_allclose(
        evaluator.logits(theta), twins.logits(net, theta, data.x), rtol=TOLERANCE, atol=1e-13
    )
    expected = twins.per_example_loss(net, theta, data)
    np.testing.assert_allclose(evaluator.per_example_loss(theta), expected, rtol=TOLERANCE, atol=1e-15)


# ------------------------------------------------------------------------------- against the twin


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("n_samples", [*range(1, 18), *range(31, 41), 63, 64, 65, 257, 700])
def test_every_number_of_samples(n_samples, arithmetic):
    net = make_net()
    assert_agrees(net, make_data(n_samples), make_theta(net), arithmetic)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("width", [*range(1, 18), 33])
def test_every_width(width, arithmetic):
    net = make_net((width,), "tanh")
    assert_agrees(net, make_data(13), make_theta(net), arithmetic)
    net = make_net((3, width), "softplus", n_classes=width + 1)
    assert_agrees(net, make_data(6, n_classes=width + 1), make_theta(net), arithmetic)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("n_features", [1, 2, 4, 5, 7, 8, 9, 15, 16, 17, 33, 64])
def test_every_number_of_features(n_features, arithmetic):
    net = make_net(n_features=n_features)
    assert_agrees(net, make_data(11, n_features), make_theta(net), arithmetic)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_every_activation_with_every_loss(activation, loss, arithmetic):
    for hidden in ((5,), (4, 6)):
        net = make_net(hidden, activation, loss)
        assert_agrees(net, make_data(21), make_theta(net), arithmetic)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("depth", [0, 1, 2, 3, 4, 20])
def test_every_depth(depth, loss, arithmetic):
    net = make_net((3,) * depth, "tanh", loss)
    assert_agrees(net, make_data(9), make_theta(net), arithmetic)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("skip", [(1,), (2,), (3,), (1, 2), (3, 1), (2, 3, 1)])
def test_every_kind_of_skip(skip, loss, arithmetic):
    net = make_net((5, 2, 3), ("tanh", "logistic", "softplus"), loss, skip)
    assert_agrees(net, make_data(14), make_theta(net), arithmetic)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_another_activation_in_every_layer(arithmetic):
    for names in (
        ("erf", "relu", "softplus"),
        ("softplus", "identity", "tanh"),
        ("leaky_relu", "erf", "logistic"),
    ):
        net = make_net((4, 3, 5), names, skip=(2,))
        assert_agrees(net, make_data(19), make_theta(net), arithmetic)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("n_samples", [31, 33, 70])
def test_wide_layers_that_take_small_blocks(n_samples, arithmetic):
    net = make_net((300,), "relu", n_features=2)
    assert_agrees(net, make_data(n_samples, 2), make_theta(net), arithmetic)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("ink", [0.0, 0.05, 0.2, 0.5])
def test_samples_that_are_mostly_empty(ink, arithmetic):
    net = make_net((7,), n_features=40)
    assert_agrees(net, make_data(37, 40, ink=ink), make_theta(net), arithmetic)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_pixels_that_nobody_inks_and_zeros_with_a_sign(arithmetic):
    x = make_data(29, 12, ink=0.5).x.copy()
    x[:, 3] = 0.0
    x[:, 11] = -0.0
    x[5] = -0.0
    data = Dataset(x, make_data(29).y, n_classes=4)
    net = make_net(n_features=12)
    assert_agrees(net, data, make_theta(net), arithmetic)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_large_weights_that_saturate(loss, arithmetic):
    for activation in ("logistic", "tanh", "softplus", "erf"):
        net = make_net((5,), activation, loss)
        theta = 60.0 * make_theta(net)
        data = make_data(17)
        got, expected = (
            make_evaluator(net, data, arithmetic=arithmetic),
            twins.per_example_loss(net, theta, data),
        )
        np.testing.assert_allclose(got.per_example_loss(theta), expected, rtol=1e-10, atol=1e-13)
        gradient, slope = np.empty(net.n_params), twins.gradient(net, theta, data)
        got.evaluate(theta, gradient)
        np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-11 * np.abs(slope).max())


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_at_a_kink_the_slope_is_that_of_the_left(activation, arithmetic):
    net = make_net((4, 3), activation)
    theta = make_theta(net)
    weights, bias = net.layers(theta)[0]
    weights[:, 1] = bias[1] = 0.0  # the pre-activation of this unit is exactly 0 everywhere
    assert_agrees(net, make_data(9), theta, arithmetic)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_subsets_of_rows(arithmetic):
    net, data = make_net(skip=(1,)), make_data(700)
    evaluator, theta, rng = (
        make_evaluator(net, data, arithmetic=arithmetic),
        make_theta(net),
        np.random.default_rng(0),
    )
    whole, gradient = np.empty(net.n_params), np.empty(net.n_params)
    evaluator.evaluate(theta, whole)
    for n in (1, 2, 7, 33, 300):
        rows = rng.permutation(700)[:n]
        got = evaluator.evaluate(theta, gradient, rows)
        assert got.loss == pytest.approx(twins.loss(net, theta, data.subset(rows)), rel=TOLERANCE)
        assert got.n_errors == twins.n_errors(net, theta, data.subset(rows))
        assert_close(net, gradient, twins.gradient(net, theta, data.subset(rows)))
    again = evaluator.evaluate(theta, gradient)  # a subset leaves nothing behind
    np.testing.assert_array_equal(gradient, whole)
    assert again.loss == make_evaluator(net, data, arithmetic=arithmetic).evaluate(theta, gradient).loss


# ------------------------------------------------------------------------------- without the twin's rules


@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_gradient_is_the_derivative_of_the_loss(activation, loss):
    net, data = make_net((3, 2), activation, loss, (1,)), make_data(7)
    theta = make_theta(net)
    exact = twins.gradient_by_complex_step(net, theta, data)
    assert_close(net, twins.gradient(net, theta, data), exact)
    for arithmetic in ARITHMETICS:
        gradient = np.empty(net.n_params)
        make_evaluator(net, data, arithmetic=arithmetic).evaluate(theta, gradient)
        assert_close(net, gradient, exact)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_gradient_against_finite_differences(activation, loss, arithmetic):
    net, data = make_net((4,), activation, loss), make_data(23)
    evaluator, theta, gradient = (
        make_evaluator(net, data, arithmetic=arithmetic),
        make_theta(net),
        np.empty(0),
    )
    gradient = np.empty(net.n_params)
    evaluator.evaluate(theta, gradient)
    h, differences = 1e-5, np.empty(net.n_params)
    for k in range(net.n_params):
        step = np.zeros(net.n_params)
        step[k] = h
        above, below = (evaluator.loss_and_errors(theta + sign * step)[0] for sign in (1, -1))
        differences[k] = (above - below) / (2 * h)
    np.testing.assert_allclose(differences, gradient, rtol=0, atol=1e-8)


# ------------------------------------------------------------------------------- errors and ties


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_on_a_tie_the_first_of_the_largest_logits_counts(arithmetic):
    net = MLP((1, 3))
    data = Dataset(np.zeros((3, 1)), [0, 1, 2])
    for bias, n_errors, n_tied in (
        ([1.0, 1.0, 1.0], 2, 3),
        ([0.0, 1.0, 1.0], 2, 3),
        ([1.0, 0.0, 1.0], 2, 3),
        ([0.0, 0.0, 1.0], 2, 0),
        ([0.0, -0.0, -1.0], 2, 3),
        ([1.0, np.nextafter(1.0, 2.0), 0.0], 2, 0),
    ):
        theta = np.concatenate([np.zeros(3), bias])
        evaluator = make_evaluator(net, data, arithmetic=arithmetic)
        got = evaluator.evaluate(theta, np.empty(6))
        assert (got.n_errors, got.n_tied) == (n_errors, n_tied)
        right = int(np.argmax(bias))
        one = make_evaluator(net, Dataset([[0.0]], [right], n_classes=3), arithmetic=arithmetic)
        assert one.loss_and_errors(theta)[1] == 0


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_a_squared_net_is_wrong_on_the_wrong_side_of_one_half(arithmetic):
    net = MLP((1, 1), loss="squared")
    data = Dataset([[0.0], [0.5], [0.6], [1.0], [0.2]], [0, 1, 1, 3, 1])
    got = make_evaluator(net, data, arithmetic=arithmetic).evaluate(np.array([1.0, 0.0]), np.empty(2))
    assert (got.n_errors, got.n_tied) == (2, 0)  # exactly 1/2 is not above it


# ------------------------------------------------------------------------------- what must not change


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_theta_is_only_read(arithmetic):
    net, data = make_net(), make_data(40)
    theta, gradient = make_theta(net), np.empty(net.n_params)
    kept, evaluator = theta.copy(), make_evaluator(net, data, arithmetic=arithmetic)
    for frozen in (False, True):
        theta.flags.writeable = not frozen
        evaluator.evaluate(theta, gradient)
        evaluator.evaluate(theta, gradient, np.array([3, 1, 30]))
        evaluator.loss_and_errors(theta)
        evaluator.per_example_loss(theta)
        evaluator.logits(theta)
        np.testing.assert_array_equal(theta, kept)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_answers_belong_to_whoever_asked(arithmetic):
    net, data = make_net(), make_data(40)
    theta, evaluator = make_theta(net), make_evaluator(net, data, arithmetic=arithmetic)
    logits, losses = evaluator.logits(theta), evaluator.per_example_loss(theta)
    kept = logits.copy(), losses.copy()
    evaluator.logits(2 * theta)
    evaluator.per_example_loss(2 * theta)
    evaluator.evaluate(2 * theta, np.empty(net.n_params))
    np.testing.assert_array_equal(logits, kept[0])
    np.testing.assert_array_equal(losses, kept[1])


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_nan_is_never_swallowed(activation, arithmetic):
    net, data = make_net((4, 4), activation), make_data(9)
    for k in (0, net.layer_blocks[1].offset, net.n_params - 1):
        theta = make_theta(net)
        theta[k] = np.nan
        assert np.isnan(
            make_evaluator(net, data, arithmetic=arithmetic).evaluate(theta, np.empty(net.n_params)).loss
        )


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_a_bad_evaluation_leaves_no_trace(arithmetic):
    net, data = make_net((4, 3), ("softplus", "tanh"), skip=(1,)), make_data(21)
    evaluator, theta = make_evaluator(net, data, arithmetic=arithmetic), make_theta(net)
    fresh, again = np.empty(net.n_params), np.empty(net.n_params)
    before = evaluator.evaluate(theta, fresh)
    evaluator.evaluate(np.full(net.n_params, np.nan), again)
    assert evaluator.evaluate(theta, again) == before
    np.testing.assert_array_equal(again, fresh)


# ------------------------------------------------------------------------------- steps


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_advance_is_the_step_of_the_twin_and_records_it(arithmetic):
    net, data = make_net((4,), "tanh", skip=(1,)), make_data(15)
    evaluator, theta, gradient = (
        make_evaluator(net, data, arithmetic=arithmetic),
        make_theta(net),
        np.empty(net.n_params),
    )
    expected, records = theta.copy(), Records.empty(5)
    evaluator.evaluate(theta, gradient)
    assert evaluator.advance(theta, gradient, 0.3, records) == (5, False)
    for k in range(5):
        expected = np.array(twins.descend(net, expected, data, 0.3, 1))
        assert records.loss[k] == pytest.approx(twins.loss(net, expected, data), rel=TOLERANCE)
        assert records.n_errors[k] == twins.n_errors(net, expected, data)
        assert records.n_tied[k] == 0
        slope = np.array(twins.gradient(net, expected, data))
        assert records.gradient_norm[k] == pytest.approx(np.sqrt((slope**2).sum()), rel=TOLERANCE)
        assert records.symmetry_spread[k] == pytest.approx(spread(net, expected), rel=TOLERANCE)
    assert_close(net, theta, expected)
    assert_close(net, gradient, twins.gradient(net, expected, data))


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_many_steps_in_one_call_have_the_bits_of_one_at_a_time(arithmetic):
    net, data = make_net((7,), "relu"), make_data(600)
    whole, single = make_theta(net), make_theta(net)
    evaluator, gradient = make_evaluator(net, data, arithmetic=arithmetic), np.empty(net.n_params)
    evaluator.evaluate(whole, gradient)
    records = Records.empty(40)
    evaluator.advance(whole, gradient, 0.5, records)
    for k in range(40):
        got = evaluator.evaluate(single, gradient)
        single -= 0.5 * gradient
        got = evaluator.evaluate(single, gradient)
        assert (got.loss, got.gradient_norm) == (records.loss[k], records.gradient_norm[k])
    np.testing.assert_array_equal(single, whole)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_a_step_that_is_not_finite_is_taken_back(arithmetic):
    net, data = make_net((4,), "identity", "squared"), make_data(12)
    evaluator, theta, gradient = (
        make_evaluator(net, data, arithmetic=arithmetic),
        make_theta(net),
        np.empty(net.n_params),
    )
    evaluator.evaluate(theta, gradient)
    records = Records.empty(500)
    n_done, diverged = evaluator.advance(theta, gradient, 3.0, records)
    assert diverged and 0 < n_done < 500
    assert np.isfinite(records.loss[:n_done]).all() and np.isfinite(theta).all()
    again = np.empty(net.n_params)
    assert evaluator.evaluate(theta, again).loss == records.loss[n_done - 1]
    np.testing.assert_array_equal(again, gradient)
    assert evaluator.advance(theta, gradient, 3.0, records) == (0, True)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_nothing_is_begun_once_somebody_wants_to_leave(arithmetic):
    net, data = make_net((7,), "relu"), make_data(600)
    evaluator, theta = make_evaluator(net, data, arithmetic=arithmetic), make_theta(net)
    gradient, records = np.empty(net.n_params), Records.empty(5)
    evaluator.evaluate(theta, gradient)
    before = theta.tolist(), gradient.tolist()
    assert evaluator.advance(theta, gradient, 0.5, records, np.ones(1, np.int64)) == (0, False)
    assert (theta.tolist(), gradient.tolist()) == before
    assert evaluator.advance(theta, gradient, 0.5, records, np.zeros(1, np.int64)) == (5, False)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_step_that_is_left_in_the_middle_leaves_no_trace(n_threads):
    net, data = make_net((70,), n_features=64), make_data(4096, 64)
    evaluator = make_evaluator(net, data, n_threads=n_threads)
    theta, gradient, n_steps, n_left = make_theta(net), np.empty(net.n_params), 0, 0
    evaluator.evaluate(theta, gradient)
    losses: list[float] = []
    for _ in range(500):  # under load the other thread is often too late; once in the middle is what counts
        n_done, totals = run_until_left(evaluator, theta, gradient, losses)
        n_steps += n_done
        n_left += is_mixed(totals, evaluator, theta, gradient)
        if n_left:
            break
    assert n_left  # some chunks of the next step were done, and others were not
    whole, records = make_theta(net), Records.empty(n_steps)
    evaluator.evaluate(whole, gradient)
    assert evaluator.advance(whole, gradient, 0.01, records) == (n_steps, False)
    assert (theta.tolist(), losses) == (whole.tolist(), records.loss.tolist())


def run_until_left(evaluator, theta, gradient, losses) -> tuple[int, np.ndarray]:
    """Train until another thread, which has seen a step end, wants to leave; return steps and the chunks' sums."""
    records, leave = Records.empty(10_000), np.zeros(1, np.int64)
    records.symmetry_spread[0] = np.nan  # what is written last

    def watch():
        while np.isnan(records.symmetry_spread[0]):
            pass
        leave[0] = 1

    watcher = threading.Thread(target=watch)
    watcher.start()
    n_done, diverged = evaluator.advance(theta, gradient, 0.01, records, leave)
    watcher.join()
    assert n_done > 0 and not diverged
    losses.extend(records.loss[:n_done])
    return n_done, evaluator.works.totals[:, 0].copy()


def is_mixed(totals, evaluator, theta, gradient) -> bool:
    """Whether some chunks' sums of losses are those at theta, and others those of one step further."""
    ahead, spare, at = theta - 0.01 * gradient, np.empty_like(gradient), []
    for one in (theta, ahead):
        evaluator.evaluate(one, spare)
        at.append(evaluator.works.totals[:, 0] == totals)
    assert (at[0] | at[1]).all()
    return bool(at[0].any() and at[1].any())


def test_the_spread_that_the_kernel_records_is_that_of_symmetry():
    net, data = make_net((4, 3, 2), "tanh", skip=(2, 1)), make_data(9)
    evaluator, gradient = make_evaluator(net, data), np.zeros(net.n_params)
    records, theta = Records.empty(1), np.ones(net.n_params)
    for k in range(net.n_params):  # each parameter alone must be seen, but those that no hidden unit has
        moved = theta.copy()
        moved[k] += 0.25
        evaluator.advance(moved, np.zeros(net.n_params), 1.0, records)
        assert records.symmetry_spread[0] == spread(net, moved)
    bias = net.layer_blocks[-1].bias_offset
    theta[bias] = 9.0
    evaluator.advance(theta, gradient, 1.0, records)
    assert records.symmetry_spread[0] == 0.0


# ------------------------------------------------------------------------------- the bits of ordered arithmetic


@pytest.mark.parametrize("n_samples", [520, 1100, 1537])
@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_the_same_bits_for_any_number_of_threads(n_samples, loss):
    net, data = make_net((70,), "logistic", loss, (1,), n_features=64), make_data(n_samples, 64, ink=0.5)
    assert net.n_params * n_samples > 2_000_000  # or nothing would be shared
    results = []
    for n_threads in (1, 2, 4):
        evaluator = make_evaluator(net, data, n_threads=n_threads)
        theta, gradient, records = make_theta(net), np.empty(net.n_params), Records.empty(3)
        first = evaluator.evaluate(theta, gradient)
        evaluator.advance(theta, gradient, 0.5, records)
        results.append(
            [first, theta.tolist(), gradient.tolist(), *(series.tolist() for series in records[:5])]
        )
        results[-1].append(evaluator.loss_and_errors(theta))
    assert results[0] == results[1] == results[2]
    assert any(thread.name.startswith("lossoscope-kernel") for thread in threading.enumerate())


def shared_run(seed: int, n_threads: int) -> list:
    """Take 60 steps that are worth sharing; return all that comes of it."""
    net, data = make_net((70,), n_features=64), make_data(700, 64)
    evaluator = make_evaluator(net, data, n_threads=n_threads)
    theta, gradient, records = make_theta(net, seed), np.empty(net.n_params), Records.empty(60)
    evaluator.evaluate(theta, gradient)
    assert evaluator.advance(theta, gradient, 0.5, records) == (60, False)
    return [theta.tolist(), gradient.tolist(), *(series.tolist() for series in records[:5])]


def test_the_same_bits_when_several_runs_share_the_threads():
    alone = [shared_run(seed, n_threads=1) for seed in (1, 2, 3)]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda seed: shared_run(seed, n_threads=4), (1, 2, 3)))
    assert together == alone


def test_shared_work_is_right():
    net, data = make_net((70,), n_features=64), make_data(520, 64)
    gradient, theta = np.empty(net.n_params), make_theta(net)
    got = make_evaluator(net, data, n_threads=2).evaluate(theta, gradient)
    plain = np.empty(net.n_params)
    other = make_evaluator(net, data, arithmetic="blas").evaluate(theta, plain)
    assert got.loss == pytest.approx(other.loss, rel=1e-13) and got.n_errors == other.n_errors
    assert_close(net, gradient, plain)


@pytest.mark.parametrize("ink", [0.2, 1.0])
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_a_sample_has_the_same_logits_wherever_it_stands(activation, ink):
    net, data = make_net((9, 5), activation, n_features=10), make_data(613, 10, ink=ink)
    theta = make_theta(net)
    logits, losses = net.logits(theta, data.x), net.per_example_loss(theta, data)
    for rows in (np.arange(613)[::-1], np.array([612]), np.arange(255, 262), np.arange(1, 40)):
        part = data.subset(rows)
        np.testing.assert_array_equal(net.logits(theta, part.x), logits[rows])
        np.testing.assert_array_equal(net.per_example_loss(theta, part), losses[rows])


def test_a_sample_has_the_same_logits_among_full_and_among_empty_ones():
    full, sparse = make_data(300, 50), make_data(300, 50, ink=0.1)
    net = make_net((9,), n_features=50)
    theta = make_theta(net)
    mixed = net.logits(theta, np.concatenate([full.x, sparse.x]))
    np.testing.assert_array_equal(mixed[:300], net.logits(theta, full.x))
    np.testing.assert_array_equal(mixed[300:], net.logits(theta, sparse.x))


@pytest.mark.parametrize("ink", [0.3, 1.0])
@pytest.mark.parametrize("width", [*range(2, 18), 24, 33])
def test_equal_units_get_equal_gradients_wherever_they_stand(width, ink):
    net, data = make_net((width, width), "tanh", skip=(1, 2), n_features=11), make_data(300, 11, ink=ink)
    theta, last = make_theta(net), width - 1
    layers, skips = net.layers(theta), net.skip_weights(theta)
    for number in (0, 1):  # the last unit of each layer becomes a copy of the first
        weights, bias = layers[number]
        weights[:, last], bias[last] = weights[:, 0], bias[0]
        layers[number + 1][0][last] = layers[number + 1][0][0]
        skips[number][last] = skips[number][0]
    layers[1][0][last] = layers[1][0][0]
    gradient = net.gradient(theta, data)
    slopes, skip_slopes = net.layers(gradient), net.skip_weights(gradient)
    for number in (0, 1):
        weights, bias = slopes[number]
        assert weights[:, last].tolist() == weights[:, 0].tolist() and bias[last] == bias[0]
        assert slopes[number + 1][0][last].tolist() == slopes[number + 1][0][0].tolist()
        assert skip_slopes[number][last].tolist() == skip_slopes[number][0].tolist()


# ------------------------------------------------------------------------------- what is asked for


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_float32_is_never_silently_float64(arithmetic):
    net, data = make_net(), make_data(20)
    theta = make_theta(net)
    exact = make_evaluator(net, data).evaluate(theta, np.empty(net.n_params)).loss
    single = make_evaluator(net, data, "float32", arithmetic).evaluate(theta, np.empty(net.n_params)).loss
    assert single != exact and single == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"dtype": "float16"}, "dtype"),
        ({"arithmetic": "exact"}, "arithmetic"),
        ({"n_threads": 0}, "n_threads"),
        ({"n_threads": 1.5}, "n_threads"),
    ],
)
def test_bad_options_are_named(options, name):
    with pytest.raises((ValueError, TypeError), match=name):
        make_evaluator(make_net(), make_data(3), **options)


def test_data_must_fit_the_network():
    with pytest.raises(ValueError, match=r"3 features .* not 2"):
        make_evaluator(make_net(), make_data(5, n_features=2))
    with pytest.raises(ValueError, match="y must hold classes from 0 to 3"):
        make_evaluator(make_net(), Dataset(np.zeros((2, 3)), [0, 4]))
    with pytest.raises(TypeError, match=r"data must be an engine\.Dataset, not ndarray"):
        make_evaluator(make_net(), np.zeros((2, 3)))
