"""Loss and errors along a line and on a plane through parameter space."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.arguments import check_net_and_data
from engine.datasets.dataset import Dataset
from engine.evaluator import check_fit
from engine.landscape.levels import Level, filled, levels
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_YIELD_S: Final = 0.012  # cancelling takes effect within about twice this


@dataclass(frozen=True, slots=True, eq=False)
class LineSlice:
    """Loss and errors at origin + a direction; read-only arrays of shape (len(alphas),).

    Attributes:
        loss: mean loss, infinite or NaN where it overflows; NaN where `known` is False.
        n_errors: number of errors; -1 where `known` is False.
        known: which points have been computed; all of them when the slice is complete.
    """

    alphas: FloatArray
    loss: FloatArray
    n_errors: Counts
    known: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class PlaneSlice:
    """Loss and errors at origin + a d1 + b d2; read-only arrays of shape (len(alphas), len(betas)).

    Attributes: as those of `LineSlice`.
    """

    alphas: FloatArray
    betas: FloatArray
    loss: FloatArray
    n_errors: Counts
    known: npt.NDArray[np.bool_]

    def filled_loss(self) -> FloatArray:
        """Return the loss with unknown points interpolated between known ones, for a picture at once."""
        return filled(self.loss, self.known)


def line_slice(
    net: MLP, data: Dataset, origin: Any, direction: Any, alphas: Any, n_threads: int = 1
) -> LineSlice:
    """Return loss and errors at origin + alphas[i] direction.

    Args:
        net, data: whose loss.
        origin, direction: (n_params,).
        alphas: (n,) any finite numbers; fastest where they are evenly spaced.
        n_threads: threads that share the points; the result has the same bits for any number.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    check_net_and_data(net, data)
    *_, (_, result) = iter_line_slice(net, data, origin, direction, alphas, n_threads)
    return result


def plane_slice(
    net: MLP, data: Dataset, origin: Any, d1: Any, d2: Any, alphas: Any, betas: Any, n_threads: int = 1
) -> PlaneSlice:
    """Return loss and errors at origin + alphas[i] d1 + betas[j] d2.

    Args:
        net, data: whose loss.
        origin, d1, d2: (n_params,).
        alphas, betas: (n,) and (m,) any finite numbers; fastest where betas are evenly spaced.
        n_threads: threads that share the points; the result has the same bits for any number.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    check_net_and_data(net, data)
    *_, (_, result) = iter_plane_slice(net, data, origin, d1, d2, alphas, betas, n_threads)
    return result


def iter_line_slice(
    net: MLP, data: Dataset, origin: Any, direction: Any, alphas: Any, n_threads: int = 1
) -> Generator[tuple[float, LineSlice], None, None]:
    """Yield (share done, line slice so far) about every 12 ms, coarse first; arguments as `line_slice`."""
    along = _vector(net, "direction", direction)
    start, across = _vector(net, "origin", origin), np.zeros(net.n_params)
    grids = np.zeros(1), _grid("alphas", alphas)
    for share, plane in _iter_plane(net, data, (start, across, along), *grids, n_threads):
        yield share, LineSlice(plane.betas, plane.loss[0], plane.n_errors[0], plane.known[0])


def iter_plane_slice(
    net: MLP, data: Dataset, origin: Any, d1: Any, d2: Any, alphas: Any, betas: Any, n_threads: int = 1
) -> Generator[tuple[float, PlaneSlice], None, None]:
    """Yield (share done, plane slice so far) about every 12 ms, coarse first; arguments as `plane_slice`.

    The slice stays the same object until a level is complete, so that a picture need only be drawn for a
    new one. Nothing is known in the first.
    """
    named = (("origin", origin), ("d1", d1), ("d2", d2))
    vectors = tuple(_vector(net, name, vector) for name, vector in named)
    yield from _iter_plane(net, data, vectors, _grid("alphas", alphas), _grid("betas", betas), n_threads)


def _iter_plane(
    net: MLP,
    data: Dataset,
    vectors: tuple[FloatArray, ...],
    alphas: FloatArray,
    betas: FloatArray,
    n_threads: int,
) -> Generator[tuple[float, PlaneSlice], None, None]:
    check_fit(net, data)
    checks.whole_number("n_threads", n_threads, at_least=1)
    state = _State(alphas, betas)
    yield 0.0, state.partial
    from engine.landscape.sampler import Sampler  # imports and compiles the kernels, which takes seconds

    origin, d1, d2 = vectors
    with Sampler(net, data, (origin, d1, d2), alphas, betas, n_threads) as sampler:
        yielded = time.perf_counter()
        for level in levels(len(alphas), len(betas)):
            for share in sampler.measure(level.patches, state.loss, state.n_errors):
                if time.perf_counter() - yielded > _YIELD_S:
                    yield state.share(level, share), state.partial
                    yielded = time.perf_counter()
            state.finish(level)
            yield state.share(level, 0.0), state.partial
            yielded = time.perf_counter()


class _State:
    """What is known of a grid so far."""

    def __init__(self, alphas: FloatArray, betas: FloatArray) -> None:
        self._alphas, self._betas = _frozen(alphas), _frozen(betas)
        self._n_done = 0
        shape = (len(alphas), len(betas))
        self.loss = np.full(shape, np.nan)
        self.n_errors = np.full(shape, -1, dtype=np.int64)
        self.known = np.zeros(shape, dtype=np.bool_)
        self.partial = self._freeze()

    def finish(self, level: Level) -> None:
        self.known[np.ix_(level.rows, level.columns)] = True
        self._n_done += level.n_points
        self.partial = self._freeze()

    def share(self, level: Level, share: float) -> float:
        """Return the share 0..1 of all points that are done, with this share of a level."""
        return (self._n_done + level.n_points * share) / self.known.size

    def _freeze(self) -> PlaneSlice:
        return PlaneSlice(self._alphas, self._betas, *map(_frozen, (self.loss, self.n_errors, self.known)))


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _vector(net: MLP, name: str, value: Any) -> FloatArray:
    vector = checks.vector(name, value, net.n_params)
    if not np.isfinite(vector).all():
        raise ValueError(f"{name} must hold finite numbers only, but some are NaN or infinite.")
    return vector


def _grid(name: str, value: Any) -> FloatArray:
    try:
        grid = checks.real_array(value).copy()
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a list of numbers, not {type(value).__name__}.") from None
    if grid.ndim != 1 or not len(grid):
        raise ValueError(f"{name} must be a list of at least one number, not an array of shape {grid.shape}.")
    if not np.isfinite(grid).all():
        raise ValueError(f"{name} must hold finite numbers only, but some are NaN or infinite.")
    return grid
