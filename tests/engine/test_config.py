"""RunConfig: every setting is checked when it is made, and reads back from its own text."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import (
    ACTIVATION_NAMES,
    ARITHMETICS,
    DTYPES,
    INIT_NAMES,
    LOSS_NAMES,
    TRAIN_NAMES,
    RunConfig,
    setting_names,
)

REALS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def configs(draw):
    hidden = draw(st.lists(st.integers(1, 300), max_size=4).map(tuple))
    n_names = draw(st.sampled_from(sorted({1, max(1, len(hidden))})))
    layers = st.lists(st.integers(1, max(1, len(hidden))), unique=True, max_size=len(hidden))
    return RunConfig(
        data=draw(st.sampled_from(["digits", "xor", "csv:some file.csv"])),
        n_samples=draw(st.none() | st.integers(1, 10**6)),
        hidden=hidden,
        activation=tuple(
            draw(st.lists(st.sampled_from(ACTIVATION_NAMES), min_size=n_names, max_size=n_names))
        ),
        loss=draw(st.sampled_from(LOSS_NAMES)),
        skip=tuple(draw(layers)),
        init=draw(st.sampled_from(INIT_NAMES)),
        init_value=draw(REALS),
        init_scale=draw(REALS.map(abs)),
        learning_rate=draw(st.floats(5e-324, 1e308)),
        batch_size=draw(st.none() | st.integers(1, 10**6)),
        seed=draw(st.integers(0, 2**64)),
        dtype=draw(st.sampled_from(DTYPES)),
        arithmetic=draw(st.sampled_from(ARITHMETICS)),
        train=draw(st.sampled_from(TRAIN_NAMES)),
        noise=draw(st.floats(0.0, 1e308)),
        noise_seed=draw(st.integers(0, 2**63 - 1)),
        record_disparities=draw(st.integers(0, 10**6)),
    )


@given(configs())
def test_settings_read_back_from_their_own_text(config):
    assert RunConfig().with_texts(config.as_text()) == config


def test_every_setting_but_the_lesson_can_be_set():
    fields = {field.name for field in dataclasses.fields(RunConfig)}
    assert set(setting_names()) == fields - {"lesson"}


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RunConfig().seed = 3


def test_with_text_changes_one_setting_and_leaves_the_original():
    config = RunConfig(lesson="exam")
    changed = config.with_text("hidden", " 64, 32 ")
    assert changed.hidden == (64, 32) and changed.lesson == "exam"
    assert config.hidden == (32,)
    assert changed.replace(hidden=(32,)) == config


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("n_samples", "all", None),
        ("batch_size", "", None),
        ("batch_size", "16", 16),
        ("hidden", "none", ()),
        ("skip", "", ()),
        ("activation", "tanh", ("tanh",)),
        ("learning_rate", "1e-3", 1e-3),
        ("seed", " 7 ", 7),
    ],
)
def test_text_is_read(key, text, value):
    assert getattr(RunConfig().with_text(key, text), key) == value


def test_settings_that_need_each_other_are_read_together_in_any_order():
    for keys in (("hidden", "activation", "skip"), ("skip", "activation", "hidden")):
        texts = {"hidden": "64,32", "activation": "tanh,relu", "skip": "2"}
        config = RunConfig().with_texts({key: texts[key] for key in keys})
        assert (config.hidden, config.activation, config.skip) == ((64, 32), ("tanh", "relu"), (2,))


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("width", "3", r"'width' is no setting; the settings are data, .*record_disparities\."),
        ("lesson", "exam", "'lesson' is no setting"),
        ("data", "", "data must name a data set"),
        ("n_samples", "0", "n_samples must be a whole number of at least 1, not 0"),
        ("n_samples", "few", "n_samples must be a whole number, not 'few'"),
        ("hidden", "32,0", "hidden must be a whole number of at least 1, not 0"),
        ("hidden", "32;3", "hidden must be whole numbers separated by commas, as 64,32, not '32;3'"),
        ("hidden", "32,", "hidden must be whole numbers separated by commas"),
        ("activation", "sigmoid", "activation must be one of identity, logistic, .*, not 'sigmoid'"),
        (
            "activation",
            "tanh,relu",
            r"activation must be one name or one per hidden layer \(1\), not 2 names",
        ),
        ("loss", "hinge", "loss must be one of cross_entropy, quadratic, squared, not 'hinge'"),
        ("skip", "2", "skip must be a whole number from 1 to 1, not 2"),
        ("skip", "1,1", "skip must name each hidden layer at most once"),
        ("init", "zeros", "init must be one of glorot_uniform, .*, not 'zeros'"),
        ("init_value", "inf", "init_value must be a finite number, not inf"),
        ("init_scale", "-1", r"init_scale must be a finite number of at least 0, not -1\.0"),
        ("learning_rate", "0", "learning_rate must be a finite number above 0"),
        ("learning_rate", "-0.5", "learning_rate must be a finite number above 0"),
        ("learning_rate", "nan", "learning_rate must be a finite number above 0, not nan"),
        ("learning_rate", "inf", "learning_rate must be a finite number above 0, not inf"),
        ("learning_rate", "fast", "learning_rate must be a number, not 'fast'"),
        ("batch_size", "-3", "batch_size must be a whole number of at least 1, not -3"),
        ("batch_size", "1.5", "batch_size must be a whole number, not '1.5'"),
        ("seed", "-1", "seed must be a whole number of at least 0, not -1"),
        ("dtype", "float16", "dtype must be one of float64, float32, not 'float16'"),
        ("arithmetic", "fast", "arithmetic must be one of ordered, blas, not 'fast'"),
    ],
)
def test_bad_text_gives_one_sentence_that_names_the_setting(key, text, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}") as caught:
        RunConfig().with_text(key, text)
    assert len(str(caught.value).splitlines()) == 1 and str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": "0.5"},
        {"learning_rate": True},
        {"seed": 1.0},
        {"hidden": (3.5,)},
        {"loss": 3},
        {"batch_size": "all"},
    ],
)
def test_a_value_of_the_wrong_kind_is_a_type_error(settings):
    with pytest.raises(TypeError, match=f"^{next(iter(settings))} must be"):
        RunConfig(**settings)


def test_numbers_are_kept_to_the_last_bit():
    config = RunConfig().with_text("learning_rate", repr(math.pi))
    assert config.as_text()["learning_rate"] == repr(math.pi)
