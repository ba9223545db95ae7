"""Directions in parameter space, and planes made of two of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]


def random_direction(theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return independent normal numbers (n_params,), scaled to the length of theta (to 1 where theta is 0)."""
    direction = rng.standard_normal(theta.shape)
    return direction * ((length(theta) or 1.0) / length(direction))


def filter_normalised_direction(net: MLP, theta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a random direction (n_params,) in which every unit's weights are as long as in theta.

    Filter normalisation of Li, Xu, Taylor, Studer and Goldstein (2018, section 4), for fully connected
    layers: the incoming weights of one unit are its filter. d_unit = g_unit ||theta_unit|| / ||g_unit||
    with g normal. A unit of the output has its skip weights in its filter too. Biases are treated alike,
    each layer's biases together as one filter; a filter that is 0 in theta is 0 in the direction.
    """
    direction = rng.standard_normal(net.n_params)
    for unit, of_theta in zip(_filters(net, direction), _filters(net, theta), strict=True):
        factor = _norm_of(of_theta) / _norm_of(unit)
        for part in unit:
            part *= factor
    return direction


def _filters(net: MLP, theta: FloatArray) -> list[list[FloatArray]]:
    """Return for each filter the views on theta that make it up."""
    layers, filters = net.layers(theta), []
    for number, (weights, bias) in enumerate(layers):
        matrices = [weights]
        if number == len(layers) - 1:
            matrices += net.skip_weights(theta)
        filters += [[matrix[:, unit] for matrix in matrices] for unit in range(weights.shape[1])]
        filters.append([bias])
    return filters


def _norm_of(parts: list[FloatArray]) -> float:
    return float(np.sqrt(sum(part @ part for part in parts)))


def length(vector: FloatArray) -> float:
    """Return the Euclidean norm of vector (n,); correct where its squares overflow or vanish."""
    largest = float(np.abs(vector).max(initial=0.0))
    if largest == 0.0 or not np.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(vector / largest))


def unit_vector(vector: FloatArray) -> FloatArray:
    """Return vector (n,) with length 1; raises ValueError where it is 0."""
    size = length(vector)
    if size == 0.0:
        raise ValueError("direction must not be 0.")
    return vector / size


def orthonormal(d1: FloatArray, d2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return unit vectors (n,) that span the plane of d1 and d2: the first along d1, the second across it.

    Raises:
        ValueError: where a direction is 0 or the two are parallel, to rounding.
    """
    first, second = unit_vector(d1), unit_vector(d2)
    across = second - (first @ second) * first
    if length(across) < 1e-9:
        raise ValueError("the two directions of a plane must not be parallel.")
    across = unit_vector(across)
    return first, unit_vector(across - (first @ across) * first)  # once more: rounding leaves some of first


def principal_directions(points: Sequence[FloatArray], n_directions: int) -> list[FloatArray]:
    """Return up to n_directions unit vectors (n_params,) along which points differ most, the widest first.

    Principal component analysis by the matrix of inner products, since there are fewer points than
    parameters; directions in which the points do not differ, to rounding, are left out.
    """
    centred = np.stack(points)
    centred -= centred.mean(axis=0)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    order = np.argsort(values)[::-1][:n_directions]
    wide = [k for k in order if values[k] > 1e-12 * values[-1]]
    return [unit_vector(vectors[:, k] @ centred) for k in wide]
