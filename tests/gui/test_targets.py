"""Names of files to write: an ending where there is none, and never a file replaced unasked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from engine.commands import OpenRun, SaveRun
from gui.run_files import RunFiles
from gui.targets import TargetQuestion

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

Button = QMessageBox.StandardButton


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


class Dialogues:
    """Stands for the system's dialogues: gives answers, and keeps what was offered and asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer = ""
        self.reply = Button.No
        self.offered: list[str] = []
        self.asked: list[str] = []
        monkeypatch.setattr(QFileDialog, "getSaveFileName", self._file)
        monkeypatch.setattr(QFileDialog, "getOpenFileName", self._file)
        monkeypatch.setattr(QMessageBox, "warning", self._warn)

    def _file(self, parent: QWidget, title: str, offered: str, kinds: str) -> tuple[str, str]:
        self.offered.append(offered)
        return self.answer, kinds

    def _warn(self, parent: QWidget, title: str, sentence: str, *buttons: Button) -> Button:
        self.asked.append(sentence)
        return self.reply


@pytest.fixture
def dialogues(monkeypatch: pytest.MonkeyPatch) -> Dialogues:
    return Dialogues(monkeypatch)


@pytest.mark.parametrize(
    ("typed", "file"),
    [
        ("mine", "mine.run.npz"),
        ("lr0.5", "lr0.5.run.npz"),
        ("mine.npz", "mine.npz"),
        ("mine.run.NPZ", "mine.run.NPZ"),
    ],
)
def test_a_run_gets_its_ending(
    parent: QWidget, dialogues: Dialogues, tmp_path: Path, typed: str, file: str
) -> None:
    files, sent = RunFiles(parent), list[object]()
    files.command_issued.connect(sent.append)
    dialogues.answer = str(tmp_path / typed)
    files.ask_save()
    assert sent == [SaveRun(str(tmp_path / file))]


@pytest.mark.parametrize(("reply", "n_saved"), [(Button.Yes, 1), (Button.No, 0)])
def test_a_file_that_only_the_full_name_meets_is_asked_about(
    parent: QWidget, dialogues: Dialogues, tmp_path: Path, reply: Button, n_saved: int
) -> None:
    (tmp_path / "mine.run.npz").write_bytes(b"a run of last week")
    files, sent = RunFiles(parent), list[object]()
    files.command_issued.connect(sent.append)
    dialogues.answer, dialogues.reply = str(tmp_path / "mine"), reply
    files.ask_save()
    assert len(sent) == n_saved and ["mine.run.npz already exists" in one for one in dialogues.asked] == [
        True
    ]
    dialogues.answer, dialogues.asked = str(tmp_path / "mine.run.npz"), []
    files.ask_save()  # about this name the dialogue itself has asked
    assert len(sent) == n_saved + 1 and dialogues.asked == []


def test_the_next_question_begins_where_the_last_answer_was(
    parent: QWidget, dialogues: Dialogues, tmp_path: Path
) -> None:
    files, sent = RunFiles(parent), list[object]()
    files.command_issued.connect(sent.append)
    dialogues.answer = str(tmp_path / "old.run.npz")
    files.ask_open()
    dialogues.answer = ""
    files.ask_save()
    files.ask_open()
    assert dialogues.offered[1:] == [str(tmp_path / "old.run.npz"), str(tmp_path)]
    assert sent == [OpenRun(str(tmp_path / "old.run.npz"))]


def test_any_ending_of_a_table_or_picture_is_kept(parent: QWidget) -> None:
    question = TargetQuestion(parent, "Save a picture", "a.png", "", ".png")
    assert question.completed(Path("b")) == Path("b.png")
    assert question.completed(Path("b.svg")) == Path("b.svg")  # one that cannot be drawn is refused by name
