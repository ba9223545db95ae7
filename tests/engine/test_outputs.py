"""Result files: whole or not at all, and text that reads back as the same numbers."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import outputs
from engine.history import SERIES, History


def history(n=3):
    filled = History()
    values = np.random.default_rng(0).uniform(size=n)
    entries = {name: (values * 100).astype(dtype) for name, dtype in SERIES.items()}
    filled.extend(entries, np.zeros(n, dtype=np.int32))
    return filled


def test_a_file_is_replaced_when_the_new_one_is_complete(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with outputs.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path and temporary.suffix == ".json"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_file_leaves_the_old_one_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(type(error)), outputs.replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_utf_8_with_plain_line_ends(tmp_path):
    outputs.write_text(tmp_path / "a.csv", "α\n")
    assert (tmp_path / "a.csv").read_bytes() == b"\xce\xb1\n"


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are those of Unix")
def test_a_new_file_has_usual_permissions(tmp_path):
    before = os.umask(0o022)
    try:
        outputs.write_text(tmp_path / "a.csv", "")
    finally:
        os.umask(before)
    assert (tmp_path / "a.csv").stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "real.json", tmp_path / "link.json"
    target.write_text("old")
    link.symlink_to(target)
    outputs.check_target("json", link)
    outputs.write_text(link, "new")
    assert link.is_symlink() and target.read_text() == "new"


def test_the_check_leaves_no_trace(tmp_path):
    (tmp_path / "old.json").write_text("old")
    outputs.check_targets(json=tmp_path / "old.json", csv=tmp_path / "new.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]
    assert (tmp_path / "old.json").read_text() == "old"


def test_targets_that_will_not_do(tmp_path):
    (tmp_path / "file").touch()
    for path, problem in (
        (tmp_path, "it is a folder"),
        (tmp_path / "no" / "a.json", "there is no folder"),
        (tmp_path / "file" / "a.json", "there is no folder"),
        (tmp_path / ("a" * 300), "[Nn]ame too long"),
    ):
        with pytest.raises(
            ValueError, match=f"^--json must name a file that can be written, not .*{problem}"
        ):
            outputs.check_target("json", path)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no device files")
def test_a_device_is_not_replaced():
    with pytest.raises(ValueError, match="it is no ordinary file"):
        outputs.check_target("json", Path(os.devnull))
    assert Path(os.devnull).is_char_device()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="for root every folder is writable"
)
def test_a_folder_without_the_right_to_write(tmp_path):
    (tmp_path / "old.json").touch(0o444)
    with pytest.raises(ValueError, match="it may not be overwritten"):
        outputs.check_target("json", tmp_path / "old.json")
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(ValueError, match="Permission denied"):
            outputs.check_target("json", tmp_path / "a.json")
    finally:
        tmp_path.chmod(0o755)


def test_two_results_cannot_share_a_file(tmp_path):
    (tmp_path / "sub").mkdir()
    with pytest.raises(ValueError, match=r"^--csv must name another file than --json, not "):
        outputs.check_targets(json=tmp_path / "a", csv=tmp_path / "sub" / ".." / "a")


def test_csv_reads_back_to_the_last_bit():
    recorded = history(40)
    header, *lines = outputs.as_csv(recorded).splitlines()
    assert header == "step,loss,n_errors,gradient_norm,symmetry_spread"
    rows = [line.split(",") for line in lines]
    assert [int(row[0]) for row in rows] == list(range(40))
    assert [float(row[1]) for row in rows] == recorded["loss"].tolist()
    assert [int(row[2]) for row in rows] == recorded["n_errors"].tolist()
    assert [float(row[4]) for row in rows] == recorded["symmetry_spread"].tolist()


def test_json_never_holds_what_json_does_not_know():
    content = {"a": [1.5, float("nan"), float("inf")], "b": {"c": (-float("inf"), "text", None, 3)}}
    text = outputs.as_json(content)

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    assert json.loads(text, parse_constant=refuse) == {
        "a": [1.5, None, None],
        "b": {"c": [None, "text", None, 3]},
    }
    assert text.endswith("}\n")
