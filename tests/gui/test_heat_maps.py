"""Contour lines, colour scales and the heat map's picture."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QTransform

from gui.axes import tick_font
from gui.colour_bars import colour_table
from gui.colour_scales import N_COLOURS, ColourScale, ScaleBar, coloured
from gui.contours import contour_segments
from gui.heat_maps import HeatMap, Picture, stretched
from gui.theme import DARK, LIGHT


def test_contour_of_a_cone_is_a_circle() -> None:
    x, y = np.meshgrid(np.arange(41.0) - 20, np.arange(41.0) - 20, indexing="ij")
    segments = contour_segments(np.hypot(x, y), 12.0)
    radii = np.hypot(*(segments - 20.0).reshape(-1, 2).T)
    assert np.abs(radii - 12.0).max() < 0.05
    lengths = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)
    assert lengths.sum() == pytest.approx(2 * np.pi * 12.0, rel=0.01)
    assert lengths.max() <= np.sqrt(2) + 1e-9


def test_contour_of_a_slope_is_straight_and_exact() -> None:
    rows, _ = np.meshgrid(np.arange(4.0), np.arange(3.0), indexing="ij")
    segments = contour_segments(rows, 1.25)
    assert (segments[..., 0] == 1.25).all()
    assert len(segments) == 2
    assert len(contour_segments(rows, 99.0)) == 0


@pytest.mark.parametrize(("level", "joined"), [(0.4, {(0, 0), (1, 1)}), (0.6, set())])
def test_contour_in_a_saddle_goes_by_its_middle(level: float, joined: set) -> None:
    values = np.array([[1.0, 0.0], [0.0, 1.0]])
    middles = contour_segments(values, level).mean(axis=1)
    assert len(middles) == 2
    # above the level, the middle joins the two corners of 1: the lines cut off the corners of 0
    off_diagonal = sum(abs(row - column) > 0.3 for row, column in middles)
    assert off_diagonal == (2 if joined else 0)


def test_contour_stays_away_from_what_is_not_a_number() -> None:
    values = np.tile(np.arange(5.0)[:, None], (1, 5))
    values[2, 2] = np.nan
    segments = contour_segments(values, 1.5)
    assert len(segments) == 2
    assert set(segments[..., 1].ravel().tolist()) == {0.0, 1.0, 3.0, 4.0}


def test_scale_has_round_ends_around_the_values() -> None:
    assert ColourScale.of(np.array([0.06, 1.0, 2.2, np.inf, np.nan])) == ColourScale(0.05, 3.0)
    narrow = ColourScale.of(np.array([2.301, 2.309]))
    assert narrow.low <= 2.301 < 2.309 <= narrow.high
    assert narrow.high - narrow.low < 0.03
    wide = ColourScale.of(np.array([1e-3, 1e9]))
    assert wide == ColourScale(1e-3, 10.0)


@pytest.mark.parametrize("values", [[], [np.nan], [0.0], [2.0], [1e-320, 1e-310], [1e308], [5.0, 5.0]])
def test_scale_of_odd_values_is_usable(values: list[float]) -> None:
    scale = ColourScale.of(np.array(values))
    assert 0.0 < scale.low < scale.high < np.inf
    assert len(scale.ticks(6)) <= 8
    assert len(scale.contours()) < 40


def test_scale_suits_what_lies_in_it_and_uses_half_of_it() -> None:
    scale = ColourScale(0.1, 10.0)
    assert scale.suits(np.array([0.1, 9.0]))
    assert scale.suits(np.array([0.5, 500.0]))  # what is above has the last colour
    assert not scale.suits(np.array([0.09, 9.0]))
    assert not scale.suits(np.array([1.0, 2.0]))


def test_shares_are_logarithmic_and_clipped() -> None:
    shares = ColourScale(0.1, 10.0).share(np.array([0.01, 0.1, 1.0, 10.0, 99.0, np.nan, np.inf]))
    assert shares[:5] == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0])
    assert np.isnan(shares[5:]).all()


def test_colours_of_a_picture() -> None:
    table = colour_table("viridis", N_COLOURS)
    image = coloured(np.array([[0.0, 1.0, np.nan]]), table)
    assert image.pixelColor(0, 0) == QColor("#440154")
    assert image.pixelColor(1, 0).name() == "#fde725"
    assert image.pixelColor(2, 0).alpha() == 0


def test_stretched_interpolates_and_keeps_the_ends() -> None:
    got = stretched(np.array([[0.0], [1.0], [np.nan]]))[:, 0]
    assert got[:6].tolist() == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert np.isnan(got[6:]).all()
    assert len(got) == 11


def test_heat_map_puts_values_where_they_belong(qtbot) -> None:
    heat_map = HeatMap(LIGHT)
    qtbot.addWidget(heat_map)
    heat_map.resize(400, 300)
    values = np.full((3, 3), 1.0)
    values[2, 0] = 10.0  # right, below
    heat_map.show_values((0.0, 2.0), (-1.0, 1.0), values, ColourScale(1.0, 10.0))
    heat_map.show()
    assert heat_map.view == ((0.0, 2.0), (-1.0, 1.0))
    image, box = heat_map.grab().toImage(), heat_map.getViewBox().sceneBoundingRect()

    def colour(across: float, down: float) -> str:
        return image.pixelColor(
            round(box.left() + across * box.width()), round(box.top() + down * box.height())
        ).name()

    assert colour(0.99, 0.98)[1:] > "f0"  # yellow
    assert colour(0.02, 0.02) == "#440154"
    assert colour(0.98, 0.02) == "#440154"


def test_path_is_drawn_with_its_two_ends(qtbot) -> None:
    heat_map = HeatMap(DARK)
    qtbot.addWidget(heat_map)
    heat_map.resize(400, 300)
    heat_map.show_values((0.0, 1.0), (0.0, 1.0), np.full((3, 3), 1.0), ColourScale(0.5, 2.0))
    heat_map.trace.show_path(np.array([0.2, 0.8]), np.array([0.5, 0.5]), is_dashed=False)
    heat_map.show()
    image, box = heat_map.grab().toImage(), heat_map.getViewBox().sceneBoundingRect()
    y = round(box.top() + 0.5 * box.height())
    for x in (0.2, 0.5, 0.8):
        assert image.pixelColor(round(box.left() + x * box.width()), y).name() == DARK.path
    heat_map.clear_values()
    assert heat_map.grab().toImage().pixelColor(round(box.left() + 0.5 * box.width()), y).name() != DARK.path


def test_bar_shows_numbers_and_the_present_value(qtbot) -> None:
    bar = ScaleBar(LIGHT, "loss")
    qtbot.addWidget(bar)
    bar.resize(bar.sizeHint().width(), 300)
    empty = bar.grab().toImage()
    bar.set_scale(ColourScale(0.1, 10.0), is_clipped=True)
    with_scale = bar.grab().toImage()
    bar.set_value(1.0)
    with_value = bar.grab().toImage()
    assert empty != with_scale != with_value
    assert bar.accessibleName() == "Colours of the loss, logarithmic from 0.1 to 10"


def test_the_room_of_a_bar_is_that_of_its_numbers(qtbot) -> None:
    bar = ScaleBar(LIGHT, "loss")
    qtbot.addWidget(bar)
    bar.set_scale(ColourScale(2e-5, 0.3))  # its end is 3 * 0.1, which is not quite 0.3, and 0.3
    metrics = QFontMetricsF(tick_font())
    widest = max(metrics.horizontalAdvance(text) for text in (*bar.texts(), "≥ 0.05"))
    assert bar.sizeHint().width() <= widest + 60


def test_contours_lie_on_their_colours_in_an_image_for_svg_too() -> None:
    x = np.linspace(-1.0, 1.0, 31)
    values = 0.1 + x[:, None] ** 2 + 2.0 * x[None, :] ** 2
    item = Picture()
    item.show_values(
        (-1.0, 1.0),
        (-1.0, 1.0),
        values,
        ColourScale.of(values),
        colour_table(LIGHT.magnitude_map, N_COLOURS),
    )
    area, transform = QRectF(40.0, 30.0, 300.0, 200.0), QTransform(150.0, 0, 0, -100.0, 190.0, 130.0)
    direct, moved = (QImage(*size, QImage.Format.Format_RGB32) for size in ((400, 260), (300, 200)))
    for image, by in ((direct, QPointF()), (moved, -area.topLeft())):
        image.fill(0)
        painter = QPainter(image)
        painter.translate(by)
        item.paint_pixels(painter, transform, area)
        painter.end()
    pixels = [
        np.frombuffer(image.constBits(), dtype=np.uint32) for image in (moved, direct.copy(area.toRect()))
    ]
    assert (pixels[0] != pixels[1]).mean() < 0.002


def test_the_present_value_has_a_colour_of_its_own_where_values_differ_too_much_for_one_scale() -> None:
    values = np.array([1e-12, 1e-6, 0.1, 20.0])
    assert ColourScale.of(values).high < 0.1
    scale = ColourScale.of(values, within=0.1)
    assert 0.0 < scale.share(np.array([0.1]))[0] < 1.0
    assert ColourScale.of(values[2:], within=0.1) == ColourScale.of(values[2:])


def test_a_bar_names_its_end_where_something_lies_above_it(qtbot) -> None:
    bar = ScaleBar(LIGHT, "loss")
    qtbot.addWidget(bar)
    bar.resize(bar.sizeHint().width(), 300)
    for is_clipped, last in ((False, "0.3"), (True, "≥ 0.5")):
        bar.set_scale(ColourScale(3e-5, 0.5), is_clipped=is_clipped)
        assert bar.texts()[-1] == last


def test_a_bar_says_where_the_present_value_lies_below_it(qtbot) -> None:
    bar = ScaleBar(LIGHT, "loss")
    qtbot.addWidget(bar)
    bar.resize(120, 300)
    bar.set_scale(ColourScale(3e-5, 0.5), is_clipped=True)
    for value, is_below in ((3e-5, False), (1e-7, True), (0.0, True), (0.1, False)):
        bar.set_value(value)
        assert [text for text in bar.texts() if "≤" in text] == (["≤ 3e−5"] if is_below else [])
        assert bar.texts()[-1] == "≥ 0.5"


def test_a_bar_writes_small_numbers_as_the_axis_beside_it_does(qtbot) -> None:
    bar = ScaleBar(LIGHT, "loss")
    qtbot.addWidget(bar)
    bar.resize(120, 130)
    bar.set_scale(ColourScale(3e-5, 0.5), is_clipped=True)
    assert bar.texts() == ["10⁻⁴", "0.001", "0.01", "≥ 0.5"]
    bar.resize(120, 300)
    bar.set_scale(ColourScale(3e-5, 3e-3))  # with numbers between the powers of ten
    assert "0.0005" in bar.texts() and "0.0001" in bar.texts()
