"""The plane in which the loss curves most and least: eigenvectors of the Hessian at the present point."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.landscape.directions import length
from engine.landscape.plane import Plane
from engine.landscape.scene import Making, Scene, View

if TYPE_CHECKING:
    from engine.curvature import Eigenpairs
    from engine.datasets.dataset import Dataset
    from engine.mlp import MLP

_WIDTH: Final = 0.5  # half the width of the picture, in lengths of theta
_TOLERANCE: Final = 1e-6
_WAIT_S: Final = 0.01
_USUAL_PRODUCTS: Final = 100  # so many Hessian-vector products and half of the bar is full


def iter_eigenpairs(
    net: MLP, data: Dataset, theta: Any, **options: Any
) -> Generator[float, None, Eigenpairs]:
    """Yield a growing share 0..1 about every 10 ms and return what `engine.extreme_eigenpairs` does.

    Nobody knows beforehand how many products Lanczos' method takes: the share is n / (n + 100) after n. The
    search runs in a thread of its own, which ends with this generator, also where that is closed early.

    Raises:
        TypeError, ValueError: as `engine.extreme_eigenpairs`.
    """
    from engine.curvature import extreme_eigenpairs  # it compiles kernels

    cancelled, n_products = threading.Event(), 0

    def is_cancelled() -> bool:
        nonlocal n_products
        n_products += 1
        return cancelled.is_set()

    with ThreadPoolExecutor(1, "lossoscope-kernel") as pool:
        search = pool.submit(extreme_eigenpairs, net, data, theta, is_cancelled=is_cancelled, **options)
        try:
            while not search.done():
                cancelled.wait(_WAIT_S)
                yield n_products / (n_products + _USUAL_PRODUCTS)
        finally:
            cancelled.set()
        return search.result()


def iter_hessian(scene: Scene) -> Making:
    """Make the view along the eigenvectors of the largest and the smallest eigenvalue."""
    if scene.data is None:
        raise ValueError("data must be given for a view along eigenvectors of the Hessian.")
    if scene.net.n_params < 2:
        raise ValueError("A network with one parameter has no plane.")
    pairs = yield from iter_eigenpairs(scene.net, scene.data, scene.theta, tolerance=_TOLERANCE)
    top, bottom = pairs.largest_vectors[:, 0].copy(), pairs.smallest_vectors[:, 0].copy()
    for vector in (top, bottom):  # an eigenvector has no sign: to the right and up goes downhill
        if vector @ scene.gradient > 0.0:
            vector *= -1.0
    half = _WIDTH * scene.zoom * (length(scene.theta) or 1.0)
    words = (
        "Both axes: distance from the present point along eigenvectors of the Hessian there. Across: of the "
        f"largest eigenvalue, {pairs.largest[0]:.4g}. Up: of the smallest, {pairs.smallest[0]:.4g}."
    )
    labels = (f"largest λ, {pairs.largest[0]:.3g}", f"smallest λ, {pairs.smallest[0]:.2g}")
    return View(Plane(scene.theta, top, _across(top, bottom)), (-half, half), (-half, half), *labels, words)


def _across(top: Any, bottom: Any) -> Any:
    """Return bottom (n,) with what rounding left of top in it taken out, of length 1."""
    across = bottom - (top @ bottom) * top
    return across / np.linalg.norm(across)
