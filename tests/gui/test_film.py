"""Films: real files, decoded again; the frames are the pictures of their steps. Half a film is never left."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from engine.commands import Perturb, SetLearningRate, Step
from engine.config import RunConfig
from engine.films import FilmPlan
from engine.run_files import save_run
from engine.trainer import Trainer
from gui import film, film_files, stage
from gui.film import FilmCancelledError, make_film
from gui.plots import Plot

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from gui.window import Window

pytestmark = pytest.mark.usefixtures("qapp")
needs_av = pytest.mark.skipif(
    find_spec("av") is None, reason="the package av, of the extra film, is not installed"
)

SIZE = (480, 320)
FILM_MS = 120_000
Pixels = npt.NDArray[np.uint8]


def plan_of(out: Path, n_steps: int = 30, **changes: object) -> FilmPlan:
    usual = FilmPlan(out, n_steps, seconds=0.6, fps=10, size=SIZE, panel="loss")
    return dataclasses.replace(usual, **changes)


def decoded(path: Path) -> list[Pixels]:
    import av

    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@cache
def picture(n_steps: int, lesson_id: str = "xor-luck") -> Pixels:
    """The panel Loss after some steps, drawn at once and not on the way of a film."""
    from engine.lessons import load_lesson

    window = stage.open_offscreen(load_lesson(lesson_id), SIZE)
    try:
        drawn = stage.choose(window, "loss", SIZE)
        stage.wait_for_run(window)
        stage.train_to(window, n_steps)
        stage.settle(window)
        return stage.photograph(drawn)
    finally:
        window.close()


def difference(one: Pixels, other: Pixels) -> float:
    """The mean difference of two pictures in 8-bit steps a channel."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.fixture
def photographs(monkeypatch: pytest.MonkeyPatch) -> list[Pixels]:
    """Keeps what is photographed."""
    kept: list[Pixels] = []
    take = stage.photograph

    def keep(drawn):
        kept.append(take(drawn))
        return kept[-1]

    monkeypatch.setattr(stage, "photograph", keep)
    return kept


@needs_av
@pytest.mark.parametrize(("ending", "close"), [("gif", 1.0), ("mp4", 2.5)])
def test_a_film_has_the_frames_asked_for_from_the_first_step_to_the_last(
    tmp_path: Path, photographs: list[Pixels], ending: str, close: float
) -> None:
    out, told = tmp_path / f"a.{ending}", []
    out.write_text("old")
    assert make_film("xor-luck", plan_of(out), lambda *done: told.append(done)) == ""
    shot = list(photographs)
    frames, first, last = decoded(out), picture(0), picture(30)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert told == [(n, 6) for n in range(1, 7)]
    assert len(frames) == len(shot) == 6
    assert np.array_equal(shot[0], first) and np.array_equal(shot[-1], last)
    assert not np.array_equal(first, last)
    assert difference(frames[0], first) < close and difference(frames[-1], last) < close
    assert difference(frames[0], last) > 2 * difference(frames[0], first)


@needs_av
def test_frames_without_a_step_of_their_own_are_there_all_the_same(tmp_path: Path) -> None:
    out = tmp_path / "a.gif"
    make_film("xor-luck", plan_of(out, 2))
    frames = decoded(out)
    assert len(frames) == 6
    assert difference(frames[0], frames[1]) < 0.5 < difference(frames[0], frames[-1])


@needs_av
def test_the_same_film_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        make_film("xor-luck", plan_of(tmp_path / name, seconds=0.3))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@needs_av
@pytest.mark.parametrize(("ending", "after"), [("mp4", 0), ("mp4", 3), ("gif", 3), ("gif", 6)])
def test_a_film_that_is_cancelled_leaves_nothing(tmp_path: Path, ending: str, after: int) -> None:
    told: list[int] = []
    with pytest.raises(FilmCancelledError, match="cancelled"):
        make_film(
            "xor-luck",
            plan_of(tmp_path / f"a.{ending}"),
            lambda n_done, n_frames: told.append(n_done),
            lambda: len(told) >= after,
        )
    assert len(told) == after
    assert list(tmp_path.iterdir()) == []


