"""NPZ files from anywhere: what is too big, cut off, altered or no file at all is one sentence."""

from __future__ import annotations

import io
import os
import random
import sys
import zipfile

import numpy as np
import pytest

from engine import archives
from engine.archives import DAMAGE
from engine.datasets import load_dataset


def header(shape: str) -> bytes:
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def archive(path, shape: str, content: bytes) -> None:
    """Write an NPZ of y, and of x with any header."""
    labels = io.BytesIO()
    np.save(labels, np.array([0, 1]))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("y.npy", labels.getvalue())
        file.writestr("x.npy", header(shape) + content)


def test_zeros_that_unpack_to_more_than_the_memory_are_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.npz"
    archive(path, "(2, 500000)", bytes(8_000_000))
    assert path.stat().st_size < 20_000
    assert load_dataset(f"npz:{path}").x.shape == (2, 500_000)
    monkeypatch.setattr(archives, "memory_size", lambda: 15_000_000)
    with pytest.raises(ValueError, match=r"holds 0\.0 GB once unpacked, and at most 0\.0 GB, half of this"):
        load_dataset(f"npz:{path}")


@pytest.mark.parametrize("shape", ["(2, 10000000000000)", "(2, -1)", "(" * 60, "9" * 110, "(2, 3, ", "None"])
def test_a_header_that_lies_is_told(tmp_path, shape):
    path = tmp_path / "lie.npz"
    archive(path, shape, bytes(64))
    with pytest.raises(ValueError, match=r"lie\.npz: .*\.$") as caught:
        load_dataset(f"npz:{path}")
    assert len(str(caught.value).splitlines()) == 1


def test_any_altered_byte_is_told_or_harmless(tmp_path):
    path, order = tmp_path / "a.npz", random.Random(7)
    np.savez_compressed(path, x=np.random.default_rng(0).random((50, 4)), y=np.arange(50) % 3)
    good = path.read_bytes()
    whole = load_dataset(f"npz:{path}")
    n_told = 0
    for _ in range(200):
        raw = bytearray(good)
        raw[order.randrange(len(raw))] ^= 1 << order.randrange(8)
        path.write_bytes(raw)
        try:
            assert (load_dataset(f"npz:{path}").x == whole.x).all()  # a date or the like
        except ValueError as error:
            assert str(error).startswith(f"{path}: ") and len(str(error).splitlines()) == 1
            n_told += 1
    assert n_told > 150


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes with names")
@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path, kind):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ValueError, match="no ordinary file"):
            load_dataset(f"{kind}:{path}")


def test_a_message_of_another_library_is_cut_to_one_readable_line():
    assert archives.inner(ValueError("one\ntwo")) == "one"
    assert archives.inner(EOFError()) == "EOFError"
    shown = archives.inner(ValueError("\0\x1b" + "x" * 5000))
    assert shown.startswith("??xxx") and shown.endswith("...") and len(shown) < 130
    assert RecursionError.__mro__[1] in DAMAGE
