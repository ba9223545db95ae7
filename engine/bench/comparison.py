"""Whether two contestants computed the same thing."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.bench.contestant import Result

_TOLERANCES: Final = {
    "float64": {"loss": 1e-9, "theta": 1e-9, "products": 1e-9, "eigenvalues": 1e-6},
    "float32": {"loss": 1e-4, "theta": 1e-4},
}
_MOST_ERRORS_OFF: Final = {"float64": 0.0, "float32": 1e-4}  # share of samples on the edge between classes


def difference(ours: Result, theirs: Result, n_samples: int, dtype: str) -> str:
    """Return one clause on the first quantity in which two results differ too much, or "" if none does.

    Losses are compared one by one, relative to their size; theta, products and eigenvalues relative to the
    largest number among them.
    """
    for name in theirs:
        if ours[name].shape != theirs[name].shape:
            return f"{name} has shape {theirs[name].shape}, not {ours[name].shape}"
        if name == "n_errors":
            allowed = _MOST_ERRORS_OFF[dtype]
            found = float(np.abs(ours[name] - theirs[name]).max()) / n_samples
        else:
            allowed = _TOLERANCES[dtype][name]
            found = _relative(ours[name], theirs[name], each=name == "loss")
        if not found <= allowed:
            return f"{name} differs by {found:.1e}, more than {allowed:.0e}"
    return ""


def _relative(ours: np.ndarray, theirs: np.ndarray, each: bool) -> float:
    size = np.abs(ours) if each else np.abs(ours).max()
    return float((np.abs(ours - theirs) / np.maximum(size, 1e-300)).max())
