"""F1 on a panel explains it; every part of the window has a name that a screen reader can say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QLineEdit,
    QScrollBar,
    QTextBrowser,
    QWidget,
)

from engine.commands import Step
from engine.sources import SOURCES
from gui import help_pages, numerals
from gui.docks import TITLES
from gui.help_pages import HelpPage, panel_page
from gui.panels.panel import Panel
from gui.panels.registry import PANELS

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from gui.window import Window

WAIT_MS = 20_000
IDS = [kind.panel_id for kind in PANELS]
CONTROLS = (
    QAbstractButton,
    QComboBox,
    QLineEdit,
    QAbstractSlider,
    QAbstractSpinBox,
    QTextBrowser,
    QAbstractItemView,
)


@pytest.fixture(scope="module")
def trained() -> dict[str, object]:
    return {}


def panel_of(window: Window, panel_id: str) -> Panel:
    return next(panel for panel in window.panels if panel.panel_id == panel_id)


def show_alone(window: Window, panel_id: str, qtbot: QtBot) -> Panel:
    """Show one panel, with room for everything on it, and wait until it has drawn something."""
    window.docks.show_only([panel_id])
    panel = panel_of(window, panel_id)
    qtbot.waitUntil(
        lambda: panel.is_seen and panel._drawn is not None and bool(panel.summary()), timeout=WAIT_MS
    )
    assert panel.shown_error == ""
    return panel


def take_steps(window: Window, qtbot: QtBot, n_steps: int = 20) -> None:
    assert window.bridge.snapshot is not None
    wanted = window.bridge.snapshot.n_steps + n_steps
    window.bridge.send(Step(n_steps))
    qtbot.waitUntil(
        lambda: window.bridge.snapshot is not None and window.bridge.snapshot.n_steps == wanted,
        timeout=WAIT_MS,
    )


def focusable(panel: Panel) -> list[QWidget]:
    """Return what Tab reaches on a panel."""
    return [
        widget
        for widget in panel.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.isEnabled()
    ]


def pages(window: Window) -> list[HelpPage]:
    return [page for page in window.findChildren(HelpPage) if page.isVisible()]


@pytest.mark.parametrize("kind", PANELS, ids=IDS)
def test_each_panel_has_words_keys_and_sources(kind: type[Panel]) -> None:
    assert len(kind.help_text.split()) > 60
    assert kind.sources and set(kind.sources) <= set(SOURCES)
    assert kind.key_table and all(keys and what[0].isupper() for keys, what in kind.key_table)
    assert "\\" not in kind.help_text and "$" not in kind.help_text and "||" not in kind.help_text


@pytest.mark.parametrize("panel_id", IDS)
def test_f1_explains_the_panel_that_has_the_focus(window: Window, qtbot: QtBot, panel_id: str) -> None:
    take_steps(window, qtbot)
    panel = show_alone(window, panel_id, qtbot)
    places = focusable(panel)
    assert places
    for place in (places[0], places[-1]):
        window.activateWindow()
        place.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.waitUntil(place.hasFocus, timeout=WAIT_MS)
        QTest.keyClick(place, Qt.Key.Key_F1)
        [page] = pages(window)
        assert page.windowTitle() == panel.title
        text = page.browser.toPlainText()
        assert "Now:" in text and SOURCES[panel.sources[0]].citation in text and panel.key_table[0][1] in text
        page.close()


def test_f1_works_where_a_panel_has_pictures_or_nothing_to_show(
    open_window: Callable[..., Window], qtbot: QtBot
) -> None:
    opened = open_window(data="digits", hidden=())
    for panel_id in ("weights", "regions", "symmetry"):
        panel = show_alone(opened, panel_id, qtbot)
        [place] = focusable(panel)
        opened.activateWindow()
        place.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.waitUntil(place.hasFocus, timeout=WAIT_MS)
        QTest.keyClick(place, Qt.Key.Key_F1)
        [page] = pages(opened)
        assert page.windowTitle() == panel.title
        page.close()


def test_weights_in_pictures_are_read_by_keys(open_window: Callable[..., Window], qtbot: QtBot) -> None:
    opened = open_window(data="digits", hidden=(4,))
    panel = show_alone(opened, "weights", qtbot)
    board = panel.board  # type: ignore[attr-defined]
    opened.activateWindow()
    board.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(board.hasFocus, timeout=WAIT_MS)
    assert board.reading == (0, 4, 4)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageDown):
        QTest.keyClick(board, key)
    assert board.reading == (2, 3, 5)
    assert opened.bridge.snapshot is not None
    weights, _ = opened.bridge.snapshot.net.layers(opened.bridge.snapshot.theta)[0]
    told = panel.note_label.toolTip() or panel.note_label.text()  # type: ignore[attr-defined]
    assert f"Unit 3, row 4, column 6: weight {numerals.exact(weights[3 * 8 + 5, 2])}" in told
    for _ in range(9):
        QTest.keyClick(board, Qt.Key.Key_PageDown)
    assert board.reading == (3, 3, 5)


def test_f1_elsewhere_explains_all_panels(window: Window) -> None:
    window.setFocus()
    QTest.keyClick(window, Qt.Key.Key_F1)
    [page] = pages(window)
    assert page.windowTitle() == "What the panels show"


def test_an_item_keeps_its_line() -> None:
    assert help_pages._paragraphs("One\ntwo:\n• a < b\nc\n• d\n\n• e") == (
        "<p>One two:<br>• a &lt; b c<br>• d</p><p>• e</p>"
    )


def test_a_panel_that_has_drawn_nothing_says_so() -> None:
    class Silent:
        title, help_text, sources, key_table = "T", "Words.", (), ()

        def summary(self) -> str:
            return ""

    assert "Nothing is drawn yet" in panel_page(Silent())  # type: ignore[arg-type]


# ------------------------------------------------------------------------------- names


def name_of(widget: QWidget) -> str:
    """Return the name that Qt tells a screen reader: of the widget, its text, or its buddy's."""
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name) if interface is not None else ""


