"""A module that is loaded when something of it is first used, not when it is imported."""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


def import_late(name: str) -> None:
    """Let every `import name` from now on cost nothing, until something of the module is used.

    A module that is there already, or cannot be found, is left to the imports. The first use must be over before
    another thread has one: nothing keeps them apart.
    """
    spec = None if name in sys.modules else find_spec(name)
    if spec is not None:
        module = module_from_spec(spec)
        module.__dict__.pop("__path__", None)  # to look for a part of it is to use it
        module.__class__ = _Late
        sys.modules[name] = module


class _Late(ModuleType):
    """A module that is not loaded yet.

    importlib's LazyLoader cannot stand in for it: before Python 3.12 the statement `import` itself, which looks at
    `__spec__`, has it load.
    """

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":  # inspect asks everything for it, and PySide6's import asks inspect
            raise AttributeError(name)
        spec = self.__spec__
        assert spec is not None and spec.loader is not None
        self.__class__ = ModuleType  # type: ignore[assignment]  # from here on one like any other
        if spec.submodule_search_locations is not None:
            self.__path__ = spec.submodule_search_locations
        spec.loader.exec_module(self)
        return getattr(self, name)
