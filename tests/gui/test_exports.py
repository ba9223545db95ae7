"""Pictures as PNG, SVG and PDF, the clipboard, and tables: whole files or one sentence."""

from __future__ import annotations

import base64
import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from panel_tools import run_snapshot
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter
from PySide6.QtWidgets import QApplication, QLabel, QSlider, QTextBrowser, QWidget

from engine.commands import Step
from engine.config import RunConfig
from engine.jobs import JobRunner
from engine.run_texts import as_text, from_text
from gui import exports, theme
from gui.panels.errors import ErrorsPanel
from gui.plot_items import pieces_within
from gui.sentences import shortened
from gui.theme import LIGHT

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from gui.window import Window

WAIT_MS = 20_000
AREA = QRectF(0.0, 0.0, 10.0, 10.0)


@pytest.fixture
def panel(qtbot: QtBot):
    runner = JobRunner()
    made = ErrorsPanel(LIGHT, runner)
    qtbot.addWidget(made)
    made.resize(500, 300)
    made.show()
    made.show_snapshot(run_snapshot(20))
    yield made
    runner.stop()


def test_a_png_is_the_panel(panel: ErrorsPanel, tmp_path: Path) -> None:
    exports.write(tmp_path / "a.png", panel)
    picture = QImage(str(tmp_path / "a.png"))
    assert (picture.width(), picture.height()) == (500, 300)


def test_an_svg_has_lines_and_words(panel: ErrorsPanel) -> None:
    text = exports.picture(panel, ".svg").decode()
    assert text.lstrip().startswith("<?xml") and "<polyline" in text and "steps" in text


def test_a_pdf_has_the_size_of_the_panel(panel: ErrorsPanel) -> None:
    content = exports.picture(panel, ".PDF")
    assert content.startswith(b"%PDF")
    [box] = re.findall(rb"/MediaBox \[([^]]+)\]", content)
    assert [float(part) for part in box.split()] == [0, 0, 375, 225]  # 72 points to 96 pixels


def test_another_ending_is_refused(panel: ErrorsPanel, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.png, \.svg, \.pdf, not '\.jpg'"):
        exports.write(tmp_path / "a.jpg", panel)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("points", "pieces"),
    [
        ([(1, 1), (5, 5), (9, 1)], [[(1, 1), (5, 5), (9, 1)]]),
        ([(0, 5), (5, 15), (10, 5)], [[(0, 5), (2.5, 10)], [(7.5, 10), (10, 5)]]),
        ([(-5, 5), (15, 5)], [[(0, 5), (10, 5)]]),
        ([(-5, 50), (15, 50)], []),
        ([(1, -4), (1, 4), (1, 20)], [[(1, 0), (1, 4), (1, 10)]]),
        ([(3, 3)], []),
    ],
)
def test_a_line_is_cut_where_it_leaves_the_area(points, pieces) -> None:
    x, y = np.array(points, dtype=float).T
    found = pieces_within(x, y, AREA)
    assert [piece.tolist() for piece in found] == [[list(map(float, p)) for p in piece] for piece in pieces]


def test_cut_lines_never_leave_the_area() -> None:
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.uniform(-20, 30, 400)), rng.uniform(-20, 30, 400)
    for piece in pieces_within(x, y, AREA):
        assert (piece >= -1e-9).all() and (piece <= 10 + 1e-9).all() and len(piece) >= 2


