"""The landscape panel, fed with fixed snapshots and with jobs that go on only when the test says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from panel_tools import HandJobs, hand_jobs, hand_panel
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

import engine
from engine.commands import SavePoint
from engine.jobs import JobRunner
from engine.landscape.views import VIEWS
from engine.snapshot import Point, State
from gui import numerals
from gui.colour_scales import ColourScale
from gui.panels import landscape
from gui.panels.landscape import LandscapePanel, _log_view
from gui.plots import close_log_range
from gui.theme import DARK, LIGHT

jobs, panel = hand_jobs(), hand_panel(LandscapePanel, 640, 360)


@pytest.fixture
def trainer() -> engine.Trainer:
    config = engine.RunConfig(data="digits", n_samples=40, hidden=(5,), learning_rate=0.3)
    return engine.Trainer.from_config(config)


def choose(panel: LandscapePanel, view: str) -> None:
    panel.controls.view_box.setCurrentIndex(panel.controls.view_box.findData(view))


def compute(panel: LandscapePanel, jobs: HandJobs) -> None:
    panel.tick()
    jobs.finish()
    panel.tick()


def show(panel: LandscapePanel, jobs: HandJobs, trainer: engine.Trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    compute(panel, jobs)


def test_nothing_is_asked_while_hidden(panel, jobs, trainer) -> None:
    panel.hide()
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert jobs.jobs == []
    panel.show()
    assert len(jobs.jobs) == 1


def test_hiding_cancels_and_showing_asks_again(panel, jobs, trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    panel.hide()
    assert jobs.jobs[0].is_cancelled
    panel.show()
    panel.tick()
    assert len(jobs.jobs) == 2


def test_coarse_first_then_finer(panel, jobs, trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    assert not panel.plots.isVisible()
    known = []
    while not known or known[-1] < 51 * 51:
        jobs.go_on()
        panel.tick()
        known.append(int(panel._survey.plane.known.sum()))
        assert panel.plots.isVisible() == (known[-1] > 0)
        if 0 < known[-1] < 51 * 51:
            assert f"({known[-1]:,} of them so far)" in panel.caption.text()
    assert known == sorted(known)
    assert len(set(known)) >= 4


def test_caption_says_axes_share_and_step(panel, jobs, trainer) -> None:
    trainer.step(12)
    show(panel, jobs, trainer)
    text = panel.caption.text()
    plane, snapshot = panel._survey.view.plane, trainer.snapshot()
    share = plane.share_of(snapshot.gradient)
    assert "two main directions" in text
    assert "51 × 51 points, computed at step 12" in text
    assert f"{100 * share:.3g} % of the gradient's squared length" in text
    away = max(plane.project(point.theta)[2] for point in snapshot.path)
    assert f"up to {away:.3g} away from it" in text
    assert panel.summary().startswith(text)
    assert panel.accessibleDescription() == text


def test_path_is_projected_and_its_end_moves_with_the_run(panel, jobs, trainer) -> None:
    trainer.step(12)
    panel.controls.follow_box.setChecked(False)
    show(panel, jobs, trainer)
    trace, plane = panel.map.trace, panel._survey.view.plane
    assert len(trace.x) == 14  # 13 checkpoints and the present point
    assert (trace.x[0], trace.y[0]) == plane.project(trainer.snapshot().path[0].theta)[:2]
    assert (trace.x[-1], trace.y[-1]) == (0.0, 0.0)
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    assert (trace.x[-1], trace.y[-1]) == plane.project(trainer.theta)[:2]
    assert trace.x[-1] != 0.0
    assert len(jobs.jobs) == 1


def test_pointing_tells_the_exact_loss_and_errors(panel, jobs, trainer) -> None:
    trainer.step(5)
    show(panel, jobs, trainer)
    survey = panel._survey
    a, b = survey.plane.alphas[7], survey.plane.betas[30]
    step = survey.plane.alphas[1] - survey.plane.alphas[0]
    panel.map.pointed.emit((a + 0.3 * step, b))
    theta = survey.view.plane.at(a, b)
    text = panel.caption.text()
    loss = float(text.split("loss ")[1].split(",")[0])
    assert loss == pytest.approx(trainer.net.loss(theta, trainer.data), rel=1e-12)
    assert f"errors {trainer.net.n_errors(theta, trainer.data)} of 40" in text
    assert numerals.signed(f"({a:.4g}, {b:.4g})") in text
    panel.map.pointed.emit(None)
    assert "computed at step 5" in panel.caption.text()


def test_pointing_at_the_curve(panel, jobs, trainer) -> None:
    show(panel, jobs, trainer)
    line = panel._survey.line
    panel.line.pointed.emit((float(line.alphas[3]), 0.0))
    assert repr(float(line.loss[3])) in panel.caption.text()


def test_an_answer_to_an_older_generation_is_dropped(panel, jobs, trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    trainer.perturb("noise", scale=1.0)
    panel.show_snapshot(trainer.snapshot())
    jobs.finish()
    panel.tick()
    assert jobs.jobs[0].is_cancelled
    assert panel._survey is None
    assert len(jobs.jobs) == 2
    jobs.finish()
    panel.tick()
    assert np.array_equal(panel._survey.view.plane.origin, trainer.theta)


def test_another_network_starts_anew(panel, jobs, trainer) -> None:
    trainer.step(3)
    show(panel, jobs, trainer)
    trainer.perturb("duplicate", layer=1, unit=0)
    panel.show_snapshot(trainer.snapshot())
    assert panel._survey is None
    assert not panel.plots.isVisible()
    compute(panel, jobs)
    assert panel._survey.view.plane.origin.shape == (trainer.net.n_params,)


def test_another_network_while_hidden(panel, jobs, trainer) -> None:
    show(panel, jobs, trainer)
    panel.hide()
    trainer.perturb("duplicate", layer=1, unit=0)
    panel.show_snapshot(trainer.snapshot())
    panel.show()
    compute(panel, jobs)
    assert panel._survey.view.plane.origin.shape == (trainer.net.n_params,)
    assert panel.shown_error == ""


def test_a_refresh_is_shown_when_complete_and_another_choice_at_once(panel, jobs, trainer) -> None:
    trainer.step(3)
    show(panel, jobs, trainer)
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    jobs.go_on(8)
    panel.tick()
    assert "computed at step 3" in panel.caption.text()
    jobs.finish()
    panel.tick()
    assert "computed at step 4" in panel.caption.text()
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    choose(panel, "random")
    while "so far" not in panel.caption.text():
        jobs.go_on()
        panel.tick()
    assert "computed at step 5" in panel.caption.text()
    assert "random direction" in panel.caption.text()


def test_a_slow_refresh_is_shown_coarse_at_rest(panel, jobs, trainer, monkeypatch) -> None:
    show(panel, jobs, trainer)
    monkeypatch.setattr(landscape, "_PATIENCE_S", 0.0)
    trainer.step(1)
    at_rest = trainer.snapshot()
    panel._rest_until_s = 0.0
    panel.show_snapshot(dataclasses.replace(at_rest, state=State.RUNNING))
    panel.tick()
    while not jobs.jobs[-1].latest.done:
        jobs.go_on()
    panel.tick()
    assert "computed at step 0" in panel.caption.text()  # the run goes on: the whole picture stays
    assert "computing" in panel.legend.keys[-1].text
    panel.show_snapshot(at_rest)
    panel.tick()
    assert "so far), computed at step 1" in panel.caption.text()


def test_a_slow_answer_for_a_step_that_was_left_is_dropped_at_rest(panel, jobs, trainer, monkeypatch) -> None:
    show(panel, jobs, trainer)
    monkeypatch.setattr(landscape, "_PATIENCE_S", 0.0)
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    trainer.step(1)
    at_rest = trainer.snapshot()
    panel.show_snapshot(dataclasses.replace(at_rest, state=State.RUNNING))
    panel.tick()
    assert not jobs.jobs[-1].is_cancelled  # it is soon followed by another
    panel.show_snapshot(at_rest)
    panel.tick()
    assert jobs.jobs[-2].is_cancelled
    assert panel._asked.n_steps == 2


def test_follow_asks_again_when_the_run_has_moved(panel, jobs, trainer) -> None:
    show(panel, jobs, trainer)
    panel.tick()
    assert len(jobs.jobs) == 1
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert len(jobs.jobs) == 2
    assert panel._asked.n_steps == 1


def test_follow_rests_while_the_run_goes_on(panel, jobs, trainer, monkeypatch) -> None:
    show(panel, jobs, trainer)
    trainer.step(1)
    running = dataclasses.replace(trainer.snapshot(), state=State.RUNNING)
    panel.show_snapshot(running)
    panel.tick()
    assert len(jobs.jobs) == 1
    panel._rest_until_s = 0.0
    panel.tick()
    assert len(jobs.jobs) == 2


def test_without_follow_the_button_and_the_key_ask(panel, jobs, trainer, qtbot) -> None:
    panel.controls.follow_box.click()
    show(panel, jobs, trainer)
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert len(jobs.jobs) == 1
    qtbot.mouseClick(panel.controls.recompute_button, Qt.MouseButton.LeftButton)
    assert len(jobs.jobs) == 2
    panel.recompute()
    assert len(jobs.jobs) == 3
    assert jobs.jobs[1].is_cancelled


@pytest.mark.parametrize("view", list(VIEWS))
def test_every_choice_of_directions_gives_a_picture(panel, jobs, trainer, view: str) -> None:
    trainer.step(3)
    trainer.apply(SavePoint("point 1"))
    trainer.step(3)
    panel.show_snapshot(trainer.snapshot())
    choose(panel, view)
    compute(panel, jobs)
    assert panel._survey.plane.known.all()
    assert len(panel.caption.text()) > 100
    assert panel._error_text == ""
    n_ends = VIEWS[view].n_ends
    assert [box.isVisible() for box in panel.controls.end_boxes] == [k < n_ends for k in range(3)]
    assert panel.controls.ends.isVisible() == (n_ends > 0)
    assert len(panel.marks.marks) >= (n_ends if view != "aligned" else 2)
    assert panel.map.grab().toImage().pixelColor(320 // 2, 60) != QColor(LIGHT.panel)


def test_views_and_points_are_chosen_by_keyboard(panel, jobs, trainer, qtbot) -> None:
    trainer.step(2)
    trainer.apply(SavePoint("point 1"))
    trainer.step(2)
    panel.show_snapshot(trainer.snapshot())
    controls = panel.controls
    controls.view_box.setFocus()
    seen = []
    for _ in range(controls.view_box.count()):
        seen.append(controls.choices.view)
        if seen[-1] == "three_points":
            break
        qtbot.keyClick(controls.view_box, Qt.Key.Key_Down)
    assert seen == list(VIEWS)[: len(seen)]
    assert seen[-1] == "three_points"
    assert panel._asked.choices == controls.choices
    for box, label in ((controls.first_box, "now"), (controls.second_box, "point 1")):
        qtbot.keyClick(box, Qt.Key.Key_Down)
        assert box.currentText() == label
    qtbot.keyClick(controls.third_box, Qt.Key.Key_Home)
    compute(panel, jobs)
    assert [label for label, _, _ in panel.marks.marks] == ["now", "point 1", "start"]
    assert controls.view_box.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_a_curve_is_drawn_and_its_loss_shown(panel, jobs, trainer) -> None:
    trainer.step(12)
    panel.show_snapshot(trainer.snapshot())
    choose(panel, "bezier")
    compute(panel, jobs)
    survey = panel._survey
    curve = panel.marks.curve
    for at, label in ((0, "start"), (-1, "now")):
        place = {mark[0]: mark[1:] for mark in survey.marks}[label]
        assert curve[at] == pytest.approx(place, abs=1e-9)
    assert panel.line.plotItem.getAxis("bottom").labelText == "t, along the curve"
    assert panel.map.trace.cut is None
    assert "its control point took the mean loss along it from" in panel.caption.text()
    panel.grab()
    choose(panel, "random")
    compute(panel, jobs)
    assert len(panel.marks.curve) == 0
    assert panel.marks.marks == ()
    assert panel.map.trace.cut == 0.0


def test_a_slow_view_leaves_the_old_picture_until_its_own_is_there(panel, jobs, trainer) -> None:
    trainer.step(3)
    show(panel, jobs, trainer)
    choose(panel, "bezier")
    jobs.go_on(20)
    panel.tick()
    assert panel.plots.isVisible()
    assert "two main directions" in panel.caption.text()
    jobs.finish()
    panel.tick()
    assert "A quadratic Bezier curve from start" in panel.caption.text()


def test_the_share_of_the_path_is_in_the_caption(panel, jobs, trainer) -> None:
    trainer.step(12)
    show(panel, jobs, trainer)
    share = panel._survey.path_share
    assert 0.5 < share <= 1.0
    assert f"and {100 * share:.3g} % of the path's spread" in panel.caption.text()


def test_width_is_wider(panel, jobs, trainer) -> None:
    trainer.step(6)
    show(panel, jobs, trainer)
    width = np.ptp(panel._survey.view.alphas)
    panel.controls.zoom_box.setCurrentText("width × 2")
    compute(panel, jobs)
    assert np.ptp(panel._survey.view.alphas) == pytest.approx(2 * width)


def test_a_view_that_cannot_be_is_said_in_a_sentence(panel, jobs, trainer) -> None:
    choose(panel, "start_now")
    show(panel, jobs, trainer)
    assert panel.caption.text() == "The start and the present point are the same: take a step first."
    assert not panel.plots.isVisible()
    trainer.step(1)
    show(panel, jobs, trainer)
    assert panel.plots.isVisible()


def test_save_point_is_a_command_and_offers_an_end(panel, jobs, trainer, qtbot) -> None:
    show(panel, jobs, trainer)
    with qtbot.waitSignal(panel.command_issued) as signal:
        qtbot.mouseClick(panel.controls.save_button, Qt.MouseButton.LeftButton)
    assert signal.args == [SavePoint("point 1")]
    trainer.apply(signal.args[0])
    trainer.step(2)
    panel.show_snapshot(trainer.snapshot())
    choose(panel, "between")
    panel.controls.first_box.setCurrentText("point 1")
    compute(panel, jobs)
    view = panel._survey.view
    assert np.array_equal(view.plane.origin, trainer.snapshot().saved[0].theta)
    assert view.plane.project(trainer.theta)[2] == pytest.approx(0.0, abs=1e-9)
    assert view.x_label == "from point 1 to now"


def test_ends_that_are_the_same(panel, jobs, trainer) -> None:
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    choose(panel, "between")
    panel.controls.second_box.setCurrentText("start")
    compute(panel, jobs)
    assert panel.caption.text() == "start and start are the same point: choose two different ones."


def test_a_choice_of_end_is_kept_when_points_are_added(panel) -> None:
    points = tuple(Point(f"point {k}", k, np.zeros(1), 0.0) for k in (1, 2))
    choose(panel, "between")
    panel.controls.offer_points(points[:1])
    panel.controls.first_box.setCurrentText("point 1")
    panel.controls.offer_points(points)
    assert panel.controls.choices.ends[0] == "point 1"
    panel.controls.offer_points(())
    assert panel.controls.choices.ends[0] == "start"


def test_the_third_point_is_the_first_saved_one_until_somebody_chooses(panel) -> None:
    points = tuple(Point(f"point {k}", k, np.zeros(1), 0.0) for k in (1, 2))
    choose(panel, "three_points")
    assert panel.controls.choices.ends == ("start", "now", "now")
    panel.controls.offer_points(points[:1])
    assert panel.controls.choices.ends == ("start", "now", "point 1")
    panel.controls.offer_points(points)
    assert panel.controls.choices.ends == ("start", "now", "point 1")


def test_colours_stay_while_the_run_goes_on(panel, jobs, trainer) -> None:
    choose(panel, "random")
    show(panel, jobs, trainer)
    scale = panel._scale
    trainer.step(1)
    panel._rest_until_s = 0.0
    panel.show_snapshot(dataclasses.replace(trainer.snapshot(), state=State.RUNNING))
    compute(panel, jobs)
    assert panel._asked.n_steps == 1
    assert panel._scale is scale
    assert f"fixed from {scale.low:g} to {scale.high:g}" in panel.caption.text()


def test_where_there_are_no_classes_no_errors_are_told(panel, jobs, trainer) -> None:
    show(panel, jobs, trainer)
    panel.map.pointed.emit((0.0, 0.0))
    assert "errors" in panel.caption.text() and "errors from" in panel.summary()
    config = engine.RunConfig(data="witness:three-units", hidden=(3,), loss="squared")
    panel.show_snapshot(dataclasses.replace(engine.Trainer.from_config(config).snapshot(), run_id=-7))
    compute(panel, jobs)
    for plot in (panel.map, panel.line):
        plot.pointed.emit((0.0, 0.0))
        assert panel.caption.text().startswith("Nearest computed point")
        assert "errors" not in panel.caption.text() + panel.summary()
        plot.pointed.emit(None)


def test_where_a_run_rests_its_picture_has_the_same_colours_whatever_came_before(
    panel, jobs, trainer
) -> None:
    choose(panel, "random")
    show(panel, jobs, trainer)
    own = panel._scale
    for kept in (ColourScale(0.98 * own.low, own.high), ColourScale(own.low, 1.1 * own.low)):
        running = dataclasses.replace(trainer.snapshot(), state=State.RUNNING)
        panel._scale = kept
        panel.show_snapshot(running)
        panel.recompute()
        compute(panel, jobs)
        assert panel.bar.scale is kept
        panel.show_snapshot(trainer.snapshot())
        panel.tick()
        assert panel.bar.scale == own
        assert f"fixed from {own.ends_text}" in panel.caption.text()


def test_loss_that_is_not_finite_is_hatched(panel, jobs, trainer) -> None:
    snapshot = trainer.snapshot()
    choose(panel, "random")
    panel.show_snapshot(dataclasses.replace(snapshot, theta=snapshot.theta * 1e307))
    compute(panel, jobs)
    assert not np.isfinite(panel._survey.plane.loss).all()
    assert panel.caption.text().endswith("Hatched: not finite.")
    panel.grab()


def test_other_colours(panel, jobs, trainer) -> None:
    show(panel, jobs, trainer)
    light = panel.grab().toImage()
    panel.set_theme(DARK)
    dark = panel.grab().toImage()
    corner = (4, panel.height() // 2)
    assert light.pixelColor(*corner) != dark.pixelColor(*corner)


def test_with_the_real_runner(qtbot, trainer) -> None:
    runner = JobRunner()
    panel = LandscapePanel(DARK, runner)
    qtbot.addWidget(panel)
    panel.show()
    try:
        panel.show_snapshot(trainer.snapshot())

        def is_complete() -> bool:
            panel.tick()
            return panel._survey is not None and bool(panel._survey.plane.known.all()) and panel._job is None

        qtbot.waitUntil(is_complete, timeout=60_000)
        middle = panel._survey.plane.loss[25, 25]
        assert middle == pytest.approx(trainer.snapshot().loss, rel=1e-12)
    finally:
        runner.stop()


@pytest.fixture(autouse=True)
def _names_for_screen_readers(panel) -> Iterator[None]:
    yield
    controls = panel.controls
    for widget in (panel.map, panel.line, controls.view_box, controls.zoom_box, controls.first_box):
        assert widget.accessibleName()


def test_a_low_panel_leaves_the_room_to_the_picture(panel, jobs, trainer, qtbot) -> None:
    show(panel, jobs, trainer)
    assert panel.controls.save_button.isVisible()
    panel.resize(640, 180)
    qtbot.waitUntil(lambda: not panel.controls.save_button.isVisible())
    qtbot.waitUntil(lambda: panel.map.height() > 0.35 * panel.height())
    panel.resize(640, 360)
    qtbot.waitUntil(panel.controls.save_button.isVisible)


def test_another_lesson_is_looked_at_in_the_usual_way(panel, jobs, trainer) -> None:
    def begin(lesson: str) -> None:
        snapshot = trainer.snapshot()
        config = dataclasses.replace(snapshot.config, lesson=lesson)
        run_id = snapshot.run_id + len(jobs.jobs)
        panel.show_snapshot(dataclasses.replace(snapshot, config=config, run_id=run_id))

    begin("bowl")
    usual = panel.controls.choices
    choose(panel, "between")
    panel.controls.zoom_box.setCurrentIndex(0)
    chosen = panel.controls.choices
    begin("bowl")  # the same lesson with another seed
    assert panel.controls.choices == chosen != usual
    begin("linear-hump")
    assert panel.controls.choices == usual == panel._asked.choices
    assert not panel.controls.ends.isVisible()


@pytest.mark.parametrize("now", [1e-9, 2e-9, 1e-3, 0.5])
def test_the_symbol_on_the_curve_has_room_below_it(now: float) -> None:
    bottom, top = _log_view(1e-9, 1.0, now)
    assert np.log10(now) - bottom >= 0.07 * (top - bottom)
    assert (bottom, top) == close_log_range(1e-9, 1.0) or now < 1e-8


def test_a_label_that_has_no_room_is_cut_to_a_whole_word(panel, jobs, trainer) -> None:
    trainer.step(12)
    show(panel, jobs, trainer)
    axis = panel.map.y_axis
    for room, said in ((400.0, "second direction"), (60.0, "second")):
        axis.resize(axis.size().width(), room)
        assert axis.label.toPlainText().strip() == said
