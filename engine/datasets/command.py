"""What `python main.py data NAME [--folder PATH | --download]` does."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from engine import checks
from engine.datasets import folders
from engine.datasets.catalogue import DATASETS, is_available


def run(
    name: str,
    folder: Path | str | None = None,
    download: bool = False,
    progress: Callable[[int, int], object] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
    base_urls: Sequence[str] | None = None,
) -> str:
    """Name the folder of a data set, download it, or tell where it is; return a sentence to print.

    With a folder alone, its files are checked and it is remembered for later runs. With download alone, the
    files go to the user's data folder; with both, to that folder. Either way the folder is remembered. With
    neither, nothing is changed or read, and a data set that is missing is told in the sentence returned.

    Args:
        name: a name in `engine.datasets.DATASETS`; "mnist-test" means the same folder as "mnist".
        folder: where the files are, or shall be.
        download: whether to use the network; only MNIST can be downloaded.
        progress: called with (done_bytes, total_bytes) while downloading.
        is_cancelled: asked while downloading, after each piece received, as `threading.Event().is_set`.
        base_urls: servers to download from; None for the usual ones.

    Raises:
        ValueError, TypeError: one sentence for an argument or a file that will not do.
        download.DownloadError, download.DownloadCancelledError: both RuntimeError, with one sentence.
    """
    checks.choice("name", name, DATASETS)
    collection = name.removesuffix("-test")
    if collection not in folders.COLLECTIONS:
        return _report_built_in(name, folder, download)
    if download:
        folder = _download(collection, folder, progress, is_cancelled, base_urls)
    if folder is None:
        return _report(name, collection)
    return _remember(collection, folder)


def _report_built_in(name: str, folder: object, download: bool) -> str:
    if folder is not None or download:
        raise ValueError(f"{name} is built in; it needs no folder and no download.")
    return f"{name} is built in: {DATASETS[name].description}."


def _report(name: str, collection: str) -> str:
    try:
        found = folders.find_folder(collection)
        here = "is in" if is_available(name) else "is not complete in"
        sentence = f"{name} {here} {found}."
    except folders.MissingDatasetError as error:
        sentence = str(error)
    return " ".join(filter(None, (sentence, folders.memory_problem())))


def _remember(collection: str, folder: Path | str) -> str:
    full = folders.set_folder(collection, folder)
    variable = folders.COLLECTIONS[collection].variable
    sentence = f"{collection} is in {full}; every file was checked, and the folder is remembered."
    if named := os.environ.get(variable):
        sentence += f" As long as the environment variable {variable} is set, {named} is used instead."
    return sentence


def _download(
    collection: str,
    folder: Path | str | None,
    progress: Callable[[int, int], object] | None,
    is_cancelled: Callable[[], bool] | None,
    base_urls: Sequence[str] | None,
) -> Path:
    from engine.datasets import download as network  # 50 ms to import, so only when asked for

    if collection != "mnist":
        raise ValueError(
            f"{collection} cannot be downloaded from here; {folders.COLLECTIONS[collection].how_to_get}."
        )
    target = folders.data_folder(collection) if folder is None else folders.as_path("folder", str(folder))
    network.download_mnist(target, base_urls or network.MIRRORS, progress, is_cancelled)
    return target
