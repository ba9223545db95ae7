"""A user's own data from a CSV or an NPZ file.

A CSV is read by numpy. Only when numpy gives up, or what it read will not do, is the file read again in
blocks of lines, and the faulty block cell by cell, to find the sentence that says where the fault is.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import numpy as np

from engine import archives
from engine.datasets.dataset import MAX_CLASSES, Dataset, frozen

if TYPE_CHECKING:
    import numpy.typing as npt

    Table = npt.NDArray[np.float64]
NumberedLine = tuple[int, str]
N_BLOCK: Final = 256  # lines that are read together while a fault is looked for
N_MOST_SHOWN: Final = 40  # characters of a bad cell that a sentence repeats
NUMBER: Final = re.compile(
    r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE
)
BLANKS: Final = " \t\r\n\f\v"


def load_csv(path: Path, name: str) -> Dataset:
    """Return a CSV as a data set: one sample a line, the class as a whole number in the last column.

    Numbers are separated by commas and used as they are, x (n_samples, n_columns - 1). A first line without
    any number is a header and is skipped, and so are blank lines and a byte-order mark.

    Raises:
        ValueError: one sentence with the line and the column (both counted from 1) of what will not do.
    """
    try:
        if not archives.is_ordinary(path):
            raise ValueError(f"{path} cannot be read: it is no ordinary file.")
        table = _parse_fast(path)
        if table is None or not _is_usable(table):
            table = _parse_slowly(path)
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not plain UTF-8 text, as a CSV must be.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None
    return Dataset(frozen(np.ascontiguousarray(table[:, :-1])), table[:, -1], name)


def load_npz(path: Path, name: str) -> Dataset:
    """Return the arrays x (n_samples, n_features) and y (n_samples,) of an NPZ file as a data set.

    Raises:
        ValueError: one sentence, for a file that is no NPZ, lacks x or y, or holds what a Dataset refuses.
    """
    try:
        x, y = _npz_arrays(path)
        return Dataset(x, y, name)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def _open(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig")  # with or without a byte-order mark


def _parse_fast(path: Path) -> Table | None:
    """Return all numbers (n_samples, n_columns), or None if numpy finds none or cannot read them."""
    with _open(path) as lines:
        first_two = list(itertools.islice(_filled_lines(lines), 2))
        has_header = bool(first_two) and _is_header(first_two[0][1])
        if len(first_two) <= has_header:  # no sample; numpy would warn
            return None
        lines.seek(0)
        return _numbers(lines, first_two[0][0] if has_header else 0)


def _numbers(lines: Iterable[str], n_skipped: int = 0) -> Table | None:
    """Return lines of text as numbers, or None if numpy cannot read them."""
    try:
        return np.loadtxt(lines, delimiter=",", comments=None, skiprows=n_skipped, ndmin=2)
    except UnicodeDecodeError:
        raise
    except ValueError:
        return None


def _is_usable(table: Table) -> bool:
    """Whether all is finite and the last column holds classes."""
    if table.shape[1] < 2 or not np.isfinite(table).all():
        return False
    labels = table[:, -1]
    return bool((labels == np.floor(labels)).all() and labels.min() >= 0 and labels.max() < MAX_CLASSES)


def _parse_slowly(path: Path) -> Table:
    """Return what `_parse_fast` does, or raise ValueError with the sentence for the first fault."""
    with _open(path) as lines:
        filled = _without_header(_filled_lines(lines))
        blocks = iter(lambda: list(itertools.islice(filled, N_BLOCK)), [])
        tables: list[Table] = []
        for block in blocks:
            tables.append(_block(path, block, tables[0].shape[1] if tables else 0))
    if not tables:
        raise ValueError(
            f"{path} holds no samples: a CSV has one sample a line, numbers separated by commas."
        )
    return np.concatenate(tables)


def _block(path: Path, lines: list[NumberedLine], width: int) -> Table:
    """Return a few lines as numbers, cell by cell where one is at fault; width 0: not yet known."""
    table = _numbers(line for _, line in lines)
    if table is not None and _is_usable(table) and width in (0, table.shape[1]):
        return table
    return np.array(list(_rows(path, lines, width)))


def _rows(path: Path, lines: Iterable[NumberedLine], width: int = 0) -> Iterator[list[float]]:
    for number, line in lines:
        cells = line.split(",")
        width = width or len(cells)
        if len(cells) != width or width < 2:
            raise ValueError(f"{path}, line {number} has {_columns(len(cells))}; {_expected(width)}.")
        yield _row(f"{path}, line {number}", cells)


def _row(where: str, cells: list[str]) -> list[float]:
    values = [_cell(f"{where}, column {column}", cell) for column, cell in enumerate(cells, 1)]
    label = values[-1]
    if label != math.floor(label) or not 0 <= label < MAX_CLASSES:
        raise ValueError(
            f"{where}, column {len(cells)} must be the class, a whole number from 0 to at most "
            f"{MAX_CLASSES - 1}, not {_shown(cells[-1])}."
        )
    return values


def _cell(where: str, cell: str) -> float:
    if not _is_number(cell):
        raise ValueError(f"{where} must be a number, not {_shown(cell)}.")
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(f"{where} must be a finite number, not {_shown(cell)}.")
    return value


def _filled_lines(lines: Iterable[str]) -> Iterator[NumberedLine]:
    """Give each line that is not blank with its number, counted from 1."""
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip(BLANKS))


def _without_header(lines: Iterator[NumberedLine]) -> Iterator[NumberedLine]:
    first = list(itertools.islice(lines, 1))
    return itertools.chain([] if first and _is_header(first[0][1]) else first, lines)


def _is_header(line: str) -> bool:
    """Whether no cell is a number and at least one holds a word; one number means a sample with faults."""
    cells = line.split(",")
    return any(cell.strip() for cell in cells) and not any(map(_is_number, cells))


def _is_number(cell: str) -> bool:
    return NUMBER.fullmatch(cell.strip(BLANKS)) is not None


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def _expected(width: int) -> str:
    if width < 2:
        return "at least 2 are needed, numbers separated by commas and the class last"
    return f"the lines before it have {width}"


def _shown(cell: str) -> str:
    text = cell.strip()
    return repr(text if len(text) <= N_MOST_SHOWN else text[:N_MOST_SHOWN] + "...") if text else "empty"


def _npz_arrays(path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    try:
        with archives.opened(path) as file:
            return _npz_array(file, "x"), _npz_array(file, "y")
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror or error}.") from None
    except archives.DAMAGE as error:
        raise ValueError(f"the file is damaged: {archives.inner(error)}.") from None


def _npz_array(file: Any, key: str) -> npt.NDArray[Any]:
    if key not in file.files:
        found = ", ".join(file.files) or "nothing"
        raise ValueError(f"an NPZ file must hold x and y, and this one holds {found}.")
    return archives.array(file, key)
