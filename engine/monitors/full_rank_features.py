"""full-rank-features: do the units wired to the output give the samples linearly independent features?"""

from __future__ import annotations

from collections.abc import Generator

from engine.claims.claim import Answer
from engine.monitors.monitor import Monitor, Reading
from engine.rank import features, numerical_rank, wired_layers
from engine.snapshot import Snapshot

_MOST_NUMBERS = 4_000_000  # of the matrix; a larger one takes seconds


class FullRankFeatures(Monitor):
    """Computes the numerical rank of the feature matrix."""

    claim_id = "full-rank-features"
    is_costly = True

    def work(self, snapshot: Snapshot) -> Generator[tuple[float, Reading | None], None, None]:
        """Yield rank and smallest singular value; see Monitor."""
        net, n_samples = snapshot.net, snapshot.data.n_samples
        n_features = sum(net.layer_sizes[layer] for layer in wired_layers(net)) if net.n_hidden else 0
        if n_features < n_samples:
            yield (
                1.0,
                Reading(
                    Answer.NOT_APPLICABLE,
                    f"{n_features:,} units are wired to the output, {n_samples:,} samples.",
                ),
            )
            return
        if n_features * n_samples > _MOST_NUMBERS:
            yield (
                1.0,
                Reading(Answer.UNDECIDED, f"{n_samples:,} x {n_features:,} features are too many to follow."),
            )
            return
        yield 0.2, None
        rank = numerical_rank(features(net, snapshot.data, snapshot.theta))
        answer = Answer.HOLDS if rank.rank == n_samples else Answer.VIOLATED
        line = f"Rank {rank.rank:,} of {n_samples:,}; smallest singular value {rank.smallest:.3g}."
        yield 1.0, Reading(answer, line, snapshot.n_steps)
