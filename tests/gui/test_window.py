"""The window, driven by keys: what is pressed goes to the engine, what is shown comes from it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QDialog,
    QLabel,
    QLineEdit,
    QSpinBox,
    QToolBar,
    QToolButton,
    QWidget,
)
from window_tools import press, snapshot_of, state_of

from engine.commands import Pause, Perturb, Run, SetLearningRate
from engine.snapshot import Report, Snapshot, State
from gui import theme
from gui.app import Hooks, has_screen
from gui.panels.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from gui.window import Window

WAIT_MS = 20_000
ROOT = Path(__file__).resolve().parents[2]
Key = Qt.Key


def focus(window: Window, widget: QWidget, qtbot: QtBot) -> None:
    window.activateWindow()
    widget.setFocus()
    qtbot.waitUntil(widget.hasFocus, timeout=WAIT_MS)


def wait_for_steps(window: Window, n_steps: int, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: snapshot_of(window).n_steps == n_steps, timeout=WAIT_MS)


# ------------------------------------------------------------------------------- start and end


def test_the_window_is_there_before_anything_slow_is_imported() -> None:
    program = (
        "import builtins, sys\n"
        "import main\n"
        "from gui.app import make_application, make_window\n"
        "from engine.lessons import load_lesson\n"
        "app = make_application()\n"
        "window = make_window(load_lesson('exam'))\n"
        "window.show()\n"
        "assert window.isVisible()\n"
        "slow = ('numba', 'scipy', 'sklearn', 'pyqtgraph', 'numpy._core', 'gui.exports', 'gui.film_dialog')\n"
        "print([name for name in slow if name in sys.modules])\n"
        "assert builtins.__import__ is not builtins.__feature_import__  # it reads every source\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


def test_the_first_thing_shown_is_that_it_compiles(qtbot: QtBot, lesson: object) -> None:
    from gui.app import make_application, make_window

    make_application()
    window = make_window(lesson)  # type: ignore[arg-type]
    qtbot.addWidget(window)
    assert "compiling" in window.windowTitle()
    assert "State: compiling" in names_below(window.readouts)
    window.readouts.show_report(Report(State.COMPILING, "Compiling the kernels.", None))
    texts = [label.text() for label in window.readouts.findChildren(QLabel) if not label.isHidden()]
    assert "Compiling the kernels." in texts
    assert window.readouts.loss.isHidden()
    assert not window.controls.run_button.isEnabled()
    assert not window.actions_by_id["step_1"].isEnabled()


def test_closing_while_it_runs_leaves_no_thread(
    open_window: Callable[..., Window], qtbot: QtBot, window_threads: Callable[[], list[str]]
) -> None:
    window = open_window()
    window.bridge.send(Run())
    qtbot.waitUntil(lambda: snapshot_of(window).n_steps > 0, timeout=WAIT_MS)
    window.close()
    assert not window_threads()


def test_control_c_in_the_terminal_closes_the_window(open_window: Callable[..., Window]) -> None:
    window = open_window()
    before = sys.excepthook, signal.getsignal(signal.SIGINT)
    with Hooks(window):
        assert sys.excepthook == window.show_exception
        signal.raise_signal(signal.SIGINT)
        assert not window.isVisible()
    assert (sys.excepthook, signal.getsignal(signal.SIGINT)) == before


# ------------------------------------------------------------------------------- keys


def test_the_keys_of_the_steps(window: Window, qtbot: QtBot) -> None:
    press(window, Key.Key_Period)
    wait_for_steps(window, 1, qtbot)
    press(window, Key.Key_T)
    wait_for_steps(window, 11, qtbot)
    press(window, Key.Key_H)
    wait_for_steps(window, 111, qtbot)
    assert state_of(window) is State.PAUSED


def test_reset_keeps_the_rate_in_use(window: Window, qtbot: QtBot) -> None:
    press(window, Key.Key_Minus)
    press(window, Key.Key_T)
    wait_for_steps(window, 10, qtbot)
    press(window, Key.Key_R)
    wait_for_steps(window, 0, qtbot)
    press(window, Key.Key_Period)
    wait_for_steps(window, 1, qtbot)
    assert snapshot_of(window).learning_rate == 0.25


def test_the_key_of_the_landscape_computes_it_anew(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    [panel] = [panel for panel in window.panels if panel.panel_id == "landscape"]
    asked: list[bool] = []
    monkeypatch.setattr(panel, "recompute", lambda: asked.append(True))
    press(window, Key.Key_U)
    assert asked == [True]
    panel.hide()
    press(window, Key.Key_U)
    assert asked == [True]
    panel.show()


def test_reset_goes_back_to_the_same_start_and_new_seed_to_another(window: Window, qtbot: QtBot) -> None:
    start = snapshot_of(window).theta
    press(window, Key.Key_T)
    wait_for_steps(window, 10, qtbot)
    press(window, Key.Key_R)
    wait_for_steps(window, 0, qtbot)
    assert (snapshot_of(window).theta == start).all()
    press(window, Key.Key_N)
    qtbot.waitUntil(lambda: snapshot_of(window).config.seed == 1, timeout=WAIT_MS)
    assert (snapshot_of(window).theta != start).any()


def focus_places(window: Window, qtbot: QtBot) -> dict[str, QWidget]:
    spin_box = QSpinBox(window)
    qtbot.addWidget(spin_box)
    spin_box.show()
    window.watch_keys()
    return {
        "window": window,
        "run button": window.controls.run_button,
        "reset button": button_of(window, "reset"),
        "rate": window.controls.rate,
        "strength": window.controls.strength,
        "lessons": window.lesson_box.choice,
        "spin box": spin_box,
    }


def button_of(window: Window, action_id: str) -> QToolButton:
    action = window.actions_by_id[action_id]
    return next(b for b in window.controls.findChildren(QToolButton) if b.defaultAction() is action)


@pytest.mark.parametrize(
    "place", ["window", "run button", "reset button", "rate", "strength", "lessons", "spin box"]
)
def test_space_runs_and_pauses_wherever_the_focus_is(window: Window, qtbot: QtBot, place: str) -> None:
    widget = focus_places(window, qtbot)[place]
    focus(window, widget, qtbot)
    press(window, Key.Key_Space)
    qtbot.waitUntil(lambda: state_of(window) is State.RUNNING, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: snapshot_of(window).n_steps > 0, timeout=WAIT_MS)
    press(window, Key.Key_Space)
    qtbot.waitUntil(lambda: state_of(window) is State.PAUSED, timeout=WAIT_MS)
    assert snapshot_of(window).n_steps > 0


def test_space_works_in_every_spin_box_of_the_panels(window: Window) -> None:
    boxes = window.findChildren(QAbstractSpinBox)
    assert boxes
    for box in boxes:
        box.setFocus()
        triggered: list[bool] = []

        def note(checked: bool, seen: list[bool] = triggered) -> None:
            seen.append(checked)

        window.actions_by_id["run_pause"].triggered.connect(note)
        QTest.keyClick(box, Key.Key_Space)
        assert len(triggered) == 1, box.accessibleName()
        window.actions_by_id["run_pause"].triggered.disconnect(note)


def test_enter_presses_the_button_that_has_the_focus(window: Window, qtbot: QtBot) -> None:
    focus(window, button_of(window, "step_10"), qtbot)
    press(window, Key.Key_Return)
    wait_for_steps(window, 10, qtbot)


def test_typing_in_a_field_types(window: Window, qtbot: QtBot) -> None:
    field = window.controls.rate
    focus(window, field, qtbot)
    field.clear()
    for key in (Key.Key_0, Key.Key_Period, Key.Key_2, Key.Key_5):
        press(window, key)
    assert field.text() == "0.25"
    press(window, Key.Key_N)
    assert field.text() == "0.25n"
    assert snapshot_of(window).n_steps == 0 and snapshot_of(window).config.seed == 0


def test_every_part_can_be_reached_by_tab(window: Window, qtbot: QtBot) -> None:
    focus(window, window, qtbot)
    reached: set[QWidget] = set()
    for _ in range(60):
        press(window, Key.Key_Tab)
        reached.add(window.focusWidget())
    wanted = {
        window.controls.rate,
        window.controls.strength,
        window.controls.run_button,
        window.lesson_box.choice,
    }
    wanted |= {
        button_of(window, name) for name in ("step_1", "step_10", "step_100", "reset", "new_seed", "settings")
    }
    assert wanted <= reached


# ------------------------------------------------------------------------------- learning rate


def enter(window: Window, field: QLineEdit, text: str) -> None:
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Key.Key_Return)


def test_enter_uses_the_rate_that_was_typed(window: Window, qtbot: QtBot) -> None:
    enter(window, window.controls.rate, "0.125")
    qtbot.waitUntil(lambda: snapshot_of(window).learning_rate == 0.125, timeout=WAIT_MS)
    assert window.controls.rate.problem == ""


@pytest.mark.parametrize("text", ["abc", "0", "-1", "nan", "inf", "1e999", "0,5", "0x1"])
def test_a_bad_rate_is_refused_beside_the_field_and_the_old_one_stays(window: Window, text: str) -> None:
    window.controls.rate.setFocus()
    enter(window, window.controls.rate, text)
    assert window.controls.rate.problem.startswith("learning_rate must be")
    assert window.controls.rate.text() == "0.5"
    assert snapshot_of(window).learning_rate == 0.5


def test_the_problem_goes_when_one_types_again(window: Window) -> None:
    enter(window, window.controls.rate, "abc")
    assert window.controls.rate.problem
    QTest.keyClicks(window.controls.rate, "1")
    assert not window.controls.rate.problem


def test_escape_gives_back_the_old_value(window: Window) -> None:
    window.controls.rate.setFocus()
    QTest.keyClicks(window.controls.rate, "77")
    QTest.keyClick(window.controls.rate, Key.Key_Escape)
    assert window.controls.rate.text() == "0.5"


@pytest.mark.parametrize(("key", "rate"), [(Key.Key_Minus, 0.25), (Key.Key_Plus, 1.0)])
def test_halving_and_doubling(window: Window, qtbot: QtBot, key: Qt.Key, rate: float) -> None:
    window.setFocus()
    press(window, key)
    qtbot.waitUntil(lambda: snapshot_of(window).learning_rate == rate, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.controls.rate.text() == f"{rate:g}", timeout=WAIT_MS)


# ------------------------------------------------------------------------------- what is shown


def names_below(widget: QWidget) -> set[str]:
    return {child.accessibleName() for child in widget.findChildren(QWidget)}


def test_the_readings_are_those_of_the_snapshot(window: Window, qtbot: QtBot) -> None:
    press(window, Key.Key_H)
    wait_for_steps(window, 100, qtbot)
    qtbot.waitUntil(lambda: window.readouts.step.text == "100", timeout=WAIT_MS)
    now = snapshot_of(window)
    assert float(window.readouts.loss.text) == pytest.approx(now.loss, rel=1e-4)
    assert window.readouts.errors.text.startswith(f"{now.n_errors} (")
    assert window.readouts.arithmetic.text == "ordered float64"
    assert {"step: 100", "errors of 4: " + window.readouts.errors.text} <= names_below(window.readouts)
    assert "State: paused" in names_below(window.readouts)
    assert window.windowTitle() == "Lossoscope: paused at step 100 (The exam's network)"


def test_a_uniform_start_is_tied_and_not_a_count(open_window: Callable[..., Window]) -> None:
    window = open_window(init="constant", init_value=0.5)
    assert snapshot_of(window).n_tied > 0
    assert window.readouts.errors.text == "tied"


def test_a_button_follows_the_engine_and_not_the_click(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    with monkeypatch.context() as patch:
        patch.setattr(window.bridge, "send", sent.append)
        qtbot.mouseClick(window.controls.run_button, Qt.MouseButton.LeftButton)
        assert [type(command) for command in sent] == [Run]
        assert window.controls.run_button.text() == "Run"
    qtbot.mouseClick(window.controls.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.controls.run_button.text() == "Pause", timeout=WAIT_MS)
    assert window.readouts.findChild(QWidget, "state").text() == "running"  # type: ignore[attr-defined]


def test_a_refusal_is_a_sentence_that_escape_closes(window: Window, qtbot: QtBot) -> None:
    window.bridge.send(Perturb("noise", {"scale": -1.0}))
    qtbot.waitUntil(lambda: "scale" in window.messages.text, timeout=WAIT_MS)
    assert window.messages.note.isVisible()
    window.setFocus()
    press(window, Key.Key_Escape)
    assert window.messages.text == ""
    assert not window.messages.note.isVisible()


def test_a_message_moves_nothing(window: Window, qtbot: QtBot) -> None:
    places = [panel.geometry() for panel in window.panels]
    window.messages.show_note("Something was refused.")
    qtbot.waitUntil(window.messages.note.isVisible, timeout=WAIT_MS)
    QApplication.processEvents()
    assert [panel.geometry() for panel in window.panels] == places
    note, time_bar = window.messages.note.geometry(), window.findChild(QToolBar, "bar_time").geometry()
    assert note.bottom() == time_bar.top() - 1 and note.width() == window.width()
    window.resize(window.width() - 60, window.height() - 40)
    qtbot.waitUntil(lambda: window.messages.note.width() == window.width(), timeout=WAIT_MS)
    time_bar = window.findChild(QToolBar, "bar_time").geometry()
    assert window.messages.note.geometry().bottom() == time_bar.top() - 1


def test_after_a_divergence_half_the_rate_is_offered_and_taken(
    open_window: Callable[..., Window], qtbot: QtBot
) -> None:
    window = open_window(activation=("relu",), loss="cross_entropy", learning_rate=1e200, hidden=(3, 3))
    press(window, Key.Key_Space)
    qtbot.waitUntil(lambda: state_of(window) is State.STOPPED, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "not a finite number" in window.messages.text, timeout=WAIT_MS)
    assert "Halve the rate to 5e+199 and go on" in window.messages.remedy
    window.messages.remedy_chosen.emit()
    qtbot.waitUntil(lambda: snapshot_of(window).learning_rate == 5e199, timeout=WAIT_MS)
    window.bridge.send(SetLearningRate(1e-3))
    window.bridge.send(Run())
    qtbot.waitUntil(lambda: window.messages.text == "", timeout=WAIT_MS)


def test_each_kick_has_a_new_seed_and_the_strength_of_the_field(window: Window, qtbot: QtBot) -> None:
    sent: list[Perturb] = []
    window.kicker.command_issued.connect(sent.append)
    enter(window, window.controls.strength, "0.01")
    window.setFocus()
    press(window, Key.Key_K)
    press(window, Key.Key_K)
    qtbot.waitUntil(lambda: len(snapshot_of(window).history.jumps) == 2, timeout=WAIT_MS)
    assert [command.options for command in sent] == [{"scale": 0.01, "seed": 0}, {"scale": 0.01, "seed": 1}]
    enter(window, window.controls.strength, "-1")
    assert window.controls.strength.problem.startswith("strength must be a finite number of at least 0")
    assert window.controls.strength.text() == "0.01"


def test_the_menu_of_kicks_is_the_engines_table(window: Window, qtbot: QtBot) -> None:
    from engine.perturbations import PERTURBATION_TABLE

    menu = next(menu for menu in window.menus() if menu.title() == "&Kick")
    titles = [action.text() for action in menu.actions()]
    assert titles[: len(PERTURBATION_TABLE)] == [kick.title for kick in PERTURBATION_TABLE.values()]
    menu.actions()[titles.index("Duplicate a unit")].trigger()
    qtbot.waitUntil(lambda: snapshot_of(window).config.hidden == (4,), timeout=WAIT_MS)
    assert window.kicker.chosen == "duplicate"


def test_a_lesson_is_loaded_from_the_list(open_window: Callable[..., Window], qtbot: QtBot) -> None:
    window = open_window()
    run_id = snapshot_of(window).run_id
    assert "unlike" not in window.lesson_box.text
    row = window.lesson_box.choice.findData("constant-start")
    window.lesson_box.choice.activated.emit(row)
    qtbot.waitUntil(lambda: snapshot_of(window).run_id > run_id, timeout=WAIT_MS)
    assert snapshot_of(window).config.data == "digits"
    assert snapshot_of(window).config.lesson == "constant-start"


def test_a_lesson_with_other_settings_says_so(window: Window, qtbot: QtBot) -> None:
    window.bridge.send(SetLearningRate(0.1))
    words = "This run, unlike the lesson's first one, has learning rate 0.1 instead of 0.5."
    qtbot.waitUntil(lambda: words in window.lesson_box.text, timeout=WAIT_MS)
    press(window, Qt.Key.Key_N)
    words = "has learning rate 0.1 instead of 0.5, seed 1 instead of 0."
    qtbot.waitUntil(lambda: words in window.lesson_box.text, timeout=WAIT_MS)


# ------------------------------------------------------------------------------- panels and looks


class CountingPanel(Panel):
    """Counts its drawings, and fails when told."""

    panel_id = "counting"
    title = "Counting"
    help_text = "Counts."

    def build(self, layout: object) -> None:
        self.n_drawn = 0
        self.failure = ""

    def draw(self, snapshot: Snapshot) -> None:
        self.n_drawn += 1
        if self.failure:
            raise RuntimeError(self.failure)

    def apply_theme(self, used: theme.Theme) -> None:
        pass


def test_a_hidden_panel_draws_nothing_until_it_is_shown(window: Window, qtbot: QtBot) -> None:
    panel = CountingPanel(theme.LIGHT, window.bridge.jobs)
    qtbot.addWidget(panel)
    panel.show_snapshot(snapshot_of(window))
    panel.tick()
    assert panel.n_drawn == 0
    panel.show()
    assert panel.n_drawn == 1
    panel.tick()
    assert panel.n_drawn == 1


def test_a_broken_panel_shows_its_error_in_its_place_until_it_draws_again(
    window: Window, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    panel = CountingPanel(theme.LIGHT, window.bridge.jobs)
    qtbot.addWidget(panel)
    panel.show()
    panel.failure = "no ink"
    panel.show_snapshot(snapshot_of(window))
    panel.tick()
    assert panel.shown_error == "Counting cannot be drawn: no ink"
    assert capsys.readouterr().err.count("RuntimeError: no ink") == 1
    panel.failure = ""
    panel.set_theme(theme.DARK)
    assert panel.shown_error == ""


def test_a_panel_with_an_interval_puts_steps_off_but_nothing_else(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CountingPanel, "interval_s", 1e6)
    panel = CountingPanel(theme.LIGHT, window.bridge.jobs)
    qtbot.addWidget(panel)
    panel.show()
    window.bridge.send(Run())
    qtbot.waitUntil(lambda: state_of(window) is State.RUNNING, timeout=WAIT_MS)
    panel.show_snapshot(snapshot_of(window))
    steps = snapshot_of(window).n_steps
    qtbot.waitUntil(lambda: snapshot_of(window).n_steps > steps, timeout=WAIT_MS)
    panel.show_snapshot(snapshot_of(window))
    assert panel.n_drawn == 1
    window.bridge.send(Pause())
    qtbot.waitUntil(lambda: state_of(window) is State.PAUSED, timeout=WAIT_MS)
    panel.show_snapshot(snapshot_of(window))
    assert panel.n_drawn == 2


def test_every_panel_is_in_a_dock_that_the_view_menu_hides(window: Window) -> None:
    view = next(menu for menu in window.menus() if menu.title() == "&View")
    toggles = {action.text(): action for action in view.actions() if action.isCheckable()}
    assert len(window.panels) >= 5
    for panel in window.panels:
        assert panel.isVisible()
        toggles[panel.title].trigger()
        assert not panel.isVisible()
    window.actions_by_id["arrange"].trigger()
    assert all(panel.isVisible() for panel in window.panels)


def test_dark_and_back(window: Window) -> None:
    press(window, Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert window.palette().window().color().name() == theme.DARK.window
    assert {panel.theme.name for panel in window.panels} == {"dark"}
    press(window, Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert window.palette().window().color().name() == theme.LIGHT.window


@pytest.mark.parametrize("size", [(1024, 768), (1280, 720), (1920, 1080)])
def test_the_window_fits_its_screen(window: Window, qtbot: QtBot, size: tuple[int, int]) -> None:
    assert window.minimumSizeHint().width() <= 1024
    window.resize(*size)
    qtbot.waitUntil(lambda: (window.width(), window.height()) == size, timeout=WAIT_MS)
    for panel in window.panels:
        if panel.is_seen:  # one behind another has no size yet
            assert panel.width() > 0.15 * size[0] and panel.height() > 0.3 * size[1]


def test_an_exception_in_a_slot_is_shown(window: Window, capsys: pytest.CaptureFixture[str]) -> None:
    error = ZeroDivisionError("division by nothing")
    window.show_exception(type(error), error, None)
    assert "division by nothing" in window.messages.text
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("action_id", ["keys", "panels_help", "about", "kick_options", "settings"])
def test_each_page_opens_and_escape_closes_it(window: Window, qtbot: QtBot, action_id: str) -> None:
    window.actions_by_id[action_id].trigger()
    dialog = next(d for d in window.findChildren(QDialog) if d.isVisible())
    assert dialog.windowTitle()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow, timeout=WAIT_MS)
    QTest.keyClick(dialog, Key.Key_Escape)
    qtbot.waitUntil(lambda: not any(d.isVisible() for d in window.findChildren(QDialog)), timeout=WAIT_MS)


# ------------------------------------------------------------------------------- is there a screen


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":4077"}, "linux", False),
        ({"DISPLAY": "nonsense"}, "linux", False),
        ({"WAYLAND_DISPLAY": "wayland-none", "XDG_RUNTIME_DIR": "/nonexistent"}, "linux", False),
        ({"QT_QPA_PLATFORM": "offscreen"}, "linux", True),
        ({"QT_QPA_PLATFORM": "xcb"}, "linux", False),
        ({"QT_QPA_PLATFORM": "wayland", "DISPLAY": ":4077"}, "linux", False),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_whether_there_is_a_screen(environ: dict[str, str], platform: str, expected: bool) -> None:
    assert has_screen(environ, platform) is expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Wayland is a matter of Linux")
def test_a_wayland_server_that_answers_is_a_screen(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-7"))
        server.listen()
        assert has_screen({"WAYLAND_DISPLAY": "wayland-7", "XDG_RUNTIME_DIR": str(tmp_path)}, "linux")


@pytest.mark.parametrize(("front", "back"), [("landscape", "ledger"), ("ledger", "landscape")])
def test_of_the_panels_of_a_lesson_that_share_a_place_the_first_is_in_front(
    window: Window, qtbot: QtBot, front: str, back: str
) -> None:
    by_id = {panel.panel_id: panel for panel in window.panels}
    window.docks.show((front, "loss", back))
    qtbot.waitUntil(lambda: by_id[front].is_seen and not by_id[back].is_seen, timeout=WAIT_MS)


def test_what_a_lesson_brought_goes_behind_with_it_and_what_a_person_chose_stays(
    window: Window, qtbot: QtBot
) -> None:
    by_id = {panel.panel_id: panel for panel in window.panels}
    window.docks.show_lesson(("regions", "loss"))
    qtbot.waitUntil(lambda: by_id["regions"].is_seen, timeout=WAIT_MS)
    window.docks.show_lesson(("errors", "loss"))
    qtbot.waitUntil(lambda: by_id["landscape"].is_seen and not by_id["regions"].is_seen, timeout=WAIT_MS)
    window.docks.show(("examples",))
    qtbot.waitUntil(lambda: by_id["examples"].is_seen, timeout=WAIT_MS)
    window.docks.show_lesson(("weights", "loss"))
    qtbot.waitUntil(lambda: by_id["weights"].is_seen, timeout=WAIT_MS)
    assert by_id["examples"].is_seen
