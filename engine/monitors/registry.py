"""The table of monitors, the cheap ones first."""

from __future__ import annotations

from typing import Final

from engine.monitors.descent import Descent
from engine.monitors.descent_minibatch import DescentMinibatch
from engine.monitors.error_ceiling import ErrorCeiling
from engine.monitors.errors_never_rise import ErrorsNeverRise
from engine.monitors.full_rank_features import FullRankFeatures
from engine.monitors.gradient_bound_logits import GradientBoundLogits
from engine.monitors.gradient_bound_weights import GradientBoundWeights
from engine.monitors.hessian_indefinite import HessianIndefinite
from engine.monitors.lemma_2_1 import Lemma21
from engine.monitors.monitor import Monitor
from engine.monitors.permutation_invariance import PermutationInvariance
from engine.monitors.symmetry_stays import SymmetryStays

MONITORS: Final[tuple[type[Monitor], ...]] = (
    SymmetryStays,
    Descent,
    DescentMinibatch,
    ErrorsNeverRise,
    ErrorCeiling,
    Lemma21,
    GradientBoundLogits,
    GradientBoundWeights,
    HessianIndefinite,
    FullRankFeatures,
    PermutationInvariance,
)


def make_monitors() -> tuple[Monitor, ...]:
    """Return one monitor of each kind, for one reader."""
    return tuple(kind() for kind in MONITORS)
