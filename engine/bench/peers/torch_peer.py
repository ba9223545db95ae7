"""PyTorch: `addmm` and `autograd.grad` as they are ("eager"), or the same through `torch.compile` ("compiled")."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.bench.contestant import Contestant, Curvature, PointByPoint, Result, is_curvature, is_steps
from engine.bench.problem import Problem

FloatArray = npt.NDArray[np.float64]

_CHUNK_NUMBERS = 1_000_000  # of hidden values at all points of a chunk: the work arrays stay in cache


def make(problem: Problem, way: str, n_threads: int) -> Contestant:
    """Return PyTorch's contestant on n_threads threads."""
    import torch

    torch.set_num_threads(n_threads)
    if is_curvature(problem):
        return _Curvature(problem)
    if is_steps(problem):
        return _CompiledSteps(problem) if way == "compiled" else _Steps(problem)
    return _BatchedSlice(problem) if way == "vmap" else _Slice(problem)


class _Network:
    """The data and the forward pass; parameters are a list of weights (fan_in, fan_out) and biases."""

    def __init__(self, problem: Problem) -> None:
        import torch

        self.problem, self.torch = problem, torch
        self.dtype = getattr(torch, problem.dtype)
        self.x = torch.tensor(problem.x, dtype=self.dtype)
        self.y = torch.tensor(problem.y)
        self._activation = torch.tanh if problem.activation == "tanh" else torch.sigmoid

    def parameters(self, theta: Any) -> list[Any]:
        flat = self.torch.as_tensor(theta, dtype=self.dtype)
        return [part.clone() for pair in self.problem.layers(flat) for part in pair]

    def logits(self, parameters: list[Any]) -> Any:
        values = self.x
        for at in range(0, len(parameters) - 2, 2):
            values = self._activation(self.torch.addmm(parameters[at + 1], values, parameters[at]))
        return self.torch.addmm(parameters[-1], values, parameters[-2])

    def loss_and_errors(self, parameters: list[Any]) -> tuple[Any, Any]:
        logits = self.logits(parameters)
        loss = self.torch.nn.functional.cross_entropy(logits, self.y)
        return loss, (logits.detach().argmax(1) != self.y).sum()


class _Steps(Contestant):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._net = _Network(problem)
        self._records: list[tuple[Any, Any]] = []

    def prepare(self) -> None:
        self._records = []
        parameters = self._net.parameters(self.problem.theta)
        self._parameters = [part.requires_grad_() for part in parameters]

    def run(self) -> None:
        torch, rate = self._net.torch, self.problem.learning_rate
        for _ in range(self.problem.n_repeats):
            loss, n_errors = self._net.loss_and_errors(self._parameters)
            gradients = torch.autograd.grad(loss, self._parameters)
            with torch.no_grad():
                torch._foreach_add_(self._parameters, gradients, alpha=-rate)
            self._records.append((loss.detach(), n_errors))

    def result(self) -> Result:
        loss, n_errors = (
            np.array([float(value) for value in column]) for column in zip(*self._records, strict=True)
        )
        parameters = [part.detach().numpy() for part in self._parameters]
        return {"loss": loss, "n_errors": n_errors, "theta": self.problem.flat([parameters])}


class _CompiledSteps(_Steps):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        torch, net, rate = self._net.torch, self._net, problem.learning_rate
        derive = torch.func.grad_and_value(net.loss_and_errors, has_aux=True)

        def step(parameters: list[Any]) -> Any:
            gradients, (loss, n_errors) = derive(parameters)
            new = [part - rate * gradient for part, gradient in zip(parameters, gradients, strict=True)]
            return new, loss, n_errors

        self._step = torch.compile(step, fullgraph=True, dynamic=False)

    def prepare(self) -> None:
        self._records = []
        self._parameters = self._net.parameters(self.problem.theta)

    def run(self) -> None:
        with self._net.torch.no_grad():
            for _ in range(self.problem.n_repeats):
                self._parameters, loss, n_errors = self._step(self._parameters)
                self._records.append((loss, n_errors))


class _Slice(PointByPoint):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._net = _Network(problem)
        self._tensors = self._net.torch.tensor(self.thetas)

    def run(self) -> None:
        with self._net.torch.inference_mode():
            for i, theta in enumerate(self._tensors):
                parameters = [part for pair in self.problem.layers(theta) for part in pair]
                loss, n_errors = self._net.loss_and_errors(parameters)
                self.loss[i], self.n_errors[i] = loss.item(), n_errors.item()


class _BatchedSlice(_Slice):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        size = max(1, _CHUNK_NUMBERS // (len(problem.y) * max(problem.layer_sizes[1:])))
        self._at_point = self._net.torch.func.vmap(self._one, chunk_size=size)

    def _one(self, theta: Any) -> tuple[Any, Any]:
        return self._net.loss_and_errors([part for pair in self.problem.layers(theta) for part in pair])

    def run(self) -> None:
        with self._net.torch.inference_mode():
            loss, n_errors = self._at_point(self._tensors)
            self.loss[:], self.n_errors[:] = loss.numpy(), n_errors.numpy()


class _Curvature(Curvature):
    """A second backward pass over the graph of the gradient, which is kept.

    Measured beside it, `torch.func.jvp` of `torch.func.grad` took three times as long.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._net = net = _Network(problem)
        self._theta = net.torch.tensor(problem.theta, requires_grad=True)
        parameters = [part for pair in problem.layers(self._theta) for part in pair]
        loss = net.torch.nn.functional.cross_entropy(net.logits(parameters), net.y)
        (self._gradient,) = net.torch.autograd.grad(loss, self._theta, create_graph=True)

    def product(self, v: FloatArray) -> FloatArray:
        torch = self._net.torch
        (got,) = torch.autograd.grad(self._gradient, self._theta, torch.from_numpy(v), retain_graph=True)
        result: FloatArray = got.numpy()
        return result
