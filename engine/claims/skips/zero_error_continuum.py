"""zero-error-continuum: the solutions without a mistake are uncountably many."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.claims.claim import Answer, Claim, Finding
from engine.claims.skips import theorem
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.mlp import MLP
from engine.paths.valley import iter_valley_walk
from engine.rank import features, numerical_rank, wired_layers

FloatArray = npt.NDArray[np.float64]

_N_SCALES: Final = 25
_N_DIRECTIONS: Final = 20


@dataclass(frozen=True, slots=True)
class _Around:
    """What was found around a solution.

    Attributes:
        margin: smallest right logit less the largest wrong one.
        radius: how far the output weights may move in any direction before a sample can turn wrong.
        n_null: dimensions of moves of the output weights that leave all outputs alone.
        null_shift: largest change of a logit on moves as long as the output weights themselves.
        n_wrong: points with a mistake: scaled, along null directions, in the ball.
        n_wrong_outside: mistakes a hundredth beyond the radius in the worst direction.
    """

    margin: float
    radius: float
    n_null: int
    null_shift: float
    n_wrong: tuple[int, int, int]
    n_wrong_outside: int


def measure(
    seed: int = 0,
    data: str = "digits",
    n_samples: int = 100,
    hidden: tuple[int, ...] = (40, 40, 40),
    skip: tuple[int, ...] = (1, 2),
    activation: str = "tanh",
    contradiction: bool = False,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Walk down to a solution; then scale its outputs, move along null directions, and move anywhere a little."""
    config = RunConfig(
        data=data, n_samples=n_samples, hidden=hidden, skip=skip, activation=(activation,), seed=seed
    )
    net, samples = theorem.network_and_data(config, contradiction)
    theta = net.init("glorot_uniform", seed)
    for share, walk in iter_valley_walk(net, samples, theta, target=1e-3, seed=seed):  # noqa: B007
        yield 0.5 * share, None
    theta = walk.at(len(walk.stages))
    yield 0.6, None
    around = None if walk.n_errors[-1] else _look_around(net, samples, theta, np.random.default_rng(seed))
    yield 1.0, _finding(config, net, samples, int(walk.n_errors[-1]), walk.reason, around)


def _look_around(net: MLP, data: Dataset, theta: FloatArray, rng: np.random.Generator) -> _Around:
    psi = features(net, data, theta)
    v, is_v = _output_weights(net, theta), net.trained("output_weights")
    is_last = net.trained("output")
    scaled = 0
    for factor in np.geomspace(1e-3, 1e3, _N_SCALES):
        scaled += net.n_errors(np.where(is_last, factor * theta, theta), data) > 0
    null = _null_space(psi)
    shift, n_null_wrong, n_ball_wrong = 0.0, 0, 0
    margin, radius, worst = _ball(net, data, theta, psi)
    logits = net.logits(theta, data.x)
    for _ in range(_N_DIRECTIONS):
        if null.shape[1]:
            move = null @ rng.standard_normal((null.shape[1], v.shape[1]))
            moved = _with_output_weights(net, theta, v + move * (np.linalg.norm(v) / np.linalg.norm(move)))
            shift = max(shift, float(np.abs(net.logits(moved, data.x) - logits).max()))
            n_null_wrong += net.n_errors(moved, data) > 0
        move = rng.standard_normal(int(is_v.sum()))
        moved = theta.copy()
        moved[is_v] += 0.999 * radius * move / np.linalg.norm(move)
        n_ball_wrong += net.n_errors(moved, data) > 0
    inside, outside = (_with_output_weights(net, theta, v + k * radius * worst) for k in (0.999, 1.01))
    n_ball_wrong += net.n_errors(inside, data) > 0
    return _Around(
        margin,
        radius,
        null.shape[1] * v.shape[1],
        shift,
        (scaled, n_null_wrong, n_ball_wrong),
        net.n_errors(outside, data),
    )


