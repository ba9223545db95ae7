"""Every sample at one theta, and who flips between two: from right to wrong, or from wrong to right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.special

from engine.datasets.dataset import Dataset

FloatArray = npt.NDArray[np.float64]

GAP: Final = 1e-9
"""A sample counts as right, or wrong, when its logits are apart by more: less could be rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Every sample at one theta.

    Attributes:
        p: (n_samples, n_classes) softmax of the logits.
        p_true: (n_samples,) of the label.
        gap: (n_samples,) logit of the label less the largest other; above 0 is right.
        loss: (n_samples,) -log p_true.
    """

    p: FloatArray
    p_true: FloatArray
    gap: FloatArray
    loss: FloatArray


def outcome(data: Dataset, logits: FloatArray) -> Outcome:
    """Return the Outcome of logits (n_samples, n_classes)."""
    rows = np.arange(data.n_samples)
    log_p = scipy.special.log_softmax(logits, axis=1)
    others = logits.copy()
    others[rows, data.y] = -np.inf
    p = np.exp(log_p)
    return Outcome(p, p[rows, data.y], logits[rows, data.y] - others.max(axis=1), -log_p[rows, data.y])


@dataclass(frozen=True, slots=True, eq=False)
class Flips:
    """Who flipped between two thetas; ties and what may be rounding are left out.

    Attributes:
        lost: (n,) samples that were right and are wrong; won: (m,) the other way.
        lost_though_better: how many of the lost had a smaller loss of their own afterwards.
    """

    lost: npt.NDArray[np.int64]
    won: npt.NDArray[np.int64]
    lost_though_better: int


def flips(before: Outcome, after: Outcome, gap: float = GAP) -> Flips:
    """Return who flipped between two outcomes of the same samples, by gaps larger than gap on both sides."""
    lost = np.flatnonzero((before.gap > gap) & (after.gap < -gap))
    won = np.flatnonzero((before.gap < -gap) & (after.gap > gap))
    return Flips(lost, won, int((after.loss[lost] < before.loss[lost]).sum()))
