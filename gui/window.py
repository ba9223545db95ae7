"""The window: it puts the parts together and wires them. Numbers come from reports, never from clicks."""

from __future__ import annotations

import sys
import time
import traceback
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QByteArray, QCoreApplication, QEvent, QRect, Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QMainWindow,
    QMenu,
    QSizePolicy,
    QToolBar,
    QWidget,
)

from engine.commands import Command, Load, OpenRun
from engine.lessons import Lesson, load_lesson, readable_lessons
from engine.run_texts import from_text
from engine.snapshot import Refusal, Report, Snapshot, State
from gui import actions, announcer, icons, numerals, theme
from gui.autosave import Autosave
from gui.branch_forms import BranchForms
from gui.bridge import Bridge
from gui.controls import ControlBar
from gui.data_menu import DataMenu
from gui.docks import Docks
from gui.export_menu import ExportMenu
from gui.filming import Filming
from gui.help_desk import HelpDesk
from gui.keys import KeyGuard
from gui.kicks import KickDialog, Kicker
from gui.lesson_box import LessonBox
from gui.look_strip import LookStrip
from gui.memory import WindowMemory
from gui.menus import Menus
from gui.message_bar import MessageBar
from gui.pace_box import PaceBox
from gui.readouts import Readouts
from gui.run_control import RunControl
from gui.run_files import RunFiles
from gui.shields import Shield
from gui.state_words import changed_settings, state_sentence, state_word, window_title
from gui.timeline import Timeline

if TYPE_CHECKING:  # what the first painting does not need is imported where it is used
    from gui.panels.panel import Panel
    from gui.settings_form import SettingsForm

FIRST_SIZE: Final = (1280, 720)
# A tick; panels that find no time draw at the next, so that every frame is a short one.
_DRAW_S: Final = 0.0008
_PRESENTED: Final = 2  # panels in a presentation: more would be too small for the back row
_WORDS_S: Final = 0.1  # numbers that change faster than this cannot be read