def _null_space(psi: FloatArray) -> FloatArray:
    """Return unit vectors (n_units, n) that the features take to 0, as far as their numbers can tell."""
    rank = numerical_rank(psi).rank
    return np.asarray(np.linalg.svd(psi)[2][rank:].T)


def _ball(net: MLP, data: Dataset, theta: FloatArray, psi: FloatArray) -> tuple[float, float, FloatArray]:
    """Return the margin, the radius, and the unit move of the output weights (n_units, n_outputs) that ends it first.

    Moving V by a matrix of norm r changes the difference of two logits of a sample with features psi by at most
    sqrt(2) norm(psi) r.
    """
    rows, logits = np.arange(data.n_samples), net.logits(theta, data.x)
    gaps = logits[rows, data.y][:, None] - logits
    gaps[rows, data.y] = np.inf
    reach = gaps / (math.sqrt(2.0) * np.linalg.norm(psi, axis=1)[:, None])
    sample, wrong = np.unravel_index(int(np.argmin(reach)), reach.shape)
    worst = np.zeros((psi.shape[1], net.n_outputs))
    worst[:, wrong], worst[:, data.y[sample]] = psi[sample], -psi[sample]
    return float(gaps.min()), float(reach.min()), worst / np.linalg.norm(worst)


def _output_weights(net: MLP, theta: FloatArray) -> FloatArray:
    """Return the weights to the output (n_units, n_outputs), in the order of `features`."""
    skips = dict(zip(net.skip, net.skip_weights(theta), strict=True))
    skips.setdefault(net.n_hidden, net.layers(theta)[-1][0])
    return np.concatenate([skips[layer] for layer in wired_layers(net)])


def _with_output_weights(net: MLP, theta: FloatArray, v: FloatArray) -> FloatArray:
    """Return theta with other weights to the output, (n_units, n_outputs)."""
    moved, row = theta.copy(), 0
    skips = dict(zip(net.skip, net.skip_weights(moved), strict=True))
    skips.setdefault(net.n_hidden, net.layers(moved)[-1][0])
    for layer in wired_layers(net):
        skips[layer][...] = v[row : row + len(skips[layer])]
        row += len(skips[layer])
    return moved


def _finding(
    config: RunConfig, net: MLP, data: Dataset, n_errors: int, reason: str, around: _Around | None
) -> Finding:
    evidence = {
        "margin_is": "radius of the ball of output weights without a mistake; 0 where no solution was found",
        "settings": config.as_text(),
        "n_errors": n_errors,
        "reason": reason,
    }
    assumptions = theorem.assumptions(net, data)
    if around is None:
        words = f"No solution was found: the walk ended with {n_errors} mistakes. {reason}"
        return Finding(None, 0.0, words, evidence, assumptions)
    n_wrong = sum(around.n_wrong)
    return Finding(
        stands=n_wrong == 0 and around.radius > 0.0,
        margin=around.radius,
        summary=f"A solution with the margin {around.margin:.3g} in the logits. Without a mistake are: its outputs "
        f"scaled by any number from 0.001 to 1,000; moves in {around.n_null:,} dimensions that leave every output "
        f"alone (largest change seen {around.null_shift:.1e}); every point within {around.radius:.2g} of its output "
        f"weights. {n_wrong} of {_N_SCALES + 2 * _N_DIRECTIONS + 1} points tried have a mistake; just beyond the ball "
        f"{around.n_wrong_outside}.",
        evidence=evidence
        | {
            "smallest_margin_of_a_sample": around.margin,
            "radius": around.radius,
            "n_null_dimensions": around.n_null,
            "largest_change_along_them": around.null_shift,
            "points_with_a_mistake": around.n_wrong,
            "mistakes_beyond_the_ball": around.n_wrong_outside,
        },
        assumptions=assumptions,
    )


CLAIM: Final = Claim(
    claim_id="zero-error-continuum",
    source_key="skips",
    statement="With enough skip connections there are uncountably many solutions without a mistake.",
    cited="Theorem 3.4",
    expected=Answer.HOLDS,
    measure=measure,
)
