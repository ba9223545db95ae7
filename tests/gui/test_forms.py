"""Forms: settings, kicks with options, and data from outside. Bad input stays beside its field, nothing is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QProgressDialog
from window_tools import snapshot_of

from engine.commands import Load, Perturb
from engine.config import RunConfig, setting_names
from gui.kicks import KickDialog, Kicker
from gui.settings_form import LABELS, SettingsForm, read_settings

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from gui.window import Window

WAIT_MS = 20_000
CONFIG = RunConfig(hidden=(64, 32), activation=("tanh", "relu"), skip=(2,), n_samples=10, init_scale=0.25)


@pytest.fixture
def form(qtbot: QtBot) -> SettingsForm:
    made = SettingsForm(CONFIG)
    qtbot.addWidget(made)
    made.show()
    return made


def sent_by(form: SettingsForm) -> list[Load]:
    sent: list[Load] = []
    form.command_issued.connect(sent.append)
    return sent


def test_every_setting_has_a_field_with_a_label() -> None:
    assert tuple(LABELS) == setting_names()


def test_the_form_gives_back_the_settings_that_it_shows(form: SettingsForm) -> None:
    assert form.check() == CONFIG


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("hidden", "64,0"),
        ("hidden", "wide"),
        ("activation", "sine"),
        ("activation", "tanh,tanh,tanh"),
        ("learning_rate", "-0.5"),
        ("seed", "1.5"),
        ("n_samples", "0"),
        ("dtype", "float16"),
        ("skip", "3"),
        ("data", ""),
    ],
)
def test_a_bad_setting_is_refused_beside_its_field_and_nothing_is_sent(
    form: SettingsForm, key: str, text: str
) -> None:
    sent = sent_by(form)
    form.set_text(key, text)
    form.send()
    assert form.problem(key).startswith(key)
    assert [other for other in LABELS if form.problem(other)] == [key]
    assert sent == []
    form.set_text(key, CONFIG.as_text()[key])
    form.send()
    assert not form.problem(key)
    assert sent == [Load(CONFIG)]


def test_a_list_is_changed_by_arrows_from_what_it_shows_and_sent_by_enter(form: SettingsForm) -> None:
    sent = sent_by(form)
    losses = form._fields["loss"]
    assert losses.count() == 3 and losses.currentText() == "cross_entropy"
    form.set_text("loss", losses.itemText(1))
    QTest.keyClick(losses, Qt.Key.Key_Up)
    assert form.text("loss") == losses.itemText(0)
    QTest.keyClick(losses, Qt.Key.Key_Return)
    assert [load.config.loss for load in sent] == [losses.itemText(0)]


@pytest.mark.parametrize("key", ["loss", "learning_rate"])
def test_enter_sends_once_whoever_hears_it(form: SettingsForm, qtbot: QtBot, key: str) -> None:
    sent = sent_by(form)
    with qtbot.waitExposed(form):
        form.show()
    for n_sent in (1, 2):
        QTest.keyClick(form._fields[key], Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: not form._heard_enter)
        assert len(sent) == n_sent


def test_layers_and_activations_may_change_together() -> None:
    texts = CONFIG.as_text() | {"hidden": "3,4,5", "activation": "erf,relu,tanh", "skip": "1,3"}
    config, problems = read_settings(texts, CONFIG)
    assert problems == {}
    assert (config.hidden, config.activation, config.skip) == ((3, 4, 5), ("erf", "relu", "tanh"), (1, 3))


def test_what_the_engine_refuses_is_said_in_the_form_and_the_run_stays(window: Window, qtbot: QtBot) -> None:
    before = window.bridge.snapshot
    assert before is not None
    window.open_settings()
    form = window.findChild(SettingsForm)
    assert isinstance(form, SettingsForm)
    form.set_text("data", "csv:/nonexistent/points.csv")
    form.send()
    qtbot.waitUntil(lambda: "/nonexistent/points.csv" in form.problem("data"), timeout=WAIT_MS)
    assert form.isVisible()
    assert window.bridge.snapshot is not None
    assert window.bridge.snapshot.run_id == before.run_id
    form.set_text("data", "moons")
    form.send()
    qtbot.waitUntil(lambda: window.bridge.snapshot.config.data == "moons", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.findChild(SettingsForm) is None, timeout=WAIT_MS)


# ------------------------------------------------------------------------------- kicks with options


@pytest.fixture
def kicks(qtbot: QtBot) -> tuple[KickDialog, list[Perturb]]:
    """The dialogue, and what it sends."""
    kicker, sent = Kicker(), []
    kicker.command_issued.connect(sent.append)
    dialog = KickDialog(kicker)
    kicker.setParent(dialog)
    qtbot.addWidget(dialog)
    return dialog, sent


def test_a_kick_with_options_is_sent_as_typed(kicks: tuple[KickDialog, list[Perturb]]) -> None:
    dialog, sent = kicks
    dialog.choose("break_symmetry")
    assert set(dialog.fields) == {"scale", "seed", "layer", "unit"}
    assert dialog.fields["unit"].text() == "1"
    dialog.fields["unit"].setText("3")
    dialog.fields["scale"].setText("1e-9")
    dialog.give()
    assert sent == [Perturb("break_symmetry", {"scale": 1e-9, "seed": 0, "layer": 1, "unit": 2})]
    assert dialog.fields["seed"].text() == "1"


@pytest.mark.parametrize(
    ("option", "text"), [("scale", "much"), ("scale", "-1"), ("seed", "1.5"), ("layer", "0"), ("unit", "0")]
)
def test_a_bad_option_of_a_kick_is_refused_beside_its_field(
    kicks: tuple[KickDialog, list[Perturb]], option: str, text: str
) -> None:
    dialog, sent = kicks
    dialog.choose("break_symmetry")
    dialog.fields[option].setText(text)
    dialog.give()
    assert dialog.problem(option).startswith(f"{option} must be")
    assert sent == []


def test_a_kick_that_the_engine_refuses_is_refused_beside_its_field(window: Window, qtbot: QtBot) -> None:
    window.actions_by_id["kick_options"].trigger()
    dialog = window.findChild(KickDialog)
    dialog.choose("reset_unit")
    dialog.fields["unit"].setText("4")
    dialog.give()
    sentence = "unit must be a whole number from 1 to 3, not 4."
    qtbot.waitUntil(lambda: dialog.problem("unit") == sentence, timeout=WAIT_MS)
    dialog.fields["unit"].setText("3")
    dialog.give()
    qtbot.waitUntil(lambda: len(snapshot_of(window).history.jumps) == 1, timeout=WAIT_MS)
    assert snapshot_of(window).history.jumps[0].name == "reset_unit"
    assert window.messages.text == ""


# ------------------------------------------------------------------------------- data from outside


def test_a_file_of_ones_own_is_trained_on(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("0,0,0\n1,1,1\n0,1,0\n")
    window.data_menu.use_file(path)
    qtbot.waitUntil(lambda: window.bridge.snapshot.config.data == f"csv:{path}", timeout=WAIT_MS)  # type: ignore[union-attr]
    assert window.bridge.snapshot is not None and window.bridge.snapshot.data.n_samples == 3


def test_a_file_of_another_kind_is_refused_by_name(window: Window) -> None:
    window.data_menu.use_file(Path("notes.txt"))
    assert "notes.txt" in window.messages.text and ".csv or .npz" in window.messages.text


def test_a_folder_without_mnist_is_refused_in_a_sentence(
    window: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    window.data_menu.use_folder(str(tmp_path))
    qtbot.waitUntil(lambda: str(tmp_path) in window.messages.text, timeout=WAIT_MS)
    assert window.bridge.snapshot is not None and window.bridge.snapshot.config.data == "xor"


class FakeDownload:
    """Stands still half-way until it is cancelled or released."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.was_cancelled = False

    def __call__(self, progress: Callable[[int, int], object], is_cancelled: Callable[[], bool]) -> str:
        progress(6_000_000, 12_000_000)
        while not self.may_end.wait(0.005):
            if is_cancelled():
                self.was_cancelled = True
                raise RuntimeError("The download was cancelled at half; it goes on from there next time.")
        return "mnist is in a folder."


