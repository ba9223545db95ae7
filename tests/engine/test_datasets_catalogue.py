"""load_dataset: the names, what an unknown one gets, the digits, and that importing the package is cheap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.datasets import DATASETS, Dataset, MissingDatasetError, dataset_names, is_available, load_dataset


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Keep the user's own settings, data and variables out of the test."""
    monkeypatch.setenv("LOSSOSCOPE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LOSSOSCOPE_DATA_DIR", str(tmp_path / "data"))
    for name in ("LOSSOSCOPE_MNIST", "LOSSOSCOPE_CIFAR10"):
        monkeypatch.delenv(name, raising=False)


FILES_NEEDED = ("mnist", "mnist-test", "cifar10", "cifar10-test")


MADE = ("parity", "sine", "wave")


def test_names_and_descriptions():
    assert dataset_names() == ("digits", *FILES_NEEDED, "xor", "moons", "spirals", "blobs", *MADE)
    for name, entry in DATASETS.items():
        assert entry.name == name and entry.description and "\n" not in entry.description


@pytest.mark.parametrize("name", dataset_names())
def test_what_needs_files_is_missing_here_and_all_else_loads(name):
    assert is_available(name) == DATASETS[name].is_available() == (name not in FILES_NEEDED)
    if name in FILES_NEEDED:
        with pytest.raises(MissingDatasetError, match=f"data {name.removesuffix('-test')} --folder PATH"):
            load_dataset(name)
    else:
        data = load_dataset(name)
        assert isinstance(data, Dataset) and data.name == name


def test_digits_are_scikit_learns_over_16_in_their_order():
    from sklearn.datasets import load_digits

    bunch = load_digits()
    data = load_dataset("digits")
    assert data.x.shape == (1797, 64) and data.x.flags.c_contiguous
    assert (data.x == bunch.data / 16).all() and (data.y == bunch.target).all()
    assert (data.n_classes, data.image_shape) == (10, (8, 8))
    assert (data.x[7].reshape(8, 8) * 16 == bunch.images[7]).all()
    assert data.x.max() == 1.0 and np.mean(data.x == 0) == pytest.approx(0.489, abs=0.01)


@pytest.mark.parametrize("name", ["", "Digits", "mnist ", "tsv:a", "csv", "iris", "digits:1"])
def test_unknown_name(name):
    with pytest.raises(
        ValueError, match=r"name must be one of digits, .*csv:PATH or npz:PATH, not "
    ) as caught:
        load_dataset(name)
    assert repr(name) in str(caught.value) and not is_available(name)


@pytest.mark.parametrize("name", [None, 3, b"digits", ["digits"]])
def test_a_name_is_text(name):
    with pytest.raises(TypeError, match="name must be one of digits"):
        load_dataset(name)


def test_files_are_available_when_they_exist(tmp_path):
    (tmp_path / "a.csv").write_text("1,0\n")
    assert is_available(f"csv:{tmp_path / 'a.csv'}")
    for name in (
        f"csv:{tmp_path / 'b.csv'}",
        f"npz:{tmp_path}",
        "csv:",
        "csv: ",
        "csv:a\0b",
        "npz:~nobody-there/a",
    ):
        assert not is_available(name)


def test_paths_may_hold_colons_and_begin_with_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    folder = tmp_path / ("a" if sys.platform == "win32" else "a:b")
    folder.mkdir()
    (folder / "t.csv").write_text("1,0\n")
    assert load_dataset(f"csv:~/{folder.name}/t.csv").n_samples == 1


ROOT = Path(__file__).resolve().parents[2]
LOOK = """
import sys
import engine.datasets, engine.datasets.command
heavy = {"sklearn", "scipy", "numba", "PySide6", "pyqtgraph", "gui", "urllib.request"} & set(sys.modules)
sys.exit(", ".join(sorted(heavy)) or None)
"""


def test_importing_is_cheap():
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, f"imported with the package: {done.stderr}"


def test_digits_are_the_same_where_scikit_learn_keeps_them_elsewhere(monkeypatch):
    expected = load_dataset("digits")
    monkeypatch.setattr("engine.datasets.catalogue._DIGITS", ("datasets", "elsewhere.csv.gz"))
    data = load_dataset("digits")
    assert (data.x == expected.x).all() and (data.y == expected.y).all()
