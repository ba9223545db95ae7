"""All of a run that its future depends on, and its past: what a run file holds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.branches import Branches
from engine.commands import Change
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.history import HistoryView
from engine.mlp import MLP
from engine.snapshot import Point

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RunRecord:
    """A run as it stands; `Trainer.from_record` goes on from it with the same bits.

    Attributes:
        start_config, start_net, start: settings, network and theta (n_params,) before the first step.
        config, net, theta: the present ones; a duplicated unit makes another network.
        learning_rate: of the next step.
        events: (step, command) of whatever changed the run.
        path, stride: the checkpoints, and the steps between them.
        saved: the points somebody saved.
        branches: the other ways that the run has gone; the record of each has none of its own.
        ahead: the run as it was before one went back, as long as it can be gone along again; else None.
    """

    start_config: RunConfig
    start_net: MLP
    start: FloatArray
    config: RunConfig
    net: MLP
    theta: FloatArray
    data: Dataset
    learning_rate: float
    events: tuple[tuple[int, Change], ...]
    history: HistoryView
    path: tuple[Point, ...]
    stride: int
    saved: tuple[Point, ...]
    branches: Branches = field(default_factory=Branches)
    ahead: RunRecord | None = None

    @property
    def n_steps(self) -> int:
        """The step at which the run stood."""
        return self.history.n_entries - 1
