"""The command, as somebody calls it: on this machine, stopped and gone on with, and on a Dask cluster."""

from __future__ import annotations

import csv
import os
import select
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from sweep_tools import plain

from engine.sweeps import lock, program, workers
from engine.sweeps.cell import failed_row, run_batch
from engine.sweeps.command import sweep
from engine.sweeps.results import make_results, open_results, plain_row
from engine.sweeps.sweep import load_sweep

ROOT = Path(__file__).resolve().parents[3]
FILE = """
title = "XOR"
[settings]
data = "xor"
hidden = [2]
init = "normal"
init_scale = 1.0
learning_rate = 1.0
[axes]
width = [2, 3]
seed = {{ seeds = {n_seeds} }}
[stop]
n_steps = 3000
[measures]
loss = "loss"
end = "end_point"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "xor.toml"
    path.write_text(FILE.format(n_seeds=80))
    return path


def _all_done(file, out):
    """Write the results of every cell but the last, as an earlier call would have."""
    asked = load_sweep(str(file))
    rows = run_batch(asked.as_text(), range(asked.n_cells))
    with make_results(out, asked) as results:
        results.add(rows[:-1])
    return rows


def test_it_goes_on_prints_what_came_of_it_and_writes_a_table(tmp_path, capsys):
    file, out, table = tmp_path / "xor.toml", tmp_path / "r.sqlite", tmp_path / "r.csv"
    file.write_text(FILE.format(n_seeds=2))
    rows = _all_done(file, out)
    assert sweep(str(file), str(out), "1", None, str(table)) == 0
    assert "XOR: 4 runs" in capsys.readouterr().out
    with open_results(out) as results:
        assert plain(results) == [plain_row(row) for row in rows]
    lines = list(csv.reader(table.read_text().splitlines()))
    assert lines[0] == ["cell", "width", "seed", "status", "reason", "n_steps", "seconds", "loss", "end"]
    assert [line[:4] for line in lines[1:]] == [
        [str(i), str(2 + i // 2), str(i % 2), "done"] for i in range(4)
    ]
    assert [float(line[7]) for line in lines[1:]] == [row[5] for row in rows]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing",), "is no sweep"),
        (("xor-starts", None, "0"), "--workers must be"),
        (("xor-starts", None, "2", "tcp://127.0.0.1:1"), "--workers must not be given with --scheduler"),
        (("xor-starts", "/nowhere/r.sqlite"), "--out must name a file"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sweep(*arguments) == 2
    assert words in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_second_sweep_into_one_file_is_refused_and_nothing_is_touched(file, tmp_path, capsys):
    out = tmp_path / "r.sqlite"
    make_results(out, load_sweep(str(file))).close()
    (tmp_path / "link.sqlite").symlink_to(out)
    before = out.read_bytes()
    with lock.held(out):
        for name in ("r.sqlite", "link.sqlite"):
            assert sweep(str(file), str(tmp_path / name), "1") == 2
            assert f"{name} is being written by another sweep; wait" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.sqlite", "r.sqlite", "xor.toml"]


def test_a_sweep_that_is_killed_leaves_its_file_free_and_the_next_goes_on(tmp_path):
    file, out = tmp_path / "xor.toml", tmp_path / "r.sqlite"
    file.write_text(FILE.format(n_seeds=100_000))
    run = _start("main.py", "sweep", file, "--out", out, "--workers", "1")
    with run:
        _wait_for_rows(run, out)
        with pytest.raises(ValueError, match="another sweep"), lock.held(out):
            pass
        run.kill()
    with lock.held(out), open_results(out) as results:
        there = list(results.rows())
        assert there
        cell = there[-1][0] + 1
        results.add(run_batch(results.sweep.as_text(), [cell]))
        assert list(results.rows())[: len(there)] == there and results.row(cell)[1] == "done"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process here")
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(tmp_path):
    file, out = tmp_path / "xor.toml", tmp_path / "r.sqlite"
    file.write_text(FILE.format(n_seeds=100_000))
    run = _start("main.py", "sweep", file, "--out", out, "--workers", "1")
    with run:
        _wait_for_rows(run, out)
        run.send_signal(signal.SIGINT)
        said = run.stderr.read()
    assert run.returncode == 130 and "Stopped by Ctrl-C with" in said and "goes on" in said
    with open_results(out) as results:
        rows = list(results.rows())
        assert 0 < len(rows) < 200_000
        [again] = run_batch(results.sweep.as_text(), [rows[-1][0]])
        assert plain_row(again) == plain_row(rows[-1])


@pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is not installed: pip install distributed")
def test_a_cluster_of_which_a_worker_is_killed_gives_the_same_cells(file, tmp_path):
    started, out = [], tmp_path / "r.sqlite"
    local = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", tmp_path)
    try:
        started.append(_start("-m", "distributed.cli.dask_scheduler", *local))
        address = _wait_for(started[0], "Scheduler at:").split()[-1]
        started += [_start("-m", "distributed.cli.dask_worker", address, *options) for _ in range(2)]
        for worker in started[1:]:
            _wait_for(worker, "Registered to:")
        started.append(_start("main.py", "sweep", file, "--out", out, "--scheduler", address))
        _wait_for(started[3], "of 160 runs")
        started[1].kill()
        said = started[3].communicate()
        assert started[3].returncode == 0, said
    finally:
        _end(started)
    rows = run_batch(load_sweep(str(file)).as_text(), range(160))
    with open_results(out) as results:
        assert plain(results) == [plain_row(row) for row in rows]


class Client:
    """A cluster's client, with a worker that answers with a given program."""

    def __init__(self, answer):
        self.answer, self.is_closed = answer, False

    def ncores(self):
        return {"tcp://10.0.0.7:1": 2}

    def run(self, function, on_error):
        return {"tcp://10.0.0.7:1": self.answer if self.answer is not None else function()}

    def close(self):
        self.is_closed = True


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("engine 0123456789ab, numpy 1.0", "10.0.0.7:1 has engine 0123456789ab, numpy 1.0."),
        (ModuleNotFoundError("No module named 'engine'"), "cannot load it (ModuleNotFoundError: No module"),
        (AttributeError("Can't get\nattribute"), "cannot load it (AttributeError: Can't get attribute)"),
    ],
)
def test_a_worker_with_another_program_is_told_before_anything_is_made(
    answer, words, file, tmp_path, monkeypatch, capsys
):
    client = Client(answer)
    monkeypatch.setattr(workers, "_client", lambda address: client)
    assert sweep(str(file), str(tmp_path / "r.sqlite"), scheduler="tcp://10.0.0.1:8786") == 2
    said = capsys.readouterr().err
    assert words in said and program.program() in said and said.count("\n") == 1
    assert client.is_closed and [path.name for path in tmp_path.iterdir()] == ["xor.toml"]


