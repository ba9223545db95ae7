"""main.py as people start it: real processes, their output and exit status."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from main import main

ROOT = Path(__file__).resolve().parent.parent
MAIN = str(ROOT / "main.py")
SMALL = ("--set", "hidden=4", "--set", "n_samples=40")


@pytest.fixture
def environ(tmp_path):
    """No screen, and nothing of the user's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOSSOSCOPE_")}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        kept.pop(name, None)
    return {
        **kept,
        "LOSSOSCOPE_CONFIG_DIR": str(tmp_path / "config"),
        "LOSSOSCOPE_DATA_DIR": str(tmp_path / "data"),
    }


@pytest.fixture
def start(environ, tmp_path):
    """Run main.py to its end in an empty folder."""
    (tmp_path / "here").mkdir()

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-W", "error", MAIN, *arguments],
            cwd=tmp_path / "here",
            env=environ,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
        )

    return run


def test_the_exam_learns_digits_to_below_a_quarter(start, tmp_path):
    done = start("run", "exam", "--steps", "600", "--json", "out.json")
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "here" / "out.json").read_text(encoding="utf-8"))
    assert content["settings"]["data"] == "digits"
    assert (content["n_steps"], len(content["loss"])) == (600, 601)
    assert content["loss"][-1] < 0.25
    assert "errors" in done.stdout and "steps/s" in done.stdout
    assert 1 <= len(done.stderr.splitlines()) <= 4  # no bar in a file, but a few lines


def test_list_names_lessons_and_data_on_a_terminal_without_greek_letters(start, environ):
    environ |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = start("list")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.isascii()
    names = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert {"exam", "constant-start", "rate-too-large", "mistakes-can-rise", "digits", "mnist"} <= set(names)


def test_without_a_screen_it_says_so_and_trains(start):
    if not sys.platform.startswith("linux"):
        pytest.skip("there is always a screen")
    done = start("--lesson", "mistakes-can-rise")
    assert done.returncode == 0, done.stderr
    first, title = done.stdout.splitlines()[:2]
    assert (
        first
        == "There is no screen to open a window on; the lesson 'mistakes-can-rise' is trained here instead."
    )
    assert title == "More mistakes at a lower loss"


UNUSABLE = [
    (["--lesson", "nope"], ["'nope'", "exam, constant-start"]),
    (["fly"], ["'fly'", "list", "run", "picture", "data"]),
    (["run", "exam", "--json", "no/out.json"], ["--json", "no folder"]),
    (["picture", "exam", "--out", "a.jpg"], [".png", "a.jpg"]),
    (["--fly"], ["--fly", "[--lesson ID]"]),
    (["run"], ["LESSON", "[--steps N]"]),
    (["run", "exam", "--fly"], ["--fly", "main.py run", "[--json FILE]"]),
    (["run", "exam", "extra"], ["extra", "main.py run"]),
    (["run", "exam", "--step", "3"], ["--step", "[--steps N]"]),  # no abbreviations: they break later
    (["run", "exam", "--steps"], ["--steps", "one argument"]),
    (["run", "exam", "--steps", "ten"], ["--steps", "whole number", "'ten'"]),
    (["run", "exam", "--set", "learning_rate=-1"], ["learning_rate", "above 0", "-1"]),
    (["picture", "exam"], ["--out", "--size WxH"]),
    (["picture", "exam", "--out", "a.png", "--size", "9x9"], ["size", "9x9"]),
    (["film", "exam"], ["--out", "--fps F"]),
    (["film", "--out", "a.gif"], ["a lesson or --open RUN"]),
    (["film", "exam", "--out", "a.avi"], [".mp4 or .gif", "a.avi"]),
    (["film", "exam", "--out", "none/a.gif"], ["--out", "no folder"]),
    (["film", "exam", "--out", "a.gif", "--seconds", "0"], ["seconds", "above 0"]),
    (["film", "exam", "--out", "a.gif", "--fps", "fast"], ["fps", "'fast'"]),
    (["film", "--open", "no.run.npz", "--out", "a.gif"], ["--open", "no.run.npz"]),
    (["data", "nope"], ["nope", "digits, mnist"]),
]
N_IN_PROCESSES = 4  # a process for each of them would take half a minute in all


@pytest.mark.parametrize(("arguments", "words"), UNUSABLE[:N_IN_PROCESSES])
def test_unusable_input_is_one_line_and_status_2(start, tmp_path, arguments, words):
    done = start(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert list((tmp_path / "here").iterdir()) == []


def status(arguments):
    """Return the exit status of a command line that is carried out here."""
    try:
        return main(arguments)
    except SystemExit as end:
        return end.code


@pytest.mark.parametrize(("arguments", "words"), UNUSABLE[N_IN_PROCESSES:])
def test_what_is_unusable_is_named_with_what_is_allowed(
    tmp_path, environ, monkeypatch, capsys, arguments, words
):
    monkeypatch.setattr(os, "environ", environ)
    monkeypatch.chdir(tmp_path)
    assert status(arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    assert all(word in said.err for word in words), said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["list"]])
def test_help_is_there(start, arguments):
    done = start(*arguments, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: main.py")


@pytest.mark.parametrize("command", ["run", "verify", "hunt", "sweep", "picture", "film", "data", "bench"])
def test_each_command_has_its_help(capsys, command):
    assert status([command, "--help"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"usage: main.py {command}") and said.err == ""


def test_a_reader_that_leaves_early_is_no_traceback(environ, tmp_path):
    with subprocess.Popen(
        [sys.executable, MAIN, "list"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_on_a_terminal_with_a_bar(environ, tmp_path):
    import pty

    ours, theirs = pty.openpty()
    out = tmp_path / "out.json"
    command = [sys.executable, MAIN, "run", "exam", "--steps", "100000000", *SMALL, "--json", str(out)]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = read_until(ours, b"of 100,000,000 steps", 240)
        process.send_signal(signal.SIGINT)
        shown += read_until(ours, b"Stopped by Ctrl-C", 60)
        assert process.stdout is not None
        result = process.stdout.read()
    os.close(ours)
    content = json.loads(out.read_text(encoding="utf-8"))
    assert process.returncode == 130
    assert 0 < content["n_steps"] < 100_000_000
    assert f"after {content['n_steps']:,} steps".encode() in result
    assert b"\r[." in shown and b"left" in shown  # a bar, with the time left


def read_until(descriptor, words, timeout_s):
    """Read from a terminal until it has shown words."""
    shown, deadline = b"", time.monotonic() + timeout_s
    while words not in shown:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"{words!r} was not shown, only {shown!r}"
        shown += os.read(descriptor, 65536)
    return shown


def test_a_picture_is_drawn_without_a_screen(start, tmp_path):
    pytest.importorskip("PySide6", reason="a picture needs Qt")
    done = start("picture", "five-flips", "--steps", "20", "--size", "1280x720", "--out", "a.png")
    assert done.returncode == 0, done.stderr
    header = (tmp_path / "here" / "a.png").read_bytes()[:24]
    assert header.startswith(b"\x89PNG\r\n\x1a\n")
    assert (int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")) == (1280, 720)
