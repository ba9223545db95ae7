"""The run itself: one theta on its way from one start, with what is in force and the record of each step."""

from __future__ import annotations

import time
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.batch_order import BatchOrder, check_batch_size
from engine.changes import Settings
from engine.commands import Change, PauseAtRise, Perturb, SetArithmetic, SetBatches
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.evaluator import Evaluation, Evaluator, Flag, Records, make_evaluator
from engine.history import History, Jump
from engine.mlp import MLP
from engine.path import Path
from engine.perturbations import PERTURBATION_TABLE, perturb
from engine.rise_stop import n_to_rise, rise_sentence
from engine.run_record import RunRecord
from engine.snapshot import Point
from engine.symmetry import spread

if TYPE_CHECKING:
    from engine.disparities import DisparityMeter

FloatArray = npt.NDArray[np.float64]

_MOST_STEPS_AT_ONCE: Final = 4096
_KEPT_BYTES_AT_ONCE: Final = 2**22  # for copies of theta on the way
_AT_NO_RISE: Final = PauseAtRise()
_QUIETLY: Final = np.errstate(over="ignore", invalid="ignore")  # a loss that overflows is told in a sentence


class Advance(NamedTuple):
    """What came of `Descent.advance`.

    Attributes:
        n_steps: steps taken.
        has_diverged: whether the next one would give a loss or a gradient that is not finite.
        rise: what rose on the last step, in one sentence, where it stands there for that; or "".
        seconds: what the steps took, without their record.
    """

    n_steps: int
    has_diverged: bool
    rise: str
    seconds: float


