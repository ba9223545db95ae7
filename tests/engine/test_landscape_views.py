"""The views that a person can choose, and the survey that computes them."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

import engine
from engine.landscape import VIEWS, Scene, Survey, iter_survey
from engine.landscape.directions import length
from engine.snapshot import Point


@pytest.fixture
def trainer() -> engine.Trainer:
    config = engine.RunConfig(data="digits", n_samples=30, hidden=(4,), learning_rate=0.3)
    trainer = engine.Trainer.from_config(config)
    trainer.step(10)
    return trainer


@pytest.fixture
def scene(trainer: engine.Trainer) -> Scene:
    snapshot = trainer.snapshot()
    steps = {"early": 2, "later": 7, "first": 0}
    ends = tuple(dataclasses.replace(snapshot.path[k], label=label) for label, k in steps.items())
    return Scene(
        snapshot.net,
        snapshot.theta,
        snapshot.gradient,
        snapshot.path,
        ends,
        data=trainer.data,
        learning_rate=0.3,
    )


def names(*but: str) -> list[str]:
    return [name for name in VIEWS if name not in but]


@pytest.mark.parametrize("name", names("filter_normalised"))
def test_directions_are_orthonormal(scene: Scene, name: str) -> None:
    plane = VIEWS[name].make(scene).plane
    gram = [plane.d1 @ plane.d1, plane.d2 @ plane.d2, plane.d1 @ plane.d2]
    assert gram == pytest.approx([1, 1, 0], abs=1e-9)


@pytest.mark.parametrize("name", [name for name, kind in VIEWS.items() if not kind.n_ends])
def test_the_present_point_is_at_0_and_in_sight(scene: Scene, name: str) -> None:
    view = VIEWS[name].make(scene)
    assert np.array_equal(view.plane.origin, scene.theta)
    assert view.alphas[0] < 0 < view.alphas[1]
    assert view.betas[0] < 0 < view.betas[1]


@pytest.mark.parametrize("name", ["path", "start_now", "gradient_path"])
def test_the_whole_path_is_in_sight(scene: Scene, name: str) -> None:
    view = VIEWS[name].make(scene)
    for point in scene.path:
        a, b, _ = view.plane.project(point.theta)
        assert view.alphas[0] < a < view.alphas[1]
        assert view.betas[0] < b < view.betas[1]


@pytest.mark.parametrize("name", ["gradient_random", "gradient_path"])
def test_the_gradient_lies_in_its_planes(scene: Scene, name: str) -> None:
    plane = VIEWS[name].make(scene).plane
    assert plane.share_of(scene.gradient) == pytest.approx(1.0)
    assert plane.d1 @ scene.gradient == pytest.approx(-length(scene.gradient))


def test_start_and_now_lie_on_the_line(scene: Scene) -> None:
    plane = VIEWS["start_now"].make(scene).plane
    a, b, distance = plane.project(scene.path[0].theta)
    assert a == pytest.approx(-length(scene.theta - scene.path[0].theta))
    assert (b, distance) == (pytest.approx(0.0, abs=1e-12), pytest.approx(0.0, abs=1e-12))


def test_the_path_is_nearest_to_its_own_plane(scene: Scene) -> None:
    def spread(name: str) -> float:
        plane = VIEWS[name].make(scene).plane
        return sum(plane.project(point.theta)[2] ** 2 for point in scene.path)

    assert spread("path") < spread("gradient_path") < spread("random")


def test_the_path_points_to_the_right_and_bends_up(scene: Scene) -> None:
    plane = VIEWS["path"].make(scene).plane
    across = [plane.project(point.theta)[0] for point in scene.path]
    up = [plane.project(point.theta)[1] for point in scene.path]
    assert across[0] < 0
    assert np.mean([0.0, *up]) >= up[0] - 1e-12


def test_between_two_points(scene: Scene) -> None:
    view = VIEWS["between"].make(scene)
    first, second, _ = scene.ends
    gap = length(second.theta - first.theta)
    assert view.plane.project(second.theta) == (
        pytest.approx(gap),
        pytest.approx(0.0, abs=1e-12),
        pytest.approx(0.0, abs=1e-12),
    )
    assert view.alphas == (pytest.approx(-gap / 2), pytest.approx(1.5 * gap))
    assert view.plane.project(scene.theta)[2] == pytest.approx(0.0, abs=1e-9)
    assert "later" in view.words


def test_zoom(scene: Scene) -> None:
    for kind in VIEWS.values():
        usual, wide = kind.make(scene), kind.make(dataclasses.replace(scene, zoom=2.0))
        assert np.ptp(wide.alphas) == pytest.approx(2 * np.ptp(usual.alphas))


def test_the_seed_decides_random_directions(scene: Scene) -> None:
    def d2(seed: int) -> np.ndarray:
        return VIEWS["random"].make(dataclasses.replace(scene, seed=seed)).plane.d2

    assert np.array_equal(d2(0), d2(0))
    assert not np.array_equal(d2(0), d2(1))


def at_start(scene: Scene) -> Scene:
    return dataclasses.replace(scene, theta=scene.path[0].theta, path=scene.path[:1], ends=())


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("start_now", "take a step first"),
        ("gradient_path", "take some steps first"),
        ("between", "Save two points"),
        ("three_points", "Save two points"),
        ("bezier", "Save two points"),
    ],
)
def test_what_cannot_be_shown_yet(scene: Scene, name: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        VIEWS[name].make(at_start(scene))


def test_along_the_path_before_there_is_one(scene: Scene) -> None:
    view = VIEWS["path"].make(at_start(scene))
    assert view.words.startswith("No path to look along yet.")
    without = dataclasses.replace(at_start(scene), gradient=np.zeros_like(scene.gradient))
    assert VIEWS["path"].make(without).x_label == "random direction 1"


def test_gradient_of_0(scene: Scene) -> None:
    with pytest.raises(ValueError, match="gradient is 0"):
        VIEWS["gradient_random"].make(dataclasses.replace(scene, gradient=np.zeros_like(scene.gradient)))


def test_same_ends(scene: Scene) -> None:
    ends = tuple(Point(label, 0, scene.theta, 0.0) for label in ("a", "b"))
    with pytest.raises(ValueError, match="a and b are the same point"):
        VIEWS["between"].make(dataclasses.replace(scene, ends=ends))


def test_a_straight_path_has_a_plane_too(scene: Scene) -> None:
    straight = tuple(Point("", k, scene.theta + (k - 3) * scene.gradient, 0.0) for k in range(3))
    view = VIEWS["start_now"].make(dataclasses.replace(scene, path=straight))
    assert view.plane.project(straight[0].theta)[0] == pytest.approx(-3 * length(scene.gradient))


def test_survey_comes_coarse_first_and_agrees_with_the_network(trainer: engine.Trainer, scene: Scene) -> None:
    surveys: list[Survey] = []
    shares = []
    for share, survey in iter_survey(trainer.data, "path", scene, n_points=17):
        surveys.append(survey)
        shares.append(share)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert not surveys[0].plane.known.any()
    line_done = next(k for k, survey in enumerate(surveys) if survey.line.known.all())
    assert 0 < surveys[line_done].plane.known.sum() < 17 * 17
    last = surveys[-1]
    assert last.plane.known.all()
    theta = last.view.plane.at(last.plane.alphas[3], last.plane.betas[5])
    assert last.plane.loss[3, 5] == pytest.approx(trainer.net.loss(theta, trainer.data), rel=1e-12)
    theta = last.view.plane.at(last.line.alphas[20], 0.0)
    assert last.line.loss[20] == pytest.approx(trainer.net.loss(theta, trainer.data), rel=1e-12)
    assert last.gradient_share == last.view.plane.share_of(scene.gradient)
    assert last.walked[scene.path[3]] == last.view.plane.project(scene.path[3].theta)


def test_a_survey_is_another_object_only_where_there_is_something_new_to_draw(
    trainer: engine.Trainer, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.landscape.slices._YIELD_S", 0.0)
    monkeypatch.setattr("engine.landscape.sampler._CALL_S", 0.0)
    surveys = [survey for _, survey in iter_survey(trainer.data, "path", scene, n_points=9)]
    pairs = list(pairwise(surveys))
    assert all((a is b) == (a.plane is b.plane and a.line is b.line) for a, b in pairs)
    assert sum(a is b for a, b in pairs) > 10 and len({id(survey) for survey in surveys}) > 3


def test_along_a_path_that_is_straight_it_is_said_to_be_so(scene: Scene) -> None:
    straight = tuple(Point("", k, scene.theta + (3 - k) * scene.gradient, 0.0) for k in range(3))
    view = VIEWS["path"].make(dataclasses.replace(scene, path=straight))
    assert "a straight line so far" in view.words and view.x_label == "along the path"
    assert all(view.plane.project(point.theta)[2] < 1e-12 for point in straight)
    assert view.plane.project(straight[0].theta)[0] == pytest.approx(-3 * length(scene.gradient))


def test_the_line_goes_through_the_present_point_itself(trainer: engine.Trainer, scene: Scene) -> None:
    *_, (_, survey) = iter_survey(trainer.data, "path", scene, 5)
    assert survey.line.loss[survey.line.alphas == 0.0] == pytest.approx(
        trainer.history["loss"][-1], rel=1e-12
    )
