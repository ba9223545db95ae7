"""The loss around a point: lines and planes through parameter space, and the path walked in them."""

from engine.landscape.directions import (
    filter_normalised_direction,
    length,
    orthonormal,
    principal_directions,
    random_direction,
    unit_vector,
)
from engine.landscape.eigen_views import iter_eigenpairs
from engine.landscape.plane import Plane, plane_through, share_of_path
from engine.landscape.point_views import shifted
from engine.landscape.scene import Scene, View, ViewKind
from engine.landscape.slices import (
    LineSlice,
    PlaneSlice,
    iter_line_slice,
    iter_plane_slice,
    line_slice,
    plane_slice,
)
from engine.landscape.survey import Survey, iter_survey
from engine.landscape.views import VIEWS

__all__ = [
    "VIEWS",
    "LineSlice",
    "Plane",
    "PlaneSlice",
    "Scene",
    "Survey",
    "View",
    "ViewKind",
    "filter_normalised_direction",
    "iter_eigenpairs",
    "iter_line_slice",
    "iter_plane_slice",
    "iter_survey",
    "length",
    "line_slice",
    "orthonormal",
    "plane_slice",
    "plane_through",
    "principal_directions",
    "random_direction",
    "share_of_path",
    "shifted",
    "unit_vector",
]
