"""Full-batch gradient descent on multilayer perceptrons, exact to the last bit, without a screen.

Names are loaded when they are first used: the window imports `engine.commands` and `engine.snapshot` long
before it can afford numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from engine.alignment import align as align
    from engine.alignment import barrier as barrier
    from engine.claims.registry import CLAIM_IDS as CLAIMS
    from engine.claims.verification import verify as verify
    from engine.clarke import clarke_residual as clarke_residual
    from engine.config import RunConfig as RunConfig
    from engine.curvature import extreme_eigenpairs as extreme_eigenpairs
    from engine.curvature.sharpness import keskar_sharpness as keskar_sharpness
    from engine.curvature.sharpness import rescaled as rescaled
    from engine.curvature.sharpness import sharpness as sharpness
    from engine.curvature.spectrum import spectral_density as spectral_density
    from engine.curvature.trace import hessian_trace as hessian_trace
    from engine.curves import curve_loss as curve_loss
    from engine.curves import train_curve as train_curve
    from engine.datasets import Dataset as Dataset
    from engine.datasets import load_dataset as load_dataset
    from engine.disparities import DisparityMeter as DisparityMeter
    from engine.disparities import per_example as per_example
    from engine.flow import gradient_flow as gradient_flow
    from engine.landscape import line_slice as line_slice
    from engine.landscape import plane_slice as plane_slice
    from engine.limits import compare_with_flow as compare_with_flow
    from engine.mlp import MLP as MLP
    from engine.perturbations import PERTURBATIONS as PERTURBATIONS
    from engine.rank import features as features
    from engine.rank import numerical_rank as numerical_rank
    from engine.thread import EngineThread as EngineThread
    from engine.trainer import Trainer as Trainer

_HOMES: Final = {
    "Dataset": "engine.datasets",
    "DisparityMeter": "engine.disparities",
    "EngineThread": "engine.thread",
    "MLP": "engine.mlp",
    "PERTURBATIONS": "engine.perturbations",
    "RunConfig": "engine.config",
    "Trainer": "engine.trainer",
    "align": "engine.alignment",
    "barrier": "engine.alignment",
    "clarke_residual": "engine.clarke",
    "compare_with_flow": "engine.limits",
    "curve_loss": "engine.curves",
    "extreme_eigenpairs": "engine.curvature",
    "features": "engine.rank",
    "gradient_flow": "engine.flow",
    "hessian_trace": "engine.curvature.trace",
    "keskar_sharpness": "engine.curvature.sharpness",
    "line_slice": "engine.landscape",
    "load_dataset": "engine.datasets",
    "numerical_rank": "engine.rank",
    "per_example": "engine.disparities",
    "plane_slice": "engine.landscape",
    "rescaled": "engine.curvature.sharpness",
    "sharpness": "engine.curvature.sharpness",
    "spectral_density": "engine.curvature.spectrum",
    "train_curve": "engine.curves",
    "verify": "engine.claims.verification",
}

__all__ = ["CLAIMS", "LESSONS", *_HOMES]


def __getattr__(name: str) -> Any:
    if name == "LESSONS":
        from engine.lessons import lesson_ids

        return lesson_ids()
    if name == "CLAIMS":
        from engine.claims.registry import CLAIM_IDS

        return CLAIM_IDS
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
