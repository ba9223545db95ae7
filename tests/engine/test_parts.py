"""Parts of theta: what is trained follows the gradient, everything else keeps its bits."""

from __future__ import annotations

import numpy as np
import pytest
import twins

from engine.config import TRAIN_NAMES, RunConfig
from engine.curvature import dense_hessian
from engine.datasets import Dataset
from engine.evaluator import make_evaluator
from engine.flow import gradient_flow
from engine.mlp import MLP
from engine.parts import PARTS, frozen_ranges, trained
from engine.trainer import Trainer

NET = MLP((3, 4, 2, 5), ("tanh", "softplus"), skip=(2, 1))
RNG = np.random.default_rng(3)
DATA = Dataset(RNG.standard_normal((30, 3)), RNG.integers(0, 5, 30), n_classes=5)
THETA = NET.init("glorot_uniform", 1) + 0.2 * RNG.standard_normal(NET.n_params)
W1, B1, W2, B2, W3, B3, S2, S1 = (
    *(range(0, 12), range(12, 16), range(16, 24), range(24, 26)),
    *(range(26, 36), range(36, 41), range(41, 51), range(51, 71)),
)
MEMBERS = {
    "all": (W1, B1, W2, B2, W3, B3, S2, S1),
    "weights": (W1, W2, W3, S2, S1),
    "hidden": (W1, B1, W2, B2),
    "hidden_weights": (W1, W2),
    "output": (W3, B3, S2, S1),
    "output_weights": (W3, S2, S1),
}


@pytest.mark.parametrize("train", TRAIN_NAMES)
def test_a_part_holds_what_its_name_says(train):
    expected = sorted(k for members in MEMBERS[train] for k in members)
    assert np.flatnonzero(NET.trained(train)).tolist() == expected
    frozen = [k for first, end in frozen_ranges(NET, train) for k in range(first, end)]
    assert sorted(expected + frozen) == list(range(NET.n_params))
    assert set(PARTS) == set(MEMBERS)


@pytest.mark.parametrize("arithmetic", ["ordered", "blas"])
@pytest.mark.parametrize("train", TRAIN_NAMES)
def test_the_gradient_is_that_of_the_part_and_so_is_its_norm(train, arithmetic):
    mask, gradient = trained(NET, train), np.full(NET.n_params, np.nan)
    whole = np.array(twins.gradient(NET, THETA, DATA))
    evaluator = make_evaluator(NET, DATA, arithmetic=arithmetic, train=train)
    got = evaluator.evaluate(THETA, gradient)
    np.testing.assert_allclose(gradient, np.where(mask, whole, 0.0), rtol=1e-10, atol=1e-14)
    assert not gradient[~mask].any()
    assert got.gradient_norm == pytest.approx(np.linalg.norm(whole[mask]), rel=1e-10)
    rows = np.array([4, 0, 7])
    evaluator.evaluate(THETA, gradient, rows)
    assert not gradient[~mask].any() and gradient[mask].any()


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("arithmetic", ["ordered", "blas"])
@pytest.mark.parametrize("train", TRAIN_NAMES)
def test_steps_move_the_part_and_leave_every_bit_of_the_rest(train, arithmetic, batch_size):
    start, mask = THETA.copy(), trained(NET, train)
    start[[0, 13, 27, 37, 45]] = -0.0, 5e-324, -0.0, 1e-310, -0.0
    run = Trainer(NET, DATA, start, 0.3, batch_size, arithmetic=arithmetic, train=train)
    run.step(50)
    assert run.theta[~mask].tobytes() == start[~mask].tobytes()
    assert (run.theta[mask] != start[mask]).all()
    assert run.history["loss"][-1] < run.history["loss"][0]
    assert run.config.train == train
    assert run.history["gradient_norm"][-1] == pytest.approx(
        np.linalg.norm(NET.gradient(run.theta, DATA)[mask]), rel=1e-10
    )


def test_a_part_trained_is_the_whole_trained_with_the_rest_put_back():
    run, expected, mask = Trainer(NET, DATA, THETA, 0.4, train="output"), THETA.copy(), trained(NET, "output")
    for _ in range(20):
        expected -= 0.4 * np.where(mask, NET.gradient(expected, DATA), 0.0)
    run.step(20)
    np.testing.assert_array_equal(run.theta, expected)


def test_the_part_stays_trained_after_a_kick_and_a_new_width():
    run = Trainer(NET, DATA, THETA, 0.4, train="output")
    run.step(3)
    run.perturb("duplicate", layer=1, unit=2)
    start, mask = run.theta, trained(run.net, "output")
    run.step(5)
    assert run.theta[~mask].tobytes() == start[~mask].tobytes() and (run.theta[mask] != start[mask]).all()


def test_a_trainer_from_settings_trains_the_part():
    config = RunConfig(data="xor", hidden=(3,), train="hidden")
    run = Trainer.from_config(config)
    start, mask = run.theta, trained(run.net, "hidden")
    run.step(4)
    assert (
        run.theta[~mask].tolist() == start[~mask].tolist()
        and run.theta[mask].tolist() != start[mask].tolist()
    )


@pytest.mark.parametrize("method", ["DOP853", "LSODA"])
def test_gradient_flow_of_a_part(method):
    flow = gradient_flow(NET, DATA, THETA, [0.0, 0.5], method=method, train="hidden_weights")
    mask = trained(NET, "hidden_weights")
    assert flow.theta[~mask].tolist() == THETA[~mask].tolist()
    fine = Trainer(NET, DATA, THETA, 0.5 / 4000, train="hidden_weights")
    fine.step(4000)
    np.testing.assert_allclose(flow.theta, fine.theta, atol=2e-5)
    assert np.abs(flow.theta - THETA)[mask].max() > 1e-2
    assert flow.loss[1] < flow.loss[0]


def test_curvature_is_that_of_all_parameters():
    before = dense_hessian(NET, DATA, THETA)
    Trainer(NET, DATA, THETA, train="output").step()
    np.testing.assert_array_equal(dense_hessian(NET, DATA, THETA), before)


@pytest.mark.parametrize(
    ("train", "error", "sentence"),
    [
        ("V", ValueError, "train must be one of all, weights, hidden, .* not 'V'"),
        (None, TypeError, "train must be one of"),
        ("hidden", ValueError, "train must not be hidden for a network without hidden layers"),
    ],
)
def test_a_part_that_there_is_not_is_refused(train, error, sentence):
    flat = MLP((3, 5))
    for arithmetic in ("ordered", "blas"):
        with pytest.raises(error, match=sentence):
            Trainer(flat, DATA, np.zeros(flat.n_params), arithmetic=arithmetic, train=train)
    with pytest.raises(error, match=sentence):
        flat.trained(train)
