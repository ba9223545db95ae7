"""The table of actions: complete, without a clash, and the source of what the window shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtGui import QKeySequence

from gui import icons
from gui.actions import ACTIONS, MENUS, ActionSpec, key_rows, key_text
from gui.help_pages import keys_page

if TYPE_CHECKING:
    from gui.window import Window


def by_id(spec: ActionSpec) -> str:
    return spec.action_id


def test_no_id_and_no_key_stands_twice() -> None:
    ids = [spec.action_id for spec in ACTIONS]
    keys = [QKeySequence(key).toString() for spec in ACTIONS for key in spec.keys]
    lesson_keys = [f"Ctrl+{number}" for number in range(1, 10)]
    assert len(set(ids)) == len(ids)
    assert len({*keys, *lesson_keys}) == len(keys) + len(lesson_keys)


@pytest.mark.parametrize("spec", ACTIONS, ids=by_id)
def test_each_entry_is_complete(spec: ActionSpec) -> None:
    assert spec.menu in MENUS
    assert spec.tip.endswith(".") and len(spec.tip) < 90
    assert not spec.icon or spec.icon in icons.icon_names()
    assert all(not QKeySequence(key).isEmpty() for key in spec.keys)


def test_the_page_of_keys_names_every_key() -> None:
    page = keys_page()
    rows = dict(key_rows())
    for spec in ACTIONS:
        if spec.keys:
            assert rows[key_text(spec.keys)] == spec.tip
    assert "<b>Space</b>" in page and "<b>Ctrl+D</b>" in page


def test_each_entry_does_something_and_stands_in_its_menu(window: Window) -> None:
    menus = {menu.title().replace("&", ""): menu for menu in window.menus()}
    assert tuple(menus) == MENUS
    for spec in ACTIONS:
        action = window.actions_by_id[spec.action_id]
        assert action.receivers("2triggered(bool)") > 0, spec.action_id
        assert action in menus[spec.menu].actions()
        assert not spec.keys or key_text(spec.keys) in action.toolTip()
