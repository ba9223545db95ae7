"""numpy, written by hand: in place, one product for weights and bias of the first layer, units by samples.

With a row for each unit the softmax and the sums over classes run along memory, several times faster than
along rows of 10. "blocks" goes through the samples in parts that stay in cache, "whole" in one piece.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.bench.contestant import Contestant, Curvature, PointByPoint, Result, is_curvature, is_steps
from engine.bench.problem import Problem

Array = npt.NDArray[Any]

_BLOCK = 1024


def make(problem: Problem, way: str, n_threads: int) -> Contestant:
    """Return numpy's contestant; the number of threads is BLAS's own, from the environment."""
    if is_curvature(problem):
        return _Curvature(problem)
    return _Steps(problem, way) if is_steps(problem) else _Slice(problem, way)


class _Pass:
    """Forward and backward over one block of samples in work arrays made once; arrays are (units, n)."""

    def __init__(self, problem: Problem, x: Array, y: Array) -> None:
        self.problem, self.n = problem, len(y)
        self.x1 = np.column_stack([x, np.ones(self.n, dtype=x.dtype)])
        self.flat_label = y * self.n + np.arange(self.n)
        widths = problem.layer_sizes[1:]
        self.values = [np.empty((width, self.n), dtype=x.dtype) for width in widths]
        self.deltas = [np.empty((width, self.n), dtype=x.dtype) for width in widths]
        self.spares = [np.empty((width, self.n), dtype=x.dtype) for width in widths]
        self.best, self.of_label, self.total = np.empty((3, self.n), dtype=x.dtype)

    def forward(self, theta: Array) -> tuple[float, int]:
        """Return the sum of losses and the number of errors; leaves exp(logits - largest) in values[-1]."""
        layers, values = self.problem.layers(theta), self.values
        self.first_forward(theta, values[0])
        for number in range(1, len(layers)):
            self.activate(values[number - 1])
            weights, bias = layers[number]
            np.matmul(weights.T, values[number - 1], out=values[number])
            values[number] += bias[:, None]
        return self._score(values[-1])

    def first_forward(self, theta: Array, out: Array) -> None:
        fan_in, fan_out = self.problem.layer_sizes[:2]
        np.matmul(theta[: (fan_in + 1) * fan_out].reshape(fan_in + 1, fan_out).T, self.x1.T, out=out)

    def activate(self, z: Array) -> None:
        if self.problem.activation == "tanh":
            np.tanh(z, out=z)
            return
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        np.reciprocal(z, out=z)

    def _score(self, z: Array) -> tuple[float, int]:
        np.max(z, axis=0, out=self.best)
        z.ravel().take(self.flat_label, out=self.of_label)
        n_errors = self.n - int(np.count_nonzero(self.of_label == self.best))
        z -= self.best
        linear = float(self.best.sum() - self.of_label.sum())
        np.exp(z, out=z)
        np.sum(z, axis=0, out=self.total)
        return linear + float(np.log(self.total).sum()), n_errors

    def output_delta(self) -> Array:
        delta = self.values[-1]
        delta /= self.total
        delta.ravel()[self.flat_label] -= 1
        return delta

    def slope(self, value: Array, out: Array) -> None:
        if self.problem.activation == "tanh":
            np.multiply(value, value, out=out)
            np.subtract(1, out, out=out)
        else:
            np.multiply(value, value, out=out)
            np.subtract(value, out, out=out)

    def backward(self, theta: Array, gradient: Array) -> None:
        """Write the gradient of the sum of losses into gradient (n_params,)."""
        layers, into = self.problem.layers(theta), self.problem.layers(gradient)
        delta = self.output_delta()
        for number in range(len(layers) - 1, 0, -1):
            value, below, spare = self.values[number - 1], self.deltas[number - 1], self.spares[number - 1]
            np.matmul(value, delta.T, out=into[number][0])
            np.sum(delta, axis=1, out=into[number][1])
            np.matmul(layers[number][0], delta, out=below)
            self.slope(value, spare)
            below *= spare
            delta = below
        fan_in, fan_out = self.problem.layer_sizes[:2]
        first = gradient[: (fan_in + 1) * fan_out].reshape(fan_in + 1, fan_out)
        np.matmul(self.x1.T, delta.T, out=first)


def _passes(problem: Problem, way: str) -> list[_Pass]:
    x = problem.x.astype(problem.dtype)
    size = _BLOCK if way == "blocks" else len(x)
    starts = range(0, len(x), size)
    return [_Pass(problem, x[at : at + size], problem.y[at : at + size]) for at in starts]


class _Steps(Contestant):
    def __init__(self, problem: Problem, way: str) -> None:
        super().__init__(problem)
        self._passes = _passes(problem, way)
        self._start = problem.theta.astype(problem.dtype)
        self._theta = self._start.copy()
        self._gradient, self._part = np.empty((2, len(self._theta)), dtype=problem.dtype)
        self._loss, self._n_errors = np.empty(problem.n_repeats), np.empty(problem.n_repeats, dtype=np.int64)

    def prepare(self) -> None:
        self._theta[:] = self._start

    def run(self) -> None:
        n_samples, theta, gradient = len(self.problem.y), self._theta, self._gradient
        factor = self.problem.learning_rate / n_samples
        for step in range(self.problem.n_repeats):
            loss, n_errors = 0.0, 0
            for number, part in enumerate(self._passes):
                got_loss, got_errors = part.forward(theta)
                loss, n_errors = loss + got_loss, n_errors + got_errors
                part.backward(theta, self._part if number else gradient)
                if number:
                    gradient += self._part
            self._loss[step], self._n_errors[step] = loss / n_samples, n_errors
            gradient *= factor
            theta -= gradient

    def result(self) -> Result:
        return {"loss": self._loss, "n_errors": self._n_errors, "theta": self._theta}


class _Slice(PointByPoint):
    def __init__(self, problem: Problem, way: str) -> None:
        super().__init__(problem)
        self._passes = _passes(problem, way)

    def run(self) -> None:
        for i, theta in enumerate(self.thetas):
            parts = [part.forward(theta) for part in self._passes]
            self.loss[i] = sum(loss for loss, _ in parts) / len(self.problem.y)
            self.n_errors[i] = sum(n_errors for _, n_errors in parts)


class _Curvature(Curvature):
    """Pearlmutter's R operator; what does not depend on v is computed once."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._pass = each = _Pass(problem, problem.x, problem.y)
        self._theta = problem.theta
        self._gradient = np.empty_like(problem.theta)
        each.forward(problem.theta)
        self._p = each.values[-1] / each.total
        each.backward(problem.theta, self._gradient)
        self._delta = [*each.deltas[:-1], each.values[-1]]
        self._slopes, self._bends = [], []
        for value, (weights, _), delta in zip(
            each.values, problem.layers(problem.theta)[1:], self._delta[1:], strict=False
        ):
            slope = 1 - value * value if problem.activation == "tanh" else value * (1 - value)
            bend = -2 * value if problem.activation == "tanh" else 1 - 2 * value
            self._slopes.append(slope)
            self._bends.append(slope * bend * (weights @ delta))

    def product(self, v: Array) -> Array:
        problem, values = self.problem, self._pass.values
        layers, of_v = problem.layers(self._theta), problem.layers(v)
        r_z = [self._first(v)]
        r_values = []
        for number in range(1, len(layers)):
            r_values.append(self._slopes[number - 1] * r_z[-1])
            z = layers[number][0].T @ r_values[-1]
            z += of_v[number][0].T @ values[number - 1]
            z += of_v[number][1][:, None]
            r_z.append(z)
        r_delta = r_z[-1]
        r_delta -= (self._p * r_delta).sum(axis=0)
        r_delta *= self._p
        result = np.empty_like(v)
        into = problem.layers(result)
        for number in range(len(layers) - 1, 0, -1):
            np.matmul(values[number - 1], r_delta.T, out=into[number][0])
            into[number][0][...] += r_values[number - 1] @ self._delta[number].T
            np.sum(r_delta, axis=1, out=into[number][1])
            below = layers[number][0] @ r_delta
            below += of_v[number][0] @ self._delta[number]
            below *= self._slopes[number - 1]
            r_z[number - 1] *= self._bends[number - 1]
            below += r_z[number - 1]
            r_delta = below
        fan_in, fan_out = problem.layer_sizes[:2]
        first = result[: (fan_in + 1) * fan_out].reshape(fan_in + 1, fan_out)
        np.matmul(self._pass.x1.T, r_delta.T, out=first)
        result /= len(problem.y)
        return result

    def _first(self, v: Array) -> Array:
        z = np.empty_like(self._pass.values[0])
        self._pass.first_forward(v, z)
        return z
