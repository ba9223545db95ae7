"""Merged points: a stationary point of a network with one hidden unit, taken by several equal units.

Units that are equal act as one unit with the sum of their output weights. So a stationary point of the
network with one unit gives a whole set of stationary points of the wider network, one for each way to share
out the output weight v (Fukumizu and Amari 2000, theorem 1). The Hessian there decides what they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.optimize

from engine.curvature.hessian import dense_hessian
from engine.datasets import Dataset, load_dataset
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]

GRADIENT_TOLERANCE: Final = 1e-12
"""Largest gradient norm of what is called a stationary point; rounding alone leaves about 1e-15."""
CURVATURE_TOLERANCE: Final = 1e-10
"""Eigenvalues up to this share of the largest in size count as 0; rounding alone leaves about 1e-16."""
_N_POLISHING: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class MergedPoint:
    """A point where all hidden units are equal, and how the loss bends there.

    Attributes:
        theta: (n_params,).
        train: the part of theta that is free, see `engine.parts`; the rest is fixed at 0.
        gradient_norm: of the free part.
        eigenvalues: of the Hessian of the free part, ascending.
        vectors: its eigenvectors as columns, 0 in the fixed part, (n_params, n_free).
        tangents: directions that leave the function of the network as it is, orthonormal columns (n_params, k).
        lowest_across: smallest eigenvalue of the Hessian on the free directions orthogonal to these.
    """

    net: MLP
    data: Dataset
    theta: FloatArray
    train: str
    gradient_norm: float
    eigenvalues: FloatArray
    vectors: FloatArray
    tangents: FloatArray
    lowest_across: float

    @property
    def is_stationary(self) -> bool:
        """Whether the gradient is 0 but for rounding."""
        return self.gradient_norm <= GRADIENT_TOLERANCE

    @property
    def zero(self) -> float:
        """Eigenvalues up to this size count as 0."""
        return float(CURVATURE_TOLERANCE * np.abs(self.eigenvalues).max())

    @property
    def lowest(self) -> float:
        """Smallest eigenvalue of the free part."""
        return float(self.eigenvalues[0])

    @property
    def is_saddle(self) -> bool:
        """Whether some direction leads down: an eigenvalue below 0."""
        return self.is_stationary and self.lowest < -self.zero

    @property
    def is_minimum(self) -> bool:
        """Whether it is a local minimum for certain.

        Along the tangents, which are straight lines, the network computes the same and the loss is constant;
        across them it bends upwards in every direction.
        """
        return self.is_stationary and self.lowest >= -self.zero and self.lowest_across > self.zero


def merged_point(
    data_name: str,
    activation: str,
    loss: str,
    train: str = "all",
    n_units: int = 2,
    share: float | None = None,
    seed: int = 0,
    most_iterations: int = 500,
) -> MergedPoint:
    """Return a merged point of n_units equal units, from the lowest point that one unit reaches.

    Args:
        data_name, activation, loss: of the network with one hidden layer.
        train: "all", or "weights" for a network without biases: they are fixed at 0.
        share: part of the output weight that the first unit takes, the others share the rest equally; None
            for equal parts.
        seed: of the start of the single unit.
        most_iterations: after which the search for its lowest point is given up.
    """
    data = load_dataset(data_name)
    n_outputs = 1 if loss == "squared" else data.n_classes
    single = MLP((data.n_features, 1, n_outputs), activation, loss)
    alone = lowest_point(single, data, single.init("glorot_uniform", seed), train, most_iterations)
    net = MLP((data.n_features, n_units, n_outputs), activation, loss)
    return examined(net, data, _spread_out(single, alone, net, share), train)


def lowest_point(net: MLP, data: Dataset, start: FloatArray, train: str, most_iterations: int) -> FloatArray:
    """Return where Newton's method in a trust region ends from start (n_params,), polished to rounding."""
    free = net.trained(train)

    def whole(part: FloatArray) -> FloatArray:
        theta = np.zeros(net.n_params)
        theta[free] = part
        return theta

    def hessian(part: FloatArray) -> FloatArray:
        return dense_hessian(net, data, whole(part))[np.ix_(free, free)]

    def gradient(part: FloatArray) -> FloatArray:
        return net.gradient(whole(part), data)[free]

    found = scipy.optimize.minimize(
        lambda part: net.loss(whole(part), data),
        start[free],
        jac=gradient,
        hess=hessian,
        method="trust-exact",
        options={"gtol": GRADIENT_TOLERANCE, "maxiter": most_iterations},
    )
    theta = whole(found.x)
    if most_iterations:
        for _ in range(_N_POLISHING):  # the trust region stops where the loss no longer changes a bit
            part = _centred(net, theta)[free]
            theta = whole(part - np.linalg.lstsq(hessian(part), gradient(part), rcond=1e-10)[0])
    return _centred(net, theta)


