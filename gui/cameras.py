"""Camera: how a box of width 2, depth 2 and a lesser height is seen from a side, in pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

HALF_HEIGHT: Final = 0.55
"""Half the height of the box; across and in depth it goes from -1 to 1."""
LOWEST, HIGHEST = 3.0, 90.0
_ZOOMS: Final = (0.5, 6.0)
_WIDEST, _TALLEST = 1.8, 1.3


@dataclass(frozen=True, slots=True)
class Camera:
    """A parallel view of the box: lines of equal length in one direction stay equal, so that it can be read.

    Attributes:
        azimuth: degrees by which the viewer has walked round the box; at 0 x goes right and y away.
        elevation: degrees above the horizon; at 90 the view is that of a map.
        zoom: 1 fits the box into the room.
    """

    azimuth: float = -35.0
    elevation: float = 38.0
    zoom: float = 1.0

    def turned(self, azimuth: float = 0.0, elevation: float = 0.0, zoom: float = 1.0) -> Camera:
        """Return the camera after turns by degrees and a change of zoom by a factor, within its bounds."""
        return Camera(
            (self.azimuth + azimuth + 180.0) % 360.0 - 180.0,
            min(max(self.elevation + elevation, LOWEST), HIGHEST),
            min(max(self.zoom * zoom, _ZOOMS[0]), _ZOOMS[1]),
        )

    def seen(self, points: FloatArray) -> FloatArray:
        """Return points (..., 3) of the box as (..., 3): right, up, and away from the viewer, all in box lengths."""
        a, e = math.radians(self.azimuth), math.radians(self.elevation)
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        right, away = x * math.cos(a) + y * math.sin(a), y * math.cos(a) - x * math.sin(a)
        up = z * math.cos(e) + away * math.sin(e)
        return np.stack((right, up, away * math.cos(e) - z * math.sin(e)), axis=-1)

    def scale(self, width: float, height: float) -> tuple[float, float]:
        """Return the pixels a box length, across and up, so that the box fits a room whichever way it is turned.

        A wide room makes the box wider: straight lines stay straight, and equal heights equal.
        """
        e = math.radians(self.elevation)
        tall = 2.0 * (HALF_HEIGHT * math.cos(e) + math.sqrt(2.0) * math.sin(e))
        up = max(1.0, height / tall)
        across = max(1.0, width / (2.0 * math.sqrt(2.0)))
        return self.zoom * min(across, _WIDEST * up), self.zoom * min(up, _TALLEST * across)

    @property
    def front(self) -> tuple[float, float]:
        """(x, y) of the corner of the box, each -1 or 1, whose two sides of the floor face the viewer."""
        a = math.radians(self.azimuth)
        return (1.0 if math.sin(a) >= 0.0 else -1.0), (-1.0 if math.cos(a) >= 0.0 else 1.0)


def lit(heights: FloatArray, camera: Camera) -> FloatArray:
    """Return the light 0..1 on each cell of a surface (n, m) over the box's floor, as (n - 1, m - 1).

    Lambert's law for a light above the viewer's left shoulder, half of it spread evenly: a cell's brightness tells
    how it lies, wherever the viewer stands.
    """
    n, m = heights.shape
    slope_x = (
        0.5 * (heights[1:, :-1] + heights[1:, 1:] - heights[:-1, :-1] - heights[:-1, 1:]) * (n - 1) / 2.0
    )
    slope_y = (
        0.5 * (heights[:-1, 1:] + heights[1:, 1:] - heights[:-1, :-1] - heights[1:, :-1]) * (m - 1) / 2.0
    )
    normal = np.stack((-slope_x, -slope_y, np.ones_like(slope_x)), axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    a = math.radians(camera.azimuth)
    left, towards, up = -0.45, -0.45, 0.77  # in the viewer's directions, of length 1
    light = np.array(
        [left * math.cos(a) - towards * math.sin(a), left * math.sin(a) + towards * math.cos(a), up]
    )
    return np.asarray(0.5 + 0.5 * np.clip(normal @ light, 0.0, up) / up)
