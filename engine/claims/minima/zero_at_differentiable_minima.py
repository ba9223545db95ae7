"""zero-at-differentiable-minima: with enough hidden weights, no differentiable local minimum has an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.activity import activity_on
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.minima.passing import passing
from engine.datasets.dataset import Dataset
from engine.endpoints import LEAST_DROP, Cooled, EndKind, EndPoint, classify, iter_cooled
from engine.mlp import MLP
from engine.rank import NumericalRank, numerical_rank

FloatArray = npt.NDArray[np.float64]

_TRAIN: Final = "weights"  # the theorem's network has no biases; one can be had by an input that is always 1
_RATE: Final = 0.1
_ZERO: Final = 1e-8
_ENOUGH: Final = 1e-14  # a run that is down there may stop
_BALANCE: Final = 1e-3
_MARGIN_IS: Final = (
    "the least that any end above zero error is from counting as a differentiable minimum: its gradient, in mean "
    f"lengths of a sample's own gradient, less {_BALANCE:g}; where that is below 0, what Newton's step promises, as a "
    f"share of the loss, less {LEAST_DROP:g}; if violated, the largest loss of an end that should not be"
)
OF: Final = ("differentiable minima", "all end points")


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """Where one run ended: width, number of the start, the point, rank of (A o X), lengths of (A o X) e and e."""

    width: int
    start: int
    point: EndPoint
    rank: NumericalRank
    certificate: float
    error_norm: float

    @property
    def room(self) -> float:
        """How far the point is from counting as a differentiable minimum, by the condition that it fails."""
        point = self.point
        if point.lowest_curvature is None or point.promised_drop is None:
            return point.gradient_norm / point.sample_norm - _BALANCE
        if point.kind is EndKind.SADDLE:
            return -point.lowest_curvature - point.curvature_tolerance
        return point.promised_drop / point.loss - LEAST_DROP


def measure(
    seed: int = 0,
    widths: Sequence[int] = (4, 5, 8, 12),
    n_starts: int = 3,
    n_samples: int = 16,
    n_features: int = 4,
    noise: float = 0.5,
    duplicated: bool = False,
    activation: str = "leaky_relu",
    n_steps: int = 60_000,
    of: str = OF[0],
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train networks of several widths to random signs and tell what sort of point each has come to.

    of: whether minima without a gradient are left out ("differentiable minima"), as the statement says.
    """
    ends: list[End] = []
    n_runs = len(widths) * n_starts
    for width in widths:
        for start in range(n_starts):
            number = 1000 * seed + start
            data = random_signs(n_samples, n_features, number, duplicated).with_noise(noise, number)
            net = MLP((n_features, width, 1), activation, "squared")
            theta = net.init("he_normal", seed=number)
            n = len(ends)
            steps = iter_cooled(net, data, theta, _RATE, n_steps, _TRAIN, _ENOUGH)
            run = yield from passing(steps, n / n_runs, (n + 1) / n_runs)
            ends.append(_end(net, data, run, width, start))
    yield 1.0, _finding(ends, noise, n_samples, n_features, activation, of, n_steps)


