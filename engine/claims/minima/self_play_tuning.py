"""self-play-tuning: about language models; its assumption is not met by anything that can be run here."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.config import LOSS_NAMES


def measure(seed: int = 0) -> Generator[tuple[float, Finding | None], None, None]:
    """Tell what the claim is about, and that it is not here."""
    losses = ", ".join(LOSS_NAMES)
    yield (
        1.0,
        Finding(
            stands=None,
            margin=0.0,
            summary="A language model that writes its own training texts is no network that can be trained here: "
            f"those have the losses {losses}, on a data set that stays as it is.",
            evidence={"margin_is": "nothing was measured", "losses_here": LOSS_NAMES},
            assumptions=(
                Assumption("A multilayer perceptron is trained by gradient descent on a loss.", met=False),
            ),
        ),
    )


CLAIM: Final = Claim(
    claim_id="self-play-tuning",
    source_key="minima",
    statement="A weak language model becomes a strong one by learning to prefer texts written by people over its own, "
    "round after round.",
    cited='"Self-play fine-tuning converts weak language models to strong language models" (2024), which cites the '
    "paper",
    expected=Answer.NOT_APPLICABLE,
    measure=measure,
)
