"""Witnesses: a network, its data and a start, small enough for a text file, that show one thing exactly.

The files are in assets/witnesses; a run takes one as the data set "witness:NAME", and its start as the init
"witness". A file is TOML: text, x, y (and targets, n_classes), the network (hidden, activation, loss, skip),
train, learning_rate, n_steps, batch_size and seed of mini-batches, and the start as one [[layers]] table a
layer with weights, a row an input, and bias, and one [[skips]] table a skip with weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from engine import checks
from engine.config import TRAIN_NAMES, RunConfig
from engine.datasets.dataset import Dataset
from engine.mlp import MLP
from engine.outputs import write_text
from engine.tomls import faults_named, read_toml

if TYPE_CHECKING:
    from engine.trainer import Trainer

FOLDER: Final = Path(__file__).resolve().parent.parent / "assets" / "witnesses"
PREFIX: Final = "witness:"
_KEYS: Final = (
    *("text", "x", "y", "targets", "n_classes", "hidden", "activation", "loss", "skip"),
    *("train", "learning_rate", "n_steps", "batch_size", "seed", "layers", "skips"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Witness:
    """A start that shows something, and after how many steps.

    Attributes:
        name: file name without ending, or what to call it.
        text: what it shows, one sentence.
        theta: the start, (n_params,).
        n_steps: the step at which it shows.
        batch_size, seed: of a mini-batch run; None is the full batch.
        train: the part of theta that steps move, see `engine.parts`.
    """

    name: str
    text: str
    net: MLP
    data: Dataset
    theta: npt.NDArray[np.float64]
    learning_rate: float
    n_steps: int
    batch_size: int | None = None
    seed: int = 0
    train: str = "all"

    def config(self) -> RunConfig:
        """Return the settings that run it in the window, once its file is among the witnesses."""
        return RunConfig(
            data=PREFIX + self.name,
            hidden=self.net.layer_sizes[1:-1],
            activation=self.net.activation or ("logistic",),
            loss=self.net.loss_name,
            skip=self.net.skip,
            init="witness",
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            seed=self.seed,
            train=self.train,
        )

    def trainer(self, learning_rate: float | None = None) -> Trainer:
        """Return a Trainer at the start, at the witness's rate or another."""
        from engine.trainer import Trainer  # it takes witnesses as starts

        rate = self.learning_rate if learning_rate is None else learning_rate
        return Trainer(self.net, self.data, self.theta, rate, self.batch_size, self.seed, train=self.train)