def test_a_worker_with_the_same_program_is_taken_and_one_that_comes_later_is_checked(monkeypatch):
    monkeypatch.setattr(workers, "_client", lambda address: Client(None))
    assert workers.Cluster("tcp://10.0.0.1:8786").n_workers == 2
    program.check_program(program.program())
    with pytest.raises(RuntimeError, match=r"another version of this program \(engine .*numpy .*engine 0123"):
        program.check_program("engine 0123")


@pytest.mark.parametrize(
    ("settings", "given", "words"),
    [
        ('data = "diggits"', "'diggits'", "data must be one of digits, mnist, "),
        ('data = "csv:nowhere.csv"', "nowhere.csv", "No such file"),
        ('data = "xor"\nhiden = [3]', "'hiden'", "a setting must be one of data, "),
    ],
)
def test_runs_that_cannot_be_are_refused_once_before_any(
    settings, given, words, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    text = (
        f'title = "t"\n[settings]\n{settings}\n[axes]\nseed = {{seeds = 50}}\n'
        '[stop]\nn_steps = 3\n[measures]\nloss = "loss"\n'
    )
    (tmp_path / "asked.toml").write_text(text)
    assert sweep("asked.toml") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line and given in line
    assert [path.name for path in tmp_path.iterdir()] == ["asked.toml"]


def test_what_is_left_is_refused_once_when_its_data_have_gone(tmp_path, capsys):
    data, file = tmp_path / "points.csv", tmp_path / "asked.toml"
    data.write_text("0,1,0\n1,0,1\n")
    file.write_text(
        f'title = "t"\n[settings]\ndata = "csv:{data}"\n[axes]\nseed = {{seeds = 5}}\n'
        '[stop]\nn_steps = 3\n[measures]\nloss = "loss"\n'
    )
    asked = load_sweep(str(file))
    with make_results(tmp_path / "asked.sqlite", asked) as results:
        results.add([failed_row(asked, 0, "made up")])
    data.unlink()
    assert sweep(str(file), str(tmp_path / "asked.sqlite"), "1") == 2
    assert "points.csv" in capsys.readouterr().err
    with open_results(tmp_path / "asked.sqlite") as results:
        assert results.counts() == {"failed": 1}
        results.add([failed_row(asked, cell, "made up") for cell in range(1, 5)])
    assert (
        sweep(str(file), str(tmp_path / "asked.sqlite"), "1") == 1
    )  # nothing is left: it is told what is there


def test_a_scheduler_that_is_not_there_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert sweep("xor-starts", scheduler="nonsense://x") == 2
    assert "--scheduler" in capsys.readouterr().err and not list(tmp_path.iterdir())


def _start(*arguments) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *map(str, arguments)], cwd=ROOT, env=environment, **pipes)


def _wait_for(process: subprocess.Popen, words: str) -> str:
    said = []
    for line in process.stderr:
        said.append(line)
        if words in line:
            return line
    raise AssertionError(f"{words!r} was not said, but: {''.join(said)}")


def _wait_for_rows(run: subprocess.Popen, out: Path) -> None:
    """Wait until a sweep has written its first results."""
    while run.poll() is None:
        if out.exists():
            with open_results(out) as results:
                if results.counts():
                    return
        select.select([], [], [], 0.02)
    raise AssertionError(run.stderr.read())


def _end(processes: list[subprocess.Popen]) -> None:
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()
        process.stderr.close()
