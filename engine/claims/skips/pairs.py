"""Paired differences: their mean, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.special


@dataclass(frozen=True, slots=True)
class Interval:
    """Mean of paired differences with its 95 % confidence interval (Student's t), and how many pairs."""

    mean: float
    low: float
    high: float
    n_pairs: int

    @property
    def sign(self) -> int:
        """1 where the whole interval is above 0, -1 where it is below, 0 where it holds 0."""
        return int(self.low > 0.0) - int(self.high < 0.0)


def paired(differences: Sequence[float]) -> Interval:
    """Return the mean and the 95 % interval of at least 2 differences."""
    values = np.asarray(differences, dtype=np.float64)
    n, mean = len(values), float(values.mean())
    half = float(scipy.special.stdtrit(n - 1, 0.975)) * float(values.std(ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n)
