"""Run files that somebody altered: each fault is one sentence, and none gets as far as the Trainer."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from engine.commands import GoTo, Reset, SavePoint, SetLearningRate
from engine.config import RunConfig
from engine.run_files import open_run, save_run
from engine.trainer import Trainer


@pytest.fixture
def path(tmp_path):
    """A run of 20 steps with a change, a kick and a saved point."""
    trainer = Trainer.from_config(RunConfig(data="xor", hidden=(3,), record_disparities=5))
    trainer.step(10)
    trainer.apply(SetLearningRate(0.3))
    trainer.perturb("noise", scale=1e-3, seed=1)
    trainer.apply(SavePoint("here"))
    trainer.step(10)
    save_run(tmp_path / "run.npz", trainer.record())
    return tmp_path / "run.npz"


def altered(path, change):
    """Apply change(about, arrays) to a run file."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(str(arrays["about"]))
    change(about, arrays)
    np.savez(path, **(arrays | {"about": np.array(json.dumps(about))}))


def put(*keys, value):
    """Return a change of one entry of the table."""

    def change(about, arrays):
        for key in keys[:-1]:
            about = about[key]
        about[keys[-1]] = value

    return change


def refill(name, value, kind=None):
    """Return a change of all numbers of an array."""

    def change(about, arrays):
        arrays[name] = np.full(arrays[name].shape, value, dtype=kind)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (refill("theta", np.nan), "theta must be a row of finite numbers"),
        (refill("start", np.inf), "start must be a row of finite numbers"),
        (refill("path", np.nan), "theta of a point must be a row of finite numbers"),
        (refill("saved_0", np.nan), "theta of a point must be a row of finite numbers"),
        (refill("series_loss", np.nan), "loss must be a row of finite numbers"),
        (refill("theta", 1j), "theta must hold numbers, not complex128"),
        (refill("theta", "one"), "theta must hold numbers, not <U3"),
        (refill("series_n_errors", 0.5), "series_n_errors must hold whole numbers, not float64"),
        (
            refill("disparity_steps", 99),
            "a step of disparity_steps must be a whole number from 0 to 20, not 99",
        ),
        (refill("theta", {"a": 1}, object), "theta is an array of Python objects, which is not read"),
        (lambda about, arrays: arrays.update(path=arrays["path"][:-1]), "path must hold a theta for each"),
        (put("jumps", 0, "step", value="x"), "a step of the jumps must be a whole number from 0 to 20"),
        (put("jumps", 0, "name", value=[]), "name of a jump must be one of noise"),
        (put("jumps", 0, "loss_before", value=None), "loss of a jump must be a finite number"),
        (
            put("jumps", 0, "n_errors_after", value=-1),
            "errors of a jump must be a whole number of at least 0",
        ),
        (put("events", 1, "kick", value="explode"), "kick must be one of noise"),
        (put("events", 1, "options", value=[1]), "options of the kick noise must be a table"),
        (put("events", 1, "options", value={"size": 1}), "an option of the kick noise must be one of scale"),
        (put("events", 0, "step", value=21), "a step of the events must be a whole number from 0 to 20"),
        (put("events", 0, "step", value=float("inf")), "cannot convert float infinity"),
        (put("path", 0, value=[5, 0.5]), "a step of the path must not come before"),
        (put("stride", value=0), "stride must be a whole number from 1"),
        (put("stride", value=10**30), "stride must be a whole number from 1"),
        (put("learning_rate", value=float("nan")), "learning_rate must be a finite number above 0"),
    ],
)
def test_what_cannot_be_is_told(path, change, reason):
    altered(path, change)
    with pytest.raises(ValueError, match=r"run\.npz cannot be opened as a run: ") as caught:
        open_run(path)
    assert reason in str(caught.value) and len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["", "[]", "1", "{", "[" * 100_000, '{"kind": "lossoscope run"}'])
def test_a_table_that_is_none_is_told(path, text):
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **(arrays | {"about": np.array(text)}))
    with pytest.raises(ValueError, match=r"run\.npz cannot be opened as a run: .*\.$"):
        open_run(path)


def test_any_altered_byte_is_told_or_harmless(path):
    good, order = path.read_bytes(), random.Random(3)
    loss = open_run(path).history["loss"].copy()
    n_told = 0
    for _ in range(150):
        raw = bytearray(good)
        raw[order.randrange(len(raw))] ^= 1 << order.randrange(8)
        path.write_bytes(raw)
        try:
            opened = open_run(path)
        except ValueError as error:
            assert len(str(error)) < 400 and len(str(error).splitlines()) == 1
            n_told += 1
        else:
            assert (opened.history["loss"] == loss).all()
    assert n_told > 100


def test_what_is_right_is_let_through(path):
    opened = open_run(path)
    opened.apply(GoTo(5))
    opened.apply(Reset())
    assert opened.step(3) == 3
