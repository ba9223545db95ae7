"""The curvature panel, fed with fixed snapshots and with jobs that go on only when the test says so."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from panel_tools import HandJobs, hand_jobs, hand_panel, make_trainer, running, texts
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engine.certificate import certify, curvature_along
from engine.commands import GoTo, Reset, SetLearningRate
from engine.curvature import dense_hessian
from engine.trainer import Trainer
from gui import numerals
from gui.findings import Findings
from gui.panels.curvature import AlongSteps, CurvaturePanel
from gui.symlog import SymlogAxis, fitting_unit, from_symlog, to_symlog
from gui.theme import DARK

jobs, panel = hand_jobs(), hand_panel(CurvaturePanel, 700, 420)


@pytest.fixture
def trainer() -> Trainer:
    made = make_trainer(n_samples=40, hidden=(3,), learning_rate=2.0)
    made.step(10)
    return made


def test_the_extremes_are_those_of_the_full_hessian(panel: Any, compute: Any, trainer: Trainer) -> None:
    compute(trainer)
    values = np.linalg.eigvalsh(dense_hessian(trainer.net, trainer.data, trainer.theta))
    [found] = panel.found.values
    assert (found.smallest, found.largest) == pytest.approx((values[0], values[-1]), rel=1e-5)
    assert found.trace.is_exact and found.trace.value == pytest.approx(values.sum())
    assert panel.found.steps == [10]
    unit = panel.plot.y_axis.unit
    assert from_symlog(panel.largest_marks.y[0], unit) == pytest.approx(values[-1], rel=1e-5)
    assert from_symlog(panel.smallest_marks.y[0], unit) == pytest.approx(values[0], rel=1e-4)


def test_the_caption_says_step_residual_products_and_the_next_step(
    panel: Any, compute: Any, trainer: Trainer
) -> None:
    compute(trainer)
    [found] = panel.found.values
    one = certify(trainer.net, trainer.data, trainer.theta, 2.0)
    text = panel.caption.text()
    ends = numerals.signed(f"{found.smallest:.7g} to {found.largest:.7g}")
    assert text.startswith(f"Step 10: eigenvalues from {ends}, ")
    assert f"residual {numerals.signed(f'{found.residual:.1e}')}, {found.n_products} products" in text
    assert f"predicted drop {one.predicted_drop:.4g}, in truth it falls {one.drop:.4g}" in text
    assert panel.summary() == panel.accessibleDescription() == text
    assert f"largest {found.largest:.4g}" in texts(panel.legend)
    assert "2/rate 1" in texts(panel.legend)


def test_two_over_rate_has_stairs_where_the_rate_was_changed(panel: Any, trainer: Trainer) -> None:
    trainer.apply(SetLearningRate(4.0))
    trainer.step(10)
    panel.show_snapshot(trainer.snapshot())
    limits = [from_symlog(y, panel.plot.y_axis.unit) for y in panel.limit.y]
    at = dict(zip(panel.limit.x.tolist(), limits, strict=True))  # the last of each x
    assert at[0.0] == pytest.approx(1.0)
    assert at[10.0] == at[20.0] == pytest.approx(0.5)
    assert np.interp(9.0, panel.limit.x, limits) == pytest.approx(1.0)


def test_the_curvature_along_every_step_is_that_of_the_engine(panel: Any, trainer: Trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    trainer.step(5)
    panel.show_snapshot(trainer.snapshot())
    expected = curvature_along(trainer.history["loss"], trainer.history["gradient_norm"], 2.0)
    assert panel.along.x.tolist() == list(range(1, 16))
    drawn = [from_symlog(y, panel.plot.y_axis.unit) for y in panel.along.y]
    assert drawn == pytest.approx(expected.tolist())
    assert f"along the step {expected[-1]:.4g}" in texts(panel.legend)


def test_no_extreme_of_a_long_run_is_lost(trainer: Trainer) -> None:
    along = AlongSteps()
    snapshot = trainer.snapshot()
    values = np.random.default_rng(0).random(100_000)
    values[77_777], values[12_345] = np.nan, 9.0
    along._run, along._values = (snapshot.run_id, snapshot.generation), values
    snapshot = dataclasses.replace(snapshot, n_steps=100_000)
    steps, drawn = along.decimated(snapshot, 0, 100_000)
    assert len(drawn) <= 1_000
    assert (drawn.max(), drawn.min()) == (9.0, np.nanmin(values))
    assert np.isfinite(drawn).all() and (np.diff(steps) >= 0).all()


def test_a_long_run_is_read_in_parts(panel: Any, trainer: Trainer, monkeypatch: Any) -> None:
    monkeypatch.setattr("gui.panels.curvature._STEPS_A_FRAME", 4)
    panel.show_snapshot(trainer.snapshot())
    assert panel.along.x.tolist() == [1, 2, 3, 4]
    for _ in range(2):
        panel.tick()
    assert panel.along.x.tolist() == list(range(1, 11))


def test_mini_batches_have_no_curvature_along_the_step(panel: Any) -> None:
    trainer = make_trainer(n_samples=40, hidden=(3,), batch_size=10)
    trainer.step(5)
    panel.show_snapshot(trainer.snapshot())
    assert not len(panel.along.x)
    assert "along the step –" in texts(panel.legend)


def test_it_follows_the_run_and_keeps_what_it_found(panel: Any, compute: Any, trainer: Trainer) -> None:
    compute(trainer)
    trainer.step(5)
    compute(trainer)
    assert panel.found.steps == [10, 15]
    panel.follow_box.setChecked(False)
    trainer.step(5)
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert panel._inquiry is None
    panel.recompute()
    assert panel._inquiry is not None


def test_going_back_keeps_what_lies_before_and_another_run_nothing(
    panel: Any, compute: Any, trainer: Trainer
) -> None:
    compute(trainer)
    trainer.step(10)
    compute(trainer)
    trainer.apply(GoTo(15))
    panel.show_snapshot(trainer.snapshot())
    assert panel.found.steps == [10]
    trainer.apply(Reset())
    trainer.apply(SetLearningRate(1.0))
    trainer.step(30)  # past step 10, by another way
    panel.show_snapshot(trainer.snapshot())
    assert panel.found.steps == []


def test_a_kick_keeps_what_was_found_before(panel: Any, compute: Any, trainer: Trainer) -> None:
    compute(trainer)
    trainer.perturb("noise", scale=0.1)
    compute(trainer)
    trainer.step(3)
    panel.show_snapshot(trainer.snapshot())
    assert panel.found.steps == [10]
    [found] = panel.found.values
    trainer.apply(GoTo(13))  # with the kick
    hessian = dense_hessian(trainer.net, trainer.data, trainer.theta)
    assert found.largest != pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-9)


def test_an_answer_about_an_older_generation_is_dropped(panel: Any, jobs: HandJobs, trainer: Trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    trainer.apply(Reset())
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert jobs.jobs[0].is_cancelled and len(jobs.jobs) == 2
    jobs.finish()
    panel.tick()
    assert panel.found.steps == [0]


def test_a_large_network_is_computed_only_when_asked(
    panel: Any, jobs: HandJobs, trainer: Trainer, monkeypatch: Any, qtbot: QtBot
) -> None:
    monkeypatch.setattr(CurvaturePanel, "most_work", 100.0)
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert jobs.jobs == []
    assert "40 samples × 235 parameters: the eigenvalues would take long" in panel.caption.text()
    assert panel.anyway_button.isVisible()
    qtbot.mouseClick(panel.anyway_button, Qt.MouseButton.LeftButton)
    jobs.finish()
    panel.tick()
    assert panel.found.steps == [10] and panel.caption.text().startswith("Step 10: ")
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert len(jobs.jobs) == 1  # it does not follow


def test_a_slow_answer_tells_how_far_it_is_and_can_be_cancelled(
    panel: Any, jobs: HandJobs, trainer: Trainer, qtbot: QtBot
) -> None:
    panel.show_snapshot(running(trainer.snapshot()))
    jobs.go_on(2)
    panel._inquiry.asked_at_s -= 10.0
    panel.tick()
    assert "computing 60 %" in texts(panel.legend)
    assert panel.recompute_button.text() == "Cancel"
    qtbot.mouseClick(panel.recompute_button, Qt.MouseButton.LeftButton)
    assert jobs.jobs[0].is_cancelled
    assert panel.recompute_button.text() == "Recompute"


def test_nothing_is_asked_while_hidden(panel: Any, jobs: HandJobs, trainer: Trainer) -> None:
    panel.hide()
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert jobs.jobs == []
    panel.show()
    assert len(jobs.jobs) == 1
    panel.hide()
    assert jobs.jobs[0].is_cancelled


def test_a_search_that_is_cancelled_stops_at_the_next_product(panel: Any, jobs: HandJobs) -> None:
    trainer = make_trainer(n_samples=40, hidden=(6,))  # too many parameters for the full matrix
    panel.show_snapshot(trainer.snapshot())
    panel._inquiry.cancel()
    jobs.finish()
    assert jobs.jobs[0].latest.result is None and jobs.jobs[0].latest.error == ""


def test_the_spectrum_comes_by_its_button_and_has_the_trace(
    panel: Any, compute: Any, jobs: HandJobs, trainer: Trainer, qtbot: QtBot
) -> None:
    compute(trainer)
    assert not panel.spectrum.isVisible()
    qtbot.mouseClick(panel.spectrum_button, Qt.MouseButton.LeftButton)
    jobs.finish()
    panel.tick()
    assert panel.spectrum.isVisible() and panel.spectrum_button.text() == "Spectrum"
    density = panel._spectral[1]
    [found] = panel.found.values
    assert density.moment(1) * trainer.net.n_params == pytest.approx(found.trace.value, rel=0.5)
    top = np.log10(density.density.max())
    assert panel.density.y.max() == pytest.approx(top)
    assert panel.density.y.min() >= top - 6.0 - 1e-9
    assert "Spectrum of step 10: " in panel.caption.text()
    panel.spectrum.pointed.emit((found.largest, 0.0))
    assert panel.caption.text().startswith("Eigenvalue ")
    panel.spectrum.pointed.emit(None)
    trainer.apply(Reset())
    panel.show_snapshot(trainer.snapshot())
    assert not panel.spectrum.isVisible()


def test_pointing_and_arrows_read_the_numbers(
    panel: Any, compute: Any, trainer: Trainer, qtbot: QtBot
) -> None:
    compute(trainer)
    trainer.step(10)
    compute(trainer)
    panel.plot.pointed.emit((2.0, 0.0))
    assert panel.caption.text().startswith("Step 10: ")
    panel.plot.pointed.emit((19.0, 0.0))
    assert panel.caption.text().startswith("Step 20: ")
    panel.plot.pointed.emit(None)
    qtbot.keyClick(panel.plot, Qt.Key.Key_Left)
    assert panel.caption.text().startswith("Step ")


def test_a_small_place_keeps_the_plots_in_sight(panel: Any, compute: Any, trainer: Trainer) -> None:
    compute(trainer)
    panel.resize(393, 242)
    panel.layout().activate()
    assert panel.plot.height() >= 110
    assert panel.minimumSizeHint().height() <= 242
    assert not panel.recompute_button.isVisible()
    panel.resize(700, 420)
    assert panel.recompute_button.isVisible()


def test_help_and_another_theme(panel: Any, compute: Any, trainer: Trainer) -> None:
    compute(trainer)
    assert len(panel.help_text) > 500
    panel.set_theme(DARK)
    image = panel.grab().toImage()
    colours = {
        image.pixelColor(x, y).name()
        for x in range(0, image.width(), 2)
        for y in range(40, image.height(), 2)
    }
    assert {DARK.symmetry, DARK.gradient, DARK.loss} <= colours


# The scale


@pytest.mark.parametrize("unit", [1e-3, 1.0])
def test_the_scale_is_odd_grows_and_can_be_read_back(unit: float) -> None:
    values = np.array([-1e3, -2.0, -1e-4, 0.0, 1e-4, 2.0, 1e3])
    places = to_symlog(values, unit)
    assert places.tolist() == pytest.approx((-places[::-1]).tolist())
    assert (np.diff(places) > 0).all()
    assert [from_symlog(y, unit) for y in places] == pytest.approx(values.tolist())
    assert to_symlog(1e3, 1e-3) == pytest.approx(6.0, abs=1e-9)


def test_the_unit_lies_below_the_smallest_size_four_decades_at_most() -> None:
    assert fitting_unit(np.array([3.0, -0.02, 0.0])) == 0.01
    assert fitting_unit(np.array([3.0, 1e-12])) == pytest.approx(1e-4)
    assert fitting_unit(np.array([np.nan, 0.0])) == 1.0


def test_ticks_have_both_signs_and_lie_where_their_numbers_are() -> None:
    axis = SymlogAxis("left")
    axis.set_log(True)
    axis.set_unit(0.01)
    for size in (120.0, 400.0):
        [(_, ticks), _] = axis.tickValues(-1.5, 3.5, size)
        gaps = np.diff(ticks) * size / 5.0
        assert (gaps > 20.0).all()
        strings = axis.tickStrings(ticks, 1.0, 1.0)
        numbers = [float(text.replace("−", "-").replace(",", "")) for text in strings]
        assert "0" in strings and min(numbers) < 0.0 < max(numbers)
        assert to_symlog(numbers, 0.01) == pytest.approx(np.array(ticks), abs=1e-6)


def test_findings_know_whether_a_run_goes_through_them(trainer: Trainer) -> None:
    found: Findings[str] = Findings()
    found.add(trainer.snapshot(), "here")
    other = make_trainer(n_samples=40, hidden=(3,), learning_rate=1.9)
    other.step(20)
    found.keep_those_of(trainer.history.view())
    assert found.nearest(3) == (10, "here")
    found.keep_those_of(other.history.view())
    assert len(found) == 0 and found.nearest(3) is None
