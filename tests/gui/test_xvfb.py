"""A real window on a virtual X screen, driven by the keys and the mouse of xdotool as a person would."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from gui.app import has_screen

pytestmark = [
    pytest.mark.xvfb,
    pytest.mark.skipif(
        not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="Xvfb or xdotool is not installed"
    ),
]

ROOT = Path(__file__).resolve().parents[2]
OPEN_S = 150.0  # the first window of a machine compiles the kernels
WAIT_S = 60.0
PROGRAM = """
import sys
from engine.config import RunConfig
from engine.lessons import Lesson
from gui import app
import engine.lessons
real = engine.lessons.load_lesson("exam")
small = RunConfig(lesson="exam", data="xor", hidden=(3,), learning_rate=0.5)
import dataclasses
bare = {"choices": (), "right": "", "n_steps": 10**9, "reveal": 10**9, "pace": None}
engine.lessons.load_lesson = lambda lesson_id: dataclasses.replace(real, config=small, **bare)
sys.exit(app.open_window("exam"))
"""


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A virtual screen of our own, on a number that Xvfb finds free."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x900x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}"
    server.terminate()
    server.wait(WAIT_S)


@dataclass
class Driver:
    """The program in its window, and hands on keyboard and mouse."""

    process: subprocess.Popen[str]
    environ: dict[str, str]
    window: str = ""

    def find_window(self) -> None:
        """Wait for the window and give it the focus; there is no window manager to do so."""

        def find() -> bool:
            ours = ("--all", "--pid", str(self.process.pid), "--name", "^Lossoscope:")
            self.window = self.do("search", "--onlyvisible", *ours).partition("\n")[0]
            return self.window != ""

        self.wait_until(find, OPEN_S)
        self.wait("ready at step 0", OPEN_S)
        self.do("windowfocus", "--sync", self.window)

    def do(self, *words: str) -> str:
        return subprocess.run(
            ["xdotool", *words], env=self.environ, capture_output=True, text=True, timeout=WAIT_S
        ).stdout.strip()

    def key(self, *keys: str) -> None:
        self.do("key", "--delay", "40", *keys)

    def click(self, x: int, y: int) -> None:
        self.do("mousemove", "--window", self.window, str(x), str(y), "click", "1")

    @property
    def title(self) -> str:
        return self.do("getwindowname", self.window)

    def wait(self, words: str, seconds: float = WAIT_S) -> str:
        """Wait until the title matches, and return it."""
        self.wait_until(lambda: re.search(words, self.title) is not None, seconds, lambda: self.title)
        return self.title

    def wait_until(
        self, condition: Callable[[], bool], seconds: float = WAIT_S, tell: Callable[[], str] = lambda: ""
    ) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, tell()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)
                raise AssertionError(self.process.communicate())

    @property
    def step(self) -> int:
        match = re.search(r"at step ([\d,]+)", self.title)
        assert match, self.title
        return int(match[1].replace(",", ""))


@contextlib.contextmanager
def open_program(display: str, *arguments: str, folder: Path = ROOT, **variables: str) -> Iterator[Driver]:
    """Start the program, or the one that the arguments name, on the display and wait until it is ready."""
    environ = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "PYTHONPATH": str(ROOT)} | variables
    environ.pop("WAYLAND_DISPLAY", None)
    environ.pop("LOSSOSCOPE_MNIST", None)
    process = subprocess.Popen(
        [sys.executable, *(arguments or ("-c", PROGRAM))],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    made = Driver(process, environ)
    try:
        made.find_window()
        yield made
    except BaseException:
        if process.poll() is None:
            process.kill()
        print(*process.communicate())  # why it failed
        raise
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def program(display: str) -> Iterator[Driver]:
    with open_program(display) as made:
        yield made


@pytest.fixture
def driver(program: Driver) -> Driver:
    """The program as it was at its start."""
    program.key("Escape", "r")
    program.wait("ready at step 0 ")
    return program


def test_a_display_that_answers_is_a_screen(display: str) -> None:
    assert has_screen({"DISPLAY": display}, "linux")
    assert has_screen({"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}, "linux")


def test_a_person_runs_pauses_steps_and_resets(driver: Driver) -> None:
    driver.key("space")
    driver.wait("running")
    driver.key("space")
    driver.wait("paused at step")
    stood = driver.step
    assert stood > 0
    driver.key("period")
    driver.wait(f"paused at step {stood + 1:,} ")
    driver.key("t", "h")
    driver.wait(f"paused at step {stood + 111:,} ")
    driver.key("r")
    driver.wait("ready at step 0 ")


def test_the_mouse_presses_run_and_space_still_pauses(driver: Driver) -> None:
    driver.click(60, 45)
    driver.wait("running")
    driver.key("space")
    driver.wait("paused")
    driver.click(60, 45)
    driver.wait("running")
    driver.click(60, 45)
    driver.wait("paused")


def test_a_rate_is_typed_into_its_field(driver: Driver) -> None:
    driver.key("l")
    driver.do("type", "--delay", "40", "abc.n")
    driver.key("Return")
    assert "ready at step 0" in driver.title  # n and . were typed, they started nothing
    driver.do("type", "--delay", "40", "0.25")
    driver.key("Return", "period")
    driver.key("Tab", "space")
    driver.wait("running")


def test_quitting_while_it_runs_ends_the_program(display: str) -> None:
    with open_program(display) as driver:
        driver.key("space")
        driver.wait("running")
        driver.key("ctrl+q")
        assert driver.process.wait(WAIT_S) == 0
        assert "Traceback" not in driver.process.communicate()[1]


@dataclass
class SpiedDriver:
    """A Driver of the program that tells what it shows, for deeds that need to know where things are.

    Attributes:
        told: the file in which the program tells.
    """

    driver: Driver
    told: Path

    @property
    def now(self) -> dict[str, Any]:
        """What the program told last."""
        try:
            return dict(json.loads(self.told.read_text()))
        except FileNotFoundError:  # not yet, or just being replaced
            return {}

    def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Wait until a condition on what the program tells is met, and return what it told then."""
        met: list[dict[str, Any]] = []

        def is_met() -> bool:
            now = self.now
            if now and condition(now):
                met.append(now)
            return bool(met)

        self.driver.wait_until(is_met, tell=lambda: str(self.now))
        return met[0]

    def still(self) -> dict[str, Any]:
        """Wait until nothing moves on the screen any more, and return what the program told then."""
        before = self.now

        def rests(now: dict[str, Any]) -> bool:
            nonlocal before
            if now["number"] == before.get("number"):
                return False
            moved = any(now[key] != before.get(key) for key in ("docks", "slider", "size"))
            before = now
            return not moved

        return self.until(rests)

    def press(self, *keys: str) -> None:
        """Press keys in the main window; there is no window manager to give it back the focus."""
        self.driver.do("windowfocus", "--sync", self.driver.window)
        self.driver.key(*keys)

    def answer(self, title: str, text: str) -> None:
        """Type a text into a dialogue's first field, in place of what stands there, and press Enter."""
        self.until(lambda now: title in now["dialogs"])
        found = self.driver.do("search", "--onlyvisible", "--name", f"^{title}$").split()
        self.driver.do("windowfocus", "--sync", found[-1])
        self.driver.key("ctrl+a")
        self.driver.do("type", "--delay", "4", text)
        self.driver.key("Return")
        self.until(lambda now: title not in now["dialogs"])

    def take(self, x: int, y: int) -> None:
        """Press the button of the mouse at a place."""
        self.driver.do("mousemove", str(x), str(y), "mousedown", "1")

    def move(self, *places: tuple[int, int]) -> None:
        for x, y in places:
            self.driver.do("mousemove", str(x), str(y))

    def leave(self) -> None:
        self.driver.do("mouseup", "1")


