"""The gradients panel, fed with fixed snapshots and with jobs that go on only when the test says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from panel_tools import HandJobs, hand_jobs, hand_panel, make_trainer, texts
from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot

from engine import MLP, Dataset
from engine.activity import probabilities
from engine.claims.losses.tools import logit_gradients, random_logits
from engine.disparities import per_example, with_loss
from engine.trainer import Trainer
from gui.panels.gradients import GradientsPanel, least_bound, lower_bound, recorded_line, upper_bound
from gui.scatter import stamped
from gui.theme import DARK

jobs, panel = hand_jobs(), hand_panel(GradientsPanel, 800, 460)


@pytest.fixture
def trainer() -> Trainer:
    made = make_trainer(n_samples=40, hidden=(3,), learning_rate=1.0)
    made.step(20)
    return made


def norm_of(trainer: Trainer, loss: str) -> float:
    return float(np.linalg.norm(with_loss(trainer.net, loss).gradient(trainer.theta, trainer.data)))


@pytest.mark.parametrize("loss", ["cross_entropy", "quadratic"])
def test_the_trained_norm_has_every_step_and_the_other_those_computed(
    panel: Any, compute: Any, loss: str
) -> None:
    trainer = make_trainer(n_samples=40, hidden=(3,), loss=loss, learning_rate=1.0)
    trainer.step(20)
    compute(trainer)
    other = {"cross_entropy": "quadratic", "quadratic": "cross_entropy"}[loss]
    assert panel.curves[loss].x.tolist() == list(range(21))
    assert panel.curves[loss].y.tolist() == pytest.approx(np.log10(trainer.history["gradient_norm"]).tolist())
    assert panel.curves[other].x.tolist() == panel.marks[other].x.tolist() == [20]
    assert 10 ** panel.curves[other].y[0] == pytest.approx(norm_of(trainer, other))
    assert f"{loss.replace('_', '-')} {trainer.history['gradient_norm'][-1]:.4g}" in texts(panel.legend)


def test_what_the_run_records_is_drawn_instead(panel: Any, compute: Any) -> None:
    trainer = make_trainer(n_samples=40, hidden=(3,), record_disparities=5)
    trainer.step(20)
    compute(trainer)
    assert panel.curves["quadratic"].x.tolist() == [0, 5, 10, 15, 20]
    recorded = trainer.history["gradient_norm_quadratic"]
    assert panel.curves["quadratic"].y.tolist() == pytest.approx(np.log10(recorded).tolist())
    panel.plot.pointed.emit((11.0, 0.0))
    text = panel.caption.text()
    assert f"quadratic {float(recorded[2])!r} at step 10" in text
    assert f"cross-entropy {float(trainer.history['gradient_norm'][11])!r} at step 11" in text


def test_a_long_record_keeps_its_extremes() -> None:
    trainer = make_trainer(n_samples=10, hidden=(2,), record_disparities=1)
    trainer.step(3000)
    view = trainer.history.view()
    steps, values = recorded_line(view, "gradient_norm_quadratic", 0, 3000)
    series = view["gradient_norm_quadratic"]
    assert len(values) <= 1000 and (np.diff(steps) >= 0).all()
    assert (values.min(), values.max()) == (series.min(), series.max())
    few, _ = recorded_line(view, "gradient_norm_quadratic", 100, 110)
    assert few.tolist() == list(range(99, 112))


def test_every_example_is_drawn_where_the_engine_says(panel: Any, compute: Any, trainer: Trainer) -> None:
    compute(trainer)
    examples = per_example(trainer.net, trainer.data, trainer.theta)
    right, wrong = (cloud for cloud, _ in panel.scatter._groups)
    is_right = examples.margin > 0
    assert 0 < is_right.sum() < 40
    assert right.x.tolist() == examples.u_cross_entropy[is_right].tolist()
    assert wrong.y.tolist() == examples.u_quadratic[~is_right].tolist()
    assert f"{is_right.sum()} right; {(~is_right).sum()} wrong" in texts(panel.legend)
    assert "40 examples, largest ratio at the outputs" in panel.caption.text()
    assert "none above ½; by the weights" in panel.caption.text()
    panel.across_box.setCurrentIndex(1)
    assert right.x.tolist() == examples.p_true[is_right].tolist()


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_no_example_leaves_the_bounds_and_they_are_reached(n_classes: int) -> None:
    logits, y = random_logits(np.random.default_rng(0), 5_000, n_classes)
    p = probabilities(logits)
    quadratic, entropy = logit_gradients(p, y)
    u1, u2 = np.linalg.norm(quadratic, axis=1), np.linalg.norm(entropy, axis=1)
    p_true = p[np.arange(len(y)), y]
    slack = 1.0 + 1e-9
    assert (u1 <= 0.5 * u2 * slack).all() and (u1 <= upper_bound(p_true) * slack + 1e-15).all()
    assert (u1 * slack + 1e-12 >= lower_bound(p_true, n_classes)).all()
    assert (u1 * slack + 1e-12 >= least_bound(u2, n_classes)).all()
    alike = np.full((1, n_classes), 0.6 / (n_classes - 1))
    alike[0, 0] = 0.4
    reached, _ = logit_gradients(alike, np.array([0]))
    assert np.linalg.norm(reached) == pytest.approx(float(lower_bound(0.4, n_classes)))


def test_a_click_chooses_the_nearest_example_and_tells_its_numbers(
    panel: Any, compute: Any, trainer: Trainer, qtbot: QtBot
) -> None:
    compute(trainer)
    examples = per_example(trainer.net, trainer.data, trainer.theta)
    scatter, number = panel.scatter, 17
    scene = scatter._box.mapViewToScene(QPointF(scatter._x[number], scatter._y[number]))
    place = scatter.mapFromScene(scene)
    qtbot.mouseClick(scatter.viewport(), Qt.MouseButton.LeftButton, pos=place)
    chosen = scatter.chosen
    away = np.hypot(scatter._x - scatter._x[number], scatter._y - scatter._y[number])
    assert away[chosen] <= away.max() * 0.02
    text = panel.caption.text()
    assert text.startswith(f"Example {chosen:,} at step 20, class {trainer.data.y[chosen]}, ")
    assert f"‖u‖ quadratic {examples.u_quadratic[chosen]:.6g}" in text
    assert f"cross-entropy {examples.weights_cross_entropy[chosen]:.6g}" in text
    assert panel.summary() == text


def test_arrows_choose_across_and_by_number(panel: Any, compute: Any, trainer: Trainer, qtbot: QtBot) -> None:
    compute(trainer)
    scatter, order = panel.scatter, np.argsort(panel.scatter._x)
    for _ in range(2):
        qtbot.keyClick(scatter, Qt.Key.Key_Left)
    assert scatter.chosen == order[-2]
    qtbot.keyClick(scatter, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert scatter.chosen == order[-12]
    scatter.choose(5)
    qtbot.keyClick(scatter, Qt.Key.Key_Up)
    assert scatter.chosen == 6
    qtbot.keyClick(scatter, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert scatter.chosen == 0
    assert panel.caption.text().startswith("Example 0 at step 20")


def test_the_choice_stays_while_the_run_goes_on(panel: Any, compute: Any, trainer: Trainer) -> None:
    compute(trainer)
    panel.scatter.choose(7)
    trainer.step(5)
    compute(trainer)
    assert panel.caption.text().startswith("Example 7 at step 25")
    assert panel.found.steps == [20, 25]
    panel.show_snapshot(replace(trainer.snapshot(), run_id=99))
    assert panel.scatter.chosen is None and panel.found.steps == []


def test_the_squared_loss_has_no_second_loss_and_the_panel_says_so(panel: Any, jobs: HandJobs) -> None:
    trainer = make_trainer(n_samples=40, hidden=(3,), loss="squared", learning_rate=0.1)
    trainer.step(5)
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert jobs.jobs == [] and not panel.scatter.isVisible() and not panel.recompute_button.isEnabled()
    assert "has no probabilities" in panel.caption.text()
    assert panel.other.y.tolist() == pytest.approx(np.log10(trainer.history["gradient_norm"]).tolist())


def test_nothing_is_asked_while_hidden(panel: Any, jobs: HandJobs, trainer: Trainer) -> None:
    panel.hide()
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert jobs.jobs == []
    panel.show()
    assert len(jobs.jobs) == 1


def test_a_small_place_shows_one_plot(panel: Any, compute: Any, trainer: Trainer) -> None:
    compute(trainer)
    assert panel.plot.isVisible() and panel.scatter.isVisible()
    panel.resize(300, 250)
    assert not panel.plot.isVisible() and panel.scatter.isVisible()
    panel.across_box.setCurrentIndex(panel.across_box.findText("by step"))
    assert panel.plot.isVisible() and not panel.scatter.isVisible()
    assert "wrong" not in texts(panel.legend) and "quadratic" in texts(panel.legend)


def test_help_and_another_theme(panel: Any, compute: Any, trainer: Trainer) -> None:
    compute(trainer)
    assert len(panel.help_text) > 500
    panel.set_theme(DARK)
    image = panel.grab().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(60, image.height())}
    assert {DARK.gradient, DARK.symmetry, DARK.loss, DARK.errors} <= colours


def test_the_symbols_of_a_few_are_larger(panel: Any) -> None:
    n = np.arange(60)
    panel.scatter.show_points(n / 60.0, n / 60.0, (n < 3).astype(np.int64))
    (many, _), (few, _) = panel.scatter._groups
    assert (len(many.x), many.enlarged, len(few.x), few.enlarged) == (57, 1, 3, 2)


def test_stamps_cover_what_a_loop_covers() -> None:
    rng = np.random.default_rng(0)
    columns, rows = rng.uniform(-8, 38, 60), rng.uniform(-8, 28, 60)
    stamp = np.array([[False, True, False], [True, True, True], [False, True, False]])
    expected = np.zeros((20, 30), dtype=bool)
    for column, row in zip(np.rint(columns).astype(int), np.rint(rows).astype(int), strict=True):
        for dy, dx in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
            if 0 <= row + dy < 20 and 0 <= column + dx < 30:
                expected[row + dy, column + dx] = True
    assert np.array_equal(stamped(columns, rows, stamp, (20, 30)), expected)


def test_examples_beyond_the_line_of_the_weights_are_drawn_and_named(panel: Any, compute: Any) -> None:
    net, p = MLP((1, 1, 3), "relu"), np.array([0.3, 0.6, 0.1])
    far = 20.0 * np.array([0.3112864, 0.49805825, -0.80934465])  # the witness of gradient-bound-weights
    theta = np.concatenate(([1.0, 0.0], far, np.log(p) - far))
    run = Trainer(net, Dataset(np.ones((3, 1)), [0, 1, 2]), theta, 1e-9)
    compute(run)
    examples = per_example(run.net, run.data, run.theta)
    across, up = examples.weights_cross_entropy, examples.weights_quadratic
    above = np.flatnonzero(up > 0.5 * across * (1 + 1e-12))
    assert len(above)
    worst = int((up / across).argmax())
    by_weights = panel.caption.text().split("by the weights ")[1]
    assert f"(example {worst}), {len(above)} above ½: {worst}" in by_weights
    panel.across_box.setCurrentIndex(panel.across_box.findText("by weights"))
    drawn = np.concatenate([cloud.x for cloud, _ in panel.scatter._groups])
    assert sorted(drawn) == sorted(across)
    assert panel.half.y == pytest.approx(0.5 * panel.half.x) and panel.half.x[-1] >= across.max()
    (left, right), (bottom, top) = panel.scatter.view
    assert left < across.min() and across.max() <= right and bottom < 0 and up.max() <= top
    assert "least" not in texts(panel.legend)
    panel.grab()
    panel.across_box.setCurrentIndex(0)
    assert "least" in texts(panel.legend)


def test_an_example_chosen_elsewhere_is_marked_as_soon_as_its_numbers_are_known(
    panel: Any, compute: Any, trainer: Trainer
) -> None:
    told: list[int] = []
    panel.sample_chosen.connect(told.append)
    panel.show_snapshot(trainer.snapshot())
    panel.take_sample(7)
    assert panel.scatter.chosen is None
    compute(trainer)
    assert panel.scatter.chosen == 7 and panel.caption.text().startswith("Example 7 at step 20")
    assert told == []
    panel.scatter.choose(3)
    assert told == [3]
