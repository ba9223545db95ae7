"""Trainer: a synchronous state machine over one run. No thread, no screen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine import checks, witnesses
from engine.batch_order import check_batch_size
from engine.branches import Branches
from engine.changes import Settings
from engine.commands import (
    BranchOff,
    Change,
    Command,
    GoTo,
    Load,
    OpenRun,
    Pause,
    PauseAtRise,
    Perturb,
    RemoveBranch,
    RenameBranch,
    Reset,
    Run,
    SavePoint,
    SaveRun,
    SetArithmetic,
    SetBatches,
    SetLearningRate,
    Step,
    SwitchTo,
)
from engine.config import RunConfig
from engine.datasets import Dataset, load_dataset
from engine.descent import Advance, Descent
from engine.evaluator import Flag, Records
from engine.forks import Forks
from engine.history import History
from engine.mlp import MLP
from engine.pacer import Pacer
from engine.run_record import RunRecord
from engine.snapshot import Point, Snapshot, State, frozen

FloatArray = npt.NDArray[np.float64]

_CALL_S: Final = 0.010  # one engine call: longer ones wait for Python less often, shorter ones pause sooner
_LONG_CALL_S: Final = 0.050  # where nobody can ask for a pause before the end


class Trainer:
    """Gradient descent on one network and data set, step by step, with its history.

    Args:
        net, data: what is trained on what.
        theta: (n_params,) the start; it is copied.
        learning_rate: step length.
        batch_size: samples a step, in an order drawn anew for each epoch; None for the full batch. The
            history is of the full data set all the same.
        seed: decides the order of mini-batches.
        dtype: "float64" or "float32" of the products; theta itself is float64.
        arithmetic: "ordered" or "blas", see `engine.evaluator.make_evaluator`.
        n_threads: threads that share one step; the result has the same bits for any number.
        train: the part of theta that steps move, a name of `engine.parts.PARTS`; everything else keeps its
            bits. The gradient, and the norm of it that is recorded, are of that part: 0 elsewhere.
        record_disparities: at every so many steps, and before the first, l1, l2, cross-entropy, entropy, KL
            and both losses' gradient norms go into the history, see `engine.history.DISPARITY_SERIES`; they
            cost three passes over the data each time. 0 for never.

    Attributes:
        state: READY, RUNNING, PAUSED or STOPPED.
        reason: why it is stopped, or paused at a rise or with a full history, in one sentence; "" otherwise.
        pause_at: at which rises it pauses; a `PauseAtRise`.
        suggested_rate: after a divergence half the rate, else None.
        most_steps: `advance` pauses at this step, or before it where long branches take the room, and goes further
            only along a way that is recorded; `step` takes no notice. None for no bound.
    """

    def __init__(
        self,
        net: MLP,
        data: Dataset,
        theta: Any,
        learning_rate: float = 0.5,
        batch_size: int | None = None,
        seed: int = 0,
        dtype: str = "float64",
        arithmetic: str = "ordered",
        n_threads: int = 1,
        config: RunConfig | None = None,
        train: str = "all",
        record_disparities: int = 0,
    ) -> None:
        if not isinstance(net, MLP):
            raise TypeError(f"net must be an engine.MLP, not {type(net).__name__}.")
        if not isinstance(data, Dataset):
            raise TypeError(f"data must be an engine.Dataset, not {type(data).__name__}.")
        start = checks.vector("theta", theta, net.n_params).copy()
        settings = Settings(
            checks.real_number("learning_rate", learning_rate, above=0.0),
            check_batch_size(batch_size, data.n_samples),
            checks.whole_number("seed", seed, at_least=0),
            arithmetic,
        )
        kernels = {"dtype": dtype, "n_threads": n_threads, "train": train}
        config = config or _config_of(net, data, settings, dtype, train, record_disparities)
        self._descent = Descent(net, data, start, settings, config, kernels, record_disparities)
        self._forks = Forks(self._descent)
        self.run_id = 0
        self.generation = 0
        self.pause_at = PauseAtRise()
        self.most_steps: int | None = None
        self._saved: list[Point] = []
        self._to_go: int | None = None
        self._pacer = Pacer()
        self._leave: Flag = np.zeros(1, dtype=np.int64)
        self._steps_per_s = 0.0
        self._set_state(State.READY)

    @classmethod
    def from_config(cls, config: RunConfig, n_threads: int = 1, data: Dataset | None = None) -> Trainer:
        """Return the Trainer of a RunConfig: loads the data, unless the caller has kept them, and draws the start."""
        data = load_dataset(config.data) if data is None else data
        if config.n_samples is not None:
            data = data.first(config.n_samples)
        if config.noise:
            data = data.with_noise(config.noise, config.noise_seed)
        net = MLP.from_config(config, data)
        theta = _first_theta(net, config)
        return cls(
            net,
            data,
            theta,
            config.learning_rate,
            config.batch_size,
            config.seed,
            config.dtype,
            config.arithmetic,
            n_threads,
            config,
            config.train,
            config.record_disparities,
        )

    @property
    def net(self) -> MLP:
        """The network; a perturbation that duplicates a unit makes another one."""
        return self._descent.net

    @property
    def data(self) -> Dataset:
        """What it is trained on."""
        return self._descent.data

    @property
    def config(self) -> RunConfig:
        """The settings in use."""
        return self._descent.config

    @property
    def history(self) -> History:
        """The record: entry 0 is before any step, so every series has length n_steps + 1."""
        return self._descent.history

    @property
    def events(self) -> list[tuple[int, Change]]:
        """(step, command) of whatever changed the run since the start; with it every step can be had again."""
        return list(self._descent.events)

    @property
    def branches(self) -> Branches:
        """The other ways that the run has gone, and the name of this one."""
        return self._forks.branches

    @property
    def notice(self) -> str:
        """What was done beside what was asked for, in one sentence that somebody should read; or ""."""
        return self._forks.notice

    @property
    def theta(self) -> FloatArray:
        """A copy of the parameters, (n_params,)."""
        return self._descent.theta.copy()

    @property
    def n_steps(self) -> int:
        """Steps taken since the start."""
        return self._descent.n_steps

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return self._descent.settings.learning_rate

    @property
    def wait_s(self) -> float:
        """After how many seconds the pace of the run has a next step due; 0 while it runs at full speed."""
        return self._pacer.wait_s()

    def step(self, n_steps: int = 1) -> int:
        """Take n_steps steps and return how many were taken: fewer where the run diverged or `pause_at` a rise."""
        self.apply(Step(n_steps))
        start = self.n_steps
        while self.state is State.RUNNING:
            self._advance_once(_LONG_CALL_S)
        return self.n_steps - start

    def perturb(self, name: str, **options: Any) -> None:
        """Move theta by one of `engine.PERTURBATIONS`; raises ValueError or TypeError, moving nothing."""
        self.apply(Perturb(name, options))

    def apply(self, command: Command) -> None:
        """Carry out a command; on ValueError or TypeError nothing has changed."""
        net = self.net
        self._carry_out(command)
        if self.net is not net:
            self.run_id += 1
            self._saved = [point for point in self._saved if len(point.theta) == self.net.n_params]

    def _carry_out(self, command: Command) -> None:
        match command:
            case Run(until, steps_per_s):
                self._start(None if until is None else max(0, until - self.n_steps), Pacer(steps_per_s))
            case Step(n_steps):
                self._start(n_steps, Pacer())
            case Pause():
                if self.state is State.RUNNING:
                    self._set_state(State.PAUSED)
            case PauseAtRise():
                self.pause_at = command
            case SetLearningRate() | Perturb() | SetBatches() | SetArithmetic():
                self._forks.change(command)
                self._note_kicks((command,))
            case BranchOff(changes, name):
                self._forks.branch_off(changes, name)
                self._note_kicks(changes)
            case SwitchTo(number):
                self._forks.switch_to(number)
                self._note_move()
            case GoTo(step):
                self._forks.go_to(step)
                self._note_move()
            case Reset():
                self._forks.begin_anew()
                self._note_move()
            case RenameBranch(number, name):
                self._forks.branches = self.branches.renamed(number, name)
            case RemoveBranch(number):
                self._forks.branches = self.branches.without(number)
                if self._is_full:
                    self._stand_still()  # there may be room again
            case SavePoint(label):
                self._saved.append(
                    Point(label, self.n_steps, frozen(self._descent.theta), self._descent.now.loss)
                )
            case Load() | OpenRun() | SaveRun():
                raise TypeError(f"{type(command).__name__} is for the EngineThread, which has the Trainer.")

    def _start(self, n_steps: int | None, pacer: Pacer) -> None:
        """Be on the way for so many steps, or until somebody pauses it."""
        self._to_go, self._pacer = n_steps, pacer
        self._set_state(State.PAUSED if n_steps == 0 else State.RUNNING)

    def _note_kicks(self, changes: Sequence[Change]) -> None:
        """After changes: where a kick has moved theta, a run that had not begun, or diverged, can go on."""
        n_kicks = sum(isinstance(change, Perturb) for change in changes)
        self.generation += n_kicks
        if n_kicks and self.state in (State.STOPPED, State.READY):
            self._set_state(State.PAUSED)

    def _note_move(self) -> None:
        """After a way to another moment of the run: it stands there."""
        self.generation += 1
        self._stand_still()

    def _stand_still(self) -> None:
        self._to_go = None
        self._set_state(State.PAUSED if self.n_steps or self._descent.events else State.READY)

    def _set_state(self, state: State, reason: str = "", is_full: bool = False) -> None:
        self.state = state
        self.reason = reason
        self._is_full = is_full
        self.suggested_rate: float | None = None

    def load_kernels(self) -> None:
        """Compile what steps need, or load it where it is compiled, without taking one."""
        descent, leave = self._descent, np.ones(1, dtype=np.int64)
        copies = descent.theta.copy(), descent.gradient.copy()
        descent.evaluator.advance(*copies, self.learning_rate, Records.empty(1), leave)

    def warm_up(self) -> None:
        """Compile whatever the first step and the first slice need, without moving anything."""
        from engine.landscape import line_slice  # it uses kernels of its own

        self.load_kernels()
        one = self.data.first(1).with_noise(0.0)
        line_slice(self.net, one, self._descent.theta, self._descent.gradient, np.zeros(1))

    def advance(self, budget_s: float) -> int:
        """Train for about budget_s seconds if running, no faster than its pace; return the number of steps taken.

        At step `most_steps` it pauses, and so it does there whenever it is to run again.
        """
        start, deadline = self.n_steps, time.perf_counter() + budget_s
        while self.state is State.RUNNING and self._pacer.n_due() != 0:
            room = self._n_recordable()
            if room == 0:
                self._set_state(State.PAUSED, self._full_sentence(), is_full=True)
                break
            self._advance_once(_CALL_S, room, self._leave)
            if self._leave[0] or time.perf_counter() >= deadline:
                break
        return self.n_steps - start

    def _n_recordable(self) -> int | None:
        """Return for how many more steps the record has room, None for any number."""
        if self.most_steps is None:
            return None
        most = self.most_steps - self.branches.n_beyond
        return max(most, self._forks.furthest) - self.n_steps  # what is ahead is in the memory already

    def _full_sentence(self) -> str:
        beside, remedy = (
            (" beside its branches", "remove a branch, or ") if self.branches.n_beyond else ("", "")
        )
        return (
            f"The record of this run is full: it holds {self.n_steps:,} steps{beside}, and more would take the memory "
            f"that other work needs; save the run to keep it, then {remedy}go back to an earlier step and change "
            "something there."
        )

    def hurry(self, is_awaited: bool = True) -> None:
        """Let `advance` return as soon as it can, until this is called with False. For any thread.

        A full-batch step under way is thrown away and taken later, with the same bits; `step` takes no notice.
        """
        self._leave[0] = is_awaited

    def _advance_once(self, call_s: float, most: int | None = None, leave: Flag | None = None) -> None:
        """One engine call of about call_s seconds and at most `most` steps; less where leave says so."""
        n = max(1, int(call_s * self._steps_per_s))
        n = min([n, *(bound for bound in (most, self._to_go, self._pacer.n_due()) if bound is not None)])
        done = self._descent.advance(n, self.pause_at, leave)
        if done.n_steps:
            self._count(done)
        self._forks.follow()
        if done.rise:
            self._set_state(State.PAUSED, done.rise)
        elif done.has_diverged:
            self._stop_diverged()
        elif self._to_go == 0:
            self._set_state(State.PAUSED)

    def _count(self, done: Advance) -> None:
        self._pacer.note(done.n_steps)
        if self._to_go is not None:
            self._to_go -= done.n_steps
        speed = done.n_steps / max(done.seconds, 1e-9)
        # A first short call is mostly overhead: follow a speed that is much higher at once.
        is_far_off = speed > 1.5 * self._steps_per_s
        self._steps_per_s = speed if is_far_off else 0.8 * self._steps_per_s + 0.2 * speed

    def _stop_diverged(self) -> None:
        step = self.n_steps + 1
        self._set_state(
            State.STOPPED,
            f"Step {step:,} at learning rate {self.learning_rate:g} would give a loss that is not a finite number; "
            f"the run stands at step {self.n_steps:,}. Try half the rate, {self.learning_rate / 2:g}.",
        )
        self.suggested_rate = self.learning_rate / 2

    def take_notice(self) -> str:
        """Return `notice` and forget it."""
        notice, self._forks.notice = self._forks.notice, ""
        return notice

    def snapshot(self) -> Snapshot:
        """Return this moment, frozen."""
        descent, branches = self._descent, self.branches
        return Snapshot(
            run_id=self.run_id,
            generation=self.generation,
            state=self.state,
            reason=self.reason,
            suggested_rate=self.suggested_rate,
            config=descent.config,
            net=descent.net,
            data=descent.data,
            n_steps=descent.n_steps,
            learning_rate=self.learning_rate,
            theta=frozen(descent.theta),
            gradient=frozen(descent.gradient),
            loss=descent.now.loss,
            n_errors=descent.now.n_errors,
            n_tied=descent.now.n_tied,
            gradient_norm=descent.now.gradient_norm,
            history=descent.history.view(),
            path=descent.path.points,
            saved=tuple(self._saved),
            steps_per_s=self._pacer.slowed(self._steps_per_s),
            rates=self._rates(),
            batches=self._batches(),
            furthest=self._forks.furthest,
            branches=branches.kept,
            batch_seed=descent.settings.batch_seed,
            branch_number=branches.number,
            branch_name=branches.name,
            pause_at=self.pause_at,
            is_full=self._is_full,
        )

    def _rates(self) -> tuple[tuple[int, float], ...]:
        """Return (step, rate) for the start and each change of the rate; see Snapshot."""
        changes = [
            (at, event.learning_rate) for at, event in self.events if isinstance(event, SetLearningRate)
        ]
        return (0, self._descent.start_settings.learning_rate), *changes

    def _batches(self) -> tuple[tuple[int, int | None], ...]:
        """Return (step, batch size) for the start and each change of the batches; see Snapshot."""
        changes = [(at, event.batch_size) for at, event in self.events if isinstance(event, SetBatches)]
        return (0, self._descent.start_settings.batch_size), *changes

    def record(self) -> RunRecord:
        """Return everything that a run file holds: copies, or what never changes, for another thread to write."""
        return replace(
            self._descent.record(), saved=tuple(self._saved), branches=self.branches, ahead=self._forks.ahead
        )

    @classmethod
    def from_record(cls, record: RunRecord, n_threads: int = 1) -> Trainer:
        """Return a Trainer that stands where the recorded one stood, paused, and goes on with the same bits.

        Raises ValueError where the record does not fit together.
        """
        config = record.start_config
        trainer = cls(
            record.start_net,
            record.data,
            record.start,
            config.learning_rate,
            config.batch_size,
            config.seed,
            config.dtype,
            config.arithmetic,
            n_threads,
            config,
            config.train,
            config.record_disparities,
        )
        checks.vector("theta", record.theta, record.net.n_params)
        checks.real_number("learning_rate", record.learning_rate, above=0.0)
        trainer._descent.stand_at(record)
        trainer._forks = Forks(trainer._descent, record.branches, record.ahead)
        trainer._saved = list(record.saved)
        trainer._stand_still()
        return trainer


def _first_theta(net: MLP, config: RunConfig) -> FloatArray:
    if config.init == "witness":
        return witnesses.start(net, config)
    return net.init(config.init, config.seed, config.init_scale, config.init_value)


def _config_of(
    net: MLP,
    data: Dataset,
    settings: Settings,
    dtype: str,
    train: str,
    record_disparities: int,
) -> RunConfig:
    """Return the settings of a Trainer that was made from arrays; its start is not described by them."""
    return RunConfig(
        data=data.name or "mine",
        hidden=net.layer_sizes[1:-1],
        activation=net.activation or ("logistic",),
        loss=net.loss_name,
        skip=net.skip,
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        seed=settings.batch_seed,
        dtype=dtype,
        arithmetic=settings.arithmetic,
        train=train,
        noise=data.noise.strength if data.noise else 0.0,
        noise_seed=data.noise.seed if data.noise else 0,
        record_disparities=record_disparities,
    )
