"""Branches on the screen: drawn over loss and errors, listed with the timeline, made and chosen by hand and key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from panel_tools import make_trainer, texts
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from window_tools import snapshot_of

from engine.branches import MOST
from engine.commands import BranchOff, GoTo, Perturb, RenameBranch, SetBatches, SetLearningRate, Step
from engine.jobs import JobRunner
from engine.snapshot import Snapshot
from gui.branch_forms import BranchForm
from gui.branch_lines import DASHES, dash_mask
from gui.panels.errors import ErrorsPanel
from gui.panels.loss import LossPanel
from gui.theme import DARK, LIGHT

if TYPE_CHECKING:
    from engine.trainer import Trainer
    from gui.window import Window

WAIT_MS = 20_000


@pytest.fixture
def show(qtbot: QtBot) -> Iterator[Any]:
    runner = JobRunner()

    def make(cls: Any, snapshot: Snapshot) -> Any:
        panel = cls(LIGHT, runner)
        qtbot.addWidget(panel)
        panel.resize(640, 360)
        panel.show()
        qtbot.waitExposed(panel)
        panel.show_snapshot(snapshot)
        return panel

    yield make
    runner.stop()


def branched() -> Trainer:
    """Return a run with two branches: the first to step 60, one with another rate from 20 to 50, a kick at 40."""
    trainer = make_trainer(learning_rate=0.5)
    trainer.step(60)
    trainer.apply(GoTo(20))
    trainer.apply(SetLearningRate(0.05))
    trainer.step(30)
    trainer.apply(GoTo(40))
    trainer.apply(Perturb("noise", {"scale": 0.1, "seed": 1}))
    trainer.step(5)
    return trainer


@pytest.mark.parametrize(("cls", "name"), [(LossPanel, "loss"), (ErrorsPanel, "n_errors")])
def test_branches_are_drawn_whole_beside_the_run(show: Any, cls: Any, name: str) -> None:
    snapshot = branched().snapshot()
    panel = show(cls, snapshot)
    lines = panel.plot.branch_lines.lines
    assert [line.number for line in lines] == [1, 2]
    for line, branch in zip(lines, snapshot.branches, strict=True):
        values = branch.history[name].astype(float)
        expected = np.log10(values) if panel.plot.is_log else values
        assert line.x.tolist() == list(range(len(values))) and line.y == pytest.approx(expected)
    assert panel.plot.view[0][1] >= 60
    assert sorted(set(panel.plot.partings.x.tolist())) == [20.0, 40.0]


def test_the_legend_names_what_differs_and_small_panels_number_it(show: Any) -> None:
    panel = show(LossPanel, branched().snapshot())
    assert "(kick: noise 0.1 at step 40)" in texts(panel.legend)
    assert "1 first run, rate 0.5; 2 rate 0.05; parting" in texts(panel.legend)
    assert [key.look for key in panel.legend.keys if key.look.startswith("branch")] == [
        "branch 1",
        "branch 2",
    ]
    assert not panel.legend._is_brief
    panel.resize(300, 220)
    assert panel.legend._is_brief and "2 rate 0.05" in panel.legend.toolTip()
    assert "1, first run, rate 0.5, 60 steps, the same up to step 20" in panel.summary()
    assert "rate 0.05" in panel.accessibleName()


def test_the_pointer_tells_the_values_of_branches_beyond_the_run_too(show: Any, qtbot: QtBot) -> None:
    snapshot = branched().snapshot()
    panel = show(LossPanel, snapshot)
    first, second = (branch.history["loss"] for branch in snapshot.branches)
    panel.plot.pointed.emit((30.0, 0.0))
    assert f"1 (first run, rate 0.5) {float(first[30])!r}" in panel.note_label.text()
    assert f"2 (rate 0.05) {float(second[30])!r}" in panel.note_label.text()
    panel.plot.pointed.emit((1000.0, 0.0))
    assert panel.note_label.text() == f"Step 60: 1 (first run, rate 0.5) {float(first[60])!r}"


def test_the_lines_are_prepared_and_painted_once(show: Any, qtbot: QtBot) -> None:
    trainer = branched()
    panel = show(LossPanel, trainer.snapshot())
    lines = panel.plot.branch_lines
    panel.grab()
    before, n_drawn = lines.lines, lines.n_drawn
    assert n_drawn >= 1
    for _ in range(3):
        trainer.step(2)
        panel.show_snapshot(trainer.snapshot())
        panel.grab()
    assert lines.lines is before and lines.n_drawn == n_drawn
    panel.plot.zoom_to((10.0, 30.0), panel.plot.view[1])
    panel.plot.view_moved.emit()
    panel.grab()
    assert lines.n_drawn > n_drawn and lines.lines[0].x.tolist() == list(range(10, 32))


def test_a_run_without_branches_has_no_item_for_them(show: Any) -> None:
    trainer = make_trainer()
    trainer.step(5)
    panel = show(LossPanel, trainer.snapshot())
    assert panel.plot.branch_lines is None
    trainer.apply(BranchOff())
    panel.show_snapshot(trainer.snapshot())
    assert [line.number for line in panel.plot.branch_lines.lines] == [1]


def test_each_branch_is_seen_in_its_colour_in_both_themes(show: Any) -> None:
    trainer = make_trainer(learning_rate=0.5)
    trainer.step(20)
    trainer.apply(BranchOff((SetLearningRate(2.0),)))
    trainer.step(60)
    trainer.apply(BranchOff((SetLearningRate(0.001),)))
    panel = show(LossPanel, trainer.snapshot())
    trainer.apply(GoTo(20))
    panel.show_snapshot(trainer.snapshot())
    for used in (LIGHT, DARK):
        panel.set_theme(used)
        assert used.branches[1] in colours(panel)


def colours(panel: Any) -> set[str]:
    image = panel.plot.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return {
        image.pixelColor(x, y).name() for x in range(0, image.width()) for y in range(0, image.height(), 2)
    }


@pytest.mark.parametrize("ending", [".svg", ".pdf"])
def test_files_of_lines_hold_the_branches_as_dashed_lines(show: Any, ending: str) -> None:
    from gui import exports

    panel = show(LossPanel, branched().snapshot())
    n_drawn = panel.plot.branch_lines.n_drawn
    content = exports.picture(panel, ending)
    assert panel.plot.branch_lines.n_drawn == n_drawn  # lines, not a picture of them
    assert ending != ".svg" or LIGHT.branches[1] in content.decode().lower()


def test_every_branch_has_dashes_of_its_own() -> None:
    masks = [dash_mask(number, 200, 1.0) for number in range(1, MOST + 1)]
    assert len(set(DASHES)) == MOST
    assert all(0.2 < mask.mean() < 0.9 for mask in masks)
    assert len({mask.tobytes() for mask in masks}) == MOST
    assert dash_mask(1, 26, 2.0).tolist() == [True] * 18 + [False] * 8


def train(window: Window, qtbot: QtBot, n_steps: int) -> Snapshot:
    target = snapshot_of(window).n_steps + n_steps
    window.bridge.send(Step(n_steps))
    return arrive(window, qtbot, target)


def arrive(window: Window, qtbot: QtBot, step: int) -> Snapshot:
    slider = window.timeline.slider
    qtbot.waitUntil(lambda: snapshot_of(window).n_steps == step and slider.value() == step, timeout=WAIT_MS)
    return snapshot_of(window)


def test_going_back_and_changing_the_rate_keeps_what_came_after(window: Window, qtbot: QtBot) -> None:
    end = train(window, qtbot, 60)
    choice = window.timeline.branches
    assert not choice.isVisible()
    window.timeline.slider.setValue(20)
    arrive(window, qtbot, 20)
    window.actions_by_id["halve_rate"].trigger()
    qtbot.waitUntil(choice.isVisible, timeout=WAIT_MS)
    assert [choice.itemText(row) for row in range(2)] == ["1 first run, rate 0.5", "2 rate 0.25"]
    assert choice.currentText() == "2 rate 0.25" and window.timeline.slider.maximum() == 20
    train(window, qtbot, 10)
    choice.activated.emit(0)
    again = arrive(window, qtbot, 60)
    assert np.array_equal(again.theta, end.theta) and again.learning_rate == 0.5
    qtbot.waitUntil(lambda: choice.currentText().startswith("1 "), timeout=WAIT_MS)
    assert again.branches[0].n_steps == 30


def test_a_branch_is_made_by_keys_alone(window: Window, qtbot: QtBot) -> None:
    train(window, qtbot, 30)
    QTest.keyClick(window, Qt.Key.Key_B)
    form = window.branch_forms.form
    assert form is not None and "step 30" in form.windowTitle()
    form.set_text("learning_rate", "0.05")
    form.set_text("batch_size", "2")
    form.set_text("seed", "7")
    form.set_text("arithmetic", "blas")
    form.set_text("kick", "Add noise to all weights")
    form.set_text("scale", "0.1")
    QTest.keyClick(form.fields["name"], Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.branch_forms.form is None, timeout=WAIT_MS)
    snapshot = snapshot_of(window)
    assert snapshot.learning_rate == 0.05 and snapshot.config.batch_size == 2 and snapshot.batch_seed == 7
    assert snapshot.config.arithmetic == "blas" and len(snapshot.history.jumps) == 1
    assert snapshot.branch_name == "rate 0.05, batch 2, seed 7, BLAS, kick: noise 0.1 at step 30"


def test_a_branch_with_nothing_changed_keeps_the_run(window: Window, qtbot: QtBot) -> None:
    train(window, qtbot, 10)
    window.bridge.send(SetBatches(2, 5))
    qtbot.waitUntil(lambda: snapshot_of(window).batch_seed == 5, timeout=WAIT_MS)
    window.actions_by_id["branch_here"].trigger()
    form = window.branch_forms.form
    assert form is not None
    form.set_text("name", "mine")
    form.send()
    qtbot.waitUntil(lambda: snapshot_of(window).branch_name == "mine", timeout=WAIT_MS)
    assert snapshot_of(window).batches == ((0, None), (10, 2))


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("learning_rate", "fast", "learning_rate must be a number, not 'fast'."),
        ("batch_size", "0", "batch_size must be a whole number of at least 1, not 0."),
        ("batch_size", "500", "batch_size must be a whole number from 1 to 4, not 500."),
        ("name", "x" * 61, "name must be one line of at most 60 characters"),
    ],
)
def test_what_will_not_do_is_told_in_the_form(
    window: Window, qtbot: QtBot, key: str, text: str, sentence: str
) -> None:
    train(window, qtbot, 5)
    window.branch_forms.open_form()
    form = window.branch_forms.form
    assert form is not None
    form.set_text(key, text)
    form.send()
    qtbot.waitUntil(lambda: sentence in form.problem, timeout=WAIT_MS)
    assert snapshot_of(window).branches == () and form.isVisible()
    form.reject()


def test_an_open_form_follows_the_run_where_nobody_typed_and_closes_with_it(
    window: Window, qtbot: QtBot
) -> None:
    train(window, qtbot, 5)
    window.branch_forms.open_form()
    form = window.branch_forms.form
    assert form is not None
    form.set_text("batch_size", "2")
    window.bridge.send(SetLearningRate(0.125))
    window.bridge.send(SetBatches(3, 9))
    qtbot.waitUntil(lambda: form.text("learning_rate") == "0.125", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: form.text("seed") == "9", timeout=WAIT_MS)
    assert form.text("batch_size") == "2"
    form.send()
    qtbot.waitUntil(lambda: window.branch_forms.form is None, timeout=WAIT_MS)
    assert snapshot_of(window).batches[-1] == (5, 2) and len(snapshot_of(window).rates) == 2
    window.branch_forms.open_form()
    assert window.branch_forms.form is not None
    window.load_lesson("exam")
    qtbot.waitUntil(lambda: window.branch_forms.form is None, timeout=WAIT_MS)
    assert not any(form.isVisible() for form in window.findChildren(BranchForm))


def test_branches_are_named_chosen_and_removed_in_the_list(window: Window, qtbot: QtBot) -> None:
    end = train(window, qtbot, 20)
    window.bridge.send(BranchOff((SetLearningRate(0.05),)))
    qtbot.waitUntil(lambda: window.timeline.branches.count() == 2, timeout=WAIT_MS)
    QTest.keyClick(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    box = window.branch_forms.list
    assert box is not None and box.list.count() == 2
    assert not box.buttons["switch"].isEnabled()  # the one that goes on is chosen at first
    box.choose(1)
    box.name.setText("fast")
    QTest.keyClick(box.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "1  fast: parts at 20, ends at 20" in box.list.item(0).text(), timeout=WAIT_MS)
    box.name.setText(" ")
    box.rename()
    assert box.problem == "name must not be empty."
    box.buttons["switch"].click()
    qtbot.waitUntil(lambda: snapshot_of(window).branch_number == 1, timeout=WAIT_MS)
    assert np.array_equal(snapshot_of(window).theta, end.theta)
    qtbot.waitUntil(lambda: "goes on" in box.list.item(0).text(), timeout=WAIT_MS)
    box.choose(2)
    box.buttons["remove"].click()
    qtbot.waitUntil(lambda: box.list.count() == 1, timeout=WAIT_MS)
    assert not window.timeline.branches.isVisible()
    box.reject()


def test_what_had_to_be_forgotten_is_told(window: Window, qtbot: QtBot) -> None:
    for number in range(MOST):
        train(window, qtbot, 2)
        window.bridge.send(GoTo(1))
        window.bridge.send(SetLearningRate(0.1 + 0.1 * number))
        arrive(window, qtbot, 1)
    window.bridge.send(RenameBranch(1, "mine"))
    qtbot.waitUntil(
        lambda: "A run has at most 6 branches; forgotten" in window.messages.text, timeout=WAIT_MS
    )


def test_a_kick_at_the_very_step_is_undone(window: Window, qtbot: QtBot) -> None:
    before = train(window, qtbot, 10)
    window.bridge.send(Perturb("noise", {"scale": 0.5}))
    qtbot.waitUntil(lambda: bool(snapshot_of(window).history.jumps), timeout=WAIT_MS)
    window.timeline.show_snapshot(snapshot_of(window))
    window.timeline.undo_kick()
    qtbot.waitUntil(lambda: not snapshot_of(window).history.jumps, timeout=WAIT_MS)
    assert np.array_equal(snapshot_of(window).theta, before.theta)
    assert snapshot_of(window).branches == ()
