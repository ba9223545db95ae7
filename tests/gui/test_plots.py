"""The plots: ticks, strokes, views, marks, and what is said under the pointer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from panel_tools import run_snapshot, with_history
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QTransform
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from gui import axes, numerals, plots
from gui.legends import Key, Legend
from gui.plot_items import (
    Curve,
    Jumps,
    Marks,
    Place,
    _Strokes,
    column_spans,
    cut_into_dashes,
    rug_height,
    steep_columns,
    strokes,
)
from gui.theme import DARK, LIGHT
from gui.time_plots import N_POINTS, Series, TimePlot, as_walked, first_in_columns


@pytest.fixture
def plot(qtbot: QtBot) -> Iterator[TimePlot]:
    made = TimePlot(LIGHT, "loss", (Series("loss", "loss", "loss"),))
    qtbot.addWidget(made)
    made.resize(640, 300)
    made.show()
    qtbot.waitExposed(made)
    return made


# numbers


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (0.23456, "0.2346"),
        (2.3e-17, "2.3e−17"),
        (-0.5, "−0.5"),
        (999.94, "999.9"),
        (2000.0, "2,000"),
        (9999.6, "10,000"),
        (12345.6, "12,346"),
        (float("inf"), "inf"),
    ],
)
def test_short_numbers(number: float, text: str) -> None:
    assert numerals.short(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.449989, "0.4500"),
        (0.5, "0.5000"),
        (24.7, "24.70"),
        (0.0, "0"),
        (7.2e-10, "7.2e−10"),
        (2000.0, "2,000"),
    ],
)
def test_measured_numbers_keep_their_zeros(number: float, text: str) -> None:
    assert numerals.measured(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_exact_text_reads_back_as_the_same_number(number: float) -> None:
    text = numerals.exact(number)
    assert float(numerals.unsigned(text)) == number and "-" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-0.15", "−0.15"),
        ("from -2.5e-07 to -inf", "from −2.5e−07 to −inf"),
        ("at (-1, -.5), w=-3", "at (−1, −.5), w=−3"),
        ("784-100-10 on one-hidden-layer, 2020-11", "784-100-10 on one-hidden-layer, 2020-11"),
        ("csv:/data/a-1/-2.csv", "csv:/data/a-1/-2.csv"),
    ],
)
def test_numbers_have_the_sign_of_minus_and_words_keep_their_hyphens(text: str, shown: str) -> None:
    assert numerals.signed(text) == shown


@given(st.floats(1e-12, 1e12))
def test_a_round_number_above_is_above_and_near(number: float) -> None:
    assert number * (1 - 1e-9) <= numerals.round_above(number) <= 1.2 * number


# ticks


@settings(max_examples=200)
@given(st.integers(0, 10**7), st.integers(1, 10**7), st.floats(2.0, 12.0))
def test_whole_axes_have_whole_ticks(low: int, width: int, n_ticks: float) -> None:
    [(_, ticks)] = axes.linear_ticks(low, low + width, n_ticks, is_whole=True)
    assert all(tick == round(tick) for tick in ticks)
    assert len(ticks) <= n_ticks + 2


@settings(max_examples=300)
@given(st.floats(-1e6, 1e6), st.floats(1e-9, 1e6), st.floats(2.0, 12.0))
@example(524288.0, 1.0000000000000003e-09, 11.0)  # ticks about as close as there are numbers
@example(934589.0, 1e-09, 11.0)
def test_the_texts_of_ticks_tell_them_apart(low: float, width: float, n_ticks: float) -> None:
    [(spacing, ticks)] = axes.linear_ticks(low, low + width, n_ticks, is_whole=False)
    texts = numerals.ticks(ticks)
    assert len(set(texts)) == len(ticks)
    read = [float(text.replace(",", "").replace("−", "-")) for text in texts]
    assert read == pytest.approx(ticks, abs=0.01 * spacing, rel=1e-6 if len(ticks) == 1 else 1e-12)


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ([2.3025, 2.302505, 2.30251], ["2.3025", "2.302505", "2.30251"]),
        ([0.0, 1000.0, 2000.0], ["0", "1,000", "2,000"]),
        ([-1e52, 0.0, 1e52], ["−1e52", "0", "1e52"]),
        ([1e-5, 2.5e-5], ["1e−5", "2.5e−5"]),
        ([-0.5, 0.0, 0.5], ["−0.5", "0", "0.5"]),
        ([0.25], ["0.25"]),
        ([0.1, 0.30000000000000004, 0.3], ["0.1", "0.3", "0.3"]),  # the same but for rounding
        ([], []),
    ],
)
def test_ticks_have_as_few_digits_as_will_do(numbers: list[float], texts: list[str]) -> None:
    assert numerals.ticks(numbers) == texts


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("width", [40.0, 90.0, 200.0])
def test_the_texts_along_the_bottom_do_not_touch(width: float) -> None:
    axis = axes.Axis("bottom")
    axis.density = 3.0
    [(spacing, ticks)] = axis.tickValues(-0.0052, 0.0013, width)
    metrics = QFontMetricsF(axes.tick_font())
    widths = [metrics.horizontalAdvance(text) for text in axis.tickStrings(ticks, 1.0, spacing)]
    assert all(0.5 * (one + next_one) < spacing / 0.0065 * width for one, next_one in pairwise(widths))


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(
    ("orientation", "size", "low", "high", "limits", "n_least"),
    [
        ("bottom", 170.0, -8.0, 408.0, (-np.inf, np.inf), 3),  # 0 alone would be no scale
        ("bottom", 140.0, -1.6, 1.9, (-np.inf, np.inf), 3),
        ("left", 110.0, 0.0, 56.0, (1.0, 32.0), 3),  # a matrix that is less high than its axis
        ("left", 140.0, -50.0, 2000.0, (-np.inf, np.inf), 3),
        ("bottom", 45.0, -40.0, 2040.0, (-np.inf, np.inf), 2),
        ("bottom", 50.0, 0.5, 40.5, (1.0, 40.0), 1),  # there is no room for 20 and 40; none would be worse
        ("bottom", 60.0, 0.5, 2.5, (1.0, 2.0), 2),  # whole numbers, and there are no more of them
    ],
)
def test_a_small_axis_has_as_many_numbers_as_fit(
    orientation: str, size: float, low: float, high: float, limits: tuple[float, float], n_least: int
) -> None:
    axis = axes.Axis(orientation, is_whole=high == 2.5)
    axis.limits = limits
    [(spacing, ticks)] = axis.tickValues(low, high, size)
    assert n_least <= len(ticks) <= 5
    metrics = QFontMetricsF(axes.tick_font())
    needed = [metrics.height()] * len(ticks)
    if orientation == "bottom":
        needed = [metrics.horizontalAdvance(text) for text in axis.tickStrings(ticks, 1.0, spacing)]
    assert all(0.5 * (a + b) < spacing / (high - low) * size for a, b in pairwise(needed))


@settings(max_examples=200)
@given(st.floats(-18.0, 6.0), st.floats(0.01, 20.0))
def test_a_log_axis_of_any_width_has_labelled_ticks_within_it(low: float, width: float) -> None:
    ticks = axes.log_ticks(low, low + width, 6.0, None)[0][1]
    assert 1 <= len(ticks) <= 14
    assert all(low - 1e-9 <= tick <= low + width + 1e-9 for tick in ticks)


def test_a_label_loses_its_unit_and_then_its_end_where_there_is_no_room(plot: TimePlot) -> None:
    axis, whole, bare = plot.x_axis, "steps since the kick (of all)", "steps since the kick"
    axis.setLabel(whole)
    width = axis.label.boundingRect().width()
    shown = []
    for room in (width, 0.9 * width, 0.3 * width):
        axis.resize(room - 20.0, axis.size().height())
        axis.resizeEvent(None)
        shown.append(axis.label.toPlainText().strip())
        assert axis.label.boundingRect().width() <= room
    assert shown[:2] == [whole, bare]
    assert shown[2].endswith("…") and bare.startswith(shown[2][:-1]) and len(shown[2]) > 3


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(("low", "high"), [(-2.0, 0.0), (-1.5, 0.5), (-0.4, 0.0), (-6.0, 1.0), (-0.9, 0.1)])
def test_large_numbers_above_each_other_do_not_touch(
    monkeypatch: pytest.MonkeyPatch, low: float, high: float
) -> None:
    font = QFont(axes.tick_font())
    font.setPixelSize(28)
    monkeypatch.setattr(axes, "tick_font", lambda: font)
    axis = axes.Axis("left")
    axis.set_log(True)
    ticks = axis.tickValues(low, high, 150.0)[0][1]
    gaps = np.diff(np.sort(ticks)) * 150.0 / (high - low)
    assert len(ticks) >= 2 and gaps.min() >= 0.8 * QFontMetricsF(font).height()


def test_the_line_for_zero_is_labelled_0(plot: TimePlot) -> None:
    axis = axes.Axis("left", zero_line=-20.0)
    axis.set_log(True)
    [(spacing, ticks), _] = axis.tickValues(-20.5, 0.0, 300.0)
    assert axis.tickStrings(ticks, 1.0, spacing)[0] == "0"
    assert "10⁻¹⁴" in axis.tickStrings(ticks, 1.0, spacing)


def test_where_a_level_axis_has_many_numbers_its_last_tick_has_one_too(
    plot: TimePlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    font = QFont(axes.tick_font())
    font.setPixelSize(28)
    monkeypatch.setattr(axes, "tick_font", lambda: font)
    history = with_history(run_snapshot(0), np.linspace(2.0, 1.0, 10_001)).history
    counts = set()
    for width in range(1000, 1400, 8):
        plot.resize(width, 200)
        plot.show_history(history)
        plot.grab()
        texts = [text for _, _, text in plot.x_axis._texts_in_sight()]
        assert len(texts) == len(plot.x_axis.major_ticks()) and texts[-1] == "10,000"
        counts.add(len(texts))
    assert counts == {6, 11}


@pytest.mark.parametrize("width", [118, 124, 132, 150, 180, 240, 640])
def test_the_texts_at_the_ends_of_a_level_axis_are_seen_and_apart(plot: TimePlot, width: int) -> None:
    plot.resize(width, 200)
    plot.show_history(with_history(run_snapshot(0), np.linspace(2.0, 1.0, 20_001)).history)
    plot.grab()
    placed = [(box, text) for box, _, text in plot.x_axis._texts_in_sight()]
    assert placed[0][1] == "0" and placed[-1][1] == "20,000"
    ends = [plot.x_axis.mapRectToScene(box) for box, _ in placed]
    assert all(box.left() >= 0.0 and box.right() <= plot.width() for box in ends)
    assert all(before.right() < after.left() for before, after in pairwise(ends))


def test_a_log_axis_with_room_for_it_has_more_than_one_number() -> None:
    for low, high in ((-7.9, -2.2), (-4.2, -2.9), (-1.599, -1.5965)):
        assert len(axes.log_ticks(low, high, 2.0, None)[0][1]) >= 2, (low, high)


# strokes


@pytest.mark.parametrize("slope", [0.0, 0.5, 2.0, 5.0, 40.0])
def test_dashes_are_about_as_long_on_a_steep_line_as_on_a_level_one(slope: float) -> None:
    n_columns = round(200.0 / max(1.0, slope))
    x = np.array([0.0, float(n_columns)])
    low, high = column_spans(x, 10.0 + slope * x, n_columns)
    inked = strokes(low, high, 240, 2.0)
    whole = inked.any(axis=1).sum() if slope > 1.0 else n_columns
    cut_into_dashes(inked, low, high, steep_columns(low, high, 1.0), 1.0)
    along = inked.any(axis=1) if slope > 1.0 else inked.any(axis=0)
    ends = np.flatnonzero(np.diff(np.concatenate(([False], along, [False])).astype(np.int8)))
    dashes, gaps = ends[1::2] - ends[::2], ends[2::2] - ends[1:-1:2]
    assert len(dashes) > 0.8 * whole / 14
    assert set(dashes[1:-1].tolist()) == {9} and set(gaps.tolist()) == {5}


def stair(
    width: int, height: float, n_columns: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the corners (n,) of a stair down: level for so many pixels, then down by so many at once."""
    steps = np.arange(n_columns // width + 1, dtype=np.float64)
    return np.repeat(width * steps, 2)[1:], 5.0 + np.repeat(height * steps, 2)[:-1]


def lengths_of_dashes(inked: npt.NDArray[np.bool_], axis: int) -> list[int]:
    """Return how long the dashes are across (0) or down (1), the first and the last left out."""
    along = np.concatenate(([False], np.asarray(inked.any(axis=axis)), [False]))
    ends = np.flatnonzero(np.diff(along.astype(np.int8)))
    return [int(length) for length in (ends[1::2] - ends[::2])[1:-1]]


@pytest.mark.parametrize("width", [2, 3, 5])
@pytest.mark.parametrize("slope", [0.5, 0.8, 1.0, 1.1, 1.3, 2.0, 4.0])
def test_dashes_of_a_stair_are_those_of_the_line_through_its_steps(width: int, slope: float) -> None:
    low, high = column_spans(*stair(width, slope * width, 150), 150)
    inked = strokes(low, high, 640, 2.0)
    cut_into_dashes(inked, low, high, steep_columns(low, high, 1.0), 1.0)
    across, down = lengths_of_dashes(inked, 0), lengths_of_dashes(inked, 1)
    assert any(len(found) >= 7 and min(found) >= 5 and max(found) <= 14 for found in (across, down))


def test_what_is_level_beside_a_wall_is_dashed_as_it_is_without_one() -> None:
    low, high = column_spans(np.array([0.0, 50.5, 50.5, 100.0]), np.array([5.0, 5.0, 90.0, 90.0]), 100)
    assert np.flatnonzero(steep_columns(low, high, 1.0)).tolist() == [50]


def test_a_dashed_line_that_grew_is_the_one_drawn_at_once() -> None:
    x, y = np.concatenate((stair(3, 3.0, 60), stair(4, 9.0, 60)), axis=1)
    x[len(x) // 2 :] += 60.0
    place, blue = Place(0, 0, 130, 200, 1.0, 1.0, 0.0, 1.0, 0.0), QColor(LIGHT.loss)
    grown, whole = _Strokes(place, blue, 2.0, is_dashed=True), _Strokes(place, blue, 2.0, is_dashed=True)
    for n in range(1, len(x) + 1):
        grown.redraw(x[:n], y[:n])
    whole.redraw(x, y)
    assert grown.image == whole.image


@pytest.mark.parametrize("height", [120, 300])
def test_the_short_lines_of_marks_do_not_reach_up_to_the_curve(qtbot: QtBot, height: int) -> None:
    plot = TimePlot(LIGHT, "loss", (Series("loss", "loss", "loss"),))
    qtbot.addWidget(plot)
    plot.set_log(True)
    plot.resize(400, height)
    plot.show()
    qtbot.waitExposed(plot)
    history = with_history(run_snapshot(0), 10.0 ** -np.linspace(0.0, 11.9, 500)).history
    plot.show_history(history, np.arange(300, 500, dtype=np.int32))
    area, (_, (bottom, top)) = plot.getViewBox().height(), plot.view
    assert (plot.curves[0].y.min() - bottom) / (top - bottom) * area > rug_height(area) >= 4


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_decimated_line_that_falls_or_rises_is_drawn_without_turning(sign: float) -> None:
    values = sign * 50.0 / np.arange(1.0, 5001.0)
    steps, extremes = with_history(run_snapshot(0), values).history.decimated("loss", 0, 4999, N_POINTS)
    walked = as_walked(steps, extremes)
    assert sorted(walked) == sorted(extremes)
    assert (sign * np.diff(walked) <= 0.0).all() and len(walked) > N_POINTS // 2


def test_a_steep_dashed_line_of_many_steps_has_dashes(qtbot: QtBot) -> None:
    plot = TimePlot(
        LIGHT, "loss", (Series("loss", "loss", "loss"), Series("loss", "ceiling", "ceiling", True))
    )
    qtbot.addWidget(plot)
    plot.resize(640, 400)
    plot.show_history(with_history(run_snapshot(0), 100.0 / np.arange(1.0, 3001.0) ** 0.5).history)
    curve = plot.curves[1]
    strokes_drawn = _Strokes(
        Place(0, 0, 400, 300, 1.0, 400 / 3000, 0.0, -3.0, 300.0), QColor("black"), 2.0, True
    )
    strokes_drawn.redraw(curve.x, curve.y)
    rows = np.asarray(strokes_drawn._pixels[:250].any(axis=1))
    assert 0.5 < rows[rows.argmax() :].mean() < 0.8


def test_a_dashed_line_that_goes_up_and_down_is_left_whole() -> None:
    x = np.arange(0.0, 60.0, 0.5)
    low, high = column_spans(x, np.tile([100.0, 130.0], 60), 60)
    inked = strokes(low, high, 200, 2.0)
    whole = inked.copy()
    cut_into_dashes(inked, low, high, steep_columns(low, high, 1.0), 1.0)
    assert np.array_equal(inked[:, 1:], whole[:, 1:])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-40, 360), st.floats(-50.0, 90.0)), min_size=1, max_size=30))
