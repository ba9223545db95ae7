"""README.md says nothing that is not so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_notebook_example_works() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", section("In a notebook"), flags=re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_the_sources_are_those_there_are() -> None:
    from engine.sources import SOURCES

    named = re.findall(r"^\| ([A-Z][A-Za-z ]+) \|", section("The ledger"), flags=re.MULTILINE)
    assert named == [source.title for source in SOURCES.values()]


def test_the_data_sets_are_there() -> None:
    import engine.datasets

    named = re.findall(r"^- (.*?):", section("Data"), flags=re.MULTILINE)
    names = {name for line in named for name in re.findall(r"`([a-z0-9]+)`", line)}
    assert names <= set(engine.datasets.dataset_names())


def test_the_keys_do_what_the_window_says() -> None:
    pytest.importorskip("PySide6", reason="the table of keys needs Qt")
    from gui.actions import ACTIONS

    named = set(re.findall(r"`([^`]+)`", section("Keys")))
    in_a_plot = {"Left", "Right"}  # keys of the plot that has the focus, see gui.readouts
    assert named - in_a_plot <= {key for action in ACTIONS for key in action.keys}


@pytest.mark.parametrize(
    "command", ["list", "run", "verify", "hunt", "sweep", "picture", "film", "data", "bench"]
)
def test_the_commands_are_there(command: str) -> None:
    assert f"python main.py {command}" in section("In the terminal")
    done = subprocess.run(
        [sys.executable, "main.py", command, "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_files_it_points_to_are_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