def test_without_the_library_one_sentence_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_files, "find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=r"needs the package av, which is not installed: .* -m pip install av"
    ):
        make_film("xor-luck", plan_of(tmp_path / "a.gif"))
    assert list(tmp_path.iterdir()) == []


@needs_av
@pytest.mark.parametrize(
    ("lesson_id", "changes", "words"),
    [
        ("nonsense", {}, "is no lesson"),
        ("xor-luck", {"panel": "nonsense"}, "panel must be one of loss"),
        ("xor-luck", {"out": Path("nowhere") / "a.gif"}, "there is no folder"),
    ],
)
def test_bad_wishes_are_refused_and_leave_nothing(
    tmp_path: Path, lesson_id: str, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        make_film(lesson_id, dataclasses.replace(plan_of(tmp_path / "a.gif"), **changes))
    assert list(tmp_path.iterdir()) == []


@needs_av
def test_a_run_that_diverges_stands_still_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.lessons import load_lesson

    wild = dataclasses.replace(load_lesson("exam"), config=WILD)
    monkeypatch.setattr(film, "load_lesson", lambda lesson_id: wild)
    trainer = Trainer.from_config(WILD)
    assert trainer.step(200) < 200
    assert make_film("wild", plan_of(tmp_path / "a.gif", 200)) == trainer.reason
    assert len(decoded(tmp_path / "a.gif")) == 6


# ------------------------------------------------------------------------------- replays

WILD = RunConfig(
    lesson="exam", data="xor", hidden=(3,), activation=("identity",), loss="squared", learning_rate=1e9
)
SMALL = RunConfig(lesson="exam", data="xor", hidden=(3,), learning_rate=0.5, batch_size=2)


def changed_run() -> Trainer:
    """A run with another rate from step 7 on, kicked at steps 7 and 12 and once more where it stands."""
    trainer = Trainer.from_config(SMALL)
    trainer.step(7)
    trainer.apply(SetLearningRate(0.25))
    trainer.perturb("noise", scale=0.1, seed=1)
    trainer.step(5)
    trainer.perturb("duplicate")
    trainer.step(8)
    trainer.perturb("noise", scale=0.5, seed=2)
    return trainer


@needs_av
def test_a_saved_run_is_replayed_with_what_was_changed_to_the_last_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, run_file, snapshots = changed_run(), tmp_path / "a.run.npz", []
    save_run(run_file, trainer.record())
    settle = stage.settle

    def look(window, check):
        settle(window, check)
        snapshots.append(window.bridge.snapshot)

    monkeypatch.setattr(stage, "settle", look)
    make_film(run_file, plan_of(tmp_path / "a.gif", 20))
    assert [snapshot.n_steps for snapshot in snapshots] == [0, 4, 8, 12, 16, 20]
    assert snapshots[0].theta.tobytes() == Trainer.from_config(SMALL).theta.tobytes()
    assert snapshots[-1].theta.tobytes() == trainer.theta.tobytes()
    assert np.array_equal(snapshots[-1].history["loss"], trainer.history["loss"])
    assert snapshots[3].theta.shape < snapshots[4].theta.shape  # at step 12 before the kick, then after it


@needs_av
def test_a_run_file_that_will_not_do_is_named(tmp_path: Path) -> None:
    run_file = tmp_path / "a.run.npz"
    run_file.write_text("nonsense")
    with pytest.raises(ValueError, match="cannot be opened as a run"):
        make_film(run_file, plan_of(tmp_path / "a.gif"))
    save_run(run_file, changed_run().record())
    with pytest.raises(ValueError, match="steps must be at most 20"):
        make_film(run_file, plan_of(tmp_path / "a.gif", 21))
    assert [path.name for path in tmp_path.iterdir()] == [run_file.name]


# ------------------------------------------------------------------------------- the window


@pytest.fixture
def trained(window: Window, qtbot: QtBot) -> Window:
    window.bridge.send(Step(20))
    qtbot.waitUntil(lambda: window.bridge.snapshot.n_steps == 20, timeout=FILM_MS)
    return window


def open_dialog(window: Window):
    from gui.film_dialog import FilmDialog

    window.actions_by_id["save_film"].trigger()
    [dialog] = window.findChildren(FilmDialog)
    return dialog


@needs_av
def test_the_window_films_its_run_and_the_run_goes_on(trained: Window, qtbot: QtBot, tmp_path: Path) -> None:
    trained.bridge.send(Perturb("noise", {"scale": 0.1, "seed": 1}))
    dialog = open_dialog(trained)
    for name, text in {
        "out": str(tmp_path / "a.gif"),
        "panel": "loss",
        "seconds": "0.4",
        "size": "400x300",
    }.items():
        dialog.set_text(name, text)
    dialog.set_text("fps", "10")
    dialog.film()
    assert trained.filming.is_busy
    trained.actions_by_id["save_film"].trigger()
    assert "A film is being made" in trained.messages.text
    trained.bridge.send(Step(5))
    qtbot.waitUntil(lambda: trained.bridge.snapshot.n_steps == 25, timeout=FILM_MS)
    qtbot.waitUntil(lambda: not trained.filming.is_busy, timeout=FILM_MS)
    assert f"The film is saved as {tmp_path / 'a.gif'}" in trained.messages.text
    assert len(decoded(tmp_path / "a.gif")) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


@needs_av
def test_a_film_of_the_window_is_cancelled_and_leaves_nothing(
    trained: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path / "a.mp4", 20, seconds=60.0)
    trained.filming.start(plan, trained._theme)
    qtbot.waitUntil(lambda: trained.filming._film.progress.value() > 0, timeout=FILM_MS)
    trained.filming._film.progress.findChild(QPushButton).click()
    qtbot.waitUntil(lambda: not trained.filming.is_busy, timeout=FILM_MS)
    assert "cancelled" in trained.messages.text
    assert list(tmp_path.iterdir()) == []


@needs_av
def test_a_problem_of_the_process_is_told(trained: Window, qtbot: QtBot, tmp_path: Path) -> None:
    trained.filming.start(plan_of(tmp_path / "no" / "a.mp4", 20), trained._theme)
    qtbot.waitUntil(lambda: not trained.filming.is_busy, timeout=FILM_MS)
    assert "a.mp4 was not written" in trained.messages.text and "there is no folder" in trained.messages.text


@needs_av
def test_closing_the_window_ends_its_film(open_window, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    window.bridge.send(Step(20))
    qtbot.waitUntil(lambda: window.bridge.snapshot.n_steps == 20, timeout=FILM_MS)
    window.filming.start(plan_of(tmp_path / "a.gif", 20, seconds=60.0), window._theme)
    qtbot.waitUntil(lambda: window.filming._film.progress.value() > 0, timeout=FILM_MS)
    window.close()
    assert not window.filming.is_busy
    assert list(tmp_path.iterdir()) == []


@needs_av
def test_the_dialogue_tells_what_is_wrong_below_the_field(trained: Window, tmp_path: Path) -> None:
    dialog = open_dialog(trained)
    assert dialog.check() is not None
    plan = dialog.check()
    assert (plan.n_steps, plan.panel, plan.theme) == (20, None, "light")
    for name, text, words in (
        ("seconds", "0", "above 0"),
        ("fps", "x", "whole number"),
        ("fps", "400", "from 1 to 60"),
        ("size", "big", "WxH in pixels"),
        ("size", "10x10", "must lie between"),
        ("out", str(tmp_path / "a.avi"), "must end in .mp4 or .gif"),
        ("out", str(tmp_path / "no" / "a.gif"), "there is no folder"),
    ):
        before = dialog.text(name)
        dialog.set_text(name, text)
        assert dialog.check() is None and words in dialog.problem(name)
        dialog.film()
        assert not trained.filming.is_busy
        dialog.set_text(name, before)
    assert dialog.check() is not None
    dialog.set_text("panel", "errors")
    assert dialog.check().panel == "errors"


def test_there_is_nothing_to_film_at_the_start_or_without_the_library(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_files, "find_spec", lambda name: object())
    window.actions_by_id["save_film"].trigger()
    assert "nothing to film yet" in window.messages.text
    monkeypatch.setattr(film_files, "find_spec", lambda name: None)
    window.actions_by_id["save_film"].trigger()
    assert "needs the package av" in window.messages.text


@needs_av
def test_a_film_has_the_directions_the_axes_and_the_camera_of_its_window(
    trained: Window, open_window, tmp_path: Path
) -> None:
    from gui.cameras import Camera
    from gui.panel_looks import looks_of, restore_looks

    def parts(window: Window):
        by_id = {panel.panel_id: panel for panel in window.panels}
        return by_id["landscape"], by_id["surface"].surface, by_id["loss"].findChild(Plot)

    landscape, surface, plot = parts(trained)
    landscape.controls.view_box.setCurrentIndex(landscape.controls.view_box.findData("random"))
    landscape.controls.zoom_box.setCurrentIndex(0)
    surface.set_camera(Camera(10.0, 80.0, 2.0))
    plot.set_log(False)
    looks = json.loads(json.dumps(looks_of(trained.panels)))
    other = open_window()
    restore_looks(other.panels, looks)
    landscape, surface, plot = parts(other)
    assert (landscape.controls.choices.view, landscape.controls.choices.zoom) == ("random", 0.05)
    assert surface.camera == Camera(10.0, 80.0, 2.0)
    assert not plot.is_log
    pictures = [tmp_path / name for name in ("a.gif", "b.gif")]
    for out, chosen in zip(pictures, (None, looks), strict=True):
        make_film(
            "xor-luck", dataclasses.replace(plan_of(out, 3, seconds=0.2), panel="loss"), panel_looks=chosen
        )
    assert pictures[0].read_bytes() != pictures[1].read_bytes()


@needs_av
def test_a_film_has_the_points_and_the_picture_that_its_window_holds(
    trained: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gui.panel_looks import looks_of

    panels = {panel.panel_id: panel for panel in trained.panels}
    landscape, run_file = panels["landscape"], tmp_path / "mine.run.npz"
    QTest.keyClick(trained, Qt.Key.Key_M)
    trained.bridge.send(Step(10))
    qtbot.waitUntil(lambda: landscape.controls.first_box.findText("point 1") >= 0, timeout=FILM_MS)
    landscape.controls.view_box.setCurrentIndex(landscape.controls.view_box.findData("between"))
    landscape.controls.second_box.setCurrentText("point 1")
    landscape.controls.follow_box.setChecked(False)
    panels["curvature"].follow_box.setChecked(False)
    qtbot.waitUntil(lambda: not trained.bridge.jobs.is_busy and landscape.held_step() == 30, timeout=FILM_MS)
    trained.bridge.send(Step(10))
    qtbot.waitUntil(lambda: trained.bridge.snapshot.n_steps == 40, timeout=FILM_MS)
    trained.run_files.save(run_file)
    qtbot.waitUntil(lambda: "is saved in" in trained.messages.text, timeout=FILM_MS)
    looks = json.loads(json.dumps(looks_of(trained.panels)))
    assert landscape.held_step() == 30 and looks["landscape"]["held_step"] == 30
    assert (looks["curvature"]["follows"], looks["gradients"]["follows"]) == (False, True)
    seen, take = [], stage.photograph

    def look(drawn: Any) -> Pixels:
        seen.append(
            (drawn.controls.choices.ends, drawn.held_step(), drawn._newest.n_steps, drawn._survey.plane)
        )
        return take(drawn)

    monkeypatch.setattr(stage, "photograph", look)
    plan = dataclasses.replace(plan_of(tmp_path / "a.gif", 40, seconds=0.3), panel="landscape")
    make_film(run_file, plan, panel_looks=looks)
    assert [(ends, held) for ends, held, _, _ in seen] == [(("start", "point 1"), 30)] * 3
    assert [n_steps for _, _, n_steps, _ in seen] == [0, 20, 40]
    for _, _, _, plane in seen:
        assert np.array_equal(plane.loss, landscape._survey.plane.loss)
