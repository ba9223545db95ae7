"""identify-weights: the input weights of the hidden units can be read from Hessians of the output."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.activations import ACTIVATIONS
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.minima.passing import passing
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]

_STEP: Final = 0.02
_N_POINTS: Final = 80
_N_ITERATIONS: Final = 200
_LEAST_GAP: Final = 100.0
_ALIKE: Final = 0.999
_FOUND: Final = 0.99
_FLAT: Final = 1e-9
_FACTORS: Final = np.array([-2.0, -1.0, 1.0, 2.0])
_WEIGHTS: Final = np.array([-1.0, 16.0, 16.0, -1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What Hessians of the output say of the hidden units.

    Attributes:
        singular_values: of the Hessians as rows, descending.
        gap: the singular value number n_units over the next.
        directions: (n_found, n_inputs) unit vectors, found as symmetric matrices of rank one in the span.
        alignment: (n_units,) for each unit, |cosine| with the found direction nearest to its weights.
        n_queries: outputs of the network that were asked for.
    """

    singular_values: FloatArray
    gap: float
    directions: FloatArray
    alignment: FloatArray
    n_queries: int


def measure(
    seed: int = 0,
    n_inputs: int = 10,
    hidden: Sequence[int] = (8,),
    activation: str = "tanh",
    n_points: int = _N_POINTS,
    output_error: float = 0.0,
    n_ascents: int = 40,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Draw a network, ask for outputs only, and compare what is read from them with its weights.

    A network with two hidden layers is asked in the same way beside it. output_error: standard deviation of
    random errors on the outputs of the first network. n_ascents: how often matrices of rank one are looked for.
    """
    net, theta = _draw(n_inputs, hidden, activation, seed)
    reading = yield from passing(read_weights(net, theta, seed, n_points, n_ascents, output_error), 0.0, 0.6)
    deep_net, deep_theta = _draw(n_inputs, (hidden[0], max(2, hidden[0] // 2)), activation, seed)
    deep = yield from passing(read_weights(deep_net, deep_theta, seed, n_points, n_ascents), 0.6, 1.0)
    yield 1.0, _finding(net, reading, deep, n_points)


def _draw(n_inputs: int, hidden: Sequence[int], activation: str, seed: int) -> tuple[MLP, FloatArray]:
    """Return a network with unit input weights in random directions, and small random biases."""
    net, random = MLP((n_inputs, *hidden, 1), activation, "squared"), np.random.default_rng([seed, 11])
    theta = np.zeros(net.n_params)
    for weights, bias in net.layers(theta):
        weights[...] = random.standard_normal(weights.shape)
        weights /= np.linalg.norm(weights, axis=0)
        bias[...] = random.uniform(-0.5, 0.5, bias.shape)
    net.layers(theta)[-1][0][...] = random.choice((-1.0, 1.0), (hidden[-1], 1)) * random.uniform(
        0.5, 1.5, (hidden[-1], 1)
    )
    return net, theta


def read_weights(
    net: MLP, theta: FloatArray, seed: int, n_points: int, n_ascents: int, output_error: float = 0.0
) -> Generator[tuple[float, Reading | None], None, None]:
    """Yield (share done, None), and a Reading last, of the first hidden layer of net.

    After Fornasier, Klock and Rauchensteiner ("Robust and resource efficient identification of two hidden layer
    neural networks", 2019). The output of one hidden layer is f(x) = sum a_i s(w_i x + b_i), and its Hessian by
    the input sum a_i s''(w_i x + b_i) w_i w_i^T: Hessians at many points span the same space as the matrices w_i
    w_i^T, and these are the only ones of rank one in it.
    """
    random = np.random.default_rng([seed, 12])
    rows, n_queries = [], 0
    for k in range(n_points):
        points = stencil(random.standard_normal(net.layer_sizes[0]))
        outputs = net.logits(theta, points)[:, 0]
        hessian = input_hessian(outputs + output_error * random.standard_normal(len(outputs)))
        rows.append(hessian.ravel())
        n_queries += len(outputs)
        yield 0.5 * (k + 1) / n_points, None
    _, values, basis = np.linalg.svd(np.array(rows), full_matrices=False)
    n_units = net.layer_sizes[1]
    span = basis[:n_units].reshape(-1, *hessian.shape)
    directions = np.empty((0, net.layer_sizes[0]))
    for k in range(n_ascents):
        directions = _joined(directions, _rank_one(span, random))
        yield 0.5 + 0.5 * (k + 1) / n_ascents, None
    yield (
        1.0,
        Reading(values, _gap(values, n_units), directions, _alignment(net, theta, directions), n_queries),
    )


def stencil(x: FloatArray, step: float = _STEP) -> FloatArray:
    """Return the points (n_points, n_inputs) around x (n_inputs,) whose outputs `input_hessian` needs."""
    eye, (i, j) = np.eye(len(x)), np.triu_indices(len(x))
    directions = np.where((i == j)[:, None], eye[i], eye[i] + eye[j])
    away = step * _FACTORS[:, None, None] * directions
    return np.vstack([x, x + away.reshape(-1, len(x))])


def input_hessian(outputs: FloatArray, step: float = _STEP) -> FloatArray:
    """Return the Hessian of an output by the input, (n_inputs, n_inputs), from the outputs at `stencil`'s points.

    Second derivatives along e_i and e_i + e_j, by central differences of fourth order in step.
    """
    here, around = outputs[0], outputs[1:].reshape(len(_FACTORS), -1)
    n = round((np.sqrt(8 * around.shape[1] + 1) - 1) / 2)
    i, j = np.triu_indices(n)
    curved = (_WEIGHTS @ around - 30.0 * here) / (12.0 * step**2)
    pure = curved[i == j]
    hessian = np.empty((n, n))
    hessian[i, j] = np.where(i == j, curved, 0.5 * (curved - pure[i] - pure[j]))
    hessian[j, i] = hessian[i, j]
    return hessian


def _rank_one(span: FloatArray, random: np.random.Generator) -> FloatArray | None:
    """Return a unit vector u for which u u^T lies in the span (k, n, n) of orthonormal matrices; None if missed.

    Ascends to a matrix of the span, of length 1, with the largest eigenvalue 1: one of rank one.
    """
    u, top_value = np.asarray(random.standard_normal(span.shape[1])), 0.0
    for _ in range(_N_ITERATIONS):
        shares = np.einsum("kij,i,j->k", span, u, u)
        values, vectors = np.linalg.eigh(np.einsum("k,kij->ij", shares, span) / np.linalg.norm(shares))
        top = int(np.abs(values).argmax())
        turned = float(np.abs(u @ vectors[:, top])) / float(np.linalg.norm(u))
        u, top_value = vectors[:, top], float(np.abs(values[top]))
        if turned >= 1.0 - 1e-14:
            break
    return u if top_value >= _ALIKE else None


def _joined(directions: FloatArray, found: FloatArray | None) -> FloatArray:
    """Return directions with found added, unless it is there already, whatever its sign."""
    if found is None or (len(directions) and np.abs(directions @ found).max() >= _ALIKE):
        return directions
    return np.vstack([directions, found])


def _gap(values: FloatArray, n_units: int) -> float:
    """Return singular value number n_units over the next; 0 where all are rounding, or there is no next."""
    if len(values) <= n_units or values[0] <= _FLAT:
        return 0.0
    return float(values[n_units - 1] / max(values[n_units], np.finfo(np.float64).tiny))


def _alignment(net: MLP, theta: FloatArray, directions: FloatArray) -> FloatArray:
    weights = net.layers(theta)[0][0]
    units = weights / np.linalg.norm(weights, axis=0)
    if not len(directions):
        return np.zeros(units.shape[1])
    return np.asarray(np.abs(directions @ units).max(axis=0))


def _finding(net: MLP, reading: Reading, deep: Reading, n_points: int) -> Finding:
    n_units, worst = net.layer_sizes[1], float(reading.alignment.min())
    n_found, n_found_deep = (int((one.alignment >= _FOUND).sum()) for one in (reading, deep))
    has_gap = reading.gap >= _LEAST_GAP
    return Finding(
        stands=(True if n_found == n_units else None) if has_gap else False,
        margin=abs(worst - _FOUND),
        summary=f"From {reading.n_queries:,} outputs: singular value {n_units} of the Hessians is "
        f"{reading.gap:.2g} times the next, and {n_found} of {n_units} units' weights are found, the worst with "
        f"|cosine| {worst:.6f}. With two hidden layers the gap is {deep.gap:.2g}, and {n_found_deep} of {n_units} are "
        "found.",
        evidence={
            "margin_is": f"distance of the worst unit's |cosine| from {_FOUND:g}",
            "layer_sizes": net.layer_sizes,
            "activation": net.activation[0],
            "n_points": n_points,
            "step": _STEP,
            "least_gap": _LEAST_GAP,
            "one_hidden_layer": _row(reading),
            "two_hidden_layers": _row(deep),
        },
        assumptions=_assumptions(net, n_points),
    )


def _row(reading: Reading) -> dict[str, Any]:
    return {
        "singular_values": reading.singular_values[:20],
        "gap": reading.gap,
        "n_directions_found": len(reading.directions),
        "alignment": reading.alignment,
        "n_queries": reading.n_queries,
    }


def _assumptions(net: MLP, n_points: int) -> tuple[Assumption, ...]:
    n, n_units, name = net.layer_sizes[0], net.layer_sizes[1], net.activation[0]
    most = n * (n - 1) // 2
    is_curved = ACTIVATIONS[name].smooth and name != "identity"
    return (
        Assumption("There is one hidden layer.", net.n_hidden == 1),
        Assumption(
            f"The activation is smooth and not linear, so that it has a second derivative; here it is {name}.",
            is_curved,
        ),
        Assumption(
            f"There are at most n (n - 1) / 2 units for n inputs, or other matrices of rank one are in the span too "
            f"({n_units}, and {most}), and fewer than points ({n_points}).",
            n_units <= most and n_units < n_points,
        ),
    )


CLAIM: Final = Claim(
    claim_id="identify-weights",
    source_key="minima",
    statement="The directions of a hidden layer's input weights can be read from second derivatives of the output, by "
    "asking the network for outputs only.",
    cited='"Robust and resource efficient identification of two hidden layer neural networks" (2019), which cites '
    "the paper",
    expected=Answer.HOLDS,
    measure=measure,
)
