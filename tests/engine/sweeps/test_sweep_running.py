"""Running a sweep by real processes: same cells, nothing twice, gone on with, and workers that die."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from sweep_tools import FATAL_CELL, MARKER, plain, run_batch_and_die, small_sweep

from engine.sweeps import command, running, workers
from engine.sweeps.batches import Batches
from engine.sweeps.cell import failed_row, run_batch
from engine.sweeps.results import make_results, open_or_make, open_results, plain_row
from engine.sweeps.running import Running
from engine.sweeps.sweep import FOLDER, load_sweep
from engine.sweeps.workers import Crew


@pytest.fixture(scope="module")
def expected():
    sweep = small_sweep()
    return [plain_row(row) for row in run_batch(sweep.as_text(), range(sweep.n_cells))]


class Here:
    """Runs the batches in this process, so that a test need not start another."""

    n_workers, batch_s = 2, 0.01

    def outcomes(self, batches, text, is_cancelled):
        while not is_cancelled() and (cells := batches.take()):
            yield workers.Outcome(cells, run_batch(text, cells))


def test_processes_go_on_give_the_same_bits_and_one_that_dies_costs_only_its_cells(
    tmp_path, expected, monkeypatch
):
    monkeypatch.setattr(workers, "run_batch", run_batch_and_die)
    monkeypatch.setenv(FATAL_CELL, "21")
    monkeypatch.setenv(MARKER, str(tmp_path / "died"))
    path = tmp_path / "r.sqlite"
    with make_results(path, small_sweep()) as results:
        results.add(run_batch(small_sweep().as_text(), [3, 17, 39]))
        before = [results.row(cell) for cell in (3, 17, 39)]
    with open_or_make(path, small_sweep(title="the same under another name")) as again:
        left = Running(again, Crew(2))
        assert left.n_left == 37
        rows = [row for part in left.written() for row in part]
        assert (tmp_path / "died").exists()
        assert sorted(row[0] for row in rows) == [cell for cell in range(40) if cell not in (3, 17, 39)]
        assert plain(again) == expected
        assert [again.row(cell) for cell in (3, 17, 39)] == before
        assert list(Running(again, Crew(2)).written()) == [[]]


def test_a_cell_that_always_kills_its_worker_is_a_failure_and_the_others_are_done(
    tmp_path, expected, monkeypatch
):
    monkeypatch.setattr(workers, "run_batch", run_batch_and_die)
    monkeypatch.setenv(FATAL_CELL, "21")
    monkeypatch.setenv(MARKER, "")
    monkeypatch.setattr(running, "_MOST_DEATHS", 2)  # each death costs the start of a process
    rows = run_batch(small_sweep().as_text(), [cell for cell in range(40) if cell not in (20, 21)])
    with make_results(tmp_path / "r.sqlite", small_sweep()) as results:
        results.add(rows)
        list(Running(results, Crew(1)).written())
        found = plain(results)
        assert found[:21] + found[22:] == expected[:21] + expected[22:]
        assert found[21][1] == "failed" and "2 worker processes died" in found[21][2]


@pytest.mark.skipif(sys.platform == "win32", reason="a process does not learn of its parent's end here")
def test_a_worker_ends_when_its_parent_is_gone():
    code = "import threading; from engine.sweeps.worker import prepare; prepare(True, -1); threading.Event().wait()"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == -signal.SIGTERM


def test_what_came_back_before_somebody_cancels_is_kept(tmp_path, expected):
    answers = iter([False] * 4 + [True] * 9)
    with make_results(tmp_path / "r.sqlite", small_sweep()) as results:
        list(Running(results, Here(), lambda: next(answers)).written())
        n = sum(results.counts().values())
        assert 0 < n < 40 and plain(results) == expected[:n]
        list(Running(results, Here()).written())
        assert plain(results) == expected


def test_rows_are_written_all_or_none(tmp_path):
    sweep = small_sweep()
    good = run_batch(sweep.as_text(), [0, 1])
    with make_results(tmp_path / "r.sqlite", sweep) as results:
        with pytest.raises(OSError, match="could not be written"):
            results.add([*good, good[0][:-1]])
        assert not list(results.rows())
        results.add(good)
        results.add([(*good[0][:-1], "violated")])  # a cell keeps what it has
        assert list(results.rows()) == good


def test_results_of_another_sweep_and_other_files_are_left_alone(tmp_path):
    path = tmp_path / "r.sqlite"
    make_results(path, small_sweep()).close()
    before = path.read_bytes()
    with pytest.raises(ValueError, match="results of another sweep"):
        open_or_make(path, small_sweep(stop={"n_steps": 7}))
    other = tmp_path / "other"
    other.write_text("no database, but longer than a hundred bytes, for that is the length of a header" * 2)
    sqlite3.connect(tmp_path / "empty.sqlite").close()
    for wrong in (other, tmp_path / "empty.sqlite"):
        wrong.touch()
        with pytest.raises(ValueError, match="cannot be read as the results of a sweep"):
            open_results(wrong)
    with pytest.raises(OSError):
        open_results(tmp_path / "nothing")
    assert path.read_bytes() == before and not (tmp_path / "nothing").exists()


def test_a_file_without_its_table_or_with_another_one_is_refused(tmp_path):
    path = tmp_path / "r.sqlite"
    for statement in ("DROP TABLE cells", "ALTER TABLE cells RENAME COLUMN loss TO loose"):
        make_results(path, small_sweep()).close()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)
        with pytest.raises(ValueError, match="cannot be read as the results of a sweep: its table cells has"):
            open_or_make(path, small_sweep())


def test_a_damaged_file_is_told_in_one_sentence(tmp_path, capsys):
    path, sweep_file = tmp_path / "r.sqlite", str(FOLDER / "largest-rate.toml")
    sweep = load_sweep(sweep_file)
    rows = [failed_row(sweep, cell, "made up " * 20) for cell in range(sweep.n_cells)]
    with make_results(path, sweep) as results:
        results.add(rows)
    raw = bytearray(path.read_bytes())
    raw[2 * 4096 :] = bytes(b ^ 255 for b in raw[2 * 4096 :])
    path.write_bytes(raw)
    assert command.sweep(sweep_file, str(path), "1") == 1
    said = capsys.readouterr().err
    assert f"{path} could not be read: database disk image is malformed" in said and "Traceback" not in said
    with make_results(path, sweep) as results:
        results.add([(sweep.n_cells, *rows[0][1:])])
    assert command.sweep(sweep_file, str(path), "1") == 1
    assert f"is damaged: it holds a run {sweep.n_cells}, and the sweep has none" in capsys.readouterr().err


def test_batches_hand_out_every_cell_once_in_sizes_by_time():
    batches = Batches(10_000, iter([0, 5]), n_workers=2, target_s=1.0)
    sizes, seen = [], []
    while cells := batches.take():
        sizes.append(len(cells))
        seen += cells
        batches.note(len(cells), 0.01 * len(cells))
    assert sorted(seen) == [cell for cell in range(10_000) if cell not in (0, 5)]
    assert sizes[:5] == [1, 4, 16, 64, 100] and sizes[-1] < 10 and batches.n_left == 0
    batches.put_back((7, 8))
    assert [batches.take(), batches.take(), batches.take()] == [(7,), (8,), ()]
