"""The order of grid points and the picture of an incomplete grid."""

from __future__ import annotations

import numpy as np
import pytest

from engine.landscape.levels import filled, levels


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3), (7, 7), (8, 5), (51, 51), (33, 101)])
def test_every_point_once_and_the_middle_first(shape) -> None:
    counts = np.zeros(shape, dtype=int)
    for number, level in enumerate(levels(*shape)):
        for rows, columns in level.patches:
            counts[np.ix_(rows, columns)] += 1
        assert (counts[np.ix_(level.rows, level.columns)] == 1).all()
        assert counts.sum() == len(level.rows) * len(level.columns)
        if number == 0:
            assert counts[shape[0] // 2, shape[1] // 2] == 1
    assert (counts == 1).all()


def test_first_picture_of_a_usual_grid_is_small() -> None:
    assert levels(51, 51)[0].n_points == 49


def test_filled_interpolates_a_plane_exactly() -> None:
    rows, columns = np.meshgrid(np.arange(17.0), np.arange(17.0), indexing="ij")
    values = 3 * rows - 2 * columns + 1
    known = np.zeros((17, 17), dtype=bool)
    known[::8, ::4] = True
    assert np.allclose(filled(np.where(known, values, np.nan), known), values, atol=1e-12)


def test_filled_repeats_the_edge_and_keeps_known_numbers() -> None:
    values = np.array([[np.nan, 2.0, np.nan, 6.0, np.nan]])
    assert filled(values, ~np.isnan(values)).tolist() == [[2.0, 2.0, 4.0, 6.0, 6.0]]


def test_filled_keeps_what_is_not_finite_where_it_is() -> None:
    values = np.array([[1.0, 0.0, np.inf, 0.0, 3.0]])
    got = filled(values, np.array([[True, False, True, False, True]]))
    assert got[0, [0, 2, 4]].tolist() == [1.0, np.inf, 3.0]


def test_filled_of_nothing_and_of_everything() -> None:
    assert np.isnan(filled(np.ones((2, 2)), np.zeros((2, 2), dtype=bool))).all()
    assert (filled(np.ones((2, 2)), np.ones((2, 2), dtype=bool)) == 1).all()
