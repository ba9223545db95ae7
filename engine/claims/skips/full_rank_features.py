"""full-rank-features: N or more wired units give N samples linearly independent features, for almost all weights."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine import checks
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.claims.skips import theorem
from engine.config import DTYPES, RunConfig
from engine.datasets import Dataset
from engine.mlp import MLP
from engine.rank import features, numerical_rank

_ACTIVATIONS: Final = ("logistic", "tanh", "softplus", "erf")


@dataclass(frozen=True, slots=True)
class _Draws:
    """Ranks of the features for several draws of the weights, and how far the smallest singular value is from 0."""

    name: str
    n_units: int
    ranks: tuple[int, ...]
    smallest: float
    threshold: float

    def as_dict(self) -> dict[str, object]:
        return {
            "network": self.name,
            "n_units": self.n_units,
            "ranks": self.ranks,
            "smallest_singular_value": self.smallest,
            "counts_as_zero": self.threshold,
        }


def measure(
    seed: int = 0,
    data: str = "digits",
    n_samples: int = 100,
    hidden: tuple[int, ...] = (40, 40, 40),
    skip: tuple[int, ...] = (1, 2),
    activations: Sequence[str] = _ACTIVATIONS,
    init: str = "lecun_normal",
    dtype: str = "float64",
    n_draws: int = 5,
    contradiction: bool = False,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Draw weights and take the rank of the features, with each activation; then where the theorem does not reach."""
    checks.choice("dtype", dtype, DTYPES)
    config = RunConfig(data=data, n_samples=n_samples, hidden=hidden, skip=skip, init=init, seed=seed)
    nets, found = [], []
    for number, name in enumerate(activations):
        net, samples = theorem.network_and_data(config.replace(activation=(name,)), contradiction)
        nets.append(net)
        found.append(_draws(net, samples, config, n_draws, dtype))
        yield (number + 1) / (len(activations) + 1), None
    yield 1.0, _finding(config, nets, samples, found, _elsewhere(samples, config, n_draws), dtype)


def _draws(net: MLP, data: Dataset, config: RunConfig, n_draws: int, dtype: str) -> _Draws:
    ranks, nearest = [], (np.inf, 0.0)
    for k in range(n_draws):
        psi = features(
            net, data, net.init(config.init, config.seed * n_draws + k, config.init_scale, config.init_value)
        )
        largest = numerical_rank(psi).largest
        rounded = psi.astype(dtype).astype(np.float64)
        rank = numerical_rank(rounded, max(psi.shape) * float(np.finfo(dtype).eps) * largest)
        ranks.append(rank.rank)
        nearest = min(nearest, (rank.smallest, rank.threshold))
    sizes = "-".join(map(str, net.layer_sizes)) if net.n_hidden < 5 else f"{net.n_hidden} layers"
    name = f"{net.activation[0]} {sizes}, {dtype}"
    return _Draws(name, theorem.n_wired_units(net), tuple(ranks), *nearest)


def _elsewhere(data: Dataset, config: RunConfig, n_draws: int) -> list[_Draws]:
    """Return the ranks where the theorem does not reach, or numbers do not: ReLU, float32, 20 layers of 10."""
    n = data.n_samples
    sizes = (data.n_features, n, data.n_classes)
    deep = (data.n_features, *(10,) * 20, data.n_classes)
    return [
        _draws(MLP(sizes, "relu"), data, config, n_draws, "float64"),
        _draws(MLP(sizes, "logistic"), data, config, n_draws, "float32"),
        _draws(MLP(deep, "logistic", skip=tuple(range(1, 20))), data, config, n_draws, "float64"),
    ]


def _finding(
    config: RunConfig,
    nets: Sequence[MLP],
    data: Dataset,
    found: Sequence[_Draws],
    elsewhere: Sequence[_Draws],
    dtype: str,
) -> Finding:
    # The determinant of Psi Psi^T is analytic in the weights: where it is not 0 once, it is 0 almost nowhere.
    is_full = all(max(one.ranks) == data.n_samples for one in found)
    n_full = sum(rank == data.n_samples for one in found for rank in one.ranks)
    tightest = min(found, key=lambda one: one.smallest / one.threshold)
    others = "; ".join(f"{one.name}: {min(one.ranks)} to {max(one.ranks)}" for one in elsewhere)
    activations = {text: met for net in nets for text, met in _texts(net, data)}
    return Finding(
        stands=True if is_full else None,
        margin=abs(tightest.smallest / tightest.threshold - 1.0),
        summary=f"Rank {data.n_samples} in {n_full} of {sum(len(one.ranks) for one in found)} draws, "
        f"{found[0].n_units} units and {data.n_samples} samples; the smallest singular value is "
        f"{tightest.smallest:.2g} ({tightest.name}), and {tightest.threshold:.2g} counts as 0. Elsewhere: {others}.",
        evidence={
            "margin_is": "smallest singular value over what counts as 0, less 1",
            "settings": config.as_text(),
            "dtype": dtype,
            "counts_as_zero": "max(N, M) times the rounding unit times the largest singular value",
            "draws": [one.as_dict() for one in found],
            "elsewhere": [one.as_dict() for one in elsewhere],
        },
        assumptions=(
            *(Assumption(text, met) for text, met in activations.items()),
            Assumption(
                "The weights are drawn from a density, not put in one place.", config.init != "constant"
            ),
        ),
    )


def _texts(net: MLP, data: Dataset) -> list[tuple[str, bool]]:
    return [(one.text, one.met) for one in theorem.assumptions(net, data)]


CLAIM: Final = Claim(
    claim_id="full-rank-features",
    source_key="skips",
    statement="Where at least as many hidden units are wired to the output as there are samples, N, and their "
    "activation is analytic, the matrix of their values has rank N for almost all hidden weights.",
    cited="Lemma 3.2",
    expected=Answer.HOLDS,
    measure=measure,
)
