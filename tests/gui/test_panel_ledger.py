"""The ledger's panel: what claims come to on a run, tests beside it, and lessons that show them."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Generator
from typing import Any

import pytest
from panel_tools import make_trainer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.claims import registry
from engine.claims.claim import Answer, Assumption, Claim, Finding
from engine.commands import Load, Reset
from engine.jobs import JobRunner
from engine.snapshot import State
from engine.trainer import Trainer
from gui.panels import ledger
from gui.panels.ledger import LedgerPanel
from gui.theme import DARK, LIGHT

WAIT_MS = 20_000
NOW, TESTED = 1, 2


@pytest.fixture
def panel(qtbot: QtBot, jobs: JobRunner) -> LedgerPanel:
    made = LedgerPanel(LIGHT, jobs)
    qtbot.addWidget(made)
    made.resize(640, 420)
    made.show()
    made.show_snapshot(make_trainer(hidden=(5,)).snapshot())
    poll_until(made, qtbot, lambda: made._rows)
    return made


@pytest.fixture
def trainer() -> Trainer:
    made = make_trainer(hidden=(5,), learning_rate=20.0)
    made.step(40)
    return made


def text(panel: LedgerPanel, claim_id: str, column: int = NOW) -> str:
    return panel._rows[claim_id].text(column)


def poll_until(panel: LedgerPanel, qtbot: QtBot, condition: Any) -> None:
    def met() -> bool:
        panel.tick()
        return bool(condition())

    qtbot.waitUntil(met, timeout=WAIT_MS)


def replace_claim(panel: LedgerPanel, claim_id: str, measure: Any, expected: Answer = Answer.HOLDS) -> None:
    known = panel._claims[claim_id]
    panel._claims[claim_id] = Claim(
        claim_id, known.source_key, known.statement, known.cited, expected, measure
    )


def measure(seed: int = 0) -> Generator[tuple[float, Finding | None], None, None]:
    yield 0.5, None
    assumptions = (Assumption("It is so.", True),)
    yield 1.0, Finding(False, 2.0, "Seen 3 times.", {"margin_is": "times"}, assumptions)


def test_every_claim_has_a_row_under_its_source(panel: LedgerPanel, trainer: Trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    assert list(panel._rows) == list(registry.CLAIM_IDS)
    groups = [panel.tree.topLevelItem(i) for i in range(panel.tree.topLevelItemCount())]
    assert [group.childCount() for group in groups] == [len(ids) for ids in registry.BY_SOURCE.values()]


def test_cheap_monitors_are_read_at_once(panel: LedgerPanel, trainer: Trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    assert text(panel, "descent") == "≠ violated"
    assert text(panel, "error-ceiling") == "= holds"
    assert text(panel, "descent-minibatch") == "– not applicable"
    assert text(panel, "escape-time") == ""  # it is about a start of its own
    panel.choose("descent")
    assert "The loss rose on" in panel.details.toPlainText()
    assert "descent: ≠ The loss rose on" in panel.summary()


def test_costly_monitors_are_asked_beside_the_run(panel: LedgerPanel, trainer: Trainer, qtbot: QtBot) -> None:
    panel.show_snapshot(trainer.snapshot())
    poll_until(panel, qtbot, lambda: text(panel, "permutation-invariance"))
    assert text(panel, "gradient-bound-logits") == "= holds"
    assert text(panel, "permutation-invariance") == "= holds"
    assert not panel.jobs.is_busy or panel._look is not None


def test_another_generation_is_read_anew(panel: LedgerPanel, trainer: Trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    trainer.apply(Reset())
    panel.show_snapshot(trainer.snapshot())
    assert text(panel, "descent") == ""
    assert "No step yet" in panel.summary()


def test_a_claim_is_tested_by_the_button(panel: LedgerPanel, trainer: Trainer, qtbot: QtBot) -> None:
    panel.show_snapshot(trainer.snapshot())
    replace_claim(panel, "descent", measure)
    panel.choose("descent")
    QTest.mouseClick(panel.test_button, Qt.MouseButton.LeftButton)
    assert panel.test_button.text() == "Cancel"
    poll_until(panel, qtbot, lambda: "violated" in text(panel, "descent", TESTED))
    assert text(panel, "descent", TESTED) == "≠ violated (expected: holds)"
    shown = panel.details.toPlainText()
    assert "Seen 3 times." in shown and "Met: It is so." in shown and "Margin 2 (times)" in shown
    assert panel.test_button.text() == "Test"


def test_a_verdict_is_copied_and_said_in_words(
    panel: LedgerPanel, trainer: Trainer, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(ledger.announcer, "announce", lambda widget, words: said.append(words))
    panel.show_snapshot(trainer.snapshot())
    replace_claim(panel, "error-ceiling", measure)
    panel.choose("error-ceiling")
    assert "at most N times L over the logarithm of two mistakes" in panel.words
    assert "On this run it holds:" in panel.words and "not been tested here yet" in panel.words
    panel.test()
    poll_until(panel, qtbot, lambda: "violated" in text(panel, "error-ceiling", TESTED))
    assert len(said) == 1 and "Tested, it is violated. Seen 3 times." in said[0]
    panel.activateWindow()
    panel.tree.setFocus()
    qtbot.waitUntil(panel.tree.hasFocus, timeout=WAIT_MS)
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(panel.tree, Qt.Key.Key_T, modifiers)
    copied = QApplication.clipboard().text()
    assert said[1] == copied == panel.words
    assert re.findall(r"[^A-Za-z0-9 ,.;:?!'-]", copied) == []


def test_rows_tell_their_answers_in_words(panel: LedgerPanel, trainer: Trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    row = panel._rows["descent"]
    assert row.data(NOW, Qt.ItemDataRole.AccessibleTextRole) == "violated"


def test_a_test_can_be_cancelled(panel: LedgerPanel, trainer: Trainer, qtbot: QtBot) -> None:
    def endless(seed: int = 0) -> Generator[tuple[float, Finding | None], None, None]:
        while True:
            yield 0.1, None

    panel.show_snapshot(trainer.snapshot())
    replace_claim(panel, "norms", endless)
    panel.choose("norms")
    panel.test()
    poll_until(panel, qtbot, lambda: text(panel, "norms", TESTED) == "testing, 10 %")
    panel.test()
    poll_until(panel, qtbot, lambda: text(panel, "norms", TESTED) == "cancelled")


def test_a_test_that_fails_says_why(panel: LedgerPanel, trainer: Trainer, qtbot: QtBot) -> None:
    def failing(seed: int = 0) -> Generator[tuple[float, Finding | None], None, None]:
        yield 0.1, None
        raise ValueError("The data is not here.")

    panel.show_snapshot(trainer.snapshot())
    replace_claim(panel, "norms", failing)
    panel.choose("norms")
    panel.test()
    poll_until(panel, qtbot, lambda: text(panel, "norms", TESTED) == "The data is not here.")


def test_the_lesson_of_a_claim_is_opened(panel: LedgerPanel, trainer: Trainer, qtbot: QtBot) -> None:
    panel.show_snapshot(trainer.snapshot())
    panel.choose("errors-never-rise")
    with qtbot.waitSignal(panel.command_issued) as caught:
        QTest.mouseClick(panel.lesson_button, Qt.MouseButton.LeftButton)
    [command] = caught.args
    assert isinstance(command, Load) and command.config.lesson


def test_answers_keep_their_words_in_the_dark(panel: LedgerPanel, trainer: Trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    panel.set_theme(DARK)
    assert text(panel, "descent") == "≠ violated"
    assert panel._rows["descent"].foreground(NOW).color().name() == DARK.errors


def test_a_hidden_panel_reads_nothing(qtbot: QtBot, jobs: JobRunner, trainer: Trainer) -> None:
    made = LedgerPanel(LIGHT, jobs)
    qtbot.addWidget(made)
    made.offer(trainer.snapshot())
    made.tick()
    assert not made._rows and json.dumps(made.summary()) == '""'


def test_a_lesson_that_begins_chooses_its_claim_and_leaves_later_choices_alone(panel: LedgerPanel) -> None:
    trainer = make_trainer(hidden=(5,), lesson="half-as-steep")
    panel.show_snapshot(trainer.snapshot())
    assert panel._chosen() is panel._claims["gradient-bound-logits"]
    panel.choose("descent")
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    assert panel._chosen() is panel._claims["descent"]
    panel.show_snapshot(make_trainer(hidden=(5,), lesson="opposite-ways").snapshot())
    assert panel._chosen() is panel._claims["sign-retention"]


def test_the_claim_chosen_and_its_reading_stay_in_sight_in_a_low_panel(
    panel: LedgerPanel, trainer: Trainer, qtbot: QtBot
) -> None:
    panel.show_snapshot(trainer.snapshot())
    panel.choose("errors-never-rise")
    panel.resize(640, 230)

    def is_in_sight() -> bool:
        row = panel.tree.visualItemRect(panel._rows["errors-never-rise"])
        return panel.tree.viewport().rect().contains(row)

    qtbot.waitUntil(is_in_sight)
    assert panel.details.toPlainText().startswith("This run: violated. The mistakes rose")


@pytest.mark.parametrize(("state", "is_asked"), [(State.RUNNING, False), (State.PAUSED, True)])
def test_a_run_that_rests_is_read_without_waiting(
    panel: LedgerPanel, trainer: Trainer, qtbot: QtBot, state: State, is_asked: bool
) -> None:
    panel.show_snapshot(trainer.snapshot())
    costly = {monitor.claim_id for monitor in panel._monitors if monitor.is_costly}
    poll_until(panel, qtbot, lambda: costly <= panel._asked_at_step.keys() and panel._look is None)
    trainer.step(1)
    panel._look_at_s = time.perf_counter() + 1e9  # an answer came just now
    panel._look_again(dataclasses.replace(trainer.snapshot(), state=state))
    assert (panel._look is not None) == is_asked


def test_at_rest_no_reading_is_left_of_an_earlier_step(
    panel: LedgerPanel, trainer: Trainer, qtbot: QtBot
) -> None:
    panel.show_snapshot(trainer.snapshot())
    poll_until(panel, qtbot, lambda: panel._asked_at_step and panel._look is None)
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())  # some were asked before it, some are after it
    costly = {monitor.claim_id for monitor in panel._monitors if monitor.is_costly}
    step = trainer.snapshot().n_steps
    poll_until(panel, qtbot, lambda: panel._asked_at_step == dict.fromkeys(costly, step))


@pytest.mark.parametrize("claim_id", ["hessian-indefinite", "convex-in-weights"])
def test_at_rest_the_claim_that_is_read_is_asked_first(
    panel: LedgerPanel, trainer: Trainer, qtbot: QtBot, claim_id: str
) -> None:
    panel.show_snapshot(trainer.snapshot())
    costly = {monitor.claim_id for monitor in panel._monitors if monitor.is_costly}
    poll_until(panel, qtbot, lambda: costly <= panel._asked_at_step.keys() and panel._look is None)
    panel.choose(claim_id)
    trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    panel._look_again(trainer.snapshot())
    assert panel._look is not None and panel._look[0] == claim_id


def test_eigenvalues_are_told_with_their_step(panel: LedgerPanel, trainer: Trainer, qtbot: QtBot) -> None:
    panel.choose("hessian-indefinite")
    panel.show_snapshot(trainer.snapshot())
    poll_until(panel, qtbot, lambda: "hessian-indefinite: = At step 40 the eigenvalues" in panel.summary())