class Window(QMainWindow):
    """The main window. It is shown empty at once; panels and engine follow after the first painting.

    Args:
        lesson: the first lesson.
        memory: what the last run left of the window's looks; None remembers nothing.

    Attributes:
        bridge: the way to the engine.
        panels: the panels, in the order of the registry; empty until they are built.
        actions_by_id: the actions of the table.
    """

    def __init__(self, lesson: Lesson, memory: WindowMemory | None = None) -> None:
        super().__init__()
        self._memory = memory
        self._theme = theme.LIGHT
        self._lesson = lesson
        known, self._lesson_faults = readable_lessons()
        self._lessons = {one.lesson_id: one for one in known} | {lesson.lesson_id: lesson}
        self._is_started = False
        # Before a presentation: the docks, whether the window was full or large, and its place when it was neither.
        self._arrangement: tuple[QByteArray, Qt.WindowState, QRect] | None = None
        # What to go back to once a screen filled too late is left: see `_leave_screen`.
        self._owed: tuple[Qt.WindowState, QRect] | None = None
        self._n_refusals_seen = 0
        self._words_at_s = 0.0
        self._worded: Report | None = None
        self._turn = 0
        self._said = ("", -1)
        self._shown: tuple[State, int, int] | None = None
        self._form: SettingsForm | None = None
        self._kick_dialog: KickDialog | None = None
        self.panels: list[Panel] = []
        self.bridge = Bridge(lesson.config, parent=self)
        self.actions_by_id = actions.make_actions(self)
        self._guard = KeyGuard(self)
        self.kicker = Kicker(self)
        self.data_menu = DataMenu(self)
        self._build()
        self._wire()
        self.resize(*FIRST_SIZE)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # or a field gets the focus, and what is typed
        self.setFocus()
        self.setWindowIcon(icons.icon("app", self._theme.text))
        self.setWindowTitle(f"Lossoscope: {State.COMPILING.value} ({lesson.title})")
        if memory is not None:
            self._recall(memory)

    # Parts

    def _build(self) -> None:
        self._menus = Menus(self)
        self.controls = ControlBar(self.actions_by_id, self._menus.kicks, self._theme)
        self.readouts = Readouts(self._theme)
        self.messages = MessageBar(self._theme, self)
        self.timeline = Timeline()
        self.timeline.offer(self.actions_by_id["branch_here"], "Branch")
        self.branch_forms = BranchForms(self)
        self.pace = PaceBox()
        self.run_files = RunFiles(self)
        self.autosave = Autosave(parent=self)
        self.help_desk = HelpDesk(self, lambda: self.panels, self._focused_panel, self._show_dialog)
        self.exports = ExportMenu(self, self._focused_panel, lambda: self.bridge.snapshot)
        self.filming = Filming(self, self._focused_panel, lambda: self.bridge.snapshot, self._show_dialog)
        self.lesson_box = LessonBox(list(self._lessons.values()))
        self.run_control = RunControl(
            self._lesson, self.bridge, self.lesson_box, self.pace, lambda: self.timeline.bound_for, self
        )
        self._bars = [
            self._add_bar("Controls", self.controls),
            self._add_bar("Readings", self.readouts),
            self._add_bar("Messages", self.messages),
        ]
        self._bars[2].hide()
        self.look_strip = LookStrip()
        self._look_bar = self._add_bar("Look", self.look_strip)
        self._look_bar.hide()
        self._time_bar = self._add_bar("Time", self.timeline, Qt.ToolBarArea.BottomToolBarArea)
        self._time_bar.addWidget(self.pace)
        self.messages.note.keep_above(self._time_bar)
        self.setDockNestingEnabled(True)
        self.docks = Docks(self, self._theme)
        self.docks.fill("lesson", self.lesson_box)
        lessons = self._menus.lesson_menus(list(self._lessons.values()), self.load_lesson)
        kicks, views = self.kicker.make_actions(self), self.docks.view_actions()
        self._menus.fill(self.actions_by_id, kicks, views, lessons)
        self.lesson_box.show_lesson(self._lesson)
        actions.set_icons(self.actions_by_id, self._theme)
        self._enable(None)

    def _add_bar(
        self, title: str, content: QWidget, area: Qt.ToolBarArea = Qt.ToolBarArea.TopToolBarArea
    ) -> QToolBar:
        bar = QToolBar(title, self, movable=False, floatable=False)
        bar.setObjectName(f"bar_{title.lower()}")
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        bar.toggleViewAction().setEnabled(False)
        content.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        # The messages' height depends on their width, which only a layout knows.
        bar.addWidget(content if isinstance(content, MessageBar) else Shield(content))
        self.addToolBar(area, bar)
        self.addToolBarBreak(area)
        return bar

    def _wire(self) -> None:
        for action_id, function in self._functions().items():
            self.actions_by_id[action_id].triggered.connect(function)
        self.bridge.report_arrived.connect(self._show_report)
        self.bridge.report_arrived.connect(self.kicker.follow)
        self.bridge.ticked.connect(self._tick)
        self.kicker.command_issued.connect(self._send_now)
        self.kicker.chosen_changed.connect(self._show_kick)
        self.controls.rate.value_entered.connect(self.run_control.set_rate)
        self.controls.strength.value_entered.connect(self._set_strength)
        self.lesson_box.lesson_chosen.connect(self.load_lesson)
        self.lesson_box.browse_button.clicked.connect(self.open_lessons)
        self.run_control.command_issued.connect(self._send)
        self.run_control.problem_found.connect(self.messages.show_note)
        self.run_control.answer_wanted.connect(self._ask)
        self.run_control.released.connect(self._stop_asking)
        self.lesson_box.revealed.connect(self._present)
        self.docks.help_wanted.connect(self.help_desk.show_panel)
        self.messages.visibility_wanted.connect(self._bars[2].setVisible)
        self.messages.remedy_chosen.connect(self.run_control.halve_and_go_on)
        for part in (self.timeline, self.branch_forms):
            part.command_issued.connect(self._send)
        self.run_files.command_issued.connect(self._send)
        self.autosave.command_issued.connect(self.bridge.send)
        self.data_menu.data_named.connect(self.run_control.use_data)
        self.filming.command_issued.connect(self.bridge.send)
        for menu in (self.data_menu, self.exports, self.filming):
            menu.problem_found.connect(self.messages.show_note)
            menu.work_done.connect(lambda sentence: self.messages.show_note(sentence, is_warning=False))
        escape = QAction(self)
        escape.triggered.connect(self.messages.close_note)
        escape.setShortcut(QKeySequence(Qt.Key.Key_Escape))
        self.addAction(escape)
        self.watch_keys()

    def _functions(self) -> dict[str, object]:
        """Return what each action of the table does."""
        control = self.run_control
        return {
            "run_pause": control.run_or_pause,
            "run_unanswered": self.lesson_box.skip,
            "step_1": lambda: control.step(1),
            "step_10": lambda: control.step(10),
            "step_100": lambda: control.step(100),
            "slower": control.slow_down,
            "faster": self.pace.faster,
            "full_speed": self.pace.lift,
            "step_back": self.timeline.step_back,
            "undo_kick": self.timeline.undo_kick,
            "branch_here": self.branch_forms.open_form,
            "branches": self.branch_forms.open_list,
            "open_run": self.run_files.ask_open,
            "save_run": self.run_files.ask_save,
            "save_history": self.exports.ask_history,
            "save_picture": self.exports.ask_picture,
            "copy_picture": self.exports.copy_picture,
            "save_film": lambda: self.filming.ask(self.panels, self._theme),
            "copy_settings": self.exports.copy_settings,
            "paste_settings": self._paste_settings,
            "reset": control.reset,
            "new_seed": control.take_new_seed,
            "halve_rate": lambda: control.scale_rate(self.controls.rate.value, 0.5),
            "double_rate": lambda: control.scale_rate(self.controls.rate.value, 2.0),
            "edit_rate": lambda: _edit(self.controls.rate),
            "edit_strength": lambda: _edit(self.controls.strength),
            "edit_lesson": self.open_lessons,
            "stop_at_errors": lambda: control.stop_at("errors"),
            "stop_at_loss": lambda: control.stop_at("loss"),
            "save_point": control.save_point,
            "settings": self.open_settings,
            "quit": self.close,
            "kick": lambda: self.kicker.kick(),
            "kick_options": self.open_kicks,
            "open_data": self.data_menu.open_file,
            "mnist_folder": self.data_menu.choose_folder,
            "download_mnist": self.data_menu.ask_download,
            "dark": lambda: self.set_theme(theme.DARK if self._theme is theme.LIGHT else theme.LIGHT),
            "recompute": self._recompute,
            "presentation": self._toggle_presentation,
            "full_screen": self._toggle_full_screen,
            "fill_panel": self._toggle_fill,
            "arrange": self.docks.arrange,
            "arrange_lecture": self.docks.arrange_lecture,
            "arrange_research": self.docks.arrange_research,
            "panel_help": self.help_desk.explain,
            "keys": self.help_desk.show_keys,
            "panels_help": self.help_desk.show_all,
            "about": self.help_desk.show_about,
        }

    def menus(self) -> list[QMenu]:
        """Return the menus of the menu bar, in order."""
        return list(self._menus.by_title.values())

    # Start and end

    def start(self) -> None:
        """Build the panels and start the engine; called by itself after the first painting."""
        if self._is_started:
            return
        self._is_started = True
        self._build_panels()
        self.bridge.start()
        if self._lesson_faults:
            self.messages.show_note(" ".join(self._lesson_faults))
        if self._memory is not None:
            self.autosave.start()
            self._offer_left_over()

    def _offer_left_over(self) -> None:
        """Ask whether to go on with a run that was cut off, without holding anything up."""
        if not self.autosave.has_left_over:
            return
        from PySide6.QtWidgets import QMessageBox

        box = QMessageBox(
            QMessageBox.Icon.Question,
            "A run was cut off",
            "The program did not end as it should the last time, and the run it had was kept. Go on with it?",
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            self,
        )
        box.accepted.connect(lambda: self.open_run(self.autosave.path))
        self._show_dialog(box)

    def stop(self) -> bool:
        """End everything that runs in the background; return whether the engine's thread has ended."""
        self.data_menu.stop()
        self.filming.stop()
        return self.bridge.stop() if self._is_started else True

    def watch_keys(self) -> None:
        """Let Space and Enter do what they should in all buttons and spin boxes that there are now."""
        self._guard.guard(self)

    def _build_panels(self) -> None:
        from gui.panels.registry import PANELS  # pyqtgraph comes with it, and takes a third of a second

        for kind in PANELS:
            panel = kind(self._theme, self.bridge.jobs)
            panel.command_issued.connect(self._send_now)
            panel.sample_chosen.connect(partial(self._share_sample, panel))
            self.docks.fill(panel.panel_id, panel, panel.title)
            self.panels.append(panel)
        if self._memory is None or not self._memory.arrange(self):
            self.docks.share_out()
        self.watch_keys()

    def event(self, event: QEvent) -> bool:
        """Count the painting, and start after the first of it."""
        is_done = super().event(event)
        if event.type() is QEvent.Type.UpdateRequest:
            self.bridge.meter.note_paint()
            if not self._is_started:
                QTimer.singleShot(0, self.start)
        return is_done

    def changeEvent(self, event: QEvent) -> None:
        """Let the menu say whether the window fills the screen, whoever made it do so."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.WindowStateChange:
            self.actions_by_id["full_screen"].setChecked(self.isFullScreen())
            if self._owed is not None and self.isFullScreen():
                owed, self._owed = self._owed, None
                QTimer.singleShot(0, self, lambda: self._leave_screen(*owed))

    def _recall(self, memory: WindowMemory) -> None:
        memory.place(self)
        memory.arrange(self)
        if memory.theme is not self._theme:
            self.set_theme(memory.theme)

    def polish(self) -> None:
        """Keep room for the widest texts; the style must be known by then."""
        self.controls.reserve()
        self.readouts.reserve()

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the threads; the window goes first, because a compilation cannot be cut short."""
        if self._arrangement is not None:
            self._toggle_presentation()
        self.docks.take_back()
        if self._memory is not None and self._is_started:
            self._memory.keep(self, self._theme)
        self.hide()
        self.stop()
        if self._memory is not None:
            self.autosave.forget()
        super().closeEvent(event)

    # From the engine

    def _show_report(self, report: Report) -> None:
        snapshot = report.snapshot
        if snapshot is not None:
            for panel in self.panels:
                panel.offer(snapshot)
        for refusal in report.refusals:
            if refusal.number > self._n_refusals_seen:
                self._show_refusal(refusal)
        if self._words_are_due(report):
            self._show_words(report)

    def _tick(self) -> None:
        self._draw_panels()
        self.data_menu.poll()
        report = self.bridge.newest
        if report is not None and report is not self._worded and self._words_are_due(report):
            self._show_words(report)

    def _draw_panels(self) -> None:
        """Let the panels draw in turn. Those for which there is no time now are the first at the next tick."""
        deadline = time.perf_counter() + _DRAW_S
        for _ in self.panels:
            self._turn = (self._turn + 1) % len(self.panels)
            self.panels[self._turn].tick()
            if time.perf_counter() > deadline:
                break

    def draw_now(self) -> None:
        """Draw the newest report everywhere at once, for a picture; panels that ask something go on asking."""
        for panel in self.panels:
            panel.tick()
        if self.bridge.newest is not None:
            self._show_words(self.bridge.newest)

    def _words_are_due(self, report: Report) -> bool:
        """Whether to write words and numbers: ten times a second, and at once when the state changes."""
        snapshot = report.snapshot
        now = (report.state, snapshot.run_id, snapshot.generation) if snapshot else (report.state, -1, -1)
        if now == self._shown and time.perf_counter() - self._words_at_s < _WORDS_S:
            return False
        self._shown, self._words_at_s = now, time.perf_counter()
        return True

    def _show_words(self, report: Report) -> None:
        self._worded = report
        self.readouts.show_report(report)
        self.controls.show_state(report.state, report.snapshot is not None)
        self._enable(report.snapshot)
        self._show_stop(report)
        if report.snapshot is not None:
            self._show_lesson_of(report.snapshot)
        self._show_state(report)
        if report.snapshot is not None:
            self.controls.show_snapshot(report.snapshot)
            for rise in ("errors", "loss"):
                self.actions_by_id[f"stop_at_{rise}"].setChecked(getattr(report.snapshot.pause_at, rise))
            self.timeline.show_snapshot(report.snapshot)
            self.branch_forms.show_snapshot(report.snapshot)
            self.autosave.note(report.snapshot)
            self.lesson_box.follow(report.snapshot)
            if self._form is not None:
                self._form.note_loaded(report.snapshot.config)

    def _show_state(self, report: Report) -> None:
        """Show the state word, and say it to whoever listens when it changes."""
        snapshot = report.snapshot
        word = state_word(report, self._lesson)
        self.readouts.show_word(word)
        self.setWindowTitle(window_title(report, self._lesson, word))
        at = snapshot.n_steps if snapshot is not None and report.state is not State.RUNNING else -1
        if (word, at) != self._said:
            self._said = word, at
            announcer.announce(self, state_sentence(report, word), is_urgent=report.state is State.STOPPED)

    def _show_refusal(self, refusal: Refusal) -> None:
        self._n_refusals_seen = refusal.number
        if self.filming.note_answer(refusal.command, refusal.sentence, refusal.is_done):
            return
        if refusal.is_done:
            self.messages.show_note(refusal.sentence, is_warning=False)
            return
        answered = (self.timeline, self._form, self._kick_dialog, self.branch_forms)
        forms = [form for form in answered if form is not None]
        if not any(form.note_refusal(refusal.command, refusal.sentence) for form in forms):
            self.messages.show_note(refusal.sentence)

    def _show_stop(self, report: Report) -> None:
        is_full = report.snapshot is not None and report.snapshot.is_full and report.state is State.PAUSED
        stopped = report.state is State.STOPPED or is_full
        rate = report.snapshot.suggested_rate if report.snapshot else None
        remedy = f"Halve the rate to {rate:g} and go on" if stopped and rate is not None else ""
        self.messages.show_stop(numerals.signed(report.message) if stopped else "", numerals.signed(remedy))

    def _show_lesson_of(self, snapshot: Snapshot) -> None:
        lesson_id = snapshot.config.lesson
        if lesson_id in self._lessons and lesson_id != self._lesson.lesson_id:
            self._lesson = self._lessons[lesson_id]
            self._begin_lesson()
        self.lesson_box.show_lesson(self._lesson, changed_settings(snapshot, self._lesson))

    def _enable(self, snapshot: Snapshot | None) -> None:
        for spec in actions.ACTIONS:
            if spec.needs_run:
                self.actions_by_id[spec.action_id].setEnabled(snapshot is not None)
        for action in self._menus.kicks.actions():
            action.setEnabled(snapshot is not None)

    # To the engine

    def load_lesson(self, lesson_id: str) -> None:
        """Load a lesson, with its seed and settings."""
        try:
            lesson = load_lesson(lesson_id)
        except ValueError as error:
            self.messages.show_note(str(error))
            return
        self._lessons[lesson_id] = lesson  # read anew: MNIST may have come since
        if lesson_id == self._lesson.lesson_id:  # another one begins when its run is there
            self._lesson = lesson
            self._begin_lesson()
        if self._arrangement is None:
            self.docks.show_lesson(lesson.panels)
        self._send(Load(lesson.config))

    def open_lessons(self) -> None:
        """Open the page that searches the lessons."""
        from gui.lesson_browser import LessonBrowser

        browser = LessonBrowser(list(self._lessons.values()), self._lesson.lesson_id, self)
        browser.lesson_chosen.connect(self.load_lesson)
        self._show_dialog(browser)

    def _begin_lesson(self) -> None:
        self.run_control.begin(self._lesson)
        self.lesson_box.show_lesson(self._lesson)
        self.lesson_box.forget()
        self._present()

    def open_run(self, path: Path) -> None:
        """Go on with a run from a file."""
        self._send(OpenRun(str(path)))

    def open_settings(self) -> None:
        """Open the form for the settings of the run."""
        snapshot = self.bridge.snapshot
        if snapshot is None:
            return
        from gui.settings_form import SettingsForm

        self._form = SettingsForm(snapshot.config.replace(learning_rate=snapshot.learning_rate), self)
        self._form.command_issued.connect(self._send)
        self._form.finished.connect(self._forget_form)
        self._show_dialog(self._form)

    def _forget_form(self) -> None:
        self._form = None

    def open_kicks(self) -> None:
        """Open the dialogue for a kick with options."""
        self._kick_dialog = KickDialog(self.kicker, self)
        self._kick_dialog.finished.connect(self._forget_kicks)
        self._show_dialog(self._kick_dialog)

    def _forget_kicks(self) -> None:
        self._kick_dialog = None

    def _send(self, command: Command) -> None:
        self.messages.close_note()
        self._send_now(command)

    def _send_now(self, command: Command) -> None:
        """Send what a person asks for behind whatever was asked for before: the last wish is the one that stays."""
        self.timeline.hurry()
        self.bridge.send(command)

    def _ask(self) -> None:
        """Bring the lesson's question to whoever wants the run to go."""
        self.docks.show(["lesson"])
        self.lesson_box.ask()

    def _stop_asking(self) -> None:
        self.setFocus()
        self._present()

    def _share_sample(self, chooser: Panel, number: int) -> None:
        """Show the sample that was chosen in one panel in the others."""
        for panel in self.panels:
            if panel is not chooser:
                panel.take_sample(number)

    def _paste_settings(self) -> None:
        try:
            self._send(Load(from_text(QApplication.clipboard().text())))
        except (ValueError, TypeError) as error:
            self.messages.show_note(str(error))

    def _focused_panel(self) -> Panel | None:
        from gui.panels.panel import Panel

        widget = QApplication.focusWidget()
        while widget is not None and not isinstance(widget, Panel):
            widget = widget.parentWidget()
        return widget

    def _set_strength(self, strength: float) -> None:
        self.kicker.strength = strength

    def _recompute(self) -> None:
        for panel in self.panels:
            if panel.is_seen:
                panel.recompute()

    # Looks

    def _toggle_fill(self) -> None:
        panel = self._focused_panel()
        if panel is not None or self.docks.is_filled:
            self.docks.toggle_fill(panel.panel_id if panel is not None else "")
        else:
            self.messages.show_note(
                "Click into a panel first: F8 lets the one that has the focus fill the window."
            )

    def _toggle_presentation(self) -> None:
        self.docks.take_back()
        if self._arrangement is None:
            state, place = self._owed or (self.windowState(), self.geometry())
            self._arrangement, self._owed = (self.saveState(), state, place), None
            self._present()
            self._bars[0].hide()
            self.showFullScreen()
            self.set_theme(self._theme)
        else:
            docks, state, place = self._arrangement
            is_filled = self.geometry() == self.screen().geometry()
            self._arrangement = None
            self._look_bar.hide()
            self.set_theme(self._theme)
            # Otherwise the window grows to what the large type needs.
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
            self._bars[0].show()
            self.docks.restore(docks)
            self._leave_screen(state, place)
            self._owed = None if is_filled else (state, place)

    def _leave_screen(self, state: Qt.WindowState, place: QRect) -> None:
        """Take the state and place from before a presentation.

        Qt asks the window manager for a state only if it differs from the last that the manager has told. Of a
        presentation left before the manager has answered it asks nothing, and must be left again at the answer.
        """
        self.setWindowState(state)
        if state is Qt.WindowState.WindowNoState:
            self.setGeometry(place)

    def _toggle_full_screen(self) -> None:
        self._owed = None
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def _present(self) -> None:
        """In a presentation show what the lesson needs, and its text while it asks or answers."""
        if self._arrangement is not None:
            is_read = self.lesson_box.is_asking or self.lesson_box.is_revealed
            look = "" if is_read else self.lesson_box.look
            self.look_strip.show_look(look)
            self._look_bar.setVisible(bool(look))
            self.docks.present(self._lesson.panels[:_PRESENTED], is_read)

    def set_theme(self, used_theme: theme.Theme) -> None:
        """Change the colours of everything."""
        self._theme = used_theme
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        is_presented = self._arrangement is not None
        large = theme.presented_text_px(self.screen().size().height())
        theme.dress(app, used_theme, large if is_presented else theme.TEXT_PX)
        self.actions_by_id["presentation"].setChecked(is_presented)
        self.readouts.set_brief(is_presented)
        self.readouts.reserve()
        actions.set_icons(self.actions_by_id, used_theme)
        for part in (
            self.controls,
            self.readouts,
            self.messages,
            self.docks,
            self.timeline,
            self.branch_forms,
        ):
            part.set_theme(used_theme)
        for panel in self.panels:
            panel.set_theme(used_theme)
        self.actions_by_id["dark"].setChecked(used_theme is theme.DARK)
        report = self.bridge.newest
        state = report.state if report else State.COMPILING
        self.controls.show_state(state, report is not None and report.snapshot is not None)

    def show_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Show an exception that nobody caught; as `sys.excepthook` it keeps the window alive and honest."""
        traceback.print_exception(kind, error, trace, file=sys.stderr)
        if issubclass(kind, KeyboardInterrupt):
            self.close()
        else:
            self.messages.show_note(
                f"Something in the window failed: {error or kind.__name__}. The run is not touched."
            )

    def _show_kick(self, title: str) -> None:
        self.actions_by_id["kick"].setToolTip(f"{title} (K)")

    def _show_dialog(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()


def _edit(field: QWidget) -> None:
    field.setFocus(Qt.FocusReason.ShortcutFocusReason)
    field.selectAll()  # type: ignore[attr-defined]
