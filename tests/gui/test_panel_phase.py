"""The panel of phase diagrams: maps and curves of results, a sweep that is run beside training, opening a run."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from panel_tools import make_trainer
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine.commands import Load
from engine.jobs import JobRunner
from engine.sweeps.cell import run_batch
from engine.sweeps.results import make_results, open_results
from engine.sweeps.sweep import Sweep, sweep_of_text
from gui.panels.phase import PhasePanel
from gui.phase_pictures import ValueScale, curve_places
from gui.theme import DARK, LIGHT

WAIT_MS = 30_000
TEXT = """{"sweep_id": "small", "title": "XOR", "settings": {"data": "xor", "hidden": [2], "init": "normal"},
"axes": {"noise_seed": [0, 1], "width": [2, 3, 4], "learning_rate": [0.5, 1.0], "seed": {"seeds": 4}},
"stop": {"n_steps": 40}, "measures": {"loss": "loss", "rise": "first_loss_rise"}}"""


@pytest.fixture
def panel(qtbot: QtBot, jobs: JobRunner) -> PhasePanel:
    made = PhasePanel(LIGHT, jobs)
    qtbot.addWidget(made)
    made.resize(760, 430)
    made.show()
    made.show_snapshot(make_trainer(hidden=(3,)).snapshot())
    return made


@pytest.fixture
def sweep() -> Sweep:
    return sweep_of_text(TEXT)


@pytest.fixture
def file(tmp_path: Path, sweep: Sweep) -> Path:
    """Results of all cells but the last four: noise seed 1, width 4, rate 1."""
    path = tmp_path / "small.sqlite"
    cells = [cell for cell in range(sweep.n_cells) if not cell >= 44]
    with make_results(path, sweep) as results:
        results.add(run_batch(sweep.as_text(), cells))
    return path


def wait_until_read(panel: PhasePanel, qtbot: QtBot) -> None:
    def is_read() -> bool:
        panel.tick()
        return panel._job is None

    qtbot.waitUntil(is_read, timeout=WAIT_MS)


def middle(panel: PhasePanel, i: int, j: int) -> QPoint:
    area, shape = panel.picture._area(), panel._shown.mean.shape
    x = area.left() + (i + 0.5) / shape[1] * area.width()
    return QPoint(int(x), int(area.bottom() - (j + 0.5) / shape[0] * area.height()))


def test_it_offers_the_sweeps_that_come_with_the_program(panel):
    listed = [panel.sweeps.itemData(k) for k in range(panel.sweeps.count())]
    assert {"xor-starts", "largest-rate"} <= set(listed) and not panel.run_button.isEnabled()
    panel.sweeps.setCurrentIndex(listed.index("xor-starts"))
    panel.sweeps.activated.emit(listed.index("xor-starts"))
    assert panel.run_button.isEnabled() and "0 of 6,000 runs" in panel.caption.text()
    assert panel.picture.shown is not None and np.isnan(panel.picture.shown.mean).all()
    panel.grab()


def test_before_a_sweep_is_chosen_it_says_what_for_and_offers_what_fits_the_lesson_first(panel):
    config = dataclasses.replace(make_trainer(hidden=(3,)).snapshot().config, lesson="xor-luck")
    panel.show_snapshot(dataclasses.replace(make_trainer(hidden=(3,)).snapshot(), config=config))
    assert panel.offer_box.isVisible() and not panel.picture.isVisible()
    assert len(panel.offer_box.buttons) == 5
    first, second = panel.offer_box.buttons[:2]
    assert first.text() == "How often does XOR end wrong? (fits this lesson)"
    assert "fits this lesson" not in second.text()
    first.click()
    assert panel.picture.isVisible() and not panel.offer_box.isVisible()
    assert panel.sweeps.currentData() == "xor-starts"


def test_a_map_of_results_tells_every_number(panel, qtbot, file, sweep):
    panel.open_path(file)
    wait_until_read(panel, qtbot)
    assert "44 of 48 runs: 44 done" in panel.caption.text() and "small.sqlite" in panel.sweeps.currentText()
    shown = panel.picture.shown
    assert (shown.across.name, shown.up.name, shown.mean.shape) == ("learning_rate", "width", (3, 2))
    with open_results(file) as results:
        losses = [results.row(sweep.cell((0, 1, 0, seed)))[5] for seed in range(4)]
    assert shown.mean[1, 0] == pytest.approx(np.mean(losses), rel=1e-12)
    assert f"width 3, learning rate 0.5: loss {np.mean(losses):.4g}" in panel.summary()
    colours = panel.picture.grab().toImage()
    assert colours.pixelColor(middle(panel, 1, 2) + QPoint(30, 12)).name() != LIGHT.grid
    panel.choices._fixed["noise_seed"][1].setCurrentIndex(1)
    assert panel.picture.shown.n.tolist() == [[4, 4], [4, 4], [4, 0]]
    colours = panel.picture.grab().toImage()
    assert colours.pixelColor(middle(panel, 1, 2) + QPoint(30, 12)).name() == LIGHT.grid  # no result


def test_curves_have_bands_and_a_legend_and_any_axis_can_be_chosen(panel, qtbot, file):
    panel.open_path(file)
    wait_until_read(panel, qtbot)
    panel.choices.look.setCurrentText("curves")
    assert panel.legend.isVisible() and [key.text for key in panel.legend.keys] == [
        "width 2",
        "width 3",
        "width 4",
    ]
    before = panel.picture.grab().toImage()
    panel.choices.up.setCurrentText("nothing else")
    assert not panel.legend.isVisible() and set(panel.choices.at) == {"noise_seed", "width"}
    assert panel.picture.grab().toImage() != before
    panel.choices.across.setCurrentText("seed")
    panel.choices.quantity.setCurrentText("share with rise")
    assert panel.picture.shown.mean.shape == (1, 4) and set(panel.choices.at) == {
        "noise_seed",
        "width",
        "learning_rate",
    }
    assert panel.picture.scale == ValueScale(0.0, 1.0)
    for theme in (DARK, LIGHT):
        panel.set_theme(theme)
        panel.grab()


def test_a_click_lists_the_runs_and_opens_the_very_run(panel, qtbot, file, sweep):
    panel.open_path(file)
    wait_until_read(panel, qtbot)
    commands: list[object] = []
    panel.command_issued.connect(commands.append)
    QTest.mouseClick(panel.picture, Qt.MouseButton.LeftButton, pos=middle(panel, 1, 0))
    assert panel.picture.chosen == (1, 0) and panel.runs.count() == 4
    panel.runs.setCurrentIndex(2)
    assert panel.runs.currentText().startswith("seed 2: done after 40 steps; loss ")
    panel.load_button.click()
    expected = sweep.config(sweep.cell((0, 0, 1, 2)))
    assert commands == [Load(expected)] and (expected.hidden, expected.seed) == ((2,), 2)
    QTest.keyClick(panel.picture, Qt.Key.Key_Up)
    QTest.keyClick(panel.picture, Qt.Key.Key_Return)
    assert panel.picture.chosen == (1, 1) and commands[1].config.hidden == (3,)
    assert "width 3, learning rate 1: loss" in panel.caption.text()


def test_it_runs_what_is_left_and_fills(panel, qtbot, file, tmp_path):
    panel.open_path(file)
    wait_until_read(panel, qtbot)
    panel.run_button.click()
    assert panel.run_button.text() == "Stop"
    wait_until_read(panel, qtbot)
    assert "48 of 48 runs" in panel.caption.text() and panel.picture.shown.n.min() == 4
    assert panel.run_button.text() == "Run" and not panel.run_button.isEnabled()
    panel.write_csv(tmp_path / "map.csv")
    assert len((tmp_path / "map.csv").read_text().splitlines()) == 7


def test_a_sweep_that_is_stopped_keeps_what_is_done_and_the_window_may_close(panel, qtbot, tmp_path, jobs):
    file = tmp_path / "long.toml"
    file.write_text(
        'title = "Long"\n[settings]\ndata = "xor"\n[axes]\nseed = { seeds = 50000 }\n'
        '[stop]\nn_steps = 300\n[measures]\nloss = "loss"\n'
    )
    panel.open_path(file)
    panel.run_button.click()

    def is_filling() -> bool:
        panel.tick()
        return panel._table is not None and panel._table.n_known > 0

    qtbot.waitUntil(is_filling, timeout=WAIT_MS)
    assert "left." in panel.caption.text() or "Running." in panel.caption.text()
    path = panel._path
    jobs.stop()  # as a window that closes does
    with open_results(path) as results:
        assert sum(results.counts().values()) >= panel._table.n_known


def test_files_that_cannot_be_used_are_told_and_the_panel_lives_on(panel, qtbot, tmp_path, file):
    wrong = tmp_path / "wrong.sqlite"
    wrong.write_text("nothing of the kind")
    panel.open_path(wrong)
    wait_until_read(panel, qtbot)
    assert "cannot be read as the results of a sweep" in panel.caption.text()
    bad = tmp_path / "bad.toml"
    bad.write_text('title = "x"')
    panel.open_path(bad)
    assert "is missing" in panel.caption.text()
    panel.open_path(file)
    wait_until_read(panel, qtbot)
    assert "44 of 48" in panel.caption.text()


def test_the_panel_is_there_before_the_engine_is_loaded():
    heavy = "[name for name in ('numba', 'joblib') if name in sys.modules]"
    code = f"import sys, gui.panels.phase; found = {heavy}; sys.exit(str(found) if found else 0)"
    import subprocess

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


def test_scales_and_curves():
    assert ValueScale.of(np.array([1e-4, 1.0]), False) == ValueScale(1e-4, 1.0, True)
    assert ValueScale.of(np.array([3.0, 4.0]), False) == ValueScale(3.0, 4.0)
    assert ValueScale.of(np.array([0.5, 4.0]), False) == ValueScale(0.0, 4.0)
    assert ValueScale.of(np.array([2.0, 2.0]), False) == ValueScale(1.0, 3.0)
    assert ValueScale.of(np.array([0.2, np.nan]), True) == ValueScale(0.0, 1.0)
    assert ValueScale.of(np.array([np.nan]), False) == ValueScale(0.0, 1.0)
    places = ValueScale(1e-4, 1.0, True).places(np.array([1e-4, 1e-2, 5.0, np.nan]))
    assert places[:3].tolist() == [0.0, 0.5, 1.0] and np.isnan(places[3])

    class Shown:
        mean = np.zeros((17, 2))

    assert curve_places(Shown()) == [0, 4, 8, 12, 16]
