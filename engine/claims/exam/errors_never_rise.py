"""errors-never-rise: the number of mistakes never rises."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.exam.steps import flip_table, shares, start_of, stepping
from engine.config import RunConfig
from engine.evaluator import make_evaluator
from engine.limits import Comparison, iter_comparison
from engine.outcomes import GAP, Outcome, flips, outcome
from engine.witnesses import Witness, load_witness

WITNESSES: Final = ("two-samples", "two-for-one", "five-flips")


def measure(
    seed: int = 0,
    data: str = "digits",
    hidden: tuple[int, ...] = (32,),
    learning_rate: float = 0.1,
    n_starts: int = 8,
    n_steps: int = 60,
    n_watched: int = 200,
    n_samples: int | None = None,
    batch_size: int | None = None,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Run from n_starts starts, and look closely at the one whose mistakes climb most.

    From there n_watched steps are taken of which every sample is looked at, and the climb is repeated at
    rate/2, /4, /8 and in the flow. batch_size is for showing that the claim does not speak of mini-batches.
    """
    config = RunConfig(
        data=data, hidden=hidden, learning_rate=learning_rate, n_samples=n_samples, batch_size=batch_size
    )
    starts = [start_of(config.replace(seed=n_starts * seed + k)) for k in range(n_starts)]
    climbs = []
    for number, one in enumerate(starts):
        trainer = one.trainer()
        yield from shares(stepping(trainer, n_steps), 0.3 * number / n_starts, 0.3 * (number + 1) / n_starts)
        climbs.append(climb(trainer.history["n_errors"]))
    start = starts[max(range(n_starts), key=lambda k: climbs[k].rise)]
    watch = _Watch(start, n_watched)
    for done in watch.run():
        yield 0.3 + 0.3 * done, None
    last = climb(watch.trainer.history["n_errors"][: n_steps + 1]).last
    for answer in _comparing(start, learning_rate, max(10, last + 5)):
        yield 0.6 + 0.4 * answer[0], None
    comparison = answer[1]
    assert comparison is not None
    yield 1.0, _finding(start, config.replace(seed=start.seed), watch, comparison, climbs)


class Climb(NamedTuple):
    """The largest rise between two entries of a series, and the two entries."""

    rise: int
    first: int
    last: int


def climb(n_errors: npt.NDArray[Any]) -> Climb:
    """Return the largest climb of a series of counts (n,), the earliest; (0, 0, 0) where it never rises."""
    lowest = np.minimum.accumulate(n_errors)
    last = int(np.argmax(n_errors - lowest))
    first = int(np.flatnonzero(n_errors[: last + 1] == lowest[last])[-1])
    return Climb(int(n_errors[last] - lowest[last]), first, last)


def _comparing(
    start: Witness, learning_rate: float, n_steps: int
) -> Generator[tuple[float, Comparison | None], None, None]:
    options: dict[str, Any] = {"rtol": 1e-7, "atol": 1e-9, "max_evaluations": 20_000}
    yield from iter_comparison(start.net, start.data, start.theta, learning_rate, n_steps, **options)


class _Watch:
    """A run of which every sample is looked at after every step."""

    def __init__(self, start: Witness, n_steps: int) -> None:
        self._start, self._n_steps = start, n_steps
        self.trainer = start.trainer()
        self.starkest = 0
        self.rise = 0
        self.before: Outcome | None = None
        self.after: Outcome | None = None
        self.n_lost = self.n_lost_though_better = self.n_rises = 0

    def run(self) -> Generator[float, None, None]:
        evaluator = make_evaluator(self._start.net, self._start.data)
        before = outcome(self._start.data, evaluator.logits(self._start.theta))
        for number in range(1, self._n_steps + 1):
            if not self.trainer.step(1):
                return
            after = outcome(self._start.data, evaluator.logits(self.trainer.theta))
            self._note(number, before, after)
            before = after
            yield number / self._n_steps

    def _note(self, number: int, before: Outcome, after: Outcome) -> None:
        loss, change = self.trainer.history["loss"], flips(before, after)
        self.n_lost += len(change.lost)
        self.n_lost_though_better += change.lost_though_better
        rise = len(change.lost) - len(change.won)
        if rise <= 0 or loss[-1] >= loss[-2]:
            return
        self.n_rises += 1
        if rise > self.rise:
            self.rise, self.starkest, self.before, self.after = rise, number, before, after


