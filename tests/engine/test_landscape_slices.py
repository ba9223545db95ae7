"""Slices against the network itself, point by point."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import engine
from engine.config import ACTIVATION_NAMES, LOSS_NAMES
from engine.datasets import Dataset
from engine.landscape import LineSlice, PlaneSlice, iter_line_slice, iter_plane_slice, line_slice, plane_slice

ALPHAS = np.linspace(-1.0, 1.0, 3)
BETAS = np.linspace(-0.7, 0.9, 4)


def make_data(n_samples: int, n_features: int = 5, n_classes: int = 3, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_samples, n_features))
    y = rng.integers(0, n_classes, n_samples)
    return Dataset(x, y, n_classes=n_classes, targets=rng.standard_normal(n_samples))


def make_net(hidden, activation="logistic", loss="cross_entropy", skip=()) -> engine.MLP:
    return engine.MLP((5, *hidden, 1 if loss == "squared" else 3), activation, loss, skip)


def make_vectors(net: engine.MLP, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((3, net.n_params))


def assert_same_as_net(net, data, vectors, got: PlaneSlice, rtol: float = 1e-12) -> None:
    origin, d1, d2 = vectors
    for i, a in enumerate(got.alphas):
        for j, b in enumerate(got.betas):
            theta = origin + a * d1 + b * d2
            assert got.loss[i, j] == pytest.approx(net.loss(theta, data), rel=rtol, abs=1e-15)
            assert got.n_errors[i, j] == net.n_errors(theta, data)
    assert got.known.all()


@pytest.mark.parametrize("loss", LOSS_NAMES)
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_every_activation_and_loss(activation: str, loss: str) -> None:
    net, data = make_net((4, 3), activation, loss, skip=(1,)), make_data(21)
    vectors = make_vectors(net)
    assert_same_as_net(net, data, vectors, plane_slice(net, data, *vectors, ALPHAS, BETAS))


NETS = [
    ((), ()),
    ((1,), ()),
    ((7,), (1,)),
    ((6, 4), (2,)),
    ((6, 4), (2, 1)),
    ((3, 5, 4), ()),
    ((3, 5, 4), (3,)),
    ((4, 3, 5, 2), (1, 4)),
    ((4, 3, 5, 2, 3), (5, 2)),
]


@pytest.mark.parametrize(("hidden", "skip"), NETS)
@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_every_depth_and_skip(hidden, skip, loss) -> None:
    net, data = make_net(hidden, "tanh", loss, skip), make_data(19)
    vectors = make_vectors(net)
    assert_same_as_net(net, data, vectors, plane_slice(net, data, *vectors, ALPHAS, BETAS))


@pytest.mark.parametrize(("hidden", "skip"), NETS)
@pytest.mark.parametrize("activation", ["logistic", "relu"])
def test_threads_change_no_bit(hidden, skip, activation) -> None:
    net, data = make_net(hidden, activation, skip=skip), make_data(150)
    vectors, grid = make_vectors(net), np.linspace(-1.0, 1.0, 13)
    one, two, four = (plane_slice(net, data, *vectors, grid, grid[:9], n_threads=n) for n in (1, 2, 4))
    for other in (two, four):
        assert np.array_equal(one.loss, other.loss)
        assert np.array_equal(one.n_errors, other.n_errors)
    lines = [line_slice(net, data, *vectors[:2], np.linspace(-2, 2, 90), n_threads=n) for n in (1, 2)]
    assert np.array_equal(lines[0].loss, lines[1].loss)


def test_threads_end_with_the_slice_even_if_it_is_left_early() -> None:
    net, data = make_net((4,)), make_data(40)
    vectors, grid = make_vectors(net), np.linspace(-1, 1, 25)
    before = set(threading.enumerate())
    answers = iter_plane_slice(net, data, *vectors, grid, grid, n_threads=3)
    for _ in range(3):
        next(answers)
    assert len(set(threading.enumerate()) - before) in (
        1,
        2,
    )  # an idle thread is used before a new one starts
    answers.close()
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("bad", [0, -1, 1.5, True])
def test_bad_n_threads(bad) -> None:
    net, data = make_net((4,)), make_data(5)
    with pytest.raises((TypeError, ValueError), match="n_threads must be a whole number"):
        plane_slice(net, data, *make_vectors(net), [0.0], [0.0], n_threads=bad)


def test_small_calls_and_groups_change_no_bit(monkeypatch) -> None:
    from engine.landscape import sampler

    net, data = make_net((4,)), make_data(300)
    vectors, grid = make_vectors(net), np.linspace(-1, 1, 9)
    whole = plane_slice(net, data, *vectors, grid, grid)
    monkeypatch.setattr(sampler, "_CALL_S", 0.0)  # a block and a row at a time
    for n_threads in (1, 2):
        got = plane_slice(net, data, *vectors, grid, grid, n_threads=n_threads)
        assert np.array_equal(whole.loss, got.loss)
        assert np.array_equal(whole.n_errors, got.n_errors)


def test_progress_grows_within_a_level(monkeypatch) -> None:
    from engine.landscape import sampler, slices

    monkeypatch.setattr(sampler, "_CALL_S", 0.0)
    monkeypatch.setattr(slices, "_YIELD_S", 0.0)
    net, data = make_net((4,)), make_data(300)
    shares = [share for share, _ in iter_line_slice(net, data, *make_vectors(net)[:2], [0.0, 1.0, 2.0])]
    assert shares == sorted(shares)
    assert len(set(shares)) > 4
    assert shares[-1] == 1.0


def test_equal_logits_count_as_in_the_network_block_by_block() -> None:
    # Equal output units tie for every sample; whether that is an error depends on the label alone.
    net, data = make_net((6,)), make_data(100)
    theta, still = make_vectors(net)[0], np.zeros(net.n_params)
    weights, bias = net.layers(theta)[1]
    for best, rest in (((0, 1), 2), ((1, 2), 0), ((0, 2), 1)):
        weights[:, best[1]], bias[best[1]] = weights[:, best[0]], bias[best[0]]
        bias[rest] = -50.0
        got = line_slice(net, data, theta, still, [0.0, 1.0])
        assert got.n_errors.tolist() == [net.n_errors(theta, data)] * 2
        assert got.loss[0] == pytest.approx(net.loss(theta, data), rel=1e-12)
        bias[rest] = 0.0


def test_logits_far_apart() -> None:
    # the powers of 2 in the softmax come to the end of the exponents
    net, data = make_net((4,)), make_data(70)
    vectors = make_vectors(net)
    for layer in net.layers(vectors[0])[1:]:
        layer[0][...] *= 1e4
    assert_same_as_net(net, data, vectors, plane_slice(net, data, *vectors, ALPHAS, BETAS))


@pytest.mark.parametrize("n_samples", [*range(1, 18), 63, 64, 65, 257])
@pytest.mark.parametrize("activation", ["logistic", "relu"])
def test_every_sample_count(n_samples: int, activation: str) -> None:
    net, data = make_net((4,), activation), make_data(n_samples)
    vectors = make_vectors(net)
    assert_same_as_net(net, data, vectors, plane_slice(net, data, *vectors, ALPHAS, BETAS))


def test_one_activation_a_layer() -> None:
    net, data = make_net((4, 3), ("relu", "tanh")), make_data(9)
    vectors = make_vectors(net)
    assert_same_as_net(net, data, vectors, plane_slice(net, data, *vectors, ALPHAS, BETAS))


def test_a_long_even_row() -> None:
    # more points than follow from one exponential, and more than go into one call
    net, data = make_net((4,), "logistic"), make_data(7)
    vectors = make_vectors(net)
    betas = np.linspace(-3.0, 3.0, 150)
    assert_same_as_net(net, data, vectors, plane_slice(net, data, *vectors, [0.5], betas))


def test_many_samples_and_wide_layers_take_several_blocks() -> None:
    net, data = engine.MLP((5, 300, 3)), make_data(100)
    vectors = make_vectors(net) * 0.2
    assert_same_as_net(net, data, vectors, plane_slice(net, data, *vectors, ALPHAS, BETAS))


@pytest.mark.parametrize("activation", ["logistic", "tanh", "softplus"])
def test_large_pre_activations_do_not_overflow(activation: str) -> None:
    # z goes up to thousands, so the shared exponential would be infinite
    net, data = make_net((4,), activation), make_data(12)
    vectors = make_vectors(net) * np.array([[300.0], [500.0], [400.0]])
    betas = np.linspace(-1, 1, 9)
    assert_same_as_net(net, data, vectors, plane_slice(net, data, *vectors, ALPHAS, betas), rtol=1e-11)


def test_uneven_and_unordered_betas() -> None:
    net, data = make_net((4,)), make_data(12)
    vectors = make_vectors(net)
    betas = [0.3, -2.0, 0.31, 5.0, 0.3]
    assert_same_as_net(net, data, vectors, plane_slice(net, data, *vectors, ALPHAS, betas))


def test_more_samples_than_are_kept_between_levels(monkeypatch) -> None:
    from engine.landscape import sampler

    net, data = make_net((4,)), make_data(300)
    vectors = make_vectors(net)
    kept = plane_slice(net, data, *vectors, ALPHAS, BETAS)
    monkeypatch.setattr(sampler, "_GROUP_BYTES", 0)
    again = plane_slice(net, data, *vectors, ALPHAS, BETAS)
    assert np.array_equal(kept.loss, again.loss)


def test_ties_count_as_in_the_network() -> None:
    net, data = engine.MLP((64, 8, 10)), engine.load_dataset("digits").first(60)
    theta = net.init("constant", value=0.1)
    got = line_slice(net, data, theta, np.ones(net.n_params), [0.0])
    assert got.n_errors[0] == net.n_errors(theta, data)


def test_squared_loss_is_of_the_targets() -> None:
    net = engine.MLP((1, 1), loss="squared")
    data = Dataset([[1.0], [2.0]], [0, 1], targets=[3.0, -1.0])
    got = line_slice(net, data, np.zeros(2), np.array([1.0, 0.0]), [0.0, 1.0])  # f = alpha x
    assert got.loss.tolist() == [(9 + 1) / 4, (4 + 9) / 4]
    assert got.n_errors.tolist() == [1, 1]


def test_line_is_the_middle_row_of_the_plane() -> None:
    net, data = make_net((4,)), make_data(30)
    origin, d1, d2 = make_vectors(net)
    line = line_slice(net, data, origin, d2, BETAS)
    plane = plane_slice(net, data, origin, d1, d2, [0.0], BETAS)
    assert isinstance(line, LineSlice)
    assert np.array_equal(line.alphas, BETAS)
    assert np.array_equal(line.loss, plane.loss[0])
    assert np.array_equal(line.n_errors, plane.n_errors[0])


def test_results_are_read_only_and_arguments_unchanged() -> None:
    net, data = make_net((4,)), make_data(5)
    vectors, alphas = make_vectors(net), ALPHAS.copy()
    before = vectors.copy()
    got = plane_slice(net, data, *vectors, alphas, BETAS)
    alphas[0] = 99.0
    assert got.alphas[0] == -1.0
    assert np.array_equal(vectors, before)
    for array in (got.alphas, got.betas, got.loss, got.n_errors, got.known):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_loss_that_is_not_finite_is_shown_as_such() -> None:
    net, data = make_net((4,), "identity"), make_data(6)
    origin, d1, d2 = make_vectors(net)
    got = plane_slice(net, data, origin, d1, d2, [0.0, 1e200, 1e308], [0.0, 1.0])
    assert np.isfinite(got.loss[0]).all()
    assert not np.isfinite(got.loss[1:]).any()
    assert got.known.all()
    assert ((got.n_errors >= 0) & (got.n_errors <= 6)).all()


def test_infinite_squared_loss() -> None:
    net = engine.MLP((1, 1), loss="squared")
    data = Dataset([[1.0]], [0], targets=[0.0])
    got = line_slice(net, data, np.zeros(2), np.array([1.0, 0.0]), [1.0, 1e200])
    assert got.loss.tolist() == [0.5, np.inf]


def test_levels_go_from_coarse_to_fine() -> None:
    net, data = make_net((4,)), make_data(40)
    vectors, grid = make_vectors(net), np.linspace(-1, 1, 25)
    shares, n_known, last = [], [], None
    for share, last in iter_plane_slice(net, data, *vectors, grid, grid):
        shares.append(share)
        n_known.append(int(last.known.sum()))
        assert np.isnan(last.loss[~last.known]).all()
        assert (last.n_errors[~last.known] == -1).all()
        assert np.isfinite(last.loss[last.known]).all()
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert sorted(set(n_known)) == [0, 9, 49, 169, 625]
    whole = plane_slice(net, data, *vectors, grid, grid)
    assert np.array_equal(whole.loss, last.loss)


def test_line_levels() -> None:
    net, data = make_net((4,)), make_data(40)
    origin, along, _ = make_vectors(net)
    answers = [answer for _, answer in iter_line_slice(net, data, origin, along, np.linspace(-1, 1, 33))]
    assert [int(answers[0].known.sum()), int(answers[-1].known.sum())] == [0, 33]


def test_yields_often_enough_to_be_cancelled() -> None:
    net, data = engine.MLP((64, 100, 10)), engine.load_dataset("digits")
    vectors, grid = make_vectors(net) * 0.1, np.linspace(-1, 1, 21)
    plane_slice(net, data.first(20), *vectors, grid[:2], grid[:2])  # compile first
    started, n_yields = time.perf_counter(), 0
    for _ in iter_plane_slice(net, data, *vectors, grid, grid):
        n_yields += 1
    elapsed = time.perf_counter() - started
    assert n_yields >= elapsed / 0.06  # on average; a single pause may be the machine's


@pytest.mark.parametrize("bad", [np.zeros(3), np.full(39, np.nan)])
@pytest.mark.parametrize("name", ["origin", "d1", "d2"])
def test_bad_vectors(name: str, bad: np.ndarray) -> None:
    net, data = make_net((4,)), make_data(5)
    assert net.n_params == 39
    arguments = {"origin": np.zeros(39), "d1": np.ones(39), "d2": np.ones(39), name: bad}
    with pytest.raises(ValueError, match=name):
        plane_slice(net, data, **arguments, alphas=[0.0], betas=[0.0])


@pytest.mark.parametrize("bad", [[], [[1.0]], [np.inf], 3.0])
def test_bad_grid(bad) -> None:
    net, data = make_net((4,)), make_data(5)
    with pytest.raises(ValueError, match="alphas"):
        line_slice(net, data, np.zeros(39), np.ones(39), bad)


def test_bad_kinds() -> None:
    net, data = make_net((4,)), make_data(5)
    with pytest.raises(TypeError, match="alphas"):
        line_slice(net, data, np.zeros(39), np.ones(39), "abc")
    with pytest.raises(TypeError, match="direction"):
        line_slice(net, data, np.zeros(39), "abc", [0.0])
    with pytest.raises(ValueError, match="features"):
        line_slice(net, make_data(5, n_features=4), np.zeros(39), np.ones(39), [0.0])
