"""MNIST from the network, only when the user says so.

A file is written beside its final name with .part at the end, goes on where it stopped when it is asked for
again, and is renamed only after every byte of it was checked.
"""

from __future__ import annotations

import contextlib
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Final

from engine.datasets import idx
from engine.datasets.idx import IdxFile

Progress = Callable[[int, int], object]
MIRRORS: Final = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
N_CHUNK: Final = 1 << 16
N_SLACK: Final = 1 << 16  # a compressed file is never larger than the plain one by more than this


class DownloadError(RuntimeError):
    """The network, the server or the disk failed; one sentence says how."""


class DownloadCancelledError(RuntimeError):
    """The user cancelled; what was received is kept for the next time."""


def download_mnist(
    folder: Path,
    base_urls: Sequence[str] = MIRRORS,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] | None = None,
    timeout_s: float = 30.0,
    files: Sequence[IdxFile] = idx.FILES,
) -> None:
    """Bring the four MNIST files into a folder, which is made if need be; sound files there are kept.

    Args:
        folder: where the files go.
        base_urls: http or https addresses to which a file's name is added; when one fails, the next is tried.
        progress: called with (done_bytes, total_bytes) of all files together, in the calling thread.
        is_cancelled: asked after each piece of at most 64 KiB, as `threading.Event().is_set`; a server
            that is silent is noticed only after timeout_s.
        timeout_s: how long to wait for a connection, and for each answer of the server.
        files: what to bring.

    Raises:
        DownloadError: one sentence; nothing unfinished stands under a final name.
        DownloadCancelledError: after is_cancelled said so.
        ValueError: if a base address is not http or https.
    """
    for base in base_urls:
        _check_address(base)
    _make(folder)
    meter = _Meter(files, progress, is_cancelled)
    for file in files:
        if _is_here(folder, file):
            meter.set(file, file.n_packed, file.n_packed)
        else:
            _fetch_from_any(base_urls, folder / file.packed_name, file, meter, timeout_s)


class _Meter:
    """Adds up the bytes of all files for `progress`, and turns `is_cancelled` into an exception."""

    def __init__(
        self, files: Sequence[IdxFile], progress: Progress | None, is_cancelled: Callable[[], bool] | None
    ) -> None:
        self._done = dict.fromkeys((file.stem for file in files), 0)
        self._totals = {file.stem: file.n_packed for file in files}
        self._progress = progress
        self._is_cancelled = is_cancelled

    def set(self, file: IdxFile, n_done: int, n_total: int | None) -> None:
        """Note that n_done bytes of a file are here, of n_total where the server said so."""
        self._done[file.stem] = n_done
        self._totals[file.stem] = max(n_done, n_total or file.n_packed)
        if self._progress is not None:
            self._progress(sum(self._done.values()), sum(self._totals.values()))

    def check_cancelled(self, file: IdxFile) -> None:
        """Raise if the user cancelled."""
        if self._is_cancelled is not None and self._is_cancelled():
            raise DownloadCancelledError(
                f"The download was cancelled at {file.packed_name}; it goes on from there next time."
            )


def _check_address(base: str) -> None:
    if not base.startswith(("http://", "https://")):
        raise ValueError(f"base_urls must begin with http:// or https://, not {base!r}.")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"The folder {folder} cannot be made: {error.strerror or error}.") from None


def _is_here(folder: Path, file: IdxFile) -> bool:
    try:
        idx.read(folder, file)
    except ValueError:
        return False
    return True


def _fetch_from_any(
    base_urls: Sequence[str], final: Path, file: IdxFile, meter: _Meter, timeout_s: float
) -> None:
    problems = []
    for base in base_urls:
        url = base.rstrip("/") + "/" + file.packed_name
        try:
            return _fetch(url, final, file, meter, timeout_s)
        except DownloadError as error:
            problems.append(f"{url}: {error}")
    raise DownloadError(f"{file.packed_name} could not be downloaded ({'; '.join(problems)}).")


