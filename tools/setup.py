"""Prepare this folder for `make run`, `make test` and `make lint`: system libraries, .venv, packages.

Standard library only, and no syntax newer than Python 3.7: it runs before anything is installed, and
an old Python must be able to read it in order to say that it is too old.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Mapping, NamedTuple, Sequence

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)  # the same bound as requires-python in pyproject.toml
NEWEST_KNOWN_PYTHON = (3, 14)  # a newer one is the last choice: numba and PySide6 follow months later

# What must be there -> the Debian and Ubuntu package that brings it.
DRAWING = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxkbcommon.so.0": "libxkbcommon0",
}
WINDOW = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
VIRTUAL_SCREEN = {"Xvfb": "xvfb", "xauth": "xauth", "xdotool": "xdotool"}

GOALS = ("run", "test", "lint")


class SetupError(Exception):
    """One sentence that tells a person what is missing and what to do."""


class Python(NamedTuple):
    """An interpreter that answered when it was asked."""

    path: str
    version: tuple[int, int]
    has_venv: bool

    @property
    def name(self) -> str:
        """The version as people write it, 3.12."""
        return ".".join(map(str, self.version))


def say(text: str) -> None:
    """Print now: pip and apt write to the same terminal."""
    print(text, flush=True)


def call(command: Sequence[str]) -> int:
    """Run a command whose words a person should see; its status."""
    return subprocess.call(command, stdin=subprocess.DEVNULL, cwd=str(ROOT))


def ask(command: Sequence[str]) -> bool:
    """Run a command for a yes (status 0) or a no."""
    quiet = subprocess.DEVNULL
    return subprocess.call(command, stdin=quiet, stdout=quiet, stderr=quiet) == 0


# ------------------------------------------------------------------------------- which Python


def probe_python(command: str) -> Python | None:
    """Ask an interpreter for its version; None if it is absent or only a shim that leads nowhere."""
    question = (
        "import sys, importlib.util as u;"
        "print(sys.executable, sys.version_info[0], sys.version_info[1],"
        " int(bool(u.find_spec('venv') and u.find_spec('ensurepip'))), sep='|')"
    )
    try:
        answer = subprocess.check_output(
            [command, "-c", question], stderr=subprocess.DEVNULL, universal_newlines=True, timeout=60
        )
        path, major, minor, has_venv = answer.strip().split("|")
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Python(path, (int(major), int(minor)), has_venv == "1")


def find_python(
    probe: Callable[[str], Python | None] = probe_python, running: str = sys.executable
) -> Python:
    """The best interpreter here: new enough, of a known version, able to make a .venv; in that order."""
    minors = range(OLDEST_PYTHON[1], NEWEST_KNOWN_PYTHON[1] + 1)
    commands = [running, "python3", *(f"python3.{minor}" for minor in minors), "python"]
    found = [python for python in map(probe, commands) if python is not None]
    usable = [python for python in found if python.version >= OLDEST_PYTHON]
    if not usable:
        seen = ", ".join(sorted({python.name for python in found})) or "none"
        raise SetupError(
            f"Lossoscope needs Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer and this machine has "
            f"{seen}: install one (https://www.python.org/downloads), or name it as PYTHON=/path/to/python."
        )
    return min(usable, key=lambda python: (python.version > NEWEST_KNOWN_PYTHON, not python.has_venv))


# ------------------------------------------------------------------------------- system packages


def is_present(name: str) -> bool:
    """Whether a shared library (by its SONAME) can be loaded, or a program is on PATH."""
    if ".so" not in name:
        return shutil.which(name) is not None
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def system_needs(
    goal: str, environ: Mapping[str, str], platform: str = sys.platform
) -> tuple[dict[str, str], dict[str, str]]:
    """What the goal cannot do without, and what it can (then something is skipped, not broken)."""
    if not platform.startswith("linux") or goal == "lint":
        return {}, {}
    if goal == "test":
        return dict(DRAWING), {**WINDOW, **VIRTUAL_SCREEN}
    forced = environ.get("QT_QPA_PLATFORM", "")
    if environ.get("WAYLAND_DISPLAY") or (forced and not forced.startswith("xcb")):
        return dict(DRAWING), {}
    if environ.get("DISPLAY"):
        return {**DRAWING, **WINDOW}, {}
    return {}, dict(DRAWING)  # training in the terminal draws nothing; `picture` does


def absent(needs: Mapping[str, str], present: Callable[[str], bool] = is_present) -> dict[str, str]:
    """The part of the needs that this machine lacks."""
    return {name: package for name, package in needs.items() if not present(name)}


def root_prefix() -> list[str] | None:
    """What to put before a command to run it as root without asking anybody; None if that cannot be."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    if shutil.which("sudo") and ask(["sudo", "-n", "true"]):
        return ["sudo", "-n"]
    return None