def examined(net: MLP, data: Dataset, theta: FloatArray, train: str) -> MergedPoint:
    """Return the merged point at theta (n_params,) with gradient and curvature of its free part."""
    free = net.trained(train)
    hessian = dense_hessian(net, data, theta)[np.ix_(free, free)]
    values, vectors = np.linalg.eigh(hessian)
    whole = np.zeros((net.n_params, len(values)))
    whole[free] = vectors
    tangents = _tangents(net, theta, free)
    across = scipy.linalg.null_space(tangents[free].T) if tangents.size else np.eye(len(values))
    return MergedPoint(
        net=net,
        data=data,
        theta=theta,
        train=train,
        gradient_norm=float(np.linalg.norm(net.gradient(theta, data)[free])),
        eigenvalues=values,
        vectors=whole,
        tangents=tangents,
        lowest_across=float(np.linalg.eigvalsh(across.T @ hessian @ across)[0]),
    )


def _centred(net: MLP, theta: FloatArray) -> FloatArray:
    """Return theta with its output weights and biases moved to mean 0 over the classes: the same softmax."""
    theta = theta.copy()
    if net.loss_name != "squared":
        for matrix in net.layers(theta)[-1]:
            matrix -= matrix.mean(axis=-1, keepdims=True)
    return theta


def _spread_out(single: MLP, alone: FloatArray, net: MLP, share: float | None) -> FloatArray:
    """Return theta of net with every unit a copy of the single one and its output weight shared out."""
    n_units = net.layer_sizes[1]
    shares = np.full(n_units, 1.0 / n_units)
    if share is not None:
        shares[:] = (1.0 - share) / max(1, n_units - 1)
        shares[0] = share
    theta = np.zeros(net.n_params)
    (w, b), (v, c) = single.layers(alone)
    (hidden, hidden_bias), (output, output_bias) = net.layers(theta)
    hidden[...], hidden_bias[...] = w, b
    output[...], output_bias[...] = shares[:, None] * v, c
    return theta


def _tangents(net: MLP, theta: FloatArray, free: npt.NDArray[np.bool_]) -> FloatArray:
    """Return orthonormal directions (n_params, k) along which the function of the network stays the same.

    The output weight may go from the first unit to any other, and softmax does not see a number that is added
    to all outputs at once.
    """
    directions = []
    total = net.layers(theta)[1][0].sum(axis=0)
    for unit in range(1, net.layer_sizes[1]):
        step = np.zeros(net.n_params)
        output = net.layers(step)[1][0]
        output[0], output[unit] = total, -total
        directions.append(step)
    if net.loss_name != "squared":
        for row in range(net.layer_sizes[1] + 1):
            step = np.zeros(net.n_params)
            weights, bias = net.layers(step)[1]
            (bias if row == net.layer_sizes[1] else weights[row])[...] = 1.0
            directions.append(step)
    kept = [step for step in directions if not step[~free].any()]
    return np.linalg.qr(np.array(kept).T)[0] if kept else np.zeros((net.n_params, 0))
