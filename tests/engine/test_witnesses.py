"""Witness files: read, written to the same bits, and refused with one sentence."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import engine
from engine.trainer import Trainer
from engine.witnesses import Witness, load_witness, witness_names, write_witness


def awkward():
    """A witness with every key, and with numbers and letters that are hard to write."""
    rng = np.random.default_rng(0)
    net = engine.MLP((2, 3, 3, 4), ("tanh", "leaky_relu"), skip=(1, 2))
    theta = rng.standard_normal(net.n_params) * 10.0 ** rng.integers(-300, 3, net.n_params)
    theta[:3] = -0.0, 5e-324, 0.1
    data = engine.Dataset(
        rng.standard_normal((5, 2)) / 3, [0, 1, 2, 2, 0], n_classes=4, targets=rng.random(5)
    )
    text = 'A "quoted" \\ text,\twith\nlines, η → 0 and \x7f.'
    return Witness("awkward", text, net, data, theta, 1 / 3, 7, batch_size=2, seed=11, train="hidden")


def assert_same(one, other):
    assert one.theta.tobytes() == other.theta.tobytes()
    assert one.data.x.tobytes() == other.data.x.tobytes()
    assert one.data.targets.tobytes() == other.data.targets.tobytes()
    assert (one.data.y.tolist(), one.data.n_classes) == (other.data.y.tolist(), other.data.n_classes)
    assert one.net == other.net
    for key in ("learning_rate", "n_steps", "batch_size", "seed", "train"):
        assert getattr(one, key) == getattr(other, key)
    assert " ".join(one.text.split()) == other.text


@pytest.mark.parametrize(
    "witness", [awkward(), *map(load_witness, witness_names())], ids=lambda one: one.name
)
def test_what_is_written_reads_back_to_the_same_bits(tmp_path, witness):
    write_witness(witness, tmp_path / f"{witness.name}.toml")
    assert [path.name for path in tmp_path.iterdir()] == [f"{witness.name}.toml"]
    assert_same(witness, load_witness(witness.name, tmp_path))


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "awkward.toml"
    write_witness(awkward(), path)
    before = path.read_bytes()
    spoilt = dataclasses.replace(awkward(), theta=np.full(awkward().net.n_params, np.nan))
    with pytest.raises(ValueError):
        write_witness(spoilt, path)
    assert path.read_bytes() == before
    with pytest.raises(OSError):
        write_witness(awkward(), tmp_path / "nowhere" / "x.toml")


@pytest.mark.parametrize("name", witness_names())
def test_the_window_runs_what_the_witness_says(name):
    witness = load_witness(name)
    mine, config = witness.trainer(), witness.config()
    run = Trainer.from_config(config)
    mine.step(3)
    run.step(3)
    assert mine.theta.tobytes() == run.theta.tobytes()
    assert config.with_texts(config.as_text()) == config


def test_another_rate_leaves_the_rest():
    witness = awkward()
    trainer = witness.trainer(0.25)
    assert trainer.learning_rate == 0.25 and trainer.theta.tobytes() == witness.theta.tobytes()
    assert (trainer.config.batch_size, trainer.config.train) == (2, "hidden")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('train = "hidden"', 'train = "none"', "train must be one of all, "),
        ("batch_size = 2", "batch_size = 6", "batch_size must be a whole number from 1 to 5, not 6"),
        ("seed = 11", "seed = -1", "seed must be a whole number of at least 0, not -1"),
        ("n_steps = 7", "", "n_steps is missing"),
        ("n_steps = 7", "n_steps = 7\nn_stops = 1", "a key must be one of text"),
    ],
)
def test_a_bad_file_gives_one_sentence(tmp_path, old, new, sentence):
    path = tmp_path / "awkward.toml"
    write_witness(awkward(), path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"^The witness file awkward\.toml cannot be used: {sentence}"):
        load_witness("awkward", tmp_path)
