"""large-batch-sharpness: at equal training loss the full batch ends at a sharper place than small batches."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.minima.passing import passing
from engine.curvature.sharpness import HOMOGENEOUS, KeskarSharpness, keskar_sharpness, rescaled, sharpness
from engine.curvature.trace import hessian_trace
from engine.datasets import load_dataset
from engine.datasets.dataset import Dataset
from engine.evaluator import make_evaluator
from engine.mlp import MLP

FloatArray = npt.NDArray[np.float64]

_N_TRAINED: Final = 1_200
_N_HELD_OUT: Final = 597
_HIDDEN: Final = 32
_CHECK_EVERY: Final = 5
_YIELD_EVERY: Final = 100
_EPSILONS: Final = (1e-2, 1e-3)
_NEAR: Final = 0.2
_FACTOR: Final = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Ended:
    """Where training with one size of batch has ended; top is the Hessian's largest eigenvalue."""

    batch_size: int
    n_steps: int
    theta: FloatArray
    loss: float
    top: float
    trace: float
    keskar: tuple[KeskarSharpness, ...]
    held_out_errors: int
    held_out_loss: float


def measure(
    seed: int = 0,
    data: str = "digits",
    activation: str = "relu",
    batch_size: int = 8,
    learning_rate: float = 0.3,
    target: float = 0.02,
    n_starts: int = 2,
    most_steps: int = 20_000,
    rescaling: float = 1.0,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train with small batches and with the full batch, from the same starts at the same rate to the same loss.

    rescaling: factor by which the hidden units of the small-batch end are scaled up, and their output weights
    down, before anything is measured there; it changes the curvature and not the function.
    """
    whole = load_dataset(data)
    pairs: list[tuple[Ended, Ended]] = []
    for start in range(n_starts):
        number = 1000 * seed + start
        trained, held_out = _parts(whole, number)
        net = MLP((whole.n_features, _HIDDEN, whole.n_classes), activation)
        ends: list[Ended] = []
        for size in (batch_size, trained.n_samples):
            theta = net.init("glorot_uniform", seed=number)
            steps = _descend(net, trained, theta, learning_rate, size, target, number, most_steps)
            n_steps = yield from passing(steps, *_span(2 * start + len(ends), 2 * n_starts))
            factor = rescaling if size == batch_size else 1.0
            theta = rescaled(net, theta, 1, factor) if factor != 1.0 else theta
            ends.append(_ended(net, trained, held_out, theta, size, n_steps))
        pairs.append((ends[0], ends[1]))
    yield 1.0, _finding(net, whole, pairs, learning_rate, target, _of_rescaling(net, trained, pairs[-1][1]))


def _span(k: int, n: int) -> tuple[float, float]:
    return k / n, (k + 1) / n


def _parts(data: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Return samples to train on and samples held out, drawn at random."""
    order = np.random.default_rng([seed, 5]).permutation(data.n_samples)
    n_trained = min(_N_TRAINED, 2 * data.n_samples // 3)
    return data.subset(order[:n_trained]), data.subset(order[n_trained : n_trained + _N_HELD_OUT])


def _descend(
    net: MLP,
    data: Dataset,
    theta: FloatArray,
    rate: float,
    size: int,
    target: float,
    seed: int,
    most: int,
) -> Generator[tuple[float, int], None, None]:
    """Step theta in place until the loss is at most target, yielding (share of the most, number of steps)."""
    evaluator, gradient = make_evaluator(net, data), np.empty(net.n_params)
    random, order = np.random.default_rng(seed), np.empty(0, dtype=np.int64)
    loss, n_steps = np.inf, 0
    while loss > target and n_steps < most:
        for _ in range(_CHECK_EVERY if loss > 2.0 * target else 1):
            order = order if len(order) >= size else random.permutation(data.n_samples)
            rows, order = None if size == data.n_samples else order[:size], order[size:]
            evaluator.evaluate(theta, gradient, rows)
            theta -= rate * gradient
            n_steps += 1
        loss = evaluator.loss_and_errors(theta)[0]
        if n_steps % _YIELD_EVERY == 0:
            yield n_steps / most, n_steps
    yield 1.0, n_steps


def _ended(net: MLP, data: Dataset, held_out: Dataset, theta: FloatArray, size: int, n_steps: int) -> Ended:
    return Ended(
        batch_size=size,
        n_steps=n_steps,
        theta=theta,
        loss=net.loss(theta, data),
        top=sharpness(net, data, theta, tolerance=1e-4),
        trace=hessian_trace(net, data, theta, n_probes=20, exact=False).value,
        keskar=tuple(
            keskar_sharpness(net, data, theta, epsilon=e, n_starts=1, max_iterations=10) for e in _EPSILONS
        ),
        held_out_errors=net.n_errors(theta, held_out),
        held_out_loss=net.loss(theta, held_out),
    )


def _of_rescaling(net: MLP, data: Dataset, end: Ended) -> dict[str, Any] | None:
    """Return what scaling the hidden units up by _FACTOR does at an end: to the function, and to the sharpness."""
    if net.activation[0] not in HOMOGENEOUS:
        return None
    moved = rescaled(net, end.theta, 1, _FACTOR)
    return {
        "factor": _FACTOR,
        "largest_change_of_an_output": float(
            np.abs(net.logits(moved, data.x) - net.logits(end.theta, data.x)).max()
        ),
        "largest_eigenvalue_before": end.top,
        "largest_eigenvalue_after": sharpness(net, data, moved, tolerance=1e-4),
    }


def _finding(
    net: MLP,
    data: Dataset,
    pairs: list[tuple[Ended, Ended]],
    rate: float,
    target: float,
    rescaling: dict[str, Any] | None,
) -> Finding:
    ratios = [min(large.top / small.top, large.trace / small.trace) for small, large in pairs]
    gap = float(np.mean([large.held_out_errors - small.held_out_errors for small, large in pairs]))
    small, large = pairs[0]
    return Finding(
        stands=True if min(ratios) > 1.0 else False if max(ratios) < 1.0 else None,
        margin=min(abs(np.log(ratio)) for ratio in ratios),
        summary=f"At the loss {target:g} the largest eigenvalue is {large.top:.3g} with the full batch and "
        f"{small.top:.3g} with batches of {small.batch_size} (from each start at least {min(ratios):.2g} times, "
        f"trace included). Of the held-out samples the full batch gets {gap:+.3g} more wrong in the mean.",
        evidence={
            "margin_is": "|log| of the ratio, full batch over small, of the largest eigenvalue or the trace, whichever "
            "is nearer 1, over all starts",
            "data": data.name,
            "layer_sizes": net.layer_sizes,
            "activation": net.activation[0],
            "learning_rate": rate,
            "target_loss": target,
            "epsilons": _EPSILONS,
            "starts": [{"small_batch": _row(one), "full_batch": _row(other)} for one, other in pairs],
            "keskar_calls_full_batch_sharper": [
                sum(large.keskar[k].phi > small.keskar[k].phi for small, large in pairs)
                for k in range(len(_EPSILONS))
            ],
            "more_held_out_errors_with_full_batch": gap,
            "rescaling": rescaling,
        },
        assumptions=_assumptions(pairs, target),
    )


def _row(end: Ended) -> dict[str, Any]:
    return {
        "batch_size": end.batch_size,
        "n_steps": end.n_steps,
        "loss": end.loss,
        "largest_eigenvalue": end.top,
        "trace": end.trace,
        "keskar_phi": [one.phi for one in end.keskar],
        "held_out_errors": end.held_out_errors,
        "held_out_loss": end.held_out_loss,
    }


def _assumptions(pairs: list[tuple[Ended, Ended]], target: float) -> tuple[Assumption, ...]:
    losses = [end.loss for pair in pairs for end in pair]
    is_smaller = all(small.batch_size < large.batch_size for small, large in pairs)
    return (
        Assumption(
            f"Both end at the same training loss: within {_NEAR:.0%} below {target:g} (they end between "
            f"{min(losses):.3g} and {max(losses):.3g}).",
            max(losses) <= target and min(losses) >= (1.0 - _NEAR) * target,
        ),
        Assumption("The small batches are smaller than the training set.", is_smaller),
    )


CLAIM: Final = Claim(
    claim_id="large-batch-sharpness",
    source_key="minima",
    statement="Trained at the same rate to the same training loss, the full batch ends at a sharper place than small "
    "batches do: the largest eigenvalue and the trace of the Hessian are larger.",
    cited='"On large-batch training for deep learning: generalization gap and sharp minima" (2016), which cites the '
    "paper",
    expected=Answer.HOLDS,
    measure=measure,
)
