"""JAX: compiled as a whole by `jit`, steps by `lax.scan`, slices by `lax.map` with or without `vmap`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.bench.contestant import Contestant, Curvature, PointByPoint, Result, is_curvature, is_steps
from engine.bench.problem import Problem

FloatArray = npt.NDArray[np.float64]

_CHUNK_NUMBERS = 1_000_000  # of hidden values at all points of a chunk: the work arrays stay in cache


def make(problem: Problem, way: str, n_threads: int) -> Contestant:
    """Return JAX's contestant; the number of threads comes from the environment, see `engine.bench.process`."""
    import jax

    jax.config.update("jax_enable_x64", True)
    if is_curvature(problem):
        return _Curvature(problem, way)
    return _Steps(problem, way) if is_steps(problem) else _Slice(problem, way)


class _Network:
    """The data and the forward pass; parameters are pairs (weights (fan_in, fan_out), bias), one a layer.

    With scans_layers the equal layers in the middle are one pair of arrays with a leading axis, and the
    forward pass is a `lax.scan` over them: little to compile, however deep.
    """

    def __init__(self, problem: Problem, scans_layers: bool = False) -> None:
        import jax

        self.problem, self.jax = problem, jax
        self.x, self.y = jax.numpy.asarray(problem.x.astype(problem.dtype)), jax.numpy.asarray(problem.y)
        self.scans_layers = scans_layers
        self._activation = jax.numpy.tanh if problem.activation == "tanh" else jax.nn.sigmoid

    def parameters(self, theta: FloatArray) -> Any:
        jnp, layers = self.jax.numpy, self.problem.layers(theta.astype(self.problem.dtype))
        if self.scans_layers:
            weights, biases = (np.stack(parts) for parts in zip(*layers[1:-1], strict=True))
            layers = [layers[0], (weights, biases), layers[-1]]
        return [(jnp.asarray(weights), jnp.asarray(bias)) for weights, bias in layers]

    def flat(self, parameters: Any) -> FloatArray:
        if self.scans_layers:
            first, middle, last = parameters
            parameters = [first, *zip(*map(np.asarray, middle), strict=True), last]
        return self.problem.flat(parameters)

    def logits(self, parameters: Any) -> Any:
        values = self.x
        if self.scans_layers:
            values = self._layer(values, parameters[0])
            values, _ = self.jax.lax.scan(
                lambda h, layer: (self._layer(h, layer), None), values, parameters[1]
            )
        else:
            for layer in parameters[:-1]:
                values = self._layer(values, layer)
        return values @ parameters[-1][0] + parameters[-1][1]

    def loss_and_errors(self, parameters: Any) -> tuple[Any, Any]:
        jnp, logits = self.jax.numpy, self.logits(parameters)
        of_label = jnp.take_along_axis(logits, self.y[:, None], axis=1)[:, 0]
        loss = (self.jax.nn.logsumexp(logits, axis=1) - of_label).mean()
        return loss, (logits.argmax(axis=1) != self.y).sum()

    def _layer(self, values: Any, layer: Any) -> Any:
        return self._activation(values @ layer[0] + layer[1])


class _Steps(Contestant):
    def __init__(self, problem: Problem, way: str) -> None:
        super().__init__(problem)
        self._net = net = _Network(problem, way == "scanned layers")
        jax, rate = net.jax, problem.learning_rate
        derive = jax.value_and_grad(net.loss_and_errors, has_aux=True)

        def step(parameters: Any, nothing: None) -> Any:
            record, gradient = derive(parameters)
            return jax.tree.map(lambda part, slope: part - rate * slope, parameters, gradient), record

        def steps(parameters: Any) -> Any:
            return jax.lax.scan(step, parameters, None, length=problem.n_repeats)

        self._steps = jax.jit(steps, donate_argnums=0)

    def prepare(self) -> None:
        self._parameters = self._net.parameters(self.problem.theta)

    def run(self) -> None:
        self._end = self._net.jax.block_until_ready(self._steps(self._parameters))

    def result(self) -> Result:
        parameters, (loss, n_errors) = self._end
        theta = self._net.flat(parameters)
        return {"loss": np.asarray(loss), "n_errors": np.asarray(n_errors), "theta": theta}


class _Slice(PointByPoint):
    def __init__(self, problem: Problem, way: str) -> None:
        super().__init__(problem)
        net = _Network(problem)
        size = max(1, _CHUNK_NUMBERS // (len(problem.y) * max(problem.layer_sizes[1:])))

        def one(theta: Any) -> Any:
            return net.loss_and_errors(problem.layers(theta))

        def slice_points(thetas: Any) -> Any:
            return net.jax.lax.map(one, thetas, batch_size=size if way == "vmap" else None)

        self._slice = net.jax.jit(slice_points)
        self._at = net.jax.numpy.asarray(self.thetas)

    def run(self) -> None:
        self.loss, self.n_errors = map(np.asarray, self._slice(self._at))


class _Curvature(Curvature):
    """The directional derivative of the gradient: whole each time, or linearised at theta once."""

    def __init__(self, problem: Problem, way: str) -> None:
        super().__init__(problem)
        net = _Network(problem)
        jax = net.jax
        derive = jax.grad(lambda theta: net.loss_and_errors(problem.layers(theta))[0])
        theta = jax.numpy.asarray(problem.theta)
        if way == "linearised":
            self._product = jax.jit(jax.linearize(derive, theta)[1])
        else:
            product = jax.jit(lambda theta, v: jax.jvp(derive, (theta,), (v,))[1])
            self._product = lambda v: product(theta, v)

    def product(self, v: FloatArray) -> FloatArray:
        return np.asarray(self._product(v))
