"""A cell: its run ends at the very step it should, and is the run that the window would show."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sweep_tools import small_sweep

from engine.sweeps.cell import run_cell, trained_cell
from engine.trainer import Trainer


def _values(sweep, cell):
    row = run_cell(sweep, cell)
    return row, dict(zip((measure.name for measure in sweep.measures), row[5:], strict=True))


def test_a_run_ends_at_the_first_step_below_and_is_that_very_run():
    sweep = small_sweep(stop={"n_steps": 3000, "loss_below": 0.3})
    run = trained_cell(sweep, 2)
    plain = Trainer.from_config(sweep.config(2))
    plain.step(3000)
    first = int((plain.history["loss"] < 0.3).argmax())
    assert 64 < first < 3000 and run.n_steps == first
    again = Trainer.from_config(sweep.config(2))
    again.step(first)
    assert np.array_equal(run.theta, again.theta)
    assert run.history["loss"].tolist() == plain.history["loss"][: first + 1].tolist()
    row, values = _values(sweep, 2)
    assert row[:4] == (2, "done", "", first) and values["loss"] == plain.history["loss"][first]


def test_a_run_that_meets_its_end_at_the_start_takes_no_step():
    row, values = _values(small_sweep(stop={"n_steps": 500, "loss_below": 10.0}), 0)
    assert row[3] == 0 and values["loss"] > 0.1 and values["rise"] is None


def test_a_run_that_ends_with_its_first_rise():
    settings = {"data": "digits", "n_samples": 100, "hidden": [4]}
    sweep = small_sweep(
        settings=settings,
        axes={"learning_rate": [0.1, 8.0]},
        stop={"n_steps": 100, "loss_rises": True},
    )
    calm, steep = _values(sweep, 0), _values(sweep, 1)
    assert calm[0][3] == 100 and calm[1]["rise"] is None and calm[1]["verdict"] == "holds"
    assert steep[0][3] == steep[1]["rise"] < 100
    plain = Trainer.from_config(sweep.config(1))
    plain.step(100)
    assert plain.history.view().loss_rises[0] == steep[1]["rise"]


def test_errors_zero_and_the_other_measures():
    measures = {
        "errors": "n_errors",
        "share": "error_share",
        "at": "first_errors_zero",
        "below": {"kind": "first_loss_below", "value": 1e-9},
        "top": "sharpness",
        "low": "lowest_curvature",
        "l1": "l1",
        "end": "end_point",
        "claim": {"kind": "experiment", "claim": "exam-example"},
    }
    settings = {"data": "xor", "hidden": [4], "init": "normal", "init_scale": 1.0, "record_disparities": 1}
    sweep = small_sweep(
        settings=settings,
        axes={"learning_rate": [1.0]},
        stop={"n_steps": 2000, "errors_zero": True},
        measures=measures,
    )
    row, values = _values(sweep, 0)
    assert row[1] == "done" and row[3] == values["at"] > 0
    assert (values["errors"], values["share"], values["below"]) == (0, 0.0, None)
    assert values["top"] > values["low"] and values["l1"] > 0.0
    assert (values["end"], values["claim"]) == ("still moving", "holds")


def test_a_cooled_run_has_the_steps_of_its_rates():
    sweep = small_sweep(stop={"n_steps": 16, "cooled": True})
    run = trained_cell(sweep, 0)
    slow = Trainer.from_config(sweep.config(0))
    for n, factor in ((10, 1.0), (2, 0.25), (2, 0.0625), (2, 0.015625)):
        theta = slow.theta
        slow = Trainer(slow.net, slow.data, theta, sweep.config(0).learning_rate * factor)
        slow.step(n)
    assert run.n_steps == 16 and np.array_equal(run.theta, slow.theta)
    assert run.learning_rate == 0.5 / 64


def test_divergence_and_failure_are_results_with_a_reason():
    settings = {"data": "wave", "loss": "squared", "hidden": [4], "activation": "relu"}
    sweep = small_sweep(settings=settings, axes={"learning_rate": [30.0], "n_samples": [20, 100]})
    row, values = _values(sweep, 0)
    assert row[1] == "diverged" and "not a finite number" in row[2]
    assert row[3] > 0 and values["loss"] is None and values["rise"] == 1 and values["verdict"] == "violated"
    bad = small_sweep(axes={"n_samples": [4, 5000]})
    row, values = _values(bad, 1)
    assert row[:2] == (1, "failed") and "n_samples" in row[2] and row[3] is None
    assert set(values.values()) == {None} and math.isfinite(row[4])


@pytest.mark.parametrize("n_steps", [0, 1, 63, 64, 65])
def test_any_number_of_steps(n_steps):
    row, _ = _values(small_sweep(stop={"n_steps": n_steps, "loss_below": 1e-9}), 0)
    assert row[3] == n_steps
