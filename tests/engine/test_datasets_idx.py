"""IDX files: each fault of a file has its own sentence, and no bytes can do worse than that."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets import idx
from engine.datasets.idx import IdxFile, Part

UNHURRIED = settings(deadline=None)  # the machine may be busy with other things
N = 5
PIXELS = np.arange(N * 6, dtype=np.uint8).reshape(N, 2, 3)
LABELS = np.array([3, 1, 4, 1, 5], dtype=np.uint8)


def as_idx(array):
    header = np.array([0x800 + array.ndim, *array.shape], dtype=">u4")
    return header.tobytes() + array.tobytes()


def described(stem, raw, sizes):
    return IdxFile(stem, sizes, hashlib.sha256(raw).hexdigest(), len(gzip.compress(raw)))


IMAGE_BYTES, LABEL_BYTES = as_idx(PIXELS), as_idx(LABELS)
IMAGES = described("train-images", IMAGE_BYTES, PIXELS.shape)
LABELS_FILE = described("train-labels", LABEL_BYTES, LABELS.shape)
PART = Part(IMAGES, LABELS_FILE)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(IMAGE_BYTES))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(LABEL_BYTES))
    return tmp_path


def test_loads_pixels_over_255(folder):
    data = idx.load(folder, PART, "small")
    assert data.x.tolist() == (PIXELS.reshape(N, 6) / 255).tolist()
    assert data.y.tolist() == LABELS.tolist()
    assert (data.name, data.n_classes, data.image_shape) == ("small", 10, (2, 3))
    assert not data.x.flags.writeable and data.x.flags.owndata


@pytest.mark.parametrize("name", IMAGES.names)
@pytest.mark.parametrize("packed", [True, False])
def test_every_usual_name_is_found_whatever_is_inside(tmp_path, name, packed):
    (tmp_path / name).write_bytes(gzip.compress(IMAGE_BYTES) if packed else IMAGE_BYTES)
    assert (idx.read(tmp_path, IMAGES) == PIXELS).all()


def test_the_names_are_the_usual_ones():
    assert IMAGES.names == (
        "train-images-idx3-ubyte.gz",
        "train-images-idx3-ubyte",
        "train-images.idx3-ubyte.gz",
        "train-images.idx3-ubyte",
    )
    assert [file.packed_name for file in idx.FILES] == [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ]


def test_a_folder_of_that_name_is_no_file(tmp_path):
    (tmp_path / IMAGES.names[0]).mkdir()
    (tmp_path / IMAGES.names[1]).write_bytes(IMAGE_BYTES)
    assert (idx.read(tmp_path, IMAGES) == PIXELS).all()


def test_missing_file(tmp_path):
    assert not idx.holds_any(tmp_path) and not idx.holds(tmp_path, PART)
    with pytest.raises(ValueError, match=r"holds no train-images-idx3-ubyte.gz, with or without .gz"):
        idx.read(tmp_path, IMAGES)


def test_holds_looks_at_names_only(folder):
    assert idx.holds(folder, PART) and idx.holds_any(folder)
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    assert not idx.holds(folder, PART) and idx.holds_any(folder)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "only 0 bytes, too few for an IDX header of 16"),
        (IMAGE_BYTES[:15], "only 15 bytes, too few"),
        (LABEL_BYTES + bytes(9), "begins with the number 0x00000801, and .* begins with 0x00000803"),
        (as_idx(PIXELS[:4]), "the size 4 x 2 x 3 in its header, and 5 x 2 x 3 is expected"),
        (as_idx(PIXELS.reshape(N, 3, 2)), "the size 5 x 3 x 2"),
        (IMAGE_BYTES[:-1], "only 45 bytes once decompressed, and 46 are expected"),
        (IMAGE_BYTES + b"\0", "more bytes once decompressed, and 46 are expected"),
        (IMAGE_BYTES[:-1] + b"\0", "is not the original file: its SHA-256 is [0-9a-f]{64}, and"),
    ],
)
@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_each_fault_has_its_sentence(folder, raw, sentence, pack):
    (folder / "train-images-idx3-ubyte.gz").write_bytes(pack(raw))
    with pytest.raises(ValueError, match=sentence) as caught:
        idx.load(folder, PART, "small")
    assert "train-images-idx3-ubyte.gz" in str(caught.value)


def test_counts_of_images_and_labels_must_match(folder):
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(as_idx(LABELS[:4]))
    with pytest.raises(ValueError, match="the size 4 in its header, and 5 is expected"):
        idx.load(folder, PART, "small")


def test_label_out_of_range(folder):
    raw = as_idx(np.array([0, 1, 10, 3, 77], dtype=np.uint8))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(raw)
    with pytest.raises(ValueError, match=r"the label 10 at sample 2 .* from 0 to 9"):
        idx.load(folder, PART, "small")


def test_cut_gzip_at_every_length(tmp_path):
    packed = gzip.compress(IMAGE_BYTES)
    path = tmp_path / IMAGES.packed_name
    for n_kept in range(2, len(packed)):
        path.write_bytes(packed[:n_kept])
        with pytest.raises(ValueError, match="cut off"):
            idx.read(tmp_path, IMAGES)


@pytest.mark.parametrize("place", [2, 12, -6, -1])
def test_damaged_gzip(tmp_path, place):
    packed = bytearray(gzip.compress(IMAGE_BYTES))
    packed[place] ^= 0xFF
    (tmp_path / IMAGES.packed_name).write_bytes(packed)
    with pytest.raises(ValueError, match=r"damaged and cannot be decompressed|cut off"):
        idx.read(tmp_path, IMAGES)


def test_a_gzip_bomb_does_not_fill_the_memory(tmp_path):
    with gzip.open(tmp_path / IMAGES.packed_name, "wb") as stream:
        for _ in range(64):
            stream.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="begins with the number 0x00000000"):
            idx.read(tmp_path, IMAGES)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_check_folder_reads_all_four(folder):
    with pytest.raises(ValueError, match="train-images"):
        idx.check_folder(folder)


@UNHURRIED
@given(st.binary(max_size=60))
def test_any_bytes_end_in_a_sentence(tmp_path_factory, raw):
    path = tmp_path_factory.getbasetemp() / "fuzzed-idx"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match="fuzzed-idx"):
        idx.decode(idx.read_bytes(path, LABELS_FILE.n_bytes), LABELS_FILE, path)


@UNHURRIED
@given(st.integers(0, len(LABEL_BYTES) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place, change):
    raw = bytearray(LABEL_BYTES)
    raw[place] ^= change
    with pytest.raises(ValueError, match="labels"):
        idx.decode(bytes(raw), LABELS_FILE, Path("labels"))


@UNHURRIED
@given(st.integers(2, 60), st.integers(1, 255))
def test_any_changed_byte_of_a_gzip_is_noticed_or_harmless(tmp_path_factory, place, change):
    packed = bytearray(gzip.compress(LABEL_BYTES))
    packed[place % len(packed)] ^= change
    path = tmp_path_factory.getbasetemp() / "fuzzed-gzip"
    path.write_bytes(packed)
    try:
        raw = idx.read_bytes(path, LABELS_FILE.n_bytes)
        assert (idx.decode(raw, LABELS_FILE, path) == LABELS).all()
    except ValueError as error:
        assert "fuzzed-gzip" in str(error)
