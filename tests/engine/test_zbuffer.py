"""The depth buffer against a slow, obvious twin: one pixel after the other, one triangle after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.kernels.zbuffer import draw_surface, prepare


def both(colours: Any) -> Any:
    """Return colours of which the undersides have the complements."""
    colours = np.asarray(colours, dtype=np.uint32)
    return np.stack((colours, ~colours))


def drawn(x: Any, y: Any, depth: Any, colours: Any, size: tuple[int, int] = (40, 50)) -> tuple[Any, Any]:
    pixels, buffer = np.zeros(size, dtype=np.uint32), np.full(size, np.inf)
    arrays = (np.asarray(array, dtype=np.float64) for array in (x, y, depth))
    draw_surface(*arrays, both(colours), pixels, buffer)
    return pixels, buffer


def slowly_drawn(x: Any, y: Any, depth: Any, colours: Any, size: tuple[int, int]) -> tuple[Any, Any, Any]:
    """Return pixels and buffer, and which pixels lie so near an edge that rounding decides."""
    pixels, buffer = np.zeros(size, dtype=np.uint32), np.full(size, np.inf)
    unsure = np.zeros(size, dtype=np.bool_)
    rows, columns = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5, indexing="ij")
    n, m = x.shape
    for i in range(n - 1):
        for j in range(m - 1):
            for third in ((i + 1, j), (i, j + 1)):
                corners = ((i, j), (i + 1, j + 1), third)
                matrix = np.array([[x[c] for c in corners], [y[c] for c in corners], [1.0] * 3])
                if abs(np.linalg.det(matrix)) < 1e-12:
                    continue
                points = np.stack((columns, rows, np.ones(size)))
                shares = np.tensordot(np.linalg.inv(matrix), points, axes=1)
                inside = (shares >= 0.0).all(axis=0)
                unsure |= (shares > -1e-7).all(axis=0) & (np.abs(shares) < 1e-7).any(axis=0)
                far = np.tensordot(np.array([depth[c] for c in corners]), shares, axes=1)
                unsure |= inside & (np.abs(far - buffer) < 1e-9)
                nearer = inside & (far < buffer)
                is_upper = (np.linalg.det(matrix) > 0.0) == (third == (i + 1, j))
                buffer[nearer], pixels[nearer] = far[nearer], both(colours)[0 if is_upper else 1, i, j]
    return pixels, buffer, unsure


@pytest.mark.parametrize("seed", range(6))
def test_it_draws_what_the_slow_twin_draws(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-8.0, 58.0, (5, 4)), rng.uniform(-8.0, 48.0, (5, 4))  # folded, and partly outside
    depth = rng.normal(size=(5, 4))
    colours = rng.integers(1, 2**32, (4, 3)).astype(np.uint32)
    pixels, buffer = drawn(x, y, depth, colours)
    twin, twin_buffer, unsure = slowly_drawn(x, y, depth, colours, (40, 50))
    assert (pixels != 0).mean() > 0.2
    assert unsure.mean() < 0.01
    assert (pixels == twin)[~unsure].all()
    np.testing.assert_allclose(buffer[~unsure], twin_buffer[~unsure], rtol=1e-9, atol=1e-9)


def test_neighbours_leave_no_gap_and_do_not_overlap() -> None:
    x, y = np.meshgrid(np.linspace(3.2, 46.1, 9), np.linspace(37.4, 2.7, 8), indexing="ij")
    x = x + 1.3 * np.sin(y)
    colours = np.arange(1, 57, dtype=np.uint32).reshape(8, 7)
    pixels, _ = drawn(x, y, np.zeros_like(x), colours)
    row = pixels[20]
    first, last = np.flatnonzero(row)[[0, -1]]
    assert (row[first : last + 1] != 0).all()
    assert set(np.unique(pixels)) - {0} == set(range(1, 57))


def test_what_is_nearer_hides_what_is_farther_in_either_order() -> None:
    x, y = np.meshgrid([5.0, 30.0], [30.0, 5.0], indexing="ij")
    size = (40, 50)
    for first, second in ((1.0, 2.0), (2.0, 1.0)):
        pixels, buffer = np.zeros(size, dtype=np.uint32), np.full(size, np.inf)
        for depth in (first, second):
            draw_surface(x, y, np.full((2, 2), depth), both([[int(depth)]]), pixels, buffer)
        assert set(np.unique(pixels)) == {0, 1}
        assert buffer[20, 20] == 1.0


def test_cells_with_a_corner_that_is_not_finite_are_holes() -> None:
    x, y = np.meshgrid([0.0, 10.0, 20.0, 30.0], [20.0, 10.0, 0.0], indexing="ij")
    depth = np.zeros((4, 3))
    depth[0, 0] = np.nan
    pixels, _ = drawn(x, y, depth, np.arange(1, 7).reshape(3, 2), (20, 30))
    assert (pixels[10:, :10] == 0).all()
    assert (pixels[:10, :10] == 2).all()
    assert (pixels[10:, 10:20] == 3).all()


def test_a_cell_seen_from_below_has_the_colour_of_its_underside() -> None:
    x, y = np.meshgrid([5.0, 30.0], [30.0, 5.0], indexing="ij")
    colours = np.array([[9]], dtype=np.uint32)
    assert set(np.unique(drawn(x, y, np.zeros((2, 2)), colours)[0])) == {0, 9}
    assert set(np.unique(drawn(x, y[:, ::-1], np.zeros((2, 2)), colours)[0])) == {0, 2**32 - 1 - 9}


def test_surfaces_outside_and_on_edge_are_nothing() -> None:
    x, y = np.meshgrid([-30.0, -10.0], [-30.0, -10.0], indexing="ij")
    assert not drawn(x, y, np.zeros((2, 2)), [[1]])[0].any()
    assert not drawn(np.full((2, 2), 7.0), y + 35.0, np.zeros((2, 2)), [[1]])[0].any()  # seen from its edge
    prepare()
