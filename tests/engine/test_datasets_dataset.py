"""The Dataset class: what it keeps, what it refuses, and that nobody can write into it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from engine.datasets import Dataset
from engine.datasets.dataset import MAX_CLASSES, frozen


def test_defaults():
    data = Dataset([[0, 1], [2, 3], [4, 5]], [0, 2, 1])
    assert data.x.dtype == np.float64 and data.x.flags.c_contiguous
    assert data.y.dtype == np.int64 and data.targets.tolist() == [0.0, 2.0, 1.0]
    assert (data.name, data.n_classes, data.image_shape) == ("mine", 3, None)
    assert (data.n_samples, data.n_features) == (3, 2)


def test_one_class_still_counts_two():
    assert Dataset([[1.0]], [0]).n_classes == 2


def test_is_read_only_and_leaves_the_givers_arrays_alone():
    x, y = np.zeros((2, 2)), np.zeros(2, dtype=np.int64)
    data = Dataset(x, y)
    x[0, 0] = y[0] = 1
    assert data.x[0, 0] == 0 and data.y[0] == 0
    for array in (data.x, data.y, data.targets):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_frozen_arrays_are_not_copied():
    x = frozen(np.ones((4, 3)))
    data = Dataset(x, [0, 1, 0, 1])
    assert data.x is x
    assert np.shares_memory(data.first(2).x, x)


def test_a_read_only_view_of_somebodys_array_is_copied():
    mine = np.ones((4, 3))
    data = Dataset(frozen(mine[:2]), [0, 1])
    mine[0, 0] = 5
    assert data.x[0, 0] == 1


def test_fortran_order_becomes_c_order():
    data = Dataset(frozen(np.asfortranarray(np.arange(6.0).reshape(2, 3))), [0, 1])
    assert data.x.flags.c_contiguous and data.x.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_first_and_subset_keep_classes_shape_and_targets():
    data = Dataset(np.arange(8.0).reshape(4, 2), [0, 1, 2, 0], "d", 5, (1, 2), [0.5, 1.5, 2.5, 3.5])
    for part, rows in ((data.first(2), [0, 1]), (data.subset(np.array([3, 1])), [3, 1])):
        assert part.x.tolist() == data.x[rows].tolist() and part.y.tolist() == data.y[rows].tolist()
        assert part.targets.tolist() == data.targets[rows].tolist()
        assert (part.name, part.n_classes, part.image_shape) == ("d", 5, (1, 2))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda data: pickle.loads(pickle.dumps(data))])
def test_survives_copying(again):
    data = again(Dataset([[1.0]], [1], "d"))
    assert data.x.tolist() == [[1.0]] and data.name == "d"


GOOD_X = [[0.0, 1.0], [2.0, 3.0]]


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        ({"x": [1.0, 2.0], "y": [0, 1]}, ValueError, "x must have shape"),
        ({"x": np.zeros((0, 3)), "y": []}, ValueError, "x must have shape"),
        ({"x": np.zeros((2, 0)), "y": [0, 1]}, ValueError, "x must have shape"),
        ({"x": [[1.0], [1.0, 2.0]], "y": [0, 1]}, TypeError, "x must be an array of numbers"),
        ({"x": [["1"], ["2"]], "y": [0, 1]}, TypeError, "x must be an array of numbers"),
        ({"x": np.array([[1j]]), "y": [0]}, TypeError, "x must be an array of numbers"),
        ({"x": [[10**400]], "y": [0]}, TypeError, "x must be an array of numbers"),
        ({"x": None, "y": [0]}, (TypeError, ValueError), "x must"),
        ({"x": [[0.0], [np.nan]], "y": [0, 1]}, ValueError, "sample 1 .* NaN or infinity"),
        ({"x": [[0.0], [np.inf]], "y": [0, 1]}, ValueError, "sample 1"),
        ({"x": GOOD_X, "y": [0]}, ValueError, r"y must have shape \(2,\)"),
        ({"x": GOOD_X, "y": [[0], [1]]}, ValueError, "y must have shape"),
        ({"x": GOOD_X, "y": [[0], [1, 2]]}, TypeError, "y must be an array"),
        ({"x": GOOD_X, "y": ["a", "b"]}, TypeError, "y must hold whole numbers"),
        ({"x": GOOD_X, "y": [0.5, 1]}, ValueError, "y must hold whole numbers"),
        ({"x": GOOD_X, "y": [0, np.nan]}, ValueError, "y must hold whole numbers"),
        ({"x": GOOD_X, "y": [0, -1]}, ValueError, "not -1"),
        ({"x": GOOD_X, "y": [0.0, 1e300]}, ValueError, "y must hold classes from 0"),
        ({"x": GOOD_X, "y": np.array([0, 2**63], dtype=np.uint64)}, ValueError, "y must hold classes from 0"),
        ({"x": GOOD_X, "y": [0, MAX_CLASSES]}, ValueError, "y must hold classes from 0"),
        ({"x": GOOD_X, "y": [0, 3], "n_classes": 3}, ValueError, "from 0 to 2, not 3"),
        ({"x": GOOD_X, "y": [0, 1], "n_classes": 1}, ValueError, "n_classes"),
        ({"x": GOOD_X, "y": [0, 1], "n_classes": "2"}, TypeError, "n_classes"),
        ({"x": GOOD_X, "y": [0, 1], "image_shape": (2, 2)}, ValueError, "image_shape"),
        ({"x": GOOD_X, "y": [0, 1], "image_shape": (-1, -2)}, TypeError, "image_shape"),
        ({"x": GOOD_X, "y": [0, 1], "image_shape": (2,)}, TypeError, "image_shape"),
        ({"x": GOOD_X, "y": [0, 1], "image_shape": 2}, TypeError, "image_shape"),
        ({"x": GOOD_X, "y": [0, 1], "targets": [1.0]}, ValueError, "targets must be 2"),
        ({"x": GOOD_X, "y": [0, 1], "targets": [1.0, np.inf]}, ValueError, "targets must be 2"),
        ({"x": GOOD_X, "y": [0, 1], "targets": ["a", "b"]}, TypeError, "targets must be"),
    ],
)
def test_bad_arguments_get_one_sentence(arguments, kind, sentence):
    with pytest.raises(kind, match=sentence):
        Dataset(**arguments)


@pytest.mark.parametrize("n_samples", [0, 3, -1, 1.5, "2", True])
def test_first_refuses_other_counts(n_samples):
    with pytest.raises((ValueError, TypeError), match="n_samples must be a whole number from 1 to 2"):
        Dataset(GOOD_X, [0, 1]).first(n_samples)
