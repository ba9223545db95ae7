"""The benchmark of the window: a long run is one that the engine can go on from, and misses are told."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gui.meter import FrameMeter
from gui.shields import Shield
from gui.speed import Line, main, table
from gui.speed_runs import long_record


def test_a_long_run_has_its_steps_its_rises_and_its_checkpoints() -> None:
    record = long_record("digits", 20_000)
    history = record.history
    assert history.n_entries == 20_001
    assert 30 <= len(history.loss_rises) <= 50
    assert np.all(np.diff(history["gradient_norm"]) < 0) or np.all(np.diff(history["gradient_norm"]) >= 0)
    steps = [point.step for point in record.path]
    assert steps == list(range(0, 20_001, record.stride))[: len(steps)]


@pytest.mark.parametrize(("value", "at_most", "is_missed"), [(9.0, True, True), (9.0, False, False)])
def test_what_is_not_as_wanted_is_told(value: float, at_most: bool, is_missed: bool) -> None:
    line = Line("digits", "work", value, "ms", 8.0, at_most)
    assert line.is_missed == is_missed
    assert ("missed" in table([line])) == is_missed


def test_an_unknown_work_is_refused() -> None:
    with pytest.raises(SystemExit):
        main(["nothing"])


def test_the_longest_gap_is_between_paintings(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 1.0, 1.02, 1.1, 1.12))
    monkeypatch.setattr("gui.meter.time.perf_counter", lambda: next(clock))
    meter = FrameMeter()
    for _ in range(3):
        meter.note_paint()
        meter.begin_frame()
    assert meter.figures().longest_gap_ms == pytest.approx(80.0)


def test_a_shield_follows_what_its_content_needs(qtbot: object) -> None:
    content = QWidget()
    label = QLabel("short", content)
    QHBoxLayout(content).addWidget(label)
    shield = Shield(content)
    before = shield.sizeHint()
    label.setText("a much longer text than before")
    assert shield.sizeHint().width() > before.width()
    shield.resize(300, 40)
    shield.show()
    assert content.size() == shield.size()
    shield.close()
