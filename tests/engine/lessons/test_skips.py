"""The lessons on skip connections: that each shows what its text promises."""

from __future__ import annotations

import math
from functools import cache
from itertools import combinations

import numpy as np
import pytest

import engine
from engine.bounds import error_ceiling
from engine.claims.skips import bad_valley
from engine.claims.skips.loss_surface_two_hidden import surface
from engine.claims.skips.minima import minimise
from engine.landscape import VIEWS, Scene
from engine.lessons import load_lesson
from engine.mlp import MLP
from engine.rank import features, numerical_rank
from engine.trainer import Trainer


@cache
def trained(lesson_id, n_steps=None, **changes):
    lesson = load_lesson(lesson_id)
    trainer = Trainer.from_config(lesson.config.replace(**changes))
    trainer.step(lesson.n_steps if n_steps is None else n_steps)
    return trainer


def first_without_mistakes(trainer):
    return int(np.flatnonzero(trainer.history["n_errors"] == 0)[0])


# ------------------------------------------------------------------------------------- zero-mistakes


def test_the_last_mistake_goes_long_before_the_lemma_says_so():
    trainer, bound = trained("zero-mistakes"), math.log(2) / 100
    loss = trainer.history["loss"]
    assert round(bound, 4) == 0.0069
    assert first_without_mistakes(trainer) == 42
    assert round(loss[42], 3) == 0.065 and round(loss[42] / bound) == 9
    assert np.flatnonzero(loss < bound)[0] == 231


# ------------------------------------------------------------------------------------- lemma-edge


def test_at_the_edge_the_mistake_goes_where_the_lemma_says():
    trainer, bound = trained("lemma-edge"), math.log(2) / 4
    loss, n_errors = trainer.history["loss"], trainer.history["n_errors"]
    assert error_ceiling(loss, 4).tolist() == n_errors.tolist()
    assert round(bound, 4) == 0.1733 and round(1.1 * bound, 4) == 0.1906
    assert n_errors.tolist() == [1] * 8 + [0] * 13
    assert (round(loss[7], 4), round(loss[8], 4), round(loss[5], 4)) == (0.1752, 0.1689, 0.1887)
    assert np.flatnonzero((loss < 1.1 * bound) & (n_errors > 0)).tolist() == [5, 6, 7]
    p_true = math.exp(
        -trainer.net.per_example_loss(Trainer.from_config(trainer.config).theta, trainer.data)[3]
    )
    assert p_true == pytest.approx(0.4)


# ------------------------------------------------------------------------------------- units-enough


def test_random_units_are_enough_when_there_are_as_many_as_images():
    trainer = trained("units-enough")
    assert first_without_mistakes(trainer) == 237
    start = Trainer.from_config(trainer.config).theta
    hidden = ~trainer.net.trained("output")
    assert np.array_equal(start[hidden], trainer.theta[hidden])
    assert numerical_rank(features(trainer.net, trainer.data, trainer.theta)).rank == 100


def test_twenty_random_units_are_not_enough():
    trainer = trained("units-enough", hidden=(20,))
    assert trainer.history["n_errors"][-1] == 1
    assert trainer.history["n_errors"].min() == 1
    assert trainer.n_steps >= 8 * 237  # "in eight times as many steps"


# ------------------------------------------------------------------------------------- down-from-anywhere


def test_from_a_bad_start_it_falls_on_every_step():
    trainer = trained("down-from-anywhere")
    assert round(trainer.history["loss"][0]) == 107
    assert trainer.history.view().loss_rises.tolist() == []
    assert first_without_mistakes(trainer) == 1292
    assert features(trainer.net, trainer.data, trainer.theta).shape == (100, 120)


def test_from_a_bad_start_without_skips_mistakes_are_left():
    trainer = trained("down-from-anywhere", skip=())
    assert trainer.history["n_errors"][-1] == 5
    assert features(trainer.net, trainer.data, trainer.theta).shape == (100, 40)


# ------------------------------------------------------------------------------------- three-clouds


def test_three_clouds_have_three_ends():
    ends = [trained("three-clouds", seed=seed).history for seed in (0, 1, 2)]
    assert [round(end["loss"][-1], 4) for end in ends] == [0.1438, 0.1426, 0.0822]
    assert [end["n_errors"][-1] for end in ends] == [11, 10, 7]
    others = [trained("three-clouds", seed=seed).history["loss"][-1] for seed in range(3, 10)]
    assert {round(loss, 4) for loss in others} <= {0.1438, 0.1426, 0.0822}


