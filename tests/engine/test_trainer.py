"""Trainer: what a step is, what it records, and what kicks, divergence, reset and commands do to a run."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import twins

import engine
from engine import descent as descent_module
from engine import trainer as trainer_module
from engine.commands import Load, Pause, Perturb, Reset, Run, SavePoint, SetLearningRate, Step
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.evaluator import Evaluation, make_evaluator
from engine.history import LOSS_RISE_TOLERANCE
from engine.mlp import MLP
from engine.perturbations import PERTURBATION_TABLE, Perturbation
from engine.snapshot import State
from engine.symmetry import spread, unit_parameters
from engine.trainer import Trainer

SERIES = ("loss", "n_errors", "gradient_norm", "symmetry_spread")


def make_data(n_samples=40, n_features=3, n_classes=4, seed=1, **options) -> Dataset:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n_samples, n_features)), rng.integers(0, n_classes, n_samples)
    return Dataset(x, y, n_classes=n_classes, targets=rng.standard_normal(n_samples), **options)


def make_run(activation="tanh", learning_rate=0.5, loss="cross_entropy", data=None, **options) -> Trainer:
    data = data or make_data()
    net = MLP((data.n_features, 5, 1 if loss == "squared" else data.n_classes), activation, loss)
    return Trainer(net, data, net.init("glorot_uniform", seed=2), learning_rate, **options)


def descend(net, data, theta, rate, n_steps) -> np.ndarray:
    """Take n_steps steps by hand."""
    theta = theta.copy()
    for _ in range(n_steps):
        theta -= rate * net.gradient(theta, data)
    return theta


def everything(run: Trainer) -> list:
    """All that a run has produced, to the last bit."""
    return [run.theta.tolist(), *(run.history[name].tolist() for name in SERIES)]


def parabola(start: float, learning_rate: float) -> Trainer:
    """A run on the loss s^2 / 2 with s = w + b, where one step multiplies s by 1 - 2 learning_rate, exactly."""
    net = MLP((1, 1), loss="squared")
    return Trainer(net, Dataset([[1.0]], [0], targets=[0.0]), [start / 2, start / 2], learning_rate)


@pytest.fixture
def jump_to(monkeypatch):
    """A kick to wherever the test wants theta to be: run.perturb("jump") after jump_to(theta)."""

    def set_target(theta):
        kick = Perturbation(
            "jump", "", ".", False, (), lambda net, old, options: (net, np.array(theta, float))
        )
        monkeypatch.setitem(PERTURBATION_TABLE, "jump", kick)

    return set_target


# ------------------------------------------------------------------------------- steps


def test_entry_0_is_before_any_step():
    run = make_run()
    assert run.n_steps == 0 and run.state is State.READY
    assert run.history["loss"].tolist() == [pytest.approx(run.net.loss(run.theta, run.data), rel=1e-13)]
    assert run.history["n_errors"].tolist() == [run.net.n_errors(run.theta, run.data)]
    gradient = run.net.gradient(run.theta, run.data)
    assert run.history["gradient_norm"][0] == pytest.approx(np.linalg.norm(gradient), rel=1e-13)
    assert run.history["symmetry_spread"].tolist() == [spread(run.net, run.theta)]


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("n_steps", [1, 2, 63, 64, 65, 700])
def test_every_series_has_an_entry_more_than_steps(n_steps, batch_size):
    run = make_run(batch_size=batch_size)
    assert run.step(n_steps) == n_steps == run.n_steps
    assert [len(run.history[name]) for name in SERIES] == [n_steps + 1] * len(SERIES)
    assert run.state is State.PAUSED


@pytest.mark.parametrize("arithmetic", ["ordered", "blas"])
def test_steps_have_the_bits_of_gradient_steps_by_hand(arithmetic):
    run = make_run(arithmetic=arithmetic)
    theta, gradient = run.theta, np.empty(run.net.n_params)
    evaluator = make_evaluator(run.net, run.data, arithmetic=arithmetic)
    for k in range(100):
        run.step()
        evaluator.evaluate(theta, gradient)
        theta -= 0.5 * gradient
        got = evaluator.evaluate(theta, gradient)
        assert run.theta.tolist() == theta.tolist()
        assert [run.history[name][k + 1] for name in SERIES[:3]] == [
            got.loss,
            got.n_errors,
            got.gradient_norm,
        ]
        assert run.history["symmetry_spread"][k + 1] == spread(run.net, theta)


def test_steps_are_those_of_the_slow_twin():
    run = make_run(data=make_data(11))
    start = run.theta
    run.step(15)
    expected = twins.descend(run.net, start, run.data, 0.5, 15)
    np.testing.assert_allclose(run.theta, expected, rtol=1e-10, atol=1e-12)
    assert run.history["loss"][-1] == pytest.approx(twins.loss(run.net, expected, run.data), rel=1e-10)


def test_the_bits_do_not_depend_on_how_steps_are_asked_for():
    runs = [make_run() for _ in range(4)]
    runs[0].apply(Run())
    for _ in range(4):
        runs[0].advance(0.0)  # how many steps that is depends on the machine
    runs[0].step(7)
    total = runs[0].n_steps
    runs[1].step(total)
    for _ in range(total):
        runs[2].step()
    for n_steps in (1, total // 3, 3, total - total // 3 - 4):
        runs[3].step(n_steps)
        runs[3].snapshot()
    assert all(everything(run) == everything(runs[0]) for run in runs[1:])


def test_the_start_is_copied_and_theta_is_a_copy():
    net, data = MLP((3, 5, 4)), make_data()
    theta = net.init("glorot_uniform")
    run = Trainer(net, data, theta)
    theta[:] = 7.0
    assert run.theta.tolist() == net.init("glorot_uniform").tolist()
    run.theta[:] = 9.0
    run.step(3)
    assert run.theta.tolist() == descend(net, data, net.init("glorot_uniform"), 0.5, 3).tolist()


def test_a_new_rate_counts_from_the_next_step_on():
    run = make_run()
    theta = descend(run.net, run.data, run.theta, 0.5, 5)
    run.step(5)
    run.apply(SetLearningRate(0.125))
    assert run.learning_rate == 0.125 and run.theta.tolist() == theta.tolist()
    run.step(5)
    assert run.theta.tolist() == descend(run.net, run.data, theta, 0.125, 5).tolist()


def test_a_whole_number_is_a_rate_like_any_other():
    run = make_run()
    run.apply(SetLearningRate(1))
    assert type(run.learning_rate) is float  # else the kernels would be compiled anew for whole numbers
    run.apply(SetLearningRate(np.float32(0.5)))
    assert type(run.learning_rate) is float


# ------------------------------------------------------------------------------- equal units


def assert_units_equal(net: MLP, theta: np.ndarray, units=None) -> None:
    """Check that some units (all, if None) of every hidden layer are the same to the last bit."""
    for layer in range(1, net.n_hidden + 1):
        rows = unit_parameters(net, np.asarray(theta), layer)
        rows = rows if units is None else rows[units]
        np.testing.assert_array_equal(rows, np.broadcast_to(rows[0], rows.shape))


@pytest.mark.parametrize("width", [2, 3, 5, 7, 8, 9, 17])
@pytest.mark.parametrize("activation", ["logistic", "tanh", "softplus", "erf"])
def test_units_that_start_equal_stay_equal_for_thousands_of_steps(activation, width):
    net, data = MLP((5, width, 4), activation), make_data(37, 5)
    theta = net.init("glorot_uniform", seed=3)
    weights, bias = net.layers(theta)[0]
    weights[...], bias[...] = weights[:, :1], 0.1
    net.layers(theta)[1][0][...] = net.layers(theta)[1][0][0]
    run = Trainer(net, data, theta, 0.5)
    run.step(3000)
    assert not run.history["symmetry_spread"].any()
    assert_units_equal(net, run.theta)
    assert run.history["loss"][-1] < 0.97 * run.history["loss"][0]


@pytest.mark.parametrize("activation", ["logistic", "relu", "leaky_relu", "identity"])
@pytest.mark.parametrize("width", [3, 7, 10])
def test_two_equal_units_among_others_stay_equal(activation, width):
    net, data = MLP((6, width, width, 4), activation, skip=(2,)), make_data(300, 6)
    theta = net.init("glorot_uniform", seed=3)
    for layer in (1, 2):
        twin_of_first(net, theta, layer, width - 1)
    run = Trainer(net, data, theta, 0.05)
    run.step(2000)
    assert_units_equal(net, run.theta, [0, width - 1])
    assert run.history["symmetry_spread"][-1] > 0.1  # the others are different
    assert run.history["loss"][-1] < 0.97 * run.history["loss"][0]


def twin_of_first(net: MLP, theta: np.ndarray, layer: int, unit: int) -> None:
    """Make a unit of a layer the same as the first one."""
    layers = net.layers(theta)
    weights, bias = layers[layer - 1]
    weights[:, unit], bias[unit] = weights[:, 0], bias[0]
    layers[layer][0][unit] = layers[layer][0][0]
    if layer in net.skip:
        skip = net.skip_weights(theta)[net.skip.index(layer)]
        skip[unit] = skip[0]


@pytest.mark.parametrize("loss", ["quadratic", "squared"])
def test_a_constant_start_stays_symmetric_under_the_other_losses(loss):
    data = make_data(64)
    net = MLP((3, 7, 3, 1 if loss == "squared" else 4), "tanh", loss, (1,))
    run = Trainer(net, data, net.init("constant", value=0.3), 0.1)
    run.step(2000)
    assert not run.history["symmetry_spread"].any()
    assert_units_equal(net, run.theta)


@pytest.mark.parametrize("width", [3, 7])
def test_sums_in_another_order_break_the_symmetry_and_are_caught(width):
    net, data = MLP((5, width, 4), "logistic"), make_data(17, 5)
    theta = net.init("constant", value=0.3)
    assert_units_equal(net, twins.descend(net, theta, data, 0.5, 10))
    drifted = twins.descend(net, theta, data, 0.5, 10, first=1)  # unit j starts its sums at the j-th input
    with pytest.raises(AssertionError):
        assert_units_equal(net, drifted)
    assert spread(net, np.array(drifted)) > 0.0


def test_a_broken_symmetry_is_seen():
    net = MLP((3, 7, 4), "logistic")
    run = Trainer(net, make_data(), net.init("constant", value=0.3), 0.5)
    run.step(10)
    run.perturb("break_symmetry", scale=1e-12, unit=4)
    run.step(10)
    assert not run.history["symmetry_spread"][:11].any() and run.history["symmetry_spread"][11:].all()


# ------------------------------------------------------------------------------- rises and kicks


def rises_by_hand(run: Trainer, before: dict) -> list[int]:
    """Steps at which the loss rose, from the series; before[k] is the loss after a kick behind entry k."""
    loss = run.history["loss"].tolist()
    found = []
    for k in range(1, len(loss)):
        old = before.get(k - 1, loss[k - 1])
        if loss[k] - old > LOSS_RISE_TOLERANCE * abs(old):
            found.append(k)
    return found


def test_every_rise_of_the_loss_is_listed():
    run = make_run("relu", 5.0)
    run.step(2000)
    rises = run.history.view().loss_rises.tolist()
    assert rises == rises_by_hand(run, {}) and 20 < len(rises) < 1900


def test_errors_that_rise_while_the_loss_falls_are_listed():
    run = make_run("tanh", 0.5)
    run.step(3000)
    loss, errors = run.history["loss"], run.history["n_errors"]
    expected = 1 + np.flatnonzero((errors[1:] > errors[:-1]) & (loss[1:] < loss[:-1]))
    assert run.history.view().error_rises.tolist() == expected.tolist() and len(expected) > 0


def test_leaving_a_tie_is_no_rise_of_errors():
    # From theta = 0 every output is tied; class 0 counts as the answer, though nothing has been learnt.
    x, y = np.array([[6.0], [1.0], [1.0]]), [1, 0, 0]
    run = Trainer(MLP((1, 2)), Dataset(x, y), np.zeros(4), 0.1)
    assert run.snapshot().n_tied == 3 and run.snapshot().n_errors == 1
    run.step(3)
    assert run.history["n_errors"][1] > 1 and run.history["loss"][1] < run.history["loss"][0]
    assert run.history.view().error_rises.tolist() == []
    assert run.snapshot().n_tied == 0


def test_a_rise_caused_by_a_kick_is_not_one_of_gradient_descent(jump_to):
    run = parabola(1.0, 0.25)
    run.step(3)
    jump_to([4.0, 4.0])
    run.perturb("jump")
    run.step(3)
    assert run.history["loss"].tolist() == [0.5, 0.125, 0.03125, 0.0078125, 8.0, 2.0, 0.5]
    view = run.history.view()
    assert view.loss_rises.tolist() == []
    (jump,) = view.jumps
    assert (jump.step, jump.name, jump.loss_before, jump.loss_after) == (3, "jump", 0.0078125, 32.0)


def test_a_rise_after_a_kick_that_lowered_the_loss_is_one(jump_to):
    run = parabola(8.0, 1.25)
    jump_to([0.5, 0.5])
    run.perturb("jump")
    run.step(1)
    assert run.history["loss"].tolist() == [32.0, 1.125]  # it fell by the kick, to 0.5, and rose by the step
    assert run.history.view().loss_rises.tolist() == [1]


def test_kicks_among_many_steps_are_kept_apart():
    run, after = make_run("relu", 5.0), {}
    for seed in range(30):
        run.step(seed + 1)
        run.perturb("noise", scale=0.5, seed=seed)
        after[run.n_steps] = run.snapshot().loss
    run.step(100)
    view = run.history.view()
    assert view.loss_rises.tolist() == rises_by_hand(run, after) != rises_by_hand(run, {})
    assert [(jump.step, jump.loss_after) for jump in view.jumps] == list(after.items())
    assert run.n_steps == 465 + 100 and run.history.n_entries == 566


def test_two_kicks_at_one_step():
    run = make_run()
    run.step(2)
    entries = everything(run)[1:]
    losses = [run.snapshot().loss]
    for seed in (1, 2):
        run.perturb("noise", scale=0.1, seed=seed)
        losses.append(run.snapshot().loss)
    assert everything(run)[1:] == entries  # a kick is no step
    jumps = run.history.view().jumps
    assert [(jump.loss_before, jump.loss_after) for jump in jumps] == [tuple(losses[:2]), tuple(losses[1:])]
    assert [jump.n_errors_after for jump in jumps][-1] == run.net.n_errors(run.theta, run.data)


def test_a_kick_moves_theta_and_the_next_step_starts_there():
    run = make_run()
    run.step(3)
    moved = run.theta + 1e-2 * np.random.default_rng(5).standard_normal(run.net.n_params)
    run.perturb("noise", scale=1e-2, seed=5)
    assert run.theta.tolist() == moved.tolist() and run.state is State.PAUSED
    snapshot = run.snapshot()
    assert snapshot.gradient.tolist() == run.net.gradient(moved, run.data).tolist()
    assert snapshot.loss == pytest.approx(run.net.loss(moved, run.data), rel=1e-13)
    run.step(4)
    assert run.theta.tolist() == descend(run.net, run.data, moved, 0.5, 4).tolist()


def test_kicks_that_keep_the_loss_keep_it_to_rounding():
    for name in ("permute", "duplicate"):
        run = make_run()
        run.step(20)
        loss = run.snapshot().loss
        run.perturb(name)
        assert run.snapshot().loss == pytest.approx(loss, rel=1e-14)
        assert run.snapshot().n_errors == run.history["n_errors"][-1]


def test_a_duplicated_unit_makes_another_net_that_trains_on():
    run = make_run()
    run.step(20)
    before, theta = run.snapshot(), None
    run.perturb("duplicate", unit=2)
    after, theta = run.snapshot(), run.theta
    assert run.net.layer_sizes == (3, 6, 4) and after.config.hidden == (6,) == run.config.hidden
    assert after.run_id > before.run_id and after.generation > before.generation
    assert all(point.theta.shape == theta.shape for point in (*after.path, *after.saved))
    run.step(500)
    assert_units_equal(run.net, run.theta, [2, 5])
    assert run.n_steps == 520
    assert run.theta.tolist() == descend(run.net, run.data, theta, 0.5, 500).tolist()


def test_a_kick_while_running_keeps_it_running_and_the_steps_to_go():
    run = make_run()
    run.apply(Step(5))
    run.apply(Perturb("noise"))
    assert run.state is State.RUNNING
    while run.state is State.RUNNING:
        run.advance(0.0)
    assert run.n_steps == 5 and run.state is State.PAUSED


@pytest.mark.parametrize("arithmetic", ["ordered", "blas"])
@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("shake", {}, ValueError),
        ("noise", {"scale": -1}, ValueError),
        ("noise", {"scale": "x"}, TypeError),
        ("noise", {"strength": 1}, ValueError),
        ("noise", {"scale": 1e308}, ValueError),
        ("reset_unit", {"unit": 99}, ValueError),
    ],
)
def test_a_refused_kick_changes_nothing(name, options, error, arithmetic):
    run = make_run(arithmetic=arithmetic)
    run.step(5)
    before, snapshot = everything(run), run.snapshot()
    with pytest.raises(error):
        run.perturb(name, **options)
    after = run.snapshot()
    assert everything(run) == before and after.history.jumps == ()
    assert (after.generation, after.run_id, after.state) == (
        snapshot.generation,
        snapshot.run_id,
        snapshot.state,
    )
    assert after.gradient.tolist() == snapshot.gradient.tolist()


# ------------------------------------------------------------------------------- divergence


@pytest.mark.parametrize("arithmetic", ["ordered", "blas"])
@pytest.mark.parametrize("batch_size", [None, 40])
def test_a_run_that_diverges_stops_at_the_step_before(batch_size, arithmetic):
    run = make_run("identity", 8.0, "squared", batch_size=batch_size, arithmetic=arithmetic)
    start = run.theta
    n_done = run.step(5000)
    snapshot = run.snapshot()
    assert run.state is State.STOPPED and 3 < n_done < 5000 and n_done == run.n_steps
    assert np.isfinite(run.theta).all() and all(np.isfinite(run.history[name]).all() for name in SERIES)
    assert len(run.history["loss"]) == n_done + 1
    assert snapshot.suggested_rate == run.suggested_rate == 4.0
    assert (
        f"Step {n_done + 1:,} at learning rate 8 " in run.reason
        and f"stands at step {n_done:,}" in run.reason
    )
    evaluator, gradient = make_evaluator(run.net, run.data, arithmetic=arithmetic), np.empty(run.net.n_params)
    got = evaluator.evaluate(run.theta, gradient)
    assert (got.loss, got.n_errors) == (run.history["loss"][-1], run.history["n_errors"][-1])
    assert snapshot.gradient.tolist() == gradient.tolist() and snapshot.loss == got.loss
    if batch_size is None:
        again = Trainer(run.net, run.data, start, 8.0, arithmetic=arithmetic)
        again.step(n_done)
        assert everything(again) == everything(run) and again.state is State.PAUSED
        with np.errstate(all="ignore"):
            beyond = evaluator.evaluate(run.theta - 8.0 * gradient, gradient)
        assert not (math.isfinite(beyond.loss) and math.isfinite(beyond.gradient_norm))


@pytest.mark.parametrize("arithmetic", ["ordered", "blas"])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "identity", "softplus"])
def test_no_activation_hides_an_overflow(activation, arithmetic, jump_to):
    # The first layer gives infinity, so that every unit of the second sums infinity minus infinity.
    net, data = MLP((1, 2, 2, 2), activation), Dataset([[1e10], [2e10]], [0, 1])
    theta = np.zeros(net.n_params)
    net.layers(theta)[0][0][...] = 1e300
    net.layers(theta)[1][0][...] = [[1.0, 1.0], [-1.0, -1.0]]
    with pytest.raises(ValueError, match="theta must give a finite loss"):
        Trainer(net, data, theta, arithmetic=arithmetic)
    run = Trainer(net, data, np.zeros(net.n_params), arithmetic=arithmetic)
    jump_to(theta)
    with pytest.raises(ValueError, match="jump was not applied: it would give a loss that is not a finite"):
        run.perturb("jump")
    assert not run.theta.any()


def test_a_stopped_run_goes_on_at_a_smaller_rate():
    run = parabola(1.0, 2.0)
    run.step(5000)
    n_done, reason = run.n_steps, run.reason
    assert run.state is State.STOPPED and n_done > 300
    assert run.step(1) == 0 and run.reason == reason  # asking again is no harm
    run.apply(SetLearningRate(0.25))
    assert run.step(10) == 10
    assert (run.state, run.reason, run.suggested_rate, run.n_steps) == (State.PAUSED, "", None, n_done + 10)


def test_a_kick_leads_out_of_a_stop(jump_to):
    run = make_run("identity", 8.0, "squared")
    start = run.theta
    run.step(5000)
    jump_to(start)
    run.perturb("jump")
    assert (run.state, run.reason, run.suggested_rate) == (State.PAUSED, "", None)
    assert run.theta.tolist() == start.tolist()


def test_a_start_without_a_finite_loss_is_refused():
    net = MLP((3, 4, 4, 4), "tanh")
    for theta in (np.full(net.n_params, np.nan), np.full(net.n_params, np.inf)):
        for arithmetic in ("ordered", "blas"):
            with pytest.raises(ValueError, match="theta must give a finite loss"):
                Trainer(net, make_data(), theta, arithmetic=arithmetic)


# ------------------------------------------------------------------------------- reset, states, commands


@pytest.mark.parametrize("batch_size", [None, 7])
def test_reset_gives_the_same_bits_again(batch_size):
    run = make_run(batch_size=batch_size, seed=3)
    config, net = run.config, run.net
    run.step(200)
    first = everything(run)
    run.apply(SetLearningRate(0.1))
    run.perturb("noise", scale=0.1)
    run.perturb("duplicate")
    run.step(10)
    before = run.snapshot()
    run.apply(Reset())
    after = run.snapshot()
    assert (run.n_steps, run.state, run.learning_rate, run.net) == (0, State.READY, 0.5, net)
    assert after.config == config and after.history.jumps == () and len(after.path) == 1
    assert after.generation > before.generation and after.run_id > before.run_id
    run.step(200)
    assert everything(run) == first


def test_reset_without_another_net_keeps_the_run_id():
    run = make_run()
    run.step(3)
    run.apply(Reset())
    assert run.snapshot().run_id == 0 and run.snapshot().generation == 1


def test_states():
    run = make_run()
    states = [run.state]
    for command in (Pause(), Run(), Pause(), Pause(), Step(3), Pause(), Run(), Reset()):
        run.apply(command)
        states.append(run.state)
    assert " ".join(states) == "ready ready running paused paused running paused running ready"
    assert run.advance(1.0) == 0


def test_running_after_a_step_goes_on_without_end():
    run = make_run()
    run.apply(Step(2))
    run.apply(Run())
    for _ in range(10):
        run.advance(0.0)
    assert run.state is State.RUNNING and run.n_steps >= 10


def test_load_is_for_the_thread():
    with pytest.raises(TypeError, match="Load is for the EngineThread"):
        make_run().apply(Load(RunConfig()))


def test_saved_points_are_copies_that_last_until_the_net_changes():
    run = make_run()
    theta = run.theta
    run.apply(SavePoint("start"))
    run.step(5)
    run.apply(SavePoint("later"))
    start, later = run.snapshot().saved
    assert (start.label, start.step, later.label, later.step) == ("start", 0, "later", 5)
    assert start.theta.tolist() == theta.tolist() and later.theta.tolist() == run.theta.tolist()
    assert later.loss == run.history["loss"][5]
    run.step(5)
    run.apply(Reset())
    assert [point.label for point in run.snapshot().saved] == ["start", "later"]
    assert start.theta.tolist() == theta.tolist()
    with pytest.raises(ValueError, match="read-only"):
        start.theta[0] = 0.0
    run.perturb("duplicate")
    assert run.snapshot().saved == ()


# ------------------------------------------------------------------------------- mini-batches


def test_a_batch_of_all_samples_is_the_full_batch_to_rounding():
    full, batch = make_run(), make_run(batch_size=40)
    full.step(50)
    batch.step(50)
    np.testing.assert_allclose(batch.theta, full.theta, rtol=1e-10, atol=1e-12)


def test_the_seed_decides_the_batches():
    runs = [make_run(batch_size=7, seed=seed) for seed in (1, 1, 2)]
    for run in runs:
        run.step(30)
    assert everything(runs[0]) == everything(runs[1])
    assert everything(runs[0]) != everything(runs[2])


def test_the_record_of_mini_batches_is_of_the_full_data():
    run = make_run(batch_size=7)
    for _ in range(10):
        run.step()
        assert run.history["loss"][-1] == pytest.approx(run.net.loss(run.theta, run.data), rel=1e-13)
        assert run.history["n_errors"][-1] == run.net.n_errors(run.theta, run.data)
    assert run.snapshot().gradient.tolist() == run.net.gradient(run.theta, run.data).tolist()


def test_every_sample_is_seen_once_an_epoch():
    net = MLP((12, 1), loss="squared")
    run = Trainer(
        net, Dataset(np.eye(12), np.zeros(12), targets=np.ones(12)), np.zeros(13), 0.1, batch_size=3
    )
    orders = []
    for _ in range(3):
        seen, before = [], run.theta
        for _ in range(4):
            run.step()
            seen.append(tuple(np.flatnonzero(run.theta[:12] != before[:12])))
            before = run.theta
        assert sorted(sum(seen, ())) == list(range(12)) and {len(batch) for batch in seen} == {3}
        orders.append(tuple(seen))
    assert len(set(orders)) == 3  # another order in every epoch


# ------------------------------------------------------------------------------- snapshots


def arrays_of(snapshot) -> list[np.ndarray]:
    view = snapshot.history
    points = [point.theta for point in (*snapshot.path, *snapshot.saved)]
    series = [view[name] for name in SERIES]
    return [snapshot.theta, snapshot.gradient, view.loss_rises, view.error_rises, *series, *points]


def test_a_snapshot_never_changes():
    run = make_run("relu", 5.0)
    run.step(70)
    run.apply(SavePoint("here"))
    run.perturb("noise", scale=0.1)
    snapshot = run.snapshot()
    kept = [array.copy() for array in arrays_of(snapshot)]
    picture = [part.copy() for part in snapshot.history.decimated("loss", 0, 70, 20)]
    for command in (SetLearningRate(0.1), Perturb("noise", {"scale": 1.0}), Step(3000)):
        run.apply(command)
    while run.state is State.RUNNING:
        run.advance(1.0)
    run.perturb("duplicate")
    run.apply(Reset())
    for array, before in zip(arrays_of(snapshot), kept, strict=True):
        np.testing.assert_array_equal(array, before)
        assert not array.flags.writeable
    np.testing.assert_array_equal(snapshot.history.decimated("loss", 0, 70, 20), picture)
    assert (snapshot.n_steps, snapshot.history.n_entries, len(snapshot.history.jumps)) == (70, 71, 1)
    assert (len(snapshot.path), len(snapshot.saved), snapshot.learning_rate) == (72, 1, 5.0)


def test_a_snapshot_is_frozen_and_tells_what_is():
    run = make_run(batch_size=None)
    run.step(10)
    snapshot = run.snapshot()
    with pytest.raises(dataclasses.FrozenInstanceError):
        snapshot.n_steps = 3
    assert snapshot.theta.tolist() == run.theta.tolist()
    assert (snapshot.n_steps, snapshot.state, snapshot.net, snapshot.data) == (
        10,
        State.PAUSED,
        run.net,
        run.data,
    )
    assert snapshot.loss == run.history["loss"][-1] and snapshot.n_errors == run.history["n_errors"][-1]
    assert snapshot.gradient_norm == run.history["gradient_norm"][-1] and snapshot.steps_per_s > 0
    assert [point.step for point in snapshot.path] == list(range(11))
    assert snapshot.path[-1].theta.tolist() == run.theta.tolist()


def test_the_path_is_the_path():
    run = make_run()
    theta = run.theta
    run.step(1500)
    for point in run.snapshot().path[:40]:
        expected = descend(run.net, run.data, theta, 0.5, point.step)
        assert point.theta.tolist() == expected.tolist() and point.loss == run.history["loss"][point.step]


# ------------------------------------------------------------------------------- the budget


class Clock:
    """Time that passes only when a step is taken."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


