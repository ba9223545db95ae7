"""Snapshots of real runs on small data, and fixtures of panels whose jobs the test carries on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from engine import MLP, Dataset, RunConfig, Trainer
from engine.datasets import load_dataset
from engine.history import History
from engine.jobs import Job, Progress
from engine.snapshot import Snapshot, State

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from gui.panels.panel import Panel


def small_digits(n_samples: int = 60) -> Dataset:
    return load_dataset("digits").first(n_samples)


def make_trainer(n_samples: int = 60, **settings: Any) -> Trainer:
    config = RunConfig(data="digits", n_samples=n_samples, **settings)
    return Trainer.from_config(config)


def run_snapshot(n_steps: int = 30, **settings: Any) -> Snapshot:
    trainer = make_trainer(**settings)
    if n_steps:
        trainer.step(n_steps)
    return trainer.snapshot()


def bare_trainer(
    n_features: int, hidden: tuple[int, ...] = (4,), image_shape: Any = None, **options: Any
) -> Trainer:
    """Return a run on random data with so many inputs and three classes."""
    rng = np.random.default_rng(0)
    data = Dataset(rng.random((30, n_features)), np.arange(30) % 3, image_shape=image_shape)
    net = MLP((n_features, *hidden, 3), **options)
    return Trainer(net, data, net.init("glorot_uniform"))


def with_history(snapshot: Snapshot, loss: Any, errors: Any = None, spread: Any = None) -> Snapshot:
    """Return a snapshot whose history has these values, entry by entry."""
    loss = np.asarray(loss, dtype=np.float64)
    whole = np.zeros(len(loss), dtype=np.int32) if errors is None else np.asarray(errors, dtype=np.int32)
    spread = np.ones(len(loss)) if spread is None else np.asarray(spread, dtype=np.float64)
    history = History()
    series = {"loss": loss, "n_errors": whole, "gradient_norm": loss, "symmetry_spread": spread}
    history.extend(series, np.zeros(len(loss), dtype=np.int32))
    return replace(
        snapshot,
        history=history.view(),
        n_steps=len(loss) - 1,
        loss=float(loss[-1]),
        n_errors=int(whole[-1]),
        n_tied=0,
    )


def running(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, state=State.RUNNING)


def texts(legend: Any) -> str:
    return "; ".join(key.text for key in legend.keys)


class HandJobs:
    """Jobs that are carried on by the test, one answer at a time."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self._answers: dict[int, Generator[Any, None, None]] = {}

    def submit(self, function: Any, generation: int) -> Job:
        job = Job(len(self.jobs) + 1, generation)
        self.jobs.append(job)
        self._answers[job.number] = function()
        return job

    def go_on(self, n_answers: int = 1) -> None:
        """Carry on the newest job."""
        job = self.jobs[-1]
        for _ in range(n_answers):
            done, result = next(self._answers[job.number])
            job.latest = Progress(done, result, "", False)

    def finish(self) -> None:
        """Carry the newest job to its end."""
        job = self.jobs[-1]
        try:
            for done, result in self._answers[job.number]:
                job.latest = Progress(done, result, "", False)
        except ValueError as error:
            job.latest = Progress(0.0, None, str(error), True)
        else:
            job.latest = dataclasses.replace(job.latest, finished=True)


def hand_jobs() -> Any:
    """Return a fixture, which a module calls `jobs`: jobs that the test carries on."""

    @pytest.fixture
    def jobs() -> HandJobs:
        return HandJobs()

    return jobs


def hand_panel(kind: Callable[..., Panel], width: int, height: int) -> Any:
    """Return a fixture, which a module calls `panel`: one of a kind in a size, shown, with the module's `jobs`."""

    @pytest.fixture
    def panel(qtbot: QtBot, jobs: HandJobs) -> Panel:
        from gui.theme import LIGHT

        made = kind(LIGHT, jobs)
        qtbot.addWidget(made)
        made.resize(width, height)
        made.show()
        return made

    return panel
