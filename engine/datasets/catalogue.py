"""The table of data sets: their names, what they are, whether they are here, and how they are loaded."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.datasets import cifar, idx, tables, toys
from engine.datasets.dataset import Dataset
from engine.datasets.folders import as_path, find_folder, known_folder

if TYPE_CHECKING:
    import numpy.typing as npt

TOY_SEED: Final = 0
_DIGITS: Final = ("datasets", "data", "digits.csv.gz")  # within scikit-learn


@dataclass(frozen=True, slots=True)
class Entry:
    """One data set.

    Attributes:
        name: what `load_dataset` takes.
        description: one line for lists and tool-tips.
        load: returns the data set, or raises ValueError with one sentence.
        is_available: whether the files are here; looks at names only, so it is cheap.
    """

    name: str
    description: str
    load: Callable[[], Dataset]
    is_available: Callable[[], bool]


def load_dataset(name: str) -> Dataset:
    """Return a data set by its name: one of `dataset_names()`, "csv:PATH", "npz:PATH" or "witness:NAME".

    Every call reads the files again; nothing is kept. The name of the data set returned is the name given.

    Raises:
        TypeError: if name is no text.
        ValueError: one sentence, if there is no such name, or a file is missing (then it is a
            `MissingDatasetError`, which says how to get it) or not as it must be.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be {_allowed()}, not {name!r}.")
    kind, colon, path = name.partition(":")
    if colon and kind == "witness":
        from engine.witnesses import load_data  # a witness is more than data: it knows networks

        return load_data(path)
    if colon and kind in FILE_KINDS:
        return FILE_KINDS[kind](as_path(f"the path after {kind}:", path), name)
    if name not in DATASETS:
        raise ValueError(f"name must be {_allowed()}, not {name!r}.")
    return DATASETS[name].load()


def dataset_names() -> tuple[str, ...]:
    """Return the names in `DATASETS`, in order; `load_dataset` also takes "csv:PATH" and "npz:PATH"."""
    return tuple(DATASETS)


def is_available(name: str) -> bool:
    """Whether the files of a data set are here; looks at names only. False for an unknown name, and for no name."""
    if not isinstance(name, str):
        return False
    kind, colon, path = name.partition(":")
    if colon and kind == "witness":
        from engine.witnesses import witness_names

        return path in witness_names()
    if colon and kind in FILE_KINDS:
        with contextlib.suppress(ValueError):  # what can be no path
            return as_path(kind, path).is_file()
        return False
    return name in DATASETS and DATASETS[name].is_available()


def check_dataset_name(what: str, name: str) -> None:
    """Raise ValueError, a sentence about `what`, unless there is a data set of that name, be its files here or not."""
    kind, colon, _ = name.partition(":")
    is_file = bool(colon) and kind in FILE_KINDS
    if not is_file and name not in DATASETS and not is_available(name):
        raise ValueError(f"{what} must be {_allowed()}, not {name!r}.")


def _load_digits() -> Dataset:
    """Read scikit-learn's file of digits; importing scikit-learn for it would take nine tenths of a second."""
    table = _digits_table()
    return Dataset(table[:, :-1] / 16.0, table[:, -1].astype(np.int64), "digits", image_shape=(8, 8))


def _digits_table() -> npt.NDArray[np.float64]:
    """Return 64 pixels from 0 to 16 and the digit of each sample, (1797, 65)."""
    found = find_spec("sklearn")  # which does not import it
    for folder in found.submodule_search_locations or () if found is not None else ():
        file = Path(folder, *_DIGITS)
        if file.is_file():
            with gzip.open(file, "rt", encoding="ascii") as lines:
                return np.loadtxt(lines, delimiter=",")
    from sklearn.datasets import load_digits  # a release that keeps the file elsewhere

    bunch = load_digits()
    return np.column_stack([bunch.data, bunch.target])


def _load_toy(make: Callable[[np.random.Generator], Dataset]) -> Dataset:
    return make(np.random.default_rng(TOY_SEED))


def _load_mnist(part: idx.Part, name: str) -> Dataset:
    return idx.load(find_folder("mnist"), part, name)


def _has_mnist(part: idx.Part) -> bool:
    folder = known_folder("mnist")
    return folder is not None and idx.holds(folder, part)


def _load_cifar(pattern: str, name: str) -> Dataset:
    return cifar.load(find_folder("cifar10"), pattern, name)


def _has_cifar(pattern: str) -> bool:
    folder = known_folder("cifar10")
    return folder is not None and cifar.holds(folder, pattern)


def _mnist(name: str, part: idx.Part, description: str) -> Entry:
    return Entry(name, description, partial(_load_mnist, part, name), partial(_has_mnist, part))


def _cifar(name: str, pattern: str, description: str) -> Entry:
    return Entry(name, description, partial(_load_cifar, pattern, name), partial(_has_cifar, pattern))


def _built_in(name: str, load: Callable[[], Dataset], description: str) -> Entry:
    return Entry(name, description, load, lambda: True)


def _allowed() -> str:
    return f"one of {', '.join(DATASETS)}, csv:PATH or npz:PATH"


FILE_KINDS: Final[Mapping[str, Callable[[Path, str], Dataset]]] = {
    "csv": tables.load_csv,
    "npz": tables.load_npz,
}

DATASETS: Final[Mapping[str, Entry]] = {
    entry.name: entry
    for entry in (
        _built_in(
            "digits", _load_digits, "1,797 handwritten digits of 8 x 8 pixels, 10 classes, from scikit-learn"
        ),
        _mnist(
            "mnist",
            idx.TRAIN,
            "60,000 handwritten digits of 28 x 28 pixels, 10 classes (a download of 12 MB)",
        ),
        _mnist("mnist-test", idx.TEST, "the 10,000 test digits that belong to mnist"),
        _cifar(
            "cifar10", cifar.TRAIN_PATTERN, "up to 50,000 colour photographs of 32 x 32 pixels, 10 classes"
        ),
        _cifar("cifar10-test", cifar.TEST_PATTERN, "up to 10,000 test photographs that belong to cifar10"),
        _built_in("xor", toys.xor, "the 4 corners of a square, 2 classes that no straight line parts"),
        _built_in(
            "moons", partial(_load_toy, toys.moons), "200 points on two interleaved half circles, 2 classes"
        ),
        _built_in("spirals", partial(_load_toy, toys.spirals), "200 points on two wound spirals, 2 classes"),
        _built_in("blobs", partial(_load_toy, toys.blobs), "200 points in three round clouds, 3 classes"),
        _built_in(
            "parity",
            lambda: toys.parity(_load_digits()),
            "the digits' 2 principal components; the class is whether the digit is odd",
        ),
        _built_in("sine", toys.sine, "61 points of sin(x) for the squared loss"),
        _built_in("wave", toys.wave, "60 points of sin(1.5 x) + 0.3 x for the squared loss"),
    )
}
