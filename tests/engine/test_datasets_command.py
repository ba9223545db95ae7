"""`python main.py data ...`: what it answers and what it leaves behind."""

from __future__ import annotations

from functools import partial

import pytest

from engine.datasets import command, download, find_folder, folders
from engine.datasets.command import run
from engine.datasets.download import DownloadError


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Keep the user's own settings, data and variables out of the test."""
    monkeypatch.setenv("LOSSOSCOPE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LOSSOSCOPE_DATA_DIR", str(tmp_path / "data"))
    for name in ("LOSSOSCOPE_MNIST", "LOSSOSCOPE_CIFAR10"):
        monkeypatch.delenv(name, raising=False)


def filled(folder):
    folder.mkdir(parents=True)
    for name in ("data_batch_1.bin", "test_batch.bin"):
        (folder / name).write_bytes(bytes(3073))
    return folder


def test_tells_where_a_data_set_is(tmp_path):
    assert "--download" in run("mnist") and run("mnist") == run("mnist-test").replace("mnist-test", "mnist")
    folder = filled(tmp_path / "data" / "cifar10")
    assert run("cifar10") == f"cifar10 is in {folder}."
    (folder / "test_batch.bin").unlink()
    assert run("cifar10-test") == f"cifar10-test is not complete in {folder}."
    assert run("xor").startswith("xor is built in: the 4 corners")


def test_names_a_broken_memory(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "folders.json").write_text("{")
    assert "folders.json are ignored" in run("mnist")


def test_names_a_folder(tmp_path, monkeypatch):
    folder = filled(tmp_path / "mine")
    assert (
        run("cifar10", folder)
        == f"cifar10 is in {folder}; every file was checked, and the folder is remembered."
    )
    assert find_folder("cifar10") == folder and run("cifar10") == f"cifar10 is in {folder}."
    monkeypatch.setenv("LOSSOSCOPE_CIFAR10", "/elsewhere")
    assert run("cifar10-test", str(folder)).endswith("LOSSOSCOPE_CIFAR10 is set, /elsewhere is used instead.")


def test_downloads_to_the_data_folder_or_the_one_named(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(download, "download_mnist", lambda *given: asked.append(given))
    monkeypatch.setattr(command.folders, "set_folder", lambda name, folder: folder)
    assert run("mnist", download=True) == (
        f"mnist is in {tmp_path / 'data' / 'mnist'}; every file was checked, and the folder is remembered."
    )
    run("mnist-test", tmp_path / "mine", True, print, bool, ("http://here/",))
    assert asked == [
        (folders.data_folder("mnist"), download.MIRRORS, None, None),
        (tmp_path / "mine", ("http://here/",), print, bool),
    ]


def test_a_failed_download_remembers_nothing(tmp_path):
    refused = partial(run, "mnist", download=True, base_urls=("http://127.0.0.1:1/",))
    with pytest.raises(DownloadError, match="could not be downloaded"):
        refused()
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "iris"}, "name must be one of digits, mnist"),
        ({"name": "digits", "download": True}, "digits is built in; it needs no folder"),
        ({"name": "xor", "folder": "."}, "xor is built in; it needs no folder"),
        (
            {"name": "cifar10", "download": True},
            "cifar10 cannot be downloaded from here; get the binary version",
        ),
        ({"name": "mnist", "folder": "nowhere/at/all"}, "folder must be the path of a folder"),
        ({"name": "mnist", "folder": "."}, "holds no train-images-idx3-ubyte.gz"),
    ],
)
def test_bad_arguments_get_one_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        run(**arguments)
