"""CSV and NPZ: what is read, the sentence for each fault, and that the fast and the slow way agree."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.datasets import load_dataset, tables

UNHURRIED = settings(deadline=None)  # the machine may be busy with other things


@pytest.fixture
def csv(tmp_path):
    """Write text or bytes to a CSV and load it."""

    def load(content):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_dataset(f"csv:{path}")

    return load


@pytest.fixture
def npz(tmp_path):
    """Save arrays as an NPZ and load it."""

    def load(**arrays):
        np.savez(tmp_path / "arrays.npz", **arrays)
        return load_dataset(f"npz:{tmp_path / 'arrays.npz'}")

    return load


@pytest.mark.parametrize(
    "content",
    [
        "0.5,1,0\n-2,3e1,2\n",
        "0.5,1,0\n-2,3e1,2",
        "height,width,class\n0.5,1,0\n-2,3e1,2\n",
        '"a","b, c","class"\n0.5,1,0\n-2,3e1,2\n',
        ",width,class\n0.5,1,0\n-2,3e1,2\n",
        "0.5,1,0\r\n-2,3e1,2\r\n\r\n\r\n",
        "0.5,1,0\r-2,3e1,2\r",
        "\n\na,b,c\n\n0.5,1,0\n\n-2,3e1,2\n   \n\t\n",
        " 0.5 ,\t1, 0 \n-2 , 3e1,2.0\n",
        "+.5,1.,0e0\n-2,3E+1,2\n",
        b"\xef\xbb\xbf0.5,1,0\n-2,3e1,2\n",
        b"\xef\xbb\xbfh\xc3\xb6he,w,c\r\n0.5,1,0\r\n-2,3e1,2\r\n",
    ],
)
def test_all_these_are_the_same_table(csv, content):
    data = csv(content)
    assert data.x.tolist() == [[0.5, 1.0], [-2.0, 30.0]] and data.y.tolist() == [0, 2]
    assert data.n_classes == 3 and data.image_shape is None and data.x.flags.c_contiguous


def test_the_name_is_the_one_given(csv, tmp_path):
    assert csv("1,0\n").name == f"csv:{tmp_path / 'table.csv'}"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "holds no samples"),
        ("\n \n\r\n", "holds no samples"),
        ("a,b,c\n", "holds no samples"),
        ("a,b,c\n\n \n", "holds no samples"),
        ("1,2,0\n3,4\n", "line 2 has 2 columns; the lines before it have 3"),
        ("1,2,0\n\n3,4,1,\n", "line 3 has 4 columns; the lines before it have 3"),
        ("1\n2\n", "line 1 has 1 column; at least 2 are needed"),
        ("1;2;0\n", "line 1 has 1 column|holds no samples"),
        ("1;2;0\n3;4;1\n", "line 2 has 1 column"),
        ("a,b\n1,0\n2,x\n", "line 3, column 2 must be a number, not 'x'"),
        ("1,2,0\n3,,1\n", "line 2, column 2 must be a number, not empty"),
        ("1,two,0\n3,4,1\n", "line 1, column 2 must be a number, not 'two'"),
        ("1,2,0 # note\n", "line 1, column 3 must be a number, not '0 # note'"),
        ("1_0,2,0\n", "line 1, column 1 must be a number, not '1_0'"),
        ("0x1,2,0\n", "line 1, column 1 must be a number"),
        ("1,2,0\nnan,4,1\n", "line 2, column 1 must be a finite number, not 'nan'"),
        ("1,2,0\n3,-inf,1\n", "line 2, column 2 must be a finite number, not '-inf'"),
        ("1,2,0\n3,1e999,1\n", "line 2, column 2 must be a finite number, not '1e999'"),
        ("1,2,0\n3,4,1.5\n", "line 2, column 3 must be the class, .* not '1.5'"),
        ("1,2,0\n3,4,-1\n", "line 2, column 3 must be the class, .* not '-1'"),
        ("1,2,0\n3,4,65536\n", "line 2, column 3 must be the class, .* 65535, not '65536'"),
        ("1,2,0\n3,4," + "x" * 500 + "\n", "line 2, column 3 must be a number, not 'x{40}...'"),
        (b"\xff\xfe1\0,\x000\0", "not plain UTF-8 text"),
        (b"1,0\n" * 9000 + b"\xff,0\n", "not plain UTF-8 text"),
        (b"1,0\n\0,1\n", "line 2, column 1 must be a number"),
    ],
)
def test_each_fault_has_its_sentence(csv, content, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        csv(content)
    assert "table.csv" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("n_before", [255, 256, 257, 1000])
def test_a_fault_far_down_has_its_own_line(csv, n_before):
    for fault, sentence in (("3,4", "has 2 columns"), ("3,x,4", "column 2 must be a number")):
        with pytest.raises(ValueError, match=f"line {n_before + 3}.* {sentence}"):
            csv("a,b,c\n\n" + "1,2,0\n" * n_before + fault + "\n")
    data = csv("1,2,0\n" * n_before + " \n5,6,1\n")  # numpy alone does not pass over the blank
    assert data.n_samples == n_before + 1 and data.x[-1].tolist() == [5, 6]


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_a_path_that_cannot_be_read(kind, tmp_path):
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(ValueError, match="cannot be read"):
            load_dataset(f"{kind}:{path}")
    for path in ("", "  ", "a\0b"):
        with pytest.raises(ValueError, match=f"the path after {kind}: must be a path"):
            load_dataset(f"{kind}:{path}")
    with pytest.raises(ValueError, match="no such home folder"):
        load_dataset(f"{kind}:~nobody-of-that-name/file")


CELLS = st.one_of(
    st.integers(-3, 70000).map(str),
    st.floats().map(repr),
    st.text(st.sampled_from("0123456789.+-eExnaif_ #\"'\t\f\v\xa0\u0661\0"), max_size=5),
)
LINES = st.lists(st.lists(CELLS, max_size=4).map(",".join), max_size=5)


def cell_by_cell(path):
    with tables._open(path) as lines:
        return list(tables._rows(path, tables._without_header(tables._filled_lines(lines))))


@UNHURRIED
@given(LINES, st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
@example(["1,0", "2,1", "\v"], "\n")
@example(["1\xa0,0"], "\n")
def test_any_text_gives_a_data_set_or_a_sentence_and_both_ways_agree(tmp_path_factory, lines, end):
    path = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    path.write_bytes(end.join(lines).encode())
    fast = tables._parse_fast(path)
    try:
        data = tables.load_csv(path, "fuzzed")
        slow = tables._parse_slowly(path)
        cells = cell_by_cell(path)
    except ValueError as error:
        assert "fuzzed.csv" in str(error) and str(error).endswith(".")
    else:
        assert np.column_stack([data.x, data.y]).tolist() == slow.tolist()
        assert slow.tolist() == cells and (fast is None or fast.tolist() == cells)


@UNHURRIED
@given(st.binary(max_size=80))
def test_any_bytes_give_a_data_set_or_a_sentence(tmp_path_factory, raw):
    path = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    path.write_bytes(raw)
    try:
        tables.load_csv(path, "fuzzed")
    except ValueError as error:
        assert "fuzzed.csv" in str(error)


def test_npz(npz):
    data = npz(x=np.array([[1, 2], [3, 4]], dtype=np.uint8), y=np.array([0, 1]), other=np.zeros(3))
    assert data.x.tolist() == [[1, 2], [3, 4]] and data.y.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"x": [[1.0]]}, "must hold x and y, and this one holds x"),
        ({}, "this one holds nothing"),
        ({"x": np.array([[None]]), "y": [0]}, "x is an array of Python objects"),
        ({"x": [[1.0]], "y": np.array([{}])}, "y is an array of Python objects"),
        ({"x": np.zeros((2, 2, 2)), "y": [0, 1]}, "x must have shape"),
        ({"x": [1.0, 2.0], "y": [0, 1]}, "x must have shape"),
        ({"x": [[1.0], [2.0]], "y": [0]}, "y must have shape"),
        ({"x": [["a"]], "y": [0]}, "x must be an array of numbers"),
        ({"x": [[np.nan]], "y": [0]}, "NaN or infinity"),
        ({"x": np.zeros(2, dtype="f8,i4"), "y": [0, 1]}, "x must be an array of numbers"),
        ({"x": [[1.0]], "y": [0.5]}, "y must hold whole numbers"),
    ],
)
def test_each_fault_of_an_npz_has_its_sentence(npz, arrays, sentence):
    with pytest.raises(ValueError, match=rf"arrays.npz: .*{sentence}"):
        npz(**arrays)


def saved(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


GOOD_NPZ = saved(x=np.arange(6.0).reshape(3, 2), y=np.arange(3))


@pytest.mark.parametrize(
    "raw", [b"", b"PK", b"1,2,0\n", b"\x93NUMPY" + bytes(20), GOOD_NPZ[:-30], b"x" + GOOD_NPZ]
)
def test_a_file_that_is_no_npz(tmp_path, raw):
    (tmp_path / "no.npz").write_bytes(raw)
    with pytest.raises(ValueError, match=r"no.npz: (this is no NPZ file|the file is damaged)"):
        load_dataset(f"npz:{tmp_path / 'no.npz'}")


def test_a_zip_whose_members_are_no_arrays(tmp_path):
    with zipfile.ZipFile(tmp_path / "no.npz", "w") as archive:
        archive.writestr("x", "text")
        archive.writestr("y.npy", "text")
    with pytest.raises(ValueError, match="x is no array"):
        load_dataset(f"npz:{tmp_path / 'no.npz'}")


def test_an_array_that_claims_to_be_huge(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**15, 10**3)}
    )
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue())
        archive.writestr("y.npy", header.getvalue())
    with pytest.raises(ValueError, match="x cannot be read"):
        load_dataset(f"npz:{tmp_path / 'huge.npz'}")


@UNHURRIED
@given(st.integers(0, len(GOOD_NPZ) - 1), st.integers(1, 255))
def test_any_changed_byte_of_an_npz_gives_a_data_set_or_a_sentence(tmp_path_factory, place, change):
    raw = bytearray(GOOD_NPZ)
    raw[place] ^= change
    path = tmp_path_factory.getbasetemp() / "fuzzed.npz"
    path.write_bytes(raw)
    try:
        tables.load_npz(path, "fuzzed")
    except ValueError as error:
        assert "fuzzed.npz" in str(error)
