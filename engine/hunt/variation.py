"""How a witness is varied: moved, made rounder, cut and doubled."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.datasets.dataset import Dataset
from engine.witnesses import Witness

FloatArray = npt.NDArray[np.float64]

_RATES: Final = (1e-4, 4.0)


def varied(witness: Witness, rng: np.random.Generator, largest: float, **may: bool) -> Witness:
    """Return a witness near another.

    One or two changes: some of the trained numbers of the start moved or rounded to few digits, and, where
    may (data=, rate=) allows it, the same for the inputs, a sample left out or doubled, another rate.

    Args:
        largest: no number of the start gets larger than that in absolute value.
    """
    changes = [_with_theta] + [_with_inputs, _with_samples] * may.get("data", False)
    changes += [_with_rate] * may.get("rate", False)
    for _ in range(int(rng.integers(1, 3))):
        witness = changes[rng.integers(len(changes))](witness, rng)
    return dataclasses.replace(witness, theta=np.clip(witness.theta, -largest, largest))


def _with_theta(witness: Witness, rng: np.random.Generator) -> Witness:
    free = witness.net.trained(witness.train)
    theta = witness.theta.copy()
    theta[free] = _moved(theta[free], rng)
    return dataclasses.replace(witness, theta=theta)


def _with_inputs(witness: Witness, rng: np.random.Generator) -> Witness:
    x = _moved(witness.data.x.ravel(), rng).reshape(witness.data.x.shape)
    return _with_data(witness, x, witness.data.y)


def _with_samples(witness: Witness, rng: np.random.Generator) -> Witness:
    x, y = witness.data.x, witness.data.y
    row = int(rng.integers(len(y)))
    if len(y) > 1 and rng.random() < 0.5:
        return _with_data(witness, np.delete(x, row, axis=0), np.delete(y, row))
    again = np.append(x, _moved(x[row], rng)[None], axis=0)
    return _with_data(witness, again, np.append(y, y[row]))


def _with_rate(witness: Witness, rng: np.random.Generator) -> Witness:
    rate = float(np.clip(witness.learning_rate * rng.choice((0.5, 2.0)), *_RATES))
    return dataclasses.replace(witness, learning_rate=rate)


def _with_data(witness: Witness, x: FloatArray, y: npt.NDArray[np.int64]) -> Witness:
    data = Dataset(x, y, witness.data.name, witness.data.n_classes)
    return dataclasses.replace(witness, data=data)


def _moved(numbers: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return numbers (n,) with some of them changed in one way."""
    chosen = rng.random(len(numbers)) < rng.choice((0.3, 1.0))
    moved, way = numbers.copy(), _WAYS[rng.integers(len(_WAYS))]
    moved[chosen] = way(numbers, rng)[chosen]
    return moved


def _jogged(numbers: FloatArray, rng: np.random.Generator) -> FloatArray:
    size = 10.0 ** rng.uniform(-3.0, 0.0)
    return np.asarray(numbers + size * (np.abs(numbers) + 0.1) * rng.standard_normal(len(numbers)))


def _scaled(numbers: FloatArray, rng: np.random.Generator) -> FloatArray:
    return numbers * rng.uniform(0.5, 1.5)


def _rounded(numbers: FloatArray, rng: np.random.Generator) -> FloatArray:
    return np.asarray(np.round(numbers, int(rng.integers(0, 3))))


_WAYS: Final[tuple[Callable[[FloatArray, np.random.Generator], FloatArray], ...]] = (
    _jogged,
    _jogged,
    _scaled,
    _rounded,
)