def _fetch(url: str, final: Path, file: IdxFile, meter: _Meter, timeout_s: float) -> None:
    """Bring one file; what is left of an earlier try is gone on with first, and thrown away if that fails."""
    part = final.with_name(final.name + ".part")
    was_begun = _size(part) > 0
    _transfer(url, part, file, meter, timeout_s)
    problem = _problem(part, file)
    if problem and was_begun:
        _discard(part)
        _transfer(url, part, file, meter, timeout_s)
        problem = _problem(part, file)
    if problem:
        _discard(part)
        raise DownloadError(problem)
    _finish(part, final)
    meter.set(file, _size(final), _size(final))


def _discard(part: Path) -> None:
    with contextlib.suppress(OSError):
        part.unlink()


def _finish(part: Path, final: Path) -> None:
    try:
        part.replace(final)
    except OSError as error:
        raise DownloadError(f"{final} cannot be written: {error.strerror or error}") from None


def _problem(part: Path, file: IdxFile) -> str | None:
    try:
        idx.decode(idx.read_bytes(part, file.n_bytes), file, part)
    except ValueError as error:
        return str(error).rstrip(".")
    return None


def _transfer(url: str, part: Path, file: IdxFile, meter: _Meter, timeout_s: float) -> None:
    """Add the rest of a file to part, or all of it where the server sends it from the start.

    A server that has no such rest (416), or sends another one, adds nothing: the check that follows then
    decides whether part was complete all along.
    """
    meter.check_cancelled(file)
    n_here = _size(part)
    response = _open(url, n_here, timeout_s)
    if response is None:
        return
    with response:
        if response.status != 206:
            n_here = 0
        elif _first_byte(response) != n_here:
            return
        n_total = _length(response, n_here)
        n_done = _write(part, n_here, n_total, _chunks(response, timeout_s), file, meter)
    if n_total is not None and n_done < n_total:
        raise DownloadError(
            f"the connection ended after {n_done} of {n_total} bytes; ask again to go on from there"
        )


def _open(url: str, n_here: int, timeout_s: float) -> HTTPResponse | None:
    """Return the server's answer, or None for 416: no bytes from there on."""
    headers = {"User-Agent": "Lossoscope"} | ({"Range": f"bytes={n_here}-"} if n_here else {})
    try:
        response: HTTPResponse = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=timeout_s
        )
        return response
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and n_here:
            return None
        raise DownloadError(f"the server answers {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise DownloadError(_reason(error, timeout_s)) from None


def _chunks(response: HTTPResponse, timeout_s: float) -> Iterator[bytes]:
    try:
        while chunk := response.read1(N_CHUNK):
            yield chunk
    except (OSError, HTTPException) as error:
        raise DownloadError(_reason(error, timeout_s)) from None


def _write(
    part: Path, n_here: int, n_total: int | None, chunks: Iterator[bytes], file: IdxFile, meter: _Meter
) -> int:
    """Write chunks from byte n_here on; return the size of part then."""
    n_done = n_here
    try:
        with part.open("ab" if n_here else "wb") as stream:
            for chunk in chunks:
                meter.check_cancelled(file)
                n_done += len(chunk)
                _check_size(n_done, file)
                stream.write(chunk)
                meter.set(file, n_done, n_total)
    except OSError as error:
        raise DownloadError(f"{part} cannot be written: {error.strerror or error}") from None
    return n_done


def _check_size(n_done: int, file: IdxFile) -> None:
    if n_done > file.n_bytes + N_SLACK:
        raise DownloadError(
            f"the server sends more than {file.n_bytes + N_SLACK} bytes, too many for this file"
        )


def _reason(error: Exception, timeout_s: float) -> str:
    inner = getattr(error, "reason", error)
    if isinstance(inner, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    text = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    return f"the connection failed, {text.rstrip('.')}"


def _first_byte(response: HTTPResponse) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _length(response: HTTPResponse, n_here: int) -> int | None:
    """Return the size of the whole file, or None if the server does not say."""
    length = response.headers.get("Content-Length", "")
    return n_here + int(length) if length.isdecimal() else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
