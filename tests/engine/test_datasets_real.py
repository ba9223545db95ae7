"""The real MNIST and CIFAR-10, where they are: where a variable says, or beside the repository."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.datasets import idx, is_available, load_dataset, set_folder

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"
MNIST = Path(os.environ.get("LOSSOSCOPE_MNIST") or BESIDE / "mnist")
CIFAR10 = Path(os.environ.get("LOSSOSCOPE_CIFAR10") or BESIDE / "cifar-10-batches-bin")


@pytest.fixture(autouse=True)
def own_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("LOSSOSCOPE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LOSSOSCOPE_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def mnist(monkeypatch):
    if not MNIST.is_dir():
        pytest.skip(f"MNIST is not in {MNIST}; LOSSOSCOPE_MNIST may name its folder")
    monkeypatch.setenv("LOSSOSCOPE_MNIST", str(MNIST))
    return MNIST


@pytest.fixture
def cifar10(monkeypatch):
    if not CIFAR10.is_dir():
        pytest.skip(f"CIFAR-10 is not in {CIFAR10}; LOSSOSCOPE_CIFAR10 may name its folder")
    monkeypatch.setenv("LOSSOSCOPE_CIFAR10", str(CIFAR10))
    return CIFAR10


def test_mnist(mnist):
    assert is_available("mnist")
    data = load_dataset("mnist")
    assert data.x.shape == (60_000, 784) and (data.name, data.n_classes, data.image_shape) == (
        "mnist",
        10,
        (28, 28),
    )
    assert data.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(data.y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert data.x.max() == 1.0 and np.mean(data.x == 0) == pytest.approx(0.81, abs=0.005)
    assert data.first(10).x[0, 152] == 3 / 255  # the first ink of the first digit


def test_mnist_test(mnist):
    data = load_dataset("mnist-test")
    assert data.x.shape == (10_000, 784) and data.name == "mnist-test"
    assert data.y[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_a_folder_of_the_real_files_is_remembered(mnist, monkeypatch):
    monkeypatch.delenv("LOSSOSCOPE_MNIST")
    assert not is_available("mnist")
    set_folder("mnist", mnist)
    assert is_available("mnist") and is_available("mnist-test")


def test_swapped_labels_of_the_real_files_are_noticed(mnist, tmp_path):
    for file in idx.FILES:
        shutil.copy(idx.find(mnist, file), tmp_path)
    raw = bytearray(idx.read_bytes(idx.find(mnist, idx.TRAIN.labels), idx.TRAIN.labels.n_bytes))
    raw[8], raw[9] = raw[9], raw[8]
    (tmp_path / idx.TRAIN.labels.packed_name).write_bytes(gzip.compress(raw, 1))
    with pytest.raises(ValueError, match="not the original file"):
        set_folder("mnist", tmp_path)


def test_cifar10(cifar10):
    data, test = load_dataset("cifar10"), load_dataset("cifar10-test")
    assert data.n_features == 3072 and data.n_samples % 10 == 0 and data.n_classes == test.n_classes == 10
    assert len(set(np.bincount(data.y))) == len(set(np.bincount(test.y))) == 1
    raw = np.fromfile(cifar10 / "data_batch_1.bin", dtype=np.uint8, count=3073)
    assert data.y[0] == raw[0] and (data.x[0] == raw[1:] / 255).all()
