"""Trainer: a synchronous state machine over one flat theta. No thread, no screen."""

from __future__ import annotations

import time
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from engine import checks, witnesses
from engine.commands import (
    Command,
    GoTo,
    Load,
    OpenRun,
    Pause,
    Perturb,
    Reset,
    Run,
    SavePoint,
    SaveRun,
    SetLearningRate,
    Step,
)
from engine.config import RunConfig
from engine.datasets import Dataset, load_dataset
from engine.evaluator import Evaluation, Records, make_evaluator
from engine.history import History, Jump
from engine.mlp import MLP
from engine.path import Path
from engine.perturbations import PERTURBATION_TABLE, perturb
from engine.run_record import RunRecord
from engine.snapshot import Point, Snapshot, State
from engine.symmetry import spread

if TYPE_CHECKING:
    from engine.disparities import DisparityMeter

FloatArray = npt.NDArray[np.float64]

_CALL_S: Final = 0.010  # one engine call: longer ones wait for Python less often, shorter ones pause sooner
_MOST_STEPS_A_CALL: Final = 4096
_KEPT_BYTES_A_CALL: Final = 2**22  # for copies of theta on the way
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
        reason: why it is stopped, in one sentence; "" otherwise.
        suggested_rate: after a divergence half the rate, else None.
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
        self._start = (net, checks.vector("theta", theta, net.n_params).copy())
        self._start_rate = checks.real_number("learning_rate", learning_rate, above=0.0)
        self._batch_size = _batch_size(batch_size, data)
        self._seed = checks.whole_number("seed", seed, at_least=0)
        self.events: list[tuple[int, SetLearningRate | Perturb]] = []
        self._arithmetic = {"dtype": dtype, "arithmetic": arithmetic, "n_threads": n_threads, "train": train}
        self._every = _every(record_disparities, net)
        self._start_config = config or _config_of(
            net, data, self._start_rate, self._batch_size, seed, dtype, arithmetic, train, record_disparities
        )
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
        return self._rate

    def step(self, n_steps: int = 1) -> int:
        """Take n_steps steps and return how many were taken: fewer only when the run diverged."""
        self.apply(Step(n_steps))
        start = self.n_steps
        while self.state is State.RUNNING:
            self._advance_once()
        return self.n_steps - start

    def perturb(self, name: str, **options: Any) -> None:
        """Move theta by one of `engine.PERTURBATIONS`; raises ValueError or TypeError, moving nothing."""
        self.apply(Perturb(name, options))

    def apply(self, command: Command) -> None:
        """Carry out a command; on ValueError or TypeError nothing has changed."""
        match command:
            case Run():
                self._to_go = None
                self._set_state(State.RUNNING)
            case Pause():
                if self.state is State.RUNNING:
                    self._set_state(State.PAUSED)
            case Step(n_steps):
                self._to_go = n_steps
                self._set_state(State.RUNNING)
            case Reset():
                self.generation += 1
                self._restart()
            case SetLearningRate(learning_rate):
                self._rate = float(learning_rate)  # a whole number would have the kernels compiled anew
                self.events.append((self.n_steps, command))
            case Perturb(name, options):
                self._perturb(name, options)
                self.events.append((self.n_steps, command))
            case GoTo(step):
                self._go_to(step)
            case SavePoint(label):
                self._saved.append(Point(label, self.n_steps, _frozen(self._theta), self._now.loss))
            case Load() | OpenRun() | SaveRun():
                raise TypeError(f"{type(command).__name__} is for the EngineThread, which has the Trainer.")

    def warm_up(self) -> None:
        """Compile whatever the first step and the first slice need, without moving anything."""
        from engine.landscape import line_slice  # it uses kernels of its own

        self._evaluator.advance(self._theta.copy(), self._gradient.copy(), self._rate, Records.empty(1))
        line_slice(self.net, self.data.first(1).with_noise(0.0), self._theta, self._gradient, np.zeros(1))

    def advance(self, budget_s: float) -> int:
        """Train for about budget_s seconds if running; return the number of steps taken."""
        start, deadline = self.n_steps, time.perf_counter() + budget_s
        while self.state is State.RUNNING:
            self._advance_once()
            if time.perf_counter() >= deadline:
                break
        return self.n_steps - start

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
            learning_rate=self._rate,
            theta=_frozen(self._theta),
            gradient=_frozen(self._gradient),
            loss=self._now.loss,
            n_errors=self._now.n_errors,
            n_tied=self._now.n_tied,
            gradient_norm=self._now.gradient_norm,
            history=self.history.view(),
            path=self._path.points,
            saved=tuple(self._saved),
            steps_per_s=self._steps_per_s,
            rates=self._rates(),
        )

    def _rates(self) -> tuple[tuple[int, float], ...]:
        """Return (step, rate) for the start and each change of the rate; see Snapshot."""
        changes = [
            (at, event.learning_rate) for at, event in self.events if isinstance(event, SetLearningRate)
        ]
        return (0, self._start_rate), *changes

    def record(self) -> RunRecord:
        """Return everything that a run file holds: copies, or what never changes, for another thread to write."""
        return RunRecord(
            start_config=self._start_config,
            start_net=self._start[0],
            start=self._start[1],
            config=self.config,
            net=self.net,
            theta=self.theta,
            data=self.data,
            learning_rate=self._rate,
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
        trainer._use(record.net, checks.vector("theta", record.theta, record.net.n_params))
        trainer.config = record.config
        trainer._now = trainer._evaluate()
        trainer.history, trainer._path = History.of(record.history), Path.of(record.path, record.stride)
        trainer.history.rebase(trainer._now.loss, trainer._now.n_errors, trainer._now.n_tied)
        trainer.events, trainer._saved = list(record.events), list(record.saved)
        trainer._rate = checks.real_number("learning_rate", record.learning_rate, above=0.0)
        trainer._shuffle_to(trainer.n_steps)
        trainer._set_state(State.PAUSED if trainer.n_steps or record.events else State.READY)
        return trainer

    def _restart(self) -> None:
        if getattr(self, "net", self._start[0]) is not self._start[0]:
            self.run_id += 1
        self._use(*self._start)
        self.config = self._start_config
        self._rate = self._start_rate
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
        self._rng = np.random.default_rng(self._seed)
        self._order = np.empty(0, dtype=np.int64)

    def _go_to(self, step: int) -> None:
        """Take the last checkpoint that no kick touched, and go from there as the run went."""
        if step > self.n_steps:
            raise ValueError(
                f"step must be at most {self.n_steps:,}, the last one of this run, not {step:,}."
            )
        history, path, events = self.history, self._path, self.events
        kicked = {at for at, event in events if isinstance(event, Perturb)}
        usable = [point for point in path.points if 0 < point.step <= step and point.step not in kicked]
        generation = self.generation + 1
        if usable:
            self._take(usable[-1], history, path)
        else:
            self._restart()
        first = self.n_steps
        for at, event in events:
            if at >= step:
                break
            if at >= first:
                self._step_to(at)
                self._repeat(event)
        self.events = [(at, event) for at, event in events if at < step]
        self._step_to(step)
        self.generation = generation
        self._set_state(State.PAUSED if step else State.READY)

    def _step_to(self, step: int) -> None:
        if step > self.n_steps:
            self.step(step - self.n_steps)

    def _repeat(self, event: SetLearningRate | Perturb) -> None:
        if isinstance(event, Perturb):
            self._perturb(event.name, event.options)
        else:
            self._rate = float(event.learning_rate)

    def _take(self, point: Point, history: History, path: Path) -> None:
        """Stand at a checkpoint of the present network, with the rate and the order of batches of that step."""
        self._theta[:] = point.theta
        self._now = self._evaluate()
        self.history, self._path = history.shortened(point.step + 1), path.shortened(point.step)
        self.history.rebase(self._now.loss, self._now.n_errors, self._now.n_tied)
        self._rate = self._start_rate
        for at, event in self.events:
            if at < point.step and isinstance(event, SetLearningRate):
                self._rate = float(event.learning_rate)
        self._shuffle_to(point.step)

    def _shuffle_to(self, n_steps: int) -> None:
        """Bring the order of mini-batches to where it is after n_steps steps."""
        self._shuffle_anew()
        if self._batch_size is not None:
            for _ in range(n_steps):
                self._next_rows()

    def _use(self, net: MLP, theta: FloatArray) -> None:
        self.net = net
        self._evaluator = make_evaluator(net, self.data, **self._arithmetic)  # type: ignore[arg-type]
        self._theta = theta.copy()
        self._gradient = np.empty(net.n_params)
        self._saved = [point for point in self._saved if point.theta.shape == theta.shape]

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
            options = {key: self._arithmetic[key] for key in ("n_threads", "train")}
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
        for k, theta in enumerate(records.thetas):
            n = records.first + k * records.stride
            self._path.add(before + n, theta, float(records.loss[n - 1]))

    def _set_state(self, state: State, reason: str = "") -> None:
        self.state = state
        self.reason = reason
        self.suggested_rate: float | None = None

    @_QUIETLY
    def _advance_once(self) -> None:
        """One engine call of a few milliseconds."""
        n = self._n_for_one_call()
        first, stride = self._path.steps_to_next(self.n_steps), self._path.stride
        records, started = Records.empty(n, self.net.n_params, first, stride), time.perf_counter()
        if self._batch_size is None:
            n_done, diverged = self._evaluator.advance(self._theta, self._gradient, self._rate, records)
        else:
            n_done, diverged = self._batch_steps(records)
        if n_done:
            self._note(records.shortened(n_done), time.perf_counter() - started)
            self._record_disparities()
        if diverged:
            self._stop_diverged()
        elif self._to_go == 0:
            self._set_state(State.PAUSED)

    def _n_for_one_call(self) -> int:
        n = max(1, min(_MOST_STEPS_A_CALL, int(_CALL_S * self._steps_per_s)))
        n = min(n, max(1, _KEPT_BYTES_A_CALL // self._theta.nbytes) * self._path.stride)
        if self._every:
            n = min(n, self._every - self.n_steps % self._every)
        return n if self._to_go is None else min(n, self._to_go)

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
            f"Step {step:,} at learning rate {self._rate:g} would give a loss that is not a finite number; "
            f"the run stands at step {self.n_steps:,}. Try half the rate, {self._rate / 2:g}.",
        )
        self.suggested_rate = self._rate / 2

    def _batch_steps(self, records: Records) -> tuple[int, bool]:
        batch_gradient = np.empty_like(self._gradient)
        for i in range(len(records.loss)):
            shuffled, order = self._rng.bit_generator.state, self._order
            rows, before, gradient_before = self._next_rows(), self._theta.copy(), self._gradient.copy()
            self._evaluator.evaluate(self._theta, batch_gradient, rows)
            self._theta -= self._rate * batch_gradient
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
        assert self._batch_size is not None
        if len(self._order) < self._batch_size:
            self._order = self._rng.permutation(self.data.n_samples)
        rows, self._order = np.split(self._order, [self._batch_size])
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
            evaluator = make_evaluator(net, self.data, **self._arithmetic)  # type: ignore[arg-type]
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
    rate: float,
    batch_size: int | None,
    seed: int,
    dtype: str,
    arithmetic: str,
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
        learning_rate=rate,
        batch_size=batch_size,
        seed=seed,
        dtype=dtype,
        arithmetic=arithmetic,
        train=train,
        noise=data.noise.strength if data.noise else 0.0,
        noise_seed=data.noise.seed if data.noise else 0,
        record_disparities=record_disparities,
    )