class Metronome:
    """An evaluator of which every step takes the same time."""

    def __init__(self, clock: Clock, step_s: float) -> None:
        self.clock, self.step_s, self.calls = clock, step_s, []

    def evaluate(self, theta, gradient, rows=None):
        gradient[:] = 0.0
        return Evaluation(1.0, 0, 0, 0.0)

    def advance(self, theta, gradient, learning_rate, records, leave=None):
        n = len(records.loss)
        for series in records[:5]:
            series[:] = 1
        self.calls.append(n)
        self.clock.now += n * self.step_s
        return n, False


@pytest.fixture
def timed_run(monkeypatch):
    def make(step_s: float) -> tuple[Trainer, Metronome]:
        clock = Clock()
        metronome = Metronome(clock, step_s)
        monkeypatch.setattr(trainer_module, "time", clock)
        monkeypatch.setattr(descent_module, "time", clock)
        monkeypatch.setattr(descent_module, "make_evaluator", lambda *args, **options: metronome)
        return make_run(), metronome

    return make


@pytest.mark.parametrize("step_s", [1e-7, 1e-5, 1e-3, 3e-3, 0.05])
def test_the_budget_is_kept_to_within_a_call(step_s, timed_run):
    run, metronome = timed_run(step_s)
    run.step(5000)  # from here on the path would allow calls of a thousand steps
    run.apply(Run())
    for _ in range(5):
        started = metronome.clock.now
        n_done = run.advance(0.02)
        elapsed = metronome.clock.now - started
        assert 0.02 <= elapsed + 1e-9 <= 0.02 + 0.011 + step_s
        assert n_done == round(elapsed / step_s)
    assert run.n_steps == sum(metronome.calls)


