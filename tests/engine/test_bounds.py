"""The ceiling over the errors."""

from __future__ import annotations

import math

import numpy as np

from engine import MLP, Dataset
from engine.bounds import error_ceiling


def test_the_ceiling_is_the_whole_part_of_the_quotient() -> None:
    loss = np.array([0.0, 0.1, math.log(2.0), 2.3])
    expected = [math.floor(1797 * value / math.log(2.0)) for value in loss]
    assert error_ceiling(loss, 1797).tolist() == expected


def test_below_ln_2_by_n_there_is_no_error() -> None:
    assert error_ceiling(0.999 * math.log(2.0) / 50, 50) == 0
    assert error_ceiling(math.log(2.0) / 50, 50) == 1


def test_a_wrong_half_reaches_the_ceiling_despite_rounding() -> None:
    # Two classes, outputs all equal: every loss is ln 2 and every sample of class 1 counts as wrong.
    for n_samples in range(1, 200):
        net = MLP((1, 2))
        data = Dataset(np.ones((n_samples, 1)), np.ones(n_samples, dtype=int))
        theta = np.zeros(net.n_params)
        assert net.n_errors(theta, data) == n_samples
        assert error_ceiling(net.loss(theta, data), n_samples) == n_samples