def test_the_window_saves_copies_and_says_so(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    window.bridge.send(Step(5))
    qtbot.waitUntil(lambda: window.bridge.snapshot.n_steps == 5, timeout=WAIT_MS)
    window.exports.save_history(tmp_path / "h.csv")
    rows = list(csv.reader((tmp_path / "h.csv").read_text().splitlines()))
    assert rows[0][0] == "step" and len(rows) == 7
    assert float(rows[6][1]) == window.bridge.snapshot.loss
    window.exports.save_picture(tmp_path / "w.png", window)
    assert "Saved as" in window.messages.text
    window.exports.save_picture(tmp_path / "no" / "w.png", window)
    assert "w.png was not written" in window.messages.text
    window.actions_by_id["copy_picture"].trigger()
    assert not QApplication.clipboard().image().isNull()


def test_a_picture_is_of_the_panel_that_has_the_focus(window: Window) -> None:
    panel = next(panel for panel in window.panels if panel.panel_id == "loss")
    panel.plot.setFocus()
    window.actions_by_id["copy_picture"].trigger()
    assert QApplication.clipboard().image().width() == panel.width()


def test_settings_are_copied_and_pasted(window: Window, qtbot: QtBot) -> None:
    window.actions_by_id["copy_settings"].trigger()
    text = QApplication.clipboard().text()
    assert text.startswith("Lossoscope run\n") and "data = xor" in text
    QApplication.clipboard().setText(text.replace("hidden = 3", "hidden = 5"))
    window.actions_by_id["paste_settings"].trigger()
    qtbot.waitUntil(lambda: window.bridge.snapshot.config.hidden == (5,), timeout=WAIT_MS)
    QApplication.clipboard().setText("nonsense")
    window.actions_by_id["paste_settings"].trigger()
    assert "The text is no run" in window.messages.text
    QApplication.clipboard().setText("Lossoscope run\nhidden = " + "1," * 40_000)
    window.actions_by_id["paste_settings"].trigger()
    assert "separated by commas" in window.messages.text and len(window.messages.text) < 300


def test_a_sentence_that_quotes_too_much_loses_its_middle() -> None:
    path = "/".join(["folder"] * 20)
    assert shortened(f"{path} cannot be read.") == f"{path} cannot be read."
    assert shortened(f"{'9' * 5000} is no seed.") == f"{'9' * 100}…{'9' * 40} is no seed."
    many = shortened(f"skip must not be {'(1, 2), ' * 10_000}but less.")
    assert len(many) <= 601 and many.startswith("skip must not be (1, 2)") and many.endswith("but less.")


def test_an_svg_clips_each_widget_and_draws_what_needs_more_as_an_image(qtbot: QtBot) -> None:
    """Without clipping a list runs over its frame, and a slider is filled to its end wherever it stands."""
    outer = QWidget(windowTitle="Words & more")
    qtbot.addWidget(outer)
    words, slider = QTextBrowser(outer), QSlider(Qt.Orientation.Horizontal, outer)
    words.setPlainText("\n".join(f"line {number}" for number in range(50)))
    words.setGeometry(10, 20, 100, 50)
    slider.setGeometry(10, 80, 100, 20)
    outer.resize(200, 120)
    outer.show()
    root = ElementTree.fromstring(exports.picture(outer, ".svg"))
    name = "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{name}title") == "Words & more"
    inner = {(part.get("x"), part.get("y")): part for part in root.findall(f"{name}svg")}
    assert inner.keys() == {("10", "20"), ("10", "80")}
    assert all(part.get("overflow") == "hidden" for part in inner.values())
    assert "line 0" in "".join(inner["10", "20"].itertext())
    assert [part.tag for part in inner["10", "80"]] == [f"{name}image"]


def test_each_widget_in_an_svg_has_colours_of_its_own(qtbot: QtBot) -> None:
    """Two gradients of one name would both be the first of them."""

    class Graded(QWidget):
        def paintEvent(self, event: object) -> None:
            gradient = QLinearGradient(0.0, 0.0, 50.0, 0.0)
            gradient.setColorAt(0.0, QColor(self.objectName()))
            with QPainter(self) as painter:
                painter.fillRect(self.rect(), gradient)

    outer = QWidget()
    qtbot.addWidget(outer)
    for number, colour in enumerate(("red", "blue")):
        graded = Graded(outer, objectName=colour)
        graded.setGeometry(60 * number, 0, 50, 50)
    outer.show()
    text = exports.picture(outer, ".svg").decode()
    names = re.findall(r' id="([^"]+)"', text)
    assert len(set(names)) == len(names) == 2
    assert re.findall(r"url\(#([^)]+)\)", text) == names


