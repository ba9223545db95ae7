"""The loss and the errors panel, fed with fixed snapshots; what they draw is read back from their items."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from panel_tools import make_trainer, run_snapshot, running, texts, with_history
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from engine.bounds import error_ceiling
from engine.config import RunConfig
from engine.jobs import JobRunner
from engine.lessons import load_lesson
from engine.snapshot import Report, Snapshot, State
from engine.trainer import Trainer
from gui.panels.errors import ErrorsPanel
from gui.panels.loss import LossPanel
from gui.panels.time_panel import NoteLabel
from gui.readouts import Readouts, errors_text, is_curve, loss_text
from gui.theme import DARK, LIGHT


def fast_run(n_steps: int = 60) -> Snapshot:
    """A run whose rate is so large that the loss rises now and then."""
    return run_snapshot(n_steps, learning_rate=4.0)


@pytest.mark.parametrize("n_steps", [0, 1, 60])
def test_the_loss_is_drawn_entry_by_entry(show: Any, n_steps: int) -> None:
    snapshot = fast_run(n_steps)
    panel = show(LossPanel, snapshot)
    [curve] = panel.plot.curves
    assert curve.x.tolist() == list(range(n_steps + 1))
    assert curve.y.tolist() == pytest.approx(np.log10(snapshot.history["loss"]).tolist())
    assert f"loss {snapshot.loss:#.4g}" in texts(panel.legend)


@pytest.mark.parametrize("is_running", [False, True])
def test_what_is_pointed_at_is_told_at_once_and_beside_a_run_by_the_next_tick(
    show: Any, is_running: bool
) -> None:
    snapshot = fast_run()
    panel = show(LossPanel, running(snapshot) if is_running else snapshot)
    before = panel.note_label.text()
    panel.plot.pointed.emit((30.2, 0.0))
    assert (panel.note_label.text() == before) is is_running
    panel.tick()
    assert panel.note_label.text().startswith("Step 30: loss ")
    panel.plot.pointed.emit(None)
    panel.tick()
    assert panel.note_label.text() == before


def test_every_step_that_raised_the_loss_is_marked_and_counted(show: Any) -> None:
    snapshot = fast_run()
    loss = snapshot.history["loss"]
    expected = [k for k in range(1, len(loss)) if loss[k] - loss[k - 1] > 1e-12 * loss[k - 1]]
    panel = show(LossPanel, snapshot)
    assert 0 < len(expected) < 60
    assert panel.plot.marks.rug.tolist() == expected
    shown = [int(step) for step in panel.plot.marks.x]  # in large type the first of a crowd only
    assert shown[0] == expected[0] and set(shown) <= set(expected)
    assert panel.plot.marks.y.tolist() == pytest.approx(np.log10(loss[shown]).tolist())
    assert f"{len(expected)} of 60 steps rose" in texts(panel.legend)
    assert f"rose at {len(expected)} steps, first at step {expected[0]}" in panel.summary()
    assert f"{len(expected)} of 60 steps rose" in panel.accessibleName()


def test_no_marked_step_is_lost_among_a_million(show: Any) -> None:
    loss = np.linspace(2.0, 1.0, 1_000_000)
    rises = [3, 500_000, 500_001, 999_999]
    for step in rises:
        loss[step] = loss[step - 1] + 0.1
    panel = show(LossPanel, with_history(fast_run(0), loss))
    marked = panel.plot.marks.rug.tolist()
    assert "4 of 999,999 steps rose" in texts(panel.legend)
    width = panel.plot.getViewBox().width()
    pixel = (panel.plot.view[0][1] - panel.plot.view[0][0]) / width
    for step in rises:
        assert min(abs(step - mark) for mark in marked) <= 1.01 * pixel
    panel.plot.zoom_to((499_990.0, 500_010.0), panel.plot.view[1])
    panel.plot.view_moved.emit()
    assert panel.plot.marks.x.tolist() == [500_000.0, 500_001.0]


def test_next_mark_goes_through_the_marks_and_round(show: Any, qtbot: QtBot) -> None:
    loss = np.linspace(2.0, 1.0, 1000)
    loss[[100, 500]] += 0.3
    panel = show(LossPanel, with_history(fast_run(0), loss))
    visited = []
    for _ in range(3):
        qtbot.mouseClick(panel.next_button, Qt.MouseButton.LeftButton)
        (left, right), _ = panel.plot.view
        visited.append(round((left + right) / 2))
        assert left > 0
    assert visited == [100, 500, 100]
    assert panel.note_label.text().startswith("Mark 1 of 2: step 100 took the loss from ")
    assert repr(float(loss[100])) in panel.note_label.text()
    assert panel.all_button.isVisible()
    qtbot.mouseClick(panel.all_button, Qt.MouseButton.LeftButton)
    assert panel.plot.view[0][1] > 999
    assert not panel.all_button.isVisible()


def test_without_marks_there_is_no_next_one(show: Any) -> None:
    panel = show(LossPanel, with_history(fast_run(0), [3.0, 2.0, 1.0]))
    assert not panel.next_button.isEnabled()
    before = panel.plot.view
    panel.go_to_next_mark()
    assert panel.plot.view == before
    assert "0 of 2 steps rose" in texts(panel.legend)


def test_a_kick_is_a_line_with_a_name_and_no_mark(show: Any) -> None:
    trainer = make_trainer(learning_rate=0.1)
    trainer.step(20)
    trainer.perturb("break_symmetry", scale=50.0)
    trainer.step(20)
    snapshot = trainer.snapshot()
    jump = snapshot.history.jumps[0]
    assert jump.loss_after > jump.loss_before
    for cls in (LossPanel, ErrorsPanel):
        panel = show(cls, snapshot)
        assert panel.plot.jumps.x == (20.5,)
        assert panel.plot.jumps.labels == ("break symmetry",)
        assert "1 kick; the last, break symmetry after step 20, took the loss from" in panel.summary()
        assert repr(jump.loss_after) in panel.summary()


def test_the_errors_and_their_ceiling_are_drawn(show: Any) -> None:
    snapshot = fast_run()
    panel = show(ErrorsPanel, snapshot)
    errors, ceiling = panel.plot.curves
    n_samples = snapshot.data.n_samples
    assert errors.y.tolist() == snapshot.history["n_errors"].tolist()
    expected = [math.floor(n_samples * loss / math.log(2.0)) for loss in snapshot.history["loss"]]
    assert ceiling.y.tolist() == expected
    assert ceiling.isVisible()
    assert (ceiling.y >= errors.y).all()
    assert f"ceiling {expected[-1]}" in texts(panel.legend)
    looks = {key.look for key in panel.legend.keys}
    assert looks == {"line", "dash", "triangle"}


def test_the_ceiling_of_a_long_history_is_that_of_each_extreme(show: Any) -> None:
    loss = np.random.default_rng(0).random(200_000) + 0.1
    snapshot = with_history(fast_run(0), loss)
    panel = show(ErrorsPanel, snapshot)
    drawn = panel.plot.curves[1].y
    assert drawn.max() == error_ceiling(loss.max(), 60)
    assert drawn.min() == error_ceiling(loss.min(), 60)


def test_steps_where_errors_rose_while_the_loss_fell_are_marked(show: Any) -> None:
    loss = np.linspace(2.0, 1.0, 100)
    errors = np.full(100, 10)
    errors[40:] += 3
    errors[70:] += 1
    loss[70:] += 0.5  # here the loss rose as well
    panel = show(ErrorsPanel, with_history(fast_run(0), loss, errors))
    assert panel.plot.marks.x.tolist() == [40.0]
    assert panel.plot.marks.y.tolist() == [13.0]
    assert "1 rise as loss fell" in texts(panel.legend)
    panel.go_to_next_mark()
    assert "step 40: errors 10 to 13, loss" in panel.note_label.text()
    assert panel.plot.view[0] == (27.5, 52.5)


@pytest.mark.parametrize("loss_name", ["quadratic", "squared"])
def test_other_losses_have_no_ceiling_and_the_panel_says_so(show: Any, loss_name: str) -> None:
    panel = show(ErrorsPanel, run_snapshot(5, loss=loss_name))
    assert not panel.plot.curves[1].isVisible()
    assert "no ceiling" in texts(panel.legend)
    assert panel.note_label.text() == "The ceiling is for cross-entropy only."
    assert "no ceiling" in panel.summary()


def test_ties_are_said_in_words(show: Any) -> None:
    trainer = make_trainer(init="constant", init_value=0.0)
    start = trainer.snapshot()
    assert start.n_tied == 60
    panel = show(ErrorsPanel, start)
    assert "errors: tied" in texts(panel.legend)
    assert panel.note_label.text().startswith("Tied, largest outputs equal: all samples.")
    panel.show_snapshot(replace(start, n_tied=3, n_errors=50))
    assert "errors 50 (3 tied)" in texts(panel.legend)


def test_the_errors_axis_has_whole_ticks_and_ends_near_the_number_of_samples(show: Any) -> None:
    panel = show(ErrorsPanel, fast_run())
    [(_, ticks)] = panel.plot.y_axis.tickValues(*panel.plot.view[1], 250.0)
    assert all(tick == round(tick) for tick in ticks)
    assert 60 <= panel.plot.view[1][1] <= 75


def test_zero_errors_have_a_place_on_the_log_axis(show: Any) -> None:
    panel = show(ErrorsPanel, with_history(fast_run(0), [1.0, 0.5, 0.1], [5, 1, 0]))
    panel.plot.set_log(True)
    assert panel.plot.curves[0].y.tolist() == pytest.approx([math.log10(5), 0.0, math.log10(0.5)])
    assert "zeros are drawn at the tick 0" in panel.note_label.text()


def test_a_hidden_panel_draws_nothing_until_it_is_shown(qtbot: QtBot, jobs: JobRunner) -> None:
    drawn = []

    class Watched(LossPanel):
        def draw(self, snapshot: Snapshot) -> None:
            drawn.append(snapshot)
            super().draw(snapshot)

    panel = Watched(LIGHT, jobs)
    qtbot.addWidget(panel)
    first, second = fast_run(1), fast_run(2)
    panel.show_snapshot(first)
    panel.show_snapshot(second)
    panel.tick()
    assert drawn == []
    panel.show()
    assert drawn == [second]


def test_a_panel_that_fails_says_so_in_its_place_and_recovers(show: Any, capsys: Any) -> None:
    panel = show(LossPanel)
    snapshot = fast_run(3)
    panel.show_snapshot(replace(snapshot, history=None))
    assert panel._stack.currentWidget() is panel._error
    assert panel._error.text().startswith("Loss cannot be drawn: ")
    assert "Traceback" in capsys.readouterr().err
    panel.show_snapshot(snapshot)
    assert panel._stack.currentWidget() is panel._body
    assert len(panel.plot.curves[0].x) == 4


def test_numbers_change_ten_times_a_second_while_it_runs_and_are_right_at_the_end(
    show: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LossPanel, "interval_s", 0.0)
    trainer = make_trainer()
    panel = show(LossPanel, running(trainer.snapshot()))
    trainer.step(1)
    panel._text_pace._interval_s = 1e9
    later = running(trainer.snapshot())
    panel.show_snapshot(later)
    assert len(panel.plot.curves[0].x) == 2
    assert "0 of 0 steps" in texts(panel.legend)
    panel.show_snapshot(trainer.snapshot())
    assert "of 1 step " in texts(panel.legend)
    panel._text_pace.forget()
    panel.show_snapshot(later)
    assert "of 1 step " in texts(panel.legend)


def test_the_arrow_keys_read_the_exact_values_step_by_step(show: Any, qtbot: QtBot) -> None:
    snapshot = fast_run(40)
    panel = show(LossPanel, snapshot)
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    panel.plot.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(lambda: panel.note_label.text().startswith("Step 40: "))
    qtbot.keyClick(panel.plot, Qt.Key.Key_Left)
    loss = snapshot.history["loss"]
    assert panel.note_label.text().startswith(f"Step 39: loss {float(loss[39])!r}; curvature ")
    qtbot.keyClick(panel.plot, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert panel.note_label.text().startswith(f"Step 29: loss {float(loss[29])!r}; curvature ")
    for _ in range(9):
        qtbot.keyClick(panel.plot, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert panel.note_label.text() == f"Step 0: loss {float(loss[0])!r}"
    panel.next_button.setFocus()
    assert not panel.note_label.text().startswith("Step")


def test_a_line_of_text_that_is_too_long_is_cut_on_the_screen_only(show: Any) -> None:
    panel = show(ErrorsPanel, fast_run(3))
    label = panel.note_label
    label.setText("A sentence that has no room in a panel as narrow as this one.")
    label.resize(90, 20)
    assert label.text() == label.toolTip() == "A sentence that has no room in a panel as narrow as this one."
    shown = QLabel.text(label).split("\n")
    assert len(shown) == 2 and shown[-1].endswith("…")
    assert all(label.fontMetrics().horizontalAdvance(line) <= 90 for line in shown)


def test_a_note_with_no_room_for_all_of_it_tells_its_first_half_whole(qtbot: QtBot) -> None:
    label = NoteLabel()
    qtbot.addWidget(label)
    label.resize(label.fontMetrics().horizontalAdvance("the first half of it, and") + 4, 40)
    label.show_note("the first half of it, and the second half of it", "the first half of it.")
    assert QLabel.text(label) == "the first half of it."
    assert label.text() == label.toolTip() == "the first half of it, and the second half of it"
    label.allow_lines(2)
    assert " ".join(QLabel.text(label).split("\n")) == label.text()


def test_what_is_told_in_passing_does_not_move_the_plot(qtbot: QtBot) -> None:
    label = NoteLabel()
    qtbot.addWidget(label)
    label.allow_lines(2)
    label.resize(90, 40)
    label.show()
    label.show_note("A text of two lines", may_grow=False)
    assert QLabel.text(label).endswith("…") and "\n" not in QLabel.text(label)
    label.show_note("A text that has two lines")
    label.show_note("One.")
    assert QLabel.text(label).count("\n") == 1
    label.resize(91, 40)
    assert QLabel.text(label) == "One."


def test_the_loss_panel_tells_the_comparison_whole_where_there_is_little_room(show: Any) -> None:
    panel = show(LossPanel, fast_run(5))
    panel.resize(250, 300)
    panel.layout().activate()
    shown = " ".join(QLabel.text(panel.note_label).split("\n"))
    assert shown.endswith(" at step 5.") and " 2/rate = 0.5 " in shown
    assert panel.note_label.text().startswith(shown[:-1]) and "the loss " in panel.note_label.text()


def test_the_legend_keeps_clear_of_the_buttons_in_its_corner(show: Any) -> None:
    panel = show(ErrorsPanel, fast_run(3))
    for width in (240, 330, 640):
        panel.resize(width, 300)
        panel.layout().activate()
        for key, x, row in panel.legend._laid_out:
            right = panel.legend.x() + x + panel.legend._metrics.horizontalAdvance(key.text)
            top = panel.legend.y() + panel.legend._row_top(row)
            clear = right <= panel.next_button.x() or top >= panel.next_button.geometry().bottom() - 1
            assert clear or (row == 0 and x == 2.0), (width, key.text)


def test_a_shorter_history_after_a_reset_is_drawn(show: Any) -> None:
    panel = show(LossPanel, fast_run(60))
    panel.go_to_next_mark()
    panel.plot.reset_view()
    panel.show_snapshot(fast_run(2))
    assert panel.plot.curves[0].x.tolist() == [0, 1, 2]


@pytest.mark.parametrize("cls", [LossPanel, ErrorsPanel])
def test_panels_have_help_and_another_theme(show: Any, cls: Any) -> None:
    panel = show(cls, fast_run(5))
    assert len(cls.help_text) > 500
    panel.set_theme(DARK)
    image = panel.grab().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(0, 640) for y in range(40, 320)}
    assert getattr(DARK, cls.panel_id) in colours


def test_marks_that_hide_the_curve_in_less_room_give_way_to_short_lines(show: Any, qtbot: QtBot) -> None:
    snapshot = run_snapshot(60, learning_rate=16.0)
    panel = show(LossPanel, snapshot)
    n_marks = len(panel.plot.marks.x)
    assert n_marks > 5
    panel.resize(180, 360)  # the run is paused: nothing new is shown
    qtbot.waitUntil(lambda: len(panel.plot.marks.x) == 0)
    assert len(panel.plot.marks.rug) > 0
    panel.resize(640, 360)
    qtbot.waitUntil(lambda: len(panel.plot.marks.x) == n_marks)


@pytest.mark.parametrize("cls", [LossPanel, ErrorsPanel])
def test_the_curve_ends_where_a_kick_has_just_moved_it(show: Any, cls: Any) -> None:
    trainer = make_trainer(hidden=(4,))
    trainer.step(20)
    trainer.perturb("noise", scale=0.5, seed=1)
    panel = show(cls, trainer.snapshot())
    curve, now = panel.plot.curves[0], trainer.snapshot()
    expected = np.log10(now.loss) if cls is LossPanel else now.n_errors
    assert curve.x.tolist()[-2:] == [20, 20]
    assert curve.y[-1] == panel.plot.dots.y[-1] == pytest.approx(expected)
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    assert curve.x.tolist() == list(range(22))


@pytest.mark.parametrize("cls", [LossPanel, ErrorsPanel])
def test_where_a_kick_has_just_moved_a_long_run_is_a_dot(show: Any, cls: Any) -> None:
    trainer = make_trainer(hidden=(4,))
    trainer.step(600)
    panel = show(cls, trainer.snapshot())
    assert not len(panel.plot.dots.x)
    trainer.perturb("noise", scale=0.5, seed=1)
    now = trainer.snapshot()
    panel.show_snapshot(now)
    expected = np.log10(now.loss) if cls is LossPanel else now.n_errors
    assert panel.plot.dots.x.tolist() == [600.0]
    assert panel.plot.dots.y.tolist() == pytest.approx([expected])
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    assert not len(panel.plot.dots.x)


def test_the_first_of_a_crowd_of_marks_stands_for_all_and_the_short_lines_for_each(show: Any) -> None:
    loss = np.linspace(2.0, 1.0, 1000)
    rises = [100, 101, 102, 103, 500, 900, 901]
    for step in rises:
        loss[step] = loss[step - 1] + 1e-6
    panel = show(LossPanel, with_history(fast_run(0), loss))
    assert panel.plot.marks.x.tolist() == [100.0, 500.0, 900.0]
    assert len(panel.plot.marks.rug) > 3


def test_a_curve_to_be_fitted_has_no_classes_to_be_wrong_about(show: Any, qtbot: QtBot) -> None:
    trainer = Trainer.from_config(load_lesson("merged-minimum").config)
    panel = show(ErrorsPanel, trainer.snapshot())
    assert panel.nothing.isVisible() and not panel.plot.isVisible()
    assert panel.nothing.text() == panel.summary()
    assert panel.summary().startswith("The targets are numbers, not classes")
    assert texts(panel.legend) == "no classes"
    panel.show_snapshot(fast_run(5))
    assert panel.plot.isVisible() and not panel.nothing.isVisible()
    strip = Readouts(LIGHT)
    qtbot.addWidget(strip)
    strip.show_report(Report(State.READY, "", trainer.snapshot()))
    assert strip.errors.text == "–"
    assert strip.errors.accessibleName() == "errors without classes: –"


def test_classes_by_one_output_are_counted(qtbot: QtBot) -> None:
    snapshot = Trainer.from_config(RunConfig(data="xor", loss="squared", hidden=(2,))).snapshot()
    assert not is_curve(snapshot)
    assert errors_text(snapshot) == f"{snapshot.n_errors} ({snapshot.n_errors / 4:.1%})".replace("%", " %")


@pytest.mark.parametrize("loss", [0.4550014, 7.191e-10])
def test_two_readings_are_parted_by_a_line_however_near_they_are(qtbot: QtBot, loss: float) -> None:
    strip = Readouts(LIGHT)
    qtbot.addWidget(strip)
    strip.reserve()
    snapshot = replace(fast_run(5), loss=loss)
    strip.show_report(Report(State.READY, "", snapshot))
    strip.resize(strip.minimumSizeHint())
    strip.show()
    lines = strip.dividers()
    edges = [(one.geometry().right(), one.geometry().left()) for one in strip._readings]
    assert len(lines) == len(edges)
    for x, (_, left) in zip(lines, edges, strict=True):
        assert 2 <= left - x <= 8
    image = strip.grab().toImage()
    for x, (right, _) in zip(lines[1:], edges, strict=False):
        assert right < x and image.pixelColor(x, strip.height() // 2) == QColor(LIGHT.outline)


def test_the_readings_have_equal_gaps_when_some_are_left_out(qtbot: QtBot) -> None:
    strip = Readouts(LIGHT)
    qtbot.addWidget(strip)
    strip.reserve()
    strip.show_report(Report(State.READY, "", fast_run(5)))
    strip.resize(1400, strip.minimumSizeHint().height())
    strip.show()
    for is_brief in (True, False):
        strip.set_brief(is_brief)
        strip.layout().activate()
        parts = [strip._word, *(one for one in strip._readings if one.isVisible())]
        gaps = [right.x() - left.geometry().right() for left, right in pairwise(parts)]
        assert len(gaps) == (3 if is_brief else 5)
        assert max(gaps) - min(gaps) <= 16  # what is left out leaves its spacing


@pytest.mark.parametrize("loss", [0.0123456, 99.99999, 0.00053746, 7.191e-10, 8.888e-88, 12345.6])
def test_the_loss_is_never_cut(qtbot: QtBot, loss: float) -> None:
    strip = Readouts(LIGHT)
    qtbot.addWidget(strip)
    strip.reserve()
    value = strip.loss._value
    assert value.fontMetrics().horizontalAdvance(loss_text(loss)) <= value.minimumWidth()
