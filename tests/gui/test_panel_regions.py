"""The panel of decision regions, fed with fixed snapshots; what it draws is read back from its items."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from panel_tools import running, texts
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QTransform
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine import Dataset, RunConfig, Trainer
from engine.jobs import JobRunner
from engine.regions import Regions, iter_regions, say
from engine.snapshot import Snapshot
from gui.panels.regions import RegionsPanel
from gui.region_plots import border_segments, class_shape, name_places, shade_numbers, shades
from gui.theme import DARK, LIGHT, class_colour

WAIT_MS = 20_000


@pytest.fixture
def panel(qtbot: QtBot, jobs: JobRunner) -> RegionsPanel:
    made = RegionsPanel(LIGHT, jobs)
    qtbot.addWidget(made)
    made.resize(640, 420)
    made.show()
    return made


def trainer_of(data: str = "moons", n_steps: int = 30, **settings: Any) -> Trainer:
    trainer = Trainer.from_config(
        RunConfig(**({"data": data, "hidden": (5,), "activation": ("tanh",)} | settings))
    )
    if n_steps:
        trainer.step(n_steps)
    return trainer


def settle(panel: RegionsPanel, qtbot: QtBot, snapshot: Snapshot) -> Regions:
    """Show a snapshot, and wait until its picture is there and nothing more is asked."""
    panel.show_snapshot(snapshot)

    def is_there() -> bool:
        panel.tick()
        found = panel._regions
        is_newest = found is not None and (found.snapshot, found.area) == (snapshot, panel.plot.view)
        return panel._job is None and is_newest

    qtbot.waitUntil(is_there, timeout=WAIT_MS)
    assert panel._regions is not None
    return panel._regions


def test_the_picture_is_of_the_present_network_and_of_what_is_seen(panel: RegionsPanel, qtbot: QtBot) -> None:
    snapshot = trainer_of().snapshot()
    regions = settle(panel, qtbot, snapshot)
    assert regions.area == panel.plot.view
    assert panel.plot.samples.wrong.tolist() == np.flatnonzero(~regions.right).tolist()
    assert f"wrong: {snapshot.n_errors} of 200" in texts(panel.legend)
    assert "class 0; class 1" in texts(panel.legend)
    assert f"After step 30: of the plane shown class 0 {regions.shares()[0]:.1%}".replace("%", " %") in (
        panel.summary()
    )


def test_the_colour_says_the_class_and_the_shade_how_sure(panel: RegionsPanel, qtbot: QtBot) -> None:
    regions = settle(panel, qtbot, trainer_of(n_steps=200).snapshot())
    image = panel.plot.picture._image
    n_rows, n_columns = regions.label.shape
    table = shades(LIGHT, 2)
    for row, column in ((0, 0), (n_rows - 1, n_columns - 1), (n_rows // 2, n_columns // 2)):
        number = shade_numbers(regions.certainty[row : row + 1, column], 2)[0]
        expected = QColor(int(table[regions.label[row, column], number]))
        assert image.pixelColor(column, n_rows - 1 - row) == expected


def test_surer_is_farther_from_the_background() -> None:
    for theme in (LIGHT, DARK):
        ground = QColor(theme.panel)
        for row in shades(theme, 3).tolist():
            away = [
                sum(
                    abs(a - b)
                    for a, b in zip(QColor(colour).toTuple()[:3], ground.toTuple()[:3], strict=True)
                )
                for colour in row
            ]
            assert away == sorted(away) and away[-1] > away[0]
    assert shade_numbers(np.array([1 / 3, 1.0]), 3).tolist() == [0, 63]


def test_no_two_of_many_classes_have_both_colour_and_symbol_in_common() -> None:
    looks = {(class_colour(LIGHT, k), class_shape(k)) for k in range(25)}
    assert len(looks) == 25


def test_the_line_runs_where_the_class_changes() -> None:
    snapshot = trainer_of("blobs", 300, hidden=()).snapshot()
    *_, (_, regions) = iter_regions(snapshot, ((-2.0, 2.0), (-2.0, 2.0)), has_preview=False)
    ends = border_segments(regions).reshape(-1, 2)
    assert len(ends) > 50
    step = 4.0 / (regions.label.shape[0] - 1)
    leads = say(snapshot.net, snapshot.theta, -2.0 + step * ends[:, ::-1]).lead
    assert np.quantile(leads, 0.9) < 0.02 * regions.lead.max()


def test_names_stand_inside_their_regions() -> None:
    snapshot = trainer_of("blobs", 300).snapshot()
    *_, (_, regions) = iter_regions(snapshot, ((-2.0, 2.0), (-2.0, 2.0)), has_preview=False)
    places = name_places(regions)
    assert sorted(places) == [0, 1, 2]
    for label, (x, y, depth) in places.items():
        assert say(snapshot.net, snapshot.theta, np.array([[x, y]])).label[0] == label
        assert depth > 0.0


def test_data_without_two_inputs_gets_a_sentence_and_the_next_run_a_picture(
    panel: RegionsPanel, qtbot: QtBot
) -> None:
    trainer = Trainer.from_config(RunConfig(data="digits", n_samples=20, hidden=(3,)))
    panel.show_snapshot(trainer.snapshot())
    assert panel.nothing.isVisible()
    assert "has 64 inputs" in panel.summary()
    assert panel._job is None
    other = trainer_of()
    other.run_id = 1
    settle(panel, qtbot, other.snapshot())
    assert not panel.nothing.isVisible()


def test_pointing_tells_the_exact_probability_and_the_nearest_sample(
    panel: RegionsPanel, qtbot: QtBot
) -> None:
    snapshot = trainer_of().snapshot()
    settle(panel, qtbot, snapshot)
    at = snapshot.data.x[7]
    panel.plot.pointed.emit((float(at[0]), float(at[1])))
    said = say(snapshot.net, snapshot.theta, at[None])
    text = panel.note_label.text()
    assert f"class {said.label[0]}, probability {float(said.certainty[0])!r}" in text
    assert "nearest sample 7 of class 1" in text
    panel.plot.pointed.emit(None)
    assert "After step 30" in panel.note_label.text()


def test_the_arrow_keys_read_values(panel: RegionsPanel, qtbot: QtBot) -> None:
    settle(panel, qtbot, trainer_of().snapshot())
    QTest.keyClick(panel.plot, Qt.Key.Key_Right)
    assert "probability" in panel.note_label.text()


def test_a_view_that_was_moved_gets_a_picture_of_its_own(panel: RegionsPanel, qtbot: QtBot) -> None:
    snapshot = trainer_of().snapshot()
    first = settle(panel, qtbot, snapshot)
    panel.plot.zoom_to((0.0, 0.5), (0.0, 0.4))

    def has_followed() -> bool:  # a longer line of text below may make the plot less high once more
        panel.tick()
        return panel._regions is not None and panel._regions.area == panel.plot.view != first.area

    qtbot.waitUntil(has_followed, timeout=WAIT_MS)


def test_a_run_is_followed_at_a_calm_pace(panel: RegionsPanel, qtbot: QtBot) -> None:
    trainer = trainer_of()
    settle(panel, qtbot, trainer.snapshot())
    panel._rest_until_s = float("inf")
    trainer.step(5)
    later = trainer.snapshot()
    panel.show_snapshot(running(later))
    panel.tick()
    assert panel._job is None
    settle(panel, qtbot, later)  # paused: at once


def test_a_hidden_panel_computes_nothing(panel: RegionsPanel) -> None:
    panel.show_snapshot(trainer_of().snapshot())
    panel.hide()
    assert panel._job is None
    panel.tick()
    assert panel._job is None


def test_a_squared_loss_and_many_classes_are_drawn(panel: RegionsPanel, qtbot: QtBot) -> None:
    settle(panel, qtbot, trainer_of("xor", loss="squared").snapshot())
    assert panel.bar.n_classes == 2
    rng = np.random.default_rng(0)
    data = Dataset(rng.standard_normal((60, 2)), np.arange(60) % 7)
    other = Trainer.from_config(RunConfig(data="xor"))
    other = Trainer(*_net_on(data), learning_rate=0.1)
    other.run_id = 1
    settle(panel, qtbot, other.snapshot())
    assert panel.bar.n_classes == 7 and panel.bar.texts()[-1] == (1.0, "p = 1")
    panel.set_theme(DARK)
    panel.grab()
    assert panel.shown_error == ""


def _net_on(data: Dataset) -> Any:
    from engine import MLP

    net = MLP((2, 4, data.n_classes), "tanh")
    return net, data, net.init("normal", seed=0, scale=1.0)


def test_the_line_is_where_the_colours_change_in_an_image_for_svg_too(
    panel: RegionsPanel, qtbot: QtBot
) -> None:
    settle(panel, qtbot, trainer_of("blobs", 300).snapshot())
    item = panel.plot.picture
    area = QRectF(40.0, 30.0, 300.0, 200.0)
    (left, right), (bottom, top) = panel.plot.view
    transform = QTransform(300.0 / (right - left), 0, 0, -200.0 / (top - bottom), 0, 0)
    transform *= QTransform.fromTranslate(40.0 - left * transform.m11(), 30.0 - top * transform.m22())
    direct, moved = (QImage(*size, QImage.Format.Format_RGB32) for size in ((400, 260), (300, 200)))
    for image, by in ((direct, QPointF()), (moved, -area.topLeft())):
        image.fill(0)
        painter = QPainter(image)
        painter.translate(by)
        item.paint_pixels(painter, transform, area)
        painter.end()
    assert _share_of_other_pixels(moved, direct.copy(area.toRect())) < 0.002


def _share_of_other_pixels(one: QImage, other: QImage) -> float:
    pixels = [np.frombuffer(image.constBits(), dtype=np.uint32) for image in (one, other)]
    return float((pixels[0] != pixels[1]).mean())
