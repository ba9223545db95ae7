"""The paths panel, fed with fixed snapshots and with jobs that go on only when the test says so."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from panel_tools import HandJobs, hand_jobs, hand_panel, texts
from PySide6.QtCore import Qt

import engine
from engine.commands import SavePoint
from engine.paths.way_names import PERMUTED, WAY_NAMES
from gui import numerals
from gui.panels.paths import PathsPanel
from gui.theme import DARK, LIGHT

jobs, panel = hand_jobs(), hand_panel(PathsPanel, 640, 420)


@pytest.fixture(scope="module")
def trainer() -> engine.Trainer:
    """A run of five steps; tests that move it make their own."""
    return make_trainer()


def make_trainer(n_steps: int = 5) -> engine.Trainer:
    config = engine.RunConfig(data="digits", n_samples=12, hidden=(13,), learning_rate=0.3)
    trainer = engine.Trainer.from_config(config)
    if n_steps:
        trainer.step(n_steps)
    return trainer


def compute(panel: PathsPanel, jobs: HandJobs, way: str, trainer: engine.Trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    panel.controls.choose(way)
    if panel._job is None:
        panel.controls.button.click()
    jobs.finish()
    panel.tick()


def keys(panel: PathsPanel) -> str:
    return "; ".join(key.text for key in panel.legend.keys)


def test_nothing_is_asked_while_hidden(panel, jobs, trainer) -> None:
    panel.hide()
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert jobs.jobs == []
    panel.show()
    assert len(jobs.jobs) == 1


def test_a_quick_way_is_computed_at_once_and_only_once(panel, jobs, trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    jobs.finish()
    panel.tick()
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert len(jobs.jobs) == 1
    snapshot = trainer.snapshot()
    assert panel.loss.x[[0, -1]].tolist() == [0.0, 1.0]
    assert 10.0 ** panel.loss.y[-1] == pytest.approx(snapshot.loss, rel=1e-9)
    assert panel.errors.y[-1] == snapshot.n_errors
    assert "straight line from start to now" in panel.caption.text()
    assert "Computed at step 5" in panel.caption.text()


def test_at_the_start_there_is_an_invitation_and_no_error(panel, jobs) -> None:
    panel.show_snapshot(make_trainer(0).snapshot())
    assert jobs.jobs == []
    assert "Press Compute" in panel.caption.text()
    panel.controls.button.click()
    jobs.finish()
    panel.tick()
    assert "start and now are the same point" in panel.caption.text()
    assert panel.controls.button.text() == "Compute"
    assert not panel.plots.isVisible()


def test_a_slow_way_waits_for_the_button(panel, jobs, trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    jobs.finish()
    panel.tick()
    panel.controls.choose("valley")
    assert len(jobs.jobs) == 1
    assert not panel.plots.isVisible()  # nothing old under a new heading
    assert len(panel.loss.x) == 0
    panel.controls.button.click()
    assert len(jobs.jobs) == 2
    assert panel.controls.button.text() == "Stop"


def test_stopping_keeps_what_is_known_and_says_so(panel, jobs, trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    panel.controls.choose("valley")
    panel.controls.button.click()
    jobs.go_on(6)
    panel.tick()
    n_known = len(panel.loss.x)
    assert n_known > 2
    assert "computing" in keys(panel)
    assert "barrier" not in keys(panel)  # half a way has none
    panel.controls.button.click()
    assert jobs.jobs[-1].is_cancelled
    assert "Stopped at" in panel.caption.text()
    assert len(panel.loss.x) == n_known
    assert "computing" not in keys(panel)
    assert panel.controls.button.text() == "Compute"


def test_hiding_stops(panel, jobs, trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    panel.controls.choose("valley")
    panel.controls.button.click()
    panel.hide()
    assert jobs.jobs[-1].is_cancelled
    panel.show()
    panel.tick()
    assert panel._job is None


def test_the_valley_names_its_stages_and_its_barrier(panel, jobs, trainer) -> None:
    compute(panel, jobs, "valley", trainer)
    assert panel._way is not None
    assert panel.stages.labels[-1] == "down the ray"
    assert panel.stages.x == tuple(stage.start for stage in panel._way.stages)
    assert "this way: barrier 0" in keys(panel)
    assert "straight line: barrier" in keys(panel)
    assert panel._way.along.loss[-1] < 1e-8
    top = panel.loss_plot.view[1][1]
    assert top > panel.loss.y.max()  # room for the names


def test_the_slider_reads_exact_numbers(panel, jobs, trainer) -> None:
    compute(panel, jobs, "valley", trainer)
    way = panel._way
    assert way is not None
    assert panel.slider.maximum() == len(way.along.at) - 1
    assert panel.slider.value() == 0  # the highest point of a way down
    panel.slider.setValue(3)
    assert f"loss {float(way.along.loss[3])!r}" in panel.reading.text()
    assert f"errors {way.along.n_errors[3]} of 12" in panel.reading.text()
    assert panel.slider.accessibleDescription() == panel.reading.text()
    for marks, y in zip(panel.here, (np.log10(way.along.loss[3]), way.along.n_errors[3]), strict=True):
        assert marks.x.tolist() == [way.along.at[3]]
        assert marks.y[0] == pytest.approx(y)


def test_the_slider_moves_by_keys(panel, jobs, trainer, qtbot) -> None:
    compute(panel, jobs, "line", trainer)
    before = panel.slider.value()
    panel.slider.setValue(40)
    qtbot.keyClick(panel.slider, Qt.Key.Key_Right)
    assert panel.slider.value() == 41 != before
    assert "t = 0.41" in panel.reading.text()


def test_pointing_reads_the_nearest_point_and_leaving_gives_the_slider_back(panel, jobs, trainer) -> None:
    compute(panel, jobs, "line", trainer)
    panel.slider.setValue(10)
    at_slider = panel.reading.text()
    panel.lower_plot.pointed.emit((0.704, 3.0))
    assert panel.reading.text().startswith("t = 0.7:")
    panel.lower_plot.pointed.emit(None)
    assert panel.reading.text() == at_slider


def test_a_split_unit_shows_the_curvature_instead_of_the_errors(panel, jobs) -> None:
    config = engine.RunConfig(data="xor", hidden=(3,), learning_rate=0.5)
    compute(panel, jobs, "split", engine.Trainer.from_config(config))
    way = panel._way
    assert way is not None
    assert way.lowest_curvature is not None
    assert panel.curvature.y.tolist() == way.lowest_curvature.tolist()
    assert len(panel.errors.x) == 0
    assert panel.slider.value() == way.lowest_curvature.argmin()
    assert "smallest eigenvalue" in panel.reading.text()
    assert way.words.startswith("Unit 1 of hidden layer 1 gets a copy")
    (bottom, top) = panel.lower_plot.view[1]
    assert bottom < 0.0 < top
    assert "barrier 0" in keys(panel)  # rounding is no barrier
    panel.controls.choose("valley")
    assert len(panel.curvature.x) == 0


def test_only_what_a_way_needs_is_asked_for(panel, jobs, trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    controls = panel.controls
    for name, kind in WAY_NAMES.items():
        controls.choose(name)
        assert [box.isVisible() for box in controls.end_boxes] == [k < kind.n_ends for k in range(2)]
        assert [box.isVisible() for box in controls.unit_boxes] == [k < kind.n_units for k in range(2)]
        assert not controls.layer_box.isVisible()  # there is but one
    first, second = controls.unit_boxes
    assert [first.itemText(0), first.itemText(12), first.count()] == ["1", "13", 13]
    assert (first.currentText(), second.currentText(), controls.choices.units) == ("1", "2", (0,))


def test_units_follow_the_layer(qtbot, jobs) -> None:
    panel = PathsPanel(LIGHT, jobs)
    qtbot.addWidget(panel)
    panel.controls.offer_units((4, 7))
    panel.controls.choose("exchange")
    panel.controls.layer_box.setCurrentIndex(1)
    panel.controls.unit_boxes[1].setCurrentIndex(6)
    choices = panel.controls.choices
    assert (choices.layer, choices.units) == (2, (0, 6))
    panel.controls.layer_box.setCurrentIndex(0)
    assert panel.controls.unit_boxes[1].count() == 4


def test_saved_points_and_the_permuted_copy_are_ends(panel, jobs) -> None:
    trainer = make_trainer()
    trainer.apply(SavePoint("point 1"))
    trainer.step(3)
    panel.show_snapshot(trainer.snapshot())
    first, second = panel.controls.end_boxes
    assert [first.itemText(k) for k in range(first.count())] == ["start", "now", PERMUTED, "point 1"]
    first.setCurrentText("now")
    second.setCurrentText(PERMUTED)
    jobs.finish()
    panel.tick()
    way = panel._way
    assert way is not None
    assert way.along.loss[-1] == pytest.approx(way.along.loss[0], rel=1e-12)
    second.setCurrentText("point 1")
    jobs.finish()
    panel.tick()
    assert panel._way is not None
    assert panel._way.along.loss[-1] == pytest.approx(trainer.snapshot().saved[0].loss, rel=1e-12)


def test_a_kick_is_told_and_another_run_clears(panel, jobs) -> None:
    trainer = make_trainer()
    compute(panel, jobs, "valley", trainer)
    trainer.perturb("noise", scale=1e-3, seed=1)
    panel.show_snapshot(trainer.snapshot())
    assert "before the weights were moved" in panel.caption.text()
    assert len(panel.loss.x) > 0
    other = engine.Trainer.from_config(engine.RunConfig(data="xor", hidden=(3,)))
    snapshot = other.snapshot()
    panel.show_snapshot(dataclasses.replace(snapshot, run_id=99))
    assert len(panel.loss.x) == 0
    assert not panel.plots.isVisible()
    assert panel.controls.unit_boxes[0].count() == 3


def test_where_there_are_no_classes_no_errors_are_told(panel, jobs, trainer) -> None:
    fit = engine.Trainer.from_config(
        engine.RunConfig(data="witness:three-units", hidden=(3,), loss="squared")
    )
    fit.step(3)
    compute(panel, jobs, "line", fit)
    panel.resize(640, 600)
    assert panel.lower_plot.isHidden() and panel.loss_plot.x_axis.style["showValues"]
    assert "errors" not in texts(panel.legend) + panel.reading.text()
    assert "errors from" not in panel.summary() and "not classes: there are no errors" in panel.caption.text()
    compute(panel, jobs, "split", fit)
    assert not panel.lower_plot.isHidden()
    compute(panel, jobs, "line", trainer)
    assert not panel.lower_plot.isHidden() and "errors" in texts(panel.legend)


def test_a_refusal_is_shown_in_words(panel, jobs) -> None:
    config = engine.RunConfig(data="xor", hidden=(1,), learning_rate=0.5)
    compute(panel, jobs, "exchange", engine.Trainer.from_config(config))
    assert panel.caption.text() == "An exchange takes two different units, not unit 1 twice."
    assert panel.caption.property("role") == "problem"
    assert panel.summary() == panel.caption.text()


def test_summary_has_the_numbers_and_the_theme_changes(panel, jobs, trainer) -> None:
    compute(panel, jobs, "valley", trainer)
    way = panel._way
    assert way is not None
    text = panel.summary()
    assert numerals.exact(way.along.loss[0]) in text
    assert numerals.exact(way.along.loss[-1]) in text
    assert "Straight line: barrier" in text
    panel.set_theme(DARK)
    assert panel.loss_plot.theme is DARK
    assert len(panel.loss.x) == len(way.along.at)
    assert panel.shown_error == ""


def test_where_there_is_little_room_the_plots_have_it(panel, jobs, trainer) -> None:
    panel.resize(640, 600)
    compute(panel, jobs, "valley", trainer)
    assert (panel.caption.isVisible(), panel.note.isVisible()) == (True, False)
    panel.resize(640, 320)
    assert (panel.caption.isVisible(), panel.note.isVisible()) == (False, True)
    assert panel.note.text() == panel.caption.text() == panel.note.toolTip()
    panel._error_text = "It cannot be walked."
    panel._write()
    assert panel.caption.isVisible()


def test_a_low_panel_has_one_plot_with_its_numbers(panel, jobs, trainer, qtbot) -> None:
    compute(panel, jobs, "valley", trainer)
    panel.resize(640, 600)
    qtbot.waitUntil(panel.lower_plot.isVisible)
    assert "errors" in texts(panel.legend)
    panel.resize(640, 240)
    qtbot.waitUntil(lambda: not panel.lower_plot.isVisible())
    assert panel.loss_plot.x_axis.style["showValues"]
    assert "errors" not in texts(panel.legend)
    assert panel.loss_plot.geometry().bottom() <= panel.slider.geometry().top() + 1
