"""The claims about skip connections: the verdicts, and what becomes of them where an assumption is broken."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import engine
from engine.claims.skips import loss_surface_two_hidden, minima, pairs, theorem
from engine.config import RunConfig
from engine.datasets import Dataset
from engine.mlp import MLP

DEEP = {"hidden": (10,) * 20, "skip": tuple(range(1, 20)), "n_samples": 150}


def unmet(verdict):
    return [one.text for one in verdict.assumptions if not one.met]


# ------------------------------------------------------------------------------------- lemma-2-1


def test_the_lemma_holds_is_tight_and_asks_for_more_than_is_needed():
    verdict = engine.verify("lemma-2-1")
    assert verdict.is_as_expected and verdict.verdict == "holds"
    evidence, bound = verdict.evidence, np.log(2) / 100
    assert verdict.margin < 1e-8  # a mistake so near above the bound: it cannot be raised
    assert evidence["loss_there"] > 5 * bound  # and no mistake so far above it: it is not necessary
    wrong = [edge for edge in evidence["edges"] if edge["n_errors"]]
    assert len(wrong) == 4 and all(edge["loss"] > bound for edge in wrong)
    assert all(edge["loss"] < bound for edge in evidence["edges"] if not edge["n_errors"])


def test_a_bound_a_hair_higher_is_violated():
    verdict = engine.verify("lemma-2-1", factor=1.0001, n_steps=50)
    assert verdict.verdict == "violated"
    witness = verdict.witness
    assert witness.net.n_errors(witness.theta, witness.data) == 1
    assert witness.net.loss(witness.theta, witness.data) < 1.0001 * np.log(2) / 100


def test_the_lemma_is_not_applicable_to_another_loss():
    verdict = engine.verify("lemma-2-1", loss="quadratic", n_steps=50)
    assert verdict.verdict == "not_applicable" and len(unmet(verdict)) == 1
    edges = verdict.evidence["edges"]
    assert any(
        edge["n_errors"] and edge["loss"] < np.log(2) / 100 for edge in edges
    )  # it would be wrong there


def test_the_lemma_is_undecided_where_nothing_got_below_the_bound():
    assert engine.verify("lemma-2-1", factor=1e-12, n_steps=50).verdict == "undecided"


# ------------------------------------------------------------------------------------- full-rank-features


def test_features_have_full_rank_with_every_analytic_activation():
    verdict = engine.verify("full-rank-features")
    assert verdict.is_as_expected and verdict.verdict == "holds" and verdict.margin > 1e3
    assert [set(row["ranks"]) for row in verdict.evidence["draws"]] == [{100}] * 4
    relu, single, deep = verdict.evidence["elsewhere"]
    assert max(relu["ranks"]) < 100 and max(single["ranks"]) < 100
    assert deep["n_units"] == 200 and max(deep["ranks"]) < 100


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden": (90,), "skip": ()}, "(90, 100)"),
        ({"activations": ("relu",), "hidden": (100,), "skip": ()}, "(relu)"),
        ({"activations": ("identity",)}, "(identity)"),
        ({"contradiction": True}, "No two samples"),
        ({"init": "constant"}, "drawn from a density"),
    ],
)
def test_full_rank_is_not_applicable_where_an_assumption_fails(options, words):
    verdict = engine.verify("full-rank-features", n_draws=1, **options)
    assert verdict.verdict == "not_applicable"
    assert len(unmet(verdict)) == 1 and words in unmet(verdict)[0]
    assert all(max(row["ranks"]) < 100 for row in verdict.evidence["draws"])  # and it would be wrong there


def test_full_rank_is_undecided_where_numbers_cannot_tell():
    assert engine.verify("full-rank-features", dtype="float32", n_draws=2).verdict == "undecided"
    deep = engine.verify("full-rank-features", activations=("logistic",), n_draws=2, **DEEP)
    assert deep.verdict == "undecided" and unmet(deep) == []


# ------------------------------------------------------------------------------------- valley-path


def test_from_every_start_a_path_leads_down():
    verdict = engine.verify("valley-path")
    assert verdict.is_as_expected and verdict.verdict == "holds"
    walks = verdict.evidence["walks"]
    assert [walk["start"] for walk in walks] == ["random", "far", "wrong", "symmetric"]
    assert all(walk["loss"][1] <= 1e-9 and walk["n_errors"][1] == 0 for walk in walks)
    assert walks[1]["loss"][0] > 100 and walks[3]["stages"][:2] == ["gather", "free"]
    plain = verdict.evidence["without_skips"]
    assert plain["reason"] and plain["loss"][1] > 1e-3 and plain["n_errors"][1] > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"skip": ()}, "(40, 100)"),
        ({"contradiction": True}, "No two samples"),
        ({"activation": "relu", "starts": ("symmetric",)}, "(relu)"),
    ],
)
def test_the_path_is_not_applicable_where_an_assumption_fails(options, words):
    options = {"starts": ("random",)} | options
    verdict = engine.verify("valley-path", **options)
    assert verdict.verdict == "not_applicable" and words in unmet(verdict)[0]
    assert verdict.evidence["walks"][0]["reason"]


def test_the_path_is_undecided_where_float64_cannot_find_it():
    verdict = engine.verify("valley-path", starts=("random",), **DEEP)
    assert verdict.verdict == "undecided" and "have rank" in verdict.evidence["walks"][0]["reason"]


def test_an_unknown_start_is_refused():
    with pytest.raises(ValueError, match="starts must be one of random, far, wrong, symmetric"):
        engine.verify("valley-path", starts=("somewhere",))


# ------------------------------------------------------------------------------------- bad-valley


def test_a_bottleneck_has_bad_valleys():
    verdict = engine.verify("bad-valley")
    assert verdict.is_as_expected and verdict.verdict == "holds" and verdict.margin > 0.1
    rows = [row for row in verdict.evidence["minima"] if row["is_strict"]]
    turned = np.array(verdict.evidence["lowest_loss_by_angle_in_degrees"])
    valleys = turned[(turned < np.roll(turned, 1)) & (turned < np.roll(turned, -1))]
    assert np.allclose(sorted(valleys), sorted({round(row["loss"], 4) for row in rows}), atol=1e-3)
    assert all(row["n_flat"] == row["n_moves_that_change_nothing"] == 4 for row in rows)
    witness = verdict.witness
    run = engine.Trainer(witness.net, witness.data, witness.theta, witness.learning_rate)
    run.step(witness.n_steps)
    assert run.history["loss"][-1] == pytest.approx(rows[-1]["loss"], rel=1e-9)
    dead = verdict.evidence["dead_units"]
    assert dead["hidden_gradient_norm"] == 0.0
    assert dead["loss_after_training"] == pytest.approx(dead["label_entropy"], rel=1e-9)
    assert dead["largest_rise_on_the_way_out"] <= 1e-12 and dead["loss_at_the_end_of_the_walk"] <= 1e-9


def test_bad_valleys_on_digits_with_a_bottleneck_of_two():
    options = {"data": "digits", "n_samples": 500, "n_components": 4, "hidden": (2,), "n_starts": 6}
    verdict = engine.verify("bad-valley", **options)
    assert verdict.verdict == "holds"
    assert verdict.evidence["layer_sizes"] == [4, 2, 10]
    assert verdict.evidence["minima"][-1]["n_moves_that_change_nothing"] == 9


def test_without_a_bottleneck_no_bad_valley_is_found():
    verdict = engine.verify("bad-valley", hidden=(2,), n_starts=4)
    assert verdict.verdict == "undecided" and verdict.margin >= 0.0
    assert engine.verify("bad-valley", n_starts=1).verdict == "undecided"


def test_bad_valleys_are_not_applicable_with_enough_units():
    verdict = engine.verify("bad-valley", hidden=(6,), n_samples=6, n_starts=1)
    assert verdict.verdict == "not_applicable" and "(6, 6)" in unmet(verdict)[0]


def test_a_saddle_is_no_strict_minimum():
    data = engine.load_dataset("blobs")
    net = MLP((2, 1, 3), "identity")
    theta = np.zeros(net.n_params)
    saddle = minima.minimise(net, data, theta)  # the gradient of both weights is 0 there, and stays so
    assert saddle.gradient_norm < 1e-8 and not saddle.is_strict
    assert minima.minimise(net, data, net.init("glorot_normal", 0)).is_strict


# ------------------------------------------------------------------------------------- zero-error-continuum


def test_there_is_no_end_of_solutions():
    verdict = engine.verify("zero-error-continuum")
    assert verdict.is_as_expected and verdict.verdict == "holds" and verdict.margin > 0.0
    evidence = verdict.evidence
    assert evidence["n_null_dimensions"] == (120 - 100) * 10
    assert evidence["points_with_a_mistake"] == [0, 0, 0] and evidence["largest_change_along_them"] < 1e-9
    assert evidence["mistakes_beyond_the_ball"] >= 1  # so the radius is the largest there is


def test_the_continuum_is_not_applicable_to_contradictions_or_few_units():
    for options in ({"contradiction": True}, {"hidden": (20,), "skip": ()}):
        verdict = engine.verify("zero-error-continuum", **options)
        assert verdict.verdict == "not_applicable" and verdict.evidence["n_errors"] > 0


def test_the_continuum_is_undecided_where_no_solution_is_found():
    verdict = engine.verify("zero-error-continuum", activation="logistic", **DEEP)
    assert verdict.verdict == "undecided" and unmet(verdict) == []


# ------------------------------------------------------------------------------------- depth-150


def test_150_layers_need_skips():
    verdict = engine.verify("depth-150", cases=(("tanh", "lecun_normal", 0.02),), n_steps=80)
    assert verdict.verdict == "holds"
    [run] = verdict.evidence["runs"]
    entropy = verdict.evidence["label_entropy"]
    assert run["loss_and_errors_with_skips"][0] < entropy - 0.5
    assert run["loss_and_errors_without"][0] > entropy - 0.005


def test_three_layers_do_not_need_skips():
    verdict = engine.verify("depth-150", n_layers=3, cases=(("tanh", "lecun_normal", 0.02),), n_steps=80)
    assert verdict.verdict == "violated"


def test_depth_is_not_applicable_to_orthogonal_weights():
    verdict = engine.verify("depth-150", cases=(("tanh", "orthogonal", 0.02),), n_steps=60)
    assert verdict.verdict == "not_applicable"
    [run] = verdict.evidence["runs"]
    assert run["loss_and_errors_without"][0] < verdict.evidence["label_entropy"] - 0.02  # it learns


def test_depth_is_undecided_after_too_few_steps():
    cases = (("tanh", "lecun_normal", 0.02),)
    assert engine.verify("depth-150", cases=cases, n_steps=3).verdict == "undecided"


# ------------------------------------------------------------------------------------- loss-surface-two-hidden


def test_pictures_do_not_decide_for_every_activation():
    verdict = engine.verify("loss-surface-two-hidden")
    assert verdict.verdict == "undecided" and verdict.is_as_expected
    assert [len(rows) for rows in verdict.evidence["surfaces"].values()] == [8, 8, 8]
    signs = {name: np.sign(row) for name, row in verdict.evidence["bend_intervals"].items()}
    assert signs["tanh"].tolist() == [1, 1] and signs["logistic"].tolist() == [-1, 1]
    assert signs["softplus"].tolist() == [-1, 1]


def test_for_tanh_less_of_the_picture_bends_down_with_skips():
    verdict = engine.verify("loss-surface-two-hidden", activations=("tanh",))
    assert verdict.verdict == "holds" and verdict.margin > 0.0


def test_pictures_are_not_applicable_to_one_hidden_layer():
    verdict = engine.verify("loss-surface-two-hidden", hidden=(20,), activations=("tanh",), n_planes=2)
    assert verdict.verdict == "not_applicable"


def test_what_a_surface_looks_like():
    x, y = np.meshgrid(np.linspace(-3, 3, 31), np.linspace(-3, 3, 31))
    bowl, hill = 1 + x**2 + y**2, 20 - x**2 - y**2
    found = loss_surface_two_hidden.surface(bowl)
    assert (found.bent, found.n_valleys, found.lowest) == (0.0, 1, 1.0)
    assert loss_surface_two_hidden.surface(hill).bent == 1.0
    assert loss_surface_two_hidden.surface(hill).n_valleys == 4  # the corners
    two = loss_surface_two_hidden.surface(1 + (x**2 - 4) ** 2 + y**2)
    assert two.n_valleys == 2 and 0.1 < two.bent < 0.5


# ------------------------------------------------------------------------------------- random-features


def test_training_everything_generalises_better():
    verdict = engine.verify("random-features", widths=(64,))
    assert verdict.verdict == "holds"
    gain = verdict.evidence["gains"]["64"]
    assert 0.0 < gain["low"] < gain["mean"] < gain["high"] and gain["n_pairs"] == 5


def test_random_features_are_not_applicable_before_both_have_learned():
    verdict = engine.verify("random-features", widths=(64,), n_steps=5, n_seeds=2)
    assert verdict.verdict == "not_applicable"
    assert verdict.evidence["gain_over_all_widths"][0] < 0.0  # and it would be wrong there


def test_random_features_are_undecided_for_labels_without_meaning():
    options = {"widths": (64,), "shuffled": True, "n_samples": 40, "n_steps": 400, "n_seeds": 3}
    verdict = engine.verify("random-features", **options)
    assert verdict.verdict == "undecided" and unmet(verdict) == []


# ------------------------------------------------------------------------------------- the parts


def test_intervals_are_students():
    differences = [0.3, 1.2, -0.4, 2.0, 0.9]
    found = pairs.paired(differences)
    low, high = scipy.stats.ttest_1samp(differences, 0.0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high)) and found.n_pairs == 5
    assert found.sign == 0
    assert pairs.paired([1.0, 1.1, 0.9]).sign == 1 and pairs.paired([-1.0, -1.1, -0.9]).sign == -1


def test_assumptions_of_the_theorem_are_seen():
    config = RunConfig(n_samples=30, hidden=(20, 15), skip=(1,), activation=("tanh",))
    net, data = theorem.network_and_data(config)
    assert all(one.met for one in theorem.assumptions(net, data))
    _, torn = theorem.network_and_data(config, contradiction=True)
    assert [one.met for one in theorem.assumptions(net, torn)] == [True, True, False]
    assert np.array_equal(torn.x[0], torn.x[-1]) and torn.y[0] != torn.y[-1]
    few = MLP((64, 20, 9, 10), ("tanh", "relu"), skip=(1,))
    assert [one.met for one in theorem.assumptions(few, data)] == [False, False, True]


def test_wrong_labels_are_all_wrong():
    data = Dataset(np.eye(3), [0, 1, 2])
    assert theorem.mislabelled(data).y.tolist() == [1, 2, 0]