class Descent:
    """Takes steps and carries out changes; when it does, and when it pauses, is for a Trainer to say.

    Args:
        net, data: what is trained on what.
        start: (n_params,) theta before the first step; it is not copied and must not change.
        settings, config: of the start.
        kernels: dtype, n_threads and train of `engine.evaluator.make_evaluator`.
        record_disparities: at every so many steps; 0 for never.

    Attributes:
        data: what it is trained on.
        net, config, settings, evaluator: the present ones; start_settings those of the start.
        theta, gradient: (n_params,) where it stands; live, and changed by nobody else.
        now: loss, errors and norm of the gradient there.
        history, path: the record: entry 0 is before any step, and checkpoints.
        events: (step, change) of whatever changed the run since the start; with it every step can be had again.

    Raises:
        ValueError: the loss at the start is not finite, or an argument is not as it must be.
    """

    def __init__(
        self,
        net: MLP,
        data: Dataset,
        start: FloatArray,
        settings: Settings,
        config: RunConfig,
        kernels: dict[str, Any],
        record_disparities: int = 0,
    ) -> None:
        self.data = data
        self._start = (net, start)
        self.start_settings = settings
        self._start_config = config
        self._kernels = kernels
        self._every = _checked_interval(record_disparities, net)
        self._made: tuple[MLP, str, Evaluator] | None = None
        self._kept_meter: DisparityMeter | None = None
        self.restart()

    @property
    def n_steps(self) -> int:
        """Steps taken since the start."""
        return self.history.n_entries - 1

    def restart(self) -> None:
        """Stand at the very same start, with an empty record."""
        self.settings, self.config = self.start_settings, self._start_config
        self._use(*self._start)
        self._order = self._order_from_here()
        self.events: list[tuple[int, Change]] = []
        self.history, self.path = History(), Path()
        self.now = self._evaluate()
        if not np.isfinite(self.now.loss):
            raise ValueError(f"theta must give a finite loss, not {self.now.loss}.")
        self._record_start()

    def stand_at(self, record: RunRecord) -> None:
        """Stand where a record of this run stood."""
        self.settings = self.start_settings.at(record.events, record.n_steps + 1)
        self.config, self.events = record.config, list(record.events)
        self._use(record.net, record.theta)
        self.now = self._evaluate()
        self.history, self.path = History.of(record.history), Path.of(record.path, record.stride)
        self._go_on_from_now()

    def stand_at_checkpoint(self, point: Point, whole: RunRecord) -> None:
        """Stand at a checkpoint of a record of this run, before whatever was changed there."""
        self.settings = self.start_settings.at(whole.events, point.step)
        self.config = self.settings.described_in(whole.config)
        self.events = [(at, change) for at, change in whole.events if at < point.step]
        self._use(whole.net, point.theta)
        self.now = self._evaluate()
        self.history = History.of(whole.history, point.step + 1)
        self.path = Path.of(whole.path, whole.stride).shortened(point.step)
        self._go_on_from_now()

    def _go_on_from_now(self) -> None:
        """Compare the next step with the present moment, and have the order of mini-batches where it is here."""
        self.history.rebase(self.now.loss, self.now.n_errors, self.now.n_tied)
        self._order = self._order_from_here()
        self._order.skip(self.n_steps - self.settings.batches_from)

    def record(self) -> RunRecord:
        """Return this run as it stands: copies, or what never changes."""
        return RunRecord(
            start_config=self._start_config,
            start_net=self._start[0],
            start=self._start[1],
            config=self.config,
            net=self.net,
            theta=self.theta.copy(),
            data=self.data,
            learning_rate=self.settings.learning_rate,
            events=tuple(self.events),
            history=self.history.view(),
            path=self.path.points,
            stride=self.path.stride,
            saved=(),
        )

    def _use(self, net: MLP, theta: FloatArray) -> None:
        self.net = net
        self.evaluator = self._make_evaluator(net)
        self.theta, self.gradient = theta.copy(), np.empty(net.n_params)

    def _make_evaluator(self, net: MLP) -> Evaluator:
        """Return the evaluator of a network in the present arithmetic, the last one made where it will do."""
        arithmetic = self.settings.arithmetic
        if self._made is None or self._made[0] is not net or self._made[1] != arithmetic:
            made = make_evaluator(net, self.data, arithmetic=arithmetic, **self._kernels)
            self._made = net, arithmetic, made
        return self._made[2]

    def _order_from_here(self) -> BatchOrder:
        return BatchOrder(self.data.n_samples, self.settings.batch_size, self.settings.batch_seed)

    @_QUIETLY
    def _evaluate(self) -> Evaluation:
        return self.evaluator.evaluate(self.theta, self.gradient)

    def advance_to(self, step: int) -> None:
        """Take the steps up to one of them, whatever rises on the way; fewer where it diverges."""
        while self.n_steps < step:
            if self.advance(step - self.n_steps).has_diverged:
                return

    @_QUIETLY
    def advance(
        self, n_steps: int, pause_at: PauseAtRise = _AT_NO_RISE, leave: Flag | None = None
    ) -> Advance:
        """Take at most n_steps steps and record them: fewer at a rise, and where there is no room for so many at once.

        As soon as another thread sets leave (1,) to something else than 0, no further step is begun.
        """
        first, stride = self.path.steps_to_next(self.n_steps), self.path.stride
        records = Records.empty(min(n_steps, self._n_at_once()), self.net.n_params, first, stride)
        started = time.perf_counter()
        if pause_at:
            n_done, has_diverged, rise = self._steps_to_rise(records, pause_at, leave)
        else:
            (n_done, has_diverged), rise = self._steps(records, leave), ""
        seconds = time.perf_counter() - started
        if n_done:
            self._note(records.shortened(n_done))
        return Advance(n_done, has_diverged, rise, seconds)

    def _n_at_once(self) -> int:
        """Return how many steps can be taken before something must be kept or measured."""
        n = min(_MOST_STEPS_AT_ONCE, max(1, _KEPT_BYTES_AT_ONCE // self.theta.nbytes) * self.path.stride)
        return min(n, self._every - self.n_steps % self._every) if self._every else n

    def _steps(self, records: Records, leave: Flag | None = None) -> tuple[int, bool]:
        """Take as many steps as records has room for; return (steps taken, whether the next one diverged)."""
        if self.settings.batch_size is None:
            rate = self.settings.learning_rate
            return self.evaluator.advance(self.theta, self.gradient, rate, records, leave)
        return self._batch_steps(records, leave)

    def _steps_to_rise(
        self, records: Records, pause_at: PauseAtRise, leave: Flag | None
    ) -> tuple[int, bool, str]:
        """Do what `_steps` does, but stand at the first rise, if there is one; return why, too."""
        start, theta, gradient, order = self.now, self.theta.copy(), self.gradient.copy(), self._order.mark()
        n_done, has_diverged = self._steps(records, leave)
        n = n_to_rise(pause_at, self.history, records.shortened(n_done))
        if not n:
            return n_done, has_diverged, ""
        if n < n_done or has_diverged:  # the same steps again, which have the same bits, as far as the rise
            self.theta[:], self.gradient[:] = theta, gradient
            self._order.go_back(order)
            self._steps(records.shortened(n))
        return n, False, rise_sentence(self.n_steps + n, start, records, n)

    def _batch_steps(self, records: Records, leave: Flag | None) -> tuple[int, bool]:
        batch_gradient = np.empty_like(self.gradient)
        for i in range(len(records.loss)):
            if leave is not None and leave[0]:
                return i, False
            order, theta, gradient = self._order.mark(), self.theta.copy(), self.gradient.copy()
            self.evaluator.evaluate(self.theta, batch_gradient, self._order.next_rows())
            self.theta -= self.settings.learning_rate * batch_gradient
            now = self._evaluate()
            if not (np.isfinite(now.loss) and np.isfinite(now.gradient_norm)):
                self.theta[:], self.gradient[:] = theta, gradient
                self._order.go_back(order)  # the next try has the same batch
                return i, True
            self.now = now
            self._fill(records, i)
            records.keep(i + 1, self.theta)
        return len(records.loss), False

    def _record_start(self) -> None:
        records = Records.empty(1)
        self._fill(records, 0)
        self._append(records)
        self._record_disparities()
        self.path.add(0, self.theta, self.now.loss)

    def _note(self, taken: Records) -> None:
        """Record steps that were taken."""
        self.now = taken.at(-1)
        before = self.n_steps
        self._append(taken)
        if len(taken.thetas):
            first, stride = taken.first, taken.stride
            steps = range(before + first, before + first + len(taken.thetas) * stride, stride)
            self.path.extend(steps, taken.thetas, taken.loss[first - 1 :: stride])
        self._record_disparities()

    def _fill(self, records: Records, i: int) -> None:
        records.loss[i], records.gradient_norm[i] = self.now.loss, self.now.gradient_norm
        records.n_errors[i], records.n_tied[i] = self.now.n_errors, self.now.n_tied
        records.symmetry_spread[i] = spread(self.net, self.theta)

    def _append(self, records: Records) -> None:
        names = ("loss", "n_errors", "gradient_norm", "symmetry_spread")
        self.history.extend({name: getattr(records, name) for name in names}, records.n_tied)

    def _record_disparities(self) -> None:
        if self._every and self.n_steps % self._every == 0:
            self.history.add_disparities(astuple(self._meter().measure(self.theta)))

    def _meter(self) -> DisparityMeter:
        """Return the meter for the present network; duplicating a unit makes another one."""
        from engine.disparities import DisparityMeter  # only for those who ask for it

        if self._kept_meter is None or self._kept_meter.net is not self.net:
            options = {key: self._kernels[key] for key in ("n_threads", "train")}
            self._kept_meter = DisparityMeter(self.net, self.data, **options)
        return self._kept_meter

    def carry_out(self, change: Change) -> None:
        """Let a change take effect from here on; on ValueError or TypeError nothing has changed."""
        if isinstance(change, Perturb):
            self._perturb(change.name, change.options)
        else:
            self._set(change)
        self.events.append((self.n_steps, change))

    def _set(self, change: Change) -> None:
        if isinstance(change, SetBatches):
            check_batch_size(change.batch_size, self.data.n_samples)
        self.settings = self.settings.changed(self.n_steps, change)
        self.config = self.settings.described_in(self.config)
        if isinstance(change, SetBatches):
            self._order = self._order_from_here()
        if isinstance(change, SetArithmetic):
            self.evaluator = self._make_evaluator(self.net)
            self.now = self._evaluate()
            self.history.rebase(self.now.loss, self.now.n_errors, self.now.n_tied)

    @_QUIETLY
    def _perturb(self, name: str, options: dict[str, Any]) -> None:
        net, theta = perturb(self.net, self.theta, name, options)
        if self.data.noise is not None and PERTURBATION_TABLE[name].keeps_loss:
            raise ValueError(
                f"{name} must not be used with noise: each hidden unit has factors of its own, and with those "
                "of another it computes something else."
            )
        evaluator, gradient = self.evaluator, np.empty(net.n_params)
        if net is not self.net:
            evaluator = self._make_evaluator(net)
        after = evaluator.evaluate(theta, gradient)
        if not np.isfinite(after.loss):
            raise ValueError(f"{name} was not applied: it would give a loss that is not a finite number.")
        self._note_jump(name, after)
        if net is not self.net:
            self.path = Path()
            self.config = self.config.replace(hidden=net.layer_sizes[1:-1])
        self.net, self.evaluator, self.theta, self.gradient, self.now = net, evaluator, theta, gradient, after
        self.path.add(self.n_steps, theta, after.loss)

    def _note_jump(self, name: str, after: Evaluation) -> None:
        now = self.now
        self.history.add_jump(Jump(self.n_steps, name, now.loss, after.loss, now.n_errors, after.n_errors))
        self.history.rebase(after.loss, after.n_errors, after.n_tied)


def _checked_interval(record_disparities: int, net: MLP) -> int:
    every = checks.whole_number("record_disparities", record_disparities, at_least=0)
    if every and net.loss_name == "squared":
        raise ValueError("record_disparities must be 0 for the squared loss, which has no probabilities.")
    return every