def test_an_image_in_an_svg_is_not_left_to_be_smoothed(qtbot: QtBot) -> None:
    class Painted(QWidget):
        def paintEvent(self, event: object) -> None:
            image = QImage(2, 2, QImage.Format.Format_RGB32)
            image.fill(0)
            image.setPixelColor(0, 0, QColor("red"))
            with QPainter(self) as painter:
                painter.drawImage(QRectF(0.0, 0.0, 100.0, 100.0), image)

    painted = Painted()
    qtbot.addWidget(painted)
    painted.resize(100, 100)
    painted.show()
    [data] = re.findall(r'base64,([^"]*)', exports.picture(painted, ".svg").decode())
    image = QImage.fromData(base64.b64decode(data))
    assert image.size().toTuple() == (512, 512)
    assert [image.pixelColor(x, 255).name() for x in (0, 255, 256)] == ["#ff0000", "#ff0000", "#000000"]


def test_settings_as_text_read_back() -> None:
    config = RunConfig(data="moons", hidden=(3, 4), skip=(1,), learning_rate=0.1, batch_size=7)
    assert from_text(as_text(config)) == config
    assert as_text(RunConfig()) == "Lossoscope run\n"
    assert from_text(as_text(config).replace(" ", "\N{NO-BREAK SPACE}").replace("\n", "\r\n")) == config
    for text, words in (
        ("", "first line"),
        ("Lossoscope run\nhidden", "KEY = VALUE"),
        ("Lossoscope run\nspeed = 3", "'speed' is no setting"),
        ("Lossoscope run\nlearning_rate = -1", "learning_rate must be"),
        (
            "Lossoscope run\nhidden = " + "1," * 100_000,
            "it has 200,024 characters, and a run has at most 100,000",
        ),
    ):
        with pytest.raises(ValueError, match=words):
            from_text(text)


def test_presentation_shows_the_lessons_panels_large_and_gives_all_back(window: Window, qtbot: QtBot) -> None:
    visible = {panel.panel_id for panel in window.panels if panel.isVisible()}
    window.actions_by_id["presentation"].trigger()
    shown = {panel.panel_id for panel in window.panels if panel.isVisible()}
    assert shown == set(window._lesson.panels[:2]) and not window.controls.isVisible()
    large = theme.presented_text_px(window.screen().size().height())
    assert window.isFullScreen() and QLabel().font().pixelSize() == large >= 20
    assert not window.readouts.speed.isVisible() and window.readouts.loss.isVisible()
    window.actions_by_id["presentation"].trigger()
    assert {panel.panel_id for panel in window.panels if panel.isVisible()} == visible
    assert window.controls.isVisible() and QLabel().font().pixelSize() == 14
    assert not window.actions_by_id["presentation"].isChecked()


def test_a_window_manager_that_answers_late_does_not_keep_the_screen_filled(
    window: Window, qtbot: QtBot
) -> None:
    place = window.geometry()
    window.actions_by_id["presentation"].trigger()
    window.setGeometry(place)  # as long as the manager has not answered, the window has its old place
    window.actions_by_id["presentation"].trigger()
    assert not window.isFullScreen()
    window.showFullScreen()  # the answer to the first
    qtbot.waitUntil(lambda: not window.isFullScreen() and window.geometry() == place)
    window.actions_by_id["full_screen"].trigger()  # and whoever wants the screen filled then gets it
    QApplication.processEvents()
    assert window.isFullScreen()
    window.actions_by_id["full_screen"].trigger()
    assert not window.isFullScreen()


@pytest.mark.parametrize(
    ("action", "shown"),
    [
        ("arrange", {"loss", "errors", "symmetry", "weights", "landscape"}),
        ("arrange_lecture", {"loss", "errors", "landscape"}),
        ("arrange_research", {"loss", "errors", "curvature", "gradients", "landscape", "ledger"}),
    ],
)
def test_arrangements_show_what_they_promise_and_keep_the_size(
    window: Window, qtbot: QtBot, action: str, shown: set[str]
) -> None:
    size = window.size()
    window.actions_by_id[action].trigger()

    def seen() -> set[str]:
        return {panel.panel_id for panel in window.panels if not panel.visibleRegion().isEmpty()}

    qtbot.waitUntil(lambda: seen() == shown, timeout=WAIT_MS)
    assert window.size() == size
