"""Changes on the way of a run: what is in force at a step, where two runs part, and words for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.commands import Change, Perturb, SetArithmetic, SetBatches, SetLearningRate
from engine.config import RunConfig

Events = Sequence[tuple[int, Change]]
"""(step, change) in the order in which the changes were made: each holds from the next step on."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides the steps of a run and can be changed on its way.

    Attributes:
        learning_rate, arithmetic: of the next step.
        batch_size: samples a step, None for all of them.
        batch_seed, batches_from: the order of mini-batches is drawn from this seed, and begins at this step.
    """

    learning_rate: float
    batch_size: int | None
    batch_seed: int
    arithmetic: str
    batches_from: int = 0

    def changed(self, step: int, change: Change) -> Settings:
        """Return what is in force after a change at a step."""
        match change:
            case SetLearningRate(learning_rate):
                # A whole number would have the kernels compiled anew.
                return replace(self, learning_rate=float(learning_rate))
            case SetBatches(batch_size, seed):
                return replace(self, batch_size=batch_size, batch_seed=seed, batches_from=step)
            case SetArithmetic(arithmetic):
                return replace(self, arithmetic=arithmetic)
            case Perturb():
                return self

    def at(self, events: Events, step: int) -> Settings:
        """Return what is in force at a step before any change there, when these were in force at the start."""
        settings = self
        for at, change in events:
            if at < step:
                settings = settings.changed(at, change)
        return settings

    def described_in(self, config: RunConfig) -> RunConfig:
        """Return the settings of a run with these batches and this arithmetic; the same object where it says so."""
        if (config.batch_size, config.arithmetic) == (self.batch_size, self.arithmetic):
            return config
        return config.replace(batch_size=self.batch_size, arithmetic=self.arithmetic)


def n_common(one: Events, other: Events) -> int:
    """Return how many events two runs have in common from the start on."""
    pairs = zip(one, other, strict=False)
    return next((k for k, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def parting_step(one: Events, other: Events) -> int | None:
    """Return the last step that runs from one start share for certain; None where nothing parts them."""
    k = n_common(one, other)
    steps = [events[k][0] for events in (one, other) if len(events) > k]
    return min(steps, default=None)


def describe(changes: Sequence[Change], step: int) -> str:
    """Return in a few words what was changed at a step: "rate 0.05", "kick: noise 0.1 at step 300"."""
    text = ", ".join(map(_words, changes))
    return f"{text} at step {step:,}" if any(isinstance(change, Perturb) for change in changes) else text


def own_words(events: Events, others: Sequence[Events]) -> str:
    """Return in a few words what tells a run from all others: its first change that none of them has; or ""."""
    common = max((n_common(events, other) for other in others), default=0)
    own = events[common:]
    return describe([change for at, change in own if at == own[0][0]], own[0][0]) if own else ""


def _words(change: Change) -> str:
    match change:
        case SetLearningRate(learning_rate):
            return f"rate {learning_rate:.4g}"
        case SetBatches(None, _):
            return "full batch"
        case SetBatches(batch_size, seed):
            return f"batch {batch_size:,}, seed {seed}"
        case SetArithmetic(arithmetic):
            return "BLAS" if arithmetic == "blas" else arithmetic
        case Perturb(name, options):
            strength = f" {options['scale']:.4g}" if "scale" in options else ""
            return f"kick: {name.replace('_', ' ')}{strength}"
