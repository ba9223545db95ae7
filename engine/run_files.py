"""Runs in files: settings, start, checkpoints, history, whatever was changed, and branches, in one NPZ file.

A file holds no pickles and no code. It is written whole or not at all, and what is opened goes on with the
same bits. Data that a name gives again is not in it, only its fingerprint; other data is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine import archives, checks
from engine.branches import Branch, Branches, check_numbers, with_partings
from engine.commands import Change, Perturb, SetArithmetic, SetBatches, SetLearningRate, check_name
from engine.config import RunConfig
from engine.datasets import Dataset, dataset_names, load_dataset
from engine.history import SERIES, HistoryView, Jump
from engine.mlp import MLP
from engine.outputs import replacing
from engine.run_checks import check_kinds, check_record
from engine.run_record import RunRecord
from engine.snapshot import Point
from engine.trainer import Trainer

_VERSION: Final = 1
_KIND: Final = "lossoscope run"
_WHOLE: Final = ("loss_rises", "error_rises", "disparity_steps", "series_n_errors")  # not floats
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
        with archives.opened(path) as file:
            arrays = {name: archives.array(file, name) for name in file.files}
        about = json.loads(str(arrays.pop("about")))
        if not isinstance(about, dict):
            raise ValueError("about must be a table")
        check_kinds(arrays, _WHOLE)
        if about.get("kind") != _KIND or about.get("version") != _VERSION:
            raise ValueError(f"it is of version {about.get('version')}, and this program reads {_VERSION}")
        return _trainer(about, arrays, n_threads)
    except (*archives.DAMAGE, AttributeError, IndexError, TypeError, ValueError) as error:
        is_missing = isinstance(error, KeyError) and error.args
        reason = f"{error.args[0]!r} is missing" if is_missing else archives.inner(error)
        raise ValueError(f"{path} cannot be opened as a run: {reason}.") from error


def fingerprint(data: Dataset) -> str:
    """Return the SHA-256 of inputs, labels and targets, as hexadecimal digits."""
    digest = hashlib.sha256()
    for array in (data.x, data.y, data.targets):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _arrays(record: RunRecord) -> dict[str, Any]:
    arrays = {"about": np.array(json.dumps(_about(record))), "start": record.start}
    arrays |= {f"saved_{i}": point.theta for i, point in enumerate(record.saved)}
    arrays |= _way_arrays(record)
    for prefix, way in _other_ways(record):
        arrays |= _way_arrays(way, prefix, record)
    if not _is_named(record.data, record.config):
        arrays |= {"x": record.data.x, "y": record.data.y, "targets": record.data.targets}
    return arrays


def _other_ways(record: RunRecord) -> list[tuple[str, RunRecord]]:
    """Return the records beside a run's own, each with what its arrays' names begin with."""
    ways = [(f"branch{branch.number}_", branch.record) for branch in record.branches.kept]
    return ways if record.ahead is None else [*ways, ("ahead_", record.ahead)]


def _way_arrays(way: RunRecord, prefix: str = "", of: RunRecord | None = None) -> dict[str, Any]:
    """Return the arrays of one way of a run; of another than the run's own only what that does not hold."""
    view, n_shared = way.history, _n_shared(way, of)
    own = [point.theta for point, row in zip(way.path, _rows(way, of), strict=True) if row < 0]
    arrays = {
        "theta": way.theta,
        "loss_rises": view.loss_rises,
        "error_rises": view.error_rises,
        "disparity_steps": view.disparity_steps,
        "disparities": view.disparities,
        "path": np.array(own).reshape(len(own), way.theta.size),
        **{f"series_{name}": view[name][n_shared:] for name in SERIES},
    }
    return {f"{prefix}{name}": array for name, array in arrays.items()}


def _n_shared(way: RunRecord, of: RunRecord | None) -> int:
    """Return how many first entries of the history of another way are those of the run's own, to the bit."""
    if of is None:
        return 0
    n = min(way.history.n_entries, of.history.n_entries)
    differing = [np.flatnonzero(way.history[name][:n] != of.history[name][:n]) for name in SERIES]
    return min([n, *(int(found[0]) for found in differing if len(found))])


def _rows(way: RunRecord, of: RunRecord | None) -> list[int]:
    """Return for each checkpoint the row that holds it among those of the run's own way, or -1."""
    rows = {} if of is None else {id(point): row for row, point in enumerate(of.path)}
    return [rows.get(id(point), -1) for point in way.path]


def _about(record: RunRecord) -> dict[str, Any]:
    return {
        "kind": _KIND,
        "version": _VERSION,
        "start_settings": record.start_config.as_text(),
        "lesson": record.config.lesson,
        "start_net": _net_as_table(record.start_net),
        "data": _data_as_table(record),
        "saved": [(point.label, point.step, point.loss) for point in record.saved],
        **_way_table(record),
        "branch": [record.branches.number, record.branches.name, record.branches.is_named],
        "branches": [
            {
                "number": branch.number,
                "name": branch.name,
                "is_by_hand": branch.is_by_hand,
                "is_named": branch.is_named,
                **_way_table(branch.record, record),
            }
            for branch in record.branches.kept
        ],
        "ahead": None if record.ahead is None else _way_table(record.ahead, record),
    }