def test_column_spans_hold_every_point_of_the_line(points: list[tuple[int, float]]) -> None:
    x, y = np.array(sorted(points)).T
    x = x / 8.0
    low, high = column_spans(x, y, 40)
    for px, py in zip(x, y, strict=True):
        if 0 <= px < 40:
            assert low[int(px)] <= py <= high[int(px)]
    for left, right, a, b in zip(x, x[1:], y, y[1:], strict=False):
        if right > left:
            for share in np.linspace(0.0, 1.0, 23):
                at, value = left + share * (right - left), a + share * (b - a)
                if 0 <= at < 40:
                    assert low[int(at)] - 1e-6 <= value <= high[int(at)] + 1e-6


def test_strokes_are_what_a_loop_over_pixels_covers() -> None:
    x, y = np.array([3.0, 10.0, 10.0, 20.0]), np.array([5.2, 5.2, 25.0, 12.0])
    low, high = column_spans(x, y, 30)
    inked = strokes(low, high, 40, 2.0)
    for column in range(30):
        rows = np.flatnonzero(inked[:, column]).tolist()
        if column < 3 or column > 20:
            assert rows == []
        else:
            near = [k for k in (column - 1, column) if 3 <= k <= 20]
            first = min(np.floor(low[k] - 0.5) for k in near)
            last = max(np.floor(high[k] + 0.5) for k in near)
            assert rows == list(range(int(first), int(last) + 1))


