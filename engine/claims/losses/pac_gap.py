"""pac-gap: how far the error on held-out samples may be from the true one, at a given confidence."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.datasets import Dataset, load_dataset
from engine.mlp import MLP
from engine.trainer import Trainer

Bounds = tuple[float, float]
Flags = npt.NDArray[np.bool_]

_N_DRAWS: Final = 2000
_N_PARTS: Final = 50
_N_DEVIATIONS: Final = 4  # chance alone falls so far short once in 30,000 times
_BITS_A_PARAMETER: Final = 64
_JUDGED: Final = ("held_out", "training")


def hoeffding_interval(n_errors: int, n_samples: int, delta: float) -> Bounds:
    """Return k/n ± √(ln(2/δ) / 2n), cut to 0..1 (Hoeffding 1963, theorem 1, both sides)."""
    half = math.sqrt(math.log(2.0 / delta) / (2.0 * n_samples))
    return max(0.0, n_errors / n_samples - half), min(1.0, n_errors / n_samples + half)


def exact_interval(n_errors: int, n_samples: int, delta: float) -> Bounds:
    """Return the binomial interval of Clopper and Pearson (1934), δ/2 to each side."""
    from scipy.stats import beta  # a third of a second to import, and the ledger lists all claims

    n_right = n_samples - n_errors
    low = float(beta.ppf(delta / 2.0, n_errors, n_right + 1)) if n_errors else 0.0
    high = float(beta.ppf(1.0 - delta / 2.0, n_errors + 1, n_right)) if n_right else 1.0
    return low, high


def occam_bound(n_errors: int, n_samples: int, n_bits: int, delta: float) -> float:
    """Return k/n + √((n_bits ln 2 + ln(1/δ)) / 2n): for every one of 2^n_bits networks at once, on training data.

    Hoeffding's inequality and a union over all of them (Blumer, Ehrenfeucht, Haussler and Warmuth 1987). At 1
    or more it says nothing.
    """
    room = (n_bits * math.log(2.0) + math.log(1.0 / delta)) / (2.0 * n_samples)
    return n_errors / n_samples + math.sqrt(room)


def measure(
    seed: int = 0,
    data: str = "digits",
    judged_on: str = "held_out",
    n_judged: int = 200,
    delta: float = 0.05,
    width: float = 1.0,
    n_steps: int = 300,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train on n_judged samples or more, count on all the others, and see how often an interval holds that number.

    The samples that were not trained on are the population: the true error is counted on all of them, and
    sets of n_judged are drawn from them, with replacement. judged_on "training" takes the training
    set for such a draw. width stretches both intervals.
    """
    checks.choice("judged_on", judged_on, _JUDGED)
    checks.real_number("delta", delta, above=0.0)
    checks.real_number("width", width, above=0.0)
    samples, rng = load_dataset(data), np.random.default_rng(seed)
    checks.whole_number("n_judged", n_judged, at_least=10, at_most=samples.n_samples // 2)
    order = rng.permutation(samples.n_samples)
    n_train = n_judged if judged_on == "training" else samples.n_samples // 2
    train, others = samples.subset(np.sort(order[:n_train])), samples.subset(np.sort(order[n_train:]))
    trainer = _trainer(train, seed)
    for part in range(_N_PARTS):
        trainer.step(max(1, n_steps // _N_PARTS))
        yield (part + 1) / (_N_PARTS + 1), None
    wrong = _wrong(trainer.net, trainer.theta, others)
    drawn = rng.choice(wrong, (_N_DRAWS, n_judged)).sum(axis=1)
    observed = (
        int(_wrong(trainer.net, trainer.theta, train).sum()) if judged_on == "training" else int(drawn[0])
    )
    yield 1.0, _finding(trainer, wrong, drawn, observed, judged_on, n_judged, delta, width)


def _trainer(train: Dataset, seed: int) -> Trainer:
    net = MLP((train.n_features, 32, train.n_classes))
    return Trainer(net, train, net.init("glorot_uniform", seed), learning_rate=2.0)


def _wrong(net: MLP, theta: Any, data: Dataset) -> Flags:
    return np.asarray(net.logits(theta, data.x).argmax(axis=1) != data.y)


def _stretched(interval: Bounds, share: float, width: float) -> Bounds:
    return share + width * (interval[0] - share), share + width * (interval[1] - share)


def _coverage(truth: float, n: int, delta: float, width: float) -> dict[str, float]:
    """Return for both intervals the exact chance, over the draw of n samples, that they hold the true error."""
    from scipy.stats import binom  # see above

    chances = binom.pmf(np.arange(n + 1), n, truth)
    return {name: float(chances[flags].sum()) for name, flags in _holding(truth, n, delta, width).items()}


def _holding(truth: float, n: int, delta: float, width: float) -> dict[str, Flags]:
    """Return for both intervals, and for each count of mistakes 0 .. n, whether the true error is in them."""
    found = {}
    for name, make in (("hoeffding", hoeffding_interval), ("exact", exact_interval)):
        ends = np.array([_stretched(make(k, n, delta), k / n, width) for k in range(n + 1)])
        found[name] = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    return found


def _finding(
    trainer: Trainer,
    wrong: Flags,
    drawn: npt.NDArray[np.int64],
    observed: int,
    judged_on: str,
    n_judged: int,
    delta: float,
    width: float,
) -> Finding:
    truth, net = float(wrong.mean()), trainer.net
    intervals = {
        "hoeffding": _stretched(hoeffding_interval(observed, n_judged, delta), observed / n_judged, width),
        "exact": _stretched(exact_interval(observed, n_judged, delta), observed / n_judged, width),
    }
    coverage = _coverage(truth, n_judged, delta, width)
    n_holding = {
        name: int(flags[drawn].sum()) for name, flags in _holding(truth, n_judged, delta, width).items()
    }
    promise = (1.0 - delta) - _N_DEVIATIONS * math.sqrt(delta * (1.0 - delta) / len(drawn))
    is_seen = min(n_holding.values()) >= promise * len(drawn)
    holds_truth = {name: low <= truth <= high for name, (low, high) in intervals.items()}
    n_train, n_train_errors = trainer.data.n_samples, int(trainer.history["n_errors"][-1])
    n_bits = _BITS_A_PARAMETER * net.n_params
    occam = occam_bound(n_train_errors, n_train, n_bits, delta)
    low, high = intervals["exact"]
    says = f"the Occam bound from the training set is {occam:.2f}" + (
        ", which says nothing" if occam >= 1.0 else ""
    )
    return Finding(
        stands=min(coverage.values()) >= 1.0 - delta and is_seen,
        margin=abs(min(coverage.values()) - (1.0 - delta)),
        summary=f"{observed} of {n_judged} judged samples are wrong: true error from {low:.1%} to "
        f"{high:.1%} (exact), within "
        f"{intervals['hoeffding'][0]:.1%} to {intervals['hoeffding'][1]:.1%} (Hoeffding); counted on all "
        f"{len(wrong):,} "
        f"others it is {truth:.1%}. Of {len(drawn):,} draws such intervals held it in {n_holding['exact']:,} and "
        f"{n_holding['hoeffding']:,}; the chance is {coverage['exact']:.2%} and {coverage['hoeffding']:.2%}, "
        f"{1 - delta:.0%} promised; {says}.",
        evidence={
            "margin_is": "chance to hold the true error, of the worse interval, less what is promised",
            "judged_on": judged_on,
            "delta": delta,
            "true_error": truth,
            "n_population": len(wrong),
            "n_judged": n_judged,
            "n_wrong": observed,
            "intervals": intervals,
            "interval_holds_true_error": holds_truth,
            "coverage": coverage,
            "n_draws_that_held_it": n_holding,
            "tolerance": f"of the draws, {_N_DEVIATIONS} standard deviations fewer than promised may hold it",
            "mean_error_of_draws": float(drawn.mean() / n_judged),
            "n_draws": len(drawn),
            "training_error": n_train_errors / n_train,
            "n_training": n_train,
            "occam_bound": occam,
            "occam_is_vacuous": occam >= 1.0,
            "n_bits": n_bits,
            "settings": trainer.config.as_text(),
        },
        assumptions=(
            Assumption(
                "The judged samples are drawn independently and took no part in training.",
                judged_on == "held_out",
            ),
        ),
    )


CLAIM: Final = Claim(
    claim_id="pac-gap",
    source_key="losses",
    statement="With a chance of 1 − δ over the draw of n held-out samples, the true error is within the "
    "interval that "
    "theory gives around the error seen on them.",
    cited="the answer, to part 2: PAC (probably approximately correct) learning derives inequalities of "
    "that kind",
    expected=Answer.HOLDS,
    measure=measure,
)