def test_fast_steps_are_taken_many_in_a_call(timed_run):
    run, metronome = timed_run(1e-6)
    run.step(200_000)
    early = len(metronome.calls)
    run.step(200_000)
    assert len(metronome.calls) - early < 1000  # 10 ms a call and not one a step


def test_a_slow_step_is_still_taken(timed_run):
    run, _ = timed_run(5.0)
    run.apply(Run())
    assert run.advance(0.02) == 1


def test_the_speed_is_told(timed_run):
    run, _ = timed_run(1e-3)
    run.step(100)
    assert run.snapshot().steps_per_s == pytest.approx(1000.0)


# ------------------------------------------------------------------------------- arguments


def test_from_config_is_what_it_says():
    config = RunConfig(
        data="blobs", n_samples=50, hidden=(4, 3), activation=("relu", "tanh"), skip=(1,), seed=5
    )
    run = Trainer.from_config(config)
    assert run.config is config and run.data.n_samples == 50 and run.net.layer_sizes == (2, 4, 3, 3)
    assert run.theta.tolist() == run.net.init("glorot_uniform", seed=5).tolist()
    by_hand = Trainer(run.net, run.data, run.theta, 0.5)
    run.step(20)
    by_hand.step(20)
    assert everything(run) == everything(by_hand)


