"""The network's panel: what the diagram is given, where it draws, and what it tells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from panel_tools import bare_trainer, make_trainer, run_snapshot
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine import MLP, Dataset, RunConfig, Trainer
from engine.commands import Step
from engine.jobs import JobRunner
from engine.snapshot import Snapshot
from gui import numerals
from gui.network_diagrams import MOST_LAYERS, MOST_UNITS, value_text
from gui.panels.network import NetworkPanel
from gui.theme import DARK, LIGHT


@pytest.fixture
def show(qtbot: QtBot, jobs: JobRunner) -> Any:
    def make(snapshot: Snapshot) -> NetworkPanel:
        panel = NetworkPanel(LIGHT, jobs)
        qtbot.addWidget(panel)
        panel.resize(640, 420)
        panel.show()
        qtbot.waitExposed(panel)
        panel.show_snapshot(snapshot)
        panel.grab()
        assert panel.shown_error == ""
        return panel

    return make


def test_the_numbers_are_those_of_the_chosen_sample(show: Any) -> None:
    snapshot = run_snapshot(5, hidden=(6, 4), activation=("tanh",))
    panel = show(snapshot)
    for sample in (0, 17):
        panel.sample_box.setValue(sample)
        inputs, first, second, p = panel._drawing.values
        layers = snapshot.net.layers(snapshot.theta)
        assert inputs.tolist() == snapshot.data.x[sample].tolist()
        assert first == pytest.approx(np.tanh(inputs @ layers[0][0] + layers[0][1]))
        assert second == pytest.approx(np.tanh(first @ layers[1][0] + layers[1][1]))
        z = snapshot.net.logits(snapshot.theta, inputs[None])[0]
        assert p == pytest.approx(np.exp(z) / np.exp(z).sum())
        assert f"Sample {sample} of class {snapshot.data.y[sample]}" in panel.summary()


def test_wide_layers_are_cut_and_counted(show: Any) -> None:
    panel = show(bare_trainer(3, (MOST_UNITS + 9,)).snapshot())
    drawing = panel._drawing
    assert [drawing.n_drawn(k) for k in range(3)] == [3, MOST_UNITS, 3]
    assert drawing.columns() == (0, 1, 2)


def test_a_deep_network_shows_its_ends(show: Any) -> None:
    trainer = bare_trainer(2, (3,) * 20)
    columns = show(trainer.snapshot())._drawing.columns()
    assert columns == (0, 1, 2, None, 19, 20, 21)
    assert len(columns) == MOST_LAYERS + 1


def test_a_line_has_the_colour_of_its_sign(show: Any) -> None:
    net = MLP((1, 1, 2))
    theta = np.array([2.0, 0.0, -2.0, 0.0, 0.0, 0.0])  # in +2; out -2 and 0
    data = Dataset([[1.0], [0.5]], [0, 1])
    panel = show(Trainer(net, data, theta).snapshot())
    image = panel.diagram.grab().toImage()
    left, middle = panel.diagram.node_rect((0, 0)), panel.diagram.node_rect((1, 0))
    y = round(left.center().y())
    between = image.pixelColor(round(0.5 * (left.right() + middle.left())), y)
    assert between == QColor(LIGHT.errors)
    right = panel.diagram.node_rect((2, 0))
    ends = middle.right(), middle.center().y(), right.left(), right.center().y()
    shares = np.linspace(0.1, 0.9, 60)
    seen = [
        image.pixelColor(
            round(ends[0] + share * (ends[2] - ends[0])), round(ends[1] + share * (ends[3] - ends[1]))
        )
        for share in shares
    ]
    ground = QColor(LIGHT.panel)
    blue = sum(colour == QColor(LIGHT.loss) for colour in seen)
    gaps = sum(colour == ground for colour in seen)
    assert blue > 15 and gaps > 5  # blue, and dashed


def test_a_click_and_the_arrows_choose_a_unit_and_tell_it_exactly(show: Any) -> None:
    snapshot = make_trainer(hidden=(4,)).snapshot()
    panel = show(snapshot)
    centre = panel.diagram.node_rect((1, 2)).center().toPoint()
    QTest.mouseClick(panel.diagram, Qt.MouseButton.LeftButton, pos=centre)
    assert panel.diagram.chosen == (1, 2)
    weights, bias = snapshot.net.layers(snapshot.theta)[0]
    value = float(panel._drawing.values[1][2])
    text = panel.note_label.text()
    assert f"Hidden 1, unit 3: value {numerals.exact(value)}" in text
    assert f"b {numerals.exact(bias[2])}" in text
    largest = int(np.abs(weights[:, 2]).argmax())
    assert f"weights {numerals.exact(weights[largest, 2])} from {largest + 1}" in text
    QTest.keyClick(panel.diagram, Qt.Key.Key_Down)
    assert panel.diagram.chosen == (1, 3)
    QTest.keyClick(panel.diagram, Qt.Key.Key_Right)
    assert panel.diagram.chosen == (2, 3)
    assert f"Class 3: probability {numerals.exact(panel._drawing.values[2][3])}" in panel.note_label.text()
    QTest.keyClick(panel.diagram, Qt.Key.Key_Left)
    QTest.keyClick(panel.diagram, Qt.Key.Key_Left)
    assert panel.diagram.chosen == (1, 3), "the pixels of a picture are no units to choose"
    QTest.keyClick(panel.diagram, Qt.Key.Key_Escape)
    assert panel.diagram.chosen is None
    assert "Widest lines: " in panel.note_label.text()


def test_numbers_of_zero_and_other_networks_are_drawn(show: Any) -> None:
    panel = show(
        Trainer.from_config(RunConfig(data="xor", hidden=(3,), init="constant", init_value=0.0)).snapshot()
    )
    runs = [
        make_trainer(hidden=()),
        make_trainer(hidden=(4, 4), skip=(1,)),
        make_trainer(hidden=(4, 4, 3), skip=(1, 2, 3)),
        Trainer.from_config(RunConfig(data="xor", hidden=(2,), loss="squared")),
        bare_trainer(40, (2,)),
    ]
    for number, trainer in enumerate(runs, 1):
        trainer.run_id = number
        panel.set_theme(DARK if number % 2 else LIGHT)
        panel.show_snapshot(trainer.snapshot())
        panel.grab()
        assert panel.shown_error == ""
        assert panel.summary().startswith("Network " + "-".join(map(str, trainer.net.layer_sizes)))


def test_a_chosen_unit_that_is_gone_is_chosen_no_longer(show: Any) -> None:
    panel = show(make_trainer(hidden=(6,)).snapshot())
    panel.diagram.choose((1, 5))
    smaller = make_trainer(hidden=(3,))
    smaller.run_id = 1
    panel.show_snapshot(smaller.snapshot())
    assert panel.diagram.chosen is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00"), (0.514, "0.51"), (-1.25, "−1.25"), (0.0004, "4e-4"), (-123.4, "−123"), (2e-12, "2e-12")],
)
def test_a_value_fits_into_its_box(value: float, text: str) -> None:
    assert value_text(value) == text.replace("-", "−")


def test_a_panel_behind_another_s_tab_is_not_seen_and_draws_when_its_tab_is_chosen(
    window: Any, qtbot: QtBot
) -> None:
    [panel] = [panel for panel in window.panels if panel.panel_id == "network"]
    window.docks.show(["landscape"])
    qtbot.waitUntil(lambda: not panel.is_seen, timeout=20_000)
    drawn = panel._drawn
    window.bridge.send(Step(3))
    qtbot.waitUntil(lambda: window.bridge.snapshot.n_steps == 3, timeout=20_000)
    panel.tick()
    assert panel._drawn is drawn
    window.docks.show(["network"])
    qtbot.waitUntil(lambda: panel._drawn is not None and panel._drawn.n_steps == 3, timeout=20_000)


@pytest.mark.parametrize(
    ("n_hidden", "skip", "texts"),
    [
        (2, (1,), ["hidden 1 → output: 15 weights up to ±"]),
        (3, (1, 3), ["hidden 1 → output: 15 weights up to ±", "hidden 3 → output: 15 weights up to ±"]),
        (9, (1, 2, 5, 9), ["4 hidden layers → output: 60 weights up to ±"]),
        (2, (), []),
    ],
)
def test_layers_wired_straight_to_the_output_have_a_line_with_an_arrow(
    show: Any, n_hidden: int, skip: tuple[int, ...], texts: list[str]
) -> None:
    trainer = bare_trainer(4, hidden=(5,) * n_hidden, skip=skip)
    panel = show(trainer.snapshot())
    drawing, diagram = panel._drawing, panel.diagram
    buses = drawing.buses()
    assert [text.split("±")[0] + "±" for _, text in buses] == texts
    assert [layer for layers, _ in buses for layer in layers] == list(skip)
    bottom = diagram._span()[1]
    image = diagram.grab().toImage()
    ink = QColor(LIGHT.text)
    for row, (layers, _) in enumerate(buses):
        for layer in layers:
            x, y = diagram._place_of(drawing, layer) - 10.0 * row, bottom + 6.0
            near = [image.pixelColor(round(x) + k, round(y)) for k in (-1, 0, 1)]
            assert ink in near
    assert texts or bottom >= diagram.height() - 4.0  # without them the units have all the room


def test_the_weights_of_a_chosen_unit_past_other_layers_are_drawn(show: Any) -> None:
    trainer = bare_trainer(4, hidden=(5, 5), skip=(1,))
    panel = show(trainer.snapshot())
    diagram = panel.diagram
    drawn: list[tuple[Any, Any, float]] = []
    diagram._paint_past = lambda painter, start, end, share: drawn.append((start, end, share))
    panel.grab()
    assert drawn == []
    diagram.choose((1, 2))
    panel.grab()
    weights = trainer.net.skip_weights(trainer.theta)[0]
    expected = weights[2] / np.abs(weights).max()
    assert [end for _, end, _ in drawn] == [(3, 0), (3, 1), (3, 2)]
    assert [share for _, _, share in drawn] == pytest.approx(expected.tolist())
    drawn.clear()
    diagram.choose((3, 1))
    panel.grab()
    assert [start for start, _, _ in drawn] == [(1, k) for k in range(5)]


def test_a_sample_chosen_elsewhere_is_shown_without_telling_it_again(show: Any) -> None:
    panel = show(run_snapshot(2))
    told: list[int] = []
    panel.sample_chosen.connect(told.append)
    panel.take_sample(9)
    assert panel.sample_box.value() == 9 and "Sample 9 of class" in panel.summary() and told == []
    panel.sample_box.setValue(4)
    assert told == [4]
