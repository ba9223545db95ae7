"""Contrast as WCAG 2.2 computes it: 3:1 for lines and signs, 4.5:1 for text."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QPalette

from gui import icons, theme

LINES = ("loss", "errors", "ceiling", "gradient", "symmetry", "path", "mark", "accent", "warning")


def luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_in_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("used", theme.THEMES.values(), ids=lambda used: used.name)
def test_every_line_stands_out(used: theme.Theme) -> None:
    colours = {name: getattr(used, name) for name in LINES} | {str(i): c for i, c in enumerate(used.sequence)}
    weak = {name: contrast(colour, used.panel) for name, colour in colours.items()}
    assert min(weak.values()) >= 3.0, weak


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
