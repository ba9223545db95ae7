"""The curvature along the steps of a run, read off its history; needs no kernels. Formula: `engine.certificate`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine import checks

FloatArray = npt.NDArray[np.float64]


def curvature_along(loss: Any, gradient_norm: Any, learning_rate: Any) -> FloatArray:
    """Return the curvature along each step of a run, (n_steps,), from its history alone.

    c = 2 (L_after - L_before + rate ||g||^2) / (rate ||g||)^2: no Hessian is needed. Rounding of the losses
    is in it, see `curvature_rounding`. NaN where the gradient is 0.

    Args:
        loss, gradient_norm: (n_steps + 1,) as in `Trainer.history`, of full-batch steps without jumps.
        learning_rate: one number, or one a step (n_steps,).
    """
    losses, norms, rates = _history(loss, gradient_norm, learning_rate)
    lengths = rates * norms
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2.0 * (np.diff(losses) + lengths * norms) / lengths**2)


def curvature_rounding(loss: Any, gradient_norm: Any, learning_rate: Any) -> FloatArray:
    """Return how much of `curvature_along` may be rounding, (n_steps,): a share 1e-15 of the loss, passed on."""
    losses, norms, rates = _history(loss, gradient_norm, learning_rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2e-15 * np.abs(losses[:-1]) / (rates * norms) ** 2)


def _history(loss: Any, gradient_norm: Any, learning_rate: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
    losses = np.asarray(loss, dtype=np.float64)
    norms = checks.vector("gradient_norm", gradient_norm, len(losses))[:-1]
    rates = np.asarray(learning_rate, dtype=np.float64)
    if rates.shape not in ((), norms.shape):
        raise ValueError(f"learning_rate must be one number or {len(norms)}, not of shape {rates.shape}.")
    return losses, norms, rates
