"""The small data sets without files: their shapes, their repeatability and what makes each what it is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng

from engine.datasets import load_dataset, toys

TOYS = ("xor", "moons", "spirals", "blobs")


@pytest.mark.parametrize("name", TOYS)
def test_is_two_dimensional_and_the_same_every_time(name):
    first, second = load_dataset(name), load_dataset(name)
    assert first.name == name and first.n_features == 2 and first.image_shape is None
    assert first.x.tobytes() == second.x.tobytes() and first.y.tobytes() == second.y.tobytes()


def test_xor_is_the_exclusive_or():
    data = load_dataset("xor")
    assert data.y.tolist() == [int(a) ^ int(b) for a, b in data.x.tolist()]
    assert {tuple(corner) for corner in data.x.tolist()} == {(0, 0), (0, 1), (1, 0), (1, 1)}


@pytest.mark.parametrize(("name", "n_classes"), [("moons", 2), ("spirals", 2), ("blobs", 3)])
def test_any_front_part_is_balanced(name, n_classes):
    data = load_dataset(name)
    assert (data.n_samples, data.n_classes) == (200, n_classes)
    for n_samples in (6, 50, 200):
        counts = np.bincount(data.first(n_samples).y)
        assert counts.max() - counts.min() <= 1


def test_moons_without_noise_lie_on_two_half_circles():
    data = toys.moons(default_rng(0), 21, noise=0.0)
    upper, lower = data.x[data.y == 0], data.x[data.y == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1.0)
    np.testing.assert_allclose(np.hypot(lower[:, 0] - 1.0, lower[:, 1] - 0.5), 1.0)
    assert upper[:, 1].min() > -1e-12 and lower[:, 1].max() < 0.5 + 1e-12
    np.testing.assert_allclose([upper[0], upper[-1]], [[1, 0], [-1, 0]], atol=1e-12)


def test_the_second_spiral_is_the_first_turned_by_half():
    data = toys.spirals(default_rng(0), 100, noise=0.0)
    np.testing.assert_allclose(data.x[data.y == 1], -data.x[data.y == 0], atol=1e-12)
    assert np.hypot(*data.x.T).max() <= 1.0 + 1e-12


def test_blobs_sit_around_their_centres():
    data = toys.blobs(default_rng(0), 3000)
    means = [data.x[data.y == label].mean(axis=0) for label in range(3)]
    np.testing.assert_allclose(means, toys.BLOB_CENTRES, atol=0.05)
    assert data.x[data.y == 0].std(axis=0) == pytest.approx([0.25, 0.25], rel=0.1)


@pytest.mark.parametrize("n_samples", range(1, 8))
@pytest.mark.parametrize("make", [toys.moons, toys.spirals, toys.blobs])
def test_every_small_count_works(make, n_samples):
    assert make(default_rng(1), n_samples).n_samples == n_samples
