"""random-features: training the hidden weights too generalises better than training the output alone."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.optimize

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.skips.pairs import Interval, paired
from engine.claims.skips.training import steps
from engine.config import RunConfig
from engine.datasets import Dataset, load_dataset
from engine.mlp import MLP
from engine.rank import features
from engine.trainer import Trainer

FloatArray = npt.NDArray[np.float64]

_MOST_TEST_SAMPLES: Final = 2_000
_FITTED: Final = 0.02  # of the training samples may be wrong where one says that both have learned them
_MOST_OUTPUT_STEPS: Final = 200


@dataclass(frozen=True, slots=True)
class _Result:
    """Errors of one network: on its training samples, as a count, and on others, in per cent."""

    train_loss: float
    n_train_errors: int
    test_percent: float


def measure(
    seed: int = 0,
    data: str = "digits",
    n_samples: int = 300,
    widths: Sequence[int] = (64, 128, 256),
    activation: str = "tanh",
    learning_rate: float = 0.5,
    n_steps: int = 200,
    n_seeds: int = 5,
    shuffled: bool = False,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train everything, and the output alone, from the same starts on the same samples; test both on others.

    shuffled gives every sample a label drawn from the others'.
    """
    config = RunConfig(
        data=data, n_samples=n_samples, activation=(activation,), learning_rate=learning_rate, seed=seed
    )
    everything, n_all = load_dataset(data), len(widths) * n_seeds
    found: dict[int, list[tuple[_Result, _Result]]] = {width: [] for width in widths}
    for number in range(n_all):
        width, k = widths[number // n_seeds], seed * n_seeds + number % n_seeds
        train, test = _split(everything, n_samples, k, shuffled)
        net = MLP.from_config(config.replace(hidden=(width,)), train)
        trainer = Trainer(net, train, net.init(config.init, k), learning_rate)
        start = trainer.theta
        for share in steps(trainer, n_steps, 50):
            yield (number + 0.8 * share) / n_all * 0.999, None
        alone = output_trained(net, train, start)
        found[width].append((_result(net, trainer.theta, train, test), _result(net, alone, train, test)))
    yield 1.0, _finding(config, found, n_steps, shuffled)


def _split(data: Dataset, n_train: int, seed: int, shuffled: bool) -> tuple[Dataset, Dataset]:
    rng = np.random.default_rng(seed)
    order = rng.permutation(data.n_samples)[: n_train + _MOST_TEST_SAMPLES]
    if shuffled:
        data = Dataset(data.x, rng.permutation(data.y), data.name, data.n_classes)
    return data.subset(order[:n_train]), data.subset(order[n_train:])


def output_trained(net: MLP, data: Dataset, theta: FloatArray) -> FloatArray:
    """Return theta (n_params,) with the output trained to the end: a convex problem, solved by L-BFGS."""
    head = MLP((net.layer_sizes[-2], net.n_outputs))
    evaluator = head.evaluator(Dataset(features(net, data, theta), data.y, n_classes=net.n_outputs))
    gradient, moved, is_output = np.empty(head.n_params), theta.copy(), net.trained("output")

    def loss(output: FloatArray) -> tuple[float, FloatArray]:
        return evaluator.evaluate(np.ascontiguousarray(output), gradient).loss, gradient.copy()

    options = {"maxiter": _MOST_OUTPUT_STEPS, "gtol": 1e-5}
    found = scipy.optimize.minimize(loss, theta[is_output], jac=True, method="L-BFGS-B", options=options)
    moved[is_output] = found.x
    return moved


def _result(net: MLP, theta: FloatArray, train: Dataset, test: Dataset) -> _Result:
    loss, n_errors = net.evaluator(train).loss_and_errors(theta)
    return _Result(loss, n_errors, 100.0 * net.n_errors(theta, test) / test.n_samples)


def _finding(
    config: RunConfig, found: dict[int, list[tuple[_Result, _Result]]], n_steps: int, shuffled: bool
) -> Finding:
    gains = {width: paired(_gained(results)) for width, results in found.items()}
    by_seed = np.array([_gained(results) for results in found.values()])
    overall, n_train = paired(by_seed.mean(axis=0).tolist()), config.n_samples or 0
    most = max(one.n_train_errors for results in found.values() for pair in results for one in pair)
    return Finding(
        stands=_stands(overall, [*gains.values()]),
        margin=min(abs(overall.low), abs(overall.high)),
        summary=f"Training everything gains {overall.mean:.1f} points of test errors (95 % interval {overall.low:.1f} "
        f"to {overall.high:.1f}, {overall.n_pairs} seeds). All trained, output alone, points gained: "
        + "; ".join(_words(width, found[width], gain) for width, gain in gains.items())
        + ".",
        evidence={
            "margin_is": "points of test errors from 0 to the nearest end of the interval over all widths",
            "gain_over_all_widths": [overall.mean, overall.low, overall.high],
            "settings": config.as_text(),
            "n_steps": n_steps,
            "shuffled_labels": shuffled,
            "gains": {
                str(width): {"mean": one.mean, "low": one.low, "high": one.high, "n_pairs": one.n_pairs}
                for width, one in gains.items()
            },
            "a_row_is": "all trained, then output alone: training loss, training errors, test errors in per cent",
            "results": {
                str(width): [
                    [(one.train_loss, one.n_train_errors, one.test_percent) for one in pair]
                    for pair in results
                ]
                for width, results in found.items()
            },
        },
        assumptions=(
            Assumption(
                f"Both have learned their training samples: at most {_FITTED:.0%} are wrong ({most} of {n_train}).",
                most <= _FITTED * n_train,
            ),
        ),
    )


def _stands(overall: Interval, gains: Sequence[Interval]) -> bool | None:
    """Return the sign of the gain where the whole interval has it, and the mean at every width."""
    has_same_sign = all(one.mean * overall.sign > 0.0 for one in gains)
    return overall.sign > 0 if has_same_sign else None


def _gained(results: Sequence[tuple[_Result, _Result]]) -> list[float]:
    """Return the points of test errors that training everything gains over training the output, by seed."""
    return [alone.test_percent - whole.test_percent for whole, alone in results]


def _words(width: int, results: Sequence[tuple[_Result, _Result]], gain: Interval) -> str:
    whole, alone = (np.mean([pair[k].test_percent for pair in results]) for k in range(2))
    return f"{width} units {whole:.1f} %, {alone:.1f} %, {gain.mean:.1f} ({gain.low:.1f} to {gain.high:.1f})"


CLAIM: Final = Claim(
    claim_id="random-features",
    source_key="skips",
    statement="Training the hidden weights too gives fewer errors on new samples than training the output weights on "
    "random features, where both have learned the training samples.",
    cited="the experiments on MNIST and CIFAR-10",
    expected=Answer.HOLDS,
    measure=measure,
)
