"""Maps: means and intervals against slow, obvious ones, and the cells behind a point."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import scipy.stats
from sweep_tools import small_sweep

from engine.sweeps.maps import Quantity, Table, as_csv, cells_of, phase_map, quantities

MEASURES = {"loss": "loss", "rise": "first_loss_rise", "end": "end_point"}


def _filled():
    """Return a table of 2 widths x 2 rates x 10 seeds with made-up results, and its rows; 3 cells are missing."""
    sweep = small_sweep(measures=MEASURES)
    rng = np.random.default_rng(3)
    rows = []
    for cell in range(40):
        status = rng.choice(["done", "done", "diverged", "failed"])
        value = float(rng.standard_normal()) if status == "done" else None
        rise = int(rng.integers(9)) if status != "failed" and rng.random() < 0.8 else None
        end = str(rng.choice(["kink", "zero error"])) if status == "done" else None
        steps = None if status == "failed" else int(rng.integers(300))
        rows.append((cell, status, "", steps, 0.1, value, rise, end))
    table = Table(sweep)
    kept = [row for row in rows if row[0] not in (0, 13, 39)]
    table.add(kept[::-1])
    table.add(kept[:3])  # what is there already is counted once
    return sweep, table, {row[0]: row for row in kept}


def _slow(sweep, rows, width, rate, number):
    """Return the values that count, by going through all cells."""
    found = []
    for cell, row in rows.items():
        values = sweep.values(cell)
        if values["width"] == width and (rate is None or values["learning_rate"] == rate):
            value = number(row)
            found += [] if value is None else [value]
    return found


NUMBERS = {
    "loss": lambda row: row[5],
    "share with rise": lambda row: None if row[1] == "failed" else float(row[6] is not None),
    "step of rise": lambda row: row[6],
    "share with end: kink": lambda row: None if row[7] is None else float(row[7] == "kink"),
    "steps taken": lambda row: row[3],
    "share that diverged": lambda row: None if row[1] == "failed" else float(row[1] == "diverged"),
}


@pytest.mark.parametrize("title", NUMBERS)
def test_mean_and_interval_over_the_seeds(title):
    sweep, table, rows = _filled()
    [quantity] = [one for one in quantities(sweep) if one.title == title]
    shown = phase_map(table, quantity, "width", "learning_rate")
    assert table.n_known == 37 and shown.mean.shape == (2, 2)
    for j, rate in enumerate((0.5, 1.0)):
        for i, width in enumerate((2, 3)):
            values = _slow(sweep, rows, width, rate, NUMBERS[title])
            assert shown.n[j, i] == len(values) > 1
            assert shown.mean[j, i] == pytest.approx(np.mean(values), abs=1e-14)
            if quantity.is_share:
                k = int(sum(values))
                interval = scipy.stats.binomtest(k, len(values)).proportion_ci(0.95, "exact")
            else:
                error = scipy.stats.sem(values)
                interval = scipy.stats.t.interval(0.95, len(values) - 1, np.mean(values), error)
            assert (shown.low[j, i], shown.high[j, i]) == pytest.approx(tuple(interval), abs=1e-12)


def test_one_axis_and_the_value_looked_at_of_another():
    sweep, table, rows = _filled()
    quantity = Quantity("loss", "loss")
    for place, rate in enumerate((0.5, 1.0)):
        shown = phase_map(table, quantity, "width", at={"learning_rate": place})
        assert shown.up is None and shown.mean.shape == (1, 2)
        assert shown.mean[0, 1] == pytest.approx(np.mean(_slow(sweep, rows, 3, rate, NUMBERS["loss"])))
    seeds = phase_map(table, quantity, "seed", "width", {"learning_rate": 1})
    assert seeds.mean.shape == (2, 10) and np.isnan(seeds.mean[1, 9]) and seeds.n.max() == 1
    assert np.isnan(seeds.low).all()
    with pytest.raises(ValueError, match="across must be one of"):
        phase_map(table, quantity, "depth")


def test_a_point_without_a_result_says_so():
    table = Table(small_sweep(measures=MEASURES))
    for quantity in quantities(table.sweep):
        shown = phase_map(table, quantity, "width", "learning_rate")
        assert np.isnan(shown.mean).all() and not shown.n.any() and np.isnan(shown.high).all()


def test_the_cells_behind_a_point_are_those_of_its_mean():
    sweep = small_sweep(measures=MEASURES)
    cells = cells_of(sweep, "learning_rate", "width", {}, (1, 0))
    assert [sweep.values(cell) for cell in cells] == [
        {"width": 2, "learning_rate": 1.0, "seed": seed} for seed in range(10)
    ]
    assert cells_of(sweep, "seed", None, {"width": 1, "learning_rate": 0}, (4, 0)) == [24]


def test_its_csv_reads_back():
    _, table, _ = _filled()
    shown = phase_map(table, Quantity("loss", "loss"), "width", "learning_rate")
    lines = list(csv.reader(as_csv(shown).splitlines()))
    assert lines[0] == ["width", "learning_rate", "loss", "low", "high", "n"]
    assert [line[:2] for line in lines[1:]] == [["2", "0.5"], ["3", "0.5"], ["2", "1.0"], ["3", "1.0"]]
    assert [float(line[2]) for line in lines[1:]] == shown.mean.ravel().tolist()