def install_line(packages: Sequence[str]) -> str:
    """The one line a person runs to install the packages."""
    sudo = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y {' '.join(packages)}"


def try_to_install(packages: Sequence[str]) -> None:
    """Install Debian packages where that is allowed without asking; the caller looks at what came of it."""
    prefix = root_prefix() if shutil.which("apt-get") else None
    if prefix is None:
        return
    say(f"Installing system packages: {' '.join(packages)}")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=120"]
    call([*apt, "update"])  # old lists may still be good enough, so its status does not matter
    call([*apt, "install", "-y", "--no-install-recommends", *packages])


def how_to_get(missing: Mapping[str, str]) -> str:
    """The rest of a sentence about missing system files."""
    if shutil.which("apt-get"):
        return "run this line, then try again:\n    " + install_line(sorted(set(missing.values())))
    return "install the packages of your system that bring these files, then try again."


# ------------------------------------------------------------------------------- .venv and packages


def venv_python(root: Path) -> Path:
    """The interpreter inside .venv, whether it exists yet or not."""
    return root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def venv_works(root: Path) -> bool:
    """Whether .venv holds a Python that is new enough and has pip."""
    python = venv_python(root)
    check = f"import sys, pip; sys.exit(sys.version_info[:2] < {OLDEST_PYTHON})"
    return python.exists() and ask([str(python), "-c", check])


def stamp_text(root: Path) -> str:
    """What an installation depends on: the dependencies, and where the folder was at that time."""
    return f"{hashlib.sha256((root / 'pyproject.toml').read_bytes()).hexdigest()} {root}\n"


def stamp_files(root: Path, goal: str) -> list[Path]:
    """The stamps that satisfy a goal: the tools of `dev` come on top of what `run` needs."""
    names = ["dev"] if goal != "run" else ["run", "dev"]
    return [root / ".venv" / f"installed-{name}" for name in names]


def is_installed(root: Path, goal: str) -> bool:
    """Whether the packages for the goal are in .venv and pyproject.toml is still the same."""
    return any(file.exists() and file.read_text() == stamp_text(root) for file in stamp_files(root, goal))


def make_venv(root: Path, python: Python) -> None:
    """Create .venv, or make a broken one anew."""
    say(f"Creating .venv with Python {python.name} ({python.path})")
    if call([python.path, "-m", "venv", "--clear", str(root / ".venv")]) != 0:
        raise SetupError(f"Python {python.name} could not create the folder .venv; its own words are above.")


def install_project(root: Path, goal: str) -> None:
    """Install Lossoscope in place with what it depends on, and leave a stamp."""
    what = "." if goal == "run" else ".[dev]"
    say(f"Installing {what} with pip (only now, and when pyproject.toml changes)")
    if call([str(venv_python(root)), "-m", "pip", "install", "-e", what]) != 0:
        raise SetupError("pip could not install the packages; its own words are above.")
    stamp_files(root, goal)[0].write_text(stamp_text(root))


# ------------------------------------------------------------------------------- all of it


def prepare_system(goal: str, python: Python | None) -> None:
    """Bring the system packages for the goal, and for making .venv with `python` unless that is None."""
    required, wanted = system_needs(goal, os.environ)
    missing = {**absent(required), **absent(wanted)}
    lacks_venv = python is not None and not python.has_venv
    if python is not None and lacks_venv:
        missing["ensurepip"] = f"python{python.name}-venv"
    if not missing:
        return
    try_to_install(sorted(set(missing.values())))
    still = {**absent(required), **absent(wanted)}
    if python is not None and lacks_venv and not (probe_python(python.path) or python).has_venv:
        still["ensurepip"] = missing["ensurepip"]
        raise SetupError(f"Python {python.name} cannot create a .venv here: {how_to_get(still)}")
    if absent(required):
        raise SetupError(f"Qt needs {', '.join(absent(required))}: {how_to_get(still)}")
    if still:
        say(f"Not here: {', '.join(still)}. What needs them is left out; to have it, {how_to_get(still)}")


def prepare(goal: str, root: Path = ROOT) -> None:
    """Do what is missing for the goal, and nothing if nothing is missing."""
    python = None if venv_works(root) else find_python()
    prepare_system(goal, python)
    if python is not None:
        make_venv(root, python)
    if not is_installed(root, goal):
        install_project(root, goal)


def main(arguments: Sequence[str]) -> int:
    """Command line: one goal."""
    if len(arguments) != 1 or arguments[0] not in GOALS:
        print(f"usage: python tools/setup.py {'|'.join(GOALS)}", file=sys.stderr)
        return 2
    try:
        prepare(arguments[0])
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; run it again to go on.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
