"""A real window on a virtual X screen, driven by the keys and the mouse of xdotool as a person would."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

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
WAIT_S = 30.0
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
def open_program(display: str) -> Iterator[Driver]:
    """Start the program on the display and wait until it is ready."""
    environ = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "PYTHONPATH": str(ROOT)}
    environ.pop("WAYLAND_DISPLAY", None)
    environ.pop("LOSSOSCOPE_MNIST", None)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    made = Driver(process, environ)
    try:
        made.find_window()
        yield made
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
