"""depth-150: with skip connections a network of 150 layers can be trained, without them it cannot."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.skips.bad_valley import label_entropy
from engine.claims.skips.training import steps
from engine.config import RunConfig
from engine.trainer import Trainer

CASES: Final = (
    ("tanh", "lecun_normal", 0.02),
    ("logistic", "lecun_normal", 0.02),
    ("relu", "he_normal", 0.005),
)
"""Activation, start and learning rate of each pair of runs."""

LEARNED: Final = 0.02
"""So many nats below what an output that ignores its input can reach is called learning."""

_STUCK: Final = 0.005


@dataclass(frozen=True, slots=True)
class _Pair:
    """The end of training with skips and without, from the same weights where both have them."""

    activation: str
    init: str
    learning_rate: float
    ends: tuple[tuple[float, int], tuple[float, int]]
    floor: float

    @property
    def with_skips(self) -> float:
        """Nats below what ignores the input, with skips."""
        return self.floor - self.ends[0][0]

    @property
    def without(self) -> float:
        """Nats below what ignores the input, without skips."""
        return self.floor - self.ends[1][0]

    def as_dict(self) -> dict[str, object]:
        return {
            "activation": self.activation,
            "init": self.init,
            "learning_rate": self.learning_rate,
            "loss_and_errors_with_skips": self.ends[0],
            "loss_and_errors_without": self.ends[1],
        }


def measure(
    seed: int = 0,
    data: str = "digits",
    n_samples: int = 200,
    n_layers: int = 150,
    width: int = 10,
    n_steps: int = 250,
    cases: Sequence[tuple[str, str, float]] = CASES,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Train each case with skips from every hidden layer and without any."""
    config = RunConfig(data=data, n_samples=n_samples, hidden=(width,) * n_layers, seed=seed)
    pairs, share = [], 1.0 / (2 * len(cases))
    for number, (activation, init, rate) in enumerate(cases):
        ends = []
        for is_plain in (False, True):
            skip = () if is_plain else tuple(range(1, n_layers + 1))
            trainer = Trainer.from_config(
                config.replace(activation=(activation,), init=init, learning_rate=rate, skip=skip)
            )
            for done in steps(trainer, n_steps, 25):
                yield (2 * number + is_plain + done) * share * 0.999, None
            ends.append((float(trainer.history["loss"][-1]), int(trainer.history["n_errors"][-1])))
        pairs.append(_Pair(activation, init, rate, (ends[0], ends[1]), label_entropy(trainer.data)))
    yield 1.0, _finding(config, pairs, n_steps)


def _finding(config: RunConfig, pairs: Sequence[_Pair], n_steps: int) -> Finding:
    depth = len(config.hidden)
    return Finding(
        stands=_stands(pairs),
        margin=min(min(abs(one.with_skips - LEARNED), abs(one.without - _STUCK)) for one in pairs),
        summary=f"After {n_steps} steps of {depth} layers, loss and mistakes with skips and without: "
        + "; ".join(_words(one) for one in pairs)
        + f". An output that ignores its input reaches {pairs[0].floor:.4f} at best.",
        evidence={
            "margin_is": f"nats by which the nearest run is away from {LEARNED} (with skips) or {_STUCK} (without) "
            "below the entropy of the labels",
            "settings": config.replace(hidden=config.hidden[:1]).as_text() | {"n_layers": str(depth)},
            "n_steps": n_steps,
            "label_entropy": pairs[0].floor,
            "learned_is": f"a loss {LEARNED} nats below the entropy of the labels",
            "runs": [one.as_dict() for one in pairs],
        },
        assumptions=(
            Assumption(
                "The weights are independent normal numbers of a usual size (lecun_normal, he_normal, glorot_normal).",
                all(one.init in ("lecun_normal", "he_normal", "glorot_normal") for one in pairs),
            ),
        ),
    )


def _stands(pairs: Sequence[_Pair]) -> bool | None:
    """Return whether all learn with skips and none without; None where a run with skips has not learned yet."""
    if any(one.without > LEARNED for one in pairs):
        return False
    is_clear = all(one.with_skips > LEARNED and one.without < _STUCK for one in pairs)
    return True if is_clear else None


def _words(one: _Pair) -> str:
    (loss, n_errors), (plain_loss, plain_errors) = one.ends
    return f"{one.activation} {loss:.3f} ({n_errors}), {plain_loss:.4f} ({plain_errors})"


CLAIM: Final = Claim(
    claim_id="depth-150",
    source_key="skips",
    statement="A network of 150 layers is trained by gradient descent when its hidden layers have skip connections to "
    "the output, and without them it does not learn.",
    cited="Figure 4",
    expected=Answer.HOLDS,
    measure=measure,
)
