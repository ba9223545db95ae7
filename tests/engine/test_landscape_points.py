"""Views that must compute before there is a plane, and views through points and their permuted copies."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

import engine
from engine.curves import curve_loss
from engine.landscape import VIEWS, Plane, Scene, Survey, iter_eigenpairs, iter_survey, share_of_path, shifted
from engine.landscape.directions import length
from engine.snapshot import Point

N_POINTS = 9


def make_data() -> engine.Dataset:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 3))
    return engine.Dataset(x, (x[:, 0] * x[:, 1] > 0).astype(int))


def make_scene(hidden: tuple[int, ...] = (5,), skip: tuple[int, ...] = (), seed: int = 0) -> Scene:
    data = make_data()
    net = engine.MLP((3, *hidden, 2), "tanh", skip=skip)
    thetas = [net.init("normal", seed=seed + k, scale=0.7) for k in range(3)]
    run = engine.Trainer(net, data, thetas[0], learning_rate=0.3)
    run.step(30)
    snapshot = run.snapshot()
    ends = [Point(label, 0, theta, 0.0) for label, theta in zip("abc", thetas, strict=True)]
    return Scene(
        net, snapshot.theta, snapshot.gradient, snapshot.path, tuple(ends), data=data, learning_rate=0.3
    )


def survey_of(name: str, scene: Scene) -> Survey:
    assert scene.data is not None
    *_, (share, survey) = iter_survey(scene.data, name, scene, N_POINTS)
    assert share == 1.0
    assert survey is not None
    return survey


@pytest.mark.parametrize("name", [name for name, kind in VIEWS.items() if kind.n_ends or kind.is_slow])
@pytest.mark.parametrize(("hidden", "skip"), [((5,), ()), ((4, 3), (1,)), ((4, 3, 4), (3, 1))])
def test_loss_and_errors_are_those_of_the_network(name, hidden, skip) -> None:
    scene = make_scene(hidden, skip)
    survey, net, data = survey_of(name, scene), scene.net, scene.data
    for i, j in ((0, 0), (3, 7), (8, 2)):
        theta = survey.view.plane.at(survey.plane.alphas[i], survey.plane.betas[j])
        assert survey.plane.loss[i, j] == pytest.approx(net.loss(theta, data), rel=1e-12)
        assert survey.plane.n_errors[i, j] == net.n_errors(theta, data)
    for label, a, b in survey.marks:
        theta = dict(survey.view.marks)[label]
        assert np.allclose(survey.view.plane.at(a, b), theta, atol=1e-12)
        assert survey.view.alphas[0] < a < survey.view.alphas[1]
        assert survey.view.betas[0] < b < survey.view.betas[1]


def test_hessian_axes_are_eigenvectors_and_point_downhill() -> None:
    scene = make_scene()
    view = VIEWS["hessian"].make(scene)
    dense = np.stack(
        [scene.net.hessian_vector(scene.theta, scene.data, v) for v in np.eye(scene.net.n_params)]
    )
    values = np.linalg.eigvalsh(dense)
    for vector, value in ((view.plane.d1, values[-1]), (view.plane.d2, values[0])):
        assert np.linalg.norm(dense @ vector - value * vector) < 1e-4 * values[-1]
        assert vector @ scene.gradient <= 0.0
    assert f"largest eigenvalue, {values[-1]:.4g}" in view.words
    assert f"smallest, {values[0]:.4g}" in view.words


def test_the_search_for_eigenvalues_tells_progress_and_stops_when_closed(monkeypatch) -> None:
    ended = threading.Event()

    def search_for_ever(net, data, theta, is_cancelled):
        while not is_cancelled():
            pass
        ended.set()
        raise InterruptedError

    monkeypatch.setattr("engine.curvature.extreme_eigenpairs", search_for_ever)
    scene = make_scene()
    search = iter_eigenpairs(scene.net, scene.data, scene.theta)
    shares = [next(search) for _ in range(3)]
    assert shares == sorted(shares)
    assert all(0.0 <= share < 1.0 for share in shares)
    assert shares[-1] > 0.0
    assert not ended.is_set()
    search.close()
    assert ended.is_set()


def test_errors_of_the_search_come_through() -> None:
    scene = make_scene()
    with pytest.raises(ValueError, match="k must be"):
        list(iter_eigenpairs(scene.net, scene.data, scene.theta, k=0))


def test_three_points_lie_in_the_plane() -> None:
    scene = make_scene()
    view = VIEWS["three_points"].make(scene)
    for point in scene.ends:
        assert view.plane.project(point.theta)[2] == pytest.approx(0.0, abs=1e-12)
    assert np.array_equal(view.plane.origin, scene.ends[0].theta)
    assert [label for label, _ in view.marks] == ["a", "b", "c"]


def test_three_points_on_a_line() -> None:
    scene = make_scene()
    a, b, _ = scene.ends
    middle = Point("m", 0, 0.5 * (a.theta + b.theta), 0.0)
    with pytest.raises(ValueError, match=r"^a, b and m lie on one line: choose another point.$"):
        VIEWS["three_points"].make(dataclasses.replace(scene, ends=(a, b, middle)))
    with pytest.raises(ValueError, match=r"^b and b are the same point"):
        VIEWS["three_points"].make(dataclasses.replace(scene, ends=(a, b, b)))


@pytest.mark.parametrize(("hidden", "skip"), [((5,), ()), ((4, 3), (2, 1))])
def test_a_matched_point_computes_the_same_and_is_nearer(hidden, skip) -> None:
    scene = make_scene(hidden, skip)
    first, second = scene.ends[0], scene.ends[1]
    noise = 0.1 * np.random.default_rng(3).standard_normal(scene.net.n_params)
    second = dataclasses.replace(second, theta=shifted(scene.net, first.theta + noise, 1))
    survey = survey_of("aligned", dataclasses.replace(scene, ends=(first, second)))
    matched = dict(survey.view.marks)["b, matched"]
    assert np.allclose(matched, first.theta + noise, atol=1e-12)
    assert scene.net.loss(matched, scene.data) == pytest.approx(scene.net.loss(second.theta, scene.data))
    assert f"({length(noise):.3g} away instead of" in survey.view.words
    assert survey.view.plane.project(second.theta)[2] == pytest.approx(0.0, abs=1e-12)


def test_matching_what_is_a_copy_or_needs_no_matching() -> None:
    scene = make_scene()
    first = scene.ends[0]
    copy = Point("copy", 0, shifted(scene.net, first.theta, 2), 0.0)
    with pytest.raises(ValueError, match="copy is a permuted copy of a: matched, they are the same point"):
        VIEWS["aligned"].make(dataclasses.replace(scene, ends=(first, copy)))
    near = Point("near", 0, first.theta + 1e-3, 0.0)
    view = VIEWS["aligned"].make(dataclasses.replace(scene, ends=(first, near)))
    assert "in the order nearest to a as they are" in view.words
    assert "random direction" in view.words


def test_permuted_copies_have_the_same_loss_and_lie_in_the_plane() -> None:
    scene = make_scene((4, 3), (1,))
    view = VIEWS["copies"].make(scene)
    losses = [scene.net.loss(theta, scene.data) for _, theta in view.marks]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-13)
    assert len({theta.tobytes() for _, theta in view.marks}) == 3
    for _, theta in view.marks:
        assert view.plane.project(theta)[2] == pytest.approx(0.0, abs=1e-12)


def test_two_units_have_one_copy_and_equal_units_none() -> None:
    scene = make_scene((2,))
    view = VIEWS["copies"].make(scene)
    assert [label for label, _ in view.marks] == ["a", "copy 1"]
    equal = Point("equal", 0, np.full(scene.net.n_params, 0.3), 0.0)
    with pytest.raises(ValueError, match="All units of a layer are equal at equal"):
        VIEWS["copies"].make(dataclasses.replace(scene, ends=(equal,)))
    with pytest.raises(ValueError, match="need a hidden layer with at least two units"):
        VIEWS["copies"].make(make_scene((1,)))
    with pytest.raises(ValueError, match="need a hidden layer with at least two units"):
        VIEWS["copies"].make(make_scene(()))


def test_a_curve_lies_in_its_plane_and_its_line_is_the_loss_along_it() -> None:
    scene = make_scene((4, 3), (1,))
    survey = survey_of("bezier", scene)
    curve = survey.view.curve
    assert curve is not None
    for t in (0.0, 0.2, 0.5, 1.0):
        assert survey.view.plane.project(curve.at(t))[2] == pytest.approx(0.0, abs=1e-12)
    along = curve_loss(scene.net, scene.data, curve, len(survey.line.alphas))
    assert np.array_equal(survey.line.loss, along.loss)
    assert np.array_equal(survey.line.n_errors, along.n_errors)
    assert survey.line.known.all()
    straight = curve_loss(
        scene.net, scene.data, dataclasses.replace(curve, control=(curve.start + curve.end) / 2)
    )
    assert along.loss.mean() < straight.loss.mean()
    assert [label for label, _, _ in survey.marks] == ["a", "b"]


def test_a_curve_is_trained_at_a_smaller_rate_where_the_runs_diverges() -> None:
    scene = dataclasses.replace(make_scene(), learning_rate=300.0)
    words = VIEWS["bezier"].make(scene).words
    before, after = (
        float(text.split()[0].rstrip(".")) for text in (words.split("from ")[2], words.split("line) to ")[1])
    )
    assert after < before


def test_slow_views_tell_progress_and_can_be_closed() -> None:
    scene = make_scene()
    answers = iter_survey(scene.data, "bezier", scene, N_POINTS)
    shares, surveys = zip(*(next(answers) for _ in range(20)), strict=True)
    assert shares == tuple(sorted(shares))
    assert shares[-1] > shares[0]
    assert set(surveys) == {None}
    answers.close()


def test_views_that_compute_need_data() -> None:
    without = dataclasses.replace(make_scene(), data=None)
    for name in ("hessian", "bezier"):
        with pytest.raises(ValueError, match=r"^data must be given"):
            VIEWS[name].make(without)


def test_share_of_a_path() -> None:
    plane = Plane(np.full(3, 7.0), np.array([1.0, 0.0, 0.0]), np.array([0.0, 2.0, 0.0]))
    points = [np.array(point, dtype=float) for point in ((3, 0, 1), (-3, 0, -1), (0, 4, 1), (0, -4, -1))]
    assert share_of_path(plane, points) == pytest.approx((9 + 9 + 16 + 16) / (50 + 4))
    assert np.isnan(share_of_path(plane, points[:1]))


def test_more_threads_give_the_same_survey() -> None:
    scene = make_scene()
    one, two = (
        [survey for _, survey in iter_survey(scene.data, "path", scene, N_POINTS, n_threads=n)][-1]
        for n in (1, 2)
    )
    assert np.array_equal(one.plane.loss, two.plane.loss)