def test_between_any_two_of_the_three_the_loss_climbs():
    data, net = engine.load_dataset("blobs"), MLP((2, 1, 3), "identity")
    turned = np.array([*bad_valley.lowest_by_angle(data)])
    ends = [minimise(net, data, trained("three-clouds", seed=seed).theta) for seed in (0, 1, 2)]
    for one, other in combinations(ends, 2):
        low, high = (net.layers(end.theta)[0][0][:, 0] for end in (one, other))
        assert bad_valley.barrier(data, turned, low, high) > 0.46


# ------------------------------------------------------------------------------------- dead-units


def test_dead_units_learn_how_often_each_digit_occurs():
    trainer = trained("dead-units")
    assert round(trainer.history["loss"][-1], 4) == 2.2925 == round(bad_valley.label_entropy(trainer.data), 4)
    assert trainer.history["n_errors"][-1] == 88
    gradient = trainer.net.gradient(trainer.theta, trainer.data)
    assert np.all(gradient[~trainer.net.trained("output")] == 0.0)


def test_a_unit_that_is_reset_lets_the_loss_fall():
    trainer = Trainer.from_config(load_lesson("dead-units").config)
    trainer.step(200)
    before = trainer.net.loss(trainer.theta, trainer.data)
    trainer.perturb("reset_unit", seed=0)
    trainer.step(20)
    assert trainer.net.loss(trainer.theta, trainer.data) < before - 0.05


# ------------------------------------------------------------------------------------- depth-150


def test_150_layers_learn_with_skips():
    trainer = trained("depth-150")
    loss = trainer.history["loss"]
    assert trainer.net.layer_sizes == (64, *(10,) * 150, 10) and trainer.net.skip == tuple(range(1, 151))
    assert trainer.history["n_errors"][-1] == 7
    assert (round(loss[0], 2), round(loss[1], 2)) == (2.98, 7.75)
    rises = np.flatnonzero(np.diff(loss) > 0) + 1
    assert rises[0] == 1 and 55 <= rises[-1] <= 65  # "after some 60 steps no step raises the loss any more"


def test_150_layers_do_not_learn_without():
    trainer = trained("depth-150", skip=())
    assert trainer.history["n_errors"][-1] == 179
    assert round(trainer.history["loss"][-1], 2) == 2.30 == round(bad_valley.label_entropy(trainer.data), 2)


def test_150_layers_learn_slowly_without_skips_from_orthogonal_weights():
    trainer = trained("depth-150", skip=(), init="orthogonal")
    assert round(trainer.history["loss"][-1], 2) == 1.70


# ------------------------------------------------------------------------------------- surface


@pytest.mark.parametrize("skip", [(1,), ()])
def test_the_surface_shows_one_valley(skip):
    trainer = trained("surface", skip=skip)
    gradient = trainer.net.gradient(trainer.theta, trainer.data)
    view = VIEWS["filter_normalised"].make(Scene(trainer.net, trainer.theta, gradient))
    grids = (np.linspace(*span, 21) for span in (view.alphas, view.betas))
    plane = view.plane
    found = engine.plane_slice(trainer.net, trainer.data, plane.origin, plane.d1, plane.d2, *grids)
    assert surface(found.loss).n_valleys == 1


def test_the_surface_is_lower_with_skips():
    losses = [trained("surface", skip=skip).history["loss"][-1] for skip in ((1,), ())]
    assert [round(loss, 3) for loss in losses] == [0.053, 0.070]


# ------------------------------------------------------------------------------------- random-features


def test_random_features_learn_by_heart_and_do_worse_on_new_digits():
    alone, whole = trained("random-features"), trained("random-features", 400, train="all")
    assert (first_without_mistakes(alone), first_without_mistakes(whole)) == (2737, 200)
    assert alone.history["n_errors"][-1] == whole.history["n_errors"][-1] == 0
    everything = engine.load_dataset("digits")
    others = everything.subset(np.arange(300, everything.n_samples))
    assert others.n_samples == 1497
    assert [run.net.n_errors(run.theta, others) for run in (alone, whole)] == [229, 201]


def test_random_features_do_worse_on_average_and_less_so_with_more_units():
    gains = engine.verify("random-features", widths=(64, 192)).evidence["gains"]
    assert [gains["64"]["n_pairs"], round(gains["64"]["mean"])] == [5, 3]
    assert 0.0 < gains["192"]["mean"] < gains["64"]["mean"]
