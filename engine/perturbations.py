"""Kicks: ways to move theta other than by a step. One small function each, and one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine import checks
from engine.mlp import MLP

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    Moved = tuple[MLP, FloatArray]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a perturbation; a whole number where the default is an int."""

    name: str
    default: float | int
    at_least: float | int
    explanation: str


@dataclass(frozen=True, slots=True)
class Perturbation:
    """A named kick.

    Attributes:
        title: what a menu calls it.
        explanation: one sentence for the person who is about to use it.
        keeps_loss: whether the loss is unchanged, to rounding.
        move: takes (net, theta (n_params,), options) and returns (net, theta); theta is not changed in place.
    """

    name: str
    title: str
    explanation: str
    keeps_loss: bool
    options: tuple[Option, ...]
    move: Callable[[MLP, FloatArray, dict[str, Any]], Moved]


_SCALE = Option("scale", 1e-3, 0.0, "strength of the kick")
_SEED = Option("seed", 0, 0, "seed of the random numbers")
_LAYER = Option("layer", 1, 1, "number of the hidden layer, from 1")
_UNIT = Option("unit", 0, 0, "number of the hidden unit, from 0")


def perturb(net: MLP, theta: FloatArray, name: str, options: dict[str, Any]) -> Moved:
    """Return (net, theta) after a perturbation; raises ValueError or TypeError for a bad name or option."""
    checks.choice("perturbation", name, PERTURBATION_TABLE)
    kick = PERTURBATION_TABLE[name]
    return kick.move(net, theta, _complete(net, kick, options))


def _complete(net: MLP, kick: Perturbation, options: dict[str, Any]) -> dict[str, Any]:
    allowed = {option.name: option for option in kick.options}
    for key in options:
        if key not in allowed:
            raise ValueError(f"{kick.name} has no option {key!r}; its options are {', '.join(allowed)}.")
    complete = {name: _checked(option, options.get(name, option.default)) for name, option in allowed.items()}
    if "layer" in complete:
        if not net.n_hidden:
            raise ValueError(f"{kick.name} needs a hidden layer, and this network has none.")
        checks.whole_number("layer", complete["layer"], 1, net.n_hidden)
    if "unit" in complete:
        checks.whole_number("unit", complete["unit"], 0, net.layer_sizes[int(complete["layer"])] - 1)
    return complete


def _checked(option: Option, value: Any) -> float | int:
    if isinstance(option.default, int):
        return checks.whole_number(option.name, value, int(option.at_least))
    return checks.real_number(option.name, value, at_least=option.at_least)


def _noise(net: MLP, theta: FloatArray, options: dict[str, Any]) -> Moved:
    rng = np.random.default_rng(options["seed"])
    return net, theta + options["scale"] * rng.standard_normal(net.n_params)


def _break_symmetry(net: MLP, theta: FloatArray, options: dict[str, Any]) -> Moved:
    rng = np.random.default_rng(options["seed"])
    moved = theta.copy()
    weights, _ = net.layers(moved)[options["layer"] - 1]
    direction = rng.standard_normal(len(weights))
    weights[:, options["unit"]] += options["scale"] * direction / np.linalg.norm(direction)
    return net, moved


def _permute(net: MLP, theta: FloatArray, options: dict[str, Any]) -> Moved:
    layer = options["layer"]
    order = np.random.default_rng(options["seed"]).permutation(net.layer_sizes[layer])
    return net, permuted(net, theta, layer, order)


def permuted(net: MLP, theta: FloatArray, layer: int, order: npt.NDArray[np.int64]) -> FloatArray:
    """Return theta (n_params,) with unit order[k] of a hidden layer in place k; the function is the same."""
    moved = theta.copy()
    layers = net.layers(moved)
    weights, bias = layers[layer - 1]
    weights[...] = weights[:, order]
    bias[...] = bias[order]
    outgoing = [layers[layer][0]]
    if layer in net.skip:
        outgoing.append(net.skip_weights(moved)[net.skip.index(layer)])
    for matrix in outgoing:
        matrix[...] = matrix[order]
    return moved


def _duplicate(net: MLP, theta: FloatArray, options: dict[str, Any]) -> Moved:
    """Net2WiderNet (Chen, Goodfellow and Shlens 2016): the copy and the original share the output weights."""
    layer, unit = options["layer"], options["unit"]
    sizes = list(net.layer_sizes)
    sizes[layer] += 1
    wider = MLP(sizes, net.activation or "logistic", net.loss_name, net.skip)
    moved = np.zeros(wider.n_params)
    order = np.append(np.arange(net.layer_sizes[layer]), unit)
    for number, (old, new) in enumerate(zip(net.layers(theta), wider.layers(moved), strict=True), start=1):
        weights, bias = old
        if number == layer:
            weights, bias = weights[:, order], bias[order]
        if number == layer + 1:
            weights = _shared(weights, order, unit)
        new[0][...], new[1][...] = weights, bias
    for wired, before, after in zip(
        net.skip, net.skip_weights(theta), wider.skip_weights(moved), strict=True
    ):
        after[...] = _shared(before, order, unit) if wired == layer else before
    return wider, moved


def _shared(outgoing: FloatArray, order: npt.NDArray[np.int64], unit: int) -> FloatArray:
    """Return the rows of outgoing in order, with half the weight for unit and for its copy at the end."""
    rows = outgoing[order]
    rows[unit] *= 0.5
    rows[-1] *= 0.5
    return rows


def _reset_unit(net: MLP, theta: FloatArray, options: dict[str, Any]) -> Moved:
    layer, unit = options["layer"], options["unit"]
    fresh = net.init("glorot_uniform", seed=options["seed"])
    moved = theta.copy()
    for into, start in zip(net.layers(moved)[layer - 1], net.layers(fresh)[layer - 1], strict=True):
        into[..., unit] = start[..., unit]
    net.layers(moved)[layer][0][unit] = net.layers(fresh)[layer][0][unit]
    if layer in net.skip:
        number = net.skip.index(layer)
        net.skip_weights(moved)[number][unit] = net.skip_weights(fresh)[number][unit]
    return net, moved


_TABLE: Final = (
    Perturbation(
        "noise",
        "Add noise to all weights",
        "Adds a normal random number times the strength to every parameter.",
        False,
        (_SCALE, _SEED),
        _noise,
    ),
    Perturbation(
        "break_symmetry",
        "Break the symmetry",
        "Moves the input weights of one hidden unit by the strength, in a random direction.",
        False,
        (_SCALE, _SEED, _LAYER, _UNIT),
        _break_symmetry,
    ),
    Perturbation(
        "permute",
        "Permute hidden units",
        "Puts the units of a hidden layer in another order; the loss stays the same.",
        True,
        (_SEED, _LAYER),
        _permute,
    ),
    Perturbation(
        "duplicate",
        "Duplicate a unit",
        "Adds a copy of a hidden unit and halves the output weights of both; the loss stays the same.",
        True,
        (_LAYER, _UNIT),
        _duplicate,
    ),
    Perturbation(
        "reset_unit",
        "Reset a unit",
        "Draws all weights of one hidden unit anew.",
        False,
        (_SEED, _LAYER, _UNIT),
        _reset_unit,
    ),
)

PERTURBATION_TABLE: Final[dict[str, Perturbation]] = {kick.name: kick for kick in _TABLE}
PERTURBATIONS: Final[tuple[str, ...]] = tuple(PERTURBATION_TABLE)