def test_a_download_shows_how_far_it_is_and_is_cancelled(window: Window, qtbot: QtBot) -> None:
    work = FakeDownload()
    window.data_menu.download(work)
    dialog = window.findChild(QProgressDialog)
    assert isinstance(dialog, QProgressDialog)
    qtbot.waitUntil(lambda: dialog.labelText() == "6.0 of 12.0 MB", timeout=WAIT_MS)
    assert dialog.value() == 6_000_000
    dialog.canceled.emit()
    qtbot.waitUntil(lambda: "cancelled at half" in window.messages.text, timeout=WAIT_MS)
    assert work.was_cancelled


def test_a_second_download_waits_for_the_first(window: Window, qtbot: QtBot) -> None:
    work = FakeDownload()
    window.data_menu.download(work)
    window.data_menu.download(FakeDownload())
    assert "wait for them or cancel" in window.messages.text
    named: list[str] = []
    window.data_menu.data_named.connect(named.append)
    work.may_end.set()
    qtbot.waitUntil(lambda: window.messages.text != "" and named == ["mnist"], timeout=WAIT_MS)


def test_closing_while_downloading_cancels(open_window: Callable[..., Window]) -> None:
    window = open_window()
    work = FakeDownload()
    window.data_menu.download(work)
    window.close()
    assert work.was_cancelled


def test_the_first_kick_of_every_run_has_seed_0(window, qtbot):
    sent = []
    window.kicker.command_issued.connect(sent.append)
    for _ in range(2):
        window.kicker.kick("noise")
        window.kicker.kick("noise")
        before = window.bridge.snapshot.run_id
        window.bridge.send(Load(window.bridge.snapshot.config.replace(batch_size=2)))
        qtbot.waitUntil(lambda before=before: window.bridge.snapshot.run_id > before)
    assert [command.options["seed"] for command in sent] == [0, 1, 0, 1]