def small_witness(name: str) -> dict[str, Any]:
    """Return what a small witness shows, at its rate, /2, /4 and /8."""
    start, rows = load_witness(name), []
    for number in range(4):
        trainer = start.trainer(start.learning_rate * 0.5**number)
        trainer.step(start.n_steps * 2**number + 8)
        rises = trainer.history.view().error_rises
        first = int(rises[0]) if len(rises) else 0
        errors, loss = trainer.history["n_errors"], trainer.history["loss"]
        rows.append(
            {
                "rate": trainer.learning_rate,
                "step": first or None,
                "n_errors": [int(errors[max(0, first - 1)]), int(errors[first])],
                "loss": [float(loss[max(0, first - 1)]), float(loss[first])],
            }
        )
    return {"witness": name, "n_samples": start.data.n_samples, "rates": rows}


def _finding(
    start: Witness, config: RunConfig, watch: _Watch, comparison: Comparison, climbs: list[Climb]
) -> Finding:
    limits = _limits(comparison)
    persists = bool(watch.n_rises) and all(row["rise"] > 0 for row in limits)
    return Finding(
        stands=False if persists else None,
        margin=float(min(row["rise"] for row in limits)),
        summary=_summary(watch, limits, climbs),
        evidence={
            "margin_is": "by how many mistakes the count climbs, the least of all rates and the flow",
            "tolerance": f"a flip counts when the logits are apart by more than {GAP:g} before and after",
            "settings": config.as_text(),
            "n_steps": watch.trainer.n_steps,
            "n_steps_raising_mistakes": watch.n_rises,
            **_moment(start, watch),
            "n_flips_to_wrong": watch.n_lost,
            "n_of_them_whose_own_loss_fell": watch.n_lost_though_better,
            "climbs": limits,
            "climbs_from_all_starts": [one.rise for one in climbs],
            "small_witnesses": [small_witness(name) for name in WITNESSES],
        },
        assumptions=(
            Assumption("Every step uses all samples.", start.batch_size in (None, start.data.n_samples)),
            Assumption(
                "The rate is small: no step of the run raises the loss.",
                not len(watch.trainer.history.view().loss_rises),
            ),
        ),
        witness=load_witness(WITNESSES[0]) if persists else None,
    )


def _moment(start: Witness, watch: _Watch) -> dict[str, Any]:
    if watch.before is None or watch.after is None:
        return {}
    history, step = watch.trainer.history, watch.starkest
    return {
        "step": step,
        "n_errors": history["n_errors"][step - 1 : step + 1],
        "loss": history["loss"][step - 1 : step + 1],
        "flips": flip_table(start.data, watch.before, watch.after),
    }


def _limits(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the climb at each rate and, as rate 0, in the flow; all looked at at the same times."""
    flow = comparison.flow
    series = [*comparison.n_errors, flow.n_errors]
    found = [climb(counts[counts >= 0]) for counts in series]
    return [
        {
            "rate": float(rate),
            "rise": one.rise,
            "from_time": float(comparison.times[one.first]),
            "to_time": float(comparison.times[one.last]),
        }
        for rate, one in zip((*comparison.rates, 0.0), found, strict=True)
    ]


def _summary(watch: _Watch, limits: list[dict[str, Any]], climbs: list[Climb]) -> str:
    often = f"From {sum(one.rise > 0 for one in climbs)} of {len(climbs)} starts the mistakes rise."
    if not watch.n_rises:
        return f"{often} None is no proof: other starts, or later steps, may have some."
    errors = watch.trainer.history["n_errors"][watch.starkest - 1 : watch.starkest + 1]
    rises = ", ".join(str(row["rise"]) for row in limits)
    return (
        f"{often} Where they rise most, step {watch.starkest} goes from {errors[0]} to {errors[1]} while the loss "
        f"falls. The whole climb at the rate, /2, /4, /8 and in the flow: {rises}. Of {watch.n_lost} flips to "
        f"wrong in {watch.trainer.n_steps} steps, the own loss of {watch.n_lost_though_better} fell."
    )


CLAIM: Final = Claim(
    claim_id="errors-never-rise",
    source_key="exam",
    statement="With all samples in every step and a small rate, the number of mistakes on the training data "
    "never rises.",
    cited="third question; a comment says that gradient descent on the entire training set cannot make the "
    "accuracy worse",
    expected=Answer.VIOLATED,
    condition="with a single training example, if the model has two classes or linear logits; what never rises is "
    "the ceiling N L / ln 2.",
    measure=measure,
)
