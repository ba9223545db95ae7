"""Files of lessons, witnesses and sweeps that are damaged or hold other kinds: one sentence, by whichever reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.lessons import load_lesson
from engine.sweeps.sweep import load_sweep
from engine.witnesses import load_witness

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SOURCES = {
    "lesson": ASSETS / "lessons" / "exam" / "kink.toml",
    "witness": ASSETS / "witnesses" / "two-samples.toml",
    "sweep": ASSETS / "sweeps" / "xor-starts.toml",
}
READERS = {
    "lesson": lambda path: load_lesson(path.stem, path.parent),
    "witness": lambda path: load_witness(path.stem, path.parent),
    "sweep": lambda path: load_sweep(str(path)),
}


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b'title = "\xe9"',
        b'title = "\x00"',
        b"title = [[[",
        b"title = " + b"[" * 5000 + b"]" * 5000,
        b"title = " + b"9" * 5000,
        b"frob = 1",
    ],
    ids=["empty", "binary", "latin", "nul", "cut", "deep", "digits", "unknown"],
)
def test_a_damaged_file_gives_one_sentence_with_its_name(tmp_path, kind, content):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^The {kind} file bad\.toml cannot be used: .*\.$") as caught:
        READERS[kind](path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("kind", READERS)
def test_a_file_that_is_cut_off_anywhere_is_told_or_whole(tmp_path, kind):
    raw, path = SOURCES[kind].read_bytes(), tmp_path / "cut.toml"
    path.write_bytes(raw)
    READERS[kind](path)
    n_told = 0
    for length in range(0, len(raw), max(1, len(raw) // 60)):
        path.write_bytes(raw[:length])
        try:
            READERS[kind](path)
        except ValueError as error:
            assert len(str(error).splitlines()) == 1
            n_told += 1
    assert n_told > 30


@pytest.mark.parametrize(
    ("kind", "old", "new", "words"),
    [
        ("lesson", 'data = "witness:leaky-kink"', "data = [1]", "none of the data sets"),
        ("lesson", 'data = "witness:leaky-kink"', "data = 1", "data must be text, not 1"),
        ("witness", "hidden = []", "hidden = 3", "hidden must be a list of whole numbers, not 3"),
        ("witness", "hidden = []", "hidden = ['a']", "layer_sizes must be"),
        ("witness", "weights = [", "weights = ['a',", "weights must be finite numbers of shape"),
        ("witness", "weights = [", "weights = [{},", "weights must be finite numbers of shape"),
        ("witness", 'text = "', 'text = 3 #"', "text must be text, not 3"),
    ],
)
def test_another_kind_is_named(tmp_path, kind, old, new, words):
    text, path = SOURCES[kind].read_text(encoding="utf-8"), tmp_path / "bad.toml"
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.toml cannot be used: ") as caught:
        READERS[kind](path)
    assert words in str(caught.value)
