"""same-function: does training reach the same function from different starts?"""

from __future__ import annotations

from collections.abc import Generator
from itertools import combinations
from typing import Any, Final

import numpy as np

from engine import checks
from engine.activity import probabilities
from engine.alignment import align, barrier
from engine.claims.claim import Answer, Claim, Finding
from engine.config import RunConfig
from engine.datasets import Dataset, load_dataset
from engine.mlp import MLP
from engine.trainer import Trainer

_N_PARTS: Final = 20


def measure(
    seed: int = 0,
    data: str = "digits",
    hidden: tuple[int, ...] = (16,),
    activation: str = "tanh",
    init_scale: float = 0.3,
    learning_rate: float = 0.3,
    n_runs: int = 2,
    n_steps: int = 1000,
    stopped: float = 1e-4,
    same: float = 0.01,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train from several starts; align the hidden units; compare weights and functions, on new data too.

    stopped is the length of the gradient below which a run is taken to have stopped; same is the
    largest difference of a probability up to which two functions are taken for the same.
    """
    checks.whole_number("n_runs", n_runs, at_least=2)
    config = RunConfig(
        data=data,
        hidden=hidden,
        activation=(activation,),
        init="normal",
        init_scale=init_scale,
        learning_rate=learning_rate,
        seed=seed,
    )
    train, others = _halves(load_dataset(data), seed)
    runs = []
    for k in range(n_runs):
        runs.append(_trainer(config.replace(seed=seed + k), train))
        for part in range(_N_PARTS):
            runs[-1].step(max(1, n_steps // _N_PARTS))
            yield 0.9 * (k + (part + 1) / _N_PARTS) / n_runs, None
    pairs = []
    for first, last in combinations(runs, 2):
        pairs.append(_compared(first, last, train, others))
        yield 0.9 + 0.09 * len(pairs) / (n_runs * (n_runs - 1) / 2), None
    yield 1.0, _finding(runs, pairs, config, stopped, same)


def _halves(data: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Return a half to train on and a half to compare functions on; small sets serve for both."""
    if data.n_samples < 100:
        return data, data
    order, half = np.random.default_rng(seed).permutation(data.n_samples), data.n_samples // 2
    return data.subset(np.sort(order[:half])), data.subset(np.sort(order[half:]))


def _trainer(config: RunConfig, data: Dataset) -> Trainer:
    net = MLP.from_config(config, data)
    theta = net.init(config.init, config.seed, scale=config.init_scale)
    return Trainer(net, data, theta, config.learning_rate, config=config)


def _compared(first: Trainer, last: Trainer, train: Dataset, others: Dataset) -> dict[str, Any]:
    """Return how far two runs are from each other, in weights and in what they answer."""
    net = first.net
    found = align(net, first.theta, last.theta)
    p, q = (probabilities(net.logits(run.theta, others.x)) for run in (first, last))
    return {
        "distance": found.distance_before,
        "distance_aligned": found.distance,
        "barrier": barrier(net, train, first.theta, last.theta, 21).height,
        "barrier_aligned": barrier(net, train, first.theta, found.theta, 21).height,
        "largest_difference_of_p": float(np.abs(p - q).max()),
        "mean_difference_of_p": float(np.abs(p - q).max(axis=1).mean()),
        "n_answers_differ": int((p.argmax(axis=1) != q.argmax(axis=1)).sum()),
        "n_compared": others.n_samples,
        "have_stopped": [run.history["gradient_norm"][-1] for run in (first, last)],
    }


def _finding(
    runs: list[Trainer], pairs: list[dict[str, Any]], config: RunConfig, stopped: float, same: float
) -> Finding:
    norms = [float(run.history["gradient_norm"][-1]) for run in runs]
    apart = [pair for pair in pairs if pair["largest_difference_of_p"] > same]
    settled = [pair for pair in apart if max(pair["have_stopped"]) <= stopped]
    most = max(pairs, key=lambda pair: pair["largest_difference_of_p"])
    stands = False if settled else True if not apart and max(norms) <= stopped else None
    return Finding(
        stands=stands,
        margin=abs(most["largest_difference_of_p"] - same) if stands is not None else 0.0,
        summary=f"{len(runs)} starts, {runs[0].n_steps:,} steps: probabilities on {most['n_compared']} "
        f"samples differ by up to "
        f"{most['largest_difference_of_p']:.2g}, {most['n_answers_differ']} answers differ; weights "
        f"{most['distance']:.1f} apart, {most['distance_aligned']:.1f} aligned. {_of_the_end(norms, stopped)}",
        evidence={
            "margin_is": "difference of a probability above or below what counts as the same; 0 where undecided",
            "stopped_below": stopped,
            "same_up_to": same,
            "gradient_norms": norms,
            "losses": [float(run.history["loss"][-1]) for run in runs],
            "pairs": pairs,
            "n_steps": runs[0].n_steps,
            "settings": config.as_text(),
        },
    )


def _of_the_end(norms: list[float], stopped: float) -> str:
    n_moving = sum(norm > stopped for norm in norms)
    if not n_moving:
        return f"All have stopped (gradient at most {stopped:g})."
    still = f"{n_moving} of {len(norms)} have not stopped (gradient up to {max(norms):.2g})"
    return f"{still}, so where they go is open."


CLAIM: Final = Claim(
    claim_id="same-function",
    source_key="convexity",
    statement="Though the loss is not convex, training comes to the same function from every start, up "
    "to the order of "
    "the hidden units.",
    cited="the comment on the second answer: it could still converge to about the same function every time",
    expected=Answer.UNDECIDED,
    measure=measure,
    condition="where there is no hidden layer and the classes overlap; and it is refuted for two hidden "
    "units on XOR.",
)
