"""The chronicle of a run agrees with its history, and one sample's standing with plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine import MLP, Dataset, RunConfig, Trainer
from engine.activity import activity
from engine.chronicle import MOST_MOMENTS, Chronicle, iter_chronicle, moments, n_moments, present, standing
from engine.snapshot import Point, Snapshot


def trainer_of(**settings: Any) -> Trainer:
    settings = {"data": "digits", "n_samples": 80, "hidden": (5,), "learning_rate": 1.0} | settings
    return Trainer.from_config(RunConfig(**settings))


def whole(snapshot: Snapshot, chosen: tuple[Point, ...] | None = None, known: Any = None) -> Chronicle:
    *_, (done, found) = iter_chronicle(snapshot, chosen or moments(snapshot), known or {})
    assert done == 1.0
    return found


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 16},
        {"arithmetic": "blas"},
        {"dtype": "float32"},
        {"loss": "squared", "data": "xor"},
    ],
)
def test_the_errors_of_each_moment_are_those_of_the_history(settings: dict[str, Any]) -> None:
    if settings.get("data") == "xor":
        settings["n_samples"] = None
    trainer = trainer_of(**settings)
    trainer.step(300)
    snapshot = trainer.snapshot()
    chronicle = whole(snapshot)
    steps = [point.step for point in chronicle.moments]
    assert chronicle.n_errors.tolist() == snapshot.history["n_errors"][steps].tolist()
    assert steps[0] == 0 and steps[-1] == 300
    assert len(steps) <= MOST_MOMENTS + 16


def test_both_sides_of_a_rise_are_among_the_moments() -> None:
    trainer = trainer_of(learning_rate=3.0)
    trainer.step(400)
    snapshot = trainer.snapshot()
    steps = {point.step for point in moments(snapshot)}
    rises = snapshot.history.error_rises[-3:].tolist()
    assert rises, "this run must have a rise"
    assert all({rise - 1, rise} <= steps for rise in rises)


def test_what_is_known_is_not_evaluated_again() -> None:
    trainer = trainer_of()
    trainer.step(20)
    snapshot = trainer.snapshot()
    chosen = moments(snapshot)
    answers = np.zeros((len(chosen), 80), dtype=np.bool_)
    known = dict(zip(chosen, answers, strict=True))
    assert not whole(snapshot, chosen, known).right.any()
    assert len(list(iter_chronicle(snapshot, chosen, known))) == 1


def test_the_order_has_those_that_were_lost_first() -> None:
    right = np.array([[1, 1, 0, 0, 1], [1, 0, 0, 1, 0], [1, 1, 0, 1, 1], [1, 0, 0, 1, 1]], dtype=np.bool_)
    points = tuple(Point("", k, np.zeros(1), 0.0) for k in range(4))
    chronicle = Chronicle(points, right)
    assert chronicle.n_lost.tolist() == [0, 2, 0, 0, 1]
    assert chronicle.n_flips.tolist() == [0, 3, 0, 1, 2]
    assert chronicle.order().tolist() == [1, 4, 3, 2, 0]
    assert chronicle.flip_moments(1).tolist() == [1, 2, 3]
    assert chronicle.n_errors.tolist() == [2, 3, 1, 2]


def test_the_present_is_the_checkpoint_where_they_are_the_same() -> None:
    trainer = trainer_of()
    trainer.step(4)
    snapshot = trainer.snapshot()
    assert present(snapshot) is snapshot.path[-1]
    trainer.perturb("noise", scale=0.1, seed=0)
    trainer.step(1)
    assert np.array_equal(present(trainer.snapshot()).theta, trainer.theta)


@pytest.mark.parametrize("loss", ["cross_entropy", "quadratic", "squared"])
def test_a_standing_is_what_plain_numpy_says(loss: str) -> None:
    trainer = trainer_of(loss=loss)
    trainer.step(10)
    snapshot = trainer.snapshot()
    net, data, theta = snapshot.net, snapshot.data, snapshot.theta
    outputs = activity(net, theta, data.x).outputs
    for sample in range(0, 80, 13):
        found, z, y = standing(net, theta, data, sample), outputs[sample], int(data.y[sample])
        if loss == "squared":
            f = float(z[0])
            assert found.loss == pytest.approx(0.5 * (f - data.targets[sample]) ** 2)
            assert found.margin == pytest.approx(f - 0.5 if y > 0 else 0.5 - f)
            continue
        p = np.exp(z) / np.exp(z).sum()
        expected = -np.log(p[y]) if loss == "cross_entropy" else 0.5 * ((p - np.eye(10)[y]) ** 2).sum()
        assert found.outputs == pytest.approx(p)
        assert found.loss == pytest.approx(expected)
        assert found.margin == pytest.approx(z[y] - np.delete(z, y).max())


def test_a_large_network_on_many_samples_has_fewer_moments() -> None:
    small = Dataset(np.zeros((10, 2)), np.arange(10) % 2)
    large = Dataset(np.zeros((20_000, 784)), np.arange(20_000) % 10)
    assert n_moments(MLP((2, 3, 2)), small) == MOST_MOMENTS
    assert n_moments(MLP((784, 100, 10)), large) < MOST_MOMENTS
