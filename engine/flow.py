"""Gradient flow, d theta / dt = -grad L: what gradient descent becomes as its learning rate goes to 0."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.integrate

from engine import checks
from engine.activity import finite_theta
from engine.answers import final
from engine.arguments import check_net_and_data
from engine.curvature.hessian import MOST_DENSE_PARAMS, dense_hessian
from engine.datasets.dataset import Dataset
from engine.evaluator import Evaluator, make_evaluator
from engine.mlp import MLP
from engine.parts import trained

FloatArray = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

METHODS: Final = ("DOP853", "LSODA")
MOST_KEPT_BYTES: Final = 256 * 2**20
"""Room for the thetas along a flow that are kept on request."""


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Gradient flow at given times; read-only arrays.

    Attributes:
        times: (n_times,) in units of learning rate times steps.
        loss: (n_times,) mean loss; NaN where not reached.
        n_errors: (n_times,) number of errors; -1 where not reached.
        n_known: how many of the times have been reached.
        theta: (n_params,) at the last time reached.
        thetas: (n_known, n_params), or None where they were not to be kept.
        method, rtol, atol: the integrator and its tolerances on theta.
        n_evaluations: gradients computed by the integrator.
        reason: why it stopped before the last time, one sentence; "" where it did not.
    """

    times: FloatArray
    loss: FloatArray
    n_errors: Counts
    n_known: int
    theta: FloatArray
    thetas: FloatArray | None
    method: str
    rtol: float
    atol: float
    n_evaluations: int
    reason: str


def gradient_flow(net: MLP, data: Dataset, theta: Any, times: Any, **options: Any) -> Flow:
    """Return gradient flow from theta (n_params,) at times (n_times,); arguments as `iter_flow`."""
    check_net_and_data(net, data)
    return final(iter_flow(net, data, theta, times, **options))


def iter_flow(
    net: MLP,
    data: Dataset,
    theta: Any,
    times: Any,
    method: str = "DOP853",
    rtol: float = 1e-9,
    atol: float = 1e-12,
    max_evaluations: int = 1_000_000,
    keep_thetas: bool = False,
    n_threads: int = 1,
    train: str = "all",
) -> Generator[tuple[float, Flow], None, None]:
    """Yield (share of the time done, flow so far) after each step of the integrator.

    The step follows the tolerances, and between the ends of a step theta is interpolated by the method's own
    polynomial, to the same order of error.

    Args:
        net, data, theta: the loss and the start (n_params,), at time 0.
        times: (n_times,) ascending, from 0 on.
        method: "DOP853" (explicit, of order 8; Hairer, Norsett and Wanner 1993) or "LSODA" (changes to an
            implicit method where curvature would force tiny steps; up to 2,000 parameters), of scipy.
        rtol, atol: the error a step may make in each parameter: atol + rtol |parameter|.
        max_evaluations: gradients after which it gives up, and says so in `reason`.
        keep_thetas: whether to keep theta at each of the times.
        n_threads: threads that share an evaluation.
        train: the part of theta that flows, see `engine.parts`; the rest stays where it is.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """
    start, grid = finite_theta(net, theta), _times(times)
    checks.choice("method", method, METHODS)
    checks.real_number(
        "rtol", rtol, at_least=3e-14
    )  # scipy raises smaller ones to 100 roundings, with a warning
    checks.real_number("atol", atol, at_least=0.0)
    checks.whole_number("max_evaluations", max_evaluations, at_least=1)
    if method == "LSODA" and net.n_params > MOST_DENSE_PARAMS:
        most = f"at most {MOST_DENSE_PARAMS} parameters for LSODA, not {net.n_params}; DOP853 takes any"
        raise ValueError(f"net must have {most}.")
    if keep_thetas and 8 * len(grid) * net.n_params > MOST_KEPT_BYTES:
        raise ValueError(f"times must be fewer than {len(grid)}: their thetas would take above 256 MB.")
    run = _Run(make_evaluator(net, data, n_threads=n_threads, train=train), start, grid, keep_thetas)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told in `reason`
        solver = _solver(net, data, run, start, grid[-1], method, rtol, atol, train)
    while run.n_known < len(grid) and not run.reason:
        run.step(solver, max_evaluations)
        yield (float(solver.t / grid[-1]) if grid[-1] else 1.0), run.flow(method, rtol, atol)


