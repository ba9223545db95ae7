"""What a person can ask of a run: small frozen values that travel to the engine in a queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from engine import checks
from engine.config import ARITHMETICS, RunConfig

LONGEST_NAME: Final = 60
"""Characters in the name of a branch, at most."""


@dataclass(frozen=True, slots=True)
class Run:
    """Train until paused or stopped.

    Attributes:
        until: the step of the run at which to pause; None for none. A run that is there or beyond pauses at once.
        steps_per_s: go no faster than so many steps a second; None for full speed.
    """

    until: int | None = None
    steps_per_s: float | None = None

    def __post_init__(self) -> None:
        if self.until is not None:
            checks.whole_number("until", self.until, at_least=1)
        if self.steps_per_s is not None:
            checks.real_number("steps_per_s", self.steps_per_s, above=0.0)


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
class PauseAtRise:
    """From now on, pause at the very step on which something rose; stays in force for later runs.

    Attributes:
        errors: where the errors rose while the loss fell.
        loss: where the loss rose, by more than `engine.history.LOSS_RISE_TOLERANCE` of it.
    """

    errors: bool = False
    loss: bool = False

    def __bool__(self) -> bool:
        return self.errors or self.loss


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
class SetBatches:
    """Take other batches from the next step on: batch_size samples each (None: all) in an order drawn from seed."""

    batch_size: int | None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch_size is not None:
            checks.whole_number("batch_size", self.batch_size, at_least=1)
        checks.whole_number("seed", self.seed, at_least=0)


@dataclass(frozen=True, slots=True)
class SetArithmetic:
    """Use another arithmetic, "ordered" or "blas", from the next step on."""

    arithmetic: str

    def __post_init__(self) -> None:
        checks.choice("arithmetic", self.arithmetic, ARITHMETICS)


Change = SetLearningRate | Perturb | SetBatches | SetArithmetic
"""What makes a run go another way than it would have gone."""


@dataclass(frozen=True, slots=True)
class BranchOff:
    """Keep the run as it was, with whatever came after this step, as a branch, and go on as another one.

    The other one starts from this step with the changes, in that order; without a name it is named by them.
    """

    changes: tuple[Change, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)


@dataclass(frozen=True, slots=True)
class SwitchTo:
    """Make a branch the run that goes on, as it was left; the run that is left is kept as a branch."""

    number: int


@dataclass(frozen=True, slots=True)
class RenameBranch:
    """Give a branch, or the run that goes on, another name."""

    number: int
    name: str

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name must not be empty.")
        check_name(self.name)


@dataclass(frozen=True, slots=True)
class RemoveBranch:
    """Forget a branch."""

    number: int


def check_name(name: str) -> None:
    """Raise ValueError or TypeError unless name can be that of a branch, or "" for none."""
    if not isinstance(name, str):
        raise TypeError(f"name must be a text, not {type(name).__name__}.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(f"name must be one line of at most {LONGEST_NAME} characters, not {name!r}.")


@dataclass(frozen=True, slots=True)
class SavePoint:
    """Remember the present theta under a label, as an end of a line or plane slice."""

    label: str


@dataclass(frozen=True, slots=True)
class GoTo:
    """Go to a step of the run, before whatever was changed there.

    The steps behind it are not forgotten: one can go forward to them again, changes included, until the run
    parts from them, and then they become a branch. Forward to the last of them is to the run as it was left.
    """

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


Command = (
    Run
    | Pause
    | PauseAtRise
    | Step
    | Reset
    | Change
    | SavePoint
    | GoTo
    | BranchOff
    | SwitchTo
    | RenameBranch
    | RemoveBranch
    | SaveRun
    | OpenRun
    | Load
)
