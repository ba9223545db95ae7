"""Runs in files: settings, start, checkpoints, history and whatever was changed on the way, in one NPZ file.

A file holds no pickles and no code. It is written whole or not at all, and what is opened goes on with the
same bits. Data that a name gives again is not in it, only its fingerprint; other data is.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.commands import Perturb, SetLearningRate
from engine.config import RunConfig
from engine.datasets import Dataset, dataset_names, load_dataset
from engine.history import SERIES, HistoryView, Jump
from engine.mlp import MLP
from engine.outputs import replacing
from engine.run_record import RunRecord
from engine.snapshot import Point
from engine.trainer import Trainer

_VERSION: Final = 1
_KIND: Final = "lossoscope run"
Arrays = Mapping[str, Any]


def save_run(path: Path, record: RunRecord) -> None:
    """Write a run, `Trainer.record()`, to path; OSError when that fails, and then nothing is changed there."""
    arrays = _arrays(record)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def open_run(path: Path, n_threads: int = 1) -> Trainer:
    """Return the Trainer of a run file, paused where it was saved.

    Raises:
        ValueError: one sentence, when the file is no run file, is damaged, or its data has changed.
        OSError: when it cannot be read.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays["about"]))
        if about.get("kind") != _KIND or about.get("version") != _VERSION:
            raise ValueError(f"it is of version {about.get('version')}, and this program reads {_VERSION}")
        return _trainer(about, arrays, n_threads)
    except (
        zipfile.BadZipFile,
        KeyError,
        IndexError,
        AttributeError,
        EOFError,
        TypeError,
        ValueError,
    ) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error).rstrip(".")
        raise ValueError(f"{path} cannot be opened as a run: {reason}.") from error


def fingerprint(data: Dataset) -> str:
    """Return the SHA-256 of inputs, labels and targets, as hexadecimal digits."""
    digest = hashlib.sha256()
    for array in (data.x, data.y, data.targets):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _arrays(record: RunRecord) -> dict[str, Any]:
    view = record.history
    arrays: dict[str, Any] = {
        "about": np.array(json.dumps(_about(record))),
        "start": record.start,
        "theta": record.theta,
        "loss_rises": view.loss_rises,
        "error_rises": view.error_rises,
        "disparity_steps": view.disparity_steps,
        "disparities": view.disparities,
        "path": np.array([point.theta for point in record.path]).reshape(len(record.path), -1),
        **{f"series_{name}": view[name] for name in SERIES},
        **{f"saved_{i}": point.theta for i, point in enumerate(record.saved)},
    }
    if not _is_named(record.data, record.config):
        arrays |= {"x": record.data.x, "y": record.data.y, "targets": record.data.targets}
    return arrays


def _about(record: RunRecord) -> dict[str, Any]:
    return {
        "kind": _KIND,
        "version": _VERSION,
        "start_settings": record.start_config.as_text(),
        "settings": record.config.as_text(),
        "lesson": record.config.lesson,
        "start_net": _net_as_table(record.start_net),
        "net": _net_as_table(record.net),
        "learning_rate": record.learning_rate,
        "data": _data_as_table(record),
        "events": [_event_as_table(step, event) for step, event in record.events],
        "jumps": [asdict(jump) for jump in record.history.jumps],
        "path": [(point.step, point.loss) for point in record.path],
        "stride": record.stride,
        "saved": [(point.label, point.step, point.loss) for point in record.saved],
    }


def _data_as_table(record: RunRecord) -> dict[str, Any]:
    data = record.data
    return {
        "name": data.name,
        "n_classes": data.n_classes,
        "image_shape": data.image_shape,
        "fingerprint": fingerprint(data),
        "is_inside": not _is_named(data, record.config),
    }


def _net_as_table(net: MLP) -> dict[str, Any]:
    return {
        "layer_sizes": net.layer_sizes,
        "activation": net.activation,
        "loss": net.loss_name,
        "skip": net.skip,
    }


def _event_as_table(step: int, event: SetLearningRate | Perturb) -> dict[str, Any]:
    if isinstance(event, Perturb):
        return {"step": step, "kick": event.name, "options": event.options}
    return {"step": step, "learning_rate": event.learning_rate}


def _is_named(data: Dataset, config: RunConfig) -> bool:
    """Whether the settings' name gives the very same data again, here and wherever it is known."""
    if config.data not in dataset_names() and not config.data.startswith("witness:"):
        return False
    try:
        return fingerprint(_named(config)) == fingerprint(data)
    except ValueError:
        return False


def _named(config: RunConfig) -> Dataset:
    data = load_dataset(config.data)
    return data if config.n_samples is None else data.first(config.n_samples)


def _trainer(about: dict[str, Any], arrays: Arrays, n_threads: int) -> Trainer:
    start_config = _config(about["start_settings"], about["lesson"])
    history = HistoryView.of(
        {name: arrays[f"series_{name}"] for name in SERIES},
        arrays["loss_rises"],
        arrays["error_rises"],
        [Jump(**jump) for jump in about["jumps"]],
        arrays["disparity_steps"],
        arrays["disparities"],
    )
    record = RunRecord(
        start_config=start_config,
        start_net=_net(about["start_net"]),
        start=arrays["start"],
        config=_config(about["settings"], about["lesson"]),
        net=_net(about["net"]),
        theta=arrays["theta"],
        data=_data(about["data"], arrays, start_config),
        learning_rate=about["learning_rate"],
        events=tuple(map(_event, about["events"])),
        history=history,
        path=tuple(
            Point("", int(step), _frozen(theta), float(loss))
            for (step, loss), theta in zip(about["path"], arrays["path"], strict=True)
        ),
        stride=int(about["stride"]),
        saved=tuple(
            Point(str(label), int(step), _frozen(arrays[f"saved_{i}"]), float(loss))
            for i, (label, step, loss) in enumerate(about["saved"])
        ),
    )
    return Trainer.from_record(record, n_threads)


def _config(texts: dict[str, str], lesson: str) -> RunConfig:
    return RunConfig(lesson=lesson).with_texts(texts)


def _net(table: dict[str, Any]) -> MLP:
    return MLP(table["layer_sizes"], table["activation"], table["loss"], table["skip"])


def _event(table: dict[str, Any]) -> tuple[int, SetLearningRate | Perturb]:
    if "kick" in table:
        return int(table["step"]), Perturb(table["kick"], table["options"])
    return int(table["step"]), SetLearningRate(table["learning_rate"])


def _data(table: dict[str, Any], arrays: Arrays, config: RunConfig) -> Dataset:
    if table["is_inside"]:
        shape = tuple(table["image_shape"]) if table["image_shape"] else None
        data = Dataset(arrays["x"], arrays["y"], table["name"], table["n_classes"], shape, arrays["targets"])
    else:
        data = _named(config)
    if fingerprint(data) != table["fingerprint"]:
        raise ValueError(f"the data set {config.data} is not the one that it was made with")
    return data.with_noise(config.noise, config.noise_seed) if config.noise else data


def _frozen(array: Any) -> Any:
    array.flags.writeable = False
    return array
