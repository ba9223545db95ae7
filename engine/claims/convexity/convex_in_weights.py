"""convex-in-weights: is the loss of a network with a hidden layer convex in its weights?"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import numpy as np

from engine.claims.claim import Answer, Claim, Finding
from engine.claims.convexity.tools import (
    SCALES,
    TOLERANCES,
    Chord,
    FloatArray,
    as_row,
    chord,
    is_negative,
    iter_random_chords,
    make_evaluator,
    rolled,
    smaller,
    spectrum_ends,
)
from engine.config import RunConfig
from engine.curvature import Eigenpairs
from engine.datasets import load_dataset
from engine.mlp import MLP
from engine.perturbations import permuted
from engine.trainer import Trainer
from engine.witnesses import Witness

_N_PARTS: Final = 10


def measure(
    seed: int = 0,
    data: str = "digits",
    hidden: tuple[int, ...] = (16,),
    n_samples: int | None = None,
    n_steps: int = 300,
    n_chords: int = 200,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train, permute the hidden units, look at the middle; the Hessian's ends at the start; random chords."""
    config = RunConfig(data=data, hidden=hidden, learning_rate=1.0, seed=seed)
    samples = smaller(load_dataset(data), n_samples)
    net = MLP.from_config(config, samples)
    start = net.init(config.init, seed)
    trainer = Trainer(net, samples, start, config.learning_rate)
    for part in range(_N_PARTS):
        trainer.step(max(1, n_steps // _N_PARTS))
        yield 0.3 * (part + 1) / _N_PARTS, None
    pairs, evaluator = spectrum_ends(net, samples, start), make_evaluator(net, samples)
    yield 0.5, None
    between = [chord(evaluator, trainer.theta, copy) for copy in _copies(net, trainer.theta)]
    random_ones = []
    for one in iter_random_chords(evaluator, np.random.default_rng(seed), n_chords):
        random_ones.append(one)
        yield 0.5 + 0.49 * len(random_ones) / n_chords, None
    yield 1.0, _finding(trainer, pairs, between, random_ones, config)


def _copies(net: MLP, theta: FloatArray) -> list[FloatArray]:
    """Return theta with the units of each hidden layer moved on by one place, layer by layer."""
    return [permuted(net, theta, k, rolled(net.layer_sizes[k])) for k in range(1, net.n_hidden + 1)]


def _finding(
    trainer: Trainer, pairs: Eigenpairs, between: list[Chord], random_ones: list[Chord], config: RunConfig
) -> Finding:
    n_above = sum(one.is_above for one in random_ones)
    least, largest = float(pairs.smallest[0]), float(pairs.largest[0])
    refuted = [one for one in (*between, *random_ones) if one.is_above]
    excess = max((one.excess for one in (*between, *random_ones)), default=0.0)
    stands = not refuted and not is_negative(least, pairs)
    return Finding(
        stands=stands,
        margin=abs(excess) if refuted else abs(least),
        summary=f"{_of_copies(between)} The Hessian at the start has the eigenvalues {least:.3g} to "
        f"{largest:.3g}. Of "
        f"{len(random_ones)} random chords {n_above} have their middle above the mean of the ends.",
        evidence={
            "margin_is": "how far the worst middle lies above its chord; where none does, the least eigenvalue",
            "tolerance": TOLERANCES,
            "permuted_copies": [as_row(one) for one in between],
            "least_eigenvalue": least,
            "largest_eigenvalue": largest,
            "residual": pairs.residual,
            "n_random_chords": len(random_ones),
            "n_random_above": n_above,
            "sizes_of_random_parameters": SCALES,
            "n_steps": trainer.n_steps,
            "settings": config.as_text(),
        },
        witness=_witness(trainer) if any(one.is_above for one in between) else None,
    )


def _of_copies(between: list[Chord]) -> str:
    if not between:
        return "There are no hidden units to permute."
    one = max(between, key=lambda each: each.excess)
    ends = f"Trained to a loss of {one.first:.4g}; the permuted copy has {one.last:.4g}"
    return f"{ends}, and the middle {one.middle:.4g}."


def _witness(trainer: Trainer) -> Witness:
    net, theta = trainer.net, trainer.theta
    middle = 0.5 * (theta + permuted(net, theta, 1, rolled(net.layer_sizes[1])))
    text = (
        "The middle between a trained network and its copy with hidden units permuted: the loss is high here."
    )
    return Witness("convex-in-weights", text, net, trainer.data, middle, trainer.learning_rate, n_steps=1)


CLAIM: Final = Claim(
    claim_id="convex-in-weights",
    source_key="convexity",
    statement="The cross-entropy of a neural network is convex as a function of its weights.",
    cited="the question: a teacher's proof that the second derivative is always positive, so that the "
    "cost is convex",
    expected=Answer.VIOLATED,
    measure=measure,
    condition="without a hidden layer (see softmax-regression-convex), and as a function of the outputs.",
)
