"""What a step promised and kept, compared with the engine's certificates, and how the loss panel tells it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from panel_tools import make_trainer, with_history
from pytestqt.qtbot import QtBot

from engine.certificate import certify
from engine.commands import GoTo, SetLearningRate
from engine.config import RunConfig
from engine.jobs import JobRunner
from engine.trainer import Trainer
from gui.panels.loss import LossPanel
from gui.step_certificates import (
    StepCertificate,
    certificate_of,
    rate_of,
    rates_of,
    sure_curvatures,
    why_none,
)
from gui.theme import LIGHT


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[LossPanel]:
    jobs = JobRunner()
    made = LossPanel(LIGHT, jobs)
    qtbot.addWidget(made)
    made.resize(640, 360)
    made.show()
    yield made
    jobs.stop()


@pytest.mark.parametrize("train", ["all", "output"])
def test_a_certificate_is_the_engines(train: str) -> None:
    trainer = make_trainer(hidden=(4,), learning_rate=3.0, train=train)
    for _ in range(8):
        expected = certify(trainer.net, trainer.data, trainer.theta, 3.0, train=train)
        trainer.step(1)
        one = certificate_of(trainer.snapshot(), trainer.n_steps)
        assert one is not None and one.learning_rate == 3.0
        assert one.drop == pytest.approx(expected.drop, rel=1e-9, abs=1e-15)
        assert one.promised == pytest.approx(3.0 * expected.gradient_norm**2)
        assert one.curvature == pytest.approx(expected.curvature_along, rel=1e-6)
        assert one.is_above == (expected.drop < 0.0)


def test_each_step_has_the_rate_that_it_was_taken_at() -> None:
    trainer = make_trainer(hidden=(4,), learning_rate=1.0)
    trainer.step(5)
    trainer.apply(SetLearningRate(2.0))
    trainer.apply(SetLearningRate(3.0))
    paused = trainer.snapshot()
    assert paused.learning_rate == 3.0 and rate_of(paused, 5) == 1.0 and rate_of(paused, 6) == 3.0
    trainer.step(5)
    trainer.apply(SetLearningRate(0.5))
    snapshot = trainer.snapshot()
    assert rates_of(snapshot, 1, 11).tolist() == [1.0] * 5 + [3.0] * 5 + [0.5]
    assert rates_of(snapshot, 7, 8).tolist() == [3.0, 3.0]
    trainer.apply(GoTo(7))
    assert rates_of(trainer.snapshot(), 1, 7).tolist() == [1.0] * 5 + [3.0] * 2


def test_kicks_and_mini_batches_have_no_certificate_and_say_why() -> None:
    trainer = make_trainer(hidden=(4,))
    trainer.step(3)
    trainer.perturb("noise", scale=0.1)
    trainer.step(2)
    snapshot = trainer.snapshot()
    assert certificate_of(snapshot, 4) is None
    assert why_none(snapshot, 4) == "A kick came just before step 4: no certificate."
    assert np.isnan(sure_curvatures(snapshot, 1, 5)).tolist() == [False, False, False, True, False]
    small = make_trainer(hidden=(4,), batch_size=10)
    small.step(3)
    assert certificate_of(small.snapshot(), 3) is None
    assert why_none(small.snapshot(), 3).startswith("Mini-batches")
    assert certificate_of(snapshot, 0) is None


def test_rounding_is_said_where_it_hides_the_curvature() -> None:
    snapshot = with_history(make_trainer(hidden=(4,)).snapshot(), [1.0, 1.0, 1.0 - 1e-16])
    history = {"gradient_norm": np.full(3, 1e-9), "loss": snapshot.history["loss"]}
    flat = replace(snapshot, history=_History(history))
    one = certificate_of(flat, 2)
    assert one is not None and math.isnan(one.curvature) and not one.is_above
    assert one.sentence.startswith("Rounding hides the curvature at step 2; the loss fell 1.11e")


class _History:
    jumps = ()

    def __init__(self, series: dict[str, Any]) -> None:
        self._series = series

    def __getitem__(self, name: str) -> Any:
        return self._series[name]


def test_the_loss_panel_tells_the_last_steps_certificate(panel: LossPanel) -> None:
    trainer = make_trainer(hidden=(4,), learning_rate=1.0)
    panel.show_snapshot(trainer.snapshot())
    assert panel.note_label.text().strip() == ""
    trainer.step(5)
    panel.show_snapshot(trainer.snapshot())
    one = certificate_of(trainer.snapshot(), 5)
    assert one is not None
    text = panel.note_label.text()
    assert text.startswith(
        f"Curvature {one.curvature:.4g} < 2/rate = 2 at step 5: the loss fell {one.drop:.4g}, "
    )
    assert f"rate × ‖g‖² = {one.promised:.4g}" in text
    assert text in panel.summary()
    assert panel.note_label.property("role") == "caption"


def test_a_step_above_two_over_rate_is_marked(panel: LossPanel) -> None:
    trainer = make_trainer(hidden=(4,), learning_rate=30.0)
    while not len(trainer.history.view().loss_rises):
        trainer.step(1)
    panel.show_snapshot(trainer.snapshot())
    assert panel.note_label.text().startswith("▲ curvature ")
    assert " > 2/rate = 0.06667 at step " in panel.note_label.text()
    assert "the loss rose " in panel.note_label.text()
    assert panel.note_label.property("role") == "problem"
    panel.go_to_next_mark()
    assert " > 2/rate = 0.06667." in panel.note_label.text()


@pytest.mark.parametrize(
    ("curvature", "rounding", "text"),
    [
        (0.003464, 0.008607, "0.003 ± 0.009"),
        (0.02961, 0.3283, "0.0 ± 0.4"),
        (-0.00296, 0.0328, "0.00 ± 0.04"),
        (31.4, 20.0, "30 ± 20"),
        (1e-7, 2.2e-7, "1e−07 ± 3e−07"),
    ],
)
def test_a_number_has_no_digits_that_rounding_hides(curvature: float, rounding: float, text: str) -> None:
    one = StepCertificate(5, 0.1, 1.0, 1.0, curvature, rounding)
    assert one.comparison == f"curvature {text} {'>' if one.is_above else '<'} 2/rate = 20"


def test_numbers_that_look_alike_get_more_digits() -> None:
    trainer = make_trainer(hidden=(4,))
    trainer.step(1)
    one = certificate_of(trainer.snapshot(), 1)
    assert one is not None
    near = replace(one, learning_rate=2.0, curvature=1.00001)
    assert near.comparison == "curvature 1.00001 > 2/rate = 1"
    assert replace(near, curvature=1.0).comparison == "curvature 1 = 2/rate = 1"


def test_at_the_bottom_of_a_bowl_the_curvature_comes_with_its_rounding() -> None:
    """A convex loss has no negative curvature; what rounding makes of it must not be told as one."""
    trainer = Trainer.from_config(RunConfig(data="moons", hidden=(), learning_rate=1.0))
    told = set()
    for _ in range(40):
        trainer.step(50)
        one = certificate_of(trainer.snapshot(), trainer.n_steps)
        assert one is not None
        if one.curvature == one.curvature:
            told.add("±" in one.comparison)
            assert one.curvature > 0.0 or ("±" in one.comparison and one.curvature + one.rounding >= 0.0)
    assert told == {True, False}
