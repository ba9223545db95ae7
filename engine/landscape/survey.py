"""A survey: a view with its line slice and its plane slice, coarse first, as a job beside training."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.datasets.dataset import Dataset
from engine.landscape.plane import Coordinates
from engine.landscape.slices import LineSlice, PlaneSlice, iter_line_slice, iter_plane_slice
from engine.landscape.views import VIEWS, Scene, View
from engine.snapshot import Point

_N_LINE: Final = 101
_BEFORE_LINE: Final = 0.05  # share of the plane's points that come before the line


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What is known of a view so far.

    Attributes:
        gradient_share: share 0..1 of the gradient's squared length that lies in the plane; NaN for gradient 0.
        walked: (a, b, distance from the plane) of each checkpoint of the path.
        plane: loss and errors on the plane.
        line: loss and errors along d1, through the plane's origin.
    """

    view: View
    gradient_share: float
    walked: Mapping[Point, Coordinates]
    plane: PlaneSlice
    line: LineSlice


def iter_survey(
    data: Dataset, kind: str, scene: Scene, n_points: int = 51
) -> Generator[tuple[float, Survey], None, None]:
    """Yield (share done, survey so far): a coarse plane, then the line, then the rest of the plane.

    Args:
        data: whose loss.
        kind: a name in `VIEWS`.
        scene: what the view is made from.
        n_points: points on each axis of the plane.

    Raises:
        ValueError: where there is no such view at this point; one sentence that says what to do.
    """
    view = VIEWS[kind].make(scene)
    share_of_gradient = view.plane.share_of(scene.gradient)
    walked = {point: view.plane.project(point.theta) for point in scene.path}
    planes, lines = _plane_slices(data, scene, view, n_points), _line_slices(data, scene, view)
    (share, plane), (_, line) = next(planes), next(lines)
    yield share, Survey(view, share_of_gradient, walked, plane, line)
    for share, plane in planes:
        yield share, Survey(view, share_of_gradient, walked, plane, line)
        if plane.known.mean() > _BEFORE_LINE:
            break
    for _, line in lines:
        yield share, Survey(view, share_of_gradient, walked, plane, line)
    for share, plane in planes:
        yield share, Survey(view, share_of_gradient, walked, plane, line)


def _plane_slices(
    data: Dataset, scene: Scene, view: View, n_points: int
) -> Generator[tuple[float, PlaneSlice], None, None]:
    alphas, betas = np.linspace(*view.alphas, n_points), np.linspace(*view.betas, n_points)
    plane = view.plane
    return iter_plane_slice(scene.net, data, plane.origin, plane.d1, plane.d2, alphas, betas)


def _line_slices(data: Dataset, scene: Scene, view: View) -> Generator[tuple[float, LineSlice], None, None]:
    alphas = np.linspace(*view.alphas, _N_LINE)
    return iter_line_slice(scene.net, data, view.plane.origin, view.plane.d1, alphas)
