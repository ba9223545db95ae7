"""What the engine tells the screen: frozen values and read-only arrays, never live ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from engine.branches import Branch
from engine.commands import Command, PauseAtRise
from engine.config import RunConfig

if TYPE_CHECKING:  # these import the kernels, which take seconds; this file must not
    import numpy.typing as npt

    from engine.datasets import Dataset
    from engine.history import HistoryView
    from engine.mlp import MLP


def frozen(array: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a read-only copy."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


class State(StrEnum):
    """The word that is always visible in the window."""

    COMPILING = "compiling"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A remembered theta: a checkpoint of the path, or a point somebody saved under a label."""

    label: str
    step: int
    theta: npt.NDArray[np.float64]  # (n_params,), read-only
    loss: float


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One moment of a run.

    Attributes:
        generation: grows whenever theta moves other than by a step (load, reset, perturbation).
        run_id: grows whenever the network or the data changes (load).
        theta, gradient: (n_params,) float64, read-only copies at this step.
        n_tied: samples whose largest logit is shared by two classes, so that "wrong" means little.
        history: the series up to this step, read-only views that never change.
        path: checkpoints along the run, oldest first, thinned out as it grows.
        saved: the points somebody saved, oldest first.
        reason: why the run is stopped, or paused at a rise or with a full history, one sentence; "" elsewhere.
        pause_at: at which rises the run pauses.
        suggested_rate: the rate that the window offers after a divergence, else None.
        rates: (step, rate) pairs, in order: the rate of every step after that one, until the next pair.
        batches: (step, batch size) pairs likewise; None for all samples.
        furthest: the last step that `engine.commands.GoTo` takes: one can go forward to where one came from.
        branches: the other ways that the run has gone, oldest first; the same objects until they change.
        batch_seed: the order of mini-batches is drawn from it.
        branch_number, branch_name: of this run among them; the name is "" while nothing tells it from them.
        is_full: whether it is paused because the history has no room for another step: it does not go on.
    """

    run_id: int
    generation: int
    state: State
    reason: str
    suggested_rate: float | None
    config: RunConfig
    net: MLP
    data: Dataset
    n_steps: int
    learning_rate: float
    theta: npt.NDArray[np.float64]
    gradient: npt.NDArray[np.float64]
    loss: float
    n_errors: int
    n_tied: int
    gradient_norm: float
    history: HistoryView
    path: tuple[Point, ...]
    saved: tuple[Point, ...]
    steps_per_s: float
    rates: tuple[tuple[int, float], ...] = ()
    batches: tuple[tuple[int, int | None], ...] = ()
    furthest: int = 0
    branches: tuple[Branch, ...] = ()
    batch_seed: int = 0
    branch_number: int = 1
    branch_name: str = ""
    pause_at: PauseAtRise = field(default_factory=PauseAtRise)
    is_full: bool = False

    @property
    def batch_sizes(self) -> frozenset[int | None]:
        """The batch sizes of the steps taken, or of the next one before the first."""
        changes = self.batches or ((0, self.config.batch_size),)
        ends = (*(after for after, _ in changes[1:]), max(1, self.n_steps))
        return frozenset(size for (after, size), end in zip(changes, ends, strict=True) if after < end)

    def takes_mini_batches(self, first: int, last: int) -> npt.NDArray[np.bool_]:
        """Return of each step first .. last (included, from 1) whether it takes less than all samples."""
        taken = np.zeros(max(0, last - first + 1), dtype=np.bool_)
        for after, batch_size in self.batches or ((0, self.config.batch_size),):
            taken[max(0, after + 1 - first) :] = batch_size is not None
        return taken


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that could not be carried out: the command and one sentence that says why.

    With is_done it is the opposite: a command whose success shows nowhere else, and a sentence that tells it.
    """

    number: int
    command: Command
    sentence: str
    is_done: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What waits in the mailbox: the state, the newest snapshot (None before the first), refused commands.

    Attributes:
        state: the state word; COMPILING while the kernels are loaded and compiled.
        message: a sentence beside the state word; what is being compiled, or why the run stopped.
        snapshot: the newest snapshot, or None while there is no run yet.
        refusals: the last few refusals, numbered from 1; a reader shows those it has not seen.
    """

    state: State
    message: str
    snapshot: Snapshot | None
    refusals: tuple[Refusal, ...] = ()
