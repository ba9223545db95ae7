"""What a person can ask of a run: small frozen values that travel to the engine in a queue."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine import checks
from engine.config import RunConfig


@dataclass(frozen=True, slots=True)
class Run:
    """Train without end, until paused or stopped."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop after the step in progress; the run can go on."""


@dataclass(frozen=True, slots=True)
class Step:
    """Take n_steps steps, then pause."""

    n_steps: int = 1

    def __post_init__(self) -> None:
        checks.whole_number("n_steps", self.n_steps, at_least=1)


@dataclass(frozen=True, slots=True)
class Reset:
    """Go back to the very same start, with an empty history."""


@dataclass(frozen=True, slots=True)
class SetLearningRate:
    """Use another learning rate from the next step on."""

    learning_rate: float

    def __post_init__(self) -> None:
        checks.real_number("learning_rate", self.learning_rate, above=0.0)


@dataclass(frozen=True, slots=True)
class Perturb:
    """Change theta at once by a perturbation of `engine.PERTURBATIONS`, with its options."""

    name: str
    options: dict[str, float | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SavePoint:
    """Remember the present theta under a label, as an end of a line or plane slice."""

    label: str


@dataclass(frozen=True, slots=True)
class GoTo:
    """Go back to a step of the run, before whatever was changed there; the steps behind it are forgotten."""

    step: int

    def __post_init__(self) -> None:
        checks.whole_number("step", self.step, at_least=0)


@dataclass(frozen=True, slots=True)
class SaveRun:
    """Write the run to a file. The thread carries this out, not the Trainer.

    A quiet one tells nobody when it is done or why it failed.
    """

    path: str
    is_quiet: bool = False


@dataclass(frozen=True, slots=True)
class OpenRun:
    """Replace the run by one from a file. The thread carries this out, not the Trainer."""

    path: str


@dataclass(frozen=True, slots=True)
class Load:
    """Replace the run by a new one with these settings. The thread carries this out, not the Trainer."""

    config: RunConfig


Command = Run | Pause | Step | Reset | SetLearningRate | Perturb | SavePoint | GoTo | SaveRun | OpenRun | Load
