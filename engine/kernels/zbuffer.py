"""A surface of flat cells drawn into a picture, nearest first by a depth buffer."""

from __future__ import annotations

import math

import numpy as np

from engine.kernels.jit import inlined, kernel


@inlined
def _fill(xs, ys, depths, colour, back_colour, pixels, buffer):
    """Fill a triangle, given three corners in pixels, where nothing nearer is drawn; its back where they go left."""
    height, width = pixels.shape
    area = (xs[1] - xs[0]) * (ys[2] - ys[0]) - (xs[2] - xs[0]) * (ys[1] - ys[0])
    if area == 0.0:
        return
    if area < 0.0:
        colour = back_colour
    first_row = max(0, math.ceil(min(ys) - 0.5))
    last_row = min(height - 1, math.floor(max(ys) - 0.5))
    # The depth is linear on the triangle.
    across = ((depths[1] - depths[0]) * (ys[2] - ys[0]) - (depths[2] - depths[0]) * (ys[1] - ys[0])) / area
    down = ((depths[2] - depths[0]) * (xs[1] - xs[0]) - (depths[1] - depths[0]) * (xs[2] - xs[0])) / area
    for row in range(first_row, last_row + 1):
        y = row + 0.5
        left, right = math.inf, -math.inf
        for k in range(3):
            xa, ya, xb, yb = xs[k], ys[k], xs[(k + 1) % 3], ys[(k + 1) % 3]
            if (ya <= y) != (yb <= y):
                x = xa + (y - ya) / (yb - ya) * (xb - xa)
                left, right = min(left, x), max(right, x)
        if not left <= right:
            continue
        for column in range(max(0, math.ceil(left - 0.5)), min(width - 1, math.ceil(right - 0.5) - 1) + 1):
            depth = depths[0] + across * (column + 0.5 - xs[0]) + down * (y - ys[0])
            if depth < buffer[row, column]:
                buffer[row, column] = depth
                pixels[row, column] = colour


@kernel
def draw_surface(x, y, depth, colours, pixels, buffer):
    """Draw the cells between grid points into pixels (height, width) uint32; nearer ones hide others.

    x, y, depth (n, m) float64: where the grid points are, x and y in pixels from the upper left corner, a larger
    depth is farther away. colours (2, n - 1, m - 1) uint32, of the cells' upper sides and of their undersides: on
    an upper side the second index goes on to the left of the first. Cells with a corner that is not finite are
    left out. buffer (height, width) float64 holds the depth of what is drawn, infinite where there is nothing.
    Pixels and buffer are changed in place; a pixel belongs to a cell that covers its middle, so that cells leave no
    gaps.
    """
    n, m = x.shape
    for i in range(n - 1):
        for j in range(m - 1):
            total = 0.0
            for a in range(2):
                for b in range(2):
                    total += x[i + a, j + b] + y[i + a, j + b] + depth[i + a, j + b]
            if not math.isfinite(total):
                continue
            for a in range(
                2
            ):  # two triangles on either side of the diagonal, whose corners go round opposite ways
                _fill(
                    (x[i, j], x[i + 1, j + 1], x[i + 1 - a, j + a]),
                    (y[i, j], y[i + 1, j + 1], y[i + 1 - a, j + a]),
                    (depth[i, j], depth[i + 1, j + 1], depth[i + 1 - a, j + a]),
                    colours[a, i, j],
                    colours[1 - a, i, j],
                    pixels,
                    buffer,
                )


def prepare():
    """Load or compile the kernel, by drawing nothing: the first picture then takes no longer than the next."""
    nothing, pixels = np.empty((0, 0)), np.empty((0, 0), dtype=np.uint32)
    draw_surface(nothing, nothing, nothing, np.empty((2, 0, 0), dtype=np.uint32), pixels, nothing)
