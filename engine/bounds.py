"""What the loss says about the errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

_ROUNDING = 1.0 + 1e-12  # the mean over samples is a rounded number; a ceiling must not be too low for it


def error_ceiling(loss: Any, n_samples: int) -> npt.NDArray[np.float64]:
    """Return floor(n_samples * loss / ln 2), which the errors cannot exceed; loss is a number or an array.

    Holds for the mean cross-entropy in nats: a sample that is wrong has a probability of at most 1/2 for its
    class, so it alone adds ln 2 to the sum (from the proof of Lemma 2.1 of Nguyen, Mukkamala and Hein,
    "On the loss landscape of a class of deep neural networks with no bad local valleys", 2019).
    """
    return np.floor(np.asarray(loss, dtype=np.float64) * (n_samples / math.log(2.0) * _ROUNDING))
