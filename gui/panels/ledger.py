"""LedgerPanel: each claim with what it comes to on this run, and its verdict when it was tested."""

from __future__ import annotations

import html
import time
from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QFont, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QSplitter,
    QTextBrowser,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
)

from engine.claims.registry import BY_SOURCE, CLAIM_IDS, load_claim
from engine.commands import Load
from engine.jobs import Job
from engine.lessons import Lesson, readable_lessons
from engine.snapshot import Snapshot, State
from engine.sources import SOURCES
from gui import announcer, numerals
from gui.panels.panel import Panel
from gui.speech import verdict_words
from gui.theme import Theme

if TYPE_CHECKING:  # the claims come with numba and scipy: half a second, when the panel is first seen
    from engine.claims.claim import Answer, Claim, Verdict
    from engine.monitors.monitor import Monitor, Reading

_CLAIM, _NOW, _TESTED = range(3)
_SIGNS: Final = {"holds": "=", "violated": "≠", "not_applicable": "–", "undecided": "?"}
_LOOK_S: Final = 0.2
_REST_TIMES: Final = 20
"""While the run goes on, a rest between two looks of costly monitors is this many times as long as the look before,
and at least `_LOOK_S`: a look slows training by what it reads from memory."""


class LedgerPanel(Panel):
    """The ledger; see `help_text`."""

    panel_id = "ledger"
    title = "Ledger"
    interval_s = 0.5
    help_text = """Every claim of the five sources. "This run" is what a claim comes to on the run
under way, read by a monitor that follows any run: it counts the steps on which the loss or the
mistakes rose, compares mistakes and ceiling at every step, looks for the first step that parted equal
units, and now and then, beside training, computes each example's gradients, the extreme eigenvalues of
the Hessian, the rank of the features, and the loss of a permuted copy. A dash means that the claim says
nothing about this run. A lesson that begins chooses the claim that it is about.

"Tested" is the verdict of the claim's own experiment, from its own data and starts, with its
assumptions checked: the button Test does it here, and so does, in a terminal, python main.py verify.
= holds, ≠ violated, – not applicable (an assumption is not met), ? undecided (the measurement cannot tell).
Where a verdict is not the one that careful experiments gave, the other is named beside it.

The text below tells statement, source, assumptions and evidence of the claim chosen. The margin is how far the
measured quantity is from the value at which the verdict would turn, for instance min over the steps of
⌊N L / ln 2⌋ − mistakes for the claim error-ceiling; its unit stands beside it. The button Lesson opens a lesson
that shows the claim; Copy as words puts the verdict on the clipboard as sentences without signs."""
    sources = ("exam", "losses", "skips", "minima", "convexity")
    key_table = (
        ("Up, Down", "Choose a claim"),
        ("Enter", "Test it, or cancel the test"),
        ("Ctrl+Shift+T", "Copy the verdict as words that can be read aloud"),
    )

    def build(self, layout: QVBoxLayout) -> None:
        """Create the list, the text and the buttons; the claims are read when they are first seen."""
        self.tree = QTreeWidget()
        self.tree.setColumnCount(3)
        self.tree.setHeaderLabels(["Claim", "This run", "Tested"])
        self.tree.setAccessibleName("Claims")
        self.tree.setUniformRowHeights(True)
        self.tree.setIndentation(12)
        for column in (_CLAIM, _NOW):
            self.tree.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setStretchLastSection(True)
        self.tree.currentItemChanged.connect(lambda *_: self._show_details())
        self.tree.itemActivated.connect(lambda *_: self.test())
        self.details = QTextBrowser(openLinks=False)
        self.details.setAccessibleName("The claim chosen")
        self.details.setPlainText("Reading the claims.")
        self.test_button = QPushButton("Test")
        self.test_button.setToolTip("Carry out the claim's own experiment, beside this run.")
        self.test_button.clicked.connect(self.test)
        self.lesson_button = QPushButton("Lesson")
        self.lesson_button.setToolTip("Open a lesson that shows this claim.")
        self.lesson_button.clicked.connect(self.open_lesson)
        self.copy_button = QPushButton("Copy as words")
        self.copy_button.setToolTip("Copy the verdict as a text that can be read aloud. (Ctrl+Shift+T)")
        self.copy_button.clicked.connect(self.copy_words)
        copy = QShortcut(QKeySequence("Ctrl+Shift+T"), self, self.copy_words)
        copy.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        buttons = QHBoxLayout()
        for button in (self.test_button, self.lesson_button, self.copy_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.tree)
        split.addWidget(self.details)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        layout.addWidget(split, 1)
        layout.addLayout(buttons)
        self._rows: dict[str, QTreeWidgetItem] = {}
        self._claims: dict[str, Claim] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._readings: dict[str, Reading] = {}
        self._lessons: dict[str, Lesson] = {}
        self._claims_of: dict[str, tuple[str, ...]] = {}
        self._lesson_id = ""
        self._monitors: tuple[Monitor, ...] = ()
        self._loading: Job | None = None
        self._test: tuple[str, Job] | None = None
        self._look: tuple[str, Job] | None = None
        self._asked_at_step: dict[str, int] = {}
        self._asked_at_s = self._look_at_s = 0.0  # when a look was begun, and when the next one may be
        self._run = (-1, -1)

    def draw(self, snapshot: Snapshot) -> None:
        """Read the cheap monitors; see Panel."""
        if not self._rows:
            if self._loading is None:
                self._loading = self.jobs.submit(_load, snapshot.generation)
            return
        run = snapshot.run_id, snapshot.generation
        if run != self._run:
            self._run = run
            self._forget_readings()
        self._follow_lesson(snapshot.config.lesson)
        for monitor in self._monitors:
            if not monitor.is_costly:
                self._note_reading(monitor.claim_id, monitor.read(snapshot))

    def apply_theme(self, theme: Theme) -> None:
        """Colour the answers; see Panel."""
        for claim_id in self._rows:
            self._write_row(claim_id)

    def poll(self) -> None:
        """Follow the test and the costly monitors; see Panel."""
        if not self._rows:
            self._follow_loading()
            return
        if self._test is not None:
            self._follow_test(*self._test)
        if self._look is not None:
            self._follow_look(*self._look)
        elif self._newest is not None:
            self._look_again(self._newest)

    def summary(self) -> str:
        """Return what each claim comes to on this run, as text."""
        lines = [f"{claim_id}: {_words(reading)}" for claim_id, reading in self._readings.items()]
        return numerals.signed(" ".join(lines))

    def test(self) -> None:
        """Carry out the experiment of the claim chosen, or cancel the one under way."""
        if self._test is not None:
            self._test[1].cancel()
            return
        claim = self._chosen()
        if claim is None:
            return
        from engine.claims.verification import verifying

        self._test = (claim.claim_id, self.jobs.submit(partial(verifying, claim), self._run[1]))
        self.test_button.setText("Cancel")
        self._rows[claim.claim_id].setText(_TESTED, "waiting")

    @property
    def words(self) -> str:
        """The verdict of the claim chosen, in words that can be read aloud."""
        claim = self._chosen()
        if claim is None:
            return ""
        return verdict_words(claim, self._verdicts.get(claim.claim_id), self._readings.get(claim.claim_id))

    def copy_words(self) -> None:
        """Put the verdict on the clipboard, and say it to whoever listens."""
        if self.words:
            QApplication.clipboard().setText(self.words)
            announcer.announce(self, self.words)

    def open_lesson(self) -> None:
        """Load a lesson of the claim chosen."""
        claim = self._chosen()
        if claim is not None and claim.claim_id in self._lessons:
            self.command_issued.emit(Load(self._lessons[claim.claim_id].config))

    def choose(self, claim_id: str) -> None:
        """Choose a claim of the list."""
        self.tree.setCurrentItem(self._rows[claim_id])
        self._show_row()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the claim chosen in sight."""
        super().resizeEvent(event)
        self._show_row()

    # The list

    def _follow_loading(self) -> None:
        """Fill the list once the claims are read."""
        if self._loading is None or not self._loading.latest.finished:
            return
        if self._loading.latest.error:
            raise RuntimeError(self._loading.latest.error)
        self._claims, self._monitors = self._loading.latest.result
        self._fill()
        if self._newest is not None:
            self._guard(self.draw, self._newest)

    def _fill(self) -> None:
        for lesson in readable_lessons()[0]:
            self._claims_of[lesson.lesson_id] = lesson.claims
            for claim_id in lesson.claims:
                self._lessons.setdefault(claim_id, lesson)
        for key, ids in BY_SOURCE.items():
            group = QTreeWidgetItem(self.tree, [SOURCES[key].title])
            group.setFlags(Qt.ItemFlag.ItemIsEnabled)
            group.setFirstColumnSpanned(True)
            group.setFont(_CLAIM, _bold(group.font(_CLAIM)))
            for claim_id in ids:
                self._rows[claim_id] = QTreeWidgetItem(group, [claim_id, "", ""])
                self._rows[claim_id].setToolTip(_CLAIM, self._claims[claim_id].statement)
            group.setExpanded(True)
        self.tree.setCurrentItem(next(iter(self._rows.values())))

    def _follow_lesson(self, lesson_id: str) -> None:
        """Choose the first claim of a lesson that was not the one before."""
        if lesson_id == self._lesson_id:
            return
        self._lesson_id = lesson_id
        claims = self._claims_of.get(lesson_id, ())
        if claims:
            self.choose(claims[0])

    def _show_row(self) -> None:
        """Scroll to the claim chosen."""
        row = self.tree.currentItem()
        if row is not None:
            self.tree.scrollToItem(row, QTreeWidget.ScrollHint.PositionAtCenter)

    def _forget_readings(self) -> None:
        self._readings.clear()
        if self._look is not None:
            self._look[1].cancel()
            self._look = None
        self._asked_at_step.clear()
        for claim_id in self._rows:
            self._write_row(claim_id)

    def _note_reading(self, claim_id: str, reading: Reading) -> None:
        if self._readings.get(claim_id) == reading:
            return
        self._readings[claim_id] = reading
        self._write_row(claim_id)
        if self._chosen() is self._claims[claim_id]:
            self._show_details()

    def _write_row(self, claim_id: str) -> None:
        row, reading, verdict = (
            self._rows[claim_id],
            self._readings.get(claim_id),
            self._verdicts.get(claim_id),
        )
        self._write(row, _NOW, reading.answer if reading else None)
        if verdict is not None:
            odd = "" if verdict.is_as_expected else f" (expected: {verdict.expected.words})"
            self._write(row, _TESTED, verdict.verdict, odd)

    def _write(self, row: QTreeWidgetItem, column: int, answer: Answer | None, addition: str = "") -> None:
        text = f"{_sign(answer)} {answer.words}{addition}" if answer else ""
        if row.text(column) != text:
            row.setText(column, text)
            row.setToolTip(column, text)
            row.setData(
                column, Qt.ItemDataRole.AccessibleTextRole, f"{answer.words}{addition}" if answer else ""
            )
        colours = {"holds": self.theme.gradient, "violated": self.theme.errors}
        colour = colours.get(answer.value if answer else "", self.theme.muted)
        row.setForeground(column, QBrush(QColor(colour)))

    # Tests and looks beside training

    def _follow_test(self, claim_id: str, job: Job) -> None:
        progress = job.latest
        if not progress.finished:
            self._rows[claim_id].setText(_TESTED, f"testing, {round(100 * progress.done)} %")
            return
        self._test = None
        self.test_button.setText("Test")
        if progress.error:
            self._rows[claim_id].setText(_TESTED, progress.error)
        elif progress.result is None or job.is_cancelled:
            self._rows[claim_id].setText(_TESTED, "cancelled")
        else:
            self._verdicts[claim_id] = progress.result
            self._write_row(claim_id)
            self._show_details()
            announcer.announce(self, verdict_words(self._claims[claim_id], progress.result))

    def _look_again(self, snapshot: Snapshot) -> None:
        """Ask the costly monitor that has waited longest, if it is due and there is something new.

        Where the run rests that of the claim chosen comes first: its numbers are being read.
        """
        asked = self._asked_at_step
        costly = [monitor for monitor in self._monitors if monitor.is_costly]
        due = [monitor for monitor in costly if asked.get(monitor.claim_id) != snapshot.n_steps]
        if not due or self.jobs.is_busy:
            return
        runs, chosen = snapshot.state is State.RUNNING, self._chosen()
        read = "" if runs or chosen is None else chosen.claim_id
        monitor = min(due, key=lambda one: (one.claim_id != read, asked.get(one.claim_id, -1)))
        if runs and time.perf_counter() < self._look_at_s:
            return
        asked[monitor.claim_id], self._asked_at_s = snapshot.n_steps, time.perf_counter()
        self._look = (
            monitor.claim_id,
            self.jobs.submit(partial(monitor.work, snapshot), snapshot.generation),
        )

    def _follow_look(self, claim_id: str, job: Job) -> None:
        progress = job.latest
        if not progress.finished:
            return
        now_s = time.perf_counter()
        self._look, self._look_at_s = None, now_s + max(_LOOK_S, _REST_TIMES * (now_s - self._asked_at_s))
        if progress.result is not None and not progress.error and not job.is_cancelled:
            self._note_reading(claim_id, progress.result)

    # The text

    def _chosen(self) -> Claim | None:
        row = self.tree.currentItem()
        return self._claims.get(row.text(_CLAIM)) if row is not None else None

    def _show_details(self) -> None:
        claim = self._chosen()
        self.lesson_button.setEnabled(claim is not None and claim.claim_id in self._lessons)
        if claim is not None:
            reading, verdict = self._readings.get(claim.claim_id), self._verdicts.get(claim.claim_id)
            place = self.details.verticalScrollBar().value()
            self.details.setHtml(_page(claim, reading, verdict))
            self.details.verticalScrollBar().setValue(place)


def _load() -> Generator[tuple[float, tuple[dict[str, Claim], tuple[Monitor, ...]] | None], None, None]:
    """Read all claims and monitors: they come with numba and scipy, which takes a second."""
    from engine.monitors.registry import make_monitors

    claims = {}
    for number, claim_id in enumerate(CLAIM_IDS):
        claims[claim_id] = load_claim(claim_id)
        yield number / len(CLAIM_IDS), None
    yield 1.0, (claims, make_monitors())


def _bold(font: QFont) -> QFont:
    made = QFont(font)
    made.setBold(True)
    return made


def _page(claim: Claim, reading: Reading | None, verdict: Verdict | None) -> str:
    parts = [f"<b>{html.escape(claim.statement)}</b>", f"<i>{html.escape(claim.cited)}</i>"]
    if reading is not None:  # first, or it is out of sight where there is little room
        answer = f" {reading.answer.words}." if reading.answer else ""
        parts.insert(0, f"<b>This run:{answer}</b> {html.escape(reading.line)}")
    if verdict is not None:
        parts.append(f"<b>Tested: {verdict.verdict.words}.</b> {html.escape(verdict.summary)}")
        parts += [
            f"{'Met' if one.met else 'NOT met'}: {html.escape(one.text)}" for one in verdict.assumptions
        ]
        parts.append(
            f"Margin {verdict.margin:.4g} ({html.escape(_margin_text(verdict))}), {verdict.seconds:.1f} s"
        )
    if claim.condition:
        parts.append(f"It does hold: {html.escape(claim.condition)}")
    return numerals.signed("".join(f"<p style='margin: 3px 0'>{part}</p>" for part in parts))


def _margin_text(verdict: Verdict) -> str:
    return str(verdict.evidence.get("margin_is", "how far the verdict is from turning"))


def _words(reading: Reading) -> str:
    return f"{_sign(reading.answer)} {reading.line}" if reading.answer else reading.line


def _sign(answer: Answer) -> str:
    return _SIGNS[answer.value]
