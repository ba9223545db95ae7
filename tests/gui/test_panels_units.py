"""The symmetry and the weights panel, fed with fixed snapshots; what they draw is read back from their items."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from panel_tools import bare_trainer, make_trainer, run_snapshot, running, texts, with_history
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QTransform
from pytestqt.qtbot import QtBot

from engine import RunConfig, Trainer
from engine.lessons import load_lesson
from engine.symmetry import unit_distances, unit_parameters
from gui import numerals, unit_lines
from gui.panels.symmetry import (
    MOST_UNITS,
    SymmetryPanel,
    colour_numbers,
    fitting_decades,
    groups_text,
    verdict,
)
from gui.panels.weights import WeightsPanel, steady_limit
from gui.region_plots import class_shape
from gui.theme import DARK, LIGHT
from gui.tiles import GAP_PX, fitting_layout, signed_numbers


def constant_run(n_steps: int, **settings: Any) -> Any:
    trainer = make_trainer(hidden=(6,), init="constant", **settings)
    if n_steps:
        trainer.step(n_steps)
    return trainer


# symmetry


@pytest.mark.parametrize(("hidden", "words"), [((), "no hidden units"), ((1,), "one hidden unit")])
def test_with_nothing_to_compare_nothing_is_left_of_the_run_before(
    show: Any, hidden: tuple[int, ...], words: str
) -> None:
    panel = show(SymmetryPanel, constant_run(5).snapshot())
    assert "equal to the last bit" in panel.note_label.text()
    panel.show_snapshot(run_snapshot(5, hidden=hidden))
    assert texts(panel.legend) == words
    assert panel.note_label.text() == ""
    assert panel.nothing.isVisible() and not panel.body.isVisible()
    assert "identical" not in panel.accessibleName() + panel.summary()


def test_a_layer_of_a_single_unit_is_drawn_too(show: Any) -> None:
    panel = show(SymmetryPanel, run_snapshot(5, hidden=(1, 2)))
    assert texts(panel.legend).startswith("1 unit;")
    drawn = panel.grab().toImage()
    zero = QColor(LIGHT.symmetry).rgb()
    n_zero = sum(drawn.pixel(x, y) == zero for x in range(drawn.width()) for y in range(0, drawn.height(), 8))
    assert n_zero > 500 and panel.shown_error == ""


def test_in_a_narrow_place_nothing_lies_on_anything_else(show: Any, qtbot: QtBot) -> None:
    panel = show(SymmetryPanel, run_snapshot(20, hidden=(32,)))
    assert panel.bar.extra == ("symmetry", "identical")
    panel.resize(272, 260)
    qtbot.waitUntil(lambda: panel.bar.extra == ("symmetry", "0"))
    qtbot.waitUntil(lambda: panel.bar.width() == panel.bar.sizeHint().width())
    parts = (panel.matrix_plot, panel.bar, panel.spread_plot)
    for left, right in pairwise(part.geometry() for part in parts):
        assert left.right() < right.left()
    assert panel.spread_plot.geometry().right() <= panel.body.width()
    panel.grab()  # lays out the plots, too
    ticks = panel.matrix_plot.x_axis.major_ticks(), panel.spread_plot.x_axis.major_ticks()
    assert len(ticks[0]) >= 1 and len(ticks[1]) >= 2


def test_in_a_low_place_the_matrix_leaves_the_width_to_the_curve(show: Any, qtbot: QtBot) -> None:
    panel = show(SymmetryPanel, Trainer.from_config(load_lesson("saddle-escape").config).snapshot())
    panel.resize(620, 240)
    box = panel.matrix_plot.getViewBox()
    qtbot.waitUntil(lambda: panel.height() == 240 and abs(box.width() - box.height()) <= 2)
    assert panel.spread_plot.width() > 1.5 * panel.matrix_plot.width()
    panel.resize(620, 500)  # and takes it again where it can be higher
    qtbot.waitUntil(lambda: abs(panel.spread_plot.width() / panel.matrix_plot.width() - 10 / 9) < 0.1)


def test_equal_units_are_called_identical_and_have_the_colour_of_zero(show: Any) -> None:
    snapshot = constant_run(20).snapshot()
    panel = show(SymmetryPanel, snapshot)
    assert "6 units, 1 distinct" in texts(panel.legend)
    assert "identical to the last bit" in texts(panel.legend)
    zero = QColor(LIGHT.symmetry)
    pixels = panel.image.image
    assert pixels.shape == (6, 6, 4)
    assert (pixels[..., :3] == [zero.red(), zero.green(), zero.blue()]).all()
    assert panel.bar.extra == ("symmetry", "identical")
    assert panel.zero_mark.x.tolist() == [20.0]
    assert panel.spread_plot.curves[0].y.tolist() == [-20.0] * 21
    assert "Spread 0.0: identical to the last bit" in panel.summary()


def test_the_matrix_shows_the_distances_of_the_chosen_layer(show: Any) -> None:
    snapshot = run_snapshot(10, hidden=(7, 5))
    panel = show(SymmetryPanel, snapshot)
    assert panel.layer_box.isVisible()
    for layer in (1, 2):
        panel._choose_layer(layer - 1)
        expected = unit_distances(unit_parameters(snapshot.net, snapshot.theta, layer))
        assert panel._distances.tolist() == expected.tolist()
        zero = QColor(LIGHT.symmetry)
        is_zero = (panel.image.image[..., :3] == [zero.red(), zero.green(), zero.blue()]).all(axis=2)
        assert is_zero.tolist() == np.eye(len(expected), dtype=bool).tolist()


def test_one_bit_of_difference_is_not_the_colour_of_zero() -> None:
    distances = np.array([[0.0, 5e-324], [5e-324, 0.0]])
    assert colour_numbers(distances, (-17, 0)).tolist() == [[0, 1], [1, 0]]


def test_colours_rise_with_the_distance() -> None:
    distances = np.array([1e-6, 1e-5, 1e-3, 0.1, 1.0])
    numbers = colour_numbers(distances, (-6, 0)).tolist()
    assert numbers[0] == 1
    assert numbers[-1] == 255
    assert numbers == sorted(set(numbers))


def test_decades_hold_the_distances_and_stay_while_they_fit() -> None:
    distances = np.array([[0.0, 3e-5], [3e-5, 0.02]])
    assert fitting_decades(distances, None) == (-5, -1)
    assert fitting_decades(distances, (-6, 0)) == (-6, 0)
    assert fitting_decades(distances, (-4, 0)) == (-5, -1)
    assert fitting_decades(distances, (-12, 0)) == (-5, -1)
    assert fitting_decades(np.zeros((3, 3)), None) == (-17, 0)


def test_a_kick_is_named_as_what_broke_the_symmetry(show: Any) -> None:
    trainer = constant_run(5)
    trainer.perturb("break_symmetry", scale=1e-9, unit=2)
    trainer.step(3)
    history = trainer.snapshot().history
    size = history["symmetry_spread"][6]
    assert size > 0.0
    assert verdict(history) == f"broken by a kick (break symmetry) after step 5, size {numerals.short(size)}"
    assert "2 distinct" in texts(show(SymmetryPanel, trainer.snapshot()).legend)


def test_rounding_is_named_as_what_broke_the_symmetry() -> None:
    spread = np.zeros(300)
    spread[200:] = 3e-17
    snapshot = with_history(run_snapshot(0), np.ones(300), spread=spread)
    assert verdict(snapshot.history) == "broken by rounding at step 200, size 3e−17"


def test_a_permutation_does_not_break_the_symmetry() -> None:
    trainer = constant_run(5)
    trainer.perturb("permute", seed=1)
    trainer.step(2)
    assert verdict(trainer.snapshot().history) == "identical to the last bit"


def test_a_random_start_was_not_symmetric() -> None:
    assert verdict(run_snapshot(2).history) == "the start was not symmetric"


def test_a_network_without_hidden_layer_is_told_and_the_next_one_drawn(show: Any) -> None:
    panel = show(SymmetryPanel, run_snapshot(2, hidden=()))
    assert panel.nothing.isVisible()
    assert "no hidden layer" in panel.summary()
    panel.show_snapshot(run_snapshot(2, hidden=(4,)))
    assert not panel.nothing.isVisible()
    assert panel._distances.shape == (4, 4)


def test_a_wide_layer_is_cut_and_the_panel_says_so(show: Any) -> None:
    panel = show(SymmetryPanel, bare_trainer(3, (MOST_UNITS + 9,)).snapshot())
    assert panel.image.image.shape[:2] == (MOST_UNITS, MOST_UNITS)
    assert (
        panel.note_label.text()
        == f"ordered float64: no two units are equal. The matrix shows units 1 to {MOST_UNITS} of {MOST_UNITS + 9}."
    )
    assert f"{MOST_UNITS + 9} units, {MOST_UNITS + 9} distinct" in texts(panel.legend)


def test_pointing_at_a_cell_tells_the_exact_distance(show: Any) -> None:
    snapshot = run_snapshot(3, hidden=(4,))
    panel = show(SymmetryPanel, snapshot)
    panel.matrix_plot.pointed.emit((2.2, 3.9))
    distance = unit_distances(unit_parameters(snapshot.net, snapshot.theta, 1))[1, 3]
    assert panel.note_label.text() == f"Units 2 and 4 are {numerals.exact(distance)} apart."
    panel.matrix_plot.pointed.emit((3.0, 3.0))
    assert panel.note_label.text() == "Unit 3 is itself."
    panel.matrix_plot.pointed.emit((9.0, 3.0))
    assert panel.note_label.text() == "ordered float64: no two units are equal."


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([0, 0, 0], "equal to the last bit are units 1–3."),
        ([0, 1, 0, 0, 1, 2], "equal to the last bit are units 1, 3–4; 2, 5, 1 alone."),
        ([0, 1], "no two units are equal."),
        ([0], "one unit."),
        (
            list(range(8)) * 2,
            "equal to the last bit are units 1, 9; 2, 10; 3, 11; 4, 12; 5, 13; 6, 14; and 2 more groups.",
        ),
    ],
)
def test_groups_of_equal_units_are_listed(numbers: list[int], text: str) -> None:
    assert groups_text(np.array(numbers)) == text


def test_equal_units_have_a_sign_where_there_is_room(show: Any) -> None:
    trainer = make_trainer(n_samples=40, hidden=(4,), init="constant", arithmetic="blas")
    theta = trainer.theta
    theta[1] += 0.5  # one weight of the second unit
    panel = show(SymmetryPanel, Trainer(trainer.net, trainer.data, theta, arithmetic="blas").snapshot())
    panel.grab()
    assert panel.signs.n_drawn == 4 + 3 * 2  # itself, and each of three with the two others
    assert panel.note_label.text().startswith(
        "blas float64: equal to the last bit are units 1, 3–4, 1 alone."
    )
    assert "units 1, 3–4, 1 alone" in panel.summary()
    panel = show(SymmetryPanel, run_snapshot(1, n_samples=20, hidden=(120,), init="constant"))
    panel.grab()
    assert panel.signs.n_drawn == 0


def test_the_matrix_is_drawn_seldom_while_running_and_at_once_when_paused(
    show: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SymmetryPanel, "interval_s", 0.0)
    trainer = make_trainer(hidden=(4,))
    panel = show(SymmetryPanel, running(trainer.snapshot()))
    panel._pace._interval_s = 1e9
    first = panel._distances.copy()
    trainer.step(5)
    later = trainer.snapshot()
    panel.show_snapshot(running(later))
    panel.tick()
    assert panel._distances.tolist() == first.tolist()
    assert len(panel.spread_plot.curves[0].x) == 6
    panel.show_snapshot(later)
    assert panel._distances.tolist() != first.tolist()


def test_what_was_put_off_is_drawn_by_a_later_tick(show: Any) -> None:
    trainer = make_trainer(hidden=(4,))
    panel = show(SymmetryPanel, running(trainer.snapshot()))
    panel._pace._interval_s = 1e9
    first = panel._distances.copy()
    trainer.step(5)
    panel.show_snapshot(running(trainer.snapshot()))
    panel._pace._interval_s = 0.0
    panel.tick()  # the frame of the curve
    panel.tick()
    assert panel._distances.tolist() != first.tolist()


def test_a_frame_of_a_run_draws_the_spread_or_the_matrix(show: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SymmetryPanel, "interval_s", 0.0)
    trainer = make_trainer(hidden=(4,))
    panel = show(SymmetryPanel, running(trainer.snapshot()))
    panel._pace._interval_s = 0.0
    first = panel._distances.copy()
    trainer.step(5)
    panel.offer(running(trainer.snapshot()))
    panel.tick()
    assert len(panel.spread_plot.curves[0].x) == 6 and panel._distances.tolist() == first.tolist()
    panel.tick()
    assert panel._distances.tolist() != first.tolist()


def test_the_colours_of_a_run_that_rests_do_not_depend_on_what_was_drawn_on_the_way(show: Any) -> None:
    trainer = make_trainer(hidden=(4,))
    panel = show(SymmetryPanel, running(trainer.snapshot()))
    low, high = fitting_decades(panel._distances, None)
    panel._decades = (low - 1, high + 1)  # what some moment of the run needed, and would do still
    panel.show_snapshot(trainer.snapshot())
    assert panel._decades == (low, high)


# weights


def test_a_tile_is_the_unit_s_weights_in_the_shape_of_the_picture(show: Any) -> None:
    snapshot = run_snapshot(5, hidden=(6,))
    panel = show(WeightsPanel, snapshot)
    weights, _ = snapshot.net.layers(snapshot.theta)[0]
    assert panel.board.values.shape == (6, 8, 8)
    for unit in range(6):
        assert panel.board.values[unit].ravel().tolist() == weights[:, unit].tolist()
    largest = np.abs(weights).max()
    assert largest <= panel.board.limit <= 1.3 * largest
    limit = f"{panel.board.limit:g}"
    assert [text for _, text in panel.bar.texts] == [f"−{limit}", "0", f"+{limit}"]
    assert numerals.exact(weights.min()) in panel.summary()


def test_the_middle_of_the_scale_is_zero_and_its_ends_are_the_limit() -> None:
    values = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
    assert signed_numbers(values, 1.0).tolist() == [0, 0, 64, 127, 190, 254, 254]


def test_the_scale_stays_while_it_fits() -> None:
    assert steady_limit(0.9, 1.0) == 1.0
    assert steady_limit(1.05, 1.0) == pytest.approx(1.1)
    assert steady_limit(0.1, 1.0) == pytest.approx(0.1)
    assert steady_limit(0.0, 1.0) == 1.0
    assert steady_limit(0.0, 0.0) == 1.0  # a run that begins with zeros


def test_equal_units_are_framed_named_and_counted(show: Any) -> None:
    trainer = constant_run(4)
    trainer.perturb("break_symmetry", scale=0.5, unit=3)
    panel = show(WeightsPanel, trainer.snapshot())
    assert panel.board.labels == ("1", "2 = 1", "3 = 1", "4", "5 = 1", "6 = 1")
    assert "6 units, 2 distinct" in texts(panel.legend)
    image = panel.board.grab().toImage()
    for unit in range(6):
        rect = panel.board.tile_rect(unit)
        edge = image.pixelColor(rect.left() + 5, rect.top() - 1).name()
        assert (edge == LIGHT.symmetry) == (unit != 3)


def test_a_duplicated_unit_is_the_last_one_and_equal_to_its_original(show: Any) -> None:
    trainer = make_trainer(hidden=(5,))
    trainer.perturb("duplicate", unit=1)
    panel = show(WeightsPanel, trainer.snapshot())
    assert panel.board.labels == ("1", "2", "3", "4", "5", "6 = 2")


def test_as_many_tiles_as_fit_are_shown_and_counted(show: Any) -> None:
    panel = show(WeightsPanel, bare_trainer(64, (900,), image_shape=(8, 8)).snapshot())
    n_shown = panel.board.layout_now.n_shown
    assert 30 < n_shown < 900
    assert f"showing {n_shown} of 900" in texts(panel.legend)


def test_the_thirty_two_units_of_the_exam_fit_in_a_small_window() -> None:
    assert fitting_layout(32, (8, 8), (190, 200), label=(18, 17)).n_shown == 32


@pytest.mark.parametrize("widest", [18, 60, 90])
def test_tiles_have_labels_only_where_the_widest_fits(widest: int) -> None:
    found = fitting_layout(32, (8, 8), (1100, 250), label=(widest, 34))
    assert found.has_labels == (widest <= 64)
    assert found.width >= (widest if found.has_labels else 56)


@pytest.mark.parametrize("n", [1, 2, 7, 32, 100, 1000])
@pytest.mark.parametrize("size", [(600, 280), (200, 100), (900, 500)])
@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (96, 32)])
def test_tiles_lie_within_the_board(n: int, size: tuple[int, int], shape: tuple[int, int]) -> None:
    found = fitting_layout(n, shape, size, label=(18, 17))
    n_rows = -(-found.n_shown // found.n_columns)
    strip = 17 if found.has_labels else 0
    assert 1 <= found.n_shown <= n
    assert min(found.n_columns, found.n_shown) * (found.width + GAP_PX) - GAP_PX <= size[0]
    if found.n_shown > found.n_columns:
        assert n_rows * (found.height + GAP_PX + strip) - GAP_PX <= size[1]


def test_pointing_at_a_tile_tells_the_exact_weight(show: Any) -> None:
    snapshot = run_snapshot(5, hidden=(6,))
    panel = show(WeightsPanel, snapshot)
    panel.board.pointed.emit((2, 3, 4))
    weight = snapshot.net.layers(snapshot.theta)[0][0][3 * 8 + 4, 2]
    assert panel.note_label.text() == f"Unit 3, row 4, column 5: weight {numerals.exact(weight)}."
    rect = panel.board.tile_rect(2)
    assert panel.board._number_at(rect.center().toPointF()) == (2, 3, 3)
    assert panel.board._number_at(rect.topLeft().toPointF() - (rect.topLeft() * 2).toPointF()) is None


def test_few_inputs_without_a_picture_are_bars_and_many_a_row(show: Any) -> None:
    panel = show(WeightsPanel, bare_trainer(6).snapshot())
    assert panel.board.as_bars
    assert panel.board.values.shape == (4, 1, 6)
    assert panel.bar.texts[1] == (0.5, "0")
    panel.show_snapshot(bare_trainer(60).snapshot())
    assert not panel.board.as_bars
    panel.grab()


def test_two_inputs_are_lines_over_the_samples(show: Any) -> None:
    snapshot = bare_trainer(2).snapshot()
    panel = show(WeightsPanel, snapshot)
    assert panel.pages.currentWidget() is panel.lines
    weights, bias = snapshot.net.layers(snapshot.theta)[0]
    assert panel.lines.units.weights.tolist() == weights.T.tolist()
    assert panel.lines.units.bias.tolist() == bias.tolist()
    assert panel.lines.largest_norm == np.linalg.norm(weights, axis=0).max()
    panel.lines.pointed.emit((0.5, 0.5))
    assert panel.note_label.text().startswith("Nearest line: unit ")
    panel.grab()


def test_the_symbols_of_samples_are_told_by_a_key(show: Any) -> None:
    panel = show(WeightsPanel, bare_trainer(2).snapshot())
    looks = {key.text: key.look for key in panel.legend.keys if key.look}
    labels = np.unique(panel.lines.samples.y).tolist()
    assert looks == {f"class {label}": class_shape(label) for label in labels} and len(labels) > 1
    config = RunConfig(data="witness:three-units", hidden=(3,), loss="squared")
    panel.show_snapshot(Trainer.from_config(config).snapshot())
    assert [key.text for key in panel.legend.keys if key.look] == ["sample"]
    assert len(np.unique(panel.lines.samples.y)) == 1


def test_outputs_have_the_numbers_of_their_classes(show: Any) -> None:
    snapshot = Trainer.from_config(RunConfig(data="witness:two-samples", hidden=())).snapshot()
    panel = show(WeightsPanel, snapshot)
    assert panel.lines.units.labels == {0: "0", 1: "1"}
    panel.lines.pointed.emit((0.5, 0.5))
    assert panel.note_label.text().startswith("Nearest line: output of class ")
    panel.show_snapshot(run_snapshot(0, hidden=()))
    assert panel.board.labels == tuple(str(digit) for digit in range(10))
    weights = panel.board.values
    panel.board.pointed.emit((3, 0, 2))
    assert panel.note_label.text() == (
        f"Output of class 3, row 1, column 3: weight {numerals.exact(weights[3, 0, 2])}."
    )


def test_the_line_of_identical_units_has_the_colour_of_the_key() -> None:
    units = unit_lines._Units()
    units.apply_theme(LIGHT)
    for same_as, is_seen in (([0, 0], True), ([0, 1], False)):
        units.show_units(np.array([[1.0, 0.0]] * 2), np.array([-1.0] * 2), np.array(same_as), np.ones((1, 2)))
        image = QImage(200, 200, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        units.paint_pixels(painter, QTransform.fromScale(100.0, 100.0), QRectF(0.0, 0.0, 200.0, 200.0))
        painter.end()
        assert (image.pixelColor(100, 30) == QColor(LIGHT.symmetry)) is is_seen


def arrows_painted(
    weights: list[list[float]], bias: list[float], monkeypatch: pytest.MonkeyPatch
) -> list[tuple[float, float, float, float]]:
    """Return foot x, foot y, length and height of the label of each arrow on 200 x 200 pixels from (0, 0) to (2, 2)."""
    found = []
    units = unit_lines._Units()
    units.apply_theme(LIGHT)
    n = len(weights)
    units.show_units(np.array(weights), np.array(bias), np.arange(n), np.ones((1, 2)))
    monkeypatch.setattr(units, "_paint_label", lambda painter, at, label: labels.append(at))
    labels: list[QPointF] = []
    draw = units._paint_arrow

    def paint(painter: QPainter, inside: QRectF, arrow: Any, length: float, label: str) -> None:
        draw(painter, inside, arrow, length, label)
        found.append((arrow.foot.x(), arrow.foot.y(), length, labels[-1].y()))

    monkeypatch.setattr(units, "_paint_arrow", paint)
    image = QImage(200, 200, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    transform = QTransform(100.0, 0.0, 0.0, -100.0, 0.0, 200.0)
    units.paint_pixels(painter, transform, QRectF(0.0, 0.0, 200.0, 200.0))
    painter.end()
    return found


@pytest.mark.usefixtures("qapp")
def test_arrows_keep_within_the_plot_and_their_proportions(monkeypatch: pytest.MonkeyPatch) -> None:
    free = arrows_painted([[0.0, 2.0], [0.0, 1.0]], [-2.0, -1.0], monkeypatch)  # along y = 1
    assert [length for _, _, length, _ in free] == [46.0, 23.0]
    tight = arrows_painted([[0.0, 2.0], [0.0, 1.0]], [-3.1, -1.0], monkeypatch)  # the first along y = 1.55
    assert tight[0][2] == pytest.approx(45.0 - 10.0 - 16.0) and tight[1][2] == pytest.approx(
        0.5 * tight[0][2]
    )
    assert tight[0][3] == pytest.approx(10.0)  # above its tip, at the edge
    edge = arrows_painted([[0.0, 1.0]], [-1.85], monkeypatch)  # along y = 1.85
    assert edge[0][2] == pytest.approx(0.4 * 46.0) and edge[0][3] < 15.0


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(
    ("samples", "place"),
    [
        ([], (100.0, 34.0)),  # behind the tip
        ([(100.0, 30.0)], (84.0, 50.0)),  # a sample is there
        ([(100.0, 30.0), (80.0, 50.0)], (116.0, 50.0)),
    ],
)
def test_the_number_of_an_arrow_covers_no_sample(
    samples: list[tuple[float, float]], place: tuple[float, float]
) -> None:
    units = unit_lines._Units()
    units._taken = [QPointF(*sample) for sample in samples]
    tip, up, left = QPointF(100.0, 50.0), QPointF(0.0, -1.0), QPointF(-1.0, 0.0)
    at = units._label_place(tip, up, left, QRectF(10.0, 10.0, 180.0, 180.0))
    assert (at.x(), at.y()) == place
    cornered = units._label_place(QPointF(100.0, 12.0), up, left, QRectF(10.0, 10.0, 180.0, 180.0))
    assert abs(cornered.x() - 100.0) == 16.0  # not on the arrow


@pytest.mark.usefixtures("qapp")
def test_an_arrow_stands_where_its_line_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert arrows_painted([[0.0, 1.0]], [-9.0], monkeypatch) == []  # y = 9
    [(x, y, _, _)] = arrows_painted([[1.0, 1.0]], [-3.6], monkeypatch)  # x + y = 3.6
    assert 100.0 < x <= 190.0 and 0.0 <= y < 100.0 and x / 100.0 + (200.0 - y) / 100.0 == pytest.approx(3.6)
    assert arrows_painted([[1.0, 1.0]], [-3.95], monkeypatch) == []  # it cuts but the corner


def test_units_on_one_line_are_drawn_once_with_all_their_numbers(show: Any) -> None:
    trainer = bare_trainer(2, (5,))
    theta = trainer.net.init("constant", value=0.3)
    same = type(trainer)(trainer.net, trainer.data, theta).snapshot()
    panel = show(WeightsPanel, same)
    assert panel.lines.units.labels == {0: "1–5"}
    panel.grab()


def test_weights_of_zero_have_no_line_and_no_scale_of_zero(show: Any) -> None:
    trainer = bare_trainer(2, (3,))
    flat = type(trainer)(trainer.net, trainer.data, np.zeros(trainer.net.n_params)).snapshot()
    panel = show(WeightsPanel, flat)
    panel.grab()
    panel.lines.pointed.emit((0.0, 0.0))
    assert panel.note_label.text() == ""


def test_without_hidden_layer_the_outputs_are_shown(show: Any) -> None:
    panel = show(WeightsPanel, run_snapshot(2, hidden=()))
    assert "10 outputs" in texts(panel.legend)
    assert "10 outputs" in panel.summary()


@pytest.mark.parametrize("cls", [SymmetryPanel, WeightsPanel])
def test_another_theme_is_drawn(show: Any, cls: Any) -> None:
    panel = show(cls, constant_run(3).snapshot())
    panel.set_theme(DARK)
    image = panel.grab().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(0, 640) for y in range(0, 360)}
    assert DARK.symmetry in colours
    assert LIGHT.symmetry not in colours


def test_the_weight_of_a_single_input_stands_above_as_a_number(show: Any) -> None:
    trainer = bare_trainer(1, hidden=(2,))
    panel = show(WeightsPanel, trainer.snapshot())
    first, second = trainer.net.layers(trainer.theta)[0][0][0]
    written = f"w = {numerals.short(first)}, {numerals.short(second)}"
    assert written.replace("-", "−") in texts(panel.legend)
    panel.show_snapshot(bare_trainer(3, hidden=(2,)).snapshot())
    assert "w = " not in texts(panel.legend)
