"""BLAS arithmetic: the network in plain matrix products. Fast on wide layers; sums in whatever order BLAS likes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.activations import ACTIVATIONS
from engine.datasets.dataset import Dataset
from engine.evaluator import Evaluation, Evaluator, Flag, FloatArray, Records, Rows
from engine.mlp import MLP
from engine.noise import factors
from engine.parts import trained
from engine.symmetry import spread

Array = npt.NDArray[Any]

_SAMPLES_A_BLOCK = 2048  # bounds the work arrays whatever the number of samples
_BLOCK_BYTES = 48 * 2**20  # and whatever the number of layers: three numbers a unit, and as many in passing


class BlasEvaluator(Evaluator):
    """Evaluates in blocks of samples with numpy's matrix products; dtype is that of the products."""

    def __init__(self, net: MLP, data: Dataset, dtype: np.dtype[Any], train: str = "all") -> None:
        super().__init__(net, data)
        self._is_frozen = ~trained(net, train)
        self._dtype = dtype
        self._activations = [ACTIVATIONS[name] for name in net.activation]
        self._x = data.x.astype(dtype, copy=False)

    def evaluate(self, theta: FloatArray, gradient: FloatArray, rows: Rows | None = None) -> Evaluation:
        """See `Evaluator.evaluate`."""
        typed = theta.astype(self._dtype, copy=False)
        gradient[:] = 0.0
        n_samples = self.data.n_samples if rows is None else len(rows)
        loss, n_errors, n_tied = 0.0, 0, 0
        for part in self._parts(n_samples):
            chosen = part if rows is None else rows[part]
            y, targets = self.data.y[chosen], self.data.targets[chosen]
            values, slopes = self._hidden(typed, chosen)
            outputs = self._outputs(typed, values)
            losses, delta = self._loss_and_delta(outputs, y, targets)
            loss += float(losses.sum())
            wrong, tied = self._count(outputs, y)
            n_errors, n_tied = n_errors + wrong, n_tied + tied
            self._add_gradient(typed, values, slopes, delta, gradient)
        gradient /= n_samples
        gradient[self._is_frozen] = 0.0
        return Evaluation(loss / n_samples, n_errors, n_tied, float(np.sqrt(gradient @ gradient)))

    def loss_and_errors(self, theta: FloatArray) -> tuple[float, int]:
        """See `Evaluator.loss_and_errors`."""
        typed = theta.astype(self._dtype, copy=False)
        loss, n_errors = 0.0, 0
        for part in self._parts(self.data.n_samples):
            y, targets = self.data.y[part], self.data.targets[part]
            outputs = self._outputs(typed, self._hidden(typed, part)[0])
            loss += float(self._loss_and_delta(outputs, y, targets)[0].sum())
            n_errors += self._count(outputs, y)[0]
        return loss / self.data.n_samples, n_errors

    def per_example_loss(self, theta: FloatArray) -> FloatArray:
        """See `Evaluator.per_example_loss`."""
        outputs = self.logits(theta).astype(self._dtype, copy=False)
        return self._loss_and_delta(outputs, self.data.y, self.data.targets)[0].astype(np.float64)

    def logits(self, theta: FloatArray) -> FloatArray:
        """See `Evaluator.logits`."""
        typed = theta.astype(self._dtype, copy=False)
        parts = self._parts(self.data.n_samples)
        outputs = [self._outputs(typed, self._hidden(typed, part)[0]) for part in parts]
        return np.concatenate(outputs).astype(np.float64, copy=False)

    def advance(
        self,
        theta: FloatArray,
        gradient: FloatArray,
        learning_rate: float,
        records: Records,
        leave: Flag | None = None,
    ) -> tuple[int, bool]:
        """See `Evaluator.advance`."""
        for i in range(len(records.loss)):
            if leave is not None and leave[0]:
                return i, False
            before, gradient_before = theta.copy(), gradient.copy()
            theta -= learning_rate * gradient
            with np.errstate(over="ignore", invalid="ignore"):
                got = self.evaluate(theta, gradient)
            if not (np.isfinite(got.loss) and np.isfinite(got.gradient_norm)):
                theta[:], gradient[:] = before, gradient_before
                return i, True
            records.loss[i], records.gradient_norm[i] = got.loss, got.gradient_norm
            records.n_errors[i], records.n_tied[i] = got.n_errors, got.n_tied
            records.symmetry_spread[i] = spread(self.net, theta)
            records.keep(i + 1, theta)
        return len(records.loss), False

    def _parts(self, n_samples: int) -> Iterator[slice]:
        fits = _BLOCK_BYTES // (8 * (3 * sum(self.net.layer_sizes[1:]) + 6 * max(self.net.layer_sizes)))
        n_block = max(1, min(_SAMPLES_A_BLOCK, fits))
        for start in range(0, n_samples, n_block):
            yield slice(start, start + n_block)

    def _hidden(self, theta: Array, rows: slice | Rows) -> tuple[list[Array], list[Array]]:
        """Return the values of input and hidden layers at some rows, and the slopes of the hidden ones."""
        values, slopes = [self._x[rows]], []
        noisy = factors(self.net, self.data, rows)
        for (weights, bias), activation in zip(self.net.layers(theta)[:-1], self._activations, strict=True):
            z = values[-1] @ weights + bias
            values.append(activation.value(z))
            slopes.append(activation.slope(z, values[-1]))
            if noisy:
                factor = noisy[len(slopes) - 1].astype(self._dtype, copy=False)
                values[-1], slopes[-1] = values[-1] * factor, slopes[-1] * factor
        return values, slopes

    def _outputs(self, theta: Array, values: list[Array]) -> Array:
        weights, bias = self.net.layers(theta)[-1]
        outputs = values[-1] @ weights + bias
        for layer, skip in zip(self.net.skip, self.net.skip_weights(theta), strict=True):
            outputs += values[layer] @ skip
        return outputs

    def _loss_and_delta(self, outputs: Array, y: Array, targets: Array) -> tuple[Array, Array]:
        """Return the loss of each sample and its derivative by the outputs."""
        if self.net.loss_name == "squared":
            error = outputs[:, 0] - targets.astype(self._dtype)
            return 0.5 * error * error, error[:, None]
        rows = np.arange(len(y))
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        exponentials = np.exp(shifted)
        total = exponentials.sum(axis=1, keepdims=True)
        delta = exponentials / total
        if self.net.loss_name == "cross_entropy":
            losses = np.log(total[:, 0]) - shifted[rows, y]
            delta[rows, y] -= 1
            return losses, delta
        p = delta.copy()
        delta[rows, y] -= 1
        losses = 0.5 * (delta * delta).sum(axis=1)
        return losses, p * (delta - (p * delta).sum(axis=1, keepdims=True))

    def _count(self, outputs: Array, y: Array) -> tuple[int, int]:
        """Return how many samples are wrong and how many have a tied largest output."""
        if self.net.loss_name == "squared":
            return int(((outputs[:, 0] > 0.5) != (y > 0)).sum()), 0
        largest = outputs.max(axis=1, keepdims=True)
        tied = int(((outputs == largest).sum(axis=1) > 1).sum())
        return int((outputs.argmax(axis=1) != y).sum()), tied

    def _add_gradient(
        self, theta: Array, values: list[Array], slopes: list[Array], delta: Array, gradient: FloatArray
    ) -> None:
        layers, skips = self.net.layers(theta), self.net.skip_weights(theta)
        into, into_skips = self.net.layers(gradient), self.net.skip_weights(gradient)
        from_skip: dict[int, Array] = {}
        for layer, weights, out in zip(self.net.skip, skips, into_skips, strict=True):
            out += values[layer].T @ delta
            from_skip[layer] = delta @ weights.T
        for layer in range(len(layers) - 1, -1, -1):
            into[layer][0][...] += values[layer].T @ delta
            into[layer][1][...] += delta.sum(axis=0)
            if layer:
                delta = (delta @ layers[layer][0].T + from_skip.get(layer, 0)) * slopes[layer - 1]
