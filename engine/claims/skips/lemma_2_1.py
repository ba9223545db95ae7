"""lemma-2-1: a mean cross-entropy below ln 2 / N leaves no mistake."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.skips.training import steps
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.mlp import MLP
from engine.trainer import Trainer
from engine.witnesses import Witness

_MARGIN: Final = 40.0  # exp(-40) is below the rounding of 1: such a sample costs nothing that can be seen
_DISTANCES: Final = (1e-1, 1e-3, 1e-6, 1e-9)


@dataclass(frozen=True, slots=True, eq=False)
class _Edge:
    """N samples, all sure but one, whose right class has the probability 1/2 + off."""

    off: float
    net: MLP
    data: Dataset
    theta: np.ndarray
    loss: float
    n_errors: int


def measure(
    seed: int = 0,
    data: str = "digits",
    n_samples: int = 100,
    n_steps: int = 1500,
    loss: str = "cross_entropy",
    factor: float = 1.0,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train below the bound, and build points right beside it; factor replaces ln 2 / N by a multiple."""
    config = RunConfig(
        data=data, n_samples=n_samples, activation=("tanh",), learning_rate=1.0, loss=loss, seed=seed
    )
    trainer = Trainer.from_config(config)
    for share in steps(trainer, n_steps, 100):
        yield 0.9 * share, None
    edges = [_edge(n_samples, off, loss) for size in _DISTANCES for off in (-size, size)]
    yield 1.0, _finding(trainer, edges, factor * math.log(2.0) / n_samples)


def _edge(n_samples: int, off: float, loss: str) -> _Edge:
    data = Dataset(np.eye(n_samples), np.arange(n_samples) % 2, "edge", 2)
    net = MLP((n_samples, 2), loss=loss)
    theta = np.zeros(net.n_params)
    weights = net.layers(theta)[0][0]
    weights[np.arange(n_samples), data.y] = _MARGIN
    weights[-1, data.y[-1]] = math.log((0.5 + off) / (0.5 - off))
    return _Edge(off, net, data, theta, net.loss(theta, data), net.n_errors(theta, data))


def _finding(trainer: Trainer, edges: Sequence[_Edge], bound: float) -> Finding:
    losses = np.array([*trainer.history["loss"], *(edge.loss for edge in edges)])
    n_errors = np.array([*trainer.history["n_errors"], *(edge.n_errors for edge in edges)])
    n_samples = trainer.data.n_samples
    counters = (losses < bound) & (n_errors > 0)
    nearest = float(losses[n_errors > 0].min()) - bound
    n_below = int((losses < bound).sum())
    return Finding(
        stands=None if not n_below else not counters.any(),
        margin=abs(nearest) * n_samples,
        summary=f"{n_below:,} of {len(losses):,} points measured lie below {bound:.3g} nats, {int(counters.sum()):,} "
        f"of them with a mistake; the lowest loss with a mistake is {nearest * n_samples:+.2g} nats / N beside "
        f"the bound. {_first_right(trainer, bound)}",
        evidence={
            "margin_is": "N times the distance from the bound to the lowest loss with a mistake, in nats",
            "settings": trainer.config.as_text(),
            "n_steps": trainer.n_steps,
            "bound": bound,
            "edges": [
                {"probability_of_the_right_class": 0.5 + one.off, "loss": one.loss, "n_errors": one.n_errors}
                for one in edges
            ],
            **_necessity(trainer),
        },
        assumptions=(
            Assumption(
                "The loss is the cross-entropy in nats, the mean over the samples.",
                trainer.net.loss_name == "cross_entropy",
            ),
        ),
        witness=_witness(edges, bound),
    )


def _necessity(trainer: Trainer) -> dict[str, float | int | None]:
    """Return the first step of the training without a mistake, and the loss there."""
    right = np.flatnonzero(trainer.history["n_errors"] == 0)
    if not len(right):
        return {"first_step_without_mistakes": None, "loss_there": None}
    return {
        "first_step_without_mistakes": int(right[0]),
        "loss_there": float(trainer.history["loss"][right[0]]),
    }


def _first_right(trainer: Trainer, bound: float) -> str:
    found = _necessity(trainer)
    step, loss = found["first_step_without_mistakes"], found["loss_there"]
    if step is None or loss is None:
        return "The training never got without mistakes."
    return f"The training was without mistakes from step {step:,}, at {loss / bound:.0f} times the bound."


def _witness(edges: Sequence[_Edge], bound: float) -> Witness | None:
    for edge in edges:
        if edge.n_errors and edge.loss < bound:
            text = f"The loss {edge.loss:.6g} is below {bound:.6g}, and one sample is wrong."
            return Witness("lemma-edge", text, edge.net, edge.data, edge.theta, 0.5, 1)
    return None


CLAIM: Final = Claim(
    claim_id="lemma-2-1",
    source_key="skips",
    statement="If the mean cross-entropy of N samples is below ln 2 / N, no sample is wrong. (The bound cannot be "
    "raised, and a loss above it says nothing.)",
    cited="Lemma 2.1",
    expected=Answer.HOLDS,
    measure=measure,
)
