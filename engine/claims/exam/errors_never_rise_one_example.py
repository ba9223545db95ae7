"""errors-never-rise-one-example: with one training example it cannot happen."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import numpy as np

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.datasets.dataset import Dataset
from engine.evaluator import make_evaluator
from engine.flow import gradient_flow
from engine.mlp import MLP
from engine.outcomes import GAP
from engine.witnesses import Witness, load_witness

WITNESS: Final = "one-example"

_NUDGE: Final = 1e-3  # other seeds start this share away from the witness
_USUAL_RATE: Final = 0.05
_USUAL_STEPS: Final = 100
_A_YIELD: Final = 20


def measure(
    seed: int = 0,
    n_classes: int = 3,
    has_hidden: bool = True,
    learning_rate: float = 0.001,
    n_steps: int = 200,
    n_starts: int = 200,
    n_samples: int = 1,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Run the witness at rate, /2, /4, /8 and in the flow; then many usual starts.

    Fewer classes cut the witness's outputs short, has_hidden=False joins its outputs straight to x, and
    n_samples=2 repeats its sample with the next label: what the claim does not speak of.
    """
    start = _start(seed, n_classes, has_hidden, n_samples)
    rows: list[dict[str, Any]] = []
    for number in range(4):
        for row in _watch(start, learning_rate * 0.5**number, n_steps * 2**number):
            yield 0.1 * number, None
            rows += [] if row is None else [row]
    times = np.linspace(0.0, learning_rate * n_steps, 101)
    flow = gradient_flow(start.net, start.data, start.theta, times)
    n_rises = 0
    for done in range(0, n_starts, _A_YIELD):
        n_rises += sum(_usual_rises(seed, k) for k in range(done, min(done + _A_YIELD, n_starts)))
        yield 0.4 + 0.6 * done / n_starts, None
    yield 1.0, _finding(start, rows, flow, (n_starts, n_rises))


def _start(seed: int, n_classes: int, has_hidden: bool, n_samples: int) -> Witness:
    given = load_witness(WITNESS)
    labels = np.arange(n_samples) % n_classes
    data = Dataset(np.repeat(given.data.x, n_samples, axis=0), labels, "one example", n_classes)
    net = MLP((1, 1, n_classes) if has_hidden else (1, n_classes), given.net.activation[0])
    theta = np.zeros(net.n_params)
    for mine, other in zip(net.layers(theta)[::-1], given.net.layers(given.theta)[::-1], strict=False):
        for view, values in zip(mine, other, strict=True):
            view[...] = values[..., : view.shape[-1]]
    if seed:
        theta *= 1.0 + _NUDGE * np.random.default_rng(seed).standard_normal(len(theta))
    return Witness("one-example", given.text, net, data, theta, given.learning_rate, given.n_steps)


def _watch(start: Witness, rate: float, n_steps: int) -> Generator[dict[str, Any] | None, None, None]:
    """Yield None often, and at the end what happened to the example at this rate."""
    trainer, evaluator = start.trainer(rate), make_evaluator(start.net, start.data)
    logits = np.empty((n_steps + 1, start.net.n_outputs))
    logits[0] = evaluator.logits(start.theta)[0]
    for number in range(1, n_steps + 1):
        trainer.step(1)
        logits[number] = evaluator.logits(trainer.theta)[0]
        if number % 100 == 0:
            yield None
    yield _row(logits, trainer.history["loss"], rate)


def _row(logits: Any, loss: Any, rate: float) -> dict[str, Any]:
    label = 0
    gaps = logits[:, [label]] - np.delete(logits, label, axis=1)
    least = gaps.min(axis=1)
    was_right = np.maximum.accumulate(least > GAP)
    wrong = np.flatnonzero(was_right & (least < -GAP))
    first = int(wrong[0]) if len(wrong) else None
    after = np.arange(len(least)) > (wrong[-1] if len(wrong) else len(least))
    right_again = np.flatnonzero(after & (least > GAP))
    return {
        "rate": rate,
        "n_steps": len(loss) - 1,
        "first_rise": first,
        "right_again": int(right_again[0]) if len(right_again) else None,
        "deepest_gap": float(least[wrong].min()) if len(wrong) else None,
        "p_true_always_rose": bool((np.diff(loss) < 0).all()),
        "p_true": float(np.exp(-loss[0 if first is None else first])),
        "all_gaps_always_grew": bool((np.diff(gaps, axis=0) > 0).all()),
    }


