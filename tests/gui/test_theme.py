"""Contrast as WCAG 2.2 computes it: 3:1 for lines and signs, 4.5:1 for text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QCheckBox, QLineEdit
from pytestqt.qtbot import QtBot

from gui import icons, theme

LINES = ("loss", "errors", "ceiling", "gradient", "symmetry", "path", "mark", "accent", "warning")


def luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def linear(colour: str) -> npt.NDArray[np.float64]:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(channels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return CIE L*a*b* (D65) of linear red, green and blue; 2 is a difference that one just sees."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    shares = to_xyz @ np.clip(channels, 0.0, 1.0) / np.array([0.9505, 1.0, 1.089])
    x, y, z = np.where(shares > 0.008856, np.cbrt(shares), 7.787 * shares + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


# What people see of red, green and blue (linear) who lack one kind of cones: Machado, Oliveira and Fernandes 2009.
EYES = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def test_contrast_is_computed_as_in_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("used", theme.THEMES.values(), ids=lambda used: used.name)
def test_every_line_stands_out(used: theme.Theme) -> None:
    colours = {name: getattr(used, name) for name in LINES} | {str(i): c for i, c in enumerate(used.sequence)}
    weak = {name: contrast(colour, used.panel) for name, colour in colours.items()}
    assert min(weak.values()) >= 3.0, weak


@pytest.mark.parametrize("used", theme.THEMES.values(), ids=lambda used: used.name)
def test_branches_are_told_from_one_another_and_from_the_run_with_any_kind_of_eyes(used: theme.Theme) -> None:
    assert all(contrast(colour, used.panel) >= 3.0 for colour in used.branches)
    for kind, matrix in EYES.items():
        places = {colour: lab(matrix @ linear(colour)) for colour in (*used.branches, used.loss, used.errors)}
        for colour in used.branches:
            others = [places[other] for other in places if other != colour]
            apart = min(float(np.linalg.norm(places[colour] - other)) for other in others)
            assert apart > 15.0, (kind, colour)


@pytest.mark.parametrize("used", theme.THEMES.values(), ids=lambda used: used.name)
@pytest.mark.parametrize("other", ["loss", "errors", "ceiling", "gradient", "symmetry"])
def test_marks_are_told_from_every_line_with_any_kind_of_eyes(used: theme.Theme, other: str) -> None:
    assert used.mark != used.warning
    for kind, matrix in EYES.items():
        one, two = (lab(matrix @ linear(colour)) for colour in (used.mark, getattr(used, other)))
        assert np.linalg.norm(one - two) > 35.0, kind


@pytest.mark.parametrize("used", theme.THEMES.values(), ids=lambda used: used.name)
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("text", "window"),
        ("text", "panel"),
        ("text", "raised"),
        ("muted", "window"),
        ("muted", "panel"),
        ("warning", "window"),
        ("warning", "panel"),
        ("on_accent", "accent"),
    ],
)
def test_every_text_can_be_read(used: theme.Theme, ink: str, ground: str) -> None:
    assert contrast(getattr(used, ink), getattr(used, ground)) >= 4.5


@pytest.mark.parametrize("used", theme.THEMES.values(), ids=lambda used: used.name)
def test_borders_of_buttons_and_fields_can_be_seen(used: theme.Theme) -> None:
    assert contrast(used.outline, used.window) >= 3.0
    assert contrast(used.outline, used.panel) >= 3.0


@pytest.mark.parametrize("used", theme.THEMES.values(), ids=lambda used: used.name)
def test_the_palette_and_the_sheet_use_the_theme(used: theme.Theme) -> None:
    colours = theme.palette(used)
    assert colours.color(QPalette.ColorRole.Window).name() == used.window
    assert colours.color(QPalette.ColorRole.Text).name() == used.text
    disabled = colours.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
    assert disabled.name() == used.disabled
    sheet = theme.style_sheet(used)
    assert used.accent in sheet and "{" in sheet and "{{" not in sheet


def test_the_themes_differ_in_every_ground_and_ink() -> None:
    for name in ("window", "panel", "text", "muted", "raised", "loss"):
        assert getattr(theme.LIGHT, name) != getattr(theme.DARK, name)


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("name", icons.icon_names())
def test_every_icon_is_drawn_in_its_colour(name: str) -> None:
    picture = icons.pixmap(name, "#ff0000", 24).toImage()
    colours = {picture.pixelColor(x, y).name() for x in range(24) for y in range(24)}
    drawn = [picture.pixelColor(x, y).alpha() > 128 for x in range(24) for y in range(24)]
    assert sum(drawn) > 20
    assert name == "app" or "#ff0000" in colours


def test_text_for_the_back_row_is_the_same_share_of_any_screen() -> None:
    assert [theme.presented_text_px(height) for height in (600, 768, 1080, 2160)] == [20, 20, 28, 56]


@pytest.mark.parametrize("used", theme.THEMES.values(), ids=lambda used: used.name)
@pytest.mark.parametrize("is_ticked", [False, True])
def test_a_check_box_has_a_border_that_can_be_seen_and_a_tick_where_it_is_ticked(
    qtbot: QtBot, used: theme.Theme, is_ticked: bool
) -> None:
    box = QCheckBox("Follow")
    qtbot.addWidget(box)
    box.setPalette(theme.palette(used))
    box.setStyleSheet(theme.style_sheet(used))
    box.setChecked(is_ticked)
    drawn = box.grab().toImage()
    side = theme.TEXT_PX + 2
    colours = {drawn.pixelColor(x, y).name() for x in range(side) for y in range(drawn.height())}
    assert (used.accent if is_ticked else used.outline) in colours
    assert ("#111111" in colours) == is_ticked  # a shape, not a colour alone


@pytest.mark.parametrize("used", theme.THEMES.values(), ids=lambda used: used.name)
def test_a_field_has_a_border_that_can_be_seen(qtbot: QtBot, used: theme.Theme) -> None:
    field = QLineEdit()
    qtbot.addWidget(field)
    field.setStyleSheet(theme.style_sheet(used))
    drawn = field.grab().toImage()
    assert drawn.pixelColor(drawn.width() // 2, 0).name() == used.outline
