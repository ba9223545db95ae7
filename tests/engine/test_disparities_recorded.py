"""Disparities along a run: recorded at the steps asked for, equal to those measured afterwards, and nowhere else."""

from __future__ import annotations

from dataclasses import asdict, fields

import numpy as np
import pytest

import engine
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.disparities import Disparities, DisparityMeter, disparities
from engine.history import DISPARITY_SERIES
from engine.mlp import MLP
from engine.trainer import Trainer

RNG = np.random.default_rng(4)
DATA = Dataset(RNG.standard_normal((60, 3)), RNG.integers(0, 3, 60), n_classes=3)
NET = MLP((3, 6, 3), "tanh")
THETA = NET.init("glorot_uniform", 3)


def test_the_series_are_the_fields():
    assert tuple(field.name for field in fields(Disparities)) == DISPARITY_SERIES


@pytest.mark.parametrize("loss", ["cross_entropy", "quadratic"])
@pytest.mark.parametrize("batch_size", [None, 13])
@pytest.mark.parametrize(("every", "n_steps"), [(1, 6), (4, 12), (4, 14), (50, 12)])
def test_each_entry_is_what_is_measured_there(loss, batch_size, every, n_steps):
    net = MLP((3, 6, 3), "tanh", loss)
    run = Trainer(net, DATA, THETA, 0.5, batch_size, record_disparities=every)
    single = Trainer(net, DATA, THETA, 0.5, batch_size)
    run.step(n_steps)
    steps = list(range(0, n_steps + 1, every))
    assert run.history.disparity_steps.tolist() == steps
    for k, step in enumerate(steps):
        single.step(step - single.n_steps) if step > single.n_steps else None
        for name, value in asdict(disparities(net, DATA, single.theta)).items():
            assert run.history[name][k] == value, name
    trained = f"gradient_norm_{loss}"
    np.testing.assert_allclose(run.history[trained], run.history["gradient_norm"][::every], rtol=1e-12)
    assert len(run.history["l1"]) == len(steps) and len(run.history["loss"]) == n_steps + 1


def test_recording_changes_no_bit_of_the_run():
    runs = [Trainer(NET, DATA, THETA, 0.5, record_disparities=every) for every in (0, 1, 7)]
    for run in runs:
        run.step(40)
        assert run.theta.tolist() == runs[0].theta.tolist()
        assert run.history["loss"].tolist() == runs[0].history["loss"].tolist()


def test_what_is_not_asked_for_is_not_there_and_costs_nothing(monkeypatch):
    monkeypatch.setattr(DisparityMeter, "measure", None)
    run = Trainer(NET, DATA, THETA)
    run.step(5)
    assert run.history["l2"].shape == (0,) and run.history.disparity_steps.shape == (0,)
    with pytest.raises(KeyError, match=r"'l3' is no series; the series are loss, .*l1, l2"):
        run.history["l3"]


def test_a_view_stays_as_it_was():
    run = Trainer(NET, DATA, THETA, record_disparities=2)
    run.step(4)
    view = run.snapshot().history
    kept = view["kl"].tolist()
    run.step(400)
    assert view["kl"].tolist() == kept == run.history["kl"][:3].tolist()
    assert view.disparity_steps.tolist() == [0, 2, 4] and not view["kl"].flags.writeable
    assert not run.history["kl"].flags.writeable


def test_a_wider_network_a_reset_and_a_part_of_theta():
    run = Trainer(NET, DATA, THETA, record_disparities=1, train="output")
    run.step(2)
    run.perturb("duplicate", layer=1, unit=0)
    run.step(1)
    expected = DisparityMeter(run.net, DATA, train="output").measure(run.theta)
    assert run.history["l1"][3] == expected.l1
    assert run.history["gradient_norm_quadratic"][3] == expected.gradient_norm_quadratic
    np.testing.assert_allclose(
        run.history["gradient_norm_cross_entropy"], run.history["gradient_norm"], rtol=1e-12
    )
    run.apply(engine.commands.Reset())
    assert run.history.disparity_steps.tolist() == [0]


def test_settings_ask_for_them():
    run = Trainer.from_config(RunConfig(data="xor", hidden=(3,), record_disparities=3))
    run.step(7)
    assert run.history.disparity_steps.tolist() == [0, 3, 6]
    assert Trainer(NET, DATA, THETA, record_disparities=3).config.record_disparities == 3


@pytest.mark.parametrize("every", [-1, 1.5, "often"])
def test_a_bad_number_of_steps_is_named(every):
    with pytest.raises((ValueError, TypeError), match="record_disparities must be"):
        Trainer(NET, DATA, THETA, record_disparities=every)


def test_the_squared_loss_has_none():
    net = MLP((3, 2, 1), loss="squared")
    with pytest.raises(ValueError, match="record_disparities must be 0 for the squared loss"):
        Trainer(net, DATA, net.init("glorot_uniform"), record_disparities=1)
