"""What Qt calls must not raise: every painting override is guarded, and what it raises is told once."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys

import pytest
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

import gui
from gui.guards import guarded, painting

PAINTING = ("paintEvent", "paint", "tickValues", "tickStrings")


def overrides() -> list[tuple[str, str]]:
    found = []
    for module in pkgutil.walk_packages(gui.__path__, "gui."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind.__module__ == module.name:
                found += [(module.name, f"{kind.__name__}.{name}") for name in PAINTING if name in vars(kind)]
    return found


@pytest.mark.parametrize(("module", "name"), overrides())
def test_every_painting_override_is_guarded(module: str, name: str) -> None:
    kind, method = name.split(".")
    function = vars(getattr(importlib.import_module(module), kind))[method]
    assert hasattr(function, "__wrapped__"), f"{name} in {module} wants @painting or @guarded"


def test_an_exception_in_painting_is_told_once_and_kills_nothing(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: told.append(error))

    class Broken(QWidget):
        @painting
        def paintEvent(self, event: QPaintEvent) -> None:
            raise ZeroDivisionError("no width")

    widget = Broken()
    qtbot.addWidget(widget)
    widget.show()
    for _ in range(3):
        widget.grab()
    assert [str(error) for error in told] == ["no width"]


def test_a_value_is_given_in_place_of_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", lambda *args: None)

    @guarded([0.0])
    def ticks(low: float) -> list[float]:
        return [1.0 / low]

    assert ticks(2.0) == [0.5] and ticks(0.0) == [0.0]
