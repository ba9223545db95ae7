"""Modules that are loaded when they are first used; each in a module of its own, written for the test."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest

from engine.late import import_late

NAME = "lossoscope_late_example"


@pytest.fixture
def loads(tmp_path, monkeypatch):
    """Write a package that notes that it is loaded, and let it be found; return the notes."""
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "__init__.py").write_text(
        "import sys\nsys.late_notes.append(__name__)\nfrom .inner import value\nclass Kind: pass\n"
    )
    (tmp_path / NAME / "inner.py").write_text("value = 3\n")
    (tmp_path / NAME / "other.py").write_text("from . import value\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    notes: list[str] = []
    monkeypatch.setattr(sys, "late_notes", notes, raising=False)
    yield notes
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


def test_an_import_loads_nothing_and_the_first_use_does(loads):
    import_late(NAME)
    namespace: dict[str, ModuleType] = {}
    exec(f"import {NAME} as module", namespace)
    module = namespace["module"]
    assert loads == []
    assert module.value == 3 and loads == [NAME]
    assert type(module) is ModuleType and importlib.import_module(NAME) is module
    assert module.Kind.__module__ == NAME and module.Kind is module.Kind
    assert loads == [NAME]
    with pytest.raises(AttributeError, match="nothing_like_that"):
        module.nothing_like_that  # noqa: B018


@pytest.mark.parametrize(
    "statement", [f"from {NAME} import value", f"import {NAME}.other", f"from {NAME}.other import value"]
)
def test_whoever_takes_something_of_it_has_it_loaded_first(loads, statement):
    import_late(NAME)
    exec(statement, {})
    assert loads == [NAME]


def test_a_module_that_is_there_stays_and_one_that_is_nowhere_is_told_by_the_import(loads):
    module = importlib.import_module(NAME)
    import_late(NAME)
    assert sys.modules[NAME] is module and loads == [NAME]
    import_late("lossoscope_of_no_such_name")
    with pytest.raises(ModuleNotFoundError, match="lossoscope_of_no_such_name"):
        importlib.import_module("lossoscope_of_no_such_name")
