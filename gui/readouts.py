"""The strip of readings: the state word, large, and the numbers that one reads from the back row."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from PySide6.QtCore import QLine, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from engine.snapshot import Report, Snapshot, State
from gui import icons, numerals
from gui.guards import painting
from gui.theme import Theme, set_role

_ICONS: Final = {
    State.COMPILING: "compiling",
    State.READY: "ready",
    State.RUNNING: "run",
    State.PAUSED: "pause",
    State.STOPPED: "stopped",
}
_ICON_PX: Final = 34
_LINE_PX: Final = 8  # from the edges of the strip to the ends of a line between readings
LESSONS_END: Final = "lesson end"
"""The state word of a pause at a step that the lesson is about; Run goes on beyond."""
ERRORS_ROSE, LOSS_ROSE = "errors rose", "loss rose"
"""The state words of a pause at a rise."""
RECORD_FULL: Final = "record full"
"""The state word of a pause after which the run does not go on, since nothing more can be recorded."""
_NO_NUMBER: Final = "–"
_USUAL: Final = "ordered float64"


class Reading(QWidget):
    """One number with its caption above."""

    def __init__(self, caption: str, widest: str) -> None:
        super().__init__()
        self._name = caption
        self._caption = QLabel(caption)
        self._value = QLabel(_NO_NUMBER)
        set_role(self._caption, "caption")
        set_role(self._value, "value")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._caption)
        layout.addWidget(self._value)
        # A fixed room for the widest value: numbers that move about cannot be read.
        self._widest = widest

    @property
    def text(self) -> str:
        """The value as it is shown."""
        return self._value.text()

    def reserve(self) -> None:
        """Keep room for the widest value; called when the style is known."""
        self._value.ensurePolished()
        self._value.setMinimumWidth(self._value.fontMetrics().horizontalAdvance(self._widest))

    def show_text(self, value: str, caption: str = "") -> None:
        """Show a value, and another caption if there is one."""
        if value == self._value.text() and caption in ("", self._caption.text()):
            return
        self._value.setText(value)
        self._caption.setText(caption or self._caption.text())
        self.setAccessibleName(f"{self._caption.text()}: {value}")


class Readouts(QWidget):
    """State, step, speed, loss, errors and arithmetic, as the newest report has them."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("readouts")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._state: State | None = None
        self._is_brief = False
        self._sign = QLabel()
        self._sign.setFixedSize(_ICON_PX, _ICON_PX)
        self._word = QLabel()
        self._word.setObjectName("state")
        self.step = Reading("step", "8,888,888")
        self.speed = Reading("steps a second", "88,888")
        self.loss = Reading("loss (nats)", "8.88e−88")  # a minus is wider than a digit
        self.errors = Reading("errors", "88,888 (88.8 %)")
        self.arithmetic = Reading("arithmetic", _USUAL)
        self._readings = (self.step, self.speed, self.loss, self.errors, self.arithmetic)
        self._sentence = QLabel(wordWrap=True)
        self._sentence.hide()
        self._lay_out()
        self.show_state(State.COMPILING)

    def show_report(self, report: Report) -> None:
        """Show the state, and the numbers of the snapshot, or before there is one what is being done."""
        self.show_state(report.state)
        self._show_sentence(report.message if report.snapshot is None else "")
        if report.snapshot is not None:
            self._show_numbers(report.snapshot, report.state is State.RUNNING)

    def show_state(self, state: State) -> None:
        """Show the state word with its shape."""
        if state is self._state:
            return
        self._state = state
        self.show_word(state.value)
        set_role(self._word, "problem" if state is State.STOPPED else "")
        self._draw_sign()

    def show_word(self, word: str) -> None:
        """Show the state in other words than its own."""
        if word != self._word.text():
            self._word.setText(word)
            self._word.setAccessibleName(f"State: {word}")
            self._word.setToolTip("The run pauses here; Run goes on." if word == LESSONS_END else "")

    def set_theme(self, theme: Theme) -> None:
        """Draw the sign and the lines between the readings in the colours of a theme."""
        self._theme = theme
        self._draw_sign()
        self.update()

    def dividers(self) -> list[int]:
        """Return where, from the left, a line parts two readings: near each other they would read as one number."""
        shown = [self._word, *(reading for reading in self._readings if reading.isVisible())]
        ends = [(left.geometry().right(), right.geometry().left()) for left, right in pairwise(shown)]
        return [(right + left) // 2 for right, left in ends]

    @painting
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines between the readings."""
        super().paintEvent(event)
        if self._sentence.isHidden():
            painter = QPainter(self)
            painter.setPen(QColor(self._theme.outline))
            painter.drawLines([QLine(x, _LINE_PX, x, self.height() - _LINE_PX) for x in self.dividers()])

    def reserve(self) -> None:
        """Keep room for the widest state word and the widest numbers."""
        self._word.ensurePolished()
        metrics = self._word.fontMetrics()
        self._word.setMinimumWidth(
            max(map(metrics.horizontalAdvance, (*State, LESSONS_END, ERRORS_ROSE, LOSS_ROSE, RECORD_FULL)))
        )
        for reading in self._readings:
            reading.reserve()
        self.setMinimumHeight(0)
        self.setMinimumHeight(self.sizeHint().height())
        self.update()

    def set_brief(self, is_brief: bool) -> None:
        """Show only what the back row needs; arithmetic that is not the usual one is always named."""
        self._is_brief = is_brief
        self._leave_out()

    def _leave_out(self) -> None:
        if self._sentence.text():  # it stands in the place of all readings
            return
        is_usual = self.arithmetic.text == _USUAL
        self.speed.setVisible(not self._is_brief)
        self.arithmetic.setVisible(not (self._is_brief and is_usual))
        self._share_gaps()
        self.update()

    def _share_gaps(self) -> None:
        """Give the readings that are shown equal gaps: one that is left out leaves none."""
        for reading in self._readings:
            self._row.setStretch(self._row.indexOf(reading) - 1, 0 if reading.isHidden() else 1)

    def _lay_out(self) -> None:
        layout = self._row = QHBoxLayout(self)
        layout.setContentsMargins(12, 3, 8, 3)
        layout.setSpacing(8)
        layout.addWidget(self._sign)
        layout.addWidget(self._word)
        layout.addWidget(self._sentence, 100)
        for reading in self._readings:
            layout.addStretch(1)
            layout.addWidget(reading)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _show_sentence(self, sentence: str) -> None:
        if sentence == self._sentence.text():
            return
        self._sentence.setText(sentence)
        comers: tuple[QWidget, ...] = (self._sentence,)
        goers: tuple[QWidget, ...] = self._readings
        if not sentence:
            comers, goers = goers, comers
        for widget in goers:  # first, or there must be room for all of them for a moment
            widget.hide()
        for widget in comers:
            widget.show()
        if not sentence:
            self._leave_out()
        self.update()  # the lines, too, which are no widgets

    def _draw_sign(self) -> None:
        assert self._state is not None
        colour = self._theme.warning if self._state is State.STOPPED else self._theme.accent
        self._sign.setPixmap(icons.pixmap(_ICONS[self._state], colour, _ICON_PX, self.devicePixelRatioF()))

    def _show_numbers(self, snapshot: Snapshot, runs: bool) -> None:
        self.step.show_text(f"{snapshot.n_steps:,}")
        self.speed.show_text(f"{snapshot.steps_per_s:,.0f}" if runs else _NO_NUMBER)
        self.loss.show_text(loss_text(snapshot.loss), f"loss ({loss_unit(snapshot)})")
        of = "without classes" if is_curve(snapshot) else f"of {snapshot.data.n_samples:,}"
        self.errors.show_text(errors_text(snapshot), f"errors {of}")
        arithmetic = f"{snapshot.config.arithmetic} {snapshot.config.dtype}"
        if arithmetic != self.arithmetic.text:
            self.arithmetic.show_text(arithmetic)
            self._leave_out()


def loss_text(loss: float) -> str:
    """Return a loss with up to six decimals, or three digits where it is small or large: in the same room always."""
    if 1e-3 <= loss < 100.0:
        return f"{loss:.6f}" if loss < 10.0 else f"{loss:.5f}"
    return numerals.signed(f"{loss:.3g}")


def loss_unit(snapshot: Snapshot) -> str:
    """Return the unit of the loss in use."""
    return "nats" if snapshot.net.loss_name == "cross_entropy" else snapshot.net.loss_name


def errors_text(snapshot: Snapshot) -> str:
    """Return the number and share of errors; "tied" where the outputs are equal and "wrong" means nothing.

    A curve to be fitted has no classes, so there is nothing to be wrong about.
    """
    n_samples = snapshot.data.n_samples
    if is_curve(snapshot):
        return _NO_NUMBER
    if is_tied(snapshot):
        return "tied"
    return f"{snapshot.n_errors:,} ({snapshot.n_errors / n_samples:.1%})".replace("%", " %")


def is_curve(snapshot: Snapshot) -> bool:
    """Whether the targets are numbers to be fitted, and not the classes 0 and 1."""
    data = snapshot.data
    return snapshot.net.loss_name == "squared" and not np.array_equal(data.targets, data.y)


def n_judged(snapshot: Snapshot) -> int:
    """Return how many samples are right or wrong: all of them, or none where the targets are no classes."""
    return 0 if is_curve(snapshot) else snapshot.data.n_samples


def is_tied(snapshot: Snapshot) -> bool:
    """Whether the largest output is shared: for all samples, or for any of them at the start."""
    return snapshot.n_tied == snapshot.data.n_samples or (snapshot.n_steps == 0 and snapshot.n_tied > 0)