def _usual_rises(seed: int, number: int) -> bool:
    """Return whether one of the usual starts made the example wrong after it was right."""
    rng = np.random.default_rng([seed, number])
    n_features, width, n_classes = (int(n) for n in rng.integers((1, 1, 3), (9, 9, 11)))
    data = Dataset(rng.standard_normal((1, n_features)), [0], n_classes=n_classes)
    name = ("glorot_uniform", "glorot_normal", "he_normal")[number % 3]
    net = MLP((n_features, width, n_classes), ("logistic", "tanh", "relu")[number // 3 % 3])
    trainer = Witness("usual", "", net, data, net.init(name, number), _USUAL_RATE, _USUAL_STEPS).trainer()
    trainer.step(_USUAL_STEPS)
    return len(trainer.history.view().error_rises) > 0


def _stands(rows: list[dict[str, Any]]) -> bool | None:
    """Judge: it happened at every rate; or every gap grew on every step; else it is open."""
    if all(row["first_rise"] is not None for row in rows):
        return False
    return True if all(row["all_gaps_always_grew"] for row in rows) else None


def _finding(start: Witness, rows: list[dict[str, Any]], flow: Any, usual: tuple[int, int]) -> Finding:
    stands = _stands(rows)
    deepest = rows[-1]["deepest_gap"]
    rises = np.flatnonzero(np.diff(flow.n_errors[: flow.n_known]) > 0)
    return Finding(
        stands=stands,
        margin=abs(deepest or 0.0),
        summary=_summary(rows, stands, usual),
        evidence={
            "margin_is": "by how much the label's logit falls behind another at the smallest rate, after being ahead",
            "tolerance": f"right and wrong count when logits are apart by more than {GAP:g}",
            "settings": start.config().as_text(),
            "theta": start.theta,
            "rates": rows,
            "time_of_first_rise": [row["first_rise"] and row["first_rise"] * row["rate"] for row in rows],
            "time_of_first_rise_in_flow": float(flow.times[rises[0] + 1]) if len(rises) else None,
            "n_usual_starts": usual[0],
            "n_usual_starts_with_a_rise": usual[1],
        },
        assumptions=(
            Assumption("There is one training example.", start.data.n_samples == 1),
            Assumption(
                "The rate is small: the example's probability rises on every step.",
                all(row["p_true_always_rose"] for row in rows),
            ),
        ),
        witness=start if stands is False else None,
    )


def _summary(rows: list[dict[str, Any]], stands: bool | None, usual: tuple[int, int]) -> str:
    often = f"From {usual[0]} usual starts it came {usual[1]} times."
    if stands:
        return f"The label's logit gained on every other one on every step, at all {len(rows)} rates. {often}"
    if stands is None:
        return f"No rise at all {len(rows)} rates, yet some logit gained on the label's: it may come. {often}"
    last = rows[-1]
    again = "not yet right again" if last["right_again"] is None else f"right again at {last['right_again']}"
    return (
        f"Right at the start, wrong at step {last['first_rise']} of the rate {last['rate']:g}, {again}, while the "
        f"label's probability rises on every step; so at all {len(rows)} rates. {often}"
    )


CLAIM: Final = Claim(
    claim_id="errors-never-rise-one-example",
    source_key="exam",
    statement="With a single training example and a small rate, what is right once stays right.",
    cited="a comment to the third question: the argument possibly holds when there is one training example",
    expected=Answer.VIOLATED,
    condition="for two classes, and for linear logits (no hidden layer): there the label's logit gains on every "
    "other one on every step. From usual starts it was never seen.",
    measure=measure,
)