def test_a_run_from_arrays_tells_its_settings():
    run = make_run("relu", 0.25, batch_size=7, seed=9, arithmetic="blas", data=make_data(name="notes"))
    config = run.config
    assert (config.data, config.hidden, config.activation, config.learning_rate) == (
        "notes",
        (5,),
        ("relu",),
        0.25,
    )
    assert (config.batch_size, config.seed, config.arithmetic, config.dtype) == (7, 9, "blas", "float64")
    assert make_run(data=make_data(name="")).n_steps == 0


def test_the_names_of_the_interface():
    net = engine.MLP((3, 4), loss="quadratic")
    run = engine.Trainer(net, engine.Dataset(np.eye(3), [0, 1, 3]), net.init("normal"), learning_rate=0.5)
    run.step(100)
    assert run.n_steps == 100 and len(run.history["loss"]) == 101
    with pytest.raises(KeyError, match="'accuracy' is no series; the series are loss"):
        run.history["accuracy"]


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"learning_rate": 0.0}, ValueError, "learning_rate must be a finite number above 0, not 0"),
        ({"learning_rate": -1.0}, ValueError, "learning_rate"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate"),
        ({"learning_rate": math.inf}, ValueError, "learning_rate"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number from 1 to 40, not 0"),
        ({"batch_size": 41}, ValueError, "batch_size must be a whole number from 1 to 40, not 41"),
        ({"batch_size": 2.0}, TypeError, "batch_size"),
        ({"seed": -1}, ValueError, "seed"),
        ({"dtype": "half"}, ValueError, "dtype must be one of float64, float32, not 'half'"),
        ({"arithmetic": "exact"}, ValueError, "arithmetic must be one of ordered, blas, not 'exact'"),
        ({"n_threads": 0}, ValueError, "n_threads"),
        ({"theta": np.zeros(3)}, ValueError, r"theta must have shape \(44,\), not \(3,\)"),
        ({"theta": "zeros"}, TypeError, "theta must be an array of 44 numbers"),
        ({"net": (3, 5, 4)}, TypeError, "net must be an engine.MLP, not tuple"),
        ({"data": np.eye(3)}, TypeError, "data must be an engine.Dataset, not ndarray"),
        ({"data": Dataset(np.eye(2), [0, 1])}, ValueError, "data must have 3 features"),
    ],
)
def test_bad_arguments_are_named(options, error, sentence):
    net = MLP((3, 5, 4))
    arguments = {"net": net, "data": make_data(), "theta": net.init("glorot_uniform"), **options}
    with pytest.raises(error, match=sentence):
        Trainer(**arguments)


