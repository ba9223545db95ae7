"""The network: sizes, activations, loss, and how one flat vector theta holds its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine import checks, inits, parts
from engine.config import ACTIVATION_NAMES, LOSS_NAMES, RunConfig
from engine.datasets.dataset import Dataset

if TYPE_CHECKING:
    import numpy.typing as npt

    from engine.evaluator import Evaluator

    FloatArray = npt.NDArray[np.float64]

MOST_PARAMS: Final = 50_000_000
"""Largest network: theta, its gradient and their copies take 2 GB at that size."""


@dataclass(frozen=True, slots=True)
class Block:
    """Where one weight matrix lies in theta: offset of its first number, fan_in rows, fan_out columns."""

    offset: int
    fan_in: int
    fan_out: int
    has_bias: bool

    @property
    def bias_offset(self) -> int:
        """Offset of the bias, which follows the weights."""
        return self.offset + self.fan_in * self.fan_out

    @property
    def stop(self) -> int:
        """Offset just behind this block."""
        return self.bias_offset + (self.fan_out if self.has_bias else 0)


@dataclass(frozen=True, slots=True, init=False)
class MLP:
    """A multilayer perceptron; it holds no parameters, those are a flat vector theta (n_params,).

    In theta stand, layer by layer, the weights (fan_in, fan_out) row by row and the bias (fan_out,), and
    behind all layers the skip weights (fan_in, n_outputs), in the order of skip.

    Args:
        layer_sizes: (n_features, hidden widths ..., n_outputs).
        activation: one name for all hidden layers or one name per hidden layer.
        loss: "cross_entropy" (mean -log p_y, nats), "quadratic" (mean 1/2 ||p - onehot(y)||^2 with
            p = softmax(logits)) or "squared" (mean 1/2 (f - t)^2, one linear output).
        skip: numbers (from 1) of the hidden layers also wired straight to the output.

    Raises:
        TypeError, ValueError: one sentence naming the argument.
    """

    layer_sizes: tuple[int, ...]
    activation: tuple[str, ...]
    loss_name: str
    skip: tuple[int, ...]
    layer_blocks: tuple[Block, ...]
    skip_blocks: tuple[Block, ...]

    def __init__(
        self,
        layer_sizes: Sequence[int],
        activation: str | Sequence[str] = "logistic",
        loss: str = "cross_entropy",
        skip: Sequence[int] = (),
    ) -> None:
        given = _sequence("layer_sizes", layer_sizes, "whole numbers, as (64, 32, 10)")
        sizes = tuple(checks.whole_number("layer_sizes", size, at_least=1) for size in given)
        if len(sizes) < 2:
            raise ValueError(f"layer_sizes must name at least an input and an output size, not {sizes}.")
        names = _activation_per_layer(activation, len(sizes) - 2)
        checks.choice("loss", loss, LOSS_NAMES)
        if loss == "squared" and sizes[-1] != 1:
            raise ValueError(f"layer_sizes must end in 1 for the squared loss, not {sizes[-1]}.")
        if loss != "squared" and sizes[-1] < 2:
            raise ValueError(f"layer_sizes must end in at least 2 for the loss {loss}, not {sizes[-1]}.")
        wired = _skip_layers(skip, len(sizes) - 2)
        blocks = _layer_blocks(sizes)
        n_params = sum(block.stop - block.offset for block in blocks)
        if n_params > MOST_PARAMS:
            raise ValueError(f"layer_sizes must give at most {MOST_PARAMS:,} parameters, not {n_params:,}.")
        for key, value in (
            ("layer_sizes", sizes),
            ("activation", names),
            ("loss_name", loss),
            ("skip", wired),
            ("layer_blocks", blocks),
            ("skip_blocks", _skip_blocks(sizes, wired, blocks[-1].stop)),
        ):
            object.__setattr__(self, key, value)

    @classmethod
    def from_config(cls, config: RunConfig, data: Dataset) -> MLP:
        """Return the network of a RunConfig on data."""
        n_outputs = 1 if config.loss == "squared" else data.n_classes
        sizes = (data.n_features, *config.hidden, n_outputs)
        return cls(sizes, config.activation, config.loss, config.skip)

    @property
    def n_params(self) -> int:
        """Length of theta."""
        return (self.skip_blocks or self.layer_blocks)[-1].stop

    @property
    def n_hidden(self) -> int:
        """Number of hidden layers."""
        return len(self.layer_sizes) - 2

    @property
    def n_outputs(self) -> int:
        """Number of outputs: classes, or 1 for the squared loss."""
        return self.layer_sizes[-1]

    def init(self, name: str, seed: int = 0, scale: float = 0.1, value: float = 0.1) -> FloatArray:
        """Return a start (n_params,): see `engine.inits`; scale is of "normal", value of "constant"."""
        return inits.draw(self, name, seed, scale, value)

    def layers(self, theta: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
        """Return (weights (fan_in, fan_out), bias (fan_out,)) of each layer: views on theta (n_params,)."""
        self.check_theta(theta)
        return [(_matrix(theta, block), theta[block.bias_offset : block.stop]) for block in self.layer_blocks]

    def skip_weights(self, theta: FloatArray) -> list[FloatArray]:
        """Return the skip weights (fan_in, n_outputs) in the order of skip, as views on theta (n_params,)."""
        self.check_theta(theta)
        return [_matrix(theta, block) for block in self.skip_blocks]

    def trained(self, train: str) -> npt.NDArray[np.bool_]:
        """Return which parameters a part of `engine.parts.PARTS` holds, (n_params,): "output" for V alone."""
        return parts.trained(self, train)

    def logits(self, theta: FloatArray, x: Any) -> FloatArray:
        """Return the outputs before softmax, (n_samples, n_outputs), for x (n_samples, n_features).

        x may also be a Dataset; only then do the outputs have its noise, if it has any.
        """
        if isinstance(x, Dataset):
            return self.evaluator(x).logits(self._checked(theta))
        return self.evaluator(_unlabelled(x, self.layer_sizes[0])).logits(self._checked(theta))

    def loss(self, theta: FloatArray, data: Dataset) -> float:
        """Return the mean loss over data at theta, in nats (or squared units)."""
        return self.evaluator(data).loss_and_errors(self._checked(theta))[0]

    def n_errors(self, theta: FloatArray, data: Dataset) -> int:
        """Return how many samples have their largest logit (the first, on ties) at a wrong class."""
        return self.evaluator(data).loss_and_errors(self._checked(theta))[1]

    def per_example_loss(self, theta: FloatArray, data: Dataset) -> FloatArray:
        """Return the loss of each sample, (n_samples,)."""
        return self.evaluator(data).per_example_loss(self._checked(theta))

    def gradient(self, theta: FloatArray, data: Dataset) -> FloatArray:
        """Return the exact gradient of the mean loss, (n_params,), by backpropagation."""
        gradient = np.empty(self.n_params)
        self.evaluator(data).evaluate(self._checked(theta), gradient)
        return gradient

    def hessian_vector(self, theta: FloatArray, data: Dataset, v: Any) -> FloatArray:
        """Return the Hessian of the mean loss times v (n_params,), exactly, as (n_params,).

        For many products at one theta `engine.curvature.Hessian` keeps what they share.
        """
        from engine.curvature import Hessian  # the kernels take seconds to import

        return Hessian(self, data, theta).product(v)

    def evaluator(self, data: Dataset) -> Evaluator:
        """Return what evaluates this network on data in float64 and ordered arithmetic, on one thread."""
        from engine.evaluator import make_evaluator  # the kernels take seconds to import

        return make_evaluator(self, data)

    def check_theta(self, theta: FloatArray) -> None:
        """Raise TypeError or ValueError unless theta is an array (n_params,)."""
        if not isinstance(theta, np.ndarray):
            kind = type(theta).__name__
            raise TypeError(f"theta must be a numpy array of shape ({self.n_params},), not {kind}.")
        if theta.shape != (self.n_params,):
            raise ValueError(f"theta must have shape ({self.n_params},), not {theta.shape}.")

    def _checked(self, theta: Any) -> FloatArray:
        return checks.vector("theta", theta, self.n_params)


def _sequence(name: str, value: Any, allowed: str) -> tuple[Any, ...]:
    try:
        return tuple(value)
    except TypeError:
        raise TypeError(f"{name} must be a sequence of {allowed}, not {value!r}.") from None


def _unlabelled(x: Any, n_features: int) -> Dataset:
    """Return samples as a Dataset; the labels mean nothing."""
    try:
        n_samples = len(x)
    except TypeError:
        shape = f"(n_samples, {n_features})"
        raise TypeError(f"x must be an array of numbers of shape {shape}, not {x!r}.") from None
    data = Dataset(x, np.zeros(n_samples, dtype=np.int64), "inputs")
    if data.n_features != n_features:
        raise ValueError(
            f"x must have {n_features} features a sample for this network, not {data.n_features}."
        )
    return data


def _activation_per_layer(activation: str | Sequence[str], n_hidden: int) -> tuple[str, ...]:
    if isinstance(activation, str):
        activation = (activation,)
    names = _sequence("activation", activation, "names, or one name")
    for name in names:
        checks.choice("activation", name, ACTIVATION_NAMES)
    if len(names) == 1:
        names *= n_hidden
    if len(names) != n_hidden and n_hidden:
        raise ValueError(
            f"activation must be one name or one per hidden layer ({n_hidden}), not {len(names)} names."
        )
    return names[:n_hidden]


def _skip_layers(skip: Sequence[int], n_hidden: int) -> tuple[int, ...]:
    wired = _sequence("skip", skip, "numbers of hidden layers, as (1, 2)")
    if wired and not n_hidden:
        raise ValueError(f"skip must be () for a network without hidden layers, not {wired}.")
    for layer in wired:
        checks.whole_number("skip", layer, at_least=1, at_most=n_hidden)
    if len(set(wired)) != len(wired):
        raise ValueError(f"skip must name each hidden layer at most once, not {wired}.")
    return wired


def _layer_blocks(sizes: tuple[int, ...]) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for fan_in, fan_out in pairwise(sizes):
        blocks.append(Block(blocks[-1].stop if blocks else 0, fan_in, fan_out, has_bias=True))
    return tuple(blocks)


def _skip_blocks(sizes: tuple[int, ...], skip: tuple[int, ...], offset: int) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for layer in skip:
        blocks.append(Block(blocks[-1].stop if blocks else offset, sizes[layer], sizes[-1], has_bias=False))
    return tuple(blocks)


def _matrix(theta: FloatArray, block: Block) -> FloatArray:
    return theta[block.offset : block.bias_offset].reshape(block.fan_in, block.fan_out)
