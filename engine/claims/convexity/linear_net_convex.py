"""linear-net-convex: hidden layers without a bend; convex in the weights, or only in their product?"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import numpy as np

from engine import checks
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.convexity.tools import (
    TOLERANCES,
    Chord,
    FloatArray,
    as_row,
    chord,
    make_evaluator,
    smaller,
)
from engine.config import RunConfig
from engine.datasets import Dataset, load_dataset
from engine.mlp import MLP
from engine.trainer import Trainer
from engine.witnesses import Witness

_AS: Final = ("weights", "product")
_N_PAIRS: Final = 50


def measure(
    seed: int = 0,
    data: str = "digits",
    activation: str = "identity",
    function_of: str = "weights",
    n_samples: int | None = 500,
    n_steps: int = 200,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Look at log(1 + exp(-ab)) and at a trained linear net and its copy with all signs turned.

    function_of "product" looks at the loss as a function of the one matrix and the one bias that the layers
    come to.
    """
    checks.choice("function_of", function_of, _AS)
    config = RunConfig(
        data=data, hidden=(16,), activation=(activation,), n_samples=n_samples, learning_rate=0.3, seed=seed
    )
    samples = smaller(load_dataset(data), n_samples)
    net = MLP.from_config(config, samples)
    trainer = Trainer(net, samples, net.init("glorot_uniform", seed), config.learning_rate)
    for part in range(5):
        trainer.step(max(1, n_steps // 5))
        yield (part + 1) / 8, None
    ends = [(trainer.theta, _turned(net, trainer.theta))]
    rng = np.random.default_rng(seed)
    ends += [tuple(0.5 * rng.standard_normal((2, net.n_params))) for _ in range(_N_PAIRS)]
    small = _small(2.0), _small(-2.0)
    whole = (small[0][0], small[0][1], small[0][2], small[1][2])
    chords = [_chord(*whole, function_of)]
    for first, last in ends:
        chords.append(_chord(net, samples, first, last, function_of))
        yield 5 / 8 + 3 / 8 * len(chords) / (len(ends) + 2), None
    yield 1.0, _finding(chords, net, config, function_of)


def _small(a: float) -> tuple[MLP, Dataset, FloatArray]:
    """Return a 1-1-2 linear net with loss log(1 + exp(-ab)) on its one example, at a = b."""
    net = MLP((1, 1, 2), "identity")
    theta = np.zeros(net.n_params)
    (into, _), (out, _) = net.layers(theta)
    into[0, 0], out[0, 1] = a, a
    return net, Dataset([[1.0]], [1], "one example"), theta


def _turned(net: MLP, theta: FloatArray) -> FloatArray:
    """Return theta with the signs of all weights into and out of the hidden units turned: the same product."""
    copy = theta.copy()
    (into, bias), (out, _) = net.layers(copy)
    for array in (into, bias, out):
        array *= -1.0
    return copy


def _product(net: MLP, theta: FloatArray) -> tuple[MLP, FloatArray]:
    """Return the net without hidden layer that computes what a linear net with one computes."""
    flat = MLP((net.layer_sizes[0], net.n_outputs), loss=net.loss_name)
    moved = np.zeros(flat.n_params)
    (into, bias), (out, last) = net.layers(theta)
    flat.layers(moved)[0][0][...] = into @ out
    flat.layers(moved)[0][1][...] = bias @ out + last
    return flat, moved


def _chord(net: MLP, data: Dataset, first: FloatArray, last: FloatArray, function_of: str) -> Chord:
    if function_of == "weights":
        return chord(make_evaluator(net, data), first, last)
    (flat, start), (_, end) = _product(net, first), _product(net, last)
    return chord(make_evaluator(flat, data), start, end)


def _finding(chords: list[Chord], net: MLP, config: RunConfig, function_of: str) -> Finding:
    small, own = chords[:2]
    n_above = sum(one.is_above for one in chords)
    excess = max(one.excess for one in chords)
    return Finding(
        stands=n_above == 0,
        margin=abs(excess),
        summary=f"As a function of the {function_of}: log(1 + exp(-ab)) is {small.first:.4f} at both "
        f"ends and {small.middle:.4f} in "
        f"the middle; a trained net and its copy with turned signs {own.first:.4f} and {own.last:.4f}, "
        f"the middle "
        f"{own.middle:.4f}; {n_above} of {len(chords)} middles lie above their chords.",
        evidence={
            "margin_is": "how far the highest middle lies above (below, where the claim holds) its chord",
            "tolerance": TOLERANCES,
            "function_of": function_of,
            "small": as_row(small),
            "turned_signs": as_row(own),
            "n_chords": len(chords),
            "n_above": n_above,
            "largest_excess": excess,
            "settings": config.as_text(),
        },
        assumptions=(
            Assumption("Every hidden unit is linear.", all(name == "identity" for name in net.activation)),
        ),
        witness=_witness() if n_above and function_of == "weights" else None,
    )


def _witness() -> Witness:
    net, data, theta = _small(2.0)
    text = "A linear net with loss log(1 + exp(-ab)): low at a = b = 2 and at a = b = -2, and ln 2 in the middle."
    return Witness("linear-net-convex", text, net, data, theta, learning_rate=0.1, n_steps=1)


CLAIM: Final = Claim(
    claim_id="linear-net-convex",
    source_key="convexity",
    statement="With linear activations in the hidden layers the loss is convex in the weights.",
    cited="the third answer: with a linear network you can make it convex",
    expected=Answer.VIOLATED,
    measure=measure,
    condition="as a function of the product of the weight matrices, which is all that a linear net computes.",
)