def test_a_drawn_spike_is_seen_in_the_picture(plot: TimePlot) -> None:
    loss = np.ones(500_000)
    loss[250_000] = 100.0
    plot.set_log(True)
    plot.show_history(with_history(run_snapshot(0), loss).history)
    image = plot.grab().toImage()
    blue = QColor(LIGHT.loss)
    seen = [image.pixelColor(x, y) == blue for x in range(0, image.width()) for y in (image.height() // 2,)]
    assert any(seen)


# views


def rows_of_label(y: tuple[float, ...], kicks: tuple[float, ...] = (20.0,)) -> set[int]:
    """Return the rows of pixels on which names of kicks are written beside a curve at the heights y."""
    curve = Curve()
    curve.set_points(np.linspace(0.0, 200.0, len(y)), np.array(y))
    jumps = Jumps(lambda: (curve,))
    jumps.apply_theme(LIGHT)
    jumps.set_jumps(kicks, ("kick",) * len(kicks))
    image = QImage(200, 100, QImage.Format.Format_RGB32)
    image.fill(QColor(LIGHT.panel))
    painter = QPainter(image)
    jumps.paint_pixels(painter, QTransform(), QRectF(0.0, 0.0, 200.0, 100.0))
    painter.end()
    inked = [i for i in range(22, 100) if all(abs(i - kick) > 3 for kick in kicks)]
    return {j for j in range(100) for i in inked if image.pixelColor(i, j).lightness() < 100}


def rows_of_triangle(height: int) -> list[int]:
    """Return how far above its point a triangle of a plot of that height begins and ends, in pixels."""
    marks, at = Marks("standing"), round(0.9 * height)
    marks.apply_theme(LIGHT, "mark")
    marks.set_points(np.array([20.0]), np.array([float(at)]))
    image = QImage(40, height, QImage.Format.Format_RGB32)
    image.fill(QColor(LIGHT.panel))
    painter = QPainter(image)
    marks.paint_pixels(painter, QTransform(), QRectF(0.0, 0.0, 40.0, float(height)))
    painter.end()
    ground = QColor(LIGHT.panel)
    inked = [j for j in range(height) if any(image.pixelColor(i, j) != ground for i in range(40))]
    return [at - inked[-1], at - inked[0]]


@pytest.mark.usefixtures("qapp")
def test_a_triangle_on_a_curve_is_smaller_in_a_low_plot() -> None:
    usual, low, lowest = (rows_of_triangle(height) for height in (300, 60, 20))
    assert usual[0] >= 2 and usual[1] >= 10
    assert low == pytest.approx([0.6 * row for row in usual], abs=1.5)
    assert lowest == pytest.approx([0.5 * row for row in usual], abs=1.5) and lowest[0] >= 1


@pytest.mark.usefixtures("qapp")
def test_the_name_of_a_kick_covers_no_curve() -> None:
    assert max(rows_of_label((90.0, 90.0))) < 20  # nothing at the top
    assert min(rows_of_label((8.0, 8.0))) > 10
    below = rows_of_label((2.0, 40.0, 2.0))
    assert min(below) > 20  # the line falls through several rows beside the kick
    assert max(rows_of_label((0.0, 100.0, 0.0, 100.0, 0.0, 100.0, 0.0))) < 20  # everywhere: at the top


@pytest.mark.usefixtures("qapp")
def test_the_names_of_two_kicks_stand_below_each_other_where_they_are_near() -> None:
    one, two, many = (
        rows_of_label((90.0, 90.0), kicks)
        for kicks in ((20.0,), (20.0, 30.0), tuple(20.0 + k / 3 for k in range(40)))
    )
    assert max(one) < 20 < max(two) < 40  # each on a row of its own
    assert max(many) < 90  # there is no room for all, and none covers the curve


def test_at_most_a_thousand_points_reach_the_curve(plot: TimePlot) -> None:
    plot.show_history(with_history(run_snapshot(0), np.linspace(2.0, 1.0, 300_000)).history)
    assert 400 < len(plot.curves[0].x) <= N_POINTS


def test_the_view_moves_in_steps_and_not_at_every_step(plot: TimePlot) -> None:
    start, views = run_snapshot(0), set()
    for n in range(100, 200):
        plot.show_history(with_history(start, np.linspace(2.0, 1.0, n)).history)
        views.add(plot.view)
    assert 3 <= len(views) <= 12


def test_a_log_axis_draws_zero_on_its_own_line_and_says_so(plot: TimePlot) -> None:
    plot.set_log(True)
    plot.show_history(with_history(run_snapshot(0), [1.0, 1e-30, 0.0]).history)
    assert plot.curves[0].y.tolist() == pytest.approx([0.0, np.log10(2e-20), -20.0])
    assert "zeros are drawn at the tick 0" in plot.clamp_note
    plot.set_log(False)
    assert plot.curves[0].y.tolist() == [1.0, 1e-30, 0.0]
    assert plot.clamp_note == ""


def test_the_wheel_ends_following_and_a_double_click_begins_it_again(plot: TimePlot) -> None:
    plot.show_history(with_history(run_snapshot(0), np.linspace(2.0, 1.0, 5000)).history)
    whole = plot.view
    plot.getViewBox().sigRangeChangedManually.emit([True, True])
    assert not plot.is_following
    plot.getViewBox().setRange(xRange=(100.0, 130.0), yRange=(0.0, 3.0), padding=0)
    plot.show_history(with_history(run_snapshot(0), np.linspace(2.0, 1.0, 6000)).history)
    assert plot.view == ((100.0, 130.0), (0.0, 3.0))
    assert plot.curves[0].x.tolist() == list(range(100, 132))
    QTest.mouseDClick(plot.viewport(), Qt.MouseButton.LeftButton)
    assert plot.is_following
    assert plot.view[0][1] > whole[0][1]


def test_a_click_is_told_and_a_drag_is_none(plot: TimePlot) -> None:
    plot.show_history(with_history(run_snapshot(0), np.linspace(2.0, 1.0, 50)).history)
    told: list[tuple[float, float]] = []
    at, left = QPoint(300, 120), Qt.MouseButton.LeftButton
    plot.clicked.connect(told.append)
    window = plot.windowHandle()  # a plot alone accepts no press, of which QTest warns
    QTest.mouseClick(window, Qt.MouseButton.MiddleButton, pos=at)
    QTest.mousePress(window, left, pos=at)
    QTest.mouseMove(window, at + QPoint(40, 0))
    QTest.mouseRelease(window, left, pos=at + QPoint(40, 0))
    assert told == []
    place = plot.getViewBox().mapSceneToView(plot.mapToScene(at))
    QTest.mousePress(window, left, pos=at)
    QTest.mouseRelease(window, left, pos=at + QPoint(2, 2))
    [(x, y)] = told
    across, up = plot.getViewBox().viewPixelSize()
    assert (x, y) == pytest.approx((place.x() + 2 * across, place.y() - 2 * up))


def test_the_menu_switches_the_axis_and_shows_all(plot: TimePlot) -> None:
    plot.show_history(with_history(run_snapshot(0), [4.0, 2.0]).history)
    assert [action.text() for action in plot.actions()] == ["Reset view", "Logarithmic axis"]
    plot.log_action.trigger()
    assert plot.is_log
    assert plot.curves[0].y.tolist() == pytest.approx([np.log10(4.0), np.log10(2.0)])


def test_the_exact_value_of_the_nearest_step_is_told(plot: TimePlot) -> None:
    told: list[str] = []
    plot.read_out.connect(told.append)
    plot.show_history(with_history(run_snapshot(0), [4.0, 1 / 3, 2.0]).history)
    scene = plot.getViewBox().mapViewToScene(QPointF(1.3, 1.0))
    QTest.mouseMove(plot.viewport(), plot.mapFromScene(scene))
    plot.pointed.emit((1.3, 1.0))
    assert told[-1] == f"Step 1: loss {1 / 3!r}"
    plot.pointed.emit(None)
    assert told[-1] == ""


def test_one_step_alone_is_seen_as_a_dot(plot: TimePlot) -> None:
    plot.show_history(with_history(run_snapshot(0), [4.0]).history)
    assert plot.dots.x.tolist() == [0.0]
    assert plot.dots.isVisible()


def test_both_themes_colour_the_items(plot: TimePlot) -> None:
    plot.show_history(with_history(run_snapshot(0), np.ones(50)).history)
    plot.apply_theme(DARK)
    image = plot.grab().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(0, 640, 1) for y in range(0, 300, 1)}
    assert DARK.loss in colours
    assert LIGHT.loss not in colours


@settings(max_examples=100)
@given(st.lists(st.integers(0, 300), max_size=60, unique=True), st.integers(1, 80))
def test_first_in_columns_is_what_a_loop_finds(steps: list[int], n_columns: int) -> None:
    marked = np.array(sorted(steps), dtype=np.int32)
    got = first_in_columns(marked, 0.0, 300.0, n_columns).tolist()
    edges = np.ceil(np.linspace(0.0, 300.0, n_columns + 1))
    expected = []
    for left, right in pairwise(edges):
        inside = [step for step in sorted(steps) if left <= step < right]
        expected += inside[:1]
    assert got == expected


def test_a_legend_breaks_into_rows_and_grows_no_smaller_while_it_shows(qtbot: QtBot) -> None:
    legend = Legend(LIGHT)
    qtbot.addWidget(legend)
    legend.resize(300, 40)
    legend.set_keys(Key("line", "loss", "short"))
    one_row = legend.sizeHint().height()
    legend.set_keys(
        Key("line", "loss", "a long text of one entry"), Key("dash", "ceiling", "and a second one")
    )
    two_rows = legend.sizeHint().height()
    assert two_rows > 1.5 * one_row
    legend.set_keys(Key("line", "loss", "short"))
    assert legend.sizeHint().height() == two_rows
    assert legend.accessibleName() == "short"


@pytest.mark.parametrize("second", ["short", "and another one"])
def test_no_entry_of_a_legend_is_cut_by_what_is_in_its_corner(qtbot: QtBot, second: str) -> None:
    texts = ("a text too long beside it", second)
    holder, corner, legend = QWidget(), QPushButton("corner"), Legend(LIGHT)
    qtbot.addWidget(holder)
    corner.setFixedWidth(190)
    holder.setLayout(legend.with_corner(corner))
    holder.resize(300, 120)
    holder.show()
    qtbot.waitExposed(holder)
    legend.set_keys(*(Key("", "text", text) for text in texts))
    assert sorted(key.text for key, _, _ in legend._laid_out) == sorted(texts)
    for key, left, row in legend._laid_out:
        assert left + legend._metrics.horizontalAdvance(key.text) <= legend._row_end(row)


@pytest.mark.parametrize(("low", "high"), [(0.0, 5.0), (3.0, 3.0), (1e300, 2e300), (-4.0, 4.0)])
def test_linear_ranges_hold_their_values(low: float, high: float) -> None:
    bottom, top = plots.linear_range(low, high)
    assert bottom < low <= high < top


def test_the_grid_asks_for_the_same_ticks_as_the_axes(
    plot: TimePlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, float]] = []
    original = axes.Axis.tickValues

    def record(axis: axes.Axis, low: float, high: float, size: float) -> axes.Levels:
        asked.append((axis.orientation, round(size, 6)))
        return original(axis, low, high, size)

    plot.show_history(with_history(run_snapshot(0), np.linspace(2.0, 1.0, 5000)).history)
    monkeypatch.setattr(axes.Axis, "tickValues", record)
    for height in range(200, 330, 13):
        asked.clear()
        plot.resize(600, height)
        plot.grab()
        assert len(asked) >= 4
        assert len(set(asked)) == 2  # one size for each axis
