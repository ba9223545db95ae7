"""MNIST's four IDX files, compressed or not, checked down to the last byte.

The format (http://yann.lecun.com/exdb/mnist): a magic number, one size per dimension, all big-endian 32-bit,
then one unsigned byte per number.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from engine.datasets.dataset import Dataset, frozen

if TYPE_CHECKING:
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
GZIP_MAGIC: Final = b"\x1f\x8b"
N_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class IdxFile:
    """One file as it must be.

    Attributes:
        stem: what the file is called before its ending, as "train-images".
        sizes: (n_samples,) for labels, (n_samples, rows, columns) for images.
        sha256: hash of the decompressed bytes, in hexadecimal.
        n_packed: size in bytes of the compressed file that the mirrors offer, for a progress bar.
    """

    stem: str
    sizes: tuple[int, ...]
    sha256: str
    n_packed: int

    @property
    def kind(self) -> str:
        """The IDX type in the file's name, "idx1" or "idx3"."""
        return f"idx{len(self.sizes)}"

    @property
    def magic(self) -> int:
        """The number that the file begins with: 0x08 for unsigned bytes, then the number of dimensions."""
        return 0x800 + len(self.sizes)

    @property
    def n_header(self) -> int:
        """Bytes before the first number."""
        return 4 + 4 * len(self.sizes)

    @property
    def n_bytes(self) -> int:
        """Bytes in the whole decompressed file."""
        return self.n_header + math.prod(self.sizes)

    @property
    def packed_name(self) -> str:
        """The name under which mirrors offer the file."""
        return f"{self.stem}-{self.kind}-ubyte.gz"

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which the file is looked for, in order; unpacking tools make a dot of the dash."""
        plain = f"{self.stem}-{self.kind}-ubyte"
        dotted = f"{self.stem}.{self.kind}-ubyte"
        return plain + ".gz", plain, dotted + ".gz", dotted


@dataclass(frozen=True, slots=True)
class Part:
    """Images and the labels that belong to them."""

    images: IdxFile
    labels: IdxFile

    @property
    def files(self) -> tuple[IdxFile, IdxFile]:
        """Both files."""
        return self.images, self.labels


TRAIN: Final = Part(
    IdxFile(
        "train-images",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        9_912_422,
    ),
    IdxFile(
        "train-labels",
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        28_881,
    ),
)
TEST: Final = Part(
    IdxFile(
        "t10k-images",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        1_648_877,
    ),
    IdxFile(
        "t10k-labels",
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        4_542,
    ),
)
FILES: Final = TRAIN.files + TEST.files


def load(folder: Path, part: Part, name: str) -> Dataset:
    """Return the images of one part as x (n_samples, rows * columns), grey levels divided by 255.

    Raises:
        ValueError: one sentence naming the file, what was found and what is expected.
    """
    labels = read(folder, part.labels)
    images = read(folder, part.images)
    pixels = np.divide(images.reshape(len(images), -1), 255.0, dtype=np.float64)
    return Dataset(frozen(pixels), labels, name, N_DIGITS, (images.shape[1], images.shape[2]))


def holds(folder: Path, part: Part) -> bool:
    """Whether the files of a part are in the folder; looks at names only."""
    return all(find(folder, file) is not None for file in part.files)


def holds_any(folder: Path) -> bool:
    """Whether any of the four files is in the folder; looks at names only."""
    return any(find(folder, file) is not None for file in FILES)


def check_folder(folder: Path) -> None:
    """Read all four files; raise ValueError with one sentence at the first that is not as it must be."""
    for file in FILES:
        read(folder, file)


def find(folder: Path, file: IdxFile) -> Path | None:
    """Return the path of a file in the folder, under the first of its names that is there."""
    paths = (folder / name for name in file.names)
    try:
        return next((path for path in paths if path.is_file()), None)
    except OSError:  # a folder that may not be entered
        return None


def read(folder: Path, file: IdxFile) -> Bytes:
    """Return the numbers of a file in its sizes; ValueError with one sentence if it is not as it must be."""
    path = find(folder, file)
    if path is None:
        raise ValueError(f"{folder} holds no {file.packed_name}, with or without .gz.")
    return decode(read_bytes(path, file.n_bytes), file, path)


def decode(raw: bytes, file: IdxFile, path: Path) -> Bytes:
    """Return decompressed bytes as numbers in the file's sizes, after checking every one of them.

    Raises:
        ValueError: one sentence, for a wrong magic number, size or length, a label above 9, or a wrong hash.
    """
    _check_header(raw, file, path)
    if len(raw) != file.n_bytes:
        found = f"only {len(raw)}" if len(raw) < file.n_bytes else "more"
        raise ValueError(f"{path} holds {found} bytes once decompressed, and {file.n_bytes} are expected.")
    numbers = np.frombuffer(raw, dtype=np.uint8, offset=file.n_header).reshape(file.sizes)
    if numbers.ndim == 1:
        _check_labels(numbers, path)
    _check_hash(raw, file, path)
    return numbers


def read_bytes(path: Path, n_expected: int) -> bytes:
    """Return the decompressed bytes of a file, one more than expected at most: no file may fill the memory.

    Whether it is compressed is seen from its first bytes: browsers unpack .gz files and keep the name.

    Raises:
        ValueError: one sentence, for a file that cannot be read, is cut off or damaged.
    """
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == GZIP_MAGIC
            stream.seek(0)
            return _gunzip(stream, n_expected + 1) if packed else stream.read(n_expected + 1)
    except EOFError:
        raise ValueError(f"{path} is cut off: the compressed data ends too early.") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged and cannot be decompressed: {error}.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None


def _gunzip(stream: BinaryIO, n_most: int) -> bytes:
    with gzip.GzipFile(fileobj=stream) as unpacked, io.BytesIO() as raw:
        while chunk := unpacked.read(min(1 << 20, n_most - raw.tell())):
            raw.write(chunk)
        return raw.getvalue()


def _check_header(raw: bytes, file: IdxFile, path: Path) -> None:
    if len(raw) < file.n_header:
        raise ValueError(
            f"{path} holds only {len(raw)} bytes, too few for an IDX header of {file.n_header} bytes."
        )
    magic, *sizes = (int(number) for number in np.frombuffer(raw, dtype=">u4", count=file.n_header // 4))
    if magic != file.magic:
        raise ValueError(
            f"{path} begins with the number 0x{magic:08x}, and an IDX file of this kind begins with "
            f"0x{file.magic:08x}."
        )
    if tuple(sizes) != file.sizes:
        raise ValueError(
            f"{path} has the size {_times(tuple(sizes))} in its header, and {_times(file.sizes)} is expected."
        )


def _check_labels(labels: Bytes, path: Path) -> None:
    if labels.max() >= N_DIGITS:
        place = int(np.argmax(labels >= N_DIGITS))
        raise ValueError(
            f"{path} has the label {labels[place]} at sample {place} (counted from 0), and labels go from 0 "
            f"to {N_DIGITS - 1}."
        )


def _check_hash(raw: bytes, file: IdxFile, path: Path) -> None:
    digest = hashlib.sha256(raw).hexdigest()
    if digest != file.sha256:
        raise ValueError(
            f"{path} is not the original file: its SHA-256 is {digest}, and {file.sha256} is expected."
        )


def _times(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))