@pytest.mark.parametrize(
    ("ask", "error", "sentence"),
    [
        (lambda run: run.step(0), ValueError, "n_steps must be a whole number of at least 1, not 0"),
        (lambda run: run.step(-3), ValueError, "n_steps"),
        (lambda run: run.step(1.5), TypeError, "n_steps"),
        (lambda run: run.apply(SetLearningRate(0.0)), ValueError, "learning_rate"),
        (lambda run: run.apply(SetLearningRate(math.nan)), ValueError, "learning_rate"),
    ],
)
def test_bad_commands_are_named_and_change_nothing(ask, error, sentence):
    run = make_run()
    run.step(2)
    before = everything(run)
    with pytest.raises(error, match=sentence):
        ask(run)
    assert everything(run) == before and run.state is State.PAUSED and run.learning_rate == 0.5


@pytest.mark.parametrize("settings", [{}, {"arithmetic": "blas"}, {"batch_size": 16}])
def test_the_path_holds_theta_as_it_was_at_each_of_its_steps(settings):
    config = RunConfig(n_samples=60, hidden=(3,), **settings)
    run, again = Trainer.from_config(config), Trainer.from_config(config)
    run.step(700)
    path = run.snapshot().path
    assert [point.step for point in path] == list(range(0, 701, 2))
    for point in path:
        again.step(point.step - again.n_steps) if point.step else None
        assert again.theta.tobytes() == point.theta.tobytes()
        assert point.loss == run.history["loss"][point.step]


@pytest.mark.parametrize("batch_size", [None, 40])
def test_who_is_in_a_hurry_gets_the_same_steps_later(batch_size):
    settings = {"data": "digits", "n_samples": 150, "hidden": (6,), "batch_size": batch_size, "seed": 3}
    run, alone = (Trainer.from_config(RunConfig(**settings)) for _ in range(2))
    run.apply(Run(until=30))
    run.advance(0.0)
    run.hurry()
    n_steps = run.n_steps
    for _ in range(3):
        run.advance(10.0)
    assert run.state is State.RUNNING and run.n_steps - n_steps == 0
    run.hurry(False)
    run.advance(10.0)
    alone.step(30)
    assert run.state is State.PAUSED and run.theta.tolist() == alone.theta.tolist()
    assert run.history["loss"].tolist() == alone.history["loss"].tolist()
    run.hurry()
    assert run.step(2) == 2  # whoever calls for steps gets them
