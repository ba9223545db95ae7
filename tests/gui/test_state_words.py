"""The state of a run in words, where the report and its snapshot tell different moments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.lessons import load_lesson
from engine.snapshot import Report, Snapshot, State
from engine.trainer import Trainer
from gui.readouts import RECORD_FULL
from gui.state_words import state_sentence, state_word

LESSON = load_lesson("two-samples")


@pytest.fixture
def full() -> Snapshot:
    trainer = Trainer.from_config(LESSON.config)
    trainer.step(3)
    return replace(trainer.snapshot(), reason="The record of this run is full.", is_full=True)


def test_a_full_record_is_told_with_its_reason(full: Snapshot) -> None:
    report = Report(full.state, full.reason, full)
    assert state_word(report, LESSON) == RECORD_FULL
    assert state_sentence(report, RECORD_FULL) == "Paused. The record of this run is full."


def test_while_the_next_run_is_loaded_nobody_hears_of_the_old_one(full: Snapshot) -> None:
    report = Report(State.COMPILING, "Loading the data.", full)
    word = state_word(report, LESSON)
    assert word == State.COMPILING.value
    assert state_sentence(report, word) == f"{word}. Loading the data."
