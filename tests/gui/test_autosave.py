"""Autosave: a run that was cut off is offered again; a window that closes as it should leaves nothing."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtWidgets import QMessageBox

from engine.commands import SaveRun, Step
from engine.config import RunConfig
from engine.run_files import open_run, save_run
from engine.trainer import Trainer
from gui.app import make_application, make_window
from gui.autosave import FILE_NAME, Autosave
from gui.memory import WindowMemory

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from engine.lessons import Lesson
    from gui.window import Window

WAIT_MS = 20_000
OPEN_MS = 120_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOSSOSCOPE_CONFIG_DIR", str(tmp_path))
    return tmp_path


def opened(lesson: Lesson, folder: Path, qtbot: QtBot) -> Window:
    make_application()
    window = make_window(lesson, WindowMemory(folder / "window.ini"))
    window.show()
    qtbot.waitUntil(lambda: window.bridge.snapshot is not None, timeout=OPEN_MS)
    return window


def test_a_run_that_moves_is_saved_and_a_proper_end_removes_it(
    folder: Path, lesson: Lesson, qtbot: QtBot
) -> None:
    window = opened(lesson, folder, qtbot)
    window.bridge.send(Step(120))
    qtbot.waitUntil(lambda: window.bridge.snapshot.n_steps == 120, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.autosave._snapshot is window.bridge.snapshot, timeout=WAIT_MS)
    window.autosave.save()
    qtbot.waitUntil((folder / FILE_NAME).is_file, timeout=WAIT_MS)
    kept = open_run(folder / FILE_NAME)
    assert np.array_equal(kept.theta, window.bridge.snapshot.theta)
    assert window.messages.text == ""
    window.close()
    assert not (folder / FILE_NAME).exists()


@pytest.mark.parametrize("answer", [QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No])
def test_a_run_that_was_cut_off_is_offered(
    folder: Path, lesson: Lesson, qtbot: QtBot, answer: QMessageBox.StandardButton
) -> None:
    trainer = Trainer.from_config(RunConfig(data="xor", hidden=(2,)))
    trainer.step(150)
    save_run(folder / FILE_NAME, trainer.record())
    window = opened(lesson, folder, qtbot)
    [box] = window.findChildren(QMessageBox)
    assert "cut off" in box.windowTitle()
    box.button(answer).click()
    steps = 150 if answer == QMessageBox.StandardButton.Yes else 0
    qtbot.waitUntil(lambda: window.bridge.snapshot.n_steps == steps, timeout=WAIT_MS)
    window.close()
    assert not (folder / FILE_NAME).exists()


def test_short_runs_and_runs_that_rest_are_not_saved(tmp_path: Path, qapp: object) -> None:
    trainer = Trainer.from_config(RunConfig(data="xor", hidden=(2,)))
    autosave = Autosave(tmp_path / "a.npz")
    asked: list[SaveRun] = []
    autosave.command_issued.connect(asked.append)
    autosave.save()
    trainer.step(50)
    autosave.note(trainer.snapshot())
    autosave.save()
    assert asked == []
    trainer.step(100)
    autosave.note(trainer.snapshot())
    autosave.save()
    autosave.save()
    assert asked == [SaveRun(str(tmp_path / "a.npz"), is_quiet=True)]


def begun(folder: Path) -> Autosave:
    made = Autosave(folder / FILE_NAME)
    made.start()
    return made


def test_two_windows_leave_each_others_runs_alone(tmp_path: Path, qapp: object) -> None:
    first = begun(tmp_path)
    first.path.write_bytes(b"the run of the first window")
    second = begun(tmp_path)
    assert not second.has_left_over and second.path.name == "autosave-2.run.npz"
    second.path.write_bytes(b"the run of the second window")
    second.forget()
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE_NAME, f"{FILE_NAME}.lock"]
    first.forget()
    assert list(tmp_path.iterdir()) == []


def test_each_run_that_was_cut_off_is_offered_to_one_window(tmp_path: Path, qapp: object) -> None:
    """A program that was killed leaves its lock behind; there is no process of this number."""
    for name in ("autosave-2.run.npz", "autosave-3.run.npz"):
        (tmp_path / name).write_bytes(b"cut off")
        (tmp_path / f"{name}.lock").write_text(f"{2**30}\npython\n{platform.node()}\n")
    found = [begun(tmp_path) for _ in range(3)]
    assert [(one.path.name, one.has_left_over) for one in found] == [
        ("autosave-2.run.npz", True),
        ("autosave-3.run.npz", True),
        (FILE_NAME, False),
    ]
    for one in found:
        one.forget()
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_nothing_is_offered_or_removed(tmp_path: Path, qapp: object) -> None:
    (tmp_path / "file").write_text("no folder")
    autosave = begun(tmp_path / "file")
    assert not autosave.has_left_over
    autosave.forget()
    assert (tmp_path / "file").read_text() == "no folder"
