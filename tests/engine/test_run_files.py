"""Run files: what is opened goes on with the same bits, and whatever is wrong is one sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.commands import GoTo, SavePoint, SetLearningRate
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.mlp import MLP
from engine.run_files import open_run, save_run
from engine.snapshot import State
from engine.trainer import Trainer

CONFIGS = [
    RunConfig(data="blobs", hidden=(5,), learning_rate=0.5),
    RunConfig(data="blobs", hidden=(5, 3), batch_size=32, n_samples=150, skip=(1,), seed=4),
    RunConfig(data="moons", hidden=(4,), noise=0.3, record_disparities=5, train="output"),
    RunConfig(data="sine", hidden=(3,), activation=("tanh",), loss="squared", learning_rate=0.05),
]


def walked(config: RunConfig) -> Trainer:
    """Return a run with a change of the rate, a kick and a saved point."""
    trainer = Trainer.from_config(config)
    trainer.step(20)
    trainer.apply(SetLearningRate(0.25))
    trainer.step(10)
    trainer.perturb("noise", scale=0.01, seed=3)
    trainer.apply(SavePoint("here"))
    trainer.step(13)
    return trainer


def same(one: Trainer, other: Trainer) -> None:
    """Assert that two runs have the same bits in all that a reader can see."""
    a, b = one.snapshot(), other.snapshot()
    assert a.config == b.config and a.net == b.net and a.learning_rate == b.learning_rate
    assert (a.theta == b.theta).all() and (a.gradient == b.gradient).all()
    for name in ("loss", "n_errors", "gradient_norm", "symmetry_spread"):
        assert (a.history[name] == b.history[name]).all()
    assert (a.history.loss_rises == b.history.loss_rises).all()
    assert (a.history.error_rises == b.history.error_rises).all()
    assert (a.history.disparity_steps == b.history.disparity_steps).all()
    assert a.history.jumps == b.history.jumps
    for mine, theirs in ((a.path, b.path), (a.saved, b.saved)):
        assert [(p.label, p.step, p.loss) for p in mine] == [(p.label, p.step, p.loss) for p in theirs]
        assert all((p.theta == q.theta).all() for p, q in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.data)
def test_what_is_opened_is_the_same_and_goes_on_with_the_same_bits(tmp_path, config):
    trainer = walked(config)
    save_run(tmp_path / "run.npz", trainer.record())
    opened = open_run(tmp_path / "run.npz")
    assert opened.state is State.PAUSED
    same(trainer, opened)
    for run in (trainer, opened):
        run.step(40)
    same(trainer, opened)
    for run in (trainer, opened):
        run.apply(GoTo(25))
    same(trainer, opened)


def test_a_run_after_a_duplicated_unit_is_kept(tmp_path):
    trainer = walked(CONFIGS[0])
    trainer.perturb("duplicate", layer=1, unit=0)
    trainer.step(5)
    save_run(tmp_path / "run.npz", trainer.record())
    opened = open_run(tmp_path / "run.npz")
    same(trainer, opened)
    opened.apply(GoTo(20))
    assert opened.net.layer_sizes == (2, 5, 3)


def test_own_data_is_in_the_file(tmp_path):
    data = Dataset([[0.0, 1.0], [1.0, 0.5], [2.0, 2.0]], [0, 1, 2], "three points")
    net = MLP((2, 3, 3))
    trainer = Trainer(net, data, net.init("glorot_uniform", seed=0))
    trainer.step(3)
    save_run(tmp_path / "run.npz", trainer.record())
    opened = open_run(tmp_path / "run.npz")
    assert opened.data.name == "three points"
    same(trainer, opened)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    save_run(path, walked(CONFIGS[0]).record())
    before = path.read_bytes()

    def fail(*args, **arrays):
        raise OSError("the disk is full")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="full"):
        save_run(path, walked(CONFIGS[3]).record())
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]


def changed(path, **changes):
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(str(arrays["about"])) | changes.pop("about", {})
    arrays = {name: array for name, array in (arrays | changes).items() if array is not None}
    np.savez(path, **(arrays | {"about": np.array(json.dumps(about))}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"about": {"version": 99}}, "it is of version 99, and this program reads 1"),
        ({"about": {"kind": "a picture"}}, "version"),
        ({"theta": None}, "'theta' is missing"),
        ({"theta": np.zeros(3)}, "theta must have shape"),
        ({"series_loss": np.zeros(3)}, "series must hold .*, all of one length"),
        ({"about": {"events": [{"step": 1, "learning_rate": -1}]}}, "learning_rate must be"),
        (
            {"about": {"net": {"layer_sizes": [2, 0, 3], "activation": [], "loss": "x", "skip": []}}},
            "layer_sizes",
        ),
        ({"about": {"data": {"is_inside": False, "fingerprint": "00"}}}, "the data set blobs is not the one"),
    ],
)
def test_a_damaged_file_gives_one_sentence(tmp_path, changes, reason):
    path = tmp_path / "run.npz"
    save_run(path, walked(CONFIGS[0]).record())
    changed(path, **changes)
    with pytest.raises(ValueError, match=rf"run\.npz cannot be opened as a run: .*{reason}") as caught:
        open_run(path)
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_no_run_file_is_told(tmp_path):
    for name, content in (("a.npz", b"PK\x03\x04 cut"), ("b.npz", b"text"), ("c.npz", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="cannot be opened as a run"):
            open_run(tmp_path / name)
    np.savez(tmp_path / "d.npz", about=np.array([{"pickled": 1}], dtype=object))
    with pytest.raises(ValueError, match="cannot be opened as a run"):
        open_run(tmp_path / "d.npz")
    with pytest.raises(OSError):
        open_run(tmp_path / "missing.npz")
