"""Fixed dropout-like noise: the value of every hidden unit on every example times a factor of its own.

As Soudry and Carmon ("No bad local minima", 2016) have it, the factors are drawn once and stay: training sees
the same noise at each step. A factor is 1 + strength sqrt(3) (2 u - 1) with u uniform on [0, 1): mean 1,
standard deviation `strength`. Where dropout would multiply by 0 or 1, this has a density, which "for almost
every realisation" needs.

u comes from SplitMix64 (Steele, Lea and Flood 2014) by counting, not by drawing in turn: it is a function of
seed, layer, unit and example alone, whatever the order, the block or the thread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engine import checks

if TYPE_CHECKING:
    import numpy.typing as npt

    from engine.datasets.dataset import Dataset
    from engine.mlp import MLP

    FloatArray = npt.NDArray[np.float64]

LARGEST_SEED: Final = 2**63 - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Noise:
    """The strength of the noise, a standard deviation above 0, and the seed of its factors."""

    strength: float
    seed: int = 0

    def __post_init__(self) -> None:
        checks.real_number("noise", self.strength, above=0.0)
        checks.whole_number("noise_seed", self.seed, 0, LARGEST_SEED)

    @property
    def scale(self) -> float:
        """Half the width of the factors' range around 1."""
        return self.strength * math.sqrt(3.0)

    def factors(self, layer: int, n_units: int, numbers: npt.NDArray[np.int64]) -> FloatArray:
        """Return the factors of the units of a hidden layer (from 1), (n_examples, n_units).

        numbers (n_examples,) are the examples' numbers in the data set that the noise was made for.
        """
        units, golden = np.arange(n_units, dtype=np.uint64), np.uint64(_GOLDEN)
        with np.errstate(over="ignore"):  # whole numbers modulo 2^64
            of_layer = _mixed(_mixed(np.uint64(self.seed) + golden) + np.uint64(layer) * golden)
            streams = _mixed(of_layer + (units + np.uint64(1)) * golden)
            drawn = _mixed(streams[None, :] + (numbers.astype(np.uint64)[:, None] + np.uint64(1)) * golden)
        u = (drawn >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return np.asarray(1.0 + self.scale * (2.0 * u - 1.0))


def factors(net: MLP, data: Dataset, rows: slice | npt.NDArray[np.int64]) -> tuple[FloatArray, ...]:
    """Return the factors of all hidden layers for some rows of data, each (n, width); () without noise."""
    if data.noise is None:
        return ()
    numbers, widths = data.numbers[rows], net.layer_sizes[1:-1]
    return tuple(data.noise.factors(layer, width, numbers) for layer, width in enumerate(widths, 1))


def refuse_noise(data: Dataset, what: str) -> None:
    """Raise ValueError if data has noise; what names what does not work with it, as "A slice"."""
    if data.noise is not None:
        raise ValueError(f"noise must be 0 for this: {what} does not know the noise of a data set.")


def _mixed(z: npt.NDArray[np.uint64] | np.uint64) -> npt.NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)
