"""The download, against a server on this machine that can be told to misbehave."""

from __future__ import annotations

import gzip
import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from engine.datasets import download, idx
from engine.datasets.download import DownloadCancelledError, DownloadError, download_mnist
from engine.datasets.idx import IdxFile

RANDOM = np.random.default_rng(0)


def made(stem, array):
    """Return a description of a small IDX file and its compressed bytes."""
    raw = np.array([0x800 + array.ndim, *array.shape], dtype=">u4").tobytes() + array.tobytes()
    packed = gzip.compress(raw)
    return IdxFile(stem, array.shape, hashlib.sha256(raw).hexdigest(), len(packed)), packed


IMAGES, IMAGES_PACKED = made("train-images", RANDOM.integers(0, 256, (300, 28, 28), dtype=np.uint8))
LABELS, LABELS_PACKED = made("train-labels", RANDOM.integers(0, 10, 300, dtype=np.uint8))
FILES = (IMAGES, LABELS)
CONTENT = {"/mnist/" + IMAGES.packed_name: IMAGES_PACKED, "/mnist/" + LABELS.packed_name: LABELS_PACKED}


@dataclass
class Server:
    """What the server has, how it behaves, and what it was asked."""

    url: str = ""
    content: dict[str, bytes] = field(default_factory=lambda: dict(CONTENT))
    knows_range: bool = True
    shift: int = 0  # a server that sends a range other than the one asked for
    break_after: int | None = None  # bytes of the body after which the connection is closed
    tells_length: bool = True
    status: int | None = None
    is_silent: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        plan = self.server.plan
        plan.asked.append((self.path, self.headers.get("Range")))
        if plan.is_silent:
            plan.released.wait(10)
            return
        if plan.status or self.path not in plan.content:
            self.send_error(plan.status or 404)
            return
        self._send_file(plan, plan.content[self.path])

    def _send_file(self, plan, body):
        start = 0
        if plan.knows_range and (asked := self.headers.get("Range")):
            start = int(asked.removeprefix("bytes=").removesuffix("-")) + plan.shift
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if plan.tells_length:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start:][: plan.break_after])

    def log_message(self, *arguments):
        pass


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a client that hangs up, which cancelling does


@contextmanager
def serving(plan):
    with QuietServer(("127.0.0.1", 0), Handler) as server:
        server.plan = plan
        plan.url = f"http://127.0.0.1:{server.server_port}/mnist/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield plan
        finally:
            plan.released.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    with serving(Server()) as plan:
        yield plan


def fetch(server, folder, **options):
    return download_mnist(folder, (server.url,), files=FILES, **options)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


FINAL = sorted(file.packed_name for file in FILES)
PART = IMAGES.packed_name + ".part"


def test_brings_all_files_and_tells_how_far_it_is(server, tmp_path):
    told = []
    fetch(server, tmp_path / "new" / "folder", progress=lambda done, total: told.append((done, total)))
    folder = tmp_path / "new" / "folder"
    assert names(folder) == FINAL
    assert (folder / IMAGES.packed_name).read_bytes() == IMAGES_PACKED
    n_bytes = len(IMAGES_PACKED) + len(LABELS_PACKED)
    assert told[-1] == (n_bytes, n_bytes) and {total for _, total in told} == {n_bytes}
    assert [done for done, _ in told] == sorted(done for done, _ in told) and len(told) > 3


def test_without_a_length_it_works_as_well(server, tmp_path):
    server.tells_length = False
    fetch(server, tmp_path)
    assert names(tmp_path) == FINAL


def test_sound_files_are_kept_and_damaged_ones_replaced(server, tmp_path):
    (tmp_path / "train-images.idx3-ubyte").write_bytes(gzip.decompress(IMAGES_PACKED))
    (tmp_path / LABELS.packed_name).write_bytes(b"damaged")
    fetch(server, tmp_path)
    assert [path for path, _ in server.asked] == ["/mnist/" + LABELS.packed_name]
    assert (tmp_path / LABELS.packed_name).read_bytes() == LABELS_PACKED


@pytest.mark.parametrize("n_here", [1, 1000, len(IMAGES_PACKED) - 1])
def test_goes_on_where_it_stopped(server, tmp_path, n_here):
    (tmp_path / PART).write_bytes(IMAGES_PACKED[:n_here])
    fetch(server, tmp_path)
    assert server.asked[0] == ("/mnist/" + IMAGES.packed_name, f"bytes={n_here}-") and len(server.asked) == 2
    assert names(tmp_path) == FINAL


def test_a_complete_part_is_checked_and_taken(server, tmp_path):
    (tmp_path / PART).write_bytes(IMAGES_PACKED)
    fetch(server, tmp_path)  # the server answers 416
    assert len(server.asked) == 2 and names(tmp_path) == FINAL


@pytest.mark.parametrize("left", [b"x" * 1000, b"x" * len(IMAGES_PACKED), b"x" * (len(IMAGES_PACKED) + 5)])
def test_a_part_of_something_else_is_thrown_away(server, tmp_path, left):
    (tmp_path / PART).write_bytes(left)
    fetch(server, tmp_path)
    assert [asked for _, asked in server.asked] == [f"bytes={len(left)}-", None, None]
    assert names(tmp_path) == FINAL


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    server.knows_range = False
    (tmp_path / PART).write_bytes(b"x" * 1000)
    fetch(server, tmp_path)
    assert len(server.asked) == 2 and names(tmp_path) == FINAL


