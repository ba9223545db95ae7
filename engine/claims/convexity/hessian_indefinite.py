"""hessian-indefinite: has the Hessian by the weights eigenvalues of both signs?"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

from engine.claims.claim import Answer, Claim, Finding
from engine.claims.convexity.tools import TOLERANCES, is_negative, is_positive, spectrum_ends
from engine.config import RunConfig
from engine.curvature import Eigenpairs, Hessian
from engine.trainer import Trainer

_PLACES: Final = 3


def measure(
    seed: int = 0,
    data: str = "digits",
    hidden: tuple[int, ...] = (16,),
    loss: str = "cross_entropy",
    init: str = "glorot_uniform",
    n_steps: int = 200,
) -> Generator[tuple[float, Finding | None], None, None]:
    """Compute both ends of the spectrum at a random start, and on the way of a run from there."""
    config = RunConfig(data=data, hidden=hidden, loss=loss, init=init, learning_rate=1.0, seed=seed)
    trainer, rows = Trainer.from_config(config), []
    for place in range(_PLACES):
        if place:
            trainer.step(max(1, n_steps // (_PLACES - 1)))
        yield place / _PLACES, None
        rows.append(_row(trainer))
        yield (place + 1) / (_PLACES + 0.1), None
    yield 1.0, _finding(rows, trainer, config)


def _row(trainer: Trainer) -> dict[str, Any]:
    """Return the ends of the spectrum, each checked by one more product vᵀ H v, and what they show."""
    theta = trainer.theta
    pairs = spectrum_ends(trainer.net, trainer.data, theta)
    hessian = Hessian(trainer.net, trainer.data, theta)
    down, up = pairs.smallest_vectors[:, 0], pairs.largest_vectors[:, 0]
    return {
        "step": trainer.n_steps,
        "loss": trainer.history["loss"][-1],
        "smallest": float(pairs.smallest[0]),
        "largest": float(pairs.largest[0]),
        "curvature_along_smallest": float(down @ hessian.product(down)),
        "curvature_along_largest": float(up @ hessian.product(up)),
        "residual": pairs.residual,
        "n_products": pairs.n_products,
        "stands": _stands(pairs),
    }


def _stands(pairs: Eigenpairs) -> bool | None:
    """Return whether there are eigenvalues of both signs; None where all are 0 to rounding."""
    low, high = float(pairs.smallest[0]), float(pairs.largest[0])
    if max(abs(low), abs(high)) <= max(pairs.residual, 1e-300):
        return None
    return is_negative(low, pairs) and is_positive(high, pairs)


def _finding(rows: list[dict[str, Any]], trainer: Trainer, config: RunConfig) -> Finding:
    start, last = rows[0], rows[-1]
    return Finding(
        stands=start["stands"],
        margin=min(abs(start["smallest"]), abs(start["largest"])),
        summary=f"At the start the eigenvalues of the {trainer.net.n_params:,} × "
        f"{trainer.net.n_params:,} Hessian go from "
        f"{start['smallest']:.4g} to {start['largest']:.4g}; after {last['step']:,} steps, loss "
        f"{last['loss']:.3f}, "
        f"from {last['smallest']:.4g} to {last['largest']:.4g}.",
        evidence={
            "margin_is": "the smaller of the distances of both ends of the spectrum from 0, at the start",
            "tolerance": TOLERANCES,
            "places": rows,
            "settings": config.as_text(),
        },
    )


CLAIM: Final = Claim(
    claim_id="hessian-indefinite",
    source_key="convexity",
    statement="The matrix of all second derivatives by the weights is neither positive nor negative "
    "semi-definite.",
    cited="the second answer: since it is a matrix, it may be neither one nor the other",
    expected=Answer.HOLDS,
    measure=measure,
)
