"""CIFAR-10's binary files: layout, order of the files, and a sentence for each fault."""

from __future__ import annotations

import numpy as np
import pytest

from engine.datasets import cifar


def records(labels):
    random = np.random.default_rng(len(labels))
    pixels = random.integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    return np.column_stack([np.array(labels, dtype=np.uint8), pixels])


FIRST, SECOND, TEST = records([3, 9]), records([0, 1, 2]), records([7])


@pytest.fixture
def folder(tmp_path):
    for name, batch in (("data_batch_2", SECOND), ("data_batch_1", FIRST), ("test_batch", TEST)):
        (tmp_path / f"{name}.bin").write_bytes(batch.tobytes())
    return tmp_path


def test_batches_come_in_order_divided_by_255(folder):
    data = cifar.load(folder, cifar.TRAIN_PATTERN, "cifar10")
    assert data.y.tolist() == [3, 9, 0, 1, 2]
    assert data.x.tolist() == (np.concatenate([FIRST, SECOND])[:, 1:] / 255).tolist()
    assert (data.n_classes, data.image_shape) == (10, (96, 32))
    assert cifar.load(folder, cifar.TEST_PATTERN, "cifar10-test").y.tolist() == [7]


def test_the_picture_is_three_planes_below_each_other(folder):
    data = cifar.load(folder, cifar.TRAIN_PATTERN, "cifar10")
    picture = data.x[0].reshape(data.image_shape)
    red, green, blue = FIRST[0, 1:].reshape(3, 32, 32) / 255
    assert (picture == np.vstack([red, green, blue])).all()


def test_holds_and_check(folder, tmp_path_factory):
    assert cifar.holds_any(folder) and cifar.holds(folder, cifar.TRAIN_PATTERN)
    cifar.check_folder(folder)
    empty = tmp_path_factory.mktemp("empty")
    assert not cifar.holds_any(empty) and not cifar.holds_any(empty / "nowhere")
    with pytest.raises(ValueError, match=r"holds no data_batch_\*.bin"):
        cifar.load(empty, cifar.TRAIN_PATTERN, "cifar10")
    with pytest.raises(ValueError, match=r"holds no data_batch_\*.bin"):
        cifar.check_folder(empty)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "not 0 bytes"),
        (FIRST.tobytes()[:-1], "not 6145 bytes"),
        (records([1, 10]).tobytes(), "the label 10 at picture 1 .* from 0 to 9"),
    ],
)
def test_each_fault_has_its_sentence(folder, raw, sentence):
    (folder / "data_batch_2.bin").write_bytes(raw)
    for read in (cifar.check_folder, lambda path: cifar.load(path, cifar.TRAIN_PATTERN, "cifar10")):
        with pytest.raises(ValueError, match=f"data_batch_2.bin .*{sentence}"):
            read(folder)


def test_too_long_a_file_is_not_read_to_its_end(folder):
    with (folder / "data_batch_2.bin").open("wb") as stream:
        stream.truncate(10 << 30)  # a sparse file: 10 GB that take no room on the disk
    with pytest.raises(ValueError, match="not more than 30730000 bytes"):
        cifar.check_folder(folder)
