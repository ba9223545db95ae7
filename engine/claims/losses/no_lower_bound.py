"""no-lower-bound: a long gradient of the cross-entropy does not keep the quadratic loss's from vanishing."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any, Final

import numpy as np

from engine import checks
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.config import RunConfig
from engine.disparities import DisparityMeter
from engine.mlp import MLP
from engine.trainer import Trainer

_VANISHED: Final = 1e-10  # a gradient of that share of the other is called vanished
_DECADES_A_UNIT: Final = 1.0 / math.log(10.0)  # e^-b loses that many decades for each 1 of b


def measure(
    seed: int = 0, data: str = "digits", r: float = 0.1, largest_bias: float = 32.0, n_steps: int = 60
) -> Generator[tuple[float, Finding | None], None, None]:
    """Raise the output bias of one class up to largest_bias, look at both gradients, and train by either loss."""
    checks.real_number("largest_bias", largest_bias, at_least=0.0)
    config = RunConfig(data=data, learning_rate=1.0, seed=seed)
    trainer = Trainer.from_config(config)
    net, samples, start = trainer.net, trainer.data, trainer.theta
    meter, rows = DisparityMeter(net, samples), []
    biases = np.linspace(0.0, largest_bias, 9)
    for bias in biases:
        rows.append(_lengths(meter, net, start, float(bias)))
        yield len(rows) / 20, None
    runs: list[dict[str, Any]] = []
    for name in ("quadratic", "cross_entropy"):
        run = Trainer(
            MLP(net.layer_sizes, net.activation, name), samples, _raised(net, start, largest_bias), 1.0
        )
        for part in range(4):
            run.step(n_steps // 4)
            yield 0.5 + (len(runs) * 4 + part + 1) / 18, None
        runs.append(_told(name, run))
    yield 1.0, _finding(rows, runs, r, config)


def _raised(net: MLP, theta: Any, bias: float) -> Any:
    """Return theta with bias added to the output of class 0."""
    moved = theta.copy()
    net.layers(moved)[-1][1][0] += bias
    return moved


def _lengths(meter: DisparityMeter, net: MLP, theta: Any, bias: float) -> dict[str, float]:
    now = meter.measure(_raised(net, theta, bias))
    lengths = now.gradient_norm_quadratic, now.gradient_norm_cross_entropy
    return {
        "bias": bias,
        "quadratic": lengths[0],
        "cross_entropy": lengths[1],
        "ratio": lengths[0] / lengths[1],
    }


def _told(name: str, run: Trainer) -> dict[str, Any]:
    history = run.history
    return {
        "loss": name,
        "n_steps": run.n_steps,
        "loss_first": history["loss"][0],
        "loss_last": history["loss"][-1],
        "n_errors_first": history["n_errors"][0],
        "n_errors_last": history["n_errors"][-1],
    }


def _finding(
    rows: list[dict[str, float]], runs: list[dict[str, Any]], r: float, config: RunConfig
) -> Finding:
    last = min(rows, key=lambda row: row["ratio"])
    fall = _fall(rows)
    has_vanished = last["ratio"] < _VANISHED
    goes_on = abs(fall / _DECADES_A_UNIT - 1.0) < 0.05  # so that more bias would bring it below any bound
    quadratic, entropy = runs
    return Finding(
        stands=True if has_vanished and goes_on else None,
        margin=math.log10(_VANISHED / last["ratio"]) if has_vanished else 0.0,
        summary=f"With {last['bias']:g} added to one output's bias the cross-entropy's gradient has length "
        f"{last['cross_entropy']:.3g} and the quadratic loss's {last['quadratic']:.3g}, {fall:.3f} "
        f"powers of ten less for each 1 "
        f"added. {quadratic['n_steps']} steps: mistakes by quadratic {quadratic['n_errors_first']:,} to "
        f"{quadratic['n_errors_last']:,}, by cross-entropy {entropy['n_errors_first']:,} to "
        f"{entropy['n_errors_last']:,}.",
        evidence={
            "margin_is": f"by how many powers of ten the smallest ratio is below {_VANISHED:g}",
            "r": r,
            "lengths": rows,
            "decades_a_unit_of_bias": fall,
            "expected_decades": _DECADES_A_UNIT,
            "training": runs,
            "settings": config.as_text(),
        },
        assumptions=(
            Assumption(
                f"The cross-entropy's gradient is longer than r = {r:g} at each of the starts.",
                all(row["cross_entropy"] > r for row in rows),
            ),
        ),
    )


def _fall(rows: list[dict[str, float]]) -> float:
    """Return by how many powers of ten the ratio falls for each 1 of bias, over the upper half."""
    upper = rows[len(rows) // 2 :]
    if upper[-1]["bias"] == upper[0]["bias"]:
        return 0.0
    fitted = np.polyfit([row["bias"] for row in upper], [math.log10(row["ratio"]) for row in upper], 1)
    return float(-fitted[0])


CLAIM: Final = Claim(
    claim_id="no-lower-bound",
    source_key="losses",
    statement="That the cross-entropy's gradient is longer than r says nothing of how short the "
    "quadratic loss's can be.",
    cited="the answer: nothing of particular value can be assumed of the one gradient from the other",
    expected=Answer.HOLDS,
    measure=measure,
)
