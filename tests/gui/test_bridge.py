"""The bridge: newest report at the screen's pace, figures of the frames, and an end without leftovers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from engine.commands import Pause, Perturb, Run, Step
from engine.config import RunConfig
from engine.snapshot import Report, State
from gui.bridge import Bridge
from gui.meter import FrameMeter

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

OPEN_MS = 120_000
WAIT_MS = 20_000


@pytest.fixture
def bridge(qtbot: QtBot, small_config: RunConfig) -> Iterator[Bridge]:
    made = Bridge(small_config)
    made.start()
    qtbot.waitUntil(lambda: made.snapshot is not None, timeout=OPEN_MS)
    yield made
    assert made.stop()


def steps_of(bridge: Bridge) -> int:
    assert bridge.snapshot is not None
    return bridge.snapshot.n_steps


def test_a_run_begins_ready_and_takes_the_steps_it_is_told(bridge: Bridge, qtbot: QtBot) -> None:
    assert bridge.newest is not None and bridge.newest.state is State.READY
    bridge.send(Step(7))
    qtbot.waitUntil(lambda: steps_of(bridge) == 7, timeout=WAIT_MS)
    assert bridge.newest.state is State.PAUSED


def test_reports_come_at_the_screens_pace_and_never_twice(bridge: Bridge, qtbot: QtBot) -> None:
    reports: list[Report] = []
    bridge.report_arrived.connect(reports.append)
    bridge.send(Run())
    qtbot.waitUntil(lambda: len(reports) >= 10, timeout=WAIT_MS)
    bridge.send(Pause())
    qtbot.waitUntil(lambda: reports[-1].state is State.PAUSED, timeout=WAIT_MS)
    steps = [report.snapshot.n_steps for report in reports if report.snapshot is not None]
    assert steps == sorted(steps)
    assert len({id(report) for report in reports}) == len(reports)
    assert steps[-1] > 10 * len(steps)  # a report is of many steps, not of one


def test_nothing_new_means_no_report_but_the_pace_goes_on(bridge: Bridge, qtbot: QtBot) -> None:
    reports: list[Report] = []
    ticks: list[None] = []
    bridge.report_arrived.connect(reports.append)
    bridge.ticked.connect(lambda: ticks.append(None))
    qtbot.waitUntil(lambda: len(ticks) >= 5, timeout=WAIT_MS)
    assert reports == []


def test_a_refusal_comes_with_its_sentence(bridge: Bridge, qtbot: QtBot) -> None:
    command = Perturb("noise", {"scale": -1.0})
    bridge.send(command)
    qtbot.waitUntil(lambda: bridge.newest is not None and len(bridge.newest.refusals) == 1, timeout=WAIT_MS)
    assert bridge.newest is not None
    assert bridge.newest.refusals[0].command is command
    assert "scale" in bridge.newest.refusals[0].sentence


def test_stopping_while_it_runs_leaves_no_thread(
    qtbot: QtBot, small_config: RunConfig, window_threads: Callable[[], list[str]]
) -> None:
    bridge = Bridge(small_config)
    bridge.start()
    qtbot.waitUntil(lambda: bridge.snapshot is not None, timeout=OPEN_MS)
    bridge.send(Run())
    bridge.jobs.submit(lambda: (one for one in ((0.5, 1), (1.0, 2))), 0)
    qtbot.waitUntil(lambda: steps_of(bridge) > 0, timeout=WAIT_MS)
    assert bridge.stop()
    assert not window_threads()
    assert not bridge.jobs.is_busy


@pytest.mark.usefixtures("qapp")
def test_a_bridge_that_was_never_started_can_be_stopped(small_config: RunConfig) -> None:
    assert Bridge(small_config).stop()


def test_the_meter_counts_painted_reports_only() -> None:
    meter = FrameMeter()
    assert meter.figures().per_s == 0.0
    for _ in range(3):
        meter.begin_frame()
        meter.note_paint()
        meter.note_paint()
    meter.begin_frame()
    meter.begin_frame()
    figures = meter.figures()
    assert figures.n_frames == 3
    assert figures.per_s > 0
    assert 0 <= figures.work_median_ms <= figures.work_95_ms
    meter.clear()
    assert meter.figures().n_frames == 0