def random_signs(n_samples: int, n_features: int, seed: int, duplicated: bool = False) -> Dataset:
    """Return normal inputs with random signs as targets; duplicated: every input occurs twice."""
    random = np.random.default_rng([seed, n_samples, n_features])
    x = random.standard_normal((n_samples, n_features))
    signs = random.choice((-1.0, 1.0), n_samples)
    if duplicated:
        x[1::2] = x[: n_samples // 2 * 2 : 2]
    return Dataset(x, (signs > 0).astype(np.int64), "random signs", targets=signs)


def khatri_rao(net: MLP, data: Dataset, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return A o X (n_features * width, n_samples), and the errors e = f - t (n_samples,).

    A holds the slopes of the units times their noise; column n is the Kronecker product of A's and X's. The
    gradient by the hidden weights is that of (A o X) e, times the output weights, over n_samples.
    """
    inside = activity_on(net, theta, data, slice(None))
    slopes, errors = inside.slopes[0], inside.outputs[:, 0] - data.targets
    return np.einsum("nf,nw->fwn", data.x, slopes).reshape(-1, data.n_samples), errors


def _end(net: MLP, data: Dataset, run: Cooled, width: int, start: int) -> End:
    matrix, errors = khatri_rao(net, data, run.theta)
    return End(
        width=width,
        start=start,
        point=classify(net, data, run.theta, run.learning_rate, _TRAIN, _ZERO, _BALANCE),
        rank=numerical_rank(matrix),
        certificate=float(np.linalg.norm(matrix @ errors)),
        error_norm=float(np.linalg.norm(errors)),
    )


def _finding(
    ends: list[End], noise: float, n_samples: int, n_features: int, activation: str, of: str, n_steps: int
) -> Finding:
    counts = Counter(end.point.kind for end in ends)
    above = [end for end in ends if end.point.kind is not EndKind.ZERO]
    shown_wrong = [end for end in above if _counts_against(end, of)]
    n_judged = len(shown_wrong) + counts[EndKind.ZERO]  # of other ends the statement says nothing
    return Finding(
        stands=None if not n_judged else not shown_wrong,
        margin=_margin(shown_wrong, above),
        summary=_summary(ends, counts, n_samples, n_features),
        evidence={
            "margin_is": _MARGIN_IS,
            "n_samples": n_samples,
            "n_features": n_features,
            "noise": noise,
            "activation": activation,
            "train": _TRAIN,
            "n_steps": n_steps,
            "first_learning_rate": _RATE,
            "zero_loss": _ZERO,
            "balance": _BALANCE,
            "judged": of,
            "ends": [_row(end, n_samples, n_features) for end in ends],
            "n_ends": {kind.value: counts[kind] for kind in EndKind},
        },
        assumptions=_assumptions(ends, noise, n_samples, n_features, activation),
    )


def _counts_against(end: End, of: str) -> bool:
    kinds = (EndKind.MINIMUM,) if of == OF[0] else (EndKind.MINIMUM, EndKind.KINK)
    return end.point.kind in kinds


def _margin(shown_wrong: list[End], above: list[End]) -> float:
    if shown_wrong:
        return max(end.point.loss for end in shown_wrong)
    return max(0.0, min((end.room for end in above), default=1.0))


def _summary(ends: list[End], counts: Counter[EndKind], n_samples: int, n_features: int) -> str:
    shares = ", ".join(
        f"{n_features * width / n_samples:.4g} N: {_words([end for end in ends if end.width == width])}"
        for width in sorted({end.width for end in ends})
    )
    n_minima = counts[EndKind.MINIMUM]
    return (
        f"Of {len(ends)} runs with N = {n_samples} samples, {n_minima} ended at a differentiable minimum with an "
        f"error. By the number of hidden weights: {shares}."
    )


def _words(ends: list[End]) -> str:
    counts = Counter(end.point.kind.value for end in ends)
    return " and ".join(f"{n} {kind}" for kind, n in counts.most_common())


def _row(end: End, n_samples: int, n_features: int) -> dict[str, Any]:
    point = end.point
    return {
        "weights_per_sample": n_features * end.width / n_samples,
        "width": end.width,
        "start": end.start,
        "kind": point.kind.value,
        "loss": point.loss,
        "gradient_norm": point.gradient_norm,
        "clarke_residual": point.residual,
        "sample_norm": point.sample_norm,
        "n_kinks": point.n_kinks,
        "kink_tolerance": point.kink_tolerance,
        "lowest_curvature": point.lowest_curvature,
        "rank": end.rank.rank,
        "smallest_singular_value": end.rank.smallest,
        "certificate": end.certificate,
        "error_norm": end.error_norm,
        "largest_error_norm_with_that_certificate": _most(end),
    }


def _most(end: End) -> float | None:
    """Return |(A o X) e| over the smallest singular value, which |e| cannot exceed; None without full rank."""
    return end.certificate / end.rank.smallest if end.rank.is_full else None


def _assumptions(
    ends: list[End], noise: float, n_samples: int, n_features: int, activation: str
) -> tuple[Assumption, ...]:
    fewest = n_features * min(end.width for end in ends)
    return (
        Assumption(
            f"At least as many hidden weights as samples ({n_samples}), counted without biases; the fewest were "
            f"{fewest}.",
            fewest >= n_samples,
        ),
        Assumption(
            "Fixed noise multiplies the hidden units, different for each sample and unit.", noise > 0.0
        ),
        Assumption(
            f"The hidden units are leaky rectified, with a slope above 0 on either side; here they are {activation}.",
            activation == "leaky_relu",
        ),
    )


CLAIM: Final = Claim(
    claim_id="zero-at-differentiable-minima",
    source_key="minima",
    statement="With one hidden layer of leaky rectified units, squared loss, one output, fixed noise on the hidden "
    "units and at least as many hidden weights as samples, the training error is 0 at every local minimum "
    "where the loss has a gradient.",
    cited="the theorem for one hidden layer of Soudry and Carmon",
    expected=Answer.HOLDS,
    measure=measure,
    condition="Where the loss has a gradient: at kinks, where it has none, gradient descent comes to rest with "
    "errors as long as there are only about as many hidden weights as samples.",
)
