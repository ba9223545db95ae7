"""RunConfig: everything that decides a run, validated, frozen, and readable as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine import checks

ACTIVATION_NAMES: Final = ("identity", "logistic", "tanh", "relu", "leaky_relu", "softplus", "erf")
LOSS_NAMES: Final = ("cross_entropy", "quadratic", "squared")
DTYPES: Final = ("float64", "float32")
ARITHMETICS: Final = ("ordered", "blas")
INIT_NAMES: Final = (
    *("glorot_uniform", "glorot_normal", "he_normal", "lecun_normal", "orthogonal", "normal", "constant"),
    "witness",
)
TRAIN_NAMES: Final = ("all", "weights", "hidden", "hidden_weights", "output", "output_weights")


@dataclass(frozen=True, slots=True)
class RunConfig:
    """The settings of one run; with the program's version they decide every bit of it.

    Attributes:
        lesson: id of the lesson this came from, "" for none.
        data: name of a data set, as `engine.load_dataset` takes it.
        n_samples: how many samples from the front are used; None for all.
        hidden: widths of the hidden layers, () for none.
        activation: one name for all hidden layers, or one per hidden layer.
        loss: "cross_entropy", "quadratic" or "squared".
        skip: numbers (from 1) of hidden layers that are also wired straight to the output.
        init: how the start is drawn; init_value is used by "constant", init_scale by "normal"; "witness" is
            the start that belongs to the data "witness:NAME".
        learning_rate: step length, in units of the parameters per unit of gradient.
        batch_size: samples a step, None for all of them.
        seed: seed of the start and of the order of mini-batches.
        dtype: "float64" or "float32".
        arithmetic: "ordered" (equal units stay equal to the last bit) or "blas".
        train: which parameters steps move, see `engine.parts`; the others keep the bits of the start.
        noise, noise_seed: strength and seed of fixed noise on the hidden units, see `engine.noise`; 0 for none.
        record_disparities: at every so many steps `engine.disparities` are recorded; 0 for never.
    """

    lesson: str = ""
    data: str = "digits"
    n_samples: int | None = None
    hidden: tuple[int, ...] = (32,)
    activation: tuple[str, ...] = ("logistic",)
    loss: str = "cross_entropy"
    skip: tuple[int, ...] = ()
    init: str = "glorot_uniform"
    init_value: float = 0.1
    init_scale: float = 0.1
    learning_rate: float = 0.5
    batch_size: int | None = None
    seed: int = 0
    dtype: str = "float64"
    arithmetic: str = "ordered"
    train: str = "all"
    noise: float = 0.0
    noise_seed: int = 0
    record_disparities: int = 0

    def __post_init__(self) -> None:
        _check_kinds(self)
        _check_names(self)
        _check_numbers(self)
        _check_layers(self)

    def replace(self, **changes: Any) -> RunConfig:
        """Return a copy with some settings changed, validated again."""
        return dataclasses.replace(self, **changes)

    def with_text(self, key: str, text: str) -> RunConfig:
        """Return a copy with one setting read from text, as the fields of the window do."""
        return self.with_texts({key: text})

    def with_texts(self, texts: Mapping[str, str]) -> RunConfig:
        """Return a copy with several settings read from text at once, so that their order does not matter."""
        for key in texts:
            if key not in _READERS:
                raise ValueError(f"{key!r} is no setting; the settings are {', '.join(_READERS)}.")
        return self.replace(**{key: _READERS[key](key, text.strip()) for key, text in texts.items()})

    def as_text(self) -> dict[str, str]:
        """Return every setting as the text that `with_text` reads back."""
        return {key: _text(getattr(self, key)) for key in _READERS}


def setting_names() -> tuple[str, ...]:
    """Return the keys that `RunConfig.with_text` accepts, in order."""
    return tuple(_READERS)


def check_arithmetic(dtype: object, arithmetic: object) -> None:
    """Raise ValueError or TypeError unless both exist."""
    checks.choice("dtype", dtype, DTYPES)
    checks.choice("arithmetic", arithmetic, ARITHMETICS)


def _check_kinds(config: RunConfig) -> None:
    for name in ("hidden", "activation", "skip"):
        value = getattr(config, name)
        if not isinstance(value, tuple | list):
            raise TypeError(f"{name} must be a tuple, not {value!r}.")
    for name in ("lesson", "data"):
        if not isinstance(getattr(config, name), str):
            raise TypeError(f"{name} must be text, not {getattr(config, name)!r}.")


def _check_names(config: RunConfig) -> None:
    checks.choice("loss", config.loss, LOSS_NAMES)
    checks.choice("init", config.init, INIT_NAMES)
    checks.choice("train", config.train, TRAIN_NAMES)
    check_arithmetic(config.dtype, config.arithmetic)
    for name in config.activation:
        checks.choice("activation", name, ACTIVATION_NAMES)
    if not config.data:
        raise ValueError("data must name a data set, not be empty.")


def _check_numbers(config: RunConfig) -> None:
    checks.real_number("learning_rate", config.learning_rate, above=0.0)
    checks.real_number("init_value", config.init_value)
    checks.real_number("init_scale", config.init_scale, at_least=0.0)
    checks.whole_number("seed", config.seed, at_least=0)
    checks.whole_number("record_disparities", config.record_disparities, at_least=0)
    checks.real_number("noise", config.noise, at_least=0.0)
    checks.whole_number("noise_seed", config.noise_seed, 0, 2**63 - 1)
    for name in ("batch_size", "n_samples"):
        value = getattr(config, name)
        if value is not None:
            checks.whole_number(name, value, at_least=1)


def _check_layers(config: RunConfig) -> None:
    for width in config.hidden:
        checks.whole_number("hidden", width, at_least=1)
    if len(config.activation) not in (1, len(config.hidden)):
        raise ValueError(
            f"activation must be one name or one per hidden layer ({len(config.hidden)}), "
            f"not {len(config.activation)} names."
        )
    for layer in config.skip:
        checks.whole_number("skip", layer, at_least=1, at_most=max(1, len(config.hidden)))
    if len(set(config.skip)) != len(config.skip) or (config.skip and not config.hidden):
        raise ValueError(f"skip must name each hidden layer at most once, not {config.skip}.")


def _whole(key: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{key} must be a whole number, not {text!r}.") from None


def _whole_or_all(key: str, text: str) -> int | None:
    return None if text in ("", "all") else _whole(key, text)


def _wholes(key: str, text: str) -> tuple[int, ...]:
    if text in ("", "none"):
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"{key} must be whole numbers separated by commas, as 64,32, not {text!r}."
        ) from None


def _real(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{key} must be a number, not {text!r}.") from None


def _names(key: str, text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _plain(key: str, text: str) -> str:
    return text


_READERS: Final[dict[str, Callable[[str, str], Any]]] = {
    "data": _plain,
    "n_samples": _whole_or_all,
    "hidden": _wholes,
    "activation": _names,
    "loss": _plain,
    "skip": _wholes,
    "init": _plain,
    "init_value": _real,
    "init_scale": _real,
    "learning_rate": _real,
    "batch_size": _whole_or_all,
    "seed": _whole,
    "dtype": _plain,
    "arithmetic": _plain,
    "train": _plain,
    "noise": _real,
    "noise_seed": _whole,
    "record_disparities": _whole,
}


def _text(value: Any) -> str:
    if value is None:
        return "all"
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return repr(value) if isinstance(value, float) else str(value)
