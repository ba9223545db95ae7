"""The path walked: copies of theta along a run, thinned out so that they stay within a fixed memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.snapshot import Point, frozen

_MOST_POINTS: Final = 512
_FEWEST_POINTS: Final = 16
_MOST_BYTES: Final = 32 * 2**20


class Path:
    """Checkpoints every `stride` steps; when they are too many, every second goes and the stride doubles."""

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._stride = 1

    @property
    def points(self) -> tuple[Point, ...]:
        """The checkpoints, oldest first."""
        return tuple(self._points)

    @property
    def stride(self) -> int:
        """Steps between checkpoints."""
        return self._stride

    def steps_to_next(self, step: int) -> int:
        """Return how many steps a run now at step takes to the next checkpoint, at least 1."""
        return self._stride - step % self._stride

    def add(self, step: int, theta: npt.NDArray[np.float64], loss: float) -> None:
        """Keep a copy of theta (n_params,) if step is a checkpoint: of one step its first and its newest theta."""
        if step % self._stride:
            return
        if len(self._points) > 1 and self._points[-2].step == step:
            del self._points[-1]  # else a thousand kicks at one step would outgrow any stride
        self._keep(step, theta, loss)
        if len(self._points) > _most_points(theta):
            self._double_stride()

    def extend(self, steps: range, thetas: npt.NDArray[np.float64], losses: npt.NDArray[np.float64]) -> None:
        """Add steps behind all so far, with rows of thetas (n, n_params) and losses (n,).

        What `add` would throw away again before the last of them is not even copied.
        """
        if not steps:
            return
        most = _most_points(thetas[0])
        while len(self._points) + sum(step % self._stride == 0 for step in steps) > most:
            self._double_stride()
        for step, theta, loss in zip(steps, thetas, losses.tolist(), strict=True):
            if step % self._stride == 0:
                self._keep(step, theta, loss)

    def _keep(self, step: int, theta: npt.NDArray[np.float64], loss: float) -> None:
        self._points.append(Point("", step, frozen(theta), loss))

    def _double_stride(self) -> None:
        self._stride *= 2
        self._points = [point for point in self._points if point.step % self._stride == 0]

    def shortened(self, step: int) -> Path:
        """Return a path with the checkpoints up to step, at the same distance."""
        made = Path()
        made._points = [point for point in self._points if point.step <= step]
        made._stride = self._stride
        return made

    def thinned(self, most_bytes: int) -> Path:
        """Return a path of at most most_bytes, or of the fewest points that a path keeps, farther apart if need be."""
        made = Path.of(self._points, self._stride)
        while len(made._points) > _FEWEST_POINTS and sum(p.theta.nbytes for p in made._points) > most_bytes:
            made._stride *= 2
            made._points = [point for point in made._points if point.step % made._stride == 0]
        return made

    @classmethod
    def of(cls, points: Iterable[Point], stride: int) -> Path:
        """Return a path of checkpoints, oldest first, that goes on every stride steps."""
        made = cls()
        made._points, made._stride = list(points), stride
        return made


def _most_points(theta: npt.NDArray[np.float64]) -> int:
    return max(_FEWEST_POINTS, min(_MOST_POINTS, _MOST_BYTES // theta.nbytes))
