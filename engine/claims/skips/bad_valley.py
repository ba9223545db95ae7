"""bad-valley: without enough units wired to the output there can be valleys that end above the lowest loss."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.optimize

from engine.activity import errors_of, probabilities
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.skips import theorem
from engine.claims.skips.minima import Minimum, minimise
from engine.claims.skips.training import steps
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.history import LOSS_RISE_TOLERANCE
from engine.mlp import MLP
from engine.paths.valley import walk_valley
from engine.trainer import Trainer
from engine.witnesses import Witness

FloatArray = npt.NDArray[np.float64]

_WORSE: Final = 1e-4  # nats by which a minimum must be above the best to be called bad
_N_ANGLES: Final = 180
_DEAD: Final = -20.0


def measure(
    seed: int = 0,
    data: str = "blobs",
    n_samples: int | None = None,
    n_components: int | None = None,
    hidden: tuple[int, ...] = (1,),
    n_starts: int = 12,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Descend from many starts in a linear network with a bottleneck; then turn its hidden unit all the way round.

    n_components takes that many principal components of the data, for data with more than two inputs.
    """
    config = RunConfig(data=data, n_samples=n_samples, hidden=hidden, activation=("identity",), seed=seed)
    net, samples = theorem.network_and_data(config)
    if n_components is not None:
        samples = _components(samples, n_components)
        net = MLP((n_components, *hidden, samples.n_classes), "identity")
    found: list[Minimum] = []
    for k in range(n_starts):
        found.append(minimise(net, samples, net.init("glorot_normal", seed * n_starts + k)))
        yield 0.5 * (k + 1) / n_starts, None
    turned = np.empty(0)
    if net.layer_sizes[:2] == (2, 1):
        turned = np.empty(_N_ANGLES)
        for k, best in enumerate(lowest_by_angle(samples)):
            turned[k] = best
            yield 0.5 + 0.3 * (k + 1) / _N_ANGLES, None
    for share, dead in _dead_units(seed):  # noqa: B007 -- the last one is wanted
        yield 0.8 + 0.19 * share, None
    yield 1.0, _finding(config, net, samples, found, turned, dead)


def _components(data: Dataset, n_components: int) -> Dataset:
    centred = data.x - data.x.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, : -n_components - 1 : -1]
    return Dataset(centred @ axes, data.y, data.name, data.n_classes)


def lowest_by_angle(data: Dataset) -> Generator[float, None, None]:
    """Yield the lowest loss that the unit can reach while its weights point at each angle of half a turn.

    For a fixed direction the rest is softmax regression on one number a sample: convex, so that its minimum is found.
    """
    weights = np.zeros((2, data.n_classes))
    for angle in np.pi * np.arange(_N_ANGLES) / _N_ANGLES:
        z = np.column_stack([data.x @ (np.cos(angle), np.sin(angle)), np.ones(data.n_samples)])
        found = scipy.optimize.minimize(
            _regression, weights.ravel(), (z, data.y), jac=True, method="L-BFGS-B", options={"gtol": 1e-8}
        )
        weights = found.x.reshape(weights.shape)
        yield float(found.fun)


def _regression(weights: FloatArray, z: FloatArray, y: npt.NDArray[np.int64]) -> tuple[float, FloatArray]:
    p = probabilities(z @ weights.reshape(z.shape[1], -1))
    loss = -float(np.log(np.maximum(p[np.arange(len(y)), y], 1e-300)).mean())
    return loss, (z.T @ errors_of(p, y) / len(y)).ravel()


def barrier(data: Dataset, turned: FloatArray, low: FloatArray, high: FloatArray) -> float:
    """Return a loss that every path from one direction of the hidden unit to another must reach.

    A path turns the unit one way or the other and meets every angle between; or it passes through the weight 0,
    where the outputs do not depend on the inputs and the loss is at least the entropy of the labels.

    Args:
        data: whose labels.
        turned: (n_angles,) the lowest loss at each angle of half a turn.
        low, high: (2,) weights of the unit at the two ends.
    """
    first, last = sorted(int(_angle(weights) / np.pi * len(turned)) for weights in (low, high))
    # The grid's angles between those two, on one way round and on the other.
    inside, outside = turned[first + 1 : last + 1], np.r_[turned[last + 1 :], turned[: first + 1]]
    return min(float(inside.max(initial=0.0)), float(outside.max(initial=0.0)), label_entropy(data))


def _angle(weights: FloatArray) -> float:
    return float(np.arctan2(weights[1], weights[0]) % np.pi)


