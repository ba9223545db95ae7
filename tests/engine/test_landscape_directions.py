"""Directions, planes and projections."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine.landscape import (
    Plane,
    filter_normalised_direction,
    length,
    orthonormal,
    plane_through,
    principal_directions,
    random_direction,
    unit_vector,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_random_direction_has_the_length_of_theta() -> None:
    theta = np.arange(1.0, 50.0)
    direction = random_direction(theta, rng())
    assert length(direction) == pytest.approx(np.linalg.norm(theta))
    assert np.array_equal(direction, random_direction(theta, rng()))
    assert length(random_direction(np.zeros(5), rng())) == pytest.approx(1.0)


def test_filter_normalised_direction_unit_by_unit() -> None:
    net = engine.MLP((4, 6, 5, 3), skip=(1,))
    theta = net.init("normal", seed=1, scale=2.0)
    for _, bias in net.layers(theta):
        bias[:] = rng().standard_normal(len(bias))
    direction = filter_normalised_direction(net, theta, rng())
    for (w, b), (dw, db) in list(zip(net.layers(theta), net.layers(direction), strict=True))[:-1]:
        assert np.allclose(np.linalg.norm(w, axis=0), np.linalg.norm(dw, axis=0))
        assert np.linalg.norm(b) == pytest.approx(np.linalg.norm(db))
    output, of_direction = (
        np.concatenate([net.layers(v)[-1][0], net.skip_weights(v)[0]]) for v in (theta, direction)
    )
    assert np.allclose(np.linalg.norm(output, axis=0), np.linalg.norm(of_direction, axis=0))
    assert length(direction) == pytest.approx(length(theta))


def test_filter_normalised_direction_is_0_where_theta_is() -> None:
    net = engine.MLP((4, 6, 3))
    direction = filter_normalised_direction(net, net.init("glorot_uniform"), rng())
    assert all((bias == 0).all() for _, bias in net.layers(direction))


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_length_and_unit_vector_at_any_scale(scale: float) -> None:
    assert length(scale * np.array([3.0, 4.0])) == pytest.approx(5 * scale, rel=1e-14)
    assert np.allclose(unit_vector(scale * np.array([3.0, 4.0])), [0.6, 0.8])


def test_unit_vector_of_0() -> None:
    with pytest.raises(ValueError, match="must not be 0"):
        unit_vector(np.zeros(3))


def test_orthonormal() -> None:
    d1, d2 = rng().standard_normal((2, 100))
    e1, e2 = orthonormal(d1, d1 + 1e-4 * d2)
    assert np.allclose([e1 @ e1, e2 @ e2, e1 @ e2], [1, 1, 0], atol=1e-14)
    assert np.allclose(e1, d1 / np.linalg.norm(d1))
    with pytest.raises(ValueError, match="parallel"):
        orthonormal(d1, -3 * d1)


def test_principal_directions() -> None:
    u, v = np.eye(6)[:2]
    points = [a * u + 0.1 * (-1) ** k * v for k, a in enumerate(np.linspace(-1, 1, 9))]
    first, second = principal_directions(points, 3)
    assert abs(first @ u) == pytest.approx(1.0, abs=1e-3)
    assert abs(second @ v) == pytest.approx(1.0, abs=1e-3)
    assert principal_directions([u, u], 2) == []


def test_projection_on_a_skewed_plane() -> None:
    origin, d1, d2, away = rng().standard_normal((4, 20))
    plane = Plane(origin, d1, 0.5 * d2 + d1)
    e1, e2 = orthonormal(d1, d2)
    away -= (away @ e1) * e1 + (away @ e2) * e2
    a, b, distance = plane.project(plane.at(0.7, -2.0) + away)
    assert (a, b) == (pytest.approx(0.7), pytest.approx(-2.0))
    assert distance == pytest.approx(np.linalg.norm(away))
    assert plane.project(origin) == (0.0, 0.0, 0.0)


def test_share_of_a_vector_in_the_plane() -> None:
    axes = np.eye(4)
    plane = Plane(np.zeros(4), axes[0], axes[0] + axes[1])
    assert plane.share_of(np.array([1.0, 1.0, 1.0, 1.0])) == pytest.approx(0.5)
    assert plane.share_of(7 * axes[1]) == pytest.approx(1.0)
    assert plane.share_of(axes[3]) == 0.0
    assert np.isnan(plane.share_of(np.zeros(4)))


def test_plane_through_three_points() -> None:
    p, q, r = rng().standard_normal((3, 9))
    plane = plane_through(p, q, r)
    assert plane.project(q)[:2] == (pytest.approx(np.linalg.norm(q - p)), pytest.approx(0.0))
    for point in (p, q, r):
        assert plane.project(point)[2] == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(ValueError, match="one line"):
        plane_through(p, q, 2 * q - p)
