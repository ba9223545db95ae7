"""Full-batch gradient descent on multilayer perceptrons, exact to the last bit, without a screen.

Names are loaded when they are first used: the window imports `engine.commands` and `engine.snapshot` long
before it can afford numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from engine.config import RunConfig as RunConfig
    from engine.curvature import extreme_eigenpairs as extreme_eigenpairs
    from engine.datasets import Dataset as Dataset
    from engine.datasets import load_dataset as load_dataset
    from engine.landscape import line_slice as line_slice
    from engine.landscape import plane_slice as plane_slice
    from engine.mlp import MLP as MLP
    from engine.perturbations import PERTURBATIONS as PERTURBATIONS
    from engine.thread import EngineThread as EngineThread
    from engine.trainer import Trainer as Trainer

_HOMES: Final = {
    "Dataset": "engine.datasets",
    "EngineThread": "engine.thread",
    "MLP": "engine.mlp",
    "PERTURBATIONS": "engine.perturbations",
    "RunConfig": "engine.config",
    "Trainer": "engine.trainer",
    "extreme_eigenpairs": "engine.curvature",
    "line_slice": "engine.landscape",
    "load_dataset": "engine.datasets",
    "plane_slice": "engine.landscape",
}

__all__ = ["LESSONS", *_HOMES]


def __getattr__(name: str) -> Any:
    if name == "LESSONS":
        from engine.lessons import lesson_ids

        return lesson_ids()
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