def label_entropy(data: Dataset) -> float:
    """Return the lowest mean cross-entropy of outputs that do not depend on the input, in nats."""
    shares = np.bincount(data.y) / data.n_samples
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def _dead_units(seed: int) -> Generator[tuple[float, dict[str, float]], None, None]:
    """Train a network whose ReLU units are all off, then walk out of where it stays; yield what is known."""
    config = RunConfig(n_samples=100, hidden=(120,), activation=("relu",), seed=seed)
    net, data = theorem.network_and_data(config)
    theta = net.init("glorot_uniform", seed)
    net.layers(theta)[0][1][:] = _DEAD
    trainer = Trainer(net, data, theta, 2.0)
    for share in steps(trainer, 200, 50):
        yield share, {}
    is_output = net.trained("output")
    walk = walk_valley(net, data, trainer.theta, seed=seed)
    yield (
        1.0,
        {
            "loss_after_training": float(trainer.history["loss"][-1]),
            "label_entropy": label_entropy(data),
            "hidden_gradient_norm": float(np.linalg.norm(net.gradient(trainer.theta, data)[~is_output])),
            "largest_rise_on_the_way_out": walk.largest_rise,
            "loss_at_the_end_of_the_walk": float(walk.loss[-1]),
        },
    )


def _finding(
    config: RunConfig,
    net: MLP,
    data: Dataset,
    found: Sequence[Minimum],
    turned: FloatArray,
    dead: dict[str, float],
) -> Finding:
    best = min(found, key=lambda one: one.loss)
    bad = [one for one in found if one.is_strict and one.loss > best.loss + _WORSE]
    worst = max(bad, key=lambda one: one.loss, default=best)
    height = float("nan")
    if bad and len(turned):
        ends = (net.layers(one.theta)[0][0][:, 0] for one in (best, worst))
        height = barrier(data, turned, *ends)
    is_deep = bool(bad) and (not len(turned) or height > worst.loss + _WORSE)
    n_units = theorem.n_wired_units(net)
    return Finding(
        stands=True if is_deep else None,
        margin=abs(worst.loss - best.loss if np.isnan(height) else height - worst.loss),
        summary=_summary(found, best, worst, bad, height) + _dead_words(dead),
        evidence={
            "margin_is": "nats that a path must climb to leave the worst minimum, or where that was not "
            "measured, nats between the worst minimum and the best",
            "settings": config.as_text(),
            "layer_sizes": net.layer_sizes,
            "gradient_counts_as_zero": 1e-8,
            "eigenvalue_counts_as_zero": "1e-9 of the largest",
            "minima": [_row(one) for one in sorted(found, key=lambda one: one.loss)],
            "lowest_loss_by_angle_in_degrees": turned,
            "label_entropy": label_entropy(data),
            "a_path_must_reach": None if np.isnan(height) else height,
            "dead_units": dead,
        },
        assumptions=(
            Assumption(
                f"Fewer hidden units are wired to the output than there are samples ({n_units}, {data.n_samples}).",
                n_units < data.n_samples,
            ),
        ),
        witness=_witness(net, data, worst) if is_deep else None,
    )


def _witness(net: MLP, data: Dataset, worst: Minimum) -> Witness:
    text = f"A strict minimum at the loss {worst.loss:.4f} that is not the lowest: it stays where it is."
    return Witness("bad-valley", text, net, data, worst.theta, 0.5, 100)


def _row(one: Minimum) -> dict[str, object]:
    return {
        "loss": one.loss,
        "n_errors": one.n_errors,
        "is_strict": one.is_strict,
        "gradient_norm": one.gradient_norm,
        "smallest_eigenvalue": one.smallest,
        "n_flat": one.n_flat,
        "n_moves_that_change_nothing": one.n_symmetric,
        "next_eigenvalue": one.next_smallest,
    }


def _summary(
    found: Sequence[Minimum], best: Minimum, worst: Minimum, bad: Sequence[Minimum], height: float
) -> str:
    if not bad:
        return f"{len(found)} descents found no strict minimum above the best, {best.loss:.4f}."
    text = (
        f"{len(bad)} of {len(found)} descents ended in strict minima up to {worst.loss:.4f} ({worst.n_errors} mistakes)"
        f", the best in {best.loss:.4f} ({best.n_errors}); beside the {worst.n_symmetric} flat directions that change "
        f"nothing, the smallest eigenvalue is {worst.next_smallest:.2g}."
    )
    return (
        text
        if np.isnan(height)
        else f"{text} Every path from the one to the other climbs to {height:.4f} or more."
    )


def _dead_words(dead: dict[str, float]) -> str:
    if dead["hidden_gradient_norm"] > 0.0:
        return ""  # a unit woke up: there is no trap to tell of
    way = "a level way" if dead["largest_rise_on_the_way_out"] <= LOSS_RISE_TOLERANCE else "a way over a hump"
    return (
        f" Dead ReLU units are a trap of another kind: no step moves them, and training ends at "
        f"{dead['loss_after_training']:.4f} and never below {dead['label_entropy']:.4f}, but {way} leads out and down "
        f"to {dead['loss_at_the_end_of_the_walk']:.1e}."
    )


CLAIM: Final = Claim(
    claim_id="bad-valley",
    source_key="skips",
    statement="Without enough units wired to the output, a network can have bad local valleys: from there every path "
    "to the lowest loss rises on the way.",
    cited="Figure 1, left",
    expected=Answer.HOLDS,
    measure=measure,
)
