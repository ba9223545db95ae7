"""The ways that a person can choose: what they meet, against plain evaluations at the same points."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import engine
from engine.answers import final
from engine.curves import train_curve
from engine.paths.neuron_split import split
from engine.paths.permutation_walk import permutation_walk
from engine.paths.way_names import PERMUTED, WAY_NAMES
from engine.paths.ways import _MAKERS, Profile, Way, WayScene, iter_way, permuted_copy
from engine.snapshot import Point


def make_scene(hidden: int = 6, n_samples: int = 5, **changes: Any) -> WayScene:
    rng = np.random.default_rng(3)
    data = engine.Dataset(rng.normal(size=(n_samples, 3)), np.arange(n_samples) % 3)
    net = engine.MLP((3, hidden, 3), activation="tanh")
    first, second = (net.init("normal", seed=seed, scale=1.0) for seed in (1, 2))
    ends = (Point("start", 0, first, 0.0), Point("now", 9, second, 0.0))
    return dataclasses.replace(WayScene(net, data, second, 0.2, ends=ends), **changes)


def walk(name: str, scene: WayScene) -> Way:
    return final(iter_way(name, scene))


def test_every_name_has_a_way_and_every_way_a_name() -> None:
    assert _MAKERS.keys() == WAY_NAMES.keys()


@pytest.mark.parametrize("name", list(WAY_NAMES))
def test_shares_rise_to_one_and_only_the_last_answer_is_whole(name: str) -> None:
    answers = list(iter_way(name, make_scene()))
    shares = [share for share, _ in answers]
    assert shares == sorted(shares)
    assert 0.0 <= shares[0] <= shares[-1] == pytest.approx(1.0)
    ways = [way for _, way in answers if way is not None]
    assert [way.is_whole for way in ways] == [False] * (len(ways) - 1) + [True]
    for way in ways:
        n = len(way.along.at)
        assert n == len(way.along.loss) == len(way.along.n_errors) > 0
        assert (np.diff(way.along.at) >= 0.0).all()
        assert way.start <= way.along.at[0]
        assert way.along.at[-1] <= way.end
    assert (ways[-1].along.at[0], ways[-1].along.at[-1]) == (ways[-1].start, ways[-1].end)
    assert not ways[-1].along.loss.flags.writeable


def test_the_line_meets_what_is_there() -> None:
    scene = make_scene()
    way = walk("line", scene)
    first, second = (end.theta for end in scene.ends)
    for k in (0, 17, 100):
        theta = first + way.along.at[k] * (second - first)
        assert way.along.loss[k] == pytest.approx(scene.net.loss(theta, scene.data), rel=1e-12)
        assert way.along.n_errors[k] == scene.net.n_errors(theta, scene.data)
    assert way.straight is None


def test_a_matched_copy_is_the_same_point_and_its_line_is_level() -> None:
    scene = make_scene()
    now = scene.ends[1]
    copy = permuted_copy(scene.net, now)
    assert copy.label == PERMUTED
    assert scene.net.loss(copy.theta, scene.data) == pytest.approx(
        scene.net.loss(now.theta, scene.data), rel=1e-12
    )
    way = walk("matched", dataclasses.replace(scene, ends=(now, copy)))
    assert np.ptp(way.along.loss) < 1e-12
    assert way.straight is not None
    middle = scene.net.loss(0.5 * (now.theta + copy.theta), scene.data)
    assert way.straight.loss[50] == pytest.approx(middle, rel=1e-12)
    assert abs(middle - way.along.loss[50]) > 0.01
    assert "6 of them moved" in way.words


def test_the_curve_is_the_trained_one() -> None:
    scene = make_scene()
    way = walk("curve", scene)
    training = train_curve(
        scene.net, scene.data, scene.ends[0].theta, scene.ends[1].theta, learning_rate=scene.learning_rate
    )
    for k in (0, 50, 77):
        theta = training.curve.at(way.along.at[k])
        assert way.along.loss[k] == pytest.approx(scene.net.loss(theta, scene.data), rel=1e-12)
    assert f"{training.mean_loss[-1]:.4g}" in way.words
    assert way.straight is not None
    assert way.straight.loss[50] > way.along.loss[50]


def test_the_valley_leads_down_and_names_its_stages() -> None:
    scene = make_scene(hidden=6, n_samples=5)
    way = walk("valley", scene)
    assert way.along.loss[0] == pytest.approx(scene.net.loss(scene.theta, scene.data), rel=1e-12)
    assert way.along.loss[-1] < 1e-8
    assert (np.diff(way.along.loss) <= 1e-12).all()
    assert "none" in way.words
    assert way.stages[-1].name == "down the ray"
    assert way.straight is not None
    assert way.straight.at[-1] == way.end
    assert way.straight.loss[-1] == pytest.approx(way.along.loss[-1], rel=1e-6)


def test_a_valley_that_does_not_lead_down_says_why() -> None:
    way = walk("valley", make_scene(hidden=2, n_samples=9))
    assert "Only 2 units" in way.words
    assert way.stages[-1].name == "as far down as it goes"


def test_the_exchange_ends_where_the_units_have_changed_places() -> None:
    scene = make_scene(units=(1, 3))
    way = walk("exchange", scene)
    assert [stage.name for stage in way.stages] == ["together", "exchange", "apart"]
    assert way.along.loss[-1] == pytest.approx(way.along.loss[0], rel=1e-12)
    assert way.along.n_errors[0] == scene.net.n_errors(scene.theta, scene.data)
    between = (way.along.at >= 1.0) & (way.along.at <= 2.0)
    assert np.ptp(way.along.loss[between]) < 1e-9
    assert way.along.at[between][0] == 1.0
    assert way.straight is not None
    assert (way.straight.at[0], way.straight.at[-1]) == (0.0, 3.0)
    assert way.straight.loss[-1] == pytest.approx(way.along.loss[0], rel=1e-9)


def test_the_exchange_halves_a_rate_that_diverges() -> None:
    rng = np.random.default_rng(0)
    data = engine.Dataset(rng.normal(size=(8, 2)), np.zeros(8, dtype=np.int64), targets=rng.normal(size=8))
    net = engine.MLP((2, 3, 1), activation="identity", loss="squared")
    scene = WayScene(net, data, net.init("normal", seed=0, scale=1.0), 8.0)
    with pytest.raises(ValueError, match="learning_rate must be smaller than 8"):
        permutation_walk(net, data, scene.theta, learning_rate=8.0)
    way = walk("exchange", scene)
    [rate] = re.findall(r"\(rate ([\d.]+)\)", way.words)
    assert float(rate) in [8.0 / 2**k for k in range(1, 11)]
    assert way.along.loss[-1] == pytest.approx(way.along.loss[0], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("exchange", {"units": (1, 1)}, "second must be another unit"),
        ("exchange", {"units": (0, 99)}, "second must be a whole number from 0 to 5, not 99"),
        ("split", {"layer": 4}, "layer must be a whole number from 1 to 1, not 4"),
        ("line", {"ends": ()}, "needs two of them"),
    ],
)
def test_what_cannot_be_walked_is_refused_in_a_sentence(name: str, changes: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        walk(name, make_scene(**changes))


def test_two_ends_that_are_one_point_are_refused() -> None:
    scene = make_scene()
    with pytest.raises(ValueError, match="start and start are the same point"):
        walk("line", dataclasses.replace(scene, ends=(scene.ends[0], scene.ends[0])))
    bare = engine.MLP((3, 3))
    with pytest.raises(ValueError, match="at least two units that differ"):
        permuted_copy(bare, Point("now", 0, bare.init("normal", seed=0), 0.0))


def test_the_split_keeps_the_loss_and_finds_the_curvature() -> None:
    scene = make_scene(units=(2, 0))
    way = walk("split", scene)
    assert np.ptp(way.along.loss) < 1e-12
    assert way.lowest_curvature is not None
    assert way.gradient_norm is not None
    k = 12
    net, theta = split(scene.net, scene.theta, 1, 2, float(way.along.at[k]))
    found = engine.extreme_eigenpairs(net, scene.data, theta)
    assert way.lowest_curvature[k] == pytest.approx(found.smallest[0], rel=1e-6, abs=1e-9)
    assert way.gradient_norm[k] == pytest.approx(np.linalg.norm(net.gradient(theta, scene.data)), rel=1e-9)


@pytest.mark.parametrize(
    ("loss", "barrier"),
    [
        ([1.0, 3.0, 2.0], 1.0),
        ([1.0, 0.5, 2.0], 0.0),
        ([1.0, np.inf, 1.0], np.inf),
        ([1.0, np.nan, 1.0], np.inf),
    ],
)
def test_barrier_is_what_must_be_climbed_from_the_higher_end(loss: list[float], barrier: float) -> None:
    assert Profile(np.arange(3.0), np.array(loss), np.zeros(3, dtype=np.int64)).barrier == barrier


def test_the_names_come_without_the_kernels() -> None:
    code = "import sys, engine.paths.way_names; print('numba' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
