"""permutation-saddle: a minimum is joined to its permuted copies through saddles where two units coincide."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.optimize

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.minima.passing import passing
from engine.curvature import dense_hessian
from engine.datasets import load_dataset
from engine.datasets.dataset import Dataset
from engine.mlp import MLP
from engine.paths.neuron_split import SplitLine, iter_split_line
from engine.paths.permutation_walk import PermutationWalk, iter_permutation_walk

FloatArray = npt.NDArray[np.float64]

_N_SAMPLES: Final = 100
_N_NEWTON: Final = 4
_SMALL_GRADIENT: Final = 1e-7
_FLAT: Final = 1e-10
_ROUNDING: Final = 1e-9
_FEWEST: Final = 2  # the split line, which needs no search, and one walk
_SHARES: Final = (-0.5, 0.25, 0.5, 0.75, 1.5)


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A stretch of constant loss on which two units coincide; lowest: the Hessian's smallest eigenvalues."""

    loss: FloatArray
    gradient_norm: FloatArray
    lowest: FloatArray

    @property
    def unevenness(self) -> float:
        """Largest less smallest loss, over the loss."""
        return float(np.ptp(self.loss) / self.loss.max())

    @property
    def is_stationary(self) -> bool:
        """Whether the gradient is 0 all along, to _SMALL_GRADIENT."""
        return float(self.gradient_norm.max()) <= _SMALL_GRADIENT