def test_a_server_that_sends_another_range_is_asked_for_all(server, tmp_path):
    server.shift = 7
    (tmp_path / PART).write_bytes(IMAGES_PACKED[:1000])
    fetch(server, tmp_path)
    assert [asked for _, asked in server.asked] == ["bytes=1000-", None, None]
    assert names(tmp_path) == FINAL


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_server_that_is_gone_in_the_middle(server, tmp_path, tells_length):
    server.break_after, server.tells_length = 70_000, tells_length
    sentence = f"ended after 70000 of {len(IMAGES_PACKED)} bytes" if tells_length else "cut off"
    with pytest.raises(DownloadError, match=sentence):
        fetch(server, tmp_path)
    assert names(tmp_path) == ([PART] if tells_length else [])
    server.break_after = None
    fetch(server, tmp_path)
    assert names(tmp_path) == FINAL


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"another file", mtime=0), b"<html>Sign in to the network</html>" * 9],
    ids=["gzip", "html"],
)
def test_a_wrong_file_is_refused_and_not_left_behind(server, tmp_path, body):
    server.content["/mnist/" + IMAGES.packed_name] = body
    with pytest.raises(DownloadError, match=r"train-images.*\.gz could not be downloaded"):
        fetch(server, tmp_path)
    assert names(tmp_path) == []


def test_a_wrong_checksum_is_refused(server, tmp_path):
    raw = bytearray(gzip.decompress(IMAGES_PACKED))
    raw[-1] ^= 1
    server.content["/mnist/" + IMAGES.packed_name] = gzip.compress(raw)
    with pytest.raises(DownloadError, match="not the original file: its SHA-256 is"):
        fetch(server, tmp_path)
    assert names(tmp_path) == []


def test_an_endless_file_is_stopped(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "N_SLACK", 1000)
    server.content["/mnist/" + LABELS.packed_name] = bytes(1_000_000)
    with pytest.raises(DownloadError, match="the server sends more than 1308 bytes"):
        fetch(server, tmp_path)
    assert LABELS.packed_name not in names(tmp_path)


@pytest.mark.parametrize(("status", "words"), [(404, "404 Not Found"), (503, "503"), (416, "416")])
def test_an_answer_that_is_no_file(server, tmp_path, status, words):
    server.status = status
    with pytest.raises(DownloadError, match=f"the server answers {words}"):
        fetch(server, tmp_path)
    assert names(tmp_path) == []


def test_a_server_that_does_not_answer(server, tmp_path):
    server.is_silent = True
    with pytest.raises(DownloadError, match=r"no answer within 0.05 s"):
        fetch(server, tmp_path, timeout_s=0.05)


def test_no_server_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with serving(Server()) as gone:
        pass
    with pytest.raises(DownloadError, match="the connection failed"):
        fetch(gone, tmp_path)
    with pytest.raises(DownloadError, match="the connection failed"):
        download_mnist(tmp_path, ("http://a b:port/",), files=FILES)


def test_the_next_mirror_is_tried(server, tmp_path):
    with serving(Server(status=500)) as bad:
        download_mnist(tmp_path, (bad.url, server.url), files=FILES)
        assert len(bad.asked) == 2
    assert names(tmp_path) == FINAL


def test_all_mirrors_are_named_when_all_fail(server, tmp_path):
    server.status = 500
    with serving(Server(status=404)) as bad, pytest.raises(DownloadError) as caught:
        download_mnist(tmp_path, (bad.url, server.url), files=FILES)
    assert "answers 404" in str(caught.value) and "answers 500" in str(caught.value)
    assert bad.url in str(caught.value) and server.url in str(caught.value)


def test_cancel_keeps_what_is_here_and_goes_on_later(server, tmp_path):
    cancelled = threading.Event()
    with pytest.raises(DownloadCancelledError, match="cancelled"):
        fetch(server, tmp_path, progress=lambda *_: cancelled.set(), is_cancelled=cancelled.is_set)
    assert names(tmp_path) == [PART]
    n_here = (tmp_path / PART).stat().st_size
    assert 0 < n_here < len(IMAGES_PACKED)
    fetch(server, tmp_path)
    assert server.asked[1][1] == f"bytes={n_here}-" and names(tmp_path) == FINAL


def test_cancelled_before_it_begins(server, tmp_path):
    with pytest.raises(DownloadCancelledError):
        fetch(server, tmp_path, is_cancelled=lambda: True)
    assert not server.asked and names(tmp_path) == []


def test_a_folder_that_cannot_be_made_or_written(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be made"):
        fetch(server, tmp_path / "file" / "folder")
    (tmp_path / PART).mkdir()
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch(server, tmp_path)


def test_a_folder_in_the_place_of_a_file(server, tmp_path):
    (tmp_path / IMAGES.packed_name).mkdir()
    with pytest.raises(DownloadError, match=r"train-images-idx3-ubyte.gz cannot be written"):
        fetch(server, tmp_path)


@pytest.mark.parametrize("base", ["file:///etc/", "ftp://host/", "", "mnist"])
def test_only_http_and_https(base, tmp_path):
    with pytest.raises(ValueError, match="must begin with http:// or https://"):
        download_mnist(tmp_path, (base,), files=FILES)


def test_the_usual_mirrors_and_files():
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in download.MIRRORS)
    assert download_mnist.__defaults__[-1] is idx.FILES
