"""CIFAR-10 in its binary layout: one label byte, then 3,072 bytes, the red plane first, each row by row.

Source of the format: https://www.cs.toronto.edu/~kriz/cifar.html. A shortened file is welcome, so the number
of pictures is read from the length, and there is no hash to check.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.datasets.dataset import Dataset, frozen

if TYPE_CHECKING:
    import numpy.typing as npt

TRAIN_PATTERN: Final = "data_batch_[0-9].bin"
TEST_PATTERN: Final = "test_batch.bin"
N_PIXELS: Final = 3 * 32 * 32
N_RECORD: Final = 1 + N_PIXELS
N_MOST_RECORDS: Final = 10_000  # in one official file
N_CLASSES: Final = 10
# A Dataset's picture has one number a pixel. The three planes lie one after the other, so as 96 rows of 32
# they are three grey pictures below each other: red, green, blue. (32, 32) would not hold the 3,072 numbers.
IMAGE_SHAPE: Final = (96, 32)


def load(folder: Path, pattern: str, name: str) -> Dataset:
    """Return the pictures of all files that fit the pattern, in order, x (n_samples, 3072) divided by 255.

    All 50,000 training pictures are 1.2 GB.

    Raises:
        ValueError: one sentence naming the file, what was found and what is expected.
    """
    records = [_read(path) for path in _paths(folder, pattern)]
    if not records:
        raise ValueError(f"{folder} holds no {pattern.replace('[0-9]', '*')}.")
    pixels = np.empty((sum(map(len, records)), N_PIXELS))
    np.divide(np.concatenate([batch[:, 1:] for batch in records]), 255.0, out=pixels)
    labels = np.concatenate([batch[:, 0] for batch in records])
    return Dataset(frozen(pixels), labels, name, N_CLASSES, IMAGE_SHAPE)


def holds(folder: Path, pattern: str) -> bool:
    """Whether a file that fits the pattern is in the folder; looks at names only."""
    return bool(_paths(folder, pattern))


def holds_any(folder: Path) -> bool:
    """Whether a training or a test file is in the folder; looks at names only."""
    return holds(folder, TRAIN_PATTERN) or holds(folder, TEST_PATTERN)


def check_folder(folder: Path) -> None:
    """Read training and test files; raise ValueError with one sentence at the first that will not do."""
    for pattern in (TRAIN_PATTERN, TEST_PATTERN):
        if not holds(folder, pattern):
            raise ValueError(f"{folder} holds no {pattern.replace('[0-9]', '*')}.")
        for path in _paths(folder, pattern):
            _read(path)


def _paths(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(path for path in folder.glob(pattern) if path.is_file())
    except OSError:  # a folder that may not be entered
        return []


def _read(path: Path) -> npt.NDArray[np.uint8]:
    """Return the records of one file, (n_records, 1 + 3072) bytes."""
    raw = _bytes(path)
    if not raw or len(raw) % N_RECORD or len(raw) > N_MOST_RECORDS * N_RECORD:
        raise ValueError(
            f"{path} must hold 1 to {N_MOST_RECORDS} pictures of {N_RECORD} bytes each, "
            f"not {_length(path, raw)} bytes."
        )
    records = np.frombuffer(raw, dtype=np.uint8).reshape(-1, N_RECORD)
    if records[:, 0].max() >= N_CLASSES:
        place = int(np.argmax(records[:, 0] >= N_CLASSES))
        raise ValueError(
            f"{path} has the label {records[place, 0]} at picture {place} (counted from 0), and labels go "
            f"from 0 to {N_CLASSES - 1}."
        )
    return records


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(N_MOST_RECORDS * N_RECORD + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None


def _length(path: Path, raw: bytes) -> str:
    return f"more than {N_MOST_RECORDS * N_RECORD}" if len(raw) > N_MOST_RECORDS * N_RECORD else str(len(raw))
