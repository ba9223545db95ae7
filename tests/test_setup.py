"""tools/setup.py and the Makefile: what they decide, without installing anything."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def setup() -> ModuleType:
    """A fresh copy of tools/setup.py, so that a test may replace its functions."""
    spec = importlib.util.spec_from_file_location("lossoscope_setup", ROOT / "tools" / "setup.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def calls(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the set-up would have run; nothing is run."""
    commands: list[list[str]] = []

    def record(command: list[str]) -> int:
        commands.append(command)
        return 0

    monkeypatch.setattr(setup, "call", record)
    return commands


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / ".venv").mkdir()
    return tmp_path


def prober(setup: ModuleType, **found: tuple[tuple[int, int], bool]) -> Callable[[str], object]:
    """A probe that knows only the given commands; python3_12 stands for python3.12."""
    known = {name.replace("_", "."): answer for name, answer in found.items()}

    def probe(command: str) -> object:
        return setup.Python(f"/usr/bin/{command}", *known[command]) if command in known else None

    return probe


# ------------------------------------------------------------------------------- which Python


def test_an_old_python_can_read_the_script() -> None:
    ast.parse((ROOT / "tools" / "setup.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_the_bound_is_the_one_of_pyproject(setup: ModuleType) -> None:
    bound = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert bound == ">=" + ".".join(map(str, setup.OLDEST_PYTHON))


def test_probe_tells_the_truth_about_this_python(setup: ModuleType) -> None:
    assert setup.probe_python(sys.executable).version == sys.version_info[:2]


def test_probe_is_none_for_what_is_absent_or_broken(setup: ModuleType, tmp_path: Path) -> None:
    assert setup.probe_python(str(tmp_path / "python3")) is None
    assert setup.probe_python(shutil.which("true") or sys.executable + "-absent") is None


def test_the_running_python_is_preferred(setup: ModuleType) -> None:
    probe = prober(setup, mine=((3, 12), True), python3=((3, 11), True))
    assert setup.find_python(probe, running="mine").path == "/usr/bin/mine"


def test_an_old_running_python_gives_way_to_a_newer_one(setup: ModuleType) -> None:
    probe = prober(setup, mine=((3, 9), True), python3=((3, 9), True), python3_13=((3, 13), True))
    assert setup.find_python(probe, running="mine").version == (3, 13)


def test_a_python_that_can_make_a_venv_is_preferred(setup: ModuleType) -> None:
    probe = prober(setup, mine=((3, 11), False), python3_12=((3, 12), True))
    assert setup.find_python(probe, running="mine").version == (3, 12)


def test_a_version_newer_than_the_packages_know_comes_last(setup: ModuleType) -> None:
    probe = prober(setup, mine=((3, 99), True), python3_11=((3, 11), False))
    assert setup.find_python(probe, running="mine").version == (3, 11)
    assert setup.find_python(prober(setup, mine=((3, 99), True)), running="mine").version == (3, 99)


def test_no_usable_python_is_one_sentence_that_says_what_was_seen(setup: ModuleType) -> None:
    probe = prober(setup, mine=((3, 9), True), python3=((3, 10), True))
    with pytest.raises(setup.SetupError, match=r"needs Python 3\.11 or newer .* has 3\.10, 3\.9: install"):
        setup.find_python(probe, running="mine")


# ------------------------------------------------------------------------------- system packages


@pytest.mark.parametrize(
    ("goal", "environ", "required", "wanted"),
    [
        ("run", {}, "", "DRAWING"),
        ("run", {"DISPLAY": ":0"}, "DRAWING WINDOW", ""),
        ("run", {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, "DRAWING", ""),
        ("run", {"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}, "DRAWING", ""),
        ("run", {"DISPLAY": ":0", "QT_QPA_PLATFORM": "xcb"}, "DRAWING WINDOW", ""),
        ("test", {}, "DRAWING", "WINDOW VIRTUAL_SCREEN"),
        ("lint", {"DISPLAY": ":0"}, "", ""),
    ],
)
def test_each_goal_needs_what_it_uses(
    setup: ModuleType, goal: str, environ: dict[str, str], required: str, wanted: str
) -> None:
    def names(groups: str) -> set[str]:
        return {name for group in groups.split() for name in getattr(setup, group)}

    found = setup.system_needs(goal, environ, "linux")
    assert (set(found[0]), set(found[1])) == (names(required), names(wanted))


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_only_linux_needs_system_packages(setup: ModuleType, platform: str) -> None:
    assert setup.system_needs("test", {"DISPLAY": ":0"}, platform) == ({}, {})


def test_presence_is_looked_up_for_libraries_and_programs(setup: ModuleType) -> None:
    assert not setup.is_present("libnothing-of-that-name.so.7")
    assert not setup.is_present("no-such-program")
    assert setup.is_present(sys.executable)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="SONAMEs are a matter of Linux")
def test_the_c_library_is_present(setup: ModuleType) -> None:
    assert setup.is_present("libm.so.6")


def make_debian(setup: ModuleType, monkeypatch: pytest.MonkeyPatch, prefix: list[str] | None) -> None:
    """A bare Debian without any of the libraries; `prefix` is how one becomes root there."""
    monkeypatch.setattr(setup, "absent", lambda needs: dict(needs))
    monkeypatch.setattr(setup, "system_needs", lambda goal, environ: (dict(setup.DRAWING), {}))
    monkeypatch.setattr(setup, "root_prefix", lambda: prefix)
    monkeypatch.setattr(setup.shutil, "which", lambda name: f"/usr/bin/{name}")


@pytest.mark.parametrize("prefix", [[], ["sudo", "-n"]])
def test_packages_are_installed_where_that_is_allowed(
    setup: ModuleType, calls: list[list[str]], monkeypatch: pytest.MonkeyPatch, prefix: list[str]
) -> None:
    make_debian(setup, monkeypatch, prefix)
    setup.try_to_install(["libgl1", "libegl1"])
    assert [command[: len(prefix)] for command in calls] == [prefix, prefix]
    assert calls[0][-1] == "update"
    assert calls[1][-2:] == ["libgl1", "libegl1"] and "install" in calls[1]
    assert all("DEBIAN_FRONTEND=noninteractive" in command for command in calls)


def test_otherwise_the_exact_line_is_printed_and_nothing_is_run(
    setup: ModuleType, calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_debian(setup, monkeypatch, None)
    with pytest.raises(setup.SetupError) as caught:
        setup.prepare_system("run", None)
    line = str(caught.value).splitlines()[-1].strip()
    assert re.fullmatch(r"(sudo )?apt-get update && (sudo )?apt-get install -y [a-z0-9. -]+", line)
    assert line.split(" -y ")[1].split() == sorted(setup.DRAWING.values())
    assert calls == []


def test_a_system_without_apt_is_told_the_files(
    setup: ModuleType, calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_debian(setup, monkeypatch, [])
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    with pytest.raises(setup.SetupError, match=r"libGL\.so\.1.*packages of your system"):
        setup.prepare_system("run", None)
    assert calls == []


def test_what_can_be_done_without_is_a_note(
    setup: ModuleType,
    calls: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_debian(setup, monkeypatch, None)
    monkeypatch.setattr(setup, "system_needs", lambda goal, environ: ({}, dict(setup.VIRTUAL_SCREEN)))
    setup.prepare_system("test", None)
    assert "apt-get install -y xauth xdotool xvfb" in capsys.readouterr().out
    assert calls == []


def test_a_debian_python_without_venv_asks_for_its_package(
    setup: ModuleType, calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_debian(setup, monkeypatch, None)
    monkeypatch.setattr(setup, "system_needs", lambda goal, environ: ({}, {}))
    monkeypatch.setattr(setup, "probe_python", lambda path: None)
    with pytest.raises(setup.SetupError, match=r"(?s)3\.12 cannot create a \.venv.* python3\.12-venv$"):
        setup.prepare_system("lint", setup.Python("/usr/bin/python3.12", (3, 12), False))


# ------------------------------------------------------------------------------- .venv and packages


def test_packages_are_installed_once(setup: ModuleType, calls: list[list[str]], folder: Path) -> None:
    assert not setup.is_installed(folder, "run")
    setup.install_project(folder, "run")
    assert calls == [[str(setup.venv_python(folder)), "-m", "pip", "install", "-e", "."]]
    assert setup.is_installed(folder, "run")


def test_test_and_lint_need_the_tools_and_run_is_content_with_them(
    setup: ModuleType, calls: list[list[str]], folder: Path
) -> None:
    setup.install_project(folder, "run")
    assert not setup.is_installed(folder, "test")
    setup.install_project(folder, "test")
    assert calls[-1][-1] == ".[dev]"
    assert setup.is_installed(folder, "test") and setup.is_installed(folder, "lint")
    (folder / ".venv" / "installed-run").unlink()
    assert setup.is_installed(folder, "run")


@pytest.mark.parametrize("change", ["pyproject", "moved"])
def test_a_change_installs_again(
    setup: ModuleType, calls: list[list[str]], folder: Path, change: str
) -> None:
    setup.install_project(folder, "run")
    if change == "pyproject":
        (folder / "pyproject.toml").write_text("[project]\ndependencies = []\n")
    else:
        folder = folder.rename(folder.with_name("elsewhere"))
    assert not setup.is_installed(folder, "run")


def test_a_failed_installation_leaves_no_stamp(
    setup: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "call", lambda command: 1)
    with pytest.raises(setup.SetupError, match="pip could not"):
        setup.install_project(folder, "run")
    assert not setup.is_installed(folder, "run")


def test_a_broken_venv_is_made_anew(
    setup: ModuleType, calls: list[list[str]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "prepare_system", lambda goal, python: None)
    assert not setup.venv_works(folder)
    setup.prepare("run", folder)
    assert calls[0][1:] == ["-m", "venv", "--clear", str(folder / ".venv")]
    assert calls[1][1:3] == ["-m", "pip"]


def test_nothing_is_done_when_nothing_is_missing(
    setup: ModuleType, calls: list[list[str]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.install_project(folder, "test")
    calls.clear()
    monkeypatch.setattr(setup, "venv_works", lambda root: True)
    monkeypatch.setattr(setup, "system_needs", lambda goal, environ: ({}, {}))
    for goal in setup.GOALS:
        setup.prepare(goal, folder)
    assert calls == []


# ------------------------------------------------------------------------------- the way in


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run", "test"]])
def test_an_unknown_goal_is_unusable_input(
    setup: ModuleType, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert setup.main(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_missing_thing_is_status_1_without_a_traceback(
    setup: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(goal: str) -> None:
        raise setup.SetupError("Something is missing.")

    monkeypatch.setattr(setup, "prepare", fail)
    assert setup.main(["run"]) == 1
    assert capsys.readouterr().err == "Something is missing.\n"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("goal", ["run", "test", "lint"])
def test_make_sets_up_before_it_works(goal: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    dry = subprocess.run(["make", "-n", goal], cwd=ROOT, env=environ, capture_output=True, text=True)
    lines = [line for line in dry.stdout.splitlines() if line.startswith(('"', ".venv"))]
    assert dry.returncode == 0
    assert lines[0].endswith(f"tools/setup.py {goal}")
    assert lines[1].startswith(".venv")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_without_any_python_says_so() -> None:
    dry = subprocess.run(["make", "PYTHON=", "run"], cwd=ROOT, capture_output=True, text=True)
    assert dry.returncode != 0
    assert "Python 3.11 or newer is needed" in dry.stderr
