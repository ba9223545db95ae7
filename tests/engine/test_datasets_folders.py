"""Where data sets are looked for, and what is remembered of it between runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from engine.datasets import MissingDatasetError, find_folder, folders, set_folder

RECORD = bytes(3073)


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Keep the user's own settings, data and variables out of the test."""
    monkeypatch.setenv("LOSSOSCOPE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LOSSOSCOPE_DATA_DIR", str(tmp_path / "data"))
    for name in ("LOSSOSCOPE_MNIST", "LOSSOSCOPE_CIFAR10"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def memory(tmp_path):
    return tmp_path / "config" / "folders.json"


def filled(folder):
    folder.mkdir(parents=True)
    for name in ("data_batch_1.bin", "test_batch.bin"):
        (folder / name).write_bytes(RECORD)
    return folder


def test_missing_mnist_says_how_to_get_it():
    with pytest.raises(MissingDatasetError) as caught:
        find_folder("mnist")
    sentence = str(caught.value)
    assert "`python main.py data mnist --folder PATH`" in sentence
    assert "`python main.py data mnist --download`" in sentence
    assert isinstance(caught.value, ValueError) and folders.known_folder("mnist") is None


def test_the_order_of_the_search(tmp_path, monkeypatch):
    default = filled(tmp_path / "data" / "cifar10")
    assert find_folder("cifar10") == default
    set_folder("cifar10", filled(tmp_path / "named"))
    assert find_folder("cifar10") == tmp_path / "named"
    monkeypatch.setenv("LOSSOSCOPE_CIFAR10", str(filled(tmp_path / "variable")))
    assert find_folder("cifar10") == tmp_path / "variable"


def test_a_variable_that_names_an_empty_folder_is_not_passed_over(tmp_path, monkeypatch):
    filled(tmp_path / "data" / "cifar10")
    monkeypatch.setenv("LOSSOSCOPE_CIFAR10", str(tmp_path / "nowhere"))
    with pytest.raises(MissingDatasetError, match=r"LOSSOSCOPE_CIFAR10 names .*nowhere"):
        find_folder("cifar10")


def test_a_remembered_folder_that_is_gone_is_passed_over(tmp_path):
    set_folder("cifar10", filled(tmp_path / "stick"))
    (tmp_path / "stick").rename(tmp_path / "pulled")
    assert folders.known_folder("cifar10") is None
    assert folders.remembered_folder("cifar10") == tmp_path / "stick"
    default = filled(tmp_path / "data" / "cifar10")
    assert find_folder("cifar10") == default


def test_set_folder_checks_first(tmp_path, memory):
    folder = filled(tmp_path / "bad")
    (folder / "test_batch.bin").write_bytes(RECORD[:-1])
    with pytest.raises(ValueError, match=r"test_batch.bin must hold"):
        set_folder("cifar10", folder)
    with pytest.raises(ValueError, match="holds no train-images"):
        set_folder("mnist", folder)
    assert not memory.exists()


def test_set_folder_stores_a_full_path(tmp_path, memory, monkeypatch):
    filled(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    assert set_folder("cifar10", "here") == tmp_path / "here"
    assert json.loads(memory.read_text()) == {"folders": {"cifar10": str(tmp_path / "here")}}
    assert [path.name for path in memory.parent.iterdir()] == ["folders.json"]


def test_what_else_is_in_the_memory_stays(tmp_path, memory):
    memory.parent.mkdir()
    memory.write_text('{"folders": {"mnist": "/m", "later": 3}, "version": 2}')
    set_folder("cifar10", filled(tmp_path / "c"))
    kept = json.loads(memory.read_text())
    assert kept == {"folders": {"mnist": "/m", "later": 3, "cifar10": str(tmp_path / "c")}, "version": 2}


BROKEN = [b"", b"{", b"[]", b"3", b'{"folders": 1}', b"\xff\xfe", b"[" * 100_000, b"\0"]


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_memory_is_one_sentence_and_set_aside(tmp_path, memory, content):
    memory.parent.mkdir()
    memory.write_bytes(content)
    assert folders.remembered_folder("mnist") is None
    problem = folders.memory_problem()
    assert problem is not None and "folders.json are ignored" in problem and problem.endswith(".")
    set_folder("cifar10", filled(tmp_path / "c"))
    assert find_folder("cifar10") == tmp_path / "c" and folders.memory_problem() is None
    assert (memory.parent / "folders.json.broken").read_bytes() == content


@pytest.mark.parametrize("value", ["3", "null", '""', '"a\\u0000b"', "[]"])
def test_a_broken_entry_is_no_folder(memory, value):
    memory.parent.mkdir()
    memory.write_text(f'{{"folders": {{"mnist": {value}}}}}')
    assert folders.remembered_folder("mnist") is None and folders.known_folder("mnist") is None


def test_a_folder_where_the_memory_should_be(tmp_path, memory):
    memory.mkdir(parents=True)
    assert "cannot be read" in (folders.memory_problem() or "")
    assert folders.known_folder("mnist") is None


def test_a_memory_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LOSSOSCOPE_CONFIG_DIR", str(tmp_path / "file" / "config"))
    with pytest.raises(ValueError, match=r"cannot be written, so cifar10's folder is not remembered"):
        set_folder("cifar10", filled(tmp_path / "c"))


def test_a_failed_write_leaves_the_old_memory(tmp_path, memory, monkeypatch):
    set_folder("cifar10", filled(tmp_path / "first"))
    before = memory.read_bytes()

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ValueError, match="No space left on device"):
        set_folder("cifar10", filled(tmp_path / "second"))
    assert memory.read_bytes() == before
    assert [path.name for path in memory.parent.iterdir()] == ["folders.json"]


@pytest.mark.parametrize("folder", [None, 3, b"bytes"])
def test_set_folder_refuses_what_is_no_path(folder):
    with pytest.raises(TypeError, match="folder must be the path of a folder"):
        set_folder("mnist", folder)


@pytest.mark.parametrize("folder", ["", "a\0b", "nowhere/at/all"])
def test_set_folder_refuses_what_is_no_folder(folder):
    with pytest.raises(ValueError, match="folder must be"):
        set_folder("mnist", folder)


@pytest.mark.parametrize("name", ["digits", "", "mnist-test"])
def test_only_collections_have_folders(name, tmp_path):
    with pytest.raises(ValueError, match="name must be one of mnist, cifar10"):
        set_folder(name, tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="file names on Windows are Unicode")
def test_a_file_name_that_is_no_unicode_is_remembered(tmp_path):
    folder = filled(Path(str(tmp_path) + "/\udcff"))
    set_folder("cifar10", folder)
    assert find_folder("cifar10") == folder


def test_the_systems_customs(monkeypatch, tmp_path):
    for name in (
        "LOSSOSCOPE_CONFIG_DIR",
        "LOSSOSCOPE_DATA_DIR",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "APPDATA",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert folders.config_folder("linux") == tmp_path / ".config" / "lossoscope"
    assert folders.data_folder("mnist", "linux") == tmp_path / ".local" / "share" / "lossoscope" / "mnist"
    assert folders.config_folder("darwin") == tmp_path / "Library" / "Application Support" / "lossoscope"
    assert folders.config_folder("win32") == tmp_path / "AppData" / "Roaming" / "lossoscope"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "roaming"))
    assert folders.config_folder("linux") == tmp_path / "xdg" / "lossoscope"
    assert folders.config_folder("win32") == tmp_path / "roaming" / "lossoscope"
    monkeypatch.setenv("XDG_CONFIG_HOME", "not/absolute")  # the specification says: ignore
    assert folders.config_folder("linux") == tmp_path / ".config" / "lossoscope"
