"""A survey: a view with its line slice and its plane slice, coarse first, as a job beside training."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.datasets.dataset import Dataset
from engine.landscape.plane import Coordinates, share_of_path
from engine.landscape.scene import Scene, View
from engine.landscape.slices import LineSlice, PlaneSlice, iter_line_slice, iter_plane_slice
from engine.landscape.views import VIEWS
from engine.snapshot import Point

if TYPE_CHECKING:
    from engine.curves import Bezier

_N_LINE: Final = 101
_MAKING: Final = 0.4  # share of the work that making a slow view counts for
_BEFORE_LINE: Final = 0.05  # share of the plane's points that come before the line


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What is known of a view so far.

    Attributes:
        gradient_share: share 0..1 of the gradient's squared length that lies in the plane; NaN for gradient 0.
        path_share: share 0..1 of the path that lies in the plane: of the summed squared distances between its
            points and their mean; NaN for a path of one point.
        walked: (a, b, distance from the plane) of each checkpoint of the path.
        marks: (label, a, b) of the points that have a name.
        plane: loss and errors on the plane.
        line: loss and errors along d1, through the plane's origin, or along the view's curve.
    """

    view: View
    gradient_share: float
    path_share: float
    walked: Mapping[Point, Coordinates]
    marks: tuple[tuple[str, float, float], ...]
    plane: PlaneSlice
    line: LineSlice


def iter_survey(
    data: Dataset, kind: str, scene: Scene, n_points: int = 51, n_threads: int = 1
) -> Generator[tuple[float, Survey | None], None, None]:
    """Yield (share done, survey so far): a coarse plane, then the line, then the rest of the plane.

    None stands for the survey as long as the view itself has to be computed.

    Args:
        data: whose loss.
        kind: a name in `VIEWS`.
        scene: what the view is made from.
        n_points: points on each axis of the plane.
        n_threads: threads that share the points of the plane.

    Raises:
        ValueError: where there is no such view at this point; one sentence that says what to do.
    """
    done = 0.0
    view = yield from _make(kind, replace(scene, data=data))
    if VIEWS[kind].is_slow:
        done = _MAKING
    state = _State(view, scene)
    planes, lines = _plane_slices(data, scene, view, n_points, n_threads), _line_slices(data, scene, view)

    def answer(share: float) -> tuple[float, Survey]:
        return done + (1.0 - done) * share, state.survey()

    (share, state.plane), (_, state.line) = next(planes), next(lines)
    yield answer(share)
    for share, state.plane in planes:
        yield answer(share)
        if state.plane.known.mean() > _BEFORE_LINE:
            break
    for _, state.line in lines:
        yield answer(share)
    for share, state.plane in planes:
        yield answer(share)


class _State:
    """The newest slices of a view, and what is known of the view once and for all."""

    plane: PlaneSlice
    line: LineSlice
    _newest: Survey | None = None

    def __init__(self, view: View, scene: Scene) -> None:
        plane = view.plane
        self._view, self._gradient_share = view, plane.share_of(scene.gradient)
        self._path_share = share_of_path(plane, [*(point.theta for point in scene.path), scene.theta])
        self._walked = {point: plane.project(point.theta) for point in scene.path}
        self._marks = tuple((label, *plane.project(theta)[:2]) for label, theta in view.marks)

    def survey(self) -> Survey:
        """Return the survey as it stands: the same object until there is something new to be drawn."""
        newest = self._newest
        if newest is None or newest.plane is not self.plane or newest.line is not self.line:
            newest = self._newest = Survey(
                self._view,
                self._gradient_share,
                self._path_share,
                self._walked,
                self._marks,
                self.plane,
                self.line,
            )
        return newest


def _make(kind: str, scene: Scene) -> Generator[tuple[float, None], None, View]:
    """Yield (share done, None) while a view is made, and return it."""
    making = VIEWS[kind].iter_make(scene)
    with contextlib.closing(making):
        while True:
            try:
                share = next(making)
            except StopIteration as end:
                view: View = end.value
                return view
            yield _MAKING * share, None


def _plane_slices(
    data: Dataset, scene: Scene, view: View, n_points: int, n_threads: int
) -> Generator[tuple[float, PlaneSlice], None, None]:
    alphas, betas = np.linspace(*view.alphas, n_points), np.linspace(*view.betas, n_points)
    plane = view.plane
    return iter_plane_slice(scene.net, data, plane.origin, plane.d1, plane.d2, alphas, betas, n_threads)


def _line_slices(data: Dataset, scene: Scene, view: View) -> Generator[tuple[float, LineSlice], None, None]:
    if view.curve is not None:
        return _curve_slices(data, scene, view.curve)
    # The origin is one of them: near a minimum the loss there is far below that of its neighbours.
    alphas = np.union1d(np.linspace(*view.alphas, _N_LINE), [0.0] if view.alphas[0] < 0.0 else [])
    return iter_line_slice(scene.net, data, view.plane.origin, view.plane.d1, alphas)


def _curve_slices(
    data: Dataset, scene: Scene, curve: Bezier
) -> Generator[tuple[float, LineSlice], None, None]:
    from engine.curves import iter_curve_loss  # it compiles kernels

    t = np.linspace(0.0, 1.0, _N_LINE)
    nothing = np.full(_N_LINE, np.nan), np.full(_N_LINE, -1), np.zeros(_N_LINE, dtype=np.bool_)
    yield 0.0, LineSlice(t, *nothing)
    for share, found in iter_curve_loss(scene.net, data, curve, _N_LINE):
        yield share, LineSlice(found.t, found.loss, found.n_errors, found.n_errors >= 0)