def nameless(root: QWidget) -> list[str]:
    """Describe the controls below a widget, and whatever takes the focus, that have no name."""
    found = []
    for widget in root.findChildren(QWidget):
        is_part = isinstance(widget, QScrollBar) or isinstance(
            widget.parentWidget(), (QComboBox, QAbstractSpinBox)
        )
        is_control = isinstance(widget, CONTROLS) or bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        if (
            is_control
            and not is_part
            and widget.isVisible()
            and not _is_inner(widget)
            and not name_of(widget)
        ):
            found.append(f"{type(widget).__name__} in {_home(widget)}")
    return found


def _is_inner(widget: QWidget) -> bool:
    """Whether a widget is a part that Qt itself makes: of a tab bar, a tool bar, a list, a field, a view."""
    parent = widget.parentWidget()
    if isinstance(parent, QAbstractScrollArea) and parent.viewport() is widget:
        return True
    return widget.objectName().startswith("qt_") or type(widget).__name__ in ("QHeaderView", "QTabBar")


def _home(widget: QWidget) -> str:
    parent = widget.parentWidget()
    names = []
    while parent is not None and len(names) < 3:
        names.append(type(parent).__name__)
        parent = parent.parentWidget()
    return " < ".join(names)


def test_every_control_of_the_window_has_a_name(window: Window, qtbot: QtBot) -> None:
    take_steps(window, qtbot)
    assert nameless(window) == []


@pytest.mark.parametrize("panel_id", IDS)
def test_a_panel_says_its_present_values(window: Window, qtbot: QtBot, panel_id: str) -> None:
    take_steps(window, qtbot)  # there is no way to look along before
    panel = show_alone(window, panel_id, qtbot)
    take_steps(window, qtbot)
    qtbot.waitUntil(lambda: not window.bridge.jobs.is_busy, timeout=WAIT_MS)

    def told() -> str:
        return f"{panel.accessibleName()} {panel.accessibleDescription()}"

    assert panel.accessibleName().startswith(panel.title)
    qtbot.waitUntil(lambda: " ".join(panel.summary().split())[:60] in told(), timeout=WAIT_MS)
    assert nameless(panel) == []


def test_every_control_of_the_dialogs_has_a_name(window: Window, qtbot: QtBot) -> None:
    for action_id in ("settings", "kick_options", "edit_lesson", "keys", "panels_help", "about"):
        window.actions_by_id[action_id].trigger()
        [dialog] = [one for one in window.findChildren(QDialog) if one.isVisible()]
        assert nameless(dialog) == [], action_id
        dialog.close()
        dialog.deleteLater()


def test_the_titles_of_the_docks_are_the_panels(window: Window) -> None:
    assert {kind.panel_id for kind in PANELS} | {"lesson"} == set(TITLES)
