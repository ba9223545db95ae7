"""Trainer: a synchronous state machine over one flat theta. No thread, no screen."""

from __future__ import annotations

import time
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from engine import checks, witnesses
from engine.branches import Branches, is_on_the_way
from engine.changes import Events, Settings, parting_step
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
from engine.evaluator import Evaluation, Evaluator, Flag, Records, make_evaluator
from engine.history import History, Jump
from engine.mlp import MLP
from engine.pacer import Pacer
from engine.path import Path
from engine.perturbations import PERTURBATION_TABLE, perturb
from engine.run_record import RunRecord
from engine.snapshot import Point, Snapshot, State
from engine.symmetry import spread

if TYPE_CHECKING:
    from engine.disparities import DisparityMeter

FloatArray = npt.NDArray[np.float64]

_CALL_S: Final = 0.010  # one engine call: longer ones wait for Python less often, shorter ones pause sooner
_LONG_CALL_S: Final = 0.050  # where nobody can ask for a pause before the end
_MOST_STEPS_A_CALL: Final = 4096
_KEPT_BYTES_A_CALL: Final = 2**22  # for copies of theta on the way
_BRANCH_BYTES: Final = 8 * 2**20  # for the checkpoints of a branch
_QUIETLY: Final = np.errstate(over="ignore", invalid="ignore")  # a loss that overflows is told in a sentence


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
        history: entry 0 is before any step, so every series has length n_steps + 1.
        events: (step, command) of whatever changed the run since the start; with it every step can be had again.
        state: READY, RUNNING, PAUSED or STOPPED.
        reason: why it is stopped, or paused at a rise, in one sentence; "" otherwise.
        pause_at: at which rises it pauses; a `PauseAtRise`.
        suggested_rate: after a divergence half the rate, else None.
        branches: the other ways that the run has gone, and the name of this one.
        notice: what was done beside what was asked for, in one sentence that somebody should read; or "".
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
        self.data = data
        self._to_go: int | None = None
        self._pacer = Pacer()
        self._leave: Flag = np.zeros(1, dtype=np.int64)
        self.pause_at = PauseAtRise()
        self._start = (net, checks.vector("theta", theta, net.n_params).copy())
        self._start_settings = Settings(
            checks.real_number("learning_rate", learning_rate, above=0.0),
            _batch_size(batch_size, data),
            checks.whole_number("seed", seed, at_least=0),
            arithmetic,
        )
        self._settings = self._start_settings
        self.events: list[tuple[int, Change]] = []
        self._kernels = {"dtype": dtype, "n_threads": n_threads, "train": train}
        self._every = _every(record_disparities, net)
        self._start_config = config or _config_of(net, data, self._settings, dtype, train, record_disparities)
        self.branches = Branches()
        self.notice = ""
        self._ahead: RunRecord | None = None
        self._made: tuple[MLP, str, Evaluator] | None = None
        self.run_id = 0
        self.generation = 0
        self._saved: list[Point] = []
        self._kept_meter: DisparityMeter | None = None
        self._restart()

    @classmethod
    def from_config(cls, config: RunConfig, n_threads: int = 1, data: Dataset | None = None) -> Trainer:
        """Return the Trainer of a RunConfig: loads the data, unless the caller has kept them, and draws the start."""
        data = load_dataset(config.data) if data is None else data
        if config.n_samples is not None:
            data = data.first(config.n_samples)
        if config.noise:
            data = data.with_noise(config.noise, config.noise_seed)
        net = MLP.from_config(config, data)
        theta = _start(net, config)
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
    def theta(self) -> FloatArray:
        """A copy of the parameters, (n_params,)."""
        return self._theta.copy()

    @property
    def n_steps(self) -> int:
        """Steps taken since the start."""
        return self.history.n_entries - 1

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return self._settings.learning_rate

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
        match command:
            case Run(until, steps_per_s):
                self._to_go = None if until is None else max(0, until - self.n_steps)
                self._pacer = Pacer(steps_per_s)
                self._set_state(State.PAUSED if self._to_go == 0 else State.RUNNING)
            case Pause():
                if self.state is State.RUNNING:
                    self._set_state(State.PAUSED)
            case PauseAtRise():
                self.pause_at = command
            case Step(n_steps):
                self._to_go = n_steps
                self._pacer = Pacer()
                self._set_state(State.RUNNING)
            case Reset():
                self.generation += 1
                self._restart()
                self._ahead, self.branches = None, self.branches.begun_anew()
            case SetLearningRate() | Perturb() | SetBatches() | SetArithmetic():
                self._change(command)
            case BranchOff(changes, name):
                self._branch_off(changes, name)
            case SwitchTo(number):
                self._switch_to(number)
            case RenameBranch(number, name):
                self.branches = self.branches.renamed(number, name)
            case RemoveBranch(number):
                self.branches = self.branches.without(number)
            case GoTo(step):
                self._go_to(step)
            case SavePoint(label):
                self._saved.append(Point(label, self.n_steps, _frozen(self._theta), self._now.loss))
            case Load() | OpenRun() | SaveRun():
                raise TypeError(f"{type(command).__name__} is for the EngineThread, which has the Trainer.")

    def load_kernels(self) -> None:
        """Compile what steps need, or load it where it is compiled, without taking one."""
        copies, leave = (self._theta.copy(), self._gradient.copy()), np.ones(1, dtype=np.int64)
        self._evaluator.advance(*copies, self.learning_rate, Records.empty(1), leave)

    def warm_up(self) -> None:
        """Compile whatever the first step and the first slice need, without moving anything."""
        from engine.landscape import line_slice  # it uses kernels of its own

        self.load_kernels()
        line_slice(self.net, self.data.first(1).with_noise(0.0), self._theta, self._gradient, np.zeros(1))

    @property
    def wait_s(self) -> float:
        """After how many seconds the pace of the run has a next step due; 0 while it runs at full speed."""
        return self._pacer.wait_s()

    def advance(self, budget_s: float) -> int:
        """Train for about budget_s seconds if running, no faster than its pace; return the number of steps taken."""
        start, deadline = self.n_steps, time.perf_counter() + budget_s
        while self.state is State.RUNNING and self._pacer.n_due() != 0:
            self._advance_once(leave=self._leave)
            if self._leave[0] or time.perf_counter() >= deadline:
                break
        return self.n_steps - start

    def hurry(self, is_awaited: bool = True) -> None:
        """Let `advance` return as soon as it can, until this is called with False. For any thread.

        A full-batch step under way is thrown away and taken later, with the same bits; `step` takes no notice.
        """
        self._leave[0] = is_awaited

    def snapshot(self) -> Snapshot:
        """Return this moment, frozen."""
        return Snapshot(
            run_id=self.run_id,
            generation=self.generation,
            state=self.state,
            reason=self.reason,
            suggested_rate=self.suggested_rate,
            config=self.config,
            net=self.net,
            data=self.data,
            n_steps=self.n_steps,
            learning_rate=self.learning_rate,
            theta=_frozen(self._theta),
            gradient=_frozen(self._gradient),
            loss=self._now.loss,
            n_errors=self._now.n_errors,
            n_tied=self._now.n_tied,
            gradient_norm=self._now.gradient_norm,
            history=self.history.view(),
            path=self._path.points,
            saved=tuple(self._saved),
            steps_per_s=self._pacer.slowed(self._steps_per_s),
            rates=self._rates(),
            batches=self._batches(),
            furthest=self.n_steps if self._ahead is None else self._ahead.n_steps,
            branches=self.branches.kept,
            batch_seed=self._settings.batch_seed,
            branch_number=self.branches.number,
            branch_name=self.branches.name,
            pause_at=self.pause_at,
        )

    def _rates(self) -> tuple[tuple[int, float], ...]:
        """Return (step, rate) for the start and each change of the rate; see Snapshot."""
        changes = [
            (at, event.learning_rate) for at, event in self.events if isinstance(event, SetLearningRate)
        ]
        return (0, self._start_settings.learning_rate), *changes

    def _batches(self) -> tuple[tuple[int, int | None], ...]:
        """Return (step, batch size) for the start and each change of the batches; see Snapshot."""
        changes = [(at, event.batch_size) for at, event in self.events if isinstance(event, SetBatches)]
        return (0, self._start_settings.batch_size), *changes

    def record(self) -> RunRecord:
        """Return everything that a run file holds: copies, or what never changes, for another thread to write."""
        return replace(self._own_record(), branches=self.branches, ahead=self._ahead)

    def _own_record(self) -> RunRecord:
        """Return the record of this run without its branches."""
        return RunRecord(
            start_config=self._start_config,
            start_net=self._start[0],
            start=self._start[1],
            config=self.config,
            net=self.net,
            theta=self.theta,
            data=self.data,
            learning_rate=self.learning_rate,
            events=tuple(self.events),
            history=self.history.view(),
            path=self._path.points,
            stride=self._path.stride,
            saved=tuple(self._saved),
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
        trainer._stand_at(record)
        trainer._saved = list(record.saved)
        trainer.branches, trainer._ahead = record.branches, record.ahead
        return trainer

    def _stand_at(self, record: RunRecord) -> None:
        """Stand where a record of this run stood, paused; points that somebody saved stay."""
        self.run_id += record.net is not self.net
        self._settings = self._start_settings.at(record.events, record.n_steps + 1)
        self._use(record.net, record.theta)
        self.config = record.config
        self._now = self._evaluate()
        self.history, self._path = History.of(record.history), Path.of(record.path, record.stride)
        self.history.rebase(self._now.loss, self._now.n_errors, self._now.n_tied)
        self.events = list(record.events)
        self._shuffle_to(self.n_steps)
        self._to_go = None
        self._set_state(State.PAUSED if self.n_steps or self.events else State.READY)

    def _change(self, change: Change) -> None:
        """Change something from here on; a way that the run then no longer goes becomes a branch."""
        if isinstance(change, SetLearningRate) and change.learning_rate == self.learning_rate:
            return
        events = (*self.events, (self.n_steps, change))
        branches, told = self._parted(events)
        self._carry_out(change)
        self.events = list(events)
        self._take_branches(branches, told)

    def _carry_out(self, change: Change) -> None:
        """Let a change take effect; on ValueError or TypeError nothing has changed."""
        if isinstance(change, Perturb):
            self._perturb(change.name, change.options)
            return
        if isinstance(change, SetBatches):
            _batch_size(change.batch_size, self.data)
        self._settings = self._settings.changed(self.n_steps, change)
        self.config = self._settings.described_in(self.config)
        if isinstance(change, SetBatches):
            self._shuffle_anew()
        if isinstance(change, SetArithmetic):
            self._evaluator = self._make_evaluator(self.net)
            self._now = self._evaluate()
            self.history.rebase(self._now.loss, self._now.n_errors, self._now.n_tied)

    def _parted(self, events: Events) -> tuple[Branches, str]:
        """Return the branches once the run has these events, with the way that it then no longer goes, if any."""
        ahead = self._ahead
        if ahead is None or is_on_the_way(ahead, events, self.n_steps):
            return self.branches.seen_from(events), ""
        parted_at = parting_step(ahead.events, events)
        if parted_at is None or parted_at >= ahead.n_steps:  # it has no step of its own
            return self.branches.seen_from(events), ""
        return self.branches.with_kept(_slim(ahead), events)

    def _take_branches(self, branches: Branches, told: str = "") -> None:
        self.branches, self.notice = branches, told or self.notice
        if self._ahead is not None and not is_on_the_way(self._ahead, self.events, self.n_steps):
            self._ahead = None

    def _leave_way_ahead(self, ahead: RunRecord) -> None:
        """Keep the way ahead as a branch once steps have led elsewhere; forget it once they have led along it."""
        if is_on_the_way(ahead, self.events, self.n_steps):
            if self.n_steps == ahead.n_steps and len(self.events) == len(ahead.events):
                self._ahead = None
            return
        try:
            self._take_branches(*self._parted(self.events))
        except ValueError as error:
            self.notice, self._ahead = f"The way that the run had gone before is not kept: {error}", None

    def _branch_off(self, changes: tuple[Change, ...], name: str) -> None:
        before, generation, state = self._own_record(), self.generation, self.state
        events = (*self.events, *((self.n_steps, change) for change in changes))
        branches, told = self.branches.with_kept(_slim(self._ahead or before), events, True, name)
        try:
            for change in changes:
                self._carry_out(change)
        except (ValueError, TypeError):
            self._stand_at(before)
            self.generation = generation + 1
            self._set_state(state)
            raise
        self.events, self._ahead = list(events), None
        self._take_branches(branches, told)

    def _switch_to(self, number: int) -> None:
        self.branches, record = self.branches.switched(number, _slim(self._ahead or self._own_record()))
        self._ahead = None
        self.generation += 1
        self._stand_at(record)

    def _restart(self) -> None:
        if getattr(self, "net", self._start[0]) is not self._start[0]:
            self.run_id += 1
        self._settings = self._start_settings
        self._use(*self._start)
        self.config = self._start_config
        self._to_go = None
        self._steps_per_s = 0.0
        self._shuffle_anew()
        self.events = []
        self.history = History()
        self._path = Path()
        self._set_state(State.READY)
        self._now = self._evaluate()
        if not np.isfinite(self._now.loss):
            raise ValueError(f"theta must give a finite loss, not {self._now.loss}.")
        self._record_start()

    def _shuffle_anew(self) -> None:
        self._rng = np.random.default_rng(self._settings.batch_seed)
        self._order = np.empty(0, dtype=np.int64)

    def _go_to(self, step: int) -> None:
        """Go to a step of the run, or of what can be gone along again; see `GoTo`."""
        whole, generation = self._ahead or self._own_record(), self.generation + 1
        if step > whole.n_steps:
            raise ValueError(
                f"step must be at most {whole.n_steps:,}, the last one of this run, not {step:,}."
            )
        self._ahead = None  # or the steps of a replay would be taken for a way that leads elsewhere
        if self.n_steps < step == whole.n_steps:
            self._stand_at(whole)
        else:
            self._replay(whole, step)
            if step < whole.n_steps or len(self.events) < len(whole.events):
                self._ahead = whole
        self.generation = generation
        self.branches = self.branches.seen_from(self.events)

    def _replay(self, whole: RunRecord, step: int) -> None:
        """Take the last checkpoint that no kick touched, and go from there as the run went."""
        kicked = {at for at, event in whole.events if isinstance(event, Perturb)}
        usable = [point for point in whole.path if 0 < point.step <= step and point.step not in kicked]
        if usable:
            self._take(usable[-1], whole)
        else:
            self._restart()
        first = self.n_steps
        for at, event in whole.events:
            if first <= at < step:
                self._step_to(at)
                self._carry_out(event)
        self.events = [(at, event) for at, event in whole.events if at < step]
        self._step_to(step)
        self._set_state(State.PAUSED if step else State.READY)

    def _step_to(self, step: int) -> None:
        """Go on to a step of the run once more: whoever goes back there does not want to pause on the way."""
        if step > self.n_steps:
            pause_at, self.pause_at = self.pause_at, PauseAtRise()
            self.step(step - self.n_steps)
            self.pause_at = pause_at

    def _take(self, point: Point, whole: RunRecord) -> None:
        """Stand at a checkpoint of a run's last network, with the settings and the order of batches of that step."""
        self.run_id += whole.net is not self.net
        self._settings = self._start_settings.at(whole.events, point.step)
        self._use(whole.net, point.theta)
        self.config = self._settings.described_in(whole.config)
        self._now = self._evaluate()
        self.history = History.of(whole.history, point.step + 1)
        self._path = Path.of(whole.path, whole.stride).shortened(point.step)
        self.history.rebase(self._now.loss, self._now.n_errors, self._now.n_tied)
        self._shuffle_to(point.step)

    def _shuffle_to(self, n_steps: int) -> None:
        """Bring the order of mini-batches to where it is after n_steps steps."""
        self._shuffle_anew()
        if self._settings.batch_size is not None:
            for _ in range(n_steps - self._settings.batches_from):
                self._next_rows()

    def _use(self, net: MLP, theta: FloatArray) -> None:
        self.net = net
        self._evaluator = self._make_evaluator(net)
        self._theta = theta.copy()
        self._gradient = np.empty(net.n_params)
        self._saved = [point for point in self._saved if point.theta.shape == theta.shape]

    def _make_evaluator(self, net: MLP) -> Evaluator:
        """Return the evaluator of a network in the present arithmetic, the last one made where it will do."""
        arithmetic = self._settings.arithmetic
        if self._made is None or self._made[0] is not net or self._made[1] != arithmetic:
            made = make_evaluator(net, self.data, arithmetic=arithmetic, **self._kernels)  # type: ignore[arg-type]
            self._made = net, arithmetic, made
        return self._made[2]

    @_QUIETLY
    def _evaluate(self) -> Evaluation:
        return self._evaluator.evaluate(self._theta, self._gradient)

    def _record_start(self) -> None:
        records = Records.empty(1)
        self._fill(records, 0)
        self._append(records)
        self._record_disparities()
        self._path.add(0, self._theta, self._now.loss)

    def _record_disparities(self) -> None:
        if self._every and self.n_steps % self._every == 0:
            self.history.add_disparities(astuple(self._meter().measure(self._theta)))

    def _meter(self) -> DisparityMeter:
        """Return the meter for the present network; duplicating a unit makes another one."""
        from engine.disparities import DisparityMeter  # only for those who ask for it

        if self._kept_meter is None or self._kept_meter.net is not self.net:
            options = {key: self._kernels[key] for key in ("n_threads", "train")}
            self._kept_meter = DisparityMeter(self.net, self.data, **options)  # type: ignore[arg-type]
        return self._kept_meter

    def _fill(self, records: Records, i: int) -> None:
        records.loss[i], records.gradient_norm[i] = self._now.loss, self._now.gradient_norm
        records.n_errors[i], records.n_tied[i] = self._now.n_errors, self._now.n_tied
        records.symmetry_spread[i] = spread(self.net, self._theta)

    def _append(self, records: Records) -> None:
        entries = {
            name: getattr(records, name) for name in ("loss", "n_errors", "gradient_norm", "symmetry_spread")
        }
        before = self.n_steps
        self.history.extend(entries, records.n_tied)
        if len(records.thetas):
            first, stride = records.first, records.stride
            steps = range(before + first, before + first + len(records.thetas) * stride, stride)
            self._path.extend(steps, records.thetas, records.loss[first - 1 :: stride])

    def _set_state(self, state: State, reason: str = "") -> None:
        self.state = state
        self.reason = reason
        self.suggested_rate: float | None = None

    @_QUIETLY
    def _advance_once(self, call_s: float = _CALL_S, leave: Flag | None = None) -> None:
        """One engine call of about call_s seconds; less where leave says so, see `Evaluator.advance`."""
        n = self._n_for_one_call(call_s)
        first, stride = self._path.steps_to_next(self.n_steps), self._path.stride
        records, started = Records.empty(n, self.net.n_params, first, stride), time.perf_counter()
        n_done, diverged, reason = (
            self._steps_to_rise(records, leave) if self.pause_at else (*self._steps(records, leave), "")
        )
        if n_done:
            self._note(records.shortened(n_done), time.perf_counter() - started)
            self._record_disparities()
        if self._ahead is not None:
            self._leave_way_ahead(self._ahead)
        if reason:
            self._set_state(State.PAUSED, reason)
        elif diverged:
            self._stop_diverged()
        elif self._to_go == 0:
            self._set_state(State.PAUSED)

    def _steps(self, records: Records, leave: Flag | None = None) -> tuple[int, bool]:
        """Take as many steps as records has room for; return (steps taken, whether the next one diverged)."""
        if self._settings.batch_size is None:
            return self._evaluator.advance(self._theta, self._gradient, self.learning_rate, records, leave)
        return self._batch_steps(records, leave)

    def _steps_to_rise(self, records: Records, leave: Flag | None) -> tuple[int, bool, str]:
        """Do what `_steps` does, but stand at the first rise, if there is one; return why, too."""
        start, theta, gradient = self._now, self._theta.copy(), self._gradient.copy()
        order, shuffled = self._order, self._rng.bit_generator.state
        n_done, diverged = self._steps(records, leave)
        taken = records.shortened(n_done)
        rises = self.history.rises(taken.loss, taken.n_errors, taken.n_tied)
        wanted = (rises.errors & self.pause_at.errors) | (rises.loss & self.pause_at.loss)
        if not wanted.any():
            return n_done, diverged, ""
        n = int(wanted.argmax()) + 1
        if n < n_done or diverged:  # the same steps again, which have the same bits, as far as the rise
            self._theta[:], self._gradient[:], self._order = theta, gradient, order
            self._rng.bit_generator.state = shuffled
            self._steps(records.shortened(n))
        return n, False, self._rise_text(records, n, start)

    def _rise_text(self, records: Records, n: int, start: Evaluation) -> str:
        """Return what rose on the last of n steps from where start holds."""
        before = start if n == 1 else Evaluation(*(part[n - 2].item() for part in records[:4]))
        loss, n_errors = float(records.loss[n - 1]), int(records.n_errors[n - 1])
        step, losses = self.n_steps + n, f"from {before.loss:.9g} to {loss:.9g}"
        if loss > before.loss:
            return f"Step {step:,}: the loss rose {losses}."
        return f"Step {step:,}: the errors rose from {before.n_errors:,} to {n_errors:,}, while the loss fell {losses}."

    def _n_for_one_call(self, call_s: float) -> int:
        n = max(1, min(_MOST_STEPS_A_CALL, int(call_s * self._steps_per_s)))
        n = min(n, max(1, _KEPT_BYTES_A_CALL // self._theta.nbytes) * self._path.stride)
        if self._every:
            n = min(n, self._every - self.n_steps % self._every)
        return min([n, *(most for most in (self._to_go, self._pacer.n_due()) if most is not None)])

    def _note(self, records: Records, elapsed_s: float) -> None:
        n = len(records.loss)
        last = n - 1
        self._now = Evaluation(
            float(records.loss[last]),
            int(records.n_errors[last]),
            int(records.n_tied[last]),
            float(records.gradient_norm[last]),
        )
        self._append(records)
        self._pacer.note(n)
        if self._to_go is not None:
            self._to_go -= n
        speed = n / max(elapsed_s, 1e-9)
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

    def _batch_steps(self, records: Records, leave: Flag | None) -> tuple[int, bool]:
        batch_gradient = np.empty_like(self._gradient)
        for i in range(len(records.loss)):
            if leave is not None and leave[0]:
                return i, False
            shuffled, order = self._rng.bit_generator.state, self._order
            rows, before, gradient_before = self._next_rows(), self._theta.copy(), self._gradient.copy()
            self._evaluator.evaluate(self._theta, batch_gradient, rows)
            self._theta -= self.learning_rate * batch_gradient
            now = self._evaluate()
            if not (np.isfinite(now.loss) and np.isfinite(now.gradient_norm)):
                self._theta[:], self._gradient[:] = before, gradient_before
                self._rng.bit_generator.state, self._order = (
                    shuffled,
                    order,
                )  # the next try has the same batch
                return i, True
            self._now = now
            self._fill(records, i)
            records.keep(i + 1, self._theta)
        return len(records.loss), False

    def _next_rows(self) -> npt.NDArray[np.int64]:
        assert self._settings.batch_size is not None
        if len(self._order) < self._settings.batch_size:
            self._order = self._rng.permutation(self.data.n_samples)
        rows, self._order = np.split(self._order, [self._settings.batch_size])
        return rows

    @_QUIETLY
    def _perturb(self, name: str, options: dict[str, Any]) -> None:
        net, theta = perturb(self.net, self._theta, name, options)
        if self.data.noise is not None and PERTURBATION_TABLE[name].keeps_loss:
            raise ValueError(
                f"{name} must not be used with noise: each hidden unit has factors of its own, and with those "
                "of another it computes something else."
            )
        evaluator, gradient = self._evaluator, np.empty(net.n_params)
        if net is not self.net:
            evaluator = self._make_evaluator(net)
        after = evaluator.evaluate(theta, gradient)
        if not np.isfinite(after.loss):
            raise ValueError(f"{name} was not applied: it would give a loss that is not a finite number.")
        self._note_jump(name, after)
        if net is not self.net:
            self.run_id += 1
            self._path = Path()
            self.config = self.config.replace(hidden=net.layer_sizes[1:-1])
        self.net, self._evaluator, self._theta, self._gradient, self._now = (
            net,
            evaluator,
            theta,
            gradient,
            after,
        )
        self._saved = [point for point in self._saved if point.theta.shape == theta.shape]
        self.generation += 1
        self._path.add(self.n_steps, theta, after.loss)
        if self.state in (State.STOPPED, State.READY):
            self._set_state(State.PAUSED)

    def _note_jump(self, name: str, after: Evaluation) -> None:
        now = self._now
        self.history.add_jump(Jump(self.n_steps, name, now.loss, after.loss, now.n_errors, after.n_errors))
        self.history.rebase(after.loss, after.n_errors, after.n_tied)


def _start(net: MLP, config: RunConfig) -> FloatArray:
    if config.init == "witness":
        return witnesses.start(net, config)
    return net.init(config.init, config.seed, config.init_scale, config.init_value)


def _slim(record: RunRecord) -> RunRecord:
    """Return a record with fewer checkpoints, to be kept as a branch."""
    path = Path.of(record.path, record.stride).thinned(_BRANCH_BYTES)
    return replace(record, path=path.points, stride=path.stride)


def _frozen(array: FloatArray) -> FloatArray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _batch_size(batch_size: int | None, data: Dataset) -> int | None:
    if batch_size is None:
        return None
    return checks.whole_number("batch_size", batch_size, 1, data.n_samples)


def _every(record_disparities: int, net: MLP) -> int:
    every = checks.whole_number("record_disparities", record_disparities, at_least=0)
    if every and net.loss_name == "squared":
        raise ValueError("record_disparities must be 0 for the squared loss, which has no probabilities.")
    return every


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
