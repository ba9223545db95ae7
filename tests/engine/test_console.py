"""What ends a command: one sentence and a status, whatever has become of the streams and the machine."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.console import FAILED, INTERRUPTED, UNUSABLE, CommandError, command, reading_input

ROOT = Path(__file__).resolve().parents[2]


def ended(error):
    @command
    def work() -> int:
        raise error

    return work()


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (CommandError("It is\nwrong.", UNUSABLE), UNUSABLE, "It is wrong."),
        (KeyboardInterrupt(), INTERRUPTED, "Interrupted."),
        (MemoryError(), FAILED, "There is not enough memory to go on."),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            FAILED,
            "The output could not be written: No space left on device.",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/x/y"),
            FAILED,
            "/x/y could not be used: Permission denied.",
        ),
    ],
)
def test_each_end_is_one_sentence(error, status, sentence, capsys):
    assert ended(error) == status
    assert capsys.readouterr().err == sentence + "\n"


def test_an_input_that_cannot_be_read_is_named(capsys):
    @command
    def work() -> int:
        with reading_input():
            Path("no/such/file").read_text()
        return 0

    assert work() == UNUSABLE
    assert capsys.readouterr().err == "no/such/file could not be used: No such file or directory.\n"


def test_a_stream_that_is_not_there_takes_what_is_said(monkeypatch):
    @command
    def work() -> int:
        print("result")
        print("progress", file=sys.stderr)
        assert sys.stderr.isatty() is False
        return 0

    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert work() == 0
    for stream in (sys.stdout, sys.stderr):
        stream.close()


class Full(io.StringIO):
    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_the_status_stays_when_nobody_can_hear(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Full())
    assert ended(CommandError("It is wrong.", UNUSABLE)) == UNUSABLE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [
        (">/dev/full", FAILED, "The output could not be written: No space left on device.\n"),
        (">&-", 0, ""),
        (">&- 2>&-", 0, ""),
        ("<&-", 0, ""),
    ],
)
def test_a_process_whose_output_goes_nowhere_ends_without_a_traceback(redirection, status, said):
    line = f'exec "{sys.executable}" main.py data digits {redirection}'
    done = subprocess.run(
        ["sh", "-c", line], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (status, said)