def witness_names(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the names of all witnesses, in alphabetical order."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def load_witness(name: str, folder: Path = FOLDER) -> Witness:
    """Return a witness by its name; raises ValueError with one sentence."""
    if name not in witness_names(folder):
        raise ValueError(f"{name!r} is no witness; the witnesses are {', '.join(witness_names(folder))}.")
    path = folder / f"{name}.toml"
    with faults_named(f"The witness file {path.name}"):
        return _witness(name, read_toml(path))


def write_witness(witness: Witness, path: Path) -> None:
    """Write a witness as a file that `load_witness` reads to the same bits, whole or not at all.

    Raises:
        OSError: when that fails; a file that was there is left as it was.
    """
    write_text(path, as_toml(witness))


def as_toml(witness: Witness) -> str:
    """Return the text of a witness's file; Python writes each float with as many digits as it takes."""
    return "\n".join(_lines(witness)) + "\n"


def load_data(name: str) -> Dataset:
    """Return the data of the witness with the name behind "witness:"."""
    return load_witness(name).data


def start(net: MLP, config: RunConfig) -> npt.NDArray[np.float64]:
    """Return the start (n_params,) of config's witness; ValueError where net is not the witness's network."""
    if not config.data.startswith(PREFIX):
        raise ValueError(
            f"init must not be witness for the data {config.data!r}; that goes with {PREFIX}NAME."
        )
    witness = load_witness(config.data.removeprefix(PREFIX))
    if (net.layer_sizes, net.skip) != (witness.net.layer_sizes, witness.net.skip):
        sizes = "-".join(map(str, witness.net.layer_sizes))
        raise ValueError(
            f"hidden and skip must stay as they are with this witness: its start is for {sizes}."
        )
    return witness.theta.copy()


def _witness(name: str, content: dict[str, Any]) -> Witness:
    for key in content:
        checks.choice("a key", key, _KEYS)
    data = Dataset(
        content["x"],
        content["y"],
        PREFIX + name,
        content.get("n_classes"),
        targets=content.get("targets"),
    )
    net = _network(content, data)
    return Witness(
        name=name,
        text=_text(content["text"]),
        net=net,
        data=data,
        theta=_theta(net, content),
        learning_rate=checks.real_number("learning_rate", content["learning_rate"], above=0.0),
        n_steps=checks.whole_number("n_steps", content["n_steps"], at_least=1),
        batch_size=_batch_size(content.get("batch_size"), data),
        seed=checks.whole_number("seed", content.get("seed", 0), at_least=0),
        train=checks.choice("train", content.get("train", "all"), TRAIN_NAMES),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text must be text, not {value!r}.")
    return " ".join(value.split())


def _batch_size(value: Any, data: Dataset) -> int | None:
    return None if value is None else checks.whole_number("batch_size", value, 1, data.n_samples)


def _network(content: dict[str, Any], data: Dataset) -> MLP:
    loss, hidden = content.get("loss", "cross_entropy"), content.get("hidden", [])
    if not isinstance(hidden, list):
        raise TypeError(f"hidden must be a list of whole numbers, not {hidden!r}.")
    n_outputs = 1 if loss == "squared" else data.n_classes
    sizes = (data.n_features, *hidden, n_outputs)
    return MLP(sizes, content.get("activation", "logistic"), loss, content.get("skip", ()))


def _theta(net: MLP, content: dict[str, Any]) -> npt.NDArray[np.float64]:
    theta = np.zeros(net.n_params)
    layers, skips = content["layers"], content.get("skips", [])
    _check_count("layers", layers, len(net.layer_blocks))
    _check_count("skips", skips, len(net.skip_blocks))
    for (weights, bias), given in zip(net.layers(theta), layers, strict=True):
        _fill("weights", weights, given["weights"])
        _fill("bias", bias, given.get("bias", np.zeros(bias.shape)))
    for weights, given in zip(net.skip_weights(theta), skips, strict=True):
        _fill("weights", weights, given["weights"])
    return theta


def _check_count(key: str, tables: Any, n_wanted: int) -> None:
    if not isinstance(tables, list) or len(tables) != n_wanted:
        raise ValueError(f"{key} must be {n_wanted} tables for this network.")


def _fill(key: str, view: npt.NDArray[np.float64], given: Any) -> None:
    try:
        values = checks.real_array(given)
    except (TypeError, ValueError):
        raise TypeError(f"{key} must be finite numbers of shape {view.shape}, not {given!r:.60}.") from None
    if values.shape != view.shape or not np.isfinite(values).all():
        raise ValueError(f"{key} must be finite numbers of shape {view.shape}, not {values.shape}.")
    view[...] = values


def _lines(witness: Witness) -> Iterator[str]:
    net, data = witness.net, witness.data
    settings = {
        "text": " ".join(witness.text.split()),
        "hidden": list(net.layer_sizes[1:-1]),
        "activation": list(net.activation),
        "loss": net.loss_name,
        "skip": list(net.skip),
        "train": witness.train,
        "learning_rate": witness.learning_rate,
        "n_steps": witness.n_steps,
    }
    if witness.batch_size is not None:
        settings |= {"batch_size": witness.batch_size, "seed": witness.seed}
    settings |= {"n_classes": data.n_classes, "y": data.y.tolist()}
    if not np.array_equal(data.targets, data.y):
        settings["targets"] = data.targets.tolist()
    yield from (f"{key} = {_value(value)}" for key, value in settings.items())
    yield f"x = {_rows(data.x)}"
    for weights, bias in net.layers(witness.theta):
        yield from ("", "[[layers]]", f"weights = {_rows(weights)}", f"bias = {_value(bias.tolist())}")
    for weights in net.skip_weights(witness.theta):
        yield from ("", "[[skips]]", f"weights = {_rows(weights)}")


def _rows(matrix: npt.NDArray[np.float64]) -> str:
    """Return a matrix, a row a line."""
    return "[\n" + "".join(f"    {_value(row)},\n" for row in matrix.tolist()) + "]"


def _value(value: Any) -> str:
    """Return a value as TOML, which takes JSON's texts, numbers and lists but for a bare DEL in a text."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\x7f", "\\u007f")
