"""The table of monitors, the cheap ones first."""

from __future__ import annotations

from typing import Final

from engine.monitors.convex_in_logits import ConvexInLogits
from engine.monitors.convex_in_weights import ConvexInWeights
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
from engine.monitors.norms import Norms
from engine.monitors.one_parameter_per_layer import OneParameterPerLayer
from engine.monitors.permutation_invariance import PermutationInvariance
from engine.monitors.sign_retention import SignRetention
from engine.monitors.softmax_regression_convex import SoftmaxRegressionConvex
from engine.monitors.symmetry_stays import SymmetryStays

MONITORS: Final[tuple[type[Monitor], ...]] = (
    SymmetryStays,
    OneParameterPerLayer,
    Descent,
    DescentMinibatch,
    ErrorsNeverRise,
    ErrorCeiling,
    Lemma21,
    GradientBoundLogits,
    GradientBoundWeights,
    HessianIndefinite,
    FullRankFeatures,
    SignRetention,
    Norms,
    PermutationInvariance,
    ConvexInLogits,
    ConvexInWeights,
    SoftmaxRegressionConvex,
)


def make_monitors() -> tuple[Monitor, ...]:
    """Return one monitor of each kind, for one reader."""
    return tuple(kind() for kind in MONITORS)
