"""Colours and type of the whole application; no widget sets a style of its own.

Each quantity keeps one colour in all panels (Okabe and Ito 2008, colours that colour-blind people tell
apart) and a second cue beside it: a dash, a symbol, a label. Every line colour here has a contrast of at
least 3:1 against its background, every text colour at least 4.5:1.

A widget says what it is by its object name or by the property "role", and `style_sheet` decides how that
looks. The roles that any label may take: "caption" (small and muted), "value" (large), "problem" (a
sentence about bad input).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QColor, QFont, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from gui import icons


@dataclass(frozen=True, slots=True)
class Theme:
    """One set of colours, as #rrggbb.

    Attributes:
        loss, errors, ceiling, gradient, symmetry, path, mark: colours of the quantities in plots; mark is
            for every step at which something rose.
        magnitude_map, signed_map: names of colour maps, for magnitudes and for signed values.
        sequence: colours for things that have no quantity of their own, in order.
        branches: colours of the branches of a run, in order; they repeat, so dashes must go with each.
        on_accent: text and icons on the accent colour.
        outline: borders of buttons and fields.
        raised: background of buttons.
        disabled: text of what cannot be used now.
    """

    name: str
    window: str
    panel: str
    text: str
    muted: str
    grid: str
    accent: str
    warning: str
    loss: str
    errors: str
    ceiling: str
    gradient: str
    symmetry: str
    path: str
    mark: str
    magnitude_map: str
    signed_map: str
    sequence: tuple[str, ...]
    branches: tuple[str, ...]
    on_accent: str
    outline: str
    raised: str
    disabled: str


LIGHT: Final = Theme(
    name="light",
    window="#f3f4f6",
    panel="#ffffff",
    text="#111111",
    muted="#4b5563",
    grid="#d1d5db",
    accent="#0072b2",
    warning="#b34700",
    loss="#0072b2",
    errors="#d55e00",
    ceiling="#111111",
    gradient="#007a5a",
    symmetry="#a8447f",
    path="#d55e00",
    mark="#8811ee",
    magnitude_map="viridis",
    signed_map="CET-D1A",
    sequence=("#0072b2", "#d55e00", "#007a5a", "#a8447f", "#111111"),
    branches=("#0a9a5a", "#8a2466", "#4d3900"),
    on_accent="#ffffff",
    outline="#7b8494",
    raised="#ffffff",
    disabled="#9aa1ad",
)

DARK: Final = Theme(
    name="dark",
    window="#16181d",
    panel="#0c0d10",
    text="#f3f4f6",
    muted="#b6bcc8",
    grid="#3a3f4b",
    accent="#56b4e9",
    warning="#e69f00",
    loss="#56b4e9",
    errors="#e69f00",
    ceiling="#f3f4f6",
    gradient="#2fc79a",
    symmetry="#e79cc6",
    path="#f0e442",
    mark="#8844ff",
    magnitude_map="viridis",
    signed_map="CET-D1A",
    sequence=("#56b4e9", "#e69f00", "#2fc79a", "#e79cc6", "#f0e442"),
    branches=("#2a9d5a", "#d86fb0", "#f0e442"),
    on_accent="#0c0d10",
    outline="#7f8797",
    raised="#23262e",
    disabled="#6b7280",
)

THEMES: Final = {theme.name: theme for theme in (LIGHT, DARK)}


def class_colour(used_theme: Theme, label: int) -> str:
    """Return the colour of a class of the data; they repeat after five, so a symbol must go with each."""
    return used_theme.sequence[label % len(used_theme.sequence)]


def branch_colour(used_theme: Theme, number: int) -> str:
    """Return the colour of a branch of the run by its number, from 1."""
    return used_theme.branches[(number - 1) % len(used_theme.branches)]


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of #rrggbb, 0 to 255."""
    made = QColor(colour)
    return made.red(), made.green(), made.blue()


TEXT_PX: Final = 14
"""Height of ordinary text, in device-independent pixels; captions are a step smaller, values much larger."""
LARGE_TEXT_PX: Final = 20
"""The same for the back row, on a screen 768 pixels high; see `presented_text_px`."""
_PROJECTOR_PX: Final = 768