def _way_table(way: RunRecord, of: RunRecord | None = None) -> dict[str, Any]:
    return {
        "settings": way.config.as_text(),
        "net": _net_as_table(way.net),
        "learning_rate": way.learning_rate,
        "events": [_event_as_table(step, event) for step, event in way.events],
        "jumps": [asdict(jump) for jump in way.history.jumps],
        "path": [(point.step, point.loss) for point in way.path],
        "stride": way.stride,
        "rows": _rows(way, of),
        "n_shared": _n_shared(way, of),
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


def _event_as_table(step: int, event: Change) -> dict[str, Any]:
    match event:
        case Perturb(name, options):
            return {"step": step, "kick": name, "options": options}
        case SetLearningRate(learning_rate):
            return {"step": step, "learning_rate": learning_rate}
        case SetBatches(batch_size, seed):
            return {"step": step, "batch_size": batch_size, "seed": seed}
        case SetArithmetic(arithmetic):
            return {"step": step, "arithmetic": arithmetic}


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
    start_net = _net(about["start_net"])
    record = RunRecord(
        start_config=start_config,
        start_net=start_net,
        start=arrays["start"],
        data=_data(about["data"], arrays, start_config),
        saved=tuple(
            Point(str(label), int(step), _frozen(arrays[f"saved_{i}"]), float(loss))
            for i, (label, step, loss) in enumerate(about["saved"])
        ),
        **_way(about, arrays, start_net, about["lesson"]),
    )
    if about.get("ahead") is not None:
        record = replace(record, ahead=_other_way(about["ahead"], arrays, "ahead_", record))
    if about.get("branches"):
        record = replace(record, branches=_branches(about, arrays, record))
    check_record(record)
    return Trainer.from_record(record, n_threads)


def _branches(about: dict[str, Any], arrays: Arrays, record: RunRecord) -> Branches:
    for named in (*about["branches"], {"name": about["branch"][1]}):
        check_name(named["name"])
    kept = [
        Branch(
            table["number"],
            table["name"],
            _other_way(table, arrays, f"branch{table['number']}_", record),
            0,
            table["is_by_hand"],
            table["is_named"],
        )
        for table in about["branches"]
    ]
    number, name, is_named = about["branch"]
    check_numbers([number, *(branch.number for branch in kept)])
    return replace(
        Branches(with_partings(tuple(kept)), number, name, True).seen_from(record.events),
        is_named=bool(is_named),
    )


def _other_way(table: dict[str, Any], arrays: Arrays, prefix: str, record: RunRecord) -> RunRecord:
    bare = replace(record, ahead=None, branches=Branches())
    way = replace(bare, **_way(table, arrays, record.start_net, record.config.lesson, prefix, record))
    checks.vector(f"{prefix}theta", way.theta, way.net.n_params)
    return way


def _way(
    table: dict[str, Any],
    arrays: Arrays,
    start_net: MLP,
    lesson: str,
    prefix: str = "",
    of: RunRecord | None = None,
) -> dict[str, Any]:
    """Return the fields of a RunRecord that another way of the run has of its own."""
    net = _net(table["net"])
    return {
        "config": _config(table["settings"], lesson),
        "net": start_net if net == start_net else net,
        "theta": arrays[f"{prefix}theta"],
        "learning_rate": table["learning_rate"],
        "events": tuple(map(_event, table["events"])),
        "history": _history(table, arrays, prefix, of),
        "path": _path(table, arrays[f"{prefix}path"], of),
        "stride": int(table["stride"]),
    }


def _history(table: dict[str, Any], arrays: Arrays, prefix: str, of: RunRecord | None) -> HistoryView:
    series = {name: arrays[f"{prefix}series_{name}"] for name in SERIES}
    if of is not None:
        n = checks.whole_number("n_shared", table["n_shared"], 0, of.history.n_entries)
        series = {name: np.concatenate((of.history[name][:n], own)) for name, own in series.items()}
    return HistoryView.of(
        series,
        arrays[f"{prefix}loss_rises"],
        arrays[f"{prefix}error_rises"],
        [Jump(**jump) for jump in table["jumps"]],
        arrays[f"{prefix}disparity_steps"],
        arrays[f"{prefix}disparities"],
    )


def _path(table: dict[str, Any], thetas: Any, of: RunRecord | None) -> tuple[Point, ...]:
    """Return the checkpoints of a way; those that the run's own way has, too, are the same objects."""
    own, points = iter(thetas), []
    rows = table.get("rows", [-1] * len(thetas))
    if sum(row < 0 for row in rows) != len(thetas):
        raise ValueError("path must hold a theta for each of its checkpoints")
    for (step, loss), row in zip(table["path"], rows, strict=True):
        if row >= 0 and of is not None:
            points.append(of.path[row])
        else:
            points.append(Point("", int(step), _frozen(next(own).copy()), float(loss)))
    return tuple(points)


def _config(texts: dict[str, str], lesson: str) -> RunConfig:
    return RunConfig(lesson=lesson).with_texts(texts)


def _net(table: dict[str, Any]) -> MLP:
    return MLP(table["layer_sizes"], table["activation"], table["loss"], table["skip"])


def _event(table: dict[str, Any]) -> tuple[int, Change]:
    step = int(table["step"])
    if "kick" in table:
        return step, Perturb(table["kick"], table["options"])
    if "batch_size" in table:
        return step, SetBatches(table["batch_size"], table["seed"])
    if "arithmetic" in table:
        return step, SetArithmetic(table["arithmetic"])
    return step, SetLearningRate(table["learning_rate"])


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
