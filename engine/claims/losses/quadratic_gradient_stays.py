"""quadratic-gradient-stays: is there a start from which the quadratic loss's gradient stays away from 0?"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any, Final

import numpy as np

from engine import checks
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.disparities import per_example
from engine.mlp import MLP
from engine.trainer import Trainer

_INITS: Final = ("glorot_uniform", "he_normal", "orthogonal", "normal", "saturated", "dead")
_ROUNDING: Final = 1e-12
_N_HALVINGS: Final = 3
_N_PARTS: Final = 20
_BIAS: Final = 30.0


def measure(
    seed: int = 0,
    r: float = 0.002,
    per_example: bool = False,
    learning_rate: float = 1.0,
    n_samples: int = 100,
    n_steps: int = 3000,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train by the quadratic loss from several starts until its gradient is below r.

    per_example judges, instead of the total, the longer of the gradients of two examples with the same input
    and different labels.
    """
    checks.real_number("r", r, above=0.0)
    config = RunConfig(
        n_samples=n_samples, hidden=(16,), loss="quadratic", learning_rate=learning_rate, seed=seed
    )
    data = _conflicting(Trainer.from_config(config).data)
    rates = [learning_rate] * len(_INITS) + [learning_rate / 2**k for k in range(1, _N_HALVINGS + 1)]
    total, done, rows = sum(learning_rate / rate for rate in rates), 0.0, []
    for init, rate in zip((*_INITS, *_INITS[:1] * _N_HALVINGS), rates, strict=True):
        trainer, pair = _trainer(config, data, init, rate), []
        n_part = max(1, round(n_steps * learning_rate / rate) // _N_PARTS)
        for part in range(_N_PARTS):
            pair.append(_pair_length(trainer))
            trainer.step(n_part)
            yield (done + (part + 1) / _N_PARTS * learning_rate / rate) / (total * 1.01), None
        done += learning_rate / rate
        rows.append(_row(init, trainer, [*pair, _pair_length(trainer)], r))
    yield 1.0, _finding(rows, r, per_example, config)


def _conflicting(data: Dataset) -> Dataset:
    """Return data with its first example once more at the end, under the next label."""
    rows = np.append(np.arange(data.n_samples), 0)
    y = data.y[rows]
    y[-1] = (y[0] + 1) % data.n_classes
    return Dataset(data.x[rows], y, f"{data.name}, one with two labels", data.n_classes, data.image_shape)


def _trainer(config: RunConfig, data: Dataset, init: str, rate: float) -> Trainer:
    activation = "relu" if init == "dead" else "logistic"
    net = MLP((data.n_features, *config.hidden, data.n_classes), activation, "quadratic")
    theta = net.init(init if init not in ("saturated", "dead") else "glorot_uniform", config.seed)
    if init == "saturated":
        net.layers(theta)[-1][1][0] = _BIAS
    if init == "dead":
        net.layers(theta)[0][1][...] = -20.0
    return Trainer(net, data, theta, rate)


def _pair_length(trainer: Trainer) -> float:
    """Return the longer of the gradients by theta of the two examples with one input."""
    pair = trainer.data.subset(np.array([0, trainer.data.n_samples - 1]))
    return float(per_example(trainer.net, pair, trainer.theta).weights_quadratic.max())


def _row(init: str, trainer: Trainer, pair: list[float], r: float) -> dict[str, Any]:
    loss, norm, rate = trainer.history["loss"], trainer.history["gradient_norm"], trainer.learning_rate
    below = np.flatnonzero(norm < r)
    falls = loss[:-1] - loss[1:] >= 0.5 * rate * norm[:-1] ** 2 - _ROUNDING * loss[:-1]
    return {
        "start": init,
        "learning_rate": rate,
        "n_steps": trainer.n_steps,
        "loss_first": loss[0],
        "loss_last": loss[-1],
        "gradient_first": norm[0],
        "gradient_least": norm.min(),
        "first_step_below_r": int(below[0]) if len(below) else None,
        "latest_step_below_r": math.ceil(2.0 * loss[0] / (rate * r * r)),
        "always_falls_enough": bool(falls.all()),
        "pair_least": min(pair),
    }


def _finding(rows: list[dict[str, Any]], r: float, judges_pair: bool, config: RunConfig) -> Finding:
    usual = [row for row in rows if row["start"] not in ("saturated", "dead")]
    judged = usual if judges_pair else rows
    least = [row["pair_least" if judges_pair else "gradient_least"] for row in judged]
    # a start whose gradient has been long so far may be the one that is looked for: nobody knows yet
    stands = min(least) > r if judges_pair else (False if max(least) < r else None)
    stuck = {row["start"]: row for row in rows}
    return Finding(
        stands=stands,
        margin=abs(math.log10((min(least) if judges_pair else max(least)) / r)),
        summary=f"From {len(rows)} starts the gradient's least length is "
        f"{max(row['gradient_least'] for row in rows):.2g} "
        f"or less (r = {r:g}); of two examples with one input and two labels, one keeps at least "
        f"{min(row['pair_least'] for row in usual):.2g} from usual starts. Gone at once with the loss at "
        f"{stuck['saturated']['loss_last']:.2f}: {stuck['saturated']['gradient_first']:.1g}, a saturated "
        f"softmax.",
        evidence={
            "margin_is": "powers of ten between r and the judged length",
            "judged": "two examples with one input and different labels"
            if judges_pair
            else "the gradient of the mean loss",
            "r": r,
            "starts": rows,
            "why": "as long as each step lowers the loss by at least half of rate × gradient², the squares of all the "
            "gradients sum to at most 2 L / rate, so one of n is at most √(2 L / (rate n)): from any start",
            "settings": config.as_text(),
        },
        assumptions=(
            Assumption(
                "Each step lowers the loss by at least half of the rate times the squared gradient.",
                all(row["always_falls_enough"] for row in rows),
            ),
        ),
    )


CLAIM: Final = Claim(
    claim_id="quadratic-gradient-stays",
    source_key="losses",
    statement="There is a kind of start from which the gradient of the quadratic loss does not go to 0 "
    "in training.",
    cited="the question, part 2: are there hypotheses, such as a specific random start, under which it does not?",
    expected=Answer.VIOLATED,
    measure=measure,
    condition="for single examples: of two with the same input and different labels one keeps a gradient.",
)
