"""Captions: cut to what the panel can spare, whole in the tool tip, and still while something is pointed at."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.captions import Caption, cut_before_word

LONG = "The plane holds a share of the gradient's squared length, and no more than that. " * 8


@pytest.fixture
def place(qtbot: QtBot) -> QWidget:
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.addWidget(QLabel("plots"), 1)
    layout.addWidget(Caption())
    qtbot.addWidget(made)
    made.resize(300, 600)
    made.show()
    return made


def caption_of(place: QWidget) -> Caption:
    found = place.findChild(Caption)
    assert isinstance(found, Caption)
    return found


def drawn(caption: Caption) -> list[str]:
    return QLabel.text(caption).split("\n")


def test_a_short_text_is_shown_as_it_is(place: QWidget) -> None:
    caption_of(place).show_text("Short.")
    assert drawn(caption_of(place)) == ["Short."]


def test_a_long_text_has_fewer_lines_in_a_low_place(place: QWidget, qtbot: QtBot) -> None:
    caption = caption_of(place)
    caption.show_text(LONG)
    high = drawn(caption)
    place.resize(300, 100)
    qtbot.waitUntil(lambda: len(drawn(caption)) == 1)
    assert len(high) == 4
    for lines in (high, drawn(caption)):
        assert lines[-1].endswith("…")
        assert LONG.startswith(" ".join(lines)[:-1])
    assert caption.text() == caption.toolTip() == LONG


def test_a_wider_place_needs_fewer_lines(place: QWidget, qtbot: QtBot) -> None:
    caption = caption_of(place)
    caption.show_text(LONG[:80])
    assert len(drawn(caption)) > 1
    place.resize(900, 600)
    qtbot.waitUntil(lambda: len(drawn(caption)) == 1)


def test_a_problem_is_shown_whole(place: QWidget) -> None:
    caption = caption_of(place)
    caption.show_text(LONG, is_problem=True)
    assert " ".join(drawn(caption)) == LONG.rstrip()
    assert caption.property("role") == "problem"


def test_a_short_text_in_between_does_not_move_the_plots(place: QWidget, qtbot: QtBot) -> None:
    caption = caption_of(place)
    caption.show_text(LONG)
    qtbot.waitUntil(lambda: caption.height() > 3 * caption.fontMetrics().lineSpacing())
    height = caption.height()
    caption.hold(True)
    caption.show_text("0.5 at (1, 2).")
    place.grab()
    assert caption.height() == height
    caption.hold(False)
    qtbot.waitUntil(lambda: caption.height() < height)


def test_a_caption_is_cut_before_a_word_and_leaves_out_numbers_without_their_unit(place: QWidget) -> None:
    metrics = caption_of(place).fontMetrics()
    text = "The plane holds 95.1 % of the squared length."
    for n in range(3, len(text) - 3):
        width = metrics.horizontalAdvance(text[:n] + "…")
        shown = cut_before_word(text, metrics, width)
        words = shown.removesuffix("…").split()
        assert shown.endswith("…") and metrics.horizontalAdvance(shown) <= width
        assert len(words) < 2 or text.split()[: len(words)] == words
        assert not (words and words[-1][-1].isdigit())
    assert cut_before_word(text, metrics, metrics.horizontalAdvance(text) + 2) == text
