"""The flip theatre, fed with snapshots of real runs; it asks the engine by commands only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from panel_tools import make_trainer, running, texts
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine import RunConfig, Trainer
from engine.chronicle import Chronicle, standing
from engine.commands import GoTo, PauseAtRise
from engine.jobs import JobRunner
from engine.snapshot import Snapshot
from gui.panels.example_words import named
from gui.panels.examples import ExamplesPanel
from gui.probability_bars import ProbabilityBars
from gui.theme import DARK, LIGHT

WAIT_MS = 20_000
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def panel(qtbot: QtBot, jobs: JobRunner) -> ExamplesPanel:
    made = ExamplesPanel(LIGHT, jobs)
    qtbot.addWidget(made)
    made.resize(760, 460)
    made.show()
    return made


@pytest.fixture
def commands(panel: ExamplesPanel) -> list[Any]:
    found: list[Any] = []

    def note(command: object) -> None:
        found.append(command)

    panel.command_issued.connect(note)
    return found


def start_of_run() -> Trainer:
    return make_trainer(n_samples=150, hidden=(6,), learning_rate=0.1, seed=1)


@pytest.fixture
def trainer() -> Trainer:
    """A run on digits with rises of the errors, and samples that go wrong."""
    made = start_of_run()
    made.step(150)
    assert len(made.snapshot().history.error_rises)
    return made


def settle(panel: ExamplesPanel, qtbot: QtBot, snapshot: Snapshot) -> Chronicle:
    panel.show_snapshot(snapshot)

    def is_there() -> bool:
        panel.tick()
        return panel._job is None and panel._asked == (snapshot.generation, snapshot.n_steps)

    qtbot.waitUntil(is_there, timeout=WAIT_MS)
    assert panel._chronicle is not None and panel._error_text == "" and panel.shown_error == ""
    return panel._chronicle


def test_the_columns_are_moments_with_the_errors_of_the_history(
    panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer
) -> None:
    snapshot = trainer.snapshot()
    chronicle = settle(panel, qtbot, snapshot)
    steps = [point.step for point in chronicle.moments]
    assert chronicle.n_errors.tolist() == snapshot.history["n_errors"][steps].tolist()
    n_lost = int((chronicle.n_lost > 0).sum())
    assert f"{n_lost} of 150 went wrong" in texts(panel.legend)
    assert n_lost > 0
    assert panel.board.visible_samples()[0] == int(chronicle.order()[0])


def test_at_first_a_sample_is_shown_that_went_wrong(
    panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer
) -> None:
    chronicle = settle(panel, qtbot, trainer.snapshot())
    sample, moment = panel.board.sample, panel.board.moment
    assert sample == chronicle.order()[0]
    assert chronicle.right[moment - 1, sample] and not chronicle.right[moment, sample]
    assert f"Sample {sample}, class {trainer.data.y[sample]}: right → wrong" in panel.heading.text()


def test_the_bars_and_the_numbers_are_those_before_and_after(
    panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer
) -> None:
    chronicle = settle(panel, qtbot, trainer.snapshot())
    panel.board._choose_by_hand(11, 7)
    two = [standing(trainer.net, chronicle.moments[k].theta, trainer.data, 11) for k in (6, 7)]
    assert panel.bars.before.tolist() == two[0].outputs.tolist()
    assert panel.bars.after.tolist() == two[1].outputs.tolist()
    assert panel.bars.label == trainer.data.y[11]
    steps = [chronicle.moments[k].step for k in (6, 7)]
    assert f"step {steps[0]} → {steps[1]}" in panel.numbers.text()
    assert f"loss {two[0].loss:.4g} → {two[1].loss:.4g}" in panel.numbers.text()
    fell = "fell" if two[1].loss < two[0].loss else "rose"
    assert f"its own loss {fell}" in panel.numbers.text()
    assert panel.picture.values is not None and panel.picture.values.shape == (8, 8)


def test_keys_move_the_choice(panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer) -> None:
    chronicle = settle(panel, qtbot, trainer.snapshot())
    order, board = chronicle.order(), panel.board
    QTest.keyClick(board, Qt.Key.Key_Down)
    assert board.sample == order[1]
    assert f"Sample {order[1]}," in panel.heading.text()
    QTest.keyClick(board, Qt.Key.Key_Up)
    QTest.keyClick(board, Qt.Key.Key_Home)
    assert (board.sample, board.moment) == (order[0], 0)
    flips = chronicle.flip_moments(board.sample).tolist()
    for flip in flips:
        QTest.keyClick(board, Qt.Key.Key_Right, SHIFT)
        assert board.moment == flip
    QTest.keyClick(board, Qt.Key.Key_Right, SHIFT)
    assert board.moment == flips[-1]
    QTest.keyClick(board, Qt.Key.Key_Left)
    assert board.moment == flips[-1] - 1
    QTest.keyClick(board, Qt.Key.Key_End)
    assert board.moment == len(chronicle.moments) - 1
    QTest.keyClick(board, Qt.Key.Key_PageDown)
    QTest.keyClick(board, Qt.Key.Key_PageDown)
    QTest.keyClick(board, Qt.Key.Key_PageDown)
    assert board.sample in board.visible_samples()


def test_a_click_chooses_the_cell_and_cells_say_right_and_wrong(
    panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer
) -> None:
    chronicle = settle(panel, qtbot, trainer.snapshot())
    rect, n = panel.board._board_rect(), len(chronicle.moments)
    at = QPointF(rect.left() + 20.5 * rect.width() / n, rect.top() + 2.5 * panel.board._row_px())
    QTest.mouseClick(panel.board, Qt.MouseButton.LeftButton, pos=at.toPoint())
    assert (panel.board.sample, panel.board.moment) == (int(chronicle.order()[2]), 20)
    image = panel.board.grab().toImage()
    row = panel.board.visible_samples().index(panel.board.sample) + 3
    sample = panel.board.visible_samples()[row]
    y = round(rect.top() + (row + 0.5) * panel.board._row_px())
    width = rect.width() / n
    for moment in (2, 40, n - 3):
        colour = image.pixelColor(round(rect.left() + (moment + 0.5) * width), y)
        is_right = bool(chronicle.right[moment, sample])
        assert (colour == QColor(LIGHT.grid)) == is_right
        assert (colour == QColor(LIGHT.errors)) != is_right


def test_the_choice_stays_while_the_run_goes_on(panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer) -> None:
    chronicle = settle(panel, qtbot, trainer.snapshot())
    panel.board._choose_by_hand(23, 12)
    step = chronicle.moments[12].step
    trainer.step(600)  # checkpoints are thinned out meanwhile
    later = settle(panel, qtbot, trainer.snapshot())
    assert panel.board.sample == 23
    assert later.moments[panel.board.moment].step >= step
    assert later.moments[panel.board.moment - 1].step <= step
    assert 23 in panel.board.visible_samples()


def test_going_before_the_rise_and_one_step_shows_the_flip(
    panel: ExamplesPanel, qtbot: QtBot, commands: list[Any], trainer: Trainer
) -> None:
    trainer.step(700)  # the stride is above 1 now: the step before a rise need not be a checkpoint
    snapshot = trainer.snapshot()
    settle(panel, qtbot, snapshot)
    rise = int(snapshot.history.error_rises[-1])
    n_errors = snapshot.history["n_errors"][rise - 1 : rise + 1].tolist()
    assert f"({rise - 1:,})" in panel.rise_button.text()
    panel.rise_button.click()
    assert commands == [GoTo(rise - 1)]
    trainer.apply(commands[0])
    settle(panel, qtbot, trainer.snapshot())
    trainer.step(1)
    chronicle = settle(panel, qtbot, trainer.snapshot())
    assert [point.step for point in chronicle.moments[-2:]] == [rise - 1, rise]
    assert chronicle.n_errors[-2:].tolist() == n_errors
    assert panel.board._rose[-1]
    sample = panel.board.sample
    assert chronicle.right[-2, sample] and not chronicle.right[-1, sample]
    assert f"class 0: {float(panel.bars.before[0])!r} to" in panel.bars.toolTip()


def test_moments_that_the_run_has_forgotten_are_dropped(
    panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer
) -> None:
    trainer.step(601)
    settle(panel, qtbot, trainer.snapshot())
    assert [point.step for point in panel._kept] == [751]
    trainer.apply(GoTo(700))
    trainer.perturb("noise", scale=0.5, seed=0)
    trainer.step(60)
    chronicle = settle(panel, qtbot, trainer.snapshot())
    assert 751 not in [point.step for point in chronicle.moments]


def test_the_button_goes_to_the_framed_step(
    panel: ExamplesPanel, qtbot: QtBot, commands: list[Any], trainer: Trainer
) -> None:
    chronicle = settle(panel, qtbot, trainer.snapshot())
    panel.board._choose_by_hand(5, 30)
    assert panel.go_button.text() == f"Go to {chronicle.moments[29].step:,}"
    panel.go_button.click()
    assert commands == [GoTo(chronicle.moments[29].step)]


def test_the_boxes_ask_the_engine_for_stops_and_follow_what_it_says(
    panel: ExamplesPanel, qtbot: QtBot, commands: list[Any]
) -> None:
    trainer = start_of_run()
    settle(panel, qtbot, trainer.snapshot())
    assert not panel.stop_box.isChecked() and not panel.loss_box.isChecked()
    panel.stop_box.click()
    assert commands == [PauseAtRise(errors=True)]
    trainer.apply(commands[0])
    panel.show_snapshot(trainer.snapshot())
    assert panel.stop_box.isChecked()
    panel.loss_box.click()
    assert commands[1:] == [PauseAtRise(errors=True, loss=True)]
    panel.show_snapshot(trainer.snapshot())  # the engine has not said so
    assert not panel.loss_box.isChecked()


def test_a_run_that_stands_on_a_rise_is_compared_with_the_very_step_before(
    panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer
) -> None:
    trainer.step(500)
    trainer.apply(PauseAtRise(errors=True))
    trainer.step(200)
    assert trainer.reason
    snapshot = trainer.snapshot()
    assert snapshot.n_steps - 1 not in [point.step for point in snapshot.path]
    chronicle = settle(panel, qtbot, snapshot)
    steps = [point.step for point in chronicle.moments[-2:]]
    assert steps == [snapshot.n_steps - 1, snapshot.n_steps]
    assert chronicle.n_errors[-2:].tolist() == snapshot.history["n_errors"][steps].tolist()
    sample = panel.board.sample
    assert chronicle.right[-2, sample] and not chronicle.right[-1, sample]
    note = panel.note_label.text()
    assert snapshot.reason in note and f"Step {snapshot.n_steps:,}: " in note
    assert f"{int((chronicle.right[-2] & ~chronicle.right[-1]).sum())}" in note.split("went wrong")[0]


def test_the_very_step_of_a_flip_is_found_and_compared(
    panel: ExamplesPanel, qtbot: QtBot, commands: list[Any], trainer: Trainer
) -> None:
    trainer.step(1200)
    chronicle = settle(panel, qtbot, trainer.snapshot())
    steps = np.array([point.step for point in chronicle.moments])
    changed = np.argwhere((chronicle.right[1:] != chronicle.right[:-1]) & (np.diff(steps) > 1)[:, None])
    before, sample = map(int, changed[0])
    panel.board._choose_by_hand(sample, before + 1)

    def is_found() -> bool:
        panel.tick()
        return not panel._finder.is_looking

    qtbot.waitUntil(is_found, timeout=WAIT_MS)
    flip = panel._finder.flip(chronicle.moments[before], chronicle.moments[before + 1], sample)
    assert flip is not None and flip.is_step
    assert steps[before] <= flip.before.step < flip.after.step <= steps[before + 1]
    assert f"step {flip.before.step:,} → {flip.after.step:,}" in panel.numbers.text()
    two = [standing(trainer.net, point.theta, trainer.data, sample) for point in (flip.before, flip.after)]
    assert (two[0].margin > 0) == chronicle.right[before, sample]
    assert (two[1].margin > 0) == chronicle.right[before + 1, sample]
    assert panel.bars.before.tolist() == two[0].outputs.tolist()
    panel.go_button.click()
    assert commands == [GoTo(flip.before.step)]


def test_flips_that_cannot_be_repeated_are_told_of(panel: ExamplesPanel, qtbot: QtBot) -> None:
    trainer = make_trainer(n_samples=150, hidden=(6,), learning_rate=0.1, seed=1, batch_size=30)
    trainer.step(1300)
    chronicle = settle(panel, qtbot, trainer.snapshot())
    sample = int(chronicle.order()[0])
    panel.board._choose_by_hand(sample, int(chronicle.flip_moments(sample)[0]))

    def is_told() -> bool:
        panel.tick()
        return "full-batch" in panel.note_label.text()

    qtbot.waitUntil(is_told, timeout=WAIT_MS)


def test_shift_and_down_go_to_the_next_sample_that_flips_within_the_frame(
    panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer
) -> None:
    chronicle = settle(panel, qtbot, trainer.snapshot())
    flipped = chronicle.right[1:] != chronicle.right[:-1]
    moment = int(flipped.sum(axis=1).argmax()) + 1
    rows = [int(k) for k in chronicle.order() if flipped[moment - 1, k]]
    panel.board._choose_by_hand(rows[0], moment)
    for sample in (*rows[1:], rows[-1]):
        QTest.keyClick(panel.board, Qt.Key.Key_Down, SHIFT)
        assert (panel.board.sample, panel.board.moment) == (sample, moment)
    QTest.keyClick(panel.board, Qt.Key.Key_Up, SHIFT)
    assert panel.board.sample == rows[-2]


def test_a_sample_chosen_here_is_told_and_one_from_elsewhere_is_taken(
    panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer
) -> None:
    chronicle = settle(panel, qtbot, trainer.snapshot())
    told: list[int] = []
    panel.sample_chosen.connect(told.append)
    panel.board._choose_by_hand(23, 5)
    assert told == [23]
    panel.take_sample(77)
    assert told == [23] and "Sample 77," in panel.heading.text()
    assert 77 in panel.board.visible_samples() and panel.board.moment == 5
    panel.take_sample(10**6)  # of other data
    assert panel.board.sample == 77
    again = start_of_run()
    again.run_id = 5
    again.step(40)
    settle(panel, qtbot, again.snapshot())
    assert panel.board.sample == 77 and len(chronicle.moments) > 40  # the data are the same


def test_short_bars_have_a_scale_of_their_own(panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer) -> None:
    settle(panel, qtbot, trainer.snapshot())
    lengths = []
    for largest, scale in ((1.0, 1.0), (0.08, 0.1), (0.1, 0.1), (0.2, 0.25), (0.5, 0.5), (0.51, 1.0)):
        values = np.array([largest, 0.01, 0.0])
        panel.bars.show_bars(values, values, 0)
        assert panel.bars.scale == scale
        image = panel.bars.grab().toImage()
        green = [
            sum(image.pixelColor(x, y) == QColor(LIGHT.gradient) for x in range(image.width()))
            for y in range(0, image.height(), 4)
        ]
        lengths.append(max(green))
        assert lengths[-1] == pytest.approx(lengths[0] * largest / scale, abs=2.0)


def test_the_bars_always_tell_what_their_width_stands_for(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = ProbabilityBars(LIGHT)
    qtbot.addWidget(bars)
    written: list[float] = []
    monkeypatch.setattr(bars, "_paint_scale", lambda *place: written.append(bars.scale))
    for values in (np.array([0.49, 0.51]), np.array([0.3, 0.3, 0.4])):
        bars.show_bars(values, values, 0)
        bars.grab()
    assert written == [1.0, 0.5]


def test_where_there_is_little_room_the_least_probable_classes_have_no_bars(qtbot: QtBot) -> None:
    bars = ProbabilityBars(LIGHT)
    qtbot.addWidget(bars)
    bars.show_bars(np.linspace(0.01, 0.2, 10), np.linspace(0.01, 0.2, 10), label=0)
    for height, rows in ((300, [*range(10)]), (96, [0, 6, 7, 8, 9]), (20, [0, 8, 9])):
        bars.resize(200, height)
        assert bars.rows_in_sight() == rows
        assert len(bars.texts()) == 10


def test_a_run_that_moves_is_followed_at_a_calm_pace(
    panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer
) -> None:
    settle(panel, qtbot, trainer.snapshot())
    panel._rest_until_s = float("inf")
    trainer.step(3)
    panel.show_snapshot(running(trainer.snapshot()))
    panel.tick()
    assert panel._job is None
    settle(panel, qtbot, trainer.snapshot())


def test_a_hidden_panel_computes_nothing(panel: ExamplesPanel, trainer: Trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    panel.hide()
    panel.tick()
    assert panel._job is None


def test_other_data_and_losses_are_drawn(panel: ExamplesPanel, qtbot: QtBot, trainer: Trainer) -> None:
    settle(panel, qtbot, trainer.snapshot())
    settings: list[dict[str, Any]] = [
        {"data": "xor", "loss": "squared"},
        {"data": "moons", "hidden": ()},
        {"data": "digits", "n_samples": 30, "loss": "quadratic"},
    ]
    for number, some in enumerate(settings, 1):
        other = Trainer.from_config(RunConfig(**some))
        other.run_id = number
        other.step(4)
        panel.set_theme(DARK if number % 2 else LIGHT)
        settle(panel, qtbot, other.snapshot())
        panel.grab()
        assert panel.shown_error == ""
        assert panel.bars.isVisible() == (some.get("loss") != "squared")
        assert panel.board.sample < other.data.n_samples


def test_the_start_alone_is_one_moment(panel: ExamplesPanel, qtbot: QtBot) -> None:
    chronicle = settle(panel, qtbot, make_trainer(hidden=(4,)).snapshot())
    assert len(chronicle.moments) == 1
    assert not panel.rise_button.isEnabled()
    QTest.keyClick(panel.board, Qt.Key.Key_Right)
    assert panel.board.moment == 0
    panel.grab()
    assert np.array_equal(panel.bars.before, panel.bars.after)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], "none"), ([7], "sample 7"), ([7, 1308], "2 samples (7, 1,308)"), ([*range(40)], "40")],
)
def test_who_flipped_is_named_in_words(numbers: list[int], text: str) -> None:
    assert named(np.array(numbers, dtype=np.int64)) == text