def measure(
    seed: int = 0,
    data: str = "wave",
    train: str = "all",
    is_trained: bool = True,
    n_steps: int = 250,
    n_last_steps: int = 2_000,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Walk between permuted minima of a 2-3-1 network, and split the unit of a 1-1-1 network on data.

    train: the parameters whose curvature counts on the split line; "weights" leaves out the biases.
    is_trained: False starts the walk at random weights, which are no minimum.
    """
    net, cloud, theta = teacher(seed)
    if is_trained:
        theta = settled(net, cloud, theta)
    walks: list[PermutationWalk] = []
    pairs = [(i, j) for i in range(net.layer_sizes[1]) for j in range(i)]
    for first, second in pairs:
        options: dict[str, Any] = {"n_steps": n_steps, "n_last_steps": n_last_steps}
        n = len(walks)
        steps = iter_permutation_walk(net, cloud, theta, 1, first, second, **options)
        walks.append((yield from passing(steps, n / (len(pairs) + 2), (n + 1) / (len(pairs) + 2))))
    small, curve, best = _single_unit(data, seed)
    line = yield from passing(iter_split_line(small, curve, best, shares=_SHARES), 0.9, 1.0)
    stretches = [_exchange(net, cloud, walk) for walk in walks]
    stretches.append(_split(line, curve, train))
    yield 1.0, _finding(net, cloud, theta, pairs, walks, stretches, data, train)


def teacher(seed: int) -> tuple[MLP, Dataset, FloatArray]:
    """Return a 2-3-1 tanh network, samples of what it puts out with a little noise, and its theta (n_params,).

    The three units look in directions about 60 degrees apart, so that none can do without the others.
    """
    random, net = np.random.default_rng([seed, 3]), MLP((2, 3, 1), "tanh", "squared")
    theta = np.zeros(net.n_params)
    (weights, bias), (out, _) = net.layers(theta)
    angles = np.pi / 3.0 * np.arange(3) + random.uniform(0.0, 2.0 * np.pi) + random.uniform(-0.2, 0.2, 3)
    weights[...] = 1.5 * np.array([np.cos(angles), np.sin(angles)])
    bias[...] = random.uniform(-0.5, 0.5, 3)
    out[:, 0] = random.choice((-1.0, 1.0), 3)
    x = random.standard_normal((_N_SAMPLES, 2))
    targets = net.logits(theta, x)[:, 0] + 0.05 * random.standard_normal(_N_SAMPLES)
    return net, Dataset(x, (targets > 0).astype(np.int64), "teacher", targets=targets), theta


def settled(net: MLP, data: Dataset, theta: FloatArray) -> FloatArray:
    """Return a stationary point near theta (n_params,), by BFGS and a few of Newton's steps."""
    found = scipy.optimize.minimize(
        lambda point: (net.loss(point, data), net.gradient(point, data)), theta, jac=True, method="BFGS"
    ).x
    for _ in range(_N_NEWTON):
        hessian = dense_hessian(net, data, found)
        found = found - scipy.linalg.lstsq(hessian, net.gradient(found, data), cond=_ROUNDING)[0]
    return np.asarray(found)


def _single_unit(data: str, seed: int) -> tuple[MLP, Dataset, FloatArray]:
    curve = load_dataset(data)
    net = MLP((curve.n_features, 1, 1), "tanh", "squared")
    return net, curve, settled(net, curve, net.init("normal", seed=seed, scale=1.0))


def _exchange(net: MLP, data: Dataset, walk: PermutationWalk) -> Stretch:
    """Return the part of a walk on which the two units coincide."""
    assert walk.merged is not None
    rows = np.flatnonzero(walk.distances == 0.0)
    points = walk.thetas[rows]
    norms = [float(np.linalg.norm(net.gradient(point, data))) for point in points]
    return Stretch(walk.loss[rows], np.array(norms), np.array([_lowest(net, data, p) for p in points]))


def _split(line: SplitLine, data: Dataset, train: str) -> Stretch:
    lowest = np.array([_lowest(line.net, data, theta, train) for theta in line.thetas])
    return Stretch(line.loss, line.gradient_norm, lowest)


def _lowest(net: MLP, data: Dataset, theta: FloatArray, train: str = "all") -> float:
    """Return the smallest eigenvalue of the Hessian of part of theta; 0 where it is rounding."""
    mask = net.trained(train)
    values = scipy.linalg.eigvalsh(dense_hessian(net, data, theta)[np.ix_(mask, mask)])
    return float(values[0]) if abs(values[0]) > _ROUNDING * values[-1] else 0.0


def _finding(
    net: MLP,
    data: Dataset,
    theta: FloatArray,
    pairs: list[tuple[int, int]],
    walks: list[PermutationWalk],
    stretches: list[Stretch],
    curve: str,
    train: str,
) -> Finding:
    arrived = [stretch for stretch in stretches if stretch.is_stationary]
    highest = max((float(stretch.lowest.max()) for stretch in arrived), default=0.0)
    n_missed = len(stretches) - len(arrived)
    missed = f" {n_missed} found no stationary point where they coincide." if n_missed else ""
    lower = min(walk.straight_height / walk.height for walk in walks)
    return Finding(
        stands=_stands(arrived, highest),
        margin=abs(highest),
        summary=f"{_on_stretches(arrived, highest)}; "
        f"walks over them climb {min(w.height for w in walks):.2g} to {max(w.height for w in walks):.2g}, straight "
        f"lines at least {lower:.3g} times as high.{missed}",
        evidence={
            "margin_is": "how far the largest of the smallest eigenvalues on the stretches is from 0",
            "activation": "tanh",
            "layer_sizes": net.layer_sizes,
            "n_samples": data.n_samples,
            "start": theta,
            "small_gradient": _SMALL_GRADIENT,
            "flat": _FLAT,
            "n_walks_that_found_no_stationary_point": n_missed,
            "walks": [
                _row(pair, walk, s) for pair, walk, s in zip(pairs, walks, stretches[:-1], strict=True)
            ],
            "split_line": {
                "data": curve,
                "layer_sizes": [1, 2, 1],
                "counted": train,
                "shares": _SHARES,
                "loss": stretches[-1].loss,
                "gradient_norm": stretches[-1].gradient_norm,
                "lowest_curvature": stretches[-1].lowest,
            },
        },
        assumptions=(_minimum(net, data, theta),),
    )


def _on_stretches(arrived: list[Stretch], highest: float) -> str:
    if not arrived:
        return "On no stretch where two units coincide the gradient is 0"
    return (
        f"On {len(arrived)} stretches where two units coincide the loss varies by "
        f"{max(s.unevenness for s in arrived):.1g} of itself, the gradient is at most "
        f"{max(s.gradient_norm.max() for s in arrived):.1g}, and the smallest eigenvalue is {highest:.2g} or below"
    )


def _stands(arrived: list[Stretch], highest: float) -> bool | None:
    """Return what the stretches show where the search for a stationary point came to its end.

    It does not where the network with one unit less has no minimum nearby, but a channel to infinity.
    """
    if len(arrived) < _FEWEST:
        return None
    return all(stretch.unevenness <= _FLAT for stretch in arrived) and highest < 0.0


def _row(pair: tuple[int, int], walk: PermutationWalk, stretch: Stretch) -> dict[str, Any]:
    assert walk.merged is not None
    return {
        "units": pair,
        "height": walk.height,
        "straight_height": walk.straight_height,
        "height_where_they_coincide": walk.loss[walk.merged] - walk.loss[0],
        "loss_at_both_ends": [walk.loss[0], walk.loss[-1]],
        "unevenness": stretch.unevenness,
        "gradient_norm": stretch.gradient_norm.max(),
        "lowest_curvature": [stretch.lowest.min(), stretch.lowest.max()],
    }


def _minimum(net: MLP, data: Dataset, theta: FloatArray) -> Assumption:
    norm, lowest = float(np.linalg.norm(net.gradient(theta, data))), _lowest(net, data, theta)
    return Assumption(
        f"The walk starts at a minimum: its gradient is at most {_SMALL_GRADIENT:g} (it is {norm:.2g}) and the "
        f"smallest eigenvalue is above 0 (it is {lowest:.2g}).",
        norm <= _SMALL_GRADIENT and lowest > 0.0,
    )


CLAIM: Final = Claim(
    claim_id="permutation-saddle",
    source_key="minima",
    statement="From a minimum a path leads to its copy with two hidden units exchanged. It passes through a valley of "
    "constant loss on which the two units coincide; all along it the gradient is 0, and there is a way down: saddles.",
    cited='"Weight-space symmetry in deep networks gives rise to permutation saddles, connected by equal-loss valleys '
    'across the loss landscape" (2019), which cites the paper',
    expected=Answer.HOLDS,
    measure=measure,
)