def presented_text_px(screen_height: int) -> int:
    """Return the height of text for the back row: on the wall a screen is as high with many pixels as with few."""
    return max(LARGE_TEXT_PX, round(LARGE_TEXT_PX * screen_height / _PROJECTOR_PX))


def dress(app: QApplication, theme: Theme, text_px: int = TEXT_PX) -> None:
    """Give the whole application a theme: style, palette, type and style sheet."""
    sheet = style_sheet(theme, text_px)
    if app.styleSheet() == sheet:  # every widget that there is would be dressed again
        return
    app.setStyle("Fusion")
    app.setPalette(palette(theme))
    for name in _FRAMED:
        app.setPalette(framed_palette(theme), name)  # type: ignore[arg-type]  # it takes str, not bytes
    font = QFont(app.font())
    font.setPixelSize(text_px)
    app.setFont(font)
    app.setStyleSheet(sheet)


def set_role(widget: QWidget, role: str) -> None:
    """Say what a widget is, so that the style sheet knows how it looks."""
    if widget.property("role") == role:
        return
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def palette(theme: Theme) -> QPalette:
    """Return the palette of a theme, for everything that the style draws itself."""
    colours = QPalette()
    for role, colour in _ROLES.items():
        colours.setColor(role, QColor(getattr(theme, colour)))
    for role in (
        QPalette.ColorRole.WindowText,
        QPalette.ColorRole.Text,
        QPalette.ColorRole.ButtonText,
    ):
        colours.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.disabled))
    return colours


def framed_palette(theme: Theme) -> QPalette:
    """Return the palette of what has an edge to be seen: Fusion makes the edge a shade darker than the window."""
    colours = palette(theme)
    colours.setColor(QPalette.ColorRole.Window, QColor(theme.outline).lighter(_FUSION_EDGE))
    return colours


def line_px() -> float:
    """Return how thick lines in plots are: they grow with the type."""
    return 2.0 * QFontInfo(QApplication.font()).pixelSize() / TEXT_PX


def style_sheet(theme: Theme, text_px: int = TEXT_PX) -> str:
    """Return the style sheet of a theme: what a palette cannot say."""
    return _SHEET.format(
        **{name: getattr(theme, name) for name in theme.__slots__},
        tick=(icons.FOLDER / "tick.svg").as_posix(),
        box=text_px,
        small=text_px - 1,
        body=text_px + 1,
        value=text_px + 9,
        state=text_px + 12,
    )


_FRAMED: Final = ("QComboBox", "QPushButton", "QSlider")
_FUSION_EDGE: Final = 140  # per cent
_ROLES: Final = {
    QPalette.ColorRole.Window: "window",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "panel",
    QPalette.ColorRole.AlternateBase: "window",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.PlaceholderText: "muted",
    QPalette.ColorRole.Button: "raised",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.BrightText: "warning",
    QPalette.ColorRole.Highlight: "accent",
    QPalette.ColorRole.HighlightedText: "on_accent",
    QPalette.ColorRole.Link: "accent",
    QPalette.ColorRole.ToolTipBase: "panel",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.Light: "panel",
    QPalette.ColorRole.Mid: "grid",
    QPalette.ColorRole.Dark: "outline",
}

