"""The five texts that the claims and the lessons come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Source:
    """One text: its key (the name of the folders that belong to it), a short title, and what to cite."""

    key: str
    title: str
    citation: str


SOURCES: Final = {
    source.key: source
    for source in (
        Source(
            "exam",
            "The exam",
            "A question and its answers on Stack Exchange: guarantees of training a network for digits",
        ),
        Source(
            "losses",
            "Two losses",
            "A question and its answer on Stack Exchange: the gradients of quadratic loss and cross-entropy",
        ),
        Source(
            "skips",
            "Skip connections",
            "Nguyen, Mukkamala, Hein: On the loss landscape of a class of deep neural networks with no bad "
            "local valleys (2019)",
        ),
        Source(
            "minima",
            "No bad local minima",
            "Soudry, Carmon: No bad local minima: data independent training error guarantees for multilayer "
            "neural networks (2016), and papers that cite it",
        ),
        Source(
            "convexity",
            "Convexity",
            "A question and its answers on Stack Exchange: is the cost function of a neural network convex?",
        ),
    )
}
