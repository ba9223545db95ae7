"""What tests of a whole window share: its newest snapshot and state, and keys pressed where the focus is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

if TYPE_CHECKING:
    from engine.snapshot import Snapshot, State
    from gui.window import Window


def snapshot_of(window: Window) -> Snapshot:
    assert window.bridge.snapshot is not None
    return window.bridge.snapshot


def state_of(window: Window) -> State:
    assert window.bridge.newest is not None
    return window.bridge.newest.state


def press(
    window: Window, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    """Press a key where the focus is, as a person does."""
    window.activateWindow()
    QTest.keyClick(window.focusWidget() or window, key, modifiers)