_SHEET: Final = """
QToolTip {{ color: {text}; background: {panel}; border: 1px solid {outline}; padding: 4px; }}

QToolBar {{ background: {window}; border: 0; padding: 0; spacing: 0; }}

#controls QToolButton, #messages QPushButton, #note QPushButton {{
    color: {text}; background: {raised}; border: 1px solid {outline}; border-radius: 5px;
    padding: 5px 5px; min-height: 22px;
}}
#controls QToolButton:hover, #messages QPushButton:hover, #note QPushButton:hover {{ border-color: {accent}; }}
#controls QToolButton:focus, #messages QPushButton:focus, #note QPushButton:focus {{
    border: 2px solid {accent}; padding: 4px 4px;
}}
#controls QToolButton:pressed, #messages QPushButton:pressed, #note QPushButton:pressed {{ background: {grid}; }}
#controls QToolButton:disabled {{ color: {disabled}; border-color: {grid}; }}
#controls QToolButton[role="main"] {{
    color: {on_accent}; background: {accent}; border-color: {accent}; font-weight: bold;
}}
#controls QToolButton[role="main"]:focus {{ border-color: {text}; }}
#controls QToolButton[role="main"]:disabled {{
    color: {disabled}; background: {window}; border-color: {grid};
}}
#controls QToolButton[popupMode="1"] {{ padding-right: 22px; }}
#controls QToolButton::menu-button {{ border: 0; width: 18px; }}

QLineEdit {{
    color: {text}; background: {panel}; border: 1px solid {outline}; border-radius: 3px; padding: 3px 4px;
    selection-background-color: {accent}; selection-color: {on_accent};
}}
QLineEdit:focus {{ border-color: {accent}; }}
QLineEdit:disabled {{ color: {disabled}; border-color: {grid}; }}
QComboBox QLineEdit, QAbstractSpinBox QLineEdit {{ border: 0; padding: 0; }}

NumberField {{
    color: {text}; background: {panel}; border: 1px solid {outline}; border-radius: 5px;
    padding: 4px 6px; min-height: 22px;
    selection-background-color: {accent}; selection-color: {on_accent};
}}
NumberField:focus {{ border: 2px solid {accent}; padding: 3px 5px; }}
QComboBox {{ min-height: 24px; }}
QCheckBox::indicator {{
    width: {box}px; height: {box}px; background: {raised}; border: 1px solid {outline}; border-radius: 3px;
}}
QCheckBox::indicator:hover, QCheckBox::indicator:focus {{ border-color: {accent}; }}
QCheckBox::indicator:checked {{ background: {accent}; image: url("{tick}"); }}
QCheckBox::indicator:disabled {{ background: {window}; border-color: {grid}; }}
QCheckBox::indicator:checked:disabled {{ background: {disabled}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QLineEdit[role="problem"] {{ border: 2px solid {warning}; }}

#readouts {{ background: {panel}; border-top: 1px solid {grid}; border-bottom: 1px solid {grid}; }}
#readouts QLabel#state {{ font-size: {state}px; font-weight: bold; color: {text}; }}
#readouts QLabel#state[role="problem"] {{ color: {warning}; }}

QLabel[role="caption"] {{ font-size: {small}px; color: {muted}; }}
QLabel[role="value"] {{ font-size: {value}px; font-weight: bold; color: {text}; }}
QLabel[role="problem"] {{ color: {warning}; font-weight: bold; }}
QLabel[role="title"] {{ font-size: {value}px; font-weight: bold; }}

#field_note {{
    color: {text}; background: {panel}; border: 2px solid {warning}; border-radius: 5px; padding: 5px 8px;
}}
#messages {{ background: {panel}; border-bottom: 2px solid {warning}; }}
#note {{ background: {panel}; border-top: 2px solid {warning}; }}
#messages QLabel, #note QLabel {{ font-size: {body}px; font-weight: bold; color: {text}; }}

#dock_title {{ background: {window}; }}
#dock_title QLabel {{ font-weight: bold; color: {text}; }}
#dock_title QToolButton {{ border: 0; border-radius: 4px; padding: 2px; background: transparent; }}
#dock_title QToolButton:hover {{ background: {grid}; }}
QMainWindow::separator {{ background: {window}; width: 5px; height: 5px; }}
QMainWindow::separator:hover {{ background: {accent}; }}
QTabBar {{ qproperty-elideMode: ElideNone; qproperty-usesScrollButtons: true; font-size: {small}px; }}
QTabBar::tab {{
    color: {text}; background: {window}; border: 1px solid {grid}; border-top: 0; padding: 3px 7px;
}}
QTabBar::tab:selected {{ background: {panel}; border-bottom: 3px solid {accent}; font-weight: bold; }}
#lesson {{ background: {panel}; }}
#lesson QTextBrowser {{ border: 0; background: {panel}; font-size: {body}px; }}
"""
