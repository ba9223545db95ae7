"""permutation-invariance: permuted hidden units give the same function; what that says of convexity."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any, Final

import numpy as np

from engine import checks
from engine.claims.claim import Answer, Claim, Finding
from engine.claims.convexity.tools import FloatArray, as_row, chord, make_evaluator, smaller
from engine.datasets import Dataset, load_dataset
from engine.mlp import MLP
from engine.perturbations import permuted
from engine.trainer import Trainer

_TOLERANCE: Final = 1e-12
_WAYS: Final = ("unit", "incoming")
_NETS: Final[tuple[tuple[tuple[int, ...], str, tuple[int, ...]], ...]] = (
    ((16,), "logistic", ()),
    ((12, 8), "tanh", ()),
    ((12, 8), "relu", (1,)),
)


def measure(
    seed: int = 0, data: str = "digits", n_samples: int = 500, n_orders: int = 20, moved: str = "unit"
) -> Generator[tuple[float, Finding | None], None, None]:
    """Permute the units of each layer of several nets at random; look at outputs, loss and the middle.

    moved "unit" moves all weights of a unit; "incoming" leaves the weights that leave it where they are.
    """
    checks.choice("moved", moved, _WAYS)
    samples, rng = smaller(load_dataset(data), n_samples), np.random.default_rng(seed)
    rows, n_all = [], n_orders * sum(len(hidden) for hidden, _, _ in _NETS)
    for hidden, activation, skip in _NETS:
        net = MLP((samples.n_features, *hidden, samples.n_classes), activation, "cross_entropy", skip)
        trainer = Trainer(net, samples, net.init("glorot_uniform", seed), learning_rate=0.3)
        trainer.step(100)
        for layer in range(1, net.n_hidden + 1):
            for _ in range(n_orders):
                order = rng.permutation(net.layer_sizes[layer])
                rows.append(_row(net, samples, trainer.theta, layer, order, moved))
                yield len(rows) / (n_all + 1), None
    yield 1.0, _finding(rows, _convex_contrast(samples, seed), moved)


def _row(net: MLP, data: Dataset, theta: FloatArray, layer: int, order: Any, moved: str) -> dict[str, Any]:
    copy = permuted(net, theta, layer, order)
    if moved == "incoming":
        for (weights, _), (own, _) in zip(net.layers(copy)[layer:], net.layers(theta)[layer:], strict=True):
            weights[...] = own
        for weights, own in zip(net.skip_weights(copy), net.skip_weights(theta), strict=True):
            weights[...] = own
    before, after = net.logits(theta, data.x), net.logits(copy, data.x)
    losses = net.loss(theta, data), net.loss(copy, data)
    between = chord(make_evaluator(net, data), theta, copy)
    return {
        "net": f"{'-'.join(map(str, net.layer_sizes))} {net.activation[0]}{', skips' if net.skip else ''}",
        "layer": layer,
        "outputs_differ": float(np.abs(after - before).max() / np.abs(before).max()),
        "loss_differs": abs(losses[1] - losses[0]) / losses[0],
        "distance": float(np.linalg.norm(copy - theta)),
        "n_copies": math.factorial(net.layer_sizes[layer]),
        "middle": as_row(between),
    }


def _convex_contrast(data: Dataset, seed: int) -> dict[str, float]:
    """Return how the loss without hidden layer changes when 1 is added to all output biases: not at all.

    A convex loss with a whole line of minima: many minima alone do not refute convexity.
    """
    net = MLP((data.n_features, data.n_classes))
    trainer = Trainer(net, data, net.init("glorot_uniform", seed), learning_rate=0.5)
    trainer.step(100)
    other = trainer.theta
    net.layers(other)[0][1][...] += 1.0
    between = chord(make_evaluator(net, data), trainer.theta, other)
    return as_row(between) | {"distance": float(np.linalg.norm(other - trainer.theta))}


def _finding(rows: list[dict[str, Any]], contrast: dict[str, float], moved: str) -> Finding:
    differ = max(max(row["outputs_differ"], row["loss_differs"]) for row in rows)
    top = max(rows, key=lambda row: row["middle"]["excess"])
    return Finding(
        stands=differ <= _TOLERANCE,
        margin=abs(math.log10(max(differ, 1e-17) / _TOLERANCE)),
        summary=f"Over {len(rows)} permutations of hidden units outputs and loss differ by at most "
        f"{differ:.2g} of "
        f"themselves. The middle between a net and its copy: loss {top['middle']['middle']:.3f} over "
        f"{top['middle']['first']:.3f}. "
        f"But without hidden layer there are equal losses too, and the middle is {contrast['excess']:.1g} above.",
        evidence={
            "margin_is": f"powers of ten between the largest relative difference and {_TOLERANCE:g}",
            "tolerance": f"{_TOLERANCE:g}, for sums in another order",
            "moved": moved,
            "n_permutations": len(rows),
            "largest_difference_by_layer": _by_layer(rows),
            "highest_middle": top,
            "largest_difference": differ,
            "convex_loss_with_many_minima": contrast,
            "what_it_says_of_convexity": "a convex function may have many minima, but then the points between them are "
            "minima as well; it is the middle that refutes convexity, not the number of minima",
        },
    )


def _by_layer(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the largest relative difference of an output for each layer of each net."""
    largest: dict[str, float] = {}
    for row in rows:
        key = f"{row['net']}, layer {row['layer']}"
        largest[key] = max(largest.get(key, 0.0), row["outputs_differ"])
    return largest


CLAIM: Final = Claim(
    claim_id="permutation-invariance",
    source_key="convexity",
    statement="Permuting hidden units, with all their weights, changes neither the loss nor the function.",
    cited="the second answer and the comment on it: other weights, the same loss, and the same output",
    expected=Answer.HOLDS,
    measure=measure,
)