class _Run:
    """The flow so far, and the gradient for the integrator."""

    def __init__(self, evaluator: Evaluator, start: FloatArray, times: FloatArray, keep: bool) -> None:
        self._evaluator, self._times = evaluator, times
        self._loss, self._n_errors = np.full(len(times), np.nan), np.full(len(times), -1, dtype=np.int64)
        self._theta = start
        self._thetas = np.empty((len(times), len(start))) if keep else None
        self.n_known, self.n_evaluations, self.reason = 0, 0, ""

    def downhill(self, time: float, theta: FloatArray) -> FloatArray:
        self.n_evaluations += 1
        gradient = np.empty(len(theta))
        self._evaluator.evaluate(np.ascontiguousarray(theta), gradient)
        return -gradient

    def step(self, solver: Any, max_evaluations: int) -> None:
        """Let the integrator take one step and note the times that it passed."""
        if self._times[self.n_known] == 0.0:
            self._note(self._theta)
        elif self.n_evaluations >= max_evaluations:
            self.reason = f"The flow stands at time {solver.t:g} after {self.n_evaluations:,} gradients."
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                message = solver.step()
            if solver.status == "failed" or not np.isfinite(solver.y).all():
                self.reason = f"The flow stands at time {solver.t:g}: {message or 'theta is not finite.'}"
            else:
                self._note_passed(solver)

    def _note_passed(self, solver: Any) -> None:
        between = solver.dense_output()
        while self.n_known < len(self._times) and self._times[self.n_known] <= solver.t and not self.reason:
            time = self._times[self.n_known]
            self._note(np.array(solver.y if time == solver.t else between(time)))

    def _note(self, theta: FloatArray) -> None:
        loss, n_errors = self._evaluator.loss_and_errors(theta)
        if not np.isfinite(loss):
            self.reason = f"The loss at time {self._times[self.n_known]:g} is not a finite number."
            return
        self._loss[self.n_known], self._n_errors[self.n_known] = loss, n_errors
        self._theta = theta
        if self._thetas is not None:
            self._thetas[self.n_known] = theta
        self.n_known += 1

    def flow(self, method: str, rtol: float, atol: float) -> Flow:
        thetas = None if self._thetas is None else self._thetas[: self.n_known]
        if thetas is not None:
            thetas.flags.writeable = False  # a view: what has been written does not change any more
        return Flow(
            times=_frozen(self._times),
            loss=_frozen(self._loss),
            n_errors=_frozen(self._n_errors),
            n_known=self.n_known,
            theta=_frozen(self._theta),
            thetas=thetas,
            method=method,
            rtol=rtol,
            atol=atol,
            n_evaluations=self.n_evaluations,
            reason=self.reason,
        )


def _solver(
    net: MLP,
    data: Dataset,
    run: _Run,
    start: FloatArray,
    end: float,
    method: str,
    rtol: float,
    atol: float,
    train: str,
) -> Any:
    """Return the integrator that `scipy.integrate.solve_ivp` would use; stepped by hand it can be cancelled."""
    if method == "DOP853":
        return scipy.integrate.DOP853(run.downhill, 0.0, start, end, rtol=rtol, atol=atol)

    moves = trained(net, train)

    def jacobian(time: float, theta: FloatArray) -> FloatArray:
        return -dense_hessian(net, data, theta) * moves[:, None]

    return scipy.integrate.LSODA(run.downhill, 0.0, start, end, rtol=rtol, atol=atol, jac=jacobian)


def _times(value: Any) -> FloatArray:
    try:
        times = checks.real_array(value).copy()
    except (TypeError, ValueError):
        raise TypeError(f"times must be a list of numbers, not {type(value).__name__}.") from None
    if times.ndim != 1 or not len(times):
        raise ValueError(f"times must be a list of at least one number, not an array of shape {times.shape}.")
    if not np.isfinite(times).all() or times[0] < 0 or (np.diff(times) <= 0).any():
        raise ValueError("times must be finite numbers from 0 on, each larger than the one before.")
    return times


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    copy = array.copy()
    copy.flags.writeable = False
    return copy
