"""Decision regions: what is said of each grid point is what the network says of that point alone."""

from __future__ import annotations

import numpy as np
import pytest

from engine import MLP, Dataset, RunConfig, Trainer
from engine.regions import COARSE, FINE, Regions, grid, iter_regions, say
from engine.snapshot import Snapshot

AREA = ((-1.5, 2.5), (-1.0, 1.5))


def snapshot_of(**settings: object) -> Snapshot:
    trainer = Trainer.from_config(RunConfig(**{"hidden": (6,), "activation": ("tanh",)} | settings))  # type: ignore[arg-type]
    trainer.step(40)
    return trainer.snapshot()


def last(snapshot: Snapshot, has_preview: bool = False) -> Regions:
    *_, (done, found) = iter_regions(snapshot, AREA, has_preview)
    assert done == 1.0
    return found


@pytest.mark.parametrize("data", ["moons", "blobs"])
def test_each_point_of_the_grid_is_what_the_network_says_of_it(data: str) -> None:
    snapshot = snapshot_of(data=data)
    regions = last(snapshot)
    n_rows, n_columns = regions.label.shape
    x, y = np.linspace(*AREA[0], n_columns), np.linspace(*AREA[1], n_rows)
    rng = np.random.default_rng(0)
    for row, column in zip(rng.integers(0, n_rows, 20), rng.integers(0, n_columns, 20), strict=True):
        logits = snapshot.net.logits(snapshot.theta, np.array([[x[column], y[row]]]))[0]
        p = np.exp(logits) / np.exp(logits).sum()
        assert regions.label[row, column] == logits.argmax()
        assert regions.certainty[row, column] == pytest.approx(p.max(), rel=1e-12)
        assert regions.lead[row, column] == pytest.approx(logits.max() - np.sort(logits)[-2], rel=1e-9)


@pytest.mark.parametrize("settings", [{"data": "moons"}, {"data": "xor", "loss": "squared", "hidden": (2,)}])
def test_the_wrong_samples_are_those_of_the_count(settings: dict[str, object]) -> None:
    snapshot = snapshot_of(**settings)
    assert (~last(snapshot).right).sum() == snapshot.n_errors


def test_shares_are_those_of_the_points() -> None:
    regions = last(snapshot_of(data="blobs"))
    assert regions.shares().tolist() == [(regions.label == k).mean() for k in range(3)]
    assert regions.shares().sum() == pytest.approx(1.0)


def test_one_output_is_read_at_a_half() -> None:
    net = MLP((2, 1), loss="squared")
    theta = np.array([1.0, 0.0, 0.0])  # f = the first input
    said = say(net, theta, np.array([[0.5, 0.0], [0.75, 0.0], [-3.0, 0.0], [9.0, 0.0]]))
    assert said.label.tolist() == [0, 1, 0, 1]
    assert said.certainty.tolist() == [0.5, 0.75, 1.0, 1.0]


def test_a_coarse_picture_comes_first_if_it_is_wanted() -> None:
    snapshot = snapshot_of(data="moons")
    pictures = [found for _, found in iter_regions(snapshot, AREA) if found is not None]
    assert [picture.label.shape[1] for picture in pictures] == [COARSE, FINE]
    assert [found is None for _, found in iter_regions(snapshot, AREA, has_preview=False)][-1] is False


@pytest.mark.parametrize(("area", "shape"), [(((0, 4), (0, 2)), (6, 11)), (((0, 1), (0, 1)), (11, 11))])
def test_the_cells_of_a_grid_are_square_and_its_edges_those_of_the_area(area, shape) -> None:  # type: ignore[no-untyped-def]
    points, found = grid(area, 11)
    assert found == shape
    assert points[0].tolist() == [area[0][0], area[1][0]]
    assert points[-1].tolist() == [area[0][1], area[1][1]]


def test_data_with_noise_has_rings_by_the_noisy_count() -> None:
    rng = np.random.default_rng(1)
    data = Dataset(rng.standard_normal((40, 2)), np.arange(40) % 2).with_noise(0.8, seed=3)
    net = MLP((2, 5, 2), "leaky_relu")
    snapshot = Trainer(net, data, net.init("normal", seed=1, scale=1.0), learning_rate=0.1).snapshot()
    regions = last(snapshot)
    assert (~regions.right).sum() == snapshot.n_errors
    assert snapshot.n_errors != net.n_errors(snapshot.theta, data.with_noise(0.0))
