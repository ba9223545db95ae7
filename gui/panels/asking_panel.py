"""AskingPanel: base of the panels whose numbers are computed beside training, at one step after another."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Generator
from typing import Any, ClassVar, Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from engine.cores import usable_cores
from engine.snapshot import Snapshot, State
from gui.captions import Caption
from gui.inquiries import Inquiry, IsCancelled
from gui.legends import Key, Legend
from gui.panels.panel import Panel
from gui.theme import Theme

_REST_S: Final = 1.0  # between two answers that follow a run, at least
# An answer that follows a run rests so many times as long as it took: on two cores it runs on the window's or
# the engine's own.
_DUTY: Final = 3.0 if usable_cores() > 2 else 20.0
_SMALL_PX: Final = (460, 340)
_PATIENCE_S: Final = 0.7  # an answer that takes longer shows how far it is, and can be cancelled


class AskingPanel(Panel):
    """A legend with Follow and Recompute in its corner, plots, and a caption below.

    The question is asked when the panel is first seen, and again, with rests, while the run goes on. Where an
    answer would take long the panel says so, and asks only when told to. A hidden panel asks nothing.

    Class attributes:
        most_work: samples times parameters up to which it asks by itself.
        answer_name: what is computed, for the sentence that says that it would take long.
    """

    interval_s = 0.1
    most_work: ClassVar[float] = 5e8
    answer_name: ClassVar[str]
    follow_box: QCheckBox

    @abstractmethod
    def make_plots(self) -> QWidget:
        """Return the widget with the plots, once."""

    @abstractmethod
    def work(self, snapshot: Snapshot, is_cancelled: IsCancelled) -> Generator[tuple[float, Any], None, None]:
        """Yield (share done, answer so far); runs beside training."""

    @abstractmethod
    def take_answer(self, snapshot: Snapshot, answer: Any) -> None:
        """Keep and draw an answer, or a part of one, to the question asked at a snapshot."""

    @abstractmethod
    def draw_run(self, snapshot: Snapshot) -> None:
        """Draw what needs no asking, and what was found before as far as it belongs to this run."""

    @abstractmethod
    def forget(self) -> None:
        """Drop everything: the network or the data is another one."""

    @abstractmethod
    def keys(self) -> tuple[Key, ...]:
        """Return the entries of the legend."""

    @abstractmethod
    def caption_text(self) -> str:
        """Return the text below the plots while nothing is pointed at."""

    def why_not(self, snapshot: Snapshot) -> str:
        """Return why there is nothing to be computed for this run, as a sentence, or ""."""
        return ""

    def corner(self) -> tuple[QWidget, ...]:
        """Return more widgets for the corner."""
        return ()

    def build(self, layout: QVBoxLayout) -> None:
        """Create the widgets; see Panel."""
        self.legend = Legend(self.theme)
        self.follow_box = QCheckBox("Follow")
        self.follow_box.setToolTip("Compute anew while the run goes on, with rests.")
        self.follow_box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.follow_box.setChecked(True)
        self.recompute_button = corner_button("Recompute", "Compute at the present step now (U).")
        self.recompute_button.clicked.connect(self._recompute_or_cancel)
        self.anyway_button = corner_button("Compute anyway", "Compute once, at the present step.")
        self.anyway_button.clicked.connect(self.recompute)
        self.anyway_button.setVisible(False)
        self.caption = Caption()
        self._asked: Snapshot | None = None
        self._inquiry: Inquiry | None = None
        self._run_id = -1
        self._rest_until_s = 0.0
        self._problem = self._pointed_text = ""
        self.is_small = False
        plots = self.make_plots()
        corner = (self.follow_box, self.anyway_button, self.recompute_button, *self.corner())
        layout.addLayout(self.legend.with_corner(*corner))
        layout.addWidget(plots, 1)
        layout.addWidget(self.caption)

    def draw(self, snapshot: Snapshot) -> None:
        """Ask where nothing was asked yet, and draw; see Panel."""
        if self._run_id != snapshot.run_id:
            self._run_id = snapshot.run_id
            self._cancel()
            self._asked, self._problem = None, ""
            self.forget()
        may_ask = not self.why_not(snapshot)
        for widget in (self.follow_box, self.recompute_button):
            widget.setEnabled(may_ask)
        if self._asked is None and self._asks_by_itself(snapshot):
            self.recompute()
        self._offer_buttons()
        self.draw_run(snapshot)
        self.write()

    def poll(self) -> None:
        """Show what was found, and follow the run; see Panel."""
        snapshot = self._newest
        if snapshot is None:
            return
        if self._inquiry is None:
            if self._should_follow(snapshot):
                self.recompute()
        elif self._inquiry.snapshot.generation != snapshot.generation:
            self._cancel()
            self._asked = None
            if self._asks_by_itself(snapshot):
                self.recompute()
        else:
            self._follow(self._inquiry)

    def recompute(self) -> None:
        """Ask at the present step; what is under way is dropped."""
        snapshot = self._newest
        if snapshot is None or self.why_not(snapshot):
            return
        self._cancel()
        self._problem = ""
        self._asked = snapshot
        self._inquiry = Inquiry(self.jobs, self.work, snapshot)
        self._offer_buttons()

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours of the legend; a subclass adds its plots'. See Panel."""
        self.legend.apply_theme(theme)

    def summary(self) -> str:
        """Return what is shown, as text."""
        return self._problem or self.caption_text()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the plots what there is in a small place: the key U and the tool tip do the rest."""
        super().resizeEvent(event)
        self.is_small = self.width() < _SMALL_PX[0] or self.height() < _SMALL_PX[1]
        self._offer_buttons()
        if self._newest is not None and self.isVisible():
            self.write()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop computing what nobody sees."""
        super().hideEvent(event)
        if self._inquiry is not None:
            self._cancel()
            self._asked = None  # so that it is asked again when somebody looks

    def write(self) -> None:
        """Write legend and caption."""
        self.legend.set_keys(*self.keys(), *self._progress_key())
        self._write_caption()
        self.setAccessibleName(f"{self.title}. {self.legend.accessibleName()}")

    def point_out(self, text: str) -> None:
        """Show the text of what is pointed at, or the caption again with ""."""
        if text != self._pointed_text:
            self._pointed_text = text
            self._write_caption()

    def _is_long(self, snapshot: Snapshot) -> bool:
        return snapshot.data.n_samples * snapshot.net.n_params > self.most_work

    def _asks_by_itself(self, snapshot: Snapshot) -> bool:
        return self.is_seen and not self.why_not(snapshot) and not self._is_long(snapshot)

    def _should_follow(self, snapshot: Snapshot) -> bool:
        """Whether the run has moved on and it is time to follow it."""
        asked = self._asked
        if not self._asks_by_itself(snapshot) or not (asked is None or self.follow_box.isChecked()):
            return False
        if asked is None:
            return True
        if (asked.generation, asked.n_steps) == (snapshot.generation, snapshot.n_steps):
            return False
        has_rested = time.perf_counter() >= self._rest_until_s
        return has_rested or snapshot.state is not State.RUNNING or asked.generation != snapshot.generation

    def _follow(self, inquiry: Inquiry) -> None:
        progress = inquiry.latest
        if progress.result is not None and not progress.error:
            self.take_answer(inquiry.snapshot, progress.result)
        if progress.finished:
            self._inquiry = None
            self._problem = progress.error
            self._rest_until_s = time.perf_counter() + max(_REST_S, _DUTY * inquiry.seconds)
        self._offer_buttons()
        self.write()

    def _recompute_or_cancel(self) -> None:
        if self._inquiry is None or self.recompute_button.text() == "Recompute":
            self.recompute()
        else:
            self._cancel()
            self._problem = "Cancelled."
            self.write()

    def _cancel(self) -> None:
        if self._inquiry is not None:
            self._inquiry.cancel()
            self._inquiry = None
        self._offer_buttons()

    def _offer_buttons(self) -> None:
        is_slow = self._inquiry is not None and self._inquiry.seconds > _PATIENCE_S
        name_button(self.recompute_button, "Cancel" if is_slow else "Recompute")

        snapshot = self._newest
        is_offered = snapshot is not None and self._is_long(snapshot) and not self.why_not(snapshot)
        is_offered = is_offered and self._inquiry is None
        self.anyway_button.setVisible(is_offered)
        self.recompute_button.setVisible(is_slow or not (self.is_small or is_offered))

    def _progress_key(self) -> tuple[Key, ...]:
        if self._inquiry is None or self._inquiry.seconds < _PATIENCE_S:
            return ()
        done = self._inquiry.latest.done
        return (Key("", "text", f"computing {5 * int(20 * done)} %" if done else "computing"),)

    def _write_caption(self) -> None:
        text = self._pointed_text or self._problem or self._long_text() or self.caption_text()
        if text != self.caption.text():
            self.caption.hold(bool(self._pointed_text))
            self.caption.show_text(text, is_problem=text == self._problem)
            self.setAccessibleDescription(text)

    def _long_text(self) -> str:
        snapshot = self._newest
        if snapshot is None or self._asked is not None or self._inquiry is not None:
            return ""
        if self.why_not(snapshot) or not self._is_long(snapshot):
            return ""
        return (
            f"{snapshot.data.n_samples:,} samples × {snapshot.net.n_params:,} parameters: {self.answer_name} "
            "would take long, so nothing was computed by itself. “Compute anyway” does it once, beside training."
        )


def corner_button(text: str, tip: str) -> QPushButton:
    """Return a button that is no wider than its text and takes no focus by a click."""
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    name_button(button, text)
    return button


def name_button(button: QPushButton, text: str) -> None:
    """Write a text on a button, and make it no wider than that."""
    button.setText(text)
    button.setMaximumWidth(button.fontMetrics().horizontalAdvance(text) + 18)
