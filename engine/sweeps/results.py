"""The results of a sweep in one SQLite file: one row a cell, and the sweep itself.

SQLite, and not Parquet, because a row has to be there whole or not at all the moment it is handed in, whatever
is killed when; because the number of a cell is the key, so that none can be there twice; and because it comes
with Python. Any program that reads SQLite reads the table `cells`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from engine.outputs import replacing
from engine.sweeps.cell import Row
from engine.sweeps.measures import Form
from engine.sweeps.sweep import Sweep, sweep_of_text

_KIND: Final = "lossoscope sweep"
_VERSION: Final = "1"
_TYPES: Final = {Form.NUMBER: "REAL", Form.STEP: "INTEGER", Form.WORD: "TEXT"}
_WAIT_S: Final = 30.0  # for a reader that is in the middle of the file


class Results:
    """A results file that is open; close it, or use it in a with statement.

    All that reads raises OSError with one sentence where the file is damaged.

    Attributes:
        path: of the file.
        sweep: whose results these are.
    """

    def __init__(self, path: Path, sweep: Sweep, connection: sqlite3.Connection) -> None:
        self.path = path
        self.sweep = sweep
        self._connection = connection

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows, all or none; a cell that is there already keeps what it has.

        Raises:
            OSError: one sentence, where the file cannot be written.
        """
        marks = ", ".join("?" * (5 + len(self.sweep.measures)))
        try:
            with self._connection as transaction:
                transaction.executemany(f"INSERT OR IGNORE INTO cells VALUES ({marks})", rows)
        except sqlite3.Error as error:
            raise OSError(f"{self.path} could not be written: {error}.") from error

    def rows(self) -> Iterator[Row]:
        """Yield all rows in the order of the cells."""
        yield from self._select("SELECT * FROM cells ORDER BY cell")

    def row(self, cell: int) -> Row | None:
        """Return the row of a cell, or None where it has not been run."""
        return next(self._select("SELECT * FROM cells WHERE cell = ?", cell), None)

    def cells(self) -> Iterator[int]:
        """Yield the numbers of the cells that are there."""
        for (cell,) in self._select("SELECT cell FROM cells"):
            if not 0 <= cell < self.sweep.n_cells:
                raise OSError(f"{self.path} is damaged: it holds a run {cell}, and the sweep has none.")
            yield cell

    def counts(self) -> dict[str, int]:
        """Return how many cells have each status."""
        return dict(self._select("SELECT status, COUNT(*) FROM cells GROUP BY status ORDER BY status"))

    def first_reason(self, status: str) -> str:
        """Return why the first cell with a status has it, "" where there is none."""
        query = "SELECT reason FROM cells WHERE status = ? ORDER BY cell LIMIT 1"
        found = next(self._select(query, status), None)
        return str(found[0]) if found else ""

    def _select(self, query: str, *values: object) -> Iterator[Row]:
        try:
            yield from self._connection.execute(query, values)
        except sqlite3.Error as error:
            raise OSError(f"{self.path} could not be read: {error}.") from error


def open_results(path: Path, sweep: Sweep | None = None) -> Results:
    """Return the results in a file.

    Args:
        sweep: whose results they must be; None for whatever is there.

    Raises:
        ValueError: one sentence, when it is no such file, or one of another sweep.
        OSError: when it cannot be read.
    """
    with path.open("rb"):
        pass  # SQLite would make a file where there is none
    connection = sqlite3.connect(path, timeout=_WAIT_S)
    try:
        about = dict(connection.execute("SELECT key, value FROM about"))
        if (about.get("kind"), about.get("version")) != (_KIND, _VERSION):
            raise ValueError(f"it is of version {about.get('version')}, and this program reads {_VERSION}")
        results = Results(path, sweep_of_text(about["sweep"]), connection)
        _check_columns(results.sweep, connection)
    except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
        connection.close()
        raise ValueError(
            f"{path} cannot be read as the results of a sweep: {str(error).rstrip('.')}."
        ) from error
    if sweep is not None and results.sweep.question() != sweep.question():
        results.close()
        raise ValueError(
            f"{path} holds results of another sweep ({results.sweep.title}), or of this one before its "
            "settings, axes, stop or measures were changed; name another file."
        )
    return results


def _check_columns(sweep: Sweep, connection: sqlite3.Connection) -> None:
    wanted = ["cell", "status", "reason", "n_steps", "seconds", *(measure.name for measure in sweep.measures)]
    found = [name for _, name, *_ in connection.execute("PRAGMA table_info(cells)")]
    if found != wanted:
        raise ValueError(
            f"its table cells has the columns {', '.join(found) or 'none'}, not {', '.join(wanted)}"
        )


def make_results(path: Path, sweep: Sweep) -> Results:
    """Make an empty results file, whole or not at all, in place of whatever is there, and return it open."""
    columns = [f'"{measure.name}" {_TYPES[measure.form]}' for measure in sweep.measures]
    with replacing(path) as temporary, closing(sqlite3.connect(temporary)) as connection, connection:
        connection.execute("CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT)")
        about = {"kind": _KIND, "version": _VERSION, "sweep": sweep.as_text()}
        connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
        connection.execute(
            "CREATE TABLE cells (cell INTEGER PRIMARY KEY, status TEXT NOT NULL, reason TEXT NOT NULL, "
            f"n_steps INTEGER, seconds REAL NOT NULL, {', '.join(columns)})"
        )
    return open_results(path)


def open_or_make(path: Path, sweep: Sweep) -> Results:
    """Return the results of a sweep in a file, to be gone on with, or an empty file of them.

    Raises:
        ValueError, OSError: as `open_results`; a file that is there is left as it was.
    """
    return open_results(path, sweep) if path.exists() else make_results(path, sweep)


def plain_row(row: Row) -> tuple[Any, ...]:
    """Return what a row holds beside how long it took: this is the same on every machine and each time."""
    return (*row[:4], *row[5:])