def close_as_a_window_manager_does(display: str, window: str) -> None:
    """Send WM_DELETE_WINDOW, which xdotool cannot; ICCCM 4.2.8.1."""
    x = ctypes.CDLL("libX11.so.6")
    x.XOpenDisplay.restype = ctypes.c_void_p
    x.XInternAtom.restype = ctypes.c_ulong
    x.XInternAtom.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
    x.XSendEvent.argtypes = (ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_long, ctypes.c_void_p)
    x.XCloseDisplay.argtypes = (ctypes.c_void_p,)
    connection = x.XOpenDisplay(display.encode())
    protocols, delete = (
        x.XInternAtom(connection, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    )
    event = (
        ctypes.c_long * 24
    )()  # an XClientMessageEvent: type, -, -, -, window, message type, format, data
    event[0], event[4], event[5], event[6], event[7] = 33, int(window), protocols, 32, delete
    x.XSendEvent(connection, int(window), 0, 0, ctypes.byref(event))
    x.XCloseDisplay(connection)


def float_dock(spied: SpiedDriver, name: str) -> None:
    """Drag a panel by its title out of the window."""
    x, y = spied.still()["titles"][name]
    spied.take(x + 30, y + 8)
    spied.move((x + 60, y + 40), (900, 700), (1330, 780))
    spied.until(lambda now: name in now["floating"])
    spied.leave()
    spied.until(lambda now: name in now["floating"] and now["docks"][name][0] > 1200)


def put_back_by_double_click(spied: SpiedDriver, name: str) -> None:
    x, y = spied.still()["titles"][name]
    spied.driver.do("mousemove", str(x + 30), str(y + 8), "click", "--repeat", "2", "--delay", "30", "1")
    spied.until(lambda now: name not in now["floating"])


def drop_dock(spied: SpiedDriver, name: str, other: str) -> None:
    """Drag a panel by its title onto the middle of another."""
    told = spied.still()
    (x, y), (left, top, width, height) = told["titles"][name], told["docks"][other]
    spied.take(x + 30, y + 8)
    spied.move((x + 60, y + 40), (left + width // 2, top + height // 2))
    moves = iter(range(10**6))

    def is_over(now: dict[str, Any]) -> bool:
        spied.move(
            (left + width // 2 + next(moves) % 2, top + height // 2)
        )  # Qt looks only when the mouse moves
        return bool(now["is_over_a_place"])

    spied.until(is_over)
    spied.leave()
    spied.until(lambda now: other in now["behind"][name] and name not in now["floating"])


def drag_timeline(spied: SpiedDriver, start: float, end: float) -> None:
    """Take the timeline's handle from one share of its length to another; the run pauses there."""
    left, top, width, height = spied.still()["slider"]

    def at(share: float) -> tuple[int, int]:
        return left + 7 + int(share * (width - 14)), top + height // 2

    spied.take(*at(start))
    spied.move(at((start + end) / 2), at(end))
    spied.until(lambda now: abs(now["step"] / now["furthest"] - end) < 0.05)
    spied.leave()
    spied.until(lambda now: now["state"] == "paused" and abs(now["step"] / now["furthest"] - end) < 0.05)


def run(spied: SpiedDriver) -> None:
    if spied.now["state"] != "running":
        spied.press("space")
    spied.until(lambda now: now["state"] == "running")


def test_everything_at_once_by_mouse_and_keys(display: str, tmp_path: Path) -> None:
    """A window that is used in every way while it trains, and closed in the middle of it, leaves nothing."""
    told, ended, config = tmp_path / "told.json", tmp_path / "ended.json", tmp_path / "config"
    program = Path(__file__).with_name("spied_program.py")
    variables = {"LOSSOSCOPE_CONFIG_DIR": str(config)}
    files = (str(program), str(told), str(ended))
    with open_program(display, *files, folder=tmp_path, **variables) as driver:
        spied = SpiedDriver(driver, told)
        use_everything(spied, tmp_path)
        run(spied)
        close_as_a_window_manager_does(display, driver.window)
        assert driver.process.wait(WAIT_S) == 0
        assert driver.process.communicate() == ("", "")  # no traceback, and nothing that Qt warns of
    assert json.loads(ended.read_text()) == {"threads": [], "children": []}
    assert [path.name for path in config.iterdir()] == ["window.ini"]


def use_everything(spied: SpiedDriver, folder: Path) -> None:
    """Do what can be done to the window, most of it while the run goes on."""
    size = spied.until(lambda now: now["state"] == "ready")["size"]
    run(spied)
    float_dock(spied, "loss")
    put_back_by_double_click(spied, "loss")
    drop_dock(spied, "errors", "landscape")
    run(spied)
    spied.press("k")
    spied.until(lambda now: now["n_kicks"] == 1)
    if find_spec("av"):
        begin_film(spied)
    for keys, panels in (("F7", {"ledger", "curvature"}), ("ctrl+0", {"symmetry", "lesson"})):
        spied.press(keys)
        spied.until(lambda now, panels=panels: panels <= set(now["seen"]))
    for is_on in (True, False):
        spied.press("F11")
        spied.until(lambda now, is_on=is_on: now["is_presented"] is is_on)
    spied.until(lambda now: now["size"] == size)
    assert spied.now["state"] == "running"
    drag_timeline(spied, 1.0, 0.3)
    drag_timeline(spied, 0.3, 0.7)
    spied.press("b")
    told = spied.until(
        lambda now: [title for title in now["dialogs"] if title.startswith("Branch from step")]
    )
    spied.answer(next(title for title in told["dialogs"] if title.startswith("Branch from step")), "0.25")
    spied.until(lambda now: now["n_branches"] == 1)
    run(spied)
    spied.press("ctrl+s")
    spied.answer("Save the run", "mine")
    file = folder / "mine.run.npz"
    spied.driver.wait_until(file.is_file)
    saved_from = spied.now["run_id"]
    run(spied)
    spied.press("ctrl+shift+o")
    spied.answer("Open a run", file.name)
    spied.until(lambda now: now["run_id"] != saved_from and now["n_branches"] == 1)
    if find_spec("av"):
        assert spied.now["children"]  # the film is still under way


def begin_film(spied: SpiedDriver) -> None:
    """Have a film begun: a process of its own makes it."""
    spied.press("ctrl+shift+f")
    spied.answer("Save a film of the run", "film.mp4")
    spied.until(lambda now: now["children"])
